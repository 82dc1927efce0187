/* Template: argmax of x / temperature + G, and the k greatest, without storing the noise and almost without computing
 * it: the fused Gumbel-max.
 *
 * The answer is the one that materialised noise gives, to the bit. An element of a block with maximum m can beat the
 * best value b so far only if G > b - m, that is E < exp(m - b) where G = -log E, and E = -log(1 - V) > V: so only if
 * V < exp(m - b). That is one threshold for a block of 64 and one integer comparison for an element's high word; a
 * block where any word passes is computed exactly. The threshold is widened to cover every rounding on the way.
 *
 * The k greatest are those above a bound: k-th greatest of a sample of blocks (with noise of their own, so that the
 * bound is right whatever the logits' order), a little lower to be safe. What passes is collected, at most about 2 k,
 * and sorted; where the bound was too high, a second pass runs without one.
 *
 * Tried and slower: a threshold for each element (an exponential each, 0.16 ns); the bound taken from the first blocks
 * only (sorted logits then pass whole). */

#define SCAN_BLOCK 64           /* elements, and words of a noise block */
#define SCAN_MARGIN 0x1p-14 /* nats: rounding of the noise (2 ULP at 45), of the exponential and of the words */
#define SCAN_ROUNDING (REAL == 32 ? 0x1p-20f : 0x1p-48) /* of a value's size: rounding of x / temperature + G */

typedef struct {
    const element_t *x;
    size_t n;
    real_t temperature; /* 0: no noise */
    size_t skip;        /* words of the first noise block before the first column */
    uint64_t counter;   /* of that block */
    NAME(noise_row) noise;
} ROW(scan);

GF_INLINE void ROW(scan_set)(ROW(scan) * s, const element_t *x, size_t n, double temperature, const philox_keys *keys,
                             uint64_t key, uint64_t row, uint64_t column) {
    s->x = x;
    s->n = n;
    s->temperature = (real_t)temperature;
    if (temperature > 0 && s->temperature < REAL_MIN)
        s->temperature = REAL_MIN;
    s->skip = column & 3;
    s->counter = column >> 2;
    NAME(noise_row_set)(&s->noise, keys, key, row);
}

GF_INLINE vec_t ROW(scale_logits)(vec_t x, real_t temperature) {
    return temperature == 0 || temperature == 1 ? x : V(div)(x, V(set)(temperature));
}

/* Values of the `size` elements from number `start` on, whose words begin at word `before` of the counter's block. */
GF_COLD void ROW(scan_values)(const ROW(scan) * s, size_t start, size_t size, size_t before, uint64_t counter,
                              real_t *value) {
    real_t noise[SCAN_BLOCK + LANES];
    vec_t g[SCAN_BLOCK / LANES];
    for (int k = 0; k < SCAN_BLOCK / LANES; k++)
        g[k] = V(set)(0);
    if (s->temperature != 0)
        NAME(noise_of_block)(&s->noise, counter, g);
    for (int k = 0; k < SCAN_BLOCK / LANES; k++)
        V(store)(noise + k * LANES, g[k]);
    V(store)(noise + SCAN_BLOCK, V(set)(0));
    for (size_t i = 0; i < size; i += LANES) {
        vec_t v = ROW(scale_logits)(ROW(read_from)(s->x + start, i, size), s->temperature);
        v = V(add)(v, V(load)(noise + before + i));
        if (size - i >= LANES)
            V(store)(value + i, v);
        else
            V(store_tail)(value + i, size - i, v);
    }
}

/* For each of LANES block maxima the greatest high word that can still matter. */
GF_INLINE void ROW(scan_thresholds)(const real_t *maxima, real_t temperature, real_t bound, uint32_t threshold[16]) {
    vec_t y = ROW(scale_logits)(V(load)(maxima), temperature), b = V(set)(bound), zero = V(set)(0);
    vec_t size = V(add)(V(max)(y, V(sub)(zero, y)), V(max)(b, V(sub)(zero, b)));
    vec_t margin = V(fma)(size, V(set)((real_t)SCAN_ROUNDING), V(set)((real_t)SCAN_MARGIN));
    vec_t real_z = V(add)(V(sub)(y, b), margin);
#if REAL == 32
    f32x16 z = real_z;
#else
    f32x16 z = f32_narrow(real_z, real_z);
#endif
    /* In halves, since a float above 2^31 has no u31. */
    f32x16 words = f32_fma(exp_below_f32(z), f32_set(0x1p31f * (1 + 0x1p-10f)), f32_set(1));
    u32x16 t = u32_or(u32_shift_left(f32_to_u31(words), 1), u32_set(1));
    /* Where almost every word passes, all do; so they do while the bound is -inf and z infinite or NaN. */
    m32x16 few = f32_less(z, f32_set(-0.01f));
    f32x16 all = f32_from_bits(u32_set(UINT32_MAX));
    u32_store(threshold, f32_as_bits(f32_select(few, f32_from_bits(t), all)));
}

/* What a pass is for: the greatest, or all above the bound. */
typedef struct {
    real_t bound;  /* values at or below it do not matter */
    int64_t index; /* of the greatest so far, -1 before there is one */
    NAME(select) * collected; /* NULL: the greatest alone is wanted */
} ROW(scan_goal);

/* Takes in the values of a block; tells whether the bound has risen. */
GF_INLINE int ROW(scan_take)(ROW(scan_goal) * goal, const real_t *value, size_t start, size_t size) {
    const real_t before = goal->bound;
    for (size_t i = 0; i < size; i++)
        if (value[i] > goal->bound) {
            if (goal->collected) {
                NAME(select_add)(goal->collected, value[i], (int64_t)(start + i), &goal->bound);
            } else {
                goal->bound = value[i];
                goal->index = (int64_t)(start + i);
            }
        }
    return goal->bound > before;
}

/* One pass over the row. Returns 0, or GF_BAD_ROW for NaN or +inf. */
GF_INLINE int64_t ROW(scan_pass)(const ROW(scan) * s, ROW(scan_goal) * goal) {
    real_t value[SCAN_BLOCK];
    mask_t bad = V(mask_none)();
    vec_t greatest = V(set)(-INFINITY);
    uint64_t counter = s->counter;
    size_t i = 0;
    if (s->skip) { /* up to the next whole noise block */
        size_t size = SCAN_BLOCK - s->skip < s->n ? SCAN_BLOCK - s->skip : s->n;
        greatest = ROW(block_lanes)(s->x, size, &bad);
        ROW(scan_values)(s, 0, size, s->skip, counter, value);
        ROW(scan_take)(goal, value, 0, size);
        counter += SCAN_BLOCK / 4;
        i = size;
    }
    while (i < s->n) {
        real_t maxima[16];
        uint32_t threshold[16];
        size_t blocks = (s->n - i + SCAN_BLOCK - 1) / SCAN_BLOCK;
        if (s->n - i >= LANES * SCAN_BLOCK) {
            const element_t *p = s->x + i;
            maxima_t a = ROW(group_maxima)(p, &bad), b = ROW(group_maxima)(p + LANES * (SCAN_BLOCK / 4), &bad);
            maxima_t c = ROW(group_maxima)(p + LANES * (SCAN_BLOCK / 2), &bad);
            maxima_t d = ROW(group_maxima)(p + 3 * LANES * (SCAN_BLOCK / 4), &bad);
            V(store)(maxima, V(maxima_join)(a, b, c, d));
            blocks = LANES;
        } else {
            for (size_t b = 0; b < LANES; b++) {
                size_t from = i + b * SCAN_BLOCK, left = s->n > from ? s->n - from : 0;
                maxima[b] = V(max_lane)(ROW(block_lanes)(s->x + (left ? from : 0), left < SCAN_BLOCK ? left : SCAN_BLOCK, &bad));
            }
        }
        greatest = V(max)(V(load)(maxima), greatest);
        ROW(scan_thresholds)(maxima, s->temperature, goal->bound, threshold);
        for (size_t b = 0; b < blocks; b++, i += SCAN_BLOCK, counter += SCAN_BLOCK / 4) {
            if (s->temperature != 0 && threshold[b] != UINT32_MAX) {
                u32x16 high[4];
#if REAL == 32
                noise_high_words(&s->noise.words, counter, high);
#else
                noise_high_words(&s->noise.words[0], counter, high);
#endif
                u32x16 least = u32_min(u32_min(high[0], high[1]), u32_min(high[2], high[3]));
                if (!u32_any_at_most(least, u32_set(threshold[b])))
                    continue;
            }
            size_t size = s->n - i < SCAN_BLOCK ? s->n - i : SCAN_BLOCK;
            ROW(scan_values)(s, i, size, 0, counter, value);
            if (ROW(scan_take)(goal, value, i, size))
                ROW(scan_thresholds)(maxima, s->temperature, goal->bound, threshold);
        }
    }
    const real_t most = V(max_lane)(greatest);
    return V(mask_bits)(bad) || most == (real_t)INFINITY ? GF_BAD_ROW : 0;
}

/* -- the greatest ------------------------------------------------------------------------------------------------ */

/* Greatest of a row whose noise is at hand; the first of equals. */
static int64_t ROW(gumbel_max_given)(const void *row_data, const void *noise, size_t n, double temperature,
                                     double *value) {
    const element_t *x = row_data;
    const real_t *g = noise, t = (real_t)temperature;
    real_t best = -(real_t)INFINITY;
    int64_t index = GF_BAD_ROW;
    mask_t bad = V(mask_none)();
    if (temperature == 0) {
        index = ROW(argmax)(x, n, &best);
        *value = best;
        return index;
    }
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        vec_t raw = ROW(read_from)(x, i, n), r = left >= LANES ? V(load)(g + i) : V(load_tail)(g + i, left, 0);
        vec_t v = V(add)(ROW(scale_logits)(raw, t), r);
        bad = V(mask_or)(bad, V(mask_or)(V(equal)(raw, V(set)(INFINITY)), V(unordered)(v, v)));
        if (V(mask_bits)(V(less)(V(set)(best), v))) {
            real_t lanes[LANES];
            V(store)(lanes, v);
            for (size_t k = 0; k < LANES && k < left; k++)
                if (lanes[k] > best) {
                    best = lanes[k];
                    index = (int64_t)(i + k);
                }
        }
    }
    *value = best;
    return V(mask_bits)(bad) ? GF_BAD_ROW : index;
}

static ptrdiff_t ROW(gumbel_max)(const gf_rows *rows, uint64_t key, uint64_t row, uint64_t column, int64_t *index,
                                 double *value) {
    const size_t n = rows->columns, skip = column & 3;
    const int tiled = skip + n <= NOISE_TILE_COLUMNS;
    const noise_tile_shape shape = noise_tile_of(column, n);
    real_t tile[NOISE_TILE_SIZE];
    philox_keys keys;
    philox_keys_set(&keys, key);
    for (size_t r = 0; r < rows->count; r++) {
        const element_t *x = (const element_t *)(const void *)((const char *)rows->data + (ptrdiff_t)r * rows->stride);
        const double temperature = rows->temperature[r * rows->temperature_step];
        if (tiled) {
            double best;
            if (r % NOISE_TILE_ROWS == 0) {
                size_t some = rows->count - r < NOISE_TILE_ROWS ? rows->count - r : NOISE_TILE_ROWS;
                NAME(noise_tile)(&keys, key, row + r, column, some, shape, tile);
            }
            index[r] = ROW(gumbel_max_given)(x, tile + r % NOISE_TILE_ROWS * shape.stride + skip, n, temperature, &best);
            if (index[r] == GF_BAD_ROW)
                return (ptrdiff_t)r;
            if (value)
                value[r] = best;
            continue;
        }
        ROW(scan) s;
        ROW(scan_goal) goal = {-(real_t)INFINITY, GF_BAD_ROW, NULL};
        ROW(scan_set)(&s, x, n, temperature, &keys, key, row + r, column);
        if (temperature == 0)
            goal.index = ROW(argmax)(x, n, &goal.bound);
        else if (ROW(scan_pass)(&s, &goal) == GF_BAD_ROW)
            return (ptrdiff_t)r;
        if (goal.index == GF_BAD_ROW)
            return (ptrdiff_t)r;
        index[r] = goal.index;
        if (value)
            value[r] = goal.bound;
    }
    return -1;
}

/* -- the k greatest ----------------------------------------------------------------------------------------------- */

#define TOP_K_SAMPLE 64  /* blocks looked at for a bound */
#define TOP_K_LEAST 8192 /* elements below which no bound is looked for */

/* How many entries a pass may collect before it must throw some away. */
GF_INLINE size_t ROW(top_k_room)(size_t n, size_t k) {
    size_t room = 2 * k + TOP_K_SAMPLE * SCAN_BLOCK;
    return room < n ? room : n;
}

static size_t ROW(top_k_scratch)(size_t n, size_t k) {
    return sizeof(NAME(select)) + NAME(select_bytes)(ROW(top_k_room)(n, k));
}

/* A bound that about k elements, and seldom fewer, are above: from the values of blocks spread over the row. */
GF_INLINE real_t ROW(top_k_bound)(const ROW(scan) * s, size_t k, NAME(select) * sample) {
    const size_t blocks = (s->n - s->skip) / SCAN_BLOCK; /* whole ones, after a first that may be cut */
    const double expected = (double)k * (TOP_K_SAMPLE * SCAN_BLOCK) / (double)s->n;
    const size_t rank = (size_t)(expected + 4 * sqrt(expected) + 8);
    real_t bound = -(real_t)INFINITY, value[SCAN_BLOCK];
    if (s->temperature == 0 || s->n < TOP_K_LEAST || rank > TOP_K_SAMPLE * SCAN_BLOCK / 2)
        return bound;
    const size_t before = s->skip ? SCAN_BLOCK - s->skip : 0;
    for (size_t b = 0; b < TOP_K_SAMPLE; b++) {
        const size_t block = b * (blocks - 1) / TOP_K_SAMPLE;
        ROW(scan_values)(s, before + block * SCAN_BLOCK, SCAN_BLOCK, 0,
                         s->counter + (block + (s->skip != 0)) * (SCAN_BLOCK / 4), value);
        for (size_t i = 0; i < SCAN_BLOCK; i++)
            NAME(select_put)(sample, value[i], 0);
    }
    NAME(select_sort)(sample);
    bound = NAME(select_value)(sample, rank - 1);
    sample->count = 0;
    return bound;
}

static int64_t ROW(gumbel_top_k)(const void *row_data, size_t n, size_t k, double temperature, uint64_t key,
                                 uint64_t row, uint64_t column, int64_t *index, double *value, void *scratch) {
    ROW(scan) s;
    NAME(select) *collected = scratch;
    philox_keys keys;
    philox_keys_set(&keys, key);
    ROW(scan_set)(&s, row_data, n, temperature, &keys, key, row, column);
    NAME(select_set)(collected, k, ROW(top_k_room)(n, k));
    ROW(scan_goal) goal = {ROW(top_k_bound)(&s, k, collected), -1, collected};
    for (;;) {
        const int unbounded = goal.bound == -(real_t)INFINITY;
        if (ROW(scan_pass)(&s, &goal) == GF_BAD_ROW)
            return GF_BAD_ROW;
        if (collected->count >= k || unbounded)
            break;
        collected->count = 0;
        goal.bound = -(real_t)INFINITY;
    }
    NAME(select_sort)(collected);
    const size_t found = collected->count < k ? collected->count : k;
    for (size_t i = 0; i < found; i++) {
        index[i] = NAME(select_index)(collected, i);
        value[i] = NAME(select_value)(collected, i);
    }
    return found ? (int64_t)found : GF_BAD_ROW;
}
