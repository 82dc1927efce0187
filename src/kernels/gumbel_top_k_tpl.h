/* Template: the k greatest of x / temperature + G, in falling order: draws without replacement (Plackett-Luce).
 *
 * They are those above a bound: the k-th greatest of a sample of blocks (with noise of their own, so that the bound is
 * right whatever the logits' order), a little lower to be safe. What passes is collected, at most about 2 k, and sorted;
 * where the bound was too high, a second pass runs without one. Short rows are ranked by counting.
 *
 * Tried and slower: the bound taken from the first blocks only (sorted logits then pass whole); a sample of 64 blocks for
 * rows of any length (10 of 10,000: four times the time, most of it the sample's sorting). */
#include "kernels/gumbel_scan_tpl.h"

#if defined(GF_GUMBEL_TOP_K_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_TOP_K_TPL
#undef GF_GUMBEL_TOP_K_TPL
#else
#define GF_GUMBEL_TOP_K_TPL
#endif

#define TOP_K_SAMPLE 64 /* most blocks looked at for a bound */
#define TOP_K_LEAST 512 /* elements below which no bound is looked for */

/* How many entries a pass may collect before it must throw some away. */
GF_INLINE size_t ROW(top_k_room)(size_t n, size_t k) {
    size_t room = 2 * k < TOP_K_SAMPLE * SCAN_BLOCK ? TOP_K_SAMPLE * SCAN_BLOCK : 2 * k;
    return room < n ? room : n;
}

static size_t ROW(top_k_scratch)(size_t n, size_t k) {
    return sizeof(NAME(select)) + NAME(select_bytes)(ROW(top_k_room)(n, k));
}

/* A bound that about k elements, and seldom fewer, are above: from the values of blocks spread over the row. */
GF_INLINE real_t ROW(top_k_bound)(const ROW(scan) * s, size_t k, NAME(select) * sample) {
    const size_t blocks = (s->n - s->skip) / SCAN_BLOCK; /* whole ones, after a first that may be cut */
    const double wanted = sqrt((double)s->n) / 16;       /* more would cost more than they keep from being collected */
    const size_t looked_at = wanted < 4 ? 4 : wanted > TOP_K_SAMPLE ? TOP_K_SAMPLE : (size_t)wanted;
    const double expected = (double)k * (double)(looked_at * SCAN_BLOCK) / (double)s->n;
    const size_t rank = (size_t)(expected + 4 * sqrt(expected) + 8);
    real_t bound = -(real_t)INFINITY, value[SCAN_BLOCK];
    if (s->temperature == 0 || s->n < TOP_K_LEAST || rank > looked_at * SCAN_BLOCK / 2)
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
            NAME(select_put)(sample, value[i], 0);
    }
    NAME(select_sort)(sample);
    bound = NAME(select_value)(sample, rank - 1);
    sample->count = 0;
    return bound;
}

/* Indices of the k greatest of up to NOISE_TILE_COLUMNS values, in falling order, equals in theirs: each goes where the
 * number of those before it says. Returns how many there are, at most k, or GF_NOT_FINITE. */
static int64_t ROW(top_k_by_rank)(const real_t *values, size_t n, size_t k, int64_t *index, double *value) {
    const vec_t lowest = V(set)(-INFINITY);
    const size_t vectors = (n + LANES - 1) / LANES;
    vec_t v[NOISE_TILE_COLUMNS / LANES];
    mask_t bad = V(mask_none)();
    size_t finite = 0;
    for (size_t j = 0; j < vectors; j++) {
        v[j] = V(load)(values + j * LANES);
        bad = V(mask_or)(bad, V(mask_or)(V(unordered)(v[j], v[j]), V(equal)(v[j], V(set)(INFINITY))));
        finite += gf_count_bits(V(mask_bits)(V(less)(lowest, v[j])));
    }
    if (V(mask_bits)(bad))
        return GF_NOT_FINITE;
    for (size_t i = 0; i < n; i++) {
        const vec_t mine = V(set)(values[i]);
        const size_t here = i / LANES;
        uint32_t equals = V(mask_bits)(V(equal)(v[here], mine)) & ((1u << i % LANES) - 1);
        size_t rank = gf_count_bits(equals);
        for (size_t j = 0; j < here; j++) /* those before it, and equals of it */
            rank += LANES - gf_count_bits(V(mask_bits)(V(less)(v[j], mine)));
        for (size_t j = here; j < vectors; j++)
            rank += gf_count_bits(V(mask_bits)(V(less)(mine, v[j])));
        if (rank < k)
            index[rank] = (int64_t)i;
        if (rank < k && value)
            value[rank] = values[i];
    }
    return (int64_t)(finite < k ? finite : k);
}

static gf_status ROW(top_k_tiled)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    const size_t n = q->columns, k = q->draws.count;
    real_t tile[NOISE_TILE_SIZE], values[NOISE_TILE_COLUMNS];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, stop - start, q->stream.column, n);
    for (size_t r = start; r < stop; r++) {
        const real_t t = NAME(temperature_of)(gf_temperature(q, r));
        const real_t *noise = NAME(noise_tile_from)(&plan, keys, q->stream, start, r, stop, tile);
        for (size_t i = 0; i < n; i += LANES)
            V(store)(values + i, ROW(given_values)(gf_x(q, r), noise, i, n, t));
        const int64_t found = ROW(top_k_by_rank)(values, n, k, gf_index(q, r), gf_value(q, r));
        if (found != (int64_t)k)
            return gf_stopped(r, found);
    }
    return gf_done();
}

/* One row; returns how many there are, at most k, or GF_NOT_FINITE. */
static int64_t ROW(top_k_row)(ROW(scan) * s, size_t k, int64_t *index, double *value, void *scratch) {
    NAME(select) *collected = scratch;
    NAME(select_set)(collected, k, ROW(top_k_room)(s->n, k));
    ROW(scan_goal) goal = {ROW(top_k_bound)(s, k, collected), -1, collected};
    for (;;) {
        const int unbounded = goal.bound == -(real_t)INFINITY;
        if (!ROW(scan_pass)(s, &goal))
            return GF_NOT_FINITE;
        if (collected->count >= k || unbounded)
            break;
        collected->count = 0;
        goal.bound = -(real_t)INFINITY;
    }
    NAME(select_sort)(collected);
    const size_t found = collected->count < k ? collected->count : k;
    for (size_t i = 0; i < found; i++) {
        index[i] = NAME(select_index)(collected, i);
        if (value)
            value[i] = NAME(select_value)(collected, i);
    }
    if (found && NAME(select_value)(collected, 0) == (real_t)INFINITY) /* only a logit of +inf has that value */
        return GF_NOT_FINITE;
    return (int64_t)found;
}

static gf_status ROW(gumbel_top_k)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    const size_t k = q->draws.count;
    philox_keys keys;
    philox_keys_set(&keys, q->stream.key);
    if ((q->stream.column & 3) + q->columns <= NOISE_TILE_COLUMNS)
        return ROW(top_k_tiled)(q, start, stop, &keys);
    for (size_t r = start; r < stop; r++) {
        ROW(scan) s;
        ROW(scan_set)(&s, q, r, &keys);
        const int64_t found = ROW(top_k_row)(&s, k, gf_index(q, r), gf_value(q, r), scratch);
        if (found != (int64_t)k)
            return gf_stopped(r, found);
    }
    return gf_done();
}

#endif
