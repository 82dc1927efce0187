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
from gumbel_fast._core.small_calls cimport FAST_MOST, Options, no_options, set_filter, take_number
from gumbel_fast._core.target cimport kernels

cnp.import_array()

F32, F64, F16, BF16 = GF_F32, GF_F64, GF_F16, GF_BF16
MASK_BYTES, MASK_WORDS = GF_MASK_BYTES, GF_MASK_WORDS


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
    derivatives_wanted : callable
        Of logits: whether a derivative of what is made of them may be asked for.
    new_words : callable
        Returns a tensor of two int64.
    from_numpy : callable
        Makes a tensor of an array.
    """

    cdef tuple types, watchers
    cdef dict dtypes, mask_dtypes
    cdef object strided, derivatives_wanted, new_words, from_numpy, local

    def __init__(self, tuple types not None, strided, dict dtypes not None, dict mask_dtypes not None,
                 tuple watchers not None, derivatives_wanted, new_words, from_numpy):
        self.types, self.strided, self.dtypes, self.mask_dtypes = types, strided, dtypes, mask_dtypes
        self.watchers, self.derivatives_wanted = watchers, derivatives_wanted
        self.new_words, self.from_numpy = new_words, from_numpy
        self.local = threading.local()

    cdef bint unseen(self) except -1:
        for watcher in self.watchers:
            if watcher():
                return False
        return True

    cdef bint is_plain(self, tensor) except -1:
        return type(tensor) in self.types and tensor.is_cpu and tensor.layout is self.strided and not tensor.is_neg()

    def plain(self, *tensors):
        """Whether those that are tensors are plain, and nobody watches."""
        for tensor in tensors:
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
        c.rows.data = <const void *> <uintptr_t> mask.data_ptr()
        c.rows.stride = <Py_ssize_t> (c.words * (1 if c.kind == GF_MASK_BYTES else 4))
        return True

    def categorical(self, logits, temperature, top_k, top_p, min_p, mask, generator, bint log_prob, bint entropy):
        """Draw one category from each row, along the last dimension; None where the arguments are not of the kind.

        Returns the indices, or a tuple of them and what else is wanted.
        """
        cdef gf_request c
        cdef Options o
        cdef cnp.npy_intp dims[MAX_DIMS]
        cdef cnp.ndarray index, logs = None, entropies = None
        cdef const gf_kernel *kernel
        cdef double t
        cdef int dtype, axis, last
        cdef Py_ssize_t rows = 1, columns
        cdef tuple shape
        if type(temperature) is not float or not <double> temperature >= 0:
            return None
        if not self.is_plain(logits) or not self.unseen() or not logits.is_contiguous():
            return None
        number = self.dtypes.get(logits.dtype)
        if number is None or ((log_prob or entropy) and self.derivatives_wanted(logits)):
            return None
        dtype, t, shape = number, temperature, <tuple> logits.shape  # a subclass
        last = len(shape) - 1
        if not 0 <= last < MAX_DIMS:
            return None
        for axis in range(last):
            dims[axis] = shape[axis]
            rows *= dims[axis]
        columns = shape[last]
        if not 0 < rows * columns <= FAST_MOST:
            return None
        one_draw_each(&c)
        c.columns, c.temperature.data = <size_t> columns, &t
        no_options(&c, &o)
        if not (take_number(top_k, 0, INFINITY, &o.top_k, &o.filter.top_k) and type(top_k) is not float
                and take_number(top_p, 0, INFINITY, &o.top_p, &o.filter.top_p)
                and take_number(min_p, 0, 1, &o.min_p, &o.filter.min_p)):
            return None
        if mask is not None:
            if not self.take_mask(mask, shape, &o.mask):
                return None
            c.mask = &o.mask
        set_filter(&c, &o)
        kernel = &kernels.logits[dtype][GF_CATEGORICAL if c.filter is NULL else GF_FILTERED]
        self.take_seed(generator, &c.stream)
        c.x.data = <const void *> <uintptr_t> logits.data_ptr()
        c.x.stride = columns * (8 if dtype == GF_F64 else 4 if dtype == GF_F32 else 2)
        index = cnp.PyArray_EMPTY(last, dims, cnp.NPY_INT64, 0)
        c.draws.index = <int64_t *> cnp.PyArray_DATA(index)
        if log_prob:
            logs = cnp.PyArray_EMPTY(last, dims, compute_type_of(dtype), 0)
            c.out, c.out_stride = cnp.PyArray_DATA(logs), cnp.PyArray_ITEMSIZE(logs)
        if entropy:
            entropies = cnp.PyArray_EMPTY(last, dims, compute_type_of(dtype), 0)
            c.entropy = cnp.PyArray_DATA(entropies)
        raise_for(&c, run(kernel, &c, NULL, 0, rows), LOGITS)
        drawn = self.from_numpy(index)
        if not log_prob and not entropy:
            return drawn
        if not entropy:
            return drawn, self.from_numpy(logs)
        if not log_prob:
            return drawn, self.from_numpy(entropies)
        return drawn, self.from_numpy(logs), self.from_numpy(entropies)
