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

/* Greatest of a row whose noise is at hand, the first of equals; -1 where there is none. */
GF_INLINE int64_t ROW(gumbel_max_given_row)(const element_t *x, const real_t *noise, size_t n, double temperature,
                                            double *value, int *finite) {
    const real_t t = NAME(temperature_of)(temperature);
    real_t best = -(real_t)INFINITY;
    int64_t index = -1;
    mask_t bad = V(mask_none)();
    if (temperature == 0) {
        index = ROW(argmax)(x, n, &best);
        *value = best;
        *finite = index >= 0 || ROW(unusable)(x, n) == 0;
        return index;
    }
    for (size_t i = 0; i < n; i += LANES) {
        vec_t v = ROW(given_values)(x, noise, i, n, t);
        bad = V(mask_or)(bad, V(mask_or)(V(equal)(ROW(read_from)(x, i, n), V(set)(INFINITY)), V(unordered)(v, v)));
        if (V(mask_bits)(V(less)(V(set)(best), v))) {
            real_t lanes[LANES];
            V(store)(lanes, v);
            const unsigned lane = ROW(first_greatest)(v);
            best = lanes[lane];
            index = (int64_t)(i + lane);
        }
    }
    *value = best;
    *finite = !V(mask_bits)(bad);
    return *finite ? index : -1;
}

static gf_status ROW(gumbel_max_given)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        double value;
        int finite;
        const int64_t index =
            ROW(gumbel_max_given_row)(gf_x(q, r), gf_other(q, r), q->columns, gf_temperature(q, r), &value, &finite);
        if (index < 0)
            return gf_stopped(r, finite ? 0 : GF_NOT_FINITE);
        *gf_index(q, r) = index;
        if (q->draws.value)
            q->draws.value[r] = value;
    }
    return gf_done();
}

/* Short rows, LANES of them at a time: a row a lane. */
static gf_status ROW(gumbel_max_tiled)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    const size_t n = q->columns;
    int64_t *index = gf_index(q, start);
    real_t tile[NOISE_TILE_SIZE];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, stop - start, q->stream.column, n);
    for (size_t first = start; first < stop; first += LANES, index += LANES) {
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
            index[lane] = (int64_t)places[lane];
            if (q->draws.value)
                q->draws.value[first + lane] = greatest[lane];
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
        *gf_index(q, r) = goal.index;
        if (q->draws.value)
            q->draws.value[r] = goal.bound;
    }
    return gf_done();
}

#endif
