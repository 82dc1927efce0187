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

static gf_rows batch(const float *x, size_t rows, size_t columns) {
    return (gf_rows){x, (ptrdiff_t)(columns * sizeof *x), rows, columns, &one, 0};
}

/* -- jobs ----------------------------------------------------------------------------------------------------------- */

enum { NOISE = 65536, ROW = 131072, RELAXED = 320, DRAWS = 100000, FEW = 1000, POINTS = 65536, ROWS = 4096 };

static void noise_f32(const gf_kernels *k, int times) {
    float *out = take(NOISE * sizeof *out);
    for (int i = 0; i < times; i++)
        k->f32.gumbel(out, 1, NOISE, KEY, (uint64_t)i, 0, 0, 1);
}

static void noise_f64(const gf_kernels *k, int times) {
    double *out = take(NOISE * sizeof *out);
    for (int i = 0; i < times; i++)
        k->f64.gumbel(out, 1, NOISE, KEY, (uint64_t)i, 0, 0, 1);
}

/* Mostly the pass over block maxima, and some trials. */
static void categorical(const gf_kernels *k, int times) {
    const float *x = normal(ROW, 2.5);
    void *scratch = take(k->logits_f32.race_scratch(ROW));
    for (int i = 0; i < times; i++)
        k->logits_f32.race(x, ROW, 1, KEY, (uint64_t)i, scratch);
}

static void gumbel_max(const gf_kernels *k, int times) {
    const gf_rows rows = batch(normal(ROW, 2.5), 1, ROW);
    int64_t index;
    for (int i = 0; i < times; i++)
        k->logits_f32.gumbel_max(&rows, KEY, (uint64_t)i, 0, &index, NULL);
}

static void short_rows(const gf_kernels *k, int times, size_t columns) {
    const gf_rows rows = batch(normal(ROWS * columns, 1), ROWS, columns);
    int64_t *index = take(ROWS * sizeof *index);
    for (int i = 0; i < times; i++)
        k->logits_f32.short_rows(&rows, KEY, (uint64_t)i * ROWS, index);
}

static void short_rows_6(const gf_kernels *k, int times) { short_rows(k, times, 6); }

static void short_rows_64(const gf_kernels *k, int times) { short_rows(k, times, 64); }

static void softmax(const gf_kernels *k, int times) {
    const float *x = normal(POINTS, 2.5);
    float *out = take(POINTS * sizeof *out);
    for (int i = 0; i < times; i++)
        k->f32.softmax(x, out, POINTS, 1);
}

static void gumbel_softmax(const gf_kernels *k, int times, size_t count, size_t columns) {
    const gf_rows rows = batch(normal(count * columns, 1), count, columns);
    float *out = take(count * columns * sizeof *out);
    for (int i = 0; i < times; i++)
        k->logits_f32.gumbel_softmax(&rows, out, rows.stride, 0, KEY, (uint64_t)i * count, 0);
}

static void gumbel_softmax_320(const gf_kernels *k, int times) { gumbel_softmax(k, times, 128, RELAXED); }

static void gumbel_softmax_10(const gf_kernels *k, int times) { gumbel_softmax(k, times, ROWS, 10); }

/* The draws alone: the table is made once. */
static void alias_draw(const gf_kernels *k, int times) {
    const float *x = normal(FEW, 1);
    int64_t *index = take(DRAWS * sizeof *index);
    void *scratch = take(k->logits_f32.alias_scratch(FEW));
    if (k->logits_f32.alias_start(x, FEW, 1, scratch))
        abort();
    for (int i = 0; i < times; i++)
        k->logits_f32.alias_draw(x, FEW, 1, KEY, (uint64_t)i, 0, DRAWS, index, scratch);
}

static void alias_table(const gf_kernels *k, int times) {
    const float *x = normal(DRAWS, 1);
    void *scratch = take(k->logits_f32.alias_scratch(DRAWS));
    for (int i = 0; i < times; i++)
        k->logits_f32.alias_start(x, DRAWS, 1, scratch);
}

static void pdf(const gf_kernels *k, int times) {
    static const double zero;
    double *x = take(POINTS * sizeof *x), *out = take(POINTS * sizeof *out);
    const float *source = normal(POINTS, 1);
    for (size_t i = 0; i < POINTS; i++)
        x[i] = source[i];
    for (int i = 0; i < times; i++)
        k->distribution[GF_PDF]((gf_argument){x, 1}, (gf_argument){&zero, 0}, (gf_argument){&one, 0}, out, POINTS);
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
