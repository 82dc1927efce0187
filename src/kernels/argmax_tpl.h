/* Template: maxima of rows and of their blocks, and the first greatest element, which is the draw at temperature 0. */
#include "gumbel_fast.h"
#include "kernels/rejection.h"
#include "kernels/row_tpl.h"

#if defined(GF_ARGMAX_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_ARGMAX_TPL
#undef GF_ARGMAX_TPL
#else
#define GF_ARGMAX_TPL
#endif

/* Lanes of v that no row may have: NaN, or a weight below 0. An infinity shows in the maximum. */
GF_INLINE mask_t ROW(unsound)(vec_t v) {
#ifdef OF_WEIGHTS
    return V(not_less)(V(set)(-REAL_LEAST), v);
#else
    return V(unordered)(v, v);
#endif
}

/* What tells whether a pass has seen what no row may have: the lanes that had NaN; of weights the greatest first word, for by
 * their bits those below 0, NaN and infinity come after all others, and -0 as well, which is looked for only then. */
#ifdef OF_WEIGHTS
typedef bits_t ROW(flaws);
#else
typedef mask_t ROW(flaws);
#endif

GF_INLINE ROW(flaws) ROW(no_flaws)(void) {
#ifdef OF_WEIGHTS
    return I(set)(0);
#else
    return V(mask_none)();
#endif
}

GF_INLINE void ROW(note)(ROW(flaws) * flaws, vec_t a, vec_t b) {
#ifdef OF_WEIGHTS
    *flaws = I(max_words)(*flaws, I(max_words)(V(as_bits)(a), V(as_bits)(b)));
#else
    *flaws = V(mask_or)(*flaws, V(unordered)(a, b));
#endif
}

GF_COLD int ROW(has_unsound)(const ROW(row) * row) {
    for (size_t i = 0; i < row->n; i++)
        if (!(ROW(element)(row, i) >= NOTHING))
            return 1;
    return 0;
}

GF_INLINE int ROW(is_flawed)(const ROW(row) * row, const ROW(flaws) * flaws) {
#ifdef OF_WEIGHTS
    const mask_t beyond = V(not_less)(V(from_bits)(*flaws), V(set)(INFINITY));
    return GF_SELDOM(V(mask_bits)(I(top_bit)(*flaws)) | V(mask_bits)(beyond)) && ROW(has_unsound)(row);
#else
    (void)row;
    return V(mask_bits)(*flaws) != 0;
#endif
}

/* Greatest element, lane by lane, of those from number `start` to `stop` - 1; notes flaws in *bad. */
GF_INLINE vec_t ROW(part_lanes)(const ROW(row) * row, size_t start, size_t stop, ROW(flaws) * bad, int how) {
    vec_t m = V(set)(NOTHING);
    for (size_t i = start; i < stop; i += LANES) {
        vec_t v = ROW(read)(row, i, how == ROW(WHOLE));
        ROW(note)(bad, v, v);
        m = V(max)(v, m);
    }
    return m;
}

GF_INLINE vec_t ROW(pair_lanes)(const ROW(row) * row, size_t i, ROW(flaws) * bad, int how) {
    vec_t a = V(held)(ROW(read_lanes)(row, i, how)), b = V(held)(ROW(read_lanes)(row, i + LANES, how));
    ROW(note)(bad, a, b);
    return V(max)(a, b);
}

/* The same for the whole block from element i on. No arrays: gcc 12 would keep AVX2's two-register vectors in memory and
 * copy them by eight bytes, at half the speed. */
GF_INLINE vec_t ROW(block_lanes)(const ROW(row) * row, size_t i, ROW(flaws) * bad, int how) {
    vec_t m = ROW(pair_lanes)(row, i, bad, how);
    for (size_t k = 2 * LANES; k < BLOCK; k += 2 * LANES)
        m = V(max)(m, ROW(pair_lanes)(row, i + k, bad, how));
    return m;
}

/* Maxima of the LANES / 4 blocks from element i on. */
GF_INLINE maxima_t ROW(group_maxima)(const ROW(row) * row, size_t i, ROW(flaws) * bad, int how) {
    vec_t a = ROW(block_lanes)(row, i, bad, how), b = ROW(block_lanes)(row, i + BLOCK, bad, how);
#if REAL == 32
    vec_t c = ROW(block_lanes)(row, i + 2 * BLOCK, bad, how), d = ROW(block_lanes)(row, i + 3 * BLOCK, bad, how);
    return V(maxima_of)(a, b, c, d);
#else
    return V(maxima_of)(a, b);
#endif
}

/* What the greatest of elements says of a row: itself, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(usable_greatest)(const ROW(row) * row, const ROW(flaws) * bad, real_t greatest) {
    return ROW(is_flawed)(row, bad) || !(greatest > NOTHING && greatest < INFINITY) ? (real_t)NAN : greatest;
}

GF_INLINE real_t ROW(block_maxima_of)(ROW(row) copy, real_t *maxima, int how) {
    const ROW(row) *row = &copy; /* which no store can be thought to change */
    enum { CHUNK = LANES * BLOCK };
    const size_t n = row->n, padded = block_padded(block_count(n));
    ROW(flaws) bad = ROW(no_flaws)();
    vec_t greatest = V(set)(NOTHING);
    size_t i = 0, j = 0;
    for (; i + CHUNK <= n; i += CHUNK, j += LANES) {
        maxima_t a = ROW(group_maxima)(row, i, &bad, how), b = ROW(group_maxima)(row, i + CHUNK / 4, &bad, how);
        maxima_t c = ROW(group_maxima)(row, i + CHUNK / 2, &bad, how);
        maxima_t d = ROW(group_maxima)(row, i + 3 * (CHUNK / 4), &bad, how);
        vec_t m = V(maxima_join)(a, b, c, d);
        V(store)(maxima + j, m);
        greatest = V(max)(m, greatest);
    }
    real_t rest = V(max_lane)(greatest);
    for (; i < n; i += BLOCK, j++) {
        maxima[j] = V(max_lane)(ROW(part_lanes)(row, i, n - i < BLOCK ? n : i + BLOCK, &bad, how));
        rest = maxima[j] > rest ? maxima[j] : rest;
    }
    for (; j < padded; j++)
        maxima[j] = NOTHING;
    return ROW(usable_greatest)(row, &bad, rest);
}

/* A function for each way of reading: in one they would share their registers. */
GF_APART real_t ROW(block_maxima_whole)(const ROW(row) * row, real_t *maxima) {
    return ROW(block_maxima_of)(*row, maxima, ROW(WHOLE));
}

GF_APART real_t ROW(block_maxima_packed)(const ROW(row) * row, real_t *maxima) {
    return ROW(block_maxima_of)(*row, maxima, ROW(PACKED));
}

GF_APART real_t ROW(block_maxima_any)(const ROW(row) * row, real_t *maxima) {
    const size_t padded = block_padded(block_count(row->n));
    ROW(flaws) bad = ROW(no_flaws)();
    real_t greatest = NOTHING;
    for (size_t j = 0; j < padded; j++) {
        const size_t end = (j + 1) * BLOCK < row->n ? (j + 1) * BLOCK : row->n;
        maxima[j] = V(max_lane)(ROW(part_lanes)(row, j * BLOCK, end, &bad, ROW(ANY)));
        greatest = maxima[j] > greatest ? maxima[j] : greatest;
    }
    return ROW(usable_greatest)(row, &bad, greatest);
}

/* Maxima of the blocks of a row, padded with NOTHING; returns the greatest, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(block_maxima)(const ROW(row) * row, real_t *maxima) {
    if (row->whole)
        return ROW(block_maxima_whole)(row, maxima);
    return row->packed && !row->cut ? ROW(block_maxima_packed)(row, maxima) : ROW(block_maxima_any)(row, maxima);
}

GF_APART real_t ROW(greatest_whole)(const ROW(row) * row) {
    const size_t n = row->n;
    ROW(flaws) bad = ROW(no_flaws)();
    vec_t m = V(set)(NOTHING);
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        m = V(max)(ROW(block_lanes)(row, i, &bad, ROW(WHOLE)), m);
    m = V(max)(ROW(part_lanes)(row, i, n, &bad, ROW(WHOLE)), m); /* before bad is read: arguments have no order */
    return ROW(usable_greatest)(row, &bad, V(max_lane)(m));
}

GF_APART real_t ROW(greatest_packed)(const ROW(row) * row) {
    ROW(flaws) bad = ROW(no_flaws)();
    const vec_t m = ROW(part_lanes)(row, 0, row->n, &bad, ROW(PACKED));
    return ROW(usable_greatest)(row, &bad, V(max_lane)(m));
}

GF_APART real_t ROW(greatest_any)(const ROW(row) * row) {
    ROW(flaws) bad = ROW(no_flaws)();
    const vec_t m = ROW(part_lanes)(row, 0, row->n, &bad, ROW(ANY));
    return ROW(usable_greatest)(row, &bad, V(max_lane)(m));
}

/* The greatest element, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(greatest)(const ROW(row) * row) {
    if (row->whole)
        return ROW(greatest_whole)(row);
    return ROW(how)(row) == ROW(PACKED) ? ROW(greatest_packed)(row) : ROW(greatest_any)(row);
}

/* How many categories of a row that cannot be drawn from could be: 0, or GF_NOT_FINITE. */
GF_COLD int64_t ROW(unusable)(const ROW(row) * row) {
    for (size_t i = 0; i < row->n; i++)
        if (ROW(element)(row, i) != NOTHING)
            return GF_NOT_FINITE;
    return 0;
}

/* The first element that is `value`, which is finite; n where none is. */
GF_APART size_t ROW(place_of)(const ROW(row) * row, real_t value) {
    const vec_t m = V(set)(value);
    size_t i = 0;
    if (row->whole) /* four at a time, then the one that has it */
        while (i + 4 * LANES <= row->n) {
            const mask_t a = V(mask_or)(V(equal)(READ(row->x + i), m), V(equal)(READ(row->x + i + LANES), m));
            const mask_t b =
                V(mask_or)(V(equal)(READ(row->x + i + 2 * LANES), m), V(equal)(READ(row->x + i + 3 * LANES), m));
            if (V(mask_bits)(V(mask_or)(a, b)))
                break;
            i += 4 * LANES;
        }
    for (; i < row->n; i += LANES) {
        const uint32_t here = V(mask_bits)(V(equal)(ROW(read)(row, i, row->whole), m));
        if (here)
            return i + gf_lowest_bit(here);
    }
    return row->n;
}

/* The first greatest element, or -1 where the row cannot be drawn from. */
GF_INLINE int64_t ROW(argmax)(const ROW(row) * row, real_t *value) {
    *value = ROW(greatest)(row);
    if (*value != *value)
        return -1;
    const size_t place = ROW(place_of)(row, *value);
    return place < row->n ? (int64_t)place : -1; /* the row changed in between */
}

static gf_status ROW(check)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        const ROW(row) row = ROW(row_of)(q, r);
        const real_t greatest = ROW(greatest)(&row);
        const int64_t found = greatest == greatest ? 1 : ROW(unusable)(&row);
        if (gf_refused(q, found))
            return gf_stopped(r, found);
    }
    return gf_done();
}

#endif
