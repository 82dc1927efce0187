/* Gumbel noise: G = -log(-log1p(-V)), V = (word + 1/2) / 2^bits, for each element of a row segment.
 *
 * Both tails are exact because V or 1 - V, whichever is smaller, is made from the integer min(word, ~word) before
 * anything is rounded. float takes 32-bit words and, where these are within 2^16 of either end (one in 32,768), the 32
 * bits of tag 1 as well: those few lanes are patched by scalar code and go on through the same arithmetic.
 *
 * Range: -3.81 <= G <= 45.06, never infinite or NaN. Bounds: GF_NOISE_* in gumbel_fast.h. */

enum { NOISE_EXTREME_F32 = 1 << 16, NOISE_BLOCK = 32 };

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

/* min(V, 1 - V) of each lane from its high word alone; *any_extreme tells whether a lane needs its low word. */
GF_INLINE f32x16 noise_half_f32(u32x16 high, int *any_extreme) {
    u32x16 nearer = u32_min(high, u32_xor(high, u32_set(UINT32_MAX)));
    f32x16 half = f32_fma(f32_from_u31(nearer), f32_set(0x1p-32f), f32_set(0x1p-33f));
    *any_extreme = f32_mask_bits(f32_less(half, f32_set((float)NOISE_EXTREME_F32 * 0x1p-32f))) != 0;
    return half;
}

GF_INLINE f32x16 noise_finish_f32(u32x16 high, f32x16 half) {
    return neg_log_f32(neg_log_half_f32(u32_top_bit(high), half));
}

/* Lanes 4g to 4g + 3 of `high` are the words of counter + g in the row. */
GF_COLD void noise_patch(uint64_t key, uint64_t row, uint64_t counter, const uint32_t high[16], float half[16]) {
    for (unsigned lane = 0; lane < 16; lane++)
        if (noise_is_extreme(high[lane])) {
            uint32_t low[4];
            philox_words(key, row, GF_TAG_NOISE_LOW, counter + lane / 4, low);
            half[lane] = noise_extreme_half(high[lane], low[lane % 4]);
        }
}

GF_INLINE f32x16 gumbel_lanes_f32(u32x16 high, uint64_t key, uint64_t row, uint64_t counter) {
    int any_extreme;
    f32x16 half = noise_half_f32(high, &any_extreme);
    if (any_extreme) {
        uint32_t words[16];
        float halves[16];
        u32_store(words, high);
        f32_store(halves, half);
        noise_patch(key, row, counter, words, halves);
        half = f32_load(halves);
    }
    return noise_finish_f32(high, half);
}

/* The noise of the 32 elements from column 4 * counter on, in order. */
GF_INLINE void noise_block_f32(const philox_row *p, uint64_t key, uint64_t row, uint64_t counter, f32x16 g[2]) {
    u64x8 x[4];
    u32x16 first, second;
    philox_row_words(p, philox_counters(counter), x);
    u64_pack_words(x[0], x[1], x[2], x[3], &first, &second);
    g[0] = gumbel_lanes_f32(first, key, row, counter);
    g[1] = gumbel_lanes_f32(second, key, row, counter + 4);
}

static void gumbel_of_words_f32(const uint32_t *high, const uint32_t *low, void *out, size_t n) {
    for (size_t i = 0; i < n; i += 16) {
        uint32_t words[16] = {0};
        float halves[16];
        int any_extreme;
        size_t take = n - i < 16 ? n - i : 16;
        memcpy(words, high + i, take * sizeof *words);
        f32_store(halves, noise_half_f32(u32_load(words), &any_extreme));
        for (size_t lane = 0; lane < take; lane++)
            if (noise_is_extreme(words[lane]))
                halves[lane] = noise_extreme_half(words[lane], low[i + lane]);
        f32_store_tail((float *)out + i, take, noise_finish_f32(u32_load(words), f32_load(halves)));
    }
}

/* -- double --------------------------------------------------------------------------------------------------- */

GF_INLINE f64x8 gumbel_lanes_f64(u64x8 word) {
    f64x8 half = f64_fma(f64_from_u63(u64_flip_if_top(word)), f64_set(0x1p-64), f64_set(0x1p-65));
    return neg_log_f64(neg_log_half_f64(u64_top_bit(word), half));
}

GF_INLINE void noise_block_f64(const philox_row p[2], uint64_t counter, f64x8 g[4]) {
    const u64x8 low_half = u64_set(UINT32_MAX);
    u64x8 high[4], low[4], word[4];
    philox_row_words(&p[0], philox_counters(counter), high);
    philox_row_words(&p[1], philox_counters(counter), low);
    for (int i = 0; i < 4; i++)
        word[i] = u64_or(u64_shift_left(high[i], 32), u64_and(low[i], low_half));
    u64_transpose(word[0], word[1], word[2], word[3], word);
    for (int i = 0; i < 4; i++)
        g[i] = gumbel_lanes_f64(word[i]);
}

static void gumbel_of_words_f64(const uint32_t *high, const uint32_t *low, void *out, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint64_t words[8] = {0};
        size_t take = n - i < 8 ? n - i : 8;
        for (size_t lane = 0; lane < take; lane++)
            words[lane] = (uint64_t)high[i + lane] << 32 | low[i + lane];
        f64_store_tail((double *)out + i, take, gumbel_lanes_f64(u64_load(words)));
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
    for (; n; counter += NOISE_BLOCK / 4) {
        f32x16 g[2];
        noise_block_f32(&p, key, row, counter, g);
        for (int i = 0; i < 2; i++)
            g[i] = f32_add(f32_mul(g[i], factor), shift);
        if (!skip && n >= NOISE_BLOCK) {
            f32_store(o, g[0]);
            f32_store(o + 16, g[1]);
            o += NOISE_BLOCK;
            n -= NOISE_BLOCK;
        } else {
            float t[NOISE_BLOCK];
            size_t take = NOISE_BLOCK - skip < n ? NOISE_BLOCK - skip : n;
            f32_store(t, g[0]);
            f32_store(t + 16, g[1]);
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
    for (; n; counter += NOISE_BLOCK / 4) {
        f64x8 g[4];
        noise_block_f64(p, counter, g);
        for (int i = 0; i < 4; i++)
            g[i] = f64_add(f64_mul(g[i], factor), shift);
        if (!skip && n >= NOISE_BLOCK) {
            for (int i = 0; i < 4; i++)
                f64_store(o + 8 * i, g[i]);
            o += NOISE_BLOCK;
            n -= NOISE_BLOCK;
        } else {
            double t[NOISE_BLOCK];
            size_t take = NOISE_BLOCK - skip < n ? NOISE_BLOCK - skip : n;
            for (int i = 0; i < 4; i++)
                f64_store(t + 8 * i, g[i]);
            memcpy(o, t + skip, take * sizeof *o);
            o += take;
            n -= take;
            skip = 0;
        }
    }
}
