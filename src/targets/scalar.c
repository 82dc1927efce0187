/* The kernels in plain C: runs on any CPU. */
#define TARGET scalar
#define GF_SCALAR
#include "simd/scalar.h"

#include "kernels/all.h"
