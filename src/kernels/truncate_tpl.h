/* Template: the logits that mask and filters keep of a row, as they are. */
#include "kernels/filter_tpl.h"

#if defined(GF_TRUNCATE_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_TRUNCATE_TPL
#undef GF_TRUNCATE_TPL
#else
#define GF_TRUNCATE_TPL
#endif
#ifndef OF_WEIGHTS

/* The logits that are kept, and -inf for the others; NaN for a row with NaN or +inf. */
static gf_status ROW(truncate)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    for (size_t r = start; r < stop; r++) {
        ROW(row) row = ROW(row_of)(q, r);
        real_t *out = gf_out(q, r);
        int64_t left;
        if (q->filter) {
            left = ROW(filter_row)(q, r, &row, scratch);
        } else {
            const real_t greatest = ROW(greatest)(&row);
            left = greatest == greatest ? 1 : ROW(unusable)(&row);
        }
        if (left >= 0)
            ROW(copy_left)(&row, out);
        for (size_t i = 0; left < 0 && i < row.n; i++)
            out[i] = (real_t)NAN;
    }
    return gf_done();
}

#endif
#endif
