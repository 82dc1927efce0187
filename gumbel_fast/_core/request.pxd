# The request in Cython: a gf_request, and the arrays that its rows are of.
cimport numpy as cnp
from libc.stdint cimport int64_t

from gumbel_fast._core.kernels cimport gf_kernel, gf_request, gf_status
from gumbel_fast._core.rows cimport Rows


cdef struct Walk:
    # Where the rows of a request's arrays lie, when that may be in several runs of one stride each.
    Rows x
    Rows other
    Rows index
    Rows out


cdef class Request:
    cdef gf_request c  # the row pointers are set at each run
    cdef Walk walk
    cdef int dtype  # gf_dtype of the rows
    cdef object results  # the arrays that the other pointers point into
    cdef readonly tuple inputs
    cdef readonly cnp.ndarray rows
    cdef readonly cnp.ndarray temperature
    cdef readonly cnp.ndarray other
    cdef readonly tuple batch
    cdef readonly Py_ssize_t columns
    cdef readonly Py_ssize_t count


cdef enum:
    NO_MEMORY = -2  # in place of a row


cdef void one_draw_each(gf_request *c) noexcept nogil
cdef gf_status run(const gf_kernel *kernel, const gf_request *c, const Walk *walk, Py_ssize_t start,
                   Py_ssize_t stop) noexcept
cdef int raise_for(const gf_request *c, gf_status status, bint noisy) except -1
