"""Gumbel noise: `gumbel`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _core, _methods
from ._arguments import Array, as_offset, as_out, as_real, as_size, check_out
from ._results import deliver, is_contiguous
from ._rng import RNG, Stream, to_stream
from ._threads import as_workers, run


def gumbel(
    loc: ArrayLike = 0.0,
    scale: ArrayLike = 1.0,
    size: int | Sequence[int] | NDArray[np.integer[Any]] | None = None,
    *,
    dtype: DTypeLike = np.float64,
    out: np.ndarray[Any, Any] | None = None,
    rng: RNG = None,
    offset: tuple[int, int] = (0, 0),
    workers: int = 1,
) -> Any:
    """Draw from the Gumbel distribution (maximum type, mean ``loc + 0.5772 scale``).

    Parameters
    ----------
    loc : float or array_like of floats, default 0.0
        Location; any shape that broadcasts to `size`.
    scale : float or array_like of floats, default 1.0
        Scale, 0 or more; likewise of any such shape.
    size : int, or sequence or array of ints, optional
        Output shape. By default that of `out`, or the one `loc` and `scale` broadcast to. As in NumPy, ``()`` gives an
        array of no axes, and no size, with no `out` and a `loc` and `scale` of no axes, a scalar.
    dtype : {float64, float32}, default float64
        Of the result. float64 noise uses 64 random bits an element; float32 noise uses 32, and 64 in the tails.
    out : ndarray of float32 or float64, optional
        Takes the result: an array of this shape and dtype.
    rng : int, SeedSequence, BitGenerator, Generator or RowStreams, optional
        Source of the seed. The noise of the element at row r, column c is a pure function of the seed, r and c; the
        last axis counts columns and the others, flattened in C order, rows. `RowStreams` give each row a seed and a
        number of its own.
    offset : tuple of two ints, default (0, 0)
        Added to the row and the column: ``gumbel(size=(2, 10), rng=7, offset=(5, 100))`` is
        ``gumbel(size=(100, 1000), rng=7)[5:7, 100:110]``.
    workers : int, default 1
        Most threads to use, -1 for one on each CPU. The result is the same for every number.

    Returns
    -------
    ndarray of float64 or float32, or a scalar
        Of shape `size`: noise between -3.81 and 45.06 (times scale, plus loc). Both tails are exact, none is infinite
        or NaN, unless it is beyond the largest number of its dtype.

    Raises
    ------
    ValueError
        A negative or NaN scale; a shape that `loc` and `scale` do not broadcast to; a wrong `out`; more than 2**34
        columns; workers 0.
    TypeError
        Another dtype; a loc or scale that is not real; a masked array; a size that is no int and no sequence of ints;
        another kind of `rng`.

    References
    ----------
    E. J. Gumbel, "Les valeurs extrêmes des distributions statistiques", Ann. Inst. Henri Poincaré 5 (1935), 115-158.

    Examples
    --------
    >>> import gumbel_fast
    >>> gumbel_fast.gumbel(size=3, rng=7)
    array([...])
    >>> whole = gumbel_fast.gumbel(size=(100, 1000), rng=7)
    >>> part = gumbel_fast.gumbel(size=(2, 10), rng=7, offset=(5, 100))
    >>> bool((whole[5:7, 100:110] == part).all())
    True
    """
    threads = as_workers(workers)
    real = np.dtype(dtype)
    if real != np.float32 and real != np.float64:
        raise TypeError(f"dtype must be float32 or float64, not {real}")
    mu, beta = as_real("loc", loc), as_real("scale", scale)
    parameters = np.broadcast_shapes(mu.shape, beta.shape) if mu.ndim or beta.ndim else ()
    plain = None if out is None else as_out(out)
    shape = parameters if plain is None else plain.shape
    if size is not None:
        shape = as_size(size)
    if parameters and np.broadcast_shapes(parameters, shape) != shape:
        raise ValueError(f"loc and scale of shape {parameters} do not broadcast to {shape}")
    if out is not None:
        check_out(out, shape, real, *(a for a in (mu, beta) if a.ndim))
    row, column = as_offset(offset, shape[-1] if shape else 1)
    if not (beta >= 0 if beta.ndim == 0 else np.all(beta >= 0)):  # after the shapes: it may be long
        raise ValueError("scale must be 0 or more")
    stream = to_stream(rng, (row, column), shape[:-1])

    read_later = any(plain is not None and np.may_share_memory(a, plain) for a in (mu, beta))
    noise = plain if plain is not None and is_contiguous(plain) and shape and not read_later else np.empty(shape, real)
    rows = noise.reshape(prod(shape[:-1]), shape[-1]) if shape else noise.reshape(1)
    scalar = not parameters
    _fill(rows, stream, float(mu) if scalar else 0.0, float(beta) if scalar else 1.0, threads)
    if not scalar:
        noise *= beta
        noise += mu
    return deliver(noise, out, scalar=size is None)


def _fill(rows: Array, stream: Stream, loc: float, scale: float, threads: int) -> None:
    key, row, column, streams = stream

    def fill(start: int, stop: int) -> None:
        _core.gumbel(rows, key, row, column, loc, scale, start, stop, streams)

    run(fill, rows.size, _methods.NOISE, threads)
