"""The seed of a call: two uint64 from whatever the caller passed as `rng` (SPEC 7).

Nothing here keeps state but the one generator behind rng=None.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from . import _core


class SeedPair(NamedTuple):
    """The two words themselves, in place of an `rng`, from the library's own callers that have them from elsewhere."""

    key: int
    row: int


RNG: TypeAlias = (
    int | np.integer | Sequence[int] | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator | None
)


def _seed_process() -> None:
    global _process_generator
    _process_generator = np.random.default_rng()


_process_generator: np.random.Generator
_seed_process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_seed_process)  # else a child would repeat its parent


def draw_seed(rng: RNG) -> tuple[int, int]:
    """Return the pair (key, row base) of one call: the two uint64 that every element's noise is a function of."""
    if rng is None:
        rng = _process_generator
    if isinstance(rng, np.random.Generator):
        return _core.draw_seed(rng.bit_generator)
    if isinstance(rng, np.random.BitGenerator):
        return _core.draw_seed(rng)
    if isinstance(rng, SeedPair):
        return rng
    if not isinstance(rng, np.random.SeedSequence):
        if not isinstance(rng, int | np.integer | Sequence | np.ndarray) or isinstance(rng, str | bytes):
            raise TypeError(
                f"rng must be None, an int, a SeedSequence, a BitGenerator or a Generator, not {type(rng).__name__}"
            )
        rng = np.random.SeedSequence(rng)
    a, b = rng.generate_state(2, np.uint64)
    return int(a), int(b)
