/* Binds the row templates to one dtype of stored logits: ELEMENT is 32, 64, 16 (half) or 116 (bfloat16) when this file
 * is included, and REAL the type they are computed in. READ brings a vector into registers, widened. No kernel lives
 * here. */
#undef ROW
#undef element_t
#undef READ

#if ELEMENT == 32
#define ROW(f) f##_row_f32
#define element_t float
#define READ(p) f32_load(p)
#elif ELEMENT == 64
#define ROW(f) f##_row_f64
#define element_t double
#define READ(p) f64_load(p)
#elif ELEMENT == 16
#define ROW(f) f##_row_f16
#define element_t uint16_t
#define READ(p) f32_load_f16(p)
#elif ELEMENT == 116
#define ROW(f) f##_row_bf16
#define element_t uint16_t
#define READ(p) f32_load_bf16(p)
#endif

/* The first n < LANES elements, then -inf. */
GF_INLINE vec_t ROW(read_tail)(const element_t *p, size_t n) {
#if ELEMENT == 32 || ELEMENT == 64
    return V(load_tail)(p, n, -INFINITY);
#else
    uint16_t t[LANES];
    for (int i = 0; i < LANES; i++)
        t[i] = ELEMENT == 16 ? 0xfc00 : 0xff80;
    memcpy(t, p, n * sizeof *p);
    return READ(t);
#endif
}

/* Up to LANES elements from number `start` of n on, then -inf. */
GF_INLINE vec_t ROW(read_from)(const element_t *x, size_t start, size_t n) {
    if (start + LANES <= n)
        return READ(x + start);
    return start < n ? ROW(read_tail)(x + start, n - start) : V(set)(-INFINITY);
}

GF_INLINE real_t ROW(read_one)(const element_t *p) {
#if ELEMENT == 32 || ELEMENT == 64
    return *p;
#else
    real_t lanes[LANES];
    V(store)(lanes, ROW(read_tail)(p, 1));
    return lanes[0];
#endif
}
