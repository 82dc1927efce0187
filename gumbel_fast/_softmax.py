"""Softmax with a temperature, its logarithm, and log-sum-exp."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._arrays import Array, as_real, as_rows, as_temperature, check_out, fill_rows
from ._threads import as_workers, run

_NANOSECONDS = 1.0  # an element, roughly, into new memory


def _softmax(
    logits: ArrayLike, temperature: ArrayLike, axis: int, out: np.ndarray[Any, Any] | None, workers: int, log: bool
) -> Any:
    threads = as_workers(workers)
    x = as_real("logits", logits)
    rows = as_rows("logits", x, axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=False)
    if out is not None:
        check_out(out, x.shape, x.dtype, x)

    def fill(result: Array) -> None:
        def work(start: int, stop: int) -> None:
            _core.softmax(rows, t, result, log, start, stop)

        run(work, rows.size // rows.shape[-1], rows.shape[-1] * _NANOSECONDS, threads)

    return fill_rows(fill, rows, axis, out)


def softmax(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    out: np.ndarray[Any, Any] | None = None,
    workers: int = 1,
) -> Any:
    """Softmax of ``logits / temperature`` along an axis: ``exp(x_i / T) / sum_j exp(x_j / T)``.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are converted to float32 first, and so is the result.
    temperature : float or array_like, optional
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    axis : int, optional
        The axis of the categories.
    out : ndarray, optional
        Takes the result; may be `logits` itself.
    workers : int, optional
        Most threads to use; negative numbers count from ``os.cpu_count()`` down, as in scipy.fft. The result is the
        same for every number.

    Returns
    -------
    ndarray
        Probabilities, of the shape of `logits`. -inf gives exactly 0; a row with NaN or +inf, or of nothing but -inf,
        gives NaN. An entry z nats below the largest (after temperature) has a relative error below 2**-22 (1 + z) in
        float32.

    Raises
    ------
    ValueError
        A temperature that is 0, negative or NaN; a wrong `out`; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers.

    Examples
    --------
    >>> import gumbel_fast
    >>> gumbel_fast.softmax([0.0, 1.0, 2.0]).round(4)
    array([0.09  , 0.2447, 0.6652])
    >>> gumbel_fast.softmax([0.0, 1.0, 2.0], temperature=0.1).round(4)
    array([0., 0., 1.])
    """
    return _softmax(logits, temperature, axis, out, workers, log=False)


def log_softmax(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    out: np.ndarray[Any, Any] | None = None,
    workers: int = 1,
) -> Any:
    """Logarithm of `softmax`: ``x_i / T - log(sum_j exp(x_j / T))``.

    Parameters, Raises : as for `softmax`.

    Returns
    -------
    ndarray
        Log-probabilities in nats, of the shape of `logits`; NaN where `softmax` gives NaN.

    Examples
    --------
    >>> import gumbel_fast
    >>> gumbel_fast.log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    return _softmax(logits, temperature, axis, out, workers, log=True)


def logsumexp(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    out: np.ndarray[Any, Any] | None = None,
    workers: int = 1,
) -> Any:
    """Logarithm of the sum of ``exp(logits / temperature)`` along an axis.

    Parameters, Raises : as for `softmax`.

    Returns
    -------
    ndarray or scalar
        In nats, of the shape of `logits` without `axis`. As in SciPy a row of nothing but -inf, or an empty one, gives
        -inf, and one with +inf gives +inf; NaN gives NaN.

    Examples
    --------
    >>> import gumbel_fast
    >>> float(gumbel_fast.logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    threads = as_workers(workers)
    x = as_real("logits", logits)
    rows = as_rows("logits", x, axis)
    batch = rows.shape[:-1]
    t = as_temperature(temperature, batch, zero=False)
    if out is not None:
        check_out(out, batch, x.dtype, x)
    sums = np.empty(batch)

    def work(start: int, stop: int) -> None:
        _core.logsumexp(rows, t, sums, start, stop)

    run(work, sums.size, rows.shape[-1] * _NANOSECONDS, threads)
    if out is None:
        with np.errstate(over="ignore"):
            return sums.astype(x.dtype, copy=False)[()]
    out[...] = sums
    return out
