/* Template: the pass over a row of logits with noise that gumbel_max_tpl.h and gumbel_top_k_tpl.h share: it finds what is
 * above a bound of score + G (score.h) without storing the noise, and almost without computing it.
 *
 * The answer is the one that materialised noise gives, to the bit. With b the bound, or the best value so far, only an
 * element with score + G > b matters. G = -log E and E = -log(1 - V) > V, so G < -log V; and the bits of a float,
 * read as a fixed-point number, are its base-2 logarithm to within 0.09 from below. So one conversion of the high word, one
 * multiplication and one comparison tell who can matter, at a tenth of what the noise's two logarithms cost. Margins
 * cover every rounding on the way. The few that pass are gathered and computed exactly, a vector of them at a time.
 *
 * Tried and slower: one threshold of the word for a block of 64, from the block's maximum (the 1,000 greatest of a
 * million: 8 times as many pass, twice the time); all 64 elements computed where one passes (5 times). */
#include "kernels/argmax_tpl.h"
#include "kernels/gumbel_scan.h"
#include "kernels/noise_row_tpl.h"
#include "kernels/weigh_tpl.h"
#include "kernels/widths.h"

#if defined(GF_GUMBEL_SCAN_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_SCAN_TPL
#undef GF_GUMBEL_SCAN_TPL
#else
#define GF_GUMBEL_SCAN_TPL
#endif

typedef struct {
    ROW(row) row;
    int noisy; /* not at temperature 0 */
    ROW(score_scale) scale;
    real_t shift, rate; /* for the estimate: (x - shift) * rate is the score, nearly; rate may be NaN */
    size_t skip;        /* words of the first noise block before the first column */
    uint64_t counter;   /* of that block */
    NAME(noise_row) noise;
} ROW(scan);

/* Scores are below `greatest`, an element, or plain where it is 0. */
GF_INLINE void ROW(scan_below)(ROW(scan) * s, const gf_request *q, size_t r, real_t greatest) {
    const double temperature = gf_temperature(q, r);
    s->scale = ROW(score_scale_of)(greatest, temperature);
    s->shift = greatest;
    s->rate = (real_t)scan_rate(temperature);
}

/* Row r, with plain scores. */
GF_INLINE void ROW(scan_set)(ROW(scan) * s, const gf_request *q, size_t r, const philox_keys *keys) {
    s->row = ROW(row_of)(q, r);
    s->noisy = gf_temperature(q, r) != 0;
    ROW(scan_below)(s, q, r, 0);
    s->skip = q->stream.column & 3;
    s->counter = q->stream.column >> 2;
    NAME(noise_row_set)(&s->noise, keys, q->stream.key, q->stream.row + r);
}

/* Scores of LANES elements, and G where it is added. */
GF_INLINE void ROW(score_lanes)(vec_t x, const vec_t *g, const ROW(score_scale) * scale, f64x8 value[EIGHTS]) {
    f64x8 noise[EIGHTS];
    V(widen)(x, value);
    for (int e = 0; e < EIGHTS; e++)
        value[e] = ROW(score_each)(value[e], scale);
    if (!g)
        return;
    V(widen)(*g, noise);
    for (int e = 0; e < EIGHTS; e++)
        value[e] = f64_add(value[e], noise[e]);
}

/* -- estimates of values whose noise is at hand, in the compute type ------------------------------------------------ */

/* Of up to LANES elements x, those from number `start` on; past the end -inf or NaN. */
GF_INLINE vec_t ROW(estimates)(vec_t x, const real_t *noise, size_t start, size_t n, real_t shift, real_t rate) {
    const vec_t g = n - start >= LANES ? V(load)(noise + start) : V(load_tail)(noise + start, n - start, 0);
#ifdef OF_WEIGHTS
    return V(add)(ROW(score_near)(x, shift, rate), g);
#else
    return V(fma)(V(sub)(x, V(set)(shift)), V(set)(rate), g);
#endif
}

#define ESTIMATE_ERROR ((real_t)(REAL == 32 ? 0x1p-22 : 0x1p-50))

/* How far apart two finite estimates must be for their order to be that of the values. A score is smaller than |value| + 46, and
 * four roundings separate an estimate from its value. */
GF_INLINE vec_t ROW(estimate_margin)(vec_t a, vec_t b) {
    const vec_t zero = V(set)(0), size = V(max)(a, V(sub)(zero, a)), other = V(max)(b, V(sub)(zero, b));
    return V(mul)(V(add)(V(add)(size, other), V(set)(128)), V(set)(ESTIMATE_ERROR));
}

/* -- values -------------------------------------------------------------------------------------------------------- */

/* Values of the `size` elements from number `start` on, whose words begin at word `before` of the counter's block; -inf up to
 * a whole block. */
GF_COLD void ROW(scan_values)(const ROW(scan) * s, size_t start, size_t size, size_t before, uint64_t counter,
                              double value[SCAN_BLOCK]) {
    real_t noise[2 * SCAN_BLOCK];
    vec_t g[SCAN_BLOCK / LANES];
    for (int k = 0; k < SCAN_BLOCK / LANES; k++)
        g[k] = V(set)(0);
    if (s->noisy)
        NAME(noise_of_block)(&s->noise, counter, g);
    for (int k = 0; k < SCAN_BLOCK / LANES; k++) {
        V(store)(noise + k * LANES, g[k]);
        V(store)(noise + SCAN_BLOCK + k * LANES, V(set)(0));
    }
    for (size_t i = 0; i < SCAN_BLOCK; i += LANES) {
        const vec_t added = V(load)(noise + before + i);
        f64x8 v[EIGHTS];
        vec_t x = ROW(read)(&s->row, start + i, s->row.whole);
        if (size - i < LANES)
            x = V(select)(V(mask_of_bits)(i < size ? (1u << (size - i)) - 1 : 0), x, V(set)(NOTHING));
        ROW(score_lanes)(x, s->noisy ? &added : NULL, &s->scale, v);
        for (int e = 0; e < EIGHTS; e++)
            f64_store(value + i + 8 * e, v[e]);
    }
}

/* Whether all of the `size` elements from number `start` on are left out or NOTHING. */
GF_COLD int ROW(scan_empty)(const ROW(scan) * s, size_t start, size_t size) {
    const vec_t none = V(set)(NOTHING);
    for (size_t i = 0; i < size; i += LANES)
        if (V(mask_bits)(V(less)(none, ROW(read)(&s->row, start + i, s->row.whole))))
            return 0;
    return 1;
}

/* Takes in `count` <= LANES pending elements from number `from` on. */
GF_COLD void ROW(scan_settle)(const ROW(scan) * s, scan_goal *goal, const scan_pending *pending, unsigned from,
                              unsigned count) {
    real_t x[LANES];
    double value[LANES];
    word_t word[LANES];
    f64x8 v[EIGHTS];
    vec_t g;
    for (unsigned i = 0; i < LANES; i++) {
        const unsigned k = from + (i < count ? i : 0);
        x[i] = ROW(read_one)(s->row.x + pending->index[k]);
        word[i] = pending->word[k];
    }
#if REAL == 32
    u32x16 high = u32_load(word);
    g = noise_half_f32(high);
    if (f32_mask_bits(noise_extreme_lanes(g))) {
        float half[16];
        f32_store(half, g);
        for (unsigned i = 0; i < LANES; i++)
            if (noise_is_extreme(word[i])) {
                const uint64_t place = s->skip + (uint64_t)pending->index[from + (i < count ? i : 0)];
                uint32_t low[4];
                philox_words(s->noise.key, s->noise.row, GF_TAG_NOISE_LOW, s->counter + place / 4, low);
                half[i] = noise_extreme_half(word[i], low[place % 4]);
            }
        g = f32_load(half);
    }
    noise_finish_f32(&high, &g, 1);
#else
    for (unsigned i = 0; i < LANES; i++) {
        const uint64_t place = s->skip + (uint64_t)pending->index[from + (i < count ? i : 0)];
        uint32_t low[4];
        philox_words(s->noise.key, s->noise.row, GF_TAG_NOISE_LOW, s->counter + place / 4, low);
        word[i] = word[i] << 32 | low[place % 4];
    }
    u64x8 words = u64_load(word);
    noise_of_words_f64(&words, &g, 1);
#endif
    ROW(score_lanes)(V(load)(x), &g, &s->scale, v);
    for (int e = 0; e < EIGHTS; e++)
        f64_store(value + 8 * e, v[e]);
    for (unsigned i = 0; i < count; i++)
        if (value[i] > goal->bound)
            scan_take(goal, value + i, (size_t)pending->index[from + i], 1);
}

GF_INLINE void ROW(scan_settle_all)(const ROW(scan) * s, scan_goal *goal, scan_pending *pending) {
    for (unsigned from = 0; from < pending->count; from += LANES)
        ROW(scan_settle)(s, goal, pending, from, pending->count - from < LANES ? pending->count - from : LANES);
    pending->count = 0;
}

/* Estimates of sixteen scores of the block from number `start` on, in float: never below them by more than the margin. */
GF_INLINE f32x16 ROW(scan_scores)(const ROW(scan) * s, size_t start, mask_t *bad, int how) {
    const vec_t infinite = V(set)(INFINITY);
    vec_t v[16 / LANES];
    for (size_t k = 0; k < 16 / LANES; k++) {
        v[k] = how == ROW(PACKED) && start + 16 <= s->row.n ? ROW(read_lanes)(&s->row, start + k * LANES, how)
                                                            : ROW(read)(&s->row, start + k * LANES, how == ROW(WHOLE));
        *bad = V(mask_or)(*bad, V(not_less)(v[k], infinite));
#ifdef OF_WEIGHTS
        *bad = V(mask_or)(*bad, ROW(unsound)(v[k]));
#endif
    }
    return ROW(scores_above)(v, s->shift, s->rate);
}

GF_INLINE int ROW(scan_pass_of)(const ROW(scan) * s, scan_goal *goal, int how) {
    double value[SCAN_BLOCK];
    scan_pending pending;
    mask_t bad = V(mask_none)();
    uint64_t counter = s->counter;
    const size_t n = s->row.n;
    size_t before = s->skip, size;
    pending.count = 0;
    for (size_t i = 0; i < n; i += size, counter += SCAN_BLOCK / 4, before = 0) {
        size = SCAN_BLOCK - before < n - i ? SCAN_BLOCK - before : n - i;
        f32x16 a = ROW(scan_scores)(s, i, &bad, how), b = ROW(scan_scores)(s, i + 16, &bad, how);
        f32x16 c = ROW(scan_scores)(s, i + 32, &bad, how), d = ROW(scan_scores)(s, i + 48, &bad, how);
        uint32_t words[SCAN_BLOCK];
        uint64_t passed = 0;
        const int estimated = s->rate == s->rate && !before && fabs(goal->bound) < SCAN_FINITE;
        if (estimated) {
            const double margin = SCAN_MARGIN + SCAN_RELATIVE * fabs(goal->bound);
            const f32x16 bound = f32_set((float)(goal->bound - margin));
            u32x16 high[4];
            noise_high_words(&s->noise.high, counter, high);
            passed = scan_estimate(a, high[0], bound) | (uint64_t)scan_estimate(b, high[1], bound) << 16 |
                     (uint64_t)scan_estimate(c, high[2], bound) << 32 |
                     (uint64_t)scan_estimate(d, high[3], bound) << 48;
            if (size < SCAN_BLOCK)
                passed &= ((uint64_t)1 << size) - 1;
            if (!passed)
                continue;
            u32_store(words, high[0]);
            u32_store(words + 16, high[1]);
            u32_store(words + 32, high[2]);
            u32_store(words + 48, high[3]);
        }
        if (!estimated && ROW(scan_empty)(s, i, size))
            continue;
        if (!estimated || gf_count_bits(passed) > SCAN_DENSE) {
            ROW(scan_settle_all)(s, goal, &pending);
            ROW(scan_values)(s, i, size, before, counter, value);
            scan_take(goal, value, i, size);
            continue;
        }
        for (; passed; passed &= passed - 1) {
            const unsigned place = gf_lowest_bit(passed);
            pending.index[pending.count] = (int64_t)(i + place);
            pending.word[pending.count++] = words[place];
        }
        if (pending.count >= 16)
            ROW(scan_settle_all)(s, goal, &pending);
    }
    ROW(scan_settle_all)(s, goal, &pending);
    return !V(mask_bits)(bad);
}

GF_APART int ROW(scan_pass_packed)(const ROW(scan) * s, scan_goal *goal) {
    return ROW(scan_pass_of)(s, goal, ROW(PACKED));
}

GF_APART int ROW(scan_pass_any)(const ROW(scan) * s, scan_goal *goal) { return ROW(scan_pass_of)(s, goal, ROW(ANY)); }

/* One pass over the row. Returns whether it is without NaN and +inf. */
GF_INLINE int ROW(scan_pass)(const ROW(scan) * s, scan_goal *goal) {
    if (s->row.whole)
        return ROW(scan_pass_of)(s, goal, ROW(WHOLE));
    return s->row.packed && !s->row.cut && !s->skip ? ROW(scan_pass_packed)(s, goal) : ROW(scan_pass_any)(s, goal);
}

#endif
