/* The kernels for x86-64 with AVX2, FMA and F16C. */
#include "targets/available.h"

#if GF_HAVE_X86
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx2,fma,f16c")
#endif

#define TARGET avx2
#define GF_VOCABULARY "simd/avx2.h"
#include "kernels/all.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int gf_not_for_this_cpu; /* a translation unit may not be empty */
#endif
