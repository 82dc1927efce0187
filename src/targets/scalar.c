/* The kernels in plain C: runs on any CPU. */
#define TARGET scalar
#define GF_VOCABULARY "simd/scalar.h"
#include "kernels/all.h"
