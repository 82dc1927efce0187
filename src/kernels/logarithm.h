/* Logarithms and exponentials of single numbers, for the few of a row that need one: the same bits on every machine. */
#ifndef GF_LOGARITHM_H
#define GF_LOGARITHM_H

#include "kernels/elementary.h"

/* log(1 + y) with full relative precision, for y >= 0 or NaN. */
GF_INLINE double log1p_of(double y) {
    double lane[8];
    f64_store(lane, f64_log1p_of(f64_set(y)));
    return lane[0];
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
