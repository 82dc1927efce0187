# Arrays as rows: what the kernels walk along, from what NumPy knows of an array. Nothing here looks at an element.
cimport numpy as cnp

from gumbel_fast._kernels cimport gf_rows

cdef enum:
    MAX_DIMS = 64  # NPY_MAXDIMS of NumPy 2

cdef struct Rows:
    # An array as rows along its last axis, the other axes flattened in C order.
    char *data
    Py_ssize_t count
    size_t columns
    Py_ssize_t column_stride
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[MAX_DIMS]

cdef struct Temperatures:
    const double *data
    size_t step


cdef inline void rows_of(cnp.ndarray array, Rows *rows) noexcept:
    # Axes that continue each other are merged, so that most arrays have one row stride.
    cdef int axis, last = cnp.PyArray_NDIM(array) - 1
    cdef Py_ssize_t size, stride
    rows.data = cnp.PyArray_BYTES(array)
    rows.columns = <size_t> cnp.PyArray_DIM(array, last)
    rows.column_stride = cnp.PyArray_STRIDE(array, last)
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


cdef inline Py_ssize_t row_stride(const Rows *rows) noexcept nogil:
    return rows.strides[rows.ndim - 1] if rows.ndim else 0


cdef inline Py_ssize_t run_length(const Rows *rows, Py_ssize_t index, Py_ssize_t stop) noexcept nogil:
    # How many rows from this one on, below stop, lie row_stride apart.
    if rows.ndim == 0:
        return 1
    return min(stop - index, rows.shape[rows.ndim - 1] - index % rows.shape[rows.ndim - 1])


cdef inline gf_rows run_at(const Rows *rows, Py_ssize_t index, Py_ssize_t stop, Temperatures t) noexcept nogil:
    cdef gf_rows run
    run.data = row_at(rows, index)
    run.stride = row_stride(rows)
    run.count = <size_t> run_length(rows, index, stop)
    run.columns = rows.columns
    run.temperature = t.data + <size_t> index * t.step
    run.temperature_step = t.step
    return run


cdef inline Temperatures temperatures_of(cnp.ndarray vector) noexcept:
    cdef Temperatures t
    t.data = <const double *> cnp.PyArray_DATA(vector)
    t.step = cnp.PyArray_SIZE(vector) != 1
    return t
