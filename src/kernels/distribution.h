/* The functions of the Gumbel distribution (maximum type), in double: z = (x - loc) / scale, E = exp(-z),
 *
 *     pdf = E exp(-E) / scale      cdf = exp(-E)      sf = -expm1(-E)      logcdf = -E      logsf = log(-expm1(-E)).
 *
 * In the left tail a relative error of E is multiplied by E, which reaches 745. So z and E are carried in two doubles:
 * that keeps every function within GF_DISTRIBUTION_ULP over its whole range, for any loc and scale. */
#ifndef GF_DISTRIBUTION_H
#define GF_DISTRIBUTION_H

#include "kernels/elementary.h"
#include "request.h"

/* An unevaluated sum of two doubles. */
typedef struct {
    f64x8 high, low;
} f64_pair;

/* (x - loc) / scale. inverse = 1 / scale, rounded: the remainder of the quotient makes up for it. */
GF_INLINE f64_pair standardize(f64x8 x, f64x8 loc, f64x8 scale, f64x8 inverse) {
    f64_pair z;
    f64x8 d = f64_sub(x, loc);
    f64x8 back = f64_sub(d, x);
    f64x8 d_low = f64_sub(f64_sub(x, f64_sub(d, back)), f64_add(loc, back));
    z.high = f64_mul(d, inverse);
    z.low = f64_mul(f64_add(f64_fnma(z.high, scale, d), d_low), inverse);
    /* Beyond 1024 in size every function has reached its limit, and the low part of an infinite z is not a number. */
    z.low = f64_select(f64_less(f64_mul(z.high, z.high), f64_set(0x1p20)), z.low, f64_set(0));
    return z;
}

/* exp(-z) to about 2^-62; saturates at the greatest double. */
GF_INLINE f64_pair exp_neg(f64_pair z) {
    const f64x8 zero = f64_set(0);
    f64x8 x = f64_sub(zero, f64_max(f64_set(-EXP_HIGHEST_F64), z.high));
    exp_parts_f64 e = exp_split_f64(f64_max(f64_set(EXP_LOWEST_F64), x));
    f64x8 power = f64_lookup(f64_table(gf_exp_power_f64), e.j);
    f64x8 power_low = f64_lookup(f64_table(gf_exp_power_low_f64), e.j);
    f64x8 sum = f64_fma(power, e.r, power);
    f64x8 rest = f64_fma(power, e.r, f64_sub(power, sum));
    rest = f64_add(rest, f64_fma(power, e.p, f64_fma(power_low, e.r, power_low)));
    rest = f64_fma(sum, f64_sub(e.r_low, z.low), rest);
    f64_pair y;
    y.high = f64_add(sum, rest);
    y.low = f64_scale(f64_sub(rest, f64_sub(y.high, sum)), e.n);
    y.high = f64_scale(y.high, e.n);
    return y;
}

/* exp(-E) */
GF_INLINE f64x8 exp_neg_of_pair(f64_pair E) {
    f64x8 y = exp_below_f64(f64_sub(f64_set(0), E.high));
    return f64_fnma(E.low, y, y);
}

/* 1 - exp(-E) */
GF_INLINE f64x8 expm1_neg_of_pair(f64_pair E) {
    exp_parts_f64 e = exp_split_f64(f64_max(f64_set(EXP_LOWEST_F64), f64_sub(f64_set(0), E.high)));
    f64x8 power = f64_scale(f64_lookup(f64_table(gf_exp_power_f64), e.j), e.n);
    f64x8 power_low = f64_scale(f64_lookup(f64_table(gf_exp_power_low_f64), e.j), e.n);
    f64x8 rest = f64_fma(power, f64_add(e.r, f64_add(e.p, f64_sub(e.r_low, E.low))), power_low);
    return f64_sub(f64_sub(f64_set(1), power), rest);
}

GF_INLINE f64x8 pdf_lanes(f64_pair z, f64x8 inverse_scale) {
    f64_pair E = exp_neg(z);
    return f64_mul(f64_mul(E.high, exp_neg_of_pair(E)), inverse_scale);
}

/* -z - E; the caller subtracts log(scale). */
GF_INLINE f64x8 logpdf_lanes(f64_pair z) {
    f64_pair E = exp_neg(z);
    f64x8 y = f64_sub(f64_sub(f64_set(0), z.high), E.high);
    return f64_select(f64_less(z.high, f64_set(-EXP_HIGHEST_F64)), f64_set(-INFINITY), y);
}

GF_INLINE f64x8 logcdf_lanes(f64_pair z) {
    f64x8 y = f64_sub(f64_set(0), exp_neg(z).high);
    return f64_select(f64_less(z.high, f64_set(-EXP_HIGHEST_F64)), f64_set(-INFINITY), y);
}

GF_INLINE f64x8 logsf_lanes(f64_pair z) {
    const f64x8 zero = f64_set(0), far = f64_set(30);
    f64_pair E = exp_neg(z);
    m64x8 right = f64_less(E.high, f64_set(0x1.62e42fefa39efp-1)); /* sf < 1/2 */
    f64x8 sf = expm1_neg_of_pair(E), cdf = exp_neg_of_pair(E);
    f64x8 near = f64_sub(zero, neg_log_half_f64(right, f64_select(right, sf, cdf)));
    /* log(-expm1(-E)) = -z - E/2 + E^2/24 - ... */
    f64x8 tail = f64_sub(f64_sub(zero, z.high), f64_fma(E.high, f64_set(0.5), z.low));
    f64x8 y = f64_select(f64_less(far, z.high), tail, near);
    return f64_select(f64_unordered(z.high, z.high), z.high, y);
}

/* -log(-log(q)) where upper = 0, -log(-log1p(-q)) where upper = 1. */
GF_INLINE f64x8 quantile_lanes(f64x8 q, int upper) {
    const f64x8 zero = f64_set(0), one = f64_set(1), half = f64_set(0.5), up = f64_set(0x1p200);
    const f64x8 tiny = f64_set(0x1p-800), up_log = f64_set(200 * GF_LN2_F64);
    const f64x8 at_zero = f64_set(upper ? INFINITY : -INFINITY), at_one = f64_sub(zero, at_zero);
    m64x8 small = f64_less(q, half);
    f64x8 h = f64_select(small, q, f64_sub(one, q)), E;
    if (upper) {
        E = f64_select(small, neg_log_half_f64(f64_mask_none(), f64_select(small, h, half)), neg_log_f64(h));
    } else {
        f64x8 scaled = f64_select(f64_less(q, tiny), f64_mul(h, up), h);
        E = neg_log_half_f64(small, scaled);
        E = f64_add(E, f64_select(f64_less(q, tiny), up_log, zero));
    }
    m64x8 low = f64_less(E, tiny);
    f64x8 g = neg_log_f64(f64_select(low, f64_mul(E, up), E));
    g = f64_add(g, f64_select(low, up_log, zero));
    g = f64_select(f64_equal(q, zero), at_zero, f64_select(f64_equal(q, one), at_one, g));
    m64x8 outside = f64_mask_or(f64_mask_or(f64_less(q, zero), f64_less(one, q)), f64_unordered(q, q));
    return f64_select(outside, f64_set(NAN), g);
}

GF_INLINE f64x8 argument_lanes(gf_vector a, size_t i, size_t take) {
    if (a.step == 0)
        return f64_set(*a.data);
    return take == 8 ? f64_load(a.data + i) : f64_load_tail(a.data + i, take, 1);
}

GF_INLINE f64_pair standardized(f64x8 x, f64x8 loc, f64x8 scale, f64x8 inverse, int already) {
    const f64_pair z = {x, f64_set(0)};
    return already ? z : standardize(x, loc, scale, inverse);
}

/* One loop for all. `body` may read x, loc, scale, inverse = 1 / scale, and `standard`: loc is 0 and scale 1. */
#define GF_DEFINE_DISTRIBUTION(function, body)                                                                         \
    static void distribution_##function(gf_vector xs, gf_vector locs, gf_vector scales, double *out, size_t n) {       \
        const f64x8 one = f64_set(1);                                                                                  \
        const int standard = !locs.step && !scales.step && *locs.data == 0 && *scales.data == 1;                       \
        f64x8 scale = f64_set(*scales.data), inverse = f64_div(one, scale);                                            \
        for (size_t i = 0; i < n; i += 8) {                                                                            \
            size_t take = n - i < 8 ? n - i : 8;                                                                       \
            f64x8 x = argument_lanes(xs, i, take), loc = argument_lanes(locs, i, take);                                \
            if (scales.step) {                                                                                         \
                scale = argument_lanes(scales, i, take);                                                               \
                inverse = f64_div(one, scale);                                                                         \
            }                                                                                                          \
            (void)standard;                                                                                            \
            (void)inverse;                                                                                             \
            x = (body);                                                                                                \
            if (take == 8)                                                                                             \
                f64_store(out + i, x);                                                                                 \
            else                                                                                                       \
                f64_store_tail(out + i, take, x);                                                                      \
        }                                                                                                              \
    }
#define Z standardized(x, loc, scale, inverse, standard)

GF_DEFINE_DISTRIBUTION(pdf, pdf_lanes(Z, inverse))
GF_DEFINE_DISTRIBUTION(logpdf, logpdf_lanes(Z))
GF_DEFINE_DISTRIBUTION(cdf, exp_neg_of_pair(exp_neg(Z)))
GF_DEFINE_DISTRIBUTION(logcdf, logcdf_lanes(Z))
GF_DEFINE_DISTRIBUTION(sf, expm1_neg_of_pair(exp_neg(Z)))
GF_DEFINE_DISTRIBUTION(logsf, logsf_lanes(Z))
GF_DEFINE_DISTRIBUTION(ppf, f64_fma(quantile_lanes(x, 0), scale, loc))
GF_DEFINE_DISTRIBUTION(isf, f64_fma(quantile_lanes(x, 1), scale, loc))
#undef Z
#undef GF_DEFINE_DISTRIBUTION

#endif
