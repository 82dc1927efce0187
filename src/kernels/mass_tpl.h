/* Template: the sum of a row's weights, and its logarithm. */
#include "kernels/argmax_tpl.h"
#include "kernels/logarithm.h"
#include "kernels/weight_tpl.h"

#if defined(GF_MASS_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_MASS_TPL
#undef GF_MASS_TPL
#else
#define GF_MASS_TPL
#endif

/* Weights of elements i to i + LANES - 1, that of number `skipped` as 0 where it may be `here`. */
GF_INLINE vec_t ROW(weights_without)(const ROW(row) * row, size_t i, size_t skipped, const NAME(scaling) * s, int whole,
                                     int here) {
    vec_t x = ROW(read)(row, i, whole);
    if (here && skipped - i < LANES)
        x = V(select)(V(mask_of_bits)(1u << (skipped - i)), V(set)(-INFINITY), x);
    return NAME(weight)(x, s);
}

/* Adds the weights of four vectors. */
GF_INLINE void ROW(add_four)(NAME(running_sum) * sum, const ROW(row) * row, size_t i, size_t skipped,
                             const NAME(scaling) * s, int whole, int here) {
    vec_t a = ROW(weights_without)(row, i, skipped, s, whole, here);
    vec_t b = ROW(weights_without)(row, i + LANES, skipped, s, whole, here);
    vec_t c = ROW(weights_without)(row, i + 2 * LANES, skipped, s, whole, here);
    vec_t d = ROW(weights_without)(row, i + 3 * LANES, skipped, s, whole, here);
#if REAL == 32
    NAME(accumulate)(sum, V(add)(a, b));
    NAME(accumulate)(sum, V(add)(c, d));
#else
    NAME(accumulate)(sum, V(add)(V(add)(a, b), V(add)(c, d)));
#endif
}

GF_INLINE double ROW(mass_of)(const ROW(row) * row, size_t skipped, const NAME(scaling) * s, int whole) {
    NAME(running_sum) sum = NAME(empty_sum)();
    const size_t n = row->n;
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        if (GF_SELDOM(skipped - i < 4 * LANES))
            ROW(add_four)(&sum, row, i, skipped, s, whole, 1);
        else
            ROW(add_four)(&sum, row, i, skipped, s, whole, 0);
    for (; i < n; i += LANES)
        NAME(accumulate)(&sum, ROW(weights_without)(row, i, skipped, s, whole, 1));
    return NAME(total)(&sum);
}

/* Sum of the weights of a row without element number `skipped`, which is n or more where none is. In double, four vectors at a
 * time, in an order that is the same for every target. */
GF_INLINE double ROW(mass)(const ROW(row) * row, size_t skipped, const NAME(scaling) * s) {
    return row->whole ? ROW(mass_of)(row, skipped, s, 1) : ROW(mass_of)(row, skipped, s, 0);
}

/* Logarithm of the sum of a row's weights. The greatest weighs 1 and is left out of the sum, so that what is beside it keeps
 * its digits however little it is. NaN where the greatest is no number. */
GF_INLINE double ROW(log_mass)(const ROW(row) * row, const NAME(scaling) * s) {
    if (s->greatest - s->greatest != 0)
        return NAN;
    return log1p_of(ROW(mass)(row, ROW(place_of)(row, s->greatest), s));
}

#endif
