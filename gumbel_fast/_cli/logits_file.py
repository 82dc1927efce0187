"""A .npy file of logits, read piece by piece, with errors that a user understands. No drawing lives here.

The file is read by `readinto` and not mapped into memory: a mapped file that is cut short ends the process.
"""

from __future__ import annotations

import os
import stat
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .errors import CommandError

_KINDS = "fiu"  # of dtypes: floats, integers, unsigned integers
_MOST_AXES = 64  # of NumPy's arrays
_SLAB = 1 << 13  # bytes: where a step along an axis is no more, whole steps are read and the rest is dropped,
_SLABS = 1 << 18  # so many bytes at once


class LogitsFile:
    """An open file of logits. `rows` gives the logits of some rows, with the categories last.

    Parameters
    ----------
    path : Path
    axis : int
        The axis of the categories; the others are the batch.

    Raises
    ------
    CommandError
        If the file is missing or unreadable, is no whole .npy file, or holds no real numbers or no categories.
    """

    def __init__(self, path: Path, axis: int) -> None:
        self._path = path
        with _errors_of(path):
            self._file = path.open("rb", buffering=0)
        try:
            with _errors_of(path):
                self._shape, self._fortran_order, self._dtype = _read_header(self._file)
                self._start = self._file.tell()
                self._check()
        except BaseException:
            self._file.close()
            raise
        if not self._shape:
            raise CommandError(f"{path} holds a single number, not an array of logits")
        if not -len(self._shape) <= axis < len(self._shape):
            raise CommandError(f"argument --axis: there is no axis {axis} in an array of shape {self._shape}")
        self._axis = axis % len(self._shape)
        if self.categories == 0:
            raise CommandError(f"{path}: no categories in an array of shape {self._shape}")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the numbers."""
        return self._dtype

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape without the categories."""
        return self._shape[: self._axis] + self._shape[self._axis + 1 :]

    @property
    def categories(self) -> int:
        """The number of categories."""
        return self._shape[self._axis]

    @property
    def contiguous(self) -> bool:
        """Whether the categories of a row lie side by side."""
        return self._axis == (0 if self._fortran_order else len(self._shape) - 1)

    def rows(self, ranges: Sequence[range]) -> NDArray[Any]:
        """Read the rows in a box: a range for each axis of the batch.

        Raises
        ------
        CommandError
            If the file cannot be read or has become too short.
        """
        whole = [*ranges[: self._axis], range(self.categories), *ranges[self._axis :]]
        shape, ranges = (self._shape[::-1], whole[::-1]) if self._fortran_order else (self._shape, whole)
        box = np.empty([len(each) for each in ranges], self._dtype)
        with _errors_of(self._path):
            self._read(box, shape, ranges, 0)
        return np.moveaxis(box.T if self._fortran_order else box, self._axis, -1)

    def _read(self, out: NDArray[Any], shape: Sequence[int], ranges: Sequence[range], first: int) -> None:
        """Read a box of an array in C order whose first element is number `first` of the file."""
        step = prod(shape[1:])
        bytes_a_step = step * self._dtype.itemsize
        at = first + ranges[0].start * step
        if all(len(each) == length for each, length in zip(ranges[1:], shape[1:], strict=True)):
            self._read_run(out, at)
        elif bytes_a_step <= _SLAB:
            most = max(1, _SLABS // bytes_a_step)
            inner = tuple(slice(each.start, each.stop) for each in ranges[1:])
            for start in range(0, len(out), most):
                slab = np.empty((len(out[start : start + most]), *shape[1:]), self._dtype)
                self._read_run(slab, at + start * step)
                out[start : start + most] = slab[:, *inner]
        else:
            for number, part in enumerate(out):
                self._read(part, shape[1:], ranges[1:], at + number * step)

    def _read_run(self, out: NDArray[Any], at: int) -> None:
        """Read elements that lie side by side into a contiguous array."""
        wanted = out.reshape(-1).view(np.uint8).data
        self._file.seek(self._start + at * self._dtype.itemsize)
        while wanted:
            count = self._file.readinto(wanted)
            if not count:
                raise CommandError("was cut short while it was read")
            wanted = wanted[count:]

    def _check(self) -> None:
        if self._dtype.kind not in _KINDS:
            what = "Python objects" if self._dtype.hasobject else self._dtype
            raise CommandError(f"holds {what}, not real numbers")
        size = os.fstat(self._file.fileno()).st_size
        end = self._start + prod(self._shape) * self._dtype.itemsize
        if size < end:
            raise CommandError(f"is truncated: {size:,} bytes of {end:,}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise CommandError(f"{path} {error}") from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from error


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise CommandError("is not a regular file")
    try:
        version = npy.read_magic(file)
    except ValueError:
        raise CommandError("is not a .npy file") from None
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:  # version 3.0 is for names of fields, which logits have not
        raise CommandError(f"is a .npy file of version {version[0]}.{version[1]}, which is not read here")
    try:
        with warnings.catch_warnings(action="ignore"):  # of a header that Python 2 wrote
            shape, fortran_order, dtype = readers[version](file)
    except OSError:
        raise
    except Exception as error:  # a damaged header fails in whatever way the parsing of its text does
        raise CommandError("has a damaged header") from error
    if len(shape) > _MOST_AXES or not all(type(length) is int and 0 <= length <= sys.maxsize for length in shape):
        raise CommandError("has a damaged header")
    return shape, fortran_order, dtype
