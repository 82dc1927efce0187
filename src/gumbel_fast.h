/* The C core as Cython sees it: a table of kernels for each SIMD target, and what each kernel expects.
 *
 * Every kernel is pure: no allocation, no error state, no Python, no global. request.h says what a kernel is asked;
 * arguments are checked by the caller. Elements of a row are contiguous. A kernel works on a range of rows, one by one or
 * many at a time in its lanes. All targets give the same bits.
 *
 * A stream is (key, row): row r of an array drawn under the seed (a, b) has key a and row b + r mod 2^64.
 * A column may be as large as 2^34 - 1, on every machine. */
#ifndef GUMBEL_FAST_H
#define GUMBEL_FAST_H

#include "request.h"

/* Raised when a seed would give other numbers. */
#define GF_STREAM_VERSION 2

/* Second word of the Philox counter: what the words are for. */
enum {
    GF_TAG_NOISE = 0,         /* high 32 bits of an element's uniform */
    GF_TAG_NOISE_LOW = 1,     /* low 32 bits */
    GF_TAG_INVERSE_CDF = 2,   /* a draw from a short row: counter 0, and 1 where u is tiny */
    GF_TAG_ALIAS = 3,         /* draws by alias table, sixteen from eight counters (alias_tpl.h) */
    GF_TAG_ALIAS_FINE = 4,    /* the bits that decide a draw whose first 64 did not: counter = draw */
    GF_TAG_DISTINCT = 5,      /* trial of draws without replacement: counter = trial */
    GF_TAG_DISTINCT_FINE = 6, /* where its u is tiny */
    GF_TAG_REJECTION = 256,   /* trial number t for a draw: tag + 2 t, and + 1 where u is tiny; counter = draw */
};

/* Error bounds the tests hold the kernels to: units in the last place of the exact result, or an absolute error
 * where the result is near zero, whichever is larger. */
#define GF_NOISE_F32_ULP 2.0
#define GF_NOISE_F32_ABS 0x1p-22
#define GF_NOISE_F64_ULP 2.0
#define GF_NOISE_F64_ABS 0x1p-51
/* Relative error of a softmax entry z nats below the row's greatest: this times (1 + z). */
#define GF_SOFTMAX_F32_REL 0x1p-22
#define GF_SOFTMAX_F64_REL 0x1p-50
/* Error of the functions of gumbel_r, in units in the last place of the result; of logpdf and the quantiles, which are
 * sums, in those of its largest term. */
#define GF_DISTRIBUTION_ULP 4.0

#define GF_MAX_COLUMNS ((uint64_t)1 << 34)

/* Columns that a row of logits, weights or draws may have: the same, but on 32 bits what leaves scratch, of less than 60
 * bytes for each, a size. */
#if SIZE_MAX > UINT32_MAX
#define GF_LONGEST_ROW ((size_t)GF_MAX_COLUMNS)
#else
#define GF_LONGEST_ROW ((size_t)1 << 26)
#endif

/* Rows of up to this many categories are drawn from once by inverse CDF, many at a time; longer ones by rejection. */
#define GF_SHORT_ROW 128

typedef enum {
    GF_PDF,
    GF_LOGPDF,
    GF_CDF,
    GF_LOGCDF,
    GF_SF,
    GF_LOGSF,
    GF_PPF,
    GF_ISF,
    GF_DISTRIBUTION_FUNCTIONS
} gf_distribution_function;

/* What rows are of: logits of four dtypes, of which half precision is computed in float; and weights, unnormalised
 * probabilities, of float and double. The logarithm of a weight stands for a logit below, and 0 for -inf. */
typedef enum { GF_F32, GF_F64, GF_F16, GF_BF16, GF_W32, GF_W64, GF_DTYPES } gf_dtype;

/* Kernels that read logits, one of each for a dtype; those that draw, GF_CHECK and GF_LOG_PROB read weights, too. Temperatures are not NaN. Samplers take 0 or more, and at 0 the first
 * greatest element; relaxations take what is above 0. */
typedef enum {
    /* Draws nothing: says whether each row can be drawn from. */
    GF_CHECK,
    /* One draw from each row, with probability softmax(x / temperature); and, where there are `out` and `entropy`, what
     * GF_LOG_PROB gives for it. */
    GF_CATEGORICAL,
    /* draws.count draws from each row with the same probability, by rejection from block envelopes, or by alias table.
     *
     * In pieces, for one row alone: _START reads the row into scratch, then _DRAW makes the draws that request.draws
     * names; their numbers stay below 2^32. By alias table each draw is a function of its number and scratch is only
     * read: threads may share one. Rejection must be asked for its draws in order, for it keeps what it learns of the
     * row from one to the next. */
    GF_REJECTION,
    GF_REJECTION_START,
    GF_REJECTION_DRAW,
    GF_ALIAS,
    GF_ALIAS_START,
    GF_ALIAS_DRAW,
    /* draws.count indices drawn without replacement, in the order drawn; n < 2^32. */
    GF_REJECTION_DISTINCT,
    /* The greatest of x / temperature + G, the first of equals, and that value, both in double; G is the stream's noise.
     * Values that overflow are in the order of x. At temperature 0 the greatest of x. */
    GF_GUMBEL_MAX,
    /* The same, G being `other`. */
    GF_GUMBEL_MAX_GIVEN,
    /* Indices and values of the draws.count greatest, in falling order. */
    GF_GUMBEL_TOP_K,
    /* Indices alone, of the greatest of (x - greatest) / temperature + G: draws without replacement. */
    GF_DISTINCT_TOP_K,
    /* softmax of (x + G) / temperature, its logarithm, or 1 at the first greatest x + G and else 0. */
    GF_GUMBEL_SOFTMAX,
    /* The same from what the filters keep of each row. */
    GF_FILTERED,
    /* The logits that the filters keep, -inf for the others, into `out`. */
    GF_TRUNCATE,
    GF_SOFTMAX, /* of x / temperature */
    GF_LOG_SOFTMAX,
    GF_LOGSUMEXP, /* one entry of `out` for each row */
    /* Logarithms of the probability that a draw from what is kept is each of draws.count given indices, into `out` if there is
     * one; and of logits the entropy of such a draw in nats, into `entropy` if there is one. */
    GF_LOG_PROB,
    /* The gradient in the logits, into `out`, of a loss whose gradients in these are `other`, draws.count numbers for each
     * row, and `entropy`; either may be missing. */
    GF_LOG_PROB_VJP,
    GF_LOGITS_KERNELS
} gf_logits_kernel;

/* out[r * n + i] = loc + scale * G of the element (stream.row + r, stream.column + i), for `rows` rows of n. */
typedef void (*gf_gumbel_kernel)(void *out, size_t rows, size_t n, gf_stream stream, double loc, double scale);
/* The same noise from given words; for tests. */
typedef void (*gf_gumbel_of_words_kernel)(const uint32_t *high, const uint32_t *low, void *out, size_t n);

/* Elementwise in double; out may be x, loc or scale where that has as many entries. GF_LOGPDF leaves out - log(scale),
 * which the caller adds. */
typedef void (*gf_distribution_kernel)(gf_vector x, gf_vector loc, gf_vector scale, double *out, size_t n);
/* One Philox4x32-10 block; for tests against the published known answers. */
typedef void (*gf_philox_block)(uint64_t key, const uint32_t counter[4], uint32_t words[4]);

/* The table of a target. */
typedef struct {
    const char *name;
    const gf_kernel *logits[GF_DTYPES]; /* GF_LOGITS_KERNELS for each */
    gf_kernel softmax_vjp[2];           /* of float and double: x / temperature * (other - sum(other * x)) */
    gf_gumbel_kernel gumbel[2];
    gf_gumbel_of_words_kernel gumbel_of_words[2];
    gf_distribution_kernel distribution[GF_DISTRIBUTION_FUNCTIONS];
    gf_philox_block philox_block;
} gf_kernels;

/* Name and version of the compiler. */
extern const char gf_compiler[];

/* The targets compiled in, best first, ended by NULL; and which of them this CPU can run. */
extern const gf_kernels *const gf_targets[];
int gf_target_usable(const gf_kernels *target);

#endif
