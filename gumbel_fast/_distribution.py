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
    if least > 0:
        return scale
    if (scale < 0).any():
        raise ValueError("scale must not be negative")
    return np.where(scale > 0, scale, np.nan)


def _spread(value: Any, loc: ArrayLike) -> Any:
    """The value where it does not depend on loc but for its shape; NaN where loc is NaN."""
    location = _parameter("loc", loc)
    return np.where(np.isnan(location), np.nan, value)[()]


def _vector(array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One entry, or all that broadcasting to the shape gives, in memory order."""
    if array.size != 1 and array.shape != shape:
        array = np.broadcast_to(array, shape)
    return np.ascontiguousarray(array).reshape(-1)


def _misread(vector: NDArray[np.float64], out: NDArray[np.float64]) -> bool:
    """Whether an entry of the vector may be written, as an element of contiguous `out`, before it is read."""
    same = vector.size == out.size and vector.__array_interface__["data"] == out.__array_interface__["data"]
    return not same and np.may_share_memory(vector, out)


class GumbelR:
    """The Gumbel distribution of maxima: with ``z = (x - loc) / scale``, ``cdf(x) = exp(-exp(-z))``.

    Methods and conventions follow scipy.stats.gumbel_r. Everything is float64 and elementwise, with `x`, `loc` and
    `scale` broadcast together, at any scale from the smallest number to the largest. `scale` 0 or NaN gives NaN; a
    negative one is a ValueError, values that are not real numbers a TypeError.

    `pdf`, `cdf`, `sf`, `logcdf` and `logsf` are within 4 units in the last place of the exact value at the arguments as
    they are, in both tails. `logpdf`, `ppf` and `isf` are sums: within 4 units of the last place of the largest of the
    value and its terms.

    ``out=`` takes the result and is returned. It may be any of the arguments, or overlap them.

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

        Parameters
        ----------
        x : float or array_like of real numbers
            Where, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.pdf(0.0))
        0.36787944117144233
        """
        return self._apply(_core.PDF, x, loc, scale, out)

    def logpdf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Logarithm of the density: ``-z - exp(-z) - log(scale)``.

        Parameters
        ----------
        x : float or array_like of real numbers
            Where, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.logpdf(1000.0))
        -1000.0
        """
        return self._apply(_core.LOGPDF, x, loc, scale, out)

    def cdf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Distribution function: ``exp(-exp(-z))``.

        Parameters
        ----------
        x : float or array_like of real numbers
            Where, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.cdf(-5.0))
        3.507389196464623e-65
        """
        return self._apply(_core.CDF, x, loc, scale, out)

    def logcdf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Logarithm of the distribution function: ``-exp(-z)``.

        Parameters
        ----------
        x : float or array_like of real numbers
            Where, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.logcdf(0.0))
        -1.0
        """
        return self._apply(_core.LOGCDF, x, loc, scale, out)

    def sf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Survival function: ``-expm1(-exp(-z))``.

        Parameters
        ----------
        x : float or array_like of real numbers
            Where, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.sf(100.0))
        3.720075976020836e-44
        """
        return self._apply(_core.SF, x, loc, scale, out)

    def logsf(self, x: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Logarithm of the survival function: ``log(-expm1(-exp(-z)))``.

        Parameters
        ----------
        x : float or array_like of real numbers
            Where, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.logsf(1000.0))
        -1000.0
        """
        return self._apply(_core.LOGSF, x, loc, scale, out)

    def ppf(self, q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Quantile function, the inverse of `cdf`: ``loc - scale * log(-log(q))``; NaN outside 0 <= q <= 1.

        Parameters
        ----------
        q : float or array_like of real numbers
            Probability, 0 to 1, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.ppf(0.5))
        0.36651292058166435
        """
        return self._apply(_core.PPF, q, loc, scale, out)

    def isf(self, q: ArrayLike, loc: ArrayLike = 0, scale: ArrayLike = 1, *, out: NDArray[Any] | None = None) -> Any:
        """Inverse of `sf`: ``loc - scale * log(-log1p(-q))``; NaN outside 0 <= q <= 1.

        Parameters
        ----------
        q : float or array_like of real numbers
            Probability, 0 to 1, of any shape that broadcasts with the others.
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.
        out : ndarray of float64, optional
            Takes the result, of the broadcast shape; may be an argument itself.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.isf(1e-20))
        46.051701859880914
        """
        return self._apply(_core.ISF, q, loc, scale, out)

    def mean(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Mean: ``loc + 0.5772... * scale`` (Euler's constant).

        Parameters
        ----------
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.mean())
        0.5772156649015329
        """
        with np.errstate(all="ignore"):
            return (_parameter("loc", loc) + EULER_GAMMA * _scale(scale))[()]

    def median(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Median: ``loc - scale * log(log(2))``.

        Parameters
        ----------
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.median())
        0.36651292058166435
        """
        with np.errstate(all="ignore"):
            return (_parameter("loc", loc) - LOG_LOG_2 * _scale(scale))[()]

    def var(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Variance: ``pi**2 / 6 * scale**2``.

        Parameters
        ----------
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.var(scale=2))
        6.579736267392906
        """
        with np.errstate(all="ignore"):
            return _spread(math.pi**2 / 6 * _scale(scale) ** 2, loc)

    def std(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Standard deviation: ``pi / sqrt(6) * scale``.

        Parameters
        ----------
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.std())
        1.282549830161864
        """
        with np.errstate(all="ignore"):
            return _spread(math.pi / math.sqrt(6) * _scale(scale), loc)

    def entropy(self, loc: ArrayLike = 0, scale: ArrayLike = 1) -> Any:
        """Differential entropy in nats: ``log(scale) + 1 + 0.5772...`` (Euler's constant).

        Parameters
        ----------
        loc : float or array_like of floats, default 0
            Location, of any shape that broadcasts.
        scale : float or array_like of floats, default 1
            Scale, above 0, of any shape that broadcasts.

        Returns
        -------
        ndarray of float64, or a scalar
            Of the broadcast shape.

        Examples
        --------
        >>> float(gumbel_r.entropy())
        1.5772156649015328
        """
        return _spread(np.log(_scale(scale)) + 1 + EULER_GAMMA, loc)

    def fit(self, data: ArrayLike, *, floc: float | None = None, fscale: float | None = None) -> tuple[float, float]:
        """Maximum-likelihood estimate of loc and scale, or of one of them where the other is given.

        The scale s is the root of ``mean(x) - s = sum(x exp(-x/s)) / sum(exp(-x/s))``; its left side minus its right
        falls from mean(x) - min(x) to below 0, so Newton's steps are kept between bounds that close in on it. Then, as
        where the scale is given, ``loc = -s log(mean(exp(-x/s)))``. Where loc is given, s is the one root of
        ``s = mean(y (1 - exp(-y/s)))``, ``y = x - loc``.

        Parameters
        ----------
        data : array_like of real numbers, of any shape
            The sample; finite, and with the scale not given, not all equal (with `floc`, to `floc`).
        floc : float, optional
            What loc is, and is returned as.
        fscale : float, optional
            What the scale is, above 0, and is returned as.

        Returns
        -------
        loc : float
            Location; infinite where it is beyond the largest number.
        scale : float
            Scale; likewise.

        Raises
        ------
        ValueError
            Data that are empty, not finite or all equal (their likelihood has no maximum); `floc` or `fscale` that is
            not one finite number, or both of them; `fscale` not above 0.
        TypeError
            Data, `floc` or `fscale` that are not real numbers.

        References
        ----------
        N. L. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate Distributions*, vol. 2, 2nd ed., Wiley 1995,
        section 22.9.

        Examples
        --------
        >>> from gumbel_fast import gumbel
        >>> data = gumbel(loc=3.0, scale=2.0, size=1_000_000, rng=1)
        >>> loc, scale = gumbel_r.fit(data)
        >>> round(loc, 1), round(scale, 1)
        (3.0, 2.0)
        >>> loc, scale = gumbel_r.fit(data, floc=3)
        >>> loc, round(scale, 1)
        (3.0, 2.0)
        """
        x = _parameter("data", data).ravel()
        if x.size == 0:
            raise ValueError("data is empty")
        if not np.isfinite(x).all():
            raise ValueError("data must be finite")
        if floc is not None and fscale is not None:
            raise ValueError("floc and fscale are both given: nothing is left to fit")
        with np.errstate(all="ignore"):
            if fscale is not None:
                scale = _given("fscale", fscale)
                if scale <= 0:
                    raise ValueError("fscale must be above 0")
                return _fit_loc(x, scale), scale
            if floc is not None:
                loc = _given("floc", floc)
                return loc, _fit_scale(x, loc)
            return _fit_both(x)

    def _apply(self, function: int, x: ArrayLike, loc: ArrayLike, scale: ArrayLike, out: NDArray[Any] | None) -> Any:
        if out is None and (y := _core.distribution_scalar(function, x, loc, scale)) is not None:
            return y
        value, location, width = _parameter("x", x), _parameter("loc", loc), _scale(scale)
        shape = value.shape
        if location.ndim or width.ndim:
            shape = np.broadcast_shapes(shape, location.shape, width.shape)
        plain = None
        if out is not None:
            check_out(out, shape, np.float64)
            plain = np.asarray(out)  # what a subclass means by its operators is not wanted
        x_, loc_, scale_ = (_vector(a, shape) for a in (value, location, width))
        if plain is None or not is_contiguous(plain) or any(_misread(v, plain) for v in (x_, loc_, scale_)):
            result = np.empty(shape)
        else:
            result = plain
        # before out is written, which may be the scale
        log_width = np.log(width) if function == _core.LOGPDF and (width.ndim or width != 1) else None
        _core.distribution(function, x_, loc_, scale_, result.reshape(-1))
        if log_width is not None:
            result -= log_width
        delivered = deliver(result, plain)
        return delivered if out is None else out


# ------------------------------------------------------------------------------------------------- maximum likelihood
#
# Of finite data, and with NumPy's warnings off. Where differences could overflow, data are scaled by a power of two: it
# rounds nothing that counts beside the largest of them.


def _given(name: str, value: float) -> float:
    array = _parameter(name, value)
    if array.ndim or not np.isfinite(array):
        raise ValueError(f"{name} must be one finite number")
    return float(array)


def _exponent(*values: float) -> int:
    """The power of two that takes the largest of them below 1."""
    return math.frexp(max(map(abs, values)))[1]


def _fit_both(x: NDArray[np.float64]) -> tuple[float, float]:
    least, greatest = float(x.min()), float(x.max())
    if least == greatest:
        raise ValueError("data are all equal")
    power = _exponent(least, greatest)
    x = np.ldexp(x, -power)
    least, unit = float(x.min()), float(np.ptp(x))
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
    loc = least - s * unit * math.log(total / d.size)
    return float(np.ldexp(loc, power)), float(np.ldexp(s * unit, power))


def _fit_loc(x: NDArray[np.float64], scale: float) -> float:
    """With d = x - min(x): min(x) - scale log(mean(exp(-d / scale)))."""
    least = float(x.min())
    # At a scale below 1 a difference that overflows is as good as infinite.
    r = (x / 4 - least / 4) / (scale / 4) if scale >= 1 else (x - least) / scale
    if r.max() < 2.0**-54:  # r itself may be subnormal: to first order the scale cancels
        return least + float((x - least).mean())
    share = float(np.exp(-r).mean())
    rise = -math.log(share) if share < 0.5 else -math.log1p(float(np.expm1(-r).mean()))
    loc = least + scale * rise
    return loc if math.isfinite(loc) else 4 * (least / 4 + scale / 4 * rise)


def _fit_scale(x: NDArray[np.float64], loc: float) -> float:
    """The root of s = h(s), h(s) = mean(y (1 - exp(-y / s))), y = x - loc.

    Each term of h is 0 or more and does not rise with s: there is one root, and log(h / s) = 0 has it too. In units of
    the largest abs(y) no term exceeds that of y = -1, so h(1.25) <= exp(0.8) - 1 < 1.25; and of n terms the one whose y
    is 1 or -1 alone makes h(1 / 2n) > 1 / 2n. If the least y is -m, m (exp(m / s) - 1) <= n s <= 1.25 n at the root: no
    exponential overflows between the bounds.
    """
    power = _exponent(float(x.min()), float(x.max()), loc)
    y = np.ldexp(x, -power) - math.ldexp(loc, -power)
    unit = float(np.abs(y).max())
    if unit == 0:
        raise ValueError("data are all equal to floc")
    y /= unit
    most = max(0.0, -float(y.min()))
    low, high = 0.8, 2.0 * y.size  # of t = 1 / s
    if most > 0:
        high = min(high, math.log1p(1.25 * y.size / most) / most)
    t = min(max(math.sqrt(2 / float(np.square(y).mean())), low), high)
    for _ in range(200):
        loss = np.expm1(y * -t)
        h = -float(y @ loss) / y.size
        gap = math.log(t * h)
        low, high = (low, t) if gap > 0 else (t, high)
        loss += 1
        loss *= y
        step = gap / (float(y @ loss) / y.size / h + 1 / t)
        before, t = t, t - step
        if abs(step) <= 4e-16 * t:
            break
        if not low < t < high:
            t = math.sqrt(low) * math.sqrt(high)
        if t == before:
            break
    return float(np.ldexp(unit / t, power))


gumbel_r = GumbelR()
