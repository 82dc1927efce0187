"""The article's experiment: 100,000 draws from ten logits by softmax and a roulette wheel, and by the Gumbel-max trick.

The two are drawn as the article draws them, with NumPy's legacy generator seeded 1111, and this library's draws stand
beside them. Nothing is printed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import categorical
from .chi_square import p_value

SEED = 1111
CATEGORIES = 10
DRAWS = 100_000


@dataclass(frozen=True)
class Way:
    """One way to draw: how often each category came, and the p-value of those counts."""

    name: str
    counts: NDArray[np.int64]
    p: float


@dataclass(frozen=True)
class Experiment:
    """The logits, their softmax, and each way's draws."""

    logits: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    ways: tuple[Way, ...]


def experiment() -> Experiment:
    """Run the experiment."""
    legacy = np.random.RandomState(SEED)
    logits = legacy.uniform(-1, 1, CATEGORIES)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    draws = {
        "roulette wheel": legacy.choice(CATEGORIES, size=DRAWS, p=probabilities),
        "Gumbel-max": np.argmax(logits + legacy.gumbel(size=(DRAWS, CATEGORIES)), axis=1),
        "gumbel_fast": categorical(np.broadcast_to(logits, (DRAWS, CATEGORIES)), rng=SEED),
    }
    ways = []
    for name, drawn in draws.items():
        counts = np.bincount(drawn, minlength=CATEGORIES)
        ways.append(Way(name, counts, p_value(counts, probabilities)))
    return Experiment(logits, probabilities, tuple(ways))
