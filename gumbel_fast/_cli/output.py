"""Where draws go: lines of text, or a .npy file that appears only when it is whole. Nothing is drawn here."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, Protocol, TextIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .errors import CommandError

#: Names of what this process has open already, such as a pipe that a shell made for it.
_DESCRIPTORS = re.compile(r"/dev/(?:fd/(\d+)|(stdout)|(stderr))|/proc/self/fd/(\d+)")


class Output(Protocol):
    """Takes indices, piece after piece."""

    def write(self, indices: NDArray[np.int64]) -> object: ...


class Lines:
    """Prints `per_line` indices a line, separated by spaces. A piece is whole lines, or ends where one does or before.

    Raises
    ------
    CommandError
        If it cannot be written; but a reader that has gone is BrokenPipeError.
    """

    def __init__(self, stream: TextIO, per_line: int) -> None:
        self._stream = stream
        self._per_line = per_line
        self._printed = 0  # of the present line

    def write(self, indices: NDArray[np.int64]) -> None:
        """Print a piece."""
        with _errors_of("standard output"):
            if self._printed or indices.size < self._per_line:
                self._printed = (self._printed + indices.size) % self._per_line
                self._stream.write(" ".join(map(str, indices.reshape(-1).tolist())) + (" " if self._printed else "\n"))
            elif self._per_line == 1:
                self._stream.write("\n".join(map(str, indices.reshape(-1).tolist())) + "\n")
            else:
                for line in indices.reshape(-1, self._per_line).tolist():
                    self._stream.write(" ".join(map(str, line)) + "\n")


@contextmanager
def npy_file(path: Path, shape: tuple[int, ...]) -> Iterator[Output]:
    """Write an int64 .npy file of the given shape, in C order, piece by piece.

    It is written beside its place and moved there when the block ends without an error, so that nobody meets half a
    file; it has the permissions of the file that it replaces. What is no regular file, such as a pipe, or is open
    already, such as /dev/stdout, is written to directly.

    Raises
    ------
    CommandError
        If it cannot be written; but a reader that has gone is BrokenPipeError.
    """
    with _errors_of(path):
        descriptor, replaced = _descriptor(path), _status(path)
    target = path if descriptor is not None else Path(os.path.realpath(path))
    direct = descriptor is not None or (replaced is not None and not stat.S_ISREG(replaced.st_mode))
    part = target.parent / f".gumbel_fast-{token_hex(8)}.part"  # known before it is there: a signal can come between
    file: BinaryIO | None = None
    try:
        with _errors_of(path):
            if descriptor is not None:
                file = os.fdopen(os.dup(descriptor), "wb")
            elif direct:
                file = path.open("wb")
            else:
                file = open(part, "xb", opener=_private if replaced else None)  # noqa: SIM115  (closed below)
            npy.write_array_header_1_0(file, _header(shape))
        yield _Raw(file, path)
        with _errors_of(path):
            file.close()
            if not direct:
                if replaced is not None:
                    part.chmod(stat.S_IMODE(replaced.st_mode))
                part.replace(target)
    finally:
        with suppress(OSError):  # what there is to say of it was said
            if file is not None:
                file.close()
        if not direct:
            with suppress(OSError):
                part.unlink()


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file that is there."""
    with suppress(OSError):
        return path.samefile(other)
    return False


def _descriptor(path: Path) -> int | None:
    """Return the number of what a path such as /dev/stdout names among what this process has open."""
    found = _DESCRIPTORS.fullmatch(os.path.abspath(path))
    if found is None or not path.exists():
        return None
    return 1 if found[2] else 2 if found[3] else int(found[1] or found[4])


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _private(path: str, flags: int) -> int:
    """Open a file that nobody else can, until it has the permissions of the one that it replaces."""
    return os.open(path, flags, 0o600)


@contextmanager
def _errors_of(name: object) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror or error}") from error


def _header(shape: tuple[int, ...]) -> dict[str, Any]:
    return {"descr": npy.dtype_to_descr(np.dtype(np.int64)), "fortran_order": False, "shape": shape}


class _Raw:
    """Appends the bytes of each piece."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path

    def write(self, indices: NDArray[np.int64]) -> None:
        with _errors_of(self._path):
            self._file.write(np.ascontiguousarray(indices, dtype=np.int64).data)
