/* Gumbel noise: G = -log(-log1p(-V)), V = (word + 1/2) / 2^bits, for each element of a row.
 *
 * Both tails are exact because V or 1 - V, whichever is smaller, is made from the integer min(word, ~word) before
 * anything is rounded. float takes 32-bit words and, where these are within 2^16 of either end (one in 32,768), the 32
 * bits of tag 1 as well: those few lanes are patched by scalar code and go on through the same arithmetic.
 *
 * Range: -3.81 <= G <= 45.06, never infinite or NaN. Bounds: GF_NOISE_* in gumbel_fast.h. Worst input of all 2^32 high
 * words in float: 0x4017f2bf, 1.64 ULP. */
#ifndef GF_NOISE_H
#define GF_NOISE_H

#include "gumbel_fast.h"
#include "kernels/elementary.h"
#include "kernels/philox.h"

enum { NOISE_EXTREME_F32 = 1 << 16, NOISE_BLOCK = 64 /* elements */ };

/* -- float ---------------------------------------------------------------------------------------------------- */

/* min(V, 1 - V) of a word within 2^16 of an end, from all its 64 bits. */
GF_INLINE float noise_extreme_half(uint32_t high, uint32_t low) {
    uint64_t word = (uint64_t)high << 32 | low;
    uint64_t nearer = word >> 63 ? ~word : word;
    return (float)(((double)nearer + 0.5) * 0x1p-64); /* nearer < 2^48: the sum is exact */
}

GF_INLINE int noise_is_extreme(uint32_t high) { return (high >> 31 ? ~high : high) < NOISE_EXTREME_F32; }

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
GF_INLINE void noise_block_f64(const philox_row *high_words, const philox_row *low_words, uint64_t counter,
                               f64x8 g[4]) {
    u64x8 high[4], low[4], word[4];
    philox_row_words(high_words, philox_counters(counter), high);
    philox_row_words(low_words, philox_counters(counter), low);
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
    NOISE_TILE_PAIRS = NOISE_TILE_ROWS * (NOISE_TILE_COLUMNS / 4 + 1),
    NOISE_TILE_SIZE = 4 * NOISE_TILE_PAIRS + 64, /* a vector may be read past the last row */
};

/* The (row, counter) pairs of a tile in order, eight at a time in lane order: the same for every tile of consecutive rows. */
typedef struct {
    size_t skip;   /* words before the first column */
    size_t pairs;  /* of a row */
    size_t stride; /* elements between rows */
    uint64_t row[NOISE_TILE_PAIRS], counter[NOISE_TILE_PAIRS];
} noise_tile_plan;

/* Where pair number i stands. */
GF_INLINE size_t noise_tile_lane(size_t i) { return i / 8 * 8 + (i % 8 < 4 ? 2 * (i % 8) : 2 * (i % 8) - 7); }

/* Of up to NOISE_TILE_ROWS rows, whose numbers are `row`. */
GF_INLINE void noise_tile_plan_of(noise_tile_plan *plan, const uint64_t *row, size_t rows, uint64_t column, size_t n) {
    size_t i = 0;
    plan->skip = column & 3;
    plan->pairs = (plan->skip + n + 3) / 4;
    plan->stride = 4 * plan->pairs;
    for (size_t r = 0; r < rows; r++)
        for (size_t pair = 0; pair < plan->pairs; pair++, i++) {
            plan->row[noise_tile_lane(i)] = row[r];
            plan->counter[noise_tile_lane(i)] = (column >> 2) + pair;
        }
    for (; i % 16; i++) {
        plan->row[noise_tile_lane(i)] = row[0];
        plan->counter[noise_tile_lane(i)] = column >> 2;
    }
}

/* Of `rows` consecutive rows and any tile of them. */
GF_INLINE void noise_tile_plan_set(noise_tile_plan *plan, size_t rows, uint64_t column, size_t n) {
    static const uint64_t row[NOISE_TILE_ROWS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    noise_tile_plan_of(plan, row, rows < NOISE_TILE_ROWS ? rows : NOISE_TILE_ROWS, column, n);
}

/* Counter words of the eight pairs from number `pair` on. */
GF_INLINE void noise_tile_lanes(const noise_tile_plan *plan, uint64_t row, size_t pair, uint32_t tag, u64x8 x[4]) {
    x[0] = u64_load(plan->counter + pair);
    x[1] = u64_set(tag);
    x[2] = u64_add(u64_set(row), u64_load(plan->row + pair));
    x[3] = u64_shift_right(x[2], 32);
}

GF_COLD void noise_patch_tile(const noise_tile_plan *plan, uint64_t key, uint64_t row, size_t pair,
                              const u32x16 high[4], f32x16 half[4]) {
    noise_origin origin[16];
    for (size_t i = 0; i < 16; i++) {
        const size_t lane = noise_tile_lane(pair + i);
        origin[i] = (noise_origin){row + plan->row[lane], plan->counter[lane]};
    }
    noise_patch(key, origin, high, half);
}

/* The noise of up to NOISE_TILE_ROWS rows from `row` on. */
GF_INLINE void noise_tile_f32(const noise_tile_plan *plan, const philox_keys *keys, uint64_t key, uint64_t row,
                              size_t rows, float *tile) {
    for (size_t pair = 0; pair < rows * plan->pairs; pair += 16) {
        u64x8 x[4], y[4];
        u32x16 high[4];
        f32x16 g[4];
        noise_tile_lanes(plan, row, pair, GF_TAG_NOISE, x);
        noise_tile_lanes(plan, row, pair + 8, GF_TAG_NOISE, y);
        philox_lanes(keys, x);
        philox_lanes(keys, y);
        u64_pack_words(x[0], x[1], x[2], x[3], &high[0], &high[1]);
        u64_pack_words(y[0], y[1], y[2], y[3], &high[2], &high[3]);
        for (int k = 0; k < 4; k++)
            g[k] = noise_half_f32(high[k]);
        if (noise_any_extreme(g)) {
            u32x16 words[4] = {high[0], high[1], high[2], high[3]};
            f32x16 halves[4] = {g[0], g[1], g[2], g[3]};
            noise_patch_tile(plan, key, row, pair, words, halves);
            for (int k = 0; k < 4; k++)
                g[k] = halves[k];
        }
        noise_finish_f32(high, g, 4);
        for (int k = 0; k < 4; k++)
            f32_store(tile + 4 * pair + 16 * k, g[k]);
    }
}

GF_INLINE void noise_tile_f64(const noise_tile_plan *plan, const philox_keys *keys, uint64_t key, uint64_t row,
                              size_t rows, double *tile) {
    (void)key;
    for (size_t pair = 0; pair < rows * plan->pairs; pair += 8) {
        u64x8 high[4], low[4], word[4];
        f64x8 g[4];
        noise_tile_lanes(plan, row, pair, GF_TAG_NOISE, high);
        noise_tile_lanes(plan, row, pair, GF_TAG_NOISE_LOW, low);
        philox_lanes(keys, high);
        philox_lanes(keys, low);
        noise_join_words(high, low, word);
        noise_of_words_f64(word, g, 4);
        for (int k = 0; k < 4; k++)
            f64_store(tile + 4 * pair + 8 * k, g[k]);
    }
}

#endif
