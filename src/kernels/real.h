/* Binds the kernel templates to one floating-point type: REAL is 32 or 64 when this file is included.
 *
 * A template is a file written in V(word), I(word) and NAME(function) and included once for each type, so that float
 * and double never have hand-copied twins. No kernel lives here. */
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
#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef REAL_MAX
#undef REAL_MIN

#if REAL == 32
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
#define EXPONENT_BIAS 127
#define REAL_MAX FLT_MAX
#define REAL_MIN FLT_MIN
#elif REAL == 64
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
#define EXPONENT_BIAS 1023
#define REAL_MAX DBL_MAX
#define REAL_MIN DBL_MIN
#endif
