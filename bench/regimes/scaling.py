"""One draw from one row, from a single logit to four million: the curves that a cliff would show in."""

from __future__ import annotations

from functools import partial

from harness import checks
from harness.inputs import Inputs
from harness.regime import Contestant, Regime, Role, register

from . import coupled, one_draw

SERIES = "scaling"
_CATEGORIES = [4**power for power in range(12)]
_ROWS, _BYTES = 16, 2**26  # rows taken in turn: the most, and the most memory; long ones outgrow the cache


def _row_of(categories: int, inputs: Inputs) -> Regime:
    rows = inputs.normal(min(_ROWS, _BYTES // (4 * categories)), categories, std=2.5)
    check = checks.draws(rows, count=64 if categories < 2**16 else 8)
    return Regime(
        name=f"{SERIES}_{categories}",
        title=f"One draw from {categories:,} logits",
        short=f"one draw, {categories:,} logits",
        meaning="What a category more costs.",
        elements=categories,
        bytes_moved=4 * categories,
        contestants=(
            Contestant(
                "gumbel_fast.categorical", "gumbel_fast", partial(one_draw.categorical, rows), check, Role.PROJECT
            ),
            Contestant("gumbel_fast.gumbel_max", "gumbel_fast", partial(coupled.gumbel_fast_max, rows), check),
            Contestant(
                "Gumbel-max in float32", "numpy", partial(one_draw.gumbel_max_float32, rows), check, flaw="approx."
            ),
            Contestant("torch softmax + multinomial", "torch", partial(one_draw.torch_multinomial, rows), check),
            Contestant("jax.random.categorical", "jax", partial(one_draw.jax_categorical, rows), check, flaw="approx."),
            Contestant("Numba roulette wheel", "numba", partial(one_draw.numba_draw, rows), check),
            Contestant("np.max", "numpy", partial(one_draw.maximum, rows), checks.nothing, Role.LIMIT),
        ),
        series=SERIES,
    )


for _categories in _CATEGORIES:
    register(f"{SERIES}_{_categories}", partial(_row_of, _categories))
