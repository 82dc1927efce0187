"""Sampling made differentiable: `gumbel_softmax`, and `softmax_vjp`, the gradient that it shares with softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._arrays import Array, as_logits, as_offset, as_real, as_result, as_rows, as_temperature, check_out, fill_rows
from ._rng import RNG, draw_seed
from ._threads import as_workers, run

_NANOSECONDS, _NANOSECONDS_VJP = 1.5, 0.3  # an element, roughly


def gumbel_softmax(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    hard: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    out: np.ndarray[Any, Any] | None = None,
    workers: int = 1,
) -> Any:
    """Draw relaxed one-hot samples from each row of logits: ``softmax((logits + noise) / temperature)``.

    As the temperature falls to 0 the sample becomes a one-hot of a category drawn with probability ``softmax(logits)``;
    at any temperature its largest entry is where ``gumbel_max(logits)`` points for the same seed. `softmax_vjp` of the
    result is its gradient.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like, optional
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    hard : bool, optional
        Return the exact one-hot of the largest entry instead. For a straight-through gradient keep the soft sample of
        the same seed: it is what `softmax_vjp` wants.
    axis : int, optional
        The axis of the categories; the others are the batch.
    rng : None, int, SeedSequence, BitGenerator or Generator, optional
        Source of the seed: the noise is ``gumbel(size=shape, dtype=float32 or float64, rng=rng)``, its columns along
        `axis` and its rows the batch in C order.
    offset : tuple of two ints, optional
        Added to the row and the column, as in `gumbel`.
    out : ndarray, optional
        Takes the result; may be `logits` itself.
    workers : int, optional
        Most threads to use; negative numbers count from ``os.cpu_count()`` down, as in scipy.fft. The result is the
        same for every number.

    Returns
    -------
    ndarray
        Of the shape of `logits`, 0 or more, each row summing to 1. -inf gives exactly 0; a row with NaN or +inf, or of
        nothing but -inf, gives NaN.

    Raises
    ------
    ValueError
        A temperature that is 0, negative or NaN; a wrong `out`; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers.

    References
    ----------
    .. [1] E. Jang, S. Gu and B. Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017.
    .. [2] C. J. Maddison, A. Mnih and Y. W. Teh, "The concrete distribution: a continuous relaxation of discrete random
       variables", ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.log([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
    >>> soft = gumbel_fast.gumbel_softmax(logits, temperature=0.5, rng=7)
    >>> soft.sum(axis=1).round(6)
    array([1., 1.])
    >>> hard = gumbel_fast.gumbel_softmax(logits, temperature=0.5, hard=True, rng=7)
    >>> bool((hard.argmax(axis=1) == gumbel_fast.gumbel_max(logits, rng=7)).all())
    True
    """
    threads = as_workers(workers)
    x = as_logits(logits)
    rows = as_rows("logits", x, axis)
    columns = rows.shape[-1]
    t = as_temperature(temperature, rows.shape[:-1], zero=False)
    if out is not None:
        check_out(out, x.shape, as_result(x.dtype), x)
    row, column = as_offset(offset, columns)
    key, base = draw_seed(rng)
    first, one_hot = (base + row) % 2**64, bool(hard)

    def fill(result: Array) -> None:
        def work(start: int, stop: int) -> None:
            _core.gumbel_softmax(rows, t, result, one_hot, key, first, column, start, stop)

        run(work, rows.size // columns, columns * _NANOSECONDS, threads)

    return fill_rows(fill, rows, axis, out)


def softmax_vjp(
    y: ArrayLike,
    grad: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    out: np.ndarray[Any, Any] | None = None,
    workers: int = 1,
) -> Any:
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
        Arguments that are not real numbers.

    Examples
    --------
    >>> import gumbel_fast
    >>> y = gumbel_fast.softmax([0.0, 1.0, 2.0])
    >>> gumbel_fast.softmax_vjp(y, [0.0, 0.0, 1.0]).round(4)  # how each logit moves the last probability
    array([-0.0599, -0.1628,  0.2227])
    """
    threads = as_workers(workers)
    a, b = as_real("y", y), as_real("grad", grad)
    if a.shape != b.shape:
        raise ValueError(f"grad must have the shape {a.shape} of y, not {b.shape}")
    wide = np.result_type(a, b)
    a, b = a.astype(wide, copy=False), b.astype(wide, copy=False)
    rows, grads = as_rows("y", a, axis), as_rows("grad", b, axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=False)
    if out is not None:
        check_out(out, a.shape, wide, a, b)

    def fill(result: Array) -> None:
        def work(start: int, stop: int) -> None:
            _core.softmax_vjp(rows, grads, t, result, start, stop)

        run(work, rows.size // rows.shape[-1], rows.shape[-1] * _NANOSECONDS_VJP, threads)

    return fill_rows(fill, rows, axis, out)
