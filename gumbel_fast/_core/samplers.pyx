# Draws from requests: kernels by number, a row that is drawn from in pieces, and the fast path of small calls.
"""Draws from the rows of requests, and the fast path of the small call."""

from functools import wraps

cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.request cimport (
    NO_MEMORY, Request, Tile, one_draw_each, one_row, raise_for, run, run_kernel, run_request)
from gumbel_fast._core.rows cimport dtype_of, row_at
from gumbel_fast._core.seeds cimport take_seed
from gumbel_fast._core.target cimport kernels

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)

cnp.import_array()

CHECK, INVERSE_CDF, REJECTION, ALIAS = GF_CHECK, GF_INVERSE_CDF, GF_REJECTION, GF_ALIAS
REJECTION_DISTINCT, GUMBEL_MAX, GUMBEL_MAX_GIVEN = GF_REJECTION_DISTINCT, GF_GUMBEL_MAX, GF_GUMBEL_MAX_GIVEN
GUMBEL_TOP_K, DISTINCT_TOP_K = GF_GUMBEL_TOP_K, GF_DISTINCT_TOP_K


def draw_seed(bit_generator):
    """Two uint64 from a NumPy BitGenerator, under its lock."""
    cdef uint64_t key, row
    take_seed(bit_generator, &key, &row)
    return key, row


def draw(Request request not None, int method, Py_ssize_t start, Py_ssize_t stop):
    """Draw from rows start to stop; ValueError names the first that does not give what is wanted."""
    cdef gf_status status = run_request(&kernels.logits[request.dtype][method], request, start, stop)
    raise_for(&request.c, status, request.other is not None)


def try_draw(Request request not None, int method):
    """Draw from all rows; return None if it could be done, and else what refuse takes for `found`."""
    cdef gf_status status = run_request(&kernels.logits[request.dtype][method], request, 0, request.count)
    if status.row == NO_MEMORY:
        raise MemoryError
    return None if status.row < 0 else status.found


cdef class RepeatedRow:
    """Row number r of a request, read and ready to be drawn from in pieces, by ALIAS or by REJECTION.

    Several threads may draw by alias at once. Rejection keeps what it learns: one thread, and pieces in their order.
    """

    cdef Request request
    cdef Tile tile  # that holds the row, if it has to be copied
    cdef gf_request c
    cdef size_t row
    cdef const gf_kernel *kernel
    cdef void *scratch

    def __cinit__(self, Request request not None, int method, Py_ssize_t row):
        cdef const gf_kernel *start = &kernels.logits[request.dtype][method + GF_ALIAS_START - GF_ALIAS]
        cdef gf_status status
        self.request, self.row, self.c = request, <size_t> row, request.c
        self.kernel = &kernels.logits[request.dtype][method + GF_ALIAS_DRAW - GF_ALIAS]
        self.tile = one_row(request, row)
        self.c.first = <size_t> row
        self.c.x.data = row_at(&request.walk.x if self.tile is None else &self.tile.rows, row)
        self.scratch = malloc(start.scratch(self.c.columns, self.c.draws.count))
        if self.scratch is NULL:
            raise MemoryError
        with nogil:
            status = run_kernel(start, &self.c, self.row, self.row + 1, self.scratch)
        raise_for(&self.c, status, False)

    def __dealloc__(self):
        free(self.scratch)

    def draw(self, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t first=0):
        """Make draws start to stop, into the request's index array, which begins with draw number `first`."""
        cdef gf_request c = self.c
        cdef gf_status status
        c.draws.first, c.draws.count = <size_t> start, <size_t> (stop - start)
        c.draws.step = self.request.c.draws.step
        c.draws.index = <int64_t *> (
            row_at(&self.request.walk.index, <Py_ssize_t> self.row) + (start - first) * c.draws.step)
        with nogil:
            status = run_kernel(self.kernel, &c, self.row, self.row + 1, self.scratch)
        raise_for(&c, status, False)


# -- the fast path ------------------------------------------------------------------------------------------------
#
# Decorators of the public functions. A call on a small contiguous float array with a Generator, and with no argument
# but a temperature beside these, comes to the kernel at once; anything else is handed on to the function decorated.

cdef enum:
    FAST_MOST = 1 << 20  # elements: longer calls are cut into pieces, between which an interrupt is seen

cdef object Generator = None  # numpy.random.Generator, once a call has asked for it


cdef inline bint is_generator(rng) except -1:
    global Generator
    if Generator is None:
        from numpy.random import Generator as generator
        Generator = generator
    return type(rng) is Generator


cdef object draw_fast(logits, temperature, rng, dict others, int short, int long):
    # One index from each row, by the one kernel up to GF_SHORT_ROW categories and by the other from there on; None
    # where the arguments are not of the kind.
    cdef gf_request c
    cdef cnp.ndarray x, indices = None
    cdef const gf_kernel *kernel
    cdef int dtype, ndim
    cdef double t
    cdef int64_t one
    cdef Py_ssize_t rows, columns
    if others or type(logits) is not cnp.ndarray or type(temperature) is not float or not is_generator(rng):
        return None
    x, t = <cnp.ndarray> logits, <double> temperature
    dtype, ndim = dtype_of(x), cnp.PyArray_NDIM(x)
    if dtype >= GF_BF16 or ndim == 0 or not cnp.PyArray_ISCARRAY_RO(x) or not t >= 0:
        return None
    if not 0 < cnp.PyArray_SIZE(x) <= FAST_MOST:
        return None
    columns, rows = cnp.PyArray_DIM(x, ndim - 1), 1
    one_draw_each(&c)
    take_seed(rng.bit_generator, &c.stream.key, &c.stream.row)
    c.draws.index = &one
    if ndim > 1:
        rows = cnp.PyArray_SIZE(x) // columns
        indices = cnp.PyArray_EMPTY(ndim - 1, cnp.PyArray_DIMS(x), cnp.NPY_INT64, 0)
        c.draws.index = <int64_t *> cnp.PyArray_DATA(indices)
    c.columns, c.temperature.data = <size_t> columns, &t
    c.x.data, c.x.stride = cnp.PyArray_DATA(x), columns * cnp.PyArray_ITEMSIZE(x)
    kernel = &kernels.logits[dtype][short if columns <= GF_SHORT_ROW else long]
    raise_for(&c, run(kernel, &c, NULL, 0, rows), False)
    if indices is not None:
        return indices
    return PyArray_Scalar(&one, cnp.PyArray_DescrFromType(cnp.NPY_INT64), None)


def fast_categorical(general):
    """Put the fast path before `categorical`."""

    @wraps(general)
    def categorical(logits, *, temperature=1.0, rng=None, **others):
        index = draw_fast(logits, temperature, rng, others, GF_INVERSE_CDF, GF_REJECTION)
        return general(logits, temperature=temperature, rng=rng, **others) if index is None else index

    return categorical


def fast_gumbel_max(general):
    """Put the fast path before `gumbel_max`."""

    @wraps(general)
    def gumbel_max(logits, *, temperature=1.0, rng=None, **others):
        index = draw_fast(logits, temperature, rng, others, GF_GUMBEL_MAX, GF_GUMBEL_MAX)
        return general(logits, temperature=temperature, rng=rng, **others) if index is None else index

    return gumbel_max
