"""The seed of a call: two uint64 from whatever the caller passed as `rng` (SPEC 7).

Nothing here keeps state but the one generator behind rng=None.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from . import _core
from ._arguments import check_not_masked


class SeedPair(NamedTuple):
    """The two words themselves, in place of an `rng`, from the library's own callers that have them from elsewhere."""

    key: int
    row: int


# A string, and no generator before a call wants one: to import numpy.random takes as long as all the rest of ours.
RNG: TypeAlias = (
    "int | np.integer | Sequence[int] | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator"
    " | np.random.RandomState | None"
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
        check_not_masked("rng", rng)
        rng = np.random.SeedSequence(rng)
    a, b = rng.generate_state(2, np.uint64)
    return int(a), int(b)


def _not_taken(rng: object) -> str:
    kind = type(rng)
    what = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"  # torch has a Generator too
    taken = "None, an int, a SeedSequence, a BitGenerator or a Generator of NumPy"
    if what == "torch.Generator":
        return f"rng must be {taken}, not a {what}: pass int(torch.randint(2**63 - 1, (), generator=rng))"
    return f"rng must be {taken}, not {what.removeprefix('builtins.')}"
