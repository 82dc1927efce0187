/* Logarithm and exponential by vector, in float and in double; what they are stands in elementary_tpl.h. */
#ifndef GF_ELEMENTARY_H
#define GF_ELEMENTARY_H

#undef REAL
#define REAL 32
#include "kernels/elementary_tpl.h"
#undef REAL
#define REAL 64
#include "kernels/elementary_tpl.h"
#undef REAL

#endif
