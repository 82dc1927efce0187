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
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like of floats, shape (...), default 1.0
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        Which categories count, the others having probability 0, of the kinds that `categorical` takes: broadcast to the
        shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as for `categorical`: the batch shape is ``(len(indptr) - 1,)``. Every result is that of the row
        alone.
    axis : int, default -1
        The axis of the categories.
    out : ndarray of float32 or float64, optional
        Takes the result, of the shape of `logits`; may be `logits` itself.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64
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
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like of floats, shape (...), default 1.0
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        Which categories count, the others having log-probability -inf, of the kinds that `categorical` takes: broadcast
        to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as for `categorical`: the batch shape is ``(len(indptr) - 1,)``. Every result is that of the row
        alone.
    axis : int, default -1
        The axis of the categories.
    out : ndarray of float32 or float64, optional
        Takes the result, of the shape of `logits`; may be `logits` itself.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64
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
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like of floats, shape (...), default 1.0
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        Which categories count in the sum, of the kinds that `categorical` takes: broadcast to the shape of `logits`, or
        packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as for `categorical`: the batch shape is ``(len(indptr) - 1,)``. Every result is that of the row
        alone.
    axis : int, default -1
        The axis of the categories.
    out : ndarray of float32 or float64, optional
        Takes the result: an array of the batch shape.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64, or a scalar
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
    y : array_like of real numbers, shape (..., n)
        What softmax or (with ``hard=False``) gumbel_softmax gave.
    grad : array_like of real numbers, shape (..., n)
        Gradient of the loss in `y`, of the same shape. Where the two dtypes differ the wider one is computed in.
        float16 and bfloat16 (of ml_dtypes) are converted to float32 first.
    temperature : float or array_like of floats, shape (...), default 1.0
        The one that gave `y`: above 0; a scalar, or an array that broadcasts to the batch shape.
    axis : int, default -1
        The axis of the categories.
    out : ndarray of float32 or float64, optional
        Takes the result, of the shape of `y`; may be `y` or `grad` itself.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64
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
