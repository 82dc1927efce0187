/* The C core as Cython sees it: a table of kernels for each SIMD target, and what each kernel expects.
 *
 * Every kernel is pure: no allocation, no error state, no Python, no global. Arguments are checked by the caller;
 * what a kernel needs beyond its inputs is handed to it as scratch. Rows are contiguous; `n` counts elements.
 * Kernels do each element's work, the loops over rows are the caller's. All targets give the same bits.
 *
 * A stream is (key, row): row r of an array drawn under the seed (a, b) has key a and row b + r mod 2^64.
 * A column may be as large as 2^34 - 1. */
#ifndef GUMBEL_FAST_H
#define GUMBEL_FAST_H

#include <stddef.h>
#include <stdint.h>

/* Raised when a seed would give other numbers. */
#define GF_STREAM_VERSION 1

/* Second word of the Philox counter: what the words are for. */
enum {
    GF_TAG_NOISE = 0,     /* high 32 bits of an element's uniform */
    GF_TAG_NOISE_LOW = 1, /* low 32 bits */
    GF_TAG_RACE = 2,      /* categorical: one counter a trial, first word = 2 * trial */
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
/* Relative error of the functions of gumbel_r, in units in the last place. */
#define GF_DISTRIBUTION_ULP 4.0

#define GF_MAX_COLUMNS ((size_t)1 << 34)

/* Returned by categorical and argmax for a row with NaN, +inf or nothing but -inf. */
#define GF_BAD_ROW (-1)

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

/* A vector argument of the distribution functions: element i is at data[i * step], step 0 or 1. */
typedef struct {
    const double *data;
    size_t step;
} gf_argument;

/* -- kernel types: rate = 1 / temperature, positive and finite in the type it is computed in ----------------------- */

/* Index drawn with probability softmax(x * rate), or GF_BAD_ROW; scratch of gf_scratch_size(n) bytes. */
typedef int64_t (*gf_categorical_kernel)(const void *x, size_t n, double rate, uint64_t key, uint64_t row,
                                         void *scratch);
typedef size_t (*gf_scratch_size)(size_t n);
/* First index of the greatest element, or GF_BAD_ROW: the draw at temperature 0. */
typedef int64_t (*gf_argmax_kernel)(const void *x, size_t n);
/* softmax or log_softmax of x * rate; out may be x. */
typedef void (*gf_softmax_kernel)(const void *x, void *out, size_t n, double rate);
typedef double (*gf_logsumexp_kernel)(const void *x, size_t n, double rate);
/* out[i] = loc + scale * G of the element (row, column + i). */
typedef void (*gf_gumbel_kernel)(void *out, size_t n, uint64_t key, uint64_t row, uint64_t column, double loc,
                                 double scale);
/* The same noise from given words; for tests. */
typedef void (*gf_gumbel_of_words_kernel)(const uint32_t *high, const uint32_t *low, void *out, size_t n);
/* Elementwise in double; out may be x. GF_LOGPDF leaves out - log(scale), which the caller adds. */
typedef void (*gf_distribution_kernel)(gf_argument x, gf_argument loc, gf_argument scale, double *out, size_t n);
/* One Philox4x32-10 block; for tests against the published known answers. */
typedef void (*gf_philox_block)(uint64_t key, const uint32_t counter[4], uint32_t words[4]);

/* -- tables ------------------------------------------------------------------------------------------------------- */

/* The kernels of one dtype of logits and noise. */
typedef struct {
    gf_categorical_kernel categorical;
    gf_scratch_size categorical_scratch;
    gf_argmax_kernel argmax;
    gf_softmax_kernel softmax, log_softmax;
    gf_logsumexp_kernel logsumexp;
    gf_gumbel_kernel gumbel;
    gf_gumbel_of_words_kernel gumbel_of_words;
} gf_real_kernels;

/* All kernels of one SIMD target. */
typedef struct {
    const char *name;
    gf_real_kernels f32, f64;
    gf_distribution_kernel distribution[GF_DISTRIBUTION_FUNCTIONS];
    gf_philox_block philox_block;
} gf_kernels;

/* Name and version of the compiler. */
extern const char gf_compiler[];

/* The targets compiled in, best first, ended by NULL; which of them this CPU can run; and lookup by name. */
extern const gf_kernels *const gf_targets[];
int gf_target_usable(const gf_kernels *target);

#endif
