/* Template: the gradient, in the logits, of log-probabilities and of the entropy (log_prob_tpl.h). With p the probabilities of what
 * is left, g the gradients in the log-probabilities of the categories i, and h that in the entropy H, it is
 *
 *     (sum of g over those i that are j  -  p_j (sum g + h (log p_j + H))) / temperature
 *
 * in logit j, and 0 where p_j is: what a mask or a filter leaves out has no gradient, whatever its logit. */
#include "kernels/log_prob_tpl.h"

#if defined(GF_LOG_PROB_VJP_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_LOG_PROB_VJP_TPL
#undef GF_LOG_PROB_VJP_TPL
#else
#define GF_LOG_PROB_VJP_TPL
#endif
#ifndef OF_WEIGHTS

/* Number i of the given categories of a row; n where it is none that has a gradient. */
GF_INLINE size_t ROW(vjp_place)(const gf_request *q, size_t r, const ROW(row) * row, size_t i) {
    int64_t place;
    memcpy(&place, (const char *)gf_index(q, r) + (ptrdiff_t)i * q->draws.step, sizeof place);
    return (uint64_t)place < row->n && ROW(element)(row, (size_t)place) != NOTHING ? (size_t)place : row->n;
}

/* -p (sum g + h (log p + H)), where there is a p. */
GF_INLINE vec_t ROW(vjp_lanes)(vec_t x, const ROW(scaling) * s, vec_t log_mass, vec_t total, vec_t h, vec_t entropy) {
    const vec_t lowest = V(set)(-1000), zero = V(set)(0);
    const vec_t log = V(max)(V(sub)(NAME(below)(x, s), log_mass), lowest);
    const vec_t change = V(fma)(h, V(add)(log, entropy), total);
    return V(sub)(zero, V(mul)(NAME(exp_below)(log), change));
}

GF_INLINE void ROW(vjp_row)(const gf_request *q, size_t r, ROW(row) copy, const ROW(sums) * sums, int how) {
    const ROW(row) *row = &copy; /* which no store can be thought to change */
    const size_t n = row->n;
    const double temperature = ROW(normalise_temperature)(q, r);
    const real_t *g = q->other.data ? gf_other(q, r) : NULL;
    real_t *out = gf_out(q, r);
    double total = 0;
    for (size_t i = 0; g && i < q->draws.count; i++)
        total += ROW(vjp_place)(q, r, row, i) < n ? g[i] : 0;
    const ROW(scaling) s = ROW(scaling_of)(sums->greatest, temperature);
    const vec_t log_mass = V(set)((real_t)sums->log_mass), all = V(set)((real_t)total);
    const vec_t h = V(set)(q->entropy ? ((const real_t *)q->entropy)[r] : 0);
    const vec_t entropy = V(set)(q->entropy ? (real_t)sums->entropy : 0);
    const real_t scale = NAME(is_extreme)(temperature) ? 1 : (real_t)(1 / temperature);
    const vec_t rate = V(set)(scale);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(out + i, V(mul)(ROW(vjp_lanes)(ROW(read_lanes)(row, i, how), &s, log_mass, all, h, entropy), rate));
    if (i < n)
        V(store_tail)(
            out + i,
            n - i,
            V(mul)(ROW(vjp_lanes)(ROW(read)(row, i, how == ROW(WHOLE)), &s, log_mass, all, h, entropy), rate));
    for (size_t k = 0; g && k < q->draws.count; k++) {
        const size_t place = ROW(vjp_place)(q, r, row, k);
        if (place < n)
            out[place] += g[k] * scale; /* rounded as -p g is: nothing is left where p is 1 */
    }
    for (size_t k = 0; NAME(is_extreme)(temperature) && k < n; k++) /* whose inverse the vectors may not hold */
        out[k] = out[k] == 0 ? 0 : (real_t)(out[k] / temperature);
}

GF_APART void ROW(vjp_packed)(const gf_request *q, size_t r, const ROW(row) * row, const ROW(sums) * sums) {
    ROW(vjp_row)(q, r, *row, sums, ROW(PACKED));
}

GF_APART void ROW(vjp_any)(const gf_request *q, size_t r, const ROW(row) * row, const ROW(sums) * sums) {
    ROW(vjp_row)(q, r, *row, sums, ROW(ANY));
}

static void ROW(vjp_of_sums)(const gf_request *q, size_t r, const ROW(sums) * sums, void *scratch) {
    ROW(row) row = ROW(row_of)(q, r);
    ROW(sums) own;
    if (!sums) {
        own = ROW(sums_left)(q, r, &row, scratch, q->entropy != NULL);
        sums = &own;
    }
    if (sums->log_mass != sums->log_mass) {
        real_t *out = gf_out(q, r);
        for (size_t i = 0; i < row.n; i++)
            out[i] = (real_t)NAN;
    } else if (row.whole) {
        ROW(vjp_row)(q, r, row, sums, ROW(WHOLE));
    } else if (row.packed && !row.cut) {
        ROW(vjp_packed)(q, r, &row, sums);
    } else {
        ROW(vjp_any)(q, r, &row, sums);
    }
}

static gf_status ROW(log_prob_vjp)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    if (q->entropy)
        ROW(short_sums_each)(q, start, stop, ROW(vjp_of_sums), scratch, 1);
    else
        ROW(short_sums_each)(q, start, stop, ROW(vjp_of_sums), scratch, 0);
    return gf_done();
}

#endif
#endif
