"""Exact samples from logits in Dask arrays: `categorical`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _methods, _sampling
from .._request import as_wanted
from .._rng import RNG
from .._threads import as_workers
from ._arguments import refuse_cut
from ._calls import Call, of_draws
from ._joins import greatest_of_cut_rows
from ._layers import Layer, add_pieces


def categorical(
    logits: Any = None,
    *,
    weights: Any = None,
    num_samples: int | None = None,
    replace: bool = True,
    temperature: Any = 1.0,
    top_k: Any = None,
    top_p: Any = None,
    min_p: Any = None,
    filter_temperature: Any = None,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: bool = False,
    workers: int = 1,
) -> Any:
    """Draw categories from each row of a Dask array: lazily `gumbel_fast.categorical`.

    The axis of the categories must be in one chunk; without replacement it may be cut, unless so few of so many are
    drawn that one machine draws them by rejection, from whole rows: `gumbel_top_k` takes cut rows always.

    Parameters without a description are those of `gumbel_fast.categorical`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n), optional
    weights : dask.array.Array of real numbers, shape (..., n), optional
    num_samples : int, optional
    replace : bool, default True
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    top_k : int, or array_like or dask.array.Array of ints, shape (...), optional
    top_p : float, or array_like or dask.array.Array of floats, shape (...), optional
    min_p : float, or array_like or dask.array.Array of floats, shape (...), optional
    filter_temperature : float, or array_like or dask.array.Array of floats, shape (...), optional
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    allow_fewer : bool, default False
    axis : int, default -1
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Its two words are drawn now.
    offset : tuple of two ints, default (0, 0)
    return_log_prob : bool, default False
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    index : dask.array.Array of int64
        Of the shape that it has there, in the chunks of the batch.
    log_prob : dask.array.Array of float32 or float64
        Of the same shape, only if `return_log_prob`.

    Raises
    ------
    ValueError, TypeError
        As there, for bad rows when they are computed, by their numbers in the whole array; and for a category axis that
        is cut where rows must be whole, or chunks of unknown sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import gumbel_fast
    >>> import gumbel_fast.dask as gfd
    >>> logits = np.random.default_rng(1).normal(size=(1000, 18))
    >>> index = gfd.categorical(da.from_array(logits, chunks=(300, 18)), rng=7)
    >>> bool((index.compute() == gumbel_fast.categorical(logits, rng=7)).all())
    True
    """
    samples = None if num_samples is None else _sampling.as_samples(num_samples)
    filters = (top_k, top_p, min_p, filter_temperature)
    parts = temperature, mask, indptr, filters, axis
    constants = {"num_samples": samples, "replace": replace, "return_log_prob": return_log_prob}
    call = of_draws(
        "categorical",
        logits,
        parts,
        weights=weights,
        rng=rng,
        offset=offset,
        allow_fewer=allow_fewer,
        constants={**constants, "workers": as_workers(workers)},
        counts_columns=False,
    )
    wanted = 0
    if not replace and samples is not None and samples > 1:
        wanted = as_wanted(call.request, samples)
    if call.rows.is_cut and samples != 0:
        _check_cut(call, wanted)
        return greatest_of_cut_rows(call, samples, moderate=True)[0]
    layer = Layer.of(call)
    last = () if samples is None else ((samples,),)
    chunks = (*call.rows.batch_chunks, *last)
    if return_log_prob:
        add_pieces(layer, call, _sampling.categorical)
        kinds = (np.int64, chunks), (call.request.compute_type, chunks)
        return layer.parts(call.rows.batch_chunks, *kinds)
    add_pieces(layer, call, _sampling.categorical, last=(0,) * len(last))
    return layer.array(chunks, np.int64)


def _check_cut(call: Call, wanted: int) -> None:
    """Raise ValueError unless rows that are cut give what is wanted as one machine draws it."""
    what = "categorical"
    if wanted:
        what = "categorical(replace=False)"
        if call.request.filters is not None:
            what += " with top_k, top_p or min_p"
        elif call.constants["return_log_prob"]:
            what += " with return_log_prob"
        elif _methods.of_distinct_draws(call.rows.columns, wanted) is _methods.REJECTION_DISTINCT:
            what += f" of {wanted} out of {call.rows.columns} categories, which gumbel_top_k draws from cut rows,"
        else:
            return
    refuse_cut(what, call.axis)
