"""Errors that name a row of a batch: they carry its number, so that a part's can be told as the whole array's.

Those that kernels find are made in _core/request.pyx, in the same form.
"""

from __future__ import annotations


def row_error(message: str, row: int) -> ValueError:
    """Return a ValueError whose message names a row, with its number as `row`."""
    error = ValueError(message)
    error.row = row  # type: ignore[attr-defined]
    return error


def of_whole(error: ValueError, row: int) -> ValueError:
    """Return the error of a part, which carries the row's number there, as that of the whole's row of that number."""
    here = error.row  # type: ignore[attr-defined]
    return row_error(str(error).replace(f"row {here} ", f"row {row} ", 1), row)
