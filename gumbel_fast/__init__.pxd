# The library from Cython, without the GIL and without Python objects: `cimport gumbel_fast`.
#
# A stream is given by hand as two 64-bit words, key and row. Under the seed (a, b) of a call from Python, row r of its
# batch has key a and row b + r mod 2^64; `numpy.random.SeedSequence(seed).generate_state(2, numpy.uint64)` is the pair
# (a, b) of rng=seed. So the functions here give what the functions of the same name give in Python, bit for bit.
# Successive draws want successive rows: the same key and row give the same draw.
#
# categorical_f32, categorical_f64
#     One index from n contiguous logits, with probability softmax(logits / temperature). scratch holds
#     categorical_scratch_f32(n) (or _f64) bytes, aligned as by malloc, of one thread at a time; its content means
#     nothing before or after, so that one buffer serves rows of any length up to the longest it was sized for. For
#     n <= 128 it is 0 bytes, and scratch may be NULL.
# categorical_weights_f32, categorical_weights_f64, choose_weights_f32, choose_weights_f64, gumbel_top_k_weights_f32,
# gumbel_top_k_weights_f64
#     The functions without _weights in their names, of n unnormalised probabilities in place of logits, as weights= has
#     it in Python: the probability of w is in proportion to w^(1 / temperature). Scratch is that of those functions.
# choose_f32, choose_f64
#     The same with a mask and filters, which a Choice holds: temperature; filter_temperature, of the probabilities that
#     top_p and min_p look at; top_k, top_p and min_p, of which 0, 1 and 0 keep all; and mask, n bytes, not 0 where a
#     category may be drawn, or mask_words, word_count words of which column c is bit c % 32 of word c / 32, or NULL.
#     choice_default sets one that keeps all, at temperature 1. The log-probability of the draw goes to *log_prob unless
#     that is NULL. scratch holds choice_scratch_f32(n, choice) (or _f64) bytes. The bits are those of categorical with
#     the same filters, those that keep all being left out.
# gumbel_max_f32, gumbel_max_f64
#     Index of the greatest of logits / temperature + noise, the noise of columns `column` to column + n - 1 of the row.
#     The greatest value goes to *value unless value is NULL. No scratch.
# gumbel_top_k_f32, gumbel_top_k_f64
#     The k greatest of the same sums in falling order: indices to index, and values to value unless that is NULL.
#     Returns 0; where it returns anything else, what was written means nothing. scratch holds
#     gumbel_top_k_scratch_f32(n, k) (or _f64) bytes.
# gumbel_f32, gumbel_f64
#     Fills out with the standard Gumbel noise of columns `column` to column + n - 1 of the row.
#
# Nothing raises. Samplers return the index; BAD_ROW (-1) for a row with NaN, +inf, a negative weight or fewer
# categories left than are to be drawn; and BAD_ARGUMENT (-2) for no logits, more than 2^34 columns, k above n, a
# temperature or a filter that is negative or NaN, a min_p above 1, or scratch that is NULL where some is needed. The
# noise functions return 0, or BAD_ARGUMENT for more than 2^34 columns and then leave out as it was. Pointers must be
# aligned to their type.
#
# Code that is no Cython reaches the same functions by their addresses, through gumbel_fast/capi.py.
#
# Every function is safe in any number of threads. The module that cimports these imports gumbel_fast when it is itself
# imported, and the SIMD target is the one that gumbel_fast has chosen.
from gumbel_fast._core.c_interface cimport (
    BAD_ARGUMENT,
    BAD_ROW,
    Choice,
    categorical_f32,
    categorical_f64,
    categorical_scratch_f32,
    categorical_scratch_f64,
    categorical_weights_f32,
    categorical_weights_f64,
    choice_default,
    choice_scratch_f32,
    choice_scratch_f64,
    choose_f32,
    choose_f64,
    choose_weights_f32,
    choose_weights_f64,
    gumbel_f32,
    gumbel_f64,
    gumbel_max_f32,
    gumbel_max_f64,
    gumbel_top_k_f32,
    gumbel_top_k_f64,
    gumbel_top_k_scratch_f32,
    gumbel_top_k_scratch_f64,
    gumbel_top_k_weights_f32,
    gumbel_top_k_weights_f64,
)
