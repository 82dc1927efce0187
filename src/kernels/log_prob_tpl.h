/* Template: the logarithm of the probability that a draw from what a mask and filters leave of a row is each of some given
 * categories. */
#include "kernels/filter_tpl.h"
#include "kernels/short_sums_tpl.h"

#if defined(GF_LOG_PROB_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_LOG_PROB_TPL
#undef GF_LOG_PROB_TPL
#else
#define GF_LOG_PROB_TPL
#endif

/* Leaves of row r what its filters keep; at temperature 0 the first greatest element alone, which is what is drawn. Returns
 * the greatest, or NaN where nothing can be drawn. */
static real_t ROW(normalise_left)(const gf_request *q, size_t r, ROW(row) * row, void *scratch) {
    const real_t greatest = ROW(greatest)(row);
    if (greatest != greatest)
        return greatest;
    if (gf_temperature(q, r) == 0)
        ROW(row_cut)(row, greatest, ROW(place_of)(row, greatest) + 1);
    else if (q->filter)
        ROW(filter_row)(q, r, row, scratch);
    return greatest;
}

/* At temperature 0 there is one element, and any other temperature does. */
GF_INLINE double ROW(normalise_temperature)(const gf_request *q, size_t r) {
    return gf_temperature(q, r) == 0 ? 1 : gf_temperature(q, r);
}

/* Of index -1, which stands for no draw, -inf. */
GF_INLINE void ROW(log_prob_put)(const gf_request *q, size_t r, const ROW(row) * row, real_t greatest,
                                 double log_mass) {
    const char *index = (const char *)gf_index(q, r);
    const ROW(score_scale) scale = ROW(score_scale_of)(greatest, ROW(normalise_temperature)(q, r));
    real_t *out = gf_each(q, r);
    for (size_t i = 0; i < q->draws.count; i++, index += q->draws.step) {
        int64_t place;
        memcpy(&place, index, sizeof place);
        const real_t x = place < 0 ? NOTHING : ROW(element)(row, (size_t)place);
        out[i] = place >= 0 && log_mass != log_mass ? (real_t)NAN
                 : x == NOTHING                     ? -(real_t)INFINITY
                                                    : (real_t)(ROW(score_one)(x, &scale) - log_mass + 0.0); /* not -0 */
    }
}

GF_INLINE void ROW(log_prob_row)(const gf_request *q, size_t r, void *scratch) {
    ROW(row) row = ROW(row_of)(q, r);
    const real_t greatest = ROW(normalise_left)(q, r, &row, scratch);
    const ROW(scaling) s = ROW(scaling_of)(greatest, ROW(normalise_temperature)(q, r));
    ROW(log_prob_put)(q, r, &row, greatest, ROW(log_mass)(&row, &s));
}

#ifdef OF_WEIGHTS

static gf_status ROW(log_prob)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    for (size_t r = start; r < stop; r++)
        ROW(log_prob_row)(q, r, scratch);
    return gf_done();
}

#else

static void ROW(log_prob_of_sums)(const gf_request *q, size_t r, const ROW(short_sums) * sums, void *scratch) {
    const ROW(row) row = ROW(row_of)(q, r);
    if (sums)
        ROW(log_prob_put)(q, r, &row, sums->greatest, sums->log_mass);
    else
        ROW(log_prob_row)(q, r, scratch);
}

static gf_status ROW(log_prob)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    ROW(short_sums_each)(q, start, stop, ROW(log_prob_of_sums), scratch, 0);
    return gf_done();
}

#endif

#endif
