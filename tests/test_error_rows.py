"""Errors that name a row carry its number as `.row`: from every sampler, of every kind of row."""

import pickle
import re

import numpy as np
import pytest

import gumbel_fast
from ragged import SAMPLERS, bounds_of
from rows import ALL_DTYPES, some_rows
from weighted import CALLS, some_weights

BAD = {"NaN": np.nan, "infinity": np.inf, "nothing": -np.inf}
ROWS, COLUMNS = 9, 300


def assert_names(row, call, *arguments, **options):
    """The call refuses that row, in words and as a number of its own."""
    with pytest.raises(ValueError, match=rf"\brow {row}\b") as caught:
        call(*arguments, **options)
    assert type(caught.value.row) is int
    assert caught.value.row == row
    again = pickle.loads(pickle.dumps(caught.value))  # as it comes back from another process
    assert (again.row, str(again)) == (row, str(caught.value))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", SAMPLERS)
def test_logits(name, bad):
    for dtype in ALL_DTYPES:
        x = some_rows((ROWS, COLUMNS), dtype, masked=0)
        for row in 0, 5, ROWS - 1:
            spoiled = x.copy()
            spoiled[row, 7 if bad != "nothing" else slice(None)] = BAD[bad]
            assert_names(row, SAMPLERS[name], spoiled, rng=1)
            if bad != "nothing":
                assert_names(row, SAMPLERS[name], spoiled, rng=1, allow_fewer=True)


@pytest.mark.parametrize("name", SAMPLERS)
def test_ragged_rows(name):
    lengths = [200, 160, 300, 400, 151]
    for row in range(len(lengths)):
        x = some_rows(sum(lengths), masked=0)
        indptr = bounds_of(lengths)
        x[indptr[row] + 3] = np.nan
        assert_names(row, SAMPLERS[name], x, indptr=indptr, rng=1)
    lengths[3] = 0
    assert_names(3, SAMPLERS[name], some_rows(sum(lengths), masked=0), indptr=bounds_of(lengths), rng=1)


@pytest.mark.parametrize("name", CALLS)
def test_weights(name):
    for bad in -1.0, np.nan, np.inf, 0.0:
        w = some_weights((ROWS, COLUMNS), zeros=0)
        w[6, 7 if bad else slice(None)] = bad
        assert_names(6, CALLS[name], w, rng=1)


def test_rows_are_those_of_the_batch():
    """In C order, whatever the axis, the mask or the workers; whatever offset their noise has."""
    x = some_rows((3, 4, 200), masked=0)
    mask = np.ones(x.shape, bool)
    mask[2, 1] = False
    for name in SAMPLERS:
        assert_names(9, SAMPLERS[name], x, mask=mask, rng=1)
        assert_names(9, SAMPLERS[name], x, mask=mask, rng=1, workers=2)
        assert_names(9, SAMPLERS[name], x, mask=mask, rng=1, offset=(1000, 0))
        for axis in 0, 1:
            moved, masked = np.moveaxis(x, -1, axis), np.moveaxis(mask, -1, axis)
            assert_names(9, SAMPLERS[name], moved, mask=masked, rng=1, axis=axis)
        streams = gumbel_fast.RowStreams(np.arange(12).reshape(3, 4))
        assert_names(9, SAMPLERS[name], x, mask=mask, rng=streams)


def test_the_first_of_several():
    x = some_rows((40, 3000), masked=0)
    x[11:, 9] = np.nan
    for name in SAMPLERS:
        for workers in 1, 2:
            assert_names(11, SAMPLERS[name], x, rng=1, workers=workers)


def test_a_single_row_and_small_calls():
    """Of one axis, and of so few that they take the shortest way in."""
    for n in 1, 2, 6, 64, 300:
        for bad in np.nan, np.inf:
            x = np.zeros(n)
            x[-1] = bad
            for call in (
                gumbel_fast.categorical,
                gumbel_fast.gumbel_max,
                lambda a, **o: gumbel_fast.gumbel_top_k(a, 1, **o),
            ):
                assert_names(0, call, x, rng=1)
                assert_names(0, call, x.tolist(), rng=1)
                assert_names(0, call, x, rng=np.random.default_rng(1))
                assert_names(1, call, np.stack([np.zeros(n), x]), rng=np.random.default_rng(1))


def test_fewer_than_are_wanted():
    x = some_rows((5, 100), masked=0)
    x[3, 4:] = -np.inf
    assert_names(3, gumbel_fast.gumbel_top_k, x, 5, rng=1)
    assert_names(3, gumbel_fast.categorical, x, num_samples=5, replace=False, rng=1)
    assert_names(0, gumbel_fast.gumbel_top_k, x, 101, rng=1)
    assert_names(0, gumbel_fast.categorical, x, num_samples=101, replace=False, rng=1)
    assert_names(2, gumbel_fast.gumbel_top_k, np.zeros((5, 100)), 5, rng=1, floor=[0, 0, 1e9, 0, 0])
    long = np.zeros((3, 1_500_000), np.float32)
    long[1, 700_000] = np.nan
    for workers in 1, 2:
        assert_names(1, gumbel_fast.gumbel_top_k, long, 5, rng=1, workers=workers)
        assert_names(1, gumbel_fast.gumbel_max, long, rng=1, workers=workers)
        assert_names(1, gumbel_fast.categorical, long, rng=1, workers=workers)


def test_noise_that_is_given():
    x, noise = np.zeros((4, 90)), np.zeros((4, 90))
    noise[2, 5] = np.nan
    assert_names(2, gumbel_fast.gumbel_max, x, noise=noise)
    noise[2] = -np.inf
    assert_names(2, gumbel_fast.gumbel_max, x, noise=noise)


def test_an_indptr_that_falls():
    assert_names(1, gumbel_fast.categorical, np.zeros(9), indptr=[0, 5, 3, 9])


def test_errors_of_no_row_have_none():
    for options in {"temperature": -1.0}, {"axis": 5}, {"mask": np.ones(7, bool)}, {"workers": 0}:
        with pytest.raises(ValueError, match=r"\w") as caught:
            gumbel_fast.categorical(np.zeros((3, 8)), **options)
        assert not re.search(r"\brow \d", str(caught.value))
        assert getattr(caught.value, "row", None) is None
