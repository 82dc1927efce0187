/* Template: which elements of a row top_k, top_p and min_p keep.
 *
 * One total order decides, falling logits and of equals the lower index first, and what is kept is a prefix of it: so it is
 * told by a value and an index (row_tpl.h). The order of work is that of the filters: top_k, top_p of what is left, min_p; and
 * min_p, being a threshold below the greatest, may come when it likes.
 *
 * No row is sorted. Only blocks whose maximum reaches a bound are looked into: of top_k a bound that as many block maxima
 * reach, of top_p one above which the mass is enough. What lies above it is ranked by weight (ranking.h): 1 for top_k, exp((x -
 * greatest) / temperature) for top_p.
 *
 * Rounding: x - greatest >= temperature log(min_p) in double; a mass is a sum in double of weights of the compute type. */
#include "kernels/mass_tpl.h"
#include "kernels/ranking.h"

#if defined(GF_FILTER_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_FILTER_TPL
#undef GF_FILTER_TPL
#else
#define GF_FILTER_TPL
#endif

/* What the filters ask of a row, and what is known of it. */
typedef struct {
    const ROW(row) * row; /* before the filters */
    const real_t *maxima; /* of its blocks */
    size_t blocks;
    ROW(scaling) scaling; /* at the filters' temperature */
    size_t top_k;         /* n where all are kept */
    double top_p;         /* 1 where all are kept */
    real_t floor;         /* of min_p: what is below is not kept */
    double temperature;
    ranking room;
} ROW(filter);

/* Scratch: block maxima, and room to rank every element. */
static size_t ROW(filter_scratch)(const gf_request *q) {
    const size_t n = q->columns;
    return q->filter ? block_padded(block_count(n)) * sizeof(real_t) + 2 * n * sizeof(double) : 0;
}

/* The next number above x. */
GF_INLINE real_t ROW(next)(real_t x) {
    return REAL == 32 ? (real_t)nextafterf((float)x, INFINITY) : (real_t)nextafter(x, INFINITY);
}

/* The least number x with x - greatest >= temperature log(min_p), or of weights x >= greatest min_p^temperature; at most
 * `greatest`, and NOTHING where all are kept. */
GF_INLINE real_t ROW(filter_floor)(real_t greatest, double temperature, double min_p) {
    if (!(min_p > 0) || temperature == INFINITY)
        return NOTHING;
#ifdef OF_WEIGHTS
    const double least = greatest * (temperature == 1 || min_p == 1 ? min_p : exp_of(temperature * log_of(min_p)));
    const real_t floor = (real_t)least;
    return floor < least ? ROW(next)(floor) : floor;
#else
    const double below = min_p < 1 ? temperature * log_of(min_p) * (1 + 0x1p-50) : 0;
    real_t floor = (real_t)(greatest + below);
    if (!(floor > -REAL_MAX))
        return NOTHING;
    while (floor < greatest && floor - (double)greatest < below)
        floor = ROW(next)(floor);
    return floor;
#endif
}

/* `memory` is the scratch, whose first part becomes the block maxima; returns 1, or what is left where nothing can be drawn. */
GF_APART int64_t ROW(filter_set)(ROW(filter) * f, const gf_request *q, size_t r, const ROW(row) * row, void *memory) {
    const size_t n = row->n;
    const gf_filter *asked = q->filter;
    real_t *maxima = memory;
    f->row = row;
    f->blocks = block_padded(block_count(n));
    f->maxima = maxima;
    f->room.value = (double *)(void *)(maxima + f->blocks);
    f->room.weight = f->room.value + n;
    f->temperature = gf_vector_at(asked->temperature, r);
    const double k = asked->top_k.data ? gf_vector_at(asked->top_k, r) : 0;
    f->top_k = k >= 1 && k < (double)n ? (size_t)k : n;
    f->top_p = asked->top_p.data ? gf_vector_at(asked->top_p, r) : 1;
    if (f->top_p == 0) { /* the first alone: to count it costs less than to weigh it */
        f->top_k = 1;
        f->top_p = 1;
    }
    const real_t greatest = ROW(block_maxima)(row, maxima);
    f->scaling = ROW(scaling_of)(greatest, f->temperature);
    if (greatest != greatest)
        return ROW(unusable)(row);
    f->floor = ROW(filter_floor)(greatest, f->temperature, asked->min_p.data ? gf_vector_at(asked->min_p, r) : 0);
    return 1;
}

/* How many block maxima are `bound` or more. */
GF_INLINE size_t ROW(maxima_from)(const ROW(filter) * f, real_t bound) {
    const vec_t b = V(set)(bound);
    size_t count = 0;
    for (size_t j = 0; j < f->blocks; j += LANES)
        count += LANES - gf_count_bits(V(mask_bits)(V(less)(V(load)(f->maxima + j), b)));
    return count;
}

/* Bit k: block j + k has a maximum of `least` or more, and below `most`. */
GF_INLINE uint32_t ROW(blocks_between)(const ROW(filter) * f, size_t j, real_t least, real_t most) {
    const vec_t m = V(load)(f->maxima + j);
    return V(mask_bits)(V(less)(m, V(set)(most))) & ~V(mask_bits)(V(less)(m, V(set)(least)));
}

/* A bound that at least top_k elements reach, and not many more if it is easily had. */
GF_INLINE real_t ROW(filter_bound)(const ROW(filter) * f) {
    const size_t k = f->top_k;
    const real_t greatest = f->scaling.greatest;
    double depth = 1;
    real_t reached = ROW(element_below)(greatest, depth, 1), missed = greatest;
    if (ROW(maxima_from)(f, ROW(next)(NOTHING)) < k)
        return NOTHING;
    while (reached > NOTHING && ROW(maxima_from)(f, reached) < k) {
        missed = reached;
        depth *= 4;
        reached = ROW(element_below)(greatest, depth, 1);
    }
    if (!(reached > NOTHING))
        return NOTHING;
    for (int step = 0; step < 12; step++) {
        const real_t middle = reached / 2 + missed / 2;
        const size_t count = ROW(maxima_from)(f, middle);
        if (count < k)
            missed = middle;
        else
            reached = middle;
        if (count >= k && count <= k + k / 2)
            break;
    }
    return reached;
}

/* Takes into the room the elements of a block that are `bound` or more, with weights, or 1 for each; returns their sum. */
GF_INLINE double ROW(filter_take)(ROW(filter) * f, size_t block, real_t bound, int weighted) {
    const vec_t b = V(set)(bound), none = V(set)(NOTHING);
    double sum = 0;
    for (size_t i = block * BLOCK; i < f->row->n && i < (block + 1) * BLOCK; i += LANES) {
        const vec_t x = ROW(read)(f->row, i, f->row->whole);
        uint32_t taken = V(mask_bits)(V(less)(none, x)) & ~V(mask_bits)(V(less)(x, b));
        real_t value[LANES], weight[LANES];
        if (!taken)
            continue;
        V(store)(value, x);
        V(store)(weight, weighted ? ROW(weight)(x, &f->scaling) : V(set)(1));
        for (; taken; taken &= taken - 1) {
            const unsigned lane = gf_lowest_bit(taken);
            f->room.value[f->room.count] = value[lane];
            f->room.weight[f->room.count++] = weight[lane];
            sum += weight[lane];
        }
    }
    return sum;
}

/* The same for the whole row. */
GF_APART double ROW(filter_collect)(ROW(filter) * f, real_t bound, int weighted) {
    double sum = 0;
    f->room.count = 0;
    for (size_t j = 0; j < f->blocks; j += LANES)
        for (uint32_t open = ROW(blocks_between)(f, j, bound, INFINITY); open; open &= open - 1)
            sum += ROW(filter_take)(f, j + gf_lowest_bit(open), bound, weighted);
    return sum;
}

/* The end of the first `*ties` elements of a block that are equal to `value`; n, and *ties less by their number, where there
 * are too few. */
GF_INLINE size_t ROW(filter_end_in)(const ROW(row) * row, size_t block, real_t value, size_t *ties) {
    const vec_t v = V(set)(value);
    for (size_t i = block * BLOCK; i < row->n && i < (block + 1) * BLOCK; i += LANES) {
        uint32_t here = V(mask_bits)(V(equal)(ROW(read)(row, i, row->whole), v));
        const size_t count = gf_count_bits(here);
        if (count >= *ties) {
            for (; *ties > 1; --*ties)
                here &= here - 1;
            return i + gf_lowest_bit(here) + 1;
        }
        *ties -= count;
    }
    return row->n;
}

/* The end of the first `ties` elements that are equal to `value`. */
GF_APART size_t ROW(filter_end)(const ROW(filter) * f, real_t value, size_t ties) {
    size_t end = f->row->n;
    for (size_t j = 0; j < f->blocks; j += LANES)
        for (uint32_t open = ROW(blocks_between)(f, j, value, INFINITY); open; open &= open - 1)
            if ((end = ROW(filter_end_in)(f->row, j + gf_lowest_bit(open), value, &ties)) < f->row->n)
                return end;
    return end;
}

/* Drops from the room what a cut leaves out; returns the sum of the weights left. */
GF_INLINE double ROW(filter_drop)(ROW(filter) * f, ranking_cut cut) {
    size_t kept = 0;
    double sum = 0;
    for (size_t i = 0; i < f->room.count; i++) {
        const double value = f->room.value[i], weight = f->room.weight[i];
        const int tie = value == cut.least;
        if (value < cut.least || (tie && !cut.ties))
            continue;
        cut.ties -= (size_t)tie;
        f->room.value[kept] = value;
        f->room.weight[kept++] = weight;
        sum += weight;
    }
    f->room.count = kept;
    return sum;
}

GF_INLINE double ROW(filter_total_of)(const ROW(filter) * f, int whole) {
    NAME(running_sum) sum = NAME(empty_sum)();
    for (size_t i = 0; i < f->row->n; i += LANES)
        NAME(accumulate)(&sum, ROW(weight)(ROW(read)(f->row, i, whole), &f->scaling));
    return NAME(total)(&sum);
}

GF_APART double ROW(filter_total_whole)(const ROW(filter) * f) { return ROW(filter_total_of)(f, 1); }

GF_APART double ROW(filter_total_any)(const ROW(filter) * f) { return ROW(filter_total_of)(f, 0); }

/* Mass of the row. No two weights are added in float: what this is compared with are sums in double of some of them. */
GF_INLINE double ROW(filter_total)(const ROW(filter) * f) {
    return f->row->whole ? ROW(filter_total_whole)(f) : ROW(filter_total_any)(f);
}

/* Takes into the room all elements of the row above which the mass is more than `target`, and perhaps others after them. */
GF_INLINE void ROW(filter_collect_mass)(ROW(filter) * f, double target) {
    static const double depths[] = {3, 8, 20, INFINITY}; /* nats below the greatest */
    for (int i = 0;; i++) {
        const real_t bound = ROW(element_below)(f->scaling.greatest, depths[i], f->temperature);
        const int all = !(bound > NOTHING);
        const double sum = ROW(filter_collect)(f, bound, 1);
        if (all || sum > target * (1 + 0x1p-30))
            return;
    }
}

/* The cut of top_p; `cut` is that of top_k, if there was one. */
GF_INLINE ranking_cut ROW(filter_mass)(ROW(filter) * f, ranking_cut cut, int after_top_k) {
    double target;
    if (after_top_k) {
        ROW(filter_collect)(f, (real_t)cut.least, 1);
        target = f->top_p * ROW(filter_drop)(f, cut);
    } else {
        target = f->top_p * ROW(filter_total)(f);
        ROW(filter_collect_mass)(f, target);
    }
    return f->room.count ? ranking_reach(&f->room, target > DBL_MIN ? target : DBL_MIN) : cut;
}

/* Leaves of `row`, which is that of the filter or a copy, what the filters keep. */
GF_APART void ROW(filter_cut)(ROW(filter) * f, ROW(row) * row) {
    const size_t n = f->row->n;
    ranking_cut cut = {NOTHING, n};
    int all = 1;
    if (f->top_k < n) {
        const real_t bound = ROW(filter_bound)(f);
        ROW(filter_collect)(f, bound, 0);
        all = bound == NOTHING && f->room.count <= f->top_k;
        if (!all && f->room.count)
            cut = ranking_reach(&f->room, (double)f->top_k);
    }
    if (f->top_p < 1) {
        cut = ROW(filter_mass)(f, cut, f->top_k < n);
        all = 0;
    }
    if (f->floor > cut.least)
        ROW(row_cut)(row, f->floor, n);
    else if (!all)
        ROW(row_cut)(row, (real_t)cut.least, ROW(filter_end)(f, (real_t)cut.least, cut.ties));
}

/* Leaves of row r what its filters keep; returns 1, or what is left where nothing can be drawn. */
GF_APART int64_t ROW(filter_row)(const gf_request *q, size_t r, ROW(row) * row, void *memory) {
    const ROW(row) before = *row;
    ROW(filter) f;
    const int64_t left = ROW(filter_set)(&f, q, r, &before, memory);
    if (left > 0)
        ROW(filter_cut)(&f, row);
    return left;
}

#endif
