/* Template: the rows of the race, and the argmax that stands in for it at temperature 0.
 *
 * Tried and slower: blocks strided by the register, which need no transposition for their maxima (a refined block
 * then touches 64 cache lines instead of 4); an exponential of every element (4 times the maximum's pass); blocks of 64
 * (normal logits of standard deviation 2.5: twice the trials, a third more time at 32,768 categories) and of 16 (the
 * pass over 131,072 takes 1.1 times as long); sums of exact weights for short rows (1,000 categories: 470 ns, with
 * race_exp_above 280; trials from block maxima took 250 to 580, by how far the logits spread). */

/* Greatest element of a block, or of any row; flags NaN in *bad. */
GF_INLINE vec_t ROW(block_lanes)(const element_t *x, size_t n, mask_t *bad) {
    vec_t m = V(set)(-INFINITY);
    for (size_t i = 0; i < n; i += LANES) {
        vec_t v = ROW(read_from)(x, i, n);
        *bad = V(mask_or)(*bad, V(unordered)(v, v));
        m = V(max)(v, m);
    }
    return m;
}

/* The same for a whole block. No arrays and loops: gcc 12 would keep AVX2's two-register vectors in memory and copy them
 * by eight bytes, at half the speed. */
GF_INLINE vec_t ROW(whole_block_lanes)(const element_t *x, mask_t *bad) {
    vec_t a = READ(x), b = READ(x + LANES);
    *bad = V(mask_or)(*bad, V(unordered)(a, b));
#if REAL == 32
    return V(max)(a, b);
#else
    vec_t c = READ(x + 2 * LANES), d = READ(x + 3 * LANES);
    *bad = V(mask_or)(*bad, V(unordered)(c, d));
    return V(max)(V(max)(a, b), V(max)(c, d));
#endif
}

/* Maxima of the LANES / 4 blocks from x on. */
GF_INLINE maxima_t ROW(group_maxima)(const element_t *x, mask_t *bad) {
    vec_t a = ROW(whole_block_lanes)(x, bad), b = ROW(whole_block_lanes)(x + RACE_BLOCK, bad);
#if REAL == 32
    vec_t c = ROW(whole_block_lanes)(x + 2 * RACE_BLOCK, bad), d = ROW(whole_block_lanes)(x + 3 * RACE_BLOCK, bad);
    return V(maxima_of)(a, b, c, d);
#else
    return V(maxima_of)(a, b);
#endif
}

/* Maxima of the blocks of a row, padded with -inf; returns the greatest, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(block_maxima)(const element_t *x, size_t n, real_t *maxima) {
    enum { CHUNK = LANES * RACE_BLOCK };
    const size_t padded = race_padded(race_blocks(n));
    mask_t bad = V(mask_none)();
    vec_t greatest = V(set)(-INFINITY);
    size_t i = 0, j = 0;
    for (; i + CHUNK <= n; i += CHUNK, j += LANES) {
        const element_t *p = x + i;
        maxima_t a = ROW(group_maxima)(p, &bad), b = ROW(group_maxima)(p + CHUNK / 4, &bad);
        maxima_t c = ROW(group_maxima)(p + CHUNK / 2, &bad), d = ROW(group_maxima)(p + 3 * (CHUNK / 4), &bad);
        vec_t m = V(maxima_join)(a, b, c, d);
        V(store)(maxima + j, m);
        greatest = V(max)(m, greatest);
    }
    real_t rest = V(max_lane)(greatest);
    for (; i < n; i += RACE_BLOCK, j++) {
        maxima[j] = V(max_lane)(ROW(block_lanes)(x + i, n - i < RACE_BLOCK ? n - i : RACE_BLOCK, &bad));
        rest = maxima[j] > rest ? maxima[j] : rest;
    }
    for (; j < padded; j++)
        maxima[j] = -(real_t)INFINITY;
    return V(mask_bits)(bad) || rest - rest != 0 ? (real_t)NAN : rest;
}

/* Weights of a block, in double and padded with 0; returns their sum. */
GF_INLINE double ROW(block_weights)(const element_t *x, size_t n, real_t greatest, real_t rate, f64x8 w[RACE_EIGHTS]) {
    const vec_t m = V(set)(greatest), r = V(set)(rate);
    for (int k = 0; k < RACE_BLOCK / LANES; k++) {
        vec_t y = NAME(weight)(ROW(read_from)(x, (size_t)k * LANES, n), m, r);
#if REAL == 32
        w[2 * k] = f64_widen_low(y);
        w[2 * k + 1] = f64_widen_high(y);
#else
        w[k] = y;
#endif
    }
    return f64_sum_four(w);
}

/* Logarithms of the weights of sixteen elements from number `start` of n on. */
GF_INLINE f32x16 ROW(race_logarithms)(const element_t *x, size_t start, size_t n, vec_t greatest, vec_t rate) {
    vec_t z = V(mul)(V(sub)(ROW(read_from)(x, start, n), greatest), rate);
#if REAL == 32
    return z;
#else
    return f32_narrow(z, V(mul)(V(sub)(ROW(read_from)(x, start + LANES, n), greatest), rate));
#endif
}

/* Overwrites the block maxima by their envelopes, which are no larger than them in memory. */
GF_INLINE void ROW(race_envelopes)(const real_t *maxima, size_t padded, real_t greatest, real_t rate,
                                   uint32_t *envelope) {
    const vec_t m = V(set)(greatest), r = V(set)(rate);
    const f32x16 units = f32_set((float)(RACE_BLOCK / RACE_UNIT * RACE_SLACK)), one = f32_set(1);
    for (size_t j = 0; j < padded; j += 16) {
        vec_t z = V(mul)(V(sub)(V(load)(maxima + j), m), r);
#if REAL == 32
        f32x16 logarithm = z;
#else
        f32x16 logarithm = f32_narrow(z, V(mul)(V(sub)(V(load)(maxima + j + LANES), m), r));
#endif
        f32x16 e = f32_fma(race_exp_above(logarithm), units, one);
        e = f32_select(f32_equal(logarithm, f32_set(-INFINITY)), f32_set(0), e);
        u32_store(envelope + j, f32_to_u31(e));
    }
}

/* Envelopes from bounds of all weights: for a row short enough that these cost less than the trials they save. */
GF_INLINE void ROW(race_sums)(const element_t *x, size_t n, size_t padded, real_t greatest, real_t rate,
                              uint32_t *envelope) {
    const vec_t m = V(set)(greatest), r = V(set)(rate);
    const f32x16 units = f32_set((float)(RACE_SLACK / RACE_UNIT)), one = f32_set(1);
    for (size_t j = 0; j < padded; j += 16) {
        f32x16 sum[16];
        for (size_t lane = 0; lane < 16; lane++) {
            const size_t i = (j + lane) * RACE_BLOCK;
            sum[lane] = i < n ? f32_add(race_exp_above(ROW(race_logarithms)(x, i, n, m, r)),
                                        race_exp_above(ROW(race_logarithms)(x, i + 16, n, m, r)))
                              : f32_set(0);
        }
        f32_transpose(sum);
        for (size_t lane = 1; lane < 16; lane++)
            sum[0] = f32_add(sum[0], sum[lane]);
        f32x16 e = f32_select(f32_equal(sum[0], f32_set(0)), f32_set(0), f32_fma(sum[0], units, one));
        u32_store(envelope + j, f32_to_u31(e));
    }
}

/* The greatest element, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(greatest)(const element_t *x, size_t n) {
    mask_t bad = V(mask_none)();
    vec_t m = V(set)(-INFINITY);
    size_t i = 0;
    for (; i + RACE_BLOCK <= n; i += RACE_BLOCK)
        m = V(max)(ROW(whole_block_lanes)(x + i, &bad), m);
    const real_t greatest = V(max_lane)(V(max)(ROW(block_lanes)(x + i, n - i, &bad), m));
    return V(mask_bits)(bad) || greatest - greatest != 0 ? (real_t)NAN : greatest;
}

/* First greatest element, or GF_BAD_ROW. */
GF_INLINE int64_t ROW(argmax)(const element_t *x, size_t n, real_t *value) {
    const real_t greatest = ROW(greatest)(x, n);
    *value = greatest;
    if (greatest != greatest)
        return GF_BAD_ROW;
    const vec_t m = V(set)(greatest);
    size_t i;
    for (i = 0; i + LANES <= n && !V(mask_bits)(V(equal)(READ(x + i), m)); i += LANES)
        ;
    while (ROW(read_one)(x + i) != greatest)
        i++;
    *value = ROW(read_one)(x + i); /* of 0 and -0 the one that is there, not the one a lane kept */
    return (int64_t)i;
}

/* -- the kernels ------------------------------------------------------------------------------------------------ */

/* Scratch: a header, the block maxima that become envelopes, and the sums of groups. */
typedef struct {
    race_state race;
    real_t greatest;
    int64_t only; /* at temperature 0 the answer, else -1 */
} ROW(race_memory);

static size_t ROW(race_scratch)(size_t n) {
    size_t padded = race_padded(race_blocks(n));
    return sizeof(ROW(race_memory)) + padded * sizeof(real_t) +
           (padded + RACE_GROUP - 1) / RACE_GROUP * sizeof(uint64_t);
}

static int64_t ROW(race_start)(const void *row_data, size_t n, double temperature, void *scratch) {
    const size_t padded = race_padded(race_blocks(n));
    ROW(race_memory) *memory = scratch;
    real_t *maxima = (real_t *)(void *)(memory + 1);
    memory->only = -1;
    if (temperature == 0) {
        memory->only = ROW(argmax)(row_data, n, &memory->greatest);
        return memory->only == GF_BAD_ROW ? GF_BAD_ROW : 0;
    }
    memory->greatest = n <= RACE_SUMMED ? ROW(greatest)(row_data, n) : ROW(block_maxima)(row_data, n, maxima);
    if (memory->greatest != memory->greatest)
        return GF_BAD_ROW;
    memory->race = (race_state){(uint32_t *)(void *)maxima, (uint64_t *)(void *)(maxima + padded), padded, 0};
    const real_t rate = NAME(rate_of)(temperature);
    if (n <= RACE_SUMMED)
        ROW(race_sums)(row_data, n, padded, memory->greatest, rate, memory->race.envelope);
    else
        ROW(race_envelopes)(maxima, padded, memory->greatest, rate, memory->race.envelope);
    race_sum_groups(&memory->race);
    return 0;
}

/* Draws in order. What one learns of the envelopes serves the next: given all before it each is still exactly softmax,
 * since the proof holds for any envelopes, so they are independent. */
static void ROW(race_draw)(const void *row_data, size_t n, double temperature, uint64_t key, uint64_t row,
                           uint64_t first, size_t count, int64_t *out, void *scratch) {
    const element_t *x = row_data;
    const real_t rate = NAME(rate_of)(temperature);
    ROW(race_memory) *memory = scratch;
    for (size_t i = 0; i < count; i++) {
        if (memory->only >= 0) {
            out[i] = memory->only;
            continue;
        }
        for (uint32_t trial = 0;; trial++) {
            f64x8 w[RACE_EIGHTS];
            double u;
            const size_t block = race_pick(&memory->race, key, row, first + i, trial, &u), start = block * RACE_BLOCK;
            const size_t size = n - start < RACE_BLOCK ? n - start : RACE_BLOCK;
            double sum = ROW(block_weights)(x + start, size, memory->greatest, rate, w);
            if (u < sum) {
                out[i] = (int64_t)(start + race_element(w, sum, u));
                break;
            }
            race_refine(&memory->race, block, sum);
        }
    }
}

static int64_t ROW(race)(const void *row_data, size_t n, double temperature, uint64_t key, uint64_t row,
                         void *scratch) {
    int64_t index;
    if (ROW(race_start)(row_data, n, temperature, scratch) == GF_BAD_ROW)
        return GF_BAD_ROW;
    ROW(race_draw)(row_data, n, temperature, key, row, 0, 1, &index, scratch);
    return index;
}
