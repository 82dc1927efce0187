/* Template: one draw from each row, a short one by inverse CDF and a long one by rejection; ragged rows some at a time in the
 * order of their lengths. How a row is drawn from depends on its own length alone. Where the log-probabilities of the draws or
 * the entropies are wanted, short rows are read once for both. */
#include "kernels/inverse_cdf_tpl.h"
#include "kernels/log_prob_tpl.h"
#include "kernels/rejection_tpl.h"

#if defined(GF_CATEGORICAL_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_CATEGORICAL_TPL
#undef GF_CATEGORICAL_TPL
#else
#define GF_CATEGORICAL_TPL
#endif

static size_t ROW(categorical_scratch)(const gf_request *q) {
    const size_t draw = q->columns <= GF_SHORT_ROW ? 0 : ROW(rejection_scratch)(q);
    return gf_told(q) ? ROW(told_scratch)(q, draw) : draw;
}

/* Row r by itself. */
GF_INLINE gf_status ROW(categorical_alone)(const gf_request *q, size_t r, void *scratch) {
    return gf_columns(q, r) <= GF_SHORT_ROW ? ROW(inverse_cdf_row)(q, r) : ROW(rejection)(q, r, r + 1, scratch);
}

GF_INLINE gf_status ROW(categorical_by_length)(const gf_request *q, size_t start, size_t stop, void *scratch,
                                               int whole) {
    philox_keys keys;
    gf_status status = gf_done();
    ROW(lane_rates) rates = ROW(rates_from)(q, NULL, start, 1);
    philox_keys_set(&keys, q->stream.key);
    for (ragged_rows rows; start < stop && status.row < 0; start += rows.count) {
        ragged_rows_set(&rows, q, start, stop, GF_SHORT_ROW);
        for (size_t i = 0; i < rows.few; i += LANES) {
            const ragged_group group = ragged_group_of(&rows, i, LANES);
            int64_t index[LANES];
            uint32_t open;
            if (q->temperature.step)
                rates = ROW(rates_from)(q, &group, 0, group.some);
            ROW(inverse_cdf_lanes)(q, &group, 0, group.some, &keys, &rates, index, &open, NULL, whole);
            for (size_t lane = 0; lane < group.some; lane++)
                *gf_index(q, ragged_lane(&group, 0, lane)) = index[lane];
            for (; open; open &= open - 1)
                status = ragged_first(status, ROW(inverse_cdf_row)(q, ragged_lane(&group, 0, gf_lowest_bit(open))));
        }
        for (size_t i = rows.few; i < rows.count; i++)
            status = ragged_first(status, ROW(categorical_alone)(q, rows.start + rows.order[i], scratch));
    }
    return status;
}

GF_APART gf_status ROW(categorical_ragged)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    return q->mask ? ROW(categorical_by_length)(q, start, stop, scratch, 0)
                   : ROW(categorical_by_length)(q, start, stop, scratch, 1);
}

static gf_status ROW(categorical_untold)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    gf_status status = gf_done();
    size_t r = start;
    if (!q->offsets && q->columns > GF_SHORT_ROW)
        return ROW(rejection)(q, start, stop, scratch);
    if (stop - r > SHORT_FEW) {
        if (q->offsets)
            return ROW(categorical_ragged)(q, start, stop, scratch);
        status = q->mask ? ROW(inverse_cdf_masked)(q, &r, stop) : ROW(inverse_cdf_whole)(q, &r, stop);
    }
    for (; r < stop && status.row < 0; r++)
        status = ROW(categorical_alone)(q, r, scratch);
    return status;
}

#ifndef OF_WEIGHTS

GF_APART gf_status ROW(categorical_told_whole)(const gf_request *q, size_t *r, size_t stop, void *scratch) {
    return ROW(inverse_cdf_many)(q, r, stop, ROW(log_prob_of_sums), scratch, 1);
}

GF_APART gf_status ROW(categorical_told_masked)(const gf_request *q, size_t *r, size_t stop, void *scratch) {
    return ROW(inverse_cdf_many)(q, r, stop, ROW(log_prob_of_sums), scratch, 0);
}

#endif

static gf_status ROW(categorical)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    if (!gf_told(q))
        return ROW(categorical_untold)(q, start, stop, scratch);
    gf_status status = gf_done();
#ifndef OF_WEIGHTS
    if (!q->offsets && q->columns <= GF_SHORT_ROW && stop - start > SHORT_FEW)
        status = q->mask ? ROW(categorical_told_masked)(q, &start, stop, scratch)
                         : ROW(categorical_told_whole)(q, &start, stop, scratch);
#endif
    return status.row < 0 ? ROW(told)(q, start, stop, ROW(categorical_untold), scratch) : status;
}

#endif
