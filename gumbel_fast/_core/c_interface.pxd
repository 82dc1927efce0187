# What the extension offers to Cython code elsewhere, which reaches it by `cimport gumbel_fast`: __init__.pxd says what
# each function does. It needs no header of ours.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef enum:
    BAD_ROW = -1
    BAD_ARGUMENT = -2

cdef struct Choice:
    double temperature
    double filter_temperature
    size_t top_k
    double top_p
    double min_p
    const uint8_t *mask
    const uint32_t *mask_words
    size_t word_count

cdef void choice_default(Choice *choice) noexcept nogil
cdef size_t choice_scratch_f32(size_t n, const Choice *choice) noexcept nogil
cdef size_t choice_scratch_f64(size_t n, const Choice *choice) noexcept nogil
cdef int64_t choose_f32(
    const float *logits, size_t n, const Choice *choice, uint64_t key, uint64_t row, float *log_prob,
    void *scratch) noexcept nogil
cdef int64_t choose_f64(
    const double *logits, size_t n, const Choice *choice, uint64_t key, uint64_t row, double *log_prob,
    void *scratch) noexcept nogil
cdef int64_t choose_weights_f32(
    const float *weights, size_t n, const Choice *choice, uint64_t key, uint64_t row, float *log_prob,
    void *scratch) noexcept nogil
cdef int64_t choose_weights_f64(
    const double *weights, size_t n, const Choice *choice, uint64_t key, uint64_t row, double *log_prob,
    void *scratch) noexcept nogil
cdef size_t categorical_scratch_f32(size_t n) noexcept nogil
cdef size_t categorical_scratch_f64(size_t n) noexcept nogil
cdef int64_t categorical_f32(
    const float *logits, size_t n, double temperature, uint64_t key, uint64_t row, void *scratch) noexcept nogil
cdef int64_t categorical_f64(
    const double *logits, size_t n, double temperature, uint64_t key, uint64_t row, void *scratch) noexcept nogil
cdef int64_t categorical_weights_f32(
    const float *weights, size_t n, double temperature, uint64_t key, uint64_t row, void *scratch) noexcept nogil
cdef int64_t categorical_weights_f64(
    const double *weights, size_t n, double temperature, uint64_t key, uint64_t row, void *scratch) noexcept nogil
cdef int64_t gumbel_max_f32(
    const float *logits, size_t n, double temperature, uint64_t key, uint64_t row, uint64_t column,
    double *value) noexcept nogil
cdef int64_t gumbel_max_f64(
    const double *logits, size_t n, double temperature, uint64_t key, uint64_t row, uint64_t column,
    double *value) noexcept nogil
cdef size_t gumbel_top_k_scratch_f32(size_t n, size_t k) noexcept nogil
cdef size_t gumbel_top_k_scratch_f64(size_t n, size_t k) noexcept nogil
cdef int gumbel_top_k_f32(
    const float *logits, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, uint64_t column,
    int64_t *index, double *value, void *scratch) noexcept nogil
cdef int gumbel_top_k_f64(
    const double *logits, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, uint64_t column,
    int64_t *index, double *value, void *scratch) noexcept nogil
cdef int gumbel_top_k_weights_f32(
    const float *weights, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, uint64_t column,
    int64_t *index, double *value, void *scratch) noexcept nogil
cdef int gumbel_top_k_weights_f64(
    const double *weights, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, uint64_t column,
    int64_t *index, double *value, void *scratch) noexcept nogil
cdef int gumbel_f32(float *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil
cdef int gumbel_f64(double *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil
