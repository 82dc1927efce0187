"""Many draws from one row of logits, with replacement."""

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

_DRAWS = 100_000


@regime
def draws_of_10(inputs: Inputs) -> Regime:
    """Few categories: the draws are all there is to do."""
    logits = inputs.normal(10)
    return _repeated(
        "draws_of_10",
        logits,
        "A histogram of a small distribution, a bootstrap, a simulation's many throws of one die.",
        (
            Target("softmax + np.random.choice", bar=7, goal=15),
            Target("softmax + vose.Sampler", bar=5, goal=None),
        ),
        others=(
            Contestant(
                "Gumbel-max with rng.gumbel",
                "numpy",
                partial(_gumbel_max, logits),
                checks.repeated_draws(logits, _DRAWS),
                note="float64",
            ),
        ),
    )


@regime
def draws_of_1000(inputs: Inputs) -> Regime:
    """A table that lies in the nearest cache. NumPy's Gumbel-max would make 100 million values of noise."""
    targets = (Target("softmax + np.random.choice", bar=20, goal=40),)
    return _repeated("draws_of_1000", inputs.normal(1000), "Particles resampled, words for negative samples.", targets)


@regime
def draws_of_100000(inputs: Inputs) -> Regime:
    """As many categories as draws: the table costs as much as they do."""
    targets = (
        Target("softmax + np.random.choice", bar=10, goal=25),
        Target("softmax + vose.Sampler", bar=2.5, goal=None),
    )
    return _repeated("draws_of_100000", inputs.normal(100_000), "A data set resampled by weight.", targets)


def _repeated(
    name: str,
    logits: NDArray[Any],
    meaning: str,
    targets: tuple[Target, ...],
    *,
    others: tuple[Contestant, ...] = (),
) -> Regime:
    check = checks.repeated_draws(logits, _DRAWS)
    return Regime(
        name=name,
        title=f"{_DRAWS:,} draws from {logits.size:,} logits",
        short=f"{_DRAWS:,} draws, {logits.size:,} logits",
        meaning=meaning,
        elements=_DRAWS,
        bytes_moved=8 * _DRAWS,
        contestants=(
            Contestant("gumbel_fast.categorical(out=)", "gumbel_fast", partial(_project, logits), check, Role.PROJECT),
            Contestant("gumbel_fast.categorical", "gumbel_fast", partial(_project_fresh, logits), check),
            Contestant("softmax + np.random.choice", "numpy", partial(_choice, logits), check),
            *others,
            Contestant("softmax + vose.Sampler", "vose", partial(_vose, logits), check),
            Contestant("torch softmax + multinomial", "torch", partial(_torch, logits), check),
            Contestant("Numba binary search, out=", "numba", partial(_numba, logits), check),
            Contestant("copying the indices", "numpy", _copy, checks.nothing, Role.LIMIT),
        ),
        targets=targets,
    )


def _softmax(logits: NDArray[Any]) -> Any:
    weights = np.exp(logits - logits.max(), dtype=np.float64)
    weights /= weights.sum()
    return weights


def _project(logits: NDArray[Any]) -> Call:
    out = np.empty(_DRAWS, np.int64)
    return partial(gumbel_fast.categorical, logits, num_samples=_DRAWS, rng=np.random.default_rng(SEED), out=out)


def _project_fresh(logits: NDArray[Any]) -> Call:
    return partial(gumbel_fast.categorical, logits, num_samples=_DRAWS, rng=np.random.default_rng(SEED))


def _choice(logits: NDArray[Any]) -> Call:
    generator = np.random.RandomState(SEED)
    return lambda: generator.choice(logits.size, _DRAWS, p=_softmax(logits))


def _gumbel_max(logits: NDArray[Any]) -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: (logits + rng.gumbel(size=(_DRAWS, logits.size))).argmax(-1)


def _vose(logits: NDArray[Any]) -> Call:
    sampler = peers.load("vose").Sampler
    return lambda: sampler(_softmax(logits), seed=SEED).sample(_DRAWS)


def _torch(logits: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(logits)
    return lambda: torch.multinomial(torch.softmax(tensor, -1), _DRAWS, replacement=True)


def _numba(logits: NDArray[Any]) -> Call:
    return partial(numba_loops.compiled(numba_loops.draw_many), logits, np.empty(_DRAWS, np.int64))


def _copy() -> Call:
    source, out = np.zeros(_DRAWS, np.int64), np.empty(_DRAWS, np.int64)
    return lambda: np.copyto(out, source)
