/* Every kernel, compiled for the SIMD target of the vocabulary, and the table of them. TARGET names the target. A template is
 * included once for each type that it serves (real_tpl.h, element_tpl.h). */
#include "gumbel_fast.h"
#include "simd/vocabulary.h"

#include "kernels/distribution.h"
#include "kernels/elementary.h"
#include "kernels/noise.h"
#include "kernels/rejection.h"
#include "kernels/repeated.h"
#include "kernels/uniform.h"

#define REAL 32
#include "kernels/noise_row_tpl.h"
#include "kernels/softmax_tpl.h"
#define ELEMENT ELEMENT_F32
#include "kernels/logits_kernels_tpl.h"
#undef ELEMENT
#define ELEMENT ELEMENT_F16
#include "kernels/logits_kernels_tpl.h"
#undef ELEMENT
#define ELEMENT ELEMENT_BF16
#include "kernels/logits_kernels_tpl.h"
#undef ELEMENT
#define ELEMENT ELEMENT_W32
#include "kernels/logits_kernels_tpl.h"
#undef ELEMENT

#undef REAL
#define REAL 64
#include "kernels/noise_row_tpl.h"
#include "kernels/softmax_tpl.h"
#define ELEMENT ELEMENT_F64
#include "kernels/logits_kernels_tpl.h"
#undef ELEMENT
#define ELEMENT ELEMENT_W64
#include "kernels/logits_kernels_tpl.h"
#undef ELEMENT

#ifdef TARGET
#define GF_PASTE(a, b) a##b
#define GF_TABLE(target) GF_PASTE(gf_target_, target)
#define GF_STRING(a) #a
#define GF_NAME(target) GF_STRING(target)

const gf_kernels GF_TABLE(TARGET) = {
    .name = GF_NAME(TARGET),
    .logits = {[GF_F32] = logits_kernels_row_f32,
               [GF_F64] = logits_kernels_row_f64,
               [GF_F16] = logits_kernels_row_f16,
               [GF_BF16] = logits_kernels_row_bf16,
               [GF_W32] = logits_kernels_row_w32,
               [GF_W64] = logits_kernels_row_w64},
    .softmax_vjp = {[GF_F32] = {.run = softmax_vjp_f32}, [GF_F64] = {.run = softmax_vjp_f64}},
    .gumbel = {[GF_F32] = gumbel_f32, [GF_F64] = gumbel_f64},
    .gumbel_of_words = {[GF_F32] = gumbel_of_words_f32, [GF_F64] = gumbel_of_words_f64},
    .distribution = {[GF_PDF] = distribution_pdf,
                     [GF_LOGPDF] = distribution_logpdf,
                     [GF_CDF] = distribution_cdf,
                     [GF_LOGCDF] = distribution_logcdf,
                     [GF_SF] = distribution_sf,
                     [GF_LOGSF] = distribution_logsf,
                     [GF_PPF] = distribution_ppf,
                     [GF_ISF] = distribution_isf},
    .philox_block = philox_block,
};
#endif
