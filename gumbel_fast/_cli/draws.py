"""Drawing piece by piece, with the numbers that one whole call would give. No file is read or written here.

A call of `categorical` takes two words (a, b) from its generator, and row r depends on a and b + r alone. So rows r0 to
r1 of a call are the call on those rows with the words (a, b + r0), and a result does not depend on how it was cut.
Draw j of n from row r counts as row n * r + j: the whole is the call on each row repeated n times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import categorical
from .._rng import SeedPair, draw_seed

_CELLS = 1 << 22  # logits a piece reads, at least a row
_DRAWS = 1 << 16  # draws a piece makes, at most


def draw(logits: NDArray[Any], *, count: int, temperature: float, seed: int | None) -> Iterator[NDArray[np.int64]]:
    """Draw `count` indices from each row of `logits`, the last axis being the categories, of which there are some.

    Yields
    ------
    ndarray of shape (draws,), int64
        The next indices, all draws from a row before those from the next, rows in C order. No piece goes past the
        end of a row but where `count` is 1.

    Raises
    ------
    TypeError, ValueError
        For what `categorical` refuses; a row is named by its place in the whole array.
    """
    first, second = draw_seed(np.random.SeedSequence(seed))
    batch, categories = logits.shape[:-1], logits.shape[-1]
    rows = math.prod(batch)

    def call(block: NDArray[Any], first_row: int, number: int) -> NDArray[np.int64]:
        try:
            drawn: NDArray[np.int64] = categorical(
                block, temperature=temperature, rng=SeedPair(first, (second + number) % 2**64)
            )
        except ValueError as error:
            raise ValueError(_explain(block, first_row, batch) or str(error)) from error
        return drawn

    if rows == 0 or count == 0:
        call(_rows(logits, 0, 0), 0, 0)  # draws nothing, and refuses what is to be refused
    elif count == 1:
        step = max(1, min(_CELLS // max(1, categories), _DRAWS))
        for start in range(0, rows, step):
            yield call(_rows(logits, start, min(start + step, rows)), start, start)
    else:
        step = max(1, min(16 * _CELLS // max(1, categories), _DRAWS))  # a row stays in the cache
        for row in range(rows):
            (values,) = _rows(logits, row, row + 1)
            for start in range(0, count, step):
                repeated = np.broadcast_to(values, (min(step, count - start), categories))
                yield call(repeated, row, count * row + start)


def _rows(logits: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
    """Return rows `start` to `stop` of the flattened batch, in place if the array is contiguous."""
    if logits.flags.c_contiguous:
        return logits.reshape(-1, logits.shape[-1])[start:stop]
    return logits[np.unravel_index(np.arange(start, stop), logits.shape[:-1])]


def _explain(block: NDArray[Any], first_row: int, batch: tuple[int, ...]) -> str | None:
    """Return what is wrong with the first bad row of a block whose first row is `first_row`; None if nothing is."""
    with np.errstate(invalid="ignore"):
        highest = block.max(axis=-1)  # NaN if there is one
    bad = ~np.isfinite(highest)
    if not bad.any():
        return None  # something else was refused
    at = int(bad.argmax())
    what = "a NaN" if np.isnan(highest[at]) else "+inf" if highest[at] > 0 else "nothing but -inf"
    if not batch:
        return f"the logits hold {what}"
    place = np.unravel_index(first_row if block.strides[0] == 0 else first_row + at, batch)
    return f"row {', '.join(map(str, place))} holds {what}"
