"""Drawing piece by piece, with the numbers that one call on the whole array would give. No file is written here.

A call of `categorical` takes two words (a, b) from its generator, and the draws from row r depend on a and b + r alone.
So rows r0 to r1 of a call are the call on those rows with the words (a, b + r0), and a result does not depend on how it
was cut; the draws from one row are made piece by piece too. Held in memory are a piece's logits, a row at least, and
its draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import categorical
from .._rng import SeedPair, draw_seed
from .._sampling import repeated_pieces
from .logits_file import LogitsFile

_CELLS = 1 << 22  # logits that a piece reads, at least a row; four times as many where rows are scattered in the file
_DRAWS = 1 << 18  # draws that a piece makes
_AS_THEY_ARE = [np.dtype(name) for name in ("f2", "f4", "f8")]


def draw(logits: LogitsFile, *, count: int | None, temperature: float, seed: int | None) -> Iterator[NDArray[np.int64]]:
    """Draw from each row what ``categorical(logits, num_samples=count, temperature=temperature, rng=seed)`` does.

    Yields
    ------
    ndarray of int64
        The next indices, all draws from a row before those from the next, rows in C order.

    Raises
    ------
    TypeError, ValueError
        For what `categorical` refuses; a row is named by its number in the whole array.
    """
    first, second = draw_seed(np.random.SeedSequence(seed))
    done = 0  # rows

    def pieces(block: NDArray[Any]) -> Iterator[NDArray[np.int64]]:
        words = SeedPair(first, (second + done) % 2**64)
        if count is not None and count > _DRAWS:  # the block is one row
            yield from repeated_pieces(block.reshape(-1), count, temperature, words, _DRAWS)
        else:
            yield np.asarray(categorical(block, num_samples=count, temperature=temperature, rng=words))

    if prod(logits.batch) == 0 or count == 0:
        categorical(np.empty((0, logits.categories), logits.dtype), temperature=temperature)  # may refuse it
        return
    cells = _CELLS if logits.contiguous else 4 * _CELLS
    for ranges in cut(logits.batch, max(1, min(cells // logits.categories, _DRAWS // (count or 1)))):
        block = logits.rows(ranges)
        if block.dtype not in _AS_THEY_ARE:
            with np.errstate(over="ignore"):
                block = block.astype(np.float64)  # what `categorical` would make of it, and `_explain` is to see
        try:
            yield from pieces(block)
        except ValueError as error:
            raise ValueError(_explain(block, done, logits.batch) or str(error)) from error
        done += prod(block.shape[:-1])


def cut(batch: Sequence[int], most: int) -> Iterator[list[range]]:
    """Cut a batch into boxes of at most `most` rows, in C order: a range for each of its axes."""
    inner, axis = 1, len(batch)  # the axes from `axis` on are whole in each box
    while axis and inner * batch[axis - 1] <= most:
        axis -= 1
        inner *= batch[axis]
    whole = [range(length) for length in batch[axis:]]
    if axis == 0:
        yield whole
        return
    step = most // inner
    for outer in np.ndindex(*batch[: axis - 1]):
        for start in range(0, batch[axis - 1], step):
            stop = min(start + step, batch[axis - 1])
            yield [*(range(place, place + 1) for place in outer), range(start, stop), *whole]


def _explain(block: NDArray[Any], done: int, batch: tuple[int, ...]) -> str | None:
    """Return what is wrong with the first bad row of a block that `done` rows lie before; None if nothing is."""
    with np.errstate(invalid="ignore"):
        highest = block.max(axis=-1).reshape(-1)  # NaN if there is one
    bad = ~np.isfinite(highest)
    if not bad.any():
        return None  # something else was refused
    at = int(bad.argmax())
    what = "a NaN" if np.isnan(highest[at]) else "+inf" if highest[at] > 0 else "nothing but -inf"
    if not batch:
        return f"the logits hold {what}"
    place = np.unravel_index(done + at, batch)
    index = f" (index {', '.join(map(str, place))})" if len(batch) > 1 else ""
    return f"row {done + at}{index} holds {what}"
