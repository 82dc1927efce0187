# Arrays as rows: what the kernels walk along, from what NumPy knows of an array. Nothing here looks at an element.
cimport numpy as cnp

from gumbel_fast._core.kernels cimport GF_BF16, GF_DTYPES, GF_F16, GF_F32, GF_F64, GF_W32, GF_W64

cdef enum:
    MAX_DIMS = 64  # NPY_MAXDIMS of NumPy 2

cdef struct Rows:
    # An array as rows along its last axis, the other axes flattened in C order. data is NULL where there is no array.
    char *data
    Py_ssize_t first  # the number of the row at data: not 0 where a tile stands in for the array
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[MAX_DIMS]


cdef inline int dtype_of_type(int type_number) noexcept:
    # The kernels' number of a dtype; bfloat16 comes in the guise of uint16. GF_DTYPES for what they do not read.
    if type_number == cnp.NPY_FLOAT32:
        return GF_F32
    if type_number == cnp.NPY_FLOAT64:
        return GF_F64
    if type_number == cnp.NPY_FLOAT16:
        return GF_F16
    return GF_BF16 if type_number == cnp.NPY_UINT16 else GF_DTYPES


cdef inline int of_weights(int dtype) noexcept:
    # The kernels' number of weights, not logits, of a dtype; GF_DTYPES for what they do not read.
    if dtype == GF_F32:
        return GF_W32
    return GF_W64 if dtype == GF_F64 else GF_DTYPES


cdef inline int compute_type_of(int dtype) noexcept:
    # NumPy's number of the type that a dtype of the kernels is computed in.
    return cnp.NPY_FLOAT64 if dtype == GF_F64 or dtype == GF_W64 else cnp.NPY_FLOAT32


cdef inline int dtype_of(cnp.ndarray array) noexcept:
    return dtype_of_type(cnp.PyArray_TYPE(array))


cdef inline void rows_of(cnp.ndarray array, int batch_ndim, Rows *rows) noexcept:
    # Axes that continue each other are merged, so that most arrays have one row stride.
    cdef int axis
    cdef Py_ssize_t size, stride
    rows.data = cnp.PyArray_BYTES(array)
    rows.first = rows.ndim = 0
    for axis in range(batch_ndim):
        size, stride = cnp.PyArray_DIM(array, axis), cnp.PyArray_STRIDE(array, axis)
        if rows.ndim and rows.strides[rows.ndim - 1] == size * stride:
            rows.shape[rows.ndim - 1] *= size
            rows.strides[rows.ndim - 1] = stride
        elif size != 1:
            rows.shape[rows.ndim] = size
            rows.strides[rows.ndim] = stride
            rows.ndim += 1


cdef inline void no_rows(Rows *rows) noexcept nogil:
    rows.data, rows.first, rows.ndim = NULL, 0, 0


cdef inline char *row_at(const Rows *rows, Py_ssize_t index) noexcept nogil:
    cdef char *data = rows.data
    cdef int axis
    index -= rows.first
    for axis in range(rows.ndim - 1, 0, -1):
        data += index % rows.shape[axis] * rows.strides[axis]
        index //= rows.shape[axis]
    if rows.ndim:
        data += index * rows.strides[0]
    return data


cdef inline Py_ssize_t row_stride(const Rows *rows) noexcept nogil:
    return rows.strides[rows.ndim - 1] if rows.ndim else 0


cdef inline Py_ssize_t run_end(const Rows *rows, Py_ssize_t index, Py_ssize_t stop) noexcept nogil:
    # The first row after this one, below stop, that does not lie row_stride after the one before it.
    if rows.ndim < 2:
        return stop
    return min(stop, index + rows.shape[rows.ndim - 1] - (index - rows.first) % rows.shape[rows.ndim - 1])
