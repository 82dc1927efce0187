/* Gumbel noise: G = -log(-log1p(-V)), V = (word + 1/2) / 2^bits, for each element of a row.
 *
 * Both tails are exact because V or 1 - V, whichever is smaller, is made from the integer min(word, ~word) before
 * anything is rounded. float takes 32-bit words and, where these are within 2^16 of either end (one in 32,768), the 32
 * bits of tag 1 as well: those few lanes are patched by scalar code and go on through the same arithmetic.
 *
 * Range: -3.81 <= G <= 45.06, never infinite or NaN. Bounds: GF_NOISE_* in gumbel_fast.h. */

enum { NOISE_EXTREME_F32 = 1 << 16, NOISE_BLOCK = 64 /* elements */ };

/* -- float ---------------------------------------------------------------------------------------------------- */

/* min(V, 1 - V) of a word within 2^16 of an end, from all its 64 bits. */
GF_INLINE float noise_extreme_half(uint32_t high, uint32_t low) {
    uint64_t word = (uint64_t)high << 32 | low;
    uint64_t nearer = word >> 63 ? ~word : word;
    return (float)(((double)nearer + 0.5) * 0x1p-64); /* nearer < 2^48: the sum is exact */
}

GF_INLINE int noise_is_extreme(uint32_t high) {
    return (high >> 31 ? ~high : high) < NOISE_EXTREME_F32;
}

/* min(V, 1 - V) of each lane from its high word alone. */
GF_INLINE f32x16 noise_half_f32(u32x16 high) {
    u32x16 nearer = u32_min(high, u32_xor(high, u32_set(UINT32_MAX)));
    return f32_fma(f32_from_u31(nearer), f32_set(0x1p-32f), f32_set(0x1p-33f));
}

GF_INLINE m32x16 noise_extreme_lanes(f32x16 half) {
    return f32_less(half, f32_set((float)NOISE_EXTREME_F32 * 0x1p-32f));
}

/* half becomes noise. */
GF_INLINE void noise_finish_f32(const u32x16 *high, f32x16 *half, int count) {
    m32x16 direct[MOST_VECTORS];
    for (int k = 0; k < count; k++)
        direct[k] = u32_top_bit(high[k]);
    neg_log_half_each_f32(direct, half, count);
    neg_log_each_f32(half, count);
}

/* Where four consecutive words come from. */
typedef struct {
    uint64_t row, counter;
} noise_origin;

/* Word i of `high` is word i % 4 of origin[i / 4]. */
GF_COLD void noise_patch(uint64_t key, const noise_origin origin[16], const u32x16 high[4], f32x16 half[4]) {
    uint32_t words[64];
    float halves[64];
    for (unsigned k = 0; k < 4; k++) {
        u32_store(words + 16 * k, high[k]);
        f32_store(halves + 16 * k, half[k]);
    }
    for (unsigned i = 0; i < 64; i++)
        if (noise_is_extreme(words[i])) {
            uint32_t low[4];
            philox_words(key, origin[i / 4].row, GF_TAG_NOISE_LOW, origin[i / 4].counter, low);
            halves[i] = noise_extreme_half(words[i], low[i % 4]);
        }
    for (unsigned k = 0; k < 4; k++)
        half[k] = f32_load(halves + 16 * k);
}

GF_COLD void noise_patch_row(uint64_t key, uint64_t row, uint64_t counter, const u32x16 high[4], f32x16 half[4]) {
    noise_origin origin[16];
    for (uint64_t g = 0; g < 16; g++)
        origin[g] = (noise_origin){row, counter + g};
    noise_patch(key, origin, high, half);
}

GF_INLINE int noise_any_extreme(const f32x16 half[4]) {
    m32x16 first = f32_mask_or(noise_extreme_lanes(half[0]), noise_extreme_lanes(half[1]));
    m32x16 second = f32_mask_or(noise_extreme_lanes(half[2]), noise_extreme_lanes(half[3]));
    return f32_mask_bits(f32_mask_or(first, second)) != 0;
}

/* The high words of the 64 elements from column 4 * counter on, in order. */
GF_INLINE void noise_high_words(const philox_row *p, uint64_t counter, u32x16 high[4]) {
    u64x8 x[4], y[4];
    philox_row_words(p, philox_counters(counter), x);
    philox_row_words(p, philox_counters(counter + 8), y);
    u64_pack_words(x[0], x[1], x[2], x[3], &high[0], &high[1]);
    u64_pack_words(y[0], y[1], y[2], y[3], &high[2], &high[3]);
}

/* Their noise. One branch for all of them: what follows it is straight-line code whose four chains overlap. */
GF_INLINE void noise_block_f32(const philox_row *p, uint64_t key, uint64_t row, uint64_t counter, f32x16 g[4]) {
    u32x16 high[4];
    noise_high_words(p, counter, high);
    for (int k = 0; k < 4; k++)
        g[k] = noise_half_f32(high[k]);
    if (noise_any_extreme(g)) {
        u32x16 words[4] = {high[0], high[1], high[2], high[3]};
        f32x16 halves[4] = {g[0], g[1], g[2], g[3]};
        noise_patch_row(key, row, counter, words, halves);
        for (int k = 0; k < 4; k++)
            g[k] = halves[k];
    }
    noise_finish_f32(high, g, 4);
}

static void gumbel_of_words_f32(const uint32_t *high, const uint32_t *low, void *out, size_t n) {
    for (size_t i = 0; i < n; i += 16) {
        uint32_t words[16] = {0};
        float halves[16];
        size_t take = n - i < 16 ? n - i : 16;
        memcpy(words, high + i, take * sizeof *words);
        f32_store(halves, noise_half_f32(u32_load(words)));
        for (size_t lane = 0; lane < take; lane++)
            if (noise_is_extreme(words[lane]))
                halves[lane] = noise_extreme_half(words[lane], low[i + lane]);
        u32x16 word = u32_load(words);
        f32x16 half = f32_load(halves);
        noise_finish_f32(&word, &half, 1);
        f32_store_tail((float *)out + i, take, half);
    }
}

/* -- double --------------------------------------------------------------------------------------------------- */

GF_INLINE void noise_of_words_f64(const u64x8 *word, f64x8 *g, int count) {
    m64x8 direct[MOST_VECTORS];
    for (int k = 0; k < count; k++) {
        direct[k] = u64_top_bit(word[k]);
        g[k] = f64_fma(f64_from_u63(u64_flip_if_top(word[k])), f64_set(0x1p-64), f64_set(0x1p-65));
    }
    neg_log_half_each_f64(direct, g, count);
    neg_log_each_f64(g, count);
}

/* 64-bit words in order from their halves by counter. */
GF_INLINE void noise_join_words(const u64x8 high[4], const u64x8 low[4], u64x8 word[4]) {
    const u64x8 low_half = u64_set(UINT32_MAX);
    for (int i = 0; i < 4; i++)
        word[i] = u64_or(u64_shift_left(high[i], 32), u64_and(low[i], low_half));
    u64_transpose(word[0], word[1], word[2], word[3], word);
}

/* The noise of the 32 elements from column 4 * counter on, in order. */
GF_INLINE void noise_block_f64(const philox_row p[2], uint64_t counter, f64x8 g[4]) {
    u64x8 high[4], low[4], word[4];
    philox_row_words(&p[0], philox_counters(counter), high);
    philox_row_words(&p[1], philox_counters(counter), low);
    noise_join_words(high, low, word);
    noise_of_words_f64(word, g, 4);
}

static void gumbel_of_words_f64(const uint32_t *high, const uint32_t *low, void *out, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint64_t words[8] = {0};
        size_t take = n - i < 8 ? n - i : 8;
        for (size_t lane = 0; lane < take; lane++)
            words[lane] = (uint64_t)high[i + lane] << 32 | low[i + lane];
        u64x8 word = u64_load(words);
        f64x8 g;
        noise_of_words_f64(&word, &g, 1);
        f64_store_tail((double *)out + i, take, g);
    }
}

/* -- tiles of short rows ---------------------------------------------------------------------------------------- *
 *
 * A short row would fill a fraction of a block, so up to NOISE_TILE_ROWS rows of up to NOISE_TILE_COLUMNS columns are
 * drawn together, each lane with its own row and counter. Row r of a tile is at stride * r. */

enum {
    NOISE_TILE_ROWS = 16, /* so that a full tile is whole blocks of sixteen counters */
    NOISE_TILE_COLUMNS = 64,
    NOISE_TILE_SIZE = NOISE_TILE_ROWS * (NOISE_TILE_COLUMNS + 4) + 64, /* a vector may be read past the last row */
};

typedef struct {
    size_t skip;     /* words before the first column */
    size_t counters; /* of a row */
    size_t stride;   /* elements between rows */
} noise_tile_shape;

GF_INLINE noise_tile_shape noise_tile_of(uint64_t column, size_t n) {
    noise_tile_shape s = {column & 3, (size_t)(((column & 3) + n + 3) / 4), 0};
    s.stride = 4 * s.counters;
    return s;
}

/* Counter words of eight (row, counter) pairs, taken in order from number `pair` of the tile on. */
GF_INLINE void noise_tile_lanes(uint64_t row, uint64_t first, size_t counters, size_t pair, uint32_t tag, u64x8 x[4],
                                noise_origin origin[8]) {
    uint64_t c[8], low[8], high[8];
    for (unsigned i = 0; i < 8; i++) {
        unsigned lane = i < 4 ? 2 * i : 2 * i - 7;
        origin[i] = (noise_origin){row + (pair + i) / counters, first + (pair + i) % counters};
        c[lane] = origin[i].counter;
        low[lane] = (uint32_t)origin[i].row;
        high[lane] = origin[i].row >> 32;
    }
    x[0] = u64_load(c);
    x[1] = u64_set(tag);
    x[2] = u64_load(low);
    x[3] = u64_load(high);
}

GF_INLINE void noise_tile_f32(const philox_keys *keys, uint64_t key, uint64_t row, uint64_t column, size_t rows,
                              noise_tile_shape shape, float *tile) {
    for (size_t pair = 0; pair < rows * shape.counters; pair += 16) {
        u64x8 x[4], y[4];
        u32x16 high[4];
        f32x16 g[4];
        noise_origin origin[16];
        noise_tile_lanes(row, column >> 2, shape.counters, pair, GF_TAG_NOISE, x, origin);
        noise_tile_lanes(row, column >> 2, shape.counters, pair + 8, GF_TAG_NOISE, y, origin + 8);
        philox_lanes(keys, x);
        philox_lanes(keys, y);
        u64_pack_words(x[0], x[1], x[2], x[3], &high[0], &high[1]);
        u64_pack_words(y[0], y[1], y[2], y[3], &high[2], &high[3]);
        for (int k = 0; k < 4; k++)
            g[k] = noise_half_f32(high[k]);
        if (noise_any_extreme(g)) {
            u32x16 words[4] = {high[0], high[1], high[2], high[3]};
            f32x16 halves[4] = {g[0], g[1], g[2], g[3]};
            noise_patch(key, origin, words, halves);
            for (int k = 0; k < 4; k++)
                g[k] = halves[k];
        }
        noise_finish_f32(high, g, 4);
        for (int k = 0; k < 4; k++)
            f32_store(tile + 4 * pair + 16 * k, g[k]);
    }
}

GF_INLINE void noise_tile_f64(const philox_keys *keys, uint64_t key, uint64_t row, uint64_t column, size_t rows,
                              noise_tile_shape shape, double *tile) {
    (void)key;
    for (size_t pair = 0; pair < rows * shape.counters; pair += 8) {
        u64x8 high[4], low[4], word[4];
        f64x8 g[4];
        noise_origin origin[8];
        noise_tile_lanes(row, column >> 2, shape.counters, pair, GF_TAG_NOISE, high, origin);
        noise_tile_lanes(row, column >> 2, shape.counters, pair, GF_TAG_NOISE_LOW, low, origin);
        philox_lanes(keys, high);
        philox_lanes(keys, low);
        noise_join_words(high, low, word);
        noise_of_words_f64(word, g, 4);
        for (int k = 0; k < 4; k++)
            f64_store(tile + 4 * pair + 8 * k, g[k]);
    }
}
