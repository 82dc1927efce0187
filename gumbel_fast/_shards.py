"""One long row shared among threads: pieces of its columns, each drawn from apart, and what their draws come to.

Which noise an element has depends on its column alone, so that the pieces together give what the whole row gives. How
many rows are cut so is decided here; a call of many short rows is cut into rows (_request.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import Request
from ._methods import Method
from ._threads import LEAST, PIECE, run

_SHARD = 64  # columns: pieces of a row begin at a word of a packed mask
_SHARES = 2  # pieces for each thread of a row searched for its k greatest; each costs 150 us, for its sample
_LEAST_ASKED = 64  # draws that each piece is asked for, however few its share would be


def shared_rows(request: Request, method: Method, draws: int, threads: int) -> Sequence[int]:
    """Return the rows to cut by columns: those that take longer than a piece may, or more than a thread's part."""
    if request.offsets is None:
        cost = method.cost(request.columns, draws)
        return range(request.count) if cost > PIECE or (request.count < threads and cost > LEAST) else ()
    offsets = request.offsets
    if request.columns * method.category <= 2 * LEAST:
        return ()
    part = (int(offsets[-1]) - int(offsets[0])) * method.category / (2 * threads)
    limit = PIECE if threads == 1 else min(PIECE, max(2 * LEAST, part))
    return [int(r) for r in np.flatnonzero(np.diff(offsets) * method.category > limit)]


def _columns_of(request: Request, r: int) -> int:
    return request.columns if request.offsets is None else int(request.offsets[r + 1] - request.offsets[r])


def greatest_of_shards(
    request: Request,
    method: Method,
    r: int,
    index: NDArray[np.int64],
    value: NDArray[np.float64] | None,
    threads: int,
) -> None:
    """Draw from one row by Gumbel-max."""
    greatest: list[tuple[float, int]] = []  # values, and indices below 0, so that the first of equals is the greatest
    refused: list[int] = []
    columns = _columns_of(request, r)

    def draw_shard(first: int, last: int) -> None:
        start, stop = first * _SHARD, min(last * _SHARD, columns)
        best, number = np.empty(()), np.empty((), np.int64)
        found = _core.try_draw(request.shard(r, start, stop).into(number, best), int(method.kernel))
        if found is None:
            greatest.append((float(best), -start - int(number)))
        else:
            refused.append(found)

    run(draw_shard, ceil(columns / _SHARD), _SHARD * method.category, threads)
    if any(refused) or not (greatest or request.allow_fewer):
        _core.refuse(request, r, min(refused))
    if not greatest:
        index.reshape(-1)[r] = -1
        if value is not None:
            value.reshape(-1)[r] = -np.inf
        return
    best, minus_index = max(greatest)
    if np.isinf(best):  # logits tell infinite values apart, which shards do not bring along
        _core.draw(request.into(index, value), method.kernel, r, r + 1)
        return
    index.reshape(-1)[r] = -minus_index
    if value is not None:
        value.reshape(-1)[r] = best


def greatest_k_of_shards(
    request: Request,
    method: Method,
    r: int,
    index: NDArray[np.int64],
    value: NDArray[np.float64] | None,
    threads: int,
) -> None:
    """Draw from one row the k greatest.

    Each piece gives its share of them and a margin. One that has given all it was asked for, none of it below the k-th
    of all, may have more: it is asked again, for whatever is not below that.
    """
    columns, k = _columns_of(request, r), index.shape[-1]
    pieces = min(_SHARES * threads, ceil(columns / _SHARD))
    cuts = [min(ceil(columns / _SHARD) * i // pieces * _SHARD, columns) for i in range(pieces + 1)]
    floor = -np.inf if request.floor is None else float(request.floor[r if request.floor.size > 1 else 0])
    asked = [_share(k, cuts[i + 1] - cuts[i], columns) for i in range(pieces)]
    found = [(np.empty(0, np.int64), np.empty(0))] * pieces
    refused: list[int] = []

    def search(these: Iterable[int], above: float) -> None:
        for i in these:
            places, best = np.empty(asked[i], np.int64), np.empty(asked[i])
            shard = request.shard(r, cuts[i], cuts[i + 1], allow_fewer=True, floor=above)
            why = _core.try_draw(shard.into(places, best), int(method.kernel))
            if why is not None:
                refused.append(why)
                return
            few = int(np.count_nonzero(places >= 0))
            found[i] = places[:few] + cuts[i], best[:few]

    cost = method.cost(columns // pieces, k // pieces)
    run(lambda a, b: search(range(a, b), floor), pieces, cost, threads)
    values = np.concatenate([best for _, best in found])
    least = float(np.partition(values, values.size - k)[values.size - k]) if values.size >= k else -np.inf
    most = [min(k, cuts[i + 1] - cuts[i]) for i in range(pieces)]
    again = [i for i in range(pieces) if found[i][1].size == asked[i] < most[i] and found[i][1][-1] >= least]
    for i in again:
        asked[i] = most[i]
    above = max(floor, float(np.nextafter(least, -np.inf)))
    run(lambda a, b: search(again[a:b], above), len(again), cost, threads)
    values = np.concatenate([best for _, best in found])
    if refused:
        _core.refuse(request, r, max(refused))
    if values.size < k and not request.allow_fewer:
        _core.refuse(request, r, values.size, k)
    order = np.argsort(-values, kind="stable")[:k]  # of equals the first column comes first
    if np.isinf(values[order]).any():  # as above
        _core.draw(request.into(index, value), method.kernel, r, r + 1)
        return
    row = index.reshape(-1, k)[r]
    row[: order.size], row[order.size :] = np.concatenate([places for places, _ in found])[order], -1
    if value is not None:
        best = value.reshape(-1, k)[r]
        best[: order.size], best[order.size :] = values[order], -np.inf


def _share(k: int, size: int, columns: int) -> int:
    """Return how many of the k greatest of a row a piece of it is asked for: seldom fewer than it has."""
    expected = k * size / columns
    return min(size, k, max(ceil(expected + 6 * sqrt(expected)), _LEAST_ASKED))
