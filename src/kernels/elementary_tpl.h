/* Template: logarithm and exponential by vector, in float and in double. tables.py derives the reductions and finds
 * the coefficients of tables.h. No sampling lives here.
 *
 * Tried and slower on AVX-512: one long polynomial without a table (5 more terms in float, 12 more in double), the
 * division of the atanh form (as slow as those 12 terms), eight bins for the double logarithm (2 more terms). */
#include "kernels/real_tpl.h"
#include "kernels/tables.h"

GF_INLINE vec_t NAME(polynomial)(const real_t *coefficient, int degree, vec_t r) {
    vec_t sum = V(set)(coefficient[degree]);
    for (int i = degree - 1; i >= 0; i--)
        sum = V(fma)(sum, r, V(set)(coefficient[i]));
    return sum;
}

#define MOST_VECTORS 4 /* in an array given to a function */

#if REAL == 32
enum { LOG_Q_DEGREE_F32 = 3, EXP_P_DEGREE_F32 = 4 };
#define LOG_BIN_BITS_F32 3
#define LOG_K_ONE_F32 0x4b000000u /* the float 2^23, whose last bit is worth 1 */
#define LOG_K_BIAS_F32 (0x1p23f + 128)
#define LOG_T_BIAS_F32 (128u << 23)
#define LOG_EXPONENT_F32 0xff800000u
#else
enum { LOG_Q_DEGREE_F64 = 7, EXP_P_DEGREE_F64 = 5 };
#define LOG_BIN_BITS_F64 4
#define LOG_K_ONE_F64 0x4330000000000000u /* the double 2^52 */
#define LOG_K_BIAS_F64 (0x1p52 + 1024)
#define LOG_T_BIAS_F64 ((uint64_t)1024 << 52)
#define LOG_EXPONENT_F64 0xfff0000000000000u
#endif

/* How y splits into 2^k and a bin: k, c 2^-k and log c. */
typedef struct {
    vec_t k, c, log_c;
} NAME(log_bin);

GF_INLINE NAME(log_bin) NAME(log_bin_of)(vec_t y) {
    const table_t c = V(table)(NAME(gf_log_c)), log_c = V(table)(NAME(gf_log_log_c));
    /* t = k 2^MANTISSA_BITS + the bin in the next bits + the rest */
    bits_t t = I(sub)(V(as_bits)(y), I(set)(CONSTANT(GF_LOG_OFFSET)));
    bits_t index = I(shift_right)(t, MANTISSA_BITS - CONSTANT(LOG_BIN_BITS));
    bits_t biased = I(shift_right)(I(add)(t, I(set)(CONSTANT(LOG_T_BIAS))), MANTISSA_BITS);
    NAME(log_bin) b;
    b.k = V(sub)(V(from_bits)(I(or)(biased, I(set)(CONSTANT(LOG_K_ONE)))), V(set)(CONSTANT(LOG_K_BIAS)));
    b.c = V(from_bits)(I(sub)(V(as_bits)(V(lookup)(c, index)), I(and)(t, I(set)(CONSTANT(LOG_EXPONENT)))));
    b.log_c = V(lookup)(log_c, index);
    return b;
}

/* r becomes log c - k log 2 - log1p(r). */
GF_INLINE void NAME(neg_log_of)(const NAME(log_bin) * b, vec_t *r, int count) {
    vec_t q[MOST_VECTORS];
    for (int k = 0; k < count; k++)
        q[k] = V(set)(NAME(gf_log_q)[CONSTANT(LOG_Q_DEGREE)]);
    for (int i = CONSTANT(LOG_Q_DEGREE) - 1; i >= 0; i--)
        for (int k = 0; k < count; k++)
            q[k] = V(fma)(q[k], r[k], V(set)(NAME(gf_log_q)[i]));
    /* log c + r (r Q - 1): one rounding at the size of the sum */
    for (int k = 0; k < count; k++)
        r[k] = V(fma)(r[k], V(fma)(r[k], q[k], V(set)(-1)), b[k].log_c);
    for (int k = 0; k < count; k++) {
#if REAL == 64
        r[k] = f64_fnma(b[k].k, f64_set(GF_LN2_LOW_F64), r[k]); /* a third of a unit in the last place */
#endif
        r[k] = V(fnma)(b[k].k, V(set)(CONSTANT(GF_LN2)), r[k]);
    }
}

/* The functions on arrays go through their vectors stage by stage: their chains of dependent operations, about 15 long,
 * then overlap in the order the code is written in, which neither compiler nor processor reaches alone (noise by
 * AVX-512: 1.5 times as fast as one vector after the other). */

/* -log y for 2^-120 < y < 2^120 (double: 2^-1000, 2^1000). */
GF_INLINE void NAME(neg_log_each)(vec_t *y, int count) {
    NAME(log_bin) b[MOST_VECTORS];
    for (int k = 0; k < count; k++)
        b[k] = NAME(log_bin_of)(y[k]);
    for (int k = 0; k < count; k++)
        y[k] = V(fma)(y[k], b[k].c, V(set)(-1));
    NAME(neg_log_of)(b, y, count);
}

GF_INLINE vec_t NAME(neg_log)(vec_t y) {
    NAME(neg_log_each)(&y, 1);
    return y;
}

/* For 0 < h <= 1/2: -log h where `direct`, elsewhere -log(1 - h) with full relative precision. There 1 - h is rounded
 * only to find the bin: r = (1 - h) c - 1 = (c - 1) - h c, and c - 1 is exact. */
GF_INLINE void NAME(neg_log_half_each)(const mask_t *direct, vec_t *h, int count) {
    const vec_t one = V(set)(1);
    NAME(log_bin) b[MOST_VECTORS];
    for (int k = 0; k < count; k++)
        b[k] = NAME(log_bin_of)(V(select)(direct[k], h[k], V(sub)(one, h[k])));
    for (int k = 0; k < count; k++) {
        vec_t factor = V(select)(direct[k], h[k], V(sub)(V(set)(0), h[k]));
        vec_t constant = V(select)(direct[k], V(set)(-1), V(sub)(b[k].c, one));
        h[k] = V(fma)(factor, b[k].c, constant);
    }
    NAME(neg_log_of)(b, h, count);
}

GF_INLINE vec_t NAME(neg_log_half)(mask_t direct, vec_t h) {
    NAME(neg_log_half_each)(&direct, &h, 1);
    return h;
}

/* exp x = 2^n power (1 + p), where n is an integer and power 2^(j/16) (double) or 1 (float). */
typedef struct {
    vec_t n, r, p;
#if REAL == 64
    u64x8 j;
    vec_t r_low;
#endif
} NAME(exp_parts);

/* For x from EXP_LOWEST up to where exp overflows; a NaN passes through. */
#if REAL == 32
#define EXP_LOWEST_F32 (-104.0f)
#define EXP_SHIFT_F32 0x1.8p23f
#else
#define EXP_LOWEST_F64 (-746.0)
#define EXP_HIGHEST_F64 0x1.62e42fefa39efp9 /* the last whose exponential is finite */
#define EXP_SHIFT_F64 0x1.8p52
#endif

GF_INLINE NAME(exp_parts) NAME(exp_split)(vec_t x) {
    const vec_t shift = V(set)(CONSTANT(EXP_SHIFT));
    NAME(exp_parts) e;
    vec_t shifted = V(fma)(x, V(set)(CONSTANT(GF_EXP_PER_UNIT)), shift);
    vec_t n = V(sub)(shifted, shift);
    vec_t high = V(fnma)(n, V(set)(CONSTANT(GF_EXP_UNIT_HIGH)), x);
    e.r = V(fnma)(n, V(set)(CONSTANT(GF_EXP_UNIT_LOW)), high);
#if REAL == 32
    e.n = n;
#else
    /* n counts sixteenths: its last four bits are j, the rest the exponent. */
    e.j = V(as_bits)(shifted);
    e.n = V(mul)(V(sub)(V(from_bits)(I(and)(e.j, I(set)(~(uint64_t)15))), shift), V(set)(0x1p-4));
    e.r_low = V(fnma)(n, V(set)(CONSTANT(GF_EXP_UNIT_LOW)), V(sub)(high, e.r));
#endif
    e.p = V(mul)(V(mul)(e.r, e.r), NAME(polynomial)(NAME(gf_exp_p), CONSTANT(EXP_P_DEGREE), e.r));
    return e;
}

/* exp x for x <= 0; 0 below EXP_LOWEST, NaN for NaN. */
GF_INLINE vec_t NAME(exp_below)(vec_t x) {
    NAME(exp_parts) e = NAME(exp_split)(V(max)(V(set)(CONSTANT(EXP_LOWEST)), x));
#if REAL == 32
    vec_t y = V(add)(V(add)(e.r, e.p), V(set)(1));
#else
    vec_t power = V(lookup)(V(table)(gf_exp_power_f64), e.j);
    vec_t y = V(fma)(V(add)(e.r, e.p), power, power);
#endif
    return V(scale)(y, e.n);
}
