/* The kernels for x86-64 with AVX-512 F, DQ, BW and VL. */
#include "targets/available.h"

#if GF_HAVE_X86
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c"))),              \
                             apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c")
#endif

#define TARGET avx512
#define GF_VOCABULARY "simd/avx512.h"
#include "kernels/all.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int gf_not_for_this_cpu; /* a translation unit may not be empty */
#endif
