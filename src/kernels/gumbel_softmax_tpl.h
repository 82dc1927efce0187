/* Template: softmax((x - greatest + G) / temperature) of each row, its logarithm, or the one-hot of its greatest sum: noise,
 * maximum, exponential, sum and scale while the row is in cache. The one-hot may be made besides, from the same sums. Short
 * rows share their noise blocks (noise.h, tiles) and go a row a lane.
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

/* The same of half the sums, for rows in which x - shift may overflow. */
GF_COLD real_t ROW(add_noise_halved)(const ROW(row) * row, size_t start, size_t stop, real_t shift, const real_t *noise,
                                     real_t *y) {
    real_t greatest = -(real_t)INFINITY;
    for (size_t i = 0; i < stop - start; i++) {
        y[i] = ROW(element)(row, start + i) / 2 - shift / 2 + noise[i] / 2;
        greatest = y[i] > greatest ? y[i] : greatest;
    }
    return greatest;
}

/* At temperatures this high the noise counts in the choice alone: beside what else tells the categories apart it is nothing, and
 * differences may overflow. */
GF_INLINE int ROW(is_without_noise)(const gf_request *q, double temperature) {
    return q->form != GF_HARD && temperature > CONSTANT(SCALE_MOST);
}

GF_COLD void ROW(relax_without_noise)(const ROW(row) * row, real_t *out, double temperature, gf_form form) {
    const size_t n = row->n;
    ROW(copy_left)(row, out);
    NAME(relax_row)(out, out, n, NAME(row_max)(out, n), temperature, form);
}

/* A short row by itself, to the same bits as by lanes. */
static void ROW(relax_short_row)(const gf_request *q, size_t r, const real_t *noise) {
    const ROW(row) row = ROW(row_of)(q, r);
    const size_t n = row.n;
    const double temperature = gf_temperature(q, r);
    real_t y[NOISE_TILE_COLUMNS] = {0}; /* the last vector is worked on whole */
    real_t *out = gf_out(q, r), *one_hot = NAME(one_hot_of)(q, r);
    const int without = ROW(is_without_noise)(q, temperature);
    if (!without || one_hot) {
        const real_t shift = ROW(greatest)(&row);
        const int halved = q->form == GF_LOG && NAME(may_overflow)(shift, temperature);
        const real_t greatest = halved ? ROW(add_noise_halved)(&row, 0, n, shift, noise, y)
                                       : ROW(add_noise)(row, 0, n, shift, noise, y, row.whole);
        if (one_hot)
            NAME(one_hot)(y, one_hot, n, greatest);
        if (!without)
            NAME(relax_short)(y, out, n, greatest, halved ? temperature / 2 : temperature, q->form);
    }
    if (without)
        ROW(relax_without_noise)(&row, out, temperature, q->form);
}

/* 4 to LANES short rows in lanes, from row r on, at temperatures that are not extreme. Returns 0, and does nothing, where a
 * difference of logits may overflow though its logarithm does not. */
GF_INLINE int ROW(relax_short_rows)(const gf_request *q, size_t r, size_t some, const real_t *noise, size_t stride,
                                    vec_t rate, int whole) {
    const size_t n = q->columns;
    vec_t columns[NOISE_TILE_COLUMNS], most[LANES], greatest = V(set)(-INFINITY), below;
    real_t shift[LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        most[lane] = ROW(read_of)(q, r + (lane < some ? lane : 0), 0, whole, 0);
        for (size_t c = LANES; c < n; c += LANES)
            most[lane] = V(max)(ROW(read_of)(q, r + (lane < some ? lane : 0), c, whole, 0), most[lane]);
    }
    below = NAME(greatest_lanes)(most);
    V(store)(shift, below);
    if (q->form == GF_LOG && V(mask_bits)(V(less)(V(set)(SAFE_GREATEST), below)))
        return 0;
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
    if (GF_SELDOM(q->one_hot != NULL))
        NAME(put_one_hots)(columns, n, &greatest, some, NAME(one_hot_of)(q, r));
    if (q->form == GF_SOFT)
        NAME(relax_lanes)(columns, n, greatest, rate);
    else if (q->form == GF_LOG)
        NAME(log_lanes)(columns, n, &greatest, &rate);
    else
        NAME(one_hot_lanes)(columns, n, greatest);
    NAME(store_lanes)(columns, n, some, gf_out(q, r), q->out_stride);
    return 1;
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
        if (!apart && ROW(relax_short_rows)(q, first, some, noise, plan.stride, V(load)(rates), whole))
            continue;
        for (size_t r = first; r < first + some; r++)
            ROW(relax_short_row)(q, r, noise + (r - first) * plan.stride);
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
        const int without = ROW(is_without_noise)(q, temperature);
        real_t *out = gf_out(q, r), *one_hot = NAME(one_hot_of)(q, r), greatest = -(real_t)INFINITY;
        real_t *y = without ? one_hot : out;
        if (GF_SELDOM(!y)) {
            ROW(relax_without_noise)(&row, out, temperature, q->form);
            continue;
        }
        const real_t shift = ROW(greatest)(&row);
        const int halved = q->form == GF_LOG && NAME(may_overflow)(shift, temperature), plain = row.whole && !halved;
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
            real_t most = plain    ? ROW(add_noise)(row, i, i + take, shift, added, y + i, 1)
                          : halved ? ROW(add_noise_halved)(&row, i, i + take, shift, added, y + i)
                                   : ROW(add_noise_any)(&row, i, i + take, shift, added, y + i);
            greatest = most > greatest ? most : greatest;
            i += take;
            before = 0;
        }
        if (GF_SELDOM(one_hot != NULL))
            NAME(one_hot)(y, one_hot, n, greatest);
        if (without)
            ROW(relax_without_noise)(&row, out, temperature, q->form);
        else
            NAME(relax_row)(out, out, n, greatest, halved ? temperature / 2 : temperature, q->form);
    }
    return gf_done();
}

#endif
#endif
