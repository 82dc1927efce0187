"""What a contestant's output must pass before it is timed: shape, dtype, and that its distribution is right.

Each function makes a `Check`. The bounds are six standard errors: an honest contestant fails one run in 500 million,
and one that draws from another distribution is found out. These are guards against timing the wrong thing; exactness is
proved by the tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .regime import Call, Check, CheckError

#: What turns logits into probabilities along the last axis, in float64: 0 for what may not be drawn.
Model = Callable[[NDArray[Any]], NDArray[np.float64]]

_SIGMAS = 6.0
_GROUPS = 64
_REPETITIONS = 400  # of an experiment that has no formula


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise CheckError(complaint)


def _near(what: str, value: float, expected: float, error: float) -> None:
    _require(abs(value - expected) <= _SIGMAS * error, f"{what} is {value:.6g}, not {expected:.6g} +- {error:.2g}")


def _error(variance: float, count: int) -> float:
    return math.sqrt(variance / count)


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return probabilities, by the definition."""
    wide = logits.astype(np.float64)
    weights = np.exp(wide - wide.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def _indices(result: Any, shape: tuple[int, ...], categories: int) -> NDArray[Any]:
    indices = np.asarray(result)
    _require(indices.shape == shape, f"shape {indices.shape}, not {shape}")
    _require(indices.dtype.kind in "iu", f"dtype {indices.dtype}, not an integer's")
    _require(bool(((indices >= 0) & (indices < categories)).all()), "some indices are out of range")
    return indices


def _require_kept(logits: NDArray[Any], probabilities: NDArray[Any], drawn: NDArray[Any]) -> None:
    """Require that indices, one from each row, may be drawn; who ties with the least that may is forgiven."""
    at = drawn[..., np.newaxis]
    least = np.where(probabilities > 0, logits, np.inf).min(-1, keepdims=True)
    kept = (np.take_along_axis(probabilities, at, -1) > 0) | (np.take_along_axis(logits, at, -1) == least)
    _require(bool(kept.all()), "some indices are of what may not be drawn")


def _require_fair(logits: NDArray[Any], indices: NDArray[Any], model: Model) -> None:
    """Require that one index from each row has, over all rows, the mean logit that the probabilities give."""
    wide, probabilities = logits.astype(np.float64), model(logits)
    _require_kept(logits, probabilities, indices)
    means = (probabilities * wide).sum(-1, keepdims=True)
    variance = float((probabilities * (wide - means) ** 2).sum())
    drawn = np.take_along_axis(wide, indices[..., np.newaxis], -1)
    error = math.sqrt(variance) / indices.size
    _near("mean excess of the drawn logits", float((drawn - means).mean()), 0, error)


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


def draws(rows: NDArray[Any], model: Model = softmax, *, count: int = 64) -> Check:
    """One index a call, from `rows[0]`, `rows[1]`, ... in turn; the drawn logits have the mean that the model gives."""
    moments = _moments_of(rows, model)

    def check(call: Call) -> None:
        excess = variance = 0.0
        for turn in range(count):
            row = turn % len(rows)
            index = np.asarray(call())
            _require(index.size == 1 and index.dtype.kind in "iu", f"{index!r} is not one index")
            _require(0 <= int(index.item()) < rows.shape[-1], f"index {index} is out of range")
            probabilities, row_mean, row_variance = moments(row)
            _require_kept(rows[row], probabilities, index.reshape(()))
            excess += float(rows[row][int(index.item())]) - row_mean
            variance += row_variance
        _near("mean excess of the drawn logits", excess / count, 0, math.sqrt(variance) / count)

    return check


def draws_with_log_prob(rows: NDArray[Any], *, count: int = 64) -> Check:
    """What `draws` takes, and beside each index the logarithm of its probability."""
    moments, check_draws = _moments_of(rows, softmax), draws(rows, count=count)

    def check(call: Call) -> None:
        pairs = [call() for _ in range(count)]
        for turn, (index, log_prob) in enumerate(pairs):
            probabilities, *_ = moments(turn % len(rows))
            value = np.asarray(log_prob)
            _require(value.size == 1 and value.dtype.kind == "f", f"{log_prob!r} is not one number")
            off = abs(float(value.item()) - math.log(probabilities[int(np.asarray(index).item())]))
            _require(off <= 1e-4, f"a log-probability is off by {off:.2g}")
        check_draws(iter([index for index, _ in pairs]).__next__)

    return check


def _moments_of(rows: NDArray[Any], model: Model) -> Callable[[int], tuple[NDArray[np.float64], float, float]]:
    """Make a function that gives a row's probabilities, and the mean and the variance of a logit drawn from it."""

    @cache  # all contestants draw from the same rows
    def moments(row: int) -> tuple[NDArray[np.float64], float, float]:
        logits = rows[row].astype(np.float64)
        weights = model(rows[row])
        mean = float((weights * logits).sum())
        return weights, mean, float((weights * (logits - mean) ** 2).sum())

    return moments


def one_draw_each(logits: NDArray[Any], model: Model = softmax) -> Check:
    """One index for each row, in one call; the drawn logits have the mean that the model gives, over all rows."""

    def check(call: Call) -> None:
        _require_fair(logits, _indices(call(), logits.shape[:-1], logits.shape[-1]), model)

    return check


def one_draw_each_ragged(logits: NDArray[Any], indptr: NDArray[Any]) -> Check:
    """One index for each row of unequal length, counted from the row's start; otherwise as `one_draw_each`."""

    @cache
    def moments() -> tuple[NDArray[np.float64], float]:
        starts, lengths, wide = indptr[:-1], np.diff(indptr), logits.astype(np.float64)
        weights = np.exp(wide - np.repeat(np.maximum.reduceat(wide, starts), lengths))
        weights /= np.repeat(np.add.reduceat(weights, starts), lengths)
        means = np.add.reduceat(weights * wide, starts)
        return means, float((weights * (wide - np.repeat(means, lengths)) ** 2).sum())

    def check(call: Call) -> None:
        indices = _indices(call(), (indptr.size - 1,), logits.size)
        _require(bool((indices < np.diff(indptr)).all()), "some indices are beyond their row")
        means, variance = moments()
        error = math.sqrt(variance) / indices.size
        _near("mean excess of the drawn logits", float((logits[indptr[:-1] + indices] - means).mean()), 0, error)

    return check


def relaxed_draw_each(logits: NDArray[Any]) -> Check:
    """Entries that are positive and sum to 1 in each row, and the largest of which is a draw from softmax."""

    def check(call: Call) -> None:
        values = np.asarray(call())
        _require(values.shape == logits.shape, f"shape {values.shape}, not {logits.shape}")
        _require(values.dtype == logits.dtype, f"dtype {values.dtype}, not {logits.dtype}")
        _require(bool((values >= 0).all()), "some entries are negative or not numbers")
        off = float(np.abs(values.sum(-1, dtype=np.float64) - 1).max())
        _require(off <= 1e-5, f"a row's sum is off by {off:.2g}")
        _require_fair(logits, values.argmax(-1), softmax)

    return check


def gradient_of_relaxed(logits: NDArray[Any], weights: NDArray[Any]) -> Check:
    """A pair: what `relaxed_draw_each` takes, and the gradient to logits of its sum with `weights`, as NumPy has it."""

    def check(call: Call) -> None:
        values, gradient = (np.asarray(array) for array in call())
        relaxed_draw_each(logits)(lambda: values)
        _require(gradient.shape == logits.shape, f"shape {gradient.shape}, not {logits.shape}")
        _require(gradient.dtype == logits.dtype, f"dtype {gradient.dtype}, not {logits.dtype}")
        y, g = values.astype(np.float64), weights.astype(np.float64)
        off = float(np.abs(gradient - y * (g - (g * y).sum(-1, keepdims=True))).max())
        _require(off <= 1e-5, f"the gradient is off by {off:.2g}")

    return check


def policy_step(
    logits: NDArray[Any], allowed: NDArray[np.bool_], advantages: NDArray[Any] | None, bonus: float
) -> Check:
    """An allowed index for each row, the logarithms of their probabilities, and the entropies of the rows.

    With `advantages` also the gradient to logits of these times the log-probabilities plus `bonus` times the entropies.
    """

    @cache
    def expected() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        p = softmax(np.where(allowed, logits, -np.inf))
        log_p = np.log(p, where=p > 0, out=np.zeros_like(p))
        return p, log_p, -(p * log_p).sum(-1, keepdims=True)

    def check(call: Call) -> None:
        index, log_prob, entropy, *gradients = (np.asarray(array) for array in call())
        p, log_p, entropies = expected()
        _indices(index, logits.shape[:-1], logits.shape[-1])
        _require_fair(logits, index, lambda _: p)
        at = index[..., np.newaxis]
        wanted = {"a log-probability": (log_prob, np.take_along_axis(log_p, at, -1)[..., 0])}
        wanted["an entropy"] = entropy, entropies[..., 0]
        _require(len(gradients) == (advantages is not None), f"{len(gradients)} gradients")
        if advantages is not None:
            g = advantages[..., np.newaxis].astype(np.float64)
            by_draw = (at == np.arange(logits.shape[-1])) - p
            wanted["the gradient"] = gradients[0], g * by_draw - bonus * p * (log_p + entropies)
        for what, (found, value) in wanted.items():
            _require(found.shape == value.shape, f"{what} has shape {found.shape}, not {value.shape}")
            _require(found.dtype == logits.dtype, f"{what} has dtype {found.dtype}, not {logits.dtype}")
            off = float(np.abs(found - value).max())
            _require(off <= 1e-4, f"{what} is off by {off:.2g}")

    return check


def repeated_draws(logits: NDArray[Any], count: int) -> Check:
    """`count` indices from one row, as often as softmax says, by chi-square over groups of like probability."""

    @cache
    def groups() -> tuple[NDArray[np.intp], NDArray[Any]]:
        probabilities = softmax(logits)
        falling = np.argsort(-probabilities, kind="stable")
        before = np.cumsum(probabilities[falling]) - probabilities[falling]
        group = np.empty(logits.size, np.intp)
        # Groups of 1/64 or one category each, numbered anew without those that a likely category jumps over.
        _, group[falling] = np.unique((before * _GROUPS).astype(np.intp), return_inverse=True)
        return group, np.bincount(group, weights=probabilities) * count

    def check(call: Call) -> None:
        indices = _indices(call(), (count,), logits.size)
        group, expected = groups()
        found = np.bincount(group[indices], minlength=expected.size)
        freedom = expected.size - 1
        chi_square = float(((found - expected) ** 2 / expected).sum())
        # Wilson and Hilferty: the cube root is all but normal.
        _near("cube root of chi-square", (chi_square / freedom) ** (1 / 3), 1, math.sqrt(2 / (9 * freedom)))

    return check


def systematic_draws(weights: NDArray[Any], count: int) -> Check:
    """`count` indices from one row, each as often as its share says, but for less than one draw."""

    def check(call: Call) -> None:
        indices = _indices(call(), (count,), weights.size)
        expected = weights.astype(np.float64) * (count / weights.sum(dtype=np.float64))
        off = float(np.abs(np.bincount(indices, minlength=weights.size) - expected).max())
        _require(off < 1 + 1e-6, f"an index is drawn {off:.3f} times more or fewer than its share")

    return check


def distinct_draws(logits: NDArray[Any], count: int) -> Check:
    """`count` indices from one row that all differ; the drawn logits have the mean that draws in turn give."""

    @cache
    def moments() -> tuple[float, float]:
        return _of_draws_in_turn(logits.astype(np.float64), np.ones(logits.size), count)

    def check(call: Call) -> None:
        indices = _indices(call(), (count,), logits.size)
        _require_drawn_in_turn(indices, float(logits[indices].mean(dtype=np.float64)), *moments())

    return check


def distinct_draws_in_pieces(pieces: Callable[[], Iterable[NDArray[Any]]], size: int, count: int) -> Check:
    """What `distinct_draws` takes, from one row of `size` logits that comes in pieces, so that memory need not hold it.

    Logits count as the nearest 1,024th here, below 32 in size: that moves the mean by less than a millionth.
    """
    steps, most = 1024, 32

    @cache
    def moments() -> tuple[float, float]:
        counts = np.zeros(2 * most * steps + 1)
        for piece in pieces():
            _require(bool((np.abs(piece) < most).all()), "a logit is too large to be checked")
            counts += np.bincount(np.rint(piece * steps).astype(np.intp) + most * steps, minlength=counts.size)
        return _of_draws_in_turn(np.arange(-most * steps, most * steps + 1) / steps, counts, count)

    def check(call: Call) -> None:
        indices = np.sort(_indices(call(), (count,), size).astype(np.int64))
        total, start = 0.0, 0
        for piece in pieces():
            first, last = np.searchsorted(indices, [start, start + piece.size])
            total += float(piece[indices[first:last] - start].sum(dtype=np.float64))
            start += piece.size
        _require_drawn_in_turn(indices, total / count, *moments())

    return check


def _of_draws_in_turn(logits: NDArray[Any], times: NDArray[Any], count: int) -> tuple[float, float]:
    """Return mean and variance of the logits that `count` draws without replacement take; each is there so many times.

    Drawing in turn takes category i by the time that it takes `count` of them with probability 1 - exp(-w_i t), all but
    independently (Rosen 1972).
    """
    weights = np.exp(logits - logits[times > 0].max())

    def taken(time: float) -> NDArray[Any]:
        return np.asarray(-times * np.expm1(-weights * time))

    low, high = 0.0, 2.0 * count / float((times * weights).sum())
    while float(taken(high).sum()) < count:
        high *= 2
    for _ in range(50):
        time = (low + high) / 2
        low, high = (time, high) if float(taken(time).sum()) < count else (low, time)
    mean = float((taken(high) * logits).sum()) / count
    return mean, float((taken(high) * (logits - mean) ** 2).sum()) / count


def _require_drawn_in_turn(indices: NDArray[Any], found: float, mean: float, variance: float) -> None:
    _require(np.unique(indices).size == indices.size, "some indices are the same")
    _near("mean of the drawn logits", found, mean, _error(variance, indices.size))


def distinct_draws_each(logits: NDArray[Any], count: int, *, calls: int = 1) -> Check:
    """`count` different indices from each row in each of some calls; the drawn logits have the mean of such draws."""

    @cache
    def moments() -> tuple[float, float]:
        rng = np.random.default_rng(0)
        wide = logits.astype(np.float64)
        means = np.empty((_REPETITIONS, len(logits)))
        for mean in means:
            drawn = np.argpartition(-wide - rng.gumbel(size=wide.shape), count - 1)[:, :count]
            mean[:] = np.take_along_axis(wide, drawn, -1).mean(-1)
        variance = float(means.var(0, ddof=1).mean()) / len(logits)
        return float(means.mean()), math.sqrt(variance / calls + variance / _REPETITIONS)

    def check(call: Call) -> None:
        found = []
        for _ in range(calls):
            indices = _indices(call(), (len(logits), count), logits.shape[-1])
            _require(bool(np.diff(np.sort(indices)).all()), "some indices of a row are the same")
            found.append(float(np.take_along_axis(logits, indices, -1).mean(dtype=np.float64)))
        _near("mean of the drawn logits", float(np.mean(found)), *moments())

    return check


def same_bits_as(other: Call) -> Check:
    """The very array that `other` returns."""

    def check(call: Call) -> None:
        values, expected = np.array(call()), np.asarray(other())
        _require(values.dtype == expected.dtype, f"dtype {values.dtype}, not {expected.dtype}")
        _require(np.array_equal(values, expected), "not the same values")

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
