"""What the arguments of a call become together: its rows in blocks, what is read beside each, and its seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from .._arguments import as_offset, as_row_offset
from .._core import Request
from .._request import Parts, to_normalise, to_relax, to_sample
from .._rng import RNG, SeedPair, to_stream
from ._arguments import FILTERS, as_dask, as_indptr, check_rows, is_lazy, refuse_cut, stand_in
from ._blocks import Rows, Seed, in_chunks

_ANY_SEED = SeedPair(0, 0)  # of a request that is checked and never run


@dataclass
class Call:
    """A call: its rows, what each block's function is passed, and what the whole would be on one machine."""

    what: str
    rows: Rows
    constants: dict[str, Any]
    seed: Seed | None
    request: Request
    axis: int  # of the categories, in the array as it was passed

    @property
    def token(self) -> tuple[Any, ...]:
        """What the result is a function of, beside the arrays that are read: which argument each is, too."""
        rows = self.rows
        return (
            self.what,
            self.request.weights,
            self.constants,
            rows.in_memory,
            rows.lazy,
            self.seed and self.seed.stream,
        )

    def back(self, result: da.Array) -> da.Array:
        """Return a result that has the categories along its last axis with them where they were."""
        return result if self.axis == result.ndim - 1 else da.moveaxis(result, -1, self.axis)


def of_logits(what: str, logits: Any, parts: Parts, *, zero: bool = True, constants: dict[str, Any]) -> Call:
    """Return the call of what only normalises rows; `zero`: temperature 0 is one."""
    x = as_dask("logits", logits)
    request = check_rows(x, parts, lambda like, checked: to_normalise(like, checked, zero=zero))
    return _call(what, x, parts, request, constants, None)


def of_relaxation(
    what: str, logits: Any, parts: Parts, *, rng: RNG, offset: tuple[int, int], constants: dict[str, Any]
) -> Call:
    """Return the call of a relaxation with noise."""
    x = as_dask("logits", logits)
    request = check_rows(x, parts, lambda like, checked: to_relax(like, checked, rng=_ANY_SEED, offset=offset))
    return _call(what, x, parts, request, constants, _seed(rng, offset, request))


def of_draws(
    what: str,
    logits: Any,
    parts: Parts,
    *,
    rng: RNG,
    offset: tuple[int, int],
    constants: dict[str, Any],
    weights: Any = None,
    noise: Any = None,
    allow_fewer: bool = False,
    floor: Any = None,
    counts_columns: bool = True,
) -> Call:
    """Return the call of a sampler; `counts_columns`: its noise does, so that `offset` has one."""
    given = logits if weights is None else weights
    if given is None or (logits is not None and weights is not None):
        raise TypeError("exactly one of logits and weights must be given")
    x = as_dask("logits" if weights is None else "weights", given)
    offset = offset if counts_columns else as_row_offset(offset)
    own = stand_in("noise", noise)

    def make(like: NDArray[Any], checked: Parts) -> Request:
        return to_sample(
            like if weights is None else None,
            checked,
            weights=None if weights is None else like,
            rng=_ANY_SEED if noise is None or rng is not None else None,
            offset=offset,
            noise=own,
            allow_fewer=allow_fewer,
            floor=stand_in("floor", floor, each_row=True),
        )

    request = check_rows(x, parts, make, floor=floor)
    constants = {**constants, "allow_fewer": allow_fewer}
    if floor is not None and not is_lazy(floor) and not np.ndim(floor):
        constants["floor"] = floor
    seed = _seed(rng, offset, request, counts_columns) if noise is None else None
    call = _call(what, x, parts, request, constants, seed, may_be_cut=True)
    call.rows.each_row("floor", floor)
    call.rows.each_element("noise", _categories_last(noise, x, call.axis))
    return call


def _seed(rng: RNG, offset: tuple[int, int], request: Request, counts_columns: bool = True) -> Seed:
    return Seed(to_stream(rng, as_offset(offset, request.columns), request.batch), counts_columns)


def _call(
    what: str,
    x: da.Array,
    parts: Parts,
    request: Request,
    constants: dict[str, Any],
    seed: Seed | None,
    *,
    may_be_cut: bool = False,
) -> Call:
    temperature, mask, indptr, filters, axis = parts
    axis %= x.ndim
    if not may_be_cut and indptr is None and x.numblocks[axis] > 1:
        refuse_cut(what, axis)
    rows = Rows(x if axis == x.ndim - 1 else da.moveaxis(x, axis, -1), as_indptr(indptr))
    for name, value in zip(("temperature", *FILTERS), (temperature, *filters), strict=True):
        rows.each_row(name, value)
        if value is not None and not is_lazy(value) and not np.ndim(value):
            constants = {**constants, name: value}
    if mask is not None:
        allowed: Any = mask if is_lazy(mask) else np.asarray(mask)
        if allowed.dtype.itemsize == 4:
            rows.words(allowed)
        else:
            rows.each_element("mask", _categories_last(allowed, x, axis))
    return Call(what, rows, constants, seed, request, axis)


def _categories_last(value: Any, x: da.Array, axis: int) -> Any:
    """Return what broadcasts to the logits, as they were passed, in their shape with the categories last."""
    if value is None or axis == x.ndim - 1:
        return value
    if is_lazy(value):
        return da.moveaxis(in_chunks(value, x.chunks), axis, -1)
    return np.moveaxis(np.broadcast_to(np.asarray(value), x.shape), axis, -1)
