"""The request: what the arguments of a call become together, and the one way from there to the kernels.

Every public function that reads rows makes one here. What each argument may be stands in _arguments.py.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arguments import (
    NO_FILTERS,
    Array,
    Filters,
    as_array,
    as_filters,
    as_mask,
    as_offset,
    as_read,
    as_rows,
    as_temperature,
    check_out,
    compute_dtype,
)
from ._core import Request
from ._methods import LOG_PROB, Method
from ._results import deliver, fill_rows
from ._rng import RNG, Stream, to_stream
from ._threads import as_workers, run


def draw(
    request: Request,
    method: Method,
    threads: int,
    index: NDArray[np.int64] | None = None,
    value: NDArray[np.float64] | None = None,
    log_prob: Array | None = None,
) -> None:
    """Draw from every row, into `index`, and `value` or `log_prob`; a row without categories has index -1."""
    if not request.columns:
        for array, none in ((index, -1), (value, -np.inf), (log_prob, -np.inf)):
            if array is not None:
                array[...] = none
        return
    request.into(index, value, log_prob)
    draws = index.shape[-1] if index is not None and index.ndim == request.rows.ndim else 1
    cost = method.cost(request.columns, draws)
    core = _core.draw
    if log_prob is not None:
        core, cost = _core.draw_with_log_prob, cost + request.columns * LOG_PROB
    run(lambda start, stop: core(request, method.kernel, start, stop), request.count, cost, threads)


def relaxed(
    request: Request,
    function: int,
    cost: float,
    axis: int,
    out: NDArray[Any] | None,
    workers: int,
    *,
    hard: bool = False,
) -> Array:
    """Return what one of _core's functions makes of every row; `cost` is that of an element."""
    threads = as_workers(workers)
    if out is not None:
        check_out(out, request.inputs[0].shape, request.compute_type, *request.inputs)

    def fill(result: Array) -> None:
        core = request.into(out=result, hard=hard)
        run(
            lambda start, stop: _core.relax(core, function, start, stop),
            request.count,
            request.columns * cost,
            threads,
        )

    return fill_rows(fill, request.rows, request.compute_type, axis, out)


def reduced(request: Request, function: int, cost: float, out: NDArray[Any] | None, workers: int) -> Any:
    """Return the number that one of _core's functions makes of each row."""
    threads = as_workers(workers)
    if out is not None:
        check_out(out, request.batch, request.compute_type, *request.inputs)
    numbers = np.empty(request.batch, request.compute_type)
    core = request.into(out=numbers)
    cost *= request.columns
    run(lambda start, stop: _core.relax(core, function, start, stop), request.count, cost, threads)
    return deliver(numbers, out)


#: What a call reads of its logits: temperature, mask, filters and axis; all but where its draws come from. A tuple, for
#: it is made in a small part of the time that a small call takes.
Parts: TypeAlias = "tuple[ArrayLike, ArrayLike | None, Filters, int]"


def to_sample(
    logits: ArrayLike,
    parts: Parts,
    *,
    rng: RNG,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    allow_fewer: bool = False,
) -> Request:
    """Return the request of a sampler: temperature 0 is one, and there must be categories unless fewer are allowed."""
    array = as_array("logits", logits)
    x, read_as = as_read(array)
    given = None if noise is None else as_array("noise", noise)
    if given is not None:
        if array.shape != given.shape:
            raise ValueError(f"noise must have the shape {array.shape} of logits, not {given.shape}")
        if compute_dtype(array.dtype) != compute_dtype(given.dtype):
            x, read_as = array, np.dtype(np.float64)
    rows = as_rows("logits", x, parts[-1])
    if rows.shape[-1] == 0 and not allow_fewer:
        raise ValueError("logits: no categories to draw from")
    start = as_offset(offset, rows.shape[-1])
    if given is None:
        stream = to_stream(rng, start, rows.shape[:-1])
        return _request(array, rows, parts, read_as, stream=stream, zero=True, allow_fewer=allow_fewer)
    if rng is not None or start != (0, 0):
        raise ValueError("rng and offset must be left out where noise is given")
    return _request(array, rows, parts, read_as, other=given, zero=True, allow_fewer=allow_fewer)


def to_relax(logits: ArrayLike, parts: Parts, *, rng: RNG, offset: tuple[int, int] = (0, 0)) -> Request:
    """Return the request of a relaxation with noise."""
    array = as_array("logits", logits)
    x, read_as = as_read(array)
    rows = as_rows("logits", x, parts[-1])
    stream = to_stream(rng, as_offset(offset, rows.shape[-1]), rows.shape[:-1])
    return _request(array, rows, parts, read_as, stream=stream)


def to_normalise(logits: ArrayLike, parts: Parts, *, zero: bool = False) -> Request:
    """Return the request of what has no noise; `zero`: temperature 0 is one."""
    array = as_array("logits", logits)
    x, read_as = as_read(array)
    return _request(array, as_rows("logits", x, parts[-1]), parts, read_as, zero=zero)


def _request(
    logits: Array,
    rows: Array,
    parts: Parts,
    read_as: np.dtype[Any],
    *,
    stream: Stream = (0, 0, 0, None),
    other: Array | None = None,
    zero: bool = False,
    allow_fewer: bool = False,
) -> Request:
    temperature, mask, filters, axis = parts
    key, row, column, streams = stream
    batch = rows.shape[:-1]
    t = as_temperature(temperature, batch, zero=zero)
    inputs: tuple[Array, ...] = (logits,)
    beside = allowed = None
    if other is not None:
        inputs, beside = (*inputs, other), as_rows("noise", other, axis)
    if mask is not None:
        allowed = as_mask(mask, logits, axis)
        inputs = (*inputs, allowed)
    kept = None if filters is NO_FILTERS else as_filters(filters, t, batch)
    return Request(inputs, rows, t, key, row, column, beside, read_as, allowed, kept, streams, allow_fewer)


def to_differentiate(y: ArrayLike, grad: ArrayLike, *, temperature: ArrayLike, axis: int) -> Request:
    """Return the request of a gradient in softmax's logits, in the wider dtype of the two arrays."""
    a, b = as_array("y", y), as_array("grad", grad)
    if a.shape != b.shape:
        raise ValueError(f"grad must have the shape {a.shape} of y, not {b.shape}")
    wide = np.result_type(compute_dtype(a.dtype), compute_dtype(b.dtype))
    rows = as_rows("y", a, axis)
    t = as_temperature(temperature, rows.shape[:-1], zero=False)
    return Request((a, b), rows, t, other=as_rows("grad", b, axis), read_as=wide)


def as_wanted(request: Request, wanted: int) -> int:
    """Return how many categories a row can give without replacement; ValueError for too few, unless allowed."""
    if wanted > request.columns and request.count and not request.allow_fewer:
        raise ValueError(f"logits: row 0 has {request.columns} categories, and {wanted} are wanted")
    return min(wanted, request.columns)


def to_log_prob(request: Request, index: NDArray[np.int64], out: Array, threads: int) -> None:
    """Write log-probabilities of the categories that `index` has for each row."""
    request.into(index, None, out)
    cost = request.columns * LOG_PROB
    run(lambda start, stop: _core.relax(request, _core.LOG_PROB, start, stop), request.count, cost, threads)
