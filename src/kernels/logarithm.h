/* Logarithms of single numbers, for the few of a row that need one: the same bits on every machine. */
#ifndef GF_LOGARITHM_H
#define GF_LOGARITHM_H

#include "kernels/elementary.h"

/* log(1 + y) with full relative precision, for y >= 0 or NaN. */
GF_INLINE double log1p_of(double y) {
    double lane[8];
    if (y <= 1)
        f64_store(lane, neg_log_half_f64(f64_mask_none(), f64_set(y / (1 + y)))); /* -log(1 - y / (1 + y)) */
    else
        f64_store(lane, f64_sub(f64_set(0), neg_log_f64(f64_set(1 + y))));
    return y == y ? lane[0] : y;
}

/* log y for 0 < y <= 1, below 2^-1000 as there. */
GF_INLINE double log_of(double y) {
    double lane[8];
    f64_store(lane, neg_log_f64(f64_set(y > 0x1p-1000 ? y : 0x1p-1000)));
    return -lane[0];
}

#endif
