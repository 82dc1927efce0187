"""The greatest of rows whose category axis is cut: what blocks give, joined.

Blocks of a row give their k greatest, and a tree of tasks joins them. Of one long row from which many are drawn, each
block gives its share and a margin, and the last task has those computed again that may have more (_selection.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask.highlevelgraph import MaterializedLayer
from numpy.typing import NDArray

from .._errors import row_error
from .._gumbel_max import gumbel_max, gumbel_top_k
from .._results import widened
from .._selection import Found, Selection, greatest, order_of
from ._blocks import Box, Place
from ._calls import Call
from ._layers import Layer, Piece, piece_of

_TOGETHER = 16  # answers that a task joins
_SHARED = 1 << 20  # candidates of a row from which on blocks give shares alone
_MODERATE = 2.0**20 - 64  # values below it are of scores to which one machine adds the noise as they are

Pair = tuple[NDArray[np.int64], NDArray[np.float64]]


def greatest_of_cut_rows(call: Call, k: int | None, *, moderate: bool = False) -> tuple[da.Array, da.Array]:
    """Return the indices and values of the k greatest of each row, or without `k` of the greatest one.

    `moderate`: where rows have values too large for that, one machine would draw otherwise: they are refused.
    """
    if call.seed is not None:  # the noise of a part of a row counts columns, whatever the call's offset does
        call = replace(call, seed=replace(call.seed, counts_columns=True))
    layer = Layer(call.what, call.rows.arrays, call.token, k, moderate)
    ends = _End.of(call, k, moderate=moderate)
    for place, box in call.rows.places():
        if _gives_shares(call, k, box):
            _add_shares(layer, call, place, box, ends, k or 0)
        else:
            _add_tree(layer, call, place, box, ends, k)
    chunks = (*call.rows.batch_chunks, *(() if k is None else ((k,),)))
    return layer.parts(call.rows.batch_chunks, (np.int64, chunks), (np.float64, chunks))


@dataclass(frozen=True)
class _End:
    """What is done with the greatest of a block of rows once they are known."""

    k: int | None
    allow_fewer: bool
    weights: bool
    masked: bool
    floored: bool
    moderate: bool

    @classmethod
    def of(cls, call: Call, k: int | None, *, moderate: bool) -> _End:
        request = call.request
        noisy = bool(request.temperature.any())
        floored = "floor" in call.constants or request.floor is not None
        masked = request.mask is not None
        return cls(k, request.allow_fewer, request.weights, masked, floored, moderate and noisy)

    def __call__(self, box: Box, found: Found) -> Pair:
        """Return indices and values in the shape that they have on one machine."""
        index, value = widened(found[0], self.k or 1, -1), widened(found[1], self.k or 1, -np.inf)
        few = (index < 0).any(-1)
        if few.any() and not (self.allow_fewer and self.k != 0):
            row = int(few.reshape(-1).argmax())
            count = int((index.reshape(-1, index.shape[-1])[row] >= 0).sum())
            raise row_error(self._why(box.number(row), count), box.number(row))
        large = self.moderate & (np.abs(np.where(index < 0, 0, value)) > _MODERATE).any(-1)
        if large.any():
            row = box.number(int(large.reshape(-1).argmax()))
            raise row_error(
                f"logits: row {row} has logits of 2**20 temperatures and more, which are drawn from whole rows: "
                "rechunk the axis of the categories, or subtract the greatest of each row",
                row,
            )
        return (index[..., 0], value[..., 0]) if self.k is None else (index, value)

    def _why(self, row: int, count: int) -> str:
        which = f"{'weights' if self.weights else 'logits'}: row {row} has"
        if self.floored:
            return f"{which} {count} categories whose value is above the floor, and {self.k} are wanted"
        if count == 0:
            nothing = "nothing but 0" if self.weights else "nothing but -inf"
            return f"{which} {'nothing left by the mask' if self.masked else nothing}"
        left = "that are not 0" if self.weights else "that are not -inf"
        return f"{which} {count} categories {'left by the mask' if self.masked else left}, and {self.k} are wanted"


@dataclass(frozen=True)
class _Last:
    """The last task of a block of rows: joins answers, and ends."""

    box: Box
    end: _End

    def __call__(self, answers: Sequence[Found]) -> Pair:
        return self.end(self.box, _join(answers, self.end.k or 1))


@dataclass(frozen=True)
class _Join:
    """A task between: joins answers."""

    k: int

    def __call__(self, answers: Sequence[Found]) -> Found:
        return _join(answers, self.k)


def _join(answers: Sequence[Found], k: int) -> Found:
    index, value = (np.concatenate(parts, axis=-1) for parts in list(zip(*answers, strict=True))[:2])
    order = None
    if any(answer[2] is not None for answer in answers):
        order = np.concatenate([np.zeros(i.shape) if o is None else o for i, _, o in answers], axis=-1)
    return greatest(index, value, order, k)


def _add_tree(layer: Layer, call: Call, place: Place, box: Box, end: _End, k: int | None) -> None:
    """Add the tasks of a block of rows: one for each of its blocks, and a tree that joins them."""
    keys = []
    for column, part in call.rows.across(box):
        key = (f"{layer.name}-block", *place, column)
        layer.tasks[key] = piece_of(call, place, column, part, _Ask(part, call.request.weights, k))
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
class _Ask:
    """Asks a block for the k greatest of its rows, or without `k` for the greatest one."""

    box: Box
    weights: bool
    k: int | None

    def __call__(self, x: NDArray[Any], **arguments: Any) -> Found:
        arguments = _of_greatest(arguments)
        if self.k is None:
            one, best = gumbel_max(x, return_value=True, **arguments)
            index, value = np.asarray(one)[..., np.newaxis], np.asarray(best)[..., np.newaxis]
        else:
            arguments["weights" if self.weights else "logits"] = x
            index, value = gumbel_top_k(k=min(self.k, x.shape[-1]), return_value=True, **arguments)
        order = order_of(x, index, value)
        return np.where(index < 0, -1, index + self.box.column), value, order


def _of_greatest(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `gumbel_max` or `gumbel_top_k` among those of a call, for a part of a row."""
    names = ("temperature", "mask", "rng", "offset", "noise", "floor", "workers")
    return {name: arguments[name] for name in names if name in arguments} | {"allow_fewer": True}


# -- one long row, from which many are drawn ----------------------------------------------------------------------


def _gives_shares(call: Call, k: int | None, box: Box) -> bool:
    """Whether a block of rows is one row, so much is drawn from it that shares pay, and blocks can be made anew."""
    if k is None or prod(box.lengths) != 1 or call.rows.is_lazy("floor"):
        return False
    candidates = sum(min(k, columns) for columns in call.rows.column_chunks)
    return candidates > max(_SHARED, 2 * k) and not any(_holds_futures(array) for array in call.rows.arrays)


def _holds_futures(array: da.Array) -> bool:
    """Whether blocks lie on a cluster already: they are read where they lie, and no task computes them anew."""
    layers = (layer for layer in array.dask.layers.values() if isinstance(layer, MaterializedLayer))
    return any(hasattr(value, "client") for layer in layers for value in layer.values())


def _add_shares(layer: Layer, call: Call, place: Place, box: Box, end: _End, k: int) -> None:
    """Add the tasks of a block of one row: its blocks' shares, and the one that selects."""
    floor = call.constants.get("floor", call.rows.value_of("floor", place, box, -np.inf))
    row = _Row(k, call.rows.columns, float(np.max(floor)))
    weights, sources = call.request.weights, call.rows.sources
    blocks, keys = [], []
    for column, part in call.rows.across(box):
        key = (f"{layer.name}-block", *place, column)
        wanted = row.selection().wanted(part.columns)
        piece, *values = piece_of(call, place, column, part, _Ask(part, weights, wanted))
        layer.tasks[key] = (piece, *values)
        blocks.append(_Block(piece, weights, sources, tuple(value[1:] for value in values)))
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
    weights: bool
    arrays: Sequence[da.Array]
    places: tuple[Place, ...]

    @property
    def columns(self) -> tuple[int, int]:
        """Its first column, and the one after its last."""
        box = self.piece.box
        return box.column, box.column + box.columns

    def ask(self, k: int, floor: float) -> Found:
        """Compute it, and return the k greatest of it above the floor."""
        blocks = (array.blocks[place] for array, place in zip(self.arrays, self.places, strict=True))
        ask = _Ask(self.piece.box, self.weights, k)
        piece = replace(self.piece, function=ask, constants={**self.piece.constants, "floor": floor})
        return piece(*dask.compute(*blocks, scheduler="synchronous"))


@dataclass(frozen=True)
class _Select:
    """The last task of a block of one row: selects among shares, asks again where that matters, and ends."""

    box: Box
    end: _End
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
