/* Template: the k greatest of score + G of short rows, a row a lane: the noise, a sorting network, and the places in order.
 *
 * What is sorted are estimates. Where two of the first k + 1 are so near that their order might not be that of the values, the
 * row is left to gumbel_top_k_tpl.h.
 *
 * Scores are taken below the row's greatest, which changes no order and keeps the estimates of a row far from 0 apart.
 *
 * Tried and slower: rows one by one, each element ranked by how many are above it (10 of 20: six times as long). */
#include "kernels/gumbel_scan_tpl.h"
#include "kernels/lanes_tpl.h"
#include "kernels/noise_lanes_tpl.h"

#if defined(GF_TOP_K_LANES_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_TOP_K_LANES_TPL
#undef GF_TOP_K_LANES_TPL
#else
#define GF_TOP_K_LANES_TPL
#endif

#define TOP_K_FEW 3 /* rows that are ranked one by one: their lanes would be too empty */

/* LANES short rows at most, from number r on or those of a group, read as n columns: the indices of the k greatest of each, one
 * row's after the other's, the noise by column, and in *open the lanes that are to be looked at by themselves. Of the others
 * found[lane] of the indices count: fewer than k only where the request allows it. */
GF_INLINE void ROW(top_k_lanes)(const gf_request *q, const ragged_group *group, size_t r, size_t some, size_t n,
                                const philox_keys *keys, vec_t noise[NOISE_TILE_COLUMNS + 4], int64_t *index,
                                real_t found[LANES], uint32_t *open, int whole) {
    const size_t k = q->draws.count, skip = q->stream.column & 3;
    const vec_t none = V(set)(NOTHING), zero = V(set)(0), one = V(set)(1), wanted = V(set)((real_t)k);
    const vec_t lowest = V(set)(-REAL_MAX / 4), most = V(set)(REAL_MAX / 8);
    vec_t v[NOISE_TILE_COLUMNS + 1], greatest = none, left = zero, placed = zero;
    real_t rates[LANES];
    uint64_t row[LANES];
    mask_t bad = V(mask_none)();
    uint32_t doubt = 0;
    for (size_t c = 0; c < n; c += LANES) {
        for (size_t lane = 0; lane < LANES; lane++)
            v[c + lane] = lane < some ? ROW(read_of)(q, ragged_lane(group, r, lane), c, whole, !!group) : none;
        V(transpose)(v + c);
    }
    for (size_t c = 0; c < n; c++) {
        bad = V(mask_or)(bad, ROW(unsound)(v[c]));
        greatest = V(max)(v[c], greatest);
    }
    for (size_t c = 0; q->allow_fewer && c < n; c++)
        left = V(add)(left, V(select)(V(less)(none, v[c]), one, zero));
    if (q->allow_fewer) /* of a row with nothing left, all is below any number */
        greatest = V(select)(V(less)(none, greatest), greatest, zero);
    for (size_t lane = 0; lane < LANES; lane++) {
        const size_t mine = ragged_lane(group, r, lane < some ? lane : 0);
        rates[lane] = (real_t)scan_rate(gf_temperature(q, mine));
        row[lane] = q->stream.row + mine;
    }
    for (size_t c = 0; c < skip + n; c += 4)
        NAME(noise_lanes)(keys, q->stream.key, row, (q->stream.column + c) >> 2, noise + c);
    const vec_t rate = V(load)(rates);
    for (size_t c = 0; c < n; c++) {
        const vec_t e = V(fma)(ROW(logit_below)(v[c], greatest), rate, noise[skip + c]);
        bad = V(mask_or)(bad, V(not_less)(e, most));
        v[c] = NAME(numbered)(V(max)(e, lowest), c);
    }
    NAME(sort_lanes)(v, n);
    v[n] = lowest;

    /* Two estimates have the margin of estimate_margin, that of their lost bits, and that of the rounding of scores which
     * were not taken below the greatest. */
    const vec_t plain = V(mul)(ROW(logit_size)(greatest), rate), size = V(max)(plain, V(sub)(zero, plain));
    const vec_t factor = V(set)(ESTIMATE_ERROR + CONSTANT(LANES_ERROR));
    const vec_t least = V(fma)(size, V(set)((real_t)0x1p-50), V(set)(128 * ESTIMATE_ERROR));
    for (size_t i = 0; i < k; i++) {
        const vec_t a = V(max)(v[i], V(sub)(zero, v[i])), b = V(max)(v[i + 1], V(sub)(zero, v[i + 1]));
        const vec_t margin = V(fma)(V(add)(a, b), factor, least);
        const mask_t unsure = V(not_less)(margin, V(sub)(v[i], v[i + 1])),
                     is_one = V(less)(V(set)(-REAL_MAX / 8), v[i]);
        doubt |= V(mask_bits)(unsure) & (q->allow_fewer ? V(mask_bits)(is_one) : UINT32_MAX);
        placed = V(add)(placed, V(select)(is_one, one, zero));
    }
    const uint32_t fewer = q->allow_fewer ? V(mask_bits)(V(less)(placed, left)) : UINT32_MAX;
    doubt |= V(mask_bits)(V(less)(placed, wanted)) & fewer; /* scores that overflow */
    *open = (V(mask_bits)(bad) | doubt) & (uint32_t)((1ull << some) - 1);
    V(store)(found, placed);
    for (size_t i = 0; i < k; i += LANES)
        V(transpose)(v + i);
    for (size_t lane = 0; lane < some; lane++, index += k)
        for (size_t i = 0; i < k; i += LANES)
            NAME(store_columns)(v[i + lane], index + i);
}

#endif
