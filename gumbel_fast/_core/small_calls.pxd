# What the fast paths of small calls share: the options of a call that are plain numbers. samplers.pyx has the fast path
# of arrays, tensors.pyx that of PyTorch's tensors.
from libc.stdint cimport uint64_t

from gumbel_fast._core.kernels cimport gf_filter, gf_mask, gf_request, gf_vector


cdef enum:
    FAST_MOST = 1 << 22  # elements, some milliseconds: longer calls are in pieces, between which an interrupt is seen
    FAST_MOST_ORDERED = 1 << 17  # and where many are drawn from each row

cdef struct Options:
    # What a call may have beside its temperature, and where that lies.
    double temperature, top_k, top_p, min_p
    gf_filter filter
    gf_mask mask
    uint64_t row
    bint log_prob


cdef inline void no_options(gf_request *c, Options *o) noexcept nogil:
    # For a request that has its temperature.
    cdef gf_vector none
    none.data, none.step = NULL, 0
    o.filter.temperature, o.filter.top_k, o.filter.top_p, o.filter.min_p = c.temperature, none, none, none
    o.row, o.log_prob = 0, False


cdef inline bint take_number(value, double least, double most, double *number, gf_vector *vector) except -1:
    if value is None:
        return True
    if type(value) is not float and type(value) is not int:
        return False
    number[0] = value
    vector.data, vector.step = number, 0
    return least <= number[0] <= most


cdef inline void set_filter(gf_request *c, Options *o) noexcept nogil:
    # Hands the filters of the options on, if there are any.
    if o.filter.top_k.data is not NULL or o.filter.top_p.data is not NULL or o.filter.min_p.data is not NULL:
        c.filter = &o.filter
