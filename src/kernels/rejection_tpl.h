/* Template: draws by rejection with block envelopes: one, or many from a row in order. rejection.h has the method.
 *
 * Tried and slower: blocks strided by the register, which need no transposition for their maxima (a refined block
 * then touches 64 cache lines instead of 4); an exponential of every element (4 times the maximum's pass); blocks of 64
 * (normal logits of standard deviation 2.5: twice the trials, a third more time at 32,768 categories) and of 16 (the
 * pass over 131,072 takes 1.1 times as long); sums of exact weights for rows up to REJECTION_SUMMED (1,000 categories: 470
 * ns, with exp_above 280; trials from block maxima took 250 to 580, by how far the logits spread). */
#include "kernels/filter_tpl.h"
#include "kernels/repeated.h"
#include "kernels/weigh_tpl.h"

#if defined(GF_REJECTION_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_REJECTION_TPL
#undef GF_REJECTION_TPL
#else
#define GF_REJECTION_TPL
#endif

GF_INLINE double ROW(block_weights_of)(const ROW(row) * row, size_t start, const ROW(scaling) * s,
                                       f64x8 w[BLOCK_EIGHTS], int whole) {
    for (int k = 0; k < BLOCK / LANES; k++)
        V(widen)(ROW(weight)(ROW(read)(row, start + (size_t)k * LANES, whole), s), w + k * EIGHTS);
    return f64_sum_four(w);
}

GF_APART double ROW(block_weights_any)(const ROW(row) * row, size_t start, const ROW(scaling) * s,
                                       f64x8 w[BLOCK_EIGHTS]) {
    return ROW(block_weights_of)(row, start, s, w, 0);
}

/* Weights of the block from element `start` on, in double and padded with 0; returns their sum. */
GF_INLINE double ROW(block_weights)(const ROW(row) * row, size_t start, const ROW(scaling) * s, f64x8 w[BLOCK_EIGHTS]) {
    return row->whole ? ROW(block_weights_of)(row, start, s, w, 1) : ROW(block_weights_any)(row, start, s, w);
}

/* Bounds of the weights of sixteen elements from number `start` on. */
GF_INLINE f32x16 ROW(block_bounds)(const ROW(row) * row, size_t start, const ROW(scaling) * s, int whole) {
    vec_t x[16 / LANES];
    for (size_t k = 0; k < 16 / LANES; k++)
        x[k] = ROW(read)(row, start + k * LANES, whole);
    return ROW(quick_bounds)(x, s);
}

/* The same of the first and the last sixteen of a block together, for sixteen blocks from element i on; some may be past the end. */
GF_INLINE void ROW(bounds_of_blocks)(const ROW(row) * row, size_t i, const ROW(scaling) * s, f32x16 sum[16],
                                     int whole) {
    for (size_t j = 0; j < 16; j++, i += BLOCK)
        sum[j] = i < row->n ? f32_add(ROW(block_bounds)(row, i, s, whole), ROW(block_bounds)(row, i + 16, s, whole))
                            : f32_set(0);
}

/* Envelopes from block maxima; these may be overwritten by them, which are no larger. */
GF_INLINE void ROW(envelopes_of_maxima)(const real_t *maxima, size_t padded, ROW(scaling) s, uint32_t *envelope) {
    const f32x16 units = f32_set((float)(BLOCK / ENVELOPE_UNIT * ENVELOPE_SLACK)), one = f32_set(1);
    for (size_t j = 0; j < padded; j += 16) {
        vec_t m[16 / LANES];
        for (size_t k = 0; k < 16 / LANES; k++)
            m[k] = V(load)(maxima + j + k * LANES);
        const f32x16 bound = ROW(quick_bounds)(m, &s);
        f32x16 e = f32_fma(bound, units, one);
        e = f32_select(f32_equal(bound, f32_set(0)), f32_set(0), e);
        u32_store(envelope + j, f32_to_u31(e));
    }
}

/* Envelopes from bounds of all weights: for a row short enough that these cost less than the trials they save. */
GF_INLINE void ROW(envelopes_of_sums)(ROW(row) copy, size_t padded, ROW(scaling) s, uint32_t *envelope, int whole) {
    const ROW(row) *row = &copy; /* which no store can be thought to change */
    const f32x16 units = f32_set((float)(ENVELOPE_SLACK / ENVELOPE_UNIT)), one = f32_set(1);
    for (size_t j = 0; j < padded; j += 16) {
        f32x16 sum[16];
        ROW(bounds_of_blocks)(row, j * BLOCK, &s, sum, whole);
        f32_transpose(sum);
        for (size_t lane = 1; lane < 16; lane++)
            sum[0] = f32_add(sum[0], sum[lane]);
        f32x16 e = f32_select(f32_equal(sum[0], f32_set(0)), f32_set(0), f32_fma(sum[0], units, one));
        u32_store(envelope + j, f32_to_u31(e));
    }
}

GF_APART void ROW(envelopes_of_left_sums)(const ROW(row) * row, size_t padded, const ROW(scaling) * s,
                                          uint32_t *envelope) {
    ROW(envelopes_of_sums)(*row, padded, *s, envelope, 0);
}

/* How many elements of a block are more than NOTHING. */
GF_INLINE unsigned ROW(block_left)(const ROW(row) * row, size_t block) {
    const vec_t none = V(set)(NOTHING);
    uint64_t left = 0;
    if (row->packed && !row->cut && (block + 1) * BLOCK <= row->n)
        for (size_t k = 0; k < BLOCK; k += LANES)
            left |= (uint64_t)V(mask_bits)(V(less)(none, READ(row->x + block * BLOCK + k))) << k;
    else
        for (size_t k = 0; k < BLOCK; k += LANES)
            left |= (uint64_t)V(mask_bits)(V(less)(none, ROW(read)(row, block * BLOCK + k, row->whole))) << k;
    if (row->packed)
        left &= row->words[block];
    return gf_count_bits(left);
}

/* Envelopes of the elements that are left, in place of those of whole blocks, none of which was refined. */
GF_APART void ROW(envelopes_of_left)(const ROW(row) * row, block_envelopes *e) {
    for (size_t j = 0; j < e->used; j++)
        if (e->envelope[j])
            e->envelope[j] = (uint32_t)((uint64_t)e->envelope[j] * ROW(block_left)(row, j) / BLOCK) + 1;
    envelopes_sum(e);
}

/* -- the kernels ------------------------------------------------------------------------------------------------ */

enum { ROW(REJECTION_OPEN) = -2 }; /* in place of the one answer of a row: it is to be drawn */

/* Scratch: a header, the block maxima that become envelopes, the sums of groups, and what a filter needs. */
typedef struct {
    block_envelopes envelopes;
    ROW(row) row;
    ROW(scaling) scaling;
    int64_t only;  /* the answer where there is but one: at temperature 0; -1 for a row of nothing that may be drawn */
    int untouched; /* the envelopes are of block maxima, and none was refined */
} ROW(rejection_memory);

GF_INLINE size_t ROW(envelope_bytes)(size_t padded) {
    return padded * sizeof(real_t) + (block_groups(padded) + 1) * sizeof(uint64_t);
}

static size_t ROW(rejection_scratch)(const gf_request *q) {
    return sizeof(ROW(rejection_memory)) + ROW(envelope_bytes)(block_padded(block_count(q->columns))) +
           ROW(mask_bytes)(q) + ROW(filter_scratch)(q);
}

/* Where the row has its mask, and where the filter's memory begins. */
GF_INLINE uint32_t *ROW(rejection_words)(ROW(rejection_memory) * memory, size_t padded) {
    return (uint32_t *)(void *)((char *)(memory + 1) + ROW(envelope_bytes)(padded));
}

/* Row r, its mask packed into the memory. */
GF_INLINE void ROW(rejection_row)(const gf_request *q, size_t r, ROW(rejection_memory) * memory) {
    memory->row = ROW(row_of)(q, r);
    const size_t padded = block_padded(block_count(memory->row.n));
    if (GF_SELDOM(q->mask != NULL))
        ROW(row_pack)(&memory->row, ROW(rejection_words)(memory, padded), padded);
}

/* Reads row r; 1, or what there is in place of categories to draw. */
GF_INLINE int64_t ROW(rejection_read)(const gf_request *q, size_t r, ROW(rejection_memory) * memory) {
    const double temperature = gf_temperature(q, r);
    real_t *maxima = (real_t *)(void *)(memory + 1), greatest;
    ROW(row) *row = &memory->row;
    ROW(rejection_row)(q, r, memory);
    const size_t n = row->n, padded = block_padded(block_count(n));
    memory->only = ROW(REJECTION_OPEN);
    memory->envelopes =
        (block_envelopes){(uint32_t *)(void *)maxima, (uint64_t *)(void *)(maxima + padded), block_count(n), padded, 0};
    if (temperature == 0) {
        memory->only = ROW(argmax)(row, &greatest);
        return memory->only >= 0 ? 1 : ROW(unusable)(row);
    }
    if (q->filter) {
        const int64_t left =
            ROW(filter_row)(q, r, row, (char *)ROW(rejection_words)(memory, padded) + ROW(mask_bytes)(q));
        if (left <= 0)
            return left;
    }
    greatest = n <= REJECTION_SUMMED ? ROW(greatest)(row) : ROW(block_maxima)(row, maxima);
    if (greatest != greatest)
        return ROW(unusable)(row);
    memory->scaling = ROW(scaling_of)(greatest, temperature);
    memory->untouched = n > REJECTION_SUMMED;
    if (n > REJECTION_SUMMED)
        ROW(envelopes_of_maxima)(maxima, padded, memory->scaling, memory->envelopes.envelope);
    else if (row->whole)
        ROW(envelopes_of_sums)(*row, padded, memory->scaling, memory->envelopes.envelope, 1);
    else
        ROW(envelopes_of_left_sums)(row, padded, &memory->scaling, memory->envelopes.envelope);
    envelopes_sum(&memory->envelopes);
    return 1;
}

/* The first trial that fails, on that block. */
GF_APART void ROW(rejection_touch)(ROW(rejection_memory) * memory, size_t block) {
    memory->untouched = 0;
    if (ROW(block_left)(&memory->row, block) <= BLOCK_SPARSE)
        ROW(envelopes_of_left)(&memory->row, &memory->envelopes);
}

/* Trials from number *trial on, until one gives a draw, or -1 where the row changed under it. The first that fails tells
 * whether blocks have few elements left, as by a mask: then all are counted, for an envelope of 32 elements would be refused
 * as often as there are fewer. What is learnt of the envelopes serves the next draw: given all before it each is still
 * exactly softmax, since the proof holds for any envelopes, so they are independent. */
GF_INLINE int64_t ROW(rejection_trials)(ROW(rejection_memory) * memory, uint64_t key, uint64_t row_number,
                                        uint64_t draw, uint32_t *trial) {
    while (*trial < REJECTION_TRIALS && memory->envelopes.total) {
        f64x8 w[BLOCK_EIGHTS];
        double u;
        const size_t block = rejection_pick(&memory->envelopes, key, row_number, draw, (*trial)++, &u);
        const ROW(scaling) scaling = memory->scaling;
        double sum = ROW(block_weights)(&memory->row, block * BLOCK, &scaling, w);
        if (u < sum)
            return (int64_t)(block * BLOCK + block_element(w, sum, u));
        if (memory->untouched)
            ROW(rejection_touch)(memory, block);
        envelope_refine(&memory->envelopes, block, sum);
    }
    return -1;
}

static gf_status ROW(rejection_start)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    ROW(rejection_memory) *memory = scratch;
    const int64_t left = ROW(rejection_read)(q, start, memory);
    (void)stop;
    if (gf_refused(q, left))
        return gf_stopped(start, left);
    if (!left)
        memory->only = -1;
    return gf_done();
}

static gf_status ROW(rejection_draw)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    ROW(rejection_memory) *memory = scratch;
    char *out = (char *)gf_index(q, start);
    (void)stop;
    for (size_t i = 0; i < q->draws.count; i++, out += q->draws.step) {
        int64_t index = memory->only;
        uint32_t trial = 0;
        if (index == ROW(REJECTION_OPEN)) {
            index = ROW(rejection_trials)(memory, q->stream.key, q->stream.row + start, q->draws.first + i, &trial);
            if (index < 0)
                return gf_stopped(start, GF_CHANGED);
        }
        memcpy(out, &index, sizeof index);
    }
    return gf_done();
}

static gf_status ROW(rejection)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    return repeated_draws(ROW(rejection_start), ROW(rejection_draw), q, start, stop, scratch);
}

#endif
