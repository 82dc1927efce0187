/* Template: softmax of a row of floats or doubles at a temperature, and its gradient. Logarithms of it, and softmax of what is
 * stored otherwise or masked: normalise_tpl.h.
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

/* Sum of the weights of a row, which are stored. Four vectors at a time are added in a tree. */
GF_INLINE double NAME(store_weights)(const real_t *x, real_t *out, size_t n, const NAME(scaling) * s) {
    NAME(running_sum) sum = NAME(empty_sum)();
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        vec_t a = NAME(weight)(V(load)(x + i), s), b = NAME(weight)(V(load)(x + i + LANES), s);
        vec_t c = NAME(weight)(V(load)(x + i + 2 * LANES), s), d = NAME(weight)(V(load)(x + i + 3 * LANES), s);
        V(store)(out + i, a);
        V(store)(out + i + LANES, b);
        V(store)(out + i + 2 * LANES, c);
        V(store)(out + i + 3 * LANES, d);
#if REAL == 32
        NAME(accumulate)(&sum, V(add)(a, b));
        NAME(accumulate)(&sum, V(add)(c, d));
#else
        NAME(accumulate)(&sum, V(add)(V(add)(a, b), V(add)(c, d)));
#endif
    }
    for (; i < n; i += LANES) {
        const size_t take = n - i < LANES ? n - i : LANES;
        vec_t a = NAME(weight)(V(load_tail)(x + i, take, -INFINITY), s);
        V(store_tail)(out + i, take, a);
        NAME(accumulate)(&sum, a);
    }
    return NAME(total)(&sum);
}

/* softmax of a row whose greatest element is known; out may be x. */
GF_INLINE void NAME(softmax_from)(const real_t *x, real_t *out, size_t n, real_t greatest, double temperature) {
    const NAME(scaling) s = NAME(scaling_of)(greatest, temperature);
    const vec_t factor = V(set)((real_t)(1 / NAME(store_weights)(x, out, n, &s)));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(out + i, V(mul)(V(load)(out + i), factor));
    if (i < n)
        V(store_tail)(out + i, n - i, V(mul)(V(load_tail)(out + i, n - i, 0), factor));
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
