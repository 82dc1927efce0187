/* The functions of the Gumbel distribution (maximum type), in double: z = (x - loc) / scale, E = exp(-z),
 *
 *     pdf = E exp(-E) / scale      cdf = exp(-E)      sf = -expm1(-E)      logcdf = -E      logsf = log(-expm1(-E)).
 *
 * In the left tail a relative error of E is multiplied by E, which reaches 745 (in the density 1490: a small scale makes
 * up for it). So z and E are carried in two doubles: that keeps every function within GF_DISTRIBUTION_ULP over its whole
 * range, for any loc and scale.
 *
 * Two ways give the same bits where both are right. The usual one has no factor against overflow and underflow. It is for
 * scales of which the inverse is well inside the range, and looks at its results where they may be wrong even so; what it
 * is not made for it leaves to the other, eight elements at a time. Tried and slower: factors of 1/16 that spare it some of
 * this (10% on Zen 5), and a look at each z (8% by AVX2). */
#ifndef GF_DISTRIBUTION_H
#define GF_DISTRIBUTION_H

#include "kernels/elementary.h"
#include "request.h"

/* An unevaluated sum of two doubles. */
typedef struct {
    f64x8 high, low;
} f64_pair;

/* The scale, and its inverse: 1 / scale is inverse 2^exponent. */
typedef struct {
    f64x8 scale, inverse, exponent;
} gf_width;

GF_INLINE f64_pair difference(f64x8 x, f64x8 loc) {
    f64_pair d;
    d.high = f64_sub(x, loc);
    f64x8 back = f64_sub(d.high, x);
    d.low = f64_sub(f64_sub(x, f64_sub(d.high, back)), f64_add(loc, back));
    return d;
}

/* d / scale. The inverse is rounded: the remainder of the quotient makes up for it. The low part is 0 where z is `far` or
 * more in size and the function at its limit: that of an infinite z is not a number. */
GF_INLINE f64_pair quotient(f64_pair d, const gf_width *width, double far) {
    f64_pair z;
    z.high = f64_mul(d.high, width->inverse);
    z.low = f64_mul(f64_add(f64_fnma(z.high, width->scale, d.high), d.low), width->inverse);
    z.low = f64_select(f64_less(f64_mul(z.high, z.high), f64_set(far * far)), z.low, f64_set(0));
    return z;
}

GF_INLINE gf_width usual_width(f64x8 scale) {
    gf_width width = {scale, f64_div(f64_set(1), scale), f64_set(0)};
    return width;
}

/* Below the least usual scale, the remainder of the quotient may not be exact. Above the greatest, x - loc may overflow
 * where z does not, and matters; below it, z is then so large that only logarithms tell it from infinity. */
#define LEAST_SCALE 0x1p-960
#define GREATEST_SCALE 0x1p1000

GF_INLINE int all_usual(f64x8 scale) {
    m64x8 outside = f64_mask_or(f64_less(scale, f64_set(LEAST_SCALE)), f64_less(f64_set(GREATEST_SCALE), scale));
    return !f64_mask_bits(outside);
}

/* z and the scale, for any arguments. x / 16 and loc / 16 have a difference that does not overflow; what the division cuts
 * off is nothing beside a scale that is not tiny. For one that is, x and loc are as they are, and their difference and the
 * scale are raised by 2^200. */
GF_INLINE f64_pair any_z(f64x8 x, f64x8 loc, f64x8 scale, double far, gf_width *width) {
    const f64x8 zero = f64_set(0), one = f64_set(1);
    const m64x8 tiny = f64_less(scale, f64_set(LEAST_SCALE)), infinite = f64_less(f64_set(DBL_MAX), scale);
    f64x8 unit = f64_select(tiny, one, f64_set(0x1p-4)), up = f64_select(tiny, f64_set(0x1p200), one);
    width->scale = f64_mul(f64_mul(scale, unit), up);
    width->inverse = f64_div(one, width->scale);
    width->exponent = f64_select(tiny, f64_set(200), f64_set(-4));
    f64_pair d = difference(f64_mul(x, unit), f64_mul(loc, unit));
    d.high = f64_mul(d.high, up);
    d.low = f64_mul(d.low, up);
    f64_pair z = quotient(d, width, far);
    z.low = f64_select(infinite, zero, z.low); /* z is 0 */
    return z;
}

/* (high + low) 2^n */
typedef struct {
    f64x8 high, low, n;
} split_pair;

/* exp(x - low) to about 2^-62, for x within the bounds of exp_split_f64. */
GF_INLINE split_pair exp_of_pair(f64x8 x, f64x8 low) {
    exp_parts_f64 e = exp_split_f64(x);
    f64x8 power = f64_lookup(f64_table(gf_exp_power_f64), e.j);
    f64x8 power_low = f64_lookup(f64_table(gf_exp_power_low_f64), e.j);
    f64x8 sum = f64_fma(power, e.r, power);
    f64x8 rest = f64_fma(power, e.r, f64_sub(power, sum));
    rest = f64_add(rest, f64_fma(power, e.p, f64_fma(power_low, e.r, power_low)));
    rest = f64_fma(sum, f64_sub(e.r_low, low), rest);
    split_pair y;
    y.high = f64_add(sum, rest);
    y.low = f64_sub(rest, f64_sub(y.high, sum));
    y.n = e.n;
    return y;
}

/* Where E is beyond 2980, and exp(-E) 0 at the smallest scale too. */
#define LOWEST_Z (-8.0)

/* exp(-z), for z from `lowest` on; below that it is about as at `lowest`. */
GF_INLINE f64_pair exp_neg(f64_pair z, double lowest) {
    f64x8 x = f64_sub(f64_set(0), f64_max(f64_set(lowest), z.high));
    split_pair y = exp_of_pair(f64_max(f64_set(EXP_LOWEST_F64), x), z.low);
    f64_pair E = {f64_scale(y.high, y.n), f64_scale(y.low, y.n)};
    return E;
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

/* E exp(-E) / scale */
GF_INLINE f64x8 pdf_lanes(f64_pair z, const gf_width *width) {
    f64_pair E = exp_neg(z, LOWEST_Z);
    return f64_mul(f64_mul(E.high, exp_neg_of_pair(E)), width->inverse);
}

/* From this z on the density is 0 at the smallest scale too. */
#define HIGHEST_Z 1500.0

/* Whether bits of a density may be lost: E exp(-E), or a factor of it, may be subnormal. Farther out it is 0 indeed. */
GF_INLINE int pdf_lost(f64_pair z, const gf_width *width, f64x8 y) {
    const f64x8 one = f64_set(1), zero = f64_set(0);
    m64x8 small = f64_less(y, f64_mul(width->inverse, f64_set(0x1p-960)));
    if (!f64_mask_bits(small))
        return 0;
    m64x8 wide = f64_less(width->inverse, f64_set(0x1p20));
    f64x8 lowest = f64_select(wide, f64_set(-6.65), f64_set(LOWEST_Z));
    f64x8 highest = f64_select(wide, f64_set(760), f64_set(HIGHEST_Z));
    f64x8 within = f64_select(f64_less(lowest, z.high), one, zero);
    within = f64_select(f64_less(z.high, highest), within, zero);
    return f64_mask_bits(f64_less(zero, f64_select(small, within, zero))) != 0;
}

/* The same with the exponents apart from the factors. */
GF_INLINE f64x8 any_pdf_lanes(f64_pair z, const gf_width *width) {
    f64x8 x = f64_sub(f64_set(0), f64_max(f64_set(LOWEST_Z), z.high));
    split_pair e = exp_of_pair(f64_max(f64_set(-HIGHEST_Z), x), z.low);
    f64x8 n = f64_max(e.n, f64_set(-1000)); /* exp(-E) is 1 from there on */
    f64x8 E = f64_scale(e.high, n), E_low = f64_scale(e.low, n);
    f64x8 below = f64_sub(f64_set(0), E);
    exp_parts_f64 f = exp_split_f64(below);
    f64x8 power = f64_lookup(f64_table(gf_exp_power_f64), f.j);
    f64x8 y = f64_fma(f64_add(f.r, f.p), power, power);
    /* As the usual way has it, unless exp(-E) is subnormal there: then E is so large that its error leaves less room for
     * others. */
    y = f64_select(f64_less(f.n, f64_set(-1021)), exp_of_pair(below, E_low).high, f64_fnma(E_low, y, y));
    y = f64_mul(e.high, y);
    /* 2^n comes in before the inverse of the scale, by which a subnormal number may be no more than multiplied down. Where
     * it goes up, the rest of n comes after it, with one rounding: 2^-950 is far enough from the subnormal numbers. */
    n = f64_add(f64_add(e.n, f.n), width->exponent);
    f64x8 least = f64_select(f64_less(width->inverse, f64_set(1)), f64_set(-1099), f64_set(-950));
    f64x8 first = f64_max(n, least);
    y = f64_mul(f64_scale(y, first), width->inverse);
    return f64_scale(y, f64_max(f64_sub(n, first), f64_set(-1099)));
}

GF_INLINE f64x8 cdf_lanes(f64_pair z, const gf_width *width) {
    (void)width;
    return exp_neg_of_pair(exp_neg(z, LOWEST_Z));
}

GF_INLINE f64x8 sf_lanes(f64_pair z, const gf_width *width) {
    (void)width;
    return expm1_neg_of_pair(exp_neg(z, LOWEST_Z));
}

/* Whether a logarithm is that of an infinite z where z is not infinite: x - loc has overflowed. */
GF_INLINE int log_lost(f64x8 x, f64x8 loc, f64x8 y) {
    const f64x8 zero = f64_set(0);
    if (!f64_mask_bits(f64_less(y, f64_set(-DBL_MAX))))
        return 0;
    f64x8 greatest = f64_max(f64_max(x, f64_sub(zero, x)), f64_max(loc, f64_sub(zero, loc)));
    return f64_mask_bits(f64_less(f64_set(0x1p1021), greatest)) != 0;
}

/* -z - E; the caller subtracts log(scale). */
GF_INLINE f64x8 logpdf_lanes(f64_pair z, const gf_width *width) {
    (void)width;
    f64_pair E = exp_neg(z, -EXP_HIGHEST_F64);
    f64x8 y = f64_sub(f64_sub(f64_set(0), z.high), E.high);
    return f64_select(f64_less(z.high, f64_set(-EXP_HIGHEST_F64)), f64_set(-INFINITY), y);
}

GF_INLINE f64x8 logcdf_lanes(f64_pair z, const gf_width *width) {
    (void)width;
    f64x8 y = f64_sub(f64_set(0), exp_neg(z, -EXP_HIGHEST_F64).high);
    return f64_select(f64_less(z.high, f64_set(-EXP_HIGHEST_F64)), f64_set(-INFINITY), y);
}

GF_INLINE f64x8 logsf_lanes(f64_pair z, const gf_width *width) {
    (void)width;
    const f64x8 zero = f64_set(0), far = f64_set(30);
    f64_pair E = exp_neg(z, LOWEST_Z);
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

/* What the arguments leave to each eight elements. */
typedef enum {
    STANDARD,    /* loc is 0 and scale 1 */
    ONE_LAW,     /* one loc and one scale, and x - loc overflows for no x */
    ONE_SCALE,   /* or one loc that is large */
    EACH_ITS_OWN /* scale */
} gf_laws;

/* `usual_` goes on from element i to the first eight that are not for it, and returns their place; `any_` does those. The
 * checks come last: before an exit gcc moves no constant out of the loop that is used after it. */
#define GF_DEFINE_DISTRIBUTION(function, lanes, lost, any_lanes, any_far)                                              \
    GF_INLINE size_t usual_##function(                                                                                 \
        gf_vector xs, gf_vector locs, gf_vector scales, double *out, size_t i, size_t n, gf_laws laws) {               \
        f64x8 loc = f64_set(*locs.data), scale = f64_set(laws == STANDARD ? 1 : *scales.data);                         \
        gf_width width = usual_width(scale);                                                                           \
        for (; i < n; i += 8) {                                                                                        \
            size_t take = n - i < 8 ? n - i : 8;                                                                       \
            f64x8 x = argument_lanes(xs, i, take);                                                                     \
            f64_pair z = {x, f64_set(0)};                                                                              \
            if (laws == EACH_ITS_OWN) {                                                                                \
                scale = argument_lanes(scales, i, take);                                                               \
                width = usual_width(scale);                                                                            \
            }                                                                                                          \
            if (laws >= ONE_SCALE)                                                                                     \
                loc = argument_lanes(locs, i, take);                                                                   \
            if (laws != STANDARD)                                                                                      \
                z = quotient(difference(x, loc), &width, 1024);                                                        \
            f64x8 y = lanes(z, &width);                                                                                \
            if ((laws == EACH_ITS_OWN && !all_usual(scale)) || lost(laws, x, loc, z, &width, y))                       \
                return i;                                                                                              \
            if (take == 8)                                                                                             \
                f64_store(out + i, y);                                                                                 \
            else                                                                                                       \
                f64_store_tail(out + i, take, y);                                                                      \
        }                                                                                                              \
        return n;                                                                                                      \
    }                                                                                                                  \
    GF_COLD void any_##function(gf_vector xs, gf_vector locs, gf_vector scales, double *out, size_t i, size_t n) {     \
        const size_t take = n - i < 8 ? n - i : 8;                                                                     \
        const f64x8 x = argument_lanes(xs, i, take), loc = argument_lanes(locs, i, take);                              \
        gf_width width;                                                                                                \
        f64_pair z = any_z(x, loc, argument_lanes(scales, i, take), any_far, &width);                                  \
        f64_store_tail(out + i, take, any_lanes(z, &width));                                                           \
    }                                                                                                                  \
    static void distribution_##function(gf_vector xs, gf_vector locs, gf_vector scales, double *out, size_t n) {       \
        const double loc = *locs.data, scale = *scales.data;                                                           \
        size_t i = 0;                                                                                                  \
        if (scales.step)                                                                                               \
            for (; (i = usual_##function(xs, locs, scales, out, i, n, EACH_ITS_OWN)) < n; i += 8)                      \
                any_##function(xs, locs, scales, out, i, n);                                                           \
        else if (!all_usual(f64_set(scale)))                                                                           \
            for (; i < n; i += 8)                                                                                      \
                any_##function(xs, locs, scales, out, i, n);                                                           \
        else if (locs.step || !(fabs(loc) < 0x1p969))                                                                  \
            for (; (i = usual_##function(xs, locs, scales, out, i, n, ONE_SCALE)) < n; i += 8)                         \
                any_##function(xs, locs, scales, out, i, n);                                                           \
        else if (loc != 0 || scale != 1)                                                                               \
            for (; (i = usual_##function(xs, locs, scales, out, i, n, ONE_LAW)) < n; i += 8)                           \
                any_##function(xs, locs, scales, out, i, n);                                                           \
        else                                                                                                           \
            for (; (i = usual_##function(xs, locs, scales, out, i, n, STANDARD)) < n; i += 8)                          \
                any_##function(xs, locs, scales, out, i, n);                                                           \
    }
#define NEVER(laws, x, loc, z, width, y) 0
#define PDF_LOST(laws, x, loc, z, width, y) pdf_lost(z, width, y)
#define LOG_LOST(laws, x, loc, z, width, y) (laws >= ONE_SCALE && log_lost(x, loc, y))

#define GF_DEFINE_QUANTILE(function, upper)                                                                            \
    static void distribution_##function(gf_vector xs, gf_vector locs, gf_vector scales, double *out, size_t n) {       \
        for (size_t i = 0; i < n; i += 8) {                                                                            \
            size_t take = n - i < 8 ? n - i : 8;                                                                       \
            f64x8 q = argument_lanes(xs, i, take), loc = argument_lanes(locs, i, take);                                \
            q = f64_fma(quantile_lanes(q, upper), argument_lanes(scales, i, take), loc);                               \
            if (take == 8)                                                                                             \
                f64_store(out + i, q);                                                                                 \
            else                                                                                                       \
                f64_store_tail(out + i, take, q);                                                                      \
        }                                                                                                              \
    }

GF_DEFINE_DISTRIBUTION(pdf, pdf_lanes, PDF_LOST, any_pdf_lanes, 2048)
GF_DEFINE_DISTRIBUTION(logpdf, logpdf_lanes, LOG_LOST, logpdf_lanes, 1024)
GF_DEFINE_DISTRIBUTION(cdf, cdf_lanes, NEVER, cdf_lanes, 1024)
GF_DEFINE_DISTRIBUTION(logcdf, logcdf_lanes, NEVER, logcdf_lanes, 1024)
GF_DEFINE_DISTRIBUTION(sf, sf_lanes, NEVER, sf_lanes, 1024)
GF_DEFINE_DISTRIBUTION(logsf, logsf_lanes, LOG_LOST, logsf_lanes, 1024)
GF_DEFINE_QUANTILE(ppf, 0)
GF_DEFINE_QUANTILE(isf, 1)
#undef GF_DEFINE_DISTRIBUTION
#undef GF_DEFINE_QUANTILE
#undef NEVER
#undef PDF_LOST
#undef LOG_LOST

#endif
