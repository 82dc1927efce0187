/* Template: what an element of a row weighs, stored as a logit or as a weight. Of a logit it is exp((x - greatest) /
 * temperature) (weight_tpl.h); a weight is itself at temperature 1, in a power of two that brings the greatest to 1 or a
 * little more, and (w / greatest)^(1 / temperature) at any other. Scores likewise: the logarithm of a weight stands for a
 * logit. What is NOTHING weighs 0, and nothing else does that is not far below the least that matters.
 *
 * Tried and worse: reading weights as their logarithms, which in float are not good to a softmax entry's bound unless the
 * greatest is near 1. */
#include "kernels/element_tpl.h"
#include "kernels/logarithm.h"
#include "kernels/score.h"
#include "kernels/weight_tpl.h"

#if defined(GF_WEIGH_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_WEIGH_TPL
#undef GF_WEIGH_TPL
#else
#define GF_WEIGH_TPL
#endif

#ifndef OF_WEIGHTS

typedef NAME(scaling) ROW(scaling);
typedef score_scale ROW(score_scale);

GF_INLINE ROW(scaling) ROW(scaling_of)(real_t greatest, double temperature) {
    return NAME(scaling_of)(greatest, temperature);
}
GF_INLINE vec_t ROW(weight)(vec_t x, const ROW(scaling) * s) { return NAME(weight)(x, s); }

/* Bounds of sixteen weights, at most 1/16 above them; 0 of NOTHING alone. */
GF_INLINE f32x16 ROW(weight_bounds)(const vec_t x[16 / LANES], const ROW(scaling) * s) {
    vec_t z[16 / LANES];
    for (size_t k = 0; k < 16 / LANES; k++)
        z[k] = NAME(below)(x[k], s);
    const f32x16 logarithm = V(as_floats)(z);
    return f32_select(f32_equal(logarithm, f32_set(-INFINITY)), f32_set(0), exp_above(logarithm));
}

/* Bounds that are quick to find. */
GF_INLINE f32x16 ROW(quick_bounds)(const vec_t x[16 / LANES], const ROW(scaling) * s) {
    return ROW(weight_bounds)(x, s);
}

/* The element `nats` * temperature below x, or NOTHING. */
GF_INLINE real_t ROW(element_below)(real_t x, double nats, double temperature) {
    const double below = x - nats * temperature;
    return below > -REAL_MAX ? (real_t)below : NOTHING;
}

/* The element as a logit, below that of the greatest; and the greatest's own, or one that is as large. */
GF_INLINE vec_t ROW(logit_below)(vec_t x, vec_t greatest) { return V(sub)(x, greatest); }
GF_INLINE vec_t ROW(logit_size)(vec_t greatest) { return greatest; }

GF_INLINE ROW(score_scale) ROW(score_scale_of)(real_t greatest, double temperature) {
    return score_scale_of(greatest, temperature);
}
GF_INLINE f64x8 ROW(score_each)(f64x8 x, const ROW(score_scale) * s) { return score_each(x, s); }
GF_INLINE double ROW(score_one)(real_t x, const ROW(score_scale) * s) { return score_one(x, s); }

/* Sixteen scores in float, nearly or a little more; `shift` is the greatest, or 0 for plain scores, rate 1 / temperature. */
GF_INLINE f32x16 ROW(scores_above)(const vec_t x[16 / LANES], real_t shift, real_t rate) {
    vec_t v[16 / LANES];
    for (size_t k = 0; k < 16 / LANES; k++)
        v[k] = V(mul)(V(sub)(x[k], V(set)(shift)), V(set)(rate));
    return V(as_floats)(v);
}

#else

#define FRACTION_BITS_F32 0x007fffffu
#define FRACTION_BITS_F64 0x000fffffffffffffu

/* x * unit * more is x in units of which the greatest is 1 to 2, or at a temperature other than 1 less than that. */
typedef struct {
    real_t greatest, unit, more;
    double temperature, log2_greatest; /* the second is for other temperatures than 1 */
} ROW(scaling);

typedef struct {
    double greatest, temperature; /* 0: plain scores */
} ROW(score_scale);

/* Logarithm of x / greatest for 0 <= x <= greatest, with full relative precision near 0: -log1p of what is missing. */
GF_INLINE f64x8 ROW(log_ratio)(f64x8 x, f64x8 greatest) {
    const f64x8 zero = f64_set(0), lost = f64_sub(greatest, x);
    const m64x8 far = f64_less(x, f64_mul(greatest, f64_set(0.5)));
    const f64x8 part = f64_div(f64_select(far, x, lost), greatest);
    f64x8 log = f64_sub(zero, neg_log_half_f64(far, part));
#if REAL == 64 /* floats are never as far apart */
    const m64x8 remote = f64_less(part, f64_set(0x1p-900));
    if (GF_SELDOM(f64_mask_bits(remote)))
        log = f64_select(far, f64_select(remote, f64_sub(f64_log_of(x), f64_log_of(greatest)), log), log);
#endif
    return f64_select(f64_equal(x, zero), f64_set(-INFINITY), log);
}

/* The same over the temperature; temperature 0 is the least there is, and none takes NOTHING away from -inf. */
GF_INLINE f64x8 ROW(log_ratio_at)(f64x8 x, f64x8 greatest, f64x8 temperature) {
    const f64x8 z = f64_div(ROW(log_ratio)(x, greatest), f64_max(temperature, f64_set(0x1p-1074)));
    return f64_select(f64_equal(x, f64_set(0)), f64_set(-INFINITY), z);
}

GF_INLINE vec_t ROW(below_each)(vec_t x, vec_t greatest, const f64x8 temperature[EIGHTS]) {
    f64x8 z[EIGHTS], g[EIGHTS];
    V(widen)(x, z);
    V(widen)(greatest, g);
    for (int e = 0; e < EIGHTS; e++)
        z[e] = ROW(log_ratio_at)(z[e], g[e], temperature[e]);
    return V(of_wide)(z);
}

GF_INLINE ROW(scaling) ROW(scaling_of)(real_t greatest, double temperature) {
    ROW(scaling) s = {greatest, 1, 1, temperature, 0};
    int exponent;
    if (GF_SELDOM(temperature != 1))
        s.log2_greatest = log_of(greatest) * 1.4426950408889634;
    frexp(greatest, &exponent);
    /* two powers of two, each of which is a normal number whatever the greatest */
    const int first = (1 - exponent) / 2;
    s.unit = (real_t)ldexp(1, first);
    s.more = (real_t)ldexp(1, 1 - exponent - first);
    if (REAL_MIN <= greatest && greatest < REAL_MAX / 4) {
        s.unit *= s.more;
        s.more = 1;
    }
    return s;
}

/* Powers of weights, apart: what takes logarithms takes the registers of who need none. */
GF_APART vec_t ROW(weight_powered)(vec_t x, const ROW(scaling) * s) {
    f64x8 temperature[EIGHTS];
    for (int e = 0; e < EIGHTS; e++)
        temperature[e] = f64_set(s->temperature);
    return NAME(exp_below)(ROW(below_each)(x, V(set)(s->greatest), temperature));
}

GF_INLINE vec_t ROW(weight)(vec_t x, const ROW(scaling) * s) {
    if (GF_SELDOM(s->temperature != 1))
        return ROW(weight_powered)(x, s);
    return V(mul)(V(mul)(x, V(set)(s->unit)), V(set)(s->more));
}

GF_INLINE f32x16 ROW(weight_bounds)(const vec_t x[16 / LANES], const ROW(scaling) * s) {
    const vec_t zero = V(set)(0), least = V(set)((real_t)0x1p-100);
    vec_t w[16 / LANES];
    for (size_t k = 0; k < 16 / LANES; k++)
        w[k] = V(select)(V(less)(zero, x[k]), V(max)(ROW(weight)(x[k], s), least), zero);
    return V(as_floats)(w);
}

/* Base-2 logarithms of elements, or a little more: by less than 0.016 + 2^-16, but of subnormal ones. The bits of a number from 2^k
 * on, read as a fixed-point number, are k + f, and log2(1 + f) is between f + 0.35 f (1 - f) - 0.0083 and that + 0.0072. */
GF_INLINE vec_t ROW(log2_above)(vec_t x) {
    const bits_t bits = V(as_bits)(x), one_bits = V(as_bits)(V(set)(1));
    const bits_t fraction = I(and)(bits, I(set)(CONSTANT(FRACTION_BITS)));
    const vec_t one = V(set)(1), f = V(sub)(V(from_bits)(I(or)(fraction, one_bits)), one);
#if REAL == 32
    const vec_t whole = f32_fma(f32_from_u31(bits), f32_set(0x1p-23f), f32_set(0.0073f - 127));
#else
    const vec_t whole = f64_fma(f64_from_u63(bits), f64_set(0x1p-52), f64_set(0.0073 - 1023));
#endif
    return V(fma)(V(mul)(f, V(set)((real_t)0.35)), V(sub)(one, f), whole);
}

GF_APART f32x16 ROW(quick_bounds_powered)(const vec_t x[16 / LANES], const ROW(scaling) * s) {
    const double t = s->temperature > 0x1p-100 ? s->temperature : 0x1p-100;
    const vec_t zero = V(set)(0), top = V(set)((real_t)s->log2_greatest),
                rate = V(set)((real_t)(0.69314718055994531 / t));
    vec_t z[16 / LANES];
    uint32_t left = 0;
    for (size_t k = 0; k < 16 / LANES; k++) {
        left |= V(mask_bits)(V(less)(zero, x[k])) << k * LANES;
        z[k] = V(max)(V(mul)(V(sub)(top, ROW(log2_above)(x[k])), rate), zero); /* -z: the greatest weighs 1 */
        z[k] = V(sub)(zero, z[k]);
    }
    return f32_select(f32_mask_of_bits(left), exp_above(V(as_floats)(z)), f32_set(0));
}

GF_INLINE f32x16 ROW(quick_bounds)(const vec_t x[16 / LANES], const ROW(scaling) * s) {
    return GF_SELDOM(s->temperature != 1) ? ROW(quick_bounds_powered)(x, s) : ROW(weight_bounds)(x, s);
}

GF_INLINE real_t ROW(element_below)(real_t x, double nats, double temperature) {
    return (real_t)(x * exp_of(-nats * temperature));
}

GF_INLINE vec_t ROW(logit_below)(vec_t x, vec_t greatest) {
    f64x8 one[EIGHTS];
    for (int e = 0; e < EIGHTS; e++)
        one[e] = f64_set(1);
    return ROW(below_each)(x, greatest, one);
}
GF_INLINE vec_t ROW(logit_size)(vec_t greatest) {
    (void)greatest;
    return V(set)(746); /* of the least */
}

GF_INLINE ROW(score_scale) ROW(score_scale_of)(real_t greatest, double temperature) {
    return (ROW(score_scale)){greatest, temperature == 0 ? 1 : temperature};
}

GF_INLINE f64x8 ROW(score_each)(f64x8 x, const ROW(score_scale) * s) {
    const f64x8 temperature = f64_set(s->temperature);
    if (s->greatest != 0)
        return ROW(log_ratio_at)(x, f64_set(s->greatest), temperature);
    const f64x8 y = f64_div(f64_log_of(x), temperature);
    return f64_select(f64_equal(x, f64_set(0)), f64_set(-INFINITY), y);
}

GF_INLINE double ROW(score_one)(real_t x, const ROW(score_scale) * s) {
    double lane[8];
    f64_store(lane, ROW(score_each)(f64_set(x), s));
    return lane[0];
}

/* Scores in the compute type, to its rounding. */
GF_INLINE vec_t ROW(score_near)(vec_t x, real_t shift, real_t rate) {
    const ROW(score_scale) s = {shift, 1};
    f64x8 z[EIGHTS];
    V(widen)(x, z);
    for (int e = 0; e < EIGHTS; e++)
        z[e] = f64_mul(ROW(score_each)(z[e], &s), f64_set(rate));
    return V(of_wide)(z);
}

/* The bits of a float, read as a fixed-point number, are its base-2 logarithm to within 0.08608 from below. */
GF_INLINE f32x16 ROW(scores_above)(const vec_t x[16 / LANES], real_t shift, real_t rate) {
    const double base = shift > 0 ? log_of(shift) : 0;
    const f32x16 scale = f32_set((float)(rate * 0.69314718055994531));
    const f32x16 added = f32_set((float)(((0.0862 - 127) * 0.69314718055994531 - base) * rate));
#if REAL == 32
    const f32x16 bits = f32_mul(f32_from_u31(f32_as_bits(x[0])), f32_set(0x1p-23f));
#else
    f64x8 b[2];
    for (int k = 0; k < 2; k++)
        b[k] = f64_fma(f64_from_u63(f64_as_bits(x[k])), f64_set(0x1p-52), f64_set(127 - 1023));
    const f32x16 bits = f32_narrow(b[0], b[1]);
#endif
    return f32_fma(bits, scale, added);
}

#endif

#endif
