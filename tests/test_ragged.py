"""indptr: each row of a ragged batch has, bit by bit, the result that it has alone as a dense row of its number.

For every function that takes indptr, whatever the lengths beside it. What indptr may be and what is refused is
test_ragged_arguments.py's subject; ragged rows of weights are among those of test_weights.py.
"""

import functools
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gumbel_fast
from gumbel_fast import _sampling, _shards, _threads
from ragged import (
    FLAT,
    FUNCTIONS,
    LENGTHS,
    NORMALISERS,
    ORDERS,
    SAMPLERS,
    WANTED,
    assert_bits,
    assert_rows_alone,
    bounds_of,
    of_row,
    options_of,
    ragged_rows,
    some_streams,
)
from rows import ALL_DTYPES, BFLOAT16, DTYPES, compute_dtype
from scripts import run_script
from statistical import assert_draws_follow


@functools.cache
def some_ragged_rows(order, dtype):
    x, indptr = ragged_rows(ORDERS[order], dtype, before=5, after=7)
    x.flags.writeable = indptr.flags.writeable = False
    return x, indptr


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("order", ORDERS)
def test_each_row_is_that_row_alone(order, name):
    """In every dtype, with rows of any length beside it and NaN before the first row and after the last."""
    for dtype in ALL_DTYPES:
        assert_rows_alone(name, *some_ragged_rows(order, dtype), **options_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_on_each_target(dtype, name, target):
    for order in "mixed", "runs":
        x, indptr = some_ragged_rows(order, dtype)
        assert_rows_alone(name, x, indptr, rows=range(0, len(indptr) - 1, 3), temperature=0.7, **options_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", LENGTHS[1:-2])
def test_rows_of_one_length_are_a_dense_batch(n, name):
    """So many that every tile of rows is full, and one that is not."""
    rows = 150 if n < 1000 else 20
    for dtype in DTYPES:
        x, indptr = ragged_rows([n] * rows, dtype)
        options = options_of(name)
        expected = FUNCTIONS[name](x.reshape(rows, n), **options)
        expected = expected.reshape(-1) if name in FLAT else expected
        assert_bits(FUNCTIONS[name](x, indptr=indptr, **options), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_integers_and_lists(name):
    """Are computed in float64, as they are in dense rows."""
    lengths = [3, 0, 129, 65, 1, 17, 128]
    indptr = bounds_of(lengths)
    numbers = np.random.default_rng(2).integers(0, 6, indptr[-1])
    expected = FUNCTIONS[name](numbers.astype(np.float64), indptr=indptr, **options_of(name))
    for x in numbers, numbers.astype(np.uint8), numbers.astype(">i2"), numbers > 2:
        assert_rows_alone(name, x, indptr, **options_of(name))
    assert_bits(FUNCTIONS[name](numbers, indptr=indptr, **options_of(name)), expected)
    listed = FUNCTIONS[name](numbers.tolist(), indptr=indptr.tolist(), **options_of(name))
    assert_bits(listed, expected)


LAYOUTS = {
    "strided": lambda x: np.repeat(x, 3)[::3],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "every fourth backwards": lambda x: np.repeat(x[::-1], 4)[::-4],
    "the other byte order": lambda x: x if x.dtype == BFLOAT16 else x.astype(x.dtype.newbyteorder()),
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype),
    "read-only": lambda x: np.frombuffer(x.tobytes(), np.uint8).view(x.dtype),
    "a subclass": lambda x: x.view(type("Subclass", (np.ndarray,), {})),
    "a column": lambda x: np.stack([x, x + 1, x - 1], axis=1)[:, 0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_logits(layout, name):
    for dtype in ALL_DTYPES:
        x, indptr = some_ragged_rows("mixed", dtype)
        expected = FUNCTIONS[name](x, indptr=indptr, **options_of(name))
        found = FUNCTIONS[name](LAYOUTS[layout](x), indptr=indptr, **options_of(name))
        assert_bits(found, expected)
        for part in found if isinstance(found, tuple) else (found,):
            assert type(part) is np.ndarray


def test_one_element_for_all():
    """An array whose stride is 0."""
    x = np.broadcast_to(np.float32(0.5), (600,))
    for name in FUNCTIONS:
        assert_rows_alone(name, x, bounds_of([100, 3, 0, 497]), **options_of(name))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("order", ["mixed", "runs"])
def test_parameters_of_rows(order, name):
    """A temperature for each row, 0 among them where it is one, and filters of its own."""
    for dtype in DTYPES:
        x, indptr = some_ragged_rows(order, dtype)
        rows = len(indptr) - 1
        rng = np.random.default_rng(rows)
        zero = 0.01 if name in (*FLAT, "logsumexp") else 0.0
        options = options_of(name) | {"temperature": rng.choice([zero, 0.5, 1.0, 2.0, 1e300, np.inf], rows)}
        assert_rows_alone(name, x, indptr, **options)
        if name == "categorical" or name in ("few draws", "some draws", "many draws", "few distinct draws", "entropy"):
            options |= {
                "top_k": rng.choice([0, 1, 5, 40], rows),
                "top_p": rng.choice([0.5, 0.9, 1.0], rows),
                "min_p": rng.choice([0.0, 0.1], rows),
                "filter_temperature": rng.choice([0.0, 1.0, 3.0], rows),
            }
            assert_rows_alone(name, x, indptr, **options)
    for shape in (), (1,):
        options["temperature"] = np.full(shape, 0.7)
        whole = FUNCTIONS[name](x, indptr=indptr, **options)
        options["temperature"] = np.full(rows, 0.7)
        assert_bits(whole, FUNCTIONS[name](x, indptr=indptr, **options))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("order", ["mixed", "runs", "nothing at either end"])
def test_masks(order, name):
    """Of bools or bytes, an element for each logit; a mask that leaves a row nothing empties it."""
    for dtype in ALL_DTYPES:
        x, indptr = some_ragged_rows(order, dtype)
        mask = np.random.default_rng(4).random(x.size) < 0.6
        rows = range(0, len(indptr) - 1, 2)
        expected = assert_rows_alone(name, x, indptr, rows=rows, mask=mask, **options_of(name))
        spoiled = np.where(mask, x, dtype(np.nan))  # what is masked is not looked at
        for kind in (
            np.where(mask, np.resize([1, -1, -128], x.size), 0).astype(np.int8),
            np.where(mask, np.resize([2, 255], x.size), 0).astype(np.uint8),
            np.repeat(mask, 2)[::2],
            np.ascontiguousarray(mask[::-1])[::-1],
        ):
            assert_bits(FUNCTIONS[name](spoiled, indptr=indptr, mask=kind, **options_of(name)), expected)
    for one in np.ones(1, bool), np.ones((), np.uint8), True:
        found = FUNCTIONS[name](x, indptr=indptr, mask=one, **options_of(name))
        assert_bits(found, FUNCTIONS[name](x, indptr=indptr, **options_of(name)))


@pytest.mark.parametrize("name", ["gumbel_max", "gumbel_max with values"])
@pytest.mark.parametrize("order", ORDERS)
def test_noise_that_is_given(order, name):
    for dtype in ALL_DTYPES:
        x, indptr = some_ragged_rows(order, dtype)
        for kind in DTYPES:
            noise = np.random.default_rng(6).gumbel(size=x.size).astype(kind)
            options = {"noise": noise, "allow_fewer": True}
            expected = assert_rows_alone(name, x, indptr, **options)
            mask = np.random.default_rng(4).random(x.size) < 0.6
            assert_rows_alone(name, x, indptr, mask=mask, temperature=0.5, **options)
            options["noise"] = np.repeat(noise, 2)[::2]
            assert_bits(FUNCTIONS[name](x, indptr=indptr, **options), expected)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("order", ["mixed", "runs"])
def test_row_streams(order, name):
    """A seed and a number for each row, given as ints, as words or by one for all."""
    for dtype in DTYPES:
        x, indptr = some_ragged_rows(order, dtype)
        seeds, positions = some_streams(len(indptr) - 1)
        result = assert_rows_alone(name, x, indptr, rng=(seeds, positions), allow_fewer=True)
    words = np.array([np.random.SeedSequence(int(seed)).generate_state(2, np.uint64) for seed in seeds])
    given = gumbel_fast.RowStreams(words, positions)
    assert_bits(SAMPLERS[name](x, indptr=indptr, rng=given, allow_fewer=True), result)
    given = gumbel_fast.RowStreams(5, np.arange(len(seeds)))
    result = SAMPLERS[name](x, indptr=indptr, rng=given, allow_fewer=True)
    assert_bits(result, SAMPLERS[name](x, indptr=indptr, rng=5, allow_fewer=True))


@pytest.mark.parametrize("name", SAMPLERS)
def test_offsets(name):
    """The first is added to a row's number, modulo 2^64; the second to columns counted from the row's start."""
    x, indptr = some_ragged_rows("mixed", np.float32)
    for row in 1, 2**63, 2**64 - 3:
        assert_rows_alone(name, x, indptr, offset=(row, 0), **options_of(name))
    if name.startswith("gumbel"):
        for column in 1, 50, 2**33 + 3, 2**34 - 4097:
            assert_rows_alone(name, x, indptr, offset=(9, column), **options_of(name))
        seeds, positions = some_streams(len(indptr) - 1)
        assert_rows_alone(name, x, indptr, rng=(seeds, positions), offset=(0, 70), allow_fewer=True)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("order", ["mixed", "runs"])
def test_ranges_of_rows(order, name):
    """A part of indptr gives that part of the rows, with all elements or with its own alone."""
    x, indptr = some_ragged_rows(order, np.float32)
    rows = len(indptr) - 1
    options = options_of(name)
    whole = FUNCTIONS[name](x, indptr=indptr, **options)
    for i, j in (0, rows), (0, 1), (0, 17), (16, 33), (3, 4), (rows - 5, rows), (7, 7), (rows, rows):
        start, stop = indptr[i], indptr[j]
        own = {**options, "offset": (i, 0)} if name in SAMPLERS else options
        part = FUNCTIONS[name](x, indptr=indptr[i : j + 1], **own)
        cut = FUNCTIONS[name](x[start:stop], indptr=indptr[i : j + 1] - start, **own)
        if name in FLAT:
            assert_bits(part[start:stop], whole[start:stop])
            assert np.isnan(part[:start]).all()
            assert np.isnan(part[stop:]).all()
            assert_bits(cut, whole[start:stop])
        else:
            assert_bits(part, of_row(whole, slice(i, j)))
            assert_bits(cut, of_row(whole, slice(i, j)))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("order", ORDERS)
def test_workers(order, name):
    for dtype in DTYPES:
        x, indptr = some_ragged_rows(order, dtype)
        expected = FUNCTIONS[name](x, indptr=indptr, **options_of(name))
        for workers in 2, 3, -1:
            assert_bits(FUNCTIONS[name](x, indptr=indptr, workers=workers, **options_of(name)), expected)


@pytest.fixture(params=[1e5, 3e3, 1e2])
def small_pieces(request, monkeypatch):
    """Cuts a call into pieces of so few nanoseconds that its rows, its columns and its draws are cut."""
    for module in _threads, _sampling, _shards:
        monkeypatch.setattr(module, "PIECE", request.param)
    for module in _threads, _shards:
        monkeypatch.setattr(module, "LEAST", request.param / 10)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_pieces_do_not_show(name, small_pieces):
    for order in "mixed", "one long", "nothing at either end":
        x, indptr = some_ragged_rows(order, np.float32)
        assert_rows_alone(name, x, indptr, **options_of(name))
        expected = FUNCTIONS[name](x, indptr=indptr, **options_of(name))
        for workers in 2, 3:
            assert_bits(FUNCTIONS[name](x, indptr=indptr, workers=workers, **options_of(name)), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_huge_row_beside_leaves(name):
    """Two million elements between rows of three: the same bits on any number of threads."""
    lengths = [3] * 1000 + [2_000_000] + [3] * 1000
    x, indptr = ragged_rows(lengths, np.float32, masked=0)
    if name == "many draws":
        lengths[1000] = 200_000  # drawn from 400 times
        x, indptr = ragged_rows(lengths, np.float32, masked=0)
    expected = assert_rows_alone(name, x, indptr, rows=[0, 999, 1000, 1001, 2000], **options_of(name))
    for workers in 2, 3, -1:
        assert_bits(FUNCTIONS[name](x, indptr=indptr, workers=workers, **options_of(name)), expected)


@pytest.mark.parametrize("name", SAMPLERS)
def test_rows_that_have_enough_need_no_leave_to_have_fewer(name):
    lengths = [n for n in ORDERS["mixed"] if n >= WANTED.get(name, 1)]
    for dtype in ALL_DTYPES:
        x, indptr = ragged_rows(lengths, dtype, masked=0)
        if "chain" in name:
            x = (x / dtype(4)).astype(dtype)  # of which the filters leave three
        expected = SAMPLERS[name](x, indptr=indptr, rng=5, allow_fewer=True)
        assert_bits(SAMPLERS[name](x, indptr=indptr, rng=5), expected)
        assert_bits(SAMPLERS[name](x, indptr=indptr, rng=5, workers=2), expected)


def test_every_rng_of_one_pair_draws_the_same():
    x, indptr = some_ragged_rows("mixed", np.float32)
    for name in SAMPLERS:
        options = {"indptr": indptr, "allow_fewer": True}
        expected = SAMPLERS[name](x, rng=5, **options)
        assert_bits(SAMPLERS[name](x, rng=np.random.SeedSequence(5), **options), expected)
        by_generator = SAMPLERS[name](x, rng=np.random.default_rng(9), **options)
        assert_bits(SAMPLERS[name](x, rng=np.random.PCG64(9), **options), by_generator)
        generator = np.random.default_rng(9)
        SAMPLERS[name](x, rng=generator, **options)
        left = np.random.default_rng(9)
        left.bit_generator.random_raw(2)
        assert generator.bit_generator.state == left.bit_generator.state


def test_the_noise_is_that_of_gumbel():
    """Row r has row r of the noise, its columns counted from the row's start; shards of all rows are joined."""
    x, indptr = some_ragged_rows("mixed", np.float32)
    lengths = np.diff(indptr)
    noise = gumbel_fast.gumbel(size=(lengths.size, lengths.max()), rng=7, dtype=np.float32)
    index, value = gumbel_fast.gumbel_max(x, indptr=indptr, rng=7, allow_fewer=True, return_value=True)
    for row in np.flatnonzero(lengths):
        sums = x[indptr[row] : indptr[row + 1]].astype(np.float64) + noise[row, : lengths[row]]
        assert index[row] == np.argmax(sums)
        assert value[row] == sums.max()
    assert np.all(index[lengths == 0] == -1)
    assert np.all(value[lengths == 0] == -np.inf)
    some = x[: indptr[-1]]
    column = np.concatenate([np.zeros(indptr[0], np.int64), *map(np.arange, lengths)])
    shards = []
    for first, last in (0, 16), (16, 100), (100, 5000):
        inside = (column >= first) & (column < last) & (np.arange(some.size) >= indptr[0])
        counts = np.clip(lengths - first, 0, last - first)
        options = {"rng": 7, "offset": (0, first), "allow_fewer": True, "return_value": True}
        shards.append(gumbel_fast.gumbel_max(some[inside], indptr=bounds_of(counts), **options))
        shards[-1] = shards[-1][0] + first, shards[-1][1]
    best = np.argmax([values for _, values in shards], axis=0)
    merged = np.choose(best, [indices for indices, _ in shards])
    np.testing.assert_array_equal(merged[lengths > 0], index[lengths > 0])


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 40) | st.sampled_from(LENGTHS), max_size=20),
    st.sampled_from(sorted(FUNCTIONS)),
    st.sampled_from(ALL_DTYPES),
    st.sampled_from([0.0, 0.1, 0.9]),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from([1, 2]),
    st.integers(0, 9),
)
def test_any_lengths(lengths, name, dtype, masked, beside, workers, seed):
    before, after = beside
    x, indptr = ragged_rows(lengths, dtype, seed, masked, before, after)
    assert_rows_alone(name, x, indptr, workers=workers, **options_of(name))


# ------------------------------------------------------------------------------------------------- rows with nothing


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("lengths", [[0], [0, 0, 0], [0] * 100])
def test_all_rows_empty(lengths, name):
    for dtype in ALL_DTYPES:
        for x in np.zeros(0, dtype), np.full(9, np.nan, dtype):
            indptr = np.full(len(lengths) + 1, x.size // 2)
            result = assert_rows_alone(name, x, indptr, **options_of(name))
            first, *other = result if isinstance(result, tuple) else (result,)
            assert np.all(first == -1)
            assert first.dtype == np.int64
            for value in other:
                assert np.all(value == -np.inf)
            with pytest.raises(ValueError, match=r"row 0\b"):
                SAMPLERS[name](x, indptr=indptr, rng=1)


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_empty_row_is_named(name):
    """The first of them; an offset moves the noise, not the number by which a row of the call goes."""
    lengths = [n for n in LENGTHS if n >= WANTED.get(name, 1)] * 2
    for dtype in DTYPES:
        for row in 0, 2, len(lengths) - 1:
            broken = [*lengths[:row], 0, *lengths[row:], 0]
            x, indptr = ragged_rows(broken, dtype, masked=0)
            if "chain" in name:
                x = (x / dtype(4)).astype(dtype)
            for options in {}, {"offset": (3, 0)}, {"workers": 2}, {"allow_fewer": False}:
                with pytest.raises(ValueError, match=rf"row {row}\b"):
                    SAMPLERS[name](x, indptr=indptr, rng=1, **options)


def test_normalisers_of_empty_rows():
    """The sum of nothing is 0, and there is no distribution: log-sum-exp -inf, entropy NaN; elements there are none."""
    x, indptr = ragged_rows([0, 3, 0, 0, 200, 0])
    empty = np.array([True, False, True, True, False, True])
    for options in {}, {"temperature": 0.5}, {"temperature": np.linspace(0.5, 2, 6)}:
        logs = gumbel_fast.logsumexp(x, indptr=indptr, **options)
        assert np.all(logs[empty] == -np.inf)
        assert np.isfinite(logs[~empty]).all()
        entropy = gumbel_fast.entropy(x, indptr=indptr, **options)
        np.testing.assert_array_equal(np.isnan(entropy), empty)
        assert np.isfinite(gumbel_fast.softmax(x, indptr=indptr, **options)).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_rows(name):
    """An indptr of one entry: an empty result of the shape that the batch of none has."""
    for dtype in ALL_DTYPES:
        for x, indptr in (np.zeros(0, dtype), [0]), (np.full(5, np.nan, dtype), [3]), (np.zeros(5, dtype), [5]):
            result = FUNCTIONS[name](x, indptr=indptr, rng=1) if name in SAMPLERS else FUNCTIONS[name](x, indptr=indptr)
            if name in FLAT:
                assert result.shape == x.shape
                assert np.isnan(result).all()
            else:
                expected = FUNCTIONS[name](np.zeros((0, 5), dtype), **({"rng": 1} if name in SAMPLERS else {}))
                assert_bits(result, expected)
                for part, dense in zip(*(v if isinstance(v, tuple) else (v,) for v in (result, expected)), strict=True):
                    assert part.shape == dense.shape


@pytest.mark.parametrize("name", SAMPLERS)
def test_rows_of_nothing_but_minus_infinity(name):
    """Are those that have nothing, beside empty ones; and a row that has one category gives that."""
    x, indptr = ragged_rows([5, 0, 65, 130, 4100, 9], masked=0)
    x[indptr[2] : indptr[3]] = -np.inf
    x[indptr[3] : indptr[4]] = -np.inf
    x[indptr[3] + 77] = -3
    result = assert_rows_alone(name, x, indptr, **options_of(name))
    index = result[0] if isinstance(result, tuple) else result
    assert np.all(index[[1, 2]] == -1)
    assert index[3].flat[0] == 77
    with pytest.raises(ValueError, match=r"row \d\b"):
        SAMPLERS[name](x, indptr=indptr, rng=1)


# ---------------------------------------------------------------------------------------------------------- log_prob


@pytest.mark.parametrize("options", [{}, {"temperature": 0.6}, {"top_k": 5}, {"top_p": 0.9, "min_p": 0.01}], ids=str)
@pytest.mark.parametrize("order", ORDERS)
def test_log_prob(order, options):
    """Of one index of each row, of several, and -1 for none; an index counts from the row's start."""
    for dtype in ALL_DTYPES:
        x, indptr = some_ragged_rows(order, dtype)
        lengths = np.diff(indptr)
        rng = np.random.default_rng(3)
        index = np.where(lengths > 0, rng.integers(0, np.maximum(lengths, 1)), -1)
        several = np.stack([index, np.maximum(index - 1, np.minimum(index, 0)), index, lengths - 1], axis=1)
        several[:, 2] = -1
        one = gumbel_fast.log_prob(x, index, indptr=indptr, **options)
        found = gumbel_fast.log_prob(x, several, indptr=indptr, **options)
        assert one.dtype == found.dtype == compute_dtype(dtype)
        assert one.shape == index.shape
        assert found.shape == several.shape
        assert np.all(found[:, 2] == -np.inf)
        for row in range(lengths.size):
            part = x[indptr[row] : indptr[row + 1]][np.newaxis]
            assert_bits(one[row], gumbel_fast.log_prob(part, index[row : row + 1], **options)[0])
            assert_bits(found[row], gumbel_fast.log_prob(part, several[row : row + 1], **options)[0])
        for workers in 2, 3:
            assert_bits(gumbel_fast.log_prob(x, several, indptr=indptr, workers=workers, **options), found)
    drawn, logs = gumbel_fast.categorical(x, indptr=indptr, rng=1, allow_fewer=True, return_log_prob=True, **options)
    assert_bits(gumbel_fast.log_prob(x, drawn, indptr=indptr, **options), logs)
    assert gumbel_fast.log_prob(x, several[:, :0], indptr=indptr, **options).shape == (lengths.size, 0)


def test_log_prob_with_parameters_and_masks_of_rows():
    x, indptr = some_ragged_rows("mixed", np.float64)
    rows = len(indptr) - 1
    rng = np.random.default_rng(3)
    index = np.where(np.diff(indptr) > 0, 0, -1)
    mask = rng.random(x.size) < 0.8
    temperature, top_k = rng.choice([0.0, 0.5, 2.0], rows), rng.choice([0, 1, 7], rows)
    found = gumbel_fast.log_prob(x, index, indptr=indptr, temperature=temperature, top_k=top_k, mask=mask)
    for row in range(rows):
        part = slice(indptr[row], indptr[row + 1])
        own = {"temperature": temperature[row], "top_k": top_k[row], "mask": mask[part][np.newaxis]}
        assert_bits(found[row], gumbel_fast.log_prob(x[part][np.newaxis], index[row : row + 1], **own)[0])


# --------------------------------------------------------------------------------------------------------------- out


@pytest.mark.parametrize("name", NORMALISERS)
def test_out_of_normalisers(name):
    """Of the logits' shape: what is in no row stays as it was. Or a number for each row, in an array of any stride."""
    if name.startswith("entropy"):
        pytest.skip("takes no out")
    for dtype in ALL_DTYPES:
        x, indptr = some_ragged_rows("mixed", dtype)
        expected = FUNCTIONS[name](x, indptr=indptr)
        kind = compute_dtype(dtype)
        inside = np.ones(expected.shape, bool)
        if name in FLAT:
            inside[: indptr[0]] = inside[indptr[-1] :] = False
            assert np.isnan(expected[~inside]).all()
        for make in (
            lambda n: np.full(n, 7, kind),  # noqa: B023 - called before kind changes
            lambda n: np.full(2 * n, 7, kind)[::2],  # noqa: B023
            lambda n: np.full(n, 7, kind)[::-1],  # noqa: B023
        ):
            out = make(expected.size)
            assert FUNCTIONS[name](x, indptr=indptr, out=out) is out
            assert_bits(out[inside], expected[inside])
            assert np.all(out[~inside] == 7)
            FUNCTIONS[name](x, indptr=indptr, out=out, workers=2)
            assert_bits(out[inside], expected[inside])


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("dtype", DTYPES)
def test_in_place(dtype, name):
    x, indptr = some_ragged_rows("mixed", dtype)
    expected = FUNCTIONS[name](x, indptr=indptr)
    y = x.copy()
    assert FUNCTIONS[name](y, indptr=indptr, out=y) is y
    part = slice(indptr[0], indptr[-1])
    assert_bits(y[part], expected[part])
    assert_bits(y[: indptr[0]], x[: indptr[0]])


@pytest.mark.parametrize("name", [n for n in SAMPLERS if "categorical" in n or "draw" in n or n == "gumbel_max"])
def test_out_of_samplers(name):
    x, indptr = some_ragged_rows("mixed", np.float32)
    result = SAMPLERS[name](x, indptr=indptr, **options_of(name))
    expected = result[0] if isinstance(result, tuple) else result
    for out in (
        np.full(expected.shape, 7),
        np.full((2 * expected.shape[0], *expected.shape[1:]), 7)[::2],
        np.full(expected.shape, 7)[::-1],
        np.asfortranarray(np.full(expected.shape, 7)),
    ):
        found = SAMPLERS[name](x, indptr=indptr, out=out, **options_of(name))
        assert (found[0] if isinstance(found, tuple) else found) is out
        assert_bits(out, expected)


# --------------------------------------------------------------------------------------------------- millions of rows


@pytest.mark.skipif(sys.platform != "linux", reason="reads the high-water mark of memory as Linux gives it")
@pytest.mark.limits
def test_ten_million_tiny_rows():
    """One draw from each in less than five seconds; beside the result, no more memory than indptr has, of any width."""
    ran = run_script("""
        import resource
        import time
        import numpy as np
        import gumbel_fast

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        x = np.zeros(20_000_000, np.float32)
        x[::2] = np.log(3)
        out = np.ones(10_000_000, np.int64)
        for kind in np.int32, np.int64:
            indptr = np.arange(0, 20_000_001, 2, dtype=kind)
            for function in gumbel_fast.categorical, gumbel_fast.gumbel_max:
                function(x, indptr=indptr[:1000], rng=1, out=out[:999])
                before, start = peak(), time.process_time()
                function(x, indptr=indptr, rng=1, out=out)
                print(time.process_time() - start, (peak() - before) / 1024)
    """)
    assert ran.returncode == 0, ran.stderr
    for line in ran.stdout.splitlines():
        seconds, megabytes = map(float, line.split())
        assert seconds < 5, ran.stdout
        assert megabytes < 170, ran.stdout  # results that are kept aside, and indptr in another width
    assert len(ran.stdout.splitlines()) == 4


@pytest.mark.limits
@pytest.mark.parametrize(
    "name", ["categorical", "few draws", "few distinct draws", "gumbel_max", "logsumexp", "entropy"]
)
def test_a_long_row_slows_down_no_other(name):
    """Half a million rows of two beside one of three million take no more than twice what both take apart."""

    def seconds(lengths):
        indptr = bounds_of(lengths)
        x = np.zeros(indptr[-1], np.float32)
        FUNCTIONS[name](x, indptr=indptr[:100], **options_of(name))
        start = time.thread_time()
        FUNCTIONS[name](x, indptr=indptr, **options_of(name))
        return time.thread_time() - start

    short, long = [2] * 500_000, [3_000_000]
    assert seconds(short + long) < 2 * (seconds(short) + seconds(long)) + 0.05


def test_a_million_tiny_rows():
    """Of 0 to 3 equal categories: pieces of them, on threads too, give what the whole gives, and the law is even."""
    lengths = np.random.default_rng(1).integers(0, 4, 1_000_000)
    indptr = bounds_of(lengths)
    x = np.zeros(indptr[-1], np.float32)
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max:
        whole = function(x, indptr=indptr, rng=3, allow_fewer=True)
        for workers in 2, 3:
            assert_bits(function(x, indptr=indptr, rng=3, allow_fewer=True, workers=workers), whole)
        for start in range(0, 1_000_000, 250_007):
            part = indptr[start : start + 250_008]
            cut = function(x, indptr=part, rng=3, allow_fewer=True, offset=(start, 0))
            assert_bits(cut, whole[start : start + 250_007])
        assert np.all(whole[lengths == 0] == -1)
        assert np.all(whole[lengths == 1] == 0)
        for n in 2, 3:
            even = np.full(n, 1 / n)  # right code fails once in a million; the first a twentieth likelier is seen
            wrong = {"the first likelier": even * np.where(np.arange(n) == 0, 1.05, 1)}
            assert_draws_follow(whole[lengths == n], even, against=wrong)
