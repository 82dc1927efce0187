"""The request: what the arguments of a call become together, and the one way from there to the kernels.

Every public function that reads rows makes one here. What each argument may be stands in _arguments.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arguments import as_array, as_categories, as_offset, as_read, as_rows, as_temperature, compute_dtype
from ._core import Request
from ._methods import Method
from ._rng import RNG, draw_seed
from ._threads import run


def draw(
    request: Request,
    method: Method,
    threads: int,
    index: NDArray[np.int64] | None = None,
    value: NDArray[np.float64] | None = None,
) -> None:
    """Draw from every row, into `index` and `value`."""
    request.into(index, value)
    draws = index.shape[-1] if index is not None and index.ndim == request.rows.ndim else 1
    cost = method.cost(request.columns, draws)
    run(lambda start, stop: _core.draw(request, method.kernel, start, stop), request.count, cost, threads)


def to_sample(
    logits: ArrayLike,
    *,
    temperature: ArrayLike,
    axis: int,
    rng: RNG,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
) -> Request:
    """Return the request of a sampler: there must be categories, and temperature 0 is one."""
    array = as_array("logits", logits)
    x, read_as = as_read(array)
    given = None if noise is None else as_array("noise", noise)
    if given is not None:
        if array.shape != given.shape:
            raise ValueError(f"noise must have the shape {array.shape} of logits, not {given.shape}")
        if compute_dtype(array.dtype) != compute_dtype(given.dtype):
            x, read_as = array, np.dtype(np.float64)
    rows = as_categories(x, axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=True)
    start = as_offset(offset, rows.shape[-1])
    if given is not None:
        if rng is not None or start != (0, 0):
            raise ValueError("rng and offset must be left out where noise is given")
        return Request((array, given), rows, t, other=as_rows("noise", given, axis), read_as=read_as)
    return Request((array,), rows, t, *_stream(rng, start), read_as=read_as)


def to_relax(
    logits: ArrayLike, *, temperature: ArrayLike, axis: int, rng: RNG, offset: tuple[int, int] = (0, 0)
) -> Request:
    """Return the request of a relaxation with noise, which reads logits as a sampler does."""
    array = as_array("logits", logits)
    x, read_as = as_read(array)
    rows = as_rows("logits", x, axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=False)
    return Request((array,), rows, t, *_stream(rng, as_offset(offset, rows.shape[-1])), read_as=read_as)


def to_normalise(logits: ArrayLike, *, temperature: ArrayLike, axis: int) -> Request:
    """Return the request of what has no noise: rows are read as float32 or float64."""
    x = as_array("logits", logits)
    rows = as_rows("logits", x, axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=False)
    return Request((x,), rows, t, read_as=compute_dtype(x.dtype))


def to_differentiate(y: ArrayLike, grad: ArrayLike, *, temperature: ArrayLike, axis: int) -> Request:
    """Return the request of a gradient in softmax's logits, in the wider dtype of the two arrays."""
    a, b = as_array("y", y), as_array("grad", grad)
    if a.shape != b.shape:
        raise ValueError(f"grad must have the shape {a.shape} of y, not {b.shape}")
    wide = np.result_type(compute_dtype(a.dtype), compute_dtype(b.dtype))
    rows = as_rows("y", a, axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=False)
    return Request((a, b), rows, t, other=as_rows("grad", b, axis), read_as=wide)


def check_wanted(request: Request, wanted: int) -> None:
    """Raise where rows have fewer categories than are wanted without replacement."""
    if wanted > request.columns and request.count:
        raise ValueError(f"logits: row 0 has {request.columns} categories, and {wanted} are wanted")


def _stream(rng: RNG, start: tuple[int, int]) -> tuple[int, int, int]:
    """Return the key, the first row and the first column of the words of a call."""
    key, base = draw_seed(rng)
    return key, (base + start[0]) % 2**64, start[1]
