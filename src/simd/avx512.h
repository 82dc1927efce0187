/* SIMD vocabulary, AVX-512 (F, DQ, BW, VL): one zmm register holds 16 floats or 8 doubles.
 *
 * The words are defined and explained in simd/scalar.h; this file only spells them in intrinsics.
 * No algorithm lives here. */
#ifndef GF_SIMD_AVX512_H
#define GF_SIMD_AVX512_H

#include "simd/common.h"
#include <immintrin.h>

typedef __m512 f32x16;
typedef __m512i u32x16;
typedef __m512d f64x8;
typedef __m512i u64x8;
typedef __mmask16 m32x16;
typedef __mmask8 m64x8;
typedef __m512 f32x16_table8;
typedef struct {
    __m512d low, high;
} f64x8_table16;

/* -- float ---------------------------------------------------------------------------------------------------- */
#if defined(__GNUC__)
#define GF_HELD(x) __asm__("" : "+v"(x))
#else
#define GF_HELD(x) (void)(x)
#endif

GF_INLINE f32x16 f32_set(float a) { return _mm512_set1_ps(a); }
GF_INLINE f32x16 f32_load(const float *p) { return _mm512_loadu_ps(p); }
GF_INLINE f32x16 f32_load_tail(const float *p, size_t n, float fill) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16)((1u << n) - 1u), p);
}
GF_INLINE void f32_store(float *p, f32x16 a) { _mm512_storeu_ps(p, a); }
GF_INLINE void f32_store_tail(float *p, size_t n, f32x16 a) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), a);
}
GF_INLINE f32x16 f32_add(f32x16 a, f32x16 b) { return _mm512_add_ps(a, b); }
GF_INLINE f32x16 f32_sub(f32x16 a, f32x16 b) { return _mm512_sub_ps(a, b); }
GF_INLINE f32x16 f32_mul(f32x16 a, f32x16 b) { return _mm512_mul_ps(a, b); }
GF_INLINE f32x16 f32_div(f32x16 a, f32x16 b) { return _mm512_div_ps(a, b); }
GF_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fmadd_ps(a, b, c); }
GF_INLINE f32x16 f32_fnma(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fnmadd_ps(a, b, c); }
GF_INLINE f32x16 f32_max(f32x16 a, f32x16 b) { return _mm512_max_ps(a, b); }
GF_INLINE f32x16 f32_held(f32x16 a) {
    GF_HELD(a);
    return a;
}
GF_INLINE m32x16 f32_less(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
GF_INLINE m32x16 f32_equal(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
GF_INLINE m32x16 f32_not_less(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }
GF_INLINE m32x16 f32_unordered(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
GF_INLINE f32x16 f32_select(m32x16 m, f32x16 yes, f32x16 no) { return _mm512_mask_blend_ps(m, no, yes); }
GF_INLINE m32x16 f32_mask_none(void) { return 0; }
GF_INLINE m32x16 f32_mask_or(m32x16 a, m32x16 b) { return (m32x16)(a | b); }
GF_INLINE uint32_t f32_mask_bits(m32x16 m) { return m; }
GF_INLINE m32x16 f32_mask_of_bits(uint32_t bits) { return (m32x16)bits; }
GF_INLINE u32x16 f32_as_bits(f32x16 a) { return _mm512_castps_si512(a); }
GF_INLINE f32x16 f32_from_bits(u32x16 a) { return _mm512_castsi512_ps(a); }
GF_INLINE f32x16 f32_from_u31(u32x16 a) { return _mm512_cvtepi32_ps(a); }
GF_INLINE u32x16 f32_to_u31(f32x16 a) { return _mm512_cvttps_epi32(a); }
GF_INLINE f32x16 f32_scale(f32x16 a, f32x16 n) { return _mm512_scalef_ps(a, n); }
GF_INLINE f32x16_table8 f32_table(const float t[8]) { return _mm512_broadcast_f32x8(_mm256_loadu_ps(t)); }
GF_INLINE f32x16 f32_lookup(f32x16_table8 t, u32x16 i) { return _mm512_permutexvar_ps(i, t); }
GF_INLINE float f32_max_lane(f32x16 a) { return _mm512_reduce_max_ps(a); }
typedef f32x16 f32x16_maxima;
GF_INLINE f32x16_maxima f32_maxima_of(f32x16 v0, f32x16 v1, f32x16 v2, f32x16 v3) {
    __m512 x = _mm512_max_ps(_mm512_unpacklo_ps(v0, v1), _mm512_unpackhi_ps(v0, v1));
    __m512 y = _mm512_max_ps(_mm512_unpacklo_ps(v2, v3), _mm512_unpackhi_ps(v2, v3));
    __m512d p = _mm512_castps_pd(x), q = _mm512_castps_pd(y);
    return _mm512_max_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(p, q)), _mm512_castpd_ps(_mm512_unpackhi_pd(p, q)));
}
GF_INLINE __m512 gf_max_across_ps(__m512 x, __m512 y) {
    return _mm512_max_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xdd));
}
GF_INLINE f32x16 f32_maxima_join(f32x16_maxima a, f32x16_maxima b, f32x16_maxima c, f32x16_maxima d) {
    return gf_max_across_ps(gf_max_across_ps(a, b), gf_max_across_ps(c, d));
}

/* -- double --------------------------------------------------------------------------------------------------- */
GF_INLINE f64x8 f64_set(double a) { return _mm512_set1_pd(a); }
GF_INLINE f64x8 f64_load(const double *p) { return _mm512_loadu_pd(p); }
GF_INLINE f64x8 f64_load_tail(const double *p, size_t n, double fill) {
    return _mm512_mask_loadu_pd(_mm512_set1_pd(fill), (__mmask8)((1u << n) - 1u), p);
}
GF_INLINE void f64_store(double *p, f64x8 a) { _mm512_storeu_pd(p, a); }
GF_INLINE void f64_store_tail(double *p, size_t n, f64x8 a) { _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1u), a); }
GF_INLINE f64x8 f64_add(f64x8 a, f64x8 b) { return _mm512_add_pd(a, b); }
GF_INLINE f64x8 f64_sub(f64x8 a, f64x8 b) { return _mm512_sub_pd(a, b); }
GF_INLINE f64x8 f64_mul(f64x8 a, f64x8 b) { return _mm512_mul_pd(a, b); }
GF_INLINE f64x8 f64_div(f64x8 a, f64x8 b) { return _mm512_div_pd(a, b); }
GF_INLINE f64x8 f64_fma(f64x8 a, f64x8 b, f64x8 c) { return _mm512_fmadd_pd(a, b, c); }
GF_INLINE f64x8 f64_fnma(f64x8 a, f64x8 b, f64x8 c) { return _mm512_fnmadd_pd(a, b, c); }
GF_INLINE f64x8 f64_max(f64x8 a, f64x8 b) { return _mm512_max_pd(a, b); }
GF_INLINE f64x8 f64_held(f64x8 a) {
    GF_HELD(a);
    return a;
}
GF_INLINE m64x8 f64_less(f64x8 a, f64x8 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
GF_INLINE m64x8 f64_equal(f64x8 a, f64x8 b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
GF_INLINE m64x8 f64_not_less(f64x8 a, f64x8 b) { return _mm512_cmp_pd_mask(a, b, _CMP_NLT_UQ); }
GF_INLINE m64x8 f64_unordered(f64x8 a, f64x8 b) { return _mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q); }
GF_INLINE f64x8 f64_select(m64x8 m, f64x8 yes, f64x8 no) { return _mm512_mask_blend_pd(m, no, yes); }
GF_INLINE m64x8 f64_mask_none(void) { return 0; }
GF_INLINE m64x8 f64_mask_or(m64x8 a, m64x8 b) { return (m64x8)(a | b); }
GF_INLINE uint32_t f64_mask_bits(m64x8 m) { return m; }
GF_INLINE m64x8 f64_mask_of_bits(uint32_t bits) { return (m64x8)bits; }
GF_INLINE u64x8 f64_as_bits(f64x8 a) { return _mm512_castpd_si512(a); }
GF_INLINE f64x8 f64_from_bits(u64x8 a) { return _mm512_castsi512_pd(a); }
GF_INLINE f64x8 f64_from_u63(u64x8 a) { return _mm512_cvtepi64_pd(a); }
GF_INLINE f64x8 f64_scale(f64x8 a, f64x8 n) { return _mm512_scalef_pd(a, n); }
GF_INLINE f64x8_table16 f64_table(const double t[16]) {
    f64x8_table16 r = {_mm512_loadu_pd(t), _mm512_loadu_pd(t + 8)};
    return r;
}
GF_INLINE f64x8 f64_lookup(f64x8_table16 t, u64x8 i) { return _mm512_permutex2var_pd(t.low, i, t.high); }
GF_INLINE double f64_max_lane(f64x8 a) { return _mm512_reduce_max_pd(a); }
GF_INLINE f64x8 f64_widen_low(f32x16 a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
GF_INLINE f64x8 f64_widen_high(f32x16 a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }
GF_INLINE f32x16 f32_narrow(f64x8 low, f64x8 high) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}
typedef f64x8 f64x8_maxima;
GF_INLINE f64x8_maxima f64_maxima_of(f64x8 v0, f64x8 v1) {
    return _mm512_max_pd(_mm512_unpacklo_pd(v0, v1), _mm512_unpackhi_pd(v0, v1));
}
GF_INLINE __m512d gf_max_across_pd(__m512d x, __m512d y) {
    return _mm512_max_pd(_mm512_shuffle_f64x2(x, y, 0x88), _mm512_shuffle_f64x2(x, y, 0xdd));
}
GF_INLINE f64x8 f64_maxima_join(f64x8_maxima a, f64x8_maxima b, f64x8_maxima c, f64x8_maxima d) {
    return gf_max_across_pd(gf_max_across_pd(a, b), gf_max_across_pd(c, d));
}

/* -- half precision and transposition ------------------------------------------------------------------------------- */
GF_INLINE f32x16 f32_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
GF_INLINE f32x16 f32_load_bf16(const uint16_t *p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
GF_INLINE void f32_transpose(f32x16 v[16]) {
    __m512 t[16];
    for (int i = 0; i < 16; i += 4) {
        __m512 a = _mm512_unpacklo_ps(v[i], v[i + 1]), b = _mm512_unpackhi_ps(v[i], v[i + 1]);
        __m512 c = _mm512_unpacklo_ps(v[i + 2], v[i + 3]), d = _mm512_unpackhi_ps(v[i + 2], v[i + 3]);
        t[i] = _mm512_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    for (int i = 0; i < 4; i++) { /* t[i + 4 m] holds columns i, 4 + i, 8 + i, 12 + i of rows 4 m to 4 m + 3 */
        __m512 a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88), b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88), d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
        v[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        v[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        v[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        v[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}
GF_INLINE void f64_transpose(f64x8 v[8]) {
    __m512d t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_pd(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_pd(v[i], v[i + 1]);
    }
    for (int i = 0; i < 2; i++) { /* t[i + 2 m] holds columns i, 2 + i, 4 + i, 6 + i of rows 2 m and 2 m + 1 */
        __m512d a = _mm512_shuffle_f64x2(t[i], t[i + 2], 0x88), b = _mm512_shuffle_f64x2(t[i], t[i + 2], 0xdd);
        __m512d c = _mm512_shuffle_f64x2(t[i + 4], t[i + 6], 0x88), d = _mm512_shuffle_f64x2(t[i + 4], t[i + 6], 0xdd);
        v[i] = _mm512_shuffle_f64x2(a, c, 0x88);
        v[i + 2] = _mm512_shuffle_f64x2(b, d, 0x88);
        v[i + 4] = _mm512_shuffle_f64x2(a, c, 0xdd);
        v[i + 6] = _mm512_shuffle_f64x2(b, d, 0xdd);
    }
}

/* Bit i: byte i of the sixteen at p is not 0. */
GF_INLINE uint32_t u8_bits_of(const uint8_t *p) {
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm_test_epi8_mask(x, x);
}

/* -- integers ------------------------------------------------------------------------------------------------- */
GF_INLINE u32x16 u32_set(uint32_t a) { return _mm512_set1_epi32((int)a); }
GF_INLINE u32x16 u32_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
GF_INLINE void u32_store(uint32_t *p, u32x16 a) { _mm512_storeu_si512(p, a); }
GF_INLINE u32x16 u32_add(u32x16 a, u32x16 b) { return _mm512_add_epi32(a, b); }
GF_INLINE u32x16 u32_sub(u32x16 a, u32x16 b) { return _mm512_sub_epi32(a, b); }
GF_INLINE u32x16 u32_and(u32x16 a, u32x16 b) { return _mm512_and_si512(a, b); }
GF_INLINE u32x16 u32_or(u32x16 a, u32x16 b) { return _mm512_or_si512(a, b); }
GF_INLINE u32x16 u32_xor(u32x16 a, u32x16 b) { return _mm512_xor_si512(a, b); }
GF_INLINE u32x16 u32_min(u32x16 a, u32x16 b) { return _mm512_min_epu32(a, b); }
GF_INLINE u32x16 u32_max_words(u32x16 a, u32x16 b) { return _mm512_max_epu32(a, b); }
GF_INLINE m32x16 u32_top_bit(u32x16 a) { return _mm512_movepi32_mask(a); }
#define u32_shift_left(a, k) _mm512_slli_epi32(a, k)
#define u32_shift_right(a, k) _mm512_srli_epi32(a, k)

GF_INLINE u64x8 u64_set(uint64_t a) { return _mm512_set1_epi64((long long)a); }
GF_INLINE u64x8 u64_load(const uint64_t *p) { return _mm512_loadu_si512(p); }
GF_INLINE u64x8 u64_add(u64x8 a, u64x8 b) { return _mm512_add_epi64(a, b); }
GF_INLINE u64x8 u64_sub(u64x8 a, u64x8 b) { return _mm512_sub_epi64(a, b); }
GF_INLINE u64x8 u64_and(u64x8 a, u64x8 b) { return _mm512_and_si512(a, b); }
GF_INLINE u64x8 u64_or(u64x8 a, u64x8 b) { return _mm512_or_si512(a, b); }
GF_INLINE u64x8 u64_xor(u64x8 a, u64x8 b) { return _mm512_xor_si512(a, b); }
GF_INLINE u64x8 u64_xor3(u64x8 a, u64x8 b, u64x8 c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
GF_INLINE u64x8 u64_max_words(u64x8 a, u64x8 b) { return _mm512_max_epu32(a, b); }
GF_INLINE u64x8 u64_flip_if_top(u64x8 a) { return _mm512_xor_si512(a, _mm512_srai_epi64(a, 63)); }
GF_INLINE m64x8 u64_top_bit(u64x8 a) { return _mm512_movepi64_mask(a); }
GF_INLINE u64x8 u64_mul_low32(u64x8 a, u64x8 b) { return _mm512_mul_epu32(a, b); }
#define u64_shift_left(a, k) _mm512_slli_epi64(a, k)
#define u64_shift_right(a, k) _mm512_srli_epi64(a, k)

GF_INLINE void u64_store(uint64_t *p, u64x8 a) { _mm512_storeu_si512(p, a); }
GF_INLINE u64x8 u64_gather(const uint64_t *table, u64x8 index) { return _mm512_i64gather_epi64(index, table, 8); }

/* -- Philox words into memory order (lane order: see scalar.h) -------------------------------------------------- */
GF_INLINE u32x16 u64_pair_words(u64x8 x, u64x8 y) { return _mm512_mask_shuffle_epi32(x, 0xaaaa, y, _MM_PERM_CCAA); }
GF_INLINE void u64_pack_words(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u32x16 *first, u32x16 *second) {
    const u64x8 a = u64_pair_words(x0, x1), b = u64_pair_words(x2, x3);
    *first = _mm512_unpacklo_epi64(a, b);
    *second = _mm512_unpackhi_epi64(a, b);
}
GF_INLINE void u64_transpose(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u64x8 out[4]) {
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    u64x8 a = _mm512_unpacklo_epi64(x0, x1), b = _mm512_unpacklo_epi64(x2, x3);
    u64x8 c = _mm512_unpackhi_epi64(x0, x1), d = _mm512_unpackhi_epi64(x2, x3);
    out[0] = _mm512_permutex2var_epi64(a, low, b);
    out[1] = _mm512_permutex2var_epi64(a, high, b);
    out[2] = _mm512_permutex2var_epi64(c, low, d);
    out[3] = _mm512_permutex2var_epi64(c, high, d);
}

#endif
