/* SIMD vocabulary, AVX2 with FMA: two ymm registers hold 16 floats or 8 doubles.
 *
 * The words are defined and explained in simd/scalar.h; this file only spells them in intrinsics.
 * No algorithm lives here. */
#ifndef GF_SIMD_AVX2_H
#define GF_SIMD_AVX2_H

#include "simd/common.h"
#include <immintrin.h>

typedef struct {
    __m256 a, b;
} f32x16;
typedef struct {
    __m256d a, b;
} f64x8;
typedef struct {
    __m256i a, b;
} u32x16;
typedef u32x16 u64x8;
typedef f32x16 m32x16;
typedef f64x8 m64x8;
typedef __m256 f32x16_table8;
typedef struct {
    const double *values;
} f64x8_table16;

/* Apply one intrinsic to both halves. */
#define GF_F32(...)                                                                                                    \
    return (f32x16) { __VA_ARGS__ }
#define GF_F64(...)                                                                                                    \
    return (f64x8) { __VA_ARGS__ }
#define GF_INT(...)                                                                                                    \
    return (u32x16) { __VA_ARGS__ }

/* -- float ---------------------------------------------------------------------------------------------------- */
#if defined(__GNUC__)
#define GF_HELD(x) __asm__("" : "+x"(x))
#else
#define GF_HELD(x) (void)(x)
#endif

GF_INLINE f32x16 f32_set(float x) { GF_F32(_mm256_set1_ps(x), _mm256_set1_ps(x)); }
GF_INLINE f32x16 f32_load(const float *p) { GF_F32(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)); }
GF_INLINE void f32_store(float *p, f32x16 x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
/* All ones in the first n lanes: a window into ones followed by zeros. */
GF_INLINE u32x16 gf_first32(size_t n) {
    static const int32_t window[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    const int32_t *p = window + 16 - n;
    GF_INT(_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8)));
}
GF_INLINE u32x16 gf_first64(size_t n) {
    static const int64_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const int64_t *p = window + 8 - n;
    GF_INT(_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 4)));
}
GF_INLINE f32x16 f32_load_tail(const float *p, size_t n, float fill) {
    u32x16 m = gf_first32(n);
    __m256 f = _mm256_set1_ps(fill);
    GF_F32(_mm256_blendv_ps(f, _mm256_maskload_ps(p, m.a), _mm256_castsi256_ps(m.a)),
           _mm256_blendv_ps(f, _mm256_maskload_ps(p + 8, m.b), _mm256_castsi256_ps(m.b)));
}
/* Through memory: a masked store takes AMD's processors some twenty operations. */
GF_INLINE void f32_store_tail(float *p, size_t n, f32x16 x) {
    float t[16];
    f32_store(t, x);
    memcpy(p, t, n * sizeof *p);
}
GF_INLINE f32x16 f32_add(f32x16 x, f32x16 y) { GF_F32(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)); }
GF_INLINE f32x16 f32_sub(f32x16 x, f32x16 y) { GF_F32(_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)); }
GF_INLINE f32x16 f32_mul(f32x16 x, f32x16 y) { GF_F32(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)); }
GF_INLINE f32x16 f32_div(f32x16 x, f32x16 y) { GF_F32(_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)); }
GF_INLINE f32x16 f32_fma(f32x16 x, f32x16 y, f32x16 z) {
    GF_F32(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}
GF_INLINE f32x16 f32_fnma(f32x16 x, f32x16 y, f32x16 z) {
    GF_F32(_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b));
}
GF_INLINE f32x16 f32_max(f32x16 x, f32x16 y) { GF_F32(_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)); }
GF_INLINE f32x16 f32_held(f32x16 x) {
    GF_HELD(x.a);
    GF_HELD(x.b);
    return x;
}
GF_INLINE m32x16 f32_less(f32x16 x, f32x16 y) {
    GF_F32(_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ));
}
GF_INLINE m32x16 f32_equal(f32x16 x, f32x16 y) {
    GF_F32(_mm256_cmp_ps(x.a, y.a, _CMP_EQ_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_EQ_OQ));
}
GF_INLINE m32x16 f32_not_less(f32x16 x, f32x16 y) {
    GF_F32(_mm256_cmp_ps(x.a, y.a, _CMP_NLT_UQ), _mm256_cmp_ps(x.b, y.b, _CMP_NLT_UQ));
}
GF_INLINE m32x16 f32_unordered(f32x16 x, f32x16 y) {
    GF_F32(_mm256_cmp_ps(x.a, y.a, _CMP_UNORD_Q), _mm256_cmp_ps(x.b, y.b, _CMP_UNORD_Q));
}
GF_INLINE f32x16 f32_select(m32x16 m, f32x16 yes, f32x16 no) {
    GF_F32(_mm256_blendv_ps(no.a, yes.a, m.a), _mm256_blendv_ps(no.b, yes.b, m.b));
}
GF_INLINE m32x16 f32_mask_none(void) { GF_F32(_mm256_setzero_ps(), _mm256_setzero_ps()); }
GF_INLINE m32x16 f32_mask_or(m32x16 x, m32x16 y) { GF_F32(_mm256_or_ps(x.a, y.a), _mm256_or_ps(x.b, y.b)); }
GF_INLINE uint32_t f32_mask_bits(m32x16 m) {
    return (uint32_t)_mm256_movemask_ps(m.a) | (uint32_t)_mm256_movemask_ps(m.b) << 8;
}
GF_INLINE m32x16 f32_mask_of_bits(uint32_t bits) {
    const __m256i all = _mm256_set1_epi32((int)bits), low = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i high = _mm256_slli_epi32(low, 8);
    GF_F32(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all, low), low)),
           _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all, high), high)));
}
GF_INLINE u32x16 f32_as_bits(f32x16 x) { GF_INT(_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)); }
GF_INLINE f32x16 f32_from_bits(u32x16 x) { GF_F32(_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)); }
GF_INLINE f32x16 f32_from_u31(u32x16 x) { GF_F32(_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)); }
GF_INLINE u32x16 f32_to_u31(f32x16 x) { GF_INT(_mm256_cvttps_epi32(x.a), _mm256_cvttps_epi32(x.b)); }
GF_INLINE __m256 gf_ldexp_ps(__m256 x, __m256 n) {
    /* In two steps, so that a subnormal result is rounded once and 2^n itself need not be representable. */
    __m256i k = _mm256_cvtps_epi32(n), bias = _mm256_set1_epi32(127), half = _mm256_srai_epi32(k, 1);
    __m256i rest = _mm256_sub_epi32(k, half);
    x = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}
GF_INLINE f32x16 f32_scale(f32x16 x, f32x16 n) { GF_F32(gf_ldexp_ps(x.a, n.a), gf_ldexp_ps(x.b, n.b)); }
GF_INLINE f32x16_table8 f32_table(const float t[8]) { return _mm256_loadu_ps(t); }
GF_INLINE f32x16 f32_lookup(f32x16_table8 t, u32x16 i) {
    GF_F32(_mm256_permutevar8x32_ps(t, i.a), _mm256_permutevar8x32_ps(t, i.b));
}
GF_INLINE __m256 gf_max_pairs_ps(__m256 x, __m256 y) {
    return _mm256_max_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y));
}
GF_INLINE __m256 gf_max_quads_ps(__m256 x, __m256 y) {
    __m256d p = _mm256_castps_pd(x), q = _mm256_castps_pd(y);
    return _mm256_max_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(p, q)), _mm256_castpd_ps(_mm256_unpackhi_pd(p, q)));
}
typedef __m256 f32x16_maxima;
GF_INLINE f32x16_maxima f32_maxima_of(f32x16 v0, f32x16 v1, f32x16 v2, f32x16 v3) {
    __m256 x = gf_max_pairs_ps(_mm256_max_ps(v0.a, v0.b), _mm256_max_ps(v1.a, v1.b));
    __m256 y = gf_max_pairs_ps(_mm256_max_ps(v2.a, v2.b), _mm256_max_ps(v3.a, v3.b));
    return gf_max_quads_ps(x, y);
}
GF_INLINE __m256 gf_max_across_ps(__m256 x, __m256 y) {
    return _mm256_max_ps(_mm256_permute2f128_ps(x, y, 0x20), _mm256_permute2f128_ps(x, y, 0x31));
}
GF_INLINE f32x16 f32_maxima_join(f32x16_maxima a, f32x16_maxima b, f32x16_maxima c, f32x16_maxima d) {
    GF_F32(gf_max_across_ps(a, b), gf_max_across_ps(c, d));
}
GF_INLINE float f32_max_lane(f32x16 x) {
    __m256 y = _mm256_max_ps(x.a, x.b);
    __m128 z = _mm_max_ps(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));
    z = _mm_max_ps(z, _mm_movehl_ps(z, z));
    return _mm_cvtss_f32(_mm_max_ss(z, _mm_shuffle_ps(z, z, 1)));
}

/* -- double --------------------------------------------------------------------------------------------------- */
GF_INLINE f64x8 f64_set(double x) { GF_F64(_mm256_set1_pd(x), _mm256_set1_pd(x)); }
GF_INLINE f64x8 f64_load(const double *p) { GF_F64(_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)); }
GF_INLINE void f64_store(double *p, f64x8 x) {
    _mm256_storeu_pd(p, x.a);
    _mm256_storeu_pd(p + 4, x.b);
}
GF_INLINE f64x8 f64_load_tail(const double *p, size_t n, double fill) {
    u32x16 m = gf_first64(n);
    __m256d f = _mm256_set1_pd(fill);
    GF_F64(_mm256_blendv_pd(f, _mm256_maskload_pd(p, m.a), _mm256_castsi256_pd(m.a)),
           _mm256_blendv_pd(f, _mm256_maskload_pd(p + 4, m.b), _mm256_castsi256_pd(m.b)));
}
GF_INLINE void f64_store_tail(double *p, size_t n, f64x8 x) {
    double t[8];
    f64_store(t, x);
    memcpy(p, t, n * sizeof *p);
}
GF_INLINE f64x8 f64_add(f64x8 x, f64x8 y) { GF_F64(_mm256_add_pd(x.a, y.a), _mm256_add_pd(x.b, y.b)); }
GF_INLINE f64x8 f64_sub(f64x8 x, f64x8 y) { GF_F64(_mm256_sub_pd(x.a, y.a), _mm256_sub_pd(x.b, y.b)); }
GF_INLINE f64x8 f64_mul(f64x8 x, f64x8 y) { GF_F64(_mm256_mul_pd(x.a, y.a), _mm256_mul_pd(x.b, y.b)); }
GF_INLINE f64x8 f64_div(f64x8 x, f64x8 y) { GF_F64(_mm256_div_pd(x.a, y.a), _mm256_div_pd(x.b, y.b)); }
GF_INLINE f64x8 f64_fma(f64x8 x, f64x8 y, f64x8 z) {
    GF_F64(_mm256_fmadd_pd(x.a, y.a, z.a), _mm256_fmadd_pd(x.b, y.b, z.b));
}
GF_INLINE f64x8 f64_fnma(f64x8 x, f64x8 y, f64x8 z) {
    GF_F64(_mm256_fnmadd_pd(x.a, y.a, z.a), _mm256_fnmadd_pd(x.b, y.b, z.b));
}
GF_INLINE f64x8 f64_max(f64x8 x, f64x8 y) { GF_F64(_mm256_max_pd(x.a, y.a), _mm256_max_pd(x.b, y.b)); }
GF_INLINE f64x8 f64_held(f64x8 x) {
    GF_HELD(x.a);
    GF_HELD(x.b);
    return x;
}
GF_INLINE m64x8 f64_less(f64x8 x, f64x8 y) {
    GF_F64(_mm256_cmp_pd(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_pd(x.b, y.b, _CMP_LT_OQ));
}
GF_INLINE m64x8 f64_equal(f64x8 x, f64x8 y) {
    GF_F64(_mm256_cmp_pd(x.a, y.a, _CMP_EQ_OQ), _mm256_cmp_pd(x.b, y.b, _CMP_EQ_OQ));
}
GF_INLINE m64x8 f64_not_less(f64x8 x, f64x8 y) {
    GF_F64(_mm256_cmp_pd(x.a, y.a, _CMP_NLT_UQ), _mm256_cmp_pd(x.b, y.b, _CMP_NLT_UQ));
}
GF_INLINE m64x8 f64_unordered(f64x8 x, f64x8 y) {
    GF_F64(_mm256_cmp_pd(x.a, y.a, _CMP_UNORD_Q), _mm256_cmp_pd(x.b, y.b, _CMP_UNORD_Q));
}
GF_INLINE f64x8 f64_select(m64x8 m, f64x8 yes, f64x8 no) {
    GF_F64(_mm256_blendv_pd(no.a, yes.a, m.a), _mm256_blendv_pd(no.b, yes.b, m.b));
}
GF_INLINE m64x8 f64_mask_none(void) { GF_F64(_mm256_setzero_pd(), _mm256_setzero_pd()); }
GF_INLINE m64x8 f64_mask_or(m64x8 x, m64x8 y) { GF_F64(_mm256_or_pd(x.a, y.a), _mm256_or_pd(x.b, y.b)); }
GF_INLINE uint32_t f64_mask_bits(m64x8 m) {
    return (uint32_t)_mm256_movemask_pd(m.a) | (uint32_t)_mm256_movemask_pd(m.b) << 4;
}
GF_INLINE m64x8 f64_mask_of_bits(uint32_t bits) {
    const __m256i all = _mm256_set1_epi64x((int64_t)bits), low = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i high = _mm256_slli_epi64(low, 4);
    GF_F64(_mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(all, low), low)),
           _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(all, high), high)));
}
GF_INLINE u64x8 f64_as_bits(f64x8 x) { GF_INT(_mm256_castpd_si256(x.a), _mm256_castpd_si256(x.b)); }
GF_INLINE f64x8 f64_from_bits(u64x8 x) { GF_F64(_mm256_castsi256_pd(x.a), _mm256_castsi256_pd(x.b)); }
GF_INLINE __m256d gf_u63_to_pd(__m256i x) {
    /* 2^84 + high half and 2^52 + low half are exact; only the last addition rounds. */
    __m256i high = _mm256_or_si256(_mm256_srli_epi64(x, 32), _mm256_set1_epi64x(0x4530000000000000));
    __m256i low = _mm256_blend_epi32(x, _mm256_set1_epi64x(0x4330000000000000), 0xaa);
    __m256d shifted = _mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_set1_pd(0x1.00000001p84));
    return _mm256_add_pd(shifted, _mm256_castsi256_pd(low));
}
GF_INLINE f64x8 f64_from_u63(u64x8 x) { GF_F64(gf_u63_to_pd(x.a), gf_u63_to_pd(x.b)); }
GF_INLINE __m256d gf_ldexp_pd(__m256d x, __m256d n) {
    __m128i k = _mm256_cvtpd_epi32(n), half = _mm_srai_epi32(k, 1), rest = _mm_sub_epi32(k, half);
    __m256i bias = _mm256_set1_epi64x(1023);
    __m256i p = _mm256_slli_epi64(_mm256_add_epi64(_mm256_cvtepi32_epi64(half), bias), 52);
    __m256i q = _mm256_slli_epi64(_mm256_add_epi64(_mm256_cvtepi32_epi64(rest), bias), 52);
    return _mm256_mul_pd(_mm256_mul_pd(x, _mm256_castsi256_pd(p)), _mm256_castsi256_pd(q));
}
GF_INLINE f64x8 f64_scale(f64x8 x, f64x8 n) { GF_F64(gf_ldexp_pd(x.a, n.a), gf_ldexp_pd(x.b, n.b)); }
GF_INLINE f64x8_table16 f64_table(const double t[16]) { return (f64x8_table16){t}; }
GF_INLINE f64x8 f64_lookup(f64x8_table16 t, u64x8 i) {
    const __m256i low4 = _mm256_set1_epi64x(15);
    GF_F64(_mm256_i64gather_pd(t.values, _mm256_and_si256(i.a, low4), 8),
           _mm256_i64gather_pd(t.values, _mm256_and_si256(i.b, low4), 8));
}
typedef __m256d f64x8_maxima;
GF_INLINE f64x8_maxima f64_maxima_of(f64x8 v0, f64x8 v1) {
    __m256d x = _mm256_max_pd(v0.a, v0.b), y = _mm256_max_pd(v1.a, v1.b);
    return _mm256_max_pd(_mm256_unpacklo_pd(x, y), _mm256_unpackhi_pd(x, y));
}
GF_INLINE __m256d gf_max_across_pd(__m256d x, __m256d y) {
    return _mm256_max_pd(_mm256_permute2f128_pd(x, y, 0x20), _mm256_permute2f128_pd(x, y, 0x31));
}
GF_INLINE f64x8 f64_maxima_join(f64x8_maxima a, f64x8_maxima b, f64x8_maxima c, f64x8_maxima d) {
    GF_F64(gf_max_across_pd(a, b), gf_max_across_pd(c, d));
}
GF_INLINE double f64_max_lane(f64x8 x) {
    __m256d y = _mm256_max_pd(x.a, x.b);
    __m128d z = _mm_max_pd(_mm256_castpd256_pd128(y), _mm256_extractf128_pd(y, 1));
    return _mm_cvtsd_f64(_mm_max_sd(z, _mm_unpackhi_pd(z, z)));
}
GF_INLINE f64x8 gf_widen(__m256 x) {
    GF_F64(_mm256_cvtps_pd(_mm256_castps256_ps128(x)), _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
}
GF_INLINE f64x8 f64_widen_low(f32x16 x) { return gf_widen(x.a); }
GF_INLINE f64x8 f64_widen_high(f32x16 x) { return gf_widen(x.b); }
GF_INLINE __m256 gf_narrow(f64x8 x) { return _mm256_set_m128(_mm256_cvtpd_ps(x.b), _mm256_cvtpd_ps(x.a)); }
GF_INLINE f32x16 f32_narrow(f64x8 low, f64x8 high) { GF_F32(gf_narrow(low), gf_narrow(high)); }

/* -- half precision and transposition ------------------------------------------------------------------------------- */
GF_INLINE f32x16 f32_load_f16(const uint16_t *p) {
    GF_F32(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
           _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8))));
}
GF_INLINE __m256 gf_load8_bf16(const uint16_t *p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
GF_INLINE f32x16 f32_load_bf16(const uint16_t *p) { GF_F32(gf_load8_bf16(p), gf_load8_bf16(p + 8)); }
GF_INLINE void gf_transpose8_ps(__m256 v[8]) {
    __m256 t[8];
    for (int i = 0; i < 8; i += 4) {
        __m256 a = _mm256_unpacklo_ps(v[i], v[i + 1]), b = _mm256_unpackhi_ps(v[i], v[i + 1]);
        __m256 c = _mm256_unpacklo_ps(v[i + 2], v[i + 3]), d = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);
        t[i] = _mm256_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
        v[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
    }
}
GF_INLINE void f32_transpose(f32x16 v[16]) {
    __m256 a[8], b[8], c[8], d[8]; /* quarters: rows 0-7 and 8-15, columns 0-7 and 8-15 */
    for (int i = 0; i < 8; i++) {
        a[i] = v[i].a;
        b[i] = v[i].b;
        c[i] = v[8 + i].a;
        d[i] = v[8 + i].b;
    }
    gf_transpose8_ps(a);
    gf_transpose8_ps(b);
    gf_transpose8_ps(c);
    gf_transpose8_ps(d);
    for (int i = 0; i < 8; i++) {
        v[i] = (f32x16){a[i], c[i]};
        v[8 + i] = (f32x16){b[i], d[i]};
    }
}
GF_INLINE void gf_transpose4_pd(__m256d v[4]) {
    __m256d a = _mm256_unpacklo_pd(v[0], v[1]), b = _mm256_unpackhi_pd(v[0], v[1]);
    __m256d c = _mm256_unpacklo_pd(v[2], v[3]), d = _mm256_unpackhi_pd(v[2], v[3]);
    v[0] = _mm256_permute2f128_pd(a, c, 0x20);
    v[1] = _mm256_permute2f128_pd(b, d, 0x20);
    v[2] = _mm256_permute2f128_pd(a, c, 0x31);
    v[3] = _mm256_permute2f128_pd(b, d, 0x31);
}
GF_INLINE void f64_transpose(f64x8 v[8]) {
    __m256d a[4], b[4], c[4], d[4];
    for (int i = 0; i < 4; i++) {
        a[i] = v[i].a;
        b[i] = v[i].b;
        c[i] = v[4 + i].a;
        d[i] = v[4 + i].b;
    }
    gf_transpose4_pd(a);
    gf_transpose4_pd(b);
    gf_transpose4_pd(c);
    gf_transpose4_pd(d);
    for (int i = 0; i < 4; i++) {
        v[i] = (f64x8){a[i], c[i]};
        v[4 + i] = (f64x8){b[i], d[i]};
    }
}

/* Bit i: byte i of the sixteen at p is not 0. */
GF_INLINE uint32_t u8_bits_of(const uint8_t *p) {
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128())) ^ 0xffff;
}

/* -- integers ------------------------------------------------------------------------------------------------- */
GF_INLINE u32x16 u32_set(uint32_t x) { GF_INT(_mm256_set1_epi32((int)x), _mm256_set1_epi32((int)x)); }
GF_INLINE u32x16 u32_load(const uint32_t *p) {
    GF_INT(_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8)));
}
GF_INLINE void u32_store(uint32_t *p, u32x16 x) {
    _mm256_storeu_si256((__m256i *)p, x.a);
    _mm256_storeu_si256((__m256i *)(p + 8), x.b);
}
GF_INLINE u32x16 u32_add(u32x16 x, u32x16 y) { GF_INT(_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)); }
GF_INLINE u32x16 u32_sub(u32x16 x, u32x16 y) { GF_INT(_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)); }
GF_INLINE u32x16 u32_and(u32x16 x, u32x16 y) { GF_INT(_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)); }
GF_INLINE u32x16 u32_or(u32x16 x, u32x16 y) { GF_INT(_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)); }
GF_INLINE u32x16 u32_xor(u32x16 x, u32x16 y) { GF_INT(_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)); }
GF_INLINE u32x16 u32_min(u32x16 x, u32x16 y) { GF_INT(_mm256_min_epu32(x.a, y.a), _mm256_min_epu32(x.b, y.b)); }
GF_INLINE u32x16 u32_max_words(u32x16 x, u32x16 y) { GF_INT(_mm256_max_epu32(x.a, y.a), _mm256_max_epu32(x.b, y.b)); }
GF_INLINE m32x16 u32_top_bit(u32x16 x) {
    GF_F32(_mm256_castsi256_ps(_mm256_srai_epi32(x.a, 31)), _mm256_castsi256_ps(_mm256_srai_epi32(x.b, 31)));
}
#define u32_shift_left(x, k) ((u32x16){_mm256_slli_epi32((x).a, k), _mm256_slli_epi32((x).b, k)})
#define u32_shift_right(x, k) ((u32x16){_mm256_srli_epi32((x).a, k), _mm256_srli_epi32((x).b, k)})

GF_INLINE u64x8 u64_set(uint64_t x) { GF_INT(_mm256_set1_epi64x((long long)x), _mm256_set1_epi64x((long long)x)); }
GF_INLINE u64x8 u64_load(const uint64_t *p) { return u32_load((const uint32_t *)p); }
GF_INLINE u64x8 u64_add(u64x8 x, u64x8 y) { GF_INT(_mm256_add_epi64(x.a, y.a), _mm256_add_epi64(x.b, y.b)); }
GF_INLINE u64x8 u64_sub(u64x8 x, u64x8 y) { GF_INT(_mm256_sub_epi64(x.a, y.a), _mm256_sub_epi64(x.b, y.b)); }
GF_INLINE u64x8 u64_and(u64x8 x, u64x8 y) { return u32_and(x, y); }
GF_INLINE u64x8 u64_or(u64x8 x, u64x8 y) { return u32_or(x, y); }
GF_INLINE u64x8 u64_xor(u64x8 x, u64x8 y) { return u32_xor(x, y); }
GF_INLINE u64x8 u64_xor3(u64x8 x, u64x8 y, u64x8 z) { return u32_xor(u32_xor(x, y), z); }
GF_INLINE __m256i gf_top_bit_mask(__m256i x) { return _mm256_cmpgt_epi64(_mm256_setzero_si256(), x); }
GF_INLINE u64x8 u64_max_words(u64x8 x, u64x8 y) { return u32_max_words(x, y); }
GF_INLINE u64x8 u64_flip_if_top(u64x8 x) {
    GF_INT(_mm256_xor_si256(x.a, gf_top_bit_mask(x.a)), _mm256_xor_si256(x.b, gf_top_bit_mask(x.b)));
}
/* blendv reads the top bit alone, so the value serves as its own mask. */
GF_INLINE m64x8 u64_top_bit(u64x8 x) { return f64_from_bits(x); }
GF_INLINE u64x8 u64_mul_low32(u64x8 x, u64x8 y) { GF_INT(_mm256_mul_epu32(x.a, y.a), _mm256_mul_epu32(x.b, y.b)); }
#define u64_shift_left(x, k) ((u64x8){_mm256_slli_epi64((x).a, k), _mm256_slli_epi64((x).b, k)})
#define u64_shift_right(x, k) ((u64x8){_mm256_srli_epi64((x).a, k), _mm256_srli_epi64((x).b, k)})

GF_INLINE void u64_store(uint64_t *p, u64x8 x) { u32_store((uint32_t *)p, x); }
GF_INLINE u64x8 u64_gather(const uint64_t *table, u64x8 index) {
    GF_INT(_mm256_i64gather_epi64((const long long *)table, index.a, 8),
           _mm256_i64gather_epi64((const long long *)table, index.b, 8));
}
/* -- Philox words into memory order (lane order: see scalar.h) -------------------------------------------------- */
GF_INLINE __m256i gf_pair_words(__m256i x, __m256i y) {
    return _mm256_blend_epi32(x, _mm256_shuffle_epi32(y, 0xa0), 0xaa);
}
GF_INLINE u32x16 u64_pair_words(u64x8 x, u64x8 y) { GF_INT(gf_pair_words(x.a, y.a), gf_pair_words(x.b, y.b)); }
GF_INLINE void u64_pack_words(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u32x16 *first, u32x16 *second) {
    __m256i p = gf_pair_words(x0.a, x1.a), q = gf_pair_words(x2.a, x3.a);
    __m256i r = gf_pair_words(x0.b, x1.b), s = gf_pair_words(x2.b, x3.b);
    *first = (u32x16){_mm256_unpacklo_epi64(p, q), _mm256_unpacklo_epi64(r, s)};
    *second = (u32x16){_mm256_unpackhi_epi64(p, q), _mm256_unpackhi_epi64(r, s)};
}
GF_INLINE u64x8 gf_interleave128(__m256i x, __m256i y) {
    GF_INT(_mm256_permute2x128_si256(x, y, 0x20), _mm256_permute2x128_si256(x, y, 0x31));
}
GF_INLINE void u64_transpose(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u64x8 out[4]) {
    out[0] = gf_interleave128(_mm256_unpacklo_epi64(x0.a, x1.a), _mm256_unpacklo_epi64(x2.a, x3.a));
    out[1] = gf_interleave128(_mm256_unpacklo_epi64(x0.b, x1.b), _mm256_unpacklo_epi64(x2.b, x3.b));
    out[2] = gf_interleave128(_mm256_unpackhi_epi64(x0.a, x1.a), _mm256_unpackhi_epi64(x2.a, x3.a));
    out[3] = gf_interleave128(_mm256_unpackhi_epi64(x0.b, x1.b), _mm256_unpackhi_epi64(x2.b, x3.b));
}

#undef GF_F32
#undef GF_F64
#undef GF_INT
#endif
