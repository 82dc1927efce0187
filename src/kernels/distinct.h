/* Draws without replacement by rejection, many trials at a time: the envelopes and the picks of blocks, the part that does
 * not depend on how logits are stored. rejection_distinct_tpl.h has the method.
 *
 * A batch of trials is picked at once: their words by vector, their searches side by side, so that the steps of one run
 * while others wait for memory. Envelopes stay as they are during a batch; what the trials learn is collected, and
 * lowers them once it is worth the new sums.
 *
 * Tried and slower: see rejection_distinct_tpl.h. */
#ifndef GF_DISTINCT_H
#define GF_DISTINCT_H

#include "gumbel_fast.h"
#include "kernels/rejection.h"
#include "kernels/uniform.h"

enum {
    DISTINCT_BATCH = 16,       /* trials */
    DISTINCT_LARGE_BATCH = 64, /* of rows that leave the nearest caches */
    DISTINCT_LONG = 1 << 16,   /* elements of these */
    DISTINCT_GROUP = 16,       /* blocks, whose envelopes are one cache line */
    DISTINCT_LEARNT = 512,     /* most that is learnt before it is put to use */
    DISTINCT_WORTH = 8,        /* what was learnt is put to use when it is this part of the envelopes */
    DISTINCT_FLOOR = 4,        /* units a block: what is left must weigh more, or the envelopes are made anew */
};

typedef struct {
    uint32_t *envelope; /* of each block, up to a multiple of DISTINCT_GROUP; the last ones are 0 */
    uint64_t *size;     /* sum of the envelopes of each group */
    uint64_t *start;    /* and of those before it; at the end of all */
    size_t groups;
    uint64_t total;
    uint64_t excess; /* by which the envelopes learnt are lower */
    size_t learnt;
    uint32_t block[DISTINCT_LEARNT], lower[DISTINCT_LEARNT];
} distinct_envelopes;

/* Where a batch of trials looks: a block, and u in units of the greatest weight. */
typedef struct {
    uint32_t block[DISTINCT_LARGE_BATCH];
    double u[DISTINCT_LARGE_BATCH];
} distinct_picks;

GF_INLINE uint64_t u32_sum_lanes(u32x16 a) {
    uint32_t lane[16];
    uint64_t sum = 0;
    u32_store(lane, a);
    for (size_t i = 0; i < 16; i++)
        sum += lane[i];
    return sum;
}

/* exp_above of d times the factor; the factor is EXP_ABOVE_UNIT for a nat. */
#define EXP_ABOVE_UNIT (0x1p23f * 1.44269504f)
GF_INLINE f32x16 exp_above_scaled(f32x16 d, f32x16 factor) {
    return f32_from_bits(f32_to_u31(f32_max(f32_fma(d, factor, f32_set(127 * 0x1p23f)), f32_set(1))));
}

/* Lane j: the sum of the lanes of v[j]. */
GF_INLINE f32x16 f32_sum_each(f32x16 v[16]) {
    f32_transpose(v);
    for (size_t d = 8; d; d /= 2)
        for (size_t j = 0; j < d; j++)
            v[j] = f32_add(v[j], v[j + d]);
    return v[0];
}

/* From the sizes of the groups. */
GF_INLINE void distinct_sum(distinct_envelopes *e) {
    uint64_t sum = 0;
    for (size_t g = 0; g < e->groups; g++) {
        e->start[g] = sum;
        sum += e->size[g];
    }
    e->start[e->groups] = e->total = sum;
    e->excess = 0;
    e->learnt = 0;
}

/* A block's envelope need be no more than `units`. */
GF_INLINE void distinct_learn(distinct_envelopes *e, uint32_t block, double units) {
    const uint32_t envelope = e->envelope[block], lower = units < envelope ? (uint32_t)units : envelope;
    e->block[e->learnt] = block;
    e->lower[e->learnt++] = lower;
    e->excess += envelope - lower;
}

/* Puts what was learnt to use, if there is so much that a batch might find no room, or it is worth it. */
GF_INLINE void distinct_refine(distinct_envelopes *e) {
    if (e->learnt <= DISTINCT_LEARNT - DISTINCT_LARGE_BATCH && e->excess < e->total / DISTINCT_WORTH)
        return;
    for (size_t i = 0; i < e->learnt; i++) {
        const size_t block = e->block[i];
        if (e->lower[i] >= e->envelope[block])
            continue;
        e->size[block / DISTINCT_GROUP] -= e->envelope[block] - e->lower[i];
        e->envelope[block] = e->lower[i];
    }
    distinct_sum(e);
}

/* High and low half of products of 64 by 64 bits. */
GF_INLINE u64x8 u64_multiply_high(u64x8 a, uint64_t b, u64x8 *low) {
    const u64x8 word = u64_set(UINT32_MAX), b0 = u64_set((uint32_t)b), b1 = u64_set(b >> 32);
    const u64x8 a1 = u64_shift_right(a, 32);
    const u64x8 p00 = u64_mul_low32(a, b0), p01 = u64_mul_low32(a, b1);
    const u64x8 p10 = u64_mul_low32(a1, b0), p11 = u64_mul_low32(a1, b1);
    const u64x8 middle = u64_add(u64_add(u64_shift_right(p00, 32), u64_and(p01, word)), u64_and(p10, word));
    *low = u64_or(u64_shift_left(middle, 32), u64_and(p00, word));
    return u64_add(u64_add(p11, u64_shift_right(p01, 32)),
                   u64_add(u64_shift_right(p10, 32), u64_shift_right(middle, 32)));
}

/* position + low / 2^64 of eight trials: 128 random bits times the total. */
GF_INLINE void distinct_positions(const philox_row *p, uint64_t trial, uint64_t total, uint64_t *position,
                                  uint64_t *low) {
    static const uint64_t order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const u64x8 word = u64_set(UINT32_MAX);
    u64x8 x[4], a, unused;
    philox_row_words(p, u64_add(u64_set(trial), u64_load(order)), x);
    u64x8 high = u64_multiply_high(u64_or(u64_shift_left(x[0], 32), u64_and(x[1], word)), total, &a);
    const u64x8 b = u64_multiply_high(u64_or(u64_shift_left(x[2], 32), u64_and(x[3], word)), total, &unused);
    const u64x8 sum = u64_add(a, b), open = u64_xor(sum, u64_set(UINT64_MAX));
    const u64x8 carry = u64_or(u64_and(a, b), u64_and(u64_or(a, b), open));
    u64_store(position, u64_add(high, u64_shift_right(carry, 63)));
    u64_store(low, sum);
}

/* Picks blocks for `batch` trials from number `trial` on, each with probability envelope / total. */
static void distinct_pick(const distinct_envelopes *e, const philox_row *p, uint64_t key, uint64_t row, uint64_t trial,
                          size_t batch, distinct_picks *picks) {
    uint64_t position[DISTINCT_LARGE_BATCH], low[DISTINCT_LARGE_BATCH];
    size_t group[DISTINCT_LARGE_BATCH] = {0};
    for (size_t t = 0; t < batch; t += 8)
        distinct_positions(p, trial + t, e->total, position + t, low + t);
    for (size_t left = e->groups, half; left > 1; left -= half) {
        half = left / 2;
        for (size_t t = 0; t < batch; t++)
            group[t] += (0 - (size_t)(e->start[group[t] + half] <= position[t])) & half;
    }
    for (size_t t = 0; t < batch; t++) {
        const uint32_t *envelope = e->envelope + group[t] * DISTINCT_GROUP;
        const uint64_t offset = position[t] - e->start[group[t]];
        uint64_t sum = 0, before = 0, place = 0;
        for (size_t i = 0; i + 1 < DISTINCT_GROUP; i++) {
            sum += envelope[i];
            const uint64_t beyond = sum <= offset;
            place += beyond;
            before = beyond ? sum : before;
        }
        double fraction = ((double)low[t] + 0.5) * 0x1p-64;
        if (GF_SELDOM(offset == before && low[t] < (uint64_t)1 << 32)) { /* u is tiny: its leading bits are spent */
            uint64_t words[2];
            uniform_words(key, row, GF_TAG_DISTINCT_FINE, trial + t, words);
            fraction = uniform_fine(low[t], words[0]);
        }
        picks->block[t] = (uint32_t)(group[t] * DISTINCT_GROUP + place);
        picks->u[t] = ((double)(offset - before) + fraction) * ENVELOPE_UNIT;
    }
}

/* The last element that is not small: where rounding lets u pass the end. */
GF_COLD unsigned distinct_last(const double weight[BLOCK], double tiny) {
    unsigned i = BLOCK - 1;
    while (i && weight[i] < tiny)
        i--;
    return i;
}

/* The element whose interval holds u, 0 <= u < sum of w, which `weight` holds in order: small elements are laid out before
 * large ones, and these lane by lane, each four from every eighth on. No branch tells where: a processor could not
 * foresee it. */
GF_INLINE unsigned distinct_element(f64x8 w[BLOCK_EIGHTS], const double weight[BLOCK], double sum, double u) {
    const double tiny = sum * BLOCK_TINY;
    const f64x8 limit = f64_set(tiny), zero = f64_set(0);
    f64x8 small[BLOCK_EIGHTS], large[BLOCK_EIGHTS];
    double lanes[8], end = 0, before = 0;
    size_t place = 0;
    for (int k = 0; k < BLOCK_EIGHTS; k++) {
        small[k] = f64_select(f64_less(w[k], limit), w[k], zero);
        large[k] = f64_sub(w[k], small[k]);
    }
    const f64x8 smalls = f64_add(f64_add(small[0], small[1]), f64_add(small[2], small[3]));
    if (f64_mask_bits(f64_less(zero, smalls))) {
        const double small_sum = f64_sum_lanes(smalls);
        if (GF_SELDOM(u < small_sum))
            return block_element(small, small_sum, u);
        u -= small_sum;
    }
    f64_store(lanes, f64_add(f64_add(large[0], large[1]), f64_add(large[2], large[3])));
    for (size_t i = 0; i < 7; i++) {
        end += lanes[i];
        place += end <= u;
        before = end <= u ? end : before;
    }
    u -= before;
    end = 0;
    for (size_t i = 0; i < 3; i++) {
        const double next = weight[place % 8 + 8 * i];
        end += next < tiny ? 0 : next;
        place += 8 * (size_t)(end <= u);
    }
    return GF_SELDOM(weight[place] < tiny) ? distinct_last(weight, tiny) : (unsigned)place;
}

#endif
