"""One draw from a handful of logits: what a call costs before any arithmetic."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from . import numba_loops
from .one_draw import jax_categorical


@regime
def small_call(inputs: Inputs) -> Regime:
    """Six float32 logits and a Generator. The limit draws one uniform."""
    rows = inputs.normal(1, 6)
    check = checks.draws(rows)
    return Regime(
        name="small_call",
        title="One draw from 6 logits",
        short="one draw, 6 logits",
        meaning="An action in a Python loop over the steps of one environment.",
        elements=6,
        bytes_moved=rows.nbytes,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", partial(_project, rows[0]), check, Role.PROJECT),
            Contestant("rng.choice(p=)", "numpy", partial(_choice, rows[0]), check, note="softmax not timed"),
            Contestant("Gumbel-max with rng.gumbel", "numpy", partial(_gumbel_max, rows[0]), check, note="float64"),
            Contestant("torch softmax + multinomial", "torch", partial(_torch, rows[0]), check),
            Contestant("jax.random.categorical", "jax", partial(jax_categorical, rows), check, flaw="approx."),
            Contestant("Numba roulette wheel", "numba", partial(_numba, rows[0]), check),
            Contestant("rng.random()", "numpy", _random, checks.nothing, Role.LIMIT),
        ),
        targets=(Target("rng.random()", bar=2.2, goal=1.2, of_limit=True),),
    )


def _project(row: NDArray[Any]) -> Call:
    rng, categorical = np.random.default_rng(SEED), gumbel_fast.categorical
    return lambda: categorical(row, rng=rng)


def _choice(row: NDArray[Any]) -> Call:
    rng = np.random.default_rng(SEED)
    weights = np.exp(row, dtype=np.float64)
    weights /= weights.sum()
    return lambda: rng.choice(6, p=weights)


def _gumbel_max(row: NDArray[Any]) -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: (row + rng.gumbel(size=6)).argmax()


def _torch(row: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(row)
    return lambda: torch.multinomial(torch.softmax(tensor, -1), 1)


def _numba(row: NDArray[Any]) -> Call:
    return partial(numba_loops.compiled(numba_loops.draw), row)


def _random() -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: rng.random()
