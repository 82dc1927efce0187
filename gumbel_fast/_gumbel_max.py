"""The greatest of logits and noise: `gumbel_max` and `gumbel_top_k`, tied to the noise of `gumbel`."""

from __future__ import annotations

import operator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arrays import (
    Array,
    as_categories,
    as_logits,
    as_offset,
    as_real,
    as_rows,
    as_temperature,
    check_out,
    compute_dtype,
)
from ._rng import RNG, draw_seed
from ._threads import PIECE, as_workers, run

_ROW, _NANOSECONDS, _SELECTED = 30.0, 0.5, 20.0  # a row, an element, one of the k greatest; roughly


@_core.before_gumbel_max
def gumbel_max(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    return_value: bool = False,
    out: np.ndarray[Any, Any] | None = None,
    workers: int = 1,
) -> Any:
    """Draw a category from each row of logits by the Gumbel-max trick: ``argmax(logits / temperature + noise)``.

    The index has probability ``softmax(logits / temperature)``, and is bit for bit the argmax that the noise of
    `gumbel` gives for the same seed; but the noise is not stored, and most of it is never computed. Where that tie to
    the noise is not needed, `categorical` is faster.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. -inf is a mask: that category is never drawn. float16, bfloat16 (of
        ml_dtypes) and float32 are computed in float32, all else in float64; temperature and noise likewise.
    temperature : float or array_like, optional
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`). At
        temperature 0 the noise has no say: the first of the largest logits, and its value.
    axis : int, optional
        The axis of the categories; the others are the batch.
    rng : None, int, SeedSequence, BitGenerator or Generator, optional
        Source of the seed: the noise is ``gumbel(size=shape, dtype=float32 or float64, rng=rng)``, its columns along
        `axis` and its rows the batch in C order.
    offset : tuple of two ints, optional
        Added to the row and the column, as in `gumbel`.
    noise : array_like, optional
        Noise drawn beforehand, of the shape of `logits`, in place of `rng` and `offset`. float32 for logits that are
        computed in float32 and float64 for others is read in place; other dtypes are converted, as adding would.
    return_value : bool, optional
        Return the values as well: shards of a row, each drawn with its own `offset`, have their index where the
        greatest of these is. A shard of nothing but -inf has none, and is an error like any such row.
    out : ndarray of int64, optional
        Takes the indices: an array of the batch shape.
    workers : int, optional
        Most threads to use; negative numbers count from ``os.cpu_count()`` down, as in scipy.fft. The result is the
        same for every number.

    Returns
    -------
    index : ndarray of int64, or int64 scalar for 1-D logits
        Along `axis`, of the batch shape; the first of equals.
    value : ndarray of float32 or float64, or a scalar
        ``max(logits / temperature + noise)``, only if `return_value`.

    Raises
    ------
    ValueError
        A row with NaN, +inf or nothing but -inf in logits, with NaN or nothing but -inf in their sum with `noise`, or
        with no categories; a temperature that is negative or NaN; `noise` of another shape, or together with `rng` or
        `offset`; a wrong `out`; more than 2**34 columns; workers 0. `out` is then as it was.
    TypeError
        Logits or noise that are not real numbers.

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
    x, given = as_logits(logits), None
    if noise is not None:
        if rng is not None or tuple(offset) != (0, 0):
            raise ValueError("rng and offset have no say where noise is given")
        x, given = _with_noise(logits, noise)
    rows = as_categories(x, axis)
    batch = rows.shape[:-1]
    t = as_temperature(temperature, batch, zero=True)
    if out is not None:
        check_out(out, batch, np.int64, x, *(() if given is None else (given,)))
    row, column = as_offset(offset, rows.shape[-1])
    if given is None:
        key, base = draw_seed(rng)
        stream = _Stream(key, (base + row) % 2**64, column, None)
    else:
        stream = _Stream(0, 0, 0, as_rows("noise", given, axis))
    index, value = _greatest(rows, t, stream, threads, values=return_value)
    if out is not None:
        out[...] = index
    result = index[()] if out is None else out
    return result if value is None else (result, value.astype(compute_dtype(x), copy=False)[()])


def _with_noise(logits: ArrayLike, noise: ArrayLike) -> tuple[Array, Array]:
    x, given = as_logits(logits), as_real("noise", noise)
    if x.shape != given.shape:
        raise ValueError(f"noise must have the shape {x.shape} of logits, not {given.shape}")
    if compute_dtype(x) != given.dtype:
        return as_real("logits", logits).astype(np.float64), given.astype(np.float64)
    return x, given


class _Stream(NamedTuple):
    """Where the noise comes from: a key, the first row and column, or an array in their place."""

    key: int
    row: int
    column: int
    noise: Array | None


def _greatest(
    rows: Array, t: NDArray[np.float64], stream: _Stream, threads: int, *, values: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    *batch, columns = rows.shape
    key, row, column, noise = stream
    index, value = np.empty(batch, np.int64), np.empty(batch) if values else None

    def draw(start: int, stop: int) -> None:
        _core.gumbel_max(rows, t, key, row, column, noise, index, value, start, stop)

    if columns * _NANOSECONDS <= PIECE and index.size >= threads:
        run(draw, index.size, _ROW + columns * _NANOSECONDS, threads)
        return index, value
    for r in range(index.size):
        place = np.unravel_index(r, index.shape)
        part = _Stream(key, (row + r) % 2**64, column, None if noise is None else noise[place])
        found = _greatest_of_shards(rows[place], t[r : r + 1] if t.size > 1 else t, part, threads)
        if found is None:
            _core.refuse(r)
        else:
            index[place] = found[0]
            if value is not None:
                value[place] = found[1]
    return index, value


def _greatest_of_shards(x: Array, t: NDArray[np.float64], stream: _Stream, threads: int) -> tuple[int, float] | None:
    """Index and value of one row, drawn in pieces of its columns; None for one that cannot be drawn from."""
    key, row, column, noise = stream
    found: dict[int, tuple[float, int]] = {}

    def draw(start: int, stop: int) -> None:
        index, value = np.empty(1, np.int64), np.empty(1)
        part, given = x[start:stop], None if noise is None else noise[start:stop]
        try:
            _core.gumbel_max(part, t, key, row, column + start, given, index, value, 0, 1)
        except ValueError:
            if not _is_masked(part, given, cold=t[0] == 0):
                raise
        else:
            found[start] = float(value[0]), -(start + int(index[0]))

    try:
        run(draw, x.size, _NANOSECONDS, threads)
    except ValueError:
        return None
    if not found:
        return None
    greatest, minus_index = max(found.values())
    return -minus_index, greatest


def _is_masked(logits: Array, noise: Array | None, *, cold: bool) -> bool:
    """Whether a shard that cannot be drawn from is sound, but of -inf alone."""
    if logits.dtype == np.uint16:  # bfloat16: infinities have all bits of the exponent and no other
        masked, sound = logits == 0xFF80, (logits & 0x7FFF) < 0x7F80
    else:
        masked, sound = logits == -np.inf, np.isfinite(logits)
    if noise is not None and not cold:
        masked = (masked & (noise < np.inf)) | (sound & (noise == -np.inf))
    return bool(masked.all())


def gumbel_top_k(
    logits: ArrayLike,
    k: int,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    return_value: bool = False,
    workers: int = 1,
) -> Any:
    """Draw k categories from each row without replacement: the k greatest of ``logits / temperature + noise``.

    In falling order of that sum the indices are a sample in the order drawn (Plackett-Luce): each has the probability
    that softmax gives it among those left. They are bit for bit those of a stable sort of the logits with the noise of
    `gumbel` for the same seed.

    Parameters
    ----------
    logits : array_like of real numbers
        As for `gumbel_max`.
    k : int
        How many to draw from each row, 0 or more.
    temperature, axis, rng, offset, workers : optional
        As for `gumbel_max`. At temperature 0, the k largest logits.
    return_value : bool, optional
        Return the values as well, which combine shards of a row.

    Returns
    -------
    index : ndarray of int64
        Along `axis`, of shape batch + (k,), in falling order of value; of equals, the first comes first.
    value : ndarray of float32 or float64
        Of the same shape, only if `return_value`.

    Raises
    ------
    ValueError
        A row with NaN, +inf or nothing but -inf, or with fewer than k categories that are not -inf; a negative k; a
        temperature that is negative or NaN; more than 2**34 columns; workers 0. No row is read for k = 0.
    TypeError
        Logits that are not real numbers.

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
    """
    threads = as_workers(workers)
    wanted = operator.index(k)
    if wanted < 0:
        raise ValueError(f"k must not be negative: {wanted}")
    rows = as_categories(as_logits(logits), axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=True)
    row, column = as_offset(offset, rows.shape[-1])
    key, base = draw_seed(rng)
    index, value = top_k_rows(rows, t, wanted, key, (base + row) % 2**64, column, threads, values=return_value)
    return index if value is None else (index, value.astype(compute_dtype(rows), copy=False))


def top_k_rows(
    rows: Array, t: NDArray[np.float64], k: int, key: int, first: int, column: int, threads: int, *, values: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Return the indices, and the values if wanted, of the k greatest in each row."""
    *batch, columns = rows.shape
    count = prod(batch)
    if k > columns and count:
        raise ValueError(f"logits: row 0 has {columns} categories, and {k} are wanted")
    index, value = np.empty((*batch, k), np.int64), np.empty((*batch, k)) if values else None

    def draw(start: int, stop: int) -> None:
        _core.gumbel_top_k(rows, t, key, first, column, index, value, start, stop)

    if k:
        run(draw, count, _ROW + columns * _NANOSECONDS + k * _SELECTED, threads)
    return index, value
