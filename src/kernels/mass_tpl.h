/* Template: the sum of a row's weights, and its logarithm. */
#include "kernels/argmax_tpl.h"
#include "kernels/logarithm.h"
#include "kernels/weigh_tpl.h"

#if defined(GF_MASS_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_MASS_TPL
#undef GF_MASS_TPL
#else
#define GF_MASS_TPL
#endif

/* Of a row with w = exp((x - greatest) / temperature), or weights w: log(sum w) over the greatest w, and the entropy of a draw. */
typedef struct {
    real_t greatest;
    double log_mass, entropy;
} ROW(sums);

/* Weights of the elements x from number i on, that of number `skipped` as 0. */
GF_INLINE vec_t ROW(weights_without)(vec_t x, size_t i, size_t skipped, const ROW(scaling) * s) {
    if (skipped - i < LANES)
        x = V(select)(V(mask_of_bits)(1u << (skipped - i)), V(set)(NOTHING), x);
    return ROW(weight)(x, s);
}

GF_INLINE void ROW(add_weights)(NAME(running_sum) * sum, const vec_t w[4]) {
#if REAL == 32
    NAME(accumulate)(sum, V(add)(w[0], w[1]));
    NAME(accumulate)(sum, V(add)(w[2], w[3]));
#else
    NAME(accumulate)(sum, V(add)(V(add)(w[0], w[1]), V(add)(w[2], w[3])));
#endif
}

GF_INLINE double ROW(mass_of)(const ROW(row) * row, size_t skipped, ROW(scaling) s, int how) {
    NAME(running_sum) sum = NAME(empty_sum)();
    const size_t n = row->n;
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        vec_t w[4];
        if (GF_SELDOM(skipped - i < 4 * LANES))
            for (size_t k = 0; k < 4; k++)
                w[k] = ROW(weights_without)(ROW(read_lanes)(row, i + k * LANES, how), i + k * LANES, skipped, &s);
        else
            for (size_t k = 0; k < 4; k++)
                w[k] = ROW(weight)(ROW(read_lanes)(row, i + k * LANES, how), &s);
        ROW(add_weights)(&sum, w);
    }
    for (; i + LANES <= n; i += LANES)
        NAME(accumulate)(&sum, ROW(weights_without)(ROW(read_lanes)(row, i, how), i, skipped, &s));
    if (i < n)
        NAME(accumulate)(&sum, ROW(weights_without)(ROW(read)(row, i, how == ROW(WHOLE)), i, skipped, &s));
    return NAME(total)(&sum);
}

GF_APART double ROW(mass_whole)(const ROW(row) * row, size_t skipped, const ROW(scaling) * s) {
    return ROW(mass_of)(row, skipped, *s, ROW(WHOLE));
}

GF_APART double ROW(mass_packed)(const ROW(row) * row, size_t skipped, const ROW(scaling) * s) {
    return ROW(mass_of)(row, skipped, *s, ROW(PACKED));
}

GF_APART double ROW(mass_any)(const ROW(row) * row, size_t skipped, const ROW(scaling) * s) {
    return ROW(mass_of)(row, skipped, *s, ROW(ANY));
}

/* Sum of the weights of a row without element number `skipped`, which is n or more where none is. In double, four vectors at a
 * time, in an order that is the same for every target. */
GF_INLINE double ROW(mass)(const ROW(row) * row, size_t skipped, const ROW(scaling) * s) {
    if (row->whole)
        return ROW(mass_whole)(row, skipped, s);
    return ROW(how)(row) == ROW(PACKED) ? ROW(mass_packed)(row, skipped, s) : ROW(mass_any)(row, skipped, s);
}

/* Logarithm of the sum of a row's weights over the weight of the greatest. That is left out of the sum, so that what is beside
 * it keeps its digits however little it is. NaN where the greatest is no number. */
GF_INLINE double ROW(log_mass)(const ROW(row) * row, const ROW(scaling) * s) {
    if (s->greatest - s->greatest != 0)
        return NAN;
    const double beside = ROW(mass)(row, ROW(place_of)(row, s->greatest), s);
#ifdef OF_WEIGHTS
    real_t most[LANES];
    V(store)(most, ROW(weight)(V(set)(s->greatest), s));
    return log1p_of(beside / most[0]);
#else
    return log1p_of(beside); /* it weighs 1 */
#endif
}

#endif
