/* The C core as Cython sees it: a table of kernels for each SIMD target, and what each kernel expects.
 *
 * Every kernel is pure: no allocation, no error state, no Python, no global. Arguments are checked by the caller;
 * what a kernel needs beyond its inputs is handed to it as scratch. Rows are contiguous; `n` counts elements. A kernel
 * works on one row, or on many where short rows share its vectors (gf_rows). All targets give the same bits.
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
    GF_TAG_NOISE = 0,      /* high 32 bits of an element's uniform */
    GF_TAG_NOISE_LOW = 1,  /* low 32 bits */
    GF_TAG_SHORT_ROW = 2,  /* a draw from a short row: counter 0, and 1 where u is tiny */
    GF_TAG_ALIAS = 3,      /* draws by alias table, sixteen from eight counters (alias.h) */
    GF_TAG_ALIAS_FINE = 4, /* the bits that decide a draw whose first 64 did not: counter = draw */
    GF_TAG_RACE = 256, /* trial number t of the race for a draw: tag + 2 t, and + 1 where u is tiny; counter = draw */
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

/* Rows of up to this many categories are drawn from many at a time. */
#define GF_SHORT_ROW 128

/* Returned in place of an index for a row with NaN, +inf or nothing but -inf. */
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

/* -- kernels that read logits --------------------------------------------------------------------------------------
 *
 * Temperatures are 0 or more and not NaN; at 0 the first greatest element is taken. Half precision is computed in
 * float. Scratch is aligned as malloc's memory is. */

/* Index drawn with probability softmax(x / temperature), or GF_BAD_ROW; scratch of race_scratch(n) bytes. */
typedef int64_t (*gf_race_kernel)(const void *x, size_t n, double temperature, uint64_t key, uint64_t row,
                                  void *scratch);

/* Many draws from one row. `start` reads the row into scratch and returns 0 or GF_BAD_ROW; `draw` writes draws number
 * first to first + count - 1, which stay below 2^32. By alias table each draw is a function of its number, and scratch is
 * only read: threads may share one. The race must be asked for its draws in order, for it keeps what it learns of the
 * row from one to the next. */
typedef int64_t (*gf_repeat_start_kernel)(const void *x, size_t n, double temperature, void *scratch);
typedef void (*gf_repeat_draw_kernel)(const void *x, size_t n, double temperature, uint64_t key, uint64_t row,
                                      uint64_t first, size_t count, int64_t *out, void *scratch);

/* k indices drawn without replacement, in the order drawn; temperature > 0, n < 2^32. Returns k, or how many categories
 * are not -inf where these are fewer, or GF_BAD_ROW. Scratch of race_distinct_scratch(n) bytes. */
typedef int64_t (*gf_race_distinct_kernel)(const void *x, size_t n, size_t k, double temperature, uint64_t key,
                                           uint64_t row, int64_t *index, void *scratch);

/* Rows of logits, `stride` bytes apart. Row r has temperature[r * temperature_step] and the stream (key, row + r). */
typedef struct {
    const void *data;
    ptrdiff_t stride;
    size_t count, columns;
    const double *temperature;
    size_t temperature_step;
} gf_rows;

/* One index from each row of 1 to GF_SHORT_ROW categories, with probability softmax(x / temperature). Returns the first
 * row that cannot be drawn from, or -1. */
typedef ptrdiff_t (*gf_short_rows_kernel)(const gf_rows *x, uint64_t key, uint64_t row, int64_t *index);

/* For each row the index of the greatest of x / temperature + G, the first of equals, and that value (values may be
 * NULL); G is the noise of columns `column` on. At temperature 0, the greatest of x. Returns the first row with NaN,
 * +inf or nothing but -inf, where it stops, or -1. */
typedef ptrdiff_t (*gf_gumbel_max_kernel)(const gf_rows *x, uint64_t key, uint64_t row, uint64_t column, int64_t *index,
                                          double *value);
/* The same with noise in the compute type that the caller drew. */
typedef int64_t (*gf_gumbel_max_given_kernel)(const void *x, const void *noise, size_t n, double temperature,
                                              double *value);
/* Indices of the k greatest of each row, in falling order, and their values (which may be NULL): k of each for every row. At
 * temperature 0 by x alone. Scratch of top_k_scratch(n, k) bytes. Returns -1, or the first row that did not yield k, where it stops: then
 * *found says how many of its categories are not -inf, or is GF_BAD_ROW. */
typedef ptrdiff_t (*gf_top_k_kernel)(const gf_rows *x, size_t k, uint64_t key, uint64_t row, uint64_t column,
                                     int64_t *index, double *value, void *scratch, int64_t *found);

/* For each row softmax of (x + G) / temperature, G the noise of columns `column` on; hard: 1 at its first greatest
 * entry, else 0. Temperatures are positive; rows of out are out_stride bytes apart; out, in
 * the compute type, may be x. */
typedef void (*gf_gumbel_softmax_kernel)(const gf_rows *x, void *out, ptrdiff_t out_stride, int hard, uint64_t key,
                                         uint64_t row, uint64_t column);

/* Bytes of scratch for n categories; for n categories and k draws. */
typedef size_t (*gf_scratch_size)(size_t n);
typedef size_t (*gf_scratch_size_k)(size_t n, size_t k);

/* The kernels for one dtype of logits. */
typedef struct {
    gf_race_kernel race;
    gf_scratch_size race_scratch;
    gf_short_rows_kernel short_rows;
    gf_repeat_start_kernel race_start, alias_start;
    gf_repeat_draw_kernel race_draw, alias_draw;
    gf_scratch_size alias_scratch;
    gf_race_distinct_kernel race_distinct;
    gf_scratch_size race_distinct_scratch;
    gf_gumbel_max_kernel gumbel_max;
    gf_gumbel_max_given_kernel gumbel_max_given;
    gf_top_k_kernel gumbel_top_k;
    gf_scratch_size_k top_k_scratch;
    gf_gumbel_softmax_kernel gumbel_softmax;
} gf_logits_kernels;

/* -- kernels in float or double ------------------------------------------------------------------------------------ */

/* softmax or log_softmax of x / temperature; temperature > 0; out may be x. */
typedef void (*gf_softmax_kernel)(const void *x, void *out, size_t n, double temperature);
typedef double (*gf_logsumexp_kernel)(const void *x, size_t n, double temperature);
/* out = y / temperature * (grad - sum(grad * y)); out may be y or grad. */
typedef void (*gf_softmax_vjp_kernel)(const void *y, const void *grad, void *out, size_t n, double temperature);
/* out[r * n + i] = loc + scale * G of the element (row + r, column + i), for `rows` rows of n. */
typedef void (*gf_gumbel_kernel)(void *out, size_t rows, size_t n, uint64_t key, uint64_t row, uint64_t column,
                                 double loc, double scale);
/* The same noise from given words; for tests. */
typedef void (*gf_gumbel_of_words_kernel)(const uint32_t *high, const uint32_t *low, void *out, size_t n);

/* The kernels of one dtype of noise and probabilities. */
typedef struct {
    gf_softmax_kernel softmax, log_softmax;
    gf_logsumexp_kernel logsumexp;
    gf_softmax_vjp_kernel softmax_vjp;
    gf_gumbel_kernel gumbel;
    gf_gumbel_of_words_kernel gumbel_of_words;
} gf_real_kernels;

/* -- the table of a target ----------------------------------------------------------------------------------------- */

/* Elementwise in double; out may be x. GF_LOGPDF leaves out - log(scale), which the caller adds. */
typedef void (*gf_distribution_kernel)(gf_argument x, gf_argument loc, gf_argument scale, double *out, size_t n);
/* One Philox4x32-10 block; for tests against the published known answers. */
typedef void (*gf_philox_block)(uint64_t key, const uint32_t counter[4], uint32_t words[4]);

typedef struct {
    const char *name;
    gf_logits_kernels logits_f32, logits_f64, logits_f16, logits_bf16;
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
