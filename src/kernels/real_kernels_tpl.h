/* Template: the table of the kernels that depend on the compute type alone. */
#include "kernels/noise_row_tpl.h"
#include "kernels/softmax_tpl.h"

#if defined(GF_REAL_KERNELS_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_REAL_KERNELS_TPL
#undef GF_REAL_KERNELS_TPL
#else
#define GF_REAL_KERNELS_TPL
#endif

static const gf_kernel NAME(real_kernels)[GF_REAL_KERNELS] = {
    [GF_SOFTMAX] = {.run = NAME(softmax)},
    [GF_LOG_SOFTMAX] = {.run = NAME(log_softmax)},
    [GF_LOGSUMEXP] = {.run = NAME(logsumexp)},
    [GF_SOFTMAX_VJP] = {.run = NAME(softmax_vjp)},
};

#endif
