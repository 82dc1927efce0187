/* Template: weights exp((x - greatest) / temperature), right for every finite row and every temperature above 0, and sums of
 * them. No row is read here. */
#include "kernels/elementary.h"
#include "kernels/real_tpl.h"

#if defined(GF_WEIGHT_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_WEIGHT_TPL
#undef GF_WEIGHT_TPL
#else
#define GF_WEIGHT_TPL
#endif

#if REAL == 32
#define SCALE_LEAST_F32 0x1p-126 /* between these 1 / temperature is normal, and a difference that overflows weighs 0 */
#define SCALE_MOST_F32 0x1p120
#define SCALE_PART_F32 0x1p100
#else
#define SCALE_LEAST_F64 0x1p-1022
#define SCALE_MOST_F64 0x1p1010
#define SCALE_PART_F64 0x1p500
#endif

/* How logits become logarithms of weights: (x - greatest) * rate; at an extreme temperature
 * (x * half - greatest * half) * part * rest, where no step overflows or vanishes that should not. The factors are
 * positive and finite, so that -inf times them is -inf and 0 is 0. */
typedef struct {
    real_t greatest, rate, half, part;
    int extreme;
} NAME(scaling);

GF_COLD void NAME(scaling_extreme)(NAME(scaling) * s, double temperature) {
    const double part = temperature < 1 ? CONSTANT(SCALE_PART) : 1 / CONSTANT(SCALE_PART);
    const double half = temperature < 1 ? 1 : 0.5, rest = 1 / part / (temperature * half);
    s->extreme = 1;
    s->half = (real_t)half;
    s->part = (real_t)part;
    s->rate = (real_t)(rest < REAL_MIN ? REAL_MIN : rest > REAL_MAX ? REAL_MAX : rest);
}

GF_INLINE int NAME(is_extreme)(double temperature) {
    return !(temperature >= CONSTANT(SCALE_LEAST) && temperature <= CONSTANT(SCALE_MOST));
}

GF_INLINE NAME(scaling) NAME(scaling_of)(real_t greatest, double temperature) {
    NAME(scaling) s = {greatest, (real_t)(1 / temperature), 1, 1, 0};
    if (GF_SELDOM(NAME(is_extreme)(temperature)))
        NAME(scaling_extreme)(&s, temperature);
    return s;
}

/* Whether x - greatest may overflow though its quotient by the temperature does not. */
#define SAFE_GREATEST (REAL_MAX * (real_t)0x1p-60)
GF_INLINE int NAME(may_overflow)(real_t greatest, double temperature) {
    return GF_SELDOM(greatest > SAFE_GREATEST) && temperature > 1;
}

/* (x - greatest) / temperature */
GF_INLINE vec_t NAME(below)(vec_t x, const NAME(scaling) * s) {
    const vec_t greatest = V(set)(s->greatest), rate = V(set)(s->rate);
    if (GF_SELDOM(s->extreme)) {
        const vec_t half = V(set)(s->half);
        return V(mul)(V(mul)(V(sub)(V(mul)(x, half), V(mul)(greatest, half)), V(set)(s->part)), rate);
    }
    return V(mul)(V(sub)(x, greatest), rate);
}

GF_INLINE vec_t NAME(weight)(vec_t x, const NAME(scaling) * s) { return NAME(exp_below)(NAME(below)(x, s)); }

/* A running sum of vectors in double: float vectors are widened, doubles carry what each addition lost (Knuth's
 * two-sum), so that neither drifts over a row of any length. */
typedef struct {
    f64x8 a, b; /* float: even and odd eights; double: sum and lost part */
} NAME(running_sum);

GF_INLINE NAME(running_sum) NAME(empty_sum)(void) { return (NAME(running_sum)){f64_set(0), f64_set(0)}; }

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

GF_INLINE double NAME(total)(const NAME(running_sum) * s) { return f64_sum_lanes(f64_add(s->a, s->b)); }

#endif
