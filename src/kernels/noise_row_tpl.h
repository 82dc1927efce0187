/* Template: the noise of a block of a row, whatever its type, and the kernel that fills rows with noise. */
#include "kernels/noise.h"
#include "kernels/real_tpl.h"

#if defined(GF_NOISE_ROW_TPL) != defined(GF_REAL_TOGGLE)
#ifdef GF_NOISE_ROW_TPL
#undef GF_NOISE_ROW_TPL
#else
#define GF_NOISE_ROW_TPL
#endif

/* What a row's noise is drawn from. */
typedef struct {
    uint64_t key, row;
    philox_row high; /* the words of tag GF_TAG_NOISE */
#if REAL == 64
    philox_row low; /* those of GF_TAG_NOISE_LOW */
#endif
} NAME(noise_row);

GF_INLINE void NAME(noise_row_set)(NAME(noise_row) * s, const philox_keys *keys, uint64_t key, uint64_t row) {
    s->key = key;
    s->row = row;
    philox_row_set(&s->high, keys, key, row, GF_TAG_NOISE);
#if REAL == 64
    philox_row_set(&s->low, keys, key, row, GF_TAG_NOISE_LOW);
#endif
}

/* The noise of NOISE_BLOCK elements from column 4 * counter on. */
GF_INLINE void NAME(noise_of_block)(const NAME(noise_row) * s, uint64_t counter, vec_t g[NOISE_BLOCK / LANES]) {
#if REAL == 32
    noise_block_f32(&s->high, s->key, s->row, counter, g);
#else
    noise_block_f64(&s->high, &s->low, counter, g);
    noise_block_f64(&s->high, &s->low, counter + 8, g + 4);
#endif
}

/* The noise of row r of rows start to stop - 1, and of those after it in its tile, which is drawn when r is its first. */
GF_INLINE const real_t *NAME(noise_tile_from)(const noise_tile_plan *plan, const philox_keys *keys, gf_stream stream,
                                              size_t start, size_t r, size_t stop, real_t *tile) {
    const size_t place = (r - start) % NOISE_TILE_ROWS, some = stop - r < NOISE_TILE_ROWS ? stop - r : NOISE_TILE_ROWS;
    if (!place)
        NAME(noise_tile)(plan, keys, stream.key, stream.row + r, some, tile);
    return tile + place * plan->stride + plan->skip;
}

/* loc + scale * G of noise that stands in `out`, where a product or a number of its own may be beyond the compute type though
 * the sum is not. */
GF_COLD void NAME(gumbel_extreme)(real_t *out, size_t count, double loc, double scale) {
    for (size_t i = 0; i < count; i++)
        out[i] = (real_t)((loc / 64 + scale / 64 * (double)out[i]) * 64);
}

GF_INLINE void NAME(gumbel_rows)(void *out, size_t rows, size_t n, gf_stream stream, double loc, double scale) {
    const vec_t shift = V(set)((real_t)loc), factor = V(set)((real_t)scale);
    const uint64_t key = stream.key, row = stream.row, column = stream.column;
    const size_t skip = column & 3;
    real_t *o = out;
    philox_keys keys;
    philox_keys_set(&keys, key);
    if (skip + n <= NOISE_TILE_COLUMNS) {
        real_t tile[NOISE_TILE_SIZE];
        noise_tile_plan plan;
        noise_tile_plan_set(&plan, rows, column, n);
        for (size_t first = 0; first < rows; first += NOISE_TILE_ROWS) {
            size_t some = rows - first < NOISE_TILE_ROWS ? rows - first : NOISE_TILE_ROWS;
            NAME(noise_tile)(&plan, &keys, key, row + first, some, tile);
            for (size_t r = 0; r < some; r++, o += n)
                for (size_t i = 0; i < n; i += LANES) {
                    vec_t g = V(load)(tile + r * plan.stride + skip + i);
                    g = V(add)(V(mul)(g, factor), shift);
                    if (n - i >= LANES)
                        V(store)(o + i, g);
                    else
                        V(store_tail)(o + i, n - i, g);
                }
        }
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        NAME(noise_row) s;
        NAME(noise_row_set)(&s, &keys, key, row + r);
        uint64_t counter = column >> 2;
        size_t before = skip;
        for (size_t left = n; left; counter += NOISE_BLOCK / 4) {
            vec_t g[NOISE_BLOCK / LANES];
            NAME(noise_of_block)(&s, counter, g);
            for (int k = 0; k < NOISE_BLOCK / LANES; k++)
                g[k] = V(add)(V(mul)(g[k], factor), shift);
            if (!before && left >= NOISE_BLOCK) {
                for (int k = 0; k < NOISE_BLOCK / LANES; k++)
                    V(store)(o + k * LANES, g[k]);
                o += NOISE_BLOCK;
                left -= NOISE_BLOCK;
            } else {
                real_t t[NOISE_BLOCK];
                size_t take = NOISE_BLOCK - before < left ? NOISE_BLOCK - before : left;
                for (int k = 0; k < NOISE_BLOCK / LANES; k++)
                    V(store)(t + k * LANES, g[k]);
                memcpy(o, t + before, take * sizeof *o);
                o += take;
                left -= take;
                before = 0;
            }
        }
    }
}

static void NAME(gumbel)(void *out, size_t rows, size_t n, gf_stream stream, double loc, double scale) {
    const int extreme = fabs(loc) > REAL_MAX / 64 || scale > REAL_MAX / 64;
    NAME(gumbel_rows)(out, rows, n, stream, extreme ? 0 : loc, extreme ? 1 : scale);
    if (extreme)
        NAME(gumbel_extreme)(out, rows * n, loc, scale);
}

#endif
