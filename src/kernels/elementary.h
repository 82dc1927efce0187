/* Logarithm and exponential by vector, in float and in double; what they are stands in elementary_tpl.h. Here are those that
 * exist once. */
#ifndef GF_ELEMENTARY_H
#define GF_ELEMENTARY_H

#undef REAL
#define REAL 32
#include "kernels/elementary_tpl.h"
#undef REAL
#define REAL 64
#include "kernels/elementary_tpl.h"
#undef REAL

/* exp of z times factor / EXP_ABOVE_UNIT, for what is below 80, by up to 6%: 2^k (1 + f) >= 2^(k + f), and the left side is
 * the float whose bits are the number k + f in fixed point. Never 0. */
#define EXP_ABOVE_UNIT (0x1p23f * 1.44269504f)
GF_INLINE f32x16 exp_above_scaled(f32x16 z, f32x16 factor) {
    f32x16 fixed = f32_fma(z, factor, f32_set(127 * 0x1p23f));
    return f32_from_bits(f32_to_u31(f32_max(fixed, f32_set(1))));
}

GF_INLINE f32x16 exp_above(f32x16 z) { return exp_above_scaled(z, f32_set(EXP_ABOVE_UNIT)); }

/* log(1 + y) with full relative precision, for 0 <= y < 2^1000 or NaN: -log(1 - y / (1 + y)), or -log(1 / (1 + y)). */
GF_INLINE f64x8 f64_log1p_of(f64x8 y) {
    const f64x8 one = f64_set(1), sum = f64_add(one, y);
    const m64x8 far = f64_less(one, y);
    const f64x8 half = f64_div(f64_select(far, one, y), sum);
    return f64_select(f64_unordered(y, y), y, neg_log_half_f64(far, half));
}

/* log y for y >= 0, subnormal too; -inf of 0. */
GF_INLINE f64x8 f64_log_of(f64x8 y) {
    const f64x8 zero = f64_set(0), log_shift = f64_set(300 * 0.69314718055994531);
    const m64x8 tiny = f64_less(y, f64_set(0x1p-900)), huge = f64_less(f64_set(0x1p900), y);
    f64x8 shifted = f64_select(tiny, f64_mul(y, f64_set(0x1p300)), y);
    shifted = f64_select(huge, f64_mul(y, f64_set(0x1p-300)), shifted);
    const f64x8 added = f64_select(tiny, log_shift, f64_select(huge, f64_sub(zero, log_shift), zero));
    const f64x8 log = f64_sub(zero, f64_add(neg_log_f64(shifted), added));
    return f64_select(f64_equal(y, zero), f64_set(-INFINITY), log);
}

#endif
