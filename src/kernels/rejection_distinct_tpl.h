/* Template: a few draws without replacement from one long row, by rejection with block envelopes that goes on.
 *
 * What is drawn leaves its block's sum, and the next draw is made from what is left, by the same trials: a draw is
 * softmax over the categories that remain, given those before it (Plackett-Luce). The proof in rejection.h holds for any
 * envelopes that are not below the sums.
 *
 * Weights are relative to the greatest element at the start. When what is left weighs little beside the rounding of the
 * envelopes, they are made anew from the elements that are left. At temperature 0 the draws are the greatest elements. */
#include "kernels/gumbel_top_k_tpl.h"
#include "kernels/rejection_tpl.h"

#if defined(GF_REJECTION_DISTINCT_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_REJECTION_DISTINCT_TPL
#undef GF_REJECTION_DISTINCT_TPL
#else
#define GF_REJECTION_DISTINCT_TPL
#endif

enum { ROW(DISTINCT_FLOOR) = 4 /* units a block: what is left must weigh more, or the envelopes are made anew */ };

/* Scratch: rejection's, then for each block the bits of the elements drawn; or that of the k greatest. */
static size_t ROW(rejection_distinct_scratch)(const gf_request *q) {
    const size_t drawn = ROW(rejection_scratch)(q) + block_count(q->columns) * sizeof(uint32_t);
    const size_t greatest = ROW(top_k_scratch)(q);
    return drawn > greatest ? drawn : greatest;
}

/* Weights of a block in order, those drawn 0, and their sum. */
GF_INLINE double ROW(left_weights)(const ROW(row) * row, size_t start, const ROW(scaling) * s, uint32_t drawn,
                                   f64x8 w[BLOCK_EIGHTS], double weight[BLOCK]) {
    double sum = ROW(block_weights)(row, start, s, w);
    for (int k = 0; k < BLOCK_EIGHTS; k++)
        f64_store(weight + 8 * k, w[k]);
    if (!drawn)
        return sum;
    for (; drawn; drawn &= drawn - 1)
        weight[gf_lowest_bit(drawn)] = 0;
    for (int k = 0; k < BLOCK_EIGHTS; k++)
        w[k] = f64_load(weight + 8 * k);
    return f64_sum_four(w);
}

/* Makes the envelopes anew from what is not drawn; 0 where nothing is left. */
GF_COLD int ROW(rejection_restart)(const uint32_t *drawn, ROW(rejection_memory) * memory) {
    const ROW(row) *row = &memory->row;
    const size_t n = row->n;
    real_t *maxima = (real_t *)(void *)memory->envelopes.envelope, greatest = NOTHING;
    ROW(flaws) bad = ROW(no_flaws)();
    for (size_t j = 0; j < memory->envelopes.blocks; j++) {
        const size_t start = j * BLOCK, stop = n - start < BLOCK ? n : start + BLOCK;
        maxima[j] = NOTHING;
        if (start >= n)
            continue;
        if (!drawn[j])
            maxima[j] = V(max_lane)(ROW(part_lanes)(row, start, stop, &bad, row->whole));
        else
            for (size_t i = start; i < stop; i++)
                if (!(drawn[j] >> (i - start) & 1) && ROW(element)(row, i) > maxima[j])
                    maxima[j] = ROW(element)(row, i);
        greatest = maxima[j] > greatest ? maxima[j] : greatest;
    }
    if (greatest == NOTHING)
        return 0;
    memory->scaling.greatest = greatest;
    ROW(envelopes_of_maxima)(maxima, memory->envelopes.blocks, memory->scaling, memory->envelopes.envelope);
    envelopes_sum(&memory->envelopes);
    return 1;
}

/* Draw number i, or -1 where nothing is left, or GF_CHANGED. */
GF_INLINE int64_t ROW(distinct_draw)(const gf_request *q, size_t r, size_t i, uint32_t *drawn,
                                     ROW(rejection_memory) * memory) {
    block_envelopes *e = &memory->envelopes;
    for (uint32_t trial = 0; trial < REJECTION_TRIALS; trial++) {
        f64x8 w[BLOCK_EIGHTS];
        double weight[BLOCK], u;
        if (e->total <= ROW(DISTINCT_FLOOR) * e->blocks && !ROW(rejection_restart)(drawn, memory))
            return -1;
        const size_t block = rejection_pick(e, q->stream.key, q->stream.row + r, i, trial, &u), start = block * BLOCK;
        const ROW(row) row = memory->row;
        const ROW(scaling) scaling = memory->scaling;
        double sum = ROW(left_weights)(&row, start, &scaling, drawn[block], w, weight);
        if (u < sum) {
            const unsigned element = block_element(w, sum, u);
            drawn[block] |= (uint32_t)1 << element;
            envelope_lower(e, block, envelope_units(sum - weight[element]));
            return (int64_t)(start + element);
        }
        envelope_refine(e, block, sum);
    }
    return GF_CHANGED;
}

/* Draws up to q->draws.count; returns how many there were, or why there are fewer. */
GF_INLINE int64_t ROW(distinct_draws)(const gf_request *q, size_t r, void *scratch) {
    ROW(rejection_memory) *memory = scratch;
    uint32_t *drawn = (uint32_t *)(void *)((char *)scratch + ROW(rejection_scratch)(q));
    int64_t *index = gf_index(q, r);
    const int64_t left = ROW(rejection_read)(q, r, memory);
    if (left <= 0)
        return left;
    memset(drawn, 0, block_count(q->columns) * sizeof *drawn);
    for (size_t i = 0; i < q->draws.count; i++) {
        index[i] = ROW(distinct_draw)(q, r, i, drawn, memory);
        if (index[i] < 0)
            return index[i] == GF_CHANGED ? GF_CHANGED : (int64_t)i;
    }
    return (int64_t)q->draws.count;
}

static gf_status ROW(rejection_distinct)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    for (size_t r = start; r < stop; r++) {
        const gf_status status = gf_temperature(q, r) == 0 ? ROW(distinct_top_k)(q, r, r + 1, scratch)
                                                           : gf_ended(q, r, ROW(distinct_draws)(q, r, scratch));
        if (status.row >= 0)
            return status;
    }
    return gf_done();
}

#endif
