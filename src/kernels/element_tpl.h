/* Binds the templates that read rows to one kind of stored elements, and to the type that it is computed in: ELEMENT is one
 * of the names below where this file is included. READ brings a vector into registers, widened. NOTHING is an element that is
 * never drawn: a logit of -inf, or a weight (an unnormalised probability; OF_WEIGHTS) of 0. Read alone, a template is of
 * float32 logits. No kernel lives here.
 *
 * Templates are compiled for every kind in one order, by guards that are turned over each time: one that has nothing for
 * weights is included for them all the same, and empty. */
#define ELEMENT_F32 1
#define ELEMENT_F64 2
#define ELEMENT_F16 3
#define ELEMENT_BF16 4
#define ELEMENT_W32 5 /* weights */
#define ELEMENT_W64 6

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
#undef OF_WEIGHTS
#undef NOTHING

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
#elif ELEMENT == ELEMENT_W32
#define GF_BOUND_ELEMENT 5
#define REAL 32
#define ROW(f) f##_row_w32
#define element_t float
#define READ(p) f32_load(p)
#define OF_WEIGHTS
#elif ELEMENT == ELEMENT_W64
#define GF_BOUND_ELEMENT 6
#define REAL 64
#define ROW(f) f##_row_w64
#define element_t double
#define READ(p) f64_load(p)
#define OF_WEIGHTS
#endif
#ifdef OF_WEIGHTS
#define NOTHING 0
#else
#define NOTHING (-(real_t)INFINITY)
#endif
#include "kernels/real_tpl.h"

/* The first n < LANES elements, then NOTHING. */
GF_INLINE vec_t ROW(read_tail)(const element_t *p, size_t n) {
#ifdef HALF_MINUS_INFINITY
    element_t t[LANES];
    for (int i = 0; i < LANES; i++)
        t[i] = HALF_MINUS_INFINITY;
    memcpy(t, p, n * sizeof *p);
    return READ(t);
#else
    return V(load_tail)(p, n, NOTHING);
#endif
}

/* Up to LANES elements from number `start` of n on, then NOTHING. */
GF_INLINE vec_t ROW(read_from)(const element_t *x, size_t start, size_t n) {
    if (start + LANES <= n)
        return READ(x + start);
    return start < n ? ROW(read_tail)(x + start, n - start) : V(set)(NOTHING);
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
