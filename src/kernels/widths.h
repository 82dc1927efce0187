/* From one width of lanes to another, in words that float and double share; what is added up is added in the one
 * order that every target keeps. */
#ifndef GF_WIDTHS_H
#define GF_WIDTHS_H

#include "simd/vocabulary.h"

/* The lanes in double. */
GF_INLINE void f32_widen(f32x16 x, f64x8 wide[2]) {
    wide[0] = f64_widen_low(x);
    wide[1] = f64_widen_high(x);
}
GF_INLINE void f64_widen(f64x8 x, f64x8 wide[1]) { wide[0] = x; }

/* And back, rounded. */
GF_INLINE f32x16 f32_of_wide(const f64x8 wide[2]) { return f32_narrow(wide[0], wide[1]); }
GF_INLINE f64x8 f64_of_wide(const f64x8 wide[1]) { return wide[0]; }

/* sum += the lanes of x, each to its own. */
GF_INLINE void f32_add_wide(f64x8 sum[2], f32x16 x) {
    sum[0] = f64_add(sum[0], f64_widen_low(x));
    sum[1] = f64_add(sum[1], f64_widen_high(x));
}
GF_INLINE void f64_add_wide(f64x8 sum[1], f64x8 x) { sum[0] = f64_add(sum[0], x); }

/* Sixteen numbers, one vector of floats or two of doubles, as floats. */
GF_INLINE f32x16 f32_as_floats(const f32x16 v[1]) { return v[0]; }
GF_INLINE f32x16 f64_as_floats(const f64x8 v[2]) { return f32_narrow(v[0], v[1]); }

GF_INLINE double f64_sum_lanes(f64x8 x) {
    double t[8];
    f64_store(t, x);
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* Sum of v[0..3], lane by lane and then across. */
GF_INLINE double f64_sum_four(const f64x8 v[4]) {
    return f64_sum_lanes(f64_add(f64_add(v[0], v[1]), f64_add(v[2], v[3])));
}

/* Lane j: the sum of the lanes of v[j], which is spoiled. */
GF_INLINE f32x16 f32_sum_each(f32x16 v[16]) {
    f32_transpose(v);
    for (size_t d = 8; d; d /= 2)
        for (size_t j = 0; j < d; j++)
            v[j] = f32_add(v[j], v[j + d]);
    return v[0];
}

GF_INLINE uint64_t u32_sum_lanes(u32x16 x) {
    uint32_t t[16];
    uint64_t sum = 0;
    u32_store(t, x);
    for (size_t i = 0; i < 16; i++)
        sum += t[i];
    return sum;
}

#endif
