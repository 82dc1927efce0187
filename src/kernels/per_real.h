/* The templates that depend on the compute type alone; REAL is set. */
#include "kernels/real.h"

#include "kernels/softmax.h"

#include "kernels/noise_row.h"

#include "kernels/relax.h"

#include "kernels/select.h"
