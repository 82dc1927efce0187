/* Template: what normalises a row of logits and draws nothing: softmax, log_softmax and logsumexp, of what a mask leaves.
 * Log-probabilities of given categories and entropies: log_prob_tpl.h. */
#include "kernels/short_sums_tpl.h"
#include "kernels/softmax_tpl.h"

#if defined(GF_NORMALISE_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_NORMALISE_TPL
#undef GF_NORMALISE_TPL
#else
#define GF_NORMALISE_TPL
#endif
#ifndef OF_WEIGHTS

static gf_status ROW(softmax)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        const size_t n = gf_columns(q, r);
        real_t *out = gf_out(q, r);
        const real_t *x = out;
#ifndef HALF_MINUS_INFINITY
        if (!q->mask)
            x = gf_x(q, r);
#endif
        if (x == out) {
            const ROW(row) row = ROW(row_of)(q, r);
            ROW(copy_left)(&row, out);
        }
        NAME(softmax_from)(x, out, n, NAME(row_max)(x, n), gf_temperature(q, r));
    }
    return gf_done();
}

/* The greatest of what is left; it need not look for NaN, which reaches the sums. */
GF_INLINE real_t ROW(row_greatest)(const ROW(row) * row) {
#ifndef HALF_MINUS_INFINITY
    if (row->whole)
        return NAME(row_max)(row->x, row->n);
#endif
    return ROW(greatest)(row);
}

GF_INLINE void ROW(log_softmax_row)(ROW(row) copy, real_t *out, const NAME(scaling) * s, vec_t log_sum, int whole) {
    const ROW(row) *row = &copy; /* which no store can be thought to change */
    const size_t n = row->n;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(out + i, V(sub)(NAME(below)(ROW(read_lanes)(row, i, whole), s), log_sum));
    if (i < n)
        V(store_tail)(out + i, n - i, V(sub)(NAME(below)(ROW(read)(row, i, whole), s), log_sum));
}

GF_APART void ROW(log_softmax_any)(const ROW(row) * row, real_t *out, const NAME(scaling) * s, real_t log_sum) {
    ROW(log_softmax_row)(*row, out, s, V(set)(log_sum), 0);
}

static gf_status ROW(log_softmax)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    (void)scratch;
    for (size_t r = start; r < stop; r++) {
        const ROW(row) row = ROW(row_of)(q, r);
        const double temperature = gf_temperature(q, r);
        NAME(scaling) s = NAME(scaling_of)(ROW(row_greatest)(&row), temperature);
        if (NAME(may_overflow)(s.greatest, temperature))
            NAME(scaling_extreme)(&s, temperature);
        const real_t log_sum = (real_t)ROW(log_mass)(&row, &s);
        if (row.whole)
            ROW(log_softmax_row)(row, gf_out(q, r), &s, V(set)(log_sum), 1);
        else
            ROW(log_softmax_any)(&row, gf_out(q, r), &s, log_sum);
    }
    return gf_done();
}

/* Greatest of a row that cannot be drawn from: NaN where there is one, else one of the infinities. */
GF_COLD real_t ROW(not_finite)(const ROW(row) * row) {
    real_t greatest = -(real_t)INFINITY;
    for (size_t i = 0; i < row->n; i++) {
        const real_t x = ROW(element)(row, i);
        if (!(x <= greatest))
            greatest = x;
        if (x != x)
            break;
    }
    return greatest;
}

/* All -inf gives -inf and +inf gives +inf, as in SciPy. */
static void ROW(logsumexp_row)(const gf_request *q, size_t r, const ROW(sums) * sums, void *scratch) {
    const double temperature = gf_temperature(q, r);
    real_t *out = gf_each(q, r);
    (void)scratch;
    if (sums) {
        *out = (real_t)((double)sums->greatest / temperature + sums->log_mass);
        return;
    }
    const ROW(row) row = ROW(row_of)(q, r);
    const real_t greatest = ROW(row_greatest)(&row);
    if (greatest - greatest != 0) {
        *out = ROW(not_finite)(&row);
        return;
    }
    const NAME(scaling) s = NAME(scaling_of)(greatest, temperature);
    *out = (real_t)((double)greatest / temperature + ROW(log_mass)(&row, &s));
}

static gf_status ROW(logsumexp)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    ROW(short_sums_each)(q, start, stop, ROW(logsumexp_row), scratch, 0);
    return gf_done();
}

#endif
#endif
