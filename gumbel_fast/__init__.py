"""Exact sampling from logits on the CPU, and the Gumbel noise, distribution and relaxations around it.

Every public name is here; the modules behind them begin with an underscore:

_noise, _sampling, _gumbel_max, _gumbel_softmax, _annealing, _softmax, _distribution, _runtime, torch
                        what a user calls: arguments, docstrings
_arrays, _rng, _threads what arguments become, the seed of a call, its pieces and who does them
_core                   typed loops over rows (Cython) around the C core; __init__.pxd is its face to other Cython code
_cli                    the command line, `python -m gumbel_fast`: a tour, and draws from a file
"""

from ._annealing import annealed_temperature
from ._core import STREAM_VERSION
from ._distribution import gumbel_r
from ._gumbel_max import gumbel_max, gumbel_top_k
from ._gumbel_softmax import gumbel_softmax, softmax_vjp
from ._noise import gumbel
from ._runtime import show_runtime
from ._sampling import categorical
from ._softmax import log_softmax, logsumexp, softmax

__version__ = "0.1.0"

__all__ = [
    "STREAM_VERSION",
    "annealed_temperature",
    "categorical",
    "gumbel",
    "gumbel_max",
    "gumbel_r",
    "gumbel_softmax",
    "gumbel_top_k",
    "log_softmax",
    "logsumexp",
    "show_runtime",
    "softmax",
    "softmax_vjp",
]
