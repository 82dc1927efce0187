/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC'11), by vector and by
 * scalar. The key is the 64-bit `key` of a stream, the counter is (column >> 2, tag, row low, row high) and an
 * element's word is number column & 3. What the words are used for lives elsewhere; the tags are numbered in
 * gumbel_fast.h.
 *
 * Vectors hold one 32-bit word in the low half of each 64-bit lane: a 32 x 32 -> 64 multiplication leaves the low
 * product where the next one reads it and needs one shift for the high product, so a round is 2 multiplications,
 * 2 shifts and 2 exclusive ors for 8 counters; what gathers in the high halves is never read. Sixteen counters in
 * 32-bit lanes were tried on paper: 16 operations a round for 64 words against 12 here.
 *
 * Only the first counter word differs along a row, so the first two rounds are half constant: philox_row holds that
 * half, which saves 2 of 20 multiplications. */
#ifndef GF_PHILOX_H
#define GF_PHILOX_H

#include "simd/vocabulary.h"

enum { PHILOX_ROUNDS = 10 };
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

/* One counter, four words. */
GF_INLINE void philox_block(uint64_t key, const uint32_t counter[4], uint32_t words[4]) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        uint64_t p0 = (uint64_t)PHILOX_M0 * x0, p1 = (uint64_t)PHILOX_M1 * x2;
        x0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0;
        x1 = (uint32_t)p1;
        x2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x3 = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    words[0] = x0;
    words[1] = x1;
    words[2] = x2;
    words[3] = x3;
}

/* The words of counter number `index` of a row. */
GF_INLINE void philox_words(uint64_t key, uint64_t row, uint32_t tag, uint64_t index, uint32_t words[4]) {
    const uint32_t counter[4] = {(uint32_t)index, tag, (uint32_t)row, (uint32_t)(row >> 32)};
    philox_block(key, counter, words);
}

/* The key of every round. */
typedef struct {
    u64x8 k0[PHILOX_ROUNDS], k1[PHILOX_ROUNDS];
} philox_keys;

GF_INLINE void philox_keys_set(philox_keys *keys, uint64_t key) {
    for (uint32_t i = 0; i < PHILOX_ROUNDS; i++) {
        keys->k0[i] = u64_set((uint32_t)key + i * PHILOX_W0);
        keys->k1[i] = u64_set((uint32_t)(key >> 32) + i * PHILOX_W1);
    }
}

/* A full round: 2 multiplications, 2 shifts, 2 exclusive ors of three. */
GF_INLINE void philox_round(const philox_keys *keys, int i, u64x8 x[4]) {
    u64x8 p0 = u64_mul_low32(x[0], u64_set(PHILOX_M0)), p1 = u64_mul_low32(x[2], u64_set(PHILOX_M1));
    x[0] = u64_xor3(u64_shift_right(p1, 32), x[1], keys->k0[i]);
    x[1] = p1;
    x[2] = u64_xor3(u64_shift_right(p0, 32), x[3], keys->k1[i]);
    x[3] = p0;
}

/* Eight counters that differ in every word, which x holds; the high half of each lane is undefined after. */
GF_INLINE void philox_lanes(const philox_keys *keys, u64x8 x[4]) {
    for (int i = 0; i < PHILOX_ROUNDS; i++)
        philox_round(keys, i, x);
}

/* All that does not change along a row under one tag. */
typedef struct {
    const philox_keys *keys;
    u64x8 first_x2;             /* round 0: x2 = high(M0 c) ^ first_x2 */
    u64x8 second_x0, second_x2; /* round 1: x0 = high(M1 x2) ^ second_x0, x2 = x3 ^ second_x2 */
    u64x8 third_x2;             /* round 2: x2 = high(M0 x0) ^ third_x2 */
} philox_row;

GF_INLINE void philox_row_set(philox_row *p, const philox_keys *keys, uint64_t key, uint64_t row, uint32_t tag) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint64_t p1 = (uint64_t)PHILOX_M1 * (uint32_t)row;
    uint64_t p0 = (uint64_t)PHILOX_M0 * ((uint32_t)(p1 >> 32) ^ tag ^ k0);
    p->keys = keys;
    p->first_x2 = u64_set((uint32_t)(row >> 32) ^ k1);
    p->second_x0 = u64_set((uint32_t)p1 ^ (k0 + PHILOX_W0));
    p->second_x2 = u64_set((uint32_t)(p0 >> 32) ^ (k1 + PHILOX_W1));
    p->third_x2 = u64_set((uint32_t)p0 ^ (k1 + 2 * PHILOX_W1));
}

/* Eight counters' words; the high half of each lane is undefined. */
GF_INLINE void philox_row_words(const philox_row *p, u64x8 counter, u64x8 x[4]) {
    const u64x8 m0 = u64_set(PHILOX_M0), m1 = u64_set(PHILOX_M1);
    u64x8 p0 = u64_mul_low32(counter, m0), p1;
    x[2] = u64_xor(u64_shift_right(p0, 32), p->first_x2);
    p1 = u64_mul_low32(x[2], m1);
    x[0] = u64_xor(u64_shift_right(p1, 32), p->second_x0);
    x[2] = u64_xor(p0, p->second_x2);
    x[1] = p1;
    p0 = u64_mul_low32(x[0], m0);
    p1 = u64_mul_low32(x[2], m1);
    x[0] = u64_xor3(u64_shift_right(p1, 32), x[1], p->keys->k0[2]);
    x[1] = p1;
    x[2] = u64_xor(u64_shift_right(p0, 32), p->third_x2);
    x[3] = p0;
    for (int i = 3; i < PHILOX_ROUNDS; i++)
        philox_round(p->keys, i, x);
}

/* Counters first .. first + 7 in the lane order of the vocabulary. */
GF_INLINE u64x8 philox_counters(uint64_t first) {
    static const uint64_t order[8] = {0, 4, 1, 5, 2, 6, 3, 7};
    return u64_add(u64_set(first), u64_load(order));
}

#endif
