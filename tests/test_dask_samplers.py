"""gumbel_fast.dask's samplers: the bits of the one-machine call for every chunking, every dtype and every argument.

`gumbel`, `gumbel_max`, `gumbel_top_k` and `categorical`, by the synchronous scheduler; others are the subject of
test_dask_schedulers.py, and many of one long row that of test_dask_top_k.py. None of it is random beyond fixed seeds:
right code never fails.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gumbel_fast
from dask_helpers import (
    ANYWHERE,
    OF_WEIGHTS,
    OF_WEIGHTS_ANYWHERE,
    SAMPLERS,
    assert_one_machines,
    assert_same,
    chunkings,
    da,
    gd,
    irregular,
    result_parts,
)
from ragged import bounds_of, some_streams
from rows import ALL_DTYPES, BFLOAT16, DTYPES, some_rows
from weighted import some_weights

COLUMNS = 90  # of which 40 different ones are drawn by noise, and 3 by rejection


def is_cut(name):
    return name in ANYWHERE


# -------------------------------------------------------------------------------------------------------------- chunks


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_chunking(name, dtype):
    x = some_rows((5, COLUMNS), dtype)
    for what, chunks in chunkings(x.shape, cut=is_cut(name), single=dtype == np.float32).items():
        assert_one_machines(SAMPLERS[name], x, chunks, what, rng=7)


@pytest.mark.parametrize("name", SAMPLERS)
def test_batches_of_two_axes(name):
    """A chunk that cuts a later batch axis has rows whose numbers have gaps."""
    x = some_rows((3, 4, COLUMNS))
    for axis in 0, 1, 2, -2:
        moved = np.ascontiguousarray(np.moveaxis(x, -1, axis))
        ways = chunkings(moved.shape, axis, cut=is_cut(name), single=False)
        for what, chunks in ways.items():
            assert_one_machines(SAMPLERS[name], moved, chunks, f"axis {axis}, {what}", axis=axis, rng=7)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_single_row(name):
    x = some_rows(COLUMNS)
    for what, chunks in chunkings(x.shape, cut=is_cut(name), single=False).items():
        assert_one_machines(SAMPLERS[name], x, chunks, what, rng=7)
    assert_one_machines(SAMPLERS[name], x[np.newaxis].T, ((COLUMNS,), (1,)), axis=0, rng=7)


@pytest.mark.parametrize("name", SAMPLERS)
def test_numpy_arrays_and_lists_are_one_chunk(name):
    x = some_rows((3, COLUMNS), np.float64)
    expected = SAMPLERS[name](gumbel_fast, x, rng=7)
    for logits in x, x.tolist():
        assert_same(SAMPLERS[name](gd, logits, rng=7), expected)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.longdouble, ">f4"])
def test_other_dtypes(name, dtype):
    x = np.random.default_rng(1).integers(0, 5, (3, COLUMNS)).astype(dtype)
    for what, chunks in chunkings(x.shape, cut=is_cut(name), single=False).items():
        assert_one_machines(SAMPLERS[name], x, chunks, what, rng=7)


@given(st.data())
@settings(max_examples=60)
def test_chunks_of_any_kind(data):
    """Of three axes, each cut anywhere, with a mask that is cut elsewhere."""
    shape = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 70)))
    axis = data.draw(st.integers(0, 2))
    cuts = [data.draw(st.lists(st.integers(0, n), max_size=4)) for n in shape]
    mask_cuts = [data.draw(st.lists(st.integers(0, n), max_size=2)) for n in shape]
    chunks, mask_chunks = (
        tuple(tuple(np.diff(sorted([0, *c, n])).tolist()) for c, n in zip(each, shape, strict=True))
        for each in (cuts, mask_cuts)
    )
    k = data.draw(st.integers(0, 9))
    x = np.random.default_rng(sum(shape)).integers(-2, 3, shape).astype(data.draw(st.sampled_from(ALL_DTYPES)))
    mask = np.random.default_rng(1).random(shape) < 0.8
    temperature = data.draw(st.sampled_from([1.0, 0.0, 0.3]))
    options = {"axis": axis, "rng": 3, "allow_fewer": True, "temperature": temperature, "return_value": True}
    expected = gumbel_fast.gumbel_top_k(x, k, mask=mask, **options)
    lazy = da.from_array(x, chunks=chunks)
    assert_same(gd.gumbel_top_k(lazy, k, mask=da.from_array(mask, chunks=mask_chunks), **options), expected)
    assert_same(gd.gumbel_max(lazy, mask=mask, **options), gumbel_fast.gumbel_max(x, mask=mask, **options))


@pytest.mark.parametrize("name", SAMPLERS)
def test_batches_without_rows(name):
    for shape in (0, COLUMNS), (2, 0, COLUMNS):
        x = np.zeros(shape)
        for chunks in tuple((n,) for n in shape), (*((n, 0) for n in shape[:-1]), (COLUMNS,)):
            assert_one_machines(SAMPLERS[name], x, chunks, rng=7)


@pytest.mark.parametrize("name", ["many distinct draws", "few draws", "gumbel_top_k of 5"])
def test_no_draws(name):
    x = some_rows((4, COLUMNS))
    lazy = da.from_array(x, chunks=(2, COLUMNS))
    if name == "gumbel_top_k of 5":
        assert_same(gd.gumbel_top_k(lazy, 0, rng=1), gumbel_fast.gumbel_top_k(x, 0, rng=1))
        found = gd.gumbel_top_k(lazy.rechunk((2, 40)), 0, rng=1, return_value=True)
        assert_same(found, gumbel_fast.gumbel_top_k(x, 0, rng=1, return_value=True))
    else:
        replace = name == "few draws"
        for log_prob in False, True:
            options = {"num_samples": 0, "replace": replace, "return_log_prob": log_prob, "rng": 1}
            assert_same(gd.categorical(lazy, **options), gumbel_fast.categorical(x, **options))


def test_empty_chunks_of_what_is_broadcast():
    """Dask itself gives wrong blocks where an axis of one element has empty chunks and is broadcast."""
    x = some_rows((3, 4, COLUMNS), masked=0)
    temperature, mask = np.full((3, 1), 0.7), np.arange(COLUMNS).reshape(1, 1, COLUMNS) % 3 > 0
    lazy = {
        "temperature": da.from_array(temperature, chunks=((0, 2, 1), (0, 1, 0))),
        "mask": da.from_array(mask, chunks=((1, 0), (0, 1), (0, 50, 0, 40))),
    }
    options = {"temperature": temperature, "mask": mask, "rng": 7}
    for name in "gumbel_max", "categorical", "gumbel_top_k of 5":
        assert_one_machines(SAMPLERS[name], x, ((1, 2), (4, 0), (COLUMNS,)), lazy=lazy, **options)
        for axis in 0, 1:
            moved = {**options, "mask": np.moveaxis(mask, -1, axis)}
            lazily = {**lazy, "mask": da.moveaxis(lazy["mask"], -1, axis)}
            x_moved = np.moveaxis(x, -1, axis)
            assert_one_machines(SAMPLERS[name], x_moved, x_moved.shape, lazy=lazily, axis=axis, **moved)
    floor = np.full((1, 1), 1.0)
    lazy = {"floor": da.from_array(floor, chunks=((0, 1), (1, 0)))}
    call = ANYWHERE["gumbel_top_k of 40 with values"]
    assert_one_machines(call, x, (2, 3, 31), lazy=lazy, floor=floor, rng=7, allow_fewer=True)
    loc, scale = np.array([[2.0]]), np.array([3.0])
    a, b = da.from_array(loc, chunks=((0, 1), (1, 0))), da.from_array(scale, chunks=((0, 0, 1),))
    assert_same(gd.gumbel(a, b, (5, 30), chunks=(2, 7), rng=7), gumbel_fast.gumbel(loc, scale, (5, 30), rng=7))


def test_no_draws_from_cut_rows():
    """Of which the first chunk may have no column."""
    x = some_rows((4, COLUMNS))
    for chunks in ((4,), (0, 50, 40)), ((2, 2), (30, 0, 60)), ((4,), (0, COLUMNS)):
        for return_value in False, True:
            options = {"rng": 7, "return_value": return_value}
            assert_one_machines(lambda m, a, **o: m.gumbel_top_k(a, 0, **o), x, chunks, **options)
        options = {"num_samples": 0, "replace": False, "rng": 7}
        assert_one_machines(lambda m, a, **o: m.categorical(a, **o), x, chunks, **options)


# ----------------------------------------------------------------------------------------------------------------- ties


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("name", ANYWHERE)
def test_ties_go_to_the_first_whichever_chunk_it_is_in(name, dtype):
    """At temperature 0 all are equal but for a few; beside 1e30 the noise is nothing in float64."""
    x = np.zeros((4, COLUMNS), dtype)
    x[1, ::2] = 1
    x[2] = -(np.arange(COLUMNS) // 20)
    x[3] = np.arange(COLUMNS) // 20
    for what, chunks in chunkings(x.shape, cut=True, single=dtype == np.float64).items():
        assert_one_machines(ANYWHERE[name], x, chunks, what, rng=7, temperature=0.0)
        if dtype != np.float16 and name != "many distinct draws":
            big = (x.astype(np.float64) * 1e30 + 1e30).astype(dtype)
            assert_one_machines(ANYWHERE[name], big, chunks, what, rng=7)


@pytest.mark.parametrize("name", [name for name in ANYWHERE if name != "many distinct draws"])
def test_infinite_values(name):
    """Of logits of 1e308 at temperature 1e-308: their logits tell them apart, in whichever chunks they are."""
    rng = np.random.default_rng(1)
    x = rng.choice([-1e308, -5e307, -1.0, 1e308, 5e307, 1.0, 0.0], (6, COLUMNS))
    x[0], x[1] = rng.permutation(COLUMNS) * 1e306 + 1e306, -rng.permutation(COLUMNS) * 1e306 - 1e306
    for temperature in 1e-308, 1e-300, np.array([1e-308, 1e-320, 1e-308, 0.0, 1e-310, 1.0]):
        for what, chunks in chunkings(x.shape, cut=True, single=False).items():
            assert_one_machines(ANYWHERE[name], x, chunks, what, rng=7, temperature=temperature)


def test_distinct_draws_of_cut_rows_far_from_zero():
    """categorical works on logits less their row's maximum, where that makes a difference: then rows must be whole."""
    near = some_rows((6, COLUMNS), np.float64)
    near[1] += 2**19
    near[2] -= 2**19
    near[4, ::4] -= 1e300  # not among those drawn
    call = ANYWHERE["many distinct draws"]
    for what, chunks in chunkings(near.shape, cut=True, single=False).items():
        assert_one_machines(call, near, chunks, what, rng=7)
    for row in range(6):
        for far in near[row] + 2**21, near[row] - 1e8, np.full(COLUMNS, 3e38), np.full(COLUMNS, np.finfo(float).min):
            x = some_rows((6, COLUMNS), np.float64)
            x[row] = far
            for chunks in (6, COLUMNS), (1, COLUMNS):
                assert_one_machines(call, x, chunks, rng=7)
            for chunks in (6, 50), (1, 20):
                with pytest.raises(ValueError, match=rf"\brow {row}\b.*rechunk") as caught:
                    call(gd, da.from_array(x, chunks=chunks), rng=7).compute(scheduler="synchronous")
                assert caught.value.row == row
                assert_one_machines(call, x, chunks, rng=7, temperature=0.0)
                assert_one_machines(call, x, chunks, rng=7, temperature=1e305)


def test_distinct_draws_that_are_fewer_than_wanted():
    """Noise beside 10^6 ties once in 2^33 pairs, of which there are some here, and ties go to the lower index."""
    x = np.full(1_000_000, 1e6)
    x[0] = -np.inf
    assert_one_machines(
        lambda m, a, **o: m.categorical(a, num_samples=x.size, replace=False, **o), x, 250_000, rng=1, allow_fewer=True
    )


# --------------------------------------------------------------------------------------------------------- temperatures


@pytest.mark.parametrize("name", SAMPLERS)
def test_temperatures(name):
    x = some_rows((3, 4, COLUMNS))
    each = np.array([[0.0, 0.5, np.inf, 1e-300], [1.0, 3.0, 0.1, 1e300], [2.0, 2.0, 0.0, 7.0]])
    if name == "many distinct draws":
        each[each == 1e-300] = 0.7  # of cut rows far from zero
    for temperature in 0.0, 0.4, np.inf, each.min(), each, each[:1], each[0], each[:, 1:2], np.float32(0.5), 2:
        for what, chunks in chunkings(x.shape, cut=is_cut(name), single=False).items():
            if what in ("irregular", "axis 1 cut"):
                assert_one_machines(SAMPLERS[name], x, chunks, what, rng=7, temperature=temperature)
    for part in each, each[:1], each[0]:
        for chunks in -1, 1, 2:
            lazy = {"temperature": da.from_array(part, chunks=chunks)}
            assert_one_machines(SAMPLERS[name], x, (2, 3, COLUMNS), lazy=lazy, rng=7, temperature=part)


def test_filters_of_each_row():
    x = some_rows((3, 4, COLUMNS))
    rng = np.random.default_rng(1)
    filters = {
        "top_k": rng.choice([0, 1, 9], (3, 4)),
        "top_p": rng.choice([0.4, 0.9, 1.0], 4),
        "min_p": rng.choice([0.0, 0.05], (3, 1)),
        "filter_temperature": rng.choice([0.5, 2.0], (3, 4)),
        "temperature": rng.choice([0.5, 2.0], (1, 4)),
    }
    lazy = {name: da.from_array(value, chunks=1) for name, value in filters.items()}
    for what, chunks in chunkings(x.shape).items():
        for call in {}, {"num_samples": 3}, {"num_samples": 2, "replace": False, "allow_fewer": True}:
            for kind in filters, lazy:
                options = {**filters, **call, "rng": 7, "return_log_prob": True}
                assert_one_machines(lambda m, a, **o: m.categorical(a, **o), x, chunks, what, lazy=kind, **options)


# ---------------------------------------------------------------------------------------------------------------- masks


def words_of(mask):
    bits = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, -mask.shape[-1] % 32)])
    return np.packbits(bits, axis=-1, bitorder="little").view(np.uint32)


MASKS = {
    "bool": lambda m: m,
    "uint8": lambda m: m.astype(np.uint8) * 3,
    "int8": lambda m: -m.astype(np.int8),
    "of one row": lambda m: m[:1],
    "of one axis": lambda m: m[0],
    "of one column": lambda m: m.any(axis=-1, keepdims=True),
    "words": words_of,
    "signed words": lambda m: words_of(m).view(np.int32),
    "words of one row": lambda m: words_of(m[:1]),
    "words of one axis": lambda m: words_of(m[0]),
    "fewer words than columns": lambda m: words_of(m)[..., :2],
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_masks(name, kind):
    """In chunks of their own, or as an array of NumPy; words of 32 columns that a chunk's border cuts."""
    x = some_rows((4, 150), masked=0)
    some = np.random.default_rng(1).random(x.shape) < 0.6
    some[:, :2] = True
    mask = MASKS[kind](some)
    options = {"mask": mask, "rng": 7, "allow_fewer": True}
    for what, chunks in chunkings(x.shape, cut=is_cut(name), single=False).items():
        assert_one_machines(SAMPLERS[name], x, chunks, what, **options)
        if what in ("one chunk", "irregular"):
            for own in -1, 1, 3:
                lazy = {"mask": da.from_array(mask, chunks=own)}
                assert_one_machines(SAMPLERS[name], x, chunks, f"{what}, {own}", lazy=lazy, **options)


@pytest.mark.parametrize("name", ["gumbel_max with values", "categorical", "gumbel_top_k of 5", "few draws"])
def test_masks_along_other_axes(name):
    x = some_rows((3, 70, 4), masked=0)
    mask = np.random.default_rng(1).random(x.shape) < 0.6
    mask[:, :6] = True
    for of in mask, mask[:, :, :1], mask[0], mask[:1, :, :1]:
        for what, chunks in chunkings(x.shape, 1, cut=is_cut(name), single=False).items():
            lazy = {"mask": da.from_array(of, chunks=2)}
            assert_one_machines(SAMPLERS[name], x, chunks, what, lazy=lazy, mask=of, axis=1, rng=7)


@pytest.mark.parametrize("name", SAMPLERS)
def test_short_and_empty_shards(name):
    """Chunks of nothing but -inf, and rows that have less than is wanted, or nothing."""
    x = some_rows((6, COLUMNS), masked=0)
    x[0, 3:80] = -np.inf
    x[1, 1:] = -np.inf
    x[2] = -np.inf
    x[3, :-2] = -np.inf
    x[4, 45:] = -np.inf
    for what, chunks in chunkings(x.shape, cut=is_cut(name), single=is_cut(name)).items():
        assert_one_machines(SAMPLERS[name], x, chunks, what, rng=7, allow_fewer=True)
    for shape in (3, 0), (3, 2):
        empty = np.zeros(shape)
        assert_one_machines(SAMPLERS[name], empty, ((1, 2), shape[1:]), rng=7, allow_fewer=True)


# ---------------------------------------------------------------------------------------------------- weights, floor, k


@pytest.mark.parametrize("dtype", [*ALL_DTYPES, np.int64, np.bool_])
@pytest.mark.parametrize("name", OF_WEIGHTS)
def test_weights(name, dtype):
    w = some_weights((5, COLUMNS), np.float64 if dtype in (np.int64, np.bool_) else dtype)
    if dtype == np.float64:
        w[3] *= 1e300  # whose sum is no number
        w[4] *= 1e-310
    w = w.astype(dtype)
    mask = np.random.default_rng(1).random(w.shape) < 0.8
    mask[:, :3] = True
    options = {"rng": 7, "allow_fewer": True}
    for what, chunks in chunkings(w.shape, cut=name in OF_WEIGHTS_ANYWHERE, single=False).items():
        for temperature in 1.0, 0.3, 0.0:
            assert_one_machines(OF_WEIGHTS[name], w, chunks, what, temperature=temperature, **options)
        lazy = {"mask": da.from_array(mask, chunks=(2, 31))}
        assert_one_machines(OF_WEIGHTS[name], w, chunks, what, lazy=lazy, mask=mask, **options)


def test_floors():
    x = some_rows((3, 4, COLUMNS))
    rng = np.random.default_rng(1)
    call = ANYWHERE["gumbel_top_k of 40 with values"]
    for floor in 1.5, -np.inf, np.inf, rng.normal(1, 2, (3, 4)), rng.normal(1, 2, 4), None:
        for what, chunks in chunkings(x.shape, cut=True, single=False).items():
            assert_one_machines(call, x, chunks, what, rng=7, floor=floor, allow_fewer=True)
            if np.ndim(floor):
                lazy = {"floor": da.from_array(floor, chunks=1)}
                assert_one_machines(call, x, chunks, what, lazy=lazy, rng=7, floor=floor, allow_fewer=True)


def test_all_that_there_are_and_more():
    x = some_rows((5, 33), masked=0)
    for k in 32, 33, 34, 100:
        options = {"rng": 7, "return_value": True, "allow_fewer": True}
        for what, chunks in chunkings(x.shape, cut=True).items():
            assert_one_machines(lambda m, a, k=k, **o: m.gumbel_top_k(a, k, **o), x, chunks, what, **options)
            options_of_draws = {"num_samples": k, "replace": False, "rng": 7, "allow_fewer": True}
            assert_one_machines(lambda m, a, **o: m.categorical(a, **o), x, chunks, what, **options_of_draws)


@pytest.mark.parametrize("return_log_prob", [False, True])
@pytest.mark.parametrize("name", [name for name in SAMPLERS if "max" not in name and "top_k of" not in name])
def test_log_probabilities(name, return_log_prob):
    if "log_prob" in name or name == "one of one":
        return  # it is among its options
    x = some_rows((3, 4, COLUMNS))
    for what, chunks in chunkings(x.shape).items():
        assert_one_machines(SAMPLERS[name], x, chunks, what, rng=7, return_log_prob=return_log_prob)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_noise_that_is_given(dtype):
    x = some_rows((3, 4, COLUMNS), dtype)
    for noise_dtype in np.float32, np.float64:
        noise = np.random.default_rng(1).gumbel(size=x.shape).astype(noise_dtype)
        for axis in -1, 0:
            moved, other = np.moveaxis(x, -1, axis), np.moveaxis(noise, -1, axis)
            for what, chunks in chunkings(moved.shape, axis, cut=True, single=False).items():
                for lazy in {}, {"noise": da.from_array(other, chunks=31)}:
                    for call in "gumbel_max", "gumbel_max with values":
                        assert_one_machines(ANYWHERE[call], moved, chunks, what, lazy=lazy, noise=other, axis=axis)


# ---------------------------------------------------------------------------------------------------------------- seeds

SEEDS = {
    "an int": lambda: 7,
    "a large int": lambda: 2**100 + 1,
    "words": lambda: [1, 2, 3],
    "a SeedSequence": lambda: np.random.SeedSequence(5),
    "a Generator": lambda: np.random.default_rng(5),
    "a BitGenerator": lambda: np.random.SFC64(5),
}


def state(rng):
    if isinstance(rng, np.random.Generator):
        rng = rng.bit_generator
    return rng.state if isinstance(rng, np.random.BitGenerator) else None


@pytest.mark.parametrize("kind", SEEDS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_seeds(name, kind):
    """A generator is advanced by the call as by the one-machine call, and not by what is computed later."""
    x = some_rows((4, COLUMNS))
    one, other = SEEDS[kind](), SEEDS[kind]()
    lazy = da.from_array(x, chunks=(2, 31 if is_cut(name) else COLUMNS))
    first = SAMPLERS[name](gumbel_fast, x, rng=one), SAMPLERS[name](gd, lazy, rng=other)
    np.testing.assert_equal(state(other), state(one))
    second = SAMPLERS[name](gumbel_fast, x, rng=one), SAMPLERS[name](gd, lazy, rng=other)
    after = state(other)
    for expected, found in second, first:  # in another order than they were called in
        assert_same(found, expected)
        assert_same(found, expected)
    np.testing.assert_equal(state(other), after)
    names = [result_parts(found)[0].name for _, found in (first, second)]
    assert (names[0] == names[1]) == (state(other) is None)


@pytest.mark.parametrize("name", [*SAMPLERS])
def test_without_a_seed_each_call_draws_anew(name):
    """But a lazy result stays as it is. Right code draws the same from 40 rows of 90 once in 90^40 times."""
    x = da.zeros((40, COLUMNS), chunks=(7, COLUMNS))
    one, other = (result_parts(SAMPLERS[name](gd, x))[0] for _ in range(2))
    assert one.name != other.name
    a, b, again = one.compute(scheduler="synchronous"), other.compute(scheduler="synchronous"), one.compute(
        scheduler="synchronous"
    )  # fmt: skip
    np.testing.assert_array_equal(a, again)
    assert np.any(a != b)


@pytest.mark.parametrize("name", SAMPLERS)
def test_row_streams(name):
    for shape in (6, COLUMNS), (2, 3, COLUMNS):
        x = some_rows(shape)
        seeds, positions = some_streams(6)
        whole = gumbel_fast.RowStreams(seeds.reshape(shape[:-1]), positions.reshape(shape[:-1]))
        last = gumbel_fast.RowStreams(seeds[: shape[-2]], positions[: shape[-2]])
        for what, chunks in chunkings(shape, cut=is_cut(name), single=False).items():
            for rng in whole, last, gumbel_fast.RowStreams(5):
                assert_one_machines(SAMPLERS[name], x, chunks, what, rng=rng)
    x = some_rows((COLUMNS, 3))
    rng = gumbel_fast.RowStreams([3, 1, 3], [2**64 - 1, 0, 5])
    for what, chunks in chunkings(x.shape, 0, cut=is_cut(name), single=False).items():
        assert_one_machines(SAMPLERS[name], x, chunks, what, rng=rng, axis=0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_offsets(name):
    """Whose rows go beyond 2^64, for the whole and from one chunk to the next."""
    x = some_rows((3, 4, COLUMNS))
    columns = (0, 1, 2**32 - 50, 2**34 - COLUMNS) if "gumbel" in name else (0,)
    for row in 0, 5, 2**64 - 1, 2**64 - 6, 2**32 - 3:
        for column in columns:
            for what, chunks in chunkings(x.shape, cut=is_cut(name), single=False).items():
                if what in ("irregular", "axis 1 cut"):
                    assert_one_machines(SAMPLERS[name], x, chunks, what, rng=7, offset=(row, column))
    if len(columns) > 1:
        rng = gumbel_fast.RowStreams(np.arange(12).reshape(3, 4))
        assert_one_machines(SAMPLERS[name], x, (2, 3, COLUMNS), rng=rng, offset=(0, 99))


@pytest.mark.parametrize("name", SAMPLERS)
def test_workers_change_nothing(name):
    x = some_rows((9, COLUMNS))
    expected = SAMPLERS[name](gumbel_fast, x, rng=7)
    for workers in 2, -1:
        assert_same(SAMPLERS[name](gd, da.from_array(x, chunks=(4, COLUMNS)), rng=7, workers=workers), expected)


# ----------------------------------------------------------------------------------------------------------------- CSR


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("lengths", [[30, 45, 0, 61, 1, 90, 42, 0], [0], [200], [0, 0, 7, 0], [3] * 40, []])
def test_ragged_rows(name, lengths):
    """Rows that a chunk's border cuts, chunks within one row and chunks of many rows; what lies beside the rows."""
    before, after = 3, 5
    indptr = bounds_of(lengths, before)
    x = some_rows(int(indptr[-1]) + after, masked=0.2)
    for dtype in np.float32, np.float64:
        mask = np.random.default_rng(1).random(x.size) < 0.8
        for what, chunks in chunkings(x.shape, cut=True, single=len(lengths) == 4).items():
            options = {"indptr": indptr, "rng": 7, "allow_fewer": True}
            assert_one_machines(SAMPLERS[name], x.astype(dtype), chunks, what, **options)
            lazy = {"mask": da.from_array(mask, chunks=17)}
            assert_one_machines(SAMPLERS[name], x.astype(dtype), chunks, what, lazy=lazy, mask=mask, **options)


@pytest.mark.parametrize("name", SAMPLERS)
def test_ragged_rows_of_no_elements(name):
    for indptr in [0], [0, 0], [0, 0, 0]:
        for chunks in ((0,),), ((0, 0, 0),):
            options = {"indptr": indptr, "rng": 7, "allow_fewer": True, "temperature": np.ones(len(indptr) - 1)}
            lazy = {"temperature": da.ones(len(indptr) - 1, chunks=1)}
            assert_one_machines(SAMPLERS[name], np.zeros(0), chunks, lazy=lazy, **options)


@pytest.mark.parametrize("name", ["gumbel_max with values", "categorical", "many distinct draws", "few draws"])
def test_parameters_of_ragged_rows(name):
    lengths = [30, 45, 0, 61, 1, 90, 42]
    indptr = bounds_of(lengths)
    x = some_rows(int(indptr[-1]))
    temperature = np.linspace(0.2, 2, len(lengths))
    rng = gumbel_fast.RowStreams(*some_streams(len(lengths)))
    for what, chunks in chunkings(x.shape, cut=True, single=False).items():
        options = {"indptr": indptr, "temperature": temperature, "allow_fewer": True}
        lazy = {"temperature": da.from_array(temperature, chunks=2)}
        assert_one_machines(SAMPLERS[name], x, chunks, what, lazy=lazy, rng=7, offset=(2**64 - 3, 0), **options)
        assert_one_machines(SAMPLERS[name], x, chunks, what, rng=rng, **options)
    w = np.exp(x)
    weighted = {"many distinct draws": 40, "few draws": 3}.get(name)
    if weighted:
        for what, chunks in chunkings(x.shape, cut=True, single=False).items():
            options = {"num_samples": weighted, "replace": name == "few draws", "indptr": indptr, "allow_fewer": True}
            assert_one_machines(lambda m, a, **o: m.categorical(weights=a, **o), w, chunks, what, rng=7, **options)


# ---------------------------------------------------------------------------------------------------------------- noise


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (70,), (5, 70), (3, 4, 33), (0, 5), (4, 0)], ids=str)
def test_noise(shape, dtype):
    options = {"dtype": dtype, "rng": 7}
    expected = gumbel_fast.gumbel(size=shape, **options)
    ways = chunkings(shape, cut=True).items() if shape else [("none", ())]
    for what, chunks in ways:
        found = gd.gumbel(size=shape, chunks=chunks, **options)
        assert found.chunks == chunks, what
        assert_same(found, expected, what)
    assert_same(gd.gumbel(size=shape, **options), expected)
    assert_same(gd.gumbel(2.0, 3.0, shape, chunks="auto", **options), gumbel_fast.gumbel(2.0, 3.0, shape, **options))


def test_noise_in_chunks_of_every_form():
    expected = gumbel_fast.gumbel(size=(6, 50), rng=7)
    for chunks in 4, -1, (4, -1), {0: 2, 1: 7}, (2, (20, 30)), "auto", ("auto", 7), ((1, 5), (50,)), "1KiB":
        found = gd.gumbel(size=(6, 50), chunks=chunks, rng=7)
        assert found.chunks == da.core.normalize_chunks(chunks, (6, 50), dtype=float)
        assert_same(found, expected)
    for size in 300, np.int64(300), [300], np.array([300]):
        assert_same(gd.gumbel(size=size, chunks=77, rng=7), gumbel_fast.gumbel(size=300, rng=7))


def test_noise_with_locations_and_scales():
    loc, scale = np.arange(5.0)[:, np.newaxis], np.linspace(0, 2, 30)
    for dtype in DTYPES:
        expected = gumbel_fast.gumbel(loc, scale, dtype=dtype, rng=7)
        for chunks in (2, 7), (5, 30), (1, 30):
            for a, b in (loc, scale), (da.from_array(loc, chunks=3), da.from_array(scale, chunks=11)):
                assert_same(gd.gumbel(a, b, chunks=chunks, dtype=dtype, rng=7), expected)
                assert_same(gd.gumbel(a, b, (5, 30), chunks=chunks, dtype=dtype, rng=7), expected)
                wide = gumbel_fast.gumbel(loc, scale, (2, 5, 30), dtype=dtype, rng=7)
                assert_same(gd.gumbel(a, b, (2, 5, 30), chunks=(1, *chunks), dtype=dtype, rng=7), wide)


def test_noise_of_offsets_and_streams():
    for row in 0, 5, 2**64 - 2:
        for column in 0, 100, 2**32 - 30:
            expected = gumbel_fast.gumbel(size=(3, 4, 50), rng=7, offset=(row, column))
            for chunks in (2, 3, 17), (3, 1, 50):
                assert_same(gd.gumbel(size=(3, 4, 50), chunks=chunks, rng=7, offset=(row, column)), expected)
    rng = gumbel_fast.RowStreams(np.arange(12).reshape(3, 4), 2**64 - 5)
    expected = gumbel_fast.gumbel(size=(3, 4, 50), rng=rng)
    assert_same(gd.gumbel(size=(3, 4, 50), chunks=(2, 3, 17), rng=rng), expected)
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    found, expected = gd.gumbel(size=(3, 50), chunks=20, rng=one), gumbel_fast.gumbel(size=(3, 50), rng=other)
    np.testing.assert_equal(one.bit_generator.state, other.bit_generator.state)
    assert_same(found, expected)


def test_noise_is_that_of_gumbel_max():
    x = some_rows((5, 70), np.float64)
    noise = gd.gumbel(size=x.shape, chunks=(2, 33), rng=7)
    index = da.argmax(da.from_array(x, chunks=(3, 20)) + noise, axis=1)
    np.testing.assert_array_equal(index.compute(scheduler="synchronous"), gumbel_fast.gumbel_max(x, rng=7))


# ---------------------------------------------------------------------------------------------- names, and what follows


@pytest.mark.parametrize("name", [*SAMPLERS, "gumbel"])
def test_names_are_a_function_of_the_call(name):
    """So that Dask knows equal work; what differs in anything has another name."""
    x = some_rows((4, COLUMNS))

    def call(a=x, chunks=(2, COLUMNS), **options):
        options = {"rng": 7, **options}
        if name == "gumbel":
            options.pop("mask", None)
            found = gd.gumbel(float(options.pop("temperature", 0)), size=a.shape, chunks=chunks, **options)
        else:
            found = SAMPLERS[name](gd, da.from_array(a, chunks=chunks), **options)
        return tuple(part.name for part in result_parts(found))

    same = call()
    assert call() == call(x.copy()) == same
    assert len(set(same)) == len(same)
    others = [
        call(rng=8),
        call(chunks=(3, COLUMNS)),
        call(offset=(1, 0)),
        call(temperature=0.5),
        call(rng=gumbel_fast.RowStreams([1, 2, 3, 4])),
        call(rng=gumbel_fast.RowStreams([1, 2, 3, 5])),
    ]
    if name != "gumbel":
        others += [call(x + 1), call(mask=np.ones(x.shape, bool)), call(mask=np.arange(COLUMNS) < 80)]
    names = [n for found in (same, *others) for n in found]
    assert len(set(names)) == len(names)


def test_pairs_are_computed_once_or_apart():
    """An index without its value, and both together."""
    x = some_rows((4, COLUMNS))
    for name in "gumbel_max with values", "gumbel_top_k of 40 with values", "categorical with log_prob":
        for columns in (30, COLUMNS) if is_cut(name) else (COLUMNS,):
            index, value = SAMPLERS[name](gd, da.from_array(x, chunks=(3, columns)), rng=7)
            expected = SAMPLERS[name](gumbel_fast, x, rng=7)
            assert_same(index, expected[0])
            assert_same(value, expected[1])
            assert_same((index[1:3], value[::-1]), (expected[0][1:3], expected[1][::-1]))


def test_results_go_on_in_dask():
    x = some_rows((6, COLUMNS), BFLOAT16)
    lazy = da.from_array(x, chunks=(irregular(6), (COLUMNS,)))
    index = gd.categorical(lazy, rng=7)
    taken = da.take(da.arange(COLUMNS, chunks=20), index)
    np.testing.assert_array_equal(taken.compute(scheduler="synchronous"), gumbel_fast.categorical(x, rng=7))
    log_prob = gd.log_prob(lazy, gd.categorical(lazy, num_samples=3, rng=7))
    expected = gumbel_fast.log_prob(x, gumbel_fast.categorical(x, num_samples=3, rng=7))
    assert_same(log_prob, expected)


def test_calls_that_differ_in_which_argument_an_array_is_are_computed_together():
    """Results of one name would be one result."""
    x = np.random.default_rng(1).random((4, COLUMNS))
    part = np.array([0.9, 0.5, 0.3, 1.0])
    lazy, p = da.from_array(x, chunks=(3, COLUMNS)), da.from_array(part, chunks=2)
    for name in "categorical", "gumbel_top_k":
        counts = {"num_samples": 3} if name == "categorical" else {"k": 3}
        found = [getattr(gd, name)(**{kind: lazy}, rng=7, **counts) for kind in ("logits", "weights")]
        expected = [getattr(gumbel_fast, name)(**{kind: x}, rng=7, **counts) for kind in ("logits", "weights")]
        assert_same(tuple(found), tuple(expected))
    options = "temperature", "top_p", "min_p", "filter_temperature"
    found = [gd.categorical(lazy, rng=7, top_k=9, **{option: p}) for option in options]
    expected = [gumbel_fast.categorical(x, rng=7, top_k=9, **{option: part}) for option in options]
    assert len({array.name for array in found}) == len(options)
    assert_same(tuple(found), tuple(expected))
