"""Exact sampling from logits on the CPU, and the Gumbel noise, distribution and relaxations around it.

Every public name is here; the modules behind them begin with an underscore:

_sampling, _truncate, _log_prob, _gumbel_max, _gumbel_softmax, _softmax, _noise, _distribution, _annealing, _runtime,
torch       what a user calls: signatures and docstrings
_arguments  what each argument may be;  _request: what they become together, and the way to the kernels
_methods    which method draws, and what everything costs;  _results: how results are delivered
_rng        the seed of a call;  _threads: its pieces, which the threads of _core share;  _shards: one row in pieces
_selection  the k greatest of what is found in pieces, and merge_top_k;  _errors: errors that name a row
_core       the typed layer in Cython, around the C core;  __init__.pxd: its face to other Cython code, and
            capi to Numba, ctypes and cffi
_files      readers of .npy and Parquet files that are larger than memory
_cli        the command line, `python -m gumbel_fast`: a tour, and draws from files
"""

from ._annealing import annealed_temperature
from ._core import STREAM_VERSION
from ._distribution import gumbel_r
from ._gumbel_max import gumbel_max, gumbel_top_k
from ._gumbel_softmax import gumbel_softmax
from ._log_prob import entropy, log_prob
from ._noise import gumbel
from ._rng import RowStreams
from ._runtime import show_runtime
from ._sampling import categorical
from ._selection import merge_top_k
from ._softmax import log_softmax, logsumexp, softmax, softmax_vjp
from ._truncate import truncate

__version__ = "0.2.0.dev0"

__all__ = [
    "STREAM_VERSION",
    "RowStreams",
    "annealed_temperature",
    "categorical",
    "entropy",
    "gumbel",
    "gumbel_max",
    "gumbel_r",
    "gumbel_softmax",
    "gumbel_top_k",
    "log_prob",
    "log_softmax",
    "logsumexp",
    "merge_top_k",
    "show_runtime",
    "softmax",
    "softmax_vjp",
    "truncate",
]
