# The C core's header, declared for Cython: src/gumbel_fast.h says what each name means. Nothing is defined here.
from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef extern from "gumbel_fast.h" nogil:
    enum:
        GF_STREAM_VERSION
        GF_SHORT_ROW
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

    ctypedef size_t (*gf_scratch_size)(size_t n) noexcept nogil
    ctypedef size_t (*gf_scratch_size_k)(size_t n, size_t k) noexcept nogil

    ctypedef struct gf_rows:
        const void *data
        Py_ssize_t stride
        size_t count
        size_t columns
        const double *temperature
        size_t temperature_step

    ctypedef int64_t (*gf_race_kernel)(
        const void *x, size_t n, double temperature, uint64_t key, uint64_t row, void *scratch) noexcept nogil
    ctypedef int64_t (*gf_repeat_start_kernel)(
        const void *x, size_t n, double temperature, void *scratch) noexcept nogil
    ctypedef void (*gf_repeat_draw_kernel)(
        const void *x, size_t n, double temperature, uint64_t key, uint64_t row, uint64_t first, size_t count,
        int64_t *out, void *scratch) noexcept nogil
    ctypedef int64_t (*gf_race_distinct_kernel)(
        const void *x, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, int64_t *index,
        void *scratch) noexcept nogil
    ctypedef Py_ssize_t (*gf_short_rows_kernel)(
        const gf_rows *x, uint64_t key, uint64_t row, int64_t *index) noexcept nogil
    ctypedef Py_ssize_t (*gf_gumbel_max_kernel)(
        const gf_rows *x, uint64_t key, uint64_t row, uint64_t column, int64_t *index, double *value) noexcept nogil
    ctypedef int64_t (*gf_gumbel_max_given_kernel)(
        const void *x, const void *noise, size_t n, double temperature, double *value) noexcept nogil
    ctypedef Py_ssize_t (*gf_top_k_kernel)(
        const gf_rows *x, size_t k, uint64_t key, uint64_t row, uint64_t column, int64_t *index, double *value,
        void *scratch, int64_t *found) noexcept nogil

    ctypedef void (*gf_gumbel_softmax_kernel)(
        const gf_rows *x, void *out, Py_ssize_t out_stride, int hard, uint64_t key, uint64_t row,
        uint64_t column) noexcept nogil

    ctypedef struct gf_logits_kernels:
        gf_race_kernel race
        gf_scratch_size race_scratch
        gf_short_rows_kernel short_rows
        gf_repeat_start_kernel race_start
        gf_repeat_start_kernel alias_start
        gf_repeat_draw_kernel race_draw
        gf_repeat_draw_kernel alias_draw
        gf_scratch_size alias_scratch
        gf_race_distinct_kernel race_distinct
        gf_scratch_size race_distinct_scratch
        gf_gumbel_max_kernel gumbel_max
        gf_gumbel_max_given_kernel gumbel_max_given
        gf_top_k_kernel gumbel_top_k
        gf_scratch_size_k top_k_scratch
        gf_gumbel_softmax_kernel gumbel_softmax

    ctypedef void (*gf_softmax_kernel)(const void *x, void *out, size_t n, double temperature) noexcept nogil
    ctypedef double (*gf_logsumexp_kernel)(const void *x, size_t n, double temperature) noexcept nogil
    ctypedef void (*gf_softmax_vjp_kernel)(
        const void *y, const void *grad, void *out, size_t n, double temperature) noexcept nogil
    ctypedef void (*gf_gumbel_kernel)(
        void *out, size_t rows, size_t n, uint64_t key, uint64_t row, uint64_t column, double loc,
        double scale) noexcept nogil
    ctypedef void (*gf_gumbel_of_words_kernel)(
        const uint32_t *high, const uint32_t *low, void *out, size_t n) noexcept nogil

    ctypedef struct gf_real_kernels:
        gf_softmax_kernel softmax
        gf_softmax_kernel log_softmax
        gf_logsumexp_kernel logsumexp
        gf_softmax_vjp_kernel softmax_vjp
        gf_gumbel_kernel gumbel
        gf_gumbel_of_words_kernel gumbel_of_words

    ctypedef struct gf_argument:
        const double *data
        size_t step

    ctypedef void (*gf_distribution_kernel)(
        gf_argument x, gf_argument loc, gf_argument scale, double *out, size_t n) noexcept nogil
    ctypedef void (*gf_philox_block)(uint64_t key, const uint32_t *counter, uint32_t *words) noexcept nogil

    ctypedef struct gf_kernels:
        const char *name
        gf_logits_kernels logits_f32
        gf_logits_kernels logits_f64
        gf_logits_kernels logits_f16
        gf_logits_kernels logits_bf16
        gf_real_kernels f32
        gf_real_kernels f64
        gf_distribution_kernel distribution[8]
        gf_philox_block philox_block

    const char gf_compiler[]
    const gf_kernels *const gf_targets[]
    int gf_target_usable(const gf_kernels *target)
