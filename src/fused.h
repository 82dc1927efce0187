/* The fused multiply-add of plain C: x * y + z rounded once, to nearest even. Other targets have it as an instruction.
 *
 * C's fma and fmaf are just that by their definition, but not in every C library: some round twice, or forget subnormal
 * results. Where the compiler makes them an instruction they are used as they are, inline, so that loops of them become
 * vectors. Elsewhere they are calls, and go through two pointers: to own functions, which are right everywhere, until
 * gf_choose_fma has tried those of the C library and found them right. It writes the pointers, so it is called before
 * any kernel is at work: at import. */
#ifndef GF_FUSED_H
#define GF_FUSED_H

#include <math.h>

/* gcc says it by two macros of its own; clang by its CPU, on those that always have the instruction. */
#if (defined(__FP_FAST_FMA) && defined(__FP_FAST_FMAF)) || defined(__FMA__) ||                                         \
    (defined(__clang__) && (defined(__aarch64__) || defined(__s390x__) || defined(__powerpc64__) ||                    \
                            (defined(__riscv_flen) && __riscv_flen >= 64)))
#define GF_FMA_INLINE 1
#else
#define GF_FMA_INLINE 0
#endif

#if GF_FMA_INLINE
static inline double gf_fma(double x, double y, double z) { return fma(x, y, z); }
static inline float gf_fmaf(float x, float y, float z) { return fmaf(x, y, z); }
#else
extern double (*gf_fma)(double x, double y, double z);
extern float (*gf_fmaf)(float x, float y, float z);
#endif

typedef enum { GF_FMA_INSTRUCTION, GF_FMA_LIBRARY, GF_FMA_OWN } gf_fma_kind;

/* Takes the C library's functions where they are right and `own` is 0, else the own ones; returns what is then in use,
 * and GF_FMA_OWN if one of the two is own. */
gf_fma_kind gf_choose_fma(int own);

/* For tests: the own functions, and whether one is right in the cases that gf_choose_fma tries. */
double gf_own_fma(double x, double y, double z);
float gf_own_fmaf(float x, float y, float z);
int gf_fma_is_right(double (*f)(double x, double y, double z));
int gf_fmaf_is_right(float (*f)(float x, float y, float z));

#endif
