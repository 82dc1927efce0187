/* Template: the k greatest of score + G, in falling order: draws without replacement (Plackett-Luce).
 *
 * They are those above a bound: the k-th greatest of a sample of blocks (with noise of their own, so that the bound is
 * right whatever the logits' order), a little lower to be safe. What passes is collected, at most about 2 k, and sorted;
 * where the bound was too high, a second pass runs without one. Short rows are ranked by counting, by estimates where
 * these leave no doubt.
 *
 * Tried and slower: the bound taken from the first blocks only (sorted logits then pass whole); a sample of 64 blocks for
 * rows of any length (10 of 10,000: four times the time, most of it the sample's sorting). */
#include "kernels/filter_tpl.h"
#include "kernels/top_k_lanes_tpl.h"

#if defined(GF_GUMBEL_TOP_K_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_TOP_K_TPL
#undef GF_GUMBEL_TOP_K_TPL
#else
#define GF_GUMBEL_TOP_K_TPL
#endif

#define TOP_K_SAMPLE 64 /* most blocks looked at for a bound */
#define MODERATE 0x1p20 /* values below it keep the noise to 2^-32 */
#define TOP_K_LEAST 512 /* elements below which no bound is looked for */

/* How many entries a pass may collect before it must throw some away. */
GF_INLINE size_t ROW(top_k_room)(size_t n, size_t k) {
    size_t room = 2 * k < TOP_K_SAMPLE * SCAN_BLOCK ? TOP_K_SAMPLE * SCAN_BLOCK : 2 * k;
    return room < n ? room : n;
}

static size_t ROW(top_k_scratch)(const gf_request *q) {
    const size_t ranked = sizeof(selection) + selection_bytes(ROW(top_k_room)(q->columns, q->draws.count));
    const size_t filter = ROW(filter_scratch)(q); /* which is over by then */
    return ranked > filter ? ranked : filter;
}

/* A bound that about k elements, and seldom fewer, are above: from the values of blocks spread over the row. */
GF_INLINE double ROW(top_k_bound)(const ROW(scan) * s, size_t k, selection *sample) {
    const size_t blocks = (s->row.n - s->skip) / SCAN_BLOCK; /* whole ones, after a first that may be cut */
    const double wanted = sqrt((double)s->row.n) / 16; /* more would cost more than they keep from being collected */
    const size_t looked_at = wanted < 4 ? 4 : wanted > TOP_K_SAMPLE ? TOP_K_SAMPLE : (size_t)wanted;
    const double expected = (double)k * (double)(looked_at * SCAN_BLOCK) / (double)s->row.n;
    const size_t rank = (size_t)(expected + 4 * sqrt(expected) + 8);
    double bound = -INFINITY, value[SCAN_BLOCK];
    if (!s->noisy || s->row.n < TOP_K_LEAST || rank > looked_at * SCAN_BLOCK / 2)
        return bound;
    const size_t before = s->skip ? SCAN_BLOCK - s->skip : 0;
    for (size_t b = 0; b < looked_at; b++) {
        const size_t block = b * (blocks - 1) / looked_at;
        ROW(scan_values)(s,
                         before + block * SCAN_BLOCK,
                         SCAN_BLOCK,
                         0,
                         s->counter + (block + (s->skip != 0)) * (SCAN_BLOCK / 4),
                         value);
        for (size_t i = 0; i < SCAN_BLOCK; i++)
            selection_put(sample, value[i], 0);
    }
    selection_sort(sample);
    bound = sample->value[rank - 1];
    sample->count = 0;
    return bound;
}

/* Indices of the k greatest of n estimates, k <= n <= NOISE_TILE_COLUMNS, in falling order: each goes where the number of those
 * above it says. Returns whether that is the order of the values for certain. */
static int ROW(top_k_by_rank)(const real_t *estimate, size_t n, size_t k, int64_t *index) {
    const vec_t lowest = V(set)(-REAL_MAX / 4);
    const size_t vectors = (n + LANES - 1) / LANES;
    vec_t v[NOISE_TILE_COLUMNS / LANES];
    real_t sorted[NOISE_TILE_COLUMNS + 2 * LANES];
    uint32_t uncertain = 0;
    for (size_t j = 0; j < vectors; j++) {
        v[j] = V(max)(V(load)(estimate + j * LANES), lowest);
        V(store)(sorted + j * LANES, V(set)((real_t)NAN)); /* which stays where estimates are equal */
    }
    sorted[n] = -REAL_MAX / 4;
    for (size_t i = 0; i < n; i++) {
        const vec_t mine = V(set)(estimate[i]);
        uint64_t above = 0;
        for (size_t j = 0; j < vectors; j++)
            above |= (uint64_t)V(mask_bits)(V(less)(mine, v[j])) << j * LANES;
        const size_t rank = gf_count_bits(above);
        sorted[rank] = estimate[i];
        if (rank < k)
            index[rank] = (int64_t)i;
    }
    for (size_t i = 0; i < k; i += LANES) {
        const vec_t a = V(load)(sorted + i), b = V(max)(lowest, V(load)(sorted + i + 1));
        const uint32_t wanted = k - i < LANES ? (1u << (k - i)) - 1 : (uint32_t)((1ull << LANES) - 1);
        uncertain |= wanted & V(mask_bits)(V(not_less)(ROW(estimate_margin)(a, b), V(sub)(a, b)));
    }
    return !uncertain;
}

/* Puts in falling order of x, from place `found` on, the elements whose score is `overflowed`, one of the infinities; returns
 * how many places are filled then, at most k. */
GF_COLD int64_t ROW(top_k_overflowed)(const ROW(scan) * s, size_t k, size_t found, double overflowed, int64_t *index,
                                      double *value, selection *collected) {
    double bound = -INFINITY;
    collected->count = 0;
    for (size_t i = 0; i < s->row.n; i++) {
        const real_t x = ROW(element)(&s->row, i);
        const double order = x;
        if (x > NOTHING && ROW(score_one)(x, &s->scale) == overflowed)
            selection_above(collected, &order, 1, (int64_t)i, &bound);
    }
    selection_sort(collected);
    for (size_t i = 0; i < collected->count && found < k; i++, found++) {
        index[found] = collected->index[i];
        if (value)
            value[found] = overflowed;
    }
    return (int64_t)found;
}

/* One row; returns how many there are above the floor, at most k, or GF_NOT_FINITE. */
static int64_t ROW(top_k_row)(ROW(scan) * s, size_t k, double floor, int64_t *index, double *value, void *scratch) {
    selection *collected = scratch;
    selection_set(collected, k, ROW(top_k_room)(s->row.n, k));
    scan_goal goal = {ROW(top_k_bound)(s, k, collected), -1, collected};
    for (;;) {
        const int unbounded = !(goal.bound > floor);
        goal.bound = unbounded ? floor : goal.bound;
        if (!ROW(scan_pass)(s, &goal))
            return GF_NOT_FINITE;
        if (collected->count >= k || unbounded)
            break;
        collected->count = 0;
        goal.bound = floor;
    }
    selection_sort(collected);
    const size_t found = collected->count < k ? collected->count : k;
    for (size_t i = 0; i < found; i++) {
        index[i] = collected->index[i];
        if (value)
            value[i] = collected->value[i] + 0.0; /* not -0 */
    }
    if (found && collected->value[0] == INFINITY)
        ROW(top_k_overflowed)(s, k, 0, INFINITY, index, value, collected);
    if (found < k && floor == -INFINITY)
        return ROW(top_k_overflowed)(s, k, found, -INFINITY, index, value, collected);
    return (int64_t)found;
}

/* Ends row r, in which `count` elements were found, in order; the noise of column c is noise[c * step]. Their values are written,
 * and those that are not above the floor left out. */
GF_INLINE gf_status ROW(top_k_found)(const gf_request *q, size_t r, size_t count, const real_t *noise, size_t step,
                                     real_t shift) {
    const ROW(score_scale) scale = ROW(score_scale_of)(shift, gf_temperature(q, r));
    const double floor = gf_floor(q, r);
    const element_t *x = gf_x(q, r);
    const int64_t *index = gf_index(q, r);
    double *value = gf_value(q, r);
    size_t found = 0;
    for (; found < count; found++) {
        const int64_t place = index[found];
        const double v = ROW(score_one)(ROW(read_one)(x + place), &scale) + (double)noise[(size_t)place * step];
        if (floor > -INFINITY && !(v > floor))
            break;
        if (value)
            value[found] = v;
    }
    return gf_ended(q, r, (int64_t)found);
}

/* Row r, which is short and whose noise is at hand. */
GF_APART gf_status ROW(top_k_short)(const gf_request *q, size_t r, const real_t *noise, const philox_keys *keys,
                                    int below, void *scratch) {
    const size_t k = q->draws.count;
    ROW(row) row = ROW(row_of)(q, r);
    const size_t n = row.n;
    const real_t greatest = ROW(greatest)(&row), shift = below ? greatest : 0;
    const real_t rate = (real_t)scan_rate(gf_temperature(q, r));
    real_t estimate[NOISE_TILE_COLUMNS];
    int64_t *index = gf_index(q, r);
    int64_t found = greatest == greatest ? (int64_t)k : ROW(unusable)(&row);
    if (found > 0 && q->filter)
        ROW(filter_row)(q, r, &row, scratch);
    for (size_t i = 0; found > 0 && i < n; i += LANES)
        V(store)(estimate + i, ROW(estimates)(ROW(read)(&row, i, row.whole), noise, i, n, shift, rate));
    if (found > 0 && k <= n && rate == rate && ROW(top_k_by_rank)(estimate, n, k, index))
        return q->draws.value || q->floor.data ? ROW(top_k_found)(q, r, k, noise, 1, shift) : gf_done();
    if (found > 0) {
        ROW(scan) s;
        ROW(scan_set)(&s, q, r, keys);
        ROW(scan_below)(&s, q, r, shift);
        s.row = row;
        found = ROW(top_k_row)(&s, k, gf_floor(q, r), index, gf_value(q, r), scratch);
    }
    return gf_ended(q, r, found);
}

/* Short rows one by one, all of one length. */
static gf_status ROW(top_k_tiled)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys, int below,
                                  void *scratch) {
    real_t tile[NOISE_TILE_SIZE];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, stop - start, q->stream.column, gf_columns(q, start));
    for (size_t r = start; r < stop; r++) {
        const real_t *noise = NAME(noise_tile_from)(&plan, keys, q->stream, start, r, stop, tile);
        const gf_status status = ROW(top_k_short)(q, r, noise, keys, below, scratch);
        if (status.row >= 0)
            return status;
    }
    return gf_done();
}

/* Up to LANES short rows in lanes, from number r on or those of a group; k is no more than `columns`. Of several that do not give
 * what is wanted, the status is that of the first. */
GF_INLINE gf_status ROW(top_k_group)(const gf_request *q, const ragged_group *group, size_t r, size_t some,
                                     size_t columns, const philox_keys *keys, int below, void *scratch, int whole) {
    const size_t k = q->draws.count, bytes = k * sizeof(int64_t), skip = q->stream.column & 3;
    vec_t noise[NOISE_TILE_COLUMNS + 4];
    int64_t index[LANES * NOISE_TILE_COLUMNS + LANES];
    real_t by_column[NOISE_TILE_COLUMNS * LANES], mine[NOISE_TILE_COLUMNS], found[LANES];
    uint32_t open;
    const int valued = q->draws.value || q->floor.data;
    gf_status status = gf_done();
    ROW(top_k_lanes)(q, group, r, some, columns, keys, noise, index, found, &open, whole);
    if (!group && q->draws.stride == (ptrdiff_t)bytes)
        memcpy(gf_index(q, r), index, some * bytes);
    else
        for (size_t lane = 0; lane < some; lane++)
            memcpy(gf_index(q, ragged_lane(group, r, lane)), index + lane * k, bytes);
    for (size_t lane = 0; q->allow_fewer && !valued && lane < some; lane++)
        if (!(open >> lane & 1) && found[lane] < k)
            gf_ended(q, ragged_lane(group, r, lane), (int64_t)found[lane]);
    if (!valued && !open)
        return status;
    for (size_t c = 0; c < columns; c++)
        V(store)(by_column + c * LANES, noise[skip + c]);
    for (size_t lane = 0; lane < some; lane++) {
        const size_t row = ragged_lane(group, r, lane);
        if (open >> lane & 1) {
            for (size_t c = 0; c < columns; c++)
                mine[c] = by_column[c * LANES + lane];
            status = ragged_first(status, ROW(top_k_short)(q, row, mine, keys, below, scratch));
        } else if (valued) {
            status = ragged_first(status, ROW(top_k_found)(q, row, (size_t)found[lane], by_column + lane, LANES, 0));
        }
    }
    return status;
}

/* Short rows in lanes from row *r on, all of one length, until no more than TOP_K_FEW are left or one does not give what is
 * wanted. */
GF_INLINE gf_status ROW(top_k_short_many)(const gf_request *q, size_t *r, size_t stop, const philox_keys *keys,
                                          int below, void *scratch, int whole) {
    gf_status status = gf_done();
    while (stop - *r > TOP_K_FEW && status.row < 0) {
        const size_t some = stop - *r < LANES ? stop - *r : LANES;
        status = ROW(top_k_group)(q, NULL, *r, some, q->columns, keys, below, scratch, whole);
        *r += some;
    }
    return status;
}

GF_APART gf_status ROW(top_k_short_whole)(const gf_request *q, size_t *r, size_t stop, const philox_keys *keys,
                                          int below, void *scratch) {
    return ROW(top_k_short_many)(q, r, stop, keys, below, scratch, 1);
}

GF_APART gf_status ROW(top_k_short_masked)(const gf_request *q, size_t *r, size_t stop, const philox_keys *keys,
                                           int below, void *scratch) {
    return ROW(top_k_short_many)(q, r, stop, keys, below, scratch, 0);
}

/* Whether the noise keeps its digits in the sums of the first and the last of k elements found, and so of those between. */
GF_INLINE int ROW(is_moderate)(const ROW(scan) * s, const int64_t *index, size_t k) {
    return fabs(ROW(score_one)(ROW(read_one)(s->row.x + index[0]), &s->scale)) < MODERATE &&
           fabs(ROW(score_one)(ROW(read_one)(s->row.x + index[k - 1]), &s->scale)) < MODERATE;
}

/* A long row: of x, or of x - greatest where `below` and plain scores are too large beside the noise, which saves the others a
 * pass for the greatest. */
GF_INLINE gf_status ROW(top_k_long)(const gf_request *q, size_t r, const philox_keys *keys, int below, void *scratch) {
    const size_t k = q->draws.count;
    int64_t *index = gf_index(q, r);
    ROW(scan) s;
    ROW(scan_set)(&s, q, r, keys);
    int64_t found = q->filter ? ROW(filter_row)(q, r, &s.row, scratch) : 1;
    if (found > 0)
        found = ROW(top_k_row)(&s, k, gf_floor(q, r), index, gf_value(q, r), scratch);
    if (below && s.noisy && k && (found <= 0 || !ROW(is_moderate)(&s, index, (size_t)found))) {
        const real_t greatest = ROW(greatest)(&s.row);
        found = greatest == greatest ? 1 : ROW(unusable)(&s.row);
        ROW(scan_below)(&s, q, r, greatest);
        if (found > 0)
            found = ROW(top_k_row)(&s, k, gf_floor(q, r), index, gf_value(q, r), scratch);
    }
    return gf_ended(q, r, found);
}

/* Ragged rows, some in the order of their lengths at a time: short ones a row a lane, long ones by themselves. */
GF_INLINE gf_status ROW(top_k_by_length)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys,
                                         int below, void *scratch, int whole) {
    const size_t k = q->draws.count, most = NOISE_TILE_COLUMNS - (q->stream.column & 3);
    const int lanes = !q->filter && k && k <= most;
    gf_status status = gf_done();
    for (ragged_rows rows; start < stop && status.row < 0; start += rows.count) {
        ragged_rows_set(&rows, q, start, stop, most);
        for (size_t i = 0; lanes && i < rows.few; i += LANES) {
            const ragged_group group = ragged_group_of(&rows, i, LANES);
            const size_t columns = group.columns < k ? k : group.columns;
            status =
                ragged_first(status, ROW(top_k_group)(q, &group, 0, group.some, columns, keys, below, scratch, whole));
        }
        for (size_t i = lanes ? rows.few : 0; i < rows.count; i++) {
            const size_t r = rows.start + rows.order[i];
            status = ragged_first(status,
                                  i < rows.few ? ROW(top_k_tiled)(q, r, r + 1, keys, below, scratch)
                                               : ROW(top_k_long)(q, r, keys, below, scratch));
        }
    }
    return status;
}

GF_APART gf_status ROW(top_k_ragged)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys, int below,
                                     void *scratch) {
    return q->mask ? ROW(top_k_by_length)(q, start, stop, keys, below, scratch, 0)
                   : ROW(top_k_by_length)(q, start, stop, keys, below, scratch, 1);
}

GF_INLINE gf_status ROW(top_k)(const gf_request *q, size_t start, size_t stop, int below, void *scratch) {
    const size_t k = q->draws.count;
    size_t r = start;
    gf_status status = gf_done();
    philox_keys keys;
    philox_keys_set(&keys, q->stream.key);
    if (q->offsets)
        return ROW(top_k_ragged)(q, start, stop, &keys, below, scratch);
    if ((q->stream.column & 3) + q->columns <= NOISE_TILE_COLUMNS) {
        if (stop - r > TOP_K_FEW && !q->filter && k && k <= q->columns)
            status = q->mask ? ROW(top_k_short_masked)(q, &r, stop, &keys, below, scratch)
                             : ROW(top_k_short_whole)(q, &r, stop, &keys, below, scratch);
        return r < stop && status.row < 0 ? ROW(top_k_tiled)(q, r, stop, &keys, below, scratch) : status;
    }
    for (; r < stop && status.row < 0; r++)
        status = ROW(top_k_long)(q, r, &keys, below, scratch);
    return status;
}

static gf_status ROW(gumbel_top_k)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    return ROW(top_k)(q, start, stop, 0, scratch);
}

static gf_status ROW(distinct_top_k)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    return ROW(top_k)(q, start, stop, 1, scratch);
}

#endif
