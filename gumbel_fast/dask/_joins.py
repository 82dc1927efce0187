"""The greatest of rows whose category axis is cut: blocks give their k greatest, and a tree of tasks joins them.

Of one long row from which many are drawn blocks give less: _shares.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import dask.array as da
import numpy as np

from .._selection import Found, greatest
from ._blocks import Box, Place
from ._calls import Call
from ._greatest import Ask, End, Pair
from ._layers import Layer, piece_of
from ._shares import add_shares, shares_pay

_TOGETHER = 16  # answers that a task joins


def greatest_of_cut_rows(call: Call, k: int | None, *, moderate: bool = False) -> tuple[da.Array, da.Array]:
    """Return the indices and values of the k greatest of each row, or without `k` of the greatest one.

    `moderate`: where rows have values too large for that, one machine would draw otherwise: they are refused.
    """
    if call.seed is not None:  # the noise of a part of a row counts columns, whatever the call's offset does
        call = replace(call, seed=replace(call.seed, counts_columns=True))
    layer = Layer.of(call, k, moderate)
    end, shared = End.of(call, k, moderate=moderate), shares_pay(call, k)
    for place, box in call.rows.places():
        if shared and prod(box.lengths) == 1:
            add_shares(layer, call, place, box, end, k or 0)
        else:
            _add_tree(layer, call, place, box, end, k)
    chunks = (*call.rows.batch_chunks, *(() if k is None else ((k,),)))
    return layer.parts(call.rows.batch_chunks, (np.int64, chunks), (np.float64, chunks))


def _add_tree(layer: Layer, call: Call, place: Place, box: Box, end: End, k: int | None) -> None:
    """Add the tasks of a block of rows: one for each of its blocks, and a tree that joins them."""
    keys = []
    for column, part in call.rows.across(box):
        key = (f"{layer.name}-block", *place, column)
        layer.tasks[key] = piece_of(call, place, column, part, Ask(part, k))
        keys.append(key)
    level = 0
    while len(keys) > _TOGETHER:
        joined = []
        for start in range(0, len(keys), _TOGETHER):
            key = (f"{layer.name}-join-{level}", *place, start // _TOGETHER)
            layer.tasks[key] = (_Join(k or 1), keys[start : start + _TOGETHER])
            joined.append(key)
        keys, level = joined, level + 1
    layer.tasks[(layer.name, *place)] = (_Last(box, end), keys)


@dataclass(frozen=True)
class _Last:
    """The last task of a block of rows: joins answers, and ends."""

    box: Box
    end: End

    def __call__(self, answers: Sequence[Found]) -> Pair:
        return self.end(self.box, greatest(answers, self.end.k or 1))


@dataclass(frozen=True)
class _Join:
    """A task between: joins answers."""

    k: int

    def __call__(self, answers: Sequence[Found]) -> Found:
        return greatest(answers, self.k)
