/* Uniforms in double from the words of a counter, for the kernels that draw a few of them for a row. The noise of elements
 * is made in noise.h. */
#ifndef GF_UNIFORM_H
#define GF_UNIFORM_H

#include "kernels/philox.h"

/* The two 64-bit words of counter number `index` of a row. */
GF_INLINE void uniform_words(uint64_t key, uint64_t row, uint32_t tag, uint64_t index, uint64_t words[2]) {
    uint32_t w[4];
    philox_words(key, row, tag, index, w);
    words[0] = (uint64_t)w[0] << 32 | w[1];
    words[1] = (uint64_t)w[2] << 32 | w[3];
}

/* (word + next/2^64 + 1/2^65) / 2^64: uniform on (0, 1), to full precision down to 2^-75 and fair down to 2^-128. */
GF_INLINE double uniform_fine(uint64_t word, uint64_t next) {
    return ((double)word + ((double)next + 0.5) * 0x1p-64) * 0x1p-64;
}

#endif
