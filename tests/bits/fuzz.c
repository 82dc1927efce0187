/* A libFuzzer target: one kernel on bytes of the fuzzer's choice, each SIMD target of this machine held to scalar.
 *
 * .ci/fuzz builds it with AddressSanitizer and UndefinedBehaviorSanitizer, so that a read or write outside a buffer of just the
 * right size, an undefined conversion, or other bits on one target end it. Scalar multiplies and adds by the functions of
 * src/fused.c, which holds them to instructions. Requests are sound, as those of the library are; logits, weights, noise,
 * gradients and masks are any bits at all. What another thread may change in between is not tried here. */
#include "gumbel_fast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 700, MOST_ROWS = 40, MOST_DRAWS = 90 };

typedef struct {
    const uint8_t *data;
    size_t size;
} input;

static uint64_t take(input *in, size_t bytes) {
    uint64_t word = 0;
    for (; bytes && in->size; bytes--, in->size--)
        word = word << 8 | *in->data++;
    return word;
}

static int is_double(gf_dtype dtype) { return dtype == GF_F64 || dtype == GF_W64; }

static int is_weight(gf_dtype dtype) { return dtype == GF_W32 || dtype == GF_W64; }

/* Elements: a few of the input's own bits, repeated, and numbers of moderate size among them; of weights few are below
 * 0. */
static void fill(input *in, void *array, size_t count, gf_dtype dtype) {
    uint64_t pool[16], state = take(in, 8);
    const int positive = is_weight(dtype) && take(in, 1) % 8;
    for (int i = 0; i < 16; i++) {
        pool[i] = take(in, 4) << 32 | take(in, 4);
        if (positive)
            pool[i] &= 0x7FFFFFFF7FFFFFFFu;
    }
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const uint64_t own = pool[state >> 60];
        const int moderate = state >> 40 & 3;
        const double any = (double)(int64_t)(state << 8) * 0x1p-60, number = is_weight(dtype) ? fabs(any) : any;
        const float single = (float)number;
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        if (is_double(dtype))
            memcpy((double *)array + i, moderate ? (const void *)&number : (const void *)&own, 8);
        else if (dtype == GF_F32 || dtype == GF_W32)
            memcpy((float *)array + i, moderate ? (const void *)&bits : (const void *)&own, 4);
        else
            ((uint16_t *)array)[i] = (uint16_t)(moderate && dtype == GF_BF16 ? bits >> 16 : own);
    }
}

static void *allocate(size_t bytes) {
    void *p = malloc(bytes ? bytes : 1);
    if (!p)
        abort();
    return p;
}

/* The kernels, and what each takes and gives. */
enum { VJP = GF_LOGITS_KERNELS };

enum {
    MASK = 1,
    FILTER = 2,
    SEVERAL = 4,  /* draws from a row */
    DISTINCT = 8, /* of which there are no more than columns */
    VALUES = 16,
    NUMBERS = 32, /* as many for each row as it has columns */
    NUMBER = 64,
    LOGARITHMS = 128, /* one for each index given */
    POSITIVE = 256,   /* no temperature 0 */
    DENSE = 512,      /* no ragged rows */
    FLOOR = 1024,
    TOLD = 2048,     /* the log-probability of the draw and the entropy, where they are wanted */
    GRADIENT = 4096, /* as many numbers for each row as it has columns, of one for each index and one for the row */
};

static const struct {
    int number, traits;
} kernels[] = {
    {GF_CHECK, MASK},
    {GF_CATEGORICAL, MASK | TOLD},
    {GF_REJECTION, MASK | FILTER | SEVERAL},
    {GF_ALIAS, MASK | FILTER | SEVERAL},
    {GF_REJECTION_DISTINCT, MASK | FILTER | SEVERAL | DISTINCT},
    {GF_GUMBEL_MAX, MASK | VALUES},
    {GF_GUMBEL_MAX_GIVEN, MASK | VALUES},
    {GF_GUMBEL_TOP_K, MASK | SEVERAL | DISTINCT | VALUES | FLOOR},
    {GF_DISTINCT_TOP_K, MASK | FILTER | SEVERAL | DISTINCT},
    {GF_FILTERED, MASK | FILTER | TOLD},
    {GF_TRUNCATE, MASK | FILTER | NUMBERS | DENSE},
    {GF_LOG_PROB, MASK | FILTER | SEVERAL | LOGARITHMS},
    {GF_LOG_PROB_VJP, MASK | FILTER | SEVERAL | LOGARITHMS | NUMBERS | DENSE | GRADIENT},
    {GF_GUMBEL_SOFTMAX, MASK | NUMBERS | POSITIVE | DENSE},
    {GF_SOFTMAX, MASK | NUMBERS | POSITIVE},
    {GF_LOG_SOFTMAX, MASK | NUMBERS | POSITIVE},
    {GF_LOGSUMEXP, MASK | NUMBER | POSITIVE},
    {VJP, NUMBERS | POSITIVE | DENSE},
};

/* Where ragged rows begin and end, in memory of just their size; mostly short ones, some of them empty. Returns the most
 * columns that one has. */
static size_t make_offsets(input *in, int64_t *offsets, size_t rows) {
    size_t most = 0;
    offsets[0] = take(in, 1) & 1 ? 1000 : 0;
    for (size_t r = 0; r < rows; r++) {
        const size_t kind = take(in, 1);
        const size_t n = kind < 192 ? kind % 32 : kind < 224 ? take(in, 1) : take(in, 2) % (MOST_COLUMNS + 1);
        offsets[r + 1] = offsets[r] + (int64_t)n;
        most = n > most ? n : most;
    }
    return most;
}

/* A mask whose bytes or words are of the input, in memory of just their size; of ragged rows there are `elements`
 * bytes. */
static void *make_mask(input *in, gf_mask *mask, size_t rows, size_t n, int ragged, size_t elements) {
    const size_t all = (n + 31) / 32, counts[] = {all, all, all, all / 2, all + 1, 0};
    const int dense = take(in, 1) & 1;
    mask->kind = take(in, 1) & 1 && !ragged ? GF_MASK_WORDS : GF_MASK_BYTES;
    mask->words = counts[take(in, 1) % (sizeof counts / sizeof *counts)];
    const size_t row = mask->kind == GF_MASK_WORDS ? mask->words * sizeof(uint32_t) : n;
    const size_t stride = take(in, 1) & 1 ? row : 0, size = ragged ? elements : stride ? rows * row : row;
    unsigned char *bytes = allocate(size);
    uint64_t state = take(in, 8);
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(dense ? state >> 56 | state >> 48 : (state >> 56) & (state >> 40) & (state >> 32));
    }
    mask->rows = (gf_rows){bytes, ragged ? 1 : (ptrdiff_t)stride};
    return bytes;
}

/* Filters of each row, some of them absent. */
static void make_filter(input *in, gf_filter *filter, double (*of)[MOST_ROWS], const double *temperatures, size_t among,
                        size_t rows, size_t n) {
    static const double shares[] = {0, 5e-324, 0.1, 0.5, 0.9, 0.95, 0.9999, 1};
    static const double least[] = {0, 5e-324, 1e-60, 1e-4, 0.05, 0.5, 1};
    const double counts[] = {0, 1, 2, 40, (double)(n / 2), (double)(n - 1), (double)n, (double)n + 5, 1e12};
    for (size_t r = 0; r < rows; r++) {
        of[0][r] = temperatures[take(in, 1) % among];
        of[1][r] = counts[take(in, 1) % (sizeof counts / sizeof *counts)];
        of[2][r] = shares[take(in, 1) % (sizeof shares / sizeof *shares)];
        of[3][r] = least[take(in, 1) % (sizeof least / sizeof *least)];
    }
    const uint64_t given = take(in, 1), step = take(in, 1);
    filter->temperature = (gf_vector){of[0], step & 1};
    filter->top_k = (gf_vector){given & 1 ? of[1] : NULL, step >> 1 & 1};
    filter->top_p = (gf_vector){given & 2 ? of[2] : NULL, step >> 2 & 1};
    filter->min_p = (gf_vector){given & 4 ? of[3] : NULL, step >> 3 & 1};
}

/* What a kernel did: everything that it may have written. */
typedef struct {
    gf_status status;
    int64_t index[MOST_ROWS * MOST_DRAWS];
    double value[MOST_ROWS * MOST_DRAWS];
    double out[MOST_ROWS * MOST_COLUMNS], one_hot[MOST_ROWS * MOST_COLUMNS], entropy[MOST_ROWS];
} result;

/* A result; every NaN is as good as another. */
static double number_at(const void *array, size_t i, size_t size) {
    const double x = size == sizeof(float) ? (double)((const float *)array)[i] : ((const double *)array)[i];
    return x == x ? x : 0.125;
}

/* `given` are the indices that log-probabilities are of; `results` how many numbers a kernel gives in all; `tells`: the
 * entropies are results. */
static void run(const gf_kernel *kernel, gf_request q, const int64_t *given, size_t rows, size_t size, size_t results,
                int tells, result *r) {
    const size_t draws = rows * q.draws.count;
    void *scratch = allocate(kernel->scratch ? kernel->scratch(&q) : 0);
    int64_t *index = allocate(draws * sizeof *index);
    double *value = allocate(draws * sizeof *value);
    char *out = allocate(results * size);
    memcpy(index, given, draws * sizeof *index);
    memset(value, 0, draws * sizeof *value);
    memset(out, 0, results * size);
    char *one_hot = allocate(q.one_hot ? results * size : 0), *entropy = allocate(rows * size);
    memset(entropy, 0, rows * size);
    q.draws.index = index;
    q.draws.stride = (ptrdiff_t)(q.draws.count * sizeof *index);
    q.draws.value = q.draws.value ? value : NULL;
    q.out = results ? out : NULL;
    q.entropy = tells ? entropy : q.entropy;
    q.one_hot = q.one_hot ? one_hot : NULL;
    memset(r, 0, sizeof *r);
    r->status = kernel->run(&q, 0, rows, scratch);
    const size_t sound = r->status.row < 0 ? rows : (size_t)r->status.row;
    memcpy(r->index, index, sound * q.draws.count * sizeof *index);
    memcpy(r->value, value, sound * q.draws.count * sizeof *value);
    for (size_t i = 0; i < results; i++) {
        r->out[i] = number_at(out, i, size);
        r->one_hot[i] = q.one_hot ? number_at(one_hot, i, size) : 0;
    }
    for (size_t i = 0; i < rows; i++)
        r->entropy[i] = number_at(entropy, i, size);
    free(entropy);
    free(scratch);
    free(index);
    free(value);
    free(out);
    free(one_hot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const double temperatures[] = {
        1, 0.3, 7, 1e-6, 5e-324, 1e-300, 2.9e-39, 1e-40, 1e30, 1.5e45, 1e300, INFINITY, 0};
    static result expected, found;
    static int64_t indices[MOST_ROWS * MOST_DRAWS];
    input in = {data, size};
    const size_t choice = take(&in, 1) % (sizeof kernels / sizeof *kernels);
    const int number = kernels[choice].number, traits = kernels[choice].traits;
    gf_dtype dtype = (gf_dtype)(take(&in, 1) % (number == VJP ? 2 : GF_DTYPES));
    if (is_weight(dtype) && !gf_targets[0]->logits[dtype][number].run)
        dtype = is_double(dtype) ? GF_F64 : GF_F32;
    const size_t compute = is_double(dtype) ? 8 : 4, element = dtype == GF_F16 || dtype == GF_BF16 ? 2 : compute;
    const size_t columns = 1 + take(&in, 2) % MOST_COLUMNS, rows = 1 + take(&in, 1) % MOST_ROWS;
    int64_t *offsets = NULL;
    if (!(traits & DENSE) && take(&in, 1) & 1)
        offsets = allocate((rows + 1) * sizeof *offsets);
    const size_t n = offsets ? make_offsets(&in, offsets, rows) : columns;
    const size_t elements = offsets ? (size_t)(offsets[rows] - offsets[0]) : rows * n;
    size_t count = traits & SEVERAL ? 1 + take(&in, 1) % MOST_DRAWS : 1;
    if (traits & DISTINCT && count > n)
        count = n;
    static const double levels[] = {-INFINITY, -1e300, -40, -3, 0, 1, 2.5, 1e30, INFINITY};
    double temperature[MOST_ROWS], of_filter[4][MOST_ROWS], floors[MOST_ROWS];
    const size_t among = sizeof temperatures / sizeof *temperatures;
    for (size_t r = 0; r < rows; r++)
        temperature[r] = temperatures[take(&in, 1) % (traits & POSITIVE ? among - 1 : among)];
    gf_request q;
    gf_mask mask;
    gf_filter filter;
    void *masked = NULL;
    memset(&q, 0, sizeof q);
    q.columns = n;
    q.offsets = offsets;
    q.temperature = (gf_vector){temperature, take(&in, 1) & 1};
    q.stream = (gf_stream){take(&in, 8), take(&in, 8), take(&in, 1) & 1 ? GF_MAX_COLUMNS - n : take(&in, 1)};
    q.draws.count = count;
    q.draws.step = sizeof(int64_t);
    static double wants_values;
    q.draws.value = traits & VALUES ? &wants_values : NULL;
    const uint64_t form = take(&in, 1) % 6;
    q.form = (gf_form)(form % 3);
    static double wants_one_hots;
    q.one_hot = number == GF_GUMBEL_SOFTMAX && form >= 3 ? &wants_one_hots : NULL;
    q.allow_fewer = number != GF_CHECK && take(&in, 1) & 1;
    if (traits & MASK && take(&in, 1) & 1) {
        masked = make_mask(&in, &mask, rows, n, offsets != NULL, elements);
        q.mask = &mask;
    }
    if (traits & FILTER && (number == GF_FILTERED || take(&in, 1) & 1)) {
        make_filter(&in, &filter, of_filter, temperatures, among, rows, n);
        q.filter = &filter;
    }
    if (traits & FLOOR && take(&in, 1) & 1) {
        for (size_t r = 0; r < rows; r++)
            floors[r] = levels[take(&in, 1) % (sizeof levels / sizeof *levels)];
        q.floor = (gf_vector){floors, take(&in, 1) & 1};
    }
    for (size_t i = 0; i < rows * count; i++)
        indices[i] = traits & LOGARITHMS ? (int64_t)((take(&in, 2) + i * 7) % (gf_columns(&q, i / count) + 1)) - 1 : 0;
    const gf_dtype real = is_double(dtype) ? GF_F64 : GF_F32;
    const size_t others = traits & GRADIENT ? rows * count : elements, told = traits & TOLD ? take(&in, 1) : 0;
    const int tells = traits & GRADIENT ? 0 : traits & LOGARITHMS ? take(&in, 1) & 1 : (told & 2) != 0;
    void *x = allocate(elements * element), *other = allocate(others * compute), *of_entropy = allocate(rows * compute);
    fill(&in, x, elements, dtype);
    fill(&in, other, others, real);
    fill(&in, of_entropy, rows, real);
    const size_t between = offsets ? 1 : n;
    q.x = (gf_rows){x, (ptrdiff_t)(between * element)};
    q.other = (gf_rows){other, (ptrdiff_t)((traits & GRADIENT ? count : between) * compute)};
    const uint64_t given = traits & GRADIENT ? take(&in, 1) % 3 : 0; /* 0: both gradients; else one */
    if (given == 1)
        q.other.data = NULL;
    if (traits & GRADIENT && given != 2)
        q.entropy = of_entropy;
    const size_t each = traits & NUMBER || told & 1 ? 1 : traits & LOGARITHMS ? count : 0;
    const size_t results = traits & NUMBERS ? elements : rows * each;
    q.out_stride = (ptrdiff_t)((traits & NUMBERS ? between : each) * compute);
    size_t last = 0;
    while (gf_targets[last + 1])
        last++;
    for (size_t t = last + 1; t-- > 0;) { /* scalar is the last */
        if (!gf_target_usable(gf_targets[t]))
            continue;
        const gf_kernel *kernel =
            number == VJP ? &gf_targets[t]->softmax_vjp[dtype] : &gf_targets[t]->logits[dtype][number];
        run(kernel, q, indices, rows, compute, results, tells, t == last ? &expected : &found);
        if (t != last && memcmp(&expected, &found, sizeof found) != 0) {
            fprintf(stderr, "%s differs from scalar: kernel %d\n", gf_targets[t]->name, number);
            abort();
        }
        const size_t sound = found.status.row < 0 ? rows : (size_t)found.status.row;
        const int draws = number != GF_CHECK && !(traits & (NUMBERS | NUMBER | LOGARITHMS));
        for (size_t i = 0; t != last && draws && i < sound * count; i++)
            if (found.index[i] < -q.allow_fewer || found.index[i] >= (int64_t)gf_columns(&q, i / count))
                abort();
    }
    free(offsets);
    free(masked);
    free(x);
    free(other);
    free(of_entropy);
    return 0;
}
