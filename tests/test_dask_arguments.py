"""What gumbel_fast.dask refuses, and when: what can be seen when it is called, and bad rows when they are computed.

And that a call computes nothing. The bits of what is taken are the subject of the other files.
"""

import numpy as np
import pytest

import gumbel_fast
from dask_helpers import (
    ANYWHERE,
    CHAIN,
    FUNCTIONS,
    NORMALISERS,
    OF_WEIGHTS,
    OF_WEIGHTS_ANYWHERE,
    RELAXATIONS,
    SAMPLERS,
    WHOLE,
    da,
    gd,
    result_parts,
    rng_of,
    untouchable,
)
from ragged import bounds_of
from rows import NO_NUMBERS, some_rows
from weighted import some_weights

COLUMNS = 90


def compute(result):
    """Every part of a result by itself, the errors of which are what tests here look for."""
    return [part.compute(scheduler="synchronous") for part in result_parts(result)]


# -------------------------------------------------------------------------------------------------- nothing is computed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_call_computes_nothing(name):
    """Of logits, mask, temperature: not even a chunk to see what it is."""
    x = np.zeros((6, COLUMNS))
    for columns in (30, COLUMNS) if name in ANYWHERE else (COLUMNS,):
        lazy = untouchable(x, (2, columns))
        FUNCTIONS[name](gd, lazy, **rng_of(name))
        mask, temperature = untouchable(x == 0, (4, 50)), untouchable(x[:, 0] + 1, 4)
        found = FUNCTIONS[name](gd, lazy, mask=mask, temperature=temperature, **rng_of(name))
        for part in result_parts(found):
            assert type(part) is da.Array
        with pytest.raises(AssertionError, match="computed something"):
            compute(found)


def test_other_calls_compute_nothing():
    x = untouchable(np.zeros((6, COLUMNS)), (2, COLUMNS))
    gd.log_prob(x, untouchable(np.zeros((6, 3), int), (4, 2)))
    gd.gumbel_max(x, noise=untouchable(np.zeros((6, COLUMNS)), (3, 20)))
    gd.gumbel_top_k(x, 2, floor=untouchable(np.zeros(6), 4), rng=1)
    gd.gumbel_top_k(weights=x, k=2, rng=1)
    gd.categorical(x, top_k=untouchable(np.zeros(6, int), 4), top_p=untouchable(np.zeros(6), 4), rng=1)
    gd.gumbel(untouchable(np.zeros((6, 1)), 2), untouchable(np.zeros(COLUMNS), 9), rng=1)
    flat = untouchable(np.zeros(60), 7)
    for name in *SAMPLERS, *NORMALISERS:
        options = {"rng": 7, "allow_fewer": True} if name in SAMPLERS else {}
        FUNCTIONS[name](gd, flat, indptr=[0, 20, 25, 60], **options)
    long = untouchable(np.zeros(100_000), 1000)
    gd.gumbel_top_k(long, 10_000, rng=1, return_value=True)


# ------------------------------------------------------------------------------------------------------ chunks that fit


@pytest.mark.parametrize("name", [*WHOLE, *RELAXATIONS, *NORMALISERS])
def test_a_cut_category_axis_is_refused(name):
    x = np.zeros((6, COLUMNS))
    for chunks in (6, 30), (2, 89), ((6,), (0, 40, 50)):
        with pytest.raises(ValueError, match=r"rechunk"):
            FUNCTIONS[name](gd, untouchable(x, chunks), **rng_of(name))
    with pytest.raises(ValueError, match=r"rechunk"):
        FUNCTIONS[name](gd, untouchable(x.T, (30, 2)), axis=0, **rng_of(name))
    with pytest.raises(ValueError, match=r"rechunk"):
        FUNCTIONS[name](gd, untouchable(x[0], 30), **rng_of(name))
    FUNCTIONS[name](gd, untouchable(x, (2, 30)).rechunk({1: -1}), **rng_of(name))
    FUNCTIONS[name](gd, untouchable(x, (6, 30)), axis=0, **rng_of(name)) if name in NORMALISERS else None


def test_other_cut_category_axes():
    x = untouchable(np.zeros((6, COLUMNS)), (2, 30))
    for call in (
        lambda: gd.log_prob(x, np.zeros(6, int)),
        lambda: gd.categorical(x, num_samples=40, replace=False, **CHAIN),
        lambda: gd.categorical(x, num_samples=40, replace=False, top_p=0.9),
        lambda: gd.categorical(weights=x),
        lambda: gd.categorical(weights=x, num_samples=40, replace=False, min_p=0.1),
    ):
        with pytest.raises(ValueError, match=r"rechunk"):
            call()
    for name in OF_WEIGHTS:
        if name in OF_WEIGHTS_ANYWHERE:
            OF_WEIGHTS[name](gd, x, rng=1)
        else:
            with pytest.raises(ValueError, match=r"rechunk"):
                OF_WEIGHTS[name](gd, x, rng=1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_unknown_chunk_sizes_are_refused(name):
    x = da.from_array(np.ones((6, COLUMNS)), chunks=(2, COLUMNS))
    unknown = x[x[:, 0] > 0]
    with pytest.raises(ValueError, match=r"compute_chunk_sizes"):
        FUNCTIONS[name](gd, unknown, **rng_of(name))
    compute(FUNCTIONS[name](gd, unknown.compute_chunk_sizes(), **rng_of(name)))
    with pytest.raises(ValueError, match=r"compute_chunk_sizes"):
        FUNCTIONS[name](gd, x, temperature=x[:, 0][x[:, 0] > 0], **rng_of(name))
    with pytest.raises(ValueError, match=r"compute_chunk_sizes"):
        FUNCTIONS[name](gd, x, mask=x[x[:, 0] > 0] > 0, **rng_of(name))


# ------------------------------------------------------------------------------------------------------------- bad rows

BAD = {"NaN": np.nan, "infinity": np.inf, "nothing": -np.inf}


def assert_row(row, result, word=""):
    """Each part of it, computed, is refused for that row of the whole."""
    for part in result_parts(result):
        with pytest.raises(ValueError, match=rf"\brow {row}\b.*{word}") as caught:
            part.compute(scheduler="synchronous")
        assert type(caught.value.row) is int
        assert caught.value.row == row


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", SAMPLERS)
def test_bad_rows_are_named_by_their_number_in_the_whole(name, bad):
    """Whichever chunk they are in, and whichever axes are cut; in words that are those of one machine."""
    x = some_rows((3, 4, COLUMNS), masked=0)
    for row in 0, 5, 11:
        spoiled = x.copy()
        spoiled[row // 4, row % 4, 70 if bad != "nothing" else slice(None)] = BAD[bad]
        with pytest.raises(ValueError, match=r"row") as caught:
            SAMPLERS[name](gumbel_fast, spoiled, rng=1)
        for chunks in (3, 4, -1), (1, 4, -1), (2, 3, -1), (1, 1, -1):
            found = SAMPLERS[name](gd, da.from_array(spoiled, chunks=chunks), rng=1)
            assert_row(row, found)
            with pytest.raises(ValueError, match=r"row") as there:
                compute(found)
            assert str(there.value) == str(caught.value)
            if bad != "nothing":
                assert_row(row, SAMPLERS[name](gd, da.from_array(spoiled, chunks=chunks), rng=1, allow_fewer=True))
        moved = np.moveaxis(spoiled, -1, 0)
        assert_row(row, SAMPLERS[name](gd, da.from_array(moved, chunks=(-1, 2, 3)), rng=1, axis=0))
        if name in ANYWHERE:
            for chunks in (2, 3, 40), (3, 1, 7), (3, 4, 71):
                assert_row(row, SAMPLERS[name](gd, da.from_array(spoiled, chunks=chunks), rng=1))


@pytest.mark.parametrize("name", ANYWHERE)
def test_a_shard_of_nothing_is_no_bad_row(name):
    """And two chunks that are bad name their row once, whichever is looked at first."""
    x = some_rows((3, COLUMNS), masked=0)
    x[1, 10:50] = -np.inf
    expected = result_parts(ANYWHERE[name](gumbel_fast, x, rng=1))
    found = compute(ANYWHERE[name](gd, da.from_array(x, chunks=(2, 10)), rng=1))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    x[2, 5], x[2, 80] = np.nan, np.inf
    assert_row(2, ANYWHERE[name](gd, da.from_array(x, chunks=(2, 10)), rng=1))
    x[2] = -np.inf
    assert_row(2, ANYWHERE[name](gd, da.from_array(x, chunks=(2, 10)), rng=1))


def test_fewer_than_are_wanted():
    x = some_rows((6, COLUMNS), masked=0)
    x[3, 4:-3] = -np.inf
    for chunks in (2, COLUMNS), (4, 20), (1, 1):
        lazy = da.from_array(x, chunks=chunks)
        assert_row(3, gd.gumbel_top_k(lazy, 8, rng=1, return_value=True), r"\b7\b.*\b8\b")
        assert_row(3, gd.categorical(lazy, num_samples=40, replace=False, rng=1), r"\b7\b.*\b40\b")
        compute(gd.gumbel_top_k(lazy, 7, rng=1))
        floor = np.array([0, 0, -9, -9, 1e9, 0])
        assert_row(4, gd.gumbel_top_k(lazy, 7, rng=1, floor=floor), r"\b0\b.*\b7\b")
        mask = np.ones(x.shape, bool)
        mask[5, 3:] = False
        assert_row(5, gd.gumbel_top_k(da.from_array(x[:3].repeat(2, 0), chunks=chunks), 7, rng=1, mask=mask))
        for call in (
            lambda lazy=lazy: gd.gumbel_top_k(lazy, COLUMNS + 1, rng=1),
            lambda lazy=lazy: gd.categorical(lazy, num_samples=COLUMNS + 1, replace=False, rng=1),
        ):
            with pytest.raises(ValueError, match=rf"\brow 0\b.*\b{COLUMNS}\b.*\b{COLUMNS + 1}\b") as caught:
                compute(call())
            assert caught.value.row == 0


@pytest.mark.parametrize("name", OF_WEIGHTS)
def test_bad_weights(name):
    for bad in -1.0, np.nan, np.inf, 0.0:
        w = some_weights((6, COLUMNS), zeros=0)
        w[4, 7 if bad else slice(None)] = bad
        for chunks in [(2, COLUMNS), (4, 20)] if name in OF_WEIGHTS_ANYWHERE else [(2, COLUMNS)]:
            assert_row(4, OF_WEIGHTS[name](gd, da.from_array(w, chunks=chunks), rng=1))


@pytest.mark.parametrize("name", SAMPLERS)
def test_bad_ragged_rows(name):
    lengths = [70, 60, 80, 65, 90]
    indptr = bounds_of(lengths)
    for row in range(5):
        x = some_rows(int(indptr[-1]), masked=0)
        x[indptr[row] + 31] = np.nan
        for chunks in -1, 50, 7, ((100, 265),):
            assert_row(row, SAMPLERS[name](gd, da.from_array(x, chunks=chunks), indptr=indptr, rng=1))


def test_bad_noise():
    x, noise = np.zeros((6, COLUMNS)), np.zeros((6, COLUMNS))
    noise[4, 50] = np.nan
    for chunks in (2, COLUMNS), (4, 20):
        for of in noise, da.from_array(noise, chunks=13):
            assert_row(4, gd.gumbel_max(da.from_array(x, chunks=chunks), noise=of, return_value=True))


def test_parameters_that_are_seen_when_they_are_computed():
    """A Dask array of temperatures or of filters is not looked at before; the place is that in the whole array."""
    x = some_rows((3, 4, COLUMNS), masked=0)
    lazy = da.from_array(x, chunks=(2, 3, COLUMNS))

    def assert_refused(word, call, parameter, value, **options):
        with pytest.raises(ValueError, match=word) as caught:
            call(gumbel_fast, x, **{parameter: value}, **options)
        found = call(gd, lazy, **{parameter: da.from_array(value, chunks=2)}, **options)
        with pytest.raises(ValueError, match=word) as there:
            compute(found)
        assert str(there.value) == str(caught.value)

    bad = np.ones((3, 4))
    bad[2, 3] = -1
    for name in FUNCTIONS:
        assert_refused("temperature", FUNCTIONS[name], "temperature", bad, **rng_of(name))
    for parameter in "top_k", "top_p", "min_p", "filter_temperature":
        options = {} if parameter == "top_k" else {"top_k": 3}
        assert_refused(parameter, WHOLE["categorical"], parameter, bad, rng=1, **options)
    index = np.zeros((3, 4), int)
    index[2, 1] = COLUMNS
    assert_refused("index", lambda m, a, **o: m.log_prob(a, **o), "index", index)
    assert_refused("floor", ANYWHERE["gumbel_top_k of 5"], "floor", np.where(bad < 0, np.nan, -99), rng=1)
    with pytest.raises(ValueError, match="scale"):
        compute(gd.gumbel(0.0, da.from_array(np.array([1.0, -1.0]), chunks=1), (5, 2), rng=1))


# ------------------------------------------------------------------------------------------ what is seen when called

X = da.from_array(np.zeros((4, COLUMNS)), chunks=(2, COLUMNS))
MASKED = np.ma.array(np.zeros((4, COLUMNS)), mask=np.eye(4, COLUMNS))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_temperatures_that_are_wrong(name):
    for temperature in -1.0, np.nan, -1e-300, np.full(4, -1.0), [1, 1, -1, 1], np.array(np.nan):
        with pytest.raises(ValueError, match="temperature"):
            FUNCTIONS[name](gd, X, temperature=temperature, **rng_of(name))
    if name in RELAXATIONS or "softmax" in name or name == "logsumexp":
        with pytest.raises(ValueError, match="temperature"):
            FUNCTIONS[name](gd, X, temperature=0.0, **rng_of(name))
    for temperature in np.ones(3), np.ones((4, 2)), da.ones(5), da.ones((4, 1, 4)):
        with pytest.raises(ValueError, match="temperature"):
            FUNCTIONS[name](gd, X, temperature=temperature, **rng_of(name))
    for temperature in 1j, ["a"], da.ones(4, dtype=complex), np.ma.ones(4):
        with pytest.raises(TypeError, match="temperature"):
            FUNCTIONS[name](gd, X, temperature=temperature, **rng_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_masks_that_are_wrong(name):
    for mask in np.ones(COLUMNS), da.ones((4, COLUMNS)), np.ma.ones((4, COLUMNS), bool), np.ones(COLUMNS, np.int64):
        with pytest.raises(TypeError, match="mask"):
            FUNCTIONS[name](gd, X, mask=mask, **rng_of(name))
    for mask in np.ones((4, 7), bool), da.ones((3, COLUMNS), dtype=bool), da.ones((4, COLUMNS), dtype=np.int32):
        with pytest.raises(ValueError, match="mask"):
            FUNCTIONS[name](gd, X, mask=mask, **rng_of(name))
    with pytest.raises(ValueError, match="mask"):  # words are along the last axis
        FUNCTIONS[name](gd, X.T, mask=np.ones((4, 3), np.uint32), axis=0, **rng_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_logits_that_are_wrong(name):
    for bad in *NO_NUMBERS, da.zeros((2, COLUMNS), dtype=complex), da.from_array(np.full((2, 3), "a")):
        with pytest.raises(TypeError, match="logits"):
            FUNCTIONS[name](gd, bad, **rng_of(name))
    for masked in MASKED, da.from_array(MASKED, chunks=(2, COLUMNS)), da.ma.masked_equal(X, 3):
        with pytest.raises(TypeError, match=r"logits.*(masked|MaskedArray)"):
            FUNCTIONS[name](gd, masked, **rng_of(name))
    with pytest.raises(TypeError):
        FUNCTIONS[name](gd, None, **rng_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_axes_and_workers_that_are_wrong(name):
    for axis in 2, -3, 17:
        with pytest.raises(ValueError, match="axis"):
            FUNCTIONS[name](gd, X, axis=axis, **rng_of(name))
    with pytest.raises(ValueError, match=r"axis|dimension"):
        FUNCTIONS[name](gd, da.zeros(()), **rng_of(name))
    with pytest.raises(ValueError, match="workers"):
        FUNCTIONS[name](gd, X, workers=0, **rng_of(name))
    with pytest.raises(TypeError):
        FUNCTIONS[name](gd, X, out=np.zeros(4), **rng_of(name))


@pytest.mark.parametrize("name", [*SAMPLERS, *RELAXATIONS])
def test_seeds_and_offsets_that_are_wrong(name):
    for rng in "7", 1.5, object(), [1.5]:
        with pytest.raises((TypeError, ValueError)):
            FUNCTIONS[name](gd, X, rng=rng)
    with pytest.raises(ValueError, match=r"seed|non-negative|negative"):
        FUNCTIONS[name](gd, X, rng=-1)
    with pytest.raises(ValueError, match="RowStreams"):
        FUNCTIONS[name](gd, X, rng=gumbel_fast.RowStreams([1, 2, 3]))
    with pytest.raises(ValueError, match="offset"):
        FUNCTIONS[name](gd, X, rng=gumbel_fast.RowStreams([1, 2, 3, 4]), offset=(1, 0))
    for offset in (-1, 0), (0, -1), (2**64, 0), (0, 2**34):
        with pytest.raises(ValueError, match="offset"):
            FUNCTIONS[name](gd, X, rng=1, offset=offset)
    for offset in (1.5, 0), 3, (1,):
        with pytest.raises((TypeError, ValueError), match="offset"):
            FUNCTIONS[name](gd, X, rng=1, offset=offset)
    if name.startswith("categorical"):
        with pytest.raises(ValueError, match="offset: draws of categorical have rows and no columns"):
            FUNCTIONS[name](gd, X, rng=1, offset=(0, 3))


def test_counts_that_are_wrong():
    for k in -1, np.int64(-5):
        with pytest.raises(ValueError, match="k"):
            gd.gumbel_top_k(X, k)
        with pytest.raises(ValueError, match="num_samples"):
            gd.categorical(X, num_samples=k)
    for k in 1.5, "3", None:
        with pytest.raises(TypeError):
            gd.gumbel_top_k(X, k)
    with pytest.raises(TypeError):
        gd.categorical(X, num_samples=2.5)
    with pytest.raises(ValueError, match="num_samples"):
        gd.categorical(X, num_samples=2**32 + 1)


def test_exactly_one_of_logits_and_weights():
    for call in gd.categorical, lambda *a, **o: gd.gumbel_top_k(*a, k=1, **o):
        with pytest.raises(TypeError, match="weights"):
            call(X, weights=X)
        with pytest.raises(TypeError, match="weights"):
            call()


def test_filters_that_are_wrong():
    for name, value in ("top_k", -1), ("top_k", 1.5), ("top_p", -0.1), ("min_p", 1.5), ("filter_temperature", -1):
        for call in lambda **o: gd.categorical(X, **o), lambda **o: gd.entropy(X, **o):
            with pytest.raises(ValueError, match=name):
                call(**{name: value})
            with pytest.raises(ValueError, match=name):
                call(**{name: np.full(4, value)})
            with pytest.raises(ValueError, match=name):
                call(**{name: da.ones(3)})


def test_noise_that_is_wrong():
    for noise in np.zeros((4, 3)), da.zeros((3, COLUMNS)), np.zeros(COLUMNS):
        with pytest.raises(ValueError, match="noise"):
            gd.gumbel_max(X, noise=noise)
    with pytest.raises(TypeError, match="noise"):
        gd.gumbel_max(X, noise=X.astype(complex))
    for options in {"rng": 7}, {"offset": (1, 0)}:
        with pytest.raises(ValueError, match="noise"):
            gd.gumbel_max(X, noise=X, **options)


def test_floors_and_indices_that_are_wrong():
    for floor in np.nan, np.full(4, np.nan), np.zeros(3), da.zeros(5):
        with pytest.raises(ValueError, match="floor"):
            gd.gumbel_top_k(X, 2, floor=floor)
    for index in np.zeros(3, int), np.full(4, COLUMNS), np.full(4, -2), da.zeros((2, 4), dtype=int):
        with pytest.raises(ValueError, match="index"):
            gd.log_prob(X, index)
    for index in np.zeros(4), da.zeros(4):
        with pytest.raises(TypeError, match="index"):
            gd.log_prob(X, index)


@pytest.mark.parametrize("name", [*SAMPLERS, *NORMALISERS])
def test_indptr_that_is_wrong(name):
    flat = da.zeros(60, chunks=7)
    for indptr in [0, 20, 10, 60], [0, 61], [-1, 60], [], [[0, 60]]:
        with pytest.raises(ValueError, match="indptr"):
            FUNCTIONS[name](gd, flat, indptr=indptr, **rng_of(name))
    for indptr in [0.0, 60.0], np.ma.array([0, 60]), da.from_array(np.array([0, 60])):
        with pytest.raises(TypeError, match="indptr"):
            FUNCTIONS[name](gd, flat, indptr=indptr, **rng_of(name))
    with pytest.raises(ValueError, match="indptr"):
        FUNCTIONS[name](gd, X, indptr=[0, 4], **rng_of(name))
    with pytest.raises(ValueError, match="mask"):
        FUNCTIONS[name](gd, flat, indptr=[0, 60], mask=np.ones(2, np.uint32), **rng_of(name))


def test_gumbel_that_is_wrong():
    for arguments, options, kind, word in (
        ((), {"size": (-1, 5)}, ValueError, r"size|negative"),
        ((), {"size": 2.5}, TypeError, None),
        ((0.0, -1.0), {"size": 5}, ValueError, "scale"),
        ((0.0, np.array([1.0, -1.0])), {}, ValueError, "scale"),
        ((0.0, np.nan), {"size": 5}, ValueError, "scale"),
        ((1j,), {"size": 5}, TypeError, "loc"),
        ((np.zeros(3),), {"size": 5}, ValueError, None),
        ((), {"size": 5, "dtype": np.float16}, TypeError, "dtype"),
        ((), {"size": 5, "dtype": int}, TypeError, "dtype"),
        ((), {"size": 5, "chunks": (3, 3)}, ValueError, None),
        ((), {"size": 5, "chunks": ((3, 3),)}, ValueError, None),
        ((), {"size": 5, "workers": 0}, ValueError, "workers"),
        ((), {"size": 5, "offset": (0, 2**34)}, ValueError, "offset|2\\*\\*34"),
        ((), {"size": (4, 5), "rng": gumbel_fast.RowStreams([1, 2, 3])}, ValueError, "RowStreams"),
        ((), {"size": 5, "out": np.zeros(5)}, TypeError, None),
    ):
        with pytest.raises(kind, match=word):
            gd.gumbel(*arguments, **options)


def test_hard_and_log_exclude_each_other():
    with pytest.raises(ValueError, match="hard and log"):
        gd.gumbel_softmax(X, hard=True, log=True)


def test_no_categories():
    for shape in (3, 0), (0,):
        for call in gd.categorical, gd.gumbel_max, lambda a: gd.gumbel_top_k(a, 1):
            with pytest.raises(ValueError, match=r"categories"):
                compute(call(da.zeros(shape)))


def test_other_collections_are_refused():
    bag = pytest.importorskip("dask.bag").from_sequence([0.0, 1.0])
    for call in gd.categorical, gd.softmax, lambda a: gd.gumbel_max(X, temperature=a), lambda a: gd.softmax(X, mask=a):
        with pytest.raises(TypeError):
            call(bag)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_machines_functions_name_this_module(name):
    with pytest.raises(TypeError, match=r"logits.*gumbel_fast\.dask"):
        FUNCTIONS[name](gumbel_fast, X, **rng_of(name))
