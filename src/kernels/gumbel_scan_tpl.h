/* Template: the pass over a row of logits with noise that gumbel_max_tpl.h and gumbel_top_k_tpl.h share: it finds what is
 * above a bound of x / temperature + G without storing the noise, and almost without computing it.
 *
 * The answer is the one that materialised noise gives, to the bit. With b the bound, or the best value so far, only an
 * element with x / temperature + G > b matters. G = -log E and E = -log(1 - V) > V, so G < -log V; and the bits of a float,
 * read as a fixed-point number, are its base-2 logarithm to within 0.09 from below. So one conversion of the high word, one
 * multiplication and one comparison tell who can matter, at a tenth of what the noise's two logarithms cost. Margins
 * cover every rounding on the way. The few that pass are gathered and computed exactly, a vector of them at a time.
 *
 * Tried and slower: one threshold of the word for a block of 64, from the block's maximum (the 1,000 greatest of a
 * million: 8 times as many pass, twice the time); all 64 elements computed where one passes (5 times). */
#include "kernels/argmax_tpl.h"
#include "kernels/noise_row_tpl.h"
#include "kernels/select_tpl.h"
#include "kernels/softmax_tpl.h"

#if defined(GF_GUMBEL_SCAN_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_GUMBEL_SCAN_TPL
#undef GF_GUMBEL_SCAN_TPL
#else
#define GF_GUMBEL_SCAN_TPL
#endif

#define SCAN_BLOCK 64          /* elements, and words of a noise block */
#define SCAN_DENSE 12          /* of a block: where more pass, all are computed */
#define SCAN_MARGIN 0x1p-12f   /* nats: rounding of the noise (2 ULP at 45) and of the estimate */
#define SCAN_RELATIVE 0x1p-20f /* of a value: rounding of x / temperature, of sums, and of a double taken as float */
#define SCAN_FINITE 0x1p100    /* bounds beyond this are not compared in float */

typedef struct {
    const element_t *x;
    size_t n;
    real_t temperature; /* 0: no noise */
    size_t skip;        /* words of the first noise block before the first column */
    uint64_t counter;   /* of that block */
    NAME(noise_row) noise;
} ROW(scan);

GF_INLINE void ROW(scan_set)(ROW(scan) * s, const gf_request *q, size_t r, const philox_keys *keys) {
    s->x = gf_x(q, r);
    s->n = q->columns;
    s->temperature = NAME(temperature_of)(gf_temperature(q, r));
    s->skip = q->stream.column & 3;
    s->counter = q->stream.column >> 2;
    NAME(noise_row_set)(&s->noise, keys, q->stream.key, q->stream.row + r);
}

/* x / temperature; what is finite stays so. */
GF_INLINE vec_t ROW(scale_logits)(vec_t x, real_t temperature) {
    const vec_t zero = V(set)(0), least = V(set)(-REAL_MAX), infinite = V(set)(INFINITY);
    if (temperature == 0 || temperature == 1)
        return x;
    vec_t y = V(max)(least, V(div)(x, V(set)(temperature)));
    y = V(sub)(zero, V(max)(least, V(sub)(zero, y)));
    return V(select)(V(mask_or)(V(equal)(x, infinite), V(equal)(x, V(sub)(zero, infinite))), x, y);
}

/* Values of up to LANES elements from number `start` on, whose noise is at hand; -inf past the end. */
GF_INLINE vec_t ROW(given_values)(const element_t *x, const real_t *noise, size_t start, size_t n, real_t t) {
    vec_t raw = ROW(read_from)(x, start, n);
    if (t == 0)
        return raw;
    vec_t g = n - start >= LANES ? V(load)(noise + start) : V(load_tail)(noise + start, n - start, 0);
    return V(add)(ROW(scale_logits)(raw, t), g);
}

/* Values of the `size` elements from number `start` on, whose words begin at word `before` of the counter's block. */
GF_COLD void ROW(scan_values)(const ROW(scan) * s, size_t start, size_t size, size_t before, uint64_t counter,
                              real_t *value) {
    real_t noise[SCAN_BLOCK + LANES];
    vec_t g[SCAN_BLOCK / LANES];
    for (int k = 0; k < SCAN_BLOCK / LANES; k++)
        g[k] = V(set)(0);
    if (s->temperature != 0)
        NAME(noise_of_block)(&s->noise, counter, g);
    for (int k = 0; k < SCAN_BLOCK / LANES; k++)
        V(store)(noise + k * LANES, g[k]);
    V(store)(noise + SCAN_BLOCK, V(set)(0));
    for (size_t i = 0; i < size; i += LANES) {
        vec_t v = ROW(scale_logits)(ROW(read_from)(s->x + start, i, size), s->temperature);
        v = V(add)(v, V(load)(noise + before + i));
        if (size - i >= LANES)
            V(store)(value + i, v);
        else
            V(store_tail)(value + i, size - i, v);
    }
}

/* What a pass is for: the greatest, or all above the bound. */
typedef struct {
    real_t bound;             /* values at or below it do not matter */
    int64_t index;            /* of the greatest so far, -1 before there is one */
    NAME(select) * collected; /* NULL: the greatest alone is wanted */
} ROW(scan_goal);

/* The first greatest lane of v, which is not all NaN. */
GF_INLINE unsigned ROW(first_greatest)(vec_t v) {
    return gf_lowest_bit(V(mask_bits)(V(equal)(v, V(set)(V(max_lane)(v)))) | 1u << (LANES - 1));
}

/* Takes in the values of a block. */
GF_INLINE void ROW(scan_take)(ROW(scan_goal) * goal, const real_t *value, size_t start, size_t size) {
    if (goal->collected) {
        NAME(select_above)(goal->collected, value, size, (int64_t)start, &goal->bound);
        return;
    }
    for (size_t i = 0; i < size; i += LANES) {
        vec_t v = size - i >= LANES ? V(load)(value + i) : V(load_tail)(value + i, size - i, -INFINITY);
        if (V(mask_bits)(V(less)(V(set)(goal->bound), v))) {
            const unsigned lane = ROW(first_greatest)(v);
            goal->bound = value[i + lane];
            goal->index = (int64_t)(start + i + lane);
        }
    }
}

/* Elements that passed, in order. */
typedef struct {
    unsigned count;
    int64_t index[SCAN_BLOCK + 16];
    uint32_t word[SCAN_BLOCK + 16];
} ROW(scan_pending);

/* Takes in `count` <= LANES pending elements from number `from` on. */
GF_COLD void ROW(scan_settle)(const ROW(scan) * s, ROW(scan_goal) * goal, const ROW(scan_pending) * pending,
                              unsigned from, unsigned count) {
    real_t x[LANES], value[LANES];
    word_t word[LANES];
    for (unsigned i = 0; i < LANES; i++) {
        const unsigned k = from + (i < count ? i : 0);
        x[i] = ROW(read_one)(s->x + pending->index[k]);
        word[i] = pending->word[k];
    }
#if REAL == 32
    u32x16 high = u32_load(word);
    f32x16 g = noise_half_f32(high);
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
    f64x8 g;
    noise_of_words_f64(&words, &g, 1);
#endif
    V(store)(value, V(add)(ROW(scale_logits)(V(load)(x), s->temperature), g));
    for (unsigned i = 0; i < count; i++)
        if (value[i] > goal->bound)
            ROW(scan_take)(goal, value + i, (size_t)pending->index[from + i], 1);
}

GF_INLINE void ROW(scan_settle_all)(const ROW(scan) * s, ROW(scan_goal) * goal, ROW(scan_pending) * pending) {
    for (unsigned from = 0; from < pending->count; from += LANES)
        ROW(scan_settle)(s, goal, pending, from, pending->count - from < LANES ? pending->count - from : LANES);
    pending->count = 0;
}

/* Sixteen logits of the block from number `start` on, in float. */
GF_INLINE f32x16 ROW(scan_logits)(const ROW(scan) * s, size_t start, m32x16 *bad) {
    vec_t v[16 / LANES];
    for (size_t k = 0; k < 16 / LANES; k++)
        v[k] = ROW(read_from)(s->x, start + k * LANES, s->n);
    const f32x16 x = V(as_floats)(v);
    *bad = f32_mask_or(*bad, f32_unordered(x, x));
    return x;
}

/* Bit i: element i may have a value above the bound. */
GF_INLINE uint32_t ROW(scan_estimate)(f32x16 x, f32x16 rate, u32x16 high, f32x16 bound) {
    f32x16 word = f32_from_u31(u32_shift_right(high, 1));
    f32x16 logarithm = f32_from_u31(f32_as_bits(word)); /* (127 + log2(word / 2)) 2^23, from below */
    f32x16 y = f32_mul(x, rate), size = f32_max(y, f32_sub(f32_set(0), y));
    f32x16 g = f32_fma(logarithm, f32_set(-0x1p-23f * 0.69314718f), f32_set(158 * 0.69314718f));
    return f32_mask_bits(f32_less(bound, f32_add(f32_fma(size, f32_set(SCAN_RELATIVE), y), g)));
}

/* One pass over the row. Returns whether it is without NaN and +inf. */
GF_INLINE int ROW(scan_pass)(const ROW(scan) * s, ROW(scan_goal) * goal) {
    const f32x16 rate = f32_set((float)NAME(rate_of)(s->temperature));
    real_t value[SCAN_BLOCK];
    ROW(scan_pending) pending;
    m32x16 bad = f32_mask_none();
    uint64_t counter = s->counter;
    size_t before = s->skip, size;
    pending.count = 0;
    for (size_t i = 0; i < s->n; i += size, counter += SCAN_BLOCK / 4, before = 0) {
        size = SCAN_BLOCK - before < s->n - i ? SCAN_BLOCK - before : s->n - i;
        f32x16 a = ROW(scan_logits)(s, i, &bad), b = ROW(scan_logits)(s, i + 16, &bad);
        f32x16 c = ROW(scan_logits)(s, i + 32, &bad), d = ROW(scan_logits)(s, i + 48, &bad);
        uint32_t words[SCAN_BLOCK];
        uint64_t passed = 0;
        const int estimated = s->temperature != 0 && !before && fabs((double)goal->bound) < SCAN_FINITE;
        if (estimated) {
            const double margin = SCAN_MARGIN + SCAN_RELATIVE * fabs((double)goal->bound);
            const f32x16 bound = f32_set((float)((double)goal->bound - margin));
            u32x16 high[4];
            noise_high_words(&s->noise.high, counter, high);
            passed = ROW(scan_estimate)(a, rate, high[0], bound) |
                     (uint64_t)ROW(scan_estimate)(b, rate, high[1], bound) << 16 |
                     (uint64_t)ROW(scan_estimate)(c, rate, high[2], bound) << 32 |
                     (uint64_t)ROW(scan_estimate)(d, rate, high[3], bound) << 48;
            if (size < SCAN_BLOCK)
                passed &= ((uint64_t)1 << size) - 1;
            if (!passed)
                continue;
            u32_store(words, high[0]);
            u32_store(words + 16, high[1]);
            u32_store(words + 32, high[2]);
            u32_store(words + 48, high[3]);
        }
        if (!estimated || gf_count_bits(passed) > SCAN_DENSE) {
            ROW(scan_settle_all)(s, goal, &pending);
            ROW(scan_values)(s, i, size, before, counter, value);
            ROW(scan_take)(goal, value, i, size);
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
    return !f32_mask_bits(bad) && goal->bound != (real_t)INFINITY;
}

#endif
