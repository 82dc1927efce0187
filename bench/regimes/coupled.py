"""One draw tied to the noise: the index that adding `gumbel`'s noise and taking the maximum would give."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs, in_turn
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from . import numba_loops
from .one_draw import gumbel_max_peers, maximum


@regime
def gumbel_max(inputs: Inputs) -> Regime:
    """A row that lies in the cache, as in `one_draw`."""
    categories = 131_072
    rows = inputs.normal(1, categories, std=2.5)
    check = checks.draws(rows)
    return Regime(
        name="gumbel_max",
        title="Gumbel-max over 131,072 logits, in the cache",
        short="Gumbel-max, 131,072 logits",
        meaning="A draw to be repeated on other logits with the same noise, or put together from shards.",
        elements=categories,
        bytes_moved=4 * categories,
        contestants=(
            Contestant("gumbel_fast.gumbel_max", "gumbel_fast", partial(gumbel_fast_max, rows), check, Role.PROJECT),
            *gumbel_max_peers(rows, check),
            Contestant("torch Gumbel-max", "torch", partial(_torch, rows), check),
            Contestant("Numba Gumbel-max", "numba", partial(_numba, rows), check),
            Contestant("np.max", "numpy", partial(maximum, rows), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("Gumbel-max in float32", bar=4, goal=7),),
    )


def gumbel_fast_max(rows: NDArray[Any]) -> Call:
    """Make a call that draws from each of `rows` in turn by `gumbel_fast.gumbel_max`."""
    rng, draw = np.random.default_rng(SEED), gumbel_fast.gumbel_max
    return in_turn(lambda row: draw(row, rng=rng), rows)


def _torch(rows: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    noise = torch.empty(rows.shape[-1])
    return in_turn(lambda row: torch.sub(row, noise.exponential_().log_()).argmax(), list(torch.from_numpy(rows)))


def _numba(rows: NDArray[Any]) -> Call:
    return in_turn(numba_loops.compiled(numba_loops.draw_gumbel_max), rows)
