/* Template: softmax((x + G) / temperature) of each row: noise, maximum, exponential, sum and scale while the row is in
 * cache. Short rows share their noise blocks (noise.h, tiles) and go a row a lane.
 *
 * Tried and slower: short rows one by one, up to a vector in registers (4,096 x 10: half as fast again). */

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
static void ROW(gumbel_softmax_tiled)(const gf_rows *rows, void *out, ptrdiff_t out_stride, int hard,
                                      const philox_keys *keys, uint64_t key, uint64_t row, uint64_t column) {
    enum { FEW = 3 };
    const size_t n = rows->columns;
    real_t tile[NOISE_TILE_SIZE], rates[LANES];
    noise_tile_plan plan;
    noise_tile_plan_set(&plan, rows->count, column, n);
    for (size_t first = 0; first < rows->count; first += LANES) {
        const size_t some = rows->count - first < LANES ? rows->count - first : LANES;
        const real_t *noise = NAME(noise_tile_from)(&plan, keys, key, row, first, rows->count, tile);
        const char *in = (const char *)rows->data + (ptrdiff_t)first * rows->stride;
        char *o = (char *)out + (ptrdiff_t)first * out_stride;
        for (size_t lane = 0; lane < LANES; lane++)
            rates[lane] = NAME(rate_of)(rows->temperature[(first + (lane < some ? lane : 0)) * rows->temperature_step]);
        if (some <= FEW) {
            for (size_t lane = 0; lane < some; lane++, in += rows->stride, o += out_stride, noise += plan.stride)
                ROW(relax_short_row)(
                    (const element_t *)(const void *)in, noise, (real_t *)(void *)o, n, rates[lane], hard);
            continue;
        }
        vec_t columns[NOISE_TILE_COLUMNS], greatest = V(set)(-INFINITY);
        for (size_t c = 0; c < n; c += LANES) {
            const char *x = in;
            for (size_t lane = 0; lane < LANES; lane++, x += rows->stride) {
                if (lane >= some) {
                    columns[c + lane] = V(set)(-INFINITY);
                    continue;
                }
                const element_t *p = (const element_t *)(const void *)x + c;
                const real_t *g = noise + lane * plan.stride + c;
                columns[c + lane] = n - c >= LANES ? V(add)(READ(p), V(load)(g))
                                                   : V(add)(ROW(read_tail)(p, n - c), V(load_tail)(g, n - c, 0));
            }
            V(transpose)(columns + c);
        }
        for (size_t c = 0; c < n; c++)
            greatest = V(max)(columns[c], greatest);
        if (hard)
            NAME(one_hot_lanes)(columns, n, greatest);
        else
            NAME(relax_lanes)(columns, n, greatest, V(load)(rates));
        for (size_t c = 0; c < n; c += LANES) {
            V(transpose)(columns + c);
            for (size_t lane = 0; lane < some; lane++) {
                real_t *p = (real_t *)(void *)(o + (ptrdiff_t)lane * out_stride) + c;
                if (n - c >= LANES)
                    V(store)(p, columns[c + lane]);
                else
                    V(store_tail)(p, n - c, columns[c + lane]);
            }
        }
    }
}

static void ROW(gumbel_softmax)(const gf_rows *rows, void *out, ptrdiff_t out_stride, int hard, uint64_t key,
                                uint64_t row, uint64_t column) {
    const size_t n = rows->columns, skip = column & 3;
    philox_keys keys;
    philox_keys_set(&keys, key);
    if (skip + n <= NOISE_TILE_COLUMNS) {
        ROW(gumbel_softmax_tiled)(rows, out, out_stride, hard, &keys, key, row, column);
        return;
    }
    for (size_t r = 0; r < rows->count; r++) {
        const element_t *x = (const element_t *)(const void *)((const char *)rows->data + (ptrdiff_t)r * rows->stride);
        real_t *o = (real_t *)(void *)((char *)out + (ptrdiff_t)r * out_stride), greatest = -(real_t)INFINITY;
        NAME(noise_row) s;
        NAME(noise_row_set)(&s, &keys, key, row + r);
        uint64_t counter = column >> 2;
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
        NAME(relax_row)(o, o, n, greatest, NAME(rate_of)(rows->temperature[r * rows->temperature_step]), hard);
    }
}
