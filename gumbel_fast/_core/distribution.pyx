# The functions of the Gumbel distribution on float64 vectors and on single numbers.
"""The functions of the Gumbel distribution on vectors and numbers."""

cimport numpy as cnp
from libc.math cimport log
from libc.stdint cimport uint64_t

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.target cimport kernels

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)

cnp.import_array()

PDF, LOGPDF, CDF, LOGCDF, SF, LOGSF, PPF, ISF = range(GF_DISTRIBUTION_FUNCTIONS)


cdef inline gf_vector vector(const double *data, bint one) noexcept:
    cdef gf_vector v
    v.data, v.step = data, not one
    return v


cdef inline gf_vector vector_of(cnp.ndarray array) noexcept:
    return vector(<const double *> cnp.PyArray_DATA(array), cnp.PyArray_SIZE(array) == 1)


def distribution(int function, cnp.ndarray x, cnp.ndarray loc, cnp.ndarray scale, cnp.ndarray out):
    """Apply function number `function` to float64 vectors; x, loc and scale have one entry or as many as out."""
    cdef gf_vector a = vector_of(x), b = vector_of(loc), c = vector_of(scale)
    cdef size_t n = <size_t> cnp.PyArray_SIZE(out)
    cdef double *y = <double *> cnp.PyArray_DATA(out)
    cdef gf_distribution_kernel kernel = kernels.distribution[function]
    cdef uint64_t found
    if n:
        with nogil:
            found = gf_enter()
            kernel(a, b, c, y, n)
            gf_leave(found)


def distribution_scalar(int function, x, loc, scale):
    """The fast path for three plain numbers, None for anything else: this function looks for itself."""
    cdef double y, x_, loc_, scale_
    cdef uint64_t found
    if not (isinstance(x, (float, int)) and isinstance(loc, (float, int)) and isinstance(scale, (float, int))):
        return None
    x_, loc_, scale_ = x, loc, scale
    if not scale_ > 0:
        return None
    found = gf_enter()
    kernels.distribution[function](vector(&x_, True), vector(&loc_, True), vector(&scale_, True), &y, 1)
    gf_leave(found)
    if function == GF_LOGPDF and scale_ != 1:
        y -= log(scale_)
    return PyArray_Scalar(&y, cnp.PyArray_DescrFromType(cnp.NPY_FLOAT64), None)
