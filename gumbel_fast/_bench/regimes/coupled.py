"""One draw tied to the noise: the index that adding `gumbel`'s noise and taking the maximum would give."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast

from .. import checks
from ..inputs import SEED, Inputs, in_turn
from ..regime import Call, Contestant, Regime, Role, Target, regime
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
        meaning="A draw to be repeated on other logits with the same noise, or put together from shards.",
        elements=categories,
        bytes_moved=4 * categories,
        contestants=(
            Contestant("gumbel_fast.gumbel_max", "gumbel_fast", partial(_project, rows), check, Role.PROJECT),
            *gumbel_max_peers(rows, check),
            Contestant("np.max", "numpy", partial(maximum, rows), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("Gumbel-max in float32", bar=4, goal=7),),
    )


def _project(rows: NDArray[Any]) -> Call:
    rng, draw = np.random.default_rng(SEED), gumbel_fast.gumbel_max
    return in_turn(lambda row: draw(row, rng=rng), rows)
