/* Prints a digest of what each kernel of one SIMD target gives for inputs made here, so that the targets of different
 * machines can be compared: two that agree bit for bit print the same lines. Which lines are right, digests.json says.
 * It links the C core alone, no Python.
 *
 *     driver                 the runs that this machine can make, best first: names of targets, and `scalar own` where
 *                            `scalar` calls a function to multiply and add
 *     driver TARGET [own]    a line for each kernel and type: their names, and the SHA-256 digest of what the kernel gave;
 *                            by `own`, the function is that of src/fused.c whatever the C library's is worth
 *
 * Inputs are made by integers, by IEEE operations that are rounded once, and by nothing of libm, so they are the same
 * everywhere. All NaN are hashed as one: which of them an operation gives, IEEE 754 leaves to the machine. */
#include "fused.h"
#include "gumbel_fast.h"
#include "sha256.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* -- seeded inputs -------------------------------------------------------------------------------------------------- */

static uint64_t random_state; /* each kernel's inputs begin with a state of their own, so that they differ alone */

/* SplitMix64 */
static uint64_t random_word(void) {
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static size_t random_below(size_t n) { return (size_t)((random_word() >> 32) * n >> 32); }

static double random_unit(void) { return (double)(random_word() >> 11) * 0x1p-53; }

/* Nearly normal, with the spread of real logits. */
static double random_logit(void) {
    uint64_t sum = 0; /* of twelve 16-bit numbers */
    for (int i = 0; i < 3; i++) {
        const uint64_t word = random_word();
        sum += (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48);
    }
    return 4 * ((double)sum * 0x1p-16 - 6);
}

/* Any finite double, all exponents alike; the same of floats. */
static double random_finite(void) {
    uint64_t bits = random_word();
    double x;
    memcpy(&x, &bits, sizeof x);
    return x - x == 0 ? x : 1;
}

static double random_finite_float(void) {
    uint32_t bits = (uint32_t)random_word();
    float x;
    memcpy(&x, &bits, sizeof x);
    return x - x == 0 ? x : 1;
}

/* Every length up to a block's edge and past it, then the edges of larger blocks, then long rows. */
enum { EVERY_LENGTH = 70, LONG = 10000, MOST = 50257 };

static size_t lengths[EVERY_LENGTH + 16];
static size_t length_count;

static void set_lengths(void) {
    static const size_t edges[] = {127, 128, 129, 1023, 1024, 1025, 4095, 4096, 4097, 20011, MOST};
    for (size_t n = 0; n <= EVERY_LENGTH; n++)
        lengths[length_count++] = n;
    for (size_t i = 0; i < COUNT(edges); i++)
        lengths[length_count++] = edges[i];
}

/* -- types of logits and of results --------------------------------------------------------------------------------- */

typedef struct element_type {
    const char *name;
    size_t size;
    void (*put)(void *array, size_t i, double x); /* converts to the type; a half is truncated */
    const struct element_type *compute;           /* the type that logits of this one are computed in */
    const gf_kernel *logits, *vjp;                /* the half types have no gradient and no noise */
    gf_gumbel_kernel gumbel;
    gf_gumbel_of_words_kernel gumbel_of_words;
    int is_weight; /* weights have no gradient and no noise either, and fewer kernels */
} element_type;

static void put_double(void *array, size_t i, double x) { ((double *)array)[i] = x; }

static void put_float(void *array, size_t i, double x) { ((float *)array)[i] = (float)x; }

static uint32_t float_bits(double x) {
    const float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return x == x ? bits : 0x7FC00000u;
}

static void put_bfloat16(void *array, size_t i, double x) { ((uint16_t *)array)[i] = (uint16_t)(float_bits(x) >> 16); }

static void put_half(void *array, size_t i, double x) {
    const uint32_t bits = float_bits(x), sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
    uint32_t half = (size >> 13) - (112 << 10);
    if (size > 0x7F800000u)
        half = 0x7E00;
    else if (size >= 143u << 23) /* 2^16 */
        half = 0x7C00;
    else if (size < 113u << 23) /* 2^-14 */
        half = (uint32_t)((x < 0 ? -x : x) * 0x1p24);
    ((uint16_t *)array)[i] = (uint16_t)(sign | half);
}

/* -- buffers: each lies between bytes that nobody may write --------------------------------------------------------- */

enum { GUARD = 64, UNTOUCHED = 0xA5 };

typedef struct {
    double space[5 * MOST];
    size_t start, size;
} buffer;

static buffer out_buffer, index_buffer, value_buffer, scratch_buffer;

/* `size` bytes, aligned to `alignment` and to no more. */
static void *take(buffer *b, size_t size, size_t alignment) {
    b->start = GUARD + alignment;
    b->size = size;
    if (size + 3 * GUARD > sizeof b->space)
        abort();
    memset(b->space, UNTOUCHED, b->start + size + GUARD);
    return (char *)b->space + b->start;
}

static void check_guard(const unsigned char *bytes, size_t count, const char *kernel) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != UNTOUCHED) {
            fprintf(stderr, "%s wrote outside its buffer\n", kernel);
            exit(1);
        }
}

static void check(const buffer *b, const char *kernel) {
    const unsigned char *bytes = (const unsigned char *)b->space;
    check_guard(bytes, b->start, kernel);
    check_guard(bytes + b->start + b->size, GUARD, kernel);
}

/* -- digests -------------------------------------------------------------------------------------------------------- */

typedef sha256 digest;

/* The low bytes of a word, the lowest first on every machine. */
static void add_bits(digest *d, uint64_t bits, size_t bytes) {
    unsigned char low[8];
    for (size_t i = 0; i < bytes; i++)
        low[i] = (unsigned char)(bits >> 8 * i);
    sha256_add(d, low, bytes);
}

static void add_double(digest *d, double x) {
    uint64_t bits = 0x7FF8000000000000u;
    if (x == x)
        memcpy(&bits, &x, sizeof bits);
    add_bits(d, bits, sizeof bits);
}

static void add_reals(digest *d, const element_type *type, const void *array, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (type->size == sizeof(float))
            add_bits(d, float_bits(((const float *)array)[i]), sizeof(float));
        else
            add_double(d, ((const double *)array)[i]);
}

static void add_indices(digest *d, const int64_t *index, size_t n) {
    for (size_t i = 0; i < n; i++)
        add_bits(d, (uint64_t)index[i], sizeof *index);
}

static void print(const char *type, const char *kernel, digest *d) {
    char digits[65];
    sha256_end(d, digits);
    printf("%s %s %s\n", type, kernel, digits);
}

/* -- rows of logits and of weights ---------------------------------------------------------------------------------- */

/* Those before USABLE can be drawn from. Long rows are of the first two: the others are about lanes, not lengths. */
typedef enum { PLAIN, MASKED, RAMP, TIES, EXTREME, USABLE, ONE_NAN = USABLE, ONE_INFINITE, ALL_MASKED, KINDS } row_kind;

static size_t kinds_of(size_t n) { return n < LONG ? KINDS : RAMP; }

static double random_zero(void) { return random_below(2) ? 0 : -0.0; }

static void put_row_of_weights(const element_type *type, row_kind kind, size_t n, void *row) {
    static const double ties[] = {0, -0.0, 1, 1, 0.5, 1e-40, 1e-40, 5e-324, 1e-300};
    for (size_t i = 0; i < n; i++) {
        const double part = 1 + random_unit(); /* a statement for each random number: they have one order */
        double x = part * 0x1p-10 * (double)(1u << random_below(24));
        switch (kind) {
        case MASKED:
            x = i != n / 2 && random_unit() < 0.4 ? random_zero() : x;
            break;
        case RAMP:
            x = (double)(i + 1) / (double)n;
            break;
        case TIES:
            x = i == n / 2 ? 1 : ties[random_below(COUNT(ties))];
            break;
        case EXTREME: /* all exponents, the sum may overflow */
            x = type->size == sizeof(double) ? random_finite() : random_finite_float();
            x = x < 0 ? -x : x;
            break;
        case ALL_MASKED:
            x = random_zero();
            break;
        default:
            break;
        }
        type->put(row, i, x);
    }
    if (n && kind == ONE_NAN)
        type->put(row, random_below(n), NAN);
    if (n && kind == ONE_INFINITE) { /* or one below 0, which is as bad */
        const double bad = random_below(2) ? INFINITY : -1e-45;
        type->put(row, random_below(n), bad);
    }
}

static void put_row(const element_type *type, row_kind kind, size_t n, void *row) {
    if (type->is_weight) {
        put_row_of_weights(type, kind, n, row);
        return;
    }
    static const double ties[] = {0, -0.0, 0, -1, -0.0, -40, 1e-40, -1e-40, 5e-324};
    for (size_t i = 0; i < n; i++) {
        double x = random_logit();
        switch (kind) {
        case MASKED:
            x = i != n / 2 && random_unit() < 0.4 ? -INFINITY : x;
            break;
        case RAMP:
            x = ((double)i - (double)(n - 1)) * (90.0 / (double)n);
            break;
        case TIES:
            x = ties[random_below(COUNT(ties))];
            break;
        case EXTREME:
            x = type->size == sizeof(double) ? random_finite() : random_finite_float();
            if (type->size == sizeof(uint16_t) && (x < -60000 || x > 60000))
                x *= 0x1p-112;
            break;
        case ALL_MASKED:
            x = -INFINITY;
            break;
        default:
            break;
        }
        type->put(row, i, x);
    }
    if (n && (kind == ONE_NAN || kind == ONE_INFINITE))
        type->put(row, random_below(n), kind == ONE_NAN ? NAN : INFINITY);
}

/* One row, aligned to its own type alone, with NaN before and after it. */
static double row_space[2][1 + MOST + 2 * GUARD];

static void *make_row(const element_type *type, row_kind kind, size_t n, int which) {
    char *start = (char *)row_space[which] + type->size;
    for (size_t i = 0; i < GUARD; i++) {
        type->put(start, i, NAN);
        type->put(start, i + GUARD + n, NAN);
    }
    put_row(type, kind, n, start + GUARD * type->size);
    return start + GUARD * type->size;
}

static const double temperatures[] = {1, 0.7, 0.05, 1000, 1e-310, 1e300, 5e-324, INFINITY, 0};
enum { POSITIVE = 6 };

static double random_temperature(size_t among) { return temperatures[random_below(2) ? 0 : random_below(among)]; }

/* A batch of rows that can be drawn from, but sometimes the last, with NaN between them. */
enum { MOST_ROWS = 37, MOST_RAGGED = 1300 };

typedef struct {
    gf_request request;
    size_t count;
} batch;

static batch make_batch(const element_type *type, size_t count, size_t n, size_t among, int usable) {
    static double row_temperature[MOST_ROWS];
    const size_t stride = n + random_below(4), step = random_below(2);
    char *rows = make_row(type, PLAIN, count * stride, 0);
    for (size_t i = 0; i < count * stride; i++)
        type->put(rows, i, NAN);
    for (size_t r = 0; r < count; r++) {
        size_t kind = random_below(n < LONG ? USABLE : RAMP);
        if (!usable && r + 1 == count && random_below(4) == 0)
            kind = random_below(kinds_of(n));
        put_row(type, (row_kind)kind, n, rows + r * stride * type->size);
        row_temperature[r] = random_temperature(among);
    }
    return (batch){{.columns = n,
                    .x = {rows, (ptrdiff_t)(stride * type->size)},
                    .temperature = {row_temperature, step},
                    .draws = {.stride = sizeof(int64_t), .step = sizeof(int64_t), .count = 1}},
                   count};
}

/* Numbers of columns of ragged rows: mostly few, then around a vector's and a short row's edges, and some long rows. */
static size_t ragged_length(size_t count) {
    static const size_t edges[] = {15, 16, 17, 63, 64, 65, 127, 128, 129, 300};
    if (count > MOST_ROWS)
        return random_below(32);
    switch (random_below(32)) {
    case 0:
        return 0;
    case 1:
        return 400 + random_below(2000);
    case 2:
    case 3:
    case 4:
        return random_below(300);
    case 5:
    case 6:
    case 7:
        return edges[random_below(COUNT(edges))];
    default:
        return 1 + random_below(random_below(2) ? 9 : 60);
    }
}

/* Ragged rows, one after the other and the last one before NaN, that can be drawn from but for a few. */
static batch make_ragged(const element_type *type, size_t count, size_t among) {
    static double row_temperature[MOST_RAGGED];
    static int64_t offsets[MOST_RAGGED + 2];
    const int64_t first = (int64_t)random_below(2) * 1000; /* the array may begin before the rows do */
    size_t columns = 0;
    offsets[0] = first;
    for (size_t r = 0; r < count; r++) {
        const size_t n = ragged_length(count);
        columns = n > columns ? n : columns;
        offsets[r + 1] = offsets[r] + (int64_t)n;
    }
    offsets[count + 1] = INT64_MAX; /* which nobody may read */
    char *rows = make_row(type, PLAIN, (size_t)(offsets[count] - first), 0);
    for (size_t r = 0; r < count; r++) {
        const size_t kind = random_below(64) ? random_below(USABLE) : random_below(KINDS);
        const size_t n = (size_t)(offsets[r + 1] - offsets[r]);
        put_row(type, (row_kind)kind, n, rows + (size_t)(offsets[r] - first) * type->size);
        row_temperature[r] = random_temperature(among);
    }
    return (batch){{.columns = columns,
                    .offsets = offsets,
                    .x = {rows, (ptrdiff_t)type->size},
                    .temperature = {row_temperature, random_below(2)},
                    .draws = {.stride = sizeof(int64_t), .step = sizeof(int64_t), .count = 1}},
                   count};
}

/* One row, with room for so many draws. */
static gf_request make_request(const void *row, size_t n, const double *temperature, size_t count) {
    return (gf_request){
        .columns = n,
        .x = {row, 0},
        .temperature = {temperature, 0},
        .draws = {.index = take(&index_buffer, count * sizeof(int64_t), sizeof(int64_t)),
                  .stride = (ptrdiff_t)(count * sizeof(int64_t)),
                  .step = sizeof(int64_t),
                  .count = count},
    };
}

static void *take_scratch(gf_kernel kernel, const gf_request *q) {
    return take(&scratch_buffer, kernel.scratch ? kernel.scratch(q) : 0, GUARD);
}

static gf_status run(gf_kernel kernel, const gf_request *q, size_t rows, void *scratch, const char *name) {
    const gf_status status = kernel.run(q, 0, rows, scratch);
    check(&index_buffer, name);
    check(&value_buffer, name);
    check(&scratch_buffer, name);
    check(&out_buffer, name);
    return status;
}

/* -- kernels that read logits --------------------------------------------------------------------------------------- */

static void add_rejection(digest *d, const gf_kernel *k, const void *row, size_t n, double temperature) {
    for (int draw = 0; draw < 4; draw++) {
        gf_request q = make_request(row, n, &temperature, 1);
        q.stream.key = random_word();
        q.stream.row = random_word();
        const gf_status status = run(k[GF_REJECTION], &q, 1, take_scratch(k[GF_REJECTION], &q), "rejection");
        add_bits(d, status.row < 0 ? (uint64_t)*q.draws.index : UINT64_MAX, 8);
    }
}

static void add_distinct(digest *d, const gf_kernel *k, const void *row, size_t n, double temperature) {
    const size_t counts[] = {1, 2, 10, n}, chosen = counts[random_below(n < 300 ? COUNT(counts) : 3)];
    const size_t wanted = chosen > n ? n : chosen;
    const uint64_t key = random_word(), stream = random_word();
    gf_request q = make_request(row, n, &temperature, wanted);
    q.stream = (gf_stream){key, stream, 0};
    if (temperature == 0)
        return;
    const gf_status status =
        run(k[GF_REJECTION_DISTINCT], &q, 1, take_scratch(k[GF_REJECTION_DISTINCT], &q), "rejection_distinct");
    const int64_t found = status.row < 0 ? (int64_t)wanted : status.found > 0 ? status.found : -1;
    add_bits(d, (uint64_t)found, 8);
    add_indices(d, q.draws.index, found > 0 ? (size_t)found : 0);
}

/* Some draws, asked for in three parts; the alias table's may begin anywhere. */
static void add_repeated(digest *d, gf_kernel start, gf_kernel draw, size_t first, const void *row, size_t n,
                         double temperature) {
    const uint64_t key = random_word(), stream = random_word();
    gf_request q = make_request(row, n, &temperature, 0);
    void *scratch = take_scratch(start, &q);
    const gf_status status = run(start, &q, 1, scratch, "repeated start");
    add_bits(d, status.row < 0 ? 0 : UINT64_MAX, 8);
    for (int part = 0; part < 3; part++) {
        const size_t count = random_below(40);
        q = make_request(row, n, &temperature, count);
        q.stream = (gf_stream){key, stream, 0};
        q.draws.first = first;
        if (status.row >= 0)
            continue;
        run(draw, &q, 1, scratch, "repeated draw");
        add_indices(d, q.draws.index, count);
        first += count;
    }
}

static void add_given(digest *d, const element_type *type, const void *row, size_t n, double temperature) {
    double value = 0;
    gf_request q = make_request(row, n, &temperature, 1);
    q.other.data = make_row(type->compute, PLAIN, n, 1);
    q.draws.value = &value;
    const gf_status status = run(type->logits[GF_GUMBEL_MAX_GIVEN], &q, 1, NULL, "gumbel_max_given");
    add_bits(d, status.row < 0 ? (uint64_t)*q.draws.index : UINT64_MAX, 8);
    if (status.row < 0)
        add_double(d, value);
}

static uint64_t random_column(size_t n) {
    const uint64_t columns[] = {0, 0, 1, 2, 3, 4095, (uint64_t)1 << 33, GF_MAX_COLUMNS - n};
    return columns[random_below(COUNT(columns))];
}

static void add_top_k(digest *d, const element_type *type, int kernel, const char *name, batch b) {
    const size_t n = b.request.columns, counts[] = {1, 2, 10, n / 3, n};
    const size_t chosen = counts[random_below(n < LONG ? COUNT(counts) : 4)];
    const size_t k = chosen == 0 ? 1 : chosen > n ? n : chosen;
    gf_request q = b.request;
    q.stream.key = random_word();
    q.stream.row = random_word();
    q.draws.count = k;
    q.draws.stride = (ptrdiff_t)(k * sizeof(int64_t));
    q.draws.index = take(&index_buffer, b.count * k * sizeof(int64_t), sizeof(int64_t));
    q.draws.value = take(&value_buffer, b.count * k * sizeof(double), sizeof(double));
    void *scratch = take_scratch(type->logits[kernel], &q);
    q.stream.column = random_column(n);
    const gf_status status = run(type->logits[kernel], &q, b.count, scratch, name);
    add_bits(d, (uint64_t)status.row, 8);
    add_bits(d, (uint64_t)(status.row < 0 ? (int64_t)k : status.found > 0 ? status.found : -1), 8);
    for (size_t i = 0; i < (status.row < 0 ? b.count : (size_t)status.row) * k; i++) {
        add_indices(d, q.draws.index + i, 1);
        add_double(d, q.draws.value[i]);
    }
}

static void hash_row_draws(const element_type *type) {
    const gf_kernel *k = type->logits;
    digest rejection = sha256_empty, repeated = sha256_empty, alias = sha256_empty, given = sha256_empty,
           distinct = sha256_empty;
    random_state = 1;
    for (size_t l = 1; l < length_count; l++) {
        const size_t n = lengths[l];
        for (size_t kind = 0; kind < kinds_of(n); kind++)
            for (int again = 0; again < (type->is_weight ? 1 : 3); again++) {
                const double temperature = random_temperature(COUNT(temperatures));
                const size_t first = random_below(1000);
                const void *row = make_row(type, (row_kind)kind, n, 0);
                add_rejection(&rejection, k, row, n, temperature);
                add_distinct(&distinct, k, row, n, temperature);
                add_repeated(&repeated, k[GF_REJECTION_START], k[GF_REJECTION_DRAW], 0, row, n, temperature);
                add_repeated(&alias, k[GF_ALIAS_START], k[GF_ALIAS_DRAW], first, row, n, temperature);
                if (!type->is_weight)
                    add_given(&given, type, row, n, temperature);
            }
    }
    print(type->name, "rejection", &rejection);
    print(type->name, "rejection_distinct", &distinct);
    print(type->name, "rejection_draw", &repeated);
    print(type->name, "alias_draw", &alias);
    if (!type->is_weight)
        print(type->name, "gumbel_max_given", &given);
}

static void add_gumbel_max(digest *d, const element_type *type, gf_request q, size_t count) {
    q.draws.value = take(&value_buffer, count * sizeof(double), sizeof(double));
    q.stream.column = random_column(q.columns);
    const gf_status status = run(type->logits[GF_GUMBEL_MAX], &q, count, NULL, "gumbel_max");
    add_bits(d, (uint64_t)status.row, 8);
    for (size_t r = 0; r < (status.row < 0 ? count : (size_t)status.row); r++) {
        add_indices(d, q.draws.index + r, 1);
        add_double(d, q.draws.value[r]);
    }
}

static void hash_batch_draws(const element_type *type) {
    digest categorical = sha256_empty, gumbel_max = sha256_empty, top_k = sha256_empty, distinct = sha256_empty;
    random_state = 2;
    for (size_t l = 1; l < length_count; l++) {
        const size_t n = lengths[l];
        for (int again = 0; again < (n <= EVERY_LENGTH ? 8 : 2); again++) {
            const size_t count = n <= EVERY_LENGTH ? 1 + random_below(MOST_ROWS) : n < LONG ? 3 : 1;
            const uint64_t key = random_word(), row = random_word();
            batch b = make_batch(type, count, n, COUNT(temperatures), 0);
            gf_request q = b.request;
            q.stream = (gf_stream){key, row, 0};
            q.draws.index = take(&index_buffer, count * sizeof(int64_t), sizeof(int64_t));
            void *scratch = take_scratch(type->logits[GF_CATEGORICAL], &q);
            const gf_status one = run(type->logits[GF_CATEGORICAL], &q, count, scratch, "categorical");
            add_bits(&categorical, (uint64_t)one.row, 8);
            add_indices(&categorical, q.draws.index, one.row < 0 ? count : (size_t)one.row);
            if (!type->is_weight)
                add_gumbel_max(&gumbel_max, type, q, count);
            add_top_k(&top_k, type, GF_GUMBEL_TOP_K, "gumbel_top_k", b);
            add_top_k(&distinct, type, GF_DISTINCT_TOP_K, "distinct_top_k", b);
        }
    }
    print(type->name, "categorical", &categorical);
    if (!type->is_weight)
        print(type->name, "gumbel_max", &gumbel_max);
    print(type->name, "gumbel_top_k", &top_k);
    print(type->name, "distinct_top_k", &distinct);
}

/* -- softmax and its kin -------------------------------------------------------------------------------------------- */

typedef struct {
    digest softmax, log_softmax, logsumexp, vjp;
} softmax_digests;

static void add_softmax(softmax_digests *d, const element_type *type, const void *row, size_t n, double temperature) {
    const gf_kernel *k = type->logits;
    const element_type *result = type->compute;
    void *out = take(&out_buffer, (n ? n : 1) * result->size, result->size);
    gf_request q = make_request(row, n, &temperature, 0);
    q.out = out;
    run(k[GF_LOG_SOFTMAX], &q, 1, NULL, "log_softmax");
    add_reals(&d->log_softmax, result, out, n);
    if (!random_below(2) && type == result) {
        memcpy(out, row, n * type->size);
        q.x.data = out;
    }
    run(k[GF_SOFTMAX], &q, 1, NULL, "softmax");
    add_reals(&d->softmax, result, out, n);
    if (type->vjp) {
        q.x.data = out;
        q.other.data = row;
        run(*type->vjp, &q, 1, NULL, "softmax_vjp");
        add_reals(&d->vjp, result, out, n);
    }
    q.x.data = row;
    run(k[GF_LOGSUMEXP], &q, 1, NULL, "logsumexp");
    add_reals(&d->logsumexp, result, out, 1);
}

static void hash_softmax(const element_type *type) {
    softmax_digests d = {sha256_empty, sha256_empty, sha256_empty, sha256_empty};
    random_state = 3;
    for (size_t l = 0; l < length_count; l++)
        for (size_t kind = 0; kind < kinds_of(lengths[l]); kind++)
            for (int again = 0; again < 2; again++) {
                const double temperature = random_temperature(POSITIVE);
                const void *row = make_row(type, (row_kind)kind, lengths[l], 0);
                add_softmax(&d, type, row, lengths[l], temperature);
            }
    print(type->name, "softmax", &d.softmax);
    print(type->name, "log_softmax", &d.log_softmax);
    print(type->name, "logsumexp", &d.logsumexp);
    if (type->vjp)
        print(type->name, "softmax_vjp", &d.vjp);
}

/* -- masks, filters, floors and ragged rows ------------------------------------------------------------------------- */

/* What a row has left is chosen by a mask of bytes, one of words, or filters; by a mask and all filters; or by a floor
 * of the values. Ragged rows have now one of these and now another. */
typedef enum { BYTES, WORDS, TOP_K, TOP_P, MIN_P, CHAIN, MASKED_CHAIN, FLOORS, RAGGED, CHOICES } choice;

static const char *const choice_names[CHOICES] = {
    "bytes", "words", "top_k", "top_p", "min_p", "chain", "masked_chain", "floors", "ragged"};

/* What a kernel gives: one draw from each row, one with its log-probability and the entropy, several, no more than there are
 * columns, numbers, one number, log-probabilities and the entropy, the entropy alone, or a gradient of them. */
typedef enum { STATUS, ONE, TOLD, MANY, DISTINCT, NUMBERS, NUMBER, LOGARITHMS, ENTROPY, GRADIENT } result_kind;

typedef struct {
    int kernel;
    const char *name;
    result_kind gives;
    int masks, filters, values; /* what it takes, and whether it gives values */
} chosen_kernel;

static const chosen_kernel chosen_kernels[] = {
    {GF_CHECK, "check", STATUS, 1, 0, 0},
    {GF_CATEGORICAL, "categorical", ONE, 1, 0, 0},
    {GF_CATEGORICAL, "categorical, told", TOLD, 1, 0, 0},
    {GF_FILTERED, "filtered", ONE, 0, 1, 0},
    {GF_FILTERED, "filtered, told", TOLD, 0, 1, 0},
    {GF_REJECTION, "rejection", MANY, 1, 1, 0},
    {GF_ALIAS, "alias", MANY, 1, 1, 0},
    {GF_REJECTION_DISTINCT, "rejection_distinct", DISTINCT, 1, 1, 0},
    {GF_GUMBEL_MAX, "gumbel_max", ONE, 1, 0, 1},
    {GF_GUMBEL_MAX_GIVEN, "gumbel_max_given", ONE, 1, 0, 1},
    {GF_GUMBEL_TOP_K, "gumbel_top_k", DISTINCT, 1, 0, 1},
    {GF_DISTINCT_TOP_K, "distinct_top_k", DISTINCT, 1, 1, 0},
    {GF_GUMBEL_SOFTMAX, "gumbel_softmax", NUMBERS, 1, 0, 0},
    {GF_SOFTMAX, "softmax", NUMBERS, 1, 0, 0},
    {GF_LOG_SOFTMAX, "log_softmax", NUMBERS, 1, 0, 0},
    {GF_LOGSUMEXP, "logsumexp", NUMBER, 1, 0, 0},
    {GF_TRUNCATE, "truncate", NUMBERS, 1, 1, 0},
    {GF_LOG_PROB, "log_prob", LOGARITHMS, 1, 1, 0},
    {GF_LOG_PROB, "entropy", ENTROPY, 1, 1, 0},
    {GF_LOG_PROB_VJP, "log_prob_vjp", GRADIENT, 1, 1, 0},
};

static int is_positive(const chosen_kernel *k) {
    return k->gives == NUMBERS ? k->kernel != GF_TRUNCATE : k->kernel == GF_LOGSUMEXP;
}

/* Whether one is to be made of it. */
static int is_chosen(const element_type *type, const chosen_kernel *k, choice chosen) {
    if (!type->logits[k->kernel].run || (k->gives == ENTROPY && type->is_weight))
        return 0;
    if (chosen == FLOORS)
        return k->kernel == GF_GUMBEL_TOP_K;
    if (chosen == RAGGED)
        return k->kernel != GF_GUMBEL_SOFTMAX && k->kernel != GF_TRUNCATE && k->kernel != GF_LOG_PROB_VJP;
    return chosen < TOP_K ? k->masks : k->filters;
}

/* A mask of each row, sometimes of almost nothing; what lies between rows and beyond them is allowed, so that a read there is
 * seen. Ragged rows have bytes. */
static gf_mask make_mask(gf_mask_kind kind, const int64_t *offsets, size_t count, size_t n) {
    static uint8_t bytes[MOST + MOST_ROWS * 8 + 2 * GUARD];
    static uint32_t words[MOST / 32 + MOST_ROWS * 8 + 2 * GUARD];
    const double densities[] = {0.9, 0.5, 0.1, 0.01};
    gf_mask mask = {.kind = kind, .words = (n + 31) / 32};
    if (kind == GF_MASK_BYTES) {
        const size_t stride = offsets ? 1 : n + random_below(4);
        memset(bytes, 1, sizeof bytes);
        mask.rows = (gf_rows){bytes + GUARD, (ptrdiff_t)stride};
        for (size_t r = 0; r < count; r++) {
            const double density = densities[random_below(offsets ? 2 : COUNT(densities))];
            uint8_t *row = bytes + GUARD + (offsets ? (size_t)(offsets[r] - offsets[0]) : r * stride);
            for (size_t i = 0; i < (offsets ? (size_t)(offsets[r + 1] - offsets[r]) : n); i++)
                row[i] = random_unit() < density ? (uint8_t)(random_word() | 1) : 0;
        }
        return mask;
    }
    if (random_below(3) == 0) /* some columns are beyond the words, or there are too many words */
        mask.words = random_below(2) ? mask.words / 2 : mask.words + 2;
    const size_t stride = mask.words + random_below(3);
    memset(words, 0xFF, sizeof words);
    mask.rows = (gf_rows){words + GUARD, (ptrdiff_t)(stride * sizeof *words)};
    for (size_t r = 0; r < count; r++) {
        const double density = densities[random_below(COUNT(densities))];
        for (size_t i = 0; i < mask.words * 32; i++)
            if (i < n && random_unit() >= density)
                words[GUARD + r * stride + i / 32] &= ~(1u << i % 32);
    }
    return mask;
}

/* Filters of each row, of which those that the choice does not name are absent. */
static gf_filter make_filter(choice chosen, size_t count, size_t n) {
    static double temperature[MOST_RAGGED], top_k[MOST_RAGGED], top_p[MOST_RAGGED], min_p[MOST_RAGGED];
    static const double shares[] = {0, 0.1, 0.5, 0.9, 0.95, 0.9999, 1};
    static const double least[] = {0, 5e-324, 1e-60, 1e-4, 0.05, 0.5, 1};
    for (size_t r = 0; r < count; r++) {
        const size_t counts[] = {0, 1, 2, 40, n / 2, n - 1, n, n + 5};
        temperature[r] = random_temperature(COUNT(temperatures));
        top_k[r] = (double)counts[random_below(COUNT(counts))];
        top_p[r] = shares[random_below(COUNT(shares))];
        min_p[r] = least[random_below(COUNT(least))];
    }
    const int all = chosen >= CHAIN;
    return (gf_filter){.temperature = {temperature, random_below(2)},
                       .top_k = {all || chosen == TOP_K ? top_k : NULL, random_below(2)},
                       .top_p = {all || chosen == TOP_P ? top_p : NULL, random_below(2)},
                       .min_p = {all || chosen == MIN_P ? min_p : NULL, random_below(2)}};
}

/* A floor for each row or one for all, some of them below or above any value. */
static gf_vector make_floor(size_t count) {
    static const double floors[] = {-INFINITY, -1e30, -40, -3, 0, 1, 2.5, 6, 1e30, INFINITY};
    static double floor[MOST_RAGGED];
    for (size_t r = 0; r < count; r++)
        floor[r] = floors[random_below(COUNT(floors))];
    return (gf_vector){floor, random_below(2)};
}

/* Numbers of draws or indices that a row is asked for. */
static size_t chosen_count(result_kind gives, size_t n) {
    const size_t counts[] = {1, 2, 11, n < LONG ? n : 40};
    const size_t count = gives == STATUS || gives == ONE || gives == TOLD ? 1 : counts[random_below(COUNT(counts))];
    return gives == DISTINCT && count > n ? n : count;
}

/* Runs a kernel on a batch; on ragged rows in two parts, the second of which has row pointers of its own. */
static gf_status run_chosen(const element_type *type, const chosen_kernel *kernel, const gf_request *q, size_t count) {
    const gf_kernel k = type->logits[kernel->kernel];
    void *scratch = take_scratch(k, q);
    const size_t split = q->offsets ? count / 3 : count;
    const gf_status status = run(k, q, split, scratch, kernel->name);
    if (status.row >= 0 || split == count)
        return status;
    gf_request rest = *q;
    gf_mask mask;
    rest.first = split;
    rest.x.data = gf_x(q, split);
    rest.other.data = gf_other(q, split);
    rest.draws.index = gf_index(q, split);
    if (q->out)
        rest.out = kernel->gives == NUMBERS ? gf_out(q, split) : gf_each(q, split);
    if (q->mask) {
        mask = *q->mask;
        mask.rows.data = gf_mask_row(q, split);
        rest.mask = &mask;
    }
    const gf_status last = k.run(&rest, split, count, scratch);
    check(&index_buffer, kernel->name);
    check(&value_buffer, kernel->name);
    check(&scratch_buffer, kernel->name);
    check(&out_buffer, kernel->name);
    return last;
}

/* Runs a kernel on a batch, and adds all that it gives. */
static void add_chosen(digest *d, const element_type *type, const chosen_kernel *kernel, const batch *b) {
    const element_type *result = type->compute;
    const size_t n = b->request.columns, count = b->count;
    const result_kind gives = kernel->gives;
    const size_t numbers = gives == NUMBERS || gives == GRADIENT ? n : 1;
    gf_request q = b->request;
    const int ragged = q.offsets != NULL;
    const size_t elements = ragged ? (size_t)(q.offsets[count] - q.offsets[0]) : n;
    q.allow_fewer = kernel->kernel != GF_CHECK && random_below(ragged ? 4 : 2);
    q.draws.count = chosen_count(gives, ragged && n > 300 ? 300 : n);
    q.draws.stride = (ptrdiff_t)(q.draws.count * sizeof(int64_t));
    q.stream.key = random_word();
    q.stream.row = random_word();
    q.other = (gf_rows){make_row(result, PLAIN, elements, 1), ragged ? (ptrdiff_t)result->size : 0};
    const size_t draws = count * q.draws.count, entries = gives == LOGARITHMS ? q.draws.count : numbers;
    const int tells = gives == TOLD || gives == LOGARITHMS || gives == ENTROPY;
    if (tells)
        q.entropy = take(&value_buffer, count * result->size, result->size);
    if (gives == GRADIENT) { /* of rows that overlap: one more number each */
        q.other = (gf_rows){make_row(result, PLAIN, count + q.draws.count, 1), (ptrdiff_t)result->size};
        q.entropy = take(&value_buffer, count * result->size, result->size);
        memcpy(q.entropy, q.other.data, count * result->size);
        if (random_below(3) == 0)
            q.entropy = NULL;
    }
    const size_t written = ragged && gives == NUMBERS ? elements : count * entries;
    q.draws.index = take(&index_buffer, draws * sizeof(int64_t), sizeof(int64_t));
    if (kernel->values)
        q.draws.value = take(&value_buffer, draws * sizeof(double), sizeof(double));
    if (gives == TOLD || gives >= NUMBERS) {
        q.out = take(&out_buffer, written * result->size, result->size);
        q.out_stride = (ptrdiff_t)((ragged && gives == NUMBERS ? 1 : entries) * result->size);
        for (size_t i = 0; i < draws; i++) /* of which log-probabilities are wanted, some of nothing */
            q.draws.index[i] = (int64_t)random_below(gf_columns(&q, i / q.draws.count) + 1) - 1;
    }
    if (gives == ENTROPY)
        q.out = NULL;
    const gf_status status = run_chosen(type, kernel, &q, count);
    const size_t sound = status.row < 0 ? count : (size_t)status.row;
    add_bits(d, (uint64_t)status.row, 8);
    add_bits(d, (uint64_t)(status.row < 0 ? 0 : status.found), 8);
    if (gives < NUMBERS && gives != STATUS)
        add_indices(d, q.draws.index, sound * q.draws.count);
    if (q.out && status.row < 0)
        add_reals(d, result, q.out, written);
    if (tells && status.row < 0)
        add_reals(d, result, q.entropy, count);
    for (size_t i = 0; kernel->values && i < sound * q.draws.count; i++)
        add_double(d, q.draws.value[i]);
}

static void add_ragged(digest *d, const element_type *type, const chosen_kernel *kernel) {
    for (int again = 0; again < 12; again++) {
        const size_t count = again == 11 ? MOST_RAGGED : again == 10 ? 3 : 4 + random_below(MOST_ROWS - 3);
        batch b = make_ragged(type, count, is_positive(kernel) ? POSITIVE : COUNT(temperatures));
        const gf_mask mask = make_mask(GF_MASK_BYTES, b.request.offsets, count, 0);
        const gf_filter filter = make_filter(CHAIN, count, b.request.columns);
        if (kernel->masks && random_below(2))
            b.request.mask = &mask;
        if (kernel->filters && (kernel->kernel == GF_FILTERED || random_below(3) == 0))
            b.request.filter = &filter;
        if (kernel->kernel == GF_GUMBEL_TOP_K && random_below(2))
            b.request.floor = make_floor(count);
        add_chosen(d, type, kernel, &b);
    }
}

static void hash_chosen_kernel(const element_type *type, const chosen_kernel *kernel, choice chosen) {
    digest d = sha256_empty;
    char name[64];
    random_state = 9 + chosen;
    if (chosen == RAGGED)
        add_ragged(&d, type, kernel);
    for (size_t l = 1; chosen != RAGGED && l < length_count; l++) {
        const size_t n = lengths[l];
        for (int again = 0; again < (n <= EVERY_LENGTH && !type->is_weight ? 2 : 1); again++) {
            const size_t count = n <= EVERY_LENGTH ? 1 + random_below(MOST_ROWS) : n < LONG ? 2 : 1;
            batch b = make_batch(type, count, n, is_positive(kernel) ? POSITIVE : COUNT(temperatures), 0);
            const gf_mask mask = make_mask(chosen == BYTES ? GF_MASK_BYTES : GF_MASK_WORDS, NULL, count, n);
            const gf_filter filter = make_filter(chosen, count, n);
            if (chosen == BYTES || chosen == WORDS || chosen == MASKED_CHAIN)
                b.request.mask = &mask;
            if (chosen == FLOORS)
                b.request.floor = make_floor(count);
            else if (chosen >= TOP_K)
                b.request.filter = &filter;
            add_chosen(&d, type, kernel, &b);
        }
    }
    snprintf(name, sizeof name, "%s of %s", kernel->name, choice_names[chosen]);
    print(type->name, name, &d);
}

static void hash_chosen(const element_type *type) {
    for (size_t k = 0; k < COUNT(chosen_kernels); k++)
        for (choice chosen = 0; chosen < CHOICES; chosen++)
            if (is_chosen(type, &chosen_kernels[k], chosen))
                hash_chosen_kernel(type, &chosen_kernels[k], chosen);
}

/* -- noise ---------------------------------------------------------------------------------------------------------- */

static void hash_gumbel(const element_type *type) {
    static const double locs[] = {0, 1.5}, scales[] = {1, 0.3};
    digest d = sha256_empty;
    random_state = 4;
    for (size_t l = 0; l < length_count; l++)
        for (int again = 0; again < 4; again++) {
            const size_t n = lengths[l], i = random_below(2);
            const size_t count = n <= EVERY_LENGTH ? 1 + random_below(MOST_ROWS) : n < LONG ? 2 : 1;
            const uint64_t key = random_word(), row = random_word();
            void *out = take(&out_buffer, count * n * type->size, type->size);
            type->gumbel(out, count, n, (gf_stream){key, row, random_column(n)}, locs[i], scales[i]);
            check(&out_buffer, "gumbel");
            add_reals(&d, type, out, count * n);
        }
    print(type->name, "gumbel", &d);
}

/* Soft samples and some one-hots; logarithms; or soft samples and the one-hots besides. */
typedef enum { SAMPLES, LOGS, BOTH } relaxation;

static void hash_gumbel_softmax(const element_type *type, relaxation what, const char *name) {
    const element_type *result = type->compute;
    digest d = sha256_empty;
    random_state = 5;
    for (size_t l = 0; l < length_count; l++)
        for (int again = 0; again < 4; again++) {
            const size_t n = lengths[l], stride = n + random_below(3);
            const size_t count = n <= EVERY_LENGTH ? 1 + random_below(MOST_ROWS) : n < LONG ? 2 : 1;
            const uint64_t key = random_word(), row = random_word();
            gf_request q = make_batch(type, count, n, POSITIVE, 0).request;
            void *out = take(&out_buffer, count * stride * result->size, result->size);
            q.out = out;
            q.out_stride = (ptrdiff_t)(stride * result->size);
            q.form = what == LOGS ? GF_LOG : what == SAMPLES && again == 3 ? GF_HARD : GF_SOFT;
            q.one_hot = what == BOTH ? take(&value_buffer, count * n * result->size, result->size) : NULL;
            q.stream = (gf_stream){key, row, random_column(n)};
            run(type->logits[GF_GUMBEL_SOFTMAX], &q, count, NULL, name);
            add_reals(&d, result, out, count * stride); /* with what lies between the rows */
            if (q.one_hot)
                add_reals(&d, result, q.one_hot, count * n);
        }
    print(type->name, name, &d);
}

/* Words at the ends and the middle of the range, and 2^16 from the ends, where float noise begins to need low words. */
static void hash_gumbel_of_words(const element_type *type) {
    static const uint32_t marks[] = {0, 1u << 16, 1u << 31, UINT32_MAX - (1u << 16), UINT32_MAX};
    static uint32_t edges[COUNT(marks) * 5], high[MOST], low[MOST];
    digest d = sha256_empty;
    size_t n = 0;
    random_state = 6;
    for (size_t i = 0; i < COUNT(edges); i++)
        edges[i] = marks[i / 5] + (uint32_t)(i % 5) - 2;
    for (size_t i = 0; i < COUNT(edges); i++)
        for (size_t j = 0; j < COUNT(edges); j++, n++) {
            high[n] = edges[i];
            low[n] = edges[j];
        }
    for (uint64_t word = random_word(); n < MOST; word = random_word(), n++) {
        high[n] = (uint32_t)word >> (word >> 59); /* all magnitudes of the winning tail */
        low[n] = (uint32_t)random_word();
        if (word >> 32 & 1)
            high[n] = ~high[n];
    }
    for (size_t l = 0; l < length_count; l++) {
        const size_t start = MOST - lengths[l];
        void *out = take(&out_buffer, lengths[l] * type->size, type->size);
        type->gumbel_of_words(high + start, low + start, out, lengths[l]);
        check(&out_buffer, "gumbel_of_words");
        add_reals(&d, type, out, lengths[l]);
    }
    print(type->name, "gumbel_of_words", &d);
}

/* -- the distribution ----------------------------------------------------------------------------------------------- */

static const double special[] = {
    0,
    -0.0,
    1,
    -1,
    0.5,
    0x1.fffffffffffffp-1,
    0x1.fffffffffffffp-2,
    0x1.0000000000001p-1,
    0x1.0000000000001p0,
    INFINITY,
    -INFINITY,
    NAN,
    5e-324,
    -5e-324,
    0x1p-1022,
    0x1p-800,
    0x1.fffffffffffffp-801,
    0x1p-53,
    0x1p-64,
    0x1.fffffffffffffp1023,
    -0x1.fffffffffffffp1023,
    0x1.62e42fefa39efp-1,
    -6.5,
    -6.6,
    30,
    36.7,
    -709,
    -710,
    -710.5,
    -745,
    -746,
    -747,
    709,
    710,
    745,
    745.2,
    746,
    1e5,
};

/* Special values, then quantiles and arguments of every magnitude, then what must not be read. */
static double *make_arguments(size_t n) {
    static double x[MOST];
    for (size_t i = 0; i < n; i++)
        switch (i < COUNT(special) ? 4 : random_below(4)) {
        case 0:
            x[i] = random_unit();
            break;
        case 1:
            x[i] = random_finite();
            break;
        case 2:
            x[i] = 1500 * (random_unit() - 0.5);
            break;
        case 3:
            x[i] = random_logit();
            break;
        default:
            x[i] = special[i];
        }
    for (size_t i = n; i < n + GUARD; i++)
        x[i] = NAN;
    return x;
}

static void hash_distribution(const gf_kernels *target) {
    static const char *const names[GF_DISTRIBUTION_FUNCTIONS] = {
        "pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"};
    static const double fixed_locs[] = {0, 0, -3.25, 1e6, 1e-300, 1e308};
    static const double fixed_scales[] = {1, 0.7, 2, 1e-3, 1e-310, 1e300};
    enum { LENGTH = 4097 };
    static double locs[LENGTH], scales[LENGTH];
    for (int f = 0; f < GF_DISTRIBUTION_FUNCTIONS; f++) {
        digest d = sha256_empty;
        random_state = 7;
        for (size_t l = 0; l < length_count && lengths[l] <= LENGTH; l++)
            for (size_t parameters = 0; parameters < COUNT(fixed_locs) + 2; parameters++) {
                const size_t n = lengths[l], fixed = parameters % COUNT(fixed_locs);
                const size_t step = parameters >= COUNT(fixed_locs);
                double *x = make_arguments(n), *out = take(&out_buffer, n * sizeof *out, sizeof *out);
                for (size_t i = 0; i < n; i++) {
                    locs[i] = random_logit();
                    scales[i] = 0x1p-10 + random_unit();
                }
                const gf_vector loc = {step ? locs : &fixed_locs[fixed], step};
                const gf_vector scale = {step ? scales : &fixed_scales[fixed], step};
                if (random_below(2))
                    x = memcpy(out, x, n * sizeof *x);
                target->distribution[f]((gf_vector){x, 1}, loc, scale, out, n);
                check(&out_buffer, names[f]);
                for (size_t i = 0; i < n; i++)
                    add_double(&d, out[i]);
            }
        print("f64", names[f], &d);
    }
}

/* -- all of a target ------------------------------------------------------------------------------------------------ */

static void hash_philox(const gf_kernels *target) {
    digest d = sha256_empty;
    random_state = 8;
    for (int i = 0; i < 1000; i++) {
        const uint64_t key = random_word(), a = random_word(), b = random_word();
        const uint32_t counter[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32)};
        uint32_t words[4];
        target->philox_block(key, counter, words);
        for (int w = 0; w < 4; w++)
            add_bits(&d, words[w], sizeof words[w]);
    }
    print("u32", "philox_block", &d);
}

static int hash_target(const gf_kernels *target) {
    const element_type f32 = {"f32",
                              4,
                              put_float,
                              &f32,
                              target->logits[GF_F32],
                              &target->softmax_vjp[GF_F32],
                              target->gumbel[GF_F32],
                              target->gumbel_of_words[GF_F32],
                              0};
    const element_type f64 = {"f64",
                              8,
                              put_double,
                              &f64,
                              target->logits[GF_F64],
                              &target->softmax_vjp[GF_F64],
                              target->gumbel[GF_F64],
                              target->gumbel_of_words[GF_F64],
                              0};
    const element_type f16 = {"f16", 2, put_half, &f32, target->logits[GF_F16], NULL, NULL, NULL, 0};
    const element_type bf16 = {"bf16", 2, put_bfloat16, &f32, target->logits[GF_BF16], NULL, NULL, NULL, 0};
    const element_type w32 = {"w32", 4, put_float, &f32, target->logits[GF_W32], NULL, NULL, NULL, 1};
    const element_type w64 = {"w64", 8, put_double, &f64, target->logits[GF_W64], NULL, NULL, NULL, 1};
    const element_type *const types[] = {&f32, &f64, &f16, &bf16, &w32, &w64};
    set_lengths();
    take(&out_buffer, 0, 1);
    take(&index_buffer, 0, 1);
    take(&value_buffer, 0, 1);
    take(&scratch_buffer, 0, 1);
    hash_philox(target);
    for (size_t i = 0; i < COUNT(types); i++) {
        hash_row_draws(types[i]);
        hash_batch_draws(types[i]);
        hash_chosen(types[i]);
        if (types[i]->is_weight)
            continue;
        hash_gumbel_softmax(types[i], SAMPLES, "gumbel_softmax");
        hash_gumbel_softmax(types[i], LOGS, "gumbel_softmax, log");
        hash_gumbel_softmax(types[i], BOTH, "gumbel_softmax, one-hot besides");
        hash_softmax(types[i]);
        if (!types[i]->gumbel)
            continue;
        hash_gumbel(types[i]);
        hash_gumbel_of_words(types[i]);
    }
    hash_distribution(target);
    return 0;
}

int main(int argc, char **argv) {
    const gf_fma_kind fma_kind = gf_choose_fma(argc == 3 && !strcmp(argv[2], "own"));
    for (const gf_kernels *const *t = gf_targets; *t; t++)
        if (gf_target_usable(*t)) {
            if (argc == 1)
                puts((*t)->name);
            else if (!strcmp((*t)->name, argv[1]))
                return hash_target(*t);
        }
    if (argc == 1) {
        if (fma_kind != GF_FMA_INSTRUCTION)
            puts("scalar own");
        return 0;
    }
    fprintf(stderr, "%s: no such target here\n", argv[1]);
    return 2;
}
