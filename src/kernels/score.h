/* Scores: what the noise is added to, for all that compares perturbed logits. They are double whatever the logits are, as the
 * sums are: x / temperature, or (x - greatest) / temperature where only the choice matters and not the value. */
#ifndef GF_SCORE_H
#define GF_SCORE_H

#include "simd/vocabulary.h"

typedef struct {
    double half, shift, divisor; /* (x * half - shift) / divisor */
} score_scale;

/* Of (x - greatest) / temperature, or with 0 for the greatest of x / temperature. The difference may overflow only where it is
 * too far down to matter. At temperature 0 the score is x, and no noise is added to it. */
GF_INLINE score_scale score_scale_of(double greatest, double temperature) {
    const double half = temperature > 0x1p900 || (temperature > 1 && fabs(greatest) > 0x1p1000) ? 0.5 : 1;
    if (temperature == 0)
        return (score_scale){1, 0, 1};
    return (score_scale){half, greatest * half, temperature * half};
}

/* What is finite may become infinite by division; -inf stays, at an infinite temperature too. */
GF_INLINE f64x8 score_each(f64x8 x, const score_scale *s) {
    f64x8 y = f64_sub(f64_mul(x, f64_set(s->half)), f64_set(s->shift));
    if (s->divisor == 1)
        return y;
    return f64_max(f64_div(y, f64_set(s->divisor)), f64_set(-INFINITY));
}

GF_INLINE double score_one(double x, const score_scale *s) {
    const double y = (x * s->half - s->shift) / s->divisor;
    return y > -INFINITY ? y : -INFINITY;
}

#endif
