"""Gumbel-softmax of Dask arrays."""

from __future__ import annotations

from typing import Any

import dask.array as da

from .. import _gumbel_softmax
from .._arguments import NO_FILTERS
from .._rng import RNG
from .._threads import as_workers
from ._calls import of_relaxation
from ._layers import Layer, add_pieces


def gumbel_softmax(
    logits: Any,
    *,
    temperature: Any = 1.0,
    hard: bool = False,
    log: bool = False,
    mask: Any = None,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    workers: int = 1,
) -> da.Array:
    """Draw relaxed one-hot samples from each row of a Dask array: lazily `gumbel_fast.gumbel_softmax`.

    Parameters without a description are those of `gumbel_fast.gumbel_softmax`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n)
        The axis of the categories in one chunk.
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    hard : bool, default False
    log : bool, default False
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    axis : int, default -1
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Its two words are drawn now.
    offset : tuple of two ints, default (0, 0)
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    dask.array.Array of float32 or float64
        Of the shape and the chunks of `logits`.

    Raises
    ------
    ValueError, TypeError
        As there; and for a category axis that is cut, or chunks of unknown sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import gumbel_fast
    >>> import gumbel_fast.dask as gfd
    >>> sample = gfd.gumbel_softmax(da.zeros((4, 2), chunks=(3, 2)), rng=7).compute()
    >>> bool((sample == gumbel_fast.gumbel_softmax(np.zeros((4, 2)), rng=7)).all())
    True
    """
    _gumbel_softmax.as_form(hard, log)  # raises for both
    constants = {"hard": hard, "log": log, "workers": as_workers(workers)}
    parts = temperature, mask, None, NO_FILTERS, axis
    call = of_relaxation("gumbel_softmax", logits, parts, rng=rng, offset=offset, constants=constants)
    layer = Layer.of(call)
    add_pieces(layer, call, _gumbel_softmax.gumbel_softmax, last=(0,))
    return call.back(layer.array(call.rows.x.chunks, call.request.compute_type))
