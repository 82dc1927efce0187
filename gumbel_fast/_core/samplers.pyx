# Draws from requests: kernels by number, a row that is drawn from in pieces, and the fast path of small calls.
"""Draws from the rows of requests, and the fast path of the small call."""

from functools import wraps

cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdint cimport UINT64_MAX, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.request cimport (
    LOGITS, NO_MEMORY, WEIGHTS, Request, Subject, Walk, one_draw_each, point_at, raise_for, run, run_kernel,
    run_request, subject_of)
from gumbel_fast._core.rows cimport Rows, compute_type_of, dtype_of, no_rows, of_weights, row_at
from gumbel_fast._core.seeds cimport take_seed
from gumbel_fast._core.small_calls cimport FAST_MOST, FAST_MOST_ORDERED, Options, no_options, set_filter, take_number
from gumbel_fast._core.target cimport kernels

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)

cnp.import_array()

CHECK, CATEGORICAL, REJECTION, ALIAS = GF_CHECK, GF_CATEGORICAL, GF_REJECTION, GF_ALIAS
FILTERED, REJECTION_DISTINCT = GF_FILTERED, GF_REJECTION_DISTINCT
GUMBEL_MAX, GUMBEL_MAX_GIVEN = GF_GUMBEL_MAX, GF_GUMBEL_MAX_GIVEN
GUMBEL_TOP_K, DISTINCT_TOP_K = GF_GUMBEL_TOP_K, GF_DISTINCT_TOP_K


def draw_seed(bit_generator):
    """Two uint64 from a NumPy BitGenerator, under its lock."""
    cdef uint64_t key, row
    take_seed(bit_generator, &key, &row)
    return key, row


cdef gf_status run_methods(Request q, cnp.ndarray methods, Py_ssize_t start, Py_ssize_t stop) except *:
    # Rows in runs of those that have one method.
    cdef const uint8_t *method = <const uint8_t *> cnp.PyArray_DATA(methods)
    cdef Py_ssize_t end
    cdef gf_status status
    status.row, status.found = -1, 0
    while start < stop and status.row < 0:
        end = start + 1
        while end < stop and method[end] == method[start]:
            end += 1
        status = run_request(&kernels.logits[q.dtype][method[start]], q, start, end)
        start = end
    return status


cdef gf_status run_by(Request q, method, Py_ssize_t start, Py_ssize_t stop) except *:
    # A kernel's number, or an array of uint8 with one for each row.
    cdef int number
    if isinstance(method, cnp.ndarray):
        return run_methods(q, method, start, stop)
    number = method
    return run_request(&kernels.logits[q.dtype][number], q, start, stop)


def draw(Request request not None, method not None, Py_ssize_t start, Py_ssize_t stop):
    """Draw from rows start to stop by the kernel of that number, or of each row's number in an array of uint8.

    ValueError names the first row that does not give what is wanted.
    """
    raise_for(&request.c, run_by(request, method, start, stop), subject_of(request))


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
    cdef tuple tiles  # that hold the row and its mask, if these have to be copied
    cdef gf_request c
    cdef gf_mask mask
    cdef size_t row
    cdef const gf_kernel *kernel
    cdef void *scratch

    def __cinit__(self, Request request not None, int method, Py_ssize_t row):
        cdef const gf_kernel *start = &kernels.logits[request.dtype][method + GF_ALIAS_START - GF_ALIAS]
        cdef gf_status status
        self.request, self.row, self.c = request, <size_t> row, request.c
        self.kernel = &kernels.logits[request.dtype][method + GF_ALIAS_DRAW - GF_ALIAS]
        self.tiles = point_at(&self.c, &self.mask, request, row)
        self.scratch = malloc(start.scratch(&self.c))
        if self.scratch is NULL:
            raise MemoryError
        with nogil:
            status = run_kernel(start, &self.c, self.row, self.row + 1, self.scratch)
        raise_for(&self.c, status, subject_of(request))

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
        raise_for(&c, status, subject_of(self.request))


# -- the fast path ------------------------------------------------------------------------------------------------
#
# Decorators of the public functions. A call on a small contiguous float array with a Generator or the streams of its
# rows and a temperature, and with no argument beside these but a row offset, scalar filters, a contiguous mask and
# return_log_prob, comes to the kernel at once; anything else is handed on to the function decorated.

cdef object Generator = None  # numpy.random.Generator, once a call has asked for it


cdef inline bint is_generator(rng) except -1:
    global Generator
    if Generator is None:
        from numpy.random import Generator as generator
        Generator = generator
    return type(rng) is Generator


cdef class Streams:
    """The key and the row number of each row of a batch, in two arrays of its shape."""

    cdef readonly cnp.ndarray keys
    cdef readonly cnp.ndarray numbers

    def __init__(self, cnp.ndarray keys not None, cnp.ndarray numbers not None):
        if cnp.PyArray_TYPE(keys) != cnp.NPY_UINT64 or cnp.PyArray_TYPE(numbers) != cnp.NPY_UINT64:
            raise TypeError("keys and numbers must be uint64")
        if not cnp.PyArray_ISCARRAY_RO(keys) or not cnp.PyArray_ISCARRAY_RO(numbers):
            raise ValueError("keys and numbers must be contiguous")
        if not cnp.PyArray_SAMESHAPE(keys, numbers):
            raise ValueError("keys and numbers differ in shape")
        self.keys, self.numbers = keys, numbers


cdef inline bint are_of(Streams streams, cnp.ndarray x) noexcept:
    # Whether there is one for each row.
    cdef int axis, last = cnp.PyArray_NDIM(x) - 1
    if cnp.PyArray_NDIM(streams.keys) != last:
        return False
    for axis in range(last):
        if cnp.PyArray_DIM(streams.keys, axis) != cnp.PyArray_DIM(x, axis):
            return False
    return True


cdef inline void one_stride(Rows *rows, void *data, Py_ssize_t count, Py_ssize_t stride) noexcept nogil:
    rows.data, rows.first, rows.ndim, rows.shape[0], rows.strides[0] = <char *> data, 0, 1, count, stride


cdef bint take_mask(value, cnp.ndarray x, gf_mask *mask) except -1:
    cdef int kind, axis, last = cnp.PyArray_NDIM(x) - 1
    cdef cnp.ndarray array
    if type(value) is not cnp.ndarray:
        return False
    array = <cnp.ndarray> value
    kind = cnp.PyArray_TYPE(array)
    if cnp.PyArray_NDIM(array) != last + 1 or not cnp.PyArray_ISCARRAY_RO(array):
        return False
    for axis in range(last):
        if cnp.PyArray_DIM(array, axis) != cnp.PyArray_DIM(x, axis):
            return False
    if kind == cnp.NPY_BOOL or kind == cnp.NPY_INT8 or kind == cnp.NPY_UINT8:
        mask.kind = GF_MASK_BYTES
        if cnp.PyArray_DIM(array, last) != cnp.PyArray_DIM(x, last):
            return False
    elif kind == cnp.NPY_INT32 or kind == cnp.NPY_UINT32:
        mask.kind = GF_MASK_WORDS
    else:
        return False
    mask.words = <size_t> cnp.PyArray_DIM(array, last)
    mask.rows.data = cnp.PyArray_DATA(array)
    mask.rows.stride = cnp.PyArray_DIM(array, last) * cnp.PyArray_ITEMSIZE(array)
    return True


cdef bint take_row(value, uint64_t *row) except -1:
    if type(value) is not tuple or len(value) != 2 or type(value[0]) is not int or type(value[1]) is not int:
        return False
    if value[1] != 0 or not 0 <= value[0] <= UINT64_MAX:
        return False
    row[0] = value[0]
    return True


cdef bint take_options(dict others, cnp.ndarray x, bint filtered, gf_request *c, Options *o) except -1:
    # Whether there is nothing else among the arguments; filtered: they may be those of a draw from what filters keep.
    for name, value in others.items():
        if name == "mask":
            if value is not None:
                if not take_mask(value, x, &o.mask):
                    return False
                c.mask = &o.mask
        elif name == "offset":
            if not take_row(value, &o.row):
                return False
        elif not filtered:
            return False
        elif name == "return_log_prob" and type(value) is bool:
            o.log_prob = value
        elif name == "top_k":
            if type(value) is float or not take_number(value, 0, INFINITY, &o.top_k, &o.filter.top_k):
                return False
        elif name == "top_p":
            if not take_number(value, 0, INFINITY, &o.top_p, &o.filter.top_p):
                return False
        elif name == "min_p":
            if not take_number(value, 0, 1, &o.min_p, &o.filter.min_p):
                return False
        elif name == "filter_temperature":
            if not take_number(value, 0, INFINITY, &o.temperature, &o.filter.temperature):
                return False
        else:
            return False
    set_filter(c, o)
    return True


cdef int fast_dtype(rows, bint weights, temperature, Py_ssize_t most) except -1:
    # What the kernels read a small contiguous array as, with such a temperature; GF_DTYPES where it is not of the kind.
    cdef cnp.ndarray x
    cdef int dtype
    if type(rows) is not cnp.ndarray or type(temperature) is not float or not <double> temperature >= 0:
        return GF_DTYPES
    x = <cnp.ndarray> rows
    dtype = dtype_of(x)
    if dtype == GF_BF16 or cnp.PyArray_NDIM(x) == 0 or not cnp.PyArray_ISCARRAY_RO(x):
        return GF_DTYPES
    if not 0 < cnp.PyArray_SIZE(x) <= most:
        return GF_DTYPES
    return of_weights(dtype) if weights else dtype


cdef object draw_fast(rows, bint weights, temperature, rng, dict others, int method):
    # One index from each row by that kernel, or by GF_FILTERED where there are filters; None where the arguments are
    # not of the kind.
    cdef gf_request c
    cdef Options options
    cdef cnp.ndarray x, indices = None, log_prob = None
    cdef const gf_kernel *kernel
    cdef int dtype = fast_dtype(rows, weights, temperature, FAST_MOST), ndim
    cdef double t
    cdef int64_t one
    cdef Py_ssize_t count, columns
    cdef Subject subject = WEIGHTS if weights else LOGITS
    cdef Streams streams = None
    cdef Walk several
    cdef Walk *walk = NULL
    if dtype == GF_DTYPES:
        return None
    if not is_generator(rng):
        if not isinstance(rng, Streams):
            return None
        streams = <Streams> rng
    x, t = <cnp.ndarray> rows, <double> temperature
    ndim = cnp.PyArray_NDIM(x)
    columns, count = cnp.PyArray_DIM(x, ndim - 1), 1
    one_draw_each(&c)
    c.columns, c.temperature.data = <size_t> columns, &t
    kernel = &kernels.logits[dtype][method]
    no_options(&c, &options)
    if others:
        if not take_options(others, x, method == GF_CATEGORICAL, &c, &options):
            return None
        if c.filter is not NULL:
            kernel = &kernels.logits[dtype][GF_FILTERED]
    if streams is None:
        take_seed(rng.bit_generator, &c.stream.key, &c.stream.row)
        c.stream.row += options.row
    elif options.row or not are_of(streams, x):
        return None
    c.draws.index = &one
    if ndim > 1:
        count = cnp.PyArray_SIZE(x) // columns
        indices = cnp.PyArray_EMPTY(ndim - 1, cnp.PyArray_DIMS(x), cnp.NPY_INT64, 0)
        c.draws.index = <int64_t *> cnp.PyArray_DATA(indices)
    c.x.data, c.x.stride = cnp.PyArray_DATA(x), columns * cnp.PyArray_ITEMSIZE(x)
    if options.log_prob:
        log_prob = cnp.PyArray_EMPTY(ndim - 1, cnp.PyArray_DIMS(x), compute_type_of(dtype), 0)
        c.out, c.out_stride = cnp.PyArray_DATA(log_prob), cnp.PyArray_ITEMSIZE(log_prob)
    if streams is not None:
        walk = &several
        one_stride(&several.x, <void *> c.x.data, count, c.x.stride)
        one_stride(&several.index, c.draws.index, count, c.draws.stride)
        one_stride(&several.out, c.out, count, c.out_stride)
        several.out_of_rows = False
        no_rows(&several.other)
        no_rows(&several.mask)
        if c.mask is not NULL:
            one_stride(&several.mask, <void *> c.mask.rows.data, count, c.mask.rows.stride)
        several.keys = <const uint64_t *> cnp.PyArray_DATA(streams.keys)
        several.numbers = <const uint64_t *> cnp.PyArray_DATA(streams.numbers)
    raise_for(&c, run(kernel, &c, walk, 0, count), subject)
    result = indices
    if indices is None:
        result = PyArray_Scalar(&one, cnp.PyArray_DescrFromType(cnp.NPY_INT64), None)
    return (result, (<object> log_prob)[()]) if options.log_prob else result


cdef object draw_several_fast(rows, bint weights, k, temperature, rng, int method, choose):
    # k indices from each row by that method, or by the one that `choose` names; None where the arguments are not of the
    # kind.
    cdef gf_request c
    cdef cnp.ndarray x, indices
    cdef cnp.npy_intp shape[cnp.NPY_MAXDIMS]
    cdef int dtype = fast_dtype(rows, weights, temperature, FAST_MOST_ORDERED), ndim, axis
    cdef double t
    cdef Py_ssize_t columns
    if dtype == GF_DTYPES or type(k) is not int or not is_generator(rng):
        return None
    x, t = <cnp.ndarray> rows, <double> temperature
    ndim = cnp.PyArray_NDIM(x)
    columns = cnp.PyArray_DIM(x, ndim - 1)
    if not 2 <= k <= columns:
        return None
    for axis in range(ndim):
        shape[axis] = cnp.PyArray_DIM(x, axis)
    shape[ndim - 1] = k
    if choose is not None:
        method = choose(columns, k).kernel
    one_draw_each(&c)
    c.columns, c.temperature.data = <size_t> columns, &t
    c.draws.count, c.draws.stride = <size_t> shape[ndim - 1], shape[ndim - 1] * <Py_ssize_t> sizeof(int64_t)
    c.x.data, c.x.stride = cnp.PyArray_DATA(x), columns * cnp.PyArray_ITEMSIZE(x)
    take_seed(rng.bit_generator, &c.stream.key, &c.stream.row)
    indices = cnp.PyArray_EMPTY(ndim, shape, cnp.NPY_INT64, 0)
    c.draws.index = <int64_t *> cnp.PyArray_DATA(indices)
    raise_for(&c, run(&kernels.logits[dtype][method], &c, NULL, 0, cnp.PyArray_SIZE(x) // columns),
              WEIGHTS if weights else LOGITS)
    return indices


def fast_categorical(choose):
    """Put the fast path before `categorical`; `choose` names the method of several draws without replacement."""

    def decorate(general):
        @wraps(general)
        def categorical(logits=None, *, weights=None, temperature=1.0, rng=None, **others):
            index, weigh = None, weights is not None
            if logits is None or not weigh:
                rows = weights if weigh else logits
                if len(others) == 2 and others.get("replace") is False and "num_samples" in others:
                    index = draw_several_fast(rows, weigh, others["num_samples"], temperature, rng, 0, choose)
                else:
                    index = draw_fast(rows, weigh, temperature, rng, others, GF_CATEGORICAL)
            if index is None:
                return general(logits, weights=weights, temperature=temperature, rng=rng, **others)
            return index

        return categorical

    return decorate


def fast_gumbel_top_k(general):
    """Put the fast path before `gumbel_top_k`."""

    @wraps(general)
    def gumbel_top_k(logits=None, k=None, *, temperature=1.0, rng=None, **others):
        index = None
        if not others:
            index = draw_several_fast(logits, False, k, temperature, rng, GF_GUMBEL_TOP_K, None)
        return general(logits, k, temperature=temperature, rng=rng, **others) if index is None else index

    return gumbel_top_k


def fast_gumbel_max(general):
    """Put the fast path before `gumbel_max`."""

    @wraps(general)
    def gumbel_max(logits, *, temperature=1.0, rng=None, **others):
        index = draw_fast(logits, False, temperature, rng, others, GF_GUMBEL_MAX)
        return general(logits, temperature=temperature, rng=rng, **others) if index is None else index

    return gumbel_max
