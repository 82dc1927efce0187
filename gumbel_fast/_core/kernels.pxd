# The C core's headers, declared for Cython: gumbel_fast.h, request.h, environment.h, fused.h in src/ say what each name
# means. Nothing is defined here. tests/test_kernels.py holds the names and fields to those of the headers.
from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef extern from "environment.h" nogil:
    uint64_t gf_enter()
    void gf_leave(uint64_t found)


cdef extern from "fused.h" nogil:
    ctypedef enum gf_fma_kind:
        GF_FMA_INSTRUCTION
        GF_FMA_LIBRARY
        GF_FMA_OWN

    gf_fma_kind gf_choose_fma(int own)
    double gf_own_fma(double x, double y, double z)
    float gf_own_fmaf(float x, float y, float z)


cdef extern from "request.h" nogil:
    enum:
        GF_NOT_FINITE
        GF_CHANGED

    ctypedef enum gf_mask_kind:
        GF_MASK_BYTES
        GF_MASK_WORDS

    ctypedef enum gf_form:
        GF_SOFT
        GF_HARD
        GF_LOG

    ctypedef struct gf_vector:
        const double *data
        size_t step

    ctypedef struct gf_rows:
        const void *data
        Py_ssize_t stride

    ctypedef struct gf_mask:
        gf_mask_kind kind
        gf_rows rows
        size_t words

    ctypedef struct gf_filter:
        gf_vector temperature
        gf_vector top_k
        gf_vector top_p
        gf_vector min_p

    ctypedef struct gf_stream:
        uint64_t key
        uint64_t row
        uint64_t column

    ctypedef struct gf_draws:
        int64_t *index
        Py_ssize_t stride
        Py_ssize_t step
        size_t first
        size_t count
        double *value

    ctypedef struct gf_request:
        size_t first
        size_t columns
        const int64_t *offsets
        gf_rows x
        gf_rows other
        gf_vector temperature
        const gf_mask *mask
        const gf_filter *filter
        gf_stream stream
        gf_draws draws
        gf_vector floor
        int allow_fewer
        void *out
        Py_ssize_t out_stride
        void *entropy
        gf_form form
        void *one_hot

    size_t gf_columns(const gf_request *request, size_t row)

    ctypedef struct gf_status:
        Py_ssize_t row
        int64_t found

    ctypedef gf_status (*gf_run)(
        const gf_request *request, size_t start, size_t stop, void *scratch) noexcept nogil
    ctypedef size_t (*gf_scratch_size)(const gf_request *request) noexcept nogil

    ctypedef struct gf_kernel:
        gf_run run
        gf_scratch_size scratch

cdef extern from "gumbel_fast.h" nogil:
    enum:
        GF_STREAM_VERSION
        GF_SHORT_ROW
    uint64_t GF_MAX_COLUMNS
    size_t GF_LONGEST_ROW
    double GF_NOISE_F32_ULP
    double GF_NOISE_F32_ABS
    double GF_NOISE_F64_ULP
    double GF_NOISE_F64_ABS
    double GF_SOFTMAX_F32_REL
    double GF_SOFTMAX_F64_REL
    double GF_DISTRIBUTION_ULP

    enum:
        GF_PDF
        GF_LOGPDF
        GF_CDF
        GF_LOGCDF
        GF_SF
        GF_LOGSF
        GF_PPF
        GF_ISF
        GF_DISTRIBUTION_FUNCTIONS

    enum:
        GF_F32
        GF_F64
        GF_F16
        GF_BF16
        GF_W32
        GF_W64
        GF_DTYPES

    enum:
        GF_CHECK
        GF_CATEGORICAL
        GF_REJECTION
        GF_REJECTION_START
        GF_REJECTION_DRAW
        GF_ALIAS
        GF_ALIAS_START
        GF_ALIAS_DRAW
        GF_REJECTION_DISTINCT
        GF_GUMBEL_MAX
        GF_GUMBEL_MAX_GIVEN
        GF_GUMBEL_TOP_K
        GF_DISTINCT_TOP_K
        GF_GUMBEL_SOFTMAX
        GF_FILTERED
        GF_TRUNCATE
        GF_SOFTMAX
        GF_LOG_SOFTMAX
        GF_LOGSUMEXP
        GF_LOG_PROB
        GF_LOG_PROB_VJP
        GF_LOGITS_KERNELS

    ctypedef void (*gf_gumbel_kernel)(
        void *out, size_t rows, size_t n, gf_stream stream, double loc, double scale) noexcept nogil
    ctypedef void (*gf_gumbel_of_words_kernel)(
        const uint32_t *high, const uint32_t *low, void *out, size_t n) noexcept nogil
    ctypedef void (*gf_distribution_kernel)(
        gf_vector x, gf_vector loc, gf_vector scale, double *out, size_t n) noexcept nogil
    ctypedef void (*gf_philox_block)(uint64_t key, const uint32_t *counter, uint32_t *words) noexcept nogil

    ctypedef struct gf_kernels:
        const char *name
        const gf_kernel *logits[6]
        gf_kernel softmax_vjp[2]
        gf_gumbel_kernel gumbel[2]
        gf_gumbel_of_words_kernel gumbel_of_words[2]
        gf_distribution_kernel distribution[8]
        gf_philox_block philox_block

    const char gf_compiler[]
    const gf_kernels *const gf_targets[]
    int gf_target_usable(const gf_kernels *target)
