# The request in Cython: a gf_request, and the arrays that its rows are of.
cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t

from gumbel_fast._core.kernels cimport (
    GF_SOFT,
    gf_enter,
    gf_filter,
    gf_form,
    gf_kernel,
    gf_leave,
    gf_mask,
    gf_request,
    gf_status,
)
from gumbel_fast._core.rows cimport Rows


cdef struct Walk:
    # Where the rows of a request's arrays lie, when that may be in several runs of one stride each; and the streams of
    # rows that have their own.
    Rows x
    Rows other
    Rows mask
    Rows index
    Rows out
    bint out_of_rows  # of elements as x has them, and not of what there is for each row
    const uint64_t *keys
    const uint64_t *numbers


cdef class Request:
    cdef gf_request c  # the row pointers are set at each run
    cdef Walk walk  # the arrays as they are, whether a kernel can read them there or not
    cdef gf_mask mask_c
    cdef gf_filter filter_c
    cdef bint x_aside, other_aside, mask_aside, out_aside  # what a kernel gets or gives by way of a tile
    cdef int dtype  # gf_dtype that the rows are read as
    cdef object results  # the arrays that the other pointers point into
    cdef readonly tuple inputs
    cdef cnp.dtype read_as
    cdef readonly cnp.dtype compute_type
    cdef readonly cnp.ndarray rows
    cdef readonly cnp.ndarray temperature
    cdef readonly cnp.ndarray other
    cdef readonly cnp.ndarray mask
    cdef readonly cnp.ndarray offsets
    cdef readonly tuple filters
    cdef readonly tuple streams
    cdef readonly bint allow_fewer
    cdef readonly bint weights
    cdef readonly cnp.ndarray floor
    cdef readonly tuple batch
    cdef readonly Py_ssize_t columns
    cdef readonly Py_ssize_t count

    cdef uint64_t key_of(self, Py_ssize_t row) noexcept
    cdef uint64_t number_of(self, Py_ssize_t row) noexcept
    cdef Py_ssize_t place_of(self, Py_ssize_t row) noexcept


cdef class Tile:
    # Some consecutive rows of an array as the kernels take them: contiguous, aligned, and of the dtype that they read.
    cdef Rows rows
    cdef cnp.ndarray tile
    cdef cnp.ndarray raw  # some elements as they are in the array, if they are converted
    cdef Py_ssize_t columns, step  # of a row, and the bytes between two in the array

    cdef void copy(self, cnp.ndarray here, const Rows *array, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t column,
                   Py_ssize_t columns, bint back) noexcept
    cdef int read(self, const Rows *array, Py_ssize_t start, Py_ssize_t stop) except -1
    cdef int write(self, const Rows *array, Py_ssize_t start, Py_ssize_t stop) except -1


cdef enum:
    NO_MEMORY = -2  # in place of a row

cdef enum Subject:
    # What rows are of, for errors.
    LOGITS
    LOGITS_AND_NOISE
    WEIGHTS


cdef inline Subject subject_of(Request q) noexcept:
    if q.weights:
        return WEIGHTS
    return LOGITS if q.other is None else LOGITS_AND_NOISE


cdef inline void one_draw_each(gf_request *c) noexcept nogil:
    # Nothing but that there is one draw of each row. Field by field: memset cost one draw of six logits a tenth.
    c.first = c.columns = 0
    c.offsets = NULL
    c.x.data, c.x.stride = NULL, 0
    c.other.data, c.other.stride = NULL, 0
    c.temperature.data, c.temperature.step = NULL, 0
    c.mask, c.filter = NULL, NULL
    c.stream.key = c.stream.row = c.stream.column = 0
    c.draws.index, c.draws.value, c.draws.stride, c.draws.step = NULL, NULL, sizeof(int64_t), sizeof(int64_t)
    c.draws.first, c.draws.count = 0, 1
    c.floor.data, c.floor.step = NULL, 0
    c.allow_fewer = 0
    c.out, c.out_stride, c.entropy, c.form, c.one_hot = NULL, 0, NULL, GF_SOFT, NULL


cdef inline gf_status run_kernel(const gf_kernel *kernel, const gf_request *c, size_t start, size_t stop,
                                 void *scratch) noexcept nogil:
    cdef uint64_t found = gf_enter()
    cdef gf_status status = kernel.run(c, start, stop, scratch)
    gf_leave(found)
    return status


cdef gf_status run(const gf_kernel *kernel, const gf_request *c, const Walk *walk, Py_ssize_t start,
                   Py_ssize_t stop) noexcept
cdef gf_status run_request(const gf_kernel *kernel, Request request, Py_ssize_t start, Py_ssize_t stop) except *
cdef tuple point_at(gf_request *c, gf_mask *mask, Request q, Py_ssize_t row)
cdef int raise_for(const gf_request *c, gf_status status, Subject subject) except -1
