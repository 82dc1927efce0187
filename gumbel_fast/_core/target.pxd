from gumbel_fast._core.kernels cimport gf_kernels

cdef const gf_kernels *kernels
