"""Where draws go: lines of text, or a .npy or Parquet file that appears only when it is whole. Nothing is drawn."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TextIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .._files.parquet import as_numpy, import_parquet
from .errors import errors_of
from .escapes import escaped

if TYPE_CHECKING:
    import pyarrow

#: Names of what this process has open already, such as a pipe that a shell made for it.
_DESCRIPTORS = re.compile(r"/dev/(?:fd/(\d+)|(stdout)|(stderr))|/proc/self/fd/(\d+)")


class Output(Protocol):
    """Takes indices, piece after piece, and the ids that stand for them if there are such."""

    def write(self, indices: NDArray[np.int64], ids: pyarrow.ChunkedArray | None = None) -> object: ...


class Lines:
    """Prints `per_line` indices a line, separated by spaces. A piece is whole lines, or ends where one does or before.

    Ids, in which there may be spaces, have a line each; in strings control characters and backslashes are escaped.

    Raises
    ------
    CommandError
        If it cannot be written; but a reader that has gone is BrokenPipeError.
    """

    def __init__(self, stream: TextIO, per_line: int) -> None:
        self._stream = stream
        self._per_line = per_line
        self._printed = 0  # of the present line

    def write(self, indices: NDArray[np.int64], ids: pyarrow.ChunkedArray | None = None) -> None:
        """Print a piece."""
        with errors_of("standard output"):
            if ids is not None:
                self._write_lines([_as_line(each) for each in ids.to_pylist()])
            elif self._printed or indices.size < self._per_line:
                self._printed = (self._printed + indices.size) % self._per_line
                self._stream.write(" ".join(map(str, indices.reshape(-1).tolist())) + (" " if self._printed else "\n"))
            elif self._per_line == 1:
                self._write_lines(indices.reshape(-1).tolist())
            else:
                for line in indices.reshape(-1, self._per_line).tolist():
                    self._stream.write(" ".join(map(str, line)) + "\n")

    def _write_lines(self, lines: Sequence[object]) -> None:
        if lines:
            self._stream.write("\n".join(map(str, lines)) + "\n")


def _as_line(value: object) -> str:
    return escaped(value.replace("\\", r"\\")) if isinstance(value, str) else str(value)


@contextmanager
def npy_file(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[Output]:
    """Write a .npy file of the given shape, in C order, piece by piece: of indices, or of ids of that dtype.

    It appears as `_whole_file` says.

    Raises
    ------
    CommandError
        If it cannot be written; but a reader that has gone is BrokenPipeError.
    """
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with _whole_file(path) as file:
        with errors_of(path):
            npy.write_array_header_1_0(file, header)
        yield _Raw(file, path, dtype)


class _Raw:
    """Appends the bytes of each piece."""

    def __init__(self, file: BinaryIO, path: Path, dtype: np.dtype[Any]) -> None:
        self._file, self._path, self._dtype = file, path, dtype

    def write(self, indices: NDArray[np.int64], ids: pyarrow.ChunkedArray | None = None) -> None:
        parts = [indices] if ids is None else [as_numpy(chunk, self._dtype) for chunk in ids.chunks]
        with errors_of(self._path):
            for part in parts:
                self._file.write(np.ascontiguousarray(part, dtype=self._dtype).data)


@contextmanager
def parquet_file(path: Path, id_column: pyarrow.Field | None, per_row: int | None) -> Iterator[Output]:
    """Write a Parquet file piece by piece: a column `index`, and one of ids if there is a field for it.

    `per_row` is how many draws a row of a batch has, whose number is then a first column `row`. The file appears as
    `_whole_file` says.

    Raises
    ------
    CommandError
        If it cannot be written; but a reader that has gone is BrokenPipeError.
    """
    with errors_of(path):
        parquet = import_parquet(path)
    import pyarrow

    fields = [] if per_row is None else [pyarrow.field("row", pyarrow.int64(), nullable=False)]
    fields.append(pyarrow.field("index", pyarrow.int64(), nullable=False))
    schema = pyarrow.schema(fields if id_column is None else [*fields, id_column])
    with _whole_file(path) as file:
        writer = None
        try:
            with errors_of(path):
                writer = parquet.ParquetWriter(pyarrow.PythonFile(file, mode="w"), schema)
            yield _Table(writer, schema, path, per_row)
            with errors_of(path):
                writer.close()
        finally:
            if writer is not None:
                writer.is_open = False  # what has failed is not to be closed when it is collected


class _Table:
    """Appends a row group for each piece."""

    def __init__(self, writer: Any, schema: pyarrow.Schema, path: Path, per_row: int | None) -> None:
        self._writer, self._schema, self._path, self._per_row = writer, schema, path, per_row
        self._done = 0

    def write(self, indices: NDArray[np.int64], ids: pyarrow.ChunkedArray | None = None) -> None:
        import pyarrow

        columns: list[Any] = [np.ascontiguousarray(indices).reshape(-1)]
        if self._per_row is not None:
            columns.insert(0, np.arange(self._done, self._done + indices.size) // self._per_row)
        if ids is not None:
            columns.append(ids)
        self._done += indices.size
        if indices.size:
            with errors_of(self._path):
                self._writer.write_table(pyarrow.table(columns, schema=self._schema))


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is written beside its place and moved there when the block ends without an error.

    So nobody meets half a file; it has the permissions of the file that it replaces. What is no regular file, such as a
    pipe, or is open already, such as /dev/stdout, is written to directly.
    """
    with errors_of(path):
        descriptor, replaced = _descriptor(path), _status(path)
    target = path if descriptor is not None else Path(os.path.realpath(path))
    direct = descriptor is not None or (replaced is not None and not stat.S_ISREG(replaced.st_mode))
    part = target.parent / f".gumbel_fast-{token_hex(8)}.part"  # known before it is there: a signal can come between
    file: BinaryIO | None = None
    try:
        with errors_of(path):
            if descriptor is not None:
                file = os.fdopen(os.dup(descriptor), "wb")
            elif direct:
                file = path.open("wb")
            else:
                file = open(part, "xb", opener=_private if replaced else None)  # noqa: SIM115  (closed below)
        yield file
        with errors_of(path):
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


def folder_of(path: Path | None) -> Path | None:
    """Return the folder that a file is to be written in; None where nothing is."""
    return None if path is None or is_special(path) else Path(os.path.realpath(path)).parent


def is_special(path: Path) -> bool:
    """Return whether a path names what is no regular file, or what this process has open already.

    Raises
    ------
    CommandError
        If that cannot be found out.
    """
    with errors_of(path):
        there = _status(path)
    named = _DESCRIPTORS.fullmatch(os.path.abspath(path)) is not None
    return named or (there is not None and not stat.S_ISREG(there.st_mode))


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
