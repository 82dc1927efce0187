"""The Gumbel distribution (maximum type) in the manner of scipy.stats: `gumbel_r`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arguments import as_real, check_out
from ._results import deliver, is_contiguous

EULER_GAMMA = 0.57721566490153286061
LOG_LOG_2 = -0.36651292058166432701


def _parameter(name: str, value: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(as_real(name, value), np.float64)


def _scale(value: ArrayLike) -> NDArray[np.float64]:
    scale = _parameter("scale", value)
    least = scale if scale.ndim == 0 else scale.min(initial=np.inf)
    if least < 0:
        raise ValueError("scale must not be negative")
    return scale if least > 0 else np.where(scale > 0, scale, np.nan)


def _spread(value: Any, loc: ArrayLike) -> Any:
    """The value where it does not depend on loc but for its shape; NaN where loc is NaN."""
    location = _parameter("loc", loc)
    return np.where(np.isnan(location), np.nan, value)[()]


def _vector(array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One entry, or all that broadcasting to the shape gives, in memory order."""
    if array.size != 1 and array.shape != shape:
        array = np.broadcast_to(array, shape)
    return np.ascontiguousarray(array).reshape(-1)


class GumbelR:
    """The Gumbel distribution of maxima: with ``z = (x - loc) / scale``, ``cdf(x) = exp(-exp(-z))``.

    Methods and conventions follow scipy.stats.gumbel_r. Everything is float64 and exact to a few units in the last
    place in both tails, elementwise, with `x`, `loc` and `scale` broadcast together. `scale` 0 or NaN gives NaN;
    a negative one is a ValueError, values that are not real numbers a TypeError. ``out=`` takes the result.

    References
    ----------
    E. J. Gumbel, *Statistics of Extremes*, Columbia University Press, 1958.

    Examples
    --------
    >>> from gumbel_fast import gumbel_r
    >>> float(gumbel_r.cdf(0.0))
    0.36787944117144233
    >>> float(gumbel_r.isf(1e-300))
    690.7755278982137
    """

    def pdf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Density: ``exp(-z - exp(-z)) / scale``.

        Examples
        --------
        >>> float(gumbel_r.pdf(0.0))
        0.36787944117144233
        """
        return self._apply(_core.PDF, x, loc, scale, out)

    def logpdf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Logarithm of the density: ``-z - exp(-z) - log(scale)``.

        Examples
        --------
        >>> float(gumbel_r.logpdf(1000.0))
        -1000.0
        """
        return self._apply(_core.LOGPDF, x, loc, scale, out)

    def cdf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Distribution function: ``exp(-exp(-z))``.

        Examples
        --------
        >>> float(gumbel_r.cdf(-5.0))
        3.507389196464623e-65
        """
        return self._apply(_core.CDF, x, loc, scale, out)

    def logcdf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Logarithm of the distribution function: ``-exp(-z)``.

        Examples
        --------
        >>> float(gumbel_r.logcdf(0.0))
        -1.0
        """
        return self._apply(_core.LOGCDF, x, loc, scale, out)

    def sf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Survival function: ``-expm1(-exp(-z))``.

        Examples
        --------
        >>> float(gumbel_r.sf(100.0))
        3.720075976020836e-44
        """
        return self._apply(_core.SF, x, loc, scale, out)

    def logsf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Logarithm of the survival function: ``log(-expm1(-exp(-z)))``.

        Examples
        --------
        >>> float(gumbel_r.logsf(1000.0))
        -1000.0
        """
        return self._apply(_core.LOGSF, x, loc, scale, out)

    def ppf(self, q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Quantile function, the inverse of `cdf`: ``loc - scale * log(-log(q))``; NaN outside 0 <= q <= 1.

        Examples
        --------
        >>> float(gumbel_r.ppf(0.5))
        0.36651292058166435
        """
        return self._apply(_core.PPF, q, loc, scale, out)

    def isf(self, q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Inverse of `sf`: ``loc - scale * log(-log1p(-q))``; NaN outside 0 <= q <= 1.

        Examples
        --------
        >>> float(gumbel_r.isf(1e-20))
        46.051701859880914
        """
        return self._apply(_core.ISF, q, loc, scale, out)

    def mean(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Mean: ``loc + 0.5772... * scale`` (Euler's constant).

        Examples
        --------
        >>> float(gumbel_r.mean())
        0.5772156649015329
        """
        return (_parameter("loc", loc) + EULER_GAMMA * _scale(scale))[()]

    def median(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Median: ``loc - scale * log(log(2))``.

        Examples
        --------
        >>> float(gumbel_r.median())
        0.36651292058166435
        """
        return (_parameter("loc", loc) - LOG_LOG_2 * _scale(scale))[()]

    def var(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Variance: ``pi**2 / 6 * scale**2``.

        Examples
        --------
        >>> float(gumbel_r.var(scale=2))
        6.579736267392906
        """
        return _spread(math.pi**2 / 6 * _scale(scale) ** 2, loc)

    def std(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Standard deviation: ``pi / sqrt(6) * scale``.

        Examples
        --------
        >>> float(gumbel_r.std())
        1.282549830161864
        """
        return _spread(math.pi / math.sqrt(6) * _scale(scale), loc)

    def entropy(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Differential entropy in nats: ``log(scale) + 1 + 0.5772...`` (Euler's constant).

        Examples
        --------
        >>> float(gumbel_r.entropy())
        1.5772156649015328
        """
        return _spread(np.log(_scale(scale)) + 1 + EULER_GAMMA, loc)

    def fit(self, data: ArrayLike) -> tuple[float, float]:
        """Maximum-likelihood estimate of loc and scale.

        The scale s is the root of ``mean(x) - s = sum(x exp(-x/s)) / sum(exp(-x/s))``; its left side minus its right
        falls from mean(x) - min(x) to below 0, so Newton's steps are kept between bounds that close in on it. Then
        ``loc = -s log(mean(exp(-x/s)))``.

        Parameters
        ----------
        data : array_like of real numbers
            The sample, of any shape; finite, and not all equal.

        Returns
        -------
        loc, scale : float

        Raises
        ------
        ValueError
            Data that are empty, not finite or all equal (their likelihood has no maximum).
        TypeError
            Data that are not real numbers.

        References
        ----------
        N. L. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, vol. 2, 2nd ed., Wiley 1995,
        section 22.9.

        Examples
        --------
        >>> from gumbel_fast import gumbel
        >>> loc, scale = gumbel_r.fit(gumbel(loc=3.0, scale=2.0, size=1_000_000, rng=1))
        >>> round(loc, 1), round(scale, 1)
        (3.0, 2.0)
        """
        x = _parameter("data", data).ravel()
        if x.size == 0:
            raise ValueError("data is empty")
        if not np.isfinite(x).all():
            raise ValueError("data must be finite")
        least, unit = float(x.min()), float(np.ptp(x))
        if unit == 0:
            raise ValueError("data are all equal")
        d = (x - least) / unit  # from 0 to 1: no exponential of -d / s overflows, nor the square of d
        low, high = 0.0, float(d.mean())
        average = high
        s = min(high, float(d.std()) * math.sqrt(6) / math.pi)
        w = np.empty_like(d)
        for _ in range(100):
            np.exp(np.multiply(d, -1 / s, out=w), out=w)
            total, first = float(w.sum()), float(w @ d)
            mean = first / total
            gap = average - s - mean
            low, high = (s, high) if gap > 0 else (low, s)
            np.multiply(w, d, out=w)
            variance = float(w @ d) / total - mean * mean
            step = gap / (1 + variance / (s * s))
            if abs(step) <= 4e-16 * s:
                break
            s += step
            if not low < s < high:
                s = (low + high) / 2
        return least - s * unit * math.log(total / d.size), s * unit

    def _apply(self, function: int, x: ArrayLike, loc: ArrayLike, scale: ArrayLike, out: NDArray[Any] | None) -> Any:
        if out is None and (y := _core.distribution_scalar(function, x, loc, scale)) is not None:
            return y
        value, location, width = _parameter("x", x), _parameter("loc", loc), _scale(scale)
        shape = value.shape
        if location.ndim or width.ndim:
            shape = np.broadcast_shapes(shape, location.shape, width.shape)
        if out is not None:
            check_out(out, shape, np.float64, *(a for a in (value, location, width) if a.ndim))
        result = out if out is not None and is_contiguous(out) else np.empty(shape)
        x_, loc_, scale_ = (_vector(a, shape) for a in (value, location, width))
        _core.distribution(function, x_, loc_, scale_, result.reshape(-1))
        if function == _core.LOGPDF and (width.ndim or width != 1):
            result -= np.log(width)
        return deliver(result, out)


gumbel_r = GumbelR()
