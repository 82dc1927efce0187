/* Runs one kernel of one SIMD target so many times, for bench/instructions.py to count what it executes. It links the C
 * core alone, no Python.
 *
 *     instructions                       the names of the jobs, and how many elements each has
 *     instructions TARGET JOB TIMES      runs a job */
#include "gumbel_fast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 1111 };

/* -- seeded inputs -------------------------------------------------------------------------------------------------- */

static void *take(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory)
        abort();
    return memory;
}

/* Nearly normal logits: the sum of twelve uniforms, by SplitMix64. */
static float *normal(size_t n, double deviation) {
    float *x = take(n * sizeof *x);
    uint64_t state = KEY;
    for (size_t i = 0; i < n; i++) {
        double sum = -6;
        for (int k = 0; k < 12; k++) {
            uint64_t z = state += 0x9E3779B97F4A7C15u;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
            z = (z ^ z >> 27) * 0x94D049BB133111EBu;
            sum += (double)((z ^ z >> 31) >> 11) * 0x1p-53;
        }
        x[i] = (float)(deviation * sum);
    }
    return x;
}

static const double one = 1;

/* Rows of contiguous floats, with so many draws of each to go to `index`. */
static gf_request batch(const float *x, size_t columns, int64_t *index, size_t draws) {
    return (gf_request){
        .columns = columns,
        .x = {x, (ptrdiff_t)(columns * sizeof *x)},
        .temperature = {&one, 0},
        .stream = {KEY, 0, 0},
        .draws = {.index = index, .stride = (ptrdiff_t)(draws * sizeof *index), .step = sizeof *index, .count = draws},
    };
}

/* Runs a kernel again and again, each time on rows of the stream that follow those before. */
static void repeat(const gf_kernel *kernel, gf_request *q, size_t rows, int times) {
    void *scratch = kernel->scratch ? take(kernel->scratch(q)) : NULL;
    for (int i = 0; i < times; i++, q->stream.row += rows)
        if (kernel->run(q, 0, rows, scratch).row >= 0)
            abort();
}

/* -- jobs ----------------------------------------------------------------------------------------------------------- */

enum { NOISE = 65536, ROW = 131072, RELAXED = 320, DRAWS = 100000, FEW = 1000, POINTS = 65536, ROWS = 4096 };

static void noise_f32(const gf_kernels *k, int times) {
    float *out = take(NOISE * sizeof *out);
    for (int i = 0; i < times; i++)
        k->gumbel[GF_F32](out, 1, NOISE, (gf_stream){KEY, (uint64_t)i, 0}, 0, 1);
}

static void noise_f64(const gf_kernels *k, int times) {
    double *out = take(NOISE * sizeof *out);
    for (int i = 0; i < times; i++)
        k->gumbel[GF_F64](out, 1, NOISE, (gf_stream){KEY, (uint64_t)i, 0}, 0, 1);
}

/* Mostly the pass over block maxima, and some trials. */
static void categorical(const gf_kernels *k, int times) {
    int64_t index;
    gf_request q = batch(normal(ROW, 2.5), ROW, &index, 1);
    repeat(&k->logits[GF_F32][GF_REJECTION], &q, 1, times);
}

static void gumbel_max(const gf_kernels *k, int times) {
    int64_t index;
    gf_request q = batch(normal(ROW, 2.5), ROW, &index, 1);
    repeat(&k->logits[GF_F32][GF_GUMBEL_MAX], &q, 1, times);
}

static void short_rows(const gf_kernels *k, int times, size_t columns) {
    gf_request q = batch(normal(ROWS * columns, 1), columns, take(ROWS * sizeof(int64_t)), 1);
    repeat(&k->logits[GF_F32][GF_CATEGORICAL], &q, ROWS, times);
}

static void short_rows_6(const gf_kernels *k, int times) { short_rows(k, times, 6); }

static void short_rows_64(const gf_kernels *k, int times) { short_rows(k, times, 64); }

static void softmax(const gf_kernels *k, int times) {
    gf_request q = batch(normal(POINTS, 2.5), POINTS, NULL, 0);
    q.out = take(POINTS * sizeof(float));
    repeat(&k->logits[GF_F32][GF_SOFTMAX], &q, 1, times);
}

static void gumbel_softmax(const gf_kernels *k, int times, size_t count, size_t columns) {
    gf_request q = batch(normal(count * columns, 1), columns, NULL, 0);
    q.out = take(count * columns * sizeof(float));
    q.out_stride = q.x.stride;
    repeat(&k->logits[GF_F32][GF_GUMBEL_SOFTMAX], &q, count, times);
}

static void gumbel_softmax_320(const gf_kernels *k, int times) { gumbel_softmax(k, times, 128, RELAXED); }

static void gumbel_softmax_10(const gf_kernels *k, int times) { gumbel_softmax(k, times, ROWS, 10); }

/* The draws alone: the table is made once. */
static void alias_draw(const gf_kernels *k, int times) {
    gf_request q = batch(normal(FEW, 1), FEW, take(DRAWS * sizeof(int64_t)), DRAWS);
    const gf_kernel *kernels = k->logits[GF_F32];
    void *scratch = take(kernels[GF_ALIAS].scratch(&q));
    if (kernels[GF_ALIAS_START].run(&q, 0, 1, scratch).row >= 0)
        abort();
    for (int i = 0; i < times; i++, q.stream.row++)
        kernels[GF_ALIAS_DRAW].run(&q, 0, 1, scratch);
}

static void alias_table(const gf_kernels *k, int times) {
    gf_request q = batch(normal(DRAWS, 1), DRAWS, NULL, 0);
    repeat(&k->logits[GF_F32][GF_ALIAS_START], &q, 1, times);
}

static void pdf(const gf_kernels *k, int times) {
    static const double zero;
    double *x = take(POINTS * sizeof *x), *out = take(POINTS * sizeof *out);
    const float *source = normal(POINTS, 1);
    for (size_t i = 0; i < POINTS; i++)
        x[i] = source[i];
    for (int i = 0; i < times; i++)
        k->distribution[GF_PDF]((gf_vector){x, 1}, (gf_vector){&zero, 0}, (gf_vector){&one, 0}, out, POINTS);
}

static const struct {
    const char *name;
    size_t elements;
    void (*run)(const gf_kernels *k, int times);
} jobs[] = {
    {"noise_f32", NOISE, noise_f32},
    {"noise_f64", NOISE, noise_f64},
    {"categorical", ROW, categorical},
    {"gumbel_max", ROW, gumbel_max},
    {"short_rows_6", 6 * ROWS, short_rows_6},
    {"short_rows_64", 64 * ROWS, short_rows_64},
    {"softmax", POINTS, softmax},
    {"gumbel_softmax_320", 128 * RELAXED, gumbel_softmax_320},
    {"gumbel_softmax_10", 10 * ROWS, gumbel_softmax_10},
    {"alias_draw", DRAWS, alias_draw},
    {"alias_table", DRAWS, alias_table},
    {"pdf", POINTS, pdf},
};

int main(int argc, char **argv) {
    const size_t count = sizeof jobs / sizeof *jobs;
    if (argc == 1) {
        for (size_t i = 0; i < count; i++)
            printf("%s %zu\n", jobs[i].name, jobs[i].elements);
        return 0;
    }
    for (const gf_kernels *const *target = gf_targets; argc == 4 && *target; target++)
        for (size_t i = 0; i < count; i++)
            if (!strcmp((*target)->name, argv[1]) && gf_target_usable(*target) && !strcmp(jobs[i].name, argv[2])) {
                jobs[i].run(*target, atoi(argv[3]));
                return 0;
            }
    fprintf(stderr, "usage: instructions [TARGET JOB TIMES]\n");
    return 2;
}
