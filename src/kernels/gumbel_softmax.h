/* Template: softmax((x + G) / temperature) of each row: noise, maximum, exponential, sum and scale while the row is in
 * cache. Short rows share their noise blocks (noise.h, tiles). */

/* One at the first greatest of y, zero elsewhere; NaN where y has no softmax. */
GF_INLINE void NAME(one_hot)(const real_t *y, real_t *out, size_t n, real_t greatest) {
    int found = 0, usable = greatest - greatest == 0;
    for (size_t i = 0; i < n; i++)
        usable &= y[i] == y[i];
    for (size_t i = 0; i < n; i++) {
        int here = !found && y[i] == greatest;
        found |= here;
        out[i] = usable ? (real_t)here : (real_t)NAN;
    }
}

/* softmax of up to LANES elements, in registers. */
GF_INLINE void NAME(softmax_vector)(vec_t y, real_t *out, size_t n, real_t rate) {
    vec_t w = NAME(weight)(y, V(set)(V(max_lane)(y)), V(set)(rate));
#if REAL == 32
    double sum = f64_sum_lanes(f64_add(f64_widen_low(w), f64_widen_high(w)));
#else
    double sum = f64_sum_lanes(w);
#endif
    V(store_tail)(out, n, V(mul)(w, V(set)((real_t)(1 / sum))));
}

GF_INLINE void NAME(relax_row)(const real_t *y, real_t *out, size_t n, real_t greatest, real_t rate, int hard) {
    if (hard)
        NAME(one_hot)(y, out, n, greatest);
    else
        NAME(softmax_from)(y, out, n, greatest, rate);
}

/* x + noise into y; returns the greatest. */
GF_INLINE real_t NAME(add_noise)(const real_t *x, const real_t *noise, real_t *y, size_t n) {
    vec_t m = V(set)(-INFINITY);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec_t v = V(add)(V(load)(x + i), V(load)(noise + i));
        m = V(max)(v, m);
        V(store)(y + i, v);
    }
    if (i < n) {
        vec_t v = V(add)(V(load_tail)(x + i, n - i, -INFINITY), V(load_tail)(noise + i, n - i, 0));
        m = V(max)(v, m);
        V(store_tail)(y + i, n - i, v);
    }
    return V(max_lane)(m);
}

static void NAME(gumbel_softmax)(const gf_rows *rows, void *out, ptrdiff_t out_stride, int hard, uint64_t key,
                                 uint64_t row, uint64_t column) {
    const size_t n = rows->columns, skip = column & 3;
    philox_keys keys;
    philox_keys_set(&keys, key);
    if (skip + n <= NOISE_TILE_COLUMNS) {
        real_t tile[NOISE_TILE_SIZE];
        noise_tile_plan plan;
        noise_tile_plan_set(&plan, rows->count, column, n);
        for (size_t first = 0; first < rows->count; first += NOISE_TILE_ROWS) {
            size_t some = rows->count - first < NOISE_TILE_ROWS ? rows->count - first : NOISE_TILE_ROWS;
            NAME(noise_tile)(&plan, &keys, key, row + first, some, tile);
            for (size_t i = 0; i < some; i++) {
                const size_t r = first + i;
                const real_t *x =
                    (const real_t *)(const void *)((const char *)rows->data + (ptrdiff_t)r * rows->stride);
                real_t *o = (real_t *)(void *)((char *)out + (ptrdiff_t)r * out_stride);
                const real_t *noise = tile + i * plan.stride + skip;
                real_t rate = NAME(rate_of)(rows->temperature[r * rows->temperature_step]);
                if (n < LANES && !hard) {
                    vec_t v = V(add)(V(load_tail)(x, n, -INFINITY), V(load_tail)(noise, n, 0));
                    NAME(softmax_vector)(v, o, n, rate);
                    continue;
                }
                real_t y[NOISE_TILE_COLUMNS];
                real_t greatest = NAME(add_noise)(x, noise, y, n);
                NAME(relax_row)(y, o, n, greatest, rate, hard);
            }
        }
        return;
    }
    for (size_t r = 0; r < rows->count; r++) {
        const real_t *x = (const real_t *)(const void *)((const char *)rows->data + (ptrdiff_t)r * rows->stride);
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
            real_t most = NAME(add_noise)(x + i, noise + before, o + i, take);
            greatest = most > greatest ? most : greatest;
            i += take;
            before = 0;
        }
        NAME(relax_row)(o, o, n, greatest, NAME(rate_of)(rows->temperature[r * rows->temperature_step]), hard);
    }
}
