# The request in Cython, and the one loop over rows that serves every kernel.
#
# Arguments arrive checked, by gumbel_fast's Python modules, except where a function says that it looks for itself. No
# arithmetic on elements lives here, and no rule about what a user may pass. A run covers rows start to stop, so that
# _threads.py can cut a call into pieces; rows keep their numbers.
"""What a kernel is asked to do, and the loop that has it done."""

import numpy as np

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.rows cimport *

cnp.import_array()

cdef enum:
    FEW_ELEMENTS = 8192  # below about 2 microseconds of work, giving up the GIL costs more than it frees
    SCRATCH_HERE = 512  # doubles of scratch on the stack, which spare short rows a malloc


cdef class Request:
    """Rows to draw from or to relax, and all that is asked of them.

    `rows` and `other` are arrays with a contiguous last axis, float32, float64, float16, or bfloat16 in the guise of
    uint16; `temperature` is a float64 vector of one entry, or of one for each row. `other` is noise in the compute type
    in place of the stream's, or the gradient of softmax_vjp.

    Attributes
    ----------
    inputs : tuple of ndarray
        The arrays as they were passed, which `out` may overlap.
    batch : tuple of ints
        The shape of what has one entry a row.
    columns, count : int
        The categories of a row; the rows.
    """

    def __init__(self, tuple inputs not None, cnp.ndarray rows not None, cnp.ndarray temperature not None,
                 uint64_t key=0, uint64_t row=0, uint64_t column=0, cnp.ndarray other=None):
        cdef int last = cnp.PyArray_NDIM(rows) - 1
        cdef Py_ssize_t length
        self.inputs, self.rows, self.temperature, self.other = inputs, rows, temperature, other
        self.dtype = dtype_of(rows)
        self.batch, self.columns, self.count = (<object> rows).shape[:last], cnp.PyArray_DIM(rows, last), 1
        for length in cnp.PyArray_DIMS(rows)[:last]:
            self.count *= length
        one_draw_each(&self.c)
        self.c.columns = <size_t> self.columns
        self.c.temperature.data = <const double *> cnp.PyArray_DATA(temperature)
        self.c.temperature.step = cnp.PyArray_SIZE(temperature) != 1
        self.c.stream.key, self.c.stream.row, self.c.stream.column = key, row, column
        rows_of(rows, last, &self.walk.x)
        no_rows(&self.walk.other)
        no_rows(&self.walk.index)
        no_rows(&self.walk.out)
        if other is not None:
            rows_of(other, last, &self.walk.other)

    def into(self, cnp.ndarray index=None, cnp.ndarray value=None, cnp.ndarray out=None, bint hard=False):
        """Say where results go; return the request.

        `index` is int64, of the batch's shape and then C-contiguous, or with a last axis of draws; `value` is float64
        and C-contiguous, of the shape of `index`; `out` takes relaxed rows, or a float64 for each row of logsumexp.
        """
        cdef int last = cnp.PyArray_NDIM(self.rows) - 1
        self.results = index, value, out
        if index is not None:
            rows_of(index, last, &self.walk.index)
            if cnp.PyArray_NDIM(index) > last:
                self.c.draws.count = <size_t> cnp.PyArray_DIM(index, last)
                self.c.draws.step = cnp.PyArray_STRIDE(index, last)
        if value is not None:
            self.c.draws.value = <double *> cnp.PyArray_DATA(value)
        if out is not None:
            rows_of(out, last, &self.walk.out)
        self.c.hard = hard
        return self

    def shard(self, Py_ssize_t row, Py_ssize_t start, Py_ssize_t stop):
        """Return the request for columns start to stop of one row."""
        place = np.unravel_index(row, self.batch)
        return Request(
            self.inputs, self.rows[place][start:stop], self.temperature[row:row + 1] if self.c.temperature.step
            else self.temperature, self.c.stream.key, self.c.stream.row + <uint64_t> row,
            self.c.stream.column + <uint64_t> start, None if self.other is None else self.other[place][start:stop])


cdef gf_status run_rows(const gf_kernel *kernel, const gf_request *request, const Walk *walk, Py_ssize_t start,
                        Py_ssize_t stop, void *scratch) noexcept nogil:
    # In runs of rows of which each array's lie one stride apart.
    cdef gf_request c = request[0]
    cdef gf_status status
    cdef Py_ssize_t end
    status.row, status.found = -1, 0
    while start < stop and status.row < 0:
        end = run_end(&walk.x, start, stop)
        end = run_end(&walk.other, start, end)
        end = run_end(&walk.index, start, end)
        end = run_end(&walk.out, start, end)
        c.first = <size_t> start
        c.x.data, c.x.stride = row_at(&walk.x, start), row_stride(&walk.x)
        c.other.data, c.other.stride = row_at(&walk.other, start), row_stride(&walk.other)
        c.draws.index, c.draws.stride = <int64_t *> row_at(&walk.index, start), row_stride(&walk.index)
        c.out, c.out_stride = row_at(&walk.out, start), row_stride(&walk.out)
        status = run_kernel(kernel, &c, <size_t> start, <size_t> end, scratch)
        start = end
    return status


cdef inline gf_status run_with(const gf_kernel *kernel, const gf_request *c, const Walk *walk, Py_ssize_t start,
                               Py_ssize_t stop, void *scratch) noexcept nogil:
    if walk is NULL:
        return run_kernel(kernel, c, <size_t> start, <size_t> stop, scratch)
    return run_rows(kernel, c, walk, start, stop, scratch)


cdef gf_status run(const gf_kernel *kernel, const gf_request *c, const Walk *walk, Py_ssize_t start,
                   Py_ssize_t stop) noexcept:
    # Has a kernel work on rows start to stop, without the GIL where they are many. No walk: c has the pointers.
    # The caller hands the status to raise_for: to look for an exception would cost a small row a twentieth.
    cdef double here[SCRATCH_HERE]
    cdef void *scratch = here
    cdef size_t size = 0
    cdef gf_status status
    if kernel.scratch is not NULL:
        size = kernel.scratch(c.columns, c.draws.count)
    if size > sizeof(here):
        scratch = malloc(size)
        if scratch is NULL:
            status.row, status.found = NO_MEMORY, 0
            return status
    if (stop - start) * <Py_ssize_t> (c.columns + c.draws.count) < FEW_ELEMENTS:
        status = run_with(kernel, c, walk, start, stop, scratch)
    else:
        with nogil:
            status = run_with(kernel, c, walk, start, stop, scratch)
    if size > sizeof(here):
        free(scratch)
    return status


cdef str why_refused(Py_ssize_t row, int64_t found, size_t wanted, bint noisy):
    which = f"row {row} of logits and noise" if noisy else f"logits: row {row}"
    if found == GF_NOT_FINITE:
        return f"{which} has NaN or +inf"
    if found == GF_CHANGED:
        return f"{which} was changed while it was drawn from"
    if found == 0:
        return f"{which} has nothing but -inf"
    return f"{which} has {found} categories that are not -inf, and {wanted} are wanted"


cpdef int refuse(Py_ssize_t row, int64_t found, bint noisy=False) except -1:
    """ValueError that names a row that cannot be drawn from: `found` as in a status; noisy: it had noise beside it."""
    raise ValueError(why_refused(row, found, 1, noisy))


cdef int raise_for(const gf_request *c, gf_status status, bint noisy) except -1:
    # ValueError that names the row at which a kernel stopped, and says why; noisy: it had noise beside it.
    if status.row == NO_MEMORY:
        raise MemoryError
    if status.row < 0:
        return 0
    raise ValueError(why_refused(status.row, status.found, c.draws.count, noisy))
