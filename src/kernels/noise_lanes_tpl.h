/* Template: what short rows in lanes, a row a lane, need whatever their logits: their noise column by column, and the order of
 * their columns. top_k_lanes_tpl.h reads the rows.
 *
 * What is sorted is an estimate whose last bits are replaced by the number of its column: so no two are equal, and one
 * comparison moves both. */
#include "kernels/noise.h"
#include "kernels/real_tpl.h"
#include "kernels/widths.h"

#if defined(GF_NOISE_LANES_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_NOISE_LANES_TPL
#undef GF_NOISE_LANES_TPL
#else
#define GF_NOISE_LANES_TPL
#endif

#define LANES_COLUMN (NOISE_TILE_COLUMNS - 1) /* the bits of an estimate that number its column */
#define LANES_ERROR_F32 0x1.4p-17f            /* relative, of one whose last six bits are others */
#define LANES_ERROR_F64 0x1.4p-46

#if REAL == 32
GF_COLD void NAME(noise_patch_lanes)(uint64_t key, const uint64_t *row, uint64_t counter, const u32x16 high[4],
                                     f32x16 half[4]) {
    for (uint64_t k = 0; k < 4; k++) {
        uint32_t words[16];
        float halves[16];
        u32_store(words, high[k]);
        f32_store(halves, half[k]);
        for (uint64_t lane = 0; lane < 16; lane++)
            if (noise_is_extreme(words[lane])) {
                uint32_t low[4];
                philox_words(key, row[lane], GF_TAG_NOISE_LOW, counter, low);
                halves[lane] = noise_extreme_half(words[lane], low[k]);
            }
        half[k] = f32_load(halves);
    }
}
#endif

/* The noise of the four columns of a counter, a row a lane; `row` has their numbers. */
GF_INLINE void NAME(noise_lanes)(const philox_keys *keys, uint64_t key, const uint64_t row[LANES], uint64_t counter,
                                 vec_t g[4]) {
#if REAL == 32
    uint64_t even[8], odd[8];
    for (int i = 0; i < 8; i++) {
        even[i] = row[2 * i];
        odd[i] = row[2 * i + 1];
    }
    const u64x8 first = u64_load(even), second = u64_load(odd);
    u64x8 x[4] = {u64_set(counter), u64_set(GF_TAG_NOISE), first, u64_shift_right(first, 32)};
    u64x8 y[4] = {u64_set(counter), u64_set(GF_TAG_NOISE), second, u64_shift_right(second, 32)};
    u32x16 high[4];
    philox_lanes(keys, x);
    philox_lanes(keys, y);
    for (int k = 0; k < 4; k++) {
        high[k] = u64_pair_words(x[k], y[k]);
        g[k] = noise_half_f32(high[k]);
    }
    if (noise_any_extreme(g)) {
        u32x16 words[4] = {high[0], high[1], high[2], high[3]};
        f32x16 halves[4] = {g[0], g[1], g[2], g[3]};
        NAME(noise_patch_lanes)(key, row, counter, words, halves);
        for (int k = 0; k < 4; k++)
            g[k] = halves[k];
    }
    noise_finish_f32(high, g, 4);
#else
    const u64x8 number = u64_load(row), word = u64_set(UINT32_MAX);
    u64x8 x[4] = {u64_set(counter), u64_set(GF_TAG_NOISE), number, u64_shift_right(number, 32)};
    u64x8 y[4] = {u64_set(counter), u64_set(GF_TAG_NOISE_LOW), number, u64_shift_right(number, 32)};
    (void)key;
    philox_lanes(keys, x);
    philox_lanes(keys, y);
    for (int k = 0; k < 4; k++)
        x[k] = u64_or(u64_shift_left(x[k], 32), u64_and(y[k], word));
    noise_of_words_f64(x, g, 4);
#endif
}

/* Puts v[0] to v[n - 1] in falling order, lane by lane, by Batcher's merge exchange (Knuth, The Art of Computer Programming,
 * volume 3, algorithm 5.2.2 M). */
GF_INLINE void NAME(sort_lanes)(vec_t *v, size_t n) {
    size_t top = 1;
    while (2 * top < n)
        top *= 2;
    for (size_t p = top; p; p /= 2) {
        size_t distance = p, first = 0;
        for (size_t q = top;; q /= 2) {
            for (size_t i = first; i + distance < n; i += 2 * p)
                for (size_t j = i; j < i + p && j + distance < n; j++) {
                    const vec_t a = v[j], b = v[j + distance];
                    const mask_t swap = V(less)(a, b);
                    v[j] = V(select)(swap, b, a);
                    v[j + distance] = V(select)(swap, a, b);
                }
            if (q == p)
                break;
            distance = q - p;
            first = p;
        }
    }
}

/* The columns that estimates are of, as indices. */
GF_INLINE void NAME(store_columns)(vec_t v, int64_t *index) {
    const bits_t column = I(and)(V(as_bits)(v), I(set)(LANES_COLUMN));
#if REAL == 32
    f64x8 wide[2];
    f32_widen(f32_from_u31(column), wide);
    for (int e = 0; e < 2; e++) /* 2^52 + i has i in its low bits */
        u64_store((uint64_t *)index + 8 * e,
                  u64_and(f64_as_bits(f64_add(wide[e], f64_set(0x1p52))), u64_set(UINT32_MAX)));
#else
    u64_store((uint64_t *)index, column);
#endif
}

/* An estimate as it is sorted. */
GF_INLINE vec_t NAME(numbered)(vec_t estimate, size_t column) {
    const bits_t bits = I(and)(V(as_bits)(estimate), I(set)(~(word_t)LANES_COLUMN));
    return V(from_bits)(I(or)(bits, I(set)((word_t)column)));
}

#endif
