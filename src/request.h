/* What a kernel is asked to do: the request, and the small structs that it is made of.
 *
 * A parameter that a row has for itself is one field here. Kernels live elsewhere, and so do the checks: a request that
 * reaches a kernel is sound. But the logits may change while a kernel reads them, if another thread writes there: so every
 * search has an end that does not depend on them, and every index is inside its row. */
#ifndef GF_REQUEST_H
#define GF_REQUEST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A number for each row or element, or one for all: entry i is data[i * step], step 1 or 0. */
typedef struct {
    const double *data;
    size_t step;
} gf_vector;

static inline double gf_vector_at(gf_vector v, size_t i) { return v.data[i * v.step]; }

/* Rows of contiguous elements, `stride` bytes apart; of ragged rows the elements. */
typedef struct {
    const void *data;
    ptrdiff_t stride;
} gf_rows;

static inline const void *gf_row(const gf_rows *rows, size_t i) {
    return (const char *)rows->data + (ptrdiff_t)i * rows->stride;
}

/* What of a row may be drawn: GF_MASK_BYTES are bytes, one for each column and not 0 where it may; GF_MASK_WORDS are 32-bit
 * words, column c being bit c % 32 of word c / 32, and columns beyond the `words` of a row may not. */
typedef enum { GF_MASK_BYTES, GF_MASK_WORDS } gf_mask_kind;

typedef struct {
    gf_mask_kind kind;
    gf_rows rows; /* from row number `first` of the request on */
    size_t words;
} gf_mask;

/* Which of what may be drawn is kept (filter_tpl.h). A filter whose data is NULL is absent; in a row top_k 0, top_p 1 and min_p
 * 0 keep all. */
typedef struct {
    gf_vector temperature, top_k, top_p, min_p;
} gf_filter;

/* The random words of element c of row r are those of key, row number row + r mod 2^64 and column number column + c. */
typedef struct {
    uint64_t key, row, column;
} gf_stream;

/* Where draws go, and which of a row's draws they are: numbers first to first + count - 1. Draw number first + i of a row
 * is i * step bytes after the row's first; the kernels that make no repeated draws have step sizeof(int64_t). */
typedef struct {
    int64_t *index;
    ptrdiff_t stride, step;
    size_t first, count;
    double *value; /* as many for each row, C-contiguous from row 0 on; or NULL */
} gf_draws;

/* What a relaxation gives of each row: probabilities, the one-hot of its choice, or logarithms of the probabilities. */
typedef enum { GF_SOFT, GF_HARD, GF_LOG } gf_form;

/* The row pointers are those of row number `first`, and rows from there on lie a stride apart; the temperatures, the stream,
 * the offsets, the values and the one-hots are those of row 0. Logits and noise are of the types of the kernel.
 *
 * Ragged rows have offsets: row r is the elements from number offsets[r] to before offsets[r + 1], so of x, of `other`, of a
 * mask, which has bytes, and of an `out` of rows. The strides of these are then of an element. */
typedef struct {
    size_t first;
    size_t columns;         /* of a row; of ragged rows the most that one has */
    const int64_t *offsets; /* NULL: all rows have `columns` */
    gf_rows x;              /* logits; for a gradient, probabilities */
    gf_rows other; /* noise in the compute type that stands in for the stream's; for a gradient, that of the loss */
    gf_vector temperature;
    const gf_mask *mask;     /* NULL: all */
    const gf_filter *filter; /* NULL: none */
    gf_stream stream;
    gf_draws draws;       /* of samplers; of log-probabilities, the indices that they are of */
    gf_vector floor;      /* only values above it are drawn; data NULL: all */
    int allow_fewer;      /* a row with fewer categories than draws has index -1 and value -inf for the others */
    void *out;            /* of relaxations, in the compute type; may be x or other */
    ptrdiff_t out_stride; /* bytes between its rows, or between the numbers that there are for each */
    void *
        entropy; /* one for each row, from row 0 on, in the compute type; of a gradient, that of the loss in it; or NULL */
    gf_form form;
    void *one_hot; /* besides, the one-hot of each row, C-contiguous from row 0 on, in the compute type; or NULL */
} gf_request;

/* How many categories row r has, and how many strides after row `first` it begins. */
static inline size_t gf_columns(const gf_request *q, size_t r) {
    return q->offsets ? (size_t)(q->offsets[r + 1] - q->offsets[r]) : q->columns;
}
static inline size_t gf_place(const gf_request *q, size_t r) {
    return q->offsets ? (size_t)(q->offsets[r] - q->offsets[q->first]) : r - q->first;
}

/* Elements of row r, its draws and its results: a row of them, or what there is for each row. */
static inline const void *gf_x(const gf_request *q, size_t r) { return gf_row(&q->x, gf_place(q, r)); }
static inline const void *gf_other(const gf_request *q, size_t r) { return gf_row(&q->other, gf_place(q, r)); }
static inline void *gf_out(const gf_request *q, size_t r) {
    return (char *)q->out + (ptrdiff_t)gf_place(q, r) * q->out_stride;
}
static inline void *gf_each(const gf_request *q, size_t r) {
    return (char *)q->out + (ptrdiff_t)(r - q->first) * q->out_stride;
}
static inline int64_t *gf_index(const gf_request *q, size_t r) {
    return (int64_t *)(void *)((char *)q->draws.index + (ptrdiff_t)(r - q->first) * q->draws.stride);
}
static inline double *gf_value(const gf_request *q, size_t r) {
    return q->draws.value ? q->draws.value + r * q->draws.count : NULL;
}
/* Of a kernel that makes one draw from each row. */
static inline void gf_put(const gf_request *q, size_t r, int64_t index, double value) {
    *gf_index(q, r) = index;
    if (q->draws.value)
        q->draws.value[r] = value;
}
/* Whether a draw's log-probability is wanted, or the entropy. */
static inline int gf_told(const gf_request *q) { return q->out || q->entropy; }

static inline double gf_temperature(const gf_request *q, size_t r) { return gf_vector_at(q->temperature, r); }

static inline double gf_floor(const gf_request *q, size_t r) {
    return q->floor.data ? gf_vector_at(q->floor, r) : -INFINITY;
}

static inline const void *gf_mask_row(const gf_request *q, size_t r) { return gf_row(&q->mask->rows, gf_place(q, r)); }

/* How a kernel ended: row -1 where all went well; else the first row that could not give what was wanted, at which it
 * stopped, and how many categories that row has that are not -inf, or GF_NOT_FINITE or GF_CHANGED. */
typedef struct {
    ptrdiff_t row;
    int64_t found;
} gf_status;

/* In place of a count: the row has NaN or +inf; and it was changed while it was drawn from. */
#define GF_NOT_FINITE (-1)
#define GF_CHANGED (-2)

static inline gf_status gf_done(void) { return (gf_status){-1, 0}; }
static inline gf_status gf_stopped(size_t row, int64_t found) { return (gf_status){(ptrdiff_t)row, found}; }

/* Whether a row that has `found` categories to draw, or none and why, is an error. */
static inline int gf_refused(const gf_request *q, int64_t found) { return found < 0 || (!found && !q->allow_fewer); }

/* Ends row r, which gave `found` of its draws, or none and why: the others are -1 where that is allowed. */
static inline gf_status gf_ended(const gf_request *q, size_t r, int64_t found) {
    char *out = (char *)gf_index(q, r);
    const int64_t none = -1;
    if (found >= (int64_t)q->draws.count)
        return gf_done();
    if (found < 0 || !q->allow_fewer)
        return gf_stopped(r, found);
    for (size_t i = (size_t)found; i < q->draws.count; i++) {
        memcpy(out + (ptrdiff_t)i * q->draws.step, &none, sizeof none);
        if (q->draws.value)
            gf_value(q, r)[i] = -INFINITY;
    }
    return gf_done();
}

/* Works on rows start to stop - 1 of a request, with scratch aligned as malloc's memory is. */
typedef gf_status (*gf_run)(const gf_request *request, size_t start, size_t stop, void *scratch);

/* Bytes of scratch for any rows of a request. */
typedef size_t (*gf_scratch_size)(const gf_request *request);

typedef struct {
    gf_run run;
    gf_scratch_size scratch; /* NULL: none */
} gf_kernel;

#endif
