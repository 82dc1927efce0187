"""One draw from one long row of logits, as a language model's server makes it for every token."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs, in_turn
from harness.regime import Call, Check, Contestant, Regime, Role, Target, regime

from . import numba_loops
from .numpy_noise import fill_negated


@regime
def one_draw(inputs: Inputs) -> Regime:
    """A row that lies in the cache, as one does that was just computed."""
    categories = 131_072
    return Regime(
        name="one_draw",
        title="One draw from 131,072 logits, in the cache",
        short="one draw, 131,072 logits",
        meaning="The next token from a large vocabulary, as soon as its logits are computed.",
        elements=categories,
        bytes_moved=4 * categories,
        contestants=_contestants(inputs.normal(1, categories, std=2.5)),
        targets=(
            Target("np.max", bar=2, goal=1.2, of_limit=True),
            Target("softmax + np.random.choice", bar=90, goal=None),
            Target("torch softmax + multinomial", bar=200, goal=None),
        ),
    )


@regime
def one_draw_llm(inputs: Inputs) -> Regime:
    """Rows that come from memory one after the other; a real model's where they are given."""
    rows = inputs.llm_logits(64)
    categories = rows.shape[-1]
    origin = "real" if inputs.real else "LLM-like"
    return Regime(
        name="one_draw_llm",
        title=f"One draw from {categories:,} {origin} logits, out of the cache",
        short=f"one draw, {categories:,} {origin} logits",
        meaning="The next token for one of many requests, whose logits have left the cache.",
        elements=categories,
        bytes_moved=4 * categories,
        contestants=_contestants(rows),
        targets=(Target("np.max", bar=2.2, goal=1.3, of_limit=True),),
    )


def _contestants(rows: NDArray[Any]) -> tuple[Contestant, ...]:
    check = checks.draws(rows)
    return (
        Contestant("gumbel_fast.categorical", "gumbel_fast", partial(categorical, rows), check, Role.PROJECT),
        Contestant("softmax + np.random.choice", "numpy", partial(_choice, rows), check),
        Contestant("softmax in float32 + searchsorted", "numpy", partial(_search, rows), check),
        *gumbel_max_peers(rows, check),
        Contestant("torch softmax + multinomial", "torch", partial(torch_multinomial, rows), check),
        Contestant("Numba roulette wheel", "numba", partial(numba_draw, rows), check),
        Contestant("np.max", "numpy", partial(maximum, rows), checks.nothing, Role.LIMIT),
    )


def gumbel_max_peers(rows: NDArray[Any], check: Check) -> tuple[Contestant, ...]:
    """Return those who draw once from each of `rows` in turn by adding noise to it."""
    return (
        Contestant("Gumbel-max with rng.gumbel", "numpy", partial(_gumbel_max, rows), check, note="float64"),
        Contestant(
            "Gumbel-max in float32",
            "numpy",
            partial(gumbel_max_float32, rows),
            check,
            flaw="approx.",
        ),
        Contestant("jax.random.categorical", "jax", partial(jax_categorical, rows), check, flaw="approx."),
    )


def categorical(rows: NDArray[Any]) -> Call:
    """Make a call that draws from each of `rows` in turn by `gumbel_fast.categorical`."""
    rng, draw = np.random.default_rng(SEED), gumbel_fast.categorical
    return in_turn(lambda row: draw(row, rng=rng), rows)


def _choice(rows: NDArray[Any]) -> Call:
    generator = np.random.RandomState(SEED)

    def draw(row: NDArray[Any]) -> Any:
        weights = np.exp(row - row.max())
        weights /= weights.sum()
        return generator.choice(row.size, p=weights)

    return in_turn(draw, rows)


def _search(rows: NDArray[Any]) -> Call:
    rng, weights, cumulative = np.random.default_rng(SEED), np.empty_like(rows[0]), np.empty(rows.shape[-1])

    def draw(row: NDArray[Any]) -> Any:
        np.subtract(row, row.max(), out=weights)
        np.exp(weights, out=weights)
        np.cumsum(weights, dtype=np.float64, out=cumulative)
        return np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")

    return in_turn(draw, rows)


def _gumbel_max(rows: NDArray[Any]) -> Call:
    rng = np.random.default_rng(SEED)
    return in_turn(lambda row: np.argmax(row + rng.gumbel(size=row.size)), rows)


def gumbel_max_float32(rows: NDArray[Any]) -> Call:
    """Make a call that draws from each of `rows` in turn by adding noise, as NumPy does fastest."""
    rng, noise = np.random.default_rng(SEED), np.empty(rows.shape[-1], np.float32)

    def draw(row: NDArray[Any]) -> Any:
        fill_negated(rng, noise)
        return np.argmax(np.subtract(row, noise, out=noise))

    return in_turn(draw, rows)


def torch_multinomial(rows: NDArray[Any]) -> Call:
    """Make a call that draws from each of `rows` in turn as users of PyTorch do."""
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    return in_turn(lambda row: torch.multinomial(torch.softmax(row, -1), 1), list(torch.from_numpy(rows)))


def numba_draw(rows: NDArray[Any]) -> Call:
    """Make a call that draws from each of `rows` in turn by a compiled loop."""
    return in_turn(numba_loops.compiled(numba_loops.draw), rows)


def jax_categorical(rows: NDArray[Any]) -> Call:
    """Make a call that draws from each of `rows` in turn by `jax.random.categorical`, compiled."""
    jax = peers.load("jax")
    draw = jax.jit(jax.random.categorical)
    keys = peers.jax_keys(jax, SEED)
    return in_turn(lambda row: draw(keys(), row).block_until_ready(), [jax.device_put(row) for row in rows])


def maximum(rows: NDArray[Any]) -> Call:
    """Make the limit: reading each of `rows` in turn."""
    return in_turn(np.max, rows)
