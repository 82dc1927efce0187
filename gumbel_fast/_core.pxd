# The C core's header, declared for Cython: src/gumbel_fast.h says what each name means. Nothing is defined here.
from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef extern from "gumbel_fast.h" nogil:
    enum:
        GF_STREAM_VERSION
        GF_BAD_ROW
        GF_LOGPDF
        GF_DISTRIBUTION_FUNCTIONS
    size_t GF_MAX_COLUMNS
    double GF_NOISE_F32_ULP
    double GF_NOISE_F32_ABS
    double GF_NOISE_F64_ULP
    double GF_NOISE_F64_ABS
    double GF_SOFTMAX_F32_REL
    double GF_SOFTMAX_F64_REL
    double GF_DISTRIBUTION_ULP

    ctypedef struct gf_argument:
        const double *data
        size_t step

    ctypedef int64_t (*gf_categorical_kernel)(
        const void *x, size_t n, double rate, uint64_t key, uint64_t row, void *scratch) noexcept nogil
    ctypedef size_t (*gf_scratch_size)(size_t n) noexcept nogil
    ctypedef int64_t (*gf_argmax_kernel)(const void *x, size_t n) noexcept nogil
    ctypedef void (*gf_softmax_kernel)(const void *x, void *out, size_t n, double rate) noexcept nogil
    ctypedef double (*gf_logsumexp_kernel)(const void *x, size_t n, double rate) noexcept nogil
    ctypedef void (*gf_gumbel_kernel)(
        void *out, size_t n, uint64_t key, uint64_t row, uint64_t column, double loc, double scale) noexcept nogil
    ctypedef void (*gf_gumbel_of_words_kernel)(
        const uint32_t *high, const uint32_t *low, void *out, size_t n) noexcept nogil
    ctypedef void (*gf_distribution_kernel)(
        gf_argument x, gf_argument loc, gf_argument scale, double *out, size_t n) noexcept nogil
    ctypedef void (*gf_philox_block)(uint64_t key, const uint32_t *counter, uint32_t *words) noexcept nogil

    ctypedef struct gf_real_kernels:
        gf_categorical_kernel categorical
        gf_scratch_size categorical_scratch
        gf_argmax_kernel argmax
        gf_softmax_kernel softmax
        gf_softmax_kernel log_softmax
        gf_logsumexp_kernel logsumexp
        gf_gumbel_kernel gumbel
        gf_gumbel_of_words_kernel gumbel_of_words

    ctypedef struct gf_kernels:
        const char *name
        gf_real_kernels f32
        gf_real_kernels f64
        gf_distribution_kernel distribution[8]
        gf_philox_block philox_block

    const char gf_compiler[]
    const gf_kernels *const gf_targets[]
    int gf_target_usable(const gf_kernels *target)
