"""The seeded arrays that regimes run on, and the way calls go round several of them. No regime lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 1111


class Inputs:
    """Where regimes get their arrays from: the same seed gives the same arrays.

    Parameters
    ----------
    real_logits : ndarray of shape (rows, categories), optional
        Rows of a language model's logits. Without them `llm_logits` makes rows like them, for no data is shipped.
    quick : bool, optional
        Whether the regimes whose jobs take seconds are to take smaller ones: see `size`.
    """

    def __init__(self, real_logits: NDArray[Any] | None = None, *, quick: bool = False) -> None:
        self._real_logits = real_logits
        self._quick = quick

    @property
    def real(self) -> bool:
        """Whether `llm_logits` gives a real model's rows."""
        return self._real_logits is not None

    def size(self, usual: int, quick: int) -> int:
        """Return how large the job of a regime is, where the usual one takes seconds."""
        return quick if self._quick else usual

    def normal(self, *shape: int, std: float = 1.0, dtype: Any = np.float32) -> NDArray[Any]:
        """Normal deviates of mean 0."""
        values = np.random.default_rng(SEED).standard_normal(shape, dtype=dtype)
        values *= std
        return values

    def log_uniform(self, *shape: int) -> NDArray[np.float32]:
        """Logarithms of weights that are uniform on (0, 1], by other words than contestants make their noise of."""
        return np.log1p(-np.random.default_rng([SEED, 1]).random(shape)).astype(np.float32)

    def llm_logits(self, rows: int) -> NDArray[np.float32]:
        """Next-token logits, float32, (rows, vocabulary).

        Real rows, where there are fewer than asked for, are repeated rotated, so that each has memory of its own.
        Made rows have 49,152 entries: a normal body of standard deviation 3.4, and 32 likely tokens up to 20 above
        its mean, which gives the entropies of 0 to 6 nats that real rows have and a plain normal row has not.
        """
        if self._real_logits is not None:
            source = self._real_logits.astype(np.float32)
            return np.stack([np.roll(source[row % len(source)], 1009 * row) for row in range(rows)])
        rng = np.random.default_rng(SEED)
        logits = rng.standard_normal((rows, 49_152), dtype=np.float32)
        logits *= 3.4
        for row in logits:
            row[rng.integers(row.size, size=32)] = 20 - rng.exponential(3, size=32)
        return logits

    def power_law_rows(self, rows: int) -> NDArray[np.int64]:
        """Where rows begin and end in one array, with lengths of 3 to 1,000 that fall as their power -2.5."""
        lengths = 3 * (1 - np.random.default_rng(SEED).random(rows)) ** (-1 / 1.5)
        return np.concatenate([[0], np.cumsum(np.minimum(lengths, 1000).astype(np.int64))])


def in_turn(function: Callable[[Any], Any], buffers: Iterable[Any]) -> Callable[[], Any]:
    """Make a call that runs `function` on the next of `buffers` each time, starting with the first.

    Together the buffers outgrow the cache, so that nobody is timed on a warm row that users do not have.
    """
    following = cycle(buffers).__next__
    return lambda: function(following())


def calls_in_turn(prepare: Callable[[Any], Callable[[], Any]], buffers: Iterable[Any]) -> Callable[[], Any]:
    """Make a call that does each time the next of the calls that `prepare` makes, one for each of `buffers`.

    So nobody is timed on the same numbers again and again, which a processor learns to foretell.
    """
    following = cycle([prepare(buffer) for buffer in buffers]).__next__
    return lambda: following()()
