/* Where in the falling order of some values a running sum of their weights reaches a target, without sorting them: the part of
 * the filters that is the same for every dtype.
 *
 * A histogram over the values' range tells the bin in which the target is reached; the values of that bin are what the next
 * histogram is of. Each divides the range by RANKING_BINS and all but spoilt inputs by nearly as much in number, so the cost is
 * that of one or two passes whatever the order, and a few equal values or a million are told by one division. */
#ifndef GF_RANKING_H
#define GF_RANKING_H

#include "simd/common.h"

enum { RANKING_BINS = 256, RANKING_FEW = 24 };

/* Some elements of a row, in any order, and a weight for each. */
typedef struct {
    double *value, *weight;
    size_t count;
} ranking;

/* Those above `least` are kept, and the first `ties` of those that are equal to it. */
typedef struct {
    double least;
    size_t ties;
} ranking_cut;

/* How many of `count` elements of one weight come before `target` is reached from `above`, at least one. */
static size_t ranking_ties(double above, double weight, double target, size_t count) {
    double wanted = weight > 0 ? ceil((target - above) / weight) : 1;
    if (!(wanted < (double)count))
        return count;
    size_t ties = wanted > 1 ? (size_t)wanted : 1;
    while (ties > 1 && above + (double)(ties - 1) * weight >= target)
        ties--;
    while (ties < count && above + (double)ties * weight < target)
        ties++;
    return ties;
}

/* The same for few elements, in falling order after. */
static ranking_cut ranking_of_few(ranking *r, double above, double target) {
    for (size_t i = 1; i < r->count; i++) {
        const double value = r->value[i], weight = r->weight[i];
        size_t j = i;
        for (; j && r->value[j - 1] < value; j--) {
            r->value[j] = r->value[j - 1];
            r->weight[j] = r->weight[j - 1];
        }
        r->value[j] = value;
        r->weight[j] = weight;
    }
    for (size_t i = 0;;) {
        size_t same = 1;
        while (i + same < r->count && r->value[i + same] == r->value[i])
            same++;
        const double after = above + (double)same * r->weight[i];
        if (after >= target || i + same == r->count)
            return (ranking_cut){r->value[i], ranking_ties(above, r->weight[i], target, same)};
        above = after;
        i += same;
    }
}

/* The shortest prefix of the falling order whose weights reach the target, or all; spoils the arrays. There is one element at
 * least, and equal values have equal weights. */
static ranking_cut ranking_reach(ranking *r, double target) {
    double above = 0;
    for (;;) {
        double least = r->value[0], greatest = r->value[0], sum[RANKING_BINS] = {0};
        if (r->count <= RANKING_FEW)
            return ranking_of_few(r, above, target);
        for (size_t i = 1; i < r->count; i++) {
            least = r->value[i] < least ? r->value[i] : least;
            greatest = r->value[i] > greatest ? r->value[i] : greatest;
        }
        if (least == greatest)
            return (ranking_cut){least, ranking_ties(above, r->weight[0], target, r->count)};
        const double half = greatest - least < INFINITY ? 1 : 0.5, range = greatest * half - least * half;
        size_t kept = 0, reached = 0;
        for (size_t i = 0; i < r->count; i++) {
            const double place = (greatest * half - r->value[i] * half) / range * RANKING_BINS;
            sum[place < RANKING_BINS - 1 ? (size_t)place : RANKING_BINS - 1] += r->weight[i];
        }
        /* Where rounding keeps the sum of all from the target, the last bin, which has the least, is meant. */
        for (; reached < RANKING_BINS - 1 && above + sum[reached] < target; reached++)
            above += sum[reached];
        for (size_t i = 0; i < r->count; i++) {
            const double place = (greatest * half - r->value[i] * half) / range * RANKING_BINS;
            r->value[kept] = r->value[i];
            r->weight[kept] = r->weight[i];
            kept += (place < RANKING_BINS - 1 ? (size_t)place : RANKING_BINS - 1) == reached;
        }
        if (kept == r->count) /* only of values that are not finite, by a row that changed */
            return (ranking_cut){least, kept};
        r->count = kept;
    }
}

#endif
