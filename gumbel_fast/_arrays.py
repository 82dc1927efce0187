"""What a caller's arrays become: dtype, axis, temperature and `out`, checked once for every function.

Rules on arguments live here; loops over rows live in _core.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

from . import _core

Array = NDArray[Any]
_READ_IN_PLACE = (np.dtype(np.float32), np.dtype(np.float64))  # in native byte order


def as_real(name: str, value: ArrayLike) -> Array:
    """Return `value` as an aligned float32 or float64 array in native byte order, without a copy where it is one.

    Integers and booleans become float64, half precision float32; TypeError for what is not a real number.
    """
    array = np.asarray(value)
    dtype = array.dtype
    if dtype in _READ_IN_PLACE and array.flags.aligned:
        return array
    if dtype.kind == "f" and dtype.itemsize in (4, 8):
        wanted = dtype.newbyteorder("=")
    elif dtype == np.float16 or dtype.name == "bfloat16":
        wanted = np.dtype(np.float32)
    elif dtype.kind in "biuf":
        wanted = np.dtype(np.float64)
    else:
        raise TypeError(f"{name} must be real numbers, not an array of dtype {dtype}")
    return np.require(array, wanted, ["ALIGNED"])


def as_rows(name: str, array: Array, axis: int) -> Array:
    """Return the array with `axis` last and contiguous, as a view where memory allows."""
    last = array.ndim - 1
    rows = array if axis == -1 and last >= 0 else np.moveaxis(array, normalize_axis_index(axis, array.ndim), last)
    if rows.shape[-1] > _core.MAX_COLUMNS:
        raise ValueError(f"{name}: {rows.shape[-1]} columns are more than 2**34")
    if rows.strides[-1] != rows.itemsize and rows.shape[-1] > 1:
        rows = np.ascontiguousarray(rows)
    return rows


def as_temperature(temperature: ArrayLike, batch: tuple[int, ...], *, zero: bool) -> NDArray[np.float64]:
    """Return one temperature, or one for each row of the batch, as a float64 vector.

    ValueError where one is negative or NaN (or 0, unless `zero`), or where they do not broadcast to the batch.
    """
    if type(temperature) is float and (temperature > 0 or (zero and temperature == 0)):
        return np.array([temperature])
    t = np.asarray(temperature)
    if t.dtype.kind not in "biuf" and t.dtype.name != "bfloat16":
        raise TypeError(f"temperature must be real numbers, not of dtype {t.dtype}")
    t = t.astype(np.float64)
    if not np.all(t >= 0 if zero else t > 0):
        raise ValueError(f"temperature must be {'0 or more' if zero else 'above 0'}")
    if t.ndim == 0:
        return t.reshape(1)
    try:
        return np.ascontiguousarray(np.broadcast_to(t, batch)).reshape(-1)
    except ValueError:
        raise ValueError(f"temperature of shape {t.shape} does not broadcast to the batch {batch}") from None


def check_out(out: object, shape: tuple[int, ...], dtype: Any, *inputs: Array) -> None:
    """Raise unless `out` can take a result of this shape and dtype while the inputs are being read.

    An input that is `out` itself, element by element, is read before it is written and is no obstacle.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"out must have shape {shape}, not {out.shape}")
    if out.dtype != dtype:
        raise ValueError(f"out must have dtype {np.dtype(dtype)}, not {out.dtype}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    for array in inputs:
        same = (
            array.__array_interface__["data"] == out.__array_interface__["data"]
            and array.strides == out.strides
            and array.dtype == out.dtype
            and array.shape == out.shape
        )
        if not same and np.shares_memory(array, out):
            raise ValueError("out overlaps an input")


def is_plain(array: Array) -> bool:
    """Whether a kernel can write the whole array as C-contiguous, aligned memory."""
    return bool(array.flags.c_contiguous and array.flags.aligned)
