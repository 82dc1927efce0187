/* Template: what a row of sums of logits and noise becomes, in the compute type: its softmax, the logarithm of that, or the one-hot
 * of its greatest entry; by rows and by lanes. Where the sums come from: gumbel_softmax_tpl.h.
 *
 * In the sum of a logarithm the greatest, which weighs 1, is left out, so that what is beside it keeps its digits however little
 * it is. */
#include "kernels/logarithm.h"
#include "kernels/noise.h"
#include "kernels/softmax_tpl.h"

#if defined(GF_RELAX_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_RELAX_TPL
#undef GF_RELAX_TPL
#else
#define GF_RELAX_TPL
#endif

/* The first of y that is `value`; n where none is. */
GF_INLINE size_t NAME(first_of)(const real_t *y, size_t n, real_t value) {
    const vec_t wanted = V(set)(value);
    for (size_t i = 0; i < n; i += LANES) {
        const vec_t v = n - i >= LANES ? V(load)(y + i) : V(load_tail)(y + i, n - i, (real_t)NAN);
        const uint32_t here = V(mask_bits)(V(equal)(v, wanted));
        if (here)
            return i + gf_lowest_bit(here);
    }
    return n;
}

/* One at the first greatest of y, zero elsewhere; NaN where y has no softmax, and its greatest is infinite. out may be y. */
GF_APART void NAME(one_hot)(const real_t *y, real_t *out, size_t n, real_t greatest) {
    const real_t other = greatest - greatest; /* 0 or NaN */
    const size_t place = NAME(first_of)(y, n, greatest);
    for (size_t i = 0; i < n; i++)
        out[i] = other;
    if (other == 0 && place < n)
        out[place] = 1;
}

/* Weights from number i on, that of number `skipped` as 0. */
GF_INLINE vec_t NAME(without)(vec_t weights, size_t i, size_t skipped) {
    return skipped - i < LANES ? V(select)(V(mask_of_bits)(1u << (skipped - i)), V(set)(0), weights) : weights;
}

/* The logarithm of softmax, of a row whose greatest element is known; NaN where that is infinite. out may be y. */
GF_APART void NAME(log_softmax_from)(const real_t *y, real_t *out, size_t n, real_t greatest, double temperature) {
    const NAME(scaling) s = NAME(scaling_of)(greatest, temperature);
    const size_t skipped = NAME(first_of)(y, n, greatest);
    NAME(running_sum) sum = NAME(empty_sum)();
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        vec_t w[4];
        for (size_t k = 0; k < 4; k++)
            w[k] = NAME(weight)(V(load)(y + i + k * LANES), &s);
        if (GF_SELDOM(skipped - i < 4 * LANES))
            for (size_t k = 0; k < 4; k++)
                w[k] = NAME(without)(w[k], i + k * LANES, skipped);
#if REAL == 32
        NAME(accumulate)(&sum, V(add)(w[0], w[1]));
        NAME(accumulate)(&sum, V(add)(w[2], w[3]));
#else
        NAME(accumulate)(&sum, V(add)(V(add)(w[0], w[1]), V(add)(w[2], w[3])));
#endif
    }
    for (; i < n; i += LANES) {
        const vec_t v = V(load_tail)(y + i, n - i < LANES ? n - i : LANES, -INFINITY);
        NAME(accumulate)(&sum, NAME(without)(NAME(weight)(v, &s), i, skipped));
    }
    const double beside = greatest - greatest == 0 ? NAME(total)(&sum) : NAN;
    const vec_t log_sum = V(set)((real_t)log1p_of(beside));
    for (i = 0; i + LANES <= n; i += LANES)
        V(store)(out + i, V(sub)(NAME(below)(V(load)(y + i), &s), log_sum));
    if (i < n)
        V(store_tail)(out + i, n - i, V(sub)(NAME(below)(V(load_tail)(y + i, n - i, 0), &s), log_sum));
}

GF_INLINE void NAME(relax_row)(const real_t *y, real_t *out, size_t n, real_t greatest, double temperature,
                               gf_form form) {
    if (form == GF_HARD)
        NAME(one_hot)(y, out, n, greatest);
    else if (form == GF_LOG)
        NAME(log_softmax_from)(y, out, n, greatest, temperature);
    else
        NAME(softmax_from)(y, out, n, greatest, temperature);
}

/* A short row, in y, which is spoiled, to the same bits as by lanes: its sum runs along the row in order, in double. */
GF_APART void NAME(relax_short)(real_t y[NOISE_TILE_COLUMNS], real_t *out, size_t n, real_t greatest,
                                double temperature, gf_form form) {
    enum { MOST = NOISE_TILE_COLUMNS };
    real_t weight[MOST];
    const NAME(scaling) s = NAME(scaling_of)(greatest, temperature);
    double sum = 0;
    if (form == GF_HARD) {
        NAME(one_hot)(y, out, n, greatest);
        return;
    }
    const size_t skipped = form == GF_LOG ? NAME(first_of)(y, n, greatest) : n;
    for (size_t i = 0; i < MOST && i < n; i += LANES) {
        const vec_t z = NAME(below)(V(load)(y + i), &s);
        V(store)(y + i, z);
        V(store)(weight + i, NAME(exp_below)(z));
    }
    for (size_t i = 0; i < n; i++)
        if (i != skipped)
            sum += weight[i];
    const vec_t log_sum = V(set)(form == GF_LOG ? (real_t)log1p_of(sum) : 0), factor = V(set)((real_t)(1 / sum));
    for (size_t i = 0; i < MOST && i < n; i += LANES)
        V(store)(y + i, form == GF_LOG ? V(sub)(V(load)(y + i), log_sum) : V(mul)(V(load)(weight + i), factor));
    memcpy(out, y, n * sizeof *out);
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

/* Their logarithms. */
GF_APART void NAME(log_lanes)(vec_t *column, size_t n, const vec_t *most, const vec_t *rates) {
    const vec_t zero = V(set)(0), nan = V(set)((real_t)NAN), greatest = *most, rate = *rates;
    vec_t wanted = greatest;
    f64x8 sum[EIGHTS];
    for (int e = 0; e < EIGHTS; e++)
        sum[e] = f64_set(0);
    for (size_t c = 0; c < n; c++) {
        const mask_t here = V(equal)(column[c], wanted);
        wanted = V(select)(here, nan, wanted); /* which nothing equals */
        column[c] = V(mul)(V(sub)(column[c], greatest), rate);
        V(add_wide)(sum, V(select)(here, zero, NAME(exp_below)(column[c])));
    }
    for (int e = 0; e < EIGHTS; e++)
        sum[e] = f64_log1p_of(sum[e]);
    const vec_t log_sum = V(of_wide)(sum);
    for (size_t c = 0; c < n; c++)
        column[c] = V(sub)(column[c], log_sum);
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

/* Columns of `some` rows into these, which lie `stride` bytes apart. The columns are spoiled, to a whole number of vectors. */
GF_INLINE void NAME(store_lanes)(vec_t *column, size_t n, size_t some, void *out, ptrdiff_t stride) {
    for (size_t c = 0; c < n; c += LANES) {
        V(transpose)(column + c);
        for (size_t lane = 0; lane < some; lane++) {
            real_t *p = (real_t *)(void *)((char *)out + (ptrdiff_t)lane * stride) + c;
            if (n - c >= LANES)
                V(store)(p, column[c + lane]);
            else
                V(store_tail)(p, n - c, column[c + lane]);
        }
    }
}

/* Where the one-hot of row r goes besides, or NULL. */
GF_INLINE real_t *NAME(one_hot_of)(const gf_request *q, size_t r) {
    return q->one_hot ? (real_t *)q->one_hot + r * q->columns : NULL;
}

/* The one-hots of columns of sums, into rows one after the other. */
GF_APART void NAME(put_one_hots)(const vec_t *column, size_t n, const vec_t *greatest, size_t some, real_t *out) {
    vec_t hot[NOISE_TILE_COLUMNS];
    for (size_t c = 0; c < NOISE_TILE_COLUMNS && c < (n + LANES - 1) / LANES * LANES; c++)
        hot[c] = column[c];
    NAME(one_hot_lanes)(hot, n, *greatest);
    NAME(store_lanes)(hot, n, some, out, (ptrdiff_t)(n * sizeof *out));
}

#endif
