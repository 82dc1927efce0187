/* What the pass over a row of logits with noise looks for, and the estimate that spares it the noise of most elements: the part
 * of gumbel_scan_tpl.h that is the same for every dtype. */
#ifndef GF_GUMBEL_SCAN_H
#define GF_GUMBEL_SCAN_H

#include "kernels/selection.h"
#include "simd/vocabulary.h"

#define SCAN_BLOCK 64          /* elements, and words of a noise block */
#define SCAN_DENSE 12          /* of a block: where more pass, all are computed */
#define SCAN_MARGIN 0x1p-12f   /* nats: rounding of the noise (2 ULP at 45) and of the estimate */
#define SCAN_RELATIVE 0x1p-20f /* of a value: rounding of the score, of sums, and of a double taken as float */
#define SCAN_FINITE 0x1p100    /* bounds beyond this are not compared in float */
#define SCAN_COLDEST 0x1p-100  /* between these temperatures an estimate that overflows is beyond every such bound */
#define SCAN_WARMEST 0x1p20

/* 1 / temperature, or NaN where estimates are no good: then no order of them is certain. */
GF_INLINE double scan_rate(double temperature) {
    return temperature > SCAN_COLDEST && temperature < SCAN_WARMEST ? 1 / temperature : NAN;
}

/* What a pass is for: the greatest, or all above the bound. */
typedef struct {
    double bound;         /* values at or below it do not matter */
    int64_t index;        /* of the greatest so far, -1 before there is one */
    selection *collected; /* NULL: the greatest alone is wanted */
} scan_goal;

/* The first greatest lane of v, which is not all NaN. */
GF_INLINE unsigned scan_first_greatest(f64x8 v) {
    return gf_lowest_bit(f64_mask_bits(f64_equal(v, f64_set(f64_max_lane(v)))) | 1u << 7);
}

/* Takes in the first `size` values, those of elements from number `start` on. */
GF_INLINE void scan_take(scan_goal *goal, const double *value, size_t start, size_t size) {
    if (goal->collected) {
        selection_above(goal->collected, value, size, (int64_t)start, &goal->bound);
        return;
    }
    for (size_t i = 0; i < size; i += 8) {
        f64x8 v = size - i >= 8 ? f64_load(value + i) : f64_load_tail(value + i, size - i, -INFINITY);
        if (f64_mask_bits(f64_less(f64_set(goal->bound), v))) {
            const unsigned lane = scan_first_greatest(v);
            goal->bound = value[i + lane];
            goal->index = (int64_t)(start + i + lane);
        }
    }
}

/* Elements that passed, in order. */
typedef struct {
    unsigned count;
    int64_t index[SCAN_BLOCK + 16];
    uint32_t word[SCAN_BLOCK + 16];
} scan_pending;

/* Bit i: element i may have a value above the bound. What overflowed to -inf has not: the bound is moderate. */
GF_INLINE uint32_t scan_estimate(f32x16 y, u32x16 high, f32x16 bound) {
    f32x16 word = f32_from_u31(u32_shift_right(high, 1));
    f32x16 logarithm = f32_from_u31(f32_as_bits(word)); /* (127 + log2(word / 2)) 2^23, from below */
    f32x16 size = f32_max(y, f32_sub(f32_set(0), y));
    f32x16 g = f32_fma(logarithm, f32_set(-0x1p-23f * 0.69314718f), f32_set(158 * 0.69314718f));
    return f32_mask_bits(f32_less(bound, f32_add(f32_fma(size, f32_set(SCAN_RELATIVE), y), g)));
}

#endif
