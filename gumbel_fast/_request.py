"""The request: what the arguments of a call become together, and the one way from there to the kernels.

Every public function that reads rows makes one here. What each argument may be stands in _arguments.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
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
    as_floor,
    as_mask,
    as_offset,
    as_offsets,
    as_read,
    as_rows,
    as_temperature,
    check_out,
    compute_dtype,
)
from ._core import Request
from ._errors import row_error
from ._methods import LOG_PROB, Method
from ._results import deliver, fill_rows
from ._rng import RNG, Stream, to_stream
from ._threads import as_workers, run


def categories_of(request: Request) -> int | NDArray[np.int64]:
    """Return how many categories a row has, or each of ragged rows."""
    return request.columns if request.offsets is None else np.diff(request.offsets)


def over_rows(
    work: Callable[[int, int], object],
    request: Request,
    row: float,
    category: float,
    threads: int,
    rows: range | None = None,
) -> None:
    """Call ``work(start, stop)`` on pieces of all rows, or those; `row` and `category` are ns for a row, an element."""
    if request.offsets is not None:
        some = range(request.count) if rows is None else rows
        _over_ragged_rows(work, request.offsets, row, category, threads, some)
    elif rows is None:
        run(work, request.count, row + request.columns * category, threads)
    else:
        first = rows.start
        run(lambda a, b: work(first + a, first + b), len(rows), row + request.columns * category, threads)


def _over_ragged_rows(
    work: Callable[[int, int], object],
    offsets: NDArray[np.int64],
    row: float,
    category: float,
    threads: int,
    rows: range,
) -> None:
    """Cut ragged rows by their elements, so that a long one is no more of a piece than many short ones."""
    first, each = int(offsets[rows.start]), 1 + int(row / category)  # elements that are worth as much as a row
    ends = range(rows.start, rows.stop + 1)

    def place(r: int) -> int:
        return int(offsets[r]) - first + (r - rows.start) * each

    def piece(a: int, b: int) -> None:
        start, stop = bisect_left(ends, a, key=place), bisect_left(ends, b, key=place)
        if start < stop:
            work(ends[start], ends[stop])

    run(piece, place(rows.stop), category, threads)


def over_stretches(
    count: int, alone: Iterable[int], one: Callable[[int], object], others: Callable[[range | None], object]
) -> None:
    """Call ``one(row)`` on rows that stand alone, in rising order, ``others`` on the ranges between; None is all."""
    done = 0
    for row in alone:
        if done < row:
            others(range(done, row))
        one(row)
        done = row + 1
    if done < count or not done:
        others(range(done, count) if done else None)


def draw(
    request: Request,
    method: Method,
    threads: int,
    index: NDArray[np.int64] | None = None,
    value: NDArray[np.float64] | None = None,
    log_prob: Array | None = None,
    entropy: Array | None = None,
    rows: range | None = None,
) -> None:
    """Draw from every row, or those, into `index` and what else there is; without categories the index is -1."""
    if not request.columns and request.offsets is None:
        for array, none in ((index, -1), (value, -np.inf), (log_prob, -np.inf), (entropy, np.nan)):
            if array is not None:
                array[...] = none
        return
    request.into(index, value, each=log_prob, entropy=entropy)
    draws = index.shape[-1] if index is not None and index.ndim > len(request.batch) else 1
    told = log_prob is not None or entropy is not None
    over_rows(
        lambda start, stop: _core.draw(request, method.kernel, start, stop),
        request,
        method.row + draws * method.draw,
        method.category + LOG_PROB * told,
        threads,
        rows,
    )


def relaxed(
    request: Request,
    function: int,
    cost: float,
    axis: int,
    out: NDArray[Any] | None,
    workers: int,
    *,
    form: int = _core.SOFT,
    one_hot: Array | None = None,
) -> Array:
    """Return what one of _core's functions makes of every row, in a form; `cost` is that of an element.

    `one_hot` takes the one-hots besides, the categories along its last axis.
    """
    threads = as_workers(workers)
    if out is not None:
        check_out(out, request.inputs[0].shape, request.compute_type, *request.inputs)

    def fill(result: Array) -> None:
        core = request.into(out=result, form=form, one_hot=one_hot)
        if request.offsets is not None and out is None:
            result[: request.offsets[0]] = result[request.offsets[-1] :] = np.nan  # of no row
        over_rows(lambda start, stop: _core.relax(core, function, start, stop), request, 0.0, cost, threads)

    return fill_rows(fill, request.rows, request.compute_type, axis, out)


def reduced(request: Request, function: int, cost: float, out: NDArray[Any] | None, workers: int) -> Any:
    """Return the number that one of _core's functions makes of each row."""
    threads = as_workers(workers)
    if out is not None:
        check_out(out, request.batch, request.compute_type, *request.inputs)
    numbers = np.empty(request.batch, request.compute_type)
    core = request.into(each=numbers)
    over_rows(lambda start, stop: _core.relax(core, function, start, stop), request, 0.0, cost, threads)
    return deliver(numbers, out)


#: What a call reads of its logits: temperature, mask, indptr, filters and axis; all but where its draws come from. A
#: tuple, for it is made in a small part of the time that a small call takes.
Parts: TypeAlias = "tuple[ArrayLike, ArrayLike | None, ArrayLike | None, Filters, int]"

#: Where ragged rows begin, and the length of the longest.
Ragged: TypeAlias = "tuple[NDArray[np.int64], int]"


def _as_rows_of(x: Array, parts: Parts) -> tuple[Array, Ragged | None, tuple[int, ...], int]:
    """Return rows with the categories last, what makes them ragged, the batch shape, and the most columns of a row."""
    if parts[2] is None:
        rows = as_rows("logits", x, parts[-1])
        return rows, None, rows.shape[:-1], rows.shape[-1]
    ragged = as_offsets(parts[2], x, parts[-1])
    return x, ragged, (ragged[0].size - 1,), ragged[1]


def to_sample(
    logits: ArrayLike | None,
    parts: Parts,
    *,
    weights: ArrayLike | None = None,
    rng: RNG,
    offset: tuple[int, int] = (0, 0),
    noise: ArrayLike | None = None,
    allow_fewer: bool = False,
    floor: ArrayLike | None = None,
) -> Request:
    """Return the request of a sampler: temperature 0 is one, and there must be categories unless fewer are allowed."""
    name, given_rows = ("logits", logits) if weights is None else ("weights", weights)
    if given_rows is None or (logits is not None and weights is not None):
        raise TypeError("exactly one of logits and weights must be given")
    array = as_array(name, given_rows)
    x, read_as = as_read(array) if weights is None else (array, compute_dtype(array.dtype))
    given = None if noise is None else as_array("noise", noise)
    if given is not None:
        if array.shape != given.shape:
            raise ValueError(f"noise must have the shape {array.shape} of logits, not {given.shape}")
        if compute_dtype(array.dtype) != compute_dtype(given.dtype):
            x, read_as = array, np.dtype(np.float64)
    rows, ragged, batch, columns = _as_rows_of(x, parts)
    if columns == 0 and not allow_fewer and ragged is None:
        raise ValueError(f"{name}: no categories to draw from")
    start = as_offset(offset, columns)
    stream: Stream = (0, 0, 0, None)
    if given is None:
        stream = to_stream(rng, start, batch)
    elif rng is not None or start != (0, 0):
        raise ValueError("rng and offset must be left out where noise is given")
    return _request(
        (array,) if given is None else (array, given),
        rows,
        parts,
        read_as,
        batch,
        ragged,
        stream=stream,
        other=None if given is None else as_rows("noise", given, parts[-1]),
        zero=True,
        allow_fewer=allow_fewer,
        floor=floor,
        weights=weights is not None,
    )


def to_relax(logits: ArrayLike, parts: Parts, *, rng: RNG, offset: tuple[int, int] = (0, 0)) -> Request:
    """Return the request of a relaxation with noise."""
    array = as_array("logits", logits)
    x, read_as = as_read(array)
    rows, _, batch, columns = _as_rows_of(x, parts)
    stream = to_stream(rng, as_offset(offset, columns), batch)
    return _request((array,), rows, parts, read_as, batch, stream=stream)


def to_normalise(logits: ArrayLike, parts: Parts, *, zero: bool = False, grad: Array | None = None) -> Request:
    """Return the request of what has no noise; `zero`: temperature 0 is one; `grad`: rows of one, for another."""
    array = as_array("logits", logits)
    x, read_as = as_read(array)
    rows, ragged, batch, _ = _as_rows_of(x, parts)
    return _request((array,), rows, parts, read_as, batch, ragged, zero=zero, other=grad)


def _request(
    inputs: tuple[Array, ...],
    rows: Array,
    parts: Parts,
    read_as: np.dtype[Any],
    batch: tuple[int, ...],
    ragged: Ragged | None = None,
    *,
    stream: Stream = (0, 0, 0, None),
    other: Array | None = None,
    zero: bool = False,
    allow_fewer: bool = False,
    floor: ArrayLike | None = None,
    weights: bool = False,
) -> Request:
    temperature, mask, _, filters, axis = parts
    key, row, column, streams = stream
    t = as_temperature(temperature, batch, zero=zero)
    allowed = None
    if mask is not None:
        allowed = as_mask(mask, inputs[0], axis, ragged=ragged is not None)
        inputs = (*inputs, allowed)
    kept = None if filters is NO_FILTERS else as_filters(filters, t, batch)
    least = None if floor is None else as_floor(floor, batch)
    offsets, longest = (None, 0) if ragged is None else ragged
    return Request(
        inputs,
        rows,
        t,
        key,
        row,
        column,
        other,
        read_as,
        allowed,
        kept,
        streams,
        allow_fewer,
        offsets,
        longest,
        least,
        weights,
    )


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
        first = request.columns if request.offsets is None else request.offsets[1] - request.offsets[0]
        what = "weights" if request.weights else "logits"
        raise row_error(f"{what}: row 0 has {first} categories, and {wanted} are wanted", 0)
    return min(wanted, request.columns)


def to_log_prob(
    request: Request,
    index: NDArray[np.int64] | None,
    log_prob: Array | None,
    threads: int,
    entropy: Array | None = None,
) -> None:
    """Write log-probabilities of the categories that `index` has for each row, and the entropies."""
    request.into(index, each=log_prob, entropy=entropy)
    over_rows(lambda start, stop: _core.relax(request, _core.LOG_PROB, start, stop), request, 0.0, LOG_PROB, threads)
