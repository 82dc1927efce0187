"""Exact samples from logits: `categorical`, once or many times from each row, with replacement or without."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arrays import Array, as_categories, as_logits, as_temperature, check_out
from ._gumbel_max import top_k_rows
from ._rng import RNG, draw_seed
from ._threads import PIECE, as_workers, run

_MOST_SAMPLES = 2**32  # of one row: a draw's number is one word
_SMALL = 2**17  # indices, 1 MiB: results this small are made aside until every row is known to be sound

# Nanoseconds, roughly: a category of a short row; a category of an alias table, and a draw from it; a category at the
# start of a race, and a draw by it.
_SHORT_CATEGORY, _ALIAS_CATEGORY, _ALIAS_DRAW, _RACE_CATEGORY, _RACE_DRAW = 1.0, 8.0, 2.0, 0.1, 100.0


def by_alias(dtype: np.dtype[Any], categories: int, num_samples: int) -> bool:
    """Whether `num_samples` draws with replacement from one row are made by alias table, else by race.

    The table costs 8 ns a category to build and then 2 ns a draw; the race starts at 0.1 ns a category and takes about
    100 ns a draw, more in rows that leave the cache. On AVX-512 they were seen to meet at 9 categories for each draw
    with 256 and 1,000 categories, at 11 with 4,096, at 16 with 10,000, at 18 with 100,000 and at 40 with a million, in
    float32 as in float64. Short rows have nothing for a race to gain.
    """
    return categories <= _core.SHORT_ROW or categories < (10 if categories <= 4096 else 18) * num_samples


def by_race_without_replacement(categories: int, num_samples: int) -> bool:
    """Whether so many draws without replacement are made by the race running on, else by the greatest of noisy logits.

    The noise costs 0.6 to 1 ns a category whatever the number of draws; the race starts at 0.1 ns a category, or 0.17
    in rows up to 4,096, and takes 0.1 to 3 microseconds a draw, by the length of the row and how far its logits spread.
    On AVX-512 they were seen to meet at 35 draws from 300 categories, 90 from 1,000, 130 from 4,096, 70 to 100 from
    10,000, 100 to 250 from 100,000 and 300 to 700 from a million. Short rows are quickest by noise.
    """
    return _core.SHORT_ROW < categories < 2**32 and num_samples <= min(categories // 8, 100)


@_core.before_categorical
def categorical(
    logits: ArrayLike,
    *,
    num_samples: int | None = None,
    replace: bool = True,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    rng: RNG = None,
    out: np.ndarray[Any, Any] | None = None,
    workers: int = 1,
) -> Any:
    """Draw categories from each row of logits, with probability ``softmax(logits / temperature)``.

    The draw is exact: no probability is capped, rounded to a table or cut off. No softmax is computed and the logits
    are not copied. One draw from a long row reads it once, at about the speed of finding its maximum.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. -inf is a mask: that category is never drawn. float16, bfloat16 (of
        ml_dtypes) and float32 are computed in float32, all else in float64.
    num_samples : int, optional
        Draws from each row, 0 to 2**32; they form a last axis of the result. By default one draw and no such axis.
        Many draws stream into the result: beyond it, memory does not grow with their number.
    replace : bool, optional
        False draws without replacement: the indices of a row differ and stand in the order drawn, each with the
        probability that softmax gives it among those left (Plackett-Luce).
    temperature : float or array_like, optional
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
        Temperature 0 gives the first of the largest, as argmax; without replacement, the largest in falling order.
    axis : int, optional
        The axis of the categories; the others are the batch.
    rng : None, int, SeedSequence, BitGenerator or Generator, optional
        Source of the seed. Rows are independent, and a row's draws do not depend on the rest of the batch but on its
        number, the seed and its logits.
    out : ndarray of int64, optional
        Takes the result: an array of its shape.
    workers : int, optional
        Most threads to use; negative numbers count from ``os.cpu_count()`` down, as in scipy.fft. The result is the
        same for every number.

    Returns
    -------
    ndarray of int64, or int64 scalar for one draw from 1-D logits
        Indices along `axis`, of the batch shape or of shape batch + (num_samples,).

    Raises
    ------
    ValueError
        A row with NaN, +inf or nothing but -inf, or with no categories; without replacement, a row with fewer than
        `num_samples` categories that are not -inf; a temperature that is negative or NaN; a `num_samples` that is
        negative or above 2**32; a wrong `out`; more than 2**34 columns; workers 0. `out` is then as it was. No row is
        read for 0 samples.
    TypeError
        Logits that are not real numbers.

    See Also
    --------
    gumbel_max : one draw, coupled to the noise of `gumbel`.
    gumbel_top_k : draws without replacement, with their values.

    References
    ----------
    .. [1] W. R. Gilks and P. Wild, "Adaptive rejection sampling for Gibbs sampling", Applied Statistics 41 (1992),
       337-348. One draw; the method and its proof stand in src/kernels/race.h.
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
    """
    threads = as_workers(workers)
    x = as_logits(logits)
    rows = as_categories(x, axis)
    batch = rows.shape[:-1]
    samples = None if num_samples is None else _as_count(num_samples)
    shape = batch if samples is None else (*batch, samples)
    t = as_temperature(temperature, batch, zero=True)
    if out is not None:
        check_out(out, shape, np.int64, x)
    key, base = draw_seed(rng)
    if samples is None or samples == 1:  # the same draw, whatever the shape
        indices = _once(rows, t, key, base, threads).reshape(shape)
    elif replace:
        return _repeatedly(rows, t, key, base, shape, out, threads)
    elif by_race_without_replacement(rows.shape[-1], samples):
        indices = _distinct(rows, t, key, base, samples, threads)
    else:
        indices, _ = top_k_rows(rows, t, samples, key, base, 0, threads, values=False)
    if out is None:
        return indices[()]
    out[...] = indices
    return out


def repeated_pieces(
    logits: NDArray[Any], num_samples: int, temperature: float, rng: RNG, step: int
) -> Iterator[NDArray[np.int64]]:
    """Yield what `categorical` draws from one row, two times or more, `step` draws at a time."""
    row = as_categories(as_logits(logits), -1)
    t = as_temperature(temperature, (), zero=True)
    key, base = draw_seed(rng)
    state = _core.RepeatedRow(row, t, key, base, by_alias(row.dtype, row.size, num_samples), 0)
    for start in range(0, num_samples, step):
        piece = np.empty(min(step, num_samples - start), np.int64)
        state.draw(piece, start, start + piece.size, start)
        yield piece


def _as_count(num_samples: int) -> int:
    count = operator.index(num_samples)
    if not 0 <= count <= _MOST_SAMPLES:
        raise ValueError(f"num_samples must be 0 to 2**32, not {count}")
    return count


def _once(rows: Array, t: NDArray[np.float64], key: int, base: int, threads: int) -> NDArray[np.int64]:
    *batch, columns = rows.shape
    indices = np.empty(batch, np.int64)

    def draw(start: int, stop: int) -> None:
        _core.categorical(rows, t, key, base, indices, start, stop)

    short = columns <= _core.SHORT_ROW
    cost = columns * _SHORT_CATEGORY if short else columns * _RACE_CATEGORY + _RACE_DRAW
    run(draw, indices.size, cost, threads)
    return indices


def _distinct(
    rows: Array, t: NDArray[np.float64], key: int, base: int, samples: int, threads: int
) -> NDArray[np.int64]:
    *batch, columns = rows.shape
    indices = np.empty((*batch, samples), np.int64)

    def draw(start: int, stop: int) -> None:
        _core.distinct_by_race(rows, t, key, base, indices, start, stop)

    if samples:
        run(draw, prod(batch), columns * _RACE_CATEGORY + samples * 2 * _RACE_DRAW, threads)
    return indices


def _repeatedly(
    rows: Array,
    t: NDArray[np.float64],
    key: int,
    base: int,
    shape: tuple[int, ...],
    out: NDArray[np.int64] | None,
    threads: int,
) -> NDArray[np.int64]:
    *batch, columns = rows.shape
    count, samples = prod(batch), shape[-1]
    indices = np.empty(shape, np.int64) if out is None else out
    if indices.size == 0:
        return indices
    aside = out is not None and count > 1 and out.size <= _SMALL
    if aside:
        indices = np.empty(shape, np.int64)
    elif out is not None and count > 1:  # a row that stands alone is read before it is drawn from
        run(lambda start, stop: _core.check_rows(rows, start, stop), count, columns * _RACE_CATEGORY, threads)

    alias = by_alias(rows.dtype, columns, samples)
    a_category, a_draw = (_ALIAS_CATEGORY, _ALIAS_DRAW) if alias else (_RACE_CATEGORY, _RACE_DRAW)
    cost = columns * a_category + samples * a_draw

    def draw_rows(start: int, stop: int) -> None:
        _core.repeated_rows(rows, t, key, base, alias, indices, start, stop)

    def draw_row(row: int, threads: int) -> None:  # in pieces: a race in their order, an alias table's in any
        state = _core.RepeatedRow(rows, t, key, base, alias, row)
        run(lambda start, stop: state.draw(indices, start, stop), samples, a_draw, threads)

    def draw_by_race(start: int, stop: int) -> None:
        for row in range(start, stop):
            draw_row(row, 1)

    if cost <= PIECE and (threads == 1 or count > 1):
        run(draw_rows, count, cost, threads)
    elif alias:
        for row in range(count):
            draw_row(row, threads)
    else:
        run(draw_by_race, count, cost, threads)
    if out is not None and aside:
        out[...] = indices
        return out
    return indices
