"""Where draws go: lines of text, or a .npy file that appears only when it is whole. Nothing is drawn here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .errors import CommandError


class Output(Protocol):
    """Takes indices, piece after piece."""

    def write(self, indices: NDArray[np.int64]) -> object: ...


class Lines:
    """Prints `per_line` indices a line, separated by spaces. A piece ends where a line does, or before."""

    def __init__(self, stream: TextIO, per_line: int) -> None:
        self._stream = stream
        self._per_line = per_line
        self._printed = 0

    def write(self, indices: NDArray[np.int64]) -> None:
        """Print a piece."""
        words = map(str, indices.tolist())
        if self._per_line == 1:
            self._stream.write("\n".join(words) + "\n")
            return
        self._printed += indices.size
        ends = self._printed % self._per_line == 0
        self._stream.write(" ".join(words) + ("\n" if ends else " "))


@contextmanager
def npy_file(path: Path, shape: tuple[int, ...]) -> Iterator[Output]:
    """Write an int64 .npy file of the given shape, in C order, piece by piece.

    It is written beside its place and moved there when the block ends without an error, so that nobody meets half a
    file. What is no regular file, such as a pipe, is written to directly.

    Raises
    ------
    CommandError
        If it cannot be written.
    """
    target = Path(os.path.realpath(path))
    direct = target.exists() and not target.is_file()
    place = target if direct else target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with place.open("wb" if direct else "xb") as file:
            npy.write_array_header_1_0(file, _header(shape))
            yield _Raw(file)
        if not direct:
            place.replace(target)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from error
    finally:
        if not direct:
            place.unlink(missing_ok=True)


def _header(shape: tuple[int, ...]) -> dict[str, Any]:
    return {"descr": npy.dtype_to_descr(np.dtype(np.int64)), "fortran_order": False, "shape": shape}


class _Raw:
    """Appends the bytes of each piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, indices: NDArray[np.int64]) -> None:
        self._file.write(np.ascontiguousarray(indices, dtype=np.int64).data)
