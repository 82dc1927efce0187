# Relaxations of requests, and noise: whatever fills arrays of floats.
"""Softmax and its relatives on the rows of requests; noise."""

import numpy as np

cimport numpy as cnp
from libc.stdint cimport uint32_t, uint64_t

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.request cimport Request, raise_for, run_request, subject_of
from gumbel_fast._core.rows cimport dtype_of
from gumbel_fast._core.target cimport kernels

cnp.import_array()

SOFTMAX, LOG_SOFTMAX, LOGSUMEXP, GUMBEL_SOFTMAX = GF_SOFTMAX, GF_LOG_SOFTMAX, GF_LOGSUMEXP, GF_GUMBEL_SOFTMAX
TRUNCATE, LOG_PROB, LOG_PROB_VJP = GF_TRUNCATE, GF_LOG_PROB, GF_LOG_PROB_VJP
SOFT, HARD, LOG = GF_SOFT, GF_HARD, GF_LOG  # forms of what GUMBEL_SOFTMAX gives
SOFTMAX_VJP = GF_LOGITS_KERNELS  # no kernel of logits


def relax(Request request not None, int function, Py_ssize_t start, Py_ssize_t stop):
    """Apply the function of one of the numbers above to rows start to stop; for SOFTMAX_VJP float32 or float64."""
    cdef const gf_kernel *kernel
    if function == GF_LOGITS_KERNELS:
        kernel = &kernels.softmax_vjp[request.dtype]
    else:
        kernel = &kernels.logits[request.dtype][function]
    raise_for(&request.c, run_request(kernel, request, start, stop), subject_of(request))


def gumbel(cnp.ndarray out, uint64_t key, uint64_t row, uint64_t column, double loc, double scale, Py_ssize_t start,
           Py_ssize_t stop, tuple streams=None):
    """Fill elements start to stop of a C-contiguous float array with noise.

    Its rows are numbered from `row`, its columns from `column`; `streams` has the keys and the numbers of all rows
    instead.
    """
    cdef Py_ssize_t columns = cnp.PyArray_DIM(out, cnp.PyArray_NDIM(out) - 1)
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(out), skip, count, rows
    cdef const uint64_t *keys = NULL
    cdef const uint64_t *numbers = NULL
    cdef char *data = cnp.PyArray_BYTES(out)
    cdef gf_gumbel_kernel kernel = kernels.gumbel[dtype_of(out)]
    cdef gf_stream stream
    cdef uint64_t found
    stream.key = key
    if streams is not None:
        keys = <const uint64_t *> cnp.PyArray_DATA(<cnp.ndarray> streams[0])
        numbers = <const uint64_t *> cnp.PyArray_DATA(<cnp.ndarray> streams[1])
    with nogil:
        found = gf_enter()
        while start < stop:
            skip = start % columns
            count = min(columns - skip, stop - start)  # the rest of a row, or all whole rows
            rows = max((stop - start) // columns, 1) if skip == 0 else 1
            stream.row, stream.column = row + <uint64_t> (start // columns), column + <uint64_t> skip
            if keys is not NULL:
                stream.key, stream.row, rows = keys[start // columns], numbers[start // columns], 1
            kernel(data + start * size, <size_t> rows, <size_t> count, stream, loc, scale)
            start += rows * count
        gf_leave(found)


def noise_from_words(high, low, dtype):
    """Noise of given 64-bit words, cut into two halves; for tests."""
    cdef cnp.ndarray upper = np.ascontiguousarray(high, np.uint32), lower = np.ascontiguousarray(low, np.uint32)
    cdef cnp.ndarray out = np.empty((<object> upper).shape, dtype)
    if cnp.PyArray_SIZE(upper) != cnp.PyArray_SIZE(lower):
        raise ValueError("high and low differ in length")
    kernels.gumbel_of_words[dtype_of(out)](
        <const uint32_t *> cnp.PyArray_DATA(upper), <const uint32_t *> cnp.PyArray_DATA(lower), cnp.PyArray_DATA(out),
        <size_t> cnp.PyArray_SIZE(upper))
    return out
