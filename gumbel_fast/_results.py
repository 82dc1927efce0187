"""How results are delivered: into `out` or a new array, the axis in its place, a scalar where the batch has no axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ._arguments import Array


def is_contiguous(array: Array) -> bool:
    """Whether a kernel can write the whole array as C-contiguous, aligned memory."""
    return bool(array.flags.c_contiguous and array.flags.aligned)


def deliver(result: Array, out: Array | None, *, scalar: bool = True) -> Any:
    """Return what was made: in `out` where there is one, else as it is, or as a scalar where it has no axes."""
    if out is None:
        return result[()] if scalar else result
    plain = np.asarray(out)
    if result is not plain:
        plain[...] = result
    return out


def widened(array: Array, width: int, fill: float) -> Array:
    """Return the array with a last axis as long as that, filled up."""
    if array.shape[-1] == width:
        return array
    result = np.full((*array.shape[:-1], width), fill, array.dtype)
    result[..., : array.shape[-1]] = array
    return result


def fill_rows(fill: Callable[[Array], object], rows: Array, dtype: DTypeLike, axis: int, out: Array | None) -> Array:
    """Return what `fill` writes, of the shape of `rows` and `axis` in its place: in `out`, whatever its layout."""
    last = axis in (-1, rows.ndim - 1)
    if out is None:
        result = np.empty(rows.shape, dtype)
    else:
        result = np.asarray(out) if last else np.moveaxis(np.asarray(out), axis, -1)
    if result.size:
        fill(result)
    if out is not None:
        return out
    return result if last else np.moveaxis(result, -1, axis)
