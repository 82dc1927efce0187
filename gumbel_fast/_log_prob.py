"""What a draw of `categorical` tells: `log_prob` of categories, and `entropy`."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arguments import Array, Vector, as_array, check_each, check_plain, compute_dtype
from ._core import Request
from ._methods import LOG_PROB_VJP
from ._request import Parts, categories_of, over_rows, to_log_prob, to_normalise
from ._results import fill_rows
from ._threads import as_workers


def log_prob(
    logits: ArrayLike,
    index: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> Any:
    """Log-probabilities of given categories: the logarithm of ``softmax(logits / temperature)`` of what is kept.

    With no filter and temperature 1 it is the plain log-probability that a model gives. The row is passed over, and no
    row of probabilities is made; a category that is all but certain keeps its digits, as ``-log1p`` of what is beside
    it.

    Parameters
    ----------
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    index : array_like of ints, shape (...) or (..., m)
        Categories, along `axis`: one for each row, in the batch shape, or m for each, in the shape batch + (m,). -1,
        which stands for no draw (``allow_fewer`` of `categorical`), has the log-probability -inf.
    temperature : float or array_like of floats, shape (...), default 1.0
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`). At 0
        the first of the largest is certain.
    top_k : int or array_like of ints, shape (...), optional
        Keep this many of the largest logits. Like the other filters, which mean what they do in `categorical`, a
        scalar, or an array that broadcasts to the batch shape.
    top_p : float or array_like of floats, shape (...), optional
        Keep the likeliest that together have this probability.
    min_p : float or array_like of floats, shape (...), optional
        Keep what has at least this share of the probability of the likeliest.
    filter_temperature : float or array_like of floats, shape (...), optional
        The temperature of the probabilities that `top_p` and `min_p` look at; by default `temperature`.
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, of the kinds that `categorical` takes: broadcast to the shape of `logits`, or packed in
        words.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as for `categorical`: the batch shape is ``(len(indptr) - 1,)``, and an index counts from the row's
        start. Every result is that of the row alone.
    axis : int, default -1
        The axis of the categories; the others are the batch.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64, or a scalar
        In nats, of the shape of `index`; -inf for what mask or filters leave out. A row with NaN or +inf, or with
        nothing left, gives NaN.

    Raises
    ------
    ValueError
        An index that is not one of the row; an `index` of another shape; a temperature or a filter that is negative or
        NaN, a `min_p` above 1, or a `top_k` that is no whole number; a mask of the wrong shape; an `indptr` that falls
        or leaves the array; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers, indices or an `indptr` that are not ints, a mask of another dtype, or a masked
        array.

    See Also
    --------
    categorical : draws with their log-probabilities, by ``return_log_prob=True``.
    log_softmax : log-probabilities of all categories.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.log([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
    >>> np.exp(gumbel_fast.log_prob(logits, [2, 0])).round(6)
    array([0.7, 0.5])
    >>> gumbel_fast.log_prob([0.0, -40.0], 0)
    np.float64(-4.248354255291589e-18)
    """
    threads = as_workers(workers)
    filters = (top_k, top_p, min_p, filter_temperature)
    request = to_normalise(logits, (temperature, mask, indptr, filters, axis), zero=True)
    places = as_places(index, request)
    result = np.empty(places.shape, request.compute_type)
    if result.size:
        to_log_prob(request, places, result, threads)
    return result[()]


def as_places(index: ArrayLike, request: Request) -> NDArray[np.int64]:
    """Return given categories of each row as int64; ValueError for one that is none of its row."""
    check_plain("index", index)
    places = np.asarray(index)
    if places.dtype.kind not in "iu" and places.size:
        raise TypeError(f"index must be ints, not an array of dtype {places.dtype}")
    if places.shape != request.batch and places.shape[:-1] != request.batch:
        raise ValueError(f"index must have the batch shape {request.batch}, or one axis more, not {places.shape}")
    columns: Any = categories_of(request)
    if request.offsets is not None and places.ndim > 1:
        columns = columns[:, np.newaxis]
    inside = (places >= -1) & (places < columns)
    count = request.columns if request.offsets is None else "its row's"
    check_each("index", places, inside, f"one of {count} categories, or -1")
    return np.asarray(places, np.int64, order="C")


def tell(
    logits: ArrayLike, index: ArrayLike | None, parts: Parts, threads: int, *, entropy: bool
) -> tuple[Array | None, Array | None]:
    """Return the log-probabilities of given categories, if there are any, and the entropies, if they are wanted."""
    request = to_normalise(logits, parts, zero=True)
    places = None if index is None else as_places(index, request)
    logs = None if places is None else np.empty(places.shape, request.compute_type)
    entropies = np.empty(request.batch, request.compute_type) if entropy else None
    if (logs is not None and logs.size) or (entropies is not None and entropies.size):
        to_log_prob(request, places, logs if logs is None or logs.size else None, threads, entropies)
    return logs, entropies


def log_prob_vjp(
    logits: ArrayLike,
    index: ArrayLike | None,
    grad: ArrayLike | None,
    grad_entropy: ArrayLike | None,
    parts: Parts,
    threads: int,
) -> Array:
    """Return the gradient in the logits of a loss whose gradients in what `tell` gives are known, those that there are.

    What a mask or filters leave out has gradient 0, whatever its logit.
    """
    x = as_array("logits", logits)
    real = compute_dtype(x.dtype)
    rows = places = None
    if grad is not None and index is not None:
        rows = np.asarray(grad, real, order="C")
        if rows.ndim < x.ndim:
            rows = rows[..., np.newaxis]
    request = to_normalise(x, parts, zero=True, grad=rows)
    if rows is not None and index is not None:
        places = as_places(index, request)
    entropy = None if grad_entropy is None else np.asarray(grad_entropy, real, order="C")

    def fill(result: Array) -> None:
        core = request.into(places, out=result, entropy=entropy)
        over_rows(
            lambda start, stop: _core.relax(core, _core.LOG_PROB_VJP, start, stop), request, 0.0, LOG_PROB_VJP, threads
        )

    return fill_rows(fill, request.rows, request.compute_type, parts[-1], None)


@overload
def entropy(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: Vector,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: None = None,
    axis: int = -1,
    workers: int = 1,
) -> np.floating[Any]: ...
@overload
def entropy(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> NDArray[Any]: ...
def entropy(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> Any:
    """Entropy of a draw from each row in nats: ``-sum(p log p)``, p = ``softmax(logits / temperature)`` of those kept.

    Parameters
    ----------
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. float32 is computed in float32, float64 and integers in float64.
        float16 and bfloat16 (of ml_dtypes) are read as they lie and computed in float32, as is the result.
    temperature : float or array_like of floats, shape (...), default 1.0
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`). At 0
        the first of the largest is certain.
    top_k : int or array_like of ints, shape (...), optional
        Keep this many of the largest logits. Like the other filters, which mean what they do in `categorical`, a
        scalar, or an array that broadcasts to the batch shape.
    top_p : float or array_like of floats, shape (...), optional
        Keep the likeliest that together have this probability.
    min_p : float or array_like of floats, shape (...), optional
        Keep what has at least this share of the probability of the likeliest.
    filter_temperature : float or array_like of floats, shape (...), optional
        The temperature of the probabilities that `top_p` and `min_p` look at; by default `temperature`.
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, of the kinds that `categorical` takes: broadcast to the shape of `logits`, or packed in
        words.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as for `categorical`: the batch shape is ``(len(indptr) - 1,)``. Every result is that of the row
        alone.
    axis : int, default -1
        The axis of the categories; the others are the batch.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float32 or float64, or a scalar
        In nats, of the batch shape, 0 log 0 being 0; it keeps its digits near 0. A row with NaN or +inf, or with
        nothing left, gives NaN.

    Raises
    ------
    ValueError
        A temperature or a filter that is negative or NaN, a `min_p` above 1, or a `top_k` that is no whole number; a
        mask of the wrong shape; an `indptr` that falls or leaves the array; more than 2**34 columns; workers 0.
    TypeError
        Logits that are not real numbers, a mask of another dtype, an `indptr` that is not of ints, or a masked array.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> gumbel_fast.entropy(np.zeros((2, 8)), top_k=[8, 2]) / np.log(2)
    array([3., 1.])
    """
    filters = (top_k, top_p, min_p, filter_temperature)
    request = to_normalise(logits, (temperature, mask, indptr, filters, axis), zero=True)
    numbers = np.empty(request.batch, request.compute_type)
    to_log_prob(request, None, None, as_workers(workers), numbers)
    return numbers[()]
