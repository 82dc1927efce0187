"""The typed layer between Python and the C core, in Cython. The modules of gumbel_fast take its names from here.

target       the C core, and the SIMD target in use
request      a request in Cython, and the loop over rows that has a kernel do it; rows.pxd: arrays as rows;
             tiles.pxd: rows copied, where a kernel cannot read or write them in place
samplers     draws from requests, and the fast path of small calls; seeds.pxd: the two words of a call
relaxations  softmax and its relatives, and noise
distribution the functions of gumbel_r
pool         threads that share the pieces of a call
tensors      the fast path of small calls on PyTorch's tensors; small_calls.pxd: what it shares with that of arrays
c_interface  what `cimport gumbel_fast` gives
kernels.pxd  the C core's headers, declared
"""

try:
    from .distribution import CDF, ISF, LOGCDF, LOGPDF, LOGSF, PDF, PPF, SF, distribution, distribution_scalar
except ModuleNotFoundError as _error:
    raise ImportError(
        "gumbel_fast was found in its source folder, where it is not compiled: run Python in another folder, or there "
        "`pip install -e .`"
    ) from _error
from .pool import share
from .relaxations import (
    GUMBEL_SOFTMAX,
    HARD,
    LOG,
    LOG_PROB,
    LOG_PROB_VJP,
    LOG_SOFTMAX,
    LOGSUMEXP,
    SOFT,
    SOFTMAX,
    SOFTMAX_VJP,
    TRUNCATE,
    gumbel,
    noise_from_words,
    relax,
)
from .request import Request, read_offsets, refuse
from .samplers import (
    ALIAS,
    CATEGORICAL,
    CHECK,
    DISTINCT_TOP_K,
    FILTERED,
    GUMBEL_MAX,
    GUMBEL_MAX_GIVEN,
    GUMBEL_TOP_K,
    REJECTION,
    REJECTION_DISTINCT,
    RepeatedRow,
    Streams,
    draw,
    draw_seed,
    fast_categorical,
    fast_gumbel_max,
    fast_gumbel_top_k,
    try_draw,
)
from .target import (
    BOUNDS,
    LONGEST_ROW,
    MAX_COLUMNS,
    SHORT_ROW,
    STREAM_VERSION,
    choose_fma,
    compiled_targets,
    compiler,
    fma_of_scalar,
    own_fma,
    own_fmaf,
    philox4x32,
    simd_target,
    usable_targets,
    use_target,
)

__all__ = [
    "ALIAS",
    "BOUNDS",
    "CATEGORICAL",
    "CDF",
    "CHECK",
    "DISTINCT_TOP_K",
    "FILTERED",
    "GUMBEL_MAX",
    "GUMBEL_MAX_GIVEN",
    "GUMBEL_SOFTMAX",
    "GUMBEL_TOP_K",
    "HARD",
    "ISF",
    "LOG",
    "LOGCDF",
    "LOGPDF",
    "LOGSF",
    "LOGSUMEXP",
    "LOG_PROB",
    "LOG_PROB_VJP",
    "LOG_SOFTMAX",
    "LONGEST_ROW",
    "MAX_COLUMNS",
    "PDF",
    "PPF",
    "REJECTION",
    "REJECTION_DISTINCT",
    "SF",
    "SHORT_ROW",
    "SOFT",
    "SOFTMAX",
    "SOFTMAX_VJP",
    "STREAM_VERSION",
    "TRUNCATE",
    "RepeatedRow",
    "Request",
    "Streams",
    "choose_fma",
    "compiled_targets",
    "compiler",
    "distribution",
    "distribution_scalar",
    "draw",
    "draw_seed",
    "fast_categorical",
    "fast_gumbel_max",
    "fast_gumbel_top_k",
    "fma_of_scalar",
    "gumbel",
    "noise_from_words",
    "own_fma",
    "own_fmaf",
    "philox4x32",
    "read_offsets",
    "refuse",
    "relax",
    "share",
    "simd_target",
    "try_draw",
    "usable_targets",
    "use_target",
]
