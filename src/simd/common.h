/* What every SIMD vocabulary file needs: function attributes and the C headers. No vector type lives here. */
#ifndef GF_SIMD_COMMON_H
#define GF_SIMD_COMMON_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define GF_INLINE static __forceinline
#define GF_COLD static __declspec(noinline)
#else
#define GF_INLINE static inline __attribute__((always_inline, unused))
#define GF_COLD static __attribute__((noinline, cold, unused))
#endif

#endif
