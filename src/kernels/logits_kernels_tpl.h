/* Template: the table of the kernels that read stored logits; of weights, those that draw. */
#include "kernels/alias_tpl.h"
#include "kernels/categorical_tpl.h"
#include "kernels/filtered_tpl.h"
#include "kernels/gumbel_max_tpl.h"
#include "kernels/gumbel_softmax_tpl.h"
#include "kernels/gumbel_top_k_tpl.h"
#include "kernels/log_prob_tpl.h"
#include "kernels/log_prob_vjp_tpl.h"
#include "kernels/normalise_tpl.h"
#include "kernels/rejection_distinct_tpl.h"
#include "kernels/truncate_tpl.h"

#if defined(GF_LOGITS_KERNELS_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_LOGITS_KERNELS_TPL
#undef GF_LOGITS_KERNELS_TPL
#else
#define GF_LOGITS_KERNELS_TPL
#endif

static const gf_kernel ROW(logits_kernels)[GF_LOGITS_KERNELS] = {
    [GF_CHECK] = {.run = ROW(check)},
    [GF_CATEGORICAL] = {.run = ROW(categorical), .scratch = ROW(categorical_scratch)},
    [GF_REJECTION] = {.run = ROW(rejection), .scratch = ROW(rejection_scratch)},
    [GF_REJECTION_START] = {.run = ROW(rejection_start), .scratch = ROW(rejection_scratch)},
    [GF_REJECTION_DRAW] = {.run = ROW(rejection_draw), .scratch = ROW(rejection_scratch)},
    [GF_ALIAS] = {.run = ROW(alias), .scratch = ROW(alias_scratch)},
    [GF_ALIAS_START] = {.run = ROW(alias_start), .scratch = ROW(alias_scratch)},
    [GF_ALIAS_DRAW] = {.run = ROW(alias_draw), .scratch = ROW(alias_scratch)},
    [GF_REJECTION_DISTINCT] = {.run = ROW(rejection_distinct), .scratch = ROW(rejection_distinct_scratch)},
    [GF_GUMBEL_TOP_K] = {.run = ROW(gumbel_top_k), .scratch = ROW(top_k_scratch)},
    [GF_DISTINCT_TOP_K] = {.run = ROW(distinct_top_k), .scratch = ROW(top_k_scratch)},
    [GF_FILTERED] = {.run = ROW(filtered), .scratch = ROW(filtered_scratch)},
    [GF_LOG_PROB] = {.run = ROW(log_prob), .scratch = ROW(log_prob_scratch)},
#ifndef OF_WEIGHTS
    [GF_GUMBEL_MAX] = {.run = ROW(gumbel_max)},
    [GF_GUMBEL_MAX_GIVEN] = {.run = ROW(gumbel_max_given)},
    [GF_GUMBEL_SOFTMAX] = {.run = ROW(gumbel_softmax)},
    [GF_TRUNCATE] = {.run = ROW(truncate), .scratch = ROW(filter_scratch)},
    [GF_SOFTMAX] = {.run = ROW(softmax)},
    [GF_LOG_SOFTMAX] = {.run = ROW(log_softmax)},
    [GF_LOGSUMEXP] = {.run = ROW(logsumexp)},
    [GF_LOG_PROB_VJP] = {.run = ROW(log_prob_vjp), .scratch = ROW(log_prob_scratch)},
#endif
};

#endif
