/* Template: the k greatest of a stream of (value, index) entries: collect, and when there is no more room sort and keep
 * the first k. Entries of equal value stay in the order they came in.
 *
 * Sorting is by digits of the value's bits, least significant first (radix sort): 11 bits a pass, or 8 for few entries,
 * which then do not pay for the counts of 2,048 digits. */
#include "kernels/real_tpl.h"

#if defined(GF_SELECT_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_SELECT_TPL
#undef GF_SELECT_TPL
#else
#define GF_SELECT_TPL
#endif

#define SELECT_MOST 64 /* values added at once */
enum { NAME(SELECT_MOST_DIGITS) = 1 << 11 };

typedef struct {
    size_t k, room, count;
    word_t *key, *key_spare; /* falling with the value */
    int64_t *index, *index_spare;
} NAME(select);

/* An entry may be written, though not counted, past the room. */
GF_INLINE size_t NAME(select_bytes)(size_t room) {
    return (room + SELECT_MOST) * 2 * (sizeof(word_t) + sizeof(int64_t));
}

/* The arrays follow the header in its memory. */
GF_INLINE void NAME(select_set)(NAME(select) * s, size_t k, size_t room) {
    s->k = k;
    s->room = room;
    s->count = 0;
    s->index = (int64_t *)(void *)(s + 1);
    s->index_spare = s->index + room + SELECT_MOST;
    s->key = (word_t *)(void *)(s->index_spare + room + SELECT_MOST);
    s->key_spare = s->key + room + SELECT_MOST;
}

/* Falling order of values as rising order of integers; 0 and -0 are equal. */
GF_INLINE word_t NAME(select_key)(real_t value) {
    const word_t top = (word_t)1 << (8 * sizeof(word_t) - 1);
    word_t bits;
    value += 0;
    memcpy(&bits, &value, sizeof bits);
    return bits & top ? bits : ~(bits | top);
}

GF_INLINE real_t NAME(select_value)(const NAME(select) * s, size_t i) {
    const word_t top = (word_t)1 << (8 * sizeof(word_t) - 1);
    word_t bits = s->key[i] & top ? s->key[i] : ~s->key[i] & ~top;
    real_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

GF_INLINE int64_t NAME(select_index)(const NAME(select) * s, size_t i) { return s->index[i]; }

GF_INLINE void NAME(select_put)(NAME(select) * s, real_t value, int64_t index) {
    s->key[s->count] = NAME(select_key)(value);
    s->index[s->count++] = index;
}

static void NAME(select_sort)(NAME(select) * s) {
    if (s->count < 32) { /* by insertion */
        for (size_t i = 1; i < s->count; i++) {
            const word_t key = s->key[i];
            const int64_t index = s->index[i];
            size_t j = i;
            for (; j && s->key[j - 1] > key; j--) {
                s->key[j] = s->key[j - 1];
                s->index[j] = s->index[j - 1];
            }
            s->key[j] = key;
            s->index[j] = index;
        }
        return;
    }
    const int bits = s->count < 1024 ? 8 : 11;
    const size_t digits = (size_t)1 << bits;
    for (int shift = 0; shift < (int)(8 * sizeof(word_t)); shift += bits) {
        size_t start[NAME(SELECT_MOST_DIGITS)], sum = 0;
        memset(start, 0, digits * sizeof *start);
        for (size_t i = 0; i < s->count; i++)
            start[s->key[i] >> shift & (digits - 1)]++;
        for (size_t d = 0; d < digits; d++) {
            const size_t here = start[d];
            start[d] = sum;
            sum += here;
        }
        for (size_t i = 0; i < s->count; i++) {
            const size_t to = start[s->key[i] >> shift & (digits - 1)]++;
            s->key_spare[to] = s->key[i];
            s->index_spare[to] = s->index[i];
        }
        word_t *key = s->key;
        int64_t *index = s->index;
        s->key = s->key_spare;
        s->index = s->index_spare;
        s->key_spare = key;
        s->index_spare = index;
    }
}

/* Adds those of the `size` values, numbered from `index`, that are above the bound; size <= SELECT_MOST. Where room is
 * short, the first k are kept and the bound rises to the last of them. No branch on a value: a fair share pass. */
GF_INLINE void NAME(select_above)(NAME(select) * s, const real_t *value, size_t size, int64_t index, real_t *bound) {
    if (s->count + size > s->room && s->count > s->k) {
        NAME(select_sort)(s);
        s->count = s->k;
        *bound = NAME(select_value)(s, s->k - 1);
    }
    for (size_t i = 0; i < size; i++) {
        s->key[s->count] = NAME(select_key)(value[i]);
        s->index[s->count] = index + (int64_t)i;
        s->count += value[i] > *bound;
    }
}

#endif
