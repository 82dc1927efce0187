/* Template: a row as the kernels read it. What a mask or a filter leaves out is read as NOTHING, here and nowhere else, so that a
 * kernel never knows which of the two there was. How a filter decides: filter_tpl.h.
 *
 * Tried and slower, or larger: one loop that asks at each vector whether the row is whole (the block maxima half as slow
 * again); whole and other rows in two loops of one function (log_softmax a seventh slower: a call in the one takes the
 * registers of the other); what is left out inlined in every loop (a library a quarter larger). */
#include "kernels/element_tpl.h"
#include "kernels/rejection.h"
#include "request.h"

#if defined(GF_ROW_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_ROW_TPL
#undef GF_ROW_TPL
#else
#define GF_ROW_TPL
#endif

/* A row, of which there are left the elements that the mask allows and that are above `least`, or equal to it and before
 * number `end`. Whole: nothing is left out, and the other fields mean nothing. */
typedef struct {
    const element_t *x;
    size_t n;
    const uint8_t *bytes;  /* of the mask, if it has bytes */
    const uint32_t *words; /* and if it has words, and how many columns these are of */
    size_t covered;
    real_t least;
    size_t end;
    int whole, cut; /* cut: least and end mean something */
    int packed;     /* the words are copied, zero beyond the mask, and of whole blocks (row_pack) */
} ROW(row);

/* How a loop reads a row, known where it is compiled; for ROW_ANY the row says it. */
enum { ROW(ANY) = 0, ROW(WHOLE) = 1, ROW(PACKED) = 2 };

/* How this row may be read. */
GF_INLINE int ROW(how)(const ROW(row) * row) {
    return row->whole ? ROW(WHOLE) : row->packed && !row->cut ? ROW(PACKED) : ROW(ANY);
}

/* Row r of a request, before its filters. */
GF_INLINE ROW(row) ROW(row_of)(const gf_request *q, size_t r) {
    const size_t n = gf_columns(q, r);
    ROW(row) row = {gf_x(q, r), n, NULL, NULL, 0, NOTHING, n, 1, 0, 0};
    if (GF_SELDOM(q->mask != NULL)) {
        row.whole = 0;
        if (q->mask->kind == GF_MASK_BYTES) {
            row.bytes = gf_mask_row(q, r);
        } else {
            row.words = gf_mask_row(q, r);
            row.covered = 32 * q->mask->words;
        }
    }
    return row;
}

/* Leaves of the row what is above `least`, or equal to it and before number `end`; for a row that has no such cut yet, or a
 * higher one. */
GF_INLINE void ROW(row_cut)(ROW(row) * row, real_t least, size_t end) {
    row->whole = 0;
    row->cut = 1;
    row->least = least;
    row->end = end;
}

/* Bit k: the mask allows element i + k, i < n. */
GF_INLINE uint32_t ROW(allowed)(const ROW(row) * row, size_t i) {
    const size_t left = row->n - i;
    if (row->bytes) {
        uint8_t tail[16] = {0};
        if (left >= 16)
            return u8_bits_of(row->bytes + i);
        memcpy(tail, row->bytes + i, left);
        return u8_bits_of(tail);
    }
    if (row->words && i % 32 + LANES <= 32)
        return i < row->covered ? row->words[i / 32] >> i % 32 : 0;
    if (row->words) {
        const uint64_t low = i < row->covered ? row->words[i / 32] : 0;
        const uint64_t high = i + 32 < row->covered ? row->words[i / 32 + 1] : 0;
        return (uint32_t)((high << 32 | low) >> i % 32);
    }
    return UINT32_MAX;
}

/* Of the words of a packed mask. */
GF_INLINE size_t ROW(mask_bytes)(const gf_request *q) {
    return q->mask ? block_padded(block_count(q->columns)) * sizeof(uint32_t) : 0;
}

/* Takes the mask of a row, if it has one, into `count` words, a word for each block; those past the end are 0. */
GF_INLINE void ROW(row_pack)(ROW(row) * row, uint32_t *words, size_t count) {
    const size_t n = row->n;
    if (!row->bytes && !row->words)
        return;
    const size_t blocks = (n + 31) / 32, given = row->bytes || row->covered / 32 > blocks ? blocks : row->covered / 32;
    if (row->words)
        memcpy(words, row->words, given * sizeof *words);
    for (size_t j = 0; row->bytes && j < given; j++) {
        const uint8_t *p = row->bytes + 32 * j;
        uint8_t tail[32] = {0};
        if (32 * j + 32 > n)
            p = memcpy(tail, p, n - 32 * j);
        words[j] = u8_bits_of(p) | u8_bits_of(p + 16) << 16;
    }
    memset(words + given, 0, (count - given) * sizeof *words);
    row->bytes = NULL;
    row->words = words;
    row->covered = 32 * count;
    row->packed = 1;
}

/* Bit k: lane k of the elements v from number i on is above `least`, or equal to it and before number `end`. */
GF_INLINE uint32_t ROW(before)(vec_t v, size_t i, vec_t least, size_t end) {
    const size_t lanes = end > i ? end - i : 0; /* how many of them may be equal */
    const uint32_t ties = lanes < LANES ? (1u << lanes) - 1 : UINT32_MAX;
    return V(mask_bits)(V(less)(least, v)) | (V(mask_bits)(V(equal)(least, v)) & ties);
}

/* Elements i to i + LANES - 1, i < n; those that are left out, or past the end, are NOTHING. */
GF_APART vec_t ROW(read_left)(const ROW(row) * row, size_t i) {
    const vec_t v = ROW(read_from)(row->x, i, row->n);
    uint32_t left = ROW(allowed)(row, i);
    if (row->cut)
        left &= ROW(before)(v, i, V(set)(row->least), row->end);
    return V(select)(V(mask_of_bits)(left), v, V(set)(NOTHING));
}

/* The same for any i. `whole` is the row's. A loop that is hot is compiled once for each, in functions of their own: a call
 * anywhere in a function costs its loops their registers. */
GF_INLINE vec_t ROW(read)(const ROW(row) * row, size_t i, int whole) {
    return whole || i >= row->n ? ROW(read_from)(row->x, i, row->n) : ROW(read_left)(row, i);
}

/* The same for lanes that are all in the row. */
GF_INLINE vec_t ROW(read_lanes)(const ROW(row) * row, size_t i, int how) {
    if (how == ROW(PACKED))
        return V(select)(V(mask_of_bits)(row->words[i / 32] >> i % 32), READ(row->x + i), V(set)(NOTHING));
    return how == ROW(WHOLE) ? READ(row->x + i) : ROW(read_left)(row, i);
}

/* What is left of a row, in the compute type. */
GF_APART void ROW(copy_left)(const ROW(row) * row, real_t *out) {
    const size_t n = row->n;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(out + i, ROW(read_lanes)(row, i, row->whole));
    if (i < n)
        V(store_tail)(out + i, n - i, ROW(read)(row, i, row->whole));
}

/* Elements i to i + LANES - 1 of row r of a request; few of each row are wanted. `ragged` says whether it has offsets. */
GF_INLINE vec_t ROW(read_of)(const gf_request *q, size_t r, size_t i, int whole, int ragged) {
    if (whole && !ragged)
        return ROW(read_from)(gf_row(&q->x, r - q->first), i, q->columns);
    if (whole)
        return ROW(read_from)((const element_t *)q->x.data + gf_place(q, r), i, gf_columns(q, r));
    const ROW(row) row = ROW(row_of)(q, r);
    return ROW(read)(&row, i, 0);
}

/* Element i, or NOTHING. */
GF_INLINE real_t ROW(element)(const ROW(row) * row, size_t i) {
    const real_t x = ROW(read_one)(row->x + i);
    if (!GF_SELDOM(!row->whole))
        return x;
    if (row->bytes && !row->bytes[i])
        return NOTHING;
    if (row->words && (i >= row->covered || !(row->words[i / 32] >> i % 32 & 1)))
        return NOTHING;
    return !row->cut || x > row->least || (x == row->least && i < row->end) ? x : NOTHING;
}

#endif
