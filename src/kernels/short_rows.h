/* Template: one draw from each of many rows of up to GF_SHORT_ROW categories, a row a lane, by the inverse of the
 * cumulative distribution with one uniform a row.
 *
 * A row's draw is the same alone and in a batch: lanes never meet, and every sum runs along the row in order, in
 * double. To keep a far category's own probability, elements below SHORT_SMALL times the greatest are laid out before
 * the others, where u is fine: their sum is compared with u first, and where u falls on them (less than once in
 * 2^14 rows, usually never) or is itself tiny, the row is drawn again by itself, with more random bits. Up to SHORT_FEW
 * rows, alone or left over, are drawn by themselves as well: the same sums in the same order. */

#define SHORT_SMALL 0x1p-20 /* of the greatest weight, which is 1 */
#define SHORT_FEW 3         /* rows that are drawn one by one: their lanes would be too empty */

/* The element that u, 0 <= u < sum of v, falls on when those below the limit are laid out first, and among them the
 * smallest again; v is spoiled. Where rounding lets u pass the end, the last is meant. */
GF_COLD int64_t ROW(short_row_fine)(double *v, size_t n, double limit, double u) {
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
        limit = small * RACE_TINY;
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

/* One row, to the same bits as by lanes; GF_BAD_ROW where it cannot be drawn from. */
static int64_t ROW(short_row)(const element_t *x, size_t n, double temperature, uint64_t key, uint64_t row) {
    enum { VECTORS = GF_SHORT_ROW / LANES };
    const size_t vectors = (n + LANES - 1) / LANES;
    vec_t v[VECTORS], greatest = V(set)(-INFINITY);
    mask_t bad = V(mask_none)();
    for (size_t k = 0; k < vectors; k++) {
        v[k] = ROW(read_from)(x, k * LANES, n);
        bad = V(mask_or)(bad, V(unordered)(v[k], v[k]));
        greatest = V(max)(v[k], greatest);
    }
    const real_t most = V(max_lane)(greatest);
    if (V(mask_bits)(bad) || most - most != 0)
        return GF_BAD_ROW;
    if (temperature == 0) {
        int64_t i = 0;
        while (ROW(read_one)(x + i) != most)
            i++;
        return i;
    }
    const vec_t m = V(set)(most), rate = V(set)(NAME(rate_of)(temperature));
    real_t w[GF_SHORT_ROW];
    double cumulative[GF_SHORT_ROW], small = 0, large = 0;
    for (size_t k = 0; k < vectors; k++)
        V(store)(w + k * LANES, NAME(weight)(v[k], m, rate));
    for (size_t i = 0; i < n; i++) {
        const int is_small = w[i] < (real_t)SHORT_SMALL;
        small += is_small ? w[i] : 0;
        large += is_small ? 0 : w[i];
        cumulative[i] = large;
    }
    uint64_t words[2], more[2];
    race_words(key, row, GF_TAG_SHORT_ROW, 0, words);
    double u = (double)(words[0] >> 1) * 0x1p-63 + 0x1p-64;
    const int tiny = u < 0x1p-32;
    u *= small + large;
    if (tiny || u < small || !(u - small < large)) {
        race_words(key, row, GF_TAG_SHORT_ROW, 1, more); /* the first 63 bits of u stay */
        u = (small + large) * (uniform_fine(words[0] >> 1, more[0]) * 2);
        for (size_t i = 0; i < n; i++)
            cumulative[i] = w[i];
        return ROW(short_row_fine)(cumulative, n, SHORT_SMALL, u);
    }
    u -= small;
    int64_t index = 0;
    for (size_t i = 0; i + 1 < n; i++)
        index += !(u < cumulative[i]);
    return index;
}

/* Indices held as doubles into int64: 2^52 + i has i in its low bits. */
GF_INLINE void ROW(short_row_store)(f64x8 index, int64_t *out) {
    u64x8 bits = f64_as_bits(f64_add(index, f64_set(0x1p52)));
    u64_store((uint64_t *)out, u64_and(bits, u64_set(UINT32_MAX)));
}

GF_INLINE int64_t ROW(short_row_of)(const gf_rows *rows, size_t r, uint64_t key, uint64_t row) {
    const char *x = (const char *)rows->data + (ptrdiff_t)r * rows->stride;
    return ROW(short_row)(
        (const element_t *)(const void *)x, rows->columns, rows->temperature[r * rows->temperature_step], key, row + r);
}

static ptrdiff_t ROW(short_rows)(const gf_rows *rows, uint64_t key, uint64_t row, int64_t *index) {
    enum { TILES = GF_SHORT_ROW / LANES, EIGHTS = LANES / 8 };
    const size_t n = rows->columns;
    const vec_t none = V(set)(-INFINITY), limit = V(set)((real_t)SHORT_SMALL);
    const int one_temperature = rows->temperature_step == 0;
    static const uint64_t eight[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    real_t rates[LANES];
    philox_keys keys;
    size_t first = 0;
    if (rows->count > SHORT_FEW) {
        philox_keys_set(&keys, key);
        for (size_t lane = 0; lane < LANES; lane++)
            rates[lane] = NAME(rate_of)(one_temperature ? *rows->temperature : 1);
    }
    for (; first + SHORT_FEW < rows->count; first += LANES) {
        const size_t some = rows->count - first < LANES ? rows->count - first : LANES;
        vec_t column[GF_SHORT_ROW], greatest = none;
        mask_t bad = V(mask_none)();
        const char *at = (const char *)rows->data + (ptrdiff_t)first * rows->stride;
        if (!one_temperature)
            for (size_t lane = 0; lane < some; lane++)
                rates[lane] = NAME(rate_of)(rows->temperature[first + lane]);
        for (size_t tile = 0; tile < TILES && tile * LANES < n; tile++) {
            vec_t *v = column + tile * LANES;
            for (size_t lane = 0; lane < LANES; lane++) /* lanes without a row are masked */
                v[lane] = lane < some
                              ? ROW(read_from)((const element_t *)(const void *)(at + (ptrdiff_t)lane * rows->stride),
                                               tile * LANES,
                                               n)
                              : none;
            V(transpose)(v);
        }
        for (size_t c = 0; c < n; c++) {
            bad = V(mask_or)(bad, V(unordered)(column[c], column[c]));
            greatest = V(max)(column[c], greatest);
        }

        f64x8 small[EIGHTS], large[EIGHTS];
        for (int e = 0; e < EIGHTS; e++)
            small[e] = large[e] = f64_set(0);
        const vec_t rate = V(load)(rates);
        for (size_t c = 0; c < n; c++) {
            vec_t w = NAME(weight)(column[c], greatest, rate);
            mask_t is_small = V(less)(w, limit);
            column[c] = V(select)(is_small, V(set)(0), w);
            if (V(mask_bits)(is_small)) {
                vec_t rest = V(sub)(w, column[c]);
#if REAL == 32
                small[0] = f64_add(small[0], f64_widen_low(rest));
                small[1] = f64_add(small[1], f64_widen_high(rest));
#else
                small[0] = f64_add(small[0], rest);
#endif
            }
#if REAL == 32
            large[0] = f64_add(large[0], f64_widen_low(column[c]));
            large[1] = f64_add(large[1], f64_widen_high(column[c]));
#else
            large[0] = f64_add(large[0], column[c]);
#endif
        }

        /* u = (first 63 bits + 1/2) / 2^63 */
        f64x8 u[EIGHTS], chosen[EIGHTS];
        uint32_t fine = 0;
        for (int e = 0; e < EIGHTS; e++) {
            const u64x8 number = u64_add(u64_set(row + first + 8 * (uint64_t)e), u64_load(eight));
            u64x8 x[4] = {u64_set(0), u64_set(GF_TAG_SHORT_ROW), number, u64_shift_right(number, 32)};
            philox_lanes(&keys, x);
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
            f64x8 next = f64_set((double)(c + 1));
#if REAL == 32
            large[0] = f64_add(large[0], f64_widen_low(column[c]));
            large[1] = f64_add(large[1], f64_widen_high(column[c]));
#else
            large[0] = f64_add(large[0], column[c]);
#endif
            for (int e = 0; e < EIGHTS; e++)
                chosen[e] = f64_select(f64_less(u[e], large[e]), chosen[e], next);
        }

        for (int e = 0; e < EIGHTS; e++)
            if (some >= 8 * (size_t)e + 8) {
                ROW(short_row_store)(chosen[e], index + first + 8 * e);
            } else if (some > 8 * (size_t)e) {
                int64_t picked[8];
                ROW(short_row_store)(chosen[e], picked);
                memcpy(index + first + 8 * e, picked, (some - 8 * (size_t)e) * sizeof *picked);
            }

        /* What the lanes could not settle: a row that cannot be drawn from (its greatest less itself is not 0), one at
         * temperature 0, and one that needs more bits. */
        const vec_t excess = V(sub)(greatest, greatest);
        const uint32_t all = (uint32_t)((1ull << some) - 1);
        uint32_t open = fine | V(mask_bits)(V(mask_or)(bad, V(unordered)(excess, excess)));
        for (size_t lane = 0; lane < (one_temperature ? 1 : some); lane++)
            if (rows->temperature[(first + lane) * rows->temperature_step] == 0)
                open = all;
        for (open &= all; open; open &= open - 1) {
            const size_t r = first + gf_lowest_bit(open);
            index[r] = ROW(short_row_of)(rows, r, key, row);
            if (index[r] == GF_BAD_ROW)
                return (ptrdiff_t)r;
        }
    }
    for (; first < rows->count; first++) {
        index[first] = ROW(short_row_of)(rows, first, key, row);
        if (index[first] == GF_BAD_ROW)
            return (ptrdiff_t)first;
    }
    return -1;
}
