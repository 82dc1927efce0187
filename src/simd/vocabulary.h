/* The SIMD vocabulary that the kernels are compiled for: that of the target whose file names it in GF_VOCABULARY; plain C for a
 * reader, such as a compiler that looks at one header alone. */
#ifndef GF_VOCABULARY
#define GF_VOCABULARY "simd/scalar.h"
#endif
#include GF_VOCABULARY
