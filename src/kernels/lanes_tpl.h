/* Template: rows of up to GF_SHORT_ROW categories with a row a lane: what a group of them is read to. Lanes never meet, so that a
 * row gives the same bits alone, in a batch and beside rows of other lengths. */
#include "kernels/argmax_tpl.h"
#include "kernels/ragged.h"
#include "kernels/weigh_tpl.h"

#if defined(GF_LANES_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_LANES_TPL
#undef GF_LANES_TPL
#else
#define GF_LANES_TPL
#endif

#define SHORT_FEW 3 /* rows that are worked on one by one: their lanes would be too empty */

/* What the temperatures of up to LANES rows come to. */
typedef struct {
    vec_t rate;
    uint32_t extreme; /* bit i: lane i is at temperature 0, or at one that (x - greatest) * rate does not serve */
#ifdef OF_WEIGHTS
    uint32_t powered; /* bit i: lane i is at another temperature than 1 */
    f64x8 temperature[EIGHTS];
#endif
} ROW(lane_rates);

GF_INLINE ROW(lane_rates) ROW(rates_from)(const gf_request *q, const ragged_group *group, size_t r, size_t some) {
    real_t rate[LANES];
    ROW(lane_rates) lanes = {.extreme = 0};
#ifdef OF_WEIGHTS
    double temperatures[LANES];
    lanes.powered = 0;
#endif
    for (size_t lane = 0; lane < LANES; lane++) {
        const double temperature = gf_temperature(q, ragged_lane(group, r, lane < some ? lane : 0));
        rate[lane] = (real_t)(1 / temperature);
        lanes.extreme |= (uint32_t)NAME(is_extreme)(temperature) << lane;
#ifdef OF_WEIGHTS
        temperatures[lane] = temperature;
        lanes.powered |= (uint32_t)(temperature != 1) << lane;
#endif
    }
    lanes.rate = V(load)(rate);
#ifdef OF_WEIGHTS
    for (int e = 0; e < EIGHTS; e++)
        lanes.temperature[e] = f64_load(temperatures + 8 * e);
#endif
    return lanes;
}

/* The columns of up to LANES rows, from number r on or those of a group, and the greatest of each; returns the lanes that cannot
 * be drawn from. What is past the end of a row is NOTHING. */
GF_INLINE mask_t ROW(lane_columns)(const gf_request *q, const ragged_group *group, size_t r, size_t some,
                                   vec_t column[GF_SHORT_ROW], vec_t *greatest, int whole) {
    enum { TILES = GF_SHORT_ROW / LANES };
    const size_t n = group ? group->columns : q->columns;
    const vec_t none = V(set)(NOTHING);
    for (size_t tile = 0; tile < TILES && tile * LANES < n; tile++) {
        vec_t *v = column + tile * LANES;
        for (size_t lane = 0; lane < LANES; lane++)
            v[lane] = lane < some ? ROW(read_of)(q, ragged_lane(group, r, lane), tile * LANES, whole, !!group) : none;
        V(transpose)(v);
    }
    mask_t bad = V(mask_none)();
    vec_t most = none;
    for (size_t c = 0; c < n; c++) {
        bad = V(mask_or)(bad, ROW(unsound)(column[c]));
        most = V(max)(column[c], most);
    }
    *greatest = most;
    return V(mask_or)(bad, V(mask_or)(V(not_less)(none, most), V(not_less)(most, V(set)(INFINITY))));
}

#endif
