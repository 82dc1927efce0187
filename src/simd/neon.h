/* SIMD vocabulary, AArch64 (NEON): four q registers hold 16 floats or 8 doubles.
 *
 * The words are defined and explained in simd/scalar.h; this file only spells them in intrinsics, those of ACLE that
 * MSVC has too, without the vector operators and initialisers of gcc and clang. No algorithm lives here. */
#ifndef GF_SIMD_NEON_H
#define GF_SIMD_NEON_H

#include "simd/common.h"
#include <arm_neon.h>

typedef struct {
    float32x4_t a, b, c, d;
} f32x16;
typedef struct {
    float64x2_t a, b, c, d;
} f64x8;
typedef struct {
    uint32x4_t a, b, c, d;
} u32x16;
typedef struct {
    uint64x2_t a, b, c, d;
} u64x8;
typedef u32x16 m32x16; /* all bits of a lane on or off */
typedef u64x8 m64x8;
typedef uint8x16x2_t f32x16_table8;
typedef struct {
    const double *values;
} f64x8_table16;

/* One intrinsic, or one function of quarters, applied to the four quarters. */
#define GF_ALL(T, q) ((T){q, q, q, q})
#define GF_MAP(T, f, x) ((T){f(x.a), f(x.b), f(x.c), f(x.d)})
#define GF_MAP2(T, f, x, y) ((T){f(x.a, y.a), f(x.b, y.b), f(x.c, y.c), f(x.d, y.d)})
#define GF_MAP3(T, f, x, y, z) ((T){f(x.a, y.a, z.a), f(x.b, y.b, z.b), f(x.c, y.c, z.c), f(x.d, y.d, z.d)})
#define GF_LOAD(T, f, p, lanes) ((T){f(p), f(p + (lanes)), f(p + 2 * (lanes)), f(p + 3 * (lanes))})
#define GF_STORE(f, p, lanes, x) (f(p, x.a), f(p + (lanes), x.b), f(p + 2 * (lanes), x.c), f(p + 3 * (lanes), x.d))
/* A shift must see its count as a constant. */
#define GF_SHIFT(T, f, x, k) ((T){f((x).a, k), f((x).b, k), f((x).c, k), f((x).d, k)})

/* gcc issues loads as early as it can. In a pass over memory that tests block after block it would load several blocks
 * ahead and spill them, at twice the instructions: loads stay on their side of this. */
#if defined(__GNUC__) && !defined(__clang__)
#define GF_KEEP_LOADS() __asm__ volatile("" ::: "memory")
#else
#define GF_KEEP_LOADS() ((void)0)
#endif

/* -- float ---------------------------------------------------------------------------------------------------- */
GF_INLINE f32x16 f32_set(float x) { return GF_ALL(f32x16, vdupq_n_f32(x)); }
GF_INLINE f32x16 f32_load(const float *p) { return GF_LOAD(f32x16, vld1q_f32, p, 4); }
GF_INLINE void f32_store(float *p, f32x16 x) { GF_STORE(vst1q_f32, p, 4, x); }
GF_INLINE f32x16 f32_load_tail(const float *p, size_t n, float fill) {
    float t[16];
    f32_store(t, f32_set(fill));
    memcpy(t, p, n * sizeof *p);
    return f32_load(t);
}
GF_INLINE void f32_store_tail(float *p, size_t n, f32x16 x) {
    float t[16];
    f32_store(t, x);
    memcpy(p, t, n * sizeof *p);
}
GF_INLINE f32x16 f32_load_f16(const uint16_t *p) {
    float16x8_t low = vreinterpretq_f16_u16(vld1q_u16(p)), high = vreinterpretq_f16_u16(vld1q_u16(p + 8));
    return (f32x16){vcvt_f32_f16(vget_low_f16(low)),
                    vcvt_high_f32_f16(low),
                    vcvt_f32_f16(vget_low_f16(high)),
                    vcvt_high_f32_f16(high)};
}
GF_INLINE f32x16 f32_load_bf16(const uint16_t *p) {
    uint16x8_t zero = vdupq_n_u16(0), low = vld1q_u16(p), high = vld1q_u16(p + 8);
    return (f32x16){vreinterpretq_f32_u16(vzip1q_u16(zero, low)),
                    vreinterpretq_f32_u16(vzip2q_u16(zero, low)),
                    vreinterpretq_f32_u16(vzip1q_u16(zero, high)),
                    vreinterpretq_f32_u16(vzip2q_u16(zero, high))};
}
GF_INLINE f32x16 f32_add(f32x16 x, f32x16 y) { return GF_MAP2(f32x16, vaddq_f32, x, y); }
GF_INLINE f32x16 f32_sub(f32x16 x, f32x16 y) { return GF_MAP2(f32x16, vsubq_f32, x, y); }
GF_INLINE f32x16 f32_mul(f32x16 x, f32x16 y) { return GF_MAP2(f32x16, vmulq_f32, x, y); }
GF_INLINE f32x16 f32_div(f32x16 x, f32x16 y) { return GF_MAP2(f32x16, vdivq_f32, x, y); }
GF_INLINE f32x16 f32_fma(f32x16 x, f32x16 y, f32x16 z) { return GF_MAP3(f32x16, vfmaq_f32, z, x, y); }
GF_INLINE f32x16 f32_fnma(f32x16 x, f32x16 y, f32x16 z) { return GF_MAP3(f32x16, vfmsq_f32, z, x, y); }
/* fmax gives NaN where either is NaN and fmaxnm where both are; neither is the word's meaning. */
GF_INLINE float32x4_t gf_max_f32(float32x4_t x, float32x4_t y) { return vbslq_f32(vcgtq_f32(x, y), x, y); }
GF_INLINE f32x16 f32_max(f32x16 x, f32x16 y) { return GF_MAP2(f32x16, gf_max_f32, x, y); }
GF_INLINE f32x16 f32_held(f32x16 x) { return x; }
GF_INLINE m32x16 f32_less(f32x16 x, f32x16 y) { return GF_MAP2(m32x16, vcltq_f32, x, y); }
GF_INLINE m32x16 f32_equal(f32x16 x, f32x16 y) { return GF_MAP2(m32x16, vceqq_f32, x, y); }
GF_INLINE uint32x4_t gf_not_less_f32(float32x4_t x, float32x4_t y) { return vmvnq_u32(vcltq_f32(x, y)); }
GF_INLINE m32x16 f32_not_less(f32x16 x, f32x16 y) { return GF_MAP2(m32x16, gf_not_less_f32, x, y); }
GF_INLINE uint32x4_t gf_unordered_f32(float32x4_t x, float32x4_t y) {
    float32x4_t nan_of_either = vmaxq_f32(x, y);
    return vmvnq_u32(vceqq_f32(nan_of_either, nan_of_either));
}
GF_INLINE m32x16 f32_unordered(f32x16 x, f32x16 y) { return GF_MAP2(m32x16, gf_unordered_f32, x, y); }
GF_INLINE f32x16 f32_select(m32x16 m, f32x16 yes, f32x16 no) { return GF_MAP3(f32x16, vbslq_f32, m, yes, no); }
GF_INLINE m32x16 f32_mask_none(void) { return GF_ALL(m32x16, vdupq_n_u32(0)); }
GF_INLINE m32x16 f32_mask_or(m32x16 x, m32x16 y) {
    GF_KEEP_LOADS();
    return GF_MAP2(m32x16, vorrq_u32, x, y);
}
static const uint16_t gf_bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
GF_INLINE uint16x8_t gf_halves(uint32x4_t x, uint32x4_t y) {
    return vuzp1q_u16(vreinterpretq_u16_u32(x), vreinterpretq_u16_u32(y));
}
GF_INLINE uint32_t f32_mask_bits(m32x16 m) {
    uint16x8_t low = vandq_u16(gf_halves(m.a, m.b), vld1q_u16(gf_bit));
    uint16x8_t high = vandq_u16(gf_halves(m.c, m.d), vld1q_u16(gf_bit + 8));
    return vaddvq_u16(vorrq_u16(low, high));
}
GF_INLINE m32x16 f32_mask_of_bits(uint32_t bits) {
    static const uint32_t bit[4] = {1, 2, 4, 8};
    const uint32x4_t b = vld1q_u32(bit);
    return (m32x16){vtstq_u32(vdupq_n_u32(bits), b),
                    vtstq_u32(vdupq_n_u32(bits >> 4), b),
                    vtstq_u32(vdupq_n_u32(bits >> 8), b),
                    vtstq_u32(vdupq_n_u32(bits >> 12), b)};
}
GF_INLINE u32x16 f32_as_bits(f32x16 x) { return GF_MAP(u32x16, vreinterpretq_u32_f32, x); }
GF_INLINE f32x16 f32_from_bits(u32x16 x) { return GF_MAP(f32x16, vreinterpretq_f32_u32, x); }
GF_INLINE float32x4_t gf_u31_to_f32(uint32x4_t x) { return vcvtq_f32_s32(vreinterpretq_s32_u32(x)); }
GF_INLINE uint32x4_t gf_f32_to_u31(float32x4_t x) { return vreinterpretq_u32_s32(vcvtq_s32_f32(x)); }
GF_INLINE f32x16 f32_from_u31(u32x16 x) { return GF_MAP(f32x16, gf_u31_to_f32, x); }
GF_INLINE u32x16 f32_to_u31(f32x16 x) { return GF_MAP(u32x16, gf_f32_to_u31, x); }
GF_INLINE float32x4_t gf_ldexp_f32(float32x4_t x, float32x4_t n) {
    /* In two steps, so that a subnormal result is rounded once and 2^n itself need not be representable. */
    int32x4_t k = vcvtq_s32_f32(n), bias = vdupq_n_s32(127), half = vshrq_n_s32(k, 1);
    int32x4_t rest = vsubq_s32(k, half);
    x = vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}
GF_INLINE f32x16 f32_scale(f32x16 x, f32x16 n) { return GF_MAP2(f32x16, gf_ldexp_f32, x, n); }
GF_INLINE f32x16_table8 f32_table(const float t[8]) {
    f32x16_table8 r;
    r.val[0] = vreinterpretq_u8_f32(vld1q_f32(t));
    r.val[1] = vreinterpretq_u8_f32(vld1q_f32(t + 4));
    return r;
}
GF_INLINE float32x4_t gf_lookup_f32(f32x16_table8 t, uint32x4_t i) {
    /* Lane i becomes the numbers of its four bytes, 4 i .. 4 i + 3. */
    uint32x4_t bytes = vmlaq_u32(vdupq_n_u32(0x03020100), vandq_u32(i, vdupq_n_u32(7)), vdupq_n_u32(0x04040404));
    return vreinterpretq_f32_u8(vqtbl2q_u8(t, vreinterpretq_u8_u32(bytes)));
}
GF_INLINE f32x16 f32_lookup(f32x16_table8 t, u32x16 i) {
    return (f32x16){gf_lookup_f32(t, i.a), gf_lookup_f32(t, i.b), gf_lookup_f32(t, i.c), gf_lookup_f32(t, i.d)};
}
GF_INLINE float32x4_t gf_max_quarters_f32(f32x16 x) { return vmaxq_f32(vmaxq_f32(x.a, x.b), vmaxq_f32(x.c, x.d)); }
typedef float32x4_t f32x16_maxima;
GF_INLINE f32x16_maxima f32_maxima_of(f32x16 v0, f32x16 v1, f32x16 v2, f32x16 v3) {
    float32x4_t x = vpmaxq_f32(gf_max_quarters_f32(v0), gf_max_quarters_f32(v1));
    float32x4_t y = vpmaxq_f32(gf_max_quarters_f32(v2), gf_max_quarters_f32(v3));
    return vpmaxq_f32(x, y);
}
GF_INLINE f32x16 f32_maxima_join(f32x16_maxima a, f32x16_maxima b, f32x16_maxima c, f32x16_maxima d) {
    return (f32x16){a, b, c, d};
}
GF_INLINE float f32_max_lane(f32x16 x) { return vmaxvq_f32(gf_max_quarters_f32(x)); }
/* Four rows of four become their columns. Whole vectors are transposed in such blocks, which then change places. */
GF_INLINE void gf_transpose_f32(float32x4_t *r0, float32x4_t *r1, float32x4_t *r2, float32x4_t *r3) {
    float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(*r0, *r1)), b = vreinterpretq_f64_f32(vtrn2q_f32(*r0, *r1));
    float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(*r2, *r3)), d = vreinterpretq_f64_f32(vtrn2q_f32(*r2, *r3));
    *r0 = vreinterpretq_f32_f64(vzip1q_f64(a, c));
    *r1 = vreinterpretq_f32_f64(vzip1q_f64(b, d));
    *r2 = vreinterpretq_f32_f64(vzip2q_f64(a, c));
    *r3 = vreinterpretq_f32_f64(vzip2q_f64(b, d));
}
GF_INLINE void gf_swap_f32(float32x4_t *x, float32x4_t *y) {
    float32x4_t t = *x;
    *x = *y;
    *y = t;
}
GF_INLINE void f32_transpose(f32x16 v[16]) {
    for (f32x16 *r = v; r < v + 16; r += 4) {
        gf_transpose_f32(&r[0].a, &r[1].a, &r[2].a, &r[3].a);
        gf_transpose_f32(&r[0].b, &r[1].b, &r[2].b, &r[3].b);
        gf_transpose_f32(&r[0].c, &r[1].c, &r[2].c, &r[3].c);
        gf_transpose_f32(&r[0].d, &r[1].d, &r[2].d, &r[3].d);
    }
    for (f32x16 *r = v; r < v + 4; r++) {
        gf_swap_f32(&r[0].b, &r[4].a);
        gf_swap_f32(&r[0].c, &r[8].a);
        gf_swap_f32(&r[0].d, &r[12].a);
        gf_swap_f32(&r[4].c, &r[8].b);
        gf_swap_f32(&r[4].d, &r[12].b);
        gf_swap_f32(&r[8].d, &r[12].c);
    }
}

/* -- double --------------------------------------------------------------------------------------------------- */
GF_INLINE f64x8 f64_set(double x) { return GF_ALL(f64x8, vdupq_n_f64(x)); }
GF_INLINE f64x8 f64_load(const double *p) { return GF_LOAD(f64x8, vld1q_f64, p, 2); }
GF_INLINE void f64_store(double *p, f64x8 x) { GF_STORE(vst1q_f64, p, 2, x); }
GF_INLINE f64x8 f64_load_tail(const double *p, size_t n, double fill) {
    double t[8];
    f64_store(t, f64_set(fill));
    memcpy(t, p, n * sizeof *p);
    return f64_load(t);
}
GF_INLINE void f64_store_tail(double *p, size_t n, f64x8 x) {
    double t[8];
    f64_store(t, x);
    memcpy(p, t, n * sizeof *p);
}
GF_INLINE f64x8 f64_add(f64x8 x, f64x8 y) { return GF_MAP2(f64x8, vaddq_f64, x, y); }
GF_INLINE f64x8 f64_sub(f64x8 x, f64x8 y) { return GF_MAP2(f64x8, vsubq_f64, x, y); }
GF_INLINE f64x8 f64_mul(f64x8 x, f64x8 y) { return GF_MAP2(f64x8, vmulq_f64, x, y); }
GF_INLINE f64x8 f64_div(f64x8 x, f64x8 y) { return GF_MAP2(f64x8, vdivq_f64, x, y); }
GF_INLINE f64x8 f64_fma(f64x8 x, f64x8 y, f64x8 z) { return GF_MAP3(f64x8, vfmaq_f64, z, x, y); }
GF_INLINE f64x8 f64_fnma(f64x8 x, f64x8 y, f64x8 z) { return GF_MAP3(f64x8, vfmsq_f64, z, x, y); }
GF_INLINE float64x2_t gf_max_f64(float64x2_t x, float64x2_t y) { return vbslq_f64(vcgtq_f64(x, y), x, y); }
GF_INLINE f64x8 f64_max(f64x8 x, f64x8 y) { return GF_MAP2(f64x8, gf_max_f64, x, y); }
GF_INLINE f64x8 f64_held(f64x8 x) { return x; }
GF_INLINE m64x8 f64_less(f64x8 x, f64x8 y) { return GF_MAP2(m64x8, vcltq_f64, x, y); }
GF_INLINE m64x8 f64_equal(f64x8 x, f64x8 y) { return GF_MAP2(m64x8, vceqq_f64, x, y); }
GF_INLINE uint64x2_t gf_not_less_f64(float64x2_t x, float64x2_t y) {
    return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(vcltq_f64(x, y))));
}
GF_INLINE m64x8 f64_not_less(f64x8 x, f64x8 y) { return GF_MAP2(m64x8, gf_not_less_f64, x, y); }
GF_INLINE uint64x2_t gf_unordered_f64(float64x2_t x, float64x2_t y) {
    float64x2_t nan_of_either = vmaxq_f64(x, y);
    uint64x2_t ordered = vceqq_f64(nan_of_either, nan_of_either);
    return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(ordered)));
}
GF_INLINE m64x8 f64_unordered(f64x8 x, f64x8 y) { return GF_MAP2(m64x8, gf_unordered_f64, x, y); }
GF_INLINE f64x8 f64_select(m64x8 m, f64x8 yes, f64x8 no) { return GF_MAP3(f64x8, vbslq_f64, m, yes, no); }
GF_INLINE m64x8 f64_mask_none(void) { return GF_ALL(m64x8, vdupq_n_u64(0)); }
GF_INLINE m64x8 f64_mask_or(m64x8 x, m64x8 y) {
    GF_KEEP_LOADS();
    return GF_MAP2(m64x8, vorrq_u64, x, y);
}
/* The low 32 bits of four lanes. */
GF_INLINE uint32x4_t gf_low_words(uint64x2_t x, uint64x2_t y) {
    return vuzp1q_u32(vreinterpretq_u32_u64(x), vreinterpretq_u32_u64(y));
}
GF_INLINE uint32_t f64_mask_bits(m64x8 m) {
    uint16x8_t lanes = gf_halves(gf_low_words(m.a, m.b), gf_low_words(m.c, m.d));
    return vaddvq_u16(vandq_u16(lanes, vld1q_u16(gf_bit)));
}
GF_INLINE m64x8 f64_mask_of_bits(uint32_t bits) {
    static const uint64_t bit[2] = {1, 2};
    const uint64x2_t b = vld1q_u64(bit);
    return (m64x8){vtstq_u64(vdupq_n_u64(bits), b),
                   vtstq_u64(vdupq_n_u64(bits >> 2), b),
                   vtstq_u64(vdupq_n_u64(bits >> 4), b),
                   vtstq_u64(vdupq_n_u64(bits >> 6), b)};
}
GF_INLINE u64x8 f64_as_bits(f64x8 x) { return GF_MAP(u64x8, vreinterpretq_u64_f64, x); }
GF_INLINE f64x8 f64_from_bits(u64x8 x) { return GF_MAP(f64x8, vreinterpretq_f64_u64, x); }
GF_INLINE float64x2_t gf_u63_to_f64(uint64x2_t x) { return vcvtq_f64_s64(vreinterpretq_s64_u64(x)); }
GF_INLINE f64x8 f64_from_u63(u64x8 x) { return GF_MAP(f64x8, gf_u63_to_f64, x); }
GF_INLINE float64x2_t gf_ldexp_f64(float64x2_t x, float64x2_t n) {
    int64x2_t k = vcvtq_s64_f64(n), bias = vdupq_n_s64(1023), half = vshrq_n_s64(k, 1);
    int64x2_t rest = vsubq_s64(k, half);
    x = vmulq_f64(x, vreinterpretq_f64_s64(vshlq_n_s64(vaddq_s64(half, bias), 52)));
    return vmulq_f64(x, vreinterpretq_f64_s64(vshlq_n_s64(vaddq_s64(rest, bias), 52)));
}
GF_INLINE f64x8 f64_scale(f64x8 x, f64x8 n) { return GF_MAP2(f64x8, gf_ldexp_f64, x, n); }
GF_INLINE f64x8_table16 f64_table(const double t[16]) { return (f64x8_table16){t}; }
/* From memory: sixteen doubles are eight registers, and the byte lookups that span them are slow. */
GF_INLINE float64x2_t gf_lookup_f64(const double *t, uint64x2_t i) {
    return vcombine_f64(vld1_f64(t + (vgetq_lane_u64(i, 0) & 15)), vld1_f64(t + (vgetq_lane_u64(i, 1) & 15)));
}
GF_INLINE f64x8 f64_lookup(f64x8_table16 t, u64x8 i) {
    return (f64x8){gf_lookup_f64(t.values, i.a),
                   gf_lookup_f64(t.values, i.b),
                   gf_lookup_f64(t.values, i.c),
                   gf_lookup_f64(t.values, i.d)};
}
GF_INLINE float64x2_t gf_max_quarters_f64(f64x8 x) { return vmaxq_f64(vmaxq_f64(x.a, x.b), vmaxq_f64(x.c, x.d)); }
typedef float64x2_t f64x8_maxima;
GF_INLINE f64x8_maxima f64_maxima_of(f64x8 v0, f64x8 v1) {
    return vpmaxq_f64(gf_max_quarters_f64(v0), gf_max_quarters_f64(v1));
}
GF_INLINE f64x8 f64_maxima_join(f64x8_maxima a, f64x8_maxima b, f64x8_maxima c, f64x8_maxima d) {
    return (f64x8){a, b, c, d};
}
GF_INLINE double f64_max_lane(f64x8 x) { return vmaxvq_f64(gf_max_quarters_f64(x)); }
GF_INLINE void gf_transpose_f64(float64x2_t *r0, float64x2_t *r1) {
    float64x2_t first = vzip1q_f64(*r0, *r1);
    *r1 = vzip2q_f64(*r0, *r1);
    *r0 = first;
}
GF_INLINE void gf_swap_f64(float64x2_t *x, float64x2_t *y) {
    float64x2_t t = *x;
    *x = *y;
    *y = t;
}
GF_INLINE void f64_transpose(f64x8 v[8]) {
    for (f64x8 *r = v; r < v + 8; r += 2) {
        gf_transpose_f64(&r[0].a, &r[1].a);
        gf_transpose_f64(&r[0].b, &r[1].b);
        gf_transpose_f64(&r[0].c, &r[1].c);
        gf_transpose_f64(&r[0].d, &r[1].d);
    }
    for (f64x8 *r = v; r < v + 2; r++) {
        gf_swap_f64(&r[0].b, &r[2].a);
        gf_swap_f64(&r[0].c, &r[4].a);
        gf_swap_f64(&r[0].d, &r[6].a);
        gf_swap_f64(&r[2].c, &r[4].b);
        gf_swap_f64(&r[2].d, &r[6].b);
        gf_swap_f64(&r[4].d, &r[6].c);
    }
}
GF_INLINE f64x8 gf_widen(float32x4_t x, float32x4_t y) {
    return (f64x8){
        vcvt_f64_f32(vget_low_f32(x)), vcvt_high_f64_f32(x), vcvt_f64_f32(vget_low_f32(y)), vcvt_high_f64_f32(y)};
}
GF_INLINE f64x8 f64_widen_low(f32x16 x) { return gf_widen(x.a, x.b); }
GF_INLINE f64x8 f64_widen_high(f32x16 x) { return gf_widen(x.c, x.d); }
GF_INLINE float32x4_t gf_narrow(float64x2_t x, float64x2_t y) { return vcvt_high_f32_f64(vcvt_f32_f64(x), y); }
GF_INLINE f32x16 f32_narrow(f64x8 low, f64x8 high) {
    return (f32x16){
        gf_narrow(low.a, low.b), gf_narrow(low.c, low.d), gf_narrow(high.a, high.b), gf_narrow(high.c, high.d)};
}

/* Bit i: byte i of the sixteen at p is not 0. */
GF_INLINE uint32_t u8_bits_of(const uint8_t *p) {
    static const uint8_t bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t x = vld1q_u8(p), on = vtstq_u8(x, x);
    const uint8x8_t low = vand_u8(vget_low_u8(on), vld1_u8(bit)), high = vand_u8(vget_high_u8(on), vld1_u8(bit));
    return (uint32_t)vaddv_u8(low) | (uint32_t)vaddv_u8(high) << 8;
}

/* -- integers ------------------------------------------------------------------------------------------------- */
GF_INLINE u32x16 u32_set(uint32_t x) { return GF_ALL(u32x16, vdupq_n_u32(x)); }
GF_INLINE u32x16 u32_load(const uint32_t *p) { return GF_LOAD(u32x16, vld1q_u32, p, 4); }
GF_INLINE void u32_store(uint32_t *p, u32x16 x) { GF_STORE(vst1q_u32, p, 4, x); }
GF_INLINE u32x16 u32_add(u32x16 x, u32x16 y) { return GF_MAP2(u32x16, vaddq_u32, x, y); }
GF_INLINE u32x16 u32_sub(u32x16 x, u32x16 y) { return GF_MAP2(u32x16, vsubq_u32, x, y); }
GF_INLINE u32x16 u32_and(u32x16 x, u32x16 y) { return GF_MAP2(u32x16, vandq_u32, x, y); }
GF_INLINE u32x16 u32_or(u32x16 x, u32x16 y) { return GF_MAP2(u32x16, vorrq_u32, x, y); }
GF_INLINE u32x16 u32_xor(u32x16 x, u32x16 y) { return GF_MAP2(u32x16, veorq_u32, x, y); }
GF_INLINE u32x16 u32_min(u32x16 x, u32x16 y) { return GF_MAP2(u32x16, vminq_u32, x, y); }
GF_INLINE u32x16 u32_max_words(u32x16 x, u32x16 y) { return GF_MAP2(u32x16, vmaxq_u32, x, y); }
GF_INLINE uint32x4_t gf_top_bit_u32(uint32x4_t x) {
    return vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(x), 31));
}
GF_INLINE m32x16 u32_top_bit(u32x16 x) { return GF_MAP(m32x16, gf_top_bit_u32, x); }
#define u32_shift_left(x, k) GF_SHIFT(u32x16, vshlq_n_u32, x, k)
#define u32_shift_right(x, k) GF_SHIFT(u32x16, vshrq_n_u32, x, k)

GF_INLINE u64x8 u64_set(uint64_t x) { return GF_ALL(u64x8, vdupq_n_u64(x)); }
GF_INLINE u64x8 u64_load(const uint64_t *p) { return GF_LOAD(u64x8, vld1q_u64, p, 2); }
GF_INLINE void u64_store(uint64_t *p, u64x8 x) { GF_STORE(vst1q_u64, p, 2, x); }
GF_INLINE uint64x2_t gf_gather(const uint64_t *table, uint64x2_t i) {
    return vcombine_u64(vld1_u64(table + vgetq_lane_u64(i, 0)), vld1_u64(table + vgetq_lane_u64(i, 1)));
}
GF_INLINE u64x8 u64_gather(const uint64_t *table, u64x8 i) {
    return (u64x8){gf_gather(table, i.a), gf_gather(table, i.b), gf_gather(table, i.c), gf_gather(table, i.d)};
}
GF_INLINE u64x8 u64_add(u64x8 x, u64x8 y) { return GF_MAP2(u64x8, vaddq_u64, x, y); }
GF_INLINE u64x8 u64_sub(u64x8 x, u64x8 y) { return GF_MAP2(u64x8, vsubq_u64, x, y); }
GF_INLINE u64x8 u64_and(u64x8 x, u64x8 y) { return GF_MAP2(u64x8, vandq_u64, x, y); }
GF_INLINE u64x8 u64_or(u64x8 x, u64x8 y) { return GF_MAP2(u64x8, vorrq_u64, x, y); }
GF_INLINE u64x8 u64_xor(u64x8 x, u64x8 y) { return GF_MAP2(u64x8, veorq_u64, x, y); }
GF_INLINE u64x8 u64_xor3(u64x8 x, u64x8 y, u64x8 z) { return u64_xor(u64_xor(x, y), z); }
GF_INLINE uint64x2_t gf_top_bit_u64(uint64x2_t x) {
    return vreinterpretq_u64_s64(vshrq_n_s64(vreinterpretq_s64_u64(x), 63));
}
GF_INLINE m64x8 u64_top_bit(u64x8 x) { return GF_MAP(m64x8, gf_top_bit_u64, x); }
GF_INLINE uint64x2_t gf_max_words_u64(uint64x2_t x, uint64x2_t y) {
    return vreinterpretq_u64_u32(vmaxq_u32(vreinterpretq_u32_u64(x), vreinterpretq_u32_u64(y)));
}
GF_INLINE u64x8 u64_max_words(u64x8 x, u64x8 y) { return GF_MAP2(u64x8, gf_max_words_u64, x, y); }
GF_INLINE u64x8 u64_flip_if_top(u64x8 x) { return u64_xor(x, u64_top_bit(x)); }
/* Two registers at once: their low words in one, whose halves are multiplied. */
GF_INLINE u64x8 u64_mul_low32(u64x8 x, u64x8 y) {
    uint32x4_t x0 = gf_low_words(x.a, x.b), x1 = gf_low_words(x.c, x.d);
    uint32x4_t y0 = gf_low_words(y.a, y.b), y1 = gf_low_words(y.c, y.d);
    return (u64x8){vmull_u32(vget_low_u32(x0), vget_low_u32(y0)),
                   vmull_high_u32(x0, y0),
                   vmull_u32(vget_low_u32(x1), vget_low_u32(y1)),
                   vmull_high_u32(x1, y1)};
}
#define u64_shift_left(x, k) GF_SHIFT(u64x8, vshlq_n_u64, x, k)
#define u64_shift_right(x, k) GF_SHIFT(u64x8, vshrq_n_u64, x, k)

/* -- Philox words into memory order (lane order: see scalar.h) -------------------------------------------------- */
GF_INLINE uint64x2_t gf_pair_words(uint64x2_t x, uint64x2_t y) {
    return vreinterpretq_u64_u32(vtrn1q_u32(vreinterpretq_u32_u64(x), vreinterpretq_u32_u64(y)));
}
GF_INLINE uint32x4_t gf_join_low(uint64x2_t p, uint64x2_t q) { return vreinterpretq_u32_u64(vzip1q_u64(p, q)); }
GF_INLINE uint32x4_t gf_join_high(uint64x2_t p, uint64x2_t q) { return vreinterpretq_u32_u64(vzip2q_u64(p, q)); }
GF_INLINE u64x8 gf_pair_all(u64x8 x, u64x8 y) { return GF_MAP2(u64x8, gf_pair_words, x, y); }
GF_INLINE u32x16 gf_join_all_low(u64x8 p, u64x8 q) { return GF_MAP2(u32x16, gf_join_low, p, q); }
GF_INLINE u32x16 gf_join_all_high(u64x8 p, u64x8 q) { return GF_MAP2(u32x16, gf_join_high, p, q); }
GF_INLINE uint32x4_t gf_pair(uint64x2_t x, uint64x2_t y) { return vreinterpretq_u32_u64(gf_pair_words(x, y)); }
GF_INLINE u32x16 u64_pair_words(u64x8 x, u64x8 y) { return GF_MAP2(u32x16, gf_pair, x, y); }
GF_INLINE void u64_pack_words(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u32x16 *first, u32x16 *second) {
    u64x8 p = gf_pair_all(x0, x1), q = gf_pair_all(x2, x3);
    *first = gf_join_all_low(p, q);
    *second = gf_join_all_high(p, q);
}
GF_INLINE void u64_transpose(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u64x8 out[4]) {
    out[0] = (u64x8){vzip1q_u64(x0.a, x1.a), vzip1q_u64(x2.a, x3.a), vzip1q_u64(x0.b, x1.b), vzip1q_u64(x2.b, x3.b)};
    out[1] = (u64x8){vzip1q_u64(x0.c, x1.c), vzip1q_u64(x2.c, x3.c), vzip1q_u64(x0.d, x1.d), vzip1q_u64(x2.d, x3.d)};
    out[2] = (u64x8){vzip2q_u64(x0.a, x1.a), vzip2q_u64(x2.a, x3.a), vzip2q_u64(x0.b, x1.b), vzip2q_u64(x2.b, x3.b)};
    out[3] = (u64x8){vzip2q_u64(x0.c, x1.c), vzip2q_u64(x2.c, x3.c), vzip2q_u64(x0.d, x1.d), vzip2q_u64(x2.d, x3.d)};
}

#undef GF_ALL
#undef GF_MAP
#undef GF_MAP2
#undef GF_MAP3
#undef GF_LOAD
#undef GF_STORE
#undef GF_KEEP_LOADS
#endif
