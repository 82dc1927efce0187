/* Template: argmax of x / temperature + G, the fused Gumbel-max. Long rows go by the pass of gumbel_scan_tpl.h, short ones
 * a row a lane.
 *
 * Tried and slower: short rows by that pass, or one by one from a tile's noise (4,096 x 6: two and a half times as long as
 * a row a lane). */
#include "kernels/gumbel_scan_tpl.h"

#if defined(GF_GUMBEL_MAX_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_MAX_TPL
#undef GF_GUMBEL_MAX_TPL
#else
#define GF_GUMBEL_MAX_TPL
#endif

/* Greatest of a row whose noise is at hand, the first of equals. Returns whether there is one; where not, 0 for a row that is
 * sound and GF_NOT_FINITE for another. */
GF_INLINE int64_t ROW(gumbel_max_given_row)(const element_t *x, const real_t *noise, size_t n, double temperature,
                                            int64_t *index, real_t *value) {
    const real_t t = NAME(temperature_of)(temperature);
    mask_t bad = V(mask_none)();
    *value = -(real_t)INFINITY;
    *index = -1;
    if (temperature == 0) {
        *index = ROW(argmax)(x, n, value);
        return *index < 0 ? ROW(unusable)(x, n) : 1;
    }
    for (size_t i = 0; i < n; i += LANES) {
        vec_t v = ROW(given_values)(x, noise, i, n, t);
        bad = V(mask_or)(bad, V(mask_or)(V(equal)(ROW(read_from)(x, i, n), V(set)(INFINITY)), V(unordered)(v, v)));
        if (V(mask_bits)(V(less)(V(set)(*value), v))) {
            real_t lanes[LANES];
            V(store)(lanes, v);
            const unsigned lane = ROW(first_greatest)(v);
            *value = lanes[lane];
            *index = (int64_t)(i + lane);
        }
    }
    return V(mask_bits)(bad) ? GF_NOT_FINITE : *index >= 0;
}

static gf_status ROW(gumbel_max_given)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        int64_t index;
        real_t value;
        const int64_t found =
            ROW(gumbel_max_given_row)(gf_x(q, r), gf_other(q, r), q->columns, gf_temperature(q, r), &index, &value);
        if (found <= 0)
            return gf_stopped(r, found);
        gf_put(q, r, index, value);
    }
    return gf_done();
}

/* Short rows, LANES of them at a time: a row a lane. */
static gf_status ROW(gumbel_max_tiled)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    const size_t n = q->columns;
    real_t tile[NOISE_TILE_SIZE];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, stop - start, q->stream.column, n);
    for (size_t first = start; first < stop; first += LANES) {
        const size_t some = stop - first < LANES ? stop - first : LANES;
        const real_t *noise = NAME(noise_tile_from)(&plan, keys, q->stream, start, first, stop, tile);
        vec_t columns[NOISE_TILE_COLUMNS];
        for (size_t c = 0; c < n; c += LANES) {
            for (size_t lane = 0; lane < LANES; lane++) {
                const size_t r = first + (lane < some ? lane : 0);
                const real_t t = NAME(temperature_of)(gf_temperature(q, r));
                columns[c + lane] = ROW(given_values)(gf_x(q, r), noise + (r - first) * plan.stride, c, n, t);
            }
            V(transpose)(columns + c);
        }
        vec_t best = V(set)(-INFINITY), place_of = V(set)(0);
        mask_t bad = V(mask_none)();
        for (size_t c = 0; c < n; c++) {
            mask_t better = V(less)(best, columns[c]);
            bad = V(mask_or)(bad, V(unordered)(columns[c], columns[c]));
            best = V(select)(better, columns[c], best);
            place_of = V(select)(better, V(set)((real_t)c), place_of);
        }
        real_t greatest[LANES], places[LANES];
        V(store)(greatest, best);
        V(store)(places, place_of);
        vec_t excess = V(sub)(best, best); /* of an infinity: NaN */
        const uint32_t unusable = V(mask_bits)(V(mask_or)(bad, V(unordered)(excess, excess)));
        for (size_t lane = 0; lane < some; lane++) {
            if (unusable >> lane & 1)
                return gf_stopped(first + lane, ROW(unusable)(gf_x(q, first + lane), n));
            gf_put(q, first + lane, (int64_t)places[lane], greatest[lane]);
        }
    }
    return gf_done();
}

static gf_status ROW(gumbel_max)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    philox_keys keys;
    (void)scratch;
    philox_keys_set(&keys, q->stream.key);
    if ((q->stream.column & 3) + q->columns <= NOISE_TILE_COLUMNS)
        return ROW(gumbel_max_tiled)(q, start, stop, &keys);
    for (size_t r = start; r < stop; r++) {
        ROW(scan) s;
        ROW(scan_goal) goal = {-(real_t)INFINITY, -1, NULL};
        ROW(scan_set)(&s, q, r, &keys);
        if (s.temperature == 0)
            goal.index = ROW(argmax)(s.x, s.n, &goal.bound);
        else if (!ROW(scan_pass)(&s, &goal))
            return gf_stopped(r, GF_NOT_FINITE);
        if (goal.index < 0)
            return gf_stopped(r, ROW(unusable)(s.x, s.n));
        gf_put(q, r, goal.index, goal.bound);
    }
    return gf_done();
}

#endif
