"""The ids that stand for indices: values of another column of the Parquet files that are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._files.parquet import ParquetValues, numpy_dtype
from .errors import CommandError, errors_of
from .long_row import LongRow

if TYPE_CHECKING:
    import pyarrow


class Ids:
    """A column of ids, of which those of drawn rows are looked up. No more row groups are read than hold such.

    Parameters
    ----------
    columns : sequence of ParquetValues
        That column of each file.
    row : LongRow
        The row that the files make.

    Raises
    ------
    CommandError
        If the files have ids of different types.
    """

    def __init__(self, columns: Sequence[ParquetValues], row: LongRow) -> None:
        self._row = row
        self._columns: dict[Path, ParquetValues] = {column.path: column for column in columns}
        first = columns[0]
        for column in columns:
            if column.type != first.type:
                raise CommandError(
                    f"column {first.name!r} holds {first.type} in {first.path} and {column.type} in {column.path}"
                )
        self.name, self.type = first.name, first.type

    @property
    def field(self) -> pyarrow.Field:
        """The column as Parquet has it."""
        import pyarrow

        return pyarrow.field(self.name, self.type)

    def dtype(self, out: Path) -> np.dtype[Any]:
        """Return the dtype that ids have in a .npy file.

        Raises
        ------
        CommandError
            If they are not numbers.
        """
        from pyarrow import types

        if types.is_integer(self.type) or types.is_floating(self.type):
            return numpy_dtype(self.type)
        raise CommandError(
            f"argument -o: {out}: column {self.name!r} holds {self.type}, which a .npy file of ids cannot; write "
            "a .parquet file, or lines"
        )

    def of(self, indices: NDArray[np.int64], *, null: bool) -> pyarrow.ChunkedArray:
        """Return the ids of indices.

        Raises
        ------
        CommandError
            If a file cannot be read, or where `null` is not allowed and a drawn row has no id.
        """
        import pyarrow

        rows, place = np.unique(indices.reshape(-1), return_inverse=True)
        parts = []
        for path, within in self._row.by_file(rows):
            with errors_of(path), self._columns[path] as column:
                parts += column.take(within).chunks
        found = pyarrow.chunked_array(parts, self.type)
        if found.null_count and not null:
            first = found.is_null().index(True).as_py()
            path, at = self._row.place(int(rows[first]))
            raise CommandError(f"{path}: row {at} was drawn and has no {self.name!r}")
        return found.take(pyarrow.array(place.reshape(-1)))
