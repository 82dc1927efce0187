/* Binds the templates that read logits to one dtype of stored logits, and to the type that it is computed in: ELEMENT is
 * one of the names below where this file is included. READ brings a vector into registers, widened. Read alone, a
 * template is of float32. No kernel lives here. */
#define ELEMENT_F32 1
#define ELEMENT_F64 2
#define ELEMENT_F16 3
#define ELEMENT_BF16 4

#ifndef ELEMENT
#define ELEMENT ELEMENT_F32
#endif

#if ELEMENT != GF_BOUND_ELEMENT
#ifdef GF_ELEMENT_TOGGLE
#undef GF_ELEMENT_TOGGLE
#else
#define GF_ELEMENT_TOGGLE
#endif

#undef GF_BOUND_ELEMENT
#undef REAL
#undef ROW
#undef element_t
#undef READ
#undef HALF_MINUS_INFINITY

#if ELEMENT == ELEMENT_F32
#define GF_BOUND_ELEMENT 1
#define REAL 32
#define ROW(f) f##_row_f32
#define element_t float
#define READ(p) f32_load(p)
#elif ELEMENT == ELEMENT_F64
#define GF_BOUND_ELEMENT 2
#define REAL 64
#define ROW(f) f##_row_f64
#define element_t double
#define READ(p) f64_load(p)
#elif ELEMENT == ELEMENT_F16
#define GF_BOUND_ELEMENT 3
#define REAL 32
#define ROW(f) f##_row_f16
#define element_t uint16_t
#define READ(p) f32_load_f16(p)
#define HALF_MINUS_INFINITY 0xfc00
#elif ELEMENT == ELEMENT_BF16
#define GF_BOUND_ELEMENT 4
#define REAL 32
#define ROW(f) f##_row_bf16
#define element_t uint16_t
#define READ(p) f32_load_bf16(p)
#define HALF_MINUS_INFINITY 0xff80
#endif
#include "kernels/real_tpl.h"

/* The first n < LANES elements, then -inf. */
GF_INLINE vec_t ROW(read_tail)(const element_t *p, size_t n) {
#ifdef HALF_MINUS_INFINITY
    element_t t[LANES];
    for (int i = 0; i < LANES; i++)
        t[i] = HALF_MINUS_INFINITY;
    memcpy(t, p, n * sizeof *p);
    return READ(t);
#else
    return V(load_tail)(p, n, -INFINITY);
#endif
}

/* Up to LANES elements from number `start` of n on, then -inf. */
GF_INLINE vec_t ROW(read_from)(const element_t *x, size_t start, size_t n) {
    if (start + LANES <= n)
        return READ(x + start);
    return start < n ? ROW(read_tail)(x + start, n - start) : V(set)(-INFINITY);
}

GF_INLINE real_t ROW(read_one)(const element_t *p) {
#ifdef HALF_MINUS_INFINITY
    real_t lanes[LANES];
    V(store)(lanes, ROW(read_tail)(p, 1));
    return lanes[0];
#else
    return *p;
#endif
}
#endif
