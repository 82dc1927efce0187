/* Template: softmax((x + G) / temperature) of each row: noise, maximum, exponential, sum and scale while the row is in
 * cache. Short rows share their noise blocks (noise.h, tiles) and go a row a lane.
 *
 * Tried and slower: short rows one by one, up to a vector in registers (4,096 x 10: half as fast again). */
#include "kernels/element_tpl.h"
#include "kernels/noise_row_tpl.h"
#include "kernels/relax_tpl.h"

#if defined(GF_GUMBEL_SOFTMAX_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_SOFTMAX_TPL
#undef GF_GUMBEL_SOFTMAX_TPL
#else
#define GF_GUMBEL_SOFTMAX_TPL
#endif

/* x + noise into y; returns the greatest. */
GF_INLINE real_t ROW(add_noise)(const element_t *x, const real_t *noise, real_t *y, size_t n) {
    vec_t m = V(set)(-INFINITY);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec_t v = V(add)(READ(x + i), V(load)(noise + i));
        m = V(max)(v, m);
        V(store)(y + i, v);
    }
    if (i < n) {
        vec_t v = V(add)(ROW(read_tail)(x + i, n - i), V(load_tail)(noise + i, n - i, 0));
        m = V(max)(v, m);
        V(store_tail)(y + i, n - i, v);
    }
    return V(max_lane)(m);
}

/* A short row by itself, to the same bits as by lanes: its sum runs along the row in order, in double. */
static void ROW(relax_short_row)(const element_t *x, const real_t *noise, real_t *out, size_t n, real_t rate,
                                 int hard) {
    enum { MOST = NOISE_TILE_COLUMNS };
    real_t y[MOST] = {0}; /* the last vector is worked on whole */
    const real_t greatest = ROW(add_noise)(x, noise, y, n);
    if (hard) {
        NAME(one_hot)(y, out, n, greatest);
        return;
    }
    const vec_t m = V(set)(greatest), r = V(set)(rate);
    double sum = 0;
    for (size_t i = 0; i < MOST && i < n; i += LANES)
        V(store)(y + i, NAME(weight)(V(load)(y + i), m, r));
    for (size_t i = 0; i < n; i++)
        sum += y[i];
    const vec_t factor = V(set)((real_t)(1 / sum));
    for (size_t i = 0; i < MOST && i < n; i += LANES)
        V(store)(y + i, V(mul)(V(load)(y + i), factor));
    memcpy(out, y, n * sizeof *out);
}

/* Short rows, LANES of them at a time, or one by one where they would leave the lanes too empty. */
static void ROW(gumbel_softmax_tiled)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    enum { FEW = 3 };
    const size_t n = q->columns;
    real_t tile[NOISE_TILE_SIZE], rates[LANES];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, stop - start, q->stream.column, n);
    for (size_t first = start; first < stop; first += LANES) {
        const size_t some = stop - first < LANES ? stop - first : LANES;
        const real_t *noise = NAME(noise_tile_from)(&plan, keys, q->stream, start, first, stop, tile);
        for (size_t lane = 0; lane < LANES; lane++)
            rates[lane] = NAME(rate_of)(gf_temperature(q, first + (lane < some ? lane : 0)));
        if (some <= FEW) {
            for (size_t lane = 0; lane < some; lane++)
                ROW(relax_short_row)(gf_x(q, first + lane),
                                     noise + lane * plan.stride,
                                     gf_out(q, first + lane),
                                     n,
                                     rates[lane],
                                     q->hard);
            continue;
        }
        vec_t columns[NOISE_TILE_COLUMNS], greatest = V(set)(-INFINITY);
        for (size_t c = 0; c < n; c += LANES) {
            for (size_t lane = 0; lane < LANES; lane++) {
                if (lane >= some) {
                    columns[c + lane] = V(set)(-INFINITY);
                    continue;
                }
                const element_t *p = (const element_t *)gf_x(q, first + lane) + c;
                const real_t *g = noise + lane * plan.stride + c;
                columns[c + lane] = n - c >= LANES ? V(add)(READ(p), V(load)(g))
                                                   : V(add)(ROW(read_tail)(p, n - c), V(load_tail)(g, n - c, 0));
            }
            V(transpose)(columns + c);
        }
        for (size_t c = 0; c < n; c++)
            greatest = V(max)(columns[c], greatest);
        if (q->hard)
            NAME(one_hot_lanes)(columns, n, greatest);
        else
            NAME(relax_lanes)(columns, n, greatest, V(load)(rates));
        for (size_t c = 0; c < n; c += LANES) {
            V(transpose)(columns + c);
            for (size_t lane = 0; lane < some; lane++) {
                real_t *p = (real_t *)gf_out(q, first + lane) + c;
                if (n - c >= LANES)
                    V(store)(p, columns[c + lane]);
                else
                    V(store_tail)(p, n - c, columns[c + lane]);
            }
        }
    }
}

static gf_status ROW(gumbel_softmax)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    const size_t n = q->columns, skip = q->stream.column & 3;
    philox_keys keys;
    (void)scratch;
    philox_keys_set(&keys, q->stream.key);
    if (skip + n <= NOISE_TILE_COLUMNS) {
        ROW(gumbel_softmax_tiled)(q, start, stop, &keys);
        return gf_done();
    }
    for (size_t r = start; r < stop; r++) {
        const element_t *x = gf_x(q, r);
        real_t *o = gf_out(q, r), greatest = -(real_t)INFINITY;
        NAME(noise_row) s;
        NAME(noise_row_set)(&s, &keys, q->stream.key, q->stream.row + r);
        uint64_t counter = q->stream.column >> 2;
        size_t before = skip;
        for (size_t i = 0; i < n; counter += NOISE_BLOCK / 4) {
            real_t noise[NOISE_BLOCK];
            vec_t g[NOISE_BLOCK / LANES];
            size_t take = NOISE_BLOCK - before < n - i ? NOISE_BLOCK - before : n - i;
            NAME(noise_of_block)(&s, counter, g);
            for (int k = 0; k < NOISE_BLOCK / LANES; k++)
                V(store)(noise + k * LANES, g[k]);
            real_t most = ROW(add_noise)(x + i, noise + before, o + i, take);
            greatest = most > greatest ? most : greatest;
            i += take;
            before = 0;
        }
        NAME(relax_row)(o, o, n, greatest, NAME(rate_of)(gf_temperature(q, r)), q->hard);
    }
    return gf_done();
}

#endif
