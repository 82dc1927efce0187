/* The k greatest of a stream of (value, index) entries: collect, and when there is no more room sort and keep the first k.
 * Entries of equal value stay in the order they came in.
 *
 * Sorting is by radix, least significant digit first: by where a value lies between the least and the greatest, two or
 * three digits of it, which brings nearly all into order; insertion does the rest. Where it has much to do, because most
 * lie close together beside a few far off, all the digits of the values' bits are sorted by. Digits have 11 bits, or 8 for
 * few entries, which do not pay for the counts of 2,048.
 *
 * Tried and slower: the leading bits of the values in place of their linear position (values on both sides of 0 agree in
 * most of them: 100,000 of a million, half as long again). */
#ifndef GF_SELECTION_H
#define GF_SELECTION_H

#include "simd/common.h"

enum { SELECTION_MOST = 64 /* values added at once */, SELECTION_DIGITS = 1 << 11 };

typedef struct {
    size_t k, room, count;
    double *value, *value_spare;
    int64_t *index, *index_spare;
} selection;

/* An entry may be written, though not counted, past the room. */
GF_INLINE size_t selection_bytes(size_t room) {
    return (room + SELECTION_MOST) * 2 * (sizeof(double) + sizeof(int64_t));
}

/* The arrays follow the header in its memory. */
GF_INLINE void selection_set(selection *s, size_t k, size_t room) {
    s->k = k;
    s->room = room;
    s->count = 0;
    s->index = (int64_t *)(void *)(s + 1);
    s->index_spare = s->index + room + SELECTION_MOST;
    s->value = (double *)(void *)(s->index_spare + room + SELECTION_MOST);
    s->value_spare = s->value + room + SELECTION_MOST;
}

GF_INLINE void selection_put(selection *s, double value, int64_t index) {
    s->value[s->count] = value;
    s->index[s->count++] = index;
}

/* Insertion sort; 0 where it took more than `most` moves and was not ended. */
static int selection_insert(selection *s, size_t most) {
    for (size_t i = 1; i < s->count; i++) {
        const double value = s->value[i];
        const int64_t index = s->index[i];
        size_t j = i;
        for (; j && s->value[j - 1] < value && i - j <= most; j--) {
            s->value[j] = s->value[j - 1];
            s->index[j] = s->index[j - 1];
        }
        s->value[j] = value;
        s->index[j] = index;
        if (i - j > most)
            return 0;
        most -= i - j;
    }
    return 1;
}

/* What digits are of: bits of the value or, where scale is not 0, of its place below `top`. Both rise as values fall. */
typedef struct {
    double top, scale, last;
} selection_order;

GF_INLINE uint64_t selection_key(const selection_order *o, double value) {
    if (o->scale != 0) {
        const double place = (o->top - value) * o->scale;
        return (uint64_t)(place < o->last ? place : o->last);
    }
    const uint64_t top = (uint64_t)1 << 63;
    uint64_t bits;
    value += 0; /* 0 and -0 are equal */
    memcpy(&bits, &value, sizeof bits);
    return bits & top ? bits : ~(bits | top);
}

/* Radix sort by the first `width` bits of the keys. */
static void selection_by_digits(selection *s, const selection_order *o, unsigned width, unsigned bits) {
    const size_t digits = (size_t)1 << bits;
    for (unsigned shift = 0; shift < width; shift += bits) {
        size_t start[SELECTION_DIGITS], sum = 0;
        memset(start, 0, digits * sizeof *start);
        for (size_t i = 0; i < s->count; i++)
            start[selection_key(o, s->value[i]) >> shift & (digits - 1)]++;
        for (size_t d = 0; d < digits; d++) {
            const size_t here = start[d];
            start[d] = sum;
            sum += here;
        }
        for (size_t i = 0; i < s->count; i++) {
            const size_t to = start[selection_key(o, s->value[i]) >> shift & (digits - 1)]++;
            s->value_spare[to] = s->value[i];
            s->index_spare[to] = s->index[i];
        }
        double *value = s->value;
        int64_t *index = s->index;
        s->value = s->value_spare;
        s->index = s->index_spare;
        s->value_spare = value;
        s->index_spare = index;
    }
}

/* Into falling order. */
static void selection_sort(selection *s) {
    if (s->count < 32) {
        selection_insert(s, SIZE_MAX);
        return;
    }
    const unsigned bits = s->count < 1024 ? 8 : 11, width = s->count < (size_t)1 << 18 ? 2 * bits : 3 * bits;
    double least = INFINITY, greatest = -INFINITY;
    for (size_t i = 0; i < s->count; i++) {
        least = s->value[i] < least && s->value[i] > -INFINITY ? s->value[i] : least;
        greatest = s->value[i] > greatest ? s->value[i] : greatest;
    }
    const double last = (double)(((uint64_t)1 << width) - 1), scale = last / (greatest - least);
    if (scale > 0 && scale < INFINITY) {
        const selection_order linear = {greatest, scale, last};
        selection_by_digits(s, &linear, width, bits);
    }
    if (!selection_insert(s, 4 * s->count)) {
        const selection_order by_bits = {0, 0, 0};
        selection_by_digits(s, &by_bits, 64, bits);
    }
}

/* Adds those of the `size` values, numbered from `index`, that are above the bound; size <= SELECTION_MOST. Where room is
 * short, the first k are kept and the bound rises to the last of them. No branch on a value: a fair share pass. */
GF_INLINE void selection_above(selection *s, const double *value, size_t size, int64_t index, double *bound) {
    if (s->count + size > s->room && s->count > s->k) {
        selection_sort(s);
        s->count = s->k;
        *bound = s->value[s->k - 1];
    }
    for (size_t i = 0; i < size; i++) {
        s->value[s->count] = value[i];
        s->index[s->count] = index + (int64_t)i;
        s->count += value[i] > *bound;
    }
}

#endif
