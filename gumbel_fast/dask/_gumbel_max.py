"""The greatest of logits and noise in Dask arrays: `gumbel_max` and `gumbel_top_k`, whose rows may be cut."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _gumbel_max
from .._arguments import NO_FILTERS, as_k
from .._request import as_wanted
from .._rng import RNG
from .._threads import as_workers
from ._calls import of_draws
from ._joins import greatest_of_cut_rows
from ._layers import Layer, add_pieces


def gumbel_max(
    logits: Any,
    *,
    temperature: Any = 1.0,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    noise: Any = None,
    return_value: bool = False,
    workers: int = 1,
) -> Any:
    """Draw a category from each row of a Dask array by the Gumbel-max trick: lazily `gumbel_fast.gumbel_max`.

    Every axis may be cut.

    Parameters without a description are those of `gumbel_fast.gumbel_max`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n)
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    allow_fewer : bool, default False
    axis : int, default -1
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Its two words are drawn now.
    offset : tuple of two ints, default (0, 0)
    noise : array_like or dask.array.Array of floats, shape (..., n), optional
    return_value : bool, default False
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    index : dask.array.Array of int64
        Of the batch's shape and chunks.
    value : dask.array.Array of float64
        Of the same shape, only if `return_value`.

    Raises
    ------
    ValueError, TypeError
        As there, for bad rows when they are computed, by their numbers in the whole array; and for chunks of unknown
        sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import gumbel_fast
    >>> import gumbel_fast.dask as gfd
    >>> logits = np.random.default_rng(1).normal(size=(4, 10_000))
    >>> index = gfd.gumbel_max(da.from_array(logits, chunks=(3, 4000)), rng=7)
    >>> bool((index.compute() == gumbel_fast.gumbel_max(logits, rng=7)).all())
    True
    """
    call = of_draws(
        "gumbel_max",
        logits,
        (temperature, mask, indptr, NO_FILTERS, axis),
        rng=rng,
        offset=offset,
        noise=noise,
        allow_fewer=allow_fewer,
        constants={"workers": as_workers(workers)},
    )
    if call.rows.is_cut:
        index, value = greatest_of_cut_rows(call, None)
        return (index, value) if return_value else index
    call.constants["return_value"] = return_value
    layer = Layer.of(call)
    add_pieces(layer, call, _gumbel_max.gumbel_max)
    chunks = call.rows.batch_chunks
    return layer.parts(chunks, (np.int64, chunks), (np.float64, chunks)) if return_value else layer.array(chunks, "i8")


def gumbel_top_k(
    logits: Any = None,
    k: int | None = None,
    *,
    weights: Any = None,
    temperature: Any = 1.0,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    floor: Any = None,
    return_value: bool = False,
    workers: int = 1,
) -> Any:
    """Draw k categories from each row of a Dask array without replacement: lazily `gumbel_fast.gumbel_top_k`.

    Every axis may be cut. Blocks of a row that is cut give their k greatest, which are joined. Where k is large, as a
    million of 1e9, those of a single row are asked for their share and a margin, and computed once more where that
    proves too little: so blocks must give the same numbers each time they are computed.

    Parameters without a description are those of `gumbel_fast.gumbel_top_k`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n), optional
    k : int
        How many to draw from each row, 0 or more.
    weights : dask.array.Array of real numbers, shape (..., n), optional
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    allow_fewer : bool, default False
    axis : int, default -1
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Its two words are drawn now.
    offset : tuple of two ints, default (0, 0)
    floor : float, or array_like or dask.array.Array of floats, shape (...), optional
    return_value : bool, default False
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    index : dask.array.Array of int64
        Of shape batch + (k,), in the chunks of the batch.
    value : dask.array.Array of float64
        Of the same shape, only if `return_value`.

    Raises
    ------
    ValueError, TypeError
        As there, for bad rows when they are computed, by their numbers in the whole array; and for chunks of unknown
        sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import gumbel_fast
    >>> import gumbel_fast.dask as gfd
    >>> logits = np.random.default_rng(1).normal(size=100_000)
    >>> index = gfd.gumbel_top_k(da.from_array(logits, chunks=30_000), 5, rng=7)
    >>> bool((index.compute() == gumbel_fast.gumbel_top_k(logits, 5, rng=7)).all())
    True
    """
    wanted = as_k(k)
    call = of_draws(
        "gumbel_top_k",
        logits,
        (temperature, mask, indptr, NO_FILTERS, axis),
        weights=weights,
        rng=rng,
        offset=offset,
        allow_fewer=allow_fewer,
        floor=floor,
        constants={"workers": as_workers(workers)},
    )
    as_wanted(call.request, wanted)
    if call.rows.is_cut and wanted:
        index, value = greatest_of_cut_rows(call, wanted)
        return (index, value) if return_value else index
    call.constants |= {"k": wanted, "return_value": return_value}
    layer = Layer.of(call)
    chunks: tuple[tuple[int, ...], ...] = (*call.rows.batch_chunks, (wanted,))
    if return_value:
        add_pieces(layer, call, _gumbel_max.gumbel_top_k)
        return layer.parts(call.rows.batch_chunks, (np.int64, chunks), (np.float64, chunks))
    add_pieces(layer, call, _gumbel_max.gumbel_top_k, last=(0,))
    return layer.array(chunks, np.int64)
