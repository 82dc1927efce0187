# What `cimport gumbel_fast` gives to other extensions; gumbel_fast/__init__.pxd says what each function does. They
# check their arguments themselves: no Python stands before them.
"""The C interface: functions for other extensions, which reach them by `cimport gumbel_fast`."""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint64_t

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.request cimport one_draw_each, run_kernel
from gumbel_fast._core.target cimport kernels


cdef inline bint is_sound(size_t n, double temperature) noexcept nogil:
    return 0 < n <= GF_LONGEST_ROW and temperature >= 0


cdef inline size_t scratch_of(const gf_kernel *kernel, size_t n, size_t k) noexcept nogil:
    # Of k draws from a row.
    cdef gf_request c
    if kernel.scratch is NULL:
        return 0
    one_draw_each(&c)
    c.columns, c.draws.count = n, k
    return kernel.scratch(&c)


cdef size_t scratch_of_either(int logits, int weights, int number, size_t n, size_t k) noexcept nogil:
    # One size for both dtypes.
    return max(scratch_of(&kernels.logits[logits][number], n, k), scratch_of(&kernels.logits[weights][number], n, k))


cdef inline bint is_number(double x, double most) noexcept nogil:
    return 0 <= x <= most


cdef inline bint is_filtered(const Choice *choice) noexcept nogil:
    return choice.top_k > 0 or choice.top_p < 1 or choice.min_p > 0


cdef struct Asked:
    # What a choice comes to, and where that lies.
    double filter_temperature, top_k
    gf_filter filter
    gf_mask mask


cdef inline void ask(gf_request *c, Asked *asked, const Choice *choice) noexcept nogil:
    c.temperature.data = &choice.temperature
    if is_filtered(choice):
        asked.filter_temperature, asked.top_k = choice.filter_temperature, <double> choice.top_k
        asked.filter.temperature.data, asked.filter.temperature.step = &asked.filter_temperature, 0
        asked.filter.top_k.data, asked.filter.top_k.step = &asked.top_k, 0
        asked.filter.top_p.data, asked.filter.top_p.step = &choice.top_p, 0
        asked.filter.min_p.data, asked.filter.min_p.step = &choice.min_p, 0
        c.filter = &asked.filter
    if choice.mask is not NULL or choice.mask_words is not NULL:
        asked.mask.kind = GF_MASK_BYTES if choice.mask_words is NULL else GF_MASK_WORDS
        asked.mask.rows.data = choice.mask
        if choice.mask_words is not NULL:
            asked.mask.rows.data = choice.mask_words
        asked.mask.rows.stride, asked.mask.words = 0, min(choice.word_count, GF_LONGEST_ROW // 32)
        c.mask = &asked.mask


cdef inline const gf_kernel *choice_kernel(int dtype, const Choice *choice) noexcept nogil:
    return &kernels.logits[dtype][GF_FILTERED if is_filtered(choice) else GF_CATEGORICAL]


cdef size_t choice_scratch(int dtype, size_t n, const Choice *choice) noexcept nogil:
    # The draw's, and that of its log-probability, which come one after the other.
    cdef gf_request c
    cdef Asked asked
    cdef const gf_kernel *kernel = choice_kernel(dtype, choice)
    cdef size_t size = 0
    one_draw_each(&c)
    c.columns = n
    ask(&c, &asked, choice)
    if kernel.scratch is not NULL:
        size = kernel.scratch(&c)
    return max(size, kernels.logits[dtype][GF_LOG_PROB].scratch(&c))


cdef int64_t choose(int dtype, const void *x, size_t n, const Choice *choice, uint64_t key, uint64_t row,
                    void *log_prob, void *scratch) noexcept nogil:
    cdef gf_request c
    cdef Asked asked
    cdef int64_t index
    if not is_sound(n, choice.temperature) or not is_number(choice.top_p, INFINITY) or not is_number(choice.min_p, 1):
        return BAD_ARGUMENT
    if not is_number(choice.filter_temperature, INFINITY) or (scratch is NULL and choice_scratch(dtype, n, choice)):
        return BAD_ARGUMENT
    one_draw_each(&c)
    ask(&c, &asked, choice)
    c.columns, c.x.data = n, x
    c.stream.key, c.stream.row = key, row
    c.draws.index = &index
    if run_kernel(choice_kernel(dtype, choice), &c, 0, 1, scratch).row >= 0:
        return BAD_ROW
    if log_prob is not NULL:
        c.out = log_prob
        run_kernel(&kernels.logits[dtype][GF_LOG_PROB], &c, 0, 1, scratch)
    return index


cdef inline int draw(const gf_kernel *kernel, const void *x, size_t n, size_t k, double temperature, uint64_t key,
                     uint64_t row, uint64_t column, int64_t *index, double *value, void *scratch) noexcept nogil:
    cdef gf_request c
    if not is_sound(n, temperature) or column > GF_MAX_COLUMNS - n or k > n:
        return BAD_ARGUMENT
    if k == 0:
        return 0
    if scratch is NULL and scratch_of(kernel, n, k):
        return BAD_ARGUMENT
    one_draw_each(&c)
    c.columns, c.x.data, c.temperature.data = n, x, &temperature
    c.stream.key, c.stream.row, c.stream.column = key, row, column
    c.draws.index, c.draws.value, c.draws.count = index, value, k
    return BAD_ROW if run_kernel(kernel, &c, 0, 1, scratch).row >= 0 else 0


cdef inline int64_t draw_one(const gf_kernel *kernel, const void *x, size_t n, double temperature, uint64_t key,
                             uint64_t row, uint64_t column, double *value, void *scratch) noexcept nogil:
    cdef int64_t index
    cdef int status = draw(kernel, x, n, 1, temperature, key, row, column, &index, value, scratch)
    return status if status else index


cdef inline int fill(int dtype, void *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    cdef gf_stream stream
    cdef uint64_t found
    if n > GF_LONGEST_ROW or column > GF_MAX_COLUMNS - n:
        return BAD_ARGUMENT
    stream.key, stream.row, stream.column = key, row, column
    if n:
        found = gf_enter()
        kernels.gumbel[dtype](out, 1, n, stream, 0, 1)
        gf_leave(found)
    return 0


cdef size_t categorical_scratch_f32(size_t n) noexcept nogil:
    return scratch_of_either(GF_F32, GF_W32, GF_CATEGORICAL, n, 1)


cdef size_t categorical_scratch_f64(size_t n) noexcept nogil:
    return scratch_of_either(GF_F64, GF_W64, GF_CATEGORICAL, n, 1)


cdef int64_t categorical_f32(const float *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                             void *scratch) noexcept nogil:
    return draw_one(&kernels.logits[GF_F32][GF_CATEGORICAL], logits, n, temperature, key, row, 0, NULL, scratch)


cdef int64_t categorical_f64(const double *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                             void *scratch) noexcept nogil:
    return draw_one(&kernels.logits[GF_F64][GF_CATEGORICAL], logits, n, temperature, key, row, 0, NULL, scratch)


cdef int64_t categorical_weights_f32(const float *weights, size_t n, double temperature, uint64_t key, uint64_t row,
                                     void *scratch) noexcept nogil:
    return draw_one(&kernels.logits[GF_W32][GF_CATEGORICAL], weights, n, temperature, key, row, 0, NULL, scratch)


cdef int64_t categorical_weights_f64(const double *weights, size_t n, double temperature, uint64_t key, uint64_t row,
                                     void *scratch) noexcept nogil:
    return draw_one(&kernels.logits[GF_W64][GF_CATEGORICAL], weights, n, temperature, key, row, 0, NULL, scratch)


cdef void choice_default(Choice *choice) noexcept nogil:
    choice.temperature = choice.filter_temperature = choice.top_p = 1
    choice.top_k, choice.min_p = 0, 0
    choice.mask, choice.mask_words, choice.word_count = NULL, NULL, 0


cdef size_t choice_scratch_f32(size_t n, const Choice *choice) noexcept nogil:
    return max(choice_scratch(GF_F32, n, choice), choice_scratch(GF_W32, n, choice))


cdef size_t choice_scratch_f64(size_t n, const Choice *choice) noexcept nogil:
    return max(choice_scratch(GF_F64, n, choice), choice_scratch(GF_W64, n, choice))


cdef int64_t choose_f32(const float *logits, size_t n, const Choice *choice, uint64_t key, uint64_t row,
                        float *log_prob, void *scratch) noexcept nogil:
    return choose(GF_F32, logits, n, choice, key, row, log_prob, scratch)


cdef int64_t choose_f64(const double *logits, size_t n, const Choice *choice, uint64_t key, uint64_t row,
                        double *log_prob, void *scratch) noexcept nogil:
    return choose(GF_F64, logits, n, choice, key, row, log_prob, scratch)


cdef int64_t choose_weights_f32(const float *weights, size_t n, const Choice *choice, uint64_t key, uint64_t row,
                                float *log_prob, void *scratch) noexcept nogil:
    return choose(GF_W32, weights, n, choice, key, row, log_prob, scratch)


cdef int64_t choose_weights_f64(const double *weights, size_t n, const Choice *choice, uint64_t key, uint64_t row,
                                double *log_prob, void *scratch) noexcept nogil:
    return choose(GF_W64, weights, n, choice, key, row, log_prob, scratch)


cdef int64_t gumbel_max_f32(const float *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                            uint64_t column, double *value) noexcept nogil:
    return draw_one(&kernels.logits[GF_F32][GF_GUMBEL_MAX], logits, n, temperature, key, row, column, value, NULL)


cdef int64_t gumbel_max_f64(const double *logits, size_t n, double temperature, uint64_t key, uint64_t row,
                            uint64_t column, double *value) noexcept nogil:
    return draw_one(&kernels.logits[GF_F64][GF_GUMBEL_MAX], logits, n, temperature, key, row, column, value, NULL)


cdef size_t gumbel_top_k_scratch_f32(size_t n, size_t k) noexcept nogil:
    return scratch_of_either(GF_F32, GF_W32, GF_GUMBEL_TOP_K, n, k)


cdef size_t gumbel_top_k_scratch_f64(size_t n, size_t k) noexcept nogil:
    return scratch_of_either(GF_F64, GF_W64, GF_GUMBEL_TOP_K, n, k)


cdef int gumbel_top_k_f32(const float *logits, size_t n, size_t k, double temperature, uint64_t key, uint64_t row,
                          uint64_t column, int64_t *index, double *value, void *scratch) noexcept nogil:
    return draw(&kernels.logits[GF_F32][GF_GUMBEL_TOP_K], logits, n, k, temperature, key, row, column, index, value,
                scratch)


cdef int gumbel_top_k_f64(const double *logits, size_t n, size_t k, double temperature, uint64_t key, uint64_t row,
                          uint64_t column, int64_t *index, double *value, void *scratch) noexcept nogil:
    return draw(&kernels.logits[GF_F64][GF_GUMBEL_TOP_K], logits, n, k, temperature, key, row, column, index, value,
                scratch)


cdef int gumbel_top_k_weights_f32(const float *weights, size_t n, size_t k, double temperature, uint64_t key,
                                  uint64_t row, uint64_t column, int64_t *index, double *value,
                                  void *scratch) noexcept nogil:
    return draw(&kernels.logits[GF_W32][GF_GUMBEL_TOP_K], weights, n, k, temperature, key, row, column, index, value,
                scratch)


cdef int gumbel_top_k_weights_f64(const double *weights, size_t n, size_t k, double temperature, uint64_t key,
                                  uint64_t row, uint64_t column, int64_t *index, double *value,
                                  void *scratch) noexcept nogil:
    return draw(&kernels.logits[GF_W64][GF_GUMBEL_TOP_K], weights, n, k, temperature, key, row, column, index, value,
                scratch)


cdef int gumbel_f32(float *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    return fill(GF_F32, out, n, key, row, column)


cdef int gumbel_f64(double *out, size_t n, uint64_t key, uint64_t row, uint64_t column) noexcept nogil:
    return fill(GF_F64, out, n, key, row, column)
