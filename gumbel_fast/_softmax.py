"""Softmax with a temperature, its logarithm and its gradient, and log-sum-exp."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _methods
from ._arguments import NO_FILTERS, Vector
from ._request import reduced, relaxed, to_differentiate, to_normalise


def softmax(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> NDArray[Any]:
    """Softmax of ``logits / temperature`` along an axis: ``exp(x_i / T) / sum_j exp(x_j / T)``.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like, optional
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    mask : array_like, optional
        Which categories count, the others having probability 0: bool, int8 or uint8, not 0 where
        they do, broadcast to the shape of `logits`; or, for the last axis, int32 or uint32 words, column c being bit
        ``c % 32`` of word ``c // 32`` and columns beyond the words masked. It is read as it lies; what it leaves out
        counts as -inf, whatever its logit.
    indptr : array_like of ints, optional
        Ragged rows, as in CSR: `logits` have one axis, row r being ``logits[indptr[r]:indptr[r + 1]]``, and a `mask` is
        of bytes along it. The batch shape is ``(len(indptr) - 1,)``. Every result is that of the row alone.
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
        gives NaN, and so do elements that are in no ragged row (in `out` they stay as they were). An entry z nats below
        the largest (after temperature) has a relative error below 2**-22 (1 + z) in float32.

    Raises
    ------
    ValueError
        A temperature that is 0, negative or NaN; a mask of the wrong shape; an `indptr` that falls or leaves the array;
        a wrong `out`; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers, a mask of another dtype, an `indptr` that is not of ints, or a masked array.

    Examples
    --------
    >>> import gumbel_fast
    >>> gumbel_fast.softmax([0.0, 1.0, 2.0]).round(4)
    array([0.09  , 0.2447, 0.6652])
    >>> gumbel_fast.softmax([0.0, 1.0, 2.0], temperature=0.1).round(4)
    array([0., 0., 1.])
    """
    request = to_normalise(logits, (temperature, mask, indptr, NO_FILTERS, axis))
    return relaxed(request, _core.SOFTMAX, _methods.SOFTMAX, axis, out, workers)


def log_softmax(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> NDArray[Any]:
    """Logarithm of `softmax`: ``x_i / T - log(sum_j exp(x_j / T))``.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like, optional
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    mask : array_like, optional
        Which categories count, the others having log-probability -inf: bool, int8 or uint8, not 0 where
        they do, broadcast to the shape of `logits`; or, for the last axis, int32 or uint32 words, column c being bit
        ``c % 32`` of word ``c // 32`` and columns beyond the words masked. It is read as it lies; what it leaves out
        counts as -inf, whatever its logit.
    indptr : array_like of ints, optional
        Ragged rows, as in CSR: `logits` have one axis, row r being ``logits[indptr[r]:indptr[r + 1]]``, and a `mask` is
        of bytes along it. The batch shape is ``(len(indptr) - 1,)``. Every result is that of the row alone.
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
        Log-probabilities in nats, of the shape of `logits`; NaN where `softmax` gives NaN.

    Raises
    ------
    ValueError
        A temperature that is 0, negative or NaN; a mask of the wrong shape; an `indptr` that falls or leaves the array;
        a wrong `out`; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers, a mask of another dtype, an `indptr` that is not of ints, or a masked array.

    Examples
    --------
    >>> import gumbel_fast
    >>> gumbel_fast.log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    request = to_normalise(logits, (temperature, mask, indptr, NO_FILTERS, axis))
    return relaxed(request, _core.LOG_SOFTMAX, _methods.SOFTMAX, axis, out, workers)


@overload
def logsumexp(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: Vector,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: None = None,
    axis: int = -1,
    out: None = None,
    workers: int = 1,
) -> np.floating[Any]: ...
@overload
def logsumexp(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> NDArray[Any]: ...
def logsumexp(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> Any:
    """Logarithm of the sum of ``exp(logits / temperature)`` along an axis.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like, optional
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    mask : array_like, optional
        Which categories count in the sum: bool, int8 or uint8, not 0 where
        they do, broadcast to the shape of `logits`; or, for the last axis, int32 or uint32 words, column c being bit
        ``c % 32`` of word ``c // 32`` and columns beyond the words masked. It is read as it lies; what it leaves out
        counts as -inf, whatever its logit.
    indptr : array_like of ints, optional
        Ragged rows, as in CSR: `logits` have one axis, row r being ``logits[indptr[r]:indptr[r + 1]]``, and a `mask` is
        of bytes along it. The batch shape is ``(len(indptr) - 1,)``. Every result is that of the row alone.
    axis : int, optional
        The axis of the categories.
    out : ndarray, optional
        Takes the result: an array of the batch shape.
    workers : int, optional
        Most threads to use; negative numbers count from ``os.cpu_count()`` down, as in scipy.fft. The result is the
        same for every number.

    Returns
    -------
    ndarray or scalar
        In nats, of the shape of `logits` without `axis`. As in SciPy a row of nothing but -inf, or an empty one, gives
        -inf, and one with +inf gives +inf; NaN gives NaN.

    Raises
    ------
    ValueError
        A temperature that is 0, negative or NaN; a mask of the wrong shape; an `indptr` that falls or leaves the array;
        a wrong `out`; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers, a mask of another dtype, an `indptr` that is not of ints, or a masked array.

    Examples
    --------
    >>> import gumbel_fast
    >>> float(gumbel_fast.logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    request = to_normalise(logits, (temperature, mask, indptr, NO_FILTERS, axis))
    return reduced(request, _core.LOGSUMEXP, _methods.SOFTMAX, out, workers)


def softmax_vjp(
    y: ArrayLike,
    grad: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> NDArray[Any]:
    """Gradient in the logits of a loss whose gradient in their softmax is known: ``(y / T) * (g - sum(g * y))``.

    It is the vector-Jacobian product of ``softmax(x, temperature=T)`` and ``gumbel_softmax(x, temperature=T)`` alike,
    for the noise is a constant that is added to x.

    Parameters
    ----------
    y : array_like of real numbers
        What softmax or (with ``hard=False``) gumbel_softmax gave.
    grad : array_like of real numbers
        Gradient of the loss in `y`, of the same shape. Where the two dtypes differ the wider one is computed in.
        float16 and bfloat16 (of ml_dtypes) are converted to float32 first.
    temperature : float or array_like, optional
        The one that gave `y`: above 0; a scalar, or an array that broadcasts to the batch shape.
    axis : int, optional
        The axis of the categories.
    out : ndarray, optional
        Takes the result; may be `y` or `grad` itself.
    workers : int, optional
        Most threads to use; negative numbers count from ``os.cpu_count()`` down, as in scipy.fft. The result is the
        same for every number.

    Returns
    -------
    ndarray
        Of the shape of `y`; float32 where both `y` and `grad` are computed in it, else float64.

    Raises
    ------
    ValueError
        Shapes that differ; a temperature that is 0, negative or NaN; a wrong `out`; more than 2**34 columns; workers 0.
    TypeError
        Arguments that are not real numbers, or a masked array.

    Examples
    --------
    >>> import gumbel_fast
    >>> y = gumbel_fast.softmax([0.0, 1.0, 2.0])
    >>> gumbel_fast.softmax_vjp(y, [0.0, 0.0, 1.0]).round(4)  # how each logit moves the last probability
    array([-0.0599, -0.1628,  0.2227])
    """
    request = to_differentiate(y, grad, temperature=temperature, axis=axis)
    return relaxed(request, _core.SOFTMAX_VJP, _methods.SOFTMAX_VJP, axis, out, workers)
