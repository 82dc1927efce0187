# The typed layer: loops over rows, without the GIL, around the kernels of the C core; status to exception; the target.
#
# Arguments arrive checked (by _arrays.py and the modules that use it), except where a function says that it looks for
# itself. No arithmetic on elements lives here, and no rule about what a user may pass. Functions that take `start` and
# `stop` do that part of the rows, so that _threads.py can cut a call into pieces; rows keep their numbers.
#
# Logits are float32, float64, float16, or bfloat16 in the guise of uint16; temperatures are a float64 vector of one
# entry, or of one for each row.
"""Typed loops over the rows of arrays, calling the kernels of the C core."""

import os
from functools import wraps

import numpy as np

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport log
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from gumbel_fast._kernels cimport *
from gumbel_fast._rows cimport *

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)

cdef extern from "numpy/random/bitgen.h":  # by hand, for `cimport numpy.random` imports the module: half of our import
    ctypedef struct bitgen_t:
        void *state
        uint64_t (*next_uint64)(void *state) noexcept nogil

cnp.import_array()

STREAM_VERSION = GF_STREAM_VERSION
PDF, LOGPDF, CDF, LOGCDF, SF, LOGSF, PPF, ISF = range(GF_DISTRIBUTION_FUNCTIONS)
MAX_COLUMNS = GF_MAX_COLUMNS
SHORT_ROW = GF_SHORT_ROW
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


cdef inline const gf_real_kernels *real_kernels(cnp.ndarray array) noexcept:
    return &kernels.f32 if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT32 else &kernels.f64


cdef inline const gf_logits_kernels *logits_kernels(cnp.ndarray array) noexcept:
    cdef int dtype = cnp.PyArray_TYPE(array)
    if dtype == cnp.NPY_FLOAT32:
        return &kernels.logits_f32
    if dtype == cnp.NPY_FLOAT64:
        return &kernels.logits_f64
    return &kernels.logits_f16 if dtype == cnp.NPY_FLOAT16 else &kernels.logits_bf16


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
    FEW_ELEMENTS = 8192  # below about 2 microseconds of work, giving up the GIL costs more than it frees
    SCRATCH_HERE = 512  # doubles of scratch on the stack, which spare short rows a malloc


cpdef int refuse(Py_ssize_t row) except -1:
    """ValueError that names a row."""
    raise ValueError(f"logits: row {row} has NaN, +inf or nothing but -inf")


# -- noise --------------------------------------------------------------------------------------------------------


def gumbel(cnp.ndarray out, uint64_t key, uint64_t row, uint64_t column, double loc, double scale, Py_ssize_t start,
           Py_ssize_t stop):
    """Fill elements start to stop of a C-contiguous float array with noise.

    Its rows are numbered from `row`, its columns from `column`.
    """
    cdef Py_ssize_t columns = cnp.PyArray_DIM(out, cnp.PyArray_NDIM(out) - 1)
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(out), skip, count, rows
    cdef char *data = cnp.PyArray_BYTES(out)
    cdef const gf_real_kernels *k = real_kernels(out)
    with nogil:
        while start < stop:
            skip = start % columns
            count = min(columns - skip, stop - start)  # the rest of a row, or all whole rows
            rows = max((stop - start) // columns, 1) if skip == 0 else 1
            k.gumbel(data + start * size, <size_t> rows, <size_t> count, key, row + <uint64_t> (start // columns),
                     column + <uint64_t> skip, loc, scale)
            start += rows * count


def noise_from_words(const uint32_t[::1] high, const uint32_t[::1] low, dtype):
    """Noise of given 64-bit words, cut into two halves."""
    if low.shape[0] != high.shape[0]:
        raise ValueError("high and low differ in length")
    cdef cnp.ndarray out = np.empty(high.shape[0], dtype)
    cdef size_t n = <size_t> high.shape[0]
    cdef const gf_real_kernels *k = real_kernels(out)
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


# -- softmax and its relatives ------------------------------------------------------------------------------------


def softmax(cnp.ndarray logits, cnp.ndarray temperature, cnp.ndarray out, bint logarithm, Py_ssize_t start,
            Py_ssize_t stop):
    """Softmax, or its logarithm, of each row."""
    cdef Rows x, y
    cdef Py_ssize_t r
    cdef const gf_real_kernels *k = real_kernels(logits)
    cdef gf_softmax_kernel kernel = k.log_softmax if logarithm else k.softmax
    cdef Temperatures t = temperatures_of(temperature)
    rows_of(logits, &x)
    rows_of(out, &y)
    with nogil:
        for r in range(start, stop):
            kernel(row_at(&x, r), row_at(&y, r), x.columns, t.data[<size_t> r * t.step])


def logsumexp(cnp.ndarray logits, cnp.ndarray temperature, cnp.ndarray out, Py_ssize_t start, Py_ssize_t stop):
    """Log-sum-exp of each row, into a float64 vector."""
    cdef Rows x
    cdef Py_ssize_t r
    cdef const gf_real_kernels *k = real_kernels(logits)
    cdef Temperatures t = temperatures_of(temperature)
    cdef double *sums = <double *> cnp.PyArray_DATA(out)
    rows_of(logits, &x)
    with nogil:
        for r in range(start, stop):
            sums[r] = k.logsumexp(row_at(&x, r), x.columns, t.data[<size_t> r * t.step])


def gumbel_softmax(cnp.ndarray logits, cnp.ndarray temperature, cnp.ndarray out, bint hard, uint64_t key, uint64_t row,
                   uint64_t column, Py_ssize_t start, Py_ssize_t stop):
    """Softmax of (logits + noise) / temperature of each row, or the one-hot of its greatest entry."""
    cdef Rows x, y
    cdef gf_rows run
    cdef const gf_logits_kernels *k = logits_kernels(logits)
    cdef Temperatures t = temperatures_of(temperature)
    rows_of(logits, &x)
    rows_of(out, &y)
    with nogil:
        while start < stop:
            run = run_at(&x, start, start + run_length(&y, start, stop), t)
            k.gumbel_softmax(&run, row_at(&y, start), row_stride(&y), hard, key, row + <uint64_t> start, column)
            start += <Py_ssize_t> run.count


def softmax_vjp(cnp.ndarray y, cnp.ndarray grad, cnp.ndarray temperature, cnp.ndarray out, Py_ssize_t start,
                Py_ssize_t stop):
    """Gradient of each row's softmax, times grad; the three arrays have one dtype."""
    cdef Rows a, b, c
    cdef Py_ssize_t r
    cdef const gf_real_kernels *k = real_kernels(y)
    cdef Temperatures t = temperatures_of(temperature)
    rows_of(y, &a)
    rows_of(grad, &b)
    rows_of(out, &c)
    with nogil:
        for r in range(start, stop):
            k.softmax_vjp(row_at(&a, r), row_at(&b, r), row_at(&c, r), a.columns, t.data[<size_t> r * t.step])


# -- one draw from each row ---------------------------------------------------------------------------------------


cdef Py_ssize_t draw_rows(const gf_logits_kernels *k, const Rows *x, Temperatures t, uint64_t key, uint64_t row,
                          int64_t *index, Py_ssize_t start, Py_ssize_t stop, void *scratch) noexcept nogil:
    # Index of the first row that cannot be drawn from, or -1.
    cdef gf_rows run
    cdef Py_ssize_t bad
    if x.columns > GF_SHORT_ROW:
        while start < stop:
            index[start] = k.race(row_at(x, start), x.columns, t.data[<size_t> start * t.step], key,
                                  row + <uint64_t> start, scratch)
            if index[start] == GF_BAD_ROW:
                return start
            start += 1
        return -1
    while start < stop:
        run = run_at(x, start, stop, t)
        bad = k.short_rows(&run, key, row + <uint64_t> start, index + start)
        if bad >= 0:
            return start + bad
        start += <Py_ssize_t> run.count
    return -1


cdef int draw(cnp.ndarray logits, Temperatures t, uint64_t key, uint64_t row, int64_t *index, Py_ssize_t start,
              Py_ssize_t stop) except -1:
    cdef Rows x
    cdef Py_ssize_t bad
    cdef const gf_logits_kernels *k = logits_kernels(logits)
    cdef double here[SCRATCH_HERE]
    cdef void *scratch = here
    rows_of(logits, &x)
    if x.columns > GF_SHORT_ROW and k.race_scratch(x.columns) > sizeof(here):
        scratch = malloc(k.race_scratch(x.columns))
        if scratch is NULL:
            raise MemoryError
    if (stop - start) * <Py_ssize_t> x.columns < FEW_ELEMENTS:
        bad = draw_rows(k, &x, t, key, row, index, start, stop, scratch)
    else:
        with nogil:
            bad = draw_rows(k, &x, t, key, row, index, start, stop, scratch)
    if scratch is not <void *> here:
        free(scratch)
    if bad >= 0:
        refuse(bad)
    return 0


def categorical(cnp.ndarray logits, cnp.ndarray temperature, uint64_t key, uint64_t row, cnp.ndarray index,
                Py_ssize_t start, Py_ssize_t stop):
    """Draw one index from each row; ValueError names the first row that cannot be drawn from."""
    draw(logits, temperatures_of(temperature), key, row, <int64_t *> cnp.PyArray_DATA(index), start, stop)


cdef Py_ssize_t greatest_rows(const gf_logits_kernels *k, const Rows *x, const Rows *noise, Temperatures t,
                              uint64_t key, uint64_t row, uint64_t column, int64_t *index, double *value,
                              Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    # Index of the first row that cannot be drawn from, or -1; noise and value may be NULL.
    cdef gf_rows run
    cdef Py_ssize_t bad
    cdef double unused
    while noise is not NULL and start < stop:
        index[start] = k.gumbel_max_given(row_at(x, start), row_at(noise, start), x.columns,
                                          t.data[<size_t> start * t.step], &unused if value is NULL else value + start)
        if index[start] == GF_BAD_ROW:
            return start
        start += 1
    while start < stop:
        run = run_at(x, start, stop, t)
        bad = k.gumbel_max(&run, key, row + <uint64_t> start, column, index + start,
                           NULL if value is NULL else value + start)
        if bad >= 0:
            return start + bad
        start += <Py_ssize_t> run.count
    return -1


cdef int greatest(cnp.ndarray logits, cnp.ndarray noise, Temperatures t, uint64_t key, uint64_t row, uint64_t column,
                  int64_t *index, double *value, Py_ssize_t start, Py_ssize_t stop) except -1:
    cdef Rows x, g
    cdef const Rows *given = NULL
    cdef Py_ssize_t bad
    cdef const gf_logits_kernels *k = logits_kernels(logits)
    rows_of(logits, &x)
    if noise is not None:
        rows_of(noise, &g)
        given = &g
    if (stop - start) * <Py_ssize_t> x.columns < FEW_ELEMENTS:
        bad = greatest_rows(k, &x, given, t, key, row, column, index, value, start, stop)
    else:
        with nogil:
            bad = greatest_rows(k, &x, given, t, key, row, column, index, value, start, stop)
    if bad >= 0 and given is not NULL:
        raise ValueError(f"row {bad} of logits and noise has NaN, +inf or nothing but -inf")
    if bad >= 0:
        refuse(bad)
    return 0


def gumbel_max(cnp.ndarray logits, cnp.ndarray temperature, uint64_t key, uint64_t row, uint64_t column,
               cnp.ndarray noise, cnp.ndarray index, cnp.ndarray value, Py_ssize_t start, Py_ssize_t stop):
    """Index and value of the greatest of logits / temperature + noise in each row.

    `noise`, where it is not None, stands in for that of the seed; `value` is float64, or None.
    """
    greatest(logits, noise, temperatures_of(temperature), key, row, column, <int64_t *> cnp.PyArray_DATA(index),
             NULL if value is None else <double *> cnp.PyArray_DATA(value), start, stop)


def check_rows(cnp.ndarray logits, Py_ssize_t start, Py_ssize_t stop):
    """ValueError that names the first row that cannot be drawn from."""
    cdef Rows x
    cdef gf_rows run
    cdef Temperatures cold
    cdef double zero = 0
    cdef int64_t index
    cdef Py_ssize_t bad = -1
    cdef const gf_logits_kernels *k = logits_kernels(logits)
    cold.data, cold.step = &zero, 0
    rows_of(logits, &x)
    with nogil:
        while start < stop and bad < 0:
            run = run_at(&x, start, start + 1, cold)
            if k.gumbel_max(&run, 0, 0, 0, &index, NULL) >= 0:
                bad = start
            start += 1
    if bad >= 0:
        refuse(bad)


# -- the short ways -----------------------------------------------------------------------------------------------
#
# Decorators of the public functions. A call on a small contiguous float array with a Generator comes to C at once;
# these functions look for themselves, and hand everything else on to the function that they stand before. They repeat
# its signature, for arguments that are parsed here are parsed faster than in Python.

cdef enum:
    SHORT_WAY_MOST = 1 << 20  # elements: longer calls are cut into pieces, between which an interrupt is seen

cdef object ORIGIN = (0, 0)
cdef object Generator = None  # numpy.random.Generator, once a call has asked for it


cdef inline bint is_generator(rng) except -1:
    global Generator
    if Generator is None:
        from numpy.random import Generator as generator
        Generator = generator
    return type(rng) is Generator


cdef inline bint goes_short(logits, temperature, axis, rng, out, workers) except -1:
    cdef cnp.ndarray x
    cdef int dtype
    if type(logits) is not cnp.ndarray or type(temperature) is not float or not is_generator(rng):
        return False
    if out is not None or type(axis) is not int or axis != -1 or type(workers) is not int or workers != 1:
        return False
    x = <cnp.ndarray> logits
    dtype = cnp.PyArray_TYPE(x)
    return (
        cnp.PyArray_NDIM(x) > 0
        and (dtype == cnp.NPY_FLOAT32 or dtype == cnp.NPY_FLOAT64 or dtype == cnp.NPY_FLOAT16)
        and cnp.PyArray_ISCARRAY_RO(x)
        and 0 < cnp.PyArray_SIZE(x) <= SHORT_WAY_MOST
        and <double> temperature >= 0
    )


cdef inline object short_draw(cnp.ndarray logits, double temperature, rng, bint coupled):
    # One index from each row; coupled: by gumbel_max.
    cdef Temperatures t
    cdef uint64_t key, row
    cdef int64_t one
    cdef int64_t *index = &one
    cdef cnp.ndarray indices = None
    cdef Py_ssize_t rows = 1
    t.data, t.step = &temperature, 0
    take_seed(rng.bit_generator, &key, &row)
    if cnp.PyArray_NDIM(logits) > 1:
        indices = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(logits) - 1, cnp.PyArray_DIMS(logits), cnp.NPY_INT64, 0)
        index, rows = <int64_t *> cnp.PyArray_DATA(indices), cnp.PyArray_SIZE(indices)
    if coupled:
        greatest(logits, None, t, key, row, 0, index, NULL, 0, rows)
    else:
        draw(logits, t, key, row, index, 0, rows)
    if indices is not None:
        return indices
    return PyArray_Scalar(&one, cnp.PyArray_DescrFromType(cnp.NPY_INT64), None)


def before_categorical(general):
    """Put the short way before `categorical`."""

    @wraps(general)
    def categorical(logits, *, num_samples=None, replace=True, temperature=1.0, axis=-1, rng=None, out=None,
                    workers=1):
        if num_samples is None and goes_short(logits, temperature, axis, rng, out, workers):
            return short_draw(logits, temperature, rng, False)
        return general(logits, num_samples=num_samples, replace=replace, temperature=temperature, axis=axis, rng=rng,
                       out=out, workers=workers)

    return categorical


def before_gumbel_max(general):
    """Put the short way before `gumbel_max`."""

    @wraps(general)
    def gumbel_max(logits, *, temperature=1.0, axis=-1, rng=None, offset=(0, 0), noise=None, return_value=False,
                   out=None, workers=1):
        if (noise is None and return_value is False and type(offset) is tuple and offset == ORIGIN
                and goes_short(logits, temperature, axis, rng, out, workers)):
            return short_draw(logits, temperature, rng, True)
        return general(logits, temperature=temperature, axis=axis, rng=rng, offset=offset, noise=noise,
                       return_value=return_value, out=out, workers=workers)

    return gumbel_max


# -- many draws from each row -------------------------------------------------------------------------------------

cdef struct Method:
    # How a row is drawn from many times.
    gf_repeat_start_kernel start
    gf_repeat_draw_kernel draw
    size_t scratch


cdef Method method_of(cnp.ndarray logits, bint alias) noexcept:
    cdef const gf_logits_kernels *k = logits_kernels(logits)
    cdef size_t n = <size_t> cnp.PyArray_DIM(logits, cnp.PyArray_NDIM(logits) - 1)
    cdef Method method
    if alias:
        method.start, method.draw, method.scratch = k.alias_start, k.alias_draw, k.alias_scratch(n)
    else:
        method.start, method.draw, method.scratch = k.race_start, k.race_draw, k.race_scratch(n)
    return method


cdef void scatter(gf_repeat_draw_kernel kernel, const void *x, size_t n, double t, uint64_t key, uint64_t row,
                  uint64_t first, uint64_t stop, char *out, Py_ssize_t stride, void *scratch) noexcept nogil:
    # Draws number first to stop, to int64 that lie stride bytes apart, in place if they lie side by side.
    cdef int64_t some[SCRATCH_HERE]
    cdef size_t count, i
    if stride == sizeof(int64_t) and <size_t> out % sizeof(int64_t) == 0:
        kernel(x, n, t, key, row, first, <size_t> (stop - first), <int64_t *> out, scratch)
        return
    while first < stop:
        count = <size_t> min(stop - first, <uint64_t> SCRATCH_HERE)
        kernel(x, n, t, key, row, first, count, some, scratch)
        for i in range(count):
            memcpy(out, &some[i], sizeof(int64_t))
            out += stride
        first += count


def repeated_rows(cnp.ndarray logits, cnp.ndarray temperature, uint64_t key, uint64_t row, bint alias, cnp.ndarray out,
                  Py_ssize_t start, Py_ssize_t stop):
    """Fill rows of out, of any layout, with draws from the same rows of logits, by alias or else by race."""
    cdef Rows x, y
    cdef Py_ssize_t bad = -1
    cdef double degrees
    cdef const char *data
    cdef Temperatures t = temperatures_of(temperature)
    cdef Method method = method_of(logits, alias)
    cdef void *scratch = malloc(method.scratch)
    if scratch is NULL:
        raise MemoryError
    rows_of(logits, &x)
    rows_of(out, &y)
    with nogil:
        while start < stop:
            data, degrees = row_at(&x, start), t.data[<size_t> start * t.step]
            if method.start(data, x.columns, degrees, scratch) == GF_BAD_ROW:
                bad = start
                break
            scatter(method.draw, data, x.columns, degrees, key, row + <uint64_t> start, 0, y.columns,
                    row_at(&y, start), y.column_stride, scratch)
            start += 1
    free(scratch)
    if bad >= 0:
        refuse(bad)


cdef class RepeatedRow:
    """Row number r of logits, read and ready to be drawn from, by alias or else by race.

    Several threads may draw by alias at once. The race's state is of one thread at a time, and draws do not depend on
    those made before.
    """

    cdef cnp.ndarray logits
    cdef const char *data
    cdef size_t n
    cdef double temperature
    cdef uint64_t key, row
    cdef Py_ssize_t number
    cdef Method method
    cdef void *scratch

    def __cinit__(self, cnp.ndarray logits, cnp.ndarray temperature, uint64_t key, uint64_t row, bint alias,
                  Py_ssize_t r):
        cdef Rows x
        cdef int64_t bad
        cdef Temperatures t = temperatures_of(temperature)
        rows_of(logits, &x)
        self.logits, self.data, self.n, self.number = logits, row_at(&x, r), x.columns, r
        self.temperature, self.key, self.row = t.data[<size_t> r * t.step], key, row + <uint64_t> r
        self.method = method_of(logits, alias)
        self.scratch = malloc(self.method.scratch)
        if self.scratch is NULL:
            raise MemoryError
        with nogil:
            bad = self.method.start(self.data, self.n, self.temperature, self.scratch)
        if bad == GF_BAD_ROW:
            refuse(r)

    def __dealloc__(self):
        free(self.scratch)

    def draw(self, cnp.ndarray out, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t first=0):
        """Write draws start to stop into the row's part of out, whose rows are those of logits and begin with `first`.
        """
        cdef Rows y
        rows_of(out, &y)
        with nogil:
            scatter(self.method.draw, self.data, self.n, self.temperature, self.key, self.row, <uint64_t> start,
                    <uint64_t> stop, row_at(&y, self.number) + (start - first) * y.column_stride, y.column_stride,
                    self.scratch)


# -- many different ones from each row ----------------------------------------------------------------------------


cdef int too_few(Py_ssize_t row, int64_t found, size_t wanted) except -1:
    # ValueError that says why a row did not yield so many.
    if found == GF_BAD_ROW:
        refuse(row)
    raise ValueError(f"logits: row {row} has {found} categories that are not -inf, and {wanted} are wanted")


def gumbel_top_k(cnp.ndarray logits, cnp.ndarray temperature, uint64_t key, uint64_t row, uint64_t column,
                 cnp.ndarray index, cnp.ndarray value, Py_ssize_t start, Py_ssize_t stop):
    """Indices, and float64 values unless None, of the greatest of logits / temperature + noise in falling order.

    `index` and `value` are C-contiguous, as many columns as are wanted from each row.
    """
    cdef Rows x
    cdef gf_rows run
    cdef size_t wanted = <size_t> cnp.PyArray_DIM(index, cnp.PyArray_NDIM(index) - 1)
    cdef int64_t found = 0
    cdef Py_ssize_t bad = -1
    cdef int64_t *indices = <int64_t *> cnp.PyArray_DATA(index)
    cdef double *values = NULL if value is None else <double *> cnp.PyArray_DATA(value)
    cdef const gf_logits_kernels *k = logits_kernels(logits)
    cdef Temperatures t = temperatures_of(temperature)
    cdef void *scratch
    rows_of(logits, &x)
    scratch = malloc(k.top_k_scratch(x.columns, wanted))
    if scratch is NULL:
        raise MemoryError
    with nogil:
        while start < stop and bad < 0:
            run = run_at(&x, start, stop, t)
            bad = k.gumbel_top_k(
                &run, wanted, key, row + <uint64_t> start, column, indices + <size_t> start * wanted,
                NULL if values is NULL else values + <size_t> start * wanted, scratch, &found)
            bad = -1 if bad < 0 else start + bad
            start += <Py_ssize_t> run.count
    free(scratch)
    if bad >= 0:
        too_few(bad, found, wanted)


def distinct_by_race(cnp.ndarray logits, cnp.ndarray temperature, uint64_t key, uint64_t row, cnp.ndarray index,
                     Py_ssize_t start, Py_ssize_t stop):
    """Indices drawn without replacement by the race, as many as the C-contiguous `index` has columns."""
    cdef Rows x
    cdef gf_rows run
    cdef size_t wanted = <size_t> cnp.PyArray_DIM(index, cnp.PyArray_NDIM(index) - 1)
    cdef int64_t found = <int64_t> wanted
    cdef int64_t *indices = <int64_t *> cnp.PyArray_DATA(index)
    cdef const gf_logits_kernels *k = logits_kernels(logits)
    cdef Temperatures t = temperatures_of(temperature)
    cdef double degrees
    cdef void *scratch
    rows_of(logits, &x)
    scratch = malloc(max(k.race_distinct_scratch(x.columns), k.top_k_scratch(x.columns, wanted)))
    if scratch is NULL:
        raise MemoryError
    with nogil:
        while start < stop:
            degrees = t.data[<size_t> start * t.step]
            if degrees > 0:
                found = k.race_distinct(row_at(&x, start), x.columns, wanted, degrees, key, row + <uint64_t> start,
                                        indices + <size_t> start * wanted, scratch)
            else:  # the greatest logits in falling order
                run = run_at(&x, start, start + 1, t)
                found = <int64_t> wanted
                k.gumbel_top_k(&run, wanted, 0, 0, 0, indices + <size_t> start * wanted, NULL, scratch, &found)
            if found != <int64_t> wanted:
                break
            start += 1
    free(scratch)
    if found != <int64_t> wanted:
        too_few(start, found, wanted)


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


# -- from other extensions ----------------------------------------------------------------------------------------
#
# What `cimport gumbel_fast` gives; __init__.pxd describes it.


cdef inline bint is_plain(size_t n, double temperature) noexcept nogil:
    return 0 < n <= GF_MAX_COLUMNS and temperature >= 0


cdef inline size_t scratch_of(const gf_logits_kernels *k, size_t n) noexcept nogil:
    return k.race_scratch(n) if n > GF_SHORT_ROW else 0


cdef int64_t draw_one(const gf_logits_kernels *k, const void *logits, size_t n, double temperature, uint64_t key,
                      uint64_t row, void *scratch) noexcept nogil:
    cdef gf_rows rows
    cdef int64_t index
    if not is_plain(n, temperature) or (scratch is NULL and n > GF_SHORT_ROW):
        return BAD_ARGUMENT
    if n > GF_SHORT_ROW:
        return k.race(logits, n, temperature, key, row, scratch)
    rows = one_row(logits, n, &temperature)
    return BAD_ROW if k.short_rows(&rows, key, row, &index) >= 0 else index


cdef int64_t greatest_one(const gf_logits_kernels *k, const void *logits, size_t n, double temperature, uint64_t key,
                          uint64_t row, uint64_t column, double *value) noexcept nogil:
    cdef gf_rows rows
    cdef int64_t index
    if not is_plain(n, temperature) or column > GF_MAX_COLUMNS - n:
        return BAD_ARGUMENT
    rows = one_row(logits, n, &temperature)
    return BAD_ROW if k.gumbel_max(&rows, key, row, column, &index, value) >= 0 else index


cdef inline gf_rows one_row(const void *logits, size_t n, const double *temperature) noexcept nogil:
    cdef gf_rows rows
    rows.data, rows.stride, rows.count, rows.columns = logits, 0, 1, n
    rows.temperature, rows.temperature_step = temperature, 0
    return rows


cdef inline int fill(const gf_real_kernels *k, void *out, size_t n, uint64_t key, uint64_t row,
                     uint64_t column) noexcept nogil:
    if n > GF_MAX_COLUMNS or column > GF_MAX_COLUMNS - n:
        return BAD_ARGUMENT
    if n:
        k.gumbel(out, 1, n, key, row, column, 0, 1)
    return 0


cdef size_t categorical_scratch_f32(size_t n) noexcept nogil:
    return scratch_of(&kernels.logits_f32, n)


cdef size_t categorical_scratch_f64(size_t n) noexcept nogil:
    return scratch_of(&kernels.logits_f64, n)


cdef int64_t categorical_f32(const float *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                             void *scratch) noexcept nogil:
    return draw_one(&kernels.logits_f32, logits, n, temperature, key, row, scratch)


cdef int64_t categorical_f64(const double *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                             void *scratch) noexcept nogil:
    return draw_one(&kernels.logits_f64, logits, n, temperature, key, row, scratch)


cdef int64_t gumbel_max_f32(const float *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                            uint64_t column, double *value) noexcept nogil:
    return greatest_one(&kernels.logits_f32, logits, n, temperature, key, row, column, value)


cdef int64_t gumbel_max_f64(const double *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                            uint64_t column, double *value) noexcept nogil:
    return greatest_one(&kernels.logits_f64, logits, n, temperature, key, row, column, value)


cdef int gumbel_f32(float *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    return fill(&kernels.f32, out, n, key, row, column)


cdef int gumbel_f64(double *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    return fill(&kernels.f64, out, n, key, row, column)
