/* Template: draws by rejection with block envelopes: one, or many from a row in order. rejection.h has the method.
 *
 * Tried and slower: blocks strided by the register, which need no transposition for their maxima (a refined block
 * then touches 64 cache lines instead of 4); an exponential of every element (4 times the maximum's pass); blocks of 64
 * (normal logits of standard deviation 2.5: twice the trials, a third more time at 32,768 categories) and of 16 (the
 * pass over 131,072 takes 1.1 times as long); sums of exact weights for rows up to REJECTION_SUMMED (1,000 categories: 470
 * ns, with exp_above 280; trials from block maxima took 250 to 580, by how far the logits spread). */
#include "kernels/argmax_tpl.h"
#include "kernels/repeated.h"
#include "kernels/weight_tpl.h"

#if defined(GF_REJECTION_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_REJECTION_TPL
#undef GF_REJECTION_TPL
#else
#define GF_REJECTION_TPL
#endif

/* Weights of a block, in double and padded with 0; returns their sum. */
GF_INLINE double ROW(block_weights)(const element_t *x, size_t n, const NAME(scaling) * s, f64x8 w[BLOCK_EIGHTS]) {
    for (int k = 0; k < BLOCK / LANES; k++)
        V(widen)(NAME(weight)(ROW(read_from)(x, (size_t)k * LANES, n), s), w + k * EIGHTS);
    return f64_sum_four(w);
}

/* Logarithms of the weights of sixteen elements from number `start` of n on. */
GF_INLINE f32x16 ROW(block_logarithms)(const element_t *x, size_t start, size_t n, const NAME(scaling) * s) {
    vec_t z[16 / LANES];
    for (size_t k = 0; k < 16 / LANES; k++)
        z[k] = NAME(below)(ROW(read_from)(x, start + k * LANES, n), s);
    return V(as_floats)(z);
}

/* Overwrites the block maxima by their envelopes, which are no larger than them in memory. */
GF_INLINE void ROW(envelopes_of_maxima)(const real_t *maxima, size_t padded, NAME(scaling) s, uint32_t *envelope) {
    const f32x16 units = f32_set((float)(BLOCK / ENVELOPE_UNIT * ENVELOPE_SLACK)), one = f32_set(1);
    for (size_t j = 0; j < padded; j += 16) {
        vec_t z[16 / LANES];
        for (size_t k = 0; k < 16 / LANES; k++)
            z[k] = NAME(below)(V(load)(maxima + j + k * LANES), &s);
        const f32x16 logarithm = V(as_floats)(z);
        f32x16 e = f32_fma(exp_above(logarithm), units, one);
        e = f32_select(f32_equal(logarithm, f32_set(-INFINITY)), f32_set(0), e);
        u32_store(envelope + j, f32_to_u31(e));
    }
}

/* Envelopes from bounds of all weights: for a row short enough that these cost less than the trials they save. */
GF_INLINE void ROW(envelopes_of_sums)(const element_t *x, size_t n, size_t padded, NAME(scaling) s,
                                      uint32_t *envelope) {
    const f32x16 units = f32_set((float)(ENVELOPE_SLACK / ENVELOPE_UNIT)), one = f32_set(1);
    for (size_t j = 0; j < padded; j += 16) {
        f32x16 sum[16];
        for (size_t lane = 0; lane < 16; lane++) {
            const size_t i = (j + lane) * BLOCK;
            sum[lane] = i < n ? f32_add(exp_above(ROW(block_logarithms)(x, i, n, &s)),
                                        exp_above(ROW(block_logarithms)(x, i + 16, n, &s)))
                              : f32_set(0);
        }
        f32_transpose(sum);
        for (size_t lane = 1; lane < 16; lane++)
            sum[0] = f32_add(sum[0], sum[lane]);
        f32x16 e = f32_select(f32_equal(sum[0], f32_set(0)), f32_set(0), f32_fma(sum[0], units, one));
        u32_store(envelope + j, f32_to_u31(e));
    }
}

/* -- the kernels ------------------------------------------------------------------------------------------------ */

/* Scratch: a header, the block maxima that become envelopes, and the sums of groups. */
typedef struct {
    block_envelopes envelopes;
    NAME(scaling) scaling;
    int64_t only; /* at temperature 0 the answer, else -1 */
} ROW(rejection_memory);

static size_t ROW(rejection_scratch)(size_t n, size_t count) {
    size_t padded = block_padded(block_count(n));
    (void)count;
    return sizeof(ROW(rejection_memory)) + padded * sizeof(real_t) + (block_groups(padded) + 1) * sizeof(uint64_t);
}

/* Reads the row; 0 where it cannot be drawn from. */
GF_INLINE int ROW(rejection_read)(const element_t *x, size_t n, double temperature, ROW(rejection_memory) * memory) {
    const size_t padded = block_padded(block_count(n));
    real_t *maxima = (real_t *)(void *)(memory + 1), greatest;
    memory->only = -1;
    if (temperature == 0) {
        memory->only = ROW(argmax)(x, n, &greatest);
        return memory->only >= 0;
    }
    greatest = n <= REJECTION_SUMMED ? ROW(greatest)(x, n) : ROW(block_maxima)(x, n, maxima);
    if (greatest != greatest)
        return 0;
    memory->envelopes =
        (block_envelopes){(uint32_t *)(void *)maxima, (uint64_t *)(void *)(maxima + padded), block_count(n), padded, 0};
    memory->scaling = NAME(scaling_of)(greatest, temperature);
    if (n <= REJECTION_SUMMED)
        ROW(envelopes_of_sums)(x, n, padded, memory->scaling, memory->envelopes.envelope);
    else
        ROW(envelopes_of_maxima)(maxima, padded, memory->scaling, memory->envelopes.envelope);
    envelopes_sum(&memory->envelopes);
    return 1;
}

/* One draw, or -1 where the row changed under it. What it learns of the envelopes serves the next: given all before it each
 * is still exactly softmax, since the proof holds for any envelopes, so they are independent. */
GF_INLINE int64_t ROW(rejection_one)(const element_t *x, size_t n, uint64_t key, uint64_t row, uint64_t draw,
                                     ROW(rejection_memory) * memory) {
    if (memory->only >= 0)
        return memory->only;
    for (uint32_t trial = 0; trial < REJECTION_TRIALS; trial++) {
        f64x8 w[BLOCK_EIGHTS];
        double u;
        const size_t block = rejection_pick(&memory->envelopes, key, row, draw, trial, &u), start = block * BLOCK;
        const size_t size = n - start < BLOCK ? n - start : BLOCK;
        const NAME(scaling) scaling = memory->scaling;
        double sum = ROW(block_weights)(x + start, size, &scaling, w);
        if (u < sum)
            return (int64_t)(start + block_element(w, sum, u));
        envelope_refine(&memory->envelopes, block, sum);
    }
    return -1;
}

static gf_status ROW(rejection_start)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    const element_t *x = gf_x(q, start);
    (void)stop;
    if (!ROW(rejection_read)(x, q->columns, gf_temperature(q, start), scratch))
        return gf_stopped(start, ROW(unusable)(x, q->columns));
    return gf_done();
}

static gf_status ROW(rejection_draw)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    const element_t *x = gf_x(q, start);
    char *out = (char *)gf_index(q, start);
    (void)stop;
    for (size_t i = 0; i < q->draws.count; i++, out += q->draws.step) {
        const int64_t index =
            ROW(rejection_one)(x, q->columns, q->stream.key, q->stream.row + start, q->draws.first + i, scratch);
        if (index < 0)
            return gf_stopped(start, GF_CHANGED);
        memcpy(out, &index, sizeof index);
    }
    return gf_done();
}

static gf_status ROW(rejection)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    return repeated_draws(ROW(rejection_start), ROW(rejection_draw), q, start, stop, scratch);
}

#endif
