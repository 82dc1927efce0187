/* Ragged rows put together by length, so that vectors with a row a lane are of rows of about one length. What a row gives does
 * not depend on when its turn comes; of rows that cannot be drawn from, the first is to be found all the same. */
#ifndef GF_RAGGED_H
#define GF_RAGGED_H

#include "request.h"
#include "simd/common.h"

enum {
    RAGGED_ROWS = 1024,      /* put in order at a time, unless they have */
    RAGGED_ELEMENTS = 16384, /* more than this: what they read stays in the cache */
    RAGGED_LANES = 16,       /* of a vector, at most */
    RAGGED_SHORT = 128,      /* categories of a row that may be put in order */
};

/* Some consecutive rows: first those of up to 128 categories at most, by length, then the longer ones. */
typedef struct {
    size_t start, count, few;      /* few: how many of them are short */
    uint16_t order[RAGGED_ROWS];   /* above start */
    uint16_t columns[RAGGED_ROWS]; /* of the rows in that order; of the short ones alone */
} ragged_rows;

/* Up to `lanes` rows for the lanes of a vector; columns: the most that one of them has. */
typedef struct {
    uint64_t row[RAGGED_LANES];
    size_t some, columns;
} ragged_group;

/* Number of a lane's row: of a group, or so many after row r. */
GF_INLINE size_t ragged_lane(const ragged_group *group, size_t r, size_t lane) {
    return group ? (size_t)group->row[lane] : r + lane;
}

/* Takes rows from `start` on, before `stop`, and has the short ones brought near, for they will not be read in order; those of
 * up to `most` categories, at most RAGGED_SHORT, are short. */
GF_INLINE void ragged_rows_set(ragged_rows *rows, const gf_request *q, size_t start, size_t stop, size_t most) {
    uint16_t place[RAGGED_SHORT + 2], sum = 0;
    size_t elements = 0;
    rows->start = start;
    rows->count = 0;
    memset(place, 0, (most + 2) * sizeof *place);
    while (rows->count < RAGGED_ROWS && start + rows->count < stop && elements < RAGGED_ELEMENTS) {
        const size_t r = start + rows->count++, n = gf_columns(q, r);
        place[n <= most ? n : most + 1]++;
        elements += n <= most ? n : 0;
        if (n <= most)
            for (size_t byte = 0; byte < n * (size_t)q->x.stride; byte += 64)
                GF_PREFETCH((const char *)gf_x(q, r) + byte);
    }
    for (size_t n = 0; n <= most + 1; n++) {
        const uint16_t here = place[n];
        place[n] = sum;
        sum = (uint16_t)(sum + here);
    }
    rows->few = place[most + 1];
    for (size_t i = 0; i < rows->count; i++) {
        const size_t n = gf_columns(q, start + i), length = n <= most ? n : most + 1;
        const uint16_t to = place[length]++;
        rows->order[to] = (uint16_t)i;
        rows->columns[to] = (uint16_t)length;
    }
}

/* The group of short rows from place `first` of the order on. */
GF_INLINE ragged_group ragged_group_of(const ragged_rows *rows, size_t first, size_t lanes) {
    ragged_group group;
    group.some = rows->few - first < lanes ? rows->few - first : lanes;
    for (size_t lane = 0; lane < lanes; lane++)
        group.row[lane] = rows->start + rows->order[first + (lane < group.some ? lane : 0)];
    group.columns = rows->columns[first + group.some - 1];
    return group;
}

/* Of two statuses, that of the lower row. */
GF_INLINE gf_status ragged_first(gf_status a, gf_status b) {
    return b.row >= 0 && (a.row < 0 || b.row < a.row) ? b : a;
}

#endif
