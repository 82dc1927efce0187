/* Template: what there is to tell of a draw from what a mask and filters leave of a row: the logarithm of the probability that it
 * is each of some given categories, and its entropy. Their gradient: log_prob_vjp_tpl.h. */
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

#ifndef OF_WEIGHTS

/* Sums of the weights w of a row, that of element number `skipped` left out, and of w log(1 / w): one exponential serves both,
 * and as no term is negative, both keep their digits near 0. */
typedef struct {
    double mass, slope;
} ROW(mass_and_slope);

/* w log(1 / w), and the weights w. */
GF_INLINE vec_t ROW(slope_lanes)(vec_t x, const ROW(scaling) * s, vec_t *w) {
    const vec_t z = V(max)(NAME(below)(x, s), V(set)(-1000)); /* where the weight is 0 */
    *w = NAME(exp_below)(z);
    return V(mul)(V(sub)(V(set)(0), z), *w);
}

/* In the order of ROW(mass), so that a log-probability is the same with the entropy and without. */
GF_INLINE ROW(mass_and_slope) ROW(mass_and_slope_of)(const ROW(row) * row, size_t skipped, ROW(scaling) s, int how) {
    NAME(running_sum) mass = NAME(empty_sum)(), slope = mass;
    const vec_t zero = V(set)(0);
    const size_t n = row->n;
    vec_t w[4], z[4];
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        for (size_t k = 0; k < 4; k++)
            z[k] = ROW(slope_lanes)(ROW(read_lanes)(row, i + k * LANES, how), &s, w + k);
        for (size_t k = 0; GF_SELDOM(skipped - i < 4 * LANES) && k < 4; k++)
            if (skipped - i - k * LANES < LANES)
                w[k] = V(select)(V(mask_of_bits)(1u << (skipped - i - k * LANES)), zero, w[k]);
        ROW(add_weights)(&mass, w);
        ROW(add_weights)(&slope, z);
    }
    for (; i < n; i += LANES) {
        const vec_t x = i + LANES <= n ? ROW(read_lanes)(row, i, how) : ROW(read)(row, i, how == ROW(WHOLE));
        NAME(accumulate)(&slope, ROW(slope_lanes)(x, &s, w));
        if (skipped - i < LANES)
            w[0] = V(select)(V(mask_of_bits)(1u << (skipped - i)), zero, w[0]);
        NAME(accumulate)(&mass, w[0]);
    }
    return (ROW(mass_and_slope)){NAME(total)(&mass), NAME(total)(&slope)};
}

GF_APART ROW(mass_and_slope) ROW(mass_and_slope_whole)(const ROW(row) * row, size_t skipped, const ROW(scaling) * s) {
    return ROW(mass_and_slope_of)(row, skipped, *s, ROW(WHOLE));
}

GF_APART ROW(mass_and_slope) ROW(mass_and_slope_packed)(const ROW(row) * row, size_t skipped, const ROW(scaling) * s) {
    return ROW(mass_and_slope_of)(row, skipped, *s, ROW(PACKED));
}

GF_APART ROW(mass_and_slope) ROW(mass_and_slope_any)(const ROW(row) * row, size_t skipped, const ROW(scaling) * s) {
    return ROW(mass_and_slope_of)(row, skipped, *s, ROW(ANY));
}

static double ROW(entropy_left)(const ROW(row) * row, const ROW(scaling) * s, double *log_mass) {
    const size_t place = ROW(place_of)(row, s->greatest);
    const int how = ROW(how)(row);
    const ROW(mass_and_slope) sums = how == ROW(WHOLE)    ? ROW(mass_and_slope_whole)(row, place, s)
                                     : how == ROW(PACKED) ? ROW(mass_and_slope_packed)(row, place, s)
                                                          : ROW(mass_and_slope_any)(row, place, s);
    *log_mass = log1p_of(sums.mass);
    return *log_mass + sums.slope / (1 + sums.mass);
}

#endif

/* Scratch: the filter's, and a mask packed. */
GF_INLINE size_t ROW(log_prob_scratch)(const gf_request *q) { return ROW(filter_scratch)(q) + ROW(mask_bytes)(q); }

/* Sums of what is left of row r, its mask packed, after its filters; of weights and where it is not `sloped` without the entropy. All are NaN
 * where nothing can be drawn. */
static ROW(sums) ROW(sums_left)(const gf_request *q, size_t r, ROW(row) * row, void *scratch, int sloped) {
    uint32_t *words = (uint32_t *)(void *)((char *)scratch + ROW(filter_scratch)(q));
    ROW(row_pack)(row, words, block_padded(block_count(row->n)));
    const real_t greatest = ROW(normalise_left)(q, r, row, scratch);
    const ROW(scaling) s = ROW(scaling_of)(greatest, ROW(normalise_temperature)(q, r));
#ifdef OF_WEIGHTS
    (void)sloped;
    return (ROW(sums)){greatest, ROW(log_mass)(row, &s), NAN};
#else
    ROW(sums) sums = {greatest, NAN, NAN};
    if (greatest != greatest)
        return sums;
    if (sloped)
        sums.entropy = ROW(entropy_left)(row, &s, &sums.log_mass);
    else
        sums.log_mass = ROW(log_mass)(row, &s);
    return sums;
#endif
}

/* Of an index that is none of the row, such as -1 for no draw, -inf. */
GF_INLINE void ROW(log_prob_put)(const gf_request *q, size_t r, const ROW(row) * row, const ROW(sums) * sums) {
    if (q->entropy)
        ((real_t *)q->entropy)[r] = (real_t)sums->entropy;
    if (!q->out)
        return;
    const char *index = (const char *)gf_index(q, r);
    const ROW(score_scale) scale = ROW(score_scale_of)(sums->greatest, ROW(normalise_temperature)(q, r));
    real_t *out = gf_each(q, r);
    for (size_t i = 0; i < q->draws.count; i++, index += q->draws.step) {
        int64_t place;
        memcpy(&place, index, sizeof place);
        const real_t x = (uint64_t)place >= row->n ? NOTHING : ROW(element)(row, (size_t)place);
        out[i] = place >= 0 && sums->log_mass != sums->log_mass ? (real_t)NAN
                 : x == NOTHING ? -(real_t)INFINITY
                                : (real_t)(ROW(score_one)(x, &scale) - sums->log_mass + 0.0); /* not -0 */
    }
}

static void ROW(log_prob_row)(const gf_request *q, size_t r, void *scratch) {
    ROW(row) row = ROW(row_of)(q, r);
    const ROW(sums) sums = ROW(sums_left)(q, r, &row, scratch, q->entropy != NULL);
    ROW(log_prob_put)(q, r, &row, &sums);
}

#ifdef OF_WEIGHTS

static gf_status ROW(log_prob)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    for (size_t r = start; r < stop; r++)
        ROW(log_prob_row)(q, r, scratch);
    return gf_done();
}

#else

static void ROW(log_prob_of_sums)(const gf_request *q, size_t r, const ROW(sums) * sums, void *scratch) {
    const ROW(row) row = ROW(row_of)(q, r);
    if (sums)
        ROW(log_prob_put)(q, r, &row, sums);
    else
        ROW(log_prob_row)(q, r, scratch);
}

static gf_status ROW(log_prob)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    if (q->entropy)
        ROW(short_sums_each)(q, start, stop, ROW(log_prob_of_sums), scratch, 1);
    else
        ROW(short_sums_each)(q, start, stop, ROW(log_prob_of_sums), scratch, 0);
    return gf_done();
}

#endif

/* -- beside a draw -- */

GF_INLINE size_t ROW(told_scratch)(const gf_request *q, size_t draw) {
    const size_t log_prob = ROW(log_prob_scratch)(q);
    return draw > log_prob ? draw : log_prob;
}

/* Draws, and then what there is to tell of the draws, some rows at a time that the cache holds meanwhile. */
static gf_status ROW(told)(const gf_request *q, size_t start, size_t stop, gf_run draw, void *scratch) {
    enum { CACHED = 1 << 16 };
    gf_status status = gf_done();
    while (start < stop && status.row < 0) {
        size_t end = start, elements = 0;
        while (end < stop && (end == start || elements < CACHED))
            elements += gf_columns(q, end++);
        status = draw(q, start, end, scratch);
        if (status.row < 0)
            status = ROW(log_prob)(q, start, end, scratch);
        start = end;
    }
    return status;
}

#endif
