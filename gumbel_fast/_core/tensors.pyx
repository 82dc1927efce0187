# The fast path of small eager calls on PyTorch's tensors: from a tensor's address to the kernel, with no array and no
# operator in between. Nothing here imports torch: what is asked of it comes from gumbel_fast/torch, which also has all
# that is not small, eager and plain.
"""Draws from plain tensors, by way of their addresses."""

import threading

cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint64_t, uintptr_t

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.request cimport LOGITS, one_draw_each, raise_for, run
from gumbel_fast._core.rows cimport MAX_DIMS, compute_type_of
from gumbel_fast._core.small_calls cimport Options, no_options, set_filter, take_number
from gumbel_fast._core.target cimport kernels

cnp.import_array()

F32, F64, F16, BF16 = GF_F32, GF_F64, GF_F16, GF_BF16
MASK_BYTES, MASK_WORDS = GF_MASK_BYTES, GF_MASK_WORDS


cdef enum:
    # Elements of some tens of microseconds: what takes longer is shared among torch's threads.
    DRAW_MOST = 1 << 19
    TELL_MOST = 1 << 17
    RELAX_MOST = 1 << 15

cdef struct Small:
    # A request under way, and what it points to.
    gf_request c
    Options options
    cnp.npy_intp dims[MAX_DIMS]
    double temperature
    Py_ssize_t rows
    int last, dtype


cdef inline Py_ssize_t size_of(int dtype) noexcept nogil:
    if dtype == GF_F64:
        return 8
    return 4 if dtype == GF_F32 else 2


cdef inline gf_rows rows_of(tensor, Py_ssize_t columns, Py_ssize_t size):
    cdef gf_rows rows
    rows.data, rows.stride = <const void *> <uintptr_t> tensor.data_ptr(), columns * size
    return rows


cdef class PlainTensors:
    """Draws from tensors that are plain: dense, on the CPU, and seen by nothing that transforms, traces or records.

    Parameters
    ----------
    types : tuple of types
        Those of plain tensors.
    strided : object
        The `layout` of dense ones.
    dtypes, mask_dtypes : dict
        From a tensor's dtype to F32, F64, F16 or BF16, or to MASK_BYTES or MASK_WORDS.
    watchers : tuple of callables
        Each returns something true if calls are not to go unseen.
    index_dtype : object
        The dtype of int64 tensors.
    new_words : callable
        Returns a tensor of two int64.
    from_numpy : callable
        Makes a tensor of an array.
    """

    cdef tuple types, watchers, others  # others: types of arguments that are no tensors
    cdef dict dtypes, mask_dtypes
    cdef object strided, index_dtype, new_words, from_numpy, local

    def __init__(self, tuple types not None, strided, dict dtypes not None, dict mask_dtypes not None,
                 tuple watchers not None, index_dtype, new_words, from_numpy):
        self.types, self.strided, self.dtypes, self.mask_dtypes = types, strided, dtypes, mask_dtypes
        self.watchers, self.index_dtype = watchers, index_dtype
        self.new_words, self.from_numpy = new_words, from_numpy
        self.local = threading.local()
        self.others = float, bool, int

    cdef bint unseen(self) except -1:
        for watcher in self.watchers:
            if watcher():
                return False
        return True

    cdef bint is_plain(self, tensor) except -1:
        if type(tensor) not in self.types or not tensor.is_cpu or tensor.layout is not self.strided or tensor.is_neg():
            return False
        try:  # what has no memory of its own says so only here
            return tensor.data_ptr() != 0 or tensor.numel() == 0
        except RuntimeError:
            return False

    def plain(self, *tensors):
        """Whether those that are tensors are plain, and nobody watches."""
        for tensor in tensors:
            if tensor is None or type(tensor) in self.others:
                continue
            if hasattr(tensor, "data_ptr") and not self.is_plain(tensor):
                return False
        return self.unseen()

    cdef int take_seed(self, generator, gf_stream *stream) except -1:
        # Two words of the generator, or of torch's own: as the operator `seed` takes them.
        cdef const uint64_t *words
        try:
            tensor, address = self.local.words
        except AttributeError:
            tensor = self.new_words()
            address = tensor.data_ptr()
            self.local.words = tensor, address
        if generator is None:
            tensor.random_(-2**63, None)
        else:
            tensor.random_(-2**63, None, generator=generator)
        words = <const uint64_t *> <uintptr_t> address
        stream.key, stream.row = words[0], words[1]
        return 0

    def seed(self, generator):
        """Two uint64 from a generator of torch, or from torch's own for the CPU where it is None."""
        cdef gf_stream stream
        self.take_seed(generator, &stream)
        return stream.key, stream.row

    cdef int dtype_of(self, tensor) except -1:
        # What the kernels read a plain contiguous tensor as; GF_DTYPES where it is no such tensor.
        if not self.is_plain(tensor) or not tensor.is_contiguous():
            return GF_DTYPES
        number = self.dtypes.get(tensor.dtype)
        return GF_DTYPES if number is None else number

    cdef bint take_mask(self, mask, tuple shape, gf_mask *c) except -1:
        cdef int last = len(shape) - 1
        cdef tuple own
        if not self.is_plain(mask) or not mask.is_contiguous():
            return False
        kind = self.mask_dtypes.get(mask.dtype)
        own = <tuple> mask.shape
        if kind is None or len(own) != last + 1:
            return False
        c.kind = kind
        if own != shape and (c.kind == GF_MASK_BYTES or own[:last] != shape[:last]):
            return False
        c.words = own[last]
        c.rows = rows_of(mask, <Py_ssize_t> c.words, 1 if c.kind == GF_MASK_BYTES else 4)
        return c.rows.data is not NULL  # an empty mask is one, too

    cdef bint take_logits(self, logits, temperature, tuple filters, mask, Py_ssize_t most, Small *q) except -1:
        # Begins a request; whether there is nothing but what fits the kernels as it is.
        cdef int axis
        cdef tuple shape
        if type(temperature) is not float and type(temperature) is not int:
            return False
        q.temperature = temperature
        if not q.temperature >= 0:
            return False
        q.dtype = self.dtype_of(logits)
        if q.dtype == GF_DTYPES or not self.unseen():
            return False
        shape, q.rows = <tuple> logits.shape, 1
        q.last = len(shape) - 1
        if not 0 <= q.last < MAX_DIMS:
            return False
        for axis in range(q.last + 1):
            q.dims[axis] = shape[axis]
            if axis < q.last:
                q.rows *= q.dims[axis]
        if not 0 < q.rows * q.dims[q.last] <= most:
            return False
        one_draw_each(&q.c)
        q.c.columns, q.c.temperature.data = <size_t> q.dims[q.last], &q.temperature
        q.c.x = rows_of(logits, q.dims[q.last], size_of(q.dtype))
        no_options(&q.c, &q.options)
        if filters is not None:
            top_k, top_p, min_p, first = filters
            if not (take_number(top_k, 0, INFINITY, &q.options.top_k, &q.options.filter.top_k)
                    and type(top_k) is not float
                    and take_number(top_p, 0, INFINITY, &q.options.top_p, &q.options.filter.top_p)
                    and take_number(min_p, 0, 1, &q.options.min_p, &q.options.filter.min_p)
                    and take_number(first, 0, INFINITY, &q.options.temperature, &q.options.filter.temperature)):
                return False
            set_filter(&q.c, &q.options)
        if mask is not None:
            if not self.take_mask(mask, shape, &q.options.mask):
                return False
            q.c.mask = &q.options.mask
        return True

    cdef bint take_index(self, index, Small *q) except -1:
        # One category of each row, all of them such.
        cdef int axis
        cdef Py_ssize_t row
        cdef const int64_t *places
        if not self.is_plain(index) or not index.is_contiguous() or self.index_dtype is not index.dtype:
            return False
        if len(<tuple> index.shape) != q.last:
            return False
        for axis in range(q.last):
            if index.shape[axis] != q.dims[axis]:
                return False
        q.c.draws.index = <int64_t *> <uintptr_t> index.data_ptr()
        places = q.c.draws.index
        for row in range(q.rows):
            if not -1 <= places[row] < q.dims[q.last]:
                return False
        return True

    cdef cnp.ndarray new(self, Small *q, int ndim):
        # An array for as many of the dimensions, in the compute type.
        return cnp.PyArray_EMPTY(ndim, q.dims, compute_type_of(q.dtype), 0)

    cdef int run_kernel(self, Small *q, const gf_kernel *kernel) except -1:
        return raise_for(&q.c, run(kernel, &q.c, NULL, 0, q.rows), LOGITS)

    def categorical(self, logits, temperature, tuple filters, mask, generator, seed, bint log_prob, bint entropy):
        """Draw one category from each row, along the last dimension; None where the arguments are not of the kind.

        Returns the indices, what else is wanted, and None for what is not. Where there is no `seed`, it is drawn.
        """
        cdef Small q
        cdef cnp.ndarray index, logs = None, entropies = None
        cdef Py_ssize_t most = TELL_MOST if log_prob or entropy else DRAW_MOST
        if not self.take_logits(logits, temperature, filters, mask, most, &q):
            return None
        if seed is None:
            self.take_seed(generator, &q.c.stream)
        else:
            q.c.stream.key, q.c.stream.row = seed
        index = cnp.PyArray_EMPTY(q.last, q.dims, cnp.NPY_INT64, 0)
        q.c.draws.index = <int64_t *> cnp.PyArray_DATA(index)
        if log_prob:
            logs = self.new(&q, q.last)
            q.c.out, q.c.out_stride = cnp.PyArray_DATA(logs), cnp.PyArray_ITEMSIZE(logs)
        if entropy:
            entropies = self.new(&q, q.last)
            q.c.entropy = cnp.PyArray_DATA(entropies)
        self.run_kernel(&q, &kernels.logits[q.dtype][GF_CATEGORICAL if q.c.filter is NULL else GF_FILTERED])
        from_numpy = self.from_numpy
        return (from_numpy(index), None if logs is None else from_numpy(logs),
                None if entropies is None else from_numpy(entropies))

    def log_prob(self, logits, index, temperature, tuple filters, mask, bint entropy):
        """Return the log-probabilities of one category of each row, if there are any, and the entropies, if wanted."""
        cdef Small q
        cdef cnp.ndarray logs = None, entropies = None
        if not self.take_logits(logits, temperature, filters, mask, TELL_MOST, &q):
            return None
        if index is not None:
            if not self.take_index(index, &q):
                return None
            logs = self.new(&q, q.last)
            q.c.out, q.c.out_stride = cnp.PyArray_DATA(logs), cnp.PyArray_ITEMSIZE(logs)
        if entropy:
            entropies = self.new(&q, q.last)
            q.c.entropy = cnp.PyArray_DATA(entropies)
        self.run_kernel(&q, &kernels.logits[q.dtype][GF_LOG_PROB])
        return (None if logs is None else self.from_numpy(logs),
                None if entropies is None else self.from_numpy(entropies))

    cdef bint take_gradient(self, grad, Small *q, void **data) except -1:
        # One number for each row, in the compute type; of such, only float32 and float64 logits.
        if grad is None:
            return True
        if self.dtype_of(grad) != q.dtype or grad.numel() != q.rows:
            return False
        data[0] = <void *> <uintptr_t> grad.data_ptr()
        return True

    def log_prob_vjp(self, logits, index, grad, grad_entropy, temperature, tuple filters, mask):
        """Return the gradient in the logits; None where the arguments are not of the kind."""
        cdef Small q
        cdef cnp.ndarray out
        cdef void *of_log_prob = NULL
        if not self.take_logits(logits, temperature, filters, mask, TELL_MOST, &q) or q.dtype > GF_F64:
            return None
        if not self.take_gradient(grad, &q, &of_log_prob) or not self.take_gradient(grad_entropy, &q, &q.c.entropy):
            return None
        if of_log_prob is not NULL:
            if not self.take_index(index, &q):
                return None
            q.c.other.data, q.c.other.stride = of_log_prob, size_of(q.dtype)
        out = self.new(&q, q.last + 1)
        q.c.out, q.c.out_stride = cnp.PyArray_DATA(out), q.dims[q.last] * size_of(q.dtype)
        self.run_kernel(&q, &kernels.logits[q.dtype][GF_LOG_PROB_VJP])
        return self.from_numpy(out)

    def gumbel_softmax(self, logits, seed, tau, mask, int form, bint one_hot):
        """Relax each row, along the last dimension, into a form; return it and, if wanted, the one-hots besides."""
        cdef Small q
        cdef cnp.ndarray out, hard = None
        if not self.take_logits(logits, tau, None, mask, RELAX_MOST, &q) or q.dtype > GF_F64 or q.temperature == 0:
            return None
        q.c.stream.key, q.c.stream.row = seed
        q.c.form = <gf_form> form
        out = self.new(&q, q.last + 1)
        q.c.out, q.c.out_stride = cnp.PyArray_DATA(out), q.dims[q.last] * size_of(q.dtype)
        if one_hot:
            hard = self.new(&q, q.last + 1)
            q.c.one_hot = cnp.PyArray_DATA(hard)
        self.run_kernel(&q, &kernels.logits[q.dtype][GF_GUMBEL_SOFTMAX])
        return self.from_numpy(out), None if hard is None else self.from_numpy(hard)

    def softmax_vjp(self, y, grad, tau):
        """Return the gradient in what y is the softmax of; None where the arguments are not of the kind."""
        cdef Small q
        cdef cnp.ndarray out
        if not self.take_logits(y, tau, None, None, RELAX_MOST, &q) or q.dtype > GF_F64 or q.temperature == 0:
            return None
        if self.dtype_of(grad) != q.dtype or grad.shape != y.shape:
            return None
        q.c.other = rows_of(grad, q.dims[q.last], size_of(q.dtype))
        out = self.new(&q, q.last + 1)
        q.c.out, q.c.out_stride = cnp.PyArray_DATA(out), q.dims[q.last] * size_of(q.dtype)
        self.run_kernel(&q, &kernels.softmax_vjp[q.dtype])
        return self.from_numpy(out)
