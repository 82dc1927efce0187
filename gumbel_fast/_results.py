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


def deliver(result: Array, out: Array | None) -> Any:
    """Return what was made aside: in `out` where there is one, else as it is, or as a scalar."""
    if out is None:
        return result[()]
    if result is not out:
        out[...] = result
    return out


def fill_rows(fill: Callable[[Array], object], rows: Array, dtype: DTypeLike, axis: int, out: Array | None) -> Array:
    """Return what `fill` writes, of the shape of `rows` and `axis` in its place: in `out` if its layout allows."""
    last = axis in (-1, rows.ndim - 1)
    target = out if out is None or last else np.moveaxis(out, axis, -1)
    result = target if target is not None and _takes_rows(target) else np.empty(rows.shape, dtype)
    if result.size:
        fill(result)
    if out is None:
        return result if last else np.moveaxis(result, -1, axis)
    if target is not None and result is not target:
        target[...] = result
    return out


def _takes_rows(array: Array) -> bool:
    """Whether a kernel can write each row of the array as contiguous, aligned memory."""
    return bool(array.flags.aligned and (array.shape[-1] <= 1 or array.strides[-1] == array.itemsize))
