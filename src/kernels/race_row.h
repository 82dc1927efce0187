/* Template: the rows of the race, and the argmax that stands in for it at temperature 0.
 *
 * Tried and slower: blocks strided by the register, which need no transposition for their maxima (a refined block
 * then touches 64 cache lines instead of 4); an exponential of every element (4 times the maximum's pass). */

/* Greatest element of a block of 1 to 64; flags NaN in *bad. */
GF_INLINE vec_t NAME(block_lanes)(const real_t *x, size_t n, mask_t *bad) {
    vec_t m = V(set)(-INFINITY);
    for (size_t i = 0; i < n; i += LANES) {
        vec_t v = n - i < LANES ? V(load_tail)(x + i, n - i, -INFINITY) : V(load)(x + i);
        *bad = V(mask_or)(*bad, V(unordered)(v, v));
        m = V(max)(v, m);
    }
    return m;
}

/* The same for four vectors and for a whole block. No arrays and loops: gcc 12 would keep AVX2's two-register vectors in
 * memory and copy them by eight bytes, at half the speed. */
GF_INLINE vec_t NAME(four_vectors)(const real_t *x, mask_t *bad) {
    vec_t a = V(load)(x), b = V(load)(x + LANES), c = V(load)(x + 2 * LANES), d = V(load)(x + 3 * LANES);
    *bad = V(mask_or)(*bad, V(mask_or)(V(unordered)(a, b), V(unordered)(c, d)));
    return V(max)(V(max)(a, b), V(max)(c, d));
}

GF_INLINE vec_t NAME(whole_block_lanes)(const real_t *x, mask_t *bad) {
#if REAL == 32
    return NAME(four_vectors)(x, bad);
#else
    vec_t low = NAME(four_vectors)(x, bad);
    return V(max)(low, NAME(four_vectors)(x + RACE_BLOCK / 2, bad));
#endif
}

/* Maxima of the LANES / 4 blocks from x on. */
GF_INLINE maxima_t NAME(group_maxima)(const real_t *x, mask_t *bad) {
    vec_t a = NAME(whole_block_lanes)(x, bad), b = NAME(whole_block_lanes)(x + RACE_BLOCK, bad);
#if REAL == 32
    vec_t c = NAME(whole_block_lanes)(x + 2 * RACE_BLOCK, bad), d = NAME(whole_block_lanes)(x + 3 * RACE_BLOCK, bad);
    return V(maxima_of)(a, b, c, d);
#else
    return V(maxima_of)(a, b);
#endif
}

/* Maxima of the blocks of a row, padded with -inf; returns the greatest, or NaN where the row cannot be drawn from. */
GF_INLINE real_t NAME(block_maxima)(const real_t *x, size_t n, real_t *maxima) {
    enum { CHUNK = LANES * RACE_BLOCK };
    const size_t padded = race_padded(race_blocks(n));
    mask_t bad = V(mask_none)();
    vec_t greatest = V(set)(-INFINITY);
    size_t i = 0, j = 0;
    for (; i + CHUNK <= n; i += CHUNK, j += LANES) {
        const real_t *p = x + i;
        maxima_t a = NAME(group_maxima)(p, &bad), b = NAME(group_maxima)(p + CHUNK / 4, &bad);
        maxima_t c = NAME(group_maxima)(p + CHUNK / 2, &bad), d = NAME(group_maxima)(p + 3 * (CHUNK / 4), &bad);
        vec_t m = V(maxima_join)(a, b, c, d);
        V(store)(maxima + j, m);
        greatest = V(max)(m, greatest);
    }
    real_t rest = V(max_lane)(greatest);
    for (; i < n; i += RACE_BLOCK, j++) {
        maxima[j] = V(max_lane)(NAME(block_lanes)(x + i, n - i < RACE_BLOCK ? n - i : RACE_BLOCK, &bad));
        rest = maxima[j] > rest ? maxima[j] : rest;
    }
    for (; j < padded; j++)
        maxima[j] = -(real_t)INFINITY;
    return V(mask_bits)(bad) || rest - rest != 0 ? (real_t)NAN : rest;
}

/* Weights of a block of 1 to 64, in double and padded with 0; returns their sum. */
GF_INLINE double NAME(block_weights)(const real_t *x, size_t n, real_t greatest, real_t rate, f64x8 w[8]) {
    const vec_t m = V(set)(greatest), r = V(set)(rate);
    for (int k = 0; k < RACE_BLOCK / LANES; k++) {
        size_t start = (size_t)k * LANES, left = n > start ? n - start : 0;
        vec_t v = left >= LANES ? V(load)(x + start) : V(load_tail)(left ? x + start : x, left, -INFINITY);
        vec_t y = NAME(weight)(v, m, r);
#if REAL == 32
        w[2 * k] = f64_widen_low(y);
        w[2 * k + 1] = f64_widen_high(y);
#else
        w[k] = y;
#endif
    }
    return f64_sum_all(w);
}

/* Overwrites the block maxima by their envelopes, which are no larger than them in memory. */
GF_INLINE void NAME(race_envelopes)(const real_t *maxima, size_t padded, real_t greatest, real_t rate,
                                    uint32_t *envelope) {
    const vec_t m = V(set)(greatest), r = V(set)(rate);
    const f32x16 units = f32_set((float)(RACE_BLOCK / RACE_UNIT * RACE_SLACK)), one = f32_set(1);
    for (size_t j = 0; j < padded; j += 16) {
#if REAL == 32
        f32x16 z = f32_mul(f32_sub(f32_load(maxima + j), m), r);
#else
        f32x16 z = f32_narrow(f64_mul(f64_sub(f64_load(maxima + j), m), r),
                              f64_mul(f64_sub(f64_load(maxima + j + 8), m), r));
#endif
        f32x16 e = f32_fma(exp_below_f32(z), units, one);
        e = f32_select(f32_equal(z, f32_set(-INFINITY)), f32_set(0), e);
        u32_store(envelope + j, f32_to_u31(e));
    }
}

static size_t NAME(categorical_scratch)(size_t n) {
    size_t padded = race_padded(race_blocks(n));
    return padded * sizeof(real_t) + (padded + RACE_GROUP - 1) / RACE_GROUP * sizeof(uint64_t);
}

static int64_t NAME(categorical)(const void *row_data, size_t n, double rate, uint64_t key, uint64_t row,
                                 void *scratch) {
    const real_t *x = row_data, r = (real_t)rate;
    f64x8 w[8];
    if (n <= RACE_BLOCK) {
        mask_t bad = V(mask_none)();
        const real_t greatest = V(max_lane)(NAME(block_lanes)(x, n, &bad));
        if (V(mask_bits)(bad) || greatest - greatest != 0)
            return GF_BAD_ROW;
        double sum = NAME(block_weights)(x, n, greatest, r, w);
        uint64_t words[2];
        race_words(key, row, GF_TAG_RACE, 0, words);
        return race_element(w, sum, sum * uniform_fine(words[0], words[1]));
    }
    const size_t padded = race_padded(race_blocks(n));
    const real_t greatest = NAME(block_maxima)(x, n, scratch);
    if (greatest != greatest)
        return GF_BAD_ROW;
    race_state race = {scratch, (uint64_t *)(void *)((char *)scratch + padded * sizeof(real_t)), padded, 0};
    NAME(race_envelopes)(scratch, padded, greatest, r, race.envelope);
    race_sum_groups(&race);
    for (uint64_t trial = 0;; trial++) {
        double u;
        const size_t block = race_pick(&race, key, row, trial, &u), start = block * RACE_BLOCK;
        double sum = NAME(block_weights)(x + start, n - start < RACE_BLOCK ? n - start : RACE_BLOCK, greatest, r, w);
        if (u < sum)
            return (int64_t)(start + race_element(w, sum, u));
        race_refine(&race, block, sum);
    }
}

static int64_t NAME(argmax)(const void *row_data, size_t n) {
    const real_t *x = row_data;
    mask_t bad = V(mask_none)();
    vec_t m = V(set)(-INFINITY);
    size_t i = 0;
    for (; i + RACE_BLOCK <= n; i += RACE_BLOCK)
        m = V(max)(NAME(whole_block_lanes)(x + i, &bad), m);
    const real_t greatest = V(max_lane)(V(max)(NAME(block_lanes)(x + i, n - i, &bad), m));
    if (V(mask_bits)(bad) || greatest - greatest != 0)
        return GF_BAD_ROW;
    m = V(set)(greatest);
    for (i = 0; i + LANES <= n && !V(mask_bits)(V(equal)(V(load)(x + i), m)); i += LANES)
        ;
    while (x[i] != greatest)
        i++;
    return (int64_t)i;
}
