/* Template: a few draws without replacement from one long row: the race running on.
 *
 * What is drawn leaves its block's sum, and the next draw is made from what is left, by the same trials: a draw is
 * softmax over the categories that remain, given those before it (Plackett-Luce). The proof in race.h holds for any
 * envelopes that are not below the sums.
 *
 * Weights are relative to the greatest element at the start. When what is left weighs little beside the rounding of the
 * envelopes, the race starts anew from the elements that are left. */

enum { ROW(DISTINCT_FLOOR) = 4 /* units a block: what is left must weigh more, or the race starts anew */ };

/* Scratch: the race's, then for each block the bits of the elements drawn. */
static size_t ROW(race_distinct_scratch)(size_t n) { return ROW(race_scratch)(n) + race_blocks(n) * sizeof(uint32_t); }

/* Weights of a block in order, those drawn 0, and their sum. */
GF_INLINE double ROW(left_weights)(const element_t *x, size_t size, real_t greatest, real_t rate, uint32_t drawn,
                                   f64x8 w[RACE_EIGHTS], double weight[RACE_BLOCK]) {
    double sum = ROW(block_weights)(x, size, greatest, rate, w);
    for (int k = 0; k < RACE_EIGHTS; k++)
        f64_store(weight + 8 * k, w[k]);
    if (!drawn)
        return sum;
    for (; drawn; drawn &= drawn - 1)
        weight[gf_lowest_bit(drawn)] = 0;
    for (int k = 0; k < RACE_EIGHTS; k++)
        w[k] = f64_load(weight + 8 * k);
    return f64_sum_four(w);
}

/* Starts the race anew from what is not drawn; 0 where nothing is left. */
GF_COLD int ROW(race_restart)(const element_t *x, size_t n, real_t rate, const uint32_t *drawn,
                              ROW(race_memory) * memory) {
    real_t *maxima = (real_t *)(void *)memory->race.envelope, greatest = -(real_t)INFINITY;
    mask_t bad = V(mask_none)();
    for (size_t j = 0; j < memory->race.blocks; j++) {
        const size_t start = j * RACE_BLOCK;
        maxima[j] = -(real_t)INFINITY;
        if (start >= n)
            continue;
        const size_t size = n - start < RACE_BLOCK ? n - start : RACE_BLOCK;
        if (!drawn[j])
            maxima[j] = V(max_lane)(ROW(block_lanes)(x + start, size, &bad));
        else
            for (size_t i = 0; i < size; i++)
                if (!(drawn[j] >> i & 1) && ROW(read_one)(x + start + i) > maxima[j])
                    maxima[j] = ROW(read_one)(x + start + i);
        greatest = maxima[j] > greatest ? maxima[j] : greatest;
    }
    if (greatest == -(real_t)INFINITY)
        return 0;
    memory->greatest = greatest;
    ROW(race_envelopes)(maxima, memory->race.blocks, greatest, rate, memory->race.envelope);
    race_sum_groups(&memory->race);
    return 1;
}

static int64_t ROW(race_distinct)(const void *row_data, size_t n, size_t k, double temperature, uint64_t key,
                                  uint64_t row, int64_t *index, void *scratch) {
    const element_t *x = row_data;
    const real_t rate = NAME(rate_of)(temperature);
    ROW(race_memory) *memory = scratch;
    uint32_t *drawn = (uint32_t *)(void *)((char *)scratch + ROW(race_scratch)(n));
    if (ROW(race_start)(x, n, temperature, scratch) == GF_BAD_ROW)
        return GF_BAD_ROW;
    memset(drawn, 0, race_blocks(n) * sizeof *drawn);
    for (size_t i = 0; i < k; i++)
        for (uint32_t trial = 0;; trial++) {
            f64x8 w[RACE_EIGHTS];
            double weight[RACE_BLOCK], u;
            if (memory->race.total <= ROW(DISTINCT_FLOOR) * memory->race.blocks &&
                !ROW(race_restart)(x, n, rate, drawn, memory))
                return (int64_t)i;
            const size_t block = race_pick(&memory->race, key, row, i, trial, &u), start = block * RACE_BLOCK;
            const size_t size = n - start < RACE_BLOCK ? n - start : RACE_BLOCK;
            double sum = ROW(left_weights)(x + start, size, memory->greatest, rate, drawn[block], w, weight);
            if (u < sum) {
                const unsigned element = race_element(w, sum, u);
                index[i] = (int64_t)(start + element);
                drawn[block] |= (uint32_t)1 << element;
                race_lower(&memory->race, block, sum - weight[element]);
                break;
            }
            race_refine(&memory->race, block, sum);
        }
    return (int64_t)k;
}
