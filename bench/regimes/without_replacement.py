"""Draws without replacement: few and many of one long row of logits, and half or a fifth of short rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs, calls_in_turn
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from .numpy_noise import fill_negated

_CATEGORIES = 1_000_000
_BATCHES = 4  # of short rows, taken in turn


@regime
def distinct_1000(inputs: Inputs) -> Regime:
    """Few of many."""
    targets = (Target("softmax + rng.choice", bar=12, goal=60),)
    logits = inputs.normal(_CATEGORIES)
    return _distinct("distinct_1000", logits, 1000, "A minibatch chosen by priority, a table's sample.", targets)


@regime
def distinct_1000_uniform(inputs: Inputs) -> Regime:
    """The same by weights that are uniform on [0, 1), whose sum NumPy need not take."""
    targets = (Target("rng.choice(p=)", bar=20, goal=40),)
    logits = inputs.log_uniform(_CATEGORIES)
    return _distinct("distinct_1000_uniform", logits, 1000, "A sample of a table by one of its columns.", targets)


@regime
def distinct_100000(inputs: Inputs) -> Regime:
    """A tenth of them."""
    targets = (Target("top-k with rng.gumbel", bar=3, goal=6),)
    logits = inputs.normal(_CATEGORIES)
    return _distinct("distinct_100000", logits, 100_000, "A weighted subset of a data set, in weighted order.", targets)


@regime
def distinct_10_of_20(inputs: Inputs) -> Regime:
    """Half of each of many short rows."""
    meaning = "Negative samples for each row of a batch, from candidates of its own."
    return _short("distinct_10_of_20", inputs.normal(_BATCHES, 4096, 20), meaning, goal=5)


@regime
def distinct_10_of_50(inputs: Inputs) -> Regime:
    """A fifth of each."""
    meaning = "A slate for each of 4,096 users, in the order in which it is shown."
    return _short("distinct_10_of_50", inputs.normal(_BATCHES, 4096, 50), meaning, goal=4)


@regime
def distinct_small_call(inputs: Inputs) -> Regime:
    """One short row, inside a Python loop."""
    return _short("distinct_small_call", inputs.normal(1, 1, 20), "A slate for the user who asks.", goal=2)


def _distinct(name: str, logits: NDArray[Any], count: int, meaning: str, targets: tuple[Target, ...]) -> Regime:
    check = checks.distinct_draws(logits, count)
    return Regime(
        name=name,
        title=f"{count:,} draws without replacement from {_CATEGORIES:,} logits",
        short=f"{count:,} distinct of {_CATEGORIES:,}" + ", uniform" * name.endswith("uniform"),
        meaning=meaning,
        elements=_CATEGORIES,
        bytes_moved=logits.nbytes,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", partial(_project, logits, count), check, Role.PROJECT),
            Contestant("gumbel_fast.gumbel_top_k", "gumbel_fast", partial(_coupled, logits, count), check),
            Contestant("softmax + rng.choice", "numpy", partial(_choice, logits, count), check),
            Contestant("rng.choice(p=)", "numpy", partial(_choice_of, logits, count), check, note="softmax not timed"),
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


def _short(name: str, batches: NDArray[Any], meaning: str, *, goal: float) -> Regime:
    _, rows, categories = batches.shape
    count, of = 10, f"each of {rows:,} rows" if rows > 1 else "a row"
    check = checks.distinct_draws_each(batches[0], count, calls=1 if rows > 1 else 1000)

    def each(prepare: Callable[[NDArray[Any], int], Call]) -> Callable[[], Call]:
        return partial(calls_in_turn, lambda batch: prepare(batch, count), batches)

    return Regime(
        name=name,
        title=f"{count} draws without replacement from {of} of {categories} logits",
        short=f"{count} distinct a row, {rows:,} x {categories}",
        meaning=meaning,
        elements=rows * categories,
        bytes_moved=4 * rows * categories,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", each(_project), check, Role.PROJECT),
            Contestant("gumbel_fast.gumbel_top_k", "gumbel_fast", each(_coupled), check),
            Contestant("exponential keys", "numpy", each(_keys), check, note="no order"),
            Contestant("exponential keys, float32", "numpy", each(_keys_float32), check, note="no order"),
            Contestant("torch softmax + multinomial", "torch", each(_torch), check),
            Contestant("np.max", "numpy", each(_maximum), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("exponential keys, float32", bar=1.5, goal=goal),),
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


def _choice_of(logits: NDArray[Any], count: int) -> Call:
    weights = checks.softmax(logits)
    return partial(np.random.default_rng(SEED).choice, logits.size, count, replace=False, p=weights)


def _keys(logits: NDArray[Any], count: int) -> Call:
    rng = np.random.default_rng(SEED)

    def draw() -> Any:
        keys = rng.standard_exponential(logits.shape)
        keys /= np.exp(logits)
        return keys.argpartition(count, -1)[:, :count]

    return draw


def _keys_float32(logits: NDArray[Any], count: int) -> Call:
    rng, keys, weights = np.random.default_rng(SEED), np.empty_like(logits), np.empty_like(logits)

    def draw() -> Any:
        rng.standard_exponential(dtype=np.float32, out=keys)
        np.exp(logits, out=weights)
        np.divide(keys, weights, out=keys)
        return keys.argpartition(count, -1)[:, :count]

    return draw


def _maximum(logits: NDArray[Any], count: int) -> Call:
    return partial(logits.max, -1)


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
