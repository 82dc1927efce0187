"""One column of a Parquet file, by row groups or in smaller pieces. pyarrow is imported when a file is opened.

A row group may be the whole file, and its column gigabytes: it is decoded by `iter_batches` with a buffer for the file,
which holds some megabytes where `read_row_group` holds the column twice, and takes no longer. Tried, and no better: a
mapped file (its pages count as the process's memory), `pre_buffer` (reads the column chunk whole), other allocators.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from . import FileError
from .input_file import InputFile

if TYPE_CHECKING:
    import pyarrow

MAGIC = b"PAR1"  #: what a Parquet file begins with
_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}  # Arrow's names and NumPy's
_BUFFER = 1 << 20  # bytes of the file that are read at once
_PIECE = 1 << 16  # rows that are decoded at once where a group is put together from pieces
_WHOLE = 1 << 22  # rows of the largest group that is decoded at once, and given without a copy


class _Column(InputFile):
    """A column of a file, found by its name. The file is open until `close`.

    A context manager that opens the file again if it is closed, and closes it. Threads may share it while it is open.
    Pickled are path and name. The file's footer is read once.
    """

    def __init__(self, path: str | os.PathLike[str], column: str | None) -> None:
        self.path = Path(path)
        with self.path.open("rb", buffering=0) as file:  # its errors are the system's, and not pyarrow's
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileError(f"{self.path} is not a regular file")
            if file.read(len(MAGIC)) != MAGIC:
                raise FileError(f"{self.path} is not a Parquet file")
        parquet = import_parquet(self.path)
        self._open_first()
        try:
            with _errors_of(self.path):
                self._metadata = parquet.read_metadata(self._file)
                fields = list(self._reader().schema_arrow)
            self.groups = tuple(self._metadata.row_group(i).num_rows for i in range(self._metadata.num_row_groups))
            self.name = self._only_number(fields) if column is None else column
            self.type = self._type(fields)
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        import pyarrow

        with _errors_of(self.path):
            self._file = pyarrow.OSFile(os.fspath(self.path))

    def _reader(self) -> pyarrow.parquet.ParquetFile:
        """Return a reader of the open file: one may not be shared by threads, and to make one takes microseconds."""
        from pyarrow import parquet

        return parquet.ParquetFile(
            self._file,
            metadata=self._metadata,
            buffer_size=_BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,  # of files that have checksums
        )

    def _type(self, fields: list[pyarrow.Field]) -> pyarrow.DataType:
        types = [field.type for field in fields if field.name == self.name]
        if len(types) != 1:
            known = ", ".join(field.name for field in fields)
            count = "no column" if not types else f"{len(types)} columns"
            raise FileError(f"{self.path} has {count} {self.name!r}; its columns are: {known or 'none'}")
        return types[0]

    def _only_number(self, fields: list[pyarrow.Field]) -> str:
        numbers: list[str] = [field.name for field in fields if _is_number(field.type)]
        if len(numbers) == 1:
            return numbers[0]
        if numbers:
            raise FileError(f"{self.path} has several columns of numbers; name one of: {', '.join(numbers)}")
        known = ", ".join(f"{field.name} ({field.type})" for field in fields)
        raise FileError(f"{self.path} has no column of real numbers; its columns are: {known or 'none'}")

    def _batches(self, groups: Sequence[int], most: int) -> Iterator[pyarrow.Array]:
        """Yield the column's values in some row groups, at most so many at once; across groups if these are small."""
        with _errors_of(self.path):
            batches = self._reader().iter_batches(most, row_groups=list(groups), columns=[self.name], use_threads=False)
        while True:
            try:
                with _errors_of(self.path):
                    batch = next(batches, None)
                    values = None if batch is None else batch.column(self.name)
            except FileError:  # of a changed file, whose bytes are not where its footer has them
                self._check_stamp()
                raise
            self._check_stamp()
            if values is None:
                return
            yield values

    def __reduce__(self) -> tuple[type[Self], tuple[Path, str]]:
        return type(self), (self.path.absolute(), self.name)  # another process may stand in another folder


class ParquetColumn(_Column):
    """A column of real numbers: `groups` has the rows of each row group, `read` and `pieces` the numbers.

    float16, float32 and float64 are read as they lie; integers, decimals (to a rounding or two) and booleans become
    float64.

    Parameters
    ----------
    path : str or path-like
    column : str, optional
        The column's name; may be left out where there is one column of real numbers.

    Raises
    ------
    FileError
        If it is no Parquet file, or the column is not there, not named, or of another type.
    ImportError
        If pyarrow is not installed.
    OSError
        If it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], column: str | None = None) -> None:
        super().__init__(path, column)
        if not _is_number(self.type):
            self.close()
            raise FileError(f"{self.path}: column {self.name!r} holds {self.type}, not real numbers")
        self.dtype = numpy_dtype(self.type) if is_float(self.type) else np.dtype(np.float64)

    def read(self, group: int, fill: float) -> NDArray[Any]:
        """Return the numbers of one row group, nulls as `fill`; the array may be read-only.

        Raises
        ------
        FileError, OSError
            If the file cannot be read, is damaged, or was changed since its footer was read.
        """
        rows = self.groups[group]
        if rows <= _WHOLE:
            pieces = list(self.pieces([group], fill, max(rows, 1)))
            return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, self.dtype), *pieces])
        numbers, at = np.empty(rows, self.dtype), 0
        for piece in self.pieces([group], fill, _PIECE):
            numbers[at : at + piece.size] = piece
            at += piece.size
        return numbers

    def pieces(self, groups: Sequence[int], fill: float, most: int) -> Iterator[NDArray[Any]]:
        """Yield the numbers of row groups, at most so many at once, small groups together; otherwise as `read`."""
        return (self._numbers(values, fill) for values in self._batches(groups, most))

    def _numbers(self, values: pyarrow.Array, fill: float) -> NDArray[Any]:
        if not is_float(self.type):
            values = values.cast("float64", safe=False)  # integers above 2**53 are rounded
        return as_numpy(values, self.dtype, fill)


class ParquetValues(_Column):
    """A column of any type, some of whose values are looked up.

    Parameters
    ----------
    path : str or path-like
    column : str

    Raises
    ------
    FileError, ImportError, OSError
        As for `ParquetColumn`.
    """

    def __init__(self, path: str | os.PathLike[str], column: str) -> None:
        super().__init__(path, column)

    def take(self, rows: NDArray[np.int64]) -> pyarrow.ChunkedArray:
        """Return the values of rows of the file, which rise. No row group is read that holds none of them.

        Raises
        ------
        FileError, OSError
            If the file cannot be read, or is damaged.
        """
        import pyarrow

        starts = np.cumsum([0, *self.groups])
        ends = np.searchsorted(rows, starts)
        groups = np.flatnonzero(np.diff(ends))  # that hold some
        places = np.concatenate([[0], np.cumsum(np.diff(starts)[groups])])[:-1]  # where they begin among those read
        within = rows + np.repeat(places - starts[groups], np.diff(ends)[groups])
        found, start = [], 0
        for values in self._batches(groups.tolist(), _PIECE) if groups.size else ():
            first, last = np.searchsorted(within, (start, start + len(values)))
            if first < last:
                found.append(values.take(pyarrow.array(within[first:last] - start)))
            start += len(values)
        return pyarrow.chunked_array(found, self.type)


def import_parquet(path: Path) -> Any:
    """Return the module pyarrow.parquet, or say what to install for such a file: ImportError."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"{path}: Parquet files take pyarrow: pip install 'gumbel_fast[parquet]'") from error
    return parquet


def is_float(type_: pyarrow.DataType) -> bool:
    """Return whether NumPy has such floats."""
    return str(type_) in _FLOATS


def numpy_dtype(type_: pyarrow.DataType) -> np.dtype[Any]:
    """Return NumPy's dtype of integers or floats."""
    name = str(type_)
    return np.dtype(_FLOATS.get(name, name))


def as_numpy(values: pyarrow.Array, dtype: np.dtype[Any], fill: float = 0) -> NDArray[Any]:
    """Return integers or floats of that dtype as an array, nulls as `fill`; it may be read-only.

    Arrow's own way imports pandas: a tenth of a second, or with older releases an error where there is none.
    """
    some = slice(values.offset, values.offset + len(values))
    present, data = values.buffers()
    numbers = np.empty(0, dtype) if data is None else np.frombuffer(data, dtype)[some]
    if values.null_count:
        bits = np.unpackbits(np.frombuffer(present, np.uint8), bitorder="little")[some]
        numbers = np.where(bits, numbers, dtype.type(fill))
    return numbers


def _is_number(type_: pyarrow.DataType) -> bool:
    from pyarrow import types

    return bool(
        types.is_floating(type_) or types.is_integer(type_) or types.is_decimal(type_) or types.is_boolean(type_)
    )


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        raise FileError(f"{path} cannot be read: {str(error).partition(chr(10))[0]}") from error
