"""The loops that a user of Numba would write for each job, compiled for their contestants. No contestant lives here.

They are plain Python, so that they can be read and tried without Numba; `compiled` gives them its speed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gumbel_fast import capi
from harness import peers
from harness.inputs import SEED


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile one of the loops below, at its first call; Numba's own generator, which they draw from, is seeded."""
    numba = peers.load("numba")
    numba.njit(_seed)(SEED)
    loop: Callable[..., Any] = numba.njit(function)
    return loop


def _seed(seed: int) -> None:
    np.random.seed(seed)  # noqa: NPY002  (inside a compiled function it is Numba's)


def fill_noise(out: NDArray[Any]) -> NDArray[Any]:
    """Fill a 1-D array with Gumbel noise."""
    for i in range(out.size):
        out[i] = -math.log(-math.log(np.random.random()))  # noqa: NPY002
    return out


def draw(row: NDArray[Any]) -> int:
    """Draw once from a row: softmax and roulette wheel, without storing a probability."""
    greatest = row.max()
    total = 0.0
    for x in row:
        total += math.exp(x - greatest)
    left = total * np.random.random()  # noqa: NPY002
    for i in range(row.size):
        left -= math.exp(row[i] - greatest)
        if left < 0.0:
            return i
    return row.size - 1


def draw_each(logits: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Draw once from each row, as `draw` does from one."""
    for r in range(logits.shape[0]):
        row = logits[r]
        greatest = row.max()
        total = 0.0
        for x in row:
            total += math.exp(x - greatest)
        left = total * np.random.random()  # noqa: NPY002
        out[r] = row.size - 1
        for i in range(row.size):
            left -= math.exp(row[i] - greatest)
            if left < 0.0:
                out[r] = i
                break
    return out


def draw_each_by_weight(weights: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Draw once from each row of weights."""
    for r in range(weights.shape[0]):
        row = weights[r]
        total = 0.0
        for weight in row:
            total += weight
        left = total * np.random.random()  # noqa: NPY002
        out[r] = row.size - 1
        for i in range(row.size):
            left -= row[i]
            if left < 0.0:
                out[r] = i
                break
    return out


def draw_each_ragged(weights: NDArray[Any], indptr: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Draw once from each row of unequal length, as `draw_each_by_weight` does."""
    for r in range(out.size):
        first, last = indptr[r], indptr[r + 1]
        total = 0.0
        for i in range(first, last):
            total += weights[i]
        left = total * np.random.random()  # noqa: NPY002
        out[r] = last - first - 1
        for i in range(first, last):
            left -= weights[i]
            if left < 0.0:
                out[r] = i - first
                break
    return out


def call_each_ragged(
    logits: NDArray[Any], indptr: NDArray[Any], row: int, scratch: NDArray[Any], out: NDArray[Any]
) -> NDArray[Any]:
    """Draw once from each row of unequal length by gumbel_fast's C function."""
    for r in range(out.size):
        first, last = indptr[r], indptr[r + 1]
        out[r] = capi.categorical_f32(
            logits[first:last].ctypes, last - first, 1.0, np.uint64(SEED), row + np.uint64(r), scratch.ctypes
        )
    return out


def draw_gumbel_max(row: NDArray[Any]) -> int:
    """Draw once from a row by Gumbel-max."""
    best, chosen = -np.inf, 0
    for i in range(row.size):
        value = row[i] - math.log(-math.log(np.random.random()))  # noqa: NPY002
        if value > best:
            best, chosen = value, i
    return chosen


def draw_many(row: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Draw from one row again and again: softmax, cumulative sum, binary search."""
    greatest = row.max()
    cumulative = np.empty(row.size)
    total = 0.0
    for i in range(row.size):
        total += math.exp(row[i] - greatest)
        cumulative[i] = total
    for k in range(out.size):
        wanted = total * np.random.random()  # noqa: NPY002
        low, high = 0, row.size - 1
        while low < high:
            middle = (low + high) // 2
            if cumulative[middle] > wanted:
                high = middle
            else:
                low = middle + 1
        out[k] = low
    return out


def relax(logits: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Gumbel-softmax of each row."""
    for r in range(logits.shape[0]):
        row, result = logits[r], out[r]
        for i in range(row.size):
            result[i] = row[i] - math.log(-math.log(np.random.random()))  # noqa: NPY002
        greatest = result.max()
        total = 0.0
        for i in range(row.size):
            result[i] = math.exp(result[i] - greatest)
            total += result[i]
        for i in range(row.size):
            result[i] /= total
    return out


def softmax(logits: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Softmax of each row."""
    for r in range(logits.shape[0]):
        row, result = logits[r], out[r]
        greatest = row.max()
        total = 0.0
        for i in range(row.size):
            result[i] = math.exp(row[i] - greatest)
            total += result[i]
        for i in range(row.size):
            result[i] /= total
    return out


def density(points: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Gumbel density of each point of a 1-D array."""
    for i in range(points.size):
        out[i] = math.exp(-points[i] - math.exp(-points[i]))
    return out


def density_at(point: float) -> float:
    """Gumbel density at one point."""
    return math.exp(-point - math.exp(-point))
