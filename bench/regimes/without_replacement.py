"""Draws without replacement from one long row of logits, few of it and many."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from .numpy_noise import fill_negated

_CATEGORIES = 1_000_000


@regime
def distinct_1000(inputs: Inputs) -> Regime:
    """Few of many."""
    targets = (Target("softmax + rng.choice", bar=12, goal=60),)
    return _distinct("distinct_1000", inputs, 1000, "A minibatch chosen by priority, a table's sample.", targets)


@regime
def distinct_100000(inputs: Inputs) -> Regime:
    """A tenth of them."""
    targets = (Target("top-k with rng.gumbel", bar=3, goal=6),)
    return _distinct("distinct_100000", inputs, 100_000, "A weighted subset of a data set, in weighted order.", targets)


def _distinct(name: str, inputs: Inputs, count: int, meaning: str, targets: tuple[Target, ...]) -> Regime:
    logits = inputs.normal(_CATEGORIES)
    check = checks.distinct_draws(logits, count)
    return Regime(
        name=name,
        title=f"{count:,} draws without replacement from {_CATEGORIES:,} logits",
        short=f"{count:,} distinct of {_CATEGORIES:,}",
        meaning=meaning,
        elements=_CATEGORIES,
        bytes_moved=logits.nbytes,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", partial(_project, logits, count), check, Role.PROJECT),
            Contestant("gumbel_fast.gumbel_top_k", "gumbel_fast", partial(_coupled, logits, count), check),
            Contestant("softmax + rng.choice", "numpy", partial(_choice, logits, count), check),
            Contestant("top-k with rng.gumbel", "numpy", partial(_top_k, logits, count), check, note="no order"),
            Contestant(
                "top-k in float32",
                "numpy",
                partial(_top_k_float32, logits, count),
                check,
                note="no order",
                flaw="approx.",
            ),
            Contestant("torch softmax + multinomial", "torch", partial(_torch, logits, count), check),
            Contestant("np.max", "numpy", lambda: partial(np.max, logits), checks.nothing, Role.LIMIT),
        ),
        targets=targets,
    )


def _project(logits: NDArray[Any], count: int) -> Call:
    rng = np.random.default_rng(SEED)
    return partial(gumbel_fast.categorical, logits, num_samples=count, replace=False, rng=rng)


def _coupled(logits: NDArray[Any], count: int) -> Call:
    return partial(gumbel_fast.gumbel_top_k, logits, count, rng=np.random.default_rng(SEED))


def _choice(logits: NDArray[Any], count: int) -> Call:
    rng = np.random.default_rng(SEED)

    def draw() -> Any:
        weights = np.exp(logits - logits.max(), dtype=np.float64)
        weights /= weights.sum()
        return rng.choice(logits.size, count, replace=False, p=weights)

    return draw


def _top_k(logits: NDArray[Any], count: int) -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: np.argpartition(logits + rng.gumbel(size=logits.size), -count)[-count:]


def _top_k_float32(logits: NDArray[Any], count: int) -> Call:
    rng, noise = np.random.default_rng(SEED), np.empty_like(logits)

    def draw() -> Any:
        fill_negated(rng, noise)
        return np.argpartition(np.subtract(logits, noise, out=noise), -count)[-count:]

    return draw


def _torch(logits: NDArray[Any], count: int) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(logits)
    return lambda: torch.multinomial(torch.softmax(tensor, -1), count)
