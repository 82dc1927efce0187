"""The greatest of logits and noise: `gumbel_max` and `gumbel_top_k`, tied to the noise of `gumbel`."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _methods
from ._arguments import NO_FILTERS, Vector, as_k, check_out
from ._request import as_wanted, draw, over_stretches, to_sample
from ._results import deliver, widened
from ._rng import RNG
from ._shards import greatest_k_of_shards, greatest_of_shards, shared_rows
from ._threads import as_workers


@overload
def gumbel_max(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: Vector,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    return_value: Literal[False] = False,
    out: None = None,
    workers: int = 1,
) -> np.int64: ...
@overload
def gumbel_max(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: Vector,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    return_value: Literal[True],
    out: None = None,
    workers: int = 1,
) -> tuple[np.int64, np.float64]: ...
@overload
def gumbel_max(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    return_value: Literal[False] = False,
    out: NDArray[np.int64] | None = None,
    workers: int = 1,
) -> NDArray[np.int64]: ...
@overload
def gumbel_max(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    return_value: Literal[True],
    out: NDArray[np.int64] | None = None,
    workers: int = 1,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
@_core.fast_gumbel_max
def gumbel_max(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    return_value: bool = False,
    out: NDArray[np.int64] | None = None,
    workers: int = 1,
) -> Any:
    """Draw a category from each row of logits by the Gumbel-max trick: ``argmax(logits / temperature + noise)``.

    The index has probability ``softmax(logits / temperature)``, and is bit for bit the argmax that the noise of
    `gumbel` gives for the same seed; but the noise is not stored, and most of it is never computed. Where a
    draw need not be that of given noise, `categorical` is faster.

    Sums are in float64, so that noise is lost beside very large ``logits / temperature``: equal logits are drawn evenly
    as long as that is below 2**40 in size. Subtract the row's maximum where it is not, or call `categorical`.

    Parameters
    ----------
    logits : array_like of real numbers, shape (..., n)
        Unnormalised log-probabilities, in nats. -inf is a mask: that category is never drawn. float16, bfloat16 (of
        ml_dtypes) and float32 have noise in float32, all else in float64; sums are in float64.
    temperature : float or array_like of floats, shape (...), default 1.0
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`). At
        temperature 0 no noise is added: the first of the largest logits, and its value.
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, of the kinds that `categorical` takes: broadcast to the shape of `logits`, or packed in
        words.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as for `categorical`: the batch shape is ``(len(indptr) - 1,)``, and an index counts from the row's
        start. Every result is that of the row alone.
    allow_fewer : bool, default False
        A row with fewer categories than are wanted (none, too) gives those it has, then index -1 and value -inf,
        in place of an error.
    axis : int, default -1
        The axis of the categories; the others are the batch.
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Source of the seed: the noise is ``gumbel(size=shape, dtype=float32 or float64, rng=rng)``, its columns along
        `axis` and its rows the batch in C order.
    offset : tuple of two ints, default (0, 0)
        Added to the row and the column, as in `gumbel`.
    noise : array_like of floats, shape (..., n), optional
        Noise drawn beforehand, of the shape of `logits`, in place of `rng` and `offset`. float32 for logits that are
        computed in float32 and float64 for others is read in place; other dtypes are converted, as adding would.
    return_value : bool, default False
        Return the values as well: shards of a row, each drawn with its own `offset`, have their index where the
        greatest of these is. A shard of nothing but -inf has none: an error, or with `allow_fewer` the value -inf.
    out : ndarray of int64, optional
        Takes the indices: an array of the batch shape.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    index : ndarray of int64, or int64 scalar for 1-D logits
        Along `axis`, of the batch shape; the first of equals.
    value : ndarray of float64, or a scalar
        Of the same shape, only if `return_value`: ``max(logits / temperature + noise)``.

    Raises
    ------
    ValueError
        A row with NaN, +inf or nothing left to draw from in logits, with NaN or nothing but -inf in their sum with
        `noise`, or with no categories; a mask of the wrong shape; an `indptr` that falls or leaves the array; a
        temperature that is negative or NaN; `noise` of another shape, or together with `rng` or `offset`; a wrong
        `out`; more than 2**34 columns; workers 0. `out` is then as it was.
    TypeError
        Logits or noise that are not real numbers, a mask of another dtype, an `indptr` that is not of ints, or a masked
        array.

    References
    ----------
    .. [1] C. J. Maddison, D. Tarlow and T. Minka, "A* sampling", NeurIPS 2014.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.log([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
    >>> index = gumbel_fast.gumbel_max(logits, rng=7)
    >>> bool((index == np.argmax(logits + gumbel_fast.gumbel(size=(2, 3), rng=7), axis=1)).all())
    True

    Shards of one row, drawn apart:

    >>> row = np.zeros(1000)
    >>> left = gumbel_fast.gumbel_max(row[:300], rng=7, return_value=True)
    >>> right = gumbel_fast.gumbel_max(row[300:], rng=7, return_value=True, offset=(0, 300))
    >>> index = left[0] if left[1] >= right[1] else 300 + right[0]
    >>> bool(index == gumbel_fast.gumbel_max(row, rng=7))
    True
    """
    threads = as_workers(workers)
    parts = temperature, mask, indptr, NO_FILTERS, axis
    request = to_sample(logits, parts, rng=rng, offset=offset, noise=noise, allow_fewer=allow_fewer)
    if out is not None:
        check_out(out, request.batch, np.int64, *request.inputs)
    index = np.empty(request.batch, np.int64)
    value = np.empty(request.batch) if return_value else None
    method = _methods.GUMBEL_MAX if noise is None else _methods.GUMBEL_MAX_GIVEN
    over_stretches(
        request.count,
        shared_rows(request, method, 1, threads),
        lambda r: greatest_of_shards(request, method, r, index, value, threads),
        lambda rows: draw(request, method, threads, index, value, rows=rows),
    )
    result = deliver(index, out)
    return result if value is None else (result, value[()])


@overload
def gumbel_top_k(
    logits: ArrayLike | None = None,
    k: int | None = None,
    *,
    weights: ArrayLike | None = None,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    floor: ArrayLike | None = None,
    return_value: Literal[False] = False,
    workers: int = 1,
) -> NDArray[np.int64]: ...
@overload
def gumbel_top_k(
    logits: ArrayLike | None = None,
    k: int | None = None,
    *,
    weights: ArrayLike | None = None,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    floor: ArrayLike | None = None,
    return_value: Literal[True],
    workers: int = 1,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
@_core.fast_gumbel_top_k
def gumbel_top_k(
    logits: ArrayLike | None = None,
    k: int | None = None,
    *,
    weights: ArrayLike | None = None,
    temperature: ArrayLike = 1.0,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    floor: ArrayLike | None = None,
    return_value: bool = False,
    workers: int = 1,
) -> NDArray[np.int64] | tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw k categories from each row without replacement: the k greatest of ``logits / temperature + noise``.

    In falling order of that sum the indices are a sample in the order drawn (Plackett-Luce): each has the probability
    that softmax gives it among those left. They are bit for bit those of a stable sort of the logits with the noise of
    `gumbel` for the same seed.

    Parameters
    ----------
    logits : array_like of real numbers, shape (..., n), optional
        As for `gumbel_max`.
    k : int
        How many to draw from each row, 0 or more.
    weights : array_like of real numbers, shape (..., n), optional
        Unnormalised probabilities in place of `logits`, as for `categorical`; their logarithms stand for logits.
    temperature : float or array_like of floats, shape (...), default 1.0
        0 or more; a scalar, or an array that broadcasts to the batch shape. At temperature 0, the k largest logits.
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, of the kinds that `categorical` takes: broadcast to the shape of `logits`, or packed in
        words.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as for `categorical`: the batch shape is ``(len(indptr) - 1,)``, and an index counts from the row's
        start. Every result is that of the row alone.
    allow_fewer : bool, default False
        A row with fewer categories than are wanted (none, too) gives those it has, then index -1 and value -inf,
        in place of an error.
    axis : int, default -1
        The axis of the categories; the others are the batch.
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Source of the seed: the noise is that of `gumbel_max`.
    offset : tuple of two ints, default (0, 0)
        Added to the row and the column, as in `gumbel`.
    floor : float or array_like of floats, shape (...), optional
        Only categories whose value is above it count, as if there were no others: a scalar, or an array that broadcasts
        to the batch shape. With `allow_fewer` it spares the search what another shard has already surpassed.
    return_value : bool, default False
        Return the values as well, which combine shards of a row.
    workers : int, default 1
        Most threads to use, within one long row too, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    index : ndarray of int64
        Along `axis`, of shape batch + (k,), in falling order of value; of equals, the first comes first.
    value : ndarray of float64
        Of the same shape, only if `return_value`.

    Raises
    ------
    ValueError
        A row with NaN or +inf, a weight below 0, or fewer than k categories left to draw, or above the floor; a
        negative k; a mask of the wrong shape; an `indptr` that falls or leaves the array; a temperature that is
        negative or NaN, a floor that is NaN; more than 2**34 columns; workers 0. No row is read for k = 0.
    TypeError
        Not exactly one of `logits` and `weights`, or one that is not of real numbers; no k; a mask of another dtype, an
        `indptr` that is not of ints, or a masked array.

    References
    ----------
    .. [1] W. Kool, H. van Hoof and M. Welling, "Stochastic beams and where to find them: the Gumbel-top-k trick for
       sampling sequences without replacement", ICML 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.log([0.1, 0.2, 0.3, 0.4])
    >>> index = gumbel_fast.gumbel_top_k(logits, 2, rng=7)
    >>> sums = logits + gumbel_fast.gumbel(size=4, rng=7)
    >>> bool((index == np.argsort(-sums)[:2]).all())
    True

    Two neighbours of each node of a graph in CSR form, if it has two:

    >>> indptr, neighbour, weight = np.array([0, 3, 4]), np.array([1, 2, 5, 0]), np.array([1.0, 5.0, 2.0, 1.0])
    >>> place = gumbel_fast.gumbel_top_k(weights=weight, k=2, indptr=indptr, allow_fewer=True, rng=1)
    >>> np.where(place < 0, -1, neighbour[indptr[:-1, np.newaxis] + place])
    array([[ 2,  5],
           [ 0, -1]])
    """
    threads = as_workers(workers)
    wanted = as_k(k)
    parts = temperature, mask, indptr, NO_FILTERS, axis
    request = to_sample(logits, parts, weights=weights, rng=rng, offset=offset, allow_fewer=allow_fewer, floor=floor)
    shape = (*request.batch, as_wanted(request, wanted))
    index, value = np.empty(shape, np.int64), np.empty(shape) if return_value else None
    method = _methods.GUMBEL_TOP_K
    if shape[-1]:
        over_stretches(
            request.count,
            shared_rows(request, method, wanted, threads) if threads > 1 else (),
            lambda r: greatest_k_of_shards(request, method, r, index, value, threads),
            lambda rows: draw(request, method, threads, index, value, rows=rows),
        )
    index = widened(index, wanted, -1)
    return index if value is None else (index, widened(value, wanted, -np.inf))
