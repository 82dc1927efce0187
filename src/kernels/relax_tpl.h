/* Template: softmax of a row of sums of logits and noise, or the one-hot of its greatest entry, in the compute type; by rows and by
 * lanes. Where the sums come from: gumbel_softmax_tpl.h. */
#include "kernels/softmax_tpl.h"

#if defined(GF_RELAX_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_RELAX_TPL
#undef GF_RELAX_TPL
#else
#define GF_RELAX_TPL
#endif

/* One at the first greatest of y, zero elsewhere; NaN where y has no softmax. */
GF_INLINE void NAME(one_hot)(const real_t *y, real_t *out, size_t n, real_t greatest) {
    int found = 0, usable = greatest - greatest == 0;
    for (size_t i = 0; i < n; i++)
        usable &= y[i] == y[i];
    for (size_t i = 0; i < n; i++) {
        int here = !found && y[i] == greatest;
        found |= here;
        out[i] = usable ? (real_t)here : (real_t)NAN;
    }
}

GF_INLINE void NAME(relax_row)(const real_t *y, real_t *out, size_t n, real_t greatest, double temperature, int hard) {
    if (hard)
        NAME(one_hot)(y, out, n, greatest);
    else
        NAME(softmax_from)(y, out, n, greatest, temperature);
}

/* The greatest lane of each of LANES vectors. */
GF_INLINE vec_t NAME(greatest_lanes)(const vec_t v[LANES]) {
#if REAL == 32
    return f32_maxima_join(f32_maxima_of(v[0], v[1], v[2], v[3]),
                           f32_maxima_of(v[4], v[5], v[6], v[7]),
                           f32_maxima_of(v[8], v[9], v[10], v[11]),
                           f32_maxima_of(v[12], v[13], v[14], v[15]));
#else
    return f64_maxima_join(
        f64_maxima_of(v[0], v[1]), f64_maxima_of(v[2], v[3]), f64_maxima_of(v[4], v[5]), f64_maxima_of(v[6], v[7]));
#endif
}

/* Columns of up to LANES rows, a row a lane: the weights over their sum. */
GF_INLINE void NAME(relax_lanes)(vec_t *column, size_t n, vec_t greatest, vec_t rate) {
    f64x8 sum[EIGHTS];
    for (int e = 0; e < EIGHTS; e++)
        sum[e] = f64_set(0);
    for (size_t c = 0; c < n; c++) {
        column[c] = NAME(exp_below)(V(mul)(V(sub)(column[c], greatest), rate));
        V(add_wide)(sum, column[c]);
    }
    for (int e = 0; e < EIGHTS; e++)
        sum[e] = f64_div(f64_set(1), sum[e]);
    const vec_t factor = V(of_wide)(sum);
    for (size_t c = 0; c < n; c++)
        column[c] = V(mul)(column[c], factor);
}

/* One at the first greatest of each lane, zero elsewhere; NaN where a lane has no softmax. */
GF_INLINE void NAME(one_hot_lanes)(vec_t *column, size_t n, vec_t greatest) {
    const vec_t zero = V(set)(0), one = V(set)(1), nan = V(set)((real_t)NAN);
    vec_t excess = V(sub)(greatest, greatest), wanted = greatest;
    mask_t unusable = V(unordered)(excess, excess);
    for (size_t c = 0; c < n; c++)
        unusable = V(mask_or)(unusable, V(unordered)(column[c], column[c]));
    for (size_t c = 0; c < n; c++) {
        mask_t here = V(equal)(column[c], wanted);
        wanted = V(select)(here, nan, wanted); /* which nothing equals */
        column[c] = V(select)(unusable, nan, V(select)(here, one, zero));
    }
}

#endif
