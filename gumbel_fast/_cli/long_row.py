"""Columns of files as one long row: its numbers piece by piece, some of them, or all. Nothing is drawn here.

The order is that of the files as given, then of their rows; an index counts over all files. A file is open while it is
read, so that there may be more of them than a process may have open.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._files.npy import NpyFile
from .._files.parquet import ParquetColumn
from .errors import CommandError, errors_of
from .numbers import as_floats, float_dtype
from .signals import check
from .temporary import mapped

_PIECE = 1 << 18  # numbers that are read and drawn from at once
_IN_MEMORY = 1 << 24  # numbers that are brought together in memory; more are in a temporary file


class Column(Protocol):
    """A column of numbers in a file."""

    path: Path
    dtype: np.dtype[Any]
    size: int

    def pieces(self) -> Iterator[NDArray[Any]]: ...

    def read(self, start: int, stop: int) -> NDArray[Any]: ...


class NpyColumn:
    """The numbers of a .npy file of one axis."""

    def __init__(self, file: NpyFile) -> None:
        self.path, self.dtype, self.size = file.path, file.dtype, file.shape[0]
        self._file = file

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Yield the numbers piece by piece."""
        with errors_of(self.path), self._file as file:
            for start in range(0, self.size, _PIECE):
                yield file.read([range(start, min(start + _PIECE, self.size))])

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return the numbers from start to stop."""
        with errors_of(self.path), self._file as file:
            return file.read([range(start, stop)])


class TableColumn:
    """The numbers of a column of a Parquet file; a null is `fill`."""

    def __init__(self, column: ParquetColumn, fill: float, folder: Path | None) -> None:
        self.path, self.dtype, self.size = column.path, column.dtype, sum(column.groups)
        self._column, self._fill, self._folder = column, fill, folder
        self._starts = [0, *accumulate(column.groups)]
        self._kept: tuple[int, NDArray[Any]] | None = None  # the row group that was looked into last

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Yield the numbers piece by piece."""
        with errors_of(self.path), self._column as column:
            yield from column.pieces(range(len(column.groups)), self._fill, _PIECE)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return the numbers from start to stop.

        Parquet has no way to begin in the middle of a row group: it is decoded whole, and kept for the next call.
        """
        with errors_of(self.path), self._column as column:
            return joined(
                [self._group(column, group)[first:last] for group, first, last in _across(self._starts, start, stop)]
            )

    def _group(self, column: ParquetColumn, group: int) -> NDArray[Any]:
        if self._kept is None or self._kept[0] != group:
            self._kept = None
            if column.groups[group] <= 4 * _PIECE:
                self._kept = group, column.read(group, self._fill)
            else:
                self._kept = group, mapped(column.pieces([group], self._fill, _PIECE), self.dtype, self._folder)
        return self._kept[1]


class LongRow:
    """The numbers of columns, one behind the other.

    Parameters
    ----------
    columns : sequence of Column
    folder : Path, optional
        Where temporary files may be.

    Raises
    ------
    CommandError
        If there are no numbers.
    """

    def __init__(self, columns: Sequence[Column], folder: Path | None) -> None:
        self._columns, self._folder = columns, folder
        self._starts = [0, *accumulate(column.size for column in columns)]
        self.dtype = float_dtype([column.dtype for column in columns])
        self.size = self._starts[-1]
        if not self.size:
            raise CommandError(f"{self}: no categories to draw from")

    def __str__(self) -> str:
        others = len(self._columns) - 1
        return f"{self._columns[0].path}{f' and {others} more' if others else ''}"

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Yield the numbers piece by piece; those of small files are brought together."""
        held: list[NDArray[Any]] = []
        size = 0
        for column in self._columns:
            for piece in column.pieces():
                held.append(as_floats(piece, self.dtype))
                size += piece.size
                if size >= _PIECE // 2:
                    yield joined(held)
                    held, size = [], 0
        if size:
            yield joined(held)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return the numbers from start to stop."""
        parts = (self._columns[number].read(first, last) for number, first, last in _across(self._starts, start, stop))
        return joined([as_floats(part, self.dtype) for part in parts])

    def whole(self, advance: Callable[[int], object]) -> NDArray[Any]:
        """Return all numbers: in memory, or mapped if they are many. `advance` is told how many have been read."""

        def told() -> Iterator[NDArray[Any]]:
            for piece in self.pieces():
                check()
                yield piece
                advance(piece.size)

        if self.size > _IN_MEMORY:
            return mapped(told(), self.dtype, self._folder)
        numbers, at = np.empty(self.size, self.dtype), 0
        for piece in told():
            numbers[at : at + piece.size] = piece
            at += piece.size
        return numbers

    def place(self, index: int) -> tuple[Path, int]:
        """Return the file that holds a number, and its row there."""
        number = bisect_right(self._starts, index) - 1
        return self._columns[number].path, index - self._starts[number]

    def by_file(self, indices: NDArray[np.int64]) -> Iterator[tuple[Path, NDArray[np.int64]]]:
        """Yield the files that hold indices, which rise, and their rows there."""
        ends = np.searchsorted(indices, self._starts)
        for number in np.flatnonzero(np.diff(ends)).tolist():
            yield self._columns[number].path, indices[ends[number] : ends[number + 1]] - self._starts[number]


def _across(starts: Sequence[int], start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Yield the parts, by their number, that numbers from start to stop lie in, and where within each."""
    number = bisect_right(starts, start) - 1
    while start < stop:
        first, end = starts[number : number + 2]
        yield number, start - first, min(stop, end) - first
        start, number = end, number + 1


def joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays side by side."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
