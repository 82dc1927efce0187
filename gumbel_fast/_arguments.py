"""What a caller may pass, each argument checked here for every function: arrays, axis, filters, mask, offset, `out`.

What they become together is a request (_request.py); loops over rows live in _core.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._errors import place_error, row_error

Array = NDArray[Any]
Vector: TypeAlias = "Sequence[float] | np.ndarray[tuple[int], np.dtype[Any]]"  # 1-D: gives a scalar
_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)  # in native byte order
_REAL_KINDS = "fiub"
_FLOAT16, _UINT16 = np.dtype(np.float16), np.dtype(np.uint16)
_LONGEST_ROW = f"2**{_core.LONGEST_ROW.bit_length() - 1}"


def _is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Whether it is the dtype of ml_dtypes; known by name, as that package need not be there."""
    return dtype.kind not in _REAL_KINDS and dtype.name == "bfloat16"  # a name takes a microsecond to make


def check_plain(name: str, value: object) -> None:
    """Raise TypeError for what `numpy.asarray` would make something else of than its user means.

    That is a masked array, whose mask would be lost without a word, and a Dask collection or an array of zarr or h5py,
    which would be loaded whole; and a list or tuple of any of them.
    """
    if type(value) is float or type(value) is int:
        return
    masked = getattr(sys.modules.get("numpy.ma"), "MaskedArray", ())  # to import it costs a tenth of importing NumPy
    if isinstance(value, np.ndarray):
        if isinstance(value, masked):
            raise TypeError(_not_masked(name, value))
        return
    items = value if isinstance(value, list | tuple) else (value,)
    for kind in set(map(type, items)):
        if issubclass(kind, masked):
            raise TypeError(_not_masked(name, next(item for item in items if isinstance(item, masked))))
        if hasattr(kind, "__dask_graph__") or hasattr(kind, "chunks"):
            for item in items:
                if type(item) is kind:
                    _check_in_memory(name, item)


def _not_masked(name: str, value: Any) -> str:
    instead = "data" if name == "out" else "filled(...)"
    if name == "logits":
        instead = "filled(-np.inf)" if value.dtype.kind == "f" else "astype(float).filled(-np.inf)"
    return f"{name} must not be a masked array, whose mask would be ignored: pass {name}.{instead}"


def _check_in_memory(name: str, value: Any) -> None:
    """Raise TypeError for a Dask collection, and for an array in chunks that are read when they are asked for."""
    what = f"{name} must be an array in memory, and not {type(value).__module__.partition('.')[0]}'s"
    if hasattr(value, "__dask_graph__") and value.__dask_graph__() is not None:  # xarray's are of either kind
        raise TypeError(
            f"{what}, which would be loaded whole: gumbel_fast.dask has functions for Dask arrays; to load it, "
            f"pass {name}.compute()"
        )
    if getattr(value, "chunks", None) is not None and hasattr(value, "shape") and hasattr(value, "dtype"):
        raise TypeError(
            f"{what}, which would be loaded whole: gumbel_fast.dask has functions for dask.array.from_array({name}, "
            f"chunks={name}.chunks); to load it, pass {name}[...]"
        )


def as_array(name: str, value: ArrayLike) -> Array:
    """Return `value` as an array of real numbers and of no subclass, without a copy where it is an array.

    TypeError for masked arrays and those that are not in memory, for what NumPy opens by DLPack alone, and for what is
    not a real number.
    """
    if type(value) is np.ndarray:
        array = value
    else:
        check_plain(name, value)
        array = np.asarray(value)
    if array.dtype.kind in _REAL_KINDS or _is_bfloat16(array.dtype):
        return array
    if array.dtype.kind == "O" and hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        raise TypeError(f"{name} must be an array, not {type(value).__name__}: pass np.from_dlpack({name})")
    raise TypeError(f"{name} must be real numbers, not an array of dtype {array.dtype}")


def compute_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that real numbers are computed in: float32 for float32 and half precision, else float64."""
    narrow = dtype.itemsize <= 4 if dtype.kind == "f" else _is_bfloat16(dtype)
    return _FLOAT32 if narrow else _FLOAT64


def as_real(name: str, value: ArrayLike) -> Array:
    """Return `as_array` in its compute dtype, aligned and in native byte order: a copy where it is not so already."""
    array = as_array(name, value)
    dtype = compute_dtype(array.dtype)
    return array if array.dtype == dtype and array.flags.aligned else np.require(array, dtype, ["ALIGNED"])


def as_read(array: Array) -> tuple[Array, np.dtype[Any]]:
    """Return the array and the dtype that kernels of samplers read it as: half precision stays as it is.

    bfloat16 comes in the guise of uint16, in either byte order.
    """
    dtype = array.dtype
    if dtype.kind == "f":
        return array, _FLOAT16 if dtype.itemsize == 2 else compute_dtype(dtype)
    if _is_bfloat16(dtype):
        return array.view(_UINT16.newbyteorder(dtype.byteorder)), _UINT16
    return array, _FLOAT64


def as_rows(name: str, array: Array, axis: int) -> Array:
    """Return a view of the array with `axis` last."""
    last = array.ndim - 1
    rows = array if axis == -1 and last >= 0 else np.moveaxis(array, normalize_axis_index(axis, array.ndim, name), last)
    if rows.shape[-1] > _core.LONGEST_ROW:
        raise ValueError(f"{name}: {rows.shape[-1]} columns are more than {_LONGEST_ROW}")
    return rows


def _as_vector(name: str, numbers: Array, batch: tuple[int, ...]) -> Array:
    """Return one number, or one for each row of the batch, as a vector; ValueError where they do not broadcast."""
    if numbers.ndim == 0:
        return numbers.reshape(1)
    try:
        return np.ascontiguousarray(np.broadcast_to(numbers, batch)).reshape(-1)
    except ValueError:
        raise ValueError(f"{name} of shape {numbers.shape} does not broadcast to the batch {batch}") from None


def check_each(name: str, numbers: Array, sound: Array, what: str) -> None:
    """Raise ValueError that names the first number that is not sound, and where it is."""
    if not np.all(sound):
        place = tuple(int(i) for i in np.argwhere(np.logical_not(sound))[0])
        value = f"{numbers[place]:g}" if numbers.dtype.kind == "f" else numbers[place]
        raise place_error(f"{name} must be {what}, not {value}", place)


def as_temperature(
    temperature: ArrayLike, batch: tuple[int, ...], *, zero: bool, name: str = "temperature"
) -> NDArray[np.float64]:
    """Return one temperature, or one for each row of the batch, as a float64 vector.

    ValueError where one is negative or NaN (or 0, unless `zero`), or where they do not broadcast to the batch.
    """
    if type(temperature) is float and (temperature > 0 or (zero and temperature == 0)):
        return np.array([temperature])
    t = as_array(name, temperature).astype(np.float64)
    check_each(name, t, t >= 0 if zero else t > 0, "0 or more" if zero else "above 0")
    return _as_vector(name, t, batch)


def as_floor(floor: ArrayLike, batch: tuple[int, ...]) -> NDArray[np.float64]:
    """Return one floor of values, or one for each row of the batch, as a float64 vector; ValueError for NaN."""
    numbers = as_array("floor", floor).astype(np.float64)
    check_each("floor", numbers, numbers == numbers, "a number")
    return _as_vector("floor", numbers, batch)


#: What a call keeps of each row, as it was passed: top_k, top_p, min_p and the filters' temperature.
Filters: TypeAlias = "tuple[ArrayLike | None, ArrayLike | None, ArrayLike | None, ArrayLike | None]"
NO_FILTERS: Filters = (None, None, None, None)


def _as_filter(name: str, value: ArrayLike | None, batch: tuple[int, ...], most: float) -> NDArray[np.float64] | None:
    if value is None:
        return None
    numbers = as_array(name, value).astype(np.float64)
    what = f"0 to {most:g}" if most < np.inf else "0 or more"
    if name == "top_k":
        what += ", 0 keeping all"
        check_each(name, numbers, numbers == np.floor(numbers), "whole numbers")
    check_each(name, numbers, (numbers >= 0) & (numbers <= most), what)
    return _as_vector(name, numbers, batch)


def as_filters(
    filters: Filters, temperature: NDArray[np.float64], batch: tuple[int, ...]
) -> tuple[NDArray[np.float64] | None, ...] | None:
    """Return the filters' temperature, top_k, top_p and min_p, each a float64 vector or None; None if there are none.

    ValueError that names a filter that is negative or NaN, a min_p above 1, or one that does not broadcast.
    """
    top_k, top_p, min_p, own = filters
    if top_k is None and top_p is None and min_p is None and own is None:
        return None
    kept = (
        _as_filter("top_k", top_k, batch, np.inf),
        _as_filter("top_p", top_p, batch, np.inf),
        _as_filter("min_p", min_p, batch, 1.0),
    )
    t = temperature
    if own is not None:
        t = as_temperature(own, batch, zero=True, name="filter_temperature")
    return None if all(numbers is None for numbers in kept) else (t, *kept)


def as_mask(mask: ArrayLike, logits: Array, axis: int, *, ragged: bool = False) -> Array:
    """Return a mask with the categories last: uint8, one for each element of the logits, or uint32 words of 32.

    TypeError for another dtype than bool, int8, uint8, int32 and uint32; ValueError for a shape that does not
    broadcast, and for words along another axis than the last, or of ragged rows.
    """
    check_plain("mask", mask)
    array = np.asarray(mask)
    words: tuple[int, ...] = ()
    if ragged and array.dtype.kind in "iu" and array.dtype.itemsize == 4:
        raise ValueError("mask: with indptr it is bool, int8 or uint8, one for each element, and not words of 32")
    if array.dtype.kind == "b" or (array.dtype.kind in "iu" and array.dtype.itemsize == 1):
        shape = logits.shape
    elif array.dtype.kind in "iu" and array.dtype.itemsize == 4:
        if axis not in (-1, logits.ndim - 1):
            raise ValueError(f"mask: words of 32 columns are along the last axis, not axis {axis}")
        words = array.shape[-1:]
        shape = logits.shape[:-1] + words
        array = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
        if not words:
            raise ValueError("mask: words of 32 columns must have an axis of them")
    else:
        raise TypeError(f"mask must be bool, int8 or uint8, or int32 or uint32 words, not {array.dtype}")
    if words and words[0] == logits.shape[-1] > 1:
        raise ValueError(
            "mask: 32-bit ints are words of 32 columns, and here are as many as columns: pass mask != 0 for one each"
        )
    try:
        whole = np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"mask of shape {array.shape} does not broadcast to {shape}") from None
    return as_rows("mask", whole, axis).view(np.uint8 if array.dtype.itemsize == 1 else np.uint32)


def as_offsets(indptr: ArrayLike, logits: Array, axis: int) -> tuple[NDArray[np.int64], int]:
    """Return a copy of where ragged rows of 1-D logits begin, as int64, and the length of the longest.

    TypeError for what is not ints; ValueError for logits of more axes, and for offsets that fall or leave the array.
    """
    check_plain("indptr", indptr)
    array = np.asarray(indptr)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"indptr must have one axis and one entry more than rows, not the shape {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"indptr must be ints, not an array of dtype {array.dtype}")
    if logits.ndim != 1:
        raise ValueError(f"indptr: logits must have one axis, not the shape {logits.shape}")
    normalize_axis_index(axis, 1)
    if array.dtype.kind == "u" and array.dtype.itemsize == 8 and array.max() > logits.size:
        raise ValueError(f"indptr leaves the array of {logits.size} elements")
    offsets, longest, row = _core.read_offsets(array, logits.size)
    if 0 <= row < offsets.size - 1:
        raise row_error(f"indptr falls at row {row}, from {offsets[row]} to {offsets[row + 1]}", row)
    if row >= 0:
        raise ValueError(f"indptr leaves the array of {logits.size} elements")
    if longest > _core.LONGEST_ROW:
        raise ValueError(f"logits: a row of {longest} columns is more than {_LONGEST_ROW}")
    return offsets, longest


def as_size(size: int | Sequence[int] | NDArray[np.integer[Any]]) -> tuple[int, ...]:
    """Return the shape that NumPy's generators make of `size`: an int, or a sequence or array of ints."""
    check_plain("size", size)
    if isinstance(size, bool):
        raise TypeError("size must be an int or a sequence of ints, not a bool")
    if isinstance(size, np.ndarray) and size.ndim:
        size = size.tolist()
    if type(size) is not int and isinstance(size, Sequence):  # isinstance alone asks an int for long
        shape = tuple(operator.index(n) for n in size)
    else:
        shape = (operator.index(size),)
    if any(n < 0 for n in shape):
        raise ValueError(f"size must not be negative: {shape}")
    return shape


def as_k(k: int | None) -> int:
    """Return how many are to be drawn as an int; ValueError where it is negative, TypeError where it is none."""
    if k is None:
        raise TypeError("k must be given")
    wanted = operator.index(k)
    if wanted < 0:
        raise ValueError(f"k must not be negative: {wanted}")
    return wanted


def as_pair(offset: tuple[int, int]) -> tuple[int, int]:
    """Return the two ints of an offset; ValueError for more or fewer, TypeError for anything else."""
    try:
        row, column = map(operator.index, offset)
    except (TypeError, ValueError) as error:
        raise type(error)(f"offset must be a row and a column, two ints, not {offset!r}") from None
    return row, column


def as_row_offset(offset: tuple[int, int]) -> tuple[int, int]:
    """Return an offset of draws that have rows and no columns; ValueError for one of columns."""
    row, column = as_pair(offset)
    if column:
        raise ValueError("offset: draws of categorical have rows and no columns, so that the second must be 0")
    return row, column


def as_offset(offset: tuple[int, int], columns: int) -> tuple[int, int]:
    """Return the first row (modulo 2**64) and the first column, checked against the number of columns."""
    row, column = as_pair(offset)
    if not 0 <= row < 2**64 or column < 0:
        raise ValueError(f"offset must be a row from 0 to 2**64 - 1 and a column from 0 up, not {offset}")
    if column + columns > _core.MAX_COLUMNS:
        raise ValueError(f"offset: {column} + {columns} columns are more than 2**34")
    return row, column


def as_out(out: object) -> Array:
    """Return `out` as an array of no subclass; TypeError for what is no array in memory, or a masked one."""
    check_plain("out", out)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, not {type(out).__name__}")
    return np.asarray(out)


def check_out(out: object, shape: tuple[int, ...], dtype: Any, *inputs: Array) -> None:
    """Raise unless `out` can take a result of this shape and dtype while the inputs are being read.

    An input that is `out` itself, element by element, is read before it is written and is no obstacle.
    """
    out = as_out(out)
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
