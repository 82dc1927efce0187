/* What every SIMD vocabulary file needs: function attributes, the C headers, integers of 64 bits; and what all files
 * demand of the compiler. No vector type lives here. */
#ifndef GF_SIMD_COMMON_H
#define GF_SIMD_COMMON_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* The bits of a result are those of operations in float and double, each rounded to its type: FLT_EVAL_METHOD is 0 where
 * that is so. */
#if FLT_EVAL_METHOD != 0
#error "float is computed in a wider type: 32-bit x86 needs -msse2 -mfpmath=sse, s390x -fexcess-precision=fast"
#endif
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(_M_FP_FAST)
#error "compile without -ffast-math, -Ofast or /fp:fast: NaN, infinities and the order of operations matter here"
#endif

/* Vector code is only as good as its inlining. Plain C is left to the compiler: all of it inlined takes gcc minutes. */
#if defined(_MSC_VER) && !defined(__clang__)
#define GF_INLINE static __forceinline
#define GF_COLD static __declspec(noinline)
#define GF_APART static __declspec(noinline)
#else
#ifdef GF_SCALAR
#define GF_INLINE static inline __attribute__((unused))
#else
#define GF_INLINE static inline __attribute__((always_inline, unused))
#endif
#define GF_COLD static __attribute__((noinline, cold, unused))
#define GF_APART static __attribute__((noinline, unused)) /* hot, with a frame that its caller should not have */
#endif

/* A condition that is as good as never true: what follows it stands out of the way. */
#if defined(_MSC_VER) && !defined(__clang__)
#define GF_SELDOM(condition) (condition)
#else
#define GF_SELDOM(condition) __builtin_expect(!!(condition), 0)
#endif

/* Has memory brought near that will be read soon. */
#if defined(_MSC_VER) && !defined(__clang__)
#define GF_PREFETCH(p) ((void)(p))
#else
#define GF_PREFETCH(p) __builtin_prefetch(p)
#endif

/* Number of the lowest bit that is set; bits != 0. */
GF_INLINE unsigned gf_lowest_bit(uint64_t bits) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long i;
#if defined(_WIN64)
    _BitScanForward64(&i, bits);
#else
    if (_BitScanForward(&i, (unsigned long)bits))
        return i;
    _BitScanForward(&i, (unsigned long)(bits >> 32));
    i += 32;
#endif
    return i;
#else
    return (unsigned)__builtin_ctzll(bits);
#endif
}

/* How many bits are set. */
GF_INLINE unsigned gf_count_bits(uint64_t bits) {
    bits -= bits >> 1 & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
    return (unsigned)(((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
}

/* The high 64 bits of a product of 128. */
GF_INLINE uint64_t gf_multiply_high(uint64_t a, uint64_t b, uint64_t *low) {
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    uint64_t middle = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10;
    *low = middle << 32 | (uint32_t)p00;
    return p11 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
}

#endif
