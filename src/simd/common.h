/* What every SIMD vocabulary file needs: function attributes and the C headers. No vector type lives here. */
#ifndef GF_SIMD_COMMON_H
#define GF_SIMD_COMMON_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* Vector code is only as good as its inlining. Plain C is left to the compiler: all of it inlined takes gcc minutes. */
#if defined(_MSC_VER) && !defined(__clang__)
#define GF_INLINE static __forceinline
#define GF_COLD static __declspec(noinline)
#define GF_APART static __declspec(noinline)
#else
#ifdef GF_SCALAR
#define GF_INLINE static inline __attribute__((unused))
#else
#define GF_INLINE static inline __attribute__((always_inline, unused))
#endif
#define GF_COLD static __attribute__((noinline, cold, unused))
#define GF_APART static __attribute__((noinline, unused)) /* hot, with a frame that its caller should not have */
#endif

/* A condition that is as good as never true: what follows it stands out of the way. */
#if defined(_MSC_VER) && !defined(__clang__)
#define GF_SELDOM(condition) (condition)
#else
#define GF_SELDOM(condition) __builtin_expect(!!(condition), 0)
#endif

/* Has memory brought near that will be read soon. */
#if defined(_MSC_VER) && !defined(__clang__)
#define GF_PREFETCH(p) ((void)(p))
#else
#define GF_PREFETCH(p) __builtin_prefetch(p)
#endif

/* Number of the lowest bit that is set; bits != 0. */
GF_INLINE unsigned gf_lowest_bit(uint64_t bits) {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long i;
    _BitScanForward64(&i, bits);
    return i;
#else
    return (unsigned)__builtin_ctzll(bits);
#endif
}

/* How many bits are set. */
GF_INLINE unsigned gf_count_bits(uint64_t bits) {
    bits -= bits >> 1 & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
    return (unsigned)(((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
}

#endif
