/* Template: softmax, log_softmax and logsumexp of a row at a temperature.
 *
 * Three visits while the row is in cache: maximum, exponentials with their sum, scaling. The sum runs in
 * double, in an order that is the same for every target: its error stays below that of the exponentials for rows of
 * any length. NaN needs no test: it reaches the sum and from there every entry. */
#include "gumbel_fast.h"
#include "kernels/weight_tpl.h"

#if defined(GF_SOFTMAX_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_SOFTMAX_TPL
#undef GF_SOFTMAX_TPL
#else
#define GF_SOFTMAX_TPL
#endif

GF_INLINE real_t NAME(row_max)(const real_t *x, size_t n) {
    vec_t m[4];
    for (int k = 0; k < 4; k++)
        m[k] = V(set)(-INFINITY);
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int k = 0; k < 4; k++)
            m[k] = V(max)(V(load)(x + i + k * LANES), m[k]);
    for (; i + LANES <= n; i += LANES)
        m[0] = V(max)(V(load)(x + i), m[0]);
    if (i < n)
        m[0] = V(max)(V(load_tail)(x + i, n - i, -INFINITY), m[0]);
    return V(max_lane)(V(max)(V(max)(m[0], m[1]), V(max)(m[2], m[3])));
}

/* x, or a copy of its n <= 4 * LANES elements with -inf at number `skipped`, where that is one of them. */
GF_INLINE const real_t *NAME(without)(const real_t *x, size_t n, size_t skipped, real_t copy[4 * LANES]) {
    if (skipped >= n)
        return x;
    memcpy(copy, x, n * sizeof *x);
    copy[skipped] = -(real_t)INFINITY;
    return copy;
}

/* Sum of the weights of a row without element number `skipped`, which n is where none is; stores them where out is given.
 * Four vectors at a time are added in a tree. */
GF_INLINE double NAME(sum_weights)(const real_t *x, real_t *out, size_t n, size_t skipped, const NAME(scaling) * s) {
    real_t copy[4 * LANES];
    NAME(running_sum) sum = NAME(empty_sum)();
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        const real_t *p = NAME(without)(x + i, 4 * LANES, skipped - i, copy);
        vec_t a = NAME(weight)(V(load)(p), s), b = NAME(weight)(V(load)(p + LANES), s);
        vec_t c = NAME(weight)(V(load)(p + 2 * LANES), s), d = NAME(weight)(V(load)(p + 3 * LANES), s);
        if (out) {
            V(store)(out + i, a);
            V(store)(out + i + LANES, b);
            V(store)(out + i + 2 * LANES, c);
            V(store)(out + i + 3 * LANES, d);
        }
#if REAL == 32
        NAME(accumulate)(&sum, V(add)(a, b));
        NAME(accumulate)(&sum, V(add)(c, d));
#else
        NAME(accumulate)(&sum, V(add)(V(add)(a, b), V(add)(c, d)));
#endif
    }
    for (; i < n; i += LANES) {
        size_t take = n - i < LANES ? n - i : LANES;
        vec_t a = NAME(weight)(V(load_tail)(NAME(without)(x + i, take, skipped - i, copy), take, -INFINITY), s);
        if (out)
            V(store_tail)(out + i, take, a);
        NAME(accumulate)(&sum, a);
    }
    return NAME(total)(&sum);
}

/* softmax of a row whose greatest element is known; out may be x. */
GF_INLINE void NAME(softmax_from)(const real_t *x, real_t *out, size_t n, real_t greatest, double temperature) {
    const NAME(scaling) s = NAME(scaling_of)(greatest, temperature);
    const vec_t factor = V(set)((real_t)(1 / NAME(sum_weights)(x, out, n, n, &s)));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(out + i, V(mul)(V(load)(out + i), factor));
    if (i < n)
        V(store_tail)(out + i, n - i, V(mul)(V(load_tail)(out + i, n - i, 0), factor));
}

static gf_status NAME(softmax)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        const real_t *x = gf_x(q, r);
        NAME(softmax_from)(x, gf_out(q, r), q->columns, NAME(row_max)(x, q->columns), gf_temperature(q, r));
    }
    return gf_done();
}

/* The first element that is `greatest`; n where none is. */
GF_INLINE size_t NAME(place_of)(const real_t *x, size_t n, real_t greatest) {
    const vec_t m = V(set)(greatest);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const uint32_t here = V(mask_bits)(V(equal)(V(load)(x + i), m));
        if (here)
            return i + gf_lowest_bit(here);
    }
    while (i < n && x[i] != greatest)
        i++;
    return i;
}

/* log(1 + y), y >= 0 or NaN, with full relative precision. */
GF_INLINE double NAME(log1p)(double y) {
    double lane[8];
    if (y <= 1)
        f64_store(lane, neg_log_half_f64(f64_mask_none(), f64_set(y / (1 + y)))); /* -log(1 - y / (1 + y)) */
    else
        f64_store(lane, f64_sub(f64_set(0), neg_log_f64(f64_set(1 + y))));
    return y == y ? lane[0] : y;
}

/* Logarithm of the sum of a row's weights. The greatest weighs 1 and is left out of the sum, so that what is beside it keeps
 * its digits however little it is. NaN where the greatest is no number. */
GF_INLINE double NAME(log_of_sum)(const real_t *x, size_t n, const NAME(scaling) * s) {
    if (s->greatest - s->greatest != 0)
        return NAN;
    return NAME(log1p)(NAME(sum_weights)(x, NULL, n, NAME(place_of)(x, n, s->greatest), s));
}

static gf_status NAME(log_softmax)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    const size_t n = q->columns;
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        const real_t *x = gf_x(q, r);
        real_t *out = gf_out(q, r);
        const double temperature = gf_temperature(q, r);
        NAME(scaling) s = NAME(scaling_of)(NAME(row_max)(x, n), temperature);
        if (GF_SELDOM(temperature > 1 &&
                      s.greatest > REAL_MAX * 0x1p-60f)) /* x - greatest may overflow, not the quotient */
            NAME(scaling_extreme)(&s, temperature);
        const vec_t log_sum = V(set)((real_t)NAME(log_of_sum)(x, n, &s));
        size_t i = 0;
        for (; i + LANES <= n; i += LANES)
            V(store)(out + i, V(sub)(NAME(below)(V(load)(x + i), &s), log_sum));
        if (i < n)
            V(store_tail)(out + i, n - i, V(sub)(NAME(below)(V(load_tail)(x + i, n - i, 0), &s), log_sum));
    }
    return gf_done();
}

/* All -inf gives -inf and +inf gives +inf, as in SciPy. */
GF_INLINE double NAME(logsumexp_row)(const real_t *x, size_t n, double temperature) {
    const real_t greatest = n ? NAME(row_max)(x, n) : -(real_t)INFINITY;
    if (greatest - greatest != 0) {
        int nan = 0;
        for (size_t i = 0; i < n; i++)
            nan |= x[i] != x[i];
        return nan ? NAN : greatest;
    }
    const NAME(scaling) s = NAME(scaling_of)(greatest, temperature);
    return (double)greatest / temperature + NAME(log_of_sum)(x, n, &s);
}

static gf_status NAME(logsumexp)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++)
        *(real_t *)gf_out(q, r) = (real_t)NAME(logsumexp_row)(gf_x(q, r), q->columns, gf_temperature(q, r));
    return gf_done();
}

/* y / temperature * difference, at an extreme temperature. */
GF_COLD void NAME(vjp_extreme)(const real_t *y, const real_t *g, real_t *o, size_t n, real_t dot, double temperature) {
    for (size_t i = 0; i < n; i++)
        o[i] = (real_t)((double)y[i] * ((double)g[i] - dot) / temperature);
}

/* out = y / temperature * (g - sum(g * y)) */
GF_INLINE void NAME(softmax_vjp_row)(const real_t *y, const real_t *g, real_t *o, size_t n, double temperature) {
    NAME(running_sum) sum = NAME(empty_sum)();
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        NAME(accumulate)(&sum, V(mul)(V(load)(y + i), V(load)(g + i)));
    if (i < n)
        NAME(accumulate)(&sum, V(mul)(V(load_tail)(y + i, n - i, 0), V(load_tail)(g + i, n - i, 0)));
    const real_t total = (real_t)NAME(total)(&sum);
    if (NAME(is_extreme)(temperature)) {
        NAME(vjp_extreme)(y, g, o, n, total, temperature);
        return;
    }
    const vec_t dot = V(set)(total), rate = V(set)((real_t)(1 / temperature));
    for (i = 0; i + LANES <= n; i += LANES)
        V(store)(o + i, V(mul)(V(mul)(V(load)(y + i), rate), V(sub)(V(load)(g + i), dot)));
    if (i < n) {
        vec_t v = V(mul)(V(load_tail)(y + i, n - i, 0), rate);
        V(store_tail)(o + i, n - i, V(mul)(v, V(sub)(V(load_tail)(g + i, n - i, 0), dot)));
    }
}

static gf_status NAME(softmax_vjp)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++)
        NAME(softmax_vjp_row)(gf_x(q, r), gf_other(q, r), gf_out(q, r), q->columns, gf_temperature(q, r));
    return gf_done();
}

#endif
