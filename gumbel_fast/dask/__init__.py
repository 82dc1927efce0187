"""Gumbel noise, samplers and softmax for Dask arrays: rows beyond one machine's memory, with the bits of one machine.

The functions have the names and parameters of those of `gumbel_fast`, take Dask arrays and give lazy ones. What a call
computes is what the one of `gumbel_fast` computes on the whole array, bit for bit, however it is chunked, on every
scheduler, with any number of workers, and where a worker is lost on the way. No `out`; `workers` are the threads that
one block may use. An `rng` is asked for its two words when the function is called.

_sampling, _gumbel_max, _relaxation, _normalise, _noise    what a user calls
_readers     Dask arrays of .npy files, zarr arrays and Parquet columns
_arguments   what may be passed, checked as on one machine;  _calls: what the arguments become together
_blocks      where blocks lie, and what is read beside each;  _layers: the graph, a function called on each block
_joins       the greatest of rows whose category axis is cut;  _shares: of one long row, many
_greatest    what a block is asked for there, and what is done with the answer
"""

from .._selection import merge_top_k
from ._gumbel_max import gumbel_max, gumbel_top_k
from ._noise import gumbel
from ._normalise import entropy, log_prob, log_softmax, logsumexp, softmax
from ._readers import from_npy, from_parquet, from_zarr
from ._relaxation import gumbel_softmax
from ._sampling import categorical

__all__ = [
    "categorical",
    "entropy",
    "from_npy",
    "from_parquet",
    "from_zarr",
    "gumbel",
    "gumbel_max",
    "gumbel_softmax",
    "gumbel_top_k",
    "log_prob",
    "log_softmax",
    "logsumexp",
    "merge_top_k",
    "softmax",
]
