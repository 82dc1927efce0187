"""One long row shared among threads: pieces of its columns, each drawn from apart, and what their draws come to.

Which noise an element has depends on its column alone, so that the pieces together give what the whole row gives. How
many rows are cut so is decided here; a call of many short rows is cut into rows (_request.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._core import Request
from ._methods import Method
from ._selection import Selection
from ._threads import LEAST, PIECE, run

_SHARD = 64  # columns: pieces of a row begin at a word of a packed mask
_SHARES = 2  # pieces for each thread of a row searched for its k greatest; each costs 150 us, for its sample


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
    """Draw from one row the k greatest."""
    columns, k = _columns_of(request, r), index.shape[-1]
    pieces = min(_SHARES * threads, ceil(columns / _SHARD))
    cuts = [min(ceil(columns / _SHARD) * i // pieces * _SHARD, columns) for i in range(pieces + 1)]
    floor = -np.inf if request.floor is None else float(request.floor[r if request.floor.size > 1 else 0])
    selection = Selection(k, columns, floor)
    found: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def ask(start: int, stop: int, wanted: int) -> None:
        places, best = np.empty(wanted, np.int64), np.empty(wanted)
        shard = request.shard(r, start, stop, allow_fewer=True, floor=selection.floor)
        why = _core.try_draw(shard.into(places, best), int(method.kernel))
        if why is not None:
            _core.refuse(request, r, why)
        few = int(np.count_nonzero(places >= 0))
        found[start] = places[:few] + start, best[:few]

    def ask_each(first: int, last: int) -> None:
        for i in range(first, last):
            ask(cuts[i], cuts[i + 1], selection.wanted(cuts[i + 1] - cuts[i]))

    run(ask_each, pieces, method.cost(columns // pieces, k // pieces), threads)
    for start, stop in pairwise(cuts):
        selection.add(start, stop, *found[start])
    for start, stop in selection.again():
        ask(start, stop, min(k, stop - start))
        selection.add(start, stop, *found[start])
    places, best = selection.result()
    if places.size < k and not request.allow_fewer:
        _core.refuse(request, r, places.size, k)
    if np.isinf(best).any():  # as above
        _core.draw(request.into(index, value), method.kernel, r, r + 1)
        return
    row = index.reshape(-1, k)[r]
    row[: places.size], row[places.size :] = places, -1
    if value is not None:
        values = value.reshape(-1, k)[r]
        values[: best.size], values[best.size :] = best, -np.inf
