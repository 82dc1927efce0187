"""What may be passed to the functions for Dask arrays. Each argument is checked as on one machine, by the same code.

Checked is a stand-in for a Dask array, of its shape and dtype: nothing is computed. What only values can show, such as
a bad row, shows when the blocks are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from .._arguments import Filters, as_array
from .._core import Request
from .._request import Parts

FILTERS = ("top_k", "top_p", "min_p", "filter_temperature")


def is_lazy(value: Any) -> bool:
    """Whether it is a Dask array."""
    return isinstance(value, da.Array)


def as_dask(name: str, value: Any) -> da.Array:
    """Return a Dask array of NumPy arrays; what is in memory becomes one of one chunk.

    TypeError for other collections and for arrays of another kind, masked ones too; ValueError where chunks are of
    unknown sizes.
    """
    if not is_lazy(value):
        if dask.is_dask_collection(value):
            raise TypeError(f"{name} must be a Dask array, not {type(value).__name__}: see its to_dask_array")
        return da.from_array(as_array(name, value), chunks=-1)
    if type(value._meta) is not np.ndarray:
        kind = type(value._meta).__name__
        raise TypeError(f"{name} must be a Dask array of plain NumPy arrays, not of {kind}: see its map_blocks")
    if any(np.isnan(length) for length in value.shape):
        raise ValueError(f"{name} has chunks of unknown sizes: call {name}.compute_chunk_sizes() first")
    return value


def stand_in(name: str, value: Any, *, each_row: bool = False) -> Any:
    """Return what is checked in place of an argument: itself, or an array like a Dask array, of ones."""
    if not is_lazy(value):
        return value
    array = as_dask(name, value)
    shape = (1,) * array.ndim if each_row else array.shape  # one for each row would be copied
    return np.broadcast_to(np.ones((), array.dtype), shape)


def _check_broadcast(name: str, value: Any, batch: tuple[int, ...]) -> None:
    if not is_lazy(value) or not value.ndim:
        return
    try:
        fits = np.broadcast_shapes(value.shape, batch) == batch
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} of shape {value.shape} does not broadcast to the batch {batch}")


def check_rows(
    x: da.Array, parts: Parts, make: Callable[[NDArray[Any], Parts], Request], *, floor: Any = None
) -> Request:
    """Return the request that the call would be on one machine, of stand-ins; what is wrong raises as it does there.

    `make` makes it of what stands for the rows and for their parts.
    """
    temperature, mask, indptr, filters, axis = parts
    by_row = {"temperature": temperature, "floor": floor, **dict(zip(FILTERS, filters, strict=True))}
    checked: Parts = (
        stand_in("temperature", temperature, each_row=True),
        stand_in("mask", mask),
        indptr,
        _filters(*(stand_in(name, value, each_row=True) for name, value in zip(FILTERS, filters, strict=True))),
        axis,
    )
    request = make(np.broadcast_to(np.ones((), x.dtype), x.shape), checked)
    for name, value in by_row.items():
        _check_broadcast(name, value, request.batch)
    return request


def _filters(*filters: Any) -> Filters:
    top_k, top_p, min_p, filter_temperature = filters
    return top_k, top_p, min_p, filter_temperature


def refuse_cut(what: str, axis: int) -> NoReturn:
    """ValueError for a category axis that is cut into chunks where rows must be whole."""
    raise ValueError(f"{what} takes whole rows, and here axis {axis}, the categories, is cut: rechunk({{{axis}: -1}})")


def as_indptr(indptr: Any) -> NDArray[Any] | None:
    """Return where ragged rows begin, which must be known: TypeError for a Dask array."""
    if is_lazy(indptr):
        raise TypeError("indptr must be an array in memory: pass indptr.compute()")
    return None if indptr is None else np.asarray(indptr)
