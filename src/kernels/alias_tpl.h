/* Template: many draws from one row by alias table (A. J. Walker 1977; built by M. D. Vose's method, 1991).
 *
 * Column i of n keeps itself with probability t_i and gives way to alias a_i else. One 64-bit uniform times n gives the
 * column (its integer part) and the side (its fraction f < t_i or not). A vector compares the first 32 bits of f with
 * those of t_i; where they are equal, one draw in 2^32 / n or less, 128 more bits decide, so that a category 80 nats
 * down has its own probability and not a multiple of 2^-32 / n.
 *
 * Draws are made in blocks of 16 from eight counters: number 16 b + j is words 2 (j / 8) and 2 (j / 8) + 1 of counter
 * 8 b + j % 8. */
#include "kernels/filter_tpl.h"
#include "kernels/repeated.h"
#include "kernels/weigh_tpl.h"
#include "kernels/uniform.h"

#if defined(GF_ALIAS_TPL) != defined(GF_ELEMENT_TOGGLE)
#ifdef GF_ALIAS_TPL
#undef GF_ALIAS_TPL
#else
#define GF_ALIAS_TPL
#endif

enum { ROW(ALIAS_OPEN) = -2 }; /* in place of the one answer of a row: it is to be drawn */

/* Scratch: this, then entry[n] and keep[n], then what is needed while the table is built. */
typedef struct {
    int64_t only; /* the answer where there is but one: at temperature 0; -1 for a row of nothing that may be drawn */
    uint64_t n;
} ROW(alias_memory);

static size_t ROW(alias_scratch)(const gf_request *q) {
    const size_t table = q->columns * (sizeof(uint64_t) + 2 * sizeof(double) + sizeof(uint32_t));
    const size_t filter = ROW(filter_scratch)(q); /* before there is a table */
    return sizeof(ROW(alias_memory)) + (table > filter ? table : filter);
}

/* Alias and first 32 bits of t of each column. */
GF_INLINE uint64_t *ROW(alias_entries)(ROW(alias_memory) * memory) { return (uint64_t *)(void *)(memory + 1); }

/* t of each column. */
GF_INLINE double *ROW(alias_keep)(ROW(alias_memory) * memory, size_t n) {
    return (double *)(void *)(ROW(alias_entries)(memory) + n);
}

/* Pairs each column with less than its share with one that has more. `keep` holds the columns' shares: 0 or more, and 1
 * on average.
 *
 * The short columns are put in order from the front, the long ones from the back. The long one at hand gives what the
 * next short one lacks; when it falls short itself it is closed in its turn, with the next long one for its alias. In
 * both cases the column that is closed keeps the lesser of the two shares, and what is left is their sum less 1: so the
 * steps need no branch, which a processor could not foresee.
 *
 * Mass is conserved to rounding, so columns left without a partner have their share to within n 2^-53 and keep it all. */
static void ROW(alias_build)(uint64_t *entry, double *keep, size_t n) {
    double *share = keep + n;
    uint32_t *order = (uint32_t *)(void *)(share + n);
    size_t small = 0, large = n; /* short columns are order[0] to order[small - 1], long ones order[large] on */
    for (size_t i = 0; i < n; i++) {
        const double mine = keep[i];
        const size_t is_small = mine < 1;
        order[small] = order[large - 1] = (uint32_t)i;
        share[small] = share[large - 1] = mine;
        small += is_small;
        large -= 1 - is_small;
        keep[i] = 1;
        entry[i] = (uint64_t)i << 32 | UINT32_MAX;
    }
    size_t next_small = 0, next_large = n - 1;
    if (large == n)
        return;
    double rest = share[next_large];
    uint64_t giver = order[next_large];
    for (;;) {
        const uint64_t gives = rest >= 1, which = 0 - gives; /* a short column is closed, else the giver */
        if ((next_small == small) | (next_large == large))
            if (gives ? next_small == small : next_large == large)
                break;
        const uint64_t place = (next_large - 1) ^ (((next_large - 1) ^ next_small) & which);
        const uint64_t next = order[place], alias = next ^ ((next ^ giver) & which), closed = giver ^ next ^ alias;
        const double part = share[place], less = part < rest ? part : rest, kept = less < 1 ? less : 0;
        entry[closed] = alias << 32 | (uint64_t)(kept * 0x1p32);
        keep[closed] = kept;
        rest += part - 1;
        giver = alias;
        next_small += gives;
        next_large -= 1 - gives;
    }
}

static gf_status ROW(alias_start)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    const double temperature = gf_temperature(q, start);
    ROW(row) row = ROW(row_of)(q, start);
    const size_t n = row.n;
    ROW(alias_memory) *memory = scratch;
    double *keep = ROW(alias_keep)(memory, n);
    real_t greatest;
    (void)stop;
    memory->n = n;
    memory->only = ROW(argmax)(&row, &greatest);
    if (memory->only < 0) {
        const int64_t left = ROW(unusable)(&row);
        return gf_refused(q, left) ? gf_stopped(start, left) : gf_done();
    }
    if (temperature == 0)
        return gf_done();
    memory->only = ROW(ALIAS_OPEN);
    if (q->filter)
        ROW(filter_row)(q, start, &row, memory + 1);
    const ROW(scaling) scaling = ROW(scaling_of)(greatest, temperature);
    NAME(running_sum) sum = NAME(empty_sum)();
    for (size_t i = 0; i < n; i += LANES) {
        vec_t w = ROW(weight)(ROW(read)(&row, i, row.whole), &scaling);
        f64x8 wide[EIGHTS];
        double lanes[LANES];
        NAME(accumulate)(&sum, w);
        V(widen)(w, wide);
        for (int e = 0; e < EIGHTS; e++)
            f64_store(lanes + 8 * e, wide[e]);
        memcpy(keep + i, lanes, (n - i < LANES ? n - i : LANES) * sizeof *keep);
    }
    const double share = (double)n / NAME(total)(&sum);
    for (size_t i = 0; i < n; i++) {
        const double mine = keep[i] * share; /* below 0, or NaN, if another thread has written to the row meanwhile */
        keep[i] = mine > 0 ? mine : 0;
    }
    ROW(alias_build)(ROW(alias_entries)(memory), keep, n);
    return gf_done();
}

/* Eight draws from eight 64-bit uniforms given as two words each; bit i of *undecided: lane i needs more bits. */
GF_INLINE u64x8 ROW(alias_lanes)(const uint64_t *entry, u64x8 n, u64x8 high, u64x8 low, uint32_t *undecided) {
    const u64x8 word = u64_set(UINT32_MAX);
    u64x8 product = u64_add(u64_mul_low32(high, n), u64_shift_right(u64_mul_low32(low, n), 32));
    u64x8 column = u64_shift_right(product, 32);
    u64x8 e = u64_gather(entry, column);
    u64x8 gap = u64_sub(u64_and(product, word), u64_and(e, word)); /* f - t, in words */
    m64x8 keeps = u64_top_bit(gap);
    *undecided = f64_mask_bits(keeps) ^ f64_mask_bits(u64_top_bit(u64_sub(gap, u64_set(1))));
    return f64_as_bits(f64_select(keeps, f64_from_bits(column), f64_from_bits(u64_shift_right(e, 32))));
}

/* The draw whose first 32 bits of the fraction are those of t_i. */
GF_COLD int64_t ROW(alias_fine)(ROW(alias_memory) * memory, uint64_t key, uint64_t row, uint64_t draw) {
    const size_t n = (size_t)memory->n;
    const uint64_t *entry = ROW(alias_entries)(memory);
    uint64_t more[2];
    uint32_t words[4];
    philox_words(key, row, GF_TAG_ALIAS, draw / 16 * 8 + draw % 8, words);
    const uint32_t *w = words + 2 * (draw % 16 / 8);
    const size_t column = (size_t)(((uint64_t)w[0] * n + ((uint64_t)w[1] * n >> 32)) >> 32);
    const double t = ROW(alias_keep)(memory, n)[column];
    uniform_words(key, row, GF_TAG_ALIAS_FINE, draw, more);
    const double rest = t * 0x1p32 - (double)(uint32_t)entry[column];
    return (int64_t)(uniform_fine(more[0], more[1]) < rest ? column : entry[column] >> 32);
}

static gf_status ROW(alias_draw)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    ROW(alias_memory) *memory = scratch;
    const uint64_t *entry = ROW(alias_entries)(memory), order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    const uint64_t key = q->stream.key, row = q->stream.row + start;
    const ptrdiff_t step = q->draws.step;
    const u64x8 n = u64_set(memory->n);
    char *out = (char *)gf_index(q, start);
    philox_keys keys;
    philox_row p;
    (void)stop;
    philox_keys_set(&keys, key);
    philox_row_set(&p, &keys, key, row, GF_TAG_ALIAS);
    for (size_t done = 0; done < q->draws.count;) {
        const uint64_t block = (q->draws.first + done) / 16, before = (q->draws.first + done) % 16;
        const size_t left = q->draws.count - done, take = 16 - before < left ? (size_t)(16 - before) : left;
        uint64_t drawn[16];
        u64x8 x[4];
        uint32_t undecided[2];
        if (memory->only != ROW(ALIAS_OPEN)) {
            for (size_t j = 0; j < 16; j++)
                drawn[j] = (uint64_t)memory->only;
        } else {
            philox_row_words(&p, u64_add(u64_set(8 * block), u64_load(order)), x);
            u64_store(drawn, ROW(alias_lanes)(entry, n, x[0], x[1], &undecided[0]));
            u64_store(drawn + 8, ROW(alias_lanes)(entry, n, x[2], x[3], &undecided[1]));
            if (undecided[0] | undecided[1])
                for (unsigned j = 0; j < 16; j++)
                    if (undecided[j / 8] >> (j % 8) & 1)
                        drawn[j] = (uint64_t)ROW(alias_fine)(memory, key, row, 16 * block + j);
        }
        if (step == sizeof *drawn)
            memcpy(out, drawn + before, take * sizeof *drawn);
        else
            for (size_t j = 0; j < take; j++)
                memcpy(out + (ptrdiff_t)j * step, drawn + before + j, sizeof *drawn);
        out += (ptrdiff_t)take * step;
        done += take;
    }
    return gf_done();
}

static gf_status ROW(alias)(const gf_request *q, size_t start, size_t stop, void *scratch) {
    return repeated_draws(ROW(alias_start), ROW(alias_draw), q, start, stop, scratch);
}

#endif
