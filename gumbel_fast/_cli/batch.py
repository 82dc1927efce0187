"""Arrays of files as one batch of rows, read in blocks. Nothing is drawn here.

Several files are joined along the first axis that is not that of the categories: rows count on from file to file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._files.npy import NpyFile
from .errors import CommandError, errors_of
from .numbers import as_floats, float_dtype


class Block(NamedTuple):
    """Some rows, the categories last."""

    rows: NDArray[Any]
    file: NpyFile
    first: int  # of its rows, counted in the file
    batch: tuple[int, ...]  # the shape of the file's batch

    def name_of(self, row: int) -> str:
        """Return how a row is named: the file, and the row's number and index there."""
        index = np.unravel_index(self.first + row, self.batch)
        place = f" (index {', '.join(map(str, index))})" if len(index) > 1 else ""
        return f"{self.file.path}: row {self.first + row}{place}"


class Batch:
    """The rows of .npy files with two axes or more, each of which is open while its blocks are read.

    Parameters
    ----------
    files : sequence of NpyFile
    axis : int
        The axis of the categories; the others are the batch.

    Raises
    ------
    CommandError
        If there is no such axis, if there are no categories, or if the arrays do not fit to each other.
    """

    def __init__(self, files: Sequence[NpyFile], axis: int) -> None:
        shape = files[0].shape
        self._files, self._axis = files, axis % len(shape)
        joined = 1 if self._axis == 0 else 0
        for file in files:
            if len(file.shape) != len(shape) or any(
                i != joined and a != b for i, (a, b) in enumerate(zip(file.shape, shape, strict=True))
            ):
                raise CommandError(
                    f"{files[0].path} and {file.path}: arrays of shapes {shape} and {file.shape} do not fit together"
                )
        self.dtype = float_dtype([file.dtype for file in files])
        self.categories = shape[self._axis]
        if not self.categories:
            raise CommandError(f"{files[0].path}: no categories in an array of shape {shape}")
        length = sum(file.shape[joined] for file in files)
        self.shape = self._batch((*shape[:joined], length, *shape[joined + 1 :]))

    def _batch(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[: self._axis] + shape[self._axis + 1 :]

    def blocks(self, cells: int, most: int) -> Iterator[Block]:
        """Yield the rows in order, in blocks of at most so many rows and, but for one row, so many numbers.

        Rows whose numbers do not lie side by side in the file are read four times as many at once.
        """
        for file in self._files:
            batch, first = self._batch(file.shape), 0
            contiguous = self._axis == (0 if file.fortran_order else len(file.shape) - 1)
            some = (cells if contiguous else 4 * cells) // self.categories
            if not prod(batch):
                continue
            with errors_of(file.path), file:
                for ranges in cut(batch, max(1, min(some, most))):
                    box = file.read([*ranges[: self._axis], range(self.categories), *ranges[self._axis :]])
                    rows = as_floats(np.moveaxis(box, self._axis, -1), self.dtype)
                    yield Block(rows, file, first, batch)
                    first += prod(rows.shape[:-1])


def cut(batch: Sequence[int], most: int) -> Iterator[list[range]]:
    """Cut a batch into boxes of at most `most` rows, in C order: a range for each of its axes."""
    inner, axis = 1, len(batch)  # the axes from `axis` on are whole in each box
    while axis and inner * batch[axis - 1] <= most:
        axis -= 1
        inner *= batch[axis]
    whole = [range(length) for length in batch[axis:]]
    if axis == 0:
        yield whole
        return
    step = most // inner
    for outer in np.ndindex(*batch[: axis - 1]):
        for start in range(0, batch[axis - 1], step):
            stop = min(start + step, batch[axis - 1])
            yield [*(range(place, place + 1) for place in outer), range(start, stop), *whole]
