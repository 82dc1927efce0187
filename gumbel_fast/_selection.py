"""The k greatest of what is found in pieces: shards joined, and one row searched piece by piece.

No piece is read here and no task is run: a row's pieces may be parts of an array (_shards.py), of files (_cli) or
blocks of a Dask array (dask).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arguments import Array, as_k, check_plain
from ._results import widened

_LEAST_ASKED = 64  # draws that each piece is asked for, however few its share would be
_SPARE = 1 << 12  # candidates that may be held beyond twice those wanted

#: Indices in the whole row, their values, and where some of these are infinite what tells those apart (`order_of`).
Found: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64] | None]"


def merge_top_k(
    indices: Sequence[ArrayLike], values: Sequence[ArrayLike], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Join what `gumbel_top_k` drew from shards of rows: the k greatest values of each row.

    Shards of a row, each drawn with the whole row's seed and its own first column as `offset`, join to the bits of one
    call on the whole row, on whatever machines they were drawn. What is joined may be joined again.

    Parameters
    ----------
    indices : sequence of array_like of ints, each of shape (..., m)
        The indices of each shard, counted from the start of the whole row: those that were drawn plus the shard's first
        column. Their last axis is as long as the shard gave indices of each row; -1 stands for none.
    values : sequence of array_like of floats, each of shape (..., m)
        Their values, as `return_value=True` gives them, of the same shapes.
    k : int
        How many to keep of each row.

    Returns
    -------
    index : ndarray of int64
        Of shape batch + (k,), in falling order of value; of equals the lower index comes first. Filled with -1 where
        the shards have fewer than k.
    value : ndarray of float64
        Of the same shape, and -inf there.

    Raises
    ------
    ValueError
        A negative k; not as many values as indices; shapes that do not fit; a value that is NaN; no shards.
    TypeError
        Indices that are not ints, or values that are not real numbers.

    Notes
    -----
    Infinite values, which ``logits / temperature`` has where it is beyond the largest double, are ordered by index
    alone; one call on the whole row orders them by the logits.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> row = np.zeros(1000)
    >>> left = gumbel_fast.gumbel_top_k(row[:300], 5, rng=7, return_value=True)
    >>> right = gumbel_fast.gumbel_top_k(row[300:], 5, rng=7, return_value=True, offset=(0, 300))
    >>> index, value = gumbel_fast.merge_top_k([left[0], right[0] + 300], [left[1], right[1]], 5)
    >>> bool((index == gumbel_fast.gumbel_top_k(row, 5, rng=7)).all())
    True
    """
    wanted = as_k(k)
    index, value = _side_by_side("indices", indices), _side_by_side("values", values)
    if index.dtype.kind not in "iu" and index.size:
        raise TypeError(f"indices must be ints, not an array of dtype {index.dtype}")
    if value.dtype.kind not in "fiu":
        raise TypeError(f"values must be real numbers, not an array of dtype {value.dtype}")
    if index.shape != value.shape:
        raise ValueError(f"indices of shape {index.shape} and values of shape {value.shape} do not fit")
    if np.isnan(value).any():
        raise ValueError("values have NaN")
    there = np.where(index < 0, -np.inf, value).astype(np.float64, copy=False)
    found = greatest([(index.astype(np.int64, copy=False), there, None)], wanted)
    return widened(found[0], wanted, -1), widened(found[1], wanted, -np.inf)


def _side_by_side(name: str, shards: Sequence[ArrayLike]) -> Array:
    check_plain(name, shards)
    if isinstance(shards, np.ndarray) and shards.ndim == 1:
        return shards
    arrays = [np.atleast_1d(np.asarray(shard)) for shard in shards]
    if not arrays:
        raise ValueError(f"{name}: there are no shards")
    try:
        return np.concatenate(arrays, axis=-1)
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"{name}: shards of the shapes {shapes} are not of one batch") from None


def order_of(x: Array, index: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return what tells infinite values apart: the logits or weights at the indices; None where all are finite.

    Rows have their categories along the last axis of `x`, and -1 stands for none.
    """
    infinite = np.isinf(value) & (index >= 0)
    if not infinite.any():
        return None
    return np.where(infinite, np.take_along_axis(x, np.maximum(index, 0), -1).astype(np.float64), 0.0)


def greatest(found: Sequence[Found], k: int) -> Found:
    """Return the k greatest of each row in falling order, fewer where there are no more; of equals, the lower index.

    What was found in several pieces lies along the last axis of each.
    """
    orders = _orders_of(found)
    value = np.concatenate([values for _, values, _ in found], axis=-1)
    index = np.concatenate([indices for indices, _, _ in found], axis=-1)
    if value.ndim == 1 and orders is None:  # many at a time: only equals are sorted by index
        falling = np.argsort(value)[::-1]
        ranked = value[falling]
        equal = np.flatnonzero(ranked[1:] == ranked[:-1])
        if equal.size:
            places = np.union1d(equal, equal + 1)
            tied = falling[places]
            falling[places] = tied[np.lexsort((index[tied], index[tied] < 0, -ranked[places]))]
        return index[falling[:k]], ranked[:k], None
    keys = (index, index < 0, -value) if orders is None else (index, -orders, index < 0, -value)
    by_rank = np.lexsort(keys)[..., :k]
    ordered = None if orders is None else np.take_along_axis(orders, by_rank, -1)
    return np.take_along_axis(index, by_rank, -1), np.take_along_axis(value, by_rank, -1), ordered


def _orders_of(found: Sequence[Found]) -> NDArray[np.float64] | None:
    """Return what tells infinite values apart of all pieces, None where all are finite."""
    if all(order is None for _, _, order in found):
        return None
    return np.concatenate([np.zeros(index.shape) if order is None else order for index, _, order in found], axis=-1)


class Selection:
    """The k greatest of one row, found piece by piece, exactly and with about k candidates in memory.

    Each piece is asked at first for `wanted` of its greatest, its share and a margin, above `floor`. One that has given
    all it was asked for may have more; where that matters, `again` names it. Right code asks again without need once in
    10^8 pieces or so of a row in random order.

    Parameters
    ----------
    k : int
        How many are wanted of all.
    columns : int
        Of the whole row.
    floor : float
        Only values above it count.
    """

    def __init__(self, k: int, columns: int, floor: float = -np.inf) -> None:
        self._k = k
        self._columns = columns
        self._floor = floor
        self._least, self._last_of_least = -np.inf, -1  # the k-th greatest, and the last index that has it
        self._found: list[Found] = [(np.empty(0, np.int64), np.empty(0), None)]
        self._held = 0
        self._last: dict[tuple[int, int], float] = {}  # of pieces that may have more, the least value they gave

    @property
    def floor(self) -> float:
        """What is not above it cannot be among the k greatest: the `floor` of `gumbel_top_k`. It rises."""
        return self._floor

    def wanted(self, size: int) -> int:
        """Return how many a piece of so many columns is asked for at first: seldom fewer than it has of the k."""
        expected = self._k * size / max(self._columns, 1)
        return min(size, self._k, max(ceil(expected + 6 * sqrt(expected)), _LEAST_ASKED))

    def add(
        self,
        start: int,
        stop: int,
        index: NDArray[np.int64],
        value: NDArray[np.float64],
        order: NDArray[np.float64] | None = None,
    ) -> None:
        """Take the answer of the piece of columns start to stop, in falling order; indices count in the whole row."""
        piece = start, stop
        asked_again = self._last.pop(piece, None) is not None
        if not asked_again and index.size == self.wanted(stop - start) < min(self._k, stop - start):
            self._last[piece] = float(value[-1])
        self._found.append((index, value, order))
        self._held += index.size
        if self._held > 2 * self._k + _SPARE:
            self._raise_floor()

    def again(self) -> Iterator[tuple[int, int]]:
        """Yield pieces that must be asked again, for as many as they have above `floor`, at most k.

        Each must be added before the next is asked for. The most promising come first, so that the floor rises soon.
        """
        self._raise_floor()
        for piece, last in sorted(self._last.items(), key=lambda item: -item[1]):
            if self._may_matter(piece[0], last):
                self._forget(*piece)
                yield piece
                self._raise_floor()

    def result(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the k greatest in falling order, or as many as there are."""
        return greatest(self._found, self._k)[:2]

    def _raise_floor(self) -> None:
        """Raise the floor to just below the k-th greatest, and drop what is below where that is much."""
        if not self._held >= self._k > 0:
            return
        values = np.concatenate([value for _, value, _ in self._found])
        values.partition(self._held - self._k)
        least = float(values[self._held - self._k])
        kept = [value >= least for _, value, _ in self._found]
        surplus = int(sum(map(np.count_nonzero, kept))) - self._k
        if surplus and np.isinf(least):
            self._found = [greatest(self._found, self._k)]
            self._held = self._k
        elif surplus:  # of equals, the first are kept
            equal = np.concatenate([index[value == least] for index, value, _ in self._found])
            last = np.partition(equal, equal.size - surplus - 1)[equal.size - surplus - 1]
            self._keep([(value > least) | ((value == least) & (index <= last)) for index, value, _ in self._found])
        elif self._held > 1.5 * self._k:  # for a few it is not worth a copy
            self._keep(kept)
        self._floor = max(self._floor, float(np.nextafter(least, -np.inf)))
        self._least = least
        self._last_of_least = max(int(index[value == least].max(initial=-1)) for index, value, _ in self._found)

    def _may_matter(self, start: int, last: float) -> bool:
        """Whether what a piece has not given, nothing of it above `last`, may be among the k greatest."""
        if last == self._least and np.isfinite(last):
            return start < self._last_of_least
        return last > self._floor or self._floor == -np.inf

    def _forget(self, start: int, stop: int) -> None:
        """Drop what a piece gave before it is asked again, which gives that again."""
        self._keep([(index < start) | (index >= stop) for index, _, _ in self._found])

    def _keep(self, kept: list[NDArray[np.bool_]]) -> None:
        self._found = [
            (index[some], value[some], None if order is None else order[some])
            for (index, value, order), some in zip(self._found, kept, strict=True)
        ]
        self._held = sum(index.size for index, _, _ in self._found)
