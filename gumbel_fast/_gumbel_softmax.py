"""Sampling made differentiable: `gumbel_softmax`. Its gradient is softmax's: `softmax_vjp`, in _softmax.py."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from . import _core, _methods
from ._arguments import NO_FILTERS
from ._request import relaxed, to_relax
from ._rng import RNG


def gumbel_softmax(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    hard: bool = False,
    log: bool = False,
    mask: ArrayLike | None = None,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> NDArray[Any]:
    """Draw relaxed one-hot samples from each row of logits: ``softmax((logits + noise) / temperature)``.

    As the temperature falls to 0 the sample becomes a one-hot of a category drawn with probability ``softmax(logits)``;
    at any finite temperature its largest entry is where ``gumbel_max(logits)`` points for the same seed, to the
    rounding of near ties, for logits below 2**40 in size: larger ones leave `gumbel_max` too little of the noise, while
    here only differences between logits enter. `softmax_vjp` of the result is its gradient.

    Parameters
    ----------
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like of floats, shape (...), default 1.0
        Above 0; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
    hard : bool, default False
        Return the exact one-hot of the largest entry instead. For a straight-through gradient keep the soft sample of
        the same seed: it is what `softmax_vjp` wants.
    log : bool, default False
        Return the logarithm of the sample of the same seed, to full precision where the sample is near 0 or 1: finite
        where the sample underflows to 0, as far as the dtype reaches, and not 0 where the sample rounds to 1.
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        Which categories may be drawn, the others being 0 in the sample, of the kinds that `categorical` takes:
        broadcast to the shape of `logits`, or packed in words.
    axis : int, default -1
        The axis of the categories; the others are the batch.
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Source of the seed: the noise is ``gumbel(size=shape, dtype=float32 or float64, rng=rng)``, its columns along
        `axis` and its rows the batch in C order.
    offset : tuple of two ints, default (0, 0)
        Added to the row and the column, as in `gumbel`.
    out : ndarray of float32 or float64, optional
        Takes the result, of the shape of `logits`; may be `logits` itself.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64
        Of the shape of `logits`, 0 or more, each row summing to 1. -inf gives exactly 0, and -inf of `log`; a row with
        NaN or +inf, or of nothing but -inf, gives NaN.

    Raises
    ------
    ValueError
        Both `hard` and `log`; a temperature that is 0, negative or NaN; a mask of the wrong shape; a wrong `out`; more
        than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers, a mask of another dtype, or a masked array.

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

    At a low temperature all but one underflow; their logarithms do not:

    >>> cold = gumbel_fast.gumbel_softmax(logits, temperature=1e-4, log=True, rng=7)
    >>> bool((np.exp(cold) == 0).sum() == 4 and np.isfinite(cold).all())
    True
    """
    form = as_form(hard, log)
    request = to_relax(logits, (temperature, mask, None, NO_FILTERS, axis), rng=rng, offset=offset)
    return relaxed(request, _core.GUMBEL_SOFTMAX, _methods.GUMBEL_SOFTMAX, axis, out, workers, form=form)


def as_form(hard: bool, log: bool) -> int:
    """Return the form of a sample that _core makes; ValueError for one that is both."""
    if hard and log:
        raise ValueError("hard and log exclude each other: a one-hot sample has no logarithm")
    return _core.HARD if hard else _core.LOG if log else _core.SOFT
