/* Template: softmax((x - greatest + G) / temperature) of each row: noise, maximum, exponential, sum and scale while the row is in
 * cache. Short rows share their noise blocks (noise.h, tiles) and go a row a lane.
 *
 * Tried and slower: short rows one by one, up to a vector in registers (4,096 x 10: half as fast again). */
#include "kernels/argmax_tpl.h"
#include "kernels/noise_row_tpl.h"
#include "kernels/relax_tpl.h"

#if defined(GF_GUMBEL_SOFTMAX_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_SOFTMAX_TPL
#undef GF_GUMBEL_SOFTMAX_TPL
#else
#define GF_GUMBEL_SOFTMAX_TPL
#endif
#ifndef OF_WEIGHTS

/* x - shift + noise of elements start to stop - 1 into y, all NaN where shift is; returns the greatest. */
GF_INLINE real_t ROW(add_noise)(ROW(row) copy, size_t start, size_t stop, real_t shift, const real_t *noise, real_t *y,
                                int whole) {
    const ROW(row) *row = &copy; /* which no store can be thought to change */
    const vec_t below = V(set)(shift);
    vec_t m = V(set)(-INFINITY);
    const size_t n = stop - start;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec_t v = V(add)(V(sub)(ROW(read_lanes)(row, start + i, whole), below), V(load)(noise + i));
        m = V(max)(v, m);
        V(store)(y + i, v);
    }
    if (i < n) {
        vec_t v = V(add)(V(sub)(ROW(read)(row, start + i, whole), below), V(load_tail)(noise + i, n - i, 0));
        v = V(select)(V(mask_of_bits)((1u << (n - i)) - 1), v, V(set)(-INFINITY)); /* no element of the next block */
        m = V(max)(v, m);
        V(store_tail)(y + i, n - i, v);
    }
    return V(max_lane)(m);
}

GF_APART real_t ROW(add_noise_any)(const ROW(row) * row, size_t start, size_t stop, real_t shift, const real_t *noise,
                                   real_t *y) {
    return ROW(add_noise)(*row, start, stop, shift, noise, y, 0);
}

/* At temperatures this high the noise is nothing beside what tells the categories apart, and differences may overflow. */
GF_COLD void ROW(relax_without_noise)(const ROW(row) * row, real_t *out, double temperature) {
    const size_t n = row->n;
    ROW(copy_left)(row, out);
    NAME(softmax_from)(out, out, n, NAME(row_max)(out, n), temperature);
}

/* A short row by itself, to the same bits as by lanes: its sum runs along the row in order, in double. */
static void ROW(relax_short_row)(const ROW(row) * row, const real_t *noise, real_t *out, double temperature, int hard) {
    enum { MOST = NOISE_TILE_COLUMNS };
    const size_t n = row->n;
    real_t y[MOST] = {0}; /* the last vector is worked on whole */
    if (!hard && temperature > CONSTANT(SCALE_MOST)) {
        ROW(relax_without_noise)(row, out, temperature);
        return;
    }
    const real_t greatest = ROW(add_noise)(*row, 0, n, ROW(greatest)(row), noise, y, row->whole);
    if (hard) {
        NAME(one_hot)(y, out, n, greatest);
        return;
    }
    const NAME(scaling) s = NAME(scaling_of)(greatest, temperature);
    double sum = 0;
    for (size_t i = 0; i < MOST && i < n; i += LANES)
        V(store)(y + i, NAME(weight)(V(load)(y + i), &s));
    for (size_t i = 0; i < n; i++)
        sum += y[i];
    const vec_t factor = V(set)((real_t)(1 / sum));
    for (size_t i = 0; i < MOST && i < n; i += LANES)
        V(store)(y + i, V(mul)(V(load)(y + i), factor));
    memcpy(out, y, n * sizeof *out);
}

/* 4 to LANES short rows in lanes, from row r on, at temperatures that are not extreme. */
GF_INLINE void ROW(relax_short_rows)(const gf_request *q, size_t r, size_t some, const real_t *noise, size_t stride,
                                     vec_t rate, int whole) {
    const size_t n = q->columns;
    vec_t columns[NOISE_TILE_COLUMNS], most[LANES], greatest = V(set)(-INFINITY);
    real_t shift[LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        most[lane] = ROW(read_of)(q, r + (lane < some ? lane : 0), 0, whole, 0);
        for (size_t c = LANES; c < n; c += LANES)
            most[lane] = V(max)(ROW(read_of)(q, r + (lane < some ? lane : 0), c, whole, 0), most[lane]);
    }
    V(store)(shift, NAME(greatest_lanes)(most));
    for (size_t c = 0; c < n; c += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            if (lane >= some) {
                columns[c + lane] = V(set)(-INFINITY);
                continue;
            }
            const real_t *g = noise + lane * stride + c;
            const vec_t x = V(sub)(ROW(read_of)(q, r + lane, c, whole, 0), V(set)(shift[lane]));
            columns[c + lane] = V(add)(x, n - c >= LANES ? V(load)(g) : V(load_tail)(g, n - c, 0));
        }
        V(transpose)(columns + c);
    }
    for (size_t c = 0; c < n; c++)
        greatest = V(max)(columns[c], greatest);
    if (q->hard)
        NAME(one_hot_lanes)(columns, n, greatest);
    else
        NAME(relax_lanes)(columns, n, greatest, rate);
    for (size_t c = 0; c < n; c += LANES) {
        V(transpose)(columns + c);
        for (size_t lane = 0; lane < some; lane++) {
            real_t *p = (real_t *)gf_out(q, r + lane) + c;
            if (n - c >= LANES)
                V(store)(p, columns[c + lane]);
            else
                V(store_tail)(p, n - c, columns[c + lane]);
        }
    }
}

/* Short rows, LANES of them at a time, or one by one where they would leave the lanes too empty or a temperature is extreme. */
GF_INLINE void ROW(gumbel_softmax_tiled)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys,
                                         int whole) {
    enum { FEW = 3 };
    const size_t n = q->columns;
    real_t tile[NOISE_TILE_SIZE], rates[LANES];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, stop - start, q->stream.column, n);
    for (size_t first = start; first < stop; first += LANES) {
        const size_t some = stop - first < LANES ? stop - first : LANES;
        const real_t *noise = NAME(noise_tile_from)(&plan, keys, q->stream, start, first, stop, tile);
        int apart = some <= FEW;
        for (size_t lane = 0; lane < LANES; lane++) {
            const double temperature = gf_temperature(q, first + (lane < some ? lane : 0));
            rates[lane] = (real_t)(1 / temperature);
            apart |= NAME(is_extreme)(temperature);
        }
        if (!apart)
            ROW(relax_short_rows)(q, first, some, noise, plan.stride, V(load)(rates), whole);
        for (size_t r = first; apart && r < first + some; r++) {
            const ROW(row) row = ROW(row_of)(q, r);
            ROW(relax_short_row)(&row, noise + (r - first) * plan.stride, gf_out(q, r), gf_temperature(q, r), q->hard);
        }
    }
}

static void ROW(gumbel_softmax_whole)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    ROW(gumbel_softmax_tiled)(q, start, stop, keys, 1);
}

GF_APART void ROW(gumbel_softmax_masked)(const gf_request *q, size_t start, size_t stop, const philox_keys *keys) {
    ROW(gumbel_softmax_tiled)(q, start, stop, keys, 0);
}

static gf_status ROW(gumbel_softmax)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    const size_t n = q->columns, skip = q->stream.column & 3;
    philox_keys keys;
    (void)scratch;
    philox_keys_set(&keys, q->stream.key);
    if (skip + n <= NOISE_TILE_COLUMNS) {
        if (q->mask)
            ROW(gumbel_softmax_masked)(q, start, stop, &keys);
        else
            ROW(gumbel_softmax_whole)(q, start, stop, &keys);
        return gf_done();
    }
    for (size_t r = start; r < stop; r++) {
        const ROW(row) row = ROW(row_of)(q, r);
        const double temperature = gf_temperature(q, r);
        real_t *o = gf_out(q, r), greatest = -(real_t)INFINITY;
        if (!q->hard && temperature > CONSTANT(SCALE_MOST)) {
            ROW(relax_without_noise)(&row, o, temperature);
            continue;
        }
        const real_t shift = ROW(greatest)(&row);
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
            const real_t *added = noise + before;
            real_t most = row.whole ? ROW(add_noise)(row, i, i + take, shift, added, o + i, 1)
                                    : ROW(add_noise_any)(&row, i, i + take, shift, added, o + i);
            greatest = most > greatest ? most : greatest;
            i += take;
            before = 0;
        }
        NAME(relax_row)(o, o, n, greatest, temperature, q->hard);
    }
    return gf_done();
}

#endif
#endif
