"""A .npy file of logits, read piece by piece, with errors that a user understands. No drawing lives here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._files import FileError
from .._files.npy import NpyFile
from .errors import CommandError


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
            self._file = NpyFile(path)
        shape = self._file.shape
        if not shape:
            raise CommandError(f"{path} holds a single number, not an array of logits")
        if not -len(shape) <= axis < len(shape):
            raise CommandError(f"argument --axis: there is no axis {axis} in an array of shape {shape}")
        self._axis = axis % len(shape)
        if self.categories == 0:
            raise CommandError(f"{path}: no categories in an array of shape {shape}")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the numbers."""
        return self._file.dtype

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape without the categories."""
        return self._file.shape[: self._axis] + self._file.shape[self._axis + 1 :]

    @property
    def categories(self) -> int:
        """The number of categories."""
        return self._file.shape[self._axis]

    @property
    def contiguous(self) -> bool:
        """Whether the categories of a row lie side by side."""
        return self._axis == (0 if self._file.fortran_order else len(self._file.shape) - 1)

    def rows(self, ranges: Sequence[range]) -> NDArray[Any]:
        """Read the rows in a box: a range for each axis of the batch.

        Raises
        ------
        CommandError
            If the file cannot be read or has become too short.
        """
        with _errors_of(self._path):
            box = self._file.read([*ranges[: self._axis], range(self.categories), *ranges[self._axis :]])
        return np.moveaxis(box, self._axis, -1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except FileError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from error
