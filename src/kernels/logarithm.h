/* Logarithms and exponentials of single numbers, for the few of a row that need one: the same bits on every machine. */
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

/* log y for y >= 0. */
GF_INLINE double log_of(double y) {
    double lane[8];
    f64_store(lane, f64_log_of(f64_set(y)));
    return lane[0];
}

/* exp x for x <= 0. */
GF_INLINE double exp_of(double x) {
    double lane[8];
    f64_store(lane, exp_below_f64(f64_set(x)));
    return lane[0];
}

#endif
