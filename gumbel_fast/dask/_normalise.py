"""Softmax, its logarithm, log-probabilities and entropies of Dask arrays."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _log_prob, _softmax
from .._arguments import NO_FILTERS
from .._threads import as_workers
from ._arguments import as_dask, is_lazy
from ._calls import Call, of_logits
from ._layers import Layer, add_pieces


def softmax(
    logits: Any,
    *,
    temperature: Any = 1.0,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> da.Array:
    """Softmax of each row of a Dask array: lazily `gumbel_fast.softmax`.

    Parameters without a description are those of `gumbel_fast.softmax`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n)
        The axis of the categories in one chunk.
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    axis : int, default -1
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    dask.array.Array of float32 or float64
        Of the shape and the chunks of `logits`.

    Raises
    ------
    ValueError, TypeError
        As there; and for a category axis that is cut, or chunks of unknown sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import gumbel_fast.dask as gfd
    >>> gfd.softmax(da.zeros((4, 2), chunks=(3, 2))).compute()[0]
    array([0.5, 0.5])
    """
    return _relaxed("softmax", _softmax.softmax, logits, temperature, mask, indptr, axis, workers)


def log_softmax(
    logits: Any,
    *,
    temperature: Any = 1.0,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> da.Array:
    """Logarithm of softmax of each row of a Dask array: lazily `gumbel_fast.log_softmax`.

    Parameters without a description are those of `gumbel_fast.log_softmax`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n)
        The axis of the categories in one chunk.
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    axis : int, default -1
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    dask.array.Array of float32 or float64
        Of the shape and the chunks of `logits`.

    Raises
    ------
    ValueError, TypeError
        As there; and for a category axis that is cut, or chunks of unknown sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import gumbel_fast.dask as gfd
    >>> gfd.log_softmax(da.zeros((4, 2), chunks=(3, 2))).compute()[0].round(4)
    array([-0.6931, -0.6931])
    """
    return _relaxed("log_softmax", _softmax.log_softmax, logits, temperature, mask, indptr, axis, workers)


def logsumexp(
    logits: Any,
    *,
    temperature: Any = 1.0,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> da.Array:
    """Logarithm of the sum of exponentials of each row of a Dask array: lazily `gumbel_fast.logsumexp`.

    Parameters without a description are those of `gumbel_fast.logsumexp`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n)
        The axis of the categories in one chunk.
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    axis : int, default -1
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    dask.array.Array of float32 or float64
        Of the shape and the chunks of the batch.

    Raises
    ------
    ValueError, TypeError
        As there; and for a category axis that is cut, or chunks of unknown sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import gumbel_fast.dask as gfd
    >>> gfd.logsumexp(da.zeros((4, 2), chunks=(3, 2))).compute().round(4)
    array([0.6931, 0.6931, 0.6931, 0.6931])
    """
    constants = {"workers": as_workers(workers)}
    call = of_logits(
        "logsumexp", logits, (temperature, mask, indptr, NO_FILTERS, axis), zero=False, constants=constants
    )
    return _numbers(call, _softmax.logsumexp)


def log_prob(
    logits: Any,
    index: Any,
    *,
    temperature: Any = 1.0,
    top_k: Any = None,
    top_p: Any = None,
    min_p: Any = None,
    filter_temperature: Any = None,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> da.Array:
    """Log-probabilities of given categories of each row of a Dask array: lazily `gumbel_fast.log_prob`.

    Parameters without a description are those of `gumbel_fast.log_prob`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n)
        The axis of the categories in one chunk.
    index : array_like or dask.array.Array of ints, shape (...) or (..., m)
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    top_k : int, or array_like or dask.array.Array of ints, shape (...), optional
    top_p : float, or array_like or dask.array.Array of floats, shape (...), optional
    min_p : float, or array_like or dask.array.Array of floats, shape (...), optional
    filter_temperature : float, or array_like or dask.array.Array of floats, shape (...), optional
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    axis : int, default -1
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    dask.array.Array of float32 or float64
        Of the shape of `index`, in the chunks of the batch.

    Raises
    ------
    ValueError, TypeError
        As there; and for a category axis that is cut, or chunks of unknown sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import gumbel_fast.dask as gfd
    >>> gfd.log_prob(da.zeros((4, 2), chunks=(3, 2)), [0, 1, 1, 0]).compute().round(4)
    array([-0.6931, -0.6931, -0.6931, -0.6931])
    """
    filters = (top_k, top_p, min_p, filter_temperature)
    constants = {"workers": as_workers(workers)}
    call = of_logits("log_prob", logits, (temperature, mask, indptr, filters, axis), constants=constants)
    places = _places(index, call)
    call.rows.each_of_several("index", places)
    return _numbers(call, _log_prob.log_prob, places.shape[len(call.rows.batch) :])


def entropy(
    logits: Any,
    *,
    temperature: Any = 1.0,
    top_k: Any = None,
    top_p: Any = None,
    min_p: Any = None,
    filter_temperature: Any = None,
    mask: Any = None,
    indptr: ArrayLike | None = None,
    axis: int = -1,
    workers: int = 1,
) -> da.Array:
    """Entropy in nats of each row of a Dask array: lazily `gumbel_fast.entropy`.

    Parameters without a description are those of `gumbel_fast.entropy`.

    Parameters
    ----------
    logits : dask.array.Array of real numbers, shape (..., n)
        The axis of the categories in one chunk.
    temperature : float, or array_like or dask.array.Array of floats, shape (...), default 1.0
    top_k : int, or array_like or dask.array.Array of ints, shape (...), optional
    top_p : float, or array_like or dask.array.Array of floats, shape (...), optional
    min_p : float, or array_like or dask.array.Array of floats, shape (...), optional
    filter_temperature : float, or array_like or dask.array.Array of floats, shape (...), optional
    mask : array_like or dask.array.Array of bool, int8, uint8, int32 or uint32, optional
        Broadcast to the shape of `logits`, or packed in words.
    indptr : array_like of ints, shape (rows + 1,), optional
        In memory: no Dask array.
    axis : int, default -1
    workers : int, default 1
        Threads within a chunk.

    Returns
    -------
    dask.array.Array of float32 or float64
        Of the shape and the chunks of the batch.

    Raises
    ------
    ValueError, TypeError
        As there; and for a category axis that is cut, or chunks of unknown sizes.

    Examples
    --------
    >>> import dask.array as da
    >>> import gumbel_fast.dask as gfd
    >>> gfd.entropy(da.zeros((4, 2), chunks=(3, 2))).compute().round(4)
    array([0.6931, 0.6931, 0.6931, 0.6931])
    """
    filters = (top_k, top_p, min_p, filter_temperature)
    constants = {"workers": as_workers(workers)}
    call = of_logits("entropy", logits, (temperature, mask, indptr, filters, axis), constants=constants)
    return _numbers(call, _log_prob.entropy)


def _relaxed(
    what: str, function: Any, logits: Any, temperature: Any, mask: Any, indptr: Any, axis: int, workers: int
) -> da.Array:
    parts = temperature, mask, indptr, NO_FILTERS, axis
    call = of_logits(what, logits, parts, zero=False, constants={"workers": as_workers(workers)})
    layer = Layer.of(call)
    add_pieces(layer, call, function, last=() if call.rows.indptr is not None else (0,))
    return call.back(layer.array(call.rows.x.chunks, call.request.compute_type))


def _numbers(call: Call, function: Any, last: tuple[int, ...] = ()) -> da.Array:
    """Return the array of what a function gives for each row: a number, or as many as `last` says."""
    layer = Layer.of(call)
    add_pieces(layer, call, function, last=(0,) * len(last))
    return layer.array((*call.rows.batch_chunks, *((n,) for n in last)), call.request.compute_type)


def _places(index: Any, call: Call) -> da.Array | NDArray[np.int64]:
    """Return given categories, checked as far as they are known."""
    if not is_lazy(index):
        return _log_prob.as_places(index, call.request)
    places = as_dask("index", index)
    if places.dtype.kind not in "iu":
        raise TypeError(f"index must be ints, not an array of dtype {places.dtype}")
    if places.shape != call.rows.batch and places.shape[:-1] != call.rows.batch:
        raise ValueError(f"index must have the batch shape {call.rows.batch}, or one axis more, not {places.shape}")
    return places
