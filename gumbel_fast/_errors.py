"""Errors that name a row or a place of a batch: they carry it, so that a part's can be told as the whole array's.

Those that kernels find are made in _core/request.pyx, in the same form.
"""

from __future__ import annotations

from collections.abc import Callable


def row_error(message: str, row: int) -> ValueError:
    """Return a ValueError whose message names a row, with its number as `row`."""
    error = ValueError(message)
    error.row = row  # type: ignore[attr-defined]
    return error


def place_error(message: str, place: tuple[int, ...]) -> ValueError:
    """Return a ValueError that names a place, which it carries as `place`, or none where there are no axes."""
    where = f" at {place[0] if len(place) == 1 else place}" if place else ""
    error = ValueError(message + where)
    error.place, error.message = place, message  # type: ignore[attr-defined]
    return error


def of_whole(error: ValueError, number: Callable[[int], int], starts: tuple[int, ...]) -> ValueError:
    """Return the error of a part as the whole's, if it names a row or a place, and else as it is.

    `number` gives that of a part's row in the whole; `starts` is where the part begins along each axis of the batch.
    """
    if (row := getattr(error, "row", None)) is not None:
        whole = number(row)
        return row_error(str(error).replace(f"row {row} ", f"row {whole} ", 1), whole)
    place = getattr(error, "place", ())
    if not place:
        return error
    shift = starts + (0,) * (len(place) - len(starts))
    return place_error(error.message, tuple(a + b for a, b in zip(place, shift, strict=True)))  # type: ignore[attr-defined]
