/* Template: sums over the weights of rows of up to GF_SHORT_ROW logits, for the kernels that give a number or a few for each row:
 * many rows at a time with a row a lane, or one by itself. Both add along the row in order, in double, so that they agree to
 * the bit. Extreme temperatures, filters and rows that cannot be drawn from are left to who asks. */
#include "kernels/lanes_tpl.h"
#include "kernels/mass_tpl.h"

#if defined(GF_SHORT_SUMS_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_SHORT_SUMS_TPL
#undef GF_SHORT_SUMS_TPL
#else
#define GF_SHORT_SUMS_TPL
#endif

/* What is done with the sums of a row, or with a row that is left to it: NULL. */
typedef void (*ROW(short_use))(const gf_request *q, size_t r, const ROW(sums) * sums, void *scratch);

#ifndef OF_WEIGHTS

/* The entropy is log(sum w) - sum(w log w) / sum w. Mass is that beside the greatest, slope sum(w log(1 / w)): terms that are not negative, and keep their digits near 0. */
GF_INLINE f64x8 ROW(short_entropy)(f64x8 mass, f64x8 slope, f64x8 log_mass) {
    return f64_add(log_mass, f64_div(slope, f64_add(f64_set(1), mass)));
}

GF_INLINE vec_t ROW(short_logarithm)(vec_t x, vec_t greatest, vec_t rate) {
    return V(max)(V(mul)(V(sub)(x, greatest), rate), V(set)(-1000)); /* where the weight is 0 */
}

/* One row; 0 where it is left. */
GF_INLINE int ROW(short_sums_one)(const gf_request *q, size_t r, ROW(sums) * sums) {
    enum { VECTORS = GF_SHORT_ROW / LANES };
    const ROW(row) row = ROW(row_of)(q, r);
    const double temperature = gf_temperature(q, r);
    const size_t n = row.n, vectors = (n + LANES - 1) / LANES;
    if (q->filter || n > GF_SHORT_ROW || NAME(is_extreme)(temperature))
        return 0;
    const real_t greatest = ROW(greatest)(&row);
    if (greatest != greatest)
        return 0;
    const vec_t rate = V(set)((real_t)(1 / temperature)), most = V(set)(greatest);
    real_t w[GF_SHORT_ROW], z[GF_SHORT_ROW];
    double mass = 0, slope = 0, lane[8];
    for (size_t k = 0; k < vectors; k++) {
        const vec_t log = ROW(short_logarithm)(ROW(read)(&row, k * LANES, row.whole), most, rate);
        const vec_t weight = NAME(exp_below)(log);
        V(store)(w + k * LANES, weight);
        V(store)(z + k * LANES, V(mul)(V(sub)(V(set)(0), log), weight));
    }
    const size_t place = ROW(place_of)(&row, greatest);
    if (place < n) /* the row did not change in between */
        w[place] = 0;
    for (size_t i = 0; i < n; i++) {
        mass += w[i];
        slope += z[i];
    }
    const f64x8 log_mass = f64_log1p_of(f64_set(mass));
    f64_store(lane, log_mass);
    sums->greatest = greatest;
    sums->log_mass = lane[0];
    f64_store(lane, ROW(short_entropy)(f64_set(mass), f64_set(slope), log_mass));
    sums->entropy = lane[0];
    return 1;
}

/* Sums under way, of a row a lane. */
typedef struct {
    f64x8 mass[EIGHTS], slope[EIGHTS];
    uint32_t waiting; /* lanes whose greatest was not met */
} ROW(lane_sums);

GF_INLINE ROW(lane_sums) ROW(lane_sums_of_none)(void) {
    ROW(lane_sums) sums;
    for (int e = 0; e < EIGHTS; e++)
        sums.mass[e] = sums.slope[e] = f64_set(0);
    sums.waiting = (1u << (LANES - 1) << 1) - 1;
    return sums;
}

/* Adds a column; returns its weights. */
GF_INLINE vec_t ROW(lane_sums_add)(ROW(lane_sums) * sums, vec_t x, vec_t greatest, vec_t rate, int sloped) {
    const vec_t log = ROW(short_logarithm)(x, greatest, rate), w = NAME(exp_below)(log);
    const uint32_t first = V(mask_bits)(V(equal)(x, greatest)) & sums->waiting;
    if (sloped)
        V(add_wide)(sums->slope, V(mul)(V(sub)(V(set)(0), log), w));
    V(add_wide)(sums->mass, first ? V(select)(V(mask_of_bits)(first), V(set)(0), w) : w);
    sums->waiting &= ~first;
    return w;
}

GF_INLINE void ROW(lane_sums_end)(const ROW(lane_sums) * lanes, vec_t greatest, size_t some, ROW(sums) sums[LANES],
                                  int sloped) {
    real_t most[LANES];
    double log_mass[LANES], entropy[LANES];
    V(store)(most, greatest);
    for (int e = 0; e < EIGHTS; e++) {
        const f64x8 log = f64_log1p_of(lanes->mass[e]);
        f64_store(log_mass + 8 * e, log);
        if (sloped)
            f64_store(entropy + 8 * e, ROW(short_entropy)(lanes->mass[e], lanes->slope[e], log));
    }
    for (size_t lane = 0; lane < some; lane++)
        sums[lane] = (ROW(sums)){most[lane], log_mass[lane], sloped ? entropy[lane] : 0};
}

/* LANES rows at most, from number r on or those of a group; returns the lanes that are left. */
GF_INLINE uint32_t ROW(short_sums_lanes)(const gf_request *q, const ragged_group *group, size_t r, size_t some,
                                         const ROW(lane_rates) * rates, ROW(sums) sums[LANES], int sloped, int whole) {
    const size_t n = group ? group->columns : q->columns;
    vec_t column[GF_SHORT_ROW], greatest;
    const mask_t unusable = ROW(lane_columns)(q, group, r, some, column, &greatest, whole);
    ROW(lane_sums) lanes = ROW(lane_sums_of_none)();
    for (size_t c = 0; c < n; c++)
        ROW(lane_sums_add)(&lanes, column[c], greatest, rates->rate, sloped);
    ROW(lane_sums_end)(&lanes, greatest, some, sums, sloped);
    return rates->extreme | V(mask_bits)(unusable);
}

GF_INLINE void ROW(short_sums_group)(const gf_request *q, const ragged_group *group, size_t r, size_t some,
                                     const ROW(lane_rates) * rates, ROW(short_use) use, void *scratch, int sloped,
                                     int whole) {
    ROW(sums) sums[LANES];
    const uint32_t left = ROW(short_sums_lanes)(q, group, r, some, rates, sums, sloped, whole);
    for (size_t lane = 0; lane < some; lane++)
        use(q, ragged_lane(group, r, lane), left >> lane & 1 ? NULL : sums + lane, scratch);
}

/* Uses the sums of every row, or leaves it. */
GF_INLINE void ROW(short_sums_rows)(const gf_request *q, size_t start, size_t stop, ROW(short_use) use, void *scratch,
                                    int sloped, int whole) {
    ROW(lane_rates) rates = ROW(rates_from)(q, NULL, start, 1);
    ragged_rows rows;
    if (!q->offsets)
        for (size_t r = start; r < stop; r += LANES) {
            const size_t some = stop - r < LANES ? stop - r : LANES;
            if (q->temperature.step)
                rates = ROW(rates_from)(q, NULL, r, some);
            ROW(short_sums_group)(q, NULL, r, some, &rates, use, scratch, sloped, whole);
        }
    else
        for (; start < stop; start += rows.count) {
            ragged_rows_set(&rows, q, start, stop, GF_SHORT_ROW);
            for (size_t i = 0; i < rows.few; i += LANES) {
                const ragged_group group = ragged_group_of(&rows, i, LANES);
                if (q->temperature.step)
                    rates = ROW(rates_from)(q, &group, 0, group.some);
                ROW(short_sums_group)(q, &group, 0, group.some, &rates, use, scratch, sloped, whole);
            }
            for (size_t i = rows.few; i < rows.count; i++)
                use(q, rows.start + rows.order[i], NULL, scratch);
        }
}

/* The same; a few rows, long ones and those with filters one by one. */
GF_INLINE void ROW(short_sums_each)(const gf_request *q, size_t start, size_t stop, ROW(short_use) use, void *scratch,
                                    int sloped) {
    const int lanes = stop - start > SHORT_FEW && !q->filter && (q->offsets || q->columns <= GF_SHORT_ROW);
    if (lanes && q->mask)
        ROW(short_sums_rows)(q, start, stop, use, scratch, sloped, 0);
    else if (lanes)
        ROW(short_sums_rows)(q, start, stop, use, scratch, sloped, 1);
    for (size_t r = start; !lanes && r < stop; r++) {
        ROW(sums) sums;
        use(q, r, ROW(short_sums_one)(q, r, &sums) ? &sums : NULL, scratch);
    }
}

#endif
#endif
