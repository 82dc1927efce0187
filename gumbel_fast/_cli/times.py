"""Times of a few calls beside NumPy's, for the tour. Careful benchmarks are in the repository's bench/."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from math import ceil
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import categorical, gumbel, gumbel_r, softmax

_SECONDS = 0.8  # for each job
_SLICE = 2e-3  # seconds that a way has at a turn
_MOST_ROUNDS = 200
_SEED = 1111


@dataclass(frozen=True)
class Job:
    """One job and the ways to do it: gumbel_fast's first, then NumPy's, last the limit, which does less."""

    title: str
    ways: Mapping[str, Callable[[], object]]


def jobs() -> Iterator[Job]:
    """Make the jobs, each with arrays of its own."""
    rng = np.random.default_rng(_SEED)
    yield _noise(rng, np.empty(1_000_000, np.float32))
    yield _draw("One draw from 131,072 logits, in the cache", rng, rng.normal(0, 2.5, (1, 131_072)))
    yield _draw("One draw from 49,152 logits, out of the cache", rng, rng.normal(0, 2.5, (64, 49_152)))
    yield _softmax(rng.normal(0, 2.5, (64, 32_768)).astype(np.float32))
    yield _density(rng.normal(size=100_000))


def seconds(ways: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median time of a call of each way. They take turns, so that a machine that slows down slows all."""
    first = {name: min(_time(way, 1), _time(way, 1)) for name, way in ways.items()}
    calls = {name: ceil(_SLICE / first[name]) for name in ways}
    a_round = sum(first[name] * calls[name] for name in ways)
    rounds = min(max(7, int(_SECONDS / a_round)), _MOST_ROUNDS)
    times = [[_time(way, calls[name]) for name, way in ways.items()] for _ in range(rounds)]
    return dict(zip(ways, np.median(times, axis=0).tolist(), strict=True))


def _time(way: Callable[[], object], calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        way()
    return (perf_counter() - start) / calls


def _noise(rng: np.random.Generator, out: NDArray[np.float32]) -> Job:
    ways = {
        "gumbel_fast.gumbel(out=)": lambda: gumbel(dtype=np.float32, out=out, rng=rng),
        "rng.gumbel (float64)": lambda: rng.gumbel(size=out.size),
        "limit: out.fill": lambda: out.fill(1.0),
    }
    return Job(f"Noise, {out.size:,} float32 values into a kept array", ways)


def _draw(title: str, rng: np.random.Generator, logits: NDArray[np.float64]) -> Job:
    rows = logits.astype(np.float32)
    legacy = np.random.RandomState(_SEED)

    def by_choice(row: NDArray[Any]) -> object:
        weights = np.exp(row - row.max())
        weights /= weights.sum()
        return legacy.choice(row.size, p=weights)

    def of_next(draw: Callable[[NDArray[Any]], object]) -> Callable[[], object]:
        following = cycle(rows).__next__
        return lambda: draw(following())

    ways = {
        "gumbel_fast.categorical": of_next(lambda row: categorical(row, rng=rng)),
        "softmax + np.random.choice": of_next(by_choice),
        "Gumbel-max with rng.gumbel": of_next(lambda row: np.argmax(row + rng.gumbel(size=row.size))),
        "limit: np.max": of_next(lambda row: row.max()),
    }
    return Job(title, ways)


def _softmax(x: NDArray[np.float32]) -> Job:
    out = np.empty_like(x)

    def by_numpy() -> object:
        np.subtract(x, x.max(-1, keepdims=True), out=out)
        np.exp(out, out=out)
        return np.divide(out, out.sum(-1, keepdims=True), out=out)

    ways = {
        "gumbel_fast.softmax(out=)": lambda: softmax(x, out=out),
        "exp(x - max) / sum, out=": by_numpy,
        "limit: copying the array": lambda: np.copyto(out, x),
    }
    return Job(f"Softmax of {len(x)} rows of {x.shape[1]:,} float32 logits", ways)


def _density(x: NDArray[np.float64]) -> Job:
    out = np.empty_like(x)
    ways = {
        "gumbel_fast.gumbel_r.pdf(out=)": lambda: gumbel_r.pdf(x, out=out),
        "exp(-x - exp(-x))": lambda: np.exp(-x - np.exp(-x)),
        "limit: copying the array": lambda: np.copyto(out, x),
    }
    return Job(f"Density of {x.size:,} float64 values", ways)
