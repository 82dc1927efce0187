"""One long row that is cut, from which many are drawn: blocks give their share and a margin (_selection.py).

The last task has those blocks computed again that may have more, by what the graph was made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.highlevelgraph import MaterializedLayer

from .._selection import Found, Selection
from ._blocks import Box, Place
from ._calls import Call
from ._greatest import Ask, End, Pair
from ._layers import Layer, Piece, piece_of

_SHARED = 1 << 20  # candidates of a row from which on blocks give shares alone


def shares_pay(call: Call, k: int | None) -> bool:
    """Whether so much is drawn from a row that it pays to ask its blocks for shares, and they can be made anew."""
    if k is None or "floor" in call.rows.lazy:
        return False
    candidates = sum(min(k, columns) for columns in call.rows.column_chunks)
    return candidates > max(_SHARED, 2 * k) and not any(_holds_futures(array) for array in call.rows.arrays)


def _holds_futures(array: da.Array) -> bool:
    """Whether something lies on a cluster already: it is read where it lies, and no task can compute blocks anew.

    A future stands in the graph, or in newer Dask its key alone does, in place of a task.
    """
    layers = array.dask.layers
    tasks: dict[Any, Any] = {}
    for layer in layers.values():
        if isinstance(layer, MaterializedLayer):
            tasks |= layer
    return any(
        _is_future(task)
        or any(
            key not in tasks and (key[0] if isinstance(key, tuple) else key) not in layers
            for key in getattr(task, "dependencies", ())
        )
        for task in tasks.values()
    )


def _is_future(task: Any) -> bool:
    """Whether a task is a future of a cluster, or has one among its arguments."""
    if isinstance(task, tuple | list):
        return any(map(_is_future, task))
    return hasattr(task, "client") and hasattr(task, "key")


def add_shares(layer: Layer, call: Call, place: Place, box: Box, end: End, k: int) -> None:
    """Add the tasks of a block of one row: its blocks' shares, and the one that selects."""
    floor = call.constants.get("floor", call.rows.value_of("floor", place, box, -np.inf))
    row = _Row(k, call.rows.columns, float(np.max(floor)))
    selection, sources = row.selection(), call.rows.sources
    blocks, keys = [], []
    for column, part in call.rows.across(box):
        key = (f"{layer.name}-block", *place, column)
        piece, block, *beside = piece_of(call, place, column, part, Ask(part, selection.wanted(part.columns)))
        layer.tasks[key] = (piece, block, *beside)
        places = (call.rows.place_of(place, column), *(other[1:] for other in beside))
        blocks.append(_Block(piece, sources, places))
        keys.append(key)
    layer.tasks[(layer.name, *place)] = (_Select(box, end, row, tuple(blocks)), keys)


@dataclass(frozen=True)
class _Row:
    """One row from which k are drawn."""

    k: int
    columns: int
    floor: float

    def selection(self) -> Selection:
        return Selection(self.k, self.columns, self.floor)


@dataclass(frozen=True)
class _Block:
    """A block of a row that can be computed anew. Dask does not look in here: it is no part of the graph."""

    piece: Piece
    arrays: Sequence[da.Array]
    places: tuple[Place, ...]

    @property
    def columns(self) -> tuple[int, int]:
        """Its first column, and the one after its last."""
        box = self.piece.box
        return box.column, box.column + box.columns

    def ask(self, k: int, floor: float) -> Found:
        """Compute it, and return the k greatest of it above the floor."""
        blocks = (
            array.blocks[place] if place else array  # of no axes
            for array, place in zip(self.arrays, self.places, strict=True)
        )
        piece = replace(self.piece, function=Ask(self.piece.box, k), constants={**self.piece.constants, "floor": floor})
        return piece(*dask.compute(*blocks, scheduler="synchronous"))


@dataclass(frozen=True)
class _Select:
    """The last task of a block of one row: selects among shares, asks again where that matters, and ends."""

    box: Box
    end: End
    row: _Row
    blocks: tuple[_Block, ...]

    def __call__(self, answers: Sequence[Found]) -> Pair:
        """Return what `end` makes of the k greatest."""
        selection, batch = self.row.selection(), self.box.lengths
        asked = {block.columns: block for block in self.blocks}
        for block, answer in zip(self.blocks, answers, strict=True):
            start, stop = block.columns
            selection.add(start, stop, *_flat(answer))
        for start, stop in selection.again():
            answer = asked[start, stop].ask(min(self.row.k, stop - start), selection.floor)
            selection.add(start, stop, *_flat(answer))
        index, value = selection.result()
        return self.end(self.box, (index.reshape(*batch, -1), value.reshape(*batch, -1), None))


def _flat(found: Found) -> Found:
    """Return what was found in one row as 1-D arrays, without what stands for none."""
    index, value, order = found
    there = index.reshape(-1) >= 0
    flat = None if order is None else order.reshape(-1)[there]
    return index.reshape(-1)[there], value.reshape(-1)[there], flat
