/* Rejection with block envelopes: an exact draw from softmax(x * rate) that reads the row once. This file holds the method
 * and the part that does not depend on how logits are stored; rejection_tpl.h reads rows.
 *
 * Let w_i = exp((x_i - M) rate), M the row's greatest, and cut the row into blocks of 32. The only pass over the row
 * takes the block maxima m_j. They give envelopes e_j >= S_j, the sum of w over block j: 32 exp((m_j - M) rate). Then
 *
 *     repeat: pick block j with probability e_j / sum(e), and u uniform on [0, e_j); compute S_j.
 *             u < S_j: the answer is the element of the block whose cumulative interval holds u.
 *             otherwise: e_j = S_j.
 *
 * Proof. Whatever the envelopes are, a trial accepts element i of block j with probability
 * e_j/sum(e) * w_i/e_j = w_i / sum(e), proportional to w_i; a trial that fails changes later envelopes only. So given
 * that trial number t is the one that accepts, and everything before it, the answer is softmax. This is adaptive
 * rejection (Gilks and Wild 1992) on a discrete space. A trial on an untouched block accepts with probability
 * S_j / e_j >= 1/34 and a touched block has almost no slack, so about 34 trials at most are expected for any row; 1 to
 * 10 are usual. Rows up to REJECTION_SUMMED begin with a bound of each S_j from all their elements instead, no more than 7%
 * above it: for them that is cheaper than the trials it saves.
 *
 * What rounding does to this:
 *   - Envelopes are integers, in units of 2^-24 of the greatest weight, rounded up: their sums are exact in any
 *     order, and a block is picked by 128 random bits times an integer. A far block costs one unit, 17 nats down.
 *   - u has full relative precision near 0, so an element 80 nats below the greatest is accepted with its own
 *     probability, not with that of the nearest multiple of 2^-53.
 *   - Within a block the small elements come first, where u is fine, so that their intervals are not lost in the
 *     rounding of a sum begun with the large ones.
 * What is left is the error of the exponential, GF_SOFTMAX_*_REL. */
#ifndef GF_REJECTION_H
#define GF_REJECTION_H

#include "gumbel_fast.h"
#include "kernels/uniform.h"
#include "kernels/widths.h"

enum {
    BLOCK = 32,       /* elements of a block */
    BLOCK_GROUP = 64, /* blocks of a group, which the search passes over at once */
    BLOCK_EIGHTS = BLOCK / 8,
    REJECTION_SUMMED = 4096,    /* elements: a row up to this long has the sums themselves as envelopes */
    BLOCK_SPARSE = 8,           /* elements left of a block that say that masks leave few of all */
    BLOCK_PAD = 16,             /* block arrays are filled up to a multiple of this */
    REJECTION_TRIALS = 1 << 14, /* of a draw; no row needs as many (e^-480), unless it changes while it is drawn from */
};
#define ENVELOPE_UNIT 0x1p-24        /* of an envelope, in units of the greatest weight */
#define ENVELOPE_SLACK (1 + 0x1p-10) /* covers the error of the float exponential down to one unit */
#define BLOCK_TINY 0x1p-20           /* of a block's sum: an element below it is small */

GF_INLINE size_t block_count(size_t n) { return (n + BLOCK - 1) / BLOCK; }
GF_INLINE size_t block_groups(size_t blocks) { return (blocks + BLOCK_GROUP - 1) / BLOCK_GROUP; }
GF_INLINE size_t block_padded(size_t blocks) { return (blocks + BLOCK_PAD - 1) / BLOCK_PAD * BLOCK_PAD; }

typedef struct {
    uint32_t *envelope;  /* of each block */
    uint64_t *group;     /* sum of the envelopes of each group, and an end at which every search stops */
    size_t used, blocks; /* of the row, and padded: the last ones have envelope 0 */
    uint64_t total;
} block_envelopes;

static void envelopes_sum(block_envelopes *e) {
    e->total = 0;
    for (size_t start = 0, g = 0; start < e->blocks; start += BLOCK_GROUP, g++) {
        size_t end = start + BLOCK_GROUP < e->blocks ? start + BLOCK_GROUP : e->blocks;
        uint64_t sum = 0;
        for (size_t j = start; j < end; j++)
            sum += e->envelope[j];
        e->group[g] = sum;
        e->total += sum;
    }
    e->group[block_groups(e->blocks)] = UINT64_MAX;
}

/* Picks a block with probability envelope / total; *u is uniform on [0, envelope), in units of the greatest weight. */
static size_t rejection_pick(const block_envelopes *e, uint64_t key, uint64_t row, uint64_t draw, uint32_t trial,
                             double *u) {
    uint64_t words[2], low, unused, position, carry;
    uniform_words(key, row, GF_TAG_REJECTION + 2 * trial, draw, words);
    position = gf_multiply_high(words[0], e->total, &low);
    carry = gf_multiply_high(words[1], e->total, &unused);
    low += carry;
    position += low < carry;
    size_t group = 0;
    while (position >= e->group[group])
        position -= e->group[group++];
    const size_t last = e->used - 1;
    size_t j = group * BLOCK_GROUP < last ? group * BLOCK_GROUP : last;
    while (position >= e->envelope[j] && j < last)
        position -= e->envelope[j++];
    double fraction;
    if (position == 0 && low < (uint64_t)1 << 32) { /* u is tiny: its leading bits are spent */
        uniform_words(key, row, GF_TAG_REJECTION + 2 * trial + 1, draw, words);
        fraction = uniform_fine(low, words[0]);
    } else {
        fraction = ((double)low + 0.5) * 0x1p-64;
    }
    *u = ((double)position + fraction) * ENVELOPE_UNIT;
    return j;
}

/* Lowers the envelope of a block; one that is higher, or none, is of a row that changed, and leaves it. */
GF_INLINE void envelope_lower(block_envelopes *e, size_t block, double units) {
    const uint32_t envelope = e->envelope[block], lower = units < envelope ? (uint32_t)units : envelope;
    e->envelope[block] = lower;
    e->group[block / BLOCK_GROUP] -= envelope - lower;
    e->total -= envelope - lower;
}

/* A sum in units of the envelopes, rounded up: at least 1. */
GF_INLINE double envelope_units(double sum) { return (sum > 0 ? sum * (1 / ENVELOPE_UNIT) : 0) + 1; }

/* Replaces the envelope of a block that failed by its sum, rounded up; 0 if that is 0. */
static void envelope_refine(block_envelopes *e, size_t block, double sum) {
    envelope_lower(e, block, sum > 0 ? envelope_units(sum) : 0);
}

/* The element whose interval holds u, 0 <= u < sum of w, when small elements are laid out before large ones.
 * w is spoiled. Where rounding lets u pass the end, the last large element is meant. */
static unsigned block_element(f64x8 w[BLOCK_EIGHTS], double sum, double u) {
    f64x8 limit = f64_set(sum * BLOCK_TINY), small[BLOCK_EIGHTS];
    for (int k = 0; k < BLOCK_EIGHTS; k++)
        small[k] = f64_select(f64_less(w[k], limit), w[k], f64_set(0));
    double small_sum = f64_sum_four(small);
    if (u < small_sum)
        return block_element(small, small_sum, u);
    u -= small_sum;
    unsigned vector = 0, lane = 0;
    for (unsigned k = 0; k < BLOCK_EIGHTS; k++) {
        w[k] = f64_sub(w[k], small[k]);
        double part = f64_sum_lanes(w[k]);
        if (part == 0)
            continue;
        vector = k;
        if (u < part)
            break;
        u -= part;
    }
    double v[8];
    f64_store(v, w[vector]);
    for (unsigned i = 0; i < 8; i++) {
        if (v[i] == 0)
            continue;
        lane = i;
        if (u < v[i])
            break;
        u -= v[i];
    }
    return 8 * vector + lane;
}

#endif
