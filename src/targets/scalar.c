/* The kernels in plain C: runs on any CPU. */
#define TARGET scalar
#include "simd/scalar.h"

#include "kernels/all.h"
