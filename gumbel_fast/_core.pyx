# The typed layer: loops over rows, without the GIL, around the kernels of the C core; status to exception; the target.
#
# Arguments arrive checked (by _arrays.py and the modules that use it), except where a function says that it looks for
# itself. No arithmetic on elements lives here, and no rule about what a user may pass.
"""Typed loops over the rows of arrays, calling the kernels of the C core."""

import os

import numpy as np
from numpy.random import Generator

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN
from libc.math cimport INFINITY
from libc.math cimport log
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from numpy.random cimport bitgen_t

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)

cnp.import_array()

STREAM_VERSION = GF_STREAM_VERSION
PDF, LOGPDF, CDF, LOGCDF, SF, LOGSF, PPF, ISF = range(GF_DISTRIBUTION_FUNCTIONS)
MAX_COLUMNS = GF_MAX_COLUMNS
BOUNDS = {
    "noise_f32_ulp": GF_NOISE_F32_ULP,
    "noise_f32_abs": GF_NOISE_F32_ABS,
    "noise_f64_ulp": GF_NOISE_F64_ULP,
    "noise_f64_abs": GF_NOISE_F64_ABS,
    "softmax_f32_rel": GF_SOFTMAX_F32_REL,
    "softmax_f64_rel": GF_SOFTMAX_F64_REL,
    "distribution_ulp": GF_DISTRIBUTION_ULP,
}

# -- the target ---------------------------------------------------------------------------------------------------

cdef const gf_kernels *kernels = NULL


def compiler():
    """Name and version of the compiler of the C core."""
    return gf_compiler.decode()


def compiled_targets():
    """Names of the SIMD targets compiled in, best first."""
    names, i = [], 0
    while gf_targets[i] is not NULL:
        names.append(gf_targets[i].name.decode())
        i += 1
    return tuple(names)


def usable_targets():
    """Names of the SIMD targets that this machine can run, best first."""
    return tuple(name for i, name in enumerate(compiled_targets()) if gf_target_usable(gf_targets[i]))


def simd_target():
    """Name of the SIMD target in use."""
    return kernels.name.decode()


def use_target(name):
    """Use the SIMD target of this name from now on; ValueError where it cannot run here."""
    global kernels
    compiled = compiled_targets()
    if name not in usable_targets():
        why = "not usable on this machine" if name in compiled else "unknown or not compiled in"
        raise ValueError(f"SIMD target {name!r} is {why}; usable: {', '.join(usable_targets())}")
    kernels = gf_targets[compiled.index(name)]


def _choose_target():
    forced = os.environ.get("GUMBEL_FAST_SIMD")
    try:
        use_target(forced or usable_targets()[0])
    except ValueError as error:
        raise ImportError(f"GUMBEL_FAST_SIMD: {error}") from None


_choose_target()

# -- seeds --------------------------------------------------------------------------------------------------------


cdef inline int take_seed(bit_generator, uint64_t *key, uint64_t *row) except -1:
    cdef bitgen_t *source = <bitgen_t *> PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
    lock = bit_generator.lock
    lock.acquire()
    key[0] = source.next_uint64(source.state)
    row[0] = source.next_uint64(source.state)
    lock.release()
    return 0


def draw_seed(bit_generator):
    """Two uint64 from a NumPy BitGenerator, under its lock."""
    cdef uint64_t key, row
    take_seed(bit_generator, &key, &row)
    return key, row


# -- rows ---------------------------------------------------------------------------------------------------------

cdef enum:
    MAX_DIMS = 64  # NPY_MAXDIMS of NumPy 2
    FEW_ELEMENTS = 8192  # below about 2 microseconds of work, giving up the GIL costs more than it frees

cdef struct Rows:
    # An array as rows along its last axis, the other axes flattened in C order.
    char *data
    Py_ssize_t count
    size_t columns
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[MAX_DIMS]


cdef void rows_of(cnp.ndarray array, Rows *rows) noexcept:
    # Axes that continue each other are merged, so that most arrays have one row stride.
    cdef int axis, last = cnp.PyArray_NDIM(array) - 1
    cdef Py_ssize_t size, stride
    rows.data = cnp.PyArray_BYTES(array)
    rows.columns = <size_t> cnp.PyArray_DIM(array, last)
    rows.count = 1
    rows.ndim = 0
    for axis in range(last):
        size, stride = cnp.PyArray_DIM(array, axis), cnp.PyArray_STRIDE(array, axis)
        rows.count *= size
        if rows.ndim and rows.strides[rows.ndim - 1] == size * stride:
            rows.shape[rows.ndim - 1] *= size
            rows.strides[rows.ndim - 1] = stride
        elif size != 1:
            rows.shape[rows.ndim] = size
            rows.strides[rows.ndim] = stride
            rows.ndim += 1


cdef inline char *row_at(const Rows *rows, Py_ssize_t index) noexcept nogil:
    cdef char *data = rows.data
    cdef int axis
    for axis in range(rows.ndim - 1, 0, -1):
        data += index % rows.shape[axis] * rows.strides[axis]
        index //= rows.shape[axis]
    if rows.ndim:
        data += index * rows.strides[0]
    return data


cdef inline const gf_real_kernels *kernels_for(cnp.ndarray array) noexcept:
    return &kernels.f32 if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT32 else &kernels.f64


cdef inline double rate_of(double temperature, bint single) noexcept nogil:
    # 1 / temperature, kept positive and finite in the type it is computed in, so that -inf times it is -inf and
    # 0 times it is 0. Temperature 0 is the caller's business.
    cdef double rate = 1 / temperature
    return min(max(rate, FLT_MIN if single else DBL_MIN), FLT_MAX if single else DBL_MAX)


# -- noise --------------------------------------------------------------------------------------------------------


def gumbel(cnp.ndarray out, uint64_t key, uint64_t row, uint64_t column, double loc, double scale):
    """Fill a C-contiguous float array with noise; its rows are numbered from `row`, its columns from `column`."""
    cdef Rows rows
    cdef Py_ssize_t r
    cdef const gf_real_kernels *k = kernels_for(out)
    rows_of(out, &rows)
    with nogil:
        for r in range(rows.count):
            k.gumbel(row_at(&rows, r), rows.columns, key, row + <uint64_t> r, column, loc, scale)


def noise_from_words(const uint32_t[::1] high, const uint32_t[::1] low, dtype):
    """Noise of given 64-bit words, cut into two halves."""
    if low.shape[0] != high.shape[0]:
        raise ValueError("high and low differ in length")
    cdef cnp.ndarray out = np.empty(high.shape[0], dtype)
    cdef size_t n = <size_t> high.shape[0]
    cdef const gf_real_kernels *k = kernels_for(out)
    cdef void *data = cnp.PyArray_DATA(out)
    if n:
        with nogil:
            k.gumbel_of_words(&high[0], &low[0], data, n)
    return out


def philox4x32(counter, key):
    """One block of Philox4x32-10: four counter words and two key words to four words."""
    cdef uint32_t c[4]
    cdef uint32_t words[4]
    for i in range(4):
        c[i] = counter[i]
    kernels.philox_block(<uint64_t> key[1] << 32 | <uint64_t> key[0], c, words)
    return words[0], words[1], words[2], words[3]


# -- softmax ------------------------------------------------------------------------------------------------------


def softmax(cnp.ndarray logits, cnp.ndarray temperature, cnp.ndarray out, bint logarithm):
    """Softmax, or its logarithm, of each row; temperature has one entry, or one for each row."""
    cdef Rows x, y
    cdef Py_ssize_t r
    cdef bint single = cnp.PyArray_TYPE(logits) == cnp.NPY_FLOAT32
    cdef const gf_real_kernels *k = kernels_for(logits)
    cdef gf_softmax_kernel kernel = k.softmax
    cdef const double *t = <const double *> cnp.PyArray_DATA(temperature)
    cdef Py_ssize_t step = cnp.PyArray_SIZE(temperature) != 1
    if logarithm:
        kernel = k.log_softmax
    rows_of(logits, &x)
    rows_of(out, &y)
    with nogil:
        for r in range(x.count):
            kernel(row_at(&x, r), row_at(&y, r), x.columns, rate_of(t[r * step], single))


def logsumexp(cnp.ndarray logits, cnp.ndarray temperature, double[::1] out):
    """Log-sum-exp of each row."""
    cdef Rows x
    cdef Py_ssize_t r
    cdef bint single = cnp.PyArray_TYPE(logits) == cnp.NPY_FLOAT32
    cdef const gf_real_kernels *k = kernels_for(logits)
    cdef const double *t = <const double *> cnp.PyArray_DATA(temperature)
    cdef Py_ssize_t step = cnp.PyArray_SIZE(temperature) != 1
    rows_of(logits, &x)
    with nogil:
        for r in range(x.count):
            out[r] = k.logsumexp(row_at(&x, r), x.columns, rate_of(t[r * step], single))


# -- categorical --------------------------------------------------------------------------------------------------


cdef Py_ssize_t draw_rows(
    const gf_real_kernels *k, const Rows *x, const double *temperature, Py_ssize_t step, bint single, uint64_t key,
    uint64_t row, void *scratch, int64_t *out,
) noexcept nogil:
    # Index of the first row that cannot be drawn from, or -1. temperature[r * step] is that of row r.
    cdef Py_ssize_t r
    cdef double now
    cdef char *data
    for r in range(x.count):
        data = row_at(x, r)
        now = temperature[r * step]
        if now == 0:
            out[r] = k.argmax(data, x.columns)
        else:
            out[r] = k.categorical(data, x.columns, rate_of(now, single), key, row + <uint64_t> r, scratch)
        if out[r] == GF_BAD_ROW:
            return r
    return -1


cdef int draw(cnp.ndarray logits, const double *temperature, Py_ssize_t step, uint64_t key, uint64_t row,
              int64_t *out) except -1:
    cdef Rows x
    cdef Py_ssize_t bad
    cdef bint single = cnp.PyArray_TYPE(logits) == cnp.NPY_FLOAT32
    cdef const gf_real_kernels *k = kernels_for(logits)
    cdef void *scratch
    rows_of(logits, &x)
    scratch = malloc(k.categorical_scratch(x.columns))
    if scratch is NULL:
        raise MemoryError
    if x.count * <Py_ssize_t> x.columns < FEW_ELEMENTS:
        bad = draw_rows(k, &x, temperature, step, single, key, row, scratch, out)
    else:
        with nogil:
            bad = draw_rows(k, &x, temperature, step, single, key, row, scratch, out)
    free(scratch)
    if bad >= 0:
        raise ValueError(f"logits: row {bad} has NaN, +inf or nothing but -inf")
    return 0


def categorical(cnp.ndarray logits, const double[::1] temperature, uint64_t key, uint64_t row, int64_t[::1] out):
    """Draw one index from each row; ValueError names the first row that cannot be drawn from."""
    if out.shape[0]:
        draw(logits, &temperature[0], temperature.shape[0] != 1, key, row, &out[0])


def categorical_short(logits, temperature, rng):
    """The short way: one index from each row of a float array by a Generator, at one temperature.

    Looks for itself, and returns None for any other argument, which then goes the general way.
    """
    cdef cnp.ndarray x, out
    cdef double t
    cdef uint64_t key, row
    cdef int64_t index
    cdef int last
    if type(logits) is not cnp.ndarray or type(rng) is not Generator or type(temperature) is not float:
        return None
    x = <cnp.ndarray> logits
    t = temperature
    last = cnp.PyArray_NDIM(x) - 1
    if not (t >= 0 and last >= 0 and cnp.PyArray_ISCARRAY_RO(x) and cnp.PyArray_SIZE(x) > 0):
        return None
    if cnp.PyArray_TYPE(x) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(x) != cnp.NPY_FLOAT64:
        return None
    if <size_t> cnp.PyArray_DIM(x, last) > GF_MAX_COLUMNS:
        return None
    take_seed(rng.bit_generator, &key, &row)
    if last == 0:
        draw(x, &t, 0, key, row, &index)
        return PyArray_Scalar(&index, cnp.PyArray_DescrFromType(cnp.NPY_INT64), None)
    out = cnp.PyArray_EMPTY(last, cnp.PyArray_DIMS(x), cnp.NPY_INT64, 0)
    draw(x, &t, 0, key, row, <int64_t *> cnp.PyArray_DATA(out))
    return out


# -- the distribution ---------------------------------------------------------------------------------------------


def distribution(int function, const double[::1] x, const double[::1] loc, const double[::1] scale, double[::1] out):
    """Apply function number `function` of the distribution; x, loc and scale have one entry or as many as out."""
    cdef gf_argument a, b, c
    cdef size_t n = <size_t> out.shape[0]
    if n == 0:
        return
    a.data, a.step = &x[0], x.shape[0] != 1
    b.data, b.step = &loc[0], loc.shape[0] != 1
    c.data, c.step = &scale[0], scale.shape[0] != 1
    cdef gf_distribution_kernel kernel = kernels.distribution[function]
    with nogil:
        kernel(a, b, c, &out[0], n)


def distribution_scalar(int function, x, loc, scale):
    """The short way for three plain numbers, None for anything else: this function looks for itself."""
    cdef gf_argument a, b, c
    cdef double y, x_, loc_, scale_
    if not (isinstance(x, (float, int)) and isinstance(loc, (float, int)) and isinstance(scale, (float, int))):
        return None
    x_, loc_, scale_ = x, loc, scale
    if not scale_ > 0:
        return None
    a.data, a.step = &x_, 0
    b.data, b.step = &loc_, 0
    c.data, c.step = &scale_, 0
    kernels.distribution[function](a, b, c, &y, 1)
    if function == GF_LOGPDF and scale_ != 1:
        y -= log(scale_)
    return PyArray_Scalar(&y, cnp.PyArray_DescrFromType(cnp.NPY_FLOAT64), None)
