/* Template: argmax of x / temperature + G, the fused Gumbel-max, with values that are summed and compared in double. Long rows go by the pass of gumbel_scan_tpl.h, short ones
 * a row a lane.
 *
 * Tried and slower: short rows by that pass, or one by one from a tile's noise (4,096 x 6: two and a half times as long as
 * a row a lane). */
#include "kernels/gumbel_scan_tpl.h"
#include "kernels/ragged.h"

#if defined(GF_GUMBEL_MAX_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_MAX_TPL
#undef GF_GUMBEL_MAX_TPL
#else
#define GF_GUMBEL_MAX_TPL
#endif
#ifndef OF_WEIGHTS

/* Greatest of a row none of whose values is finite: where scores overflow, noise has no part in the choice. */
GF_COLD int64_t ROW(gumbel_max_overflowed)(const ROW(row) * row, const ROW(score_scale) * scale, double *value) {
    real_t greatest;
    const int64_t index = ROW(argmax)(row, &greatest);
    *value = ROW(score_one)(greatest, scale) + 0.0; /* not -0 */
    return index;
}

/* Greatest of a row whose noise is at hand, the first of equals. Returns whether there is one; where not, 0 for a row that is
 * sound and GF_NOT_FINITE for another. */
GF_INLINE int64_t ROW(gumbel_max_given_row)(const ROW(row) * row, const real_t *noise, double temperature,
                                            int64_t *index, double *value) {
    const size_t n = row->n;
    const ROW(score_scale) scale = ROW(score_scale_of)(0, temperature);
    scan_goal goal = {-INFINITY, -1, NULL};
    mask_t bad = V(mask_none)();
    if (temperature != 0)
        for (size_t i = 0; i < n; i += LANES) {
            const vec_t raw = ROW(read)(row, i, row->whole);
            const vec_t g = n - i >= LANES ? V(load)(noise + i) : V(load_tail)(noise + i, n - i, 0),
                        sum = V(add)(raw, g);
            f64x8 v[EIGHTS];
            double lanes[LANES];
            bad = V(mask_or)(bad, V(mask_or)(V(not_less)(raw, V(set)(INFINITY)), V(unordered)(sum, sum)));
            ROW(score_lanes)(raw, &g, &scale, v);
            for (int e = 0; e < EIGHTS; e++)
                if (f64_mask_bits(f64_less(f64_set(goal.bound), v[e]))) {
                    f64_store(lanes, v[e]);
                    scan_take(&goal, lanes, i + 8 * (size_t)e, 8);
                }
        }
    if (V(mask_bits)(bad))
        return GF_NOT_FINITE;
    *index = goal.index;
    *value = goal.bound;
    if (goal.index >= 0 && (goal.bound != INFINITY || noise[goal.index] == INFINITY))
        return 1;
    *index = ROW(gumbel_max_overflowed)(row, &scale, value);
    if (*index < 0)
        return ROW(unusable)(row);
    return temperature == 0 || noise[*index] > -(real_t)INFINITY;
}

/* Row r, whose noise is at hand. */
GF_INLINE gf_status ROW(gumbel_max_given_to)(const gf_request *q, size_t r, const real_t *noise) {
    const ROW(row) row = ROW(row_of)(q, r);
    int64_t index;
    double value;
    const int64_t found = ROW(gumbel_max_given_row)(&row, noise, gf_temperature(q, r), &index, &value);
    if (found > 0)
        gf_put(q, r, index, value);
    return gf_ended(q, r, found);
}

static gf_status ROW(gumbel_max_given)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        const gf_status status = ROW(gumbel_max_given_to)(q, r, gf_other(q, r));
        if (status.row >= 0)
            return status;
    }
    return gf_done();
}

/* LANES short rows at most, from number r on or those of a group, in lanes: the place of the greatest of each, and in *open the
 * lanes that are to be looked at by themselves: rows of which a lane's arithmetic, in the compute type, does not say for
 * certain which element it is, or that have none. */
GF_INLINE void ROW(gumbel_max_lanes)(const gf_request *q, const ragged_group *group, size_t r, size_t some,
                                     const real_t *noise, size_t stride, real_t places[LANES], uint32_t *open,
                                     int whole) {
    const size_t n = group ? group->columns : q->columns;
    vec_t columns[NOISE_TILE_COLUMNS];
    for (size_t c = 0; c < n; c += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            const size_t place = lane < some ? lane : 0, row = ragged_lane(group, r, place);
            const real_t rate = (real_t)scan_rate(gf_temperature(q, row));
            const vec_t x = ROW(read_of)(q, row, c, whole, !!group);
            columns[c + lane] = ROW(estimates)(x, noise + place * stride, c, n, 0, rate);
        }
        V(transpose)(columns + c);
    }
    const vec_t zero = V(set)(0);
    vec_t best = V(set)(-INFINITY), second = best, place_of = zero;
    mask_t bad = V(mask_none)();
    for (size_t c = 0; c < n; c++) {
        mask_t better = V(less)(best, columns[c]);
        bad = V(mask_or)(bad, V(unordered)(columns[c], columns[c]));
        second = V(max)(second, V(select)(better, best, columns[c]));
        best = V(select)(better, columns[c], best);
        place_of = V(select)(better, V(set)((real_t)c), place_of);
    }
    V(store)(places, place_of);
    const vec_t none = V(set)(-INFINITY), infinite = V(sub)(best, best); /* NaN of an infinity */
    const vec_t margin = V(select)(V(equal)(second, none), infinite, ROW(estimate_margin)(best, second));
    bad = V(mask_or)(bad, V(not_less)(margin, V(sub)(best, second)));
    *open = V(mask_bits)(bad) & (uint32_t)((1ull << some) - 1);
}

/* Draws from those rows, whose noise is at hand; of several that cannot be drawn from, the status is that of the first. */
GF_INLINE gf_status ROW(gumbel_max_group)(const gf_request *q, const ragged_group *group, size_t r, size_t some,
                                          const real_t *noise, size_t stride, int whole) {
    real_t places[LANES];
    uint32_t open;
    gf_status status = gf_done();
    ROW(gumbel_max_lanes)(q, group, r, some, noise, stride, places, &open, whole);
    for (size_t lane = 0; lane < some; lane++)
        *gf_index(q, ragged_lane(group, r, lane)) = (int64_t)places[lane];
    for (size_t lane = 0; q->draws.value && lane < some; lane++) {
        const size_t row = ragged_lane(group, r, lane), place = (size_t)places[lane];
        if (open >> lane & 1)
            continue;
        const double temperature = gf_temperature(q, row);
        const element_t *x = gf_x(q, row);
        const real_t g = temperature == 0 ? 0 : noise[lane * stride + place];
        const ROW(score_scale) scale = ROW(score_scale_of)(0, temperature);
        q->draws.value[row] = ROW(score_one)(ROW(read_one)(x + place), &scale) + (double)g;
    }
    for (; open; open &= open - 1) {
        const size_t lane = gf_lowest_bit(open);
        status = ragged_first(status, ROW(gumbel_max_given_to)(q, ragged_lane(group, r, lane), noise + lane * stride));
    }
    return status;
}

/* Short rows, LANES of them at a time: a row a lane. */
GF_INLINE gf_status ROW(gumbel_max_tiled)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys,
                                          int whole) {
    const size_t n = q->columns;
    real_t tile[NOISE_TILE_SIZE];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, stop - start, q->stream.column, n);
    for (size_t first = start; first < stop; first += LANES) {
        const size_t some = stop - first < LANES ? stop - first : LANES;
        const real_t *noise = NAME(noise_tile_from)(&plan, keys, q->stream, start, first, stop, tile);
        const gf_status status = ROW(gumbel_max_group)(q, NULL, first, some, noise, plan.stride, whole);
        if (status.row >= 0)
            return status;
    }
    return gf_done();
}

static gf_status ROW(gumbel_max_tiled_whole)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    return ROW(gumbel_max_tiled)(q, start, stop, keys, 1);
}

GF_APART gf_status ROW(gumbel_max_tiled_masked)(const gf_request *q, size_t start, size_t stop,
                                                const philox_keys *keys) {
    return ROW(gumbel_max_tiled)(q, start, stop, keys, 0);
}

/* A row by itself. */
GF_INLINE gf_status ROW(gumbel_max_alone)(const gf_request *q, size_t r, const philox_keys *keys) {
    ROW(scan) s;
    scan_goal goal = {-INFINITY, -1, NULL};
    ROW(scan_set)(&s, q, r, keys);
    if (s.noisy && !ROW(scan_pass)(&s, &goal))
        return gf_stopped(r, GF_NOT_FINITE);
    if (goal.index < 0 || goal.bound == INFINITY)
        goal.index = ROW(gumbel_max_overflowed)(&s.row, &s.scale, &goal.bound);
    if (goal.index < 0)
        return gf_ended(q, r, ROW(unusable)(&s.row));
    gf_put(q, r, goal.index, goal.bound);
    return gf_done();
}

/* Ragged rows, some in the order of their lengths at a time: short ones a row a lane, long ones by themselves. */
GF_INLINE gf_status ROW(gumbel_max_by_length)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys,
                                              int whole) {
    real_t tile[NOISE_TILE_SIZE];
    noise_tile_plan plan;
    gf_status status = gf_done();
    for (ragged_rows rows; start < stop && status.row < 0; start += rows.count) {
        ragged_rows_set(&rows, q, start, stop, NOISE_TILE_COLUMNS - (q->stream.column & 3));
        for (size_t i = 0; i < rows.few; i += LANES) {
            const ragged_group group = ragged_group_of(&rows, i, LANES);
            noise_tile_plan_of(&plan, group.row, group.some, q->stream.column, group.columns);
            NAME(noise_tile)(&plan, keys, q->stream.key, q->stream.row, group.some, tile);
            status = ragged_first(
                status, ROW(gumbel_max_group)(q, &group, 0, group.some, tile + plan.skip, plan.stride, whole));
        }
        for (size_t i = rows.few; i < rows.count; i++)
            status = ragged_first(status, ROW(gumbel_max_alone)(q, rows.start + rows.order[i], keys));
    }
    return status;
}

GF_APART gf_status ROW(gumbel_max_ragged)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    return q->mask ? ROW(gumbel_max_by_length)(q, start, stop, keys, 0)
                   : ROW(gumbel_max_by_length)(q, start, stop, keys, 1);
}

static gf_status ROW(gumbel_max)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    philox_keys keys;
    gf_status status = gf_done();
    (void)scratch;
    philox_keys_set(&keys, q->stream.key);
    if (q->offsets)
        return ROW(gumbel_max_ragged)(q, start, stop, &keys);
    if ((q->stream.column & 3) + q->columns <= NOISE_TILE_COLUMNS)
        return q->mask ? ROW(gumbel_max_tiled_masked)(q, start, stop, &keys)
                       : ROW(gumbel_max_tiled_whole)(q, start, stop, &keys);
    for (size_t r = start; r < stop && status.row < 0; r++)
        status = ROW(gumbel_max_alone)(q, r, &keys);
    return status;
}

#endif
#endif
