/* SIMD vocabulary, plain C: the definition of every word the kernels are written in. Runs on any CPU.
 *
 * A vector is always 16 floats or 8 doubles, whatever the width of the machine's registers, so a kernel means
 * the same arithmetic, in the same order, on every target. The other files of this folder spell these words in
 * intrinsics and agree with this one bit for bit. No algorithm lives here.
 *
 * Types    f32x16 u32x16 f64x8 u64x8, masks m32x16 m64x8 (a lane is on or off), f32x16_table8 f64x8_table16.
 * Words    NAME(x, y) works lane by lane unless its comment says otherwise.
 *   max          x > y ? x : y; where either is NaN: y
 *   fma, fnma    x * y + z and z - x * y, rounded once
 *   not_less     x >= y or either is NaN
 *   scale        x * 2^n for integral n, -1100 < n < 1100 (float: -151 < n < 130), a subnormal result rounded once
 *   select       where the mask is on the second argument, else the third; u64_top_bit makes a mask for select and mask_bits only
 *   lookup       table[i mod its size]
 *   from_u31/u63 to floating point, the integer below 2^31 or 2^63; to_u31 truncates, and
 *                of what is not in range makes some number
 *   mask_bits    bit i = lane i; mask_of_bits the other way
 *   u8_bits_of   bit i = byte i of sixteen is not 0
 *   load_tail    the first n < lanes elements, then `fill`; store_tail writes the first n alone
 *   mul_low32    product of the low 32 bits of each 64-bit lane; shifts are logical
 *   load_f16, load_bf16  half precision, widened; a signalling NaN may become a quiet one
 *   transpose    lane j of vector i becomes lane i of vector j
 *   gather       table[index] for each lane
 *   maxima_of    the greatest lane of each of LANES / 4 vectors, in a form of the target's own; maxima_join puts four
 *                such results together, the greatest lane of vector i in lane i
 *   pair_words   the low 32 bits of lane i of x in lane 2 i, of y in lane 2 i + 1
 *   max_words    the greater of each two words of 32 bits, of which a lane has one or two
 *   held         the same, which from here on is loaded and not memory: gcc may read twice what is used in two types
 *   flip_if_top  ~x where the top bit is set, else x: min(x, ~x)
 *
 * Philox lane order: lane 2g of a u64x8 belongs to counter g and lane 2g + 1 to counter 4 + g,
 * because then one unpack in each 128-bit group puts the words in memory order at any register width.
 * u64_pack_words takes the four words of eight counters (low halves; the high ones are ignored) to 32 words in
 * order, u64_transpose takes four values of eight counters to 32 values in order. */
#ifndef GF_SIMD_SCALAR_H
#define GF_SIMD_SCALAR_H

#define GF_SCALAR /* for simd/common.h */
#include "fused.h"
#include "simd/common.h"

typedef struct {
    float v[16];
} f32x16;
typedef struct {
    double v[8];
} f64x8;
typedef struct {
    uint32_t v[16];
} u32x16;
typedef struct {
    uint64_t v[8];
} u64x8;
typedef u32x16 m32x16;
typedef u64x8 m64x8;
typedef struct {
    const float *v;
} f32x16_table8;
typedef struct {
    const double *v;
} f64x8_table16;

typedef struct {
    float v[4];
} f32x16_maxima;
typedef struct {
    double v[2];
} f64x8_maxima;

#define GF_LANES(type, lanes, expression)                                                                              \
    type r;                                                                                                            \
    for (int i = 0; i < (lanes); i++)                                                                                  \
        r.v[i] = (expression);                                                                                         \
    return r

/* What is no int, NaN too, becomes 0: C leaves its conversion undefined. */
GF_INLINE int gf_to_int(double x) { return x > -0x1p31 && x < 0x1p31 ? (int)x : 0; }
GF_INLINE float gf_scale_f32(float x, int n) {
    union {
        uint32_t u;
        float f;
    } p = {(uint32_t)((n >> 1) + 127) << 23}, q = {(uint32_t)(n - (n >> 1) + 127) << 23};
    return x * p.f * q.f;
}
GF_INLINE double gf_scale_f64(double x, int n) {
    union {
        uint64_t u;
        double f;
    } p = {(uint64_t)((n >> 1) + 1023) << 52}, q = {(uint64_t)(n - (n >> 1) + 1023) << 52};
    return x * p.f * q.f;
}

/* The words that float and double share, written once. */
#define GF_DEFINE_REAL(F, T, M, U, real, uint, lanes, fma_function)                                                    \
    GF_INLINE T F##_set(real x) { GF_LANES(T, lanes, x); }                                                             \
    GF_INLINE T F##_load(const real *p) {                                                                              \
        T r;                                                                                                           \
        memcpy(r.v, p, sizeof r.v);                                                                                    \
        return r;                                                                                                      \
    }                                                                                                                  \
    GF_INLINE void F##_store(real *p, T x) { memcpy(p, x.v, sizeof x.v); }                                             \
    GF_INLINE T F##_load_tail(const real *p, size_t n, real fill) {                                                    \
        T r = F##_set(fill);                                                                                           \
        memcpy(r.v, p, n * sizeof *p);                                                                                 \
        return r;                                                                                                      \
    }                                                                                                                  \
    GF_INLINE void F##_store_tail(real *p, size_t n, T x) { memcpy(p, x.v, n * sizeof *p); }                           \
    GF_INLINE T F##_add(T x, T y) { GF_LANES(T, lanes, x.v[i] + y.v[i]); }                                             \
    GF_INLINE T F##_sub(T x, T y) { GF_LANES(T, lanes, x.v[i] - y.v[i]); }                                             \
    GF_INLINE T F##_mul(T x, T y) { GF_LANES(T, lanes, x.v[i] * y.v[i]); }                                             \
    GF_INLINE T F##_div(T x, T y) { GF_LANES(T, lanes, x.v[i] / y.v[i]); }                                             \
    GF_INLINE T F##_fma(T x, T y, T z) { GF_LANES(T, lanes, fma_function(x.v[i], y.v[i], z.v[i])); }                   \
    GF_INLINE T F##_fnma(T x, T y, T z) { GF_LANES(T, lanes, fma_function(-x.v[i], y.v[i], z.v[i])); }                 \
    GF_INLINE T F##_max(T x, T y) { GF_LANES(T, lanes, x.v[i] > y.v[i] ? x.v[i] : y.v[i]); }                           \
    GF_INLINE M F##_less(T x, T y) { GF_LANES(M, lanes, x.v[i] < y.v[i] ? ~(uint)0 : 0); }                             \
    GF_INLINE M F##_equal(T x, T y) { GF_LANES(M, lanes, x.v[i] == y.v[i] ? ~(uint)0 : 0); }                           \
    GF_INLINE M F##_not_less(T x, T y) { GF_LANES(M, lanes, x.v[i] < y.v[i] ? 0 : ~(uint)0); }                         \
    GF_INLINE M F##_unordered(T x, T y) { GF_LANES(M, lanes, x.v[i] != x.v[i] || y.v[i] != y.v[i] ? ~(uint)0 : 0); }   \
    GF_INLINE T F##_select(M m, T yes, T no) { GF_LANES(T, lanes, m.v[i] ? yes.v[i] : no.v[i]); }                      \
    GF_INLINE M F##_mask_none(void) { GF_LANES(M, lanes, 0); }                                                         \
    GF_INLINE M F##_mask_or(M x, M y) { GF_LANES(M, lanes, x.v[i] | y.v[i]); }                                         \
    GF_INLINE uint32_t F##_mask_bits(M m) {                                                                            \
        uint32_t bits = 0;                                                                                             \
        for (int i = 0; i < (lanes); i++)                                                                              \
            bits |= (uint32_t)(m.v[i] & 1) << i;                                                                       \
        return bits;                                                                                                   \
    }                                                                                                                  \
    GF_INLINE M F##_mask_of_bits(uint32_t bits) { GF_LANES(M, lanes, bits >> i & 1 ? ~(uint)0 : 0); }                  \
    GF_INLINE U F##_as_bits(T x) {                                                                                     \
        U r;                                                                                                           \
        memcpy(&r, &x, sizeof r);                                                                                      \
        return r;                                                                                                      \
    }                                                                                                                  \
    GF_INLINE T F##_from_bits(U x) {                                                                                   \
        T r;                                                                                                           \
        memcpy(&r, &x, sizeof r);                                                                                      \
        return r;                                                                                                      \
    }                                                                                                                  \
    GF_INLINE T F##_scale(T x, T n) { GF_LANES(T, lanes, gf_scale_##F(x.v[i], gf_to_int(n.v[i]))); }                   \
    GF_INLINE real F##_max_lane(T x) {                                                                                 \
        real greatest = x.v[0];                                                                                        \
        for (int i = 1; i < (lanes); i++)                                                                              \
            greatest = x.v[i] > greatest ? x.v[i] : greatest;                                                          \
        return greatest;                                                                                               \
    }

GF_DEFINE_REAL(f32, f32x16, m32x16, u32x16, float, uint32_t, 16, gf_fmaf)
GF_DEFINE_REAL(f64, f64x8, m64x8, u64x8, double, uint64_t, 8, gf_fma)

GF_INLINE f32x16 f32_from_u31(u32x16 x) { GF_LANES(f32x16, 16, (float)(int32_t)x.v[i]); }
GF_INLINE u32x16 f32_to_u31(f32x16 x) { GF_LANES(u32x16, 16, (uint32_t)gf_to_int(x.v[i])); }
GF_INLINE f64x8 f64_from_u63(u64x8 x) { GF_LANES(f64x8, 8, (double)(int64_t)x.v[i]); }
GF_INLINE f32x16_maxima f32_maxima_of(f32x16 v0, f32x16 v1, f32x16 v2, f32x16 v3) {
    return (f32x16_maxima){{f32_max_lane(v0), f32_max_lane(v1), f32_max_lane(v2), f32_max_lane(v3)}};
}
GF_INLINE f64x8_maxima f64_maxima_of(f64x8 v0, f64x8 v1) {
    return (f64x8_maxima){{f64_max_lane(v0), f64_max_lane(v1)}};
}
GF_INLINE f32x16 f32_maxima_join(f32x16_maxima a, f32x16_maxima b, f32x16_maxima c, f32x16_maxima d) {
    const f32x16_maxima m[4] = {a, b, c, d};
    GF_LANES(f32x16, 16, m[i / 4].v[i % 4]);
}
GF_INLINE f64x8 f64_maxima_join(f64x8_maxima a, f64x8_maxima b, f64x8_maxima c, f64x8_maxima d) {
    const f64x8_maxima m[4] = {a, b, c, d};
    GF_LANES(f64x8, 8, m[i / 2].v[i % 2]);
}
GF_INLINE f32x16_table8 f32_table(const float t[8]) { return (f32x16_table8){t}; }
GF_INLINE f32x16 f32_lookup(f32x16_table8 t, u32x16 k) { GF_LANES(f32x16, 16, t.v[k.v[i] & 7]); }
GF_INLINE f64x8_table16 f64_table(const double t[16]) { return (f64x8_table16){t}; }
GF_INLINE f64x8 f64_lookup(f64x8_table16 t, u64x8 k) { GF_LANES(f64x8, 8, t.v[k.v[i] & 15]); }
GF_INLINE f64x8 f64_widen_low(f32x16 x) { GF_LANES(f64x8, 8, (double)x.v[i]); }
GF_INLINE f64x8 f64_widen_high(f32x16 x) { GF_LANES(f64x8, 8, (double)x.v[8 + i]); }
GF_INLINE f32x16 f32_narrow(f64x8 low, f64x8 high) { GF_LANES(f32x16, 16, (float)(i < 8 ? low.v[i] : high.v[i - 8])); }

/* The words that 32 and 64-bit integers share. */
#define GF_DEFINE_INTEGER(U, T, M, uint, lanes)                                                                        \
    GF_INLINE T U##_set(uint x) { GF_LANES(T, lanes, x); }                                                             \
    GF_INLINE T U##_load(const uint *p) {                                                                              \
        T r;                                                                                                           \
        memcpy(r.v, p, sizeof r.v);                                                                                    \
        return r;                                                                                                      \
    }                                                                                                                  \
    GF_INLINE T U##_add(T x, T y) { GF_LANES(T, lanes, x.v[i] + y.v[i]); }                                             \
    GF_INLINE T U##_sub(T x, T y) { GF_LANES(T, lanes, x.v[i] - y.v[i]); }                                             \
    GF_INLINE T U##_and(T x, T y) { GF_LANES(T, lanes, x.v[i] & y.v[i]); }                                             \
    GF_INLINE T U##_or(T x, T y) { GF_LANES(T, lanes, x.v[i] | y.v[i]); }                                              \
    GF_INLINE T U##_xor(T x, T y) { GF_LANES(T, lanes, x.v[i] ^ y.v[i]); }                                             \
    GF_INLINE M U##_top_bit(T x) { GF_LANES(M, lanes, x.v[i] >> (8 * sizeof(uint) - 1) ? ~(uint)0 : 0); }              \
    GF_INLINE T U##_shift_left(T x, int k) { GF_LANES(T, lanes, x.v[i] << k); }                                        \
    GF_INLINE T U##_shift_right(T x, int k) { GF_LANES(T, lanes, x.v[i] >> k); }

GF_DEFINE_INTEGER(u32, u32x16, m32x16, uint32_t, 16)
GF_DEFINE_INTEGER(u64, u64x8, m64x8, uint64_t, 8)

GF_INLINE f32x16 f32_load_f16(const uint16_t *p) {
    /* Half to float: exponent and fraction move up by 13 bits, 2^112 makes up for the biases and for subnormals; what
     * was infinite or NaN has its exponent filled. */
    f32x16 r;
    for (int i = 0; i < 16; i++) {
        union {
            uint32_t u;
            float f;
        } x = {(uint32_t)(p[i] & 0x7fff) << 13};
        x.f *= 0x1p112f;
        x.u |= ((p[i] & 0x7c00) == 0x7c00 ? 0x7f800000u : 0) | (uint32_t)(p[i] & 0x8000) << 16;
        r.v[i] = x.f;
    }
    return r;
}
GF_INLINE f32x16 f32_load_bf16(const uint16_t *p) {
    u32x16 x;
    for (int i = 0; i < 16; i++)
        x.v[i] = (uint32_t)p[i] << 16;
    return f32_from_bits(x);
}
GF_INLINE void f32_transpose(f32x16 v[16]) {
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < i; j++) {
            float t = v[i].v[j];
            v[i].v[j] = v[j].v[i];
            v[j].v[i] = t;
        }
}
GF_INLINE void f64_transpose(f64x8 v[8]) {
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++) {
            double t = v[i].v[j];
            v[i].v[j] = v[j].v[i];
            v[j].v[i] = t;
        }
}
GF_INLINE u64x8 u64_gather(const uint64_t *table, u64x8 index) { GF_LANES(u64x8, 8, table[index.v[i]]); }
GF_INLINE void u64_store(uint64_t *p, u64x8 x) { memcpy(p, x.v, sizeof x.v); }
GF_INLINE void u32_store(uint32_t *p, u32x16 x) { memcpy(p, x.v, sizeof x.v); }
GF_INLINE u32x16 u32_min(u32x16 x, u32x16 y) { GF_LANES(u32x16, 16, x.v[i] < y.v[i] ? x.v[i] : y.v[i]); }
GF_INLINE f32x16 f32_held(f32x16 x) { return x; }
GF_INLINE f64x8 f64_held(f64x8 x) { return x; }
GF_INLINE u32x16 u32_max_words(u32x16 x, u32x16 y) { GF_LANES(u32x16, 16, x.v[i] > y.v[i] ? x.v[i] : y.v[i]); }
GF_INLINE uint64_t gf_max_words(uint64_t x, uint64_t y) {
    const uint64_t low = (uint32_t)x > (uint32_t)y ? (uint32_t)x : (uint32_t)y,
                   high = x >> 32 > y >> 32 ? x >> 32 : y >> 32;
    return high << 32 | low;
}
GF_INLINE u64x8 u64_max_words(u64x8 x, u64x8 y) { GF_LANES(u64x8, 8, gf_max_words(x.v[i], y.v[i])); }
GF_INLINE u64x8 u64_xor3(u64x8 x, u64x8 y, u64x8 z) { GF_LANES(u64x8, 8, x.v[i] ^ y.v[i] ^ z.v[i]); }
GF_INLINE u64x8 u64_flip_if_top(u64x8 x) { GF_LANES(u64x8, 8, x.v[i] >> 63 ? ~x.v[i] : x.v[i]); }
GF_INLINE u64x8 u64_mul_low32(u64x8 x, u64x8 y) { GF_LANES(u64x8, 8, (x.v[i] & UINT32_MAX) * (y.v[i] & UINT32_MAX)); }

GF_INLINE u32x16 u64_pair_words(u64x8 x, u64x8 y) { GF_LANES(u32x16, 16, (uint32_t)(i % 2 ? y : x).v[i / 2]); }
GF_INLINE void u64_pack_words(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u32x16 *first, u32x16 *second) {
    const u64x8 word[4] = {x0, x1, x2, x3};
    for (int g = 0; g < 4; g++)
        for (int w = 0; w < 4; w++) {
            first->v[4 * g + w] = (uint32_t)word[w].v[2 * g];
            second->v[4 * g + w] = (uint32_t)word[w].v[2 * g + 1];
        }
}
GF_INLINE void u64_transpose(u64x8 x0, u64x8 x1, u64x8 x2, u64x8 x3, u64x8 out[4]) {
    const u64x8 word[4] = {x0, x1, x2, x3};
    for (int counter = 0; counter < 8; counter++)
        for (int w = 0; w < 4; w++)
            out[counter / 2].v[4 * (counter % 2) + w] = word[w].v[2 * (counter % 4) + counter / 4];
}

#undef GF_LANES
#undef GF_DEFINE_REAL
#undef GF_DEFINE_INTEGER
GF_INLINE uint32_t u8_bits_of(const uint8_t *p) {
    uint32_t bits = 0;
    for (int i = 0; i < 16; i++)
        bits |= (uint32_t)(p[i] != 0) << i;
    return bits;
}

#endif
