/* Gumbel noise: G = -log(-log1p(-V)), V = (word + 1/2) / 2^bits, for each element of a row segment.
 *
 * Both tails are exact because V or 1 - V, whichever is smaller, is made from the integer min(word, ~word) before
 * anything is rounded. float takes 32-bit words and, where these are within 2^16 of either end (one in 32,768), the 32
 * bits of tag 1 as well: those few lanes are patched by scalar code and go on through the same arithmetic.
 *
 * Range: -3.81 <= G <= 45.06, never infinite or NaN. Bounds: GF_NOISE_* in gumbel_fast.h. */

enum { NOISE_EXTREME_F32 = 1 << 16, NOISE_BLOCK_F32 = 64, NOISE_BLOCK_F64 = 32 };

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

/* Word i of `high` is word i % 4 of counter + i / 4 in the row. */
GF_COLD void noise_patch(uint64_t key, uint64_t row, uint64_t counter, const u32x16 high[4], f32x16 half[4]) {
    uint32_t words[64];
    float halves[64];
    for (unsigned k = 0; k < 4; k++) {
        u32_store(words + 16 * k, high[k]);
        f32_store(halves + 16 * k, half[k]);
    }
    for (unsigned i = 0; i < 64; i++)
        if (noise_is_extreme(words[i])) {
            uint32_t low[4];
            philox_words(key, row, GF_TAG_NOISE_LOW, counter + i / 4, low);
            halves[i] = noise_extreme_half(words[i], low[i % 4]);
        }
    for (unsigned k = 0; k < 4; k++)
        half[k] = f32_load(halves + 16 * k);
}

/* The noise of the 64 elements from column 4 * counter on, in order. One branch for all of them: what follows it is
 * straight-line code whose four chains overlap. */
GF_INLINE void noise_block_f32(const philox_row *p, uint64_t key, uint64_t row, uint64_t counter, f32x16 g[4]) {
    u64x8 x[4], y[4];
    u32x16 high[4];
    f32x16 half[4];
    m32x16 extreme;
    philox_row_words(p, philox_counters(counter), x);
    philox_row_words(p, philox_counters(counter + 8), y);
    u64_pack_words(x[0], x[1], x[2], x[3], &high[0], &high[1]);
    u64_pack_words(y[0], y[1], y[2], y[3], &high[2], &high[3]);
    for (int k = 0; k < 4; k++)
        half[k] = noise_half_f32(high[k]);
    extreme = f32_mask_or(f32_mask_or(noise_extreme_lanes(half[0]), noise_extreme_lanes(half[1])),
                          f32_mask_or(noise_extreme_lanes(half[2]), noise_extreme_lanes(half[3])));
    if (f32_mask_bits(extreme)) {
        u32x16 words[4] = {high[0], high[1], high[2], high[3]};
        f32x16 halves[4] = {half[0], half[1], half[2], half[3]};
        noise_patch(key, row, counter, words, halves);
        for (int k = 0; k < 4; k++)
            half[k] = halves[k];
    }
    noise_finish_f32(high, half, 4);
    for (int k = 0; k < 4; k++)
        g[k] = half[k];
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

GF_INLINE void noise_block_f64(const philox_row p[2], uint64_t counter, f64x8 g[4]) {
    const u64x8 low_half = u64_set(UINT32_MAX);
    u64x8 high[4], low[4], word[4];
    philox_row_words(&p[0], philox_counters(counter), high);
    philox_row_words(&p[1], philox_counters(counter), low);
    for (int i = 0; i < 4; i++)
        word[i] = u64_or(u64_shift_left(high[i], 32), u64_and(low[i], low_half));
    u64_transpose(word[0], word[1], word[2], word[3], word);
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

/* -- a row segment --------------------------------------------------------------------------------------------- */

static void gumbel_f32(void *out, size_t n, uint64_t key, uint64_t row, uint64_t column, double loc, double scale) {
    const f32x16 shift = f32_set((float)loc), factor = f32_set((float)scale);
    float *o = out;
    uint64_t counter = column >> 2;
    size_t skip = column & 3;
    philox_row p;
    philox_row_set(&p, key, row, GF_TAG_NOISE);
    for (; n; counter += NOISE_BLOCK_F32 / 4) {
        f32x16 g[4];
        noise_block_f32(&p, key, row, counter, g);
        for (int i = 0; i < 4; i++)
            g[i] = f32_add(f32_mul(g[i], factor), shift);
        if (!skip && n >= NOISE_BLOCK_F32) {
            for (int i = 0; i < 4; i++)
                f32_store(o + 16 * i, g[i]);
            o += NOISE_BLOCK_F32;
            n -= NOISE_BLOCK_F32;
        } else {
            float t[NOISE_BLOCK_F32];
            size_t take = NOISE_BLOCK_F32 - skip < n ? NOISE_BLOCK_F32 - skip : n;
            for (int i = 0; i < 4; i++)
                f32_store(t + 16 * i, g[i]);
            memcpy(o, t + skip, take * sizeof *o);
            o += take;
            n -= take;
            skip = 0;
        }
    }
}

static void gumbel_f64(void *out, size_t n, uint64_t key, uint64_t row, uint64_t column, double loc, double scale) {
    const f64x8 shift = f64_set(loc), factor = f64_set(scale);
    double *o = out;
    uint64_t counter = column >> 2;
    size_t skip = column & 3;
    philox_row p[2];
    philox_row_set(&p[0], key, row, GF_TAG_NOISE);
    philox_row_set(&p[1], key, row, GF_TAG_NOISE_LOW);
    for (; n; counter += NOISE_BLOCK_F64 / 4) {
        f64x8 g[4];
        noise_block_f64(p, counter, g);
        for (int i = 0; i < 4; i++)
            g[i] = f64_add(f64_mul(g[i], factor), shift);
        if (!skip && n >= NOISE_BLOCK_F64) {
            for (int i = 0; i < 4; i++)
                f64_store(o + 8 * i, g[i]);
            o += NOISE_BLOCK_F64;
            n -= NOISE_BLOCK_F64;
        } else {
            double t[NOISE_BLOCK_F64];
            size_t take = NOISE_BLOCK_F64 - skip < n ? NOISE_BLOCK_F64 - skip : n;
            for (int i = 0; i < 4; i++)
                f64_store(t + 8 * i, g[i]);
            memcpy(o, t + skip, take * sizeof *o);
            o += take;
            n -= take;
            skip = 0;
        }
    }
}
