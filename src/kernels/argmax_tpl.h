/* Template: maxima of rows and of their blocks, and the first greatest element, which is the draw at temperature 0. */
#include "gumbel_fast.h"
#include "kernels/element_tpl.h"
#include "kernels/rejection.h"

#if defined(GF_ARGMAX_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_ARGMAX_TPL
#undef GF_ARGMAX_TPL
#else
#define GF_ARGMAX_TPL
#endif

/* Greatest element, lane by lane, of a block or of any row; flags NaN in *bad. */
GF_INLINE vec_t ROW(block_lanes)(const element_t *x, size_t n, mask_t *bad) {
    vec_t m = V(set)(-INFINITY);
    for (size_t i = 0; i < n; i += LANES) {
        vec_t v = ROW(read_from)(x, i, n);
        *bad = V(mask_or)(*bad, V(unordered)(v, v));
        m = V(max)(v, m);
    }
    return m;
}

GF_INLINE vec_t ROW(pair_lanes)(const element_t *x, mask_t *bad) {
    vec_t a = READ(x), b = READ(x + LANES);
    *bad = V(mask_or)(*bad, V(unordered)(a, b));
    return V(max)(a, b);
}

/* The same for a whole block. No arrays: gcc 12 would keep AVX2's two-register vectors in memory and copy them by eight
 * bytes, at half the speed. */
GF_INLINE vec_t ROW(whole_block_lanes)(const element_t *x, mask_t *bad) {
    vec_t m = ROW(pair_lanes)(x, bad);
    for (size_t i = 2 * LANES; i < BLOCK; i += 2 * LANES)
        m = V(max)(m, ROW(pair_lanes)(x + i, bad));
    return m;
}

/* Maxima of the LANES / 4 blocks from x on. */
GF_INLINE maxima_t ROW(group_maxima)(const element_t *x, mask_t *bad) {
    vec_t a = ROW(whole_block_lanes)(x, bad), b = ROW(whole_block_lanes)(x + BLOCK, bad);
#if REAL == 32
    vec_t c = ROW(whole_block_lanes)(x + 2 * BLOCK, bad), d = ROW(whole_block_lanes)(x + 3 * BLOCK, bad);
    return V(maxima_of)(a, b, c, d);
#else
    return V(maxima_of)(a, b);
#endif
}

/* What the greatest of elements says of a row: itself, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(usable_greatest)(mask_t bad, real_t greatest) {
    return V(mask_bits)(bad) || greatest - greatest != 0 ? (real_t)NAN : greatest;
}

/* Maxima of the blocks of a row, padded with -inf; returns the greatest, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(block_maxima)(const element_t *x, size_t n, real_t *maxima) {
    enum { CHUNK = LANES * BLOCK };
    const size_t padded = block_padded(block_count(n));
    mask_t bad = V(mask_none)();
    vec_t greatest = V(set)(-INFINITY);
    size_t i = 0, j = 0;
    for (; i + CHUNK <= n; i += CHUNK, j += LANES) {
        const element_t *p = x + i;
        maxima_t a = ROW(group_maxima)(p, &bad), b = ROW(group_maxima)(p + CHUNK / 4, &bad);
        maxima_t c = ROW(group_maxima)(p + CHUNK / 2, &bad), d = ROW(group_maxima)(p + 3 * (CHUNK / 4), &bad);
        vec_t m = V(maxima_join)(a, b, c, d);
        V(store)(maxima + j, m);
        greatest = V(max)(m, greatest);
    }
    real_t rest = V(max_lane)(greatest);
    for (; i < n; i += BLOCK, j++) {
        maxima[j] = V(max_lane)(ROW(block_lanes)(x + i, n - i < BLOCK ? n - i : BLOCK, &bad));
        rest = maxima[j] > rest ? maxima[j] : rest;
    }
    for (; j < padded; j++)
        maxima[j] = -(real_t)INFINITY;
    return ROW(usable_greatest)(bad, rest);
}

/* The greatest element, or NaN where the row cannot be drawn from. */
GF_INLINE real_t ROW(greatest)(const element_t *x, size_t n) {
    mask_t bad = V(mask_none)();
    vec_t m = V(set)(-INFINITY);
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        m = V(max)(ROW(whole_block_lanes)(x + i, &bad), m);
    m = V(max)(ROW(block_lanes)(x + i, n - i, &bad), m); /* before bad is read: arguments have no order */
    return ROW(usable_greatest)(bad, V(max_lane)(m));
}

/* How many categories of a row that cannot be drawn from could be: 0, or GF_NOT_FINITE. */
GF_COLD int64_t ROW(unusable)(const element_t *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (ROW(read_one)(x + i) != -(real_t)INFINITY)
            return GF_NOT_FINITE;
    return 0;
}

/* The first greatest element, or -1 where the row cannot be drawn from. */
GF_INLINE int64_t ROW(argmax)(const element_t *x, size_t n, real_t *value) {
    const real_t greatest = ROW(greatest)(x, n);
    *value = greatest;
    if (greatest != greatest)
        return -1;
    const vec_t m = V(set)(greatest);
    for (size_t i = 0; i < n; i += LANES) {
        const uint32_t here = V(mask_bits)(V(equal)(ROW(read_from)(x, i, n), m));
        if (here)
            return (int64_t)(i + gf_lowest_bit(here));
    }
    return -1; /* the row changed in between */
}

static gf_status ROW(check)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        const real_t greatest = ROW(greatest)(gf_x(q, r), q->columns);
        if (greatest != greatest)
            return gf_stopped(r, ROW(unusable)(gf_x(q, r), q->columns));
    }
    return gf_done();
}

#endif
