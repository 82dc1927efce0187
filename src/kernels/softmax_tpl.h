/* Template: softmax, log_softmax and logsumexp of a row at a rate (1 / temperature).
 *
 * Three visits while the row is in cache: maximum, exponentials with their sum, scaling. The sum runs in
 * double, in an order that is the same for every target: its error stays below that of the exponentials for rows of
 * any length. NaN needs no test: it reaches the sum and from there every entry. */
#include "gumbel_fast.h"
#include "kernels/elementary.h"
#include "kernels/real_tpl.h"

#if defined(GF_SOFTMAX_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_SOFTMAX_TPL
#undef GF_SOFTMAX_TPL
#else
#define GF_SOFTMAX_TPL
#endif

/* 1 / temperature, kept positive and finite, so that -inf times it is -inf and 0 times it is 0. */
GF_INLINE real_t NAME(rate_of)(double temperature) {
    double rate = 1 / temperature;
    return (real_t)(rate < REAL_MIN ? REAL_MIN : rate > REAL_MAX ? REAL_MAX : rate);
}

/* The temperature in the compute type, kept positive and finite; 0 stays 0. */
GF_INLINE real_t NAME(temperature_of)(double temperature) {
    if (temperature == 0)
        return 0;
    return (real_t)(temperature < REAL_MIN ? REAL_MIN : temperature > REAL_MAX ? REAL_MAX : temperature);
}

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

/* exp((x - max) * rate) */
GF_INLINE vec_t NAME(weight)(vec_t x, vec_t greatest, vec_t rate) {
    return NAME(exp_below)(V(mul)(V(sub)(x, greatest), rate));
}

/* A running sum of vectors in double: float vectors are widened, doubles carry what each addition lost (Knuth's
 * two-sum), so that neither drifts over a row of any length. */
typedef struct {
    f64x8 a, b; /* float: even and odd eights; double: sum and lost part */
} NAME(running_sum);

GF_INLINE void NAME(accumulate)(NAME(running_sum) * s, vec_t v) {
#if REAL == 32
    s->a = f64_add(s->a, f64_widen_low(v));
    s->b = f64_add(s->b, f64_widen_high(v));
#else
    f64x8 sum = f64_add(s->a, v), part = f64_sub(sum, s->a);
    f64x8 lost = f64_add(f64_sub(s->a, f64_sub(sum, part)), f64_sub(v, part));
    s->a = sum;
    s->b = f64_add(s->b, lost);
#endif
}

/* Sum of the weights of a row; stores them where out is given. Four vectors at a time are added in a tree. */
GF_INLINE double NAME(sum_weights)(const real_t *x, real_t *out, size_t n, real_t greatest, real_t rate) {
    const vec_t m = V(set)(greatest), r = V(set)(rate);
    NAME(running_sum) sum = {f64_set(0), f64_set(0)};
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        vec_t a = NAME(weight)(V(load)(x + i), m, r), b = NAME(weight)(V(load)(x + i + LANES), m, r);
        vec_t c = NAME(weight)(V(load)(x + i + 2 * LANES), m, r), d = NAME(weight)(V(load)(x + i + 3 * LANES), m, r);
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
        vec_t a = NAME(weight)(V(load_tail)(x + i, take, -INFINITY), m, r);
        if (out)
            V(store_tail)(out + i, take, a);
        NAME(accumulate)(&sum, a);
    }
    return f64_sum_lanes(f64_add(sum.a, sum.b));
}

/* softmax of a row whose greatest element is known; out may be x. */
GF_INLINE void NAME(softmax_from)(const real_t *x, real_t *out, size_t n, real_t greatest, real_t rate) {
    const vec_t factor = V(set)((real_t)(1 / NAME(sum_weights)(x, out, n, greatest, rate)));
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
        NAME(softmax_from)(
            x, gf_out(q, r), q->columns, NAME(row_max)(x, q->columns), NAME(rate_of)(gf_temperature(q, r)));
    }
    return gf_done();
}

/* log of a sum of weights, which is at least 1 or NaN. */
GF_INLINE double NAME(log_of_sum)(double sum) {
    double lane[8];
    f64_store(lane, neg_log_f64(f64_set(sum)));
    return sum == sum ? -lane[0] : sum;
}

GF_INLINE void NAME(log_softmax_row)(const real_t *in, real_t *o, size_t n, real_t rate) {
    const real_t greatest = NAME(row_max)(in, n);
    const real_t log_sum = (real_t)NAME(log_of_sum)(NAME(sum_weights)(in, NULL, n, greatest, rate));
    const vec_t m = V(set)(greatest), r = V(set)(rate), s = V(set)(log_sum);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(o + i, V(sub)(V(mul)(V(sub)(V(load)(in + i), m), r), s));
    if (i < n)
        V(store_tail)(o + i, n - i, V(sub)(V(mul)(V(sub)(V(load_tail)(in + i, n - i, 0), m), r), s));
}

static gf_status NAME(log_softmax)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++)
        NAME(log_softmax_row)(gf_x(q, r), gf_out(q, r), q->columns, NAME(rate_of)(gf_temperature(q, r)));
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
    const real_t rate = NAME(rate_of)(temperature);
    return (double)greatest / temperature + NAME(log_of_sum)(NAME(sum_weights)(x, NULL, n, greatest, rate));
}

static gf_status NAME(logsumexp)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++)
        *(double *)gf_out(q, r) = NAME(logsumexp_row)(gf_x(q, r), q->columns, gf_temperature(q, r));
    return gf_done();
}

/* out = y * rate * (g - sum(g * y)) */
GF_INLINE void NAME(softmax_vjp_row)(const real_t *y, const real_t *g, real_t *o, size_t n, double temperature) {
    NAME(running_sum) sum = {f64_set(0), f64_set(0)};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        NAME(accumulate)(&sum, V(mul)(V(load)(y + i), V(load)(g + i)));
    if (i < n)
        NAME(accumulate)(&sum, V(mul)(V(load_tail)(y + i, n - i, 0), V(load_tail)(g + i, n - i, 0)));
    const vec_t dot = V(set)((real_t)f64_sum_lanes(f64_add(sum.a, sum.b)));
    const vec_t rate = V(set)(NAME(rate_of)(temperature));
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
