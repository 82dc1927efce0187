# The seed of a call as two words, from a NumPy bit generator under its lock.
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint64_t


cdef extern from "numpy/random/bitgen.h":  # by hand, for `cimport numpy.random` imports the module: half of our import
    ctypedef struct bitgen_t:
        void *state
        uint64_t (*next_uint64)(void *state) noexcept nogil


cdef inline int take_seed(bit_generator, uint64_t *key, uint64_t *row) except -1:
    cdef bitgen_t *source = <bitgen_t *> PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
    lock = bit_generator.lock
    lock.acquire()
    key[0] = source.next_uint64(source.state)
    row[0] = source.next_uint64(source.state)
    lock.release()
    return 0
