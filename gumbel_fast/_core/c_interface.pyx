# What `cimport gumbel_fast` gives to other extensions; gumbel_fast/__init__.pxd says what each function does. They
# check their arguments themselves: no Python stands before them.
"""The C interface: functions for other extensions, which reach them by `cimport gumbel_fast`."""

from libc.stdint cimport int64_t, uint64_t

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.request cimport one_draw_each, run_kernel
from gumbel_fast._core.target cimport kernels


cdef inline bint is_sound(size_t n, double temperature) noexcept nogil:
    return 0 < n <= GF_MAX_COLUMNS and temperature >= 0


cdef inline const gf_kernel *categorical_kernel(int dtype, size_t n) noexcept nogil:
    return &kernels.logits[dtype][GF_REJECTION if n > GF_SHORT_ROW else GF_INVERSE_CDF]


cdef inline size_t scratch_of(const gf_kernel *kernel, size_t n) noexcept nogil:
    cdef gf_request c
    if kernel.scratch is NULL:
        return 0
    one_draw_each(&c)
    c.columns = n
    return kernel.scratch(&c)


cdef int64_t draw_one(const gf_kernel *kernel, const void *logits, size_t n, double temperature, uint64_t key,
                      uint64_t row, uint64_t column, double *value, void *scratch) noexcept nogil:
    cdef gf_request c
    cdef int64_t index
    if not is_sound(n, temperature) or column > GF_MAX_COLUMNS - n:
        return BAD_ARGUMENT
    if scratch is NULL and scratch_of(kernel, n):
        return BAD_ARGUMENT
    one_draw_each(&c)
    c.columns, c.x.data, c.temperature.data = n, logits, &temperature
    c.stream.key, c.stream.row, c.stream.column = key, row, column
    c.draws.index, c.draws.value = &index, value
    return BAD_ROW if run_kernel(kernel, &c, 0, 1, scratch).row >= 0 else index


cdef inline int fill(int dtype, void *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    cdef gf_stream stream
    cdef uint64_t found
    if n > GF_MAX_COLUMNS or column > GF_MAX_COLUMNS - n:
        return BAD_ARGUMENT
    stream.key, stream.row, stream.column = key, row, column
    if n:
        found = gf_enter()
        kernels.gumbel[dtype](out, 1, n, stream, 0, 1)
        gf_leave(found)
    return 0


cdef size_t categorical_scratch_f32(size_t n) noexcept nogil:
    return scratch_of(categorical_kernel(GF_F32, n), n)


cdef size_t categorical_scratch_f64(size_t n) noexcept nogil:
    return scratch_of(categorical_kernel(GF_F64, n), n)


cdef int64_t categorical_f32(const float *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                             void *scratch) noexcept nogil:
    return draw_one(categorical_kernel(GF_F32, n), logits, n, temperature, key, row, 0, NULL, scratch)


cdef int64_t categorical_f64(const double *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                             void *scratch) noexcept nogil:
    return draw_one(categorical_kernel(GF_F64, n), logits, n, temperature, key, row, 0, NULL, scratch)


cdef int64_t gumbel_max_f32(const float *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                            uint64_t column, double *value) noexcept nogil:
    return draw_one(&kernels.logits[GF_F32][GF_GUMBEL_MAX], logits, n, temperature, key, row, column, value, NULL)


cdef int64_t gumbel_max_f64(const double *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                            uint64_t column, double *value) noexcept nogil:
    return draw_one(&kernels.logits[GF_F64][GF_GUMBEL_MAX], logits, n, temperature, key, row, column, value, NULL)


cdef int gumbel_f32(float *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    return fill(GF_F32, out, n, key, row, column)


cdef int gumbel_f64(double *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    return fill(GF_F64, out, n, key, row, column)
