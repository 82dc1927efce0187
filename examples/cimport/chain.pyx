# cython: language_level=3, boundscheck=False, wraparound=False, freethreading_compatible=True
"""Two loops that would wait for Python at each step, and need not: gumbel_fast from Cython, without the GIL.

`walk` is a Markov chain: what a step draws from depends on the step before, so that no batch can be made of it.
`record` follows the largest of a stream of noise for as long as one likes, in a buffer of fixed size.
"""

import numpy as np

cimport gumbel_fast
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc


def walk(const float[:, ::1] logits, Py_ssize_t steps, seed, double temperature=1.0):
    """Walk from state 0: row i of the logits says where state i may lead.

    Step t is ``gumbel_fast.categorical(logits[state], rng=seed)`` with t added to the row number, so that the steps
    are independent and the seed gives the same walk anywhere.
    """
    cdef size_t states = <size_t> logits.shape[0]
    if logits.shape[1] != logits.shape[0] or states == 0:
        raise ValueError("logits must be a square matrix")
    cdef uint64_t key, row
    key, row = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    cdef int64_t[::1] visited = np.empty(steps, np.int64)
    cdef int64_t state = 0
    cdef Py_ssize_t t
    cdef void *scratch = malloc(gumbel_fast.categorical_scratch_f32(states) + 1)  # one buffer for all steps
    if scratch is NULL:
        raise MemoryError
    with nogil:
        for t in range(steps):
            state = gumbel_fast.categorical_f32(
                &logits[state, 0], states, temperature, key, row + <uint64_t> t, scratch)
            if state < 0:  # BAD_ROW or BAD_ARGUMENT
                break
            visited[t] = state
    free(scratch)
    if state == gumbel_fast.BAD_ROW:
        raise ValueError(f"step {t}: logits with NaN, +inf or nothing but -inf")
    if state == gumbel_fast.BAD_ARGUMENT:
        raise ValueError("temperature must be 0 or more")
    return np.asarray(visited)


def record(uint64_t count, seed):
    """Column and value of the greatest of ``gumbel_fast.gumbel(size=count, rng=seed)``, of which 512 are ever kept."""
    cdef double noise[512]
    cdef double greatest = float("-inf")
    cdef uint64_t key, row, column = 0, best = 0
    cdef size_t some, i
    key, row = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    with nogil:
        while column < count:
            some = <size_t> min(count - column, <uint64_t> 512)
            if gumbel_fast.gumbel_f64(noise, some, key, row, column) != 0:
                break  # beyond 2^34 columns, where a row ends
            for i in range(some):
                if noise[i] > greatest:
                    greatest, best = noise[i], column + i
            column += some
    return best, greatest
