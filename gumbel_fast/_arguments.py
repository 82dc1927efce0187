"""What a caller may pass: dtypes, axis, temperature, offset and `out`, each checked here for every function.

What they become together is a request (_request.py); loops over rows live in _core.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

from . import _core

Array = NDArray[Any]
Vector: TypeAlias = "Sequence[float] | np.ndarray[tuple[int], np.dtype[Any]]"  # 1-D: gives a scalar
_REAL = (np.dtype(np.float32), np.dtype(np.float64))  # in native byte order
_LOGITS = (*_REAL, np.dtype(np.float16))


def as_real(name: str, value: ArrayLike) -> Array:
    """Return `value` as an aligned float32 or float64 array in native byte order, without a copy where it is one.

    Integers and booleans become float64, half precision float32; TypeError for what is not a real number.
    """
    array = np.asarray(value)
    dtype = array.dtype
    if dtype in _REAL and array.flags.aligned:
        return array
    if dtype.kind == "f" and dtype.itemsize in (4, 8):
        wanted = dtype.newbyteorder("=")
    elif _is_half(dtype):
        wanted = np.dtype(np.float32)
    elif dtype.kind in "biuf":
        wanted = np.dtype(np.float64)
    else:
        raise TypeError(f"{name} must be real numbers, not an array of dtype {dtype}")
    return np.require(array, wanted, ["ALIGNED"])


def as_logits(value: ArrayLike) -> Array:
    """Return what the samplers read in place: as `as_real`, but half precision stays, bfloat16 in the guise of uint16.

    bfloat16 is known by name alone: its package need not be there.
    """
    array = np.asarray(value)
    dtype = array.dtype
    if dtype in _LOGITS and array.flags.aligned:
        return array
    if not _is_half(dtype):
        return as_real("logits", array)
    array = np.require(array, dtype.newbyteorder("="), ["ALIGNED"])
    return array.view(np.uint16) if dtype.kind != "f" else array


def _is_half(dtype: np.dtype[Any]) -> bool:
    return (dtype.kind == "f" and dtype.itemsize == 2) or dtype.name == "bfloat16"


def compute_dtype(logits: Array) -> np.dtype[Any]:
    """Return the dtype that logits, as `as_logits` gives them, are computed in: float64 for float64, else float32."""
    return _REAL[logits.dtype == np.float64]


def as_rows(name: str, array: Array, axis: int) -> Array:
    """Return the array with `axis` last and contiguous, as a view where memory allows."""
    last = array.ndim - 1
    rows = array if axis == -1 and last >= 0 else np.moveaxis(array, normalize_axis_index(axis, array.ndim), last)
    if rows.shape[-1] > _core.MAX_COLUMNS:
        raise ValueError(f"{name}: {rows.shape[-1]} columns are more than 2**34")
    if rows.strides[-1] != rows.itemsize and rows.shape[-1] > 1:
        rows = np.ascontiguousarray(rows)
    return rows


def as_categories(logits: Array, axis: int) -> Array:
    """Return `as_rows` of logits to draw from: there must be some in each row."""
    rows = as_rows("logits", logits, axis)
    if rows.shape[-1] == 0:
        raise ValueError("logits: no categories to draw from")
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


def as_offset(offset: tuple[int, int], columns: int) -> tuple[int, int]:
    """Return the first row (modulo 2**64) and the first column, checked against the number of columns."""
    row, column = map(operator.index, offset)
    if not 0 <= row < 2**64 or column < 0:
        raise ValueError(f"offset must be a row from 0 to 2**64 - 1 and a column from 0 up, not {offset}")
    if column + columns > _core.MAX_COLUMNS:
        raise ValueError(f"offset: {column} + {columns} columns are more than 2**34")
    return row, column


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
        if not same and _overlap(array, out):
            raise ValueError("out overlaps an input")


def _overlap(a: Array, b: Array) -> bool:
    try:
        return np.shares_memory(a, b, max_work=100_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:  # strides made to puzzle: the exact answer can take for ever
        return True
