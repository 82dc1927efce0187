"""Exact samples from logits: `categorical`, once or many times from each row, with replacement or without."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _methods
from ._arguments import Vector, as_row_offset, check_out
from ._core import Request
from ._request import as_wanted, categories_of, draw, over_rows, over_stretches, to_log_prob, to_sample
from ._results import deliver, widened
from ._rng import RNG
from ._threads import PIECE, as_workers, run

MOST_SAMPLES = 2**32  # of one row: a draw's number is one word
_SMALL = 2**17  # indices, 1 MiB: results this small are made aside until every row is known to be sound


@overload
def categorical(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: Vector,
    *,
    weights: None = None,
    num_samples: None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: Literal[False] = False,
    out: None = None,
    workers: int = 1,
) -> np.int64: ...
@overload
def categorical(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: None = None,
    *,
    weights: Vector,
    num_samples: None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: Literal[False] = False,
    out: None = None,
    workers: int = 1,
) -> np.int64: ...
@overload
def categorical(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: Vector,
    *,
    weights: None = None,
    num_samples: None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: Literal[True],
    out: None = None,
    workers: int = 1,
) -> tuple[np.int64, np.floating[Any]]: ...
@overload
def categorical(  # type: ignore[overload-overlap]  # a list of no numbers is of both kinds
    logits: None = None,
    *,
    weights: Vector,
    num_samples: None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: Literal[True],
    out: None = None,
    workers: int = 1,
) -> tuple[np.int64, np.floating[Any]]: ...
@overload
def categorical(
    logits: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    num_samples: int | None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: Literal[False] = False,
    out: NDArray[np.int64] | None = None,
    workers: int = 1,
) -> NDArray[np.int64]: ...
@overload
def categorical(
    logits: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    num_samples: int | None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: Literal[True],
    out: NDArray[np.int64] | None = None,
    workers: int = 1,
) -> tuple[NDArray[np.int64], NDArray[Any]]: ...
@_core.fast_categorical(_methods.of_distinct_draws)
def categorical(
    logits: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    num_samples: int | None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    filter_temperature: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    indptr: ArrayLike | None = None,
    allow_fewer: bool = False,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_log_prob: bool = False,
    out: NDArray[np.int64] | None = None,
    workers: int = 1,
) -> Any:
    """Draw categories from each row of logits, with probability ``softmax(logits / temperature)``.

    The draw is exact: no probability is capped, cut off or rounded to a table. No softmax is computed, and no row is
    sorted. `mask`, `top_k`, `top_p` and `min_p` leave out categories, in this order, before the draw; `truncate` shows
    what they keep. One order decides, falling logits and of equals the lower index first. Logits of the dtypes named
    below are read in place where the elements of a row are contiguous; others are copied, less than 1 MiB (or one row)
    at a time. One draw from a long row reads it once, at about the speed of finding its maximum.

    Parameters
    ----------
    logits : array_like of real numbers, shape (..., n), optional
        Unnormalised log-probabilities, in nats. -inf is a mask: that category is never drawn. float16, bfloat16 (of
        ml_dtypes) and float32 are computed in float32, all else in float64, in which integers above 2**53 are rounded.
    weights : array_like of real numbers, shape (..., n), optional
        Unnormalised probabilities in place of `logits`: category i has probability ``w_i**(1 / temperature)`` over the
        sum of these. 0 is never drawn; nothing needs to sum to 1, and the sum may be beyond the largest number. They
        are read as they lie, half precision in float32. The seed gives other draws than for their logarithms.
    num_samples : int, optional
        Draws from each row, 0 to 2**32; they form a last axis of the result. By default one draw and no such axis.
        Many draws stream into the result: beyond it, memory does not grow with their number.
    replace : bool, default True
        False draws without replacement: the indices of a row differ and stand in the order drawn, each with the
        probability that softmax gives it among those left (Plackett-Luce).
    temperature : float or array_like of floats, shape (...), default 1.0
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
        Temperature 0 gives the first of the largest, as argmax; without replacement, the largest in falling order.
    top_k : int or array_like of ints, shape (...), optional
        Keep this many of the largest logits; 0, None, or more than there are keeps all. Like the other filters a
        scalar, or an array that broadcasts to the batch shape.
    top_p : float or array_like of floats, shape (...), optional
        Of what is left, keep a category if the probability of those before it in the order is below `top_p`; so the one
        that reaches `top_p` is kept, and the first always. 1 or more, or None, keeps all.
    min_p : float or array_like of floats, shape (...), optional
        Keep what has at least `min_p` times the probability of the most likely, 0 to 1; 0 or None keeps all.
    filter_temperature : float or array_like of floats, shape (...), optional
        The temperature of the probabilities that `top_p` and `min_p` look at; by default `temperature`. 1.0 is the way
        of engines that apply the temperature last.
    mask : array_like of bool, int8, uint8, int32 or uint32, optional
        What may be drawn: bool, int8 or uint8, not 0 where it may, broadcast to the shape of `logits`; or, for the last
        axis, int32 or uint32 words, column c being bit ``c % 32`` of word ``c // 32`` and columns beyond the words
        masked. It is read as it lies; what it leaves out counts as -inf, whatever its logit.
    indptr : array_like of ints, shape (rows + 1,), optional
        Ragged rows, as in CSR: `logits` have one axis, row r being ``logits[indptr[r]:indptr[r + 1]]``, and a `mask` is
        of bytes along it. The batch shape is ``(len(indptr) - 1,)``, and an index counts from the row's start. Every
        result is that of the row alone.
    allow_fewer : bool, default False
        A row with fewer categories than are wanted (none, too) gives those it has, then index -1 and log-probability
        -inf, in place of an error.
    axis : int, default -1
        The axis of the categories; the others are the batch.
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Source of the seed. Rows are independent, and a row's draws do not depend on the rest of the batch but on its
        number, the seed, its logits and its filters. `RowStreams` give each row a seed and a number of its own.
    offset : tuple of two ints, default (0, 0)
        Added to the number of the row; the second, a column, must be 0.
    return_log_prob : bool, default False
        Return the log-probabilities of the draws as well.
    out : ndarray of int64, optional
        Takes the result: an array of its shape.
    workers : int, default 1
        Most threads to use; negative numbers count from ``os.cpu_count()`` down, as in scipy.fft. The result is the
        same for every number.

    Returns
    -------
    index : ndarray of int64, or int64 scalar for one draw from 1-D logits
        Indices along `axis`, of the batch shape or of shape batch + (num_samples,).
    log_prob : ndarray of float32 or float64, or a scalar
        Of the same shape, only if `return_log_prob`: the logarithm of ``softmax(logits / temperature)`` of what is
        kept, in the dtype that is computed in.

    Raises
    ------
    ValueError
        A row with NaN or +inf, a weight below 0, or nothing left to draw from; without replacement, a row with fewer
        than `num_samples` categories left; an `indptr` that falls or leaves the array; a temperature or a filter that
        is negative or NaN, a `min_p` above 1, or a `top_k` that is no whole number; a mask of the wrong shape; a
        `num_samples` that is negative or above 2**32; a column offset; a wrong `out`; more than 2**34 columns; workers
        0. `out` is then as it was. No row is read for 0 samples.
    TypeError
        Not exactly one of `logits` and `weights`, or one that is not of real numbers; a mask of another dtype, an
        `indptr` that is not of ints, or a masked array.

    See Also
    --------
    truncate : the logits that the filters keep, for other functions.
    log_prob : log-probabilities of given categories.
    gumbel_max : one draw, coupled to the noise of `gumbel`.
    gumbel_top_k : draws without replacement, with their values.

    References
    ----------
    .. [1] W. R. Gilks and P. Wild, "Adaptive rejection sampling for Gibbs sampling", Applied Statistics 41 (1992),
       337-348. One draw.
    .. [2] A. J. Walker, "An efficient method for generating discrete random variables with general distributions", ACM
       Trans. Math. Software 3 (1977), 253-256. Many draws.
    .. [3] M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE Trans.
       Software Engineering 17 (1991), 972-975.
    .. [4] W. Kool, H. van Hoof and M. Welling, "Stochastic beams and where to find them: the Gumbel-top-k trick for
       sampling sequences without replacement", ICML 2019. Draws without replacement.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.log([0.1, 0.2, 0.7])
    >>> draws = gumbel_fast.categorical(logits, num_samples=100_000, rng=1)
    >>> (np.bincount(draws) / 100_000).round(2)
    array([0.1, 0.2, 0.7])
    >>> gumbel_fast.categorical(np.zeros((4, 1000)), rng=1).shape  # one draw from each of 4 rows
    (4,)
    >>> sorted(gumbel_fast.categorical(logits, num_samples=3, replace=False).tolist())
    [0, 1, 2]
    >>> int(gumbel_fast.categorical([0.0, -np.inf, -np.inf]))
    0
    >>> gumbel_fast.categorical(weights=[3, 0, 1], num_samples=8, rng=3)
    array([2, 0, 0, 2, 0, 0, 0, 0])
    >>> gumbel_fast.categorical(np.zeros(6), indptr=[0, 1, 6], rng=1)  # rows of 1 and of 5
    array([0, 2])
    """
    offset = as_row_offset(offset)
    threads = as_workers(workers)
    filters = (top_k, top_p, min_p, filter_temperature)
    parts = temperature, mask, indptr, filters, axis
    samples = None if num_samples is None else as_samples(num_samples)
    request = to_sample(logits, parts, weights=weights, rng=rng, offset=offset, allow_fewer=allow_fewer)
    index, log_prob, _ = draw_and_tell(request, samples, replace, threads, log_prob=return_log_prob, out=out)
    return index if log_prob is None else (index, log_prob[()])


def draw_and_tell(
    request: Request,
    samples: int | None,
    replace: bool,
    threads: int,
    *,
    log_prob: bool = False,
    entropy: bool = False,
    out: NDArray[np.int64] | None = None,
) -> tuple[Any, NDArray[Any] | None, NDArray[Any] | None]:
    """Return what `categorical` draws and, where they are wanted, the log-probabilities and the entropy of each row."""
    shape = request.batch if samples is None else (*request.batch, samples)
    if out is not None:
        check_out(out, shape, np.int64, *request.inputs)
    logs = np.empty(shape, request.compute_type) if log_prob else None
    entropies = np.empty(request.batch, request.compute_type) if entropy else None
    if samples is None or samples == 1:  # the same draw, whatever the shape
        method = _methods.CATEGORICAL if request.filters is None else _methods.FILTERED
        one = np.empty(request.batch, np.int64)
        draw(request, method, threads, one, None, None if logs is None else logs.reshape(request.batch), entropies)
        index = deliver(one.reshape(shape), out)
    else:
        index = _several(request, samples, replace, shape, out, threads)
        if (logs is not None and logs.size) or (entropies is not None and entropies.size):
            to_log_prob(request, np.asarray(index), logs if samples else None, threads, entropies)
    return index, logs, entropies


def _several(
    request: Request, samples: int, replace: bool, shape: tuple[int, ...], out: NDArray[np.int64] | None, threads: int
) -> Any:
    if replace:
        return _repeatedly(request, samples, shape, out, threads)
    wanted = as_wanted(request, samples)
    indices = np.empty((*request.batch, wanted), np.int64)
    if wanted:
        draw(request, _methods.of_distinct_draws(categories_of(request), wanted), threads, indices)
    return deliver(widened(indices, samples, -1), out)


def as_samples(num_samples: int) -> int:
    """Return how many draws of each row are wanted as an int; ValueError where there are too many or fewer than 0."""
    count = operator.index(num_samples)
    if not 0 <= count <= MOST_SAMPLES:
        raise ValueError(f"num_samples must be 0 to 2**32, not {count}")
    return count


def _repeatedly(
    request: Request, samples: int, shape: tuple[int, ...], out: NDArray[np.int64] | None, threads: int
) -> Any:
    indices = np.empty(shape, np.int64) if out is None else out
    if indices.size == 0:
        return indices
    if not request.columns and request.offsets is None:
        indices[...] = -1
        return indices
    categories = categories_of(request)
    method = _methods.of_repeated_draws(categories, samples)
    cost = method.cost(request.columns, samples)
    count = request.count
    if out is not None and count > 1:  # a row that stands alone is read before it is drawn from
        if out.size <= _SMALL:
            indices = np.empty(shape, np.int64)
        else:
            draw(request, _methods.CHECK, threads)
    request.into(indices)

    def draw_rows(start: int, stop: int) -> None:
        _core.draw(request, method.kernel, start, stop)

    def draw_row(row: int, threads: int) -> None:
        own = method._replace(kernel=method.kernel[row]) if isinstance(method.kernel, np.ndarray) else method
        state = _core.RepeatedRow(request, int(own.kernel), row)
        _draw_repeatedly(state, own, 0, samples, threads)

    def draw_in_pieces(start: int, stop: int) -> None:
        for row in range(start, stop):
            draw_row(row, 1)

    draws = samples * method.draw
    if request.offsets is not None:  # long rows by themselves
        over_stretches(
            count,
            np.flatnonzero(categories * method.category + draws > PIECE).tolist(),
            lambda row: draw_row(row, threads),
            lambda rows: over_rows(draw_rows, request, draws, method.category, threads, rows),
        )
    elif cost <= PIECE and (threads == 1 or count > 1):
        over_rows(draw_rows, request, draws, method.category, threads)
    elif method is _methods.ALIAS:
        for row in range(count):
            draw_row(row, threads)
    else:
        over_rows(draw_in_pieces, request, draws, method.category, threads)
    return deliver(indices, out)


def repeated_pieces(
    num_samples: int,
    step: int,
    *,
    logits: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    rng: RNG,
    workers: int,
) -> Iterator[NDArray[np.int64]]:
    """Yield what `categorical` draws from one row, two times or more, `step` draws at a time."""
    threads = as_workers(workers)
    filters = (top_k, top_p, min_p, None)
    request = to_sample(logits, (temperature, None, None, filters, -1), weights=weights, rng=rng)
    method = _methods.of_repeated_draws(request.columns, num_samples)
    state = _core.RepeatedRow(request, int(method.kernel), 0)
    for start in range(0, num_samples, step):
        piece = np.empty(min(step, num_samples - start), np.int64)
        request.into(piece)
        _draw_repeatedly(state, method, start, piece.size, threads)
        yield piece


def _draw_repeatedly(state: _core.RepeatedRow, method: _methods.Method, first: int, draws: int, threads: int) -> None:
    """Make draws of one row from number `first` on: by rejection in their order, by an alias table in any."""
    alone = int(method.kernel) != _methods.ALIAS.kernel
    run(lambda a, b: state.draw(first + a, first + b, first), draws, method.draw, 1 if alone else threads)
