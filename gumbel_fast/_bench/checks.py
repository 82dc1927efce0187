"""What a contestant's output must pass before it is timed: shape, dtype, and that its distribution is right.

Each function makes a `Check`. The bounds are six standard errors: an honest contestant fails one run in 500 million,
and one that draws from another distribution is found out. These are guards against timing the wrong thing; exactness is
proved by the tests.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .regime import Call, Check, CheckError

_SIGMAS = 6.0
_DRAWS = 64


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise CheckError(complaint)


def _near(what: str, value: float, expected: float, error: float) -> None:
    _require(abs(value - expected) <= _SIGMAS * error, f"{what} is {value:.6g}, not {expected:.6g} +- {error:.2g}")


def standard_gumbel(size: int, dtype: Any, *, infinities: bool = False) -> Check:
    """Noise of `size` values, with the mean and the variance of the standard Gumbel distribution of maxima.

    `infinities=True` forgives a contestant that is known to give a few.
    """

    def check(call: Call) -> None:
        values = np.asarray(call())
        _require(values.shape == (size,), f"shape {values.shape}, not {(size,)}")
        _require(values.dtype == dtype, f"dtype {values.dtype}, not {np.dtype(dtype)}")
        finite = np.isfinite(values)
        _require(infinities or bool(finite.all()), "some values are not finite")
        sample = values[finite].astype(np.float64)
        variance = math.pi**2 / 6
        _near("mean", float(sample.mean()), np.euler_gamma, math.sqrt(variance / size))
        # The excess kurtosis is 12/5, so the sample variance has relative variance (2 + 12/5) / size.
        _near("variance", float(sample.var()), variance, variance * math.sqrt(4.4 / size))

    return check


def draws(rows: NDArray[Any]) -> Check:
    """One index a call, from `rows[0]`, `rows[1]`, ... in turn; the drawn logits have the mean that softmax gives."""

    @cache  # all contestants draw from the same rows
    def moments(row: int) -> tuple[float, float]:
        logits = rows[row].astype(np.float64)
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        mean = float((weights * logits).sum())
        return mean, float((weights * (logits - mean) ** 2).sum())

    def check(call: Call) -> None:
        excess = variance = 0.0
        for turn in range(_DRAWS):
            row = turn % len(rows)
            index = np.asarray(call())
            _require(index.size == 1 and index.dtype.kind in "iu", f"{index!r} is not one index")
            _require(0 <= int(index.item()) < rows.shape[-1], f"index {index} is out of range")
            row_mean, row_variance = moments(row)
            excess += float(rows[row][int(index.item())]) - row_mean
            variance += row_variance
        _near("mean excess of the drawn logits", excess / _DRAWS, 0, math.sqrt(variance) / _DRAWS)

    return check


def equal_to(expected: NDArray[Any], *, rtol: float) -> Check:
    """The values of `expected`, to a relative tolerance."""

    def check(call: Call) -> None:
        values = np.asarray(call())
        _require(values.shape == expected.shape, f"shape {values.shape}, not {expected.shape}")
        _require(values.dtype == expected.dtype, f"dtype {values.dtype}, not {expected.dtype}")
        worst = float(np.max(np.abs(values - expected) / np.abs(expected)))
        _require(worst <= rtol, f"off by {worst:.2g} relative, more than {rtol:.2g}")

    return check


def nothing(call: Call) -> None:
    """For a physical limit, which does less than the job: it has only to run."""
    call()
