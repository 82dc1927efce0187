/* The kernels for AArch64, where NEON needs no switch. */
#include "targets/available.h"

#if GF_HAVE_NEON
#define TARGET neon
#define GF_VOCABULARY "simd/neon.h"
#include "kernels/all.h"
#else
typedef int gf_not_for_this_cpu; /* a translation unit may not be empty */
#endif
