"""The seed of a call: two uint64 from whatever the caller passed as `rng` (SPEC 7), or two for each row.

Nothing here keeps state but the one generator behind rng=None.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arguments import Array, check_plain


class SeedPair(NamedTuple):
    """The two words themselves, in place of an `rng`, from the library's own callers that have them from elsewhere."""

    key: int
    row: int


class RowStreams(_core.Streams):
    """A seed and a position for each row of a batch, to be passed as `rng`.

    Row r of the batch is drawn as it would be alone, with ``rng=seeds[r]`` and ``offset=(positions[r], 0)``: what a
    request gets depends on its seed, its position and its logits, never on its slot in the batch or on its batch-mates.
    Every sampler takes them, and so do `gumbel` and `gumbel_softmax`. Rows with one seed and one position have the same
    noise: count positions up.

    Parameters
    ----------
    seeds : int or array_like of ints, shape (...)
        The seed of each row, 0 or more, as `rng` may be an int; broadcast to the batch. To turn a seed into its two
        words takes some 10 microseconds: a server makes them once for each request, by
        ``numpy.random.SeedSequence(seed).generate_state(2, numpy.uint64)``, and passes them in place of the seeds, as a
        uint64 array of shape batch + (2,). Those of one request have two axes too, ``words[numpy.newaxis]``. Every
        uint64 array of two axes or more whose last axis is 2 is read so: plain seeds of such a shape must be of another
        integer dtype.
    positions : int or array_like of ints, shape (...), default 0
        The row number that each row is to have in place of its place in the batch, 0 to 2**64 - 1, such as that of a
        token in its text; broadcast to the batch.

    Raises
    ------
    ValueError
        A negative seed or position, or shapes that do not broadcast to each other; and, from the function it is passed
        to, shapes that do not broadcast to the batch, or a row offset beside it.
    TypeError
        Seeds or positions that are not ints.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.zeros((3, 1000))
    >>> streams = gumbel_fast.RowStreams([7, 7, 8], positions=[4, 5, 4])
    >>> together = gumbel_fast.categorical(logits, rng=streams)
    >>> alone = gumbel_fast.categorical(logits[1], rng=7, offset=(5, 0))
    >>> bool(together[1] == alone)
    True
    """

    __slots__ = ()

    def __init__(self, seeds: ArrayLike, positions: ArrayLike = 0) -> None:
        words = _words_of(seeds)
        place = _ints("positions", positions)
        if place.size and place.dtype != np.uint64 and not (place.min() >= 0 and place.max() < 2**64):
            raise ValueError("positions must be 0 to 2**64 - 1")
        try:
            numbers = np.asarray(words[..., 1] + place.astype(np.uint64))  # modulo 2**64
        except ValueError:
            raise ValueError(
                f"seeds of shape {words.shape[:-1]} and positions of shape {place.shape} do not broadcast"
            ) from None
        keys = words[..., 0]
        if keys.shape != numbers.shape:
            keys = np.broadcast_to(keys, numbers.shape)
        super().__init__(_readable(keys), _readable(numbers))

    @classmethod
    def of_words(cls, keys: NDArray[np.uint64], numbers: NDArray[np.uint64]) -> RowStreams:
        """Return streams of given keys and row numbers, without a seed: for the library's own callers."""
        streams = cls.__new__(cls)
        _core.Streams.__init__(streams, _readable(keys), _readable(numbers))
        return streams

    def of(self, batch: tuple[int, ...]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the key and the number of each row of a batch, flattened."""
        keys, numbers = self.keys, self.numbers
        if keys.shape != batch:
            try:
                keys, numbers = np.broadcast_to(keys, batch), np.broadcast_to(numbers, batch)
            except ValueError:
                raise ValueError(
                    f"RowStreams of shape {keys.shape} do not broadcast to the batch {batch}; the two words of one "
                    "seed are a uint64 array of shape (1, 2)"
                ) from None
        return np.ascontiguousarray(keys).reshape(-1), np.ascontiguousarray(numbers).reshape(-1)


def _readable(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return words as _core reads them: what has come from another process need not be aligned."""
    return np.require(words, np.uint64, ["C", "ALIGNED"])


def _ints(name: str, value: ArrayLike) -> Array:
    """Return an array of ints, of dtype object where some are too large for another."""
    check_plain(name, value)
    array = np.asarray(value)
    if array.dtype.kind in "iu":
        return array
    array = np.asarray(value, object)  # a list of ints of many sizes would become floats
    if not all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in array.flat):
        raise TypeError(f"{name} must be ints")
    return array


def _words_of(seeds: ArrayLike) -> NDArray[np.uint64]:
    if isinstance(seeds, np.ndarray) and seeds.dtype == np.uint64 and seeds.ndim > 1 and seeds.shape[-1] == 2:
        return np.asarray(seeds)
    each = _ints("seeds", seeds)
    if each.size and each.min() < 0:
        raise ValueError("seeds must be 0 or more; words in their place are of dtype uint64, in a last axis of two")
    words = [np.random.SeedSequence(int(seed)).generate_state(2, np.uint64) for seed in each.flat]
    return np.array(words, np.uint64).reshape(*each.shape, 2)


# A string, and no generator before a call wants one: to import numpy.random takes as long as all the rest of ours.
RNG: TypeAlias = (
    "int | np.integer | Sequence[int] | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator"
    " | np.random.RandomState | RowStreams | None"
)

_process_generator: np.random.Generator | None = None
_seeding = threading.Lock()


def _process_rng() -> np.random.Generator:
    global _process_generator
    if _process_generator is None:
        with _seeding:
            if _process_generator is None:
                _process_generator = np.random.default_rng()
    return _process_generator


def _forget_generator() -> None:
    global _process_generator, _seeding
    _process_generator, _seeding = None, threading.Lock()  # else a child would repeat its parent


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_generator)


#: What the random words of a call's elements are a function of, beside their places: the key, the first row and column,
#: and the keys and the numbers of rows that have their own.
Stream: TypeAlias = "tuple[int, int, int, tuple[NDArray[np.uint64], NDArray[np.uint64]] | None]"


def to_stream(rng: RNG, start: tuple[int, int], batch: tuple[int, ...]) -> Stream:
    """Return the stream of a call on the rows of a batch, whose first row and column have the numbers `start`."""
    if isinstance(rng, RowStreams):
        if start[0]:
            raise ValueError("offset: RowStreams give each row its number; pass positions in place of a row offset")
        return 0, 0, start[1], rng.of(batch)
    key, base = draw_seed(rng)
    return key, (base + start[0]) % 2**64, start[1], None


def draw_seed(rng: RNG) -> tuple[int, int]:
    """Return the pair (key, row base) of one call: the two uint64 that every element's noise is a function of."""
    if rng is None:
        rng = _process_rng()
    if isinstance(rng, np.random.Generator):
        return _core.draw_seed(rng.bit_generator)
    if isinstance(rng, np.random.BitGenerator):
        return _core.draw_seed(rng)
    if isinstance(rng, SeedPair):
        return rng
    if isinstance(rng, np.random.RandomState):
        return _core.draw_seed(np.random.default_rng(rng).bit_generator)  # its own; older NumPy: TypeError
    if not isinstance(rng, np.random.SeedSequence):
        if not isinstance(rng, int | np.integer | Sequence | np.ndarray) or isinstance(rng, str | bytes):
            raise TypeError(_not_taken(rng))
        check_plain("rng", rng)
        try:
            rng = np.random.SeedSequence(rng)
        except ValueError as error:
            raise ValueError(f"rng: {error}") from None  # a negative one
    a, b = rng.generate_state(2, np.uint64)
    return int(a), int(b)


def _not_taken(rng: object) -> str:
    kind = type(rng)
    what = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"  # torch has a Generator too
    taken = "None, an int, ints, a SeedSequence, BitGenerator, Generator or RandomState of NumPy, or RowStreams"
    if what == "torch.Generator":
        return f"rng must be {taken}, not a {what}: pass int(torch.randint(2**63 - 1, (), generator=rng))"
    return f"rng must be {taken}, not {what.removeprefix('builtins.')}"
