"""Drawing piece by piece, with the numbers that one call on the whole array would give. No file is written here.

A call takes two words (a, b) from its generator, and the draws from row r depend on a and b + r alone. So rows r0 to r1
of a call are the call on those rows with the words (a, b + r0), and a result does not depend on how it was cut; several
draws from one row are made piece by piece too, and draws without replacement from pieces of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import categorical, gumbel_top_k
from .._rng import SeedPair
from .._sampling import repeated_pieces
from .._selection import Selection, order_of
from .batch import Batch, Block
from .errors import CommandError
from .long_row import LongRow
from .numbers import first_bad, has_nothing
from .signals import check

_CELLS = 1 << 22  # numbers that a block of rows has, at least a row
_DRAWS = 1 << 18  # draws that a piece makes


@dataclass(frozen=True)
class Wish:
    """What is to be drawn from each row."""

    count: int | None  #: draws; None is one without an axis of its own
    replace: bool
    weights: bool  #: whether the numbers are weights, and not logits
    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    words: SeedPair
    workers: int

    @property
    def each(self) -> int:
        """The number of draws from each row."""
        return 1 if self.count is None else self.count

    @property
    def by_pieces(self) -> bool:
        """Whether the draws from one row can be found in pieces of it."""
        return not (self.replace or self._filtered)

    @property
    def _filtered(self) -> bool:
        return any(each is not None for each in (self.top_k, self.top_p, self.min_p))

    def options(self, numbers: NDArray[Any]) -> dict[str, Any]:
        """Return what all calls that draw are given: the numbers under the name of what they are, and the rest."""
        name = "weights" if self.weights else "logits"
        return {name: numbers, "temperature": self.temperature, "workers": self.workers}

    def draw(self, rows: NDArray[Any], done: int) -> Iterator[NDArray[np.int64]]:
        """Yield the draws from rows that `done` others lie before, piece by piece if there are many from one row."""
        words = SeedPair(self.words.key, (self.words.row + done) % 2**64)
        filters: dict[str, Any] = {"top_k": self.top_k, "top_p": self.top_p, "min_p": self.min_p}
        if self.by_pieces:
            yield gumbel_top_k(k=self.each, rng=words, **self.options(rows))
        elif self.replace and self.each > _DRAWS:  # a row that stands alone
            one = self.options(rows.reshape(-1))
            yield from repeated_pieces(self.each, _DRAWS, rng=words, **one, **filters)
        else:
            common = self.options(rows) | filters
            yield np.asarray(categorical(num_samples=self.count, replace=self.replace, rng=words, **common))


def draw_from_batch(batch: Batch, wish: Wish) -> Iterator[NDArray[np.int64]]:
    """Yield the draws from each row: all from a row before those from the next, rows in C order.

    Raises
    ------
    CommandError
        For a row that cannot be drawn from, named by its file and number, and for what cannot be read.
    """
    if prod(batch.shape) == 0 or wish.count == 0:
        return
    done = 0
    for block in batch.blocks(_CELLS, max(1, _DRAWS // wish.each)):
        try:
            yield from wish.draw(block.rows, done)
        except ValueError as error:
            raise CommandError(_refusal_of_block(block, wish, error)) from error
        done += prod(block.rows.shape[:-1])


def _refusal_of_block(block: Block, wish: Wish, error: ValueError) -> str:
    row = getattr(error, "row", None)
    if row is None:
        return str(error)
    numbers = block.rows.reshape(-1, block.rows.shape[-1])[row]
    bad = first_bad(numbers, weights=wish.weights)
    if bad is not None:
        what = {"NaN": "a NaN", "negative": "a negative weight"}.get(bad[1], bad[1])
        return f"{block.name_of(row)} holds {what}"
    if has_nothing(numbers, weights=wish.weights):
        return f"{block.name_of(row)} holds nothing but {'0' if wish.weights else '-inf'}"
    return f"{block.name_of(row)} {_why(error)}"


def _why(error: ValueError) -> str:
    """Return what an error says of a row, without the row's name."""
    row = getattr(error, "row", None)
    return str(error) if row is None else str(error).partition(f"row {row} ")[2]


def draw_by_pieces(row: LongRow, wish: Wish, advance: Callable[[int], object]) -> NDArray[np.int64]:
    """Return the draws without replacement from one row, of which a piece at a time is in memory.

    Raises
    ------
    CommandError
        For a number that no row may hold, for too few that can be drawn, and for what cannot be read.
    """
    selection = Selection(wish.each, row.size)

    def ask(start: int, numbers: NDArray[Any], wanted: int) -> None:
        check()
        try:
            index, value = gumbel_top_k(
                k=wanted,
                allow_fewer=True,
                rng=wish.words,
                offset=(0, start),
                floor=selection.floor,
                return_value=True,
                **wish.options(numbers),
            )
        except ValueError as error:
            raise CommandError(_refusal_of_numbers(row, start, numbers, wish) or str(error)) from error
        few = int(np.count_nonzero(index >= 0))
        index, value = index[:few], value[:few]
        selection.add(start, start + numbers.size, index + start, value, order_of(numbers, index, value))

    at = 0
    for numbers in _ahead(row.pieces(), wish.workers):
        ask(at, numbers, selection.wanted(numbers.size))
        advance(numbers.size)
        at += numbers.size
    for start, stop in selection.again():
        ask(start, row.read(start, stop), min(wish.each, stop - start))
    index, _ = selection.result()
    if index.size < wish.each:
        raise CommandError(f"argument -k: {wish.each} draws without replacement, and {index.size} can be drawn")
    return index


def _ahead(pieces: Iterable[NDArray[Any]], workers: int) -> Iterator[NDArray[Any]]:
    """Yield the pieces; with workers to share, another thread reads the next while one is drawn from."""
    if workers == 1:
        yield from pieces
        return
    iterator = iter(pieces)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, iterator, None)
        while (piece := coming.result()) is not None:
            coming = pool.submit(next, iterator, None)
            yield piece


def refusal_of_row(row: LongRow, wish: Wish, error: ValueError) -> str:
    """Return what is wrong with a row that cannot be drawn from: its first bad number, by file and row."""
    at, nothing = 0, True
    for numbers in row.pieces():
        found = _refusal_of_numbers(row, at, numbers, wish)
        if found is not None:
            return found
        nothing = nothing and has_nothing(numbers, weights=wish.weights)
        at += numbers.size
    if nothing:
        return f"{row}: nothing but {'weights that are 0' if wish.weights else 'logits that are -inf'}"
    return f"{row} {_why(error)}"


def _refusal_of_numbers(row: LongRow, start: int, numbers: NDArray[Any], wish: Wish) -> str | None:
    bad = first_bad(numbers, weights=wish.weights)
    if bad is None:
        return None
    path, place = row.place(start + bad[0])
    return f"{path}: row {place} has a {'weight' if wish.weights else 'logit'} that is {bad[1]}"
