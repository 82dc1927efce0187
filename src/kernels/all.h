/* Every kernel, compiled for the SIMD target whose vocabulary was included before, and the table of them.
 * TARGET names the target. What follows is in order of dependence; a file marked template is included once for each
 * type it serves (real.h, element.h). */
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
#include "kernels/per_real.h"
#define ELEMENT 32
#include "kernels/per_element.h"
#undef ELEMENT
#define ELEMENT 16
#include "kernels/per_element.h"
#undef ELEMENT
#define ELEMENT 116
#include "kernels/per_element.h"
#undef ELEMENT
#undef REAL

#define REAL 64
#include "kernels/per_real.h"
#define ELEMENT 64
#include "kernels/per_element.h"
#undef ELEMENT
#undef REAL

#include "kernels/distribution.h"

#define GF_PASTE(a, b) a##b
#define GF_TABLE(target) GF_PASTE(gf_target_, target)
#define GF_STRING(a) #a
#define GF_NAME(target) GF_STRING(target)
#define GF_LOGITS(type)                                                                                                \
    {race_row_##type,                                                                                                  \
     race_scratch_row_##type,                                                                                          \
     short_rows_row_##type,                                                                                            \
     race_start_row_##type,                                                                                            \
     alias_start_row_##type,                                                                                           \
     race_draw_row_##type,                                                                                             \
     alias_draw_row_##type,                                                                                            \
     alias_scratch_row_##type,                                                                                         \
     race_distinct_row_##type,                                                                                         \
     race_distinct_scratch_row_##type,                                                                                 \
     gumbel_max_row_##type,                                                                                            \
     gumbel_max_given_row_##type,                                                                                      \
     gumbel_top_k_row_##type,                                                                                          \
     top_k_scratch_row_##type,                                                                                         \
     gumbel_softmax_row_##type}
#define GF_REAL(type)                                                                                                  \
    {softmax_##type, log_softmax_##type, logsumexp_##type, softmax_vjp_##type, gumbel_##type, gumbel_of_words_##type}

const gf_kernels GF_TABLE(TARGET) = {
    .name = GF_NAME(TARGET),
    .logits_f32 = GF_LOGITS(f32),
    .logits_f64 = GF_LOGITS(f64),
    .logits_f16 = GF_LOGITS(f16),
    .logits_bf16 = GF_LOGITS(bf16),
    .f32 = GF_REAL(f32),
    .f64 = GF_REAL(f64),
    .distribution = {distribution_pdf,
                     distribution_logpdf,
                     distribution_cdf,
                     distribution_logcdf,
                     distribution_sf,
                     distribution_logsf,
                     distribution_ppf,
                     distribution_isf},
    .philox_block = philox_block,
};
