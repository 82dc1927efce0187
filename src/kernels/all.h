/* Every kernel, compiled for the SIMD target whose vocabulary was included before, and the table of them.
 * TARGET names the target. */
#include "gumbel_fast.h"

#include "kernels/philox.h"
#include "kernels/sums.h"
#include "kernels/tables.h"

#define REAL 32
#include "kernels/real.h"
#include "kernels/elementary.h"
#undef REAL
#define REAL 64
#include "kernels/real.h"
#include "kernels/elementary.h"
#undef REAL

#include "kernels/noise.h"
#include "kernels/race.h"

#define REAL 32
#include "kernels/real.h"
#include "kernels/softmax.h"
#include "kernels/race_row.h"
#undef REAL
#define REAL 64
#include "kernels/real.h"
#include "kernels/softmax.h"
#include "kernels/race_row.h"
#undef REAL

#include "kernels/distribution.h"

#define GF_PASTE(a, b) a##b
#define GF_TABLE(target) GF_PASTE(gf_target_, target)
#define GF_STRING(a) #a
#define GF_NAME(target) GF_STRING(target)

const gf_kernels GF_TABLE(TARGET) = {
    .name = GF_NAME(TARGET),
    .f32 = {categorical_f32, categorical_scratch_f32, argmax_f32, softmax_f32, log_softmax_f32, logsumexp_f32, gumbel_f32, gumbel_of_words_f32},
    .f64 = {categorical_f64, categorical_scratch_f64, argmax_f64, softmax_f64, log_softmax_f64, logsumexp_f64, gumbel_f64, gumbel_of_words_f64},
    .distribution = {distribution_pdf, distribution_logpdf, distribution_cdf, distribution_logcdf, distribution_sf,
                     distribution_logsf, distribution_ppf, distribution_isf},
    .philox_block = philox_block,
};
