"""A .npy file of real numbers, of which any box is read by its place.

It is read by positional reads, which threads may share, and not mapped into memory: a mapped file that is cut short
ends the process.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from io import FileIO
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from . import FileError
from .input_file import InputFile

_KINDS = "fiub"  # of dtypes: floats, integers, unsigned integers, booleans
_MOST_AXES = 64  # of NumPy's arrays
_SLAB = 1 << 13  # bytes: where a step along an axis is no more, whole steps are read and the rest is dropped,
_SLABS = 1 << 18  # so many bytes at once


class NpyFile(InputFile):
    """A .npy file of real numbers, or of booleans, as they lie: its shape and dtype, and any part of it by `read`.

    It is open until `close`. A context manager that opens it again if it is closed, and closes it. Threads may share it
    while it is open. Pickled is its path, which is opened again.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    FileError
        If it is no whole .npy file of real numbers.
    OSError
        If it cannot be opened or read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._open_first()
        try:
            self.shape, self.fortran_order, self.dtype = self._read_header(self._file)
            self._start = self._file.tell()
            self._check()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        self._file = self.path.open("rb", buffering=0)
        self._read_at = _reader(self._file)

    def read(self, ranges: Sequence[range]) -> NDArray[Any]:
        """Read a box of the array: a range of step 1 for each axis.

        Raises
        ------
        FileError
            If the file was changed since its header was read.
        OSError
            If it cannot be read.
        """
        shape, ranges = (self.shape[::-1], ranges[::-1]) if self.fortran_order else (self.shape, ranges)
        box = np.empty([len(each) for each in ranges], self.dtype)
        if box.size:
            self._read(box, shape, ranges, 0)
        self._check_stamp()
        return box.T if self.fortran_order else box

    def _read(self, out: NDArray[Any], shape: Sequence[int], ranges: Sequence[range], first: int) -> None:
        """Read a box of an array in C order whose first element is number `first` of the file."""
        if not shape:
            self._read_run(out, first)
            return
        step = prod(shape[1:])
        bytes_a_step = step * self.dtype.itemsize
        at = first + ranges[0].start * step
        if all(len(each) == length for each, length in zip(ranges[1:], shape[1:], strict=True)):
            self._read_run(out, at)
        elif bytes_a_step <= _SLAB:
            most = max(1, _SLABS // bytes_a_step)
            inner = tuple(slice(each.start, each.stop) for each in ranges[1:])
            for start in range(0, len(out), most):
                slab = np.empty((len(out[start : start + most]), *shape[1:]), self.dtype)
                self._read_run(slab, at + start * step)
                out[start : start + most] = slab[:, *inner]
        else:
            for number, part in enumerate(out):
                self._read(part, shape[1:], ranges[1:], at + number * step)

    def _read_run(self, out: NDArray[Any], at: int) -> None:
        """Read elements that lie side by side into a contiguous array."""
        wanted = out.reshape(-1).view(np.uint8).data
        place = self._start + at * self.dtype.itemsize
        while wanted:
            count = self._read_at(wanted, place)
            if not count:
                raise FileError(f"{self.path} was changed while it was read")  # cut short
            wanted, place = wanted[count:], place + count

    def _read_header(self, file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileError(f"{self.path} is not a regular file")
        try:
            version = npy.read_magic(file)
        except ValueError:
            raise FileError(f"{self.path} is not a .npy file") from None
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        if version not in readers:  # version 3.0 is for names of fields, which numbers have not
            number = ".".join(map(str, version))
            raise FileError(f"{self.path} is a .npy file of version {number}, which is not read here")
        try:
            with warnings.catch_warnings(action="ignore"):  # of a header that Python 2 wrote
                shape, fortran_order, dtype = readers[version](file)
        except OSError:
            raise
        except Exception as error:  # a damaged header fails in whatever way the parsing of its text does
            raise FileError(f"{self.path} has a damaged header") from error
        if len(shape) > _MOST_AXES or not all(type(length) is int and 0 <= length <= sys.maxsize for length in shape):
            raise FileError(f"{self.path} has a damaged header")
        return shape, fortran_order, dtype

    def _check(self) -> None:
        if self.dtype.kind not in _KINDS:
            what = "Python objects" if self.dtype.hasobject else self.dtype
            raise FileError(f"{self.path} holds {what}, not real numbers")
        size = os.fstat(self._file.fileno()).st_size
        end = self._start + prod(self.shape) * self.dtype.itemsize
        if size < end:
            raise FileError(f"{self.path} is truncated: {size:,} bytes of {end:,}")

    def __del__(self) -> None:  # dropped by a cache, nobody knows whether a thread still reads
        if hasattr(self, "_file"):
            self.close()

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self.path.absolute(),)  # another process may stand in another folder


def _reader(file: FileIO) -> Callable[[memoryview, int], int]:
    """Return a function that reads into a buffer from a place of the file, and gives the number of bytes."""
    if hasattr(os, "preadv"):
        descriptor = file.fileno()
        return lambda buffer, place: os.preadv(descriptor, [buffer], place)
    lock = threading.Lock()  # Windows has no positional read

    def read(buffer: memoryview, place: int) -> int:
        with lock:
            file.seek(place)
            return file.readinto(buffer) or 0

    return read
