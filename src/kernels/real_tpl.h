/* Binds the kernel templates to one floating-point type: REAL is 32 or 64 where this file is included.
 *
 * A template is a file written in V(word), I(word) and NAME(function) and compiled once for each type, so that float and
 * double never have hand-copied twins. Its name ends in _tpl. It includes what it needs, this file among it; a guard that
 * is turned over at each binding keeps it from being compiled twice for one type. Read alone, a template is of float. No
 * kernel lives here. */
#include "kernels/widths.h"
#include "simd/vocabulary.h"

#ifndef REAL
#define REAL 32
#endif

#if REAL != GF_BOUND_REAL
#ifdef GF_REAL_TOGGLE
#undef GF_REAL_TOGGLE
#else
#define GF_REAL_TOGGLE
#endif

#undef GF_BOUND_REAL
#undef NAME
#undef V
#undef I
#undef CONSTANT
#undef real_t
#undef vec_t
#undef bits_t
#undef mask_t
#undef table_t
#undef maxima_t
#undef word_t
#undef LANES
#undef EIGHTS
#undef MANTISSA_BITS
#undef REAL_MAX
#undef REAL_MIN
#undef REAL_LEAST

#if REAL == 32
#define GF_BOUND_REAL 32
#define NAME(f) f##_f32
#define V(word) f32_##word
#define I(word) u32_##word
#define CONSTANT(c) c##_F32
#define real_t float
#define vec_t f32x16
#define bits_t u32x16
#define mask_t m32x16
#define table_t f32x16_table8
#define maxima_t f32x16_maxima
#define word_t uint32_t
#define LANES 16
#define MANTISSA_BITS 23
#define REAL_MAX FLT_MAX
#define REAL_MIN FLT_MIN
#define REAL_LEAST 0x1p-149f
#elif REAL == 64
#define GF_BOUND_REAL 64
#define NAME(f) f##_f64
#define V(word) f64_##word
#define I(word) u64_##word
#define CONSTANT(c) c##_F64
#define real_t double
#define vec_t f64x8
#define bits_t u64x8
#define mask_t m64x8
#define table_t f64x8_table16
#define maxima_t f64x8_maxima
#define word_t uint64_t
#define LANES 8
#define MANTISSA_BITS 52
#define REAL_MAX DBL_MAX
#define REAL_MIN DBL_MIN
#define REAL_LEAST 0x1p-1074
#endif
#define EIGHTS (LANES / 8) /* vectors of double that hold the lanes of one vec_t */
#endif
