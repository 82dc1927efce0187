"""Draws by weight, from unnormalised probabilities as they lie: one from each row, and many from one row."""

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

_BATCHES = 4  # taken in turn, as in batches.py
_PARTICLES = 100_000
_BY_LOGITS = "categorical(logits)"
#: Weights may take 1.1 of the time that logits take.
_NOT_SLOWER = Target(_BY_LOGITS, bar=0.91, goal=1, any_simd=True)


@regime
def weights_131072(inputs: Inputs) -> Regime:
    """A long row."""
    meaning = "One item of a large table, chosen by weight."
    return _batch("weights_131072", inputs.normal(1, 1, 131_072, std=2.5), meaning, (_NOT_SLOWER,))


@regime
def weights_4096x6(inputs: Inputs) -> Regime:
    """Very short rows."""
    meaning = "A reaction, a move or a neighbour for each of 4,096 places."
    return _batch("weights_4096x6", inputs.normal(_BATCHES, 4096, 6), meaning, (_NOT_SLOWER,))


@regime
def gibbs_4096x100(inputs: Inputs) -> Regime:
    """Weights that are new in each sweep, so that nothing made from them can be kept."""
    meaning = "A sweep of Gibbs sampling: a topic of 100 for each of 4,096 words."
    targets = (Target("np.cumsum in float32", bar=4, goal=None),)
    return _batch("gibbs_4096x100", inputs.normal(_BATCHES, 4096, 100), meaning, targets)


@regime
def resample_100000(inputs: Inputs) -> Regime:
    """As many draws as weights. Systematic resampling is another scheme: one uniform serves all draws."""
    logits = inputs.normal(_PARTICLES)
    weights = np.exp(logits)
    check = checks.repeated_draws(logits, _PARTICLES)
    return Regime(
        name="resample_100000",
        title=f"{_PARTICLES:,} draws from {_PARTICLES:,} weights",
        short=f"{_PARTICLES:,} particles resampled",
        meaning="A particle filter's resampling step: multinomial, or systematic where that will do.",
        elements=_PARTICLES,
        bytes_moved=weights.nbytes + 8 * _PARTICLES,
        contestants=(
            Contestant("categorical(weights=, out=)", "gumbel_fast", partial(_resample, weights), check, Role.PROJECT),
            Contestant("np.cumsum, searchsorted", "numpy", partial(_search_many, weights), check),
            Contestant("rng.multinomial, np.repeat", "numpy", partial(_multinomial, weights), check, note="sorted"),
            Contestant(
                "systematic, np.repeat",
                "numpy",
                partial(_systematic, weights),
                checks.systematic_draws(weights, _PARTICLES),
                note="sorted",
            ),
            Contestant("torch.multinomial", "torch", partial(_torch_many, weights), check),
            Contestant("copying the indices", "numpy", _copy, checks.nothing, Role.LIMIT),
        ),
        targets=(Target("np.cumsum, searchsorted", bar=4, goal=None),),
    )


def _batch(name: str, batches: NDArray[Any], meaning: str, targets: tuple[Target, ...]) -> Regime:
    _, rows, categories = batches.shape
    check = checks.one_draw_each(batches[0])
    weights = np.exp(batches)

    def each(prepare: Callable[[NDArray[Any]], Call], arrays: NDArray[Any] = weights) -> Callable[[], Call]:
        return partial(calls_in_turn, prepare, arrays)

    return Regime(
        name=name,
        title=f"One draw from each of {rows:,} rows of {categories:,} weights"
        if rows > 1
        else f"One draw from {categories:,} weights, in the cache",
        short=f"one draw a row, {rows:,} x {categories:,} weights" if rows > 1 else f"one draw, {categories:,} weights",
        meaning=meaning,
        elements=rows * categories,
        bytes_moved=4 * rows * categories,
        contestants=(
            Contestant("categorical(weights=)", "gumbel_fast", each(_weights), check, Role.PROJECT),
            Contestant(_BY_LOGITS, "gumbel_fast", each(_logits, batches), check),
            Contestant("np.cumsum in float32", "numpy", each(_cumsum), check, flaw="approx."),
            Contestant("np.cumsum in float64", "numpy", each(_cumsum_float64), check),
            Contestant("torch.multinomial", "torch", each(_torch), check),
            Contestant("Numba roulette wheels, out=", "numba", each(_numba), check),
            Contestant("np.max", "numpy", each(_maximum), checks.nothing, Role.LIMIT),
        ),
        targets=targets,
    )


def _weights(weights: NDArray[Any]) -> Call:
    return partial(gumbel_fast.categorical, weights=weights, rng=np.random.default_rng(SEED))


def _logits(logits: NDArray[Any]) -> Call:
    return partial(gumbel_fast.categorical, logits, rng=np.random.default_rng(SEED))


def _cumsum(weights: NDArray[Any]) -> Call:
    return _wheels(weights, np.empty_like(weights))


def _cumsum_float64(weights: NDArray[Any]) -> Call:
    return _wheels(weights, np.empty(weights.shape))


def _wheels(weights: NDArray[Any], sums: NDArray[Any]) -> Call:
    rng, above = np.random.default_rng(SEED), np.empty(weights.shape, bool)
    uniforms = np.empty((len(weights), 1), sums.dtype)

    def draw() -> Any:
        np.cumsum(weights, -1, dtype=sums.dtype, out=sums)
        rng.random(dtype=sums.dtype.type, out=uniforms)
        np.multiply(uniforms, sums[:, -1:], out=uniforms)
        return np.greater(sums, uniforms, out=above).argmax(-1)

    return draw


def _torch(weights: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(weights)
    return lambda: torch.multinomial(tensor, 1).squeeze(-1)


def _numba(weights: NDArray[Any]) -> Call:
    loop = numba_loops.compiled(numba_loops.draw_each_by_weight)
    return partial(loop, weights, np.empty(len(weights), np.int64))


def _maximum(weights: NDArray[Any]) -> Call:
    return partial(weights.max, -1)


def _resample(weights: NDArray[Any]) -> Call:
    rng, out = np.random.default_rng(SEED), np.empty(_PARTICLES, np.int64)
    return partial(gumbel_fast.categorical, weights=weights, num_samples=_PARTICLES, rng=rng, out=out)


def _search_many(weights: NDArray[Any]) -> Call:
    rng, sums = np.random.default_rng(SEED), np.empty(weights.size)

    def draw() -> Any:
        np.cumsum(weights, dtype=np.float64, out=sums)
        return np.searchsorted(sums, rng.random(_PARTICLES) * sums[-1], side="right")

    return draw


def _multinomial(weights: NDArray[Any]) -> Call:
    rng, particles = np.random.default_rng(SEED), np.arange(weights.size)

    def draw() -> Any:
        wide = weights.astype(np.float64)
        wide /= wide.sum()
        return np.repeat(particles, rng.multinomial(_PARTICLES, wide))

    return draw


def _systematic(weights: NDArray[Any]) -> Call:
    rng, sums, particles = np.random.default_rng(SEED), np.empty(weights.size), np.arange(weights.size)

    def draw() -> Any:
        np.cumsum(weights, dtype=np.float64, out=sums)
        np.multiply(sums, _PARTICLES / sums[-1], out=sums)
        np.ceil(np.subtract(sums, rng.random(), out=sums), out=sums)
        counts = sums.astype(np.int64)
        counts[1:] -= counts[:-1]
        return np.repeat(particles, counts)

    return draw


def _torch_many(weights: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(weights)
    return lambda: torch.multinomial(tensor, _PARTICLES, replacement=True)


def _copy() -> Call:
    source, out = np.zeros(_PARTICLES, np.int64), np.empty(_PARTICLES, np.int64)
    return lambda: np.copyto(out, source)
