"""Where the blocks of a call lie in the whole array, and what else is read beside each. No graph is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import dask.array as da
import numpy as np
from dask.highlevelgraph import MaterializedLayer
from numpy.typing import NDArray

from .._rng import RowStreams, SeedPair, Stream
from ._arguments import is_lazy

Place = tuple[int, ...]  # the number of a block along each axis
Chunks = tuple[tuple[int, ...], ...]  # the lengths of the blocks along each axis


class Reader:
    """Reads a block from a file: the task of an array of _readers.py."""


def blocks(chunks: Chunks) -> Iterator[tuple[Place, tuple[slice, ...]]]:
    """Yield the number of each block of an array along each axis, and the part of the array that it is."""
    starts = [_starts(lengths) for lengths in chunks]
    for place in np.ndindex(*map(len, chunks)):
        yield place, tuple(slice(s[i], s[i + 1]) for s, i in zip(starts, place, strict=True))


@dataclass(frozen=True)
class Box:
    """The part of the rows and columns of a whole array that a block is."""

    batch: tuple[int, ...]  # of the whole array
    starts: tuple[int, ...]
    lengths: tuple[int, ...]
    column: int = 0
    columns: int = 0

    @property
    def first(self) -> int:
        """The number of its first row; 0 where it has none."""
        return self.number(0) if prod(self.lengths) else 0

    @property
    def is_run(self) -> bool:
        """Whether its rows follow each other in the whole array."""
        ahead = 0  # axes before the first of more than one
        while ahead < len(self.batch) and self.lengths[ahead] == 1:
            ahead += 1
        return self.lengths[ahead + 1 :] == self.batch[ahead + 1 :] or not prod(self.lengths)

    def number(self, row: int) -> int:
        """Return the number in the whole array of a row of the block."""
        number = 0
        for place, start, length in zip(
            np.unravel_index(row, self.lengths) if self.lengths else (), self.starts, self.batch, strict=True
        ):
            number = number * length + start + int(place)
        return number

    def numbers(self) -> NDArray[np.uint64]:
        """Return those of all its rows, in its shape."""
        total = np.zeros(self.lengths, np.uint64)
        for axis, (start, length) in enumerate(zip(self.starts, self.lengths, strict=True)):
            step = prod(self.batch[axis + 1 :])
            places = (np.arange(start, start + length, dtype=np.uint64) * np.uint64(step)).reshape(
                (-1,) + (1,) * (len(self.batch) - axis - 1)
            )
            total += places
        return total

    @property
    def slices(self) -> tuple[slice, ...]:
        """Its part of an array of the batch's shape."""
        return tuple(slice(a, a + n) for a, n in zip(self.starts, self.lengths, strict=True))


@dataclass(frozen=True)
class Seed:
    """The stream of a call, or of a block's part of it; `counts_columns`: the function counts them as well as rows."""

    stream: Stream
    counts_columns: bool

    def part(self, box: Box) -> Seed:
        """Return what a block needs of it."""
        key, row, column, streams = self.stream
        if streams is None:
            return self
        keys, numbers = (words.reshape(box.batch)[box.slices] for words in streams)
        return Seed((key, row, column, (keys, numbers)), self.counts_columns)

    def arguments(self, box: Box) -> dict[str, Any]:
        """Return the `rng` and the `offset` of a block, to which `part` was given."""
        key, row, column, streams = self.stream
        rng: Any
        if streams is not None:
            rng = RowStreams.of_words(*streams)
        elif box.is_run:
            rng = SeedPair(key, (row + box.first) % 2**64)
        else:
            numbers = box.numbers() + np.uint64(row)  # modulo 2**64
            rng = RowStreams.of_words(np.full(numbers.shape, key, np.uint64), numbers)
        return {"rng": rng, "offset": (0, column + box.column)} if self.counts_columns else {"rng": rng}


@dataclass
class Rows:
    """Logits or weights in blocks, the categories along the last axis, and the arguments that are read beside them.

    Ragged rows, which have `indptr`, are 1-D; a row that a border of chunks cuts is brought together.
    """

    x: da.Array
    indptr: NDArray[Any] | None = None
    arrays: list[da.Array] = field(default_factory=list)  # all that are read

    def __post_init__(self) -> None:
        self.in_memory: dict[str, Any] = {"indptr": self.indptr}  # what is not in `arrays`
        self._values: dict[str, Callable[[Place, Box], Any]] = {}
        self._keys: dict[str, tuple[da.Array, Callable[[Place, int], Place]]] = {}
        if self.indptr is None:
            self.batch_chunks = self.x.chunks[:-1]
            self.column_chunks = self.x.chunks[-1]
        else:
            self.indptr = np.asarray(self.indptr, np.int64)
            self.x, firsts = _whole_rows(self.x, self.indptr)
            self._elements = _starts(self.x.chunks[0])
            self.batch_chunks = (tuple(np.diff(firsts).tolist()),)
            self.column_chunks = (0,)
        layer = self.x.dask.layers.get(self.x.name)
        self._tasks = layer if isinstance(layer, MaterializedLayer) else {}
        self.batch = tuple(sum(chunks) for chunks in self.batch_chunks)
        self.columns = sum(self.column_chunks)
        self.arrays.append(self.x)

    @property
    def is_cut(self) -> bool:
        """Whether the category axis is."""
        return len(self.column_chunks) > 1

    def places(self) -> Iterator[tuple[Place, Box]]:
        """Yield the blocks of the batch, each as wide as rows are."""
        for place, part in blocks(self.batch_chunks):
            starts, lengths = tuple(p.start for p in part), tuple(p.stop - p.start for p in part)
            yield place, Box(self.batch, starts, lengths, 0, self.columns)

    def across(self, box: Box) -> Iterator[tuple[int, Box]]:
        """Yield the blocks that a block of the batch is cut into along its rows."""
        start = 0
        for number, length in enumerate(self.column_chunks):
            yield number, Box(box.batch, box.starts, box.lengths, start, length)
            start += length

    def place_of(self, place: Place, column: int) -> Place:
        """Return the number of a block of `x` along each axis."""
        return place if self.indptr is not None else (*place, column)

    def block(self, place: Place, column: int) -> tuple[Any, ...]:
        """Return what gives a task a block of `x`: its key, or how a reader reads it, which is then no task apart."""
        key = (self.x.name, *self.place_of(place, column))
        task = self._tasks.get(key)
        return task if isinstance(task, tuple) and isinstance(task[0], Reader) else key

    def each_row(self, name: str, value: Any) -> None:
        """Read an argument that broadcasts to the batch beside the blocks."""
        if is_lazy(value):
            array = in_chunks(value, self.batch_chunks)
            self._read(name, array, lambda place, column: place)
        elif np.ndim(value):
            self.in_memory[name] = given = np.asarray(value)
            whole = np.broadcast_to(given, self.batch)
            self._values[name] = lambda place, box: whole[box.slices]

    def each_element(self, name: str, value: Any) -> None:
        """Read an argument that broadcasts to the shape of `x` beside the blocks."""
        ragged = self.indptr is not None
        if is_lazy(value):
            array = in_chunks(value, self.x.chunks)
            self._read(name, array, lambda place, column: place if ragged else (*place, column))
        elif value is not None:
            self.in_memory[name] = given = np.asarray(value)
            whole = np.broadcast_to(given, self.x.shape)
            if ragged:
                self._values[name] = lambda place, box: whole[slice(*self._elements[place[0] : place[0] + 2])]
            else:
                self._values[name] = lambda place, box: whole[box.slices][..., box.column : box.column + box.columns]

    def words(self, value: Any) -> None:
        """Read a mask of words beside the blocks: those of a NumPy array are cut here, those of a Dask array there."""
        shape = (*self.batch, value.shape[-1])
        if is_lazy(value):
            array = in_chunks(value, (*self.batch_chunks, shape[-1:]))
            self._read("words", array, lambda place, column: (*place, 0))
        else:
            self.in_memory["mask"] = value
            whole = np.broadcast_to(value, shape)
            self._values["mask"] = lambda place, box: words_of(whole[box.slices], box)

    def each_of_several(self, name: str, value: Any) -> None:
        """Read an argument of the batch's shape, or with one axis more, beside the blocks."""
        last = (0,) * (value.ndim - len(self.batch))
        if is_lazy(value):
            array = in_chunks(value, (*self.batch_chunks, *((n,) for n in value.shape[len(self.batch) :])))
            self._read(name, array, lambda place, column: place + last)
        else:
            self.in_memory[name] = value
            self._values[name] = lambda place, box: value[box.slices]

    def _read(self, name: str, array: da.Array, place_of: Callable[[Place, int], Place]) -> None:
        self.arrays.append(array)
        self._keys[name] = array, place_of

    def beside(self, place: Place, column: int, box: Box) -> tuple[dict[str, Any], dict[str, tuple[Any, ...]]]:
        """Return what is read beside a block: arguments that are in memory, and the keys of those that are not."""
        values = {name: of(place, box) for name, of in self._values.items()}
        if self.indptr is not None:
            first, (start, stop) = box.starts[0], self._elements[place[0] : place[0] + 2]
            own = self.indptr[first : first + box.lengths[0] + 1]
            values["indptr"] = np.clip(own, start, stop) - start  # beyond them where the block has no rows
        return values, {name: (array.name, *of(place, column)) for name, (array, of) in self._keys.items()}

    @property
    def lazy(self) -> list[str]:
        """The arguments that are read from Dask arrays, in the order of `arrays` and of a task's arguments."""
        return list(self._keys)

    def value_of(self, name: str, place: Place, box: Box, default: Any) -> Any:
        """Return an argument that is in memory and read beside a block, or the default where it is none."""
        return self._values[name](place, box) if name in self._values else default

    @property
    def sources(self) -> list[da.Array]:
        """The arrays that a task reads blocks of, in the order of its arguments."""
        return [self.x, *(array for array, _ in self._keys.values())]


def words_of(words: NDArray[Any], box: Box) -> NDArray[Any]:
    """Return the part of a mask's 32-bit words that a block's columns have: words, or bytes where one is cut."""
    if box.column % 32 == 0:
        return words[..., box.column // 32 : -(-(box.column + box.columns) // 32)]
    some = words[..., box.column // 32 : -(-(box.column + box.columns) // 32)]
    native = np.ascontiguousarray(some, some.dtype.newbyteorder("<"))
    bits = np.unpackbits(native.view(np.uint8), axis=-1, bitorder="little")[..., box.column % 32 :]
    mask = np.zeros((*bits.shape[:-1], box.columns), np.uint8)  # columns beyond the words are masked
    some_bits = bits[..., : box.columns]
    mask[..., : some_bits.shape[-1]] = some_bits
    return mask


def in_chunks(array: da.Array, chunks: Chunks) -> da.Array:
    """Return a Dask array broadcast to the shape that chunks have, and cut so.

    Dask's own functions leave an array of no elements as it is, and give wrong blocks where an axis of one element that
    is broadcast has empty chunks beside it.
    """
    shape = tuple(sum(lengths) for lengths in chunks)
    if array.chunks == chunks:
        return array
    if not prod(shape):
        return da.empty(shape, chunks=chunks, dtype=array.dtype)
    ones = {axis: -1 for axis, length in enumerate(array.shape) if length == 1}
    return da.broadcast_to(array.rechunk(ones), shape).rechunk(chunks)


def _starts(chunks: tuple[int, ...]) -> list[int]:
    return np.concatenate([[0], np.cumsum(chunks)]).astype(np.int64).tolist()


def _whole_rows(x: da.Array, offsets: NDArray[np.int64]) -> tuple[da.Array, NDArray[np.int64]]:
    """Return 1-D `x` in chunks that end where rows do, and the number of each chunk's first row, and of all rows."""
    borders = np.array(_starts(x.chunks[0])[1:-1], np.int64)
    begins = offsets[:-1]
    if begins.size:  # a border within a row goes to where that row begins
        row = np.searchsorted(begins, borders, "right") - 1
        within = (row >= 0) & (borders < offsets[np.maximum(row, 0) + 1])
        borders = np.where(within, begins[np.maximum(row, 0)], borders)
    borders = np.unique(borders[(borders > 0) & (borders < x.shape[0])])
    edges = np.concatenate([[0], borders, [x.shape[0]]])
    firsts = np.concatenate([[0], np.searchsorted(begins, borders, "left"), [begins.size]])
    return in_chunks(x, (tuple(np.diff(edges).tolist()),)), firsts
