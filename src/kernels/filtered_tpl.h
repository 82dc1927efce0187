/* Template: one draw from what top_k, top_p and min_p keep of a row, mostly without finding out what that is.
 *
 * A category is drawn from all that is left by rejection with block envelopes (rejection.h), and then looked at. Under top_k
 * it is kept if fewer than k elements come before it; under top_p if the mass S before it is below p Z. If it is refused, all
 * from it on are outside, for what is kept is a prefix of the order; and a category is drawn from those before it.
 *
 * Proof. The elements left always hold all that are kept. Given that a draw is kept, it is softmax over the elements left
 * restricted to the kept ones, whatever those left were; so the one that ends the trials is softmax over the kept ones.
 *
 * S needs the blocks alone whose maximum reaches the category. Z, the mass of the row, is bounded by the block maxima m_j:
 * exp((m_j - greatest) / temperature) from below, and 32 times that. That decides most draws; for the others blocks are added up,
 * the greatest first, until it does, and where even the exact mass leaves a doubt that could be rounding, the cut itself
 * decides (filter_tpl.h). Under both top_k and top_p the order begins with the cut, since only k elements matter.
 *
 * Expected are at most -log q refusals, q being the share of the kept in the mass: each leaves a uniform share of the mass
 * before it.
 *
 * Tried and slower: the cut for each row, and a draw from it (real rows under top_p 0.95: 4 times a draw, for the mass of
 * the row alone takes 3). */
#include "kernels/log_prob_tpl.h"
#include "kernels/rejection_tpl.h"

#if defined(GF_FILTERED_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_FILTERED_TPL
#undef GF_FILTERED_TPL
#else
#define GF_FILTERED_TPL
#endif

/* How many elements come before number `place` in the order, counted up to `most` or a little more. */
GF_APART size_t ROW(filtered_rank)(const ROW(filter) * f, size_t place, size_t most) {
    const ROW(row) *row = f->row;
    const real_t x = ROW(element)(row, place);
    size_t count = 0;
    for (size_t j = 0; j < f->blocks && count < most; j += LANES)
        for (uint32_t open = ROW(blocks_between)(f, j, x, INFINITY); open; open &= open - 1) {
            const size_t start = (j + gf_lowest_bit(open)) * BLOCK;
            for (size_t i = start; i < row->n && i < start + BLOCK; i += LANES)
                count += gf_count_bits(ROW(before)(ROW(read)(row, i, row->whole), i, V(set)(x), place));
        }
    return count;
}

/* Mass of a block, and added to *before the part of it that comes before element `place` in the order. */
GF_INLINE double ROW(filtered_block)(const ROW(filter) * f, size_t block, real_t x, size_t place, double *before) {
    const ROW(row) *row = f->row;
    const vec_t v = V(set)(x), zero = V(set)(0);
    NAME(running_sum) sum = NAME(empty_sum)(), part = sum;
    for (size_t i = block * BLOCK; i < row->n && i < (block + 1) * BLOCK; i += LANES) {
        const vec_t y = ROW(read)(row, i, row->whole), w = ROW(weight)(y, &f->scaling);
        NAME(accumulate)(&sum, w);
        NAME(accumulate)(&part, V(select)(V(mask_of_bits)(ROW(before)(y, i, v, place)), w, zero));
    }
    *before += NAME(total)(&part);
    return NAME(total)(&sum);
}

/* Lower bound of the mass of the blocks whose maximum is below `bound`: 32 times and an eighth more is an upper one. */
GF_INLINE double ROW(filtered_rest)(const ROW(filter) * f, real_t bound) {
    const vec_t b = V(set)(bound), none = V(set)(NOTHING);
    f64x8 sum[2] = {f64_set(0), f64_set(0)};
    for (size_t j = 0; j < f->blocks; j += 16) {
        vec_t below[16 / LANES];
        for (size_t k = 0; k < 16 / LANES; k++) {
            const vec_t m = V(load)(f->maxima + j + k * LANES);
            below[k] = V(select)(V(less)(m, b), m, none);
        }
        f32_add_wide(sum, ROW(weight_bounds)(below, &f->scaling));
    }
    return f64_sum_lanes(f64_add(sum[0], sum[1])) * (1 / 1.0625);
}

/* Whether top_p keeps element number `place`; -1 where rounding leaves a doubt. */
GF_APART int ROW(filtered_mass)(const ROW(filter) * f, size_t place) {
    static const double steps[] = {0, 2, 5, 10, INFINITY}; /* nats below the element */
    const double doubt = 0x1p-30 + (double)f->row->n * 0x1p-52;
    const real_t x = ROW(element)(f->row, place);
    double before = 0, mass = 0, unused = 0;
    real_t bound = INFINITY;
    for (int step = 0; step < 5; step++) {
        const real_t lower = step == 0 ? x : ROW(element_below)(x, steps[step], f->temperature);
        if (step && lower == bound)
            continue;
        for (size_t j = 0; j < f->blocks; j += LANES)
            for (uint32_t open = ROW(blocks_between)(f, j, lower, bound); open; open &= open - 1)
                mass += ROW(filtered_block)(f, j + gf_lowest_bit(open), x, place, step ? &unused : &before);
        bound = lower;
        const double rest = lower > NOTHING ? ROW(filtered_rest)(f, lower) : 0;
        if (before < f->top_p * (mass + rest) * (1 - doubt) || before == 0)
            return 1;
        if (before > f->top_p * (mass + 36 * rest) * (1 + doubt))
            return 0;
    }
    return -1;
}

/* Envelope 0 for the blocks of which the row's cut leaves nothing: those whose maximum is below it, or is equal to it and
 * stands in a block after the last that may be kept. Without the second, equals in thousands would be refused one by one. */
GF_INLINE void ROW(filtered_close)(ROW(rejection_memory) * memory, const real_t *maxima) {
    const real_t least = memory->row.least;
    const size_t last = block_count(memory->row.end);
    uint32_t *envelope = memory->envelopes.envelope;
    for (size_t j = 0; j < memory->envelopes.blocks; j++)
        envelope[j] = maxima[j] < least ? 0 : envelope[j];
    for (size_t j = last; j < memory->envelopes.blocks; j++)
        envelope[j] = maxima[j] == least ? 0 : envelope[j];
    envelopes_sum(&memory->envelopes);
}

/* The draw of row r, or what is left where nothing can be drawn. */
static int64_t ROW(filtered_row)(const gf_request *q, size_t r, ROW(rejection_memory) * memory, int64_t *index) {
    const double temperature = gf_temperature(q, r);
    ROW(rejection_row)(q, r, memory);
    const ROW(row) row = memory->row;
    const size_t padded = block_padded(block_count(row.n));
    real_t *places = (real_t *)(void *)(memory + 1), greatest;
    uint32_t trial = 0;
    ROW(filter) f;
    if (temperature == 0) {
        *index = ROW(argmax)(&row, &greatest);
        return *index >= 0 ? 1 : ROW(unusable)(&row);
    }
    const int64_t left =
        ROW(filter_set)(&f, q, r, &row, (char *)ROW(rejection_words)(memory, padded) + ROW(mask_bytes)(q));
    if (left <= 0)
        return left;
    memory->envelopes = (block_envelopes){
        (uint32_t *)(void *)places, (uint64_t *)(void *)(places + padded), block_count(row.n), padded, 0};
    memory->scaling = ROW(scaling_of)(f.scaling.greatest, temperature);
    memory->untouched = 1;
    int look = f.top_k < row.n || f.top_p < 1;
    if (f.top_k < row.n && f.top_p < 1) {
        ROW(filter_cut)(&f, &memory->row);
        look = 0;
    } else if (f.floor > NOTHING) {
        ROW(row_cut)(&memory->row, f.floor, row.n);
    }
    ROW(envelopes_of_maxima)(f.maxima, padded, memory->scaling, memory->envelopes.envelope);
    if (memory->row.cut)
        ROW(filtered_close)(memory, f.maxima);
    else
        envelopes_sum(&memory->envelopes);
    for (;;) {
        *index = ROW(rejection_trials)(memory, q->stream.key, q->stream.row + r, 0, &trial);
        if (*index < 0)
            return GF_CHANGED;
        const size_t place = (size_t)*index;
        if (!look)
            return 1;
        int kept = f.top_p < 1 ? ROW(filtered_mass)(&f, place) : ROW(filtered_rank)(&f, place, f.top_k) < f.top_k;
        const real_t x = ROW(element)(&row, place);
        if (kept < 0) {
            ROW(row) cut = row;
            ROW(filter_cut)(&f, &cut);
            kept = ROW(element)(&cut, place) == x;
        }
        if (kept)
            return 1;
        ROW(row_cut)(&memory->row, x, place);
        ROW(filtered_close)(memory, f.maxima);
    }
}

static gf_status ROW(filtered_untold)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    for (size_t r = start; r < stop; r++) {
        const int64_t left = ROW(filtered_row)(q, r, scratch, gf_index(q, r));
        const gf_status status = gf_ended(q, r, left);
        if (status.row >= 0)
            return status;
    }
    return gf_done();
}

static size_t ROW(filtered_scratch)(const gf_request *q) {
    return gf_told(q) ? ROW(told_scratch)(q, ROW(rejection_scratch)(q)) : ROW(rejection_scratch)(q);
}

static gf_status ROW(filtered)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    return gf_told(q) ? ROW(told)(q, start, stop, ROW(filtered_untold), scratch)
                      : ROW(filtered_untold)(q, start, stop, scratch);
}

#endif
