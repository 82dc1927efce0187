/* A libFuzzer target: one kernel on bytes of the fuzzer's choice, each SIMD target of this machine held to scalar.
 *
 * .ci/fuzz builds it with AddressSanitizer and UndefinedBehaviorSanitizer, so that a read or write outside a buffer of just the
 * right size, an undefined conversion, or other bits on one target end it. Requests are sound, as those of the library
 * are; logits, noise and gradients are any bits at all. What another thread may change in between is not tried here. */
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

/* Elements: a few of the input's own bits, repeated, and numbers of moderate size among them. */
static void fill(input *in, void *array, size_t count, gf_dtype dtype) {
    uint64_t pool[16], state = take(in, 8);
    for (int i = 0; i < 16; i++)
        pool[i] = take(in, 4) << 32 | take(in, 4);
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const uint64_t own = pool[state >> 60];
        const int moderate = state >> 40 & 3;
        const double number = (double)(int64_t)(state << 8) * 0x1p-60;
        const float single = (float)number;
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        if (dtype == GF_F64)
            memcpy((double *)array + i, moderate ? (const void *)&number : (const void *)&own, 8);
        else if (dtype == GF_F32)
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

/* What a kernel did: everything that it may have written. */
typedef struct {
    gf_status status;
    int64_t index[MOST_ROWS * MOST_DRAWS];
    double value[MOST_ROWS * MOST_DRAWS];
    double out[MOST_ROWS * MOST_COLUMNS];
} result;

static void run(const gf_kernel *kernel, gf_request q, size_t rows, size_t size, size_t results, result *r) {
    const size_t draws = rows * q.draws.count;
    void *scratch = allocate(kernel->scratch ? kernel->scratch(q.columns, q.draws.count) : 0);
    int64_t *index = allocate(draws * sizeof *index);
    double *value = allocate(draws * sizeof *value);
    char *out = allocate(rows * results * size);
    memset(index, 0, draws * sizeof *index);
    memset(value, 0, draws * sizeof *value);
    memset(out, 0, rows * results * size);
    q.draws.index = index;
    q.draws.stride = (ptrdiff_t)(q.draws.count * sizeof *index);
    q.draws.value = q.draws.value ? value : NULL;
    q.out = out;
    q.out_stride = (ptrdiff_t)(results * size);
    memset(r, 0, sizeof *r);
    r->status = kernel->run(&q, 0, rows, scratch);
    const size_t sound = r->status.row < 0 ? rows : (size_t)r->status.row;
    memcpy(r->index, index, sound * q.draws.count * sizeof *index);
    memcpy(r->value, value, sound * q.draws.count * sizeof *value);
    for (size_t i = 0; i < rows * results; i++) {
        r->out[i] = size == sizeof(float) ? (double)((float *)(void *)out)[i] : ((double *)(void *)out)[i];
        if (r->out[i] != r->out[i])
            r->out[i] = 0.125; /* every NaN is as good as another */
    }
    free(scratch);
    free(index);
    free(value);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const double temperatures[] = {
        1, 0.3, 7, 1e-6, 5e-324, 1e-300, 2.9e-39, 1e-40, 1e30, 1.5e45, 1e300, INFINITY, 0};
    static const int samplers[] = {GF_CHECK,
                                   GF_INVERSE_CDF,
                                   GF_REJECTION,
                                   GF_ALIAS,
                                   GF_REJECTION_DISTINCT,
                                   GF_GUMBEL_MAX,
                                   GF_GUMBEL_MAX_GIVEN,
                                   GF_GUMBEL_TOP_K,
                                   GF_DISTINCT_TOP_K,
                                   GF_GUMBEL_SOFTMAX};
    static result expected, found;
    input in = {data, size};
    const size_t choice = take(&in, 1) % (sizeof samplers / sizeof *samplers + GF_REAL_KERNELS);
    const int is_real = choice >= sizeof samplers / sizeof *samplers;
    const int number = is_real ? (int)(choice - sizeof samplers / sizeof *samplers) : samplers[choice];
    const gf_dtype dtype = (gf_dtype)(take(&in, 1) % (is_real ? 2 : GF_DTYPES));
    const size_t element = dtype == GF_F64 ? 8 : dtype == GF_F32 ? 4 : 2, compute = dtype == GF_F64 ? 8 : 4;
    const int short_only = !is_real && number == GF_INVERSE_CDF;
    const size_t n = 1 + take(&in, 2) % (short_only ? GF_SHORT_ROW : MOST_COLUMNS), rows = 1 + take(&in, 1) % MOST_ROWS;
    const int relaxes = is_real || number == GF_GUMBEL_SOFTMAX;
    const int many = !is_real && (number == GF_REJECTION || number == GF_ALIAS || number == GF_REJECTION_DISTINCT ||
                                  number == GF_GUMBEL_TOP_K || number == GF_DISTINCT_TOP_K);
    size_t count = many ? 1 + take(&in, 1) % MOST_DRAWS : 1;
    if (number != GF_REJECTION && number != GF_ALIAS && count > n)
        count = n;
    double temperature[MOST_ROWS];
    const size_t among = sizeof temperatures / sizeof *temperatures - (size_t)relaxes;
    for (size_t r = 0; r < rows; r++)
        temperature[r] = temperatures[take(&in, 1) % among];
    gf_request q;
    memset(&q, 0, sizeof q);
    q.columns = n;
    q.temperature = (gf_vector){temperature, take(&in, 1) & 1};
    q.stream = (gf_stream){take(&in, 8), take(&in, 8), take(&in, 1) & 1 ? GF_MAX_COLUMNS - n : take(&in, 1)};
    q.draws.count = count;
    q.draws.step = sizeof(int64_t);
    static double wants_values;
    q.draws.value = !is_real && number >= GF_GUMBEL_MAX && number <= GF_GUMBEL_TOP_K ? &wants_values : NULL;
    q.hard = take(&in, 1) & 1;
    void *x = allocate(rows * n * element), *other = allocate(rows * n * compute);
    fill(&in, x, rows * n, dtype);
    fill(&in, other, rows * n, dtype == GF_F64 ? GF_F64 : GF_F32);
    q.x = (gf_rows){x, (ptrdiff_t)(n * element)};
    q.other = (gf_rows){other, (ptrdiff_t)(n * compute)};
    const size_t results = !relaxes ? 0 : is_real && number == GF_LOGSUMEXP ? 1 : n;
    size_t last = 0;
    while (gf_targets[last + 1])
        last++;
    for (size_t t = last + 1; t-- > 0;) { /* scalar is the last */
        if (!gf_target_usable(gf_targets[t]))
            continue;
        const gf_kernel *table = is_real ? gf_targets[t]->real[dtype] : gf_targets[t]->logits[dtype];
        run(&table[number], q, rows, compute, results, t == last ? &expected : &found);
        if (t != last && memcmp(&expected, &found, sizeof found) != 0) {
            fprintf(stderr,
                    "%s differs from scalar: kernel %d of %s\n",
                    gf_targets[t]->name,
                    number,
                    is_real ? "floats" : "logits");
            abort();
        }
        const size_t sound = found.status.row < 0 ? rows : (size_t)found.status.row;
        for (size_t i = 0; t != last && !relaxes && number != GF_CHECK && i < sound * count; i++)
            if (found.index[i] < 0 || found.index[i] >= (int64_t)n)
                abort();
    }
    free(x);
    free(other);
    return 0;
}
