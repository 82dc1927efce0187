"""The files to draw from, as one long row or as a batch of rows. How those are read stands with them."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from .._files import FileError
from .._files.npy import NpyFile
from .._files.parquet import MAGIC, ParquetColumn, ParquetValues
from .batch import Batch
from .errors import CommandError, errors_of
from .ids import Ids
from .long_row import Column, LongRow, NpyColumn, TableColumn


def found(
    paths: Sequence[Path], *, column: str | None, id_column: str | None, axis: int, null: float, folder: Path | None
) -> tuple[LongRow | Batch, Ids | None]:
    """Return what files hold: .npy files of one axis and Parquet files as one long row. None of them stays open.

    Parameters
    ----------
    paths : sequence of Path
    column, id_column : str, optional
        Of Parquet files: that of the numbers, and that of ids.
    axis : int
        Of the categories, in .npy files.
    null : float
        What a null of a Parquet file counts as.
    folder : Path, optional
        Where temporary files may be.

    Raises
    ------
    CommandError
        For whatever is wrong with a file, if they do not go together, or if an option is for other files.
    """
    arrays: list[NpyFile] = []
    columns: list[Column] = []
    values: list[ParquetValues] = []
    for path in paths:
        with errors_of(path):
            if _is_parquet(path):
                with ParquetColumn(path, column) as table:
                    columns.append(TableColumn(table, null, folder))
                if id_column is not None:
                    with ParquetValues(path, id_column) as ids:
                        values.append(ids)
                continue
            with NpyFile(path) as array:
                pass
        if id_column is not None:
            raise CommandError(f"argument --id: {path} is not a Parquet file, and has no columns")
        if not array.shape:
            raise CommandError(f"{path} holds a single number, not an array")
        if len(array.shape) == 1:
            columns.append(NpyColumn(array))
        else:
            arrays.append(array)
    if column is not None and not any(isinstance(each, TableColumn) for each in columns):
        raise CommandError(f"argument --column: {paths[0]} is not a Parquet file, and has no columns")
    if arrays and columns:
        raise CommandError(
            f"{arrays[0].path} is an array of shape {arrays[0].shape}, and {columns[0].path} is one row: "
            "they do not fit together"
        )
    axes = len(arrays[0].shape) if arrays else 1
    if not -axes <= axis < axes:
        where = f"an array of shape {arrays[0].shape}" if arrays else f"{columns[0].path}, which is one row"
        raise CommandError(f"argument --axis: there is no axis {axis} in {where}")
    if arrays:
        return Batch(arrays, axis), None
    row = LongRow(columns, folder)
    return row, Ids(values, row) if values else None


def _is_parquet(path: Path) -> bool:
    if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would wait for who writes to it
        raise FileError(f"{path} is not a regular file")
    with path.open("rb", buffering=0) as file:
        return file.read(len(MAGIC)) == MAGIC
