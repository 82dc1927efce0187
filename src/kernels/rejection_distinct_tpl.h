/* Template: draws without replacement from one row by rejection with block envelopes.
 *
 * Trials are those of rejection.h, and go on after a draw: what is drawn weighs 0 from there on, so that each draw is
 * softmax over the categories that remain, given those before it (Plackett-Luce). The proof holds for any envelopes that
 * are not below the sums of what is left, as long as a trial's own outcome has no part in them. So a batch of trials may
 * use the envelopes from before it, whose sums only fell since; they are looked at in their order, each accepted or
 * refused on its own, and what they learn lowers the envelopes of later batches.
 *
 * Envelopes begin as bounds of the sums, at most 7% above: a pass that adds up bounds of all elements costs little more
 * than one that takes maxima, and no row needs more than two trials a draw until much of it is drawn.
 *
 * Weights are relative to the greatest element at the start. When what is left weighs little beside the rounding of the
 * envelopes, they are made anew from the elements that are left. Where many trials were refused all the same, the draws
 * that are wanted yet are made by noise for all that is left: given what was drawn that is the same law, so the cost
 * is at most that of both ways, whatever the row. At temperature 0 the draws are the greatest elements.
 *
 * Tried and slower: envelopes from block maxima (normal logits of standard deviation 2.5: 23 trials a draw, or many sums of
 * blocks before they are few); a second pass for the sums once the greatest is known; no fetching ahead (1,000 of a
 * million that have left the cache: half as long again). */
#include "kernels/distinct.h"
#include "kernels/gumbel_top_k_tpl.h"
#include "kernels/rejection_tpl.h"

#if defined(GF_REJECTION_DISTINCT_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_REJECTION_DISTINCT_TPL
#undef GF_REJECTION_DISTINCT_TPL
#else
#define GF_REJECTION_DISTINCT_TPL
#endif

/* How a row's block sums are bounded before its greatest element is known: relative to an element met before, the
 * reference, that no element of a chunk of blocks is more than DISTINCT_ABOVE nats above. */
#define DISTINCT_ABOVE 16

/* Scratch: this, the envelopes, a reference for each group of them, the sums of groups, for each block a word of what is
 * left of it, and what a filter and then the noise need. */
typedef struct {
    distinct_envelopes envelopes;
    ROW(row) row; /* of what is left: its words are those here */
    ROW(scaling) scaling;
    real_t *reference;
    uint32_t *left;
} ROW(distinct_memory);

GF_INLINE size_t ROW(distinct_bytes)(size_t padded) {
    const size_t groups = padded / DISTINCT_GROUP;
    return sizeof(ROW(distinct_memory)) + (2 * groups + 1) * sizeof(uint64_t) + 2 * padded * sizeof(uint32_t) +
           (groups + 1) / 2 * 2 * sizeof(real_t);
}

static size_t ROW(rejection_distinct_scratch)(const gf_request *q) {
    return ROW(distinct_bytes)(block_padded(block_count(q->columns))) + ROW(top_k_scratch)(q);
}

/* Lays out the memory for a row of so many blocks. */
GF_INLINE void ROW(distinct_set)(ROW(distinct_memory) * memory, size_t padded) {
    distinct_envelopes *e = &memory->envelopes;
    e->groups = padded / DISTINCT_GROUP;
    e->size = (uint64_t *)(void *)(memory + 1);
    e->start = e->size + e->groups;
    memory->reference = (real_t *)(void *)(e->start + e->groups + 1);
    e->envelope = (uint32_t *)(void *)(memory->reference + (e->groups + 1) / 2 * 2);
    memory->left = e->envelope + padded;
}

/* Sums of bounds of the weights of sixteen blocks, from element i on; some may be past the end. */
GF_APART void ROW(any_sums)(const ROW(row) * row, size_t i, const ROW(scaling) * s, float *sum) {
    f32x16 v[16];
    ROW(bounds_of_blocks)(row, i, s, v, row->whole);
    f32_store(sum, f32_sum_each(v));
}

/* Has elements start to start + count - 1 brought near; they may be past the end. */
GF_INLINE void ROW(prefetch)(const ROW(row) * row, size_t start, size_t count) {
    const char *p = (const char *)row->x + start * sizeof(element_t);
    for (size_t i = 0; i < count * sizeof(element_t); i += 64)
        GF_PREFETCH(p + i);
}

#ifdef OF_WEIGHTS

/* Bounds of the block sums of a row; returns the greatest element, or NaN where the row cannot be drawn from. Weights are scaled by
 * the greatest, which a pass of its own finds. */
GF_INLINE real_t ROW(block_sums)(const ROW(row) * row, ROW(scaling) * s, float *sum, real_t *reference) {
    const real_t greatest = ROW(greatest)(row);
    if (greatest != greatest)
        return greatest;
    *s = ROW(scaling_of)(greatest, s->temperature);
    for (size_t i = 0; i < row->n; i += DISTINCT_GROUP * BLOCK, sum += DISTINCT_GROUP)
        ROW(any_sums)(row, i, s, sum);
    (void)reference;
    return greatest;
}

/* What the sums of a group are to be multiplied by. */
GF_INLINE float ROW(block_sums_unit)(const ROW(scaling) * s, real_t reference) {
    (void)s;
    (void)reference;
    return 1;
}

#else

/* A scaling for a loop that knows its row to be whole or packed, and the temperature to be no extreme one. */
typedef struct {
    vec_t reference;
#if REAL == 32
    f32x16 factor; /* of x - reference, in the units of exp_above */
#else
    f64x8 rate;
#endif
} ROW(plain_scaling);

GF_INLINE int ROW(is_plain)(const ROW(scaling) * s) { return !s->extreme && s->rate < (real_t)0x1p100; }

GF_INLINE f32x16 ROW(plain_above)(const ROW(row) * row, size_t i, const ROW(plain_scaling) * s, int how) {
#if REAL == 32
    return exp_above_scaled(f32_sub(ROW(read_lanes)(row, i, how), s->reference), s->factor);
#else
    const f64x8 a = f64_sub(ROW(read_lanes)(row, i, how), s->reference);
    const f64x8 b = f64_sub(ROW(read_lanes)(row, i + 8, how), s->reference);
    return exp_above(f32_narrow(f64_mul(a, s->rate), f64_mul(b, s->rate)));
#endif
}

/* Sums of bounds of the weights of sixteen whole blocks, from element i on. */
GF_INLINE f32x16 ROW(plain_sums)(const ROW(row) * row, size_t i, const ROW(scaling) * s, int how) {
    ROW(plain_scaling) plain;
    f32x16 v[16];
    plain.reference = V(set)(s->greatest);
#if REAL == 32
    plain.factor = f32_set(s->rate * EXP_ABOVE_UNIT);
#else
    plain.rate = f64_set(s->rate);
#endif
    for (size_t j = 0; j < 16; j++)
        v[j] = f32_add(ROW(plain_above)(row, i + j * BLOCK, &plain, how),
                       ROW(plain_above)(row, i + j * BLOCK + 16, &plain, how));
    return f32_sum_each(v);
}

/* Bounds of the block sums of a row, each sixteen relative to a reference; returns the greatest element, or NaN where the
 * row cannot be drawn from. */
GF_INLINE real_t ROW(block_sums_of)(ROW(row) copy, ROW(scaling) s, float *sum, real_t *reference, int how) {
    const ROW(row) *row = &copy; /* which no store can be thought to change */
    enum { CHUNK = DISTINCT_GROUP * BLOCK };
    const vec_t most = V(set)(DISTINCT_ABOVE), none = V(set)(-INFINITY);
    const int plain = how != ROW(ANY);
    vec_t greatest = none;
    s.greatest = -(real_t)INFINITY;
    for (size_t i = 0; i < row->n; i += CHUNK, sum += DISTINCT_GROUP, reference++) {
        const int whole = plain && i + CHUNK <= row->n;
        ROW(flaws) bad = ROW(no_flaws)();
        vec_t m = none;
        if (whole) /* additions would wait for memory, and memory for additions */
            ROW(prefetch)(row, i + 2 * CHUNK, CHUNK);
        if (whole)
            for (size_t j = 0; j < CHUNK; j += BLOCK)
                m = V(max)(ROW(block_lanes)(row, i + j, &bad, how), m);
        else
            m = ROW(part_lanes)(row, i, i + CHUNK < row->n ? i + CHUNK : row->n, &bad, how == ROW(WHOLE));
        greatest = V(max)(m, greatest);
        const vec_t below = plain ? V(mul)(V(sub)(m, V(set)(s.greatest)), V(set)(s.rate)) : NAME(below)(m, &s);
        if (GF_SELDOM(ROW(is_flawed)(row, &bad) || V(mask_bits)(V(not_less)(below, most)))) {
            const real_t top = V(max_lane)(m);
            if (ROW(is_flawed)(row, &bad) || top == (real_t)INFINITY)
                return (real_t)NAN;
            s.greatest = top > s.greatest ? top : s.greatest;
        }
        *reference = s.greatest;
        if (GF_SELDOM(s.greatest == -(real_t)INFINITY))
            f32_store(sum, f32_set(0));
        else if (whole)
            f32_store(sum, ROW(plain_sums)(row, i, &s, how));
        else
            ROW(any_sums)(&copy, i, &s, sum);
    }
    const ROW(flaws) none_yet = ROW(no_flaws)();
    return ROW(usable_greatest)(row, &none_yet, V(max_lane)(greatest));
}

GF_APART real_t ROW(block_sums_whole)(const ROW(row) * row, const ROW(scaling) * s, float *sum, real_t *reference) {
    return ROW(block_sums_of)(*row, *s, sum, reference, ROW(WHOLE));
}

GF_APART real_t ROW(block_sums_packed)(const ROW(row) * row, const ROW(scaling) * s, float *sum, real_t *reference) {
    return ROW(block_sums_of)(*row, *s, sum, reference, ROW(PACKED));
}

GF_APART real_t ROW(block_sums_any)(const ROW(row) * row, const ROW(scaling) * s, float *sum, real_t *reference) {
    return ROW(block_sums_of)(*row, *s, sum, reference, ROW(ANY));
}

GF_INLINE real_t ROW(block_sums)(const ROW(row) * row, ROW(scaling) * s, float *sum, real_t *reference) {
    if (!ROW(is_plain)(s) || (!row->whole && (!row->packed || row->cut)))
        return ROW(block_sums_any)(row, s, sum, reference);
    return row->whole ? ROW(block_sums_whole)(row, s, sum, reference) : ROW(block_sums_packed)(row, s, sum, reference);
}

/* What the sums of a group are to be multiplied by, relative to its reference as they are. */
GF_INLINE float ROW(block_sums_unit)(const ROW(scaling) * s, real_t reference) {
    f64x8 wide[EIGHTS];
    double part[8];
    V(widen)(ROW(weight)(V(set)(reference), s), wide);
    f64_store(part, wide[0]);
    return (float)part[0];
}

#endif

/* Makes the envelopes of what is left of the row; returns the greatest element, or NaN where there is none. */
GF_INLINE real_t ROW(distinct_envelop)(const ROW(row) * row, ROW(distinct_memory) * memory) {
    distinct_envelopes *e = &memory->envelopes;
    const f32x16 units = f32_set((float)(ENVELOPE_SLACK / ENVELOPE_UNIT)), one = f32_set(1), zero = f32_set(0);
    float *sums = (float *)(void *)e->envelope;
    const real_t greatest = ROW(block_sums)(row, &memory->scaling, sums, memory->reference);
    if (greatest != greatest)
        return greatest;
    memory->scaling.greatest = greatest;
    for (size_t g = 0; g < e->groups; g++) {
        const f32x16 unit = f32_set(ROW(block_sums_unit)(&memory->scaling, memory->reference[g]));
        const f32x16 sum = f32_mul(f32_load(sums + g * DISTINCT_GROUP), unit);
        const u32x16 envelope = f32_to_u31(f32_select(f32_equal(sum, zero), zero, f32_fma(sum, units, one)));
        u32_store(e->envelope + g * DISTINCT_GROUP, envelope);
        e->size[g] = u32_sum_lanes(envelope);
    }
    distinct_sum(e);
    return greatest;
}

/* Weights of what is left of the block from element `start` on, in order, and their sum. */
GF_INLINE double ROW(left_weights)(const ROW(row) * row, size_t start, const ROW(scaling) * s, uint32_t left,
                                   f64x8 w[BLOCK_EIGHTS], double weight[BLOCK]) {
    for (int k = 0; k < BLOCK / LANES; k++) {
        const vec_t v = ROW(weight)(ROW(read)(row, start + (size_t)k * LANES, row->whole), s);
        V(widen)(V(select)(V(mask_of_bits)(left >> k * LANES), v, V(set)(0)), w + k * EIGHTS);
    }
    for (int k = 0; k < BLOCK_EIGHTS; k++)
        f64_store(weight + 8 * k, w[k]);
    return f64_sum_four(w);
}

/* Draws number `found` on by noise for what is left. */
GF_COLD int64_t ROW(distinct_rest)(const gf_request *q, size_t r, size_t found, ROW(distinct_memory) * memory,
                                   void *scratch) {
    philox_keys keys;
    ROW(scan) s;
    philox_keys_set(&keys, q->stream.key);
    ROW(scan_set)(&s, q, r, &keys);
    s.row = memory->row;
    ROW(scan_below)(&s, q, r, memory->scaling.greatest); /* of which what is left is near: it has not been drawn anew */
    const int64_t more = ROW(top_k_row)(&s, q->draws.count - found, -INFINITY, gf_index(q, r) + found, NULL, scratch);
    return more < 0 ? GF_CHANGED : (int64_t)found + more;
}

/* How many trials may be spent on the first `found` draws, before the rest is drawn by noise. */
GF_INLINE uint64_t ROW(distinct_patience)(size_t n, size_t found) { return 64 + n / 128 + 3 * (uint64_t)found; }

/* In trials, what it costs to make the envelopes anew: the first time that alone, for one element may have held all; later as
 * often as the draws so far let expect, though there are the more elements the further down. */
GF_INLINE uint64_t ROW(distinct_anew)(size_t groups, size_t found, size_t k, int first) {
    return first ? groups : groups * (1 + (uint64_t)(k - found) / (4 * ((uint64_t)found + 1)));
}

/* Draws up to q->draws.count; returns how many there were, or why there are fewer. */
static int64_t ROW(distinct_draws)(const gf_request *q, size_t r, void *scratch) {
    ROW(distinct_memory) *memory = scratch;
    distinct_envelopes *e = &memory->envelopes;
    ROW(row) row = ROW(row_of)(q, r);
    const size_t n = row.n, k = q->draws.count, padded = block_padded(block_count(n));
    void *after = (char *)scratch + ROW(distinct_bytes)(padded);
    int64_t *index = gf_index(q, r);
    ROW(distinct_set)(memory, padded);
    if (GF_SELDOM(q->mask != NULL))
        ROW(row_pack)(&row, memory->left, padded);
    else
        memset(memory->left, 0xff, padded * sizeof *memory->left);
    memory->scaling = ROW(scaling_of)(1, gf_temperature(q, r)); /* whose greatest is not known yet */
    if (q->filter) {
        const int64_t left = ROW(filter_row)(q, r, &row, after);
        if (left <= 0)
            return left;
    }
    const real_t greatest = ROW(distinct_envelop)(&row, memory);
    if (greatest != greatest)
        return ROW(unusable)(&row);
    memory->row = row;
    memory->row.words = memory->left;
    memory->row.covered = padded * BLOCK;
    memory->row.whole = 0;
    memory->row.packed = 1;

    const size_t batch = n < DISTINCT_LONG ? DISTINCT_BATCH : DISTINCT_LARGE_BATCH;
    uint64_t trial = 0, spent = 0, anew = 0;
    philox_keys keys;
    philox_row p;
    philox_keys_set(&keys, q->stream.key);
    philox_row_set(&p, &keys, q->stream.key, q->stream.row + r, GF_TAG_DISTINCT);
    for (size_t found = 0;;) {
        distinct_picks picks;
        if (e->total <= DISTINCT_FLOOR * e->groups * DISTINCT_GROUP) {
            const real_t next = ROW(distinct_envelop)(&memory->row, memory);
            if (next != next)
                return ROW(unusable)(&memory->row) ? GF_CHANGED : (int64_t)found;
            spent += ROW(distinct_anew)(e->groups, found, k, !anew++);
        }
        if (spent >= ROW(distinct_patience)(n, found))
            return ROW(distinct_rest)(q, r, found, memory, after);
        const ROW(scaling) scaling = memory->scaling;
        distinct_pick(e, &p, q->stream.key, q->stream.row + r, trial, batch, &picks);
        for (size_t t = 0; t < batch; t++)
            ROW(prefetch)(&row, (size_t)picks.block[t] * BLOCK, BLOCK);
        spent += batch / 4; /* which is what the picks cost */
        for (size_t t = 0; t < batch; t++, spent++) {
            f64x8 w[BLOCK_EIGHTS];
            double weight[BLOCK], u = picks.u[t];
            const uint32_t block = picks.block[t];
            double sum = ROW(left_weights)(&row, (size_t)block * BLOCK, &scaling, memory->left[block], w, weight);
            if (u < sum) {
                const unsigned element = distinct_element(w, weight, sum, u);
                memory->left[block] &= ~((uint32_t)1 << element);
                index[found++] = (int64_t)((size_t)block * BLOCK + element);
                if (found == k)
                    return (int64_t)k;
                sum -= weight[element];
            }
            distinct_learn(e, block, sum > 0 ? envelope_units(sum) : 0);
            if (e->excess >= e->total / 2) /* the rest of the batch would mostly be refused */
                break;
        }
        distinct_refine(e);
        trial += batch;
    }
}

static gf_status ROW(rejection_distinct)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    for (size_t r = start; r < stop; r++) {
        const gf_status status = gf_temperature(q, r) == 0 || !q->draws.count
                                     ? ROW(distinct_top_k)(q, r, r + 1, scratch)
                                     : gf_ended(q, r, ROW(distinct_draws)(q, r, scratch));
        if (status.row >= 0)
            return status;
    }
    return gf_done();
}

#endif
