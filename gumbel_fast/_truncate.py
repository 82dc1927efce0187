"""What top_k, top_p and min_p keep of rows of logits: `truncate`."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from . import _core, _methods
from ._request import relaxed, to_normalise


def truncate(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> NDArray[Any]:
    """Replace the logits that a mask and filters leave out by -inf.

    It is the plain meaning of the filters of `categorical`, and the way in which other functions get them. The order
    is: `mask`; division by `filter_temperature`; `top_k`; `top_p` of what is left, normalised again; `min_p`. One order
    decides, falling logits and of equals the lower index first, and what is kept are the first so many of it.

    Parameters
    ----------
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like of floats, shape (...), default 1.0
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`). At 0
        the filters see the limit: equal shares for the largest logits, and none for the others.
    top_k : int or array_like of ints, shape (...), optional
        Keep this many of the largest logits; 0, None, or more than there are keeps all. Like the other filters a
        scalar, or an array that broadcasts to the batch shape.
    top_p : float or array_like of floats, shape (...), optional
        Of what is left, keep a category if the probability of those before it in the order is below `top_p`; so the one
        that reaches `top_p` is kept, and the first always. 1 or more, or None, keeps all.
    min_p : float or array_like of floats, shape (...), optional
        Keep what has at least `min_p` times the probability of the most likely, 0 to 1; 0 or None keeps all.
    filter_temperature : float or array_like of floats, shape (...), optional
        The temperature of the probabilities that `top_p` and `min_p` look at; by default `temperature`, which is used
        for nothing else here.
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, of the kinds that `categorical` takes: broadcast to the shape of `logits`, or packed in
        words.
    axis : int, default -1
        The axis of the categories; the others are the batch.
    out : ndarray of float32 or float64, optional
        Takes the result, of the shape of `logits`; may be `logits` itself.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64
        Logits, not divided by the temperature, of the shape of `logits`: those kept, and -inf. A row with NaN or +inf,
        where the mask allows it, gives NaN; one with nothing left gives -inf.

    Raises
    ------
    ValueError
        A temperature or a filter that is negative or NaN, a `min_p` above 1, or a `top_k` that is no whole number; a
        mask of the wrong shape; a wrong `out`; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers, a mask of another dtype, or a masked array.

    See Also
    --------
    categorical : draws from what is kept, in one call.

    References
    ----------
    .. [1] A. Holtzman et al., "The curious case of neural text degeneration", ICLR 2020. top_p.
    .. [2] M. N. Nguyen et al., "Turning up the heat: min-p sampling for creative and coherent LLM outputs", ICLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.log([0.5, 0.3, 0.15, 0.05])
    >>> np.isfinite(gumbel_fast.truncate(logits, top_p=0.9))
    array([ True,  True,  True, False])
    >>> np.isfinite(gumbel_fast.truncate(logits, min_p=0.2, mask=np.array([False, True, True, True])))
    array([False,  True,  True, False])
    """
    filters = (top_k, top_p, min_p, filter_temperature)
    request = to_normalise(logits, (temperature, mask, None, filters, axis), zero=True)
    return relaxed(request, _core.TRUNCATE, _methods.TRUNCATE, axis, out, workers)
