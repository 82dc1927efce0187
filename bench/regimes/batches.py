"""One draw from each row of a batch, from many rows of few logits to few rows of many."""

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

from . import numba_loops
from .numpy_noise import fill_negated

_BATCHES = 4  # taken in turn: the next cache has room for them, as for logits that were just computed


@regime
def batch_4096x6(inputs: Inputs) -> Regime:
    """Very short rows: what a row costs before its logits."""
    return _batch(
        "batch_4096x6", inputs.normal(_BATCHES, 4096, 6), "An action for each of 4,096 environments.", bar=5, goal=8
    )


@regime
def batch_4096x64(inputs: Inputs) -> Regime:
    """Short rows."""
    meaning = "A codebook entry for each patch of a batch of images, or a move for each game."
    return _batch("batch_4096x64", inputs.normal(_BATCHES, 4096, 64), meaning, bar=4, goal=8)


@regime
def batch_256x1000(inputs: Inputs) -> Regime:
    """Rows of middling length."""
    meaning = "A class for each picture of a batch, a state for each particle."
    return _batch("batch_256x1000", inputs.normal(_BATCHES, 256, 1000, std=2.5), meaning, bar=5, goal=10)


@regime
def batch_64x32768(inputs: Inputs) -> Regime:
    """Long rows, 8 MiB of logits together."""
    meaning = "The next token for each of 64 requests."
    return _batch("batch_64x32768", inputs.normal(1, 64, 32_768, std=2.5), meaning, bar=20, goal=40)


def _batch(name: str, batches: NDArray[Any], meaning: str, *, bar: float, goal: float) -> Regime:
    check = checks.one_draw_each(batches[0])
    _, rows, categories = batches.shape

    def each(prepare: Callable[[NDArray[Any]], Call]) -> Callable[[], Call]:
        return partial(calls_in_turn, prepare, batches)

    return Regime(
        name=name,
        title=f"One draw from each of {rows:,} rows of {categories:,} logits",
        short=f"one draw a row, {rows:,} x {categories:,}",
        meaning=meaning,
        elements=rows * categories,
        bytes_moved=4 * rows * categories,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", each(_categorical), check, Role.PROJECT),
            Contestant("softmax + np.random.choice, each row", "numpy", each(_choice), check),
            Contestant("softmax + cumsum in float32", "numpy", each(_search), check, flaw="approx."),
            Contestant("Gumbel-max with rng.gumbel", "numpy", each(_float64), check, note="float64"),
            Contestant("Gumbel-max in float32", "numpy", each(_gumbel_max_float32), check, flaw="approx."),
            Contestant("torch softmax + multinomial", "torch", each(_torch), check),
            Contestant("jax.random.categorical", "jax", each(_jax), check, flaw="approx."),
            Contestant("Numba roulette wheels, out=", "numba", each(_numba), check),
            Contestant("np.max", "numpy", each(_maximum), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("Gumbel-max in float32", bar=bar, goal=goal),),
    )


def _categorical(logits: NDArray[Any]) -> Call:
    return partial(gumbel_fast.categorical, logits, rng=np.random.default_rng(SEED))


def _gumbel_max_float32(logits: NDArray[Any]) -> Call:
    rng, noise = np.random.default_rng(SEED), np.empty_like(logits)

    def draw() -> Any:
        fill_negated(rng, noise)
        return np.subtract(logits, noise, out=noise).argmax(-1)

    return draw


def _maximum(logits: NDArray[Any]) -> Call:
    return partial(logits.max, -1)


def _choice(logits: NDArray[Any]) -> Call:
    generator = np.random.RandomState(SEED)

    def draw() -> Any:
        weights = np.exp(logits - logits.max(-1, keepdims=True), dtype=np.float64)
        weights /= weights.sum(-1, keepdims=True)
        return np.array([generator.choice(row.size, p=row) for row in weights])

    return draw


def _search(logits: NDArray[Any]) -> Call:
    rng, weights = np.random.default_rng(SEED), np.empty_like(logits)
    uniforms = np.empty((len(logits), 1), logits.dtype)

    def draw() -> Any:
        np.subtract(logits, logits.max(-1, keepdims=True), out=weights)
        np.exp(weights, out=weights)
        np.cumsum(weights, -1, out=weights)
        rng.random(dtype=np.float32, out=uniforms)
        np.multiply(uniforms, weights[:, -1:], out=uniforms)
        return np.greater(weights, uniforms).argmax(-1)

    return draw


def _float64(logits: NDArray[Any]) -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: (logits + rng.gumbel(size=logits.shape)).argmax(-1)


def _torch(logits: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(logits)
    return lambda: torch.multinomial(torch.softmax(tensor, -1), 1).squeeze(-1)


def _jax(logits: NDArray[Any]) -> Call:
    jax = peers.load("jax")
    draw, keys, array = jax.jit(jax.random.categorical), peers.jax_keys(jax, SEED), jax.device_put(logits)
    return lambda: draw(keys(), array).block_until_ready()


def _numba(logits: NDArray[Any]) -> Call:
    return partial(numba_loops.compiled(numba_loops.draw_each), logits, np.empty(len(logits), np.int64))
