"""The graph of a call: a function called on each block, with what is read beside it, and what it returns as arrays."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import DTypeLike

from .._errors import of_whole
from ._blocks import Box, Chunks, Place, Seed, words_of
from ._calls import Call

Graph = dict[tuple[Any, ...], Any]


@dataclass(frozen=True)
class Piece:
    """A call of a function on one block.

    `names` are those of the arguments that a task has: rows, or in their place a size, and what is read beside them,
    `words` being whole rows of a mask's words.
    """

    function: Callable[..., Any]
    box: Box
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    seed: Seed | None

    def __call__(self, *values: Any) -> Any:
        """Return what the function gives; the error of a row names it by its number in the whole array."""
        arguments = {**self.constants, **dict(zip(self.names, values, strict=True))}
        if self.seed is not None:
            arguments |= self.seed.arguments(self.box)
        if "words" in arguments:
            arguments["mask"] = words_of(arguments.pop("words"), self.box)
        try:
            return self.function(**arguments)
        except ValueError as error:
            raise of_whole(error, self.box.number, self.box.starts) from None


class Layer:
    """The tasks of a call, keyed by its name, of which arrays are made."""

    def __init__(self, what: str, arrays: list[da.Array], *token: Any) -> None:
        self.name = f"gumbel_fast-{what}-{tokenize(*(array.name for array in arrays), *token)}"
        self.arrays = arrays
        self.tasks: Graph = {}

    @classmethod
    def of(cls, call: Call, *token: Any) -> Layer:
        """Return the layer of a call; `token`: what its result is a function of besides."""
        return cls(call.what, call.rows.arrays, call.token, *token)

    def array(self, chunks: Chunks, dtype: DTypeLike) -> da.Array:
        """Return the array whose blocks the tasks named ``(self.name, ...)`` give."""
        graph = HighLevelGraph.from_collections(self.name, self.tasks, dependencies=self.arrays)
        return da.Array(graph, self.name, chunks, dtype=dtype)

    def parts(self, chunks: Chunks, *kinds: tuple[DTypeLike, Chunks]) -> tuple[da.Array, ...]:
        """Return the arrays that the tasks give as tuples of blocks, of these dtypes and chunks."""
        whole = self.array(chunks, object)
        return tuple(_part(whole, number, dtype, own) for number, (dtype, own) in enumerate(kinds))


def _part(whole: da.Array, number: int, dtype: DTypeLike, chunks: Chunks) -> da.Array:
    name = f"{whole.name}-{number}"
    tasks: Graph = {}
    for place in np.ndindex(*whole.numblocks):
        own = place + (0,) * (len(chunks) - len(place))
        tasks[(name, *own)] = (operator.itemgetter(number), (whole.name, *place))
    return da.Array(HighLevelGraph.from_collections(name, tasks, dependencies=[whole]), name, chunks, dtype=dtype)


def add_pieces(layer: Layer, call: Call, function: Callable[..., Any], last: tuple[int, ...] = ()) -> None:
    """Add a call of the function on each block of whole rows; `last` are the numbers of a result's further axes."""
    for place, whole in call.rows.places():
        column, box = 0, whole
        if call.rows.is_cut:  # of which nothing is drawn: any block will do that has columns
            column, box = next(block for block in call.rows.across(whole) if block[1].columns or not whole.columns)
        layer.tasks[(layer.name, *place, *last)] = piece_of(call, place, column, box, function)


def piece_of(call: Call, place: Place, column: int, box: Box, function: Callable[..., Any]) -> tuple[Any, ...]:
    """Return the task of a function's call on one block."""
    values, keys = call.rows.beside(place, column, box)
    seed = None if call.seed is None else call.seed.part(box)
    rows = "weights" if call.request.weights else "logits"
    piece = Piece(function, box, (rows, *keys), {**call.constants, **values}, seed)
    return piece, call.rows.block(place, column), *keys.values()
