"""RowStreams: a row's result is that of its own seed and row number, bit by bit, in whatever batch it stands.

`f(x, rng=RowStreams(s, p))[r]` is `f(x[r:r+1], rng=int(s[r]), offset=(p[r], 0))[0]` for every sampler and relaxation.
"""

import itertools

import numpy as np
import pytest

import gumbel_fast
from rows import ALL_DTYPES, DTYPES, LAYOUTS, some_rows
from statistical import assert_draws_follow, softmax

LENGTHS = [1, 2, 3, 6, 16, 33, 63, 64, 65, 127, 128, 300, 1025, 4097]
ROWS = 19
CHAIN = {"top_k": 20, "top_p": 0.99, "min_p": 1e-4, "filter_temperature": 3.0}

# Each takes logits and the options of a call; those that draw two of a row want two.
FUNCTIONS = {
    "categorical": gumbel_fast.categorical,
    "categorical, filtered": lambda x, **o: gumbel_fast.categorical(x, **CHAIN, **o),
    "categorical, top_p": lambda x, **o: gumbel_fast.categorical(x, top_p=0.9, **o),
    "categorical with log_prob": lambda x, **o: gumbel_fast.categorical(x, return_log_prob=True, **o),
    "few draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=3, **o),
    "many draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=500, **o),
    "many draws, filtered": lambda x, **o: gumbel_fast.categorical(x, num_samples=500, **CHAIN, **o),
    "one distinct draw": lambda x, **o: gumbel_fast.categorical(x, num_samples=1, replace=False, **o),
    "distinct draws": lambda x, **o: gumbel_fast.categorical(x, num_samples=3, replace=False, allow_fewer=True, **o),
    "many distinct draws": lambda x, **o: gumbel_fast.categorical(
        x, num_samples=150, replace=False, allow_fewer=True, **o
    ),
    "distinct draws, filtered": lambda x, **o: gumbel_fast.categorical(
        x, num_samples=3, replace=False, allow_fewer=True, **CHAIN, **o
    ),
    "gumbel_max": lambda x, **o: gumbel_fast.gumbel_max(x, return_value=True, **o),
    "gumbel_max without values": gumbel_fast.gumbel_max,
    "gumbel_top_k": lambda x, **o: gumbel_fast.gumbel_top_k(x, 1, return_value=True, **o),
    "gumbel_top_k of 5": lambda x, **o: gumbel_fast.gumbel_top_k(x, 5, return_value=True, allow_fewer=True, **o),
    "gumbel_softmax": gumbel_fast.gumbel_softmax,
    "gumbel_softmax, hard": lambda x, **o: gumbel_fast.gumbel_softmax(x, hard=True, **o),
    "gumbel_softmax, log": lambda x, **o: gumbel_fast.gumbel_softmax(x, log=True, **o),
    "gumbel": lambda x, **o: gumbel_fast.gumbel(size=x.shape, **o),
    "gumbel of float32": lambda x, **o: gumbel_fast.gumbel(2, 3, size=x.shape, dtype=np.float32, **o),
}


def streams(rows=ROWS, seed=1):
    """Seeds of which some are equal, and positions at the ends of their range."""
    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 4, rows)
    seeds[::3] = rng.integers(0, 2**63 - 1, seeds[::3].size)
    positions = rng.integers(0, 2**63, rows, dtype=np.uint64)
    positions[:5] = 0, 1, 2**32 - 1, 2**64 - 1, 2**63
    return seeds, positions


def of_row(result, row):
    return tuple(part[row] for part in result) if isinstance(result, tuple) else result[row]


def options_for(name):
    return {} if name.startswith("gumbel of") or name == "gumbel" else {"temperature": 0.7}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", LENGTHS)
def test_rows_are_those_of_their_own_calls(n, name):
    function, options = FUNCTIONS[name], options_for(name)
    for dtype in ALL_DTYPES:
        x = some_rows((ROWS, n), dtype)
        seeds, positions = streams()
        result = function(x, rng=gumbel_fast.RowStreams(seeds, positions), **options)
        for row in range(ROWS):
            alone = function(x[row : row + 1], rng=int(seeds[row]), offset=(int(positions[row]), 0), **options)
            np.testing.assert_equal(of_row(result, row), of_row(alone, 0), err_msg=f"row {row}, {np.dtype(dtype)}")


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_on_each_target(dtype, name, target):
    function, options = FUNCTIONS[name], options_for(name)
    for n in 5, 64, 65, 300:
        x = some_rows((ROWS, n), dtype)
        seeds, positions = streams(seed=n)
        result = function(x, rng=gumbel_fast.RowStreams(seeds, positions), **options)
        for row in range(0, ROWS, 4):
            alone = function(x[row : row + 1], rng=int(seeds[row]), offset=(int(positions[row]), 0), **options)
            np.testing.assert_equal(of_row(result, row), of_row(alone, 0))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slots_mates_and_workers_do_not_matter(name):
    """A request's row is the same in any slot of any batch, on any number of threads."""
    function, options = FUNCTIONS[name], options_for(name)
    for n in 6, 65, 300, 4097:
        x = some_rows((ROWS, n))
        seeds, positions = streams()
        result = function(x, rng=gumbel_fast.RowStreams(seeds, positions), **options)
        order = np.random.default_rng(n).permutation(ROWS)[:11]
        some = function(x[order], rng=gumbel_fast.RowStreams(seeds[order], positions[order]), **options)
        np.testing.assert_equal(some, of_row(result, order))
        for workers in 2, 3:
            again = function(x, rng=gumbel_fast.RowStreams(seeds, positions), workers=workers, **options)
            np.testing.assert_equal(again, result)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_request_at_successive_positions(name):
    """One seed at positions p, p + 1, ... gives what the seed gives a batch of as many rows."""
    function, options = FUNCTIONS[name], options_for(name)
    for n in 5, 64, 200:
        x = some_rows((ROWS, n))
        expected = function(x, rng=77, **options)
        np.testing.assert_equal(function(x, rng=gumbel_fast.RowStreams([77], np.arange(ROWS)), **options), expected)
        np.testing.assert_equal(function(x, rng=gumbel_fast.RowStreams(77, np.arange(ROWS)), **options), expected)
        first = function(np.broadcast_to(x[0], x.shape), rng=gumbel_fast.RowStreams(np.full(ROWS, 77)), **options)
        for row in range(ROWS):
            np.testing.assert_equal(of_row(first, row), of_row(expected, 0))


def test_words_that_are_not_aligned():
    """As arrays from another process may lie."""
    for rows in 1, 4:
        x, words = some_rows((rows, 90)), np.arange(2 * rows, dtype=np.uint64).reshape(rows, 2)
        odd = np.frombuffer(b"\0" + words.tobytes(), np.uint8)[1:].view(np.uint64).reshape(rows, 2)
        assert not odd.flags.aligned
        expected = gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams(words))
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams(odd)), expected)
        positions = np.frombuffer(b"\0" + words[:, 0].tobytes(), np.uint8)[1:].view(np.uint64)
        expected = gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams(5, words[:, 0]))
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams(5, positions)), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_two_words_of_a_seed(name):
    """Made once, by SeedSequence, as the library makes them of an int."""
    function = FUNCTIONS[name]
    seeds, positions = streams()
    words = np.array([np.random.SeedSequence(int(seed)).generate_state(2, np.uint64) for seed in seeds])
    assert words.shape == (ROWS, 2)
    x = some_rows((ROWS, 100))
    expected = function(x, rng=gumbel_fast.RowStreams(seeds, positions))
    for given in words, np.asfortranarray(words), np.repeat(words, 2, axis=0)[::2], words[::-1].copy()[::-1]:
        np.testing.assert_equal(function(x, rng=gumbel_fast.RowStreams(given, positions)), expected)
    one = function(x, rng=gumbel_fast.RowStreams(words[:1], positions))
    np.testing.assert_equal(one, function(x, rng=gumbel_fast.RowStreams(seeds[:1], positions)))


SEEDS = {
    "a list": lambda s: [int(v) for v in s],
    "a tuple": lambda s: tuple(int(v) for v in s),
    "NumPy's integers": lambda s: list(s),
    "int64": lambda s: s.astype(np.int64),
    "uint64": lambda s: s.astype(np.uint64),
    "the other byte order": lambda s: s.astype(">i8"),
    "strided": lambda s: np.repeat(s, 2)[::2],
    "backwards": lambda s: s[::-1].copy()[::-1],
    "read-only": lambda s: np.frombuffer(s.tobytes(), s.dtype),
    "objects": lambda s: np.array([int(v) for v in s], dtype=object),
}


@pytest.mark.parametrize("kind", SEEDS)
def test_kinds_of_seeds_and_positions(kind):
    x = some_rows((ROWS, 90))
    seeds, _ = streams()
    positions = np.random.default_rng(5).integers(0, 2**62, ROWS)
    expected = gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams(seeds, positions))
    np.testing.assert_array_equal(
        gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams(SEEDS[kind](seeds), positions)), expected
    )
    if kind != "objects":
        given = gumbel_fast.RowStreams(seeds, SEEDS[kind](positions))
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, rng=given), expected)


def test_small_kinds_of_integers():
    x = some_rows((4, 90))
    expected = gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams([1, 2, 3, 200], [9, 8, 7, 0]))
    for kind in np.uint8, np.int16, np.uint32, np.int32:
        given = gumbel_fast.RowStreams(np.array([1, 2, 3, 200], kind), np.array([9, 8, 7, 0], kind))
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, rng=given), expected)


def test_seeds_of_any_size():
    """As many words as an int has, beside small ones; lists that NumPy would round to floats."""
    x = some_rows((4, 90))
    for seeds in ([2**200 + 1, 3, 2**64, 2**63], [0, 2**64 - 1, 2**53 + 1, 5]):
        result = gumbel_fast.gumbel_max(x, rng=gumbel_fast.RowStreams(seeds, [0, 2**64 - 1, 2**53 + 1, 5]))
        for row, position in enumerate([0, 2**64 - 1, 2**53 + 1, 5]):
            alone = gumbel_fast.gumbel_max(x[row : row + 1], rng=seeds[row], offset=(position, 0))
            assert result[row] == alone[0]
    assert gumbel_fast.gumbel_max(x[0], rng=gumbel_fast.RowStreams(2**200)) == gumbel_fast.gumbel_max(x[0], rng=2**200)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_batches_of_two_axes(name):
    """Seeds and positions broadcast to the batch, whose rows are named in C order."""
    function = FUNCTIONS[name]
    x = some_rows((3, 4, 70))
    seeds, positions = np.array([[11], [12], [11]]), np.array([5, 0, 2**40, 6])
    result = function(x, rng=gumbel_fast.RowStreams(seeds, positions))
    for i, j in itertools.product(range(3), range(4)):
        alone = function(x[i, j : j + 1], rng=int(seeds[i, 0]), offset=(int(positions[j]), 0))
        np.testing.assert_equal(of_row(result, (i, j)), of_row(alone, 0))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not name.startswith("gumbel of") and name != "gumbel"])
@pytest.mark.parametrize("axis", [0, 1])
def test_axes_and_layouts(axis, name):
    function = FUNCTIONS[name]
    x = some_rows((3, 4, 70))
    rng = gumbel_fast.RowStreams(np.arange(12).reshape(3, 4), 3)
    expected = function(x, rng=rng)
    result = function(np.ascontiguousarray(np.moveaxis(x, -1, axis)), axis=axis, rng=rng)
    if "softmax" in name:
        result = np.moveaxis(result, axis, -1)
    np.testing.assert_equal(result, expected)
    y = x.reshape(12, 70)
    flat = gumbel_fast.RowStreams(np.arange(12), 3)
    expected = function(y, rng=flat)
    for layout in LAYOUTS.values():
        np.testing.assert_equal(function(layout(y), rng=flat), expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_single_row(name):
    """Of 1-D logits, whose batch has no axes: the seed is one number, and so is the position."""
    for n in 1, 6, 64, 300:
        x = some_rows((n,))
        for seed, position in (5, 0), (np.int64(5), np.uint64(2**64 - 1)), (np.array(5), np.array(3)):
            result = FUNCTIONS[name](x, rng=gumbel_fast.RowStreams(seed, position))
            np.testing.assert_equal(result, FUNCTIONS[name](x, rng=5, offset=(int(position), 0)))


@pytest.mark.parametrize("shape", [(6, 300), (2, 3, 300), (3, 2, 9), (2, 3, 9)])
@pytest.mark.parametrize("axes", [(), (1,), "whole", "last"])
@pytest.mark.parametrize("which", ["seeds", "positions", "both", "words"])
def test_one_for_many_rows(which, axes, shape):
    """Seeds and positions of any shape that broadcasts to the batch are those that each row is given by itself."""
    x = some_rows(shape, masked=0)
    batch = shape[:-1]
    some = {"whole": batch, "last": batch[-1:]}.get(axes, axes)
    rng = np.random.default_rng(1)
    seeds = rng.integers(0, 2**40, some if which in ("seeds", "both") else ())
    positions = rng.integers(0, 2**40, some if which in ("positions", "both") else ())
    given = seeds
    if which == "words":
        seeds = rng.integers(0, 2**40, some or (1,))
        pairs = [np.random.SeedSequence(int(seed)).generate_state(2, np.uint64) for seed in seeds.flat]
        given = np.asfortranarray(np.array(pairs).reshape(*seeds.shape, 2))
    streams = gumbel_fast.RowStreams(given, positions)
    seeds, positions = np.broadcast_to(seeds, batch), np.broadcast_to(positions, batch)
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max, gumbel_fast.gumbel_softmax:
        result = function(x, rng=streams)
        for row in np.ndindex(batch):
            alone = function(x[row], rng=int(seeds[row]), offset=(int(positions[row]), 0))
            np.testing.assert_array_equal(result[row], alone)


def test_streams_are_used_again_and_left_as_they_are():
    """They have no state: a second call draws the same, and what they were made of is not written to."""
    x = some_rows((ROWS, 70))
    seeds, positions = streams()
    before = seeds.copy(), positions.copy()
    rng = gumbel_fast.RowStreams(seeds, positions)
    first = gumbel_fast.categorical(x, rng=rng)
    np.testing.assert_array_equal(gumbel_fast.categorical(x, rng=rng), first)
    np.testing.assert_array_equal(seeds, before[0])
    np.testing.assert_array_equal(positions, before[1])


def test_masks_filters_and_parameters_of_rows_go_along():
    x = some_rows((ROWS, 300))
    seeds, positions = streams()
    rng = np.random.default_rng(1)
    options = {
        "temperature": rng.choice([0.0, 0.5, 2.0], ROWS),
        "top_k": rng.choice([0, 1, 40], ROWS),
        "top_p": rng.choice([0.5, 0.9, 1.0], ROWS),
        "min_p": rng.choice([0.0, 0.1], ROWS),
        "mask": rng.random(x.shape) < 0.5,
    }
    for call in {}, {"num_samples": 3}, {"num_samples": 300}, {"num_samples": 2, "replace": False, "allow_fewer": True}:
        if "replace" in call:
            options["temperature"] = np.where(options["temperature"] == 0, 1, options["temperature"])
        result = gumbel_fast.categorical(x, rng=gumbel_fast.RowStreams(seeds, positions), **call, **options)
        for row in range(ROWS):
            own = {name: value[row] for name, value in options.items()}
            alone = gumbel_fast.categorical(x[row], rng=int(seeds[row]), offset=(int(positions[row]), 0), **call, **own)
            np.testing.assert_array_equal(result[row], alone)


def test_out():
    x = some_rows((ROWS, 70))
    rng = gumbel_fast.RowStreams(np.arange(ROWS))
    for function, kind in (gumbel_fast.categorical, np.int64), (gumbel_fast.gumbel_max, np.int64):
        out = np.zeros(ROWS, kind)
        assert function(x, rng=rng, out=out) is out
        np.testing.assert_array_equal(out, function(x, rng=rng))
    out = np.zeros((ROWS, 70), np.float32)
    gumbel_fast.gumbel_softmax(x, rng=rng, out=out)
    np.testing.assert_array_equal(out, gumbel_fast.gumbel_softmax(x, rng=rng))
    gumbel_fast.gumbel(out=out, dtype=np.float32, rng=rng)
    np.testing.assert_array_equal(out, gumbel_fast.gumbel(size=(ROWS, 70), rng=rng, dtype=np.float32))


def test_empty_batches():
    for seeds in [], np.zeros(0, int), np.zeros((0, 2), np.uint64):
        rng = gumbel_fast.RowStreams(seeds)
        assert gumbel_fast.categorical(np.zeros((0, 5)), rng=rng).shape == (0,)
        assert gumbel_fast.gumbel_softmax(np.zeros((0, 5)), rng=rng).shape == (0, 5)


@pytest.mark.many_draws
@pytest.mark.parametrize("method", ["categorical", "categorical, top_p", "gumbel_max without values"])
@pytest.mark.parametrize("n", [4, 200])
def test_seeds_and_positions_are_independent(n, method):
    """Pairs of draws of 150 successive seeds and 300 positions, neighbours either way: 3% that agree would be seen.

    Right code fails each of the checks once in a million times.
    """
    p = softmax([0.0, 1.0, 0.5, -0.5])
    row = np.full(n, -np.inf, np.float32)
    row[:: n // 4] = np.log(p)
    if method == "categorical, top_p":
        row[np.isinf(row)] = -30
    x = np.broadcast_to(row, (150, 300, n))
    rng = gumbel_fast.RowStreams(np.arange(150)[:, np.newaxis], np.arange(300))
    options = {"top_p": 0.9999999} if "top_p" in method else {}
    function = gumbel_fast.gumbel_max if "max" in method else gumbel_fast.categorical
    draws = function(x, rng=rng, **options) // (n // 4)
    pairs, same = np.outer(p, p), 0.97 * np.outer(p, p) + 0.03 * np.diag(p)
    for one, other in (draws[1:], draws[:-1]), (draws[:, 1:], draws[:, :-1]), (draws[2:, 1:], draws[:-2, :-1]):
        assert_draws_follow(4 * one + other, pairs.ravel(), against={"3% of draws repeated": same.ravel()})


# ------------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("seeds", [-1, [-1], [3, -2], np.array([1, -1]), [2**70, -(2**70)]])
def test_negative_seeds(seeds):
    with pytest.raises(ValueError, match="seed"):
        gumbel_fast.RowStreams(seeds)


@pytest.mark.parametrize("positions", [-1, [-1], [3, -2], np.array([1, -1])])
def test_negative_positions(positions):
    with pytest.raises(ValueError, match="position"):
        gumbel_fast.RowStreams([1, 2], positions)


@pytest.mark.parametrize("position", [2**64, 2**70])
def test_positions_beyond_64_bits(position):
    with pytest.raises((ValueError, OverflowError), match=r"position|2\*\*64"):
        gumbel_fast.RowStreams([1, 2], [0, position])


@pytest.mark.parametrize("value", [1.0, [1.5], np.zeros(3), ["a"], "abc", [None], np.array([1j]), [[1, 2], [3]]])
def test_what_is_no_integer(value):
    with pytest.raises((TypeError, ValueError)):
        gumbel_fast.RowStreams(value)
    with pytest.raises((TypeError, ValueError)):
        gumbel_fast.RowStreams([1, 2, 3], value)


def test_masked_arrays():
    masked = np.ma.masked_array([1, 2, 3], [0, 1, 0])
    with pytest.raises(TypeError, match="masked"):
        gumbel_fast.RowStreams(masked)
    with pytest.raises(TypeError, match="masked"):
        gumbel_fast.RowStreams([1, 2, 3], masked)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapes_that_do_not_fit(name):
    x = some_rows((4, 70))
    words = np.ones((3, 2), np.uint64)
    for seeds, positions in (
        ([1, 2, 3], 0),
        ([1] * 5, 0),
        ([[1, 2, 3, 4]], 0),
        (1, [0, 1]),
        ([1] * 4, [[0]]),
        (words, 0),
    ):
        with pytest.raises(ValueError, match=r"seeds|positions|batch|broadcast|RowStreams"):
            FUNCTIONS[name](x, rng=gumbel_fast.RowStreams(seeds, positions))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_offset_is_refused(name):
    for n in 5, 300:
        x = some_rows((3, n))
        rng = gumbel_fast.RowStreams([1, 2, 3])
        np.testing.assert_equal(FUNCTIONS[name](x, rng=rng, offset=(0, 0)), FUNCTIONS[name](x, rng=rng))
        for row in 1, 2**63:
            with pytest.raises(ValueError, match="offset"):
                FUNCTIONS[name](x, rng=rng, offset=(row, 0))
        with pytest.raises(ValueError, match="offset"):
            FUNCTIONS[name](x[0], rng=gumbel_fast.RowStreams(3), offset=(1, 0))


def test_a_column_offset_is_added():
    x = some_rows((ROWS, 100))
    seeds, positions = streams()
    rng = gumbel_fast.RowStreams(seeds, positions)
    noise = gumbel_fast.gumbel(size=(ROWS, 150), rng=rng)
    np.testing.assert_array_equal(gumbel_fast.gumbel(size=(ROWS, 100), rng=rng, offset=(0, 50)), noise[:, 50:])
    for function in (
        lambda **o: gumbel_fast.gumbel_max(x, return_value=True, **o),
        lambda **o: gumbel_fast.gumbel_top_k(x, 3, return_value=True, **o),
        lambda **o: gumbel_fast.gumbel_softmax(x, **o),
    ):
        for column in 1, 50, 2**33:
            result = function(rng=rng, offset=(0, column))
            for row in 0, 3, 18:
                alone = function(rng=int(seeds[row]), offset=((int(positions[row]) - row) % 2**64, column))
                np.testing.assert_equal(of_row(result, row), of_row(alone, row))
    for call in {}, {"num_samples": 3}, {"num_samples": 2, "replace": False}:
        with pytest.raises(ValueError, match="offset"):
            gumbel_fast.categorical(x, rng=rng, offset=(0, 1), **call)


def test_an_error_leaves_out_as_it_was():
    x = some_rows((4, 70))
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max:
        out = np.full(4, 7, np.int64)
        with pytest.raises(ValueError, match=r"seeds|batch|broadcast|RowStreams"):
            function(x, rng=gumbel_fast.RowStreams([1, 2, 3]), out=out)
        assert np.all(out == 7)
    x[2] = np.nan
    out = np.full(4, 7, np.int64)
    with pytest.raises(ValueError, match=r"row 2\b"):
        gumbel_fast.categorical(x, rng=gumbel_fast.RowStreams([1, 2, 3, 4], 9), out=out)
    assert np.all(out == 7)


def test_where_noise_is_given_there_is_no_rng():
    with pytest.raises(ValueError, match="noise"):
        gumbel_fast.gumbel_max(np.zeros((2, 3)), noise=np.zeros((2, 3)), rng=gumbel_fast.RowStreams([1, 2]))
