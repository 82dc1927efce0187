"""Gumbel noise in Dask arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import _noise
from .._arguments import as_offset, as_real, as_size
from .._rng import RNG, SeedPair, to_stream
from .._threads import as_workers
from ._arguments import as_dask, is_lazy
from ._blocks import Box, Seed, blocks, in_chunks
from ._layers import Layer, Piece


def gumbel(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: int | Sequence[int] | NDArray[np.integer[Any]] | None = None,
    *,
    chunks: Any = "auto",
    dtype: DTypeLike = np.float64,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    workers: int = 1,
) -> da.Array:
    """Draw from the Gumbel distribution into a Dask array: lazily `gumbel_fast.gumbel`.

    Parameters without a description are those of `gumbel_fast.gumbel`.

    Parameters
    ----------
    loc : float, or array_like or dask.array.Array of floats, default 0.0
        Of any shape that broadcasts to `size`.
    scale : float, or array_like or dask.array.Array of floats, default 1.0
        Likewise of any such shape.
    size : int, or sequence or array of ints, optional
        The shape; by default the one that `loc` and `scale` broadcast to.
    chunks : int, tuple or str, default 'auto'
        As for `dask.array.zeros`: any axis may be cut, the result is the same.
    dtype : {float64, float32}, default float64
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Its two words are drawn now.
    offset : tuple of two ints, default (0, 0)
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    dask.array.Array of float64 or float32
        Of shape `size`.

    Raises
    ------
    ValueError, TypeError
        As there, the scale of a Dask array when it is computed; and for chunks of unknown sizes.

    Examples
    --------
    >>> import gumbel_fast
    >>> import gumbel_fast.dask as gfd
    >>> noise = gfd.gumbel(size=(100, 1000), chunks=(30, 70), rng=7)
    >>> bool((noise.compute() == gumbel_fast.gumbel(size=(100, 1000), rng=7)).all())
    True
    """
    parameters = {name: _parameter(name, value) for name, value in (("loc", loc), ("scale", scale))}
    broadcast = np.broadcast_shapes(*(a.shape for a in parameters.values()))
    shape = broadcast if size is None else as_size(size)
    if np.broadcast_shapes(broadcast, shape) != shape:
        raise ValueError(f"loc and scale of shape {broadcast} do not broadcast to {shape}")
    known = {name: a for name, a in parameters.items() if not is_lazy(a)}
    _noise.gumbel(**known, size=(0, *broadcast), dtype=dtype, rng=SeedPair(0, 0))  # raises where one is wrong
    start = as_offset(offset, shape[-1] if shape else 1)
    seed = Seed(to_stream(rng, start, shape[:-1]), counts_columns=True)
    cut = da.core.normalize_chunks(chunks, shape, dtype=np.dtype(dtype))
    lazy = {name: in_chunks(a, cut) if a.ndim else a for name, a in parameters.items() if is_lazy(a)}
    constants = {"dtype": np.dtype(dtype), "workers": as_workers(workers)}
    layer = Layer("gumbel", list(lazy.values()), known, constants, shape, cut, seed.stream)
    for place, part in blocks(cut):
        lengths = tuple(each.stop - each.start for each in part)
        values = {name: np.broadcast_to(a, shape)[part] if a.ndim else a[()] for name, a in known.items()}
        box = Box(
            shape[:-1],
            tuple(each.start for each in part[:-1]),
            lengths[:-1],
            part[-1].start if part else 0,
            lengths[-1] if part else 1,
        )
        piece = Piece(_fill, box, ("size", *lazy), {**constants, **values}, seed.part(box))
        keys = ((a.name, *place) if a.ndim else (a.name,) for a in lazy.values())
        layer.tasks[(layer.name, *place)] = (piece, lengths, *keys)
    return layer.array(cut, dtype)


def _parameter(name: str, value: Any) -> Any:
    return as_dask(name, value) if is_lazy(value) else as_real(name, value)


def _fill(size: tuple[int, ...], **arguments: Any) -> NDArray[Any]:
    return np.asarray(_noise.gumbel(size=size, **arguments))
