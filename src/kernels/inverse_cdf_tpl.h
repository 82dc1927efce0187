/* Template: one draw from a row of up to GF_SHORT_ROW categories by the inverse of the cumulative distribution, with one
 * uniform a row; from many rows with a row a lane. categorical_tpl.h has the kernel.
 *
 * A row's draw is the same alone and in a batch: lanes never meet, and every sum runs along the row in order, in
 * double. To keep a far category's own probability, elements below SHORT_SMALL times the greatest are laid out before
 * the others, where u is fine: their sum is compared with u first, and where u falls on them (less than once in
 * 2^14 rows, usually never) or is itself tiny, the row is drawn again by itself, with more random bits. Up to SHORT_FEW
 * rows, alone or left over, are drawn by themselves as well: the same sums in the same order. */
#include "kernels/short_sums_tpl.h"
#include "kernels/uniform.h"

#if defined(GF_INVERSE_CDF_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_INVERSE_CDF_TPL
#undef GF_INVERSE_CDF_TPL
#else
#define GF_INVERSE_CDF_TPL
#endif

#define SHORT_SMALL 0x1p-20 /* of the greatest weight, which is 1, or less than 2 */
#define EXPONENT_BITS_F32 0x7f800000u
#define EXPONENT_OF_UNIT_F32 0x7f000000u /* exponent bits of the two factors of a number from 1 to 2 */
#define EXPONENT_BITS_F64 0x7ff0000000000000u
#define EXPONENT_OF_UNIT_F64 0x7fe0000000000000u

/* The element that u, 0 <= u < sum of v, falls on when those below the limit are laid out first, and among them the
 * smallest again; v is spoiled. Where rounding lets u pass the end, the last is meant. */
GF_COLD int64_t ROW(inverse_fine)(double *v, size_t n, double limit, double u) {
    int64_t last = 0;
    for (;;) {
        double small = 0;
        for (size_t i = 0; i < n; i++)
            small += v[i] < limit ? v[i] : 0;
        if (!(u < small)) {
            u -= small;
            break;
        }
        for (size_t i = 0; i < n; i++)
            v[i] = v[i] < limit ? v[i] : 0;
        limit = small * BLOCK_TINY;
    }
    for (size_t i = 0; i < n; i++)
        if (v[i] >= limit && v[i] > 0) {
            last = (int64_t)i;
            if (u < v[i])
                break;
            u -= v[i];
        }
    return last;
}

GF_COLD int64_t ROW(inverse_cdf_coldest)(const ROW(row) * row) {
    real_t greatest;
    return ROW(argmax)(row, &greatest);
}

/* One row, to the same bits as by lanes; -1 where it cannot be drawn from. */
static int64_t ROW(inverse_cdf_one)(const ROW(row) * x, double temperature, uint64_t key, uint64_t row) {
    enum { VECTORS = GF_SHORT_ROW / LANES };
    const size_t n = x->n, vectors = (n + LANES - 1) / LANES;
    vec_t v[VECTORS], greatest = V(set)(NOTHING);
    ROW(flaws) bad = ROW(no_flaws)();
    for (size_t k = 0; k < vectors; k++) {
        v[k] = ROW(read)(x, k * LANES, x->whole);
        ROW(note)(&bad, v[k], v[k]);
        greatest = V(max)(v[k], greatest);
    }
    const real_t most = ROW(usable_greatest)(x, &bad, V(max_lane)(greatest));
    if (most != most)
        return -1;
    if (temperature == 0)
        return ROW(inverse_cdf_coldest)(x);
    const ROW(scaling) scaling = ROW(scaling_of)(most, temperature);
    real_t w[GF_SHORT_ROW];
    double cumulative[GF_SHORT_ROW], small = 0, large = 0;
    for (size_t k = 0; k < vectors; k++)
        V(store)(w + k * LANES, ROW(weight)(v[k], &scaling));
    for (size_t i = 0; i < n; i++) {
        const int is_small = w[i] < (real_t)SHORT_SMALL;
        small += is_small ? w[i] : 0;
        large += is_small ? 0 : w[i];
        cumulative[i] = large;
    }
    uint64_t words[2], more[2];
    uniform_words(key, row, GF_TAG_INVERSE_CDF, 0, words);
    double u = (double)(words[0] >> 1) * 0x1p-63 + 0x1p-64;
    const int tiny = u < 0x1p-32;
    u *= small + large;
    if (tiny || u < small || !(u - small < large)) {
        uniform_words(key, row, GF_TAG_INVERSE_CDF, 1, more); /* the first 63 bits of u stay */
        u = (small + large) * (uniform_fine(words[0] >> 1, more[0]) * 2);
        for (size_t i = 0; i < n; i++)
            cumulative[i] = w[i];
        return ROW(inverse_fine)(cumulative, n, SHORT_SMALL, u);
    }
    u -= small;
    int64_t index = 0;
    for (size_t i = 0; i + 1 < n; i++)
        index += !(u < cumulative[i]);
    return index;
}

/* Indices held as doubles into int64: 2^52 + i has i in its low bits. */
GF_INLINE void ROW(store_indices)(f64x8 index, int64_t *out) {
    u64x8 bits = f64_as_bits(f64_add(index, f64_set(0x1p52)));
    u64_store((uint64_t *)out, u64_and(bits, u64_set(UINT32_MAX)));
}

#ifdef OF_WEIGHTS

/* What brings weights to units of which the greatest is 1 to 2, as ROW(scaling_of) has it; in *open the lanes that need two. */
GF_INLINE vec_t ROW(lane_units)(vec_t greatest, uint32_t *open) {
    const bits_t exponent = I(and)(V(as_bits)(greatest), I(set)(CONSTANT(EXPONENT_BITS)));
    *open |= V(mask_bits)(V(mask_or)(V(less)(greatest, V(set)(REAL_MIN)), V(not_less)(greatest, V(set)(REAL_MAX / 4))));
    return V(from_bits)(I(sub)(I(set)(CONSTANT(EXPONENT_OF_UNIT)), exponent));
}

GF_INLINE vec_t ROW(lane_weights)(vec_t x, vec_t greatest, vec_t unit, const ROW(lane_rates) * rates) {
    const vec_t plain = V(mul)(x, unit);
    if (!rates->powered)
        return plain;
    const vec_t power = NAME(exp_below)(ROW(below_each)(x, greatest, rates->temperature));
    return V(select)(V(mask_of_bits)(rates->powered), power, plain);
}

#else

GF_INLINE vec_t ROW(lane_units)(vec_t greatest, uint32_t *open) {
    (void)open;
    return greatest;
}

GF_INLINE vec_t ROW(lane_weights)(vec_t x, vec_t greatest, vec_t unit, const ROW(lane_rates) * rates) {
    (void)unit;
    return NAME(exp_below)(V(mul)(V(sub)(x, greatest), rates->rate));
}

#endif

/* LANES rows at most, from number r on or those of a group: their indices, and in *open the lanes that are to be drawn by
 * themselves: a row that cannot be drawn from, one at an extreme temperature or 0, and one that needs more bits. `sums`, if
 * wanted, are those of logits; returns the lanes whose are left. */
GF_INLINE uint32_t ROW(inverse_cdf_lanes)(const gf_request *q, const ragged_group *group, size_t r, size_t some,
                                          const philox_keys *keys, const ROW(lane_rates) * rates, int64_t *index,
                                          uint32_t *open, ROW(sums) * sums, int whole) {
    static const uint64_t eight[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const size_t n = group ? group->columns : q->columns;
    const vec_t limit = V(set)((real_t)SHORT_SMALL);
    vec_t column[GF_SHORT_ROW], greatest;
    const mask_t unusable = ROW(lane_columns)(q, group, r, some, column, &greatest, whole);

    uint32_t fine = 0;
#ifdef OF_WEIGHTS
    (void)sums;
#endif
    const vec_t unit = ROW(lane_units)(greatest, &fine);
    f64x8 small[EIGHTS], large[EIGHTS];
    for (int e = 0; e < EIGHTS; e++)
        small[e] = large[e] = f64_set(0);
#ifndef OF_WEIGHTS
    ROW(lane_sums) lanes = ROW(lane_sums_of_none)();
#endif
    for (size_t c = 0; c < n; c++) {
#ifdef OF_WEIGHTS
        vec_t w = ROW(lane_weights)(column[c], greatest, unit, rates);
#else
        vec_t w = sums ? ROW(lane_sums_add)(&lanes, column[c], greatest, rates->rate, 1)
                       : ROW(lane_weights)(column[c], greatest, unit, rates);
#endif
        mask_t is_small = V(less)(w, limit);
        column[c] = V(select)(is_small, V(set)(0), w);
        if (V(mask_bits)(is_small))
            V(add_wide)(small, V(sub)(w, column[c]));
        V(add_wide)(large, column[c]);
    }

    /* u = (first 63 bits + 1/2) / 2^63 */
    f64x8 u[EIGHTS], chosen[EIGHTS];
    for (int e = 0; e < EIGHTS; e++) {
        const uint64_t row = q->stream.row + (group ? 0 : r + 8 * (uint64_t)e);
        const u64x8 number = u64_add(u64_set(row), u64_load(group ? group->row + 8 * e : eight));
        u64x8 x[4] = {u64_set(0), u64_set(GF_TAG_INVERSE_CDF), number, u64_shift_right(number, 32)};
        philox_lanes(keys, x);
        u64x8 word = u64_or(u64_shift_left(x[0], 32), u64_and(x[1], u64_set(UINT32_MAX)));
        u[e] = f64_fma(f64_from_u63(u64_shift_right(word, 1)), f64_set(0x1p-63), f64_set(0x1p-64));
        m64x8 tiny = f64_less(u[e], f64_set(0x1p-32));
        u[e] = f64_mul(u[e], f64_add(small[e], large[e]));
        fine |= f64_mask_bits(f64_mask_or(tiny, f64_less(u[e], small[e]))) << (8 * e);
        u[e] = f64_sub(u[e], small[e]);
        fine |= (~f64_mask_bits(f64_less(u[e], large[e])) & 0xff) << (8 * e); /* by rounding */
        chosen[e] = f64_set(0);
        large[e] = f64_set(0);
    }
    /* The first column whose cumulative sum is above u. */
    for (size_t c = 0; c + 1 < n; c++) {
        const f64x8 next = f64_set((double)(c + 1));
        V(add_wide)(large, column[c]);
        for (int e = 0; e < EIGHTS; e++)
            chosen[e] = f64_select(f64_less(u[e], large[e]), chosen[e], next);
    }

    for (int e = 0; e < EIGHTS; e++)
        if (some >= 8 * (size_t)e + 8) {
            ROW(store_indices)(chosen[e], index + 8 * e);
        } else if (some > 8 * (size_t)e) {
            int64_t picked[8];
            ROW(store_indices)(chosen[e], picked);
            memcpy(index + 8 * e, picked, (some - 8 * (size_t)e) * sizeof *picked);
        }

#ifndef OF_WEIGHTS
    if (sums)
        ROW(lane_sums_end)(&lanes, greatest, some, sums, 1);
#endif
    const uint32_t left = rates->extreme | V(mask_bits)(unusable);
    *open = (fine | left) & (uint32_t)((1ull << some) - 1);
    return left;
}

/* Draws from row r by itself. */
GF_INLINE gf_status ROW(inverse_cdf_row)(const gf_request *q, size_t r) {
    const ROW(row) row = ROW(row_of)(q, r);
    const int64_t index = ROW(inverse_cdf_one)(&row, gf_temperature(q, r), q->stream.key, q->stream.row + r);
    if (GF_SELDOM(index < 0))
        return gf_ended(q, r, ROW(unusable)(&row));
    *gf_index(q, r) = index;
    return gf_done();
}

/* Draws by lanes from row *r on, all of one length, until no more than SHORT_FEW are left or one cannot be drawn from; `told`
 * of each row is what is done with its sums, NULL where they are not wanted. */
GF_INLINE gf_status ROW(inverse_cdf_many)(const gf_request *q, size_t *r, size_t stop, ROW(short_use) told,
                                          void *scratch, int whole) {
    philox_keys keys;
    ROW(sums) sums[LANES];
    ROW(lane_rates) rates = ROW(rates_from)(q, NULL, *r, 1);
    philox_keys_set(&keys, q->stream.key);
    while (stop - *r > SHORT_FEW) {
        const size_t some = stop - *r < LANES ? stop - *r : LANES;
        uint32_t open;
        if (q->temperature.step)
            rates = ROW(rates_from)(q, NULL, *r, some);
        const uint32_t left =
            ROW(inverse_cdf_lanes)(q, NULL, *r, some, &keys, &rates, gf_index(q, *r), &open, told ? sums : NULL, whole);
        for (; open; open &= open - 1) {
            const gf_status status = ROW(inverse_cdf_row)(q, *r + gf_lowest_bit(open));
            if (status.row >= 0)
                return status;
        }
        for (size_t lane = 0; told && lane < some; lane++)
            told(q, *r + lane, left >> lane & 1 ? NULL : sums + lane, scratch);
        *r += some;
    }
    return gf_done();
}

GF_APART gf_status ROW(inverse_cdf_whole)(const gf_request *q, size_t *r, size_t stop) {
    return ROW(inverse_cdf_many)(q, r, stop, NULL, NULL, 1);
}

GF_APART gf_status ROW(inverse_cdf_masked)(const gf_request *q, size_t *r, size_t stop) {
    return ROW(inverse_cdf_many)(q, r, stop, NULL, NULL, 0);
}

#endif
