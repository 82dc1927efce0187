"""One draw from each row of a sparse matrix's rows, which are of unequal length."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from gumbel_fast import capi
from harness import checks
from harness.inputs import SEED, Inputs
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from . import numba_loops

_ROWS = 20_000


@regime
def ragged_20000(inputs: Inputs) -> Regime:
    """Most rows are of a few elements, and some of hundreds. NumPy and Numba have the weights at hand."""
    indptr = inputs.power_law_rows(_ROWS)
    logits = inputs.normal(int(indptr[-1]))
    weights = np.exp(logits)
    check = checks.one_draw_each_ragged(logits, indptr)
    return Regime(
        name="ragged_20000",
        title=f"One draw from each of {_ROWS:,} rows of unequal length, {indptr[-1]:,} logits",
        short=f"one draw a row, {_ROWS:,} rows of unequal length",
        meaning="A neighbour for each node of a graph, a choice for each person from what there is for them.",
        elements=logits.size,
        bytes_moved=logits.nbytes + indptr.nbytes,
        contestants=(
            Contestant(
                "categorical(logits, indptr=)", "gumbel_fast", partial(_logits, logits, indptr), check, Role.PROJECT
            ),
            Contestant("categorical(weights=, indptr=)", "gumbel_fast", partial(_weights, weights, indptr), check),
            Contestant("a call for each length", "gumbel_fast", partial(_lengths, logits, indptr), check),
            Contestant("np.cumsum, searchsorted", "numpy", partial(_cumsum, weights, indptr), check, note="weights"),
            Contestant("searchsorted alone", "numpy", partial(_search, weights, indptr), check, note="sums made once"),
            Contestant("Numba roulette wheels", "numba", partial(_numba, weights, indptr), check, note="weights"),
            Contestant("Numba, capi.categorical_f32", "numba", partial(_numba_capi, logits, indptr), check),
            Contestant("np.maximum.reduceat", "numpy", partial(_maxima, logits, indptr), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("np.cumsum, searchsorted", bar=4, goal=None),),
    )


def _logits(logits: NDArray[Any], indptr: NDArray[Any]) -> Call:
    return partial(gumbel_fast.categorical, logits, indptr=indptr, rng=np.random.default_rng(SEED))


def _weights(weights: NDArray[Any], indptr: NDArray[Any]) -> Call:
    return partial(gumbel_fast.categorical, weights=weights, indptr=indptr, rng=np.random.default_rng(SEED))


def _lengths(logits: NDArray[Any], indptr: NDArray[Any]) -> Call:
    """Make what one does without `indptr`: dense batches of the rows of each length, gathered outside the timing."""
    rng, out = np.random.default_rng(SEED), np.empty(len(indptr) - 1, np.int64)
    lengths = np.diff(indptr)
    batches = []
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        batches.append((rows, logits[indptr[rows, np.newaxis] + np.arange(length)]))

    def draw() -> Any:
        for rows, batch in batches:
            out[rows] = gumbel_fast.categorical(batch, rng=rng)
        return out

    return draw


def _cumsum(weights: NDArray[Any], indptr: NDArray[Any]) -> Call:
    rng, sums = np.random.default_rng(SEED), np.zeros(weights.size + 1)

    def draw() -> Any:
        np.cumsum(weights, dtype=np.float64, out=sums[1:])
        return _searched(sums, sums[indptr[:-1]], sums[indptr[1:]], indptr, rng)

    return draw


def _search(weights: NDArray[Any], indptr: NDArray[Any]) -> Call:
    sums = np.concatenate([[0.0], np.cumsum(weights, dtype=np.float64)])
    return partial(_searched, sums, sums[indptr[:-1]], sums[indptr[1:]], indptr, np.random.default_rng(SEED))


def _searched(
    sums: NDArray[Any], first: NDArray[Any], last: NDArray[Any], indptr: NDArray[Any], rng: np.random.Generator
) -> NDArray[Any]:
    uniforms = rng.random(first.size)
    found = np.searchsorted(sums, first + uniforms * (last - first), side="right")
    return np.asarray(np.minimum(found, indptr[1:]) - 1 - indptr[:-1])  # a uniform may have been rounded up


def _numba(weights: NDArray[Any], indptr: NDArray[Any]) -> Call:
    loop = numba_loops.compiled(numba_loops.draw_each_ragged)
    return partial(loop, weights, indptr, np.empty(len(indptr) - 1, np.int64))


def _numba_capi(logits: NDArray[Any], indptr: NDArray[Any]) -> Call:
    loop, out = numba_loops.compiled(numba_loops.call_each_ragged), np.empty(len(indptr) - 1, np.int64)
    scratch = np.empty(capi.categorical_scratch_f32(int(np.diff(indptr).max())), np.uint8)
    rows = map(np.uint64, count(0, len(out)))  # of each call, rows of its own
    return lambda: loop(logits, indptr, next(rows), scratch, out)


def _maxima(logits: NDArray[Any], indptr: NDArray[Any]) -> Call:
    return partial(np.maximum.reduceat, logits, indptr[:-1])
