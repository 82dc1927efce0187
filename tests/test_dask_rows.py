"""gumbel_fast.dask's functions that want each row whole and do not draw, or draw relaxed samples: bits of one machine.

`softmax`, `log_softmax`, `logsumexp`, `log_prob`, `entropy` and `gumbel_softmax`, by the synchronous scheduler.
"""

import numpy as np
import pytest

import gumbel_fast
from dask_helpers import (
    CHAIN,
    NORMALISERS,
    RELAXATIONS,
    assert_one_machines,
    assert_same,
    chunkings,
    da,
    gd,
    result_parts,
    rng_of,
)
from ragged import bounds_of, some_streams
from rows import ALL_DTYPES, some_rows

FUNCTIONS = {**RELAXATIONS, **NORMALISERS}
FLAT = [name for name in FUNCTIONS if "softmax" in name]  # of the shape of the logits


@pytest.mark.parametrize("dtype", [*ALL_DTYPES, np.int64, ">f8"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_chunking(name, dtype):
    x = some_rows((5, 70), np.float64)
    x = (np.maximum(x, -99) if np.dtype(dtype).kind == "i" else x).astype(dtype)
    for what, chunks in chunkings(x.shape).items():
        found = assert_one_machines(FUNCTIONS[name], x, chunks, what, **rng_of(name))
        assert name not in FLAT or found.chunks == chunks


@pytest.mark.parametrize("name", FUNCTIONS)
def test_batches_of_two_axes(name):
    x = some_rows((3, 4, 70))
    for axis in 0, 1, 2, -2:
        moved = np.ascontiguousarray(np.moveaxis(x, -1, axis))
        for what, chunks in chunkings(moved.shape, axis).items():
            assert_one_machines(FUNCTIONS[name], moved, chunks, f"axis {axis}, {what}", axis=axis, **rng_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_single_rows_empty_batches_and_plain_arrays(name):
    x = some_rows(70, np.float64)
    assert_one_machines(FUNCTIONS[name], x, ((70,),), **rng_of(name))
    for logits in x, x.tolist():
        assert_same(FUNCTIONS[name](gd, logits, **rng_of(name)), FUNCTIONS[name](gumbel_fast, x, **rng_of(name)))
    for shape in (0, 70), (2, 0, 70):
        assert_one_machines(FUNCTIONS[name], np.zeros(shape), tuple((n,) for n in shape), **rng_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_that_are_bad_give_nan_and_no_error(name):
    x = some_rows((6, 70))
    x[1, 5], x[2, 7], x[4] = np.nan, np.inf, -np.inf
    for what, chunks in chunkings(x.shape).items():
        assert_one_machines(FUNCTIONS[name], x, chunks, what, **rng_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_temperatures(name):
    x = some_rows((3, 4, 70))
    x[2, 3] *= 1e30
    each = np.array([[0.25, 0.5, np.inf, 1e-300], [1.0, 3.0, 0.1, 1e300], [2.0, 2.0, 5.0, 7.0]])
    zero = [0.0] if name.startswith("entropy") else []
    for temperature in *zero, 0.4, np.inf, 1e-300, 2, each, each[:1], each[0], each[:, 1:2]:
        for chunks in (2, 3, 70), (1, 1, 70):
            assert_one_machines(FUNCTIONS[name], x, chunks, temperature=temperature, **rng_of(name))
            if np.ndim(temperature):
                lazy = {"temperature": da.from_array(temperature, chunks=2)}
                assert_one_machines(FUNCTIONS[name], x, chunks, lazy=lazy, temperature=temperature, **rng_of(name))


def words_of(mask):
    bits = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, -mask.shape[-1] % 32)])
    return np.packbits(bits, axis=-1, bitorder="little").view(np.uint32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_masks(name):
    x = some_rows((4, 3, 70))
    mask = np.random.default_rng(1).random(x.shape) < 0.6
    for of in mask, mask[:1], mask[0], mask[:, :, :1], mask.astype(np.uint8), words_of(mask), words_of(mask[:1]):
        for what, chunks in chunkings(x.shape).items():
            if what in ("one chunk", "irregular", "axis 1 cut"):
                assert_one_machines(FUNCTIONS[name], x, chunks, what, mask=of, **rng_of(name))
                for own in 1, 2:
                    lazy = {"mask": da.from_array(of, chunks=own)}
                    assert_one_machines(FUNCTIONS[name], x, chunks, what, lazy=lazy, mask=of, **rng_of(name))
    moved, masked = np.moveaxis(x, -1, 0), np.moveaxis(mask, -1, 0)
    lazy = {"mask": da.from_array(masked, chunks=3)}
    assert_one_machines(FUNCTIONS[name], moved, (70, 3, 2), lazy=lazy, mask=masked, axis=0, **rng_of(name))


@pytest.mark.parametrize("name", NORMALISERS)
@pytest.mark.parametrize("lengths", [[30, 45, 0, 61, 1, 90, 42, 0], [0], [200], [3] * 40, []])
def test_ragged_rows(name, lengths):
    """Also what lies before the first row and behind the last, which is of none."""
    indptr = bounds_of(lengths, 3)
    x = some_rows(int(indptr[-1]) + 5, masked=0.2)
    mask = np.random.default_rng(1).random(x.size) < 0.8
    temperature = np.linspace(0.2, 2, len(lengths))
    for what, chunks in chunkings(x.shape, cut=True, single=len(lengths) == 1).items():
        assert_one_machines(NORMALISERS[name], x, chunks, what, indptr=indptr)
        lazy = {"mask": da.from_array(mask, chunks=17), "temperature": da.from_array(temperature, chunks=3)}
        options = {"indptr": indptr, "mask": mask, "temperature": temperature}
        assert_one_machines(NORMALISERS[name], x, chunks, what, lazy=lazy, **options)


@pytest.mark.parametrize("name", RELAXATIONS)
def test_seeds_streams_and_offsets(name):
    x = some_rows((3, 4, 70))
    call = RELAXATIONS[name]
    seeds, positions = some_streams(12)
    streams = gumbel_fast.RowStreams(seeds.reshape(3, 4), positions.reshape(3, 4))
    for what, chunks in chunkings(x.shape).items():
        for rng in streams, gumbel_fast.RowStreams(seeds[:4]), 2**90, np.random.SeedSequence(3):
            assert_one_machines(call, x, chunks, what, rng=rng)
        for offset in (5, 0), (2**64 - 3, 77), (0, 2**32 - 20):
            assert_one_machines(call, x, chunks, what, rng=7, offset=offset)
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    found, expected = call(gd, da.from_array(x, chunks=2).rechunk({2: -1}), rng=one), call(gumbel_fast, x, rng=other)
    np.testing.assert_equal(one.bit_generator.state, other.bit_generator.state)
    assert_same(found, expected)
    assert call(gd, x).name != call(gd, x).name
    names = [call(gd, x, rng=rng).name for rng in (7, 7, 8)]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("name", NORMALISERS)
def test_names_are_a_function_of_the_call(name):
    x = some_rows((4, 70))

    def call(a=x, chunks=(2, 70), **options):
        return NORMALISERS[name](gd, da.from_array(a, chunks=chunks), **options).name

    assert call() == call(x.copy())
    mask = np.arange(70) < 60
    others = [call(), call(temperature=0.5), call(x + 1), call(chunks=(3, 70)), call(mask=mask), call(mask=~mask)]
    assert len(set(others)) == len(others)
    lazy = da.from_array(x, chunks=(2, 70))
    assert len({function(gd, lazy).name for function in NORMALISERS.values()}) == len(NORMALISERS)


# ------------------------------------------------------------------------------------------------------------ log_prob


def log_prob(m, x, index, **options):
    return m.log_prob(x, index, **options)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("draws", [(), (1,), (6,)], ids=str)
def test_log_prob(draws, dtype):
    """Of one category a row or of several, -1 among them, in chunks of their own; of filtered rows too."""
    x = some_rows((3, 4, 70), dtype)
    index = np.random.default_rng(1).integers(-1, 70, (3, 4, *draws))
    mask = np.random.default_rng(2).random(x.shape) < 0.8
    for axis in -1, 0:
        moved = np.moveaxis(x, -1, axis)
        for what, chunks in chunkings(moved.shape, axis).items():
            lazy = da.from_array(moved, chunks=chunks)
            for options in {}, CHAIN, {"temperature": 0.0}, {"mask": np.moveaxis(mask, -1, axis), "temperature": 0.5}:
                expected = gumbel_fast.log_prob(moved, index, axis=axis, **options)
                for of in index, da.from_array(index, chunks=2), index.astype(np.int8):
                    assert_same(gd.log_prob(lazy, of, axis=axis, **options), expected, what)


def test_log_prob_of_a_single_row():
    x = some_rows(70, np.float64)
    lazy = da.from_array(x, chunks=-1)
    for index in 3, np.int64(4), [3, 4, -1], np.array(5), np.arange(70):
        assert_same(gd.log_prob(lazy, index), gumbel_fast.log_prob(x, index))
    assert_same(gd.log_prob(lazy, da.arange(70, chunks=20)), gumbel_fast.log_prob(x, np.arange(70)))


def test_log_prob_of_ragged_rows():
    lengths = [30, 45, 2, 61, 1, 90, 42]
    indptr = bounds_of(lengths)
    x = some_rows(int(indptr[-1]))
    some = np.random.default_rng(1)
    for draws in (), (3,):
        index = np.stack([some.integers(-1, n, draws) for n in lengths])
        for what, chunks in chunkings(x.shape, cut=True, single=False).items():
            for of in index, da.from_array(index, chunks=2):
                expected = gumbel_fast.log_prob(x, index, indptr=indptr)
                assert_same(gd.log_prob(da.from_array(x, chunks=chunks), of, indptr=indptr), expected, what)


def test_log_prob_of_what_was_drawn():
    x = some_rows((6, 70))
    lazy = da.from_array(x, chunks=(4, 70))
    index, told = gd.categorical(lazy, num_samples=4, rng=7, return_log_prob=True, **CHAIN)
    assert_same(gd.log_prob(lazy, index, **CHAIN), told.compute(scheduler="synchronous"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_workers_change_nothing(name):
    x = some_rows((9, 70))
    expected = FUNCTIONS[name](gumbel_fast, x, **rng_of(name))
    for workers in 2, -1:
        found = FUNCTIONS[name](gd, da.from_array(x, chunks=(4, 70)), workers=workers, **rng_of(name))
        assert_same(found, expected)
        assert len(result_parts(found)) == 1
