"""Two threads against one, on the same job and with the same bits. The other libraries have no part in this."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks
from harness.inputs import SEED, Inputs
from harness.regime import Call, Contestant, Regime, Role, Target, regime


@regime
def threads_noise(_: Inputs) -> Regime:
    """Noise: arithmetic in every element."""
    size = 10_000_000
    return Regime(
        name="threads_noise",
        title="Noise, 10,000,000 float32 values into a kept array, on two threads",
        short="noise, 10,000,000, two threads",
        meaning="A large buffer filled by a program that has the machine for itself.",
        elements=size,
        bytes_moved=4 * size,
        contestants=_contestants(partial(_noise, size), "copying the array", partial(_copy, size)),
        targets=(Target("workers=1", bar=1.6, goal=None, any_simd=True),),
    )


@regime
def threads_batch(inputs: Inputs) -> Regime:
    """Draws: the rows are read, and not much more."""
    logits = inputs.normal(64, 32_768, std=2.5)
    return Regime(
        name="threads_batch",
        title="One draw from each of 64 rows of 32,768 logits, on two threads",
        short="one draw a row, 64 x 32,768, two threads",
        meaning="The next tokens of a batch, on a server that computes nothing else meanwhile.",
        elements=logits.size,
        bytes_moved=logits.nbytes,
        contestants=_contestants(partial(_draws, logits), "np.max", lambda: partial(logits.max, -1)),
        targets=(Target("workers=1", bar=1.6, goal=None, any_simd=True),),
    )


@regime
def threads_top_k(inputs: Inputs) -> Regime:
    """One long row, whose pieces are searched apart."""
    logits, k = inputs.normal(20_000_000), 1000
    return Regime(
        name="threads_top_k",
        title=f"{k:,} of {logits.size:,} logits without replacement, on two threads",
        short=f"{k:,} distinct of {logits.size:,}, two threads",
        meaning="A sample of a large table, by a program that has the machine for itself.",
        elements=logits.size,
        bytes_moved=logits.nbytes,
        contestants=_contestants(partial(_top_k, logits, k), "np.max", lambda: partial(np.max, logits)),
        targets=(Target("workers=1", bar=1.6, goal=None, any_simd=True),),
    )


def _contestants(
    prepare: Callable[[int], Call], limit: str, prepare_limit: Callable[[], Call]
) -> tuple[Contestant, ...]:
    check = checks.same_bits_as(lambda: prepare(1)())
    return (
        Contestant("workers=2", "gumbel_fast", partial(prepare, 2), check, Role.PROJECT),
        Contestant("workers=1", "gumbel_fast", partial(prepare, 1), check),
        Contestant(limit, "numpy", prepare_limit, checks.nothing, Role.LIMIT, note="one thread"),
    )


def _noise(size: int, workers: int) -> Call:
    out = np.empty(size, np.float32)
    return lambda: gumbel_fast.gumbel(dtype=np.float32, out=out, rng=SEED, workers=workers)


def _draws(logits: NDArray[Any], workers: int) -> Call:
    return lambda: gumbel_fast.categorical(logits, rng=SEED, workers=workers)


def _top_k(logits: NDArray[Any], k: int, workers: int) -> Call:
    return lambda: gumbel_fast.gumbel_top_k(logits, k, rng=SEED, workers=workers)


def _copy(size: int) -> Call:
    source, out = np.ones(size, np.float32), np.empty(size, np.float32)
    return lambda: np.copyto(out, source)
