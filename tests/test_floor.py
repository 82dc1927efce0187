"""gumbel_top_k with a floor, and with workers within a row: of the draws that there are without, those above the floor.

The draws themselves are test_top_k.py's subject. A floor spares a shard the search for what others have surpassed, so
that shards with floors are joined here to the whole.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gumbel_fast
from gumbel_fast import _selection, _shards, _threads
from ragged import ORDERS, assert_bits, assert_rows_alone, bounds_of, ragged_rows, some_streams
from rows import ALL_DTYPES, BFLOAT16, DTYPES, LAYOUTS, NO_NUMBERS, some_rows

LENGTHS = [1, 2, 6, 16, 33, 64, 65, 128, 129, 300, 1025, 4097]


def cut(found, floor):
    """Indices and values with what is not above the floor of each row left out: nothing is above it but greater."""
    index, value = found
    floor = np.broadcast_to(floor, value.shape[:-1])[..., np.newaxis]
    above = (value > floor) | ((floor == -np.inf) & (index >= 0))
    return np.where(above, index, -1), np.where(above, value, -np.inf)


def of_all(x, k, **options):
    return gumbel_fast.gumbel_top_k(x, k, return_value=True, allow_fewer=True, **options)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_is_the_result_without_it_cut_at_the_floor(n, dtype, target):
    """At, just below and just above each of some values that there are, and between and beyond them."""
    x = some_rows((7, n), dtype)
    for temperature in 1.0, 0.3, 0.0, np.linspace(0, 2, 7):
        options = {"rng": 3, "offset": (4, 9), "temperature": temperature}
        for k in {1, 5, n + 2}:
            found = of_all(x, k, **options)
            values = found[1][:, [0, k // 2, k - 1]]
            some = np.where(np.isfinite(values), values, 0).T
            for floor in (
                *some, *np.nextafter(some, -np.inf), *np.nextafter(some, np.inf),
                -3.0, 0.0, 2.5, 100.0, -1e300, np.inf, -np.inf, np.linspace(-2, 4, 7),
            ):  # fmt: skip
                assert_bits(of_all(x, k, floor=floor, **options), cut(found, floor))
        index = gumbel_fast.gumbel_top_k(x, k, allow_fewer=True, floor=0.5, **options)
        np.testing.assert_array_equal(index, cut(found, 0.5)[0])


def test_none_and_minus_infinity_are_no_floor():
    x = some_rows((7, 300))
    expected = gumbel_fast.gumbel_top_k(x, 40, rng=1, return_value=True)
    for floor in None, -np.inf, np.full(7, -np.inf), [-np.inf]:
        assert_bits(gumbel_fast.gumbel_top_k(x, 40, rng=1, return_value=True, floor=floor), expected)
    x = some_rows((7, 300), masked=0) - 30
    overflowing = of_all(x, 40, temperature=1e-310, rng=1)  # values that are -inf themselves
    assert np.all(overflowing[0] >= 0)
    assert_bits(of_all(x, 40, temperature=1e-310, rng=1, floor=-np.inf), overflowing)


def test_values_that_overflow():
    """At a temperature so low that scores are infinite: +inf is above every floor but itself, -inf above none."""
    x = np.array([[3.0, -3.0, 2.0, -np.inf, -2.0]] * 2)
    for floor in -1e308, 0.0, 1e308:
        index, value = of_all(x, 5, temperature=1e-310, rng=1, floor=floor)
        np.testing.assert_array_equal(index, [[0, 2, -1, -1, -1]] * 2)
        np.testing.assert_array_equal(value, [[np.inf, np.inf, -np.inf, -np.inf, -np.inf]] * 2)
    assert np.all(of_all(x, 5, temperature=1e-310, rng=1, floor=np.inf)[0] == -1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_that_have_enough_above_it_need_no_leave(dtype):
    x = some_rows((30, 200), dtype)
    index, value = of_all(x, 10, rng=2)
    floor = np.nextafter(value[:, 9], -np.inf)
    assert_bits(gumbel_fast.gumbel_top_k(x, 10, rng=2, return_value=True, floor=floor), (index, value))
    for row in 0, 11, 29:
        higher = floor.copy()
        higher[row:] = value[row:, 9]  # the tenth is not above
        with pytest.raises(ValueError, match=rf"row {row}\b.*\b9\b.*\b10\b"):
            gumbel_fast.gumbel_top_k(x, 10, rng=2, floor=higher)
        higher[row:] = np.inf
        with pytest.raises(ValueError, match=rf"row {row}\b.*\b0\b.*\b10\b"):
            gumbel_fast.gumbel_top_k(x, 10, rng=2, floor=higher)


KINDS = {
    "a scalar": lambda f: 1.5,
    "NumPy's scalar": lambda f: np.float64(1.5),
    "float32": lambda f: np.float32(1.5),
    "an int": lambda f: 2,
    "no axes": lambda f: np.array(1.5),
    "one axis": lambda f: np.array([1.5]),
    "each": lambda f: f,
    "a list": np.ndarray.tolist,
    "the last axis": lambda f: f[0],
    "the first axis": lambda f: f[:, :1],
    "float32 of each": lambda f: f.astype(np.float32),
    "ints of each": lambda f: np.round(f).astype(np.int8),
    "strided": lambda f: np.repeat(f, 2, axis=1)[:, ::2],
    "the other byte order": lambda f: f.astype(f.dtype.newbyteorder()),
    "read-only": lambda f: np.broadcast_to(f[0], f.shape),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_floors(kind):
    """Whatever broadcasts to the batch, as a float64."""
    x = some_rows((3, 4, 90))
    floor = KINDS[kind](np.random.default_rng(1).normal(2, 1, (3, 4)))
    for k in 1, 8, 50:
        expected = cut(of_all(x, k, rng=1), np.asarray(floor, np.float64))
        assert_bits(of_all(x, k, rng=1, floor=floor), expected)
    for axis in 0, 1, 2:
        moved = np.moveaxis(x, -1, axis)
        assert_bits(of_all(moved, k, rng=1, floor=floor, axis=axis), expected)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_masks_layouts_and_row_streams(dtype):
    x = some_rows((19, 200), dtype, masked=0)
    mask = np.random.default_rng(1).random(x.shape) < 0.4
    words = np.packbits(np.pad(mask, [(0, 0), (0, 24)]), axis=1, bitorder="little").view(np.uint32)
    floor = np.linspace(-1, 3, 19)
    rng = gumbel_fast.RowStreams(*some_streams(19))
    expected = cut(of_all(np.where(mask, x, dtype(-np.inf)), 30, rng=rng), floor)
    for kind in mask, words:
        assert_bits(of_all(x, 30, rng=rng, mask=kind, floor=floor), expected)
    expected = cut(of_all(x, 30, rng=5), floor)
    for layout in LAYOUTS.values():
        assert_bits(of_all(layout(x), 30, rng=5, floor=floor), expected)


@pytest.mark.parametrize("order", ORDERS)
def test_ragged_rows(order):
    for dtype in DTYPES:
        x, indptr = ragged_rows(ORDERS[order], dtype, before=2, after=3)
        floor = np.random.default_rng(1).normal(1, 2, len(indptr) - 1)
        options = {"rng": 5, "allow_fewer": True, "floor": floor}
        whole = assert_rows_alone("gumbel_top_k of 5", x, indptr, **options)
        assert_bits(whole, cut(of_all(x, 5, indptr=indptr, rng=5), floor))
        for workers in 2, 3:
            assert_bits(of_all(x, 5, indptr=indptr, rng=5, floor=floor, workers=workers), whole)
        with pytest.raises(ValueError, match="floor"):
            of_all(x, 5, indptr=indptr, rng=5, floor=floor[1:])


# ------------------------------------------------------------------------------------------------------------- shards


@given(st.integers(1, 400), st.lists(st.integers(0, 400), max_size=5), st.integers(1, 60), st.integers(0, 9))
def test_shards_with_floors_make_the_whole(n, cuts, k, seed):
    """Each shard in turn is asked for what is above the k-th that the shards before it have given."""
    x = some_rows(n, seed=n, masked=0.3)
    whole = of_all(x, k, rng=seed)
    index, value, floor = np.empty(0, int), np.empty(0), -np.inf
    for start, stop in itertools.pairwise(sorted({0, n, *(c for c in cuts if c < n)})):
        part = of_all(x[start:stop], k, rng=seed, offset=(0, start), floor=floor)
        more = part[0] >= 0
        index, value = np.append(index, part[0][more] + start), np.append(value, part[1][more])
        order = np.lexsort((index, -value))[:k]
        index, value = index[order], value[order]
        floor = value[-1] if value.size == k else -np.inf
    np.testing.assert_array_equal(index, whole[0][: index.size])
    np.testing.assert_array_equal(value, whole[1][: index.size])
    assert np.all(whole[0][index.size :] == -1)


def test_shards_of_a_long_row():
    """A shard that none of the draws comes from has nothing above the floor."""
    x = np.random.default_rng(1).normal(0, 3, 1_000_000).astype(np.float32)
    whole = gumbel_fast.gumbel_top_k(x, 1000, rng=7, return_value=True)
    floor = np.nextafter(whole[1][-1], -np.inf)
    found = [of_all(x[s : s + 100_000], 1000, rng=7, offset=(0, s), floor=floor) for s in range(0, 1_000_000, 100_000)]
    index = np.concatenate([i[i >= 0] + s * 100_000 for s, (i, _) in enumerate(found)])
    value = np.concatenate([v[i >= 0] for i, v in found])
    assert index.size == 1000
    order = np.argsort(-value, kind="stable")
    assert_bits((index[order], value[order]), whole)


# ------------------------------------------------------------------------------------------------- workers within a row


def normal(n, rng):
    return rng.normal(0, 3, n)


def rising(n, rng):
    return np.linspace(-300, 300, n)


def falling(n, rng):
    return np.linspace(300, -300, n)


def flat(n, rng):
    return np.zeros(n)


def steps(n, rng):
    """Long runs of equals, far apart: what is greatest lies in one place of the row."""
    return np.repeat(rng.permutation(16) * 100.0, n // 16 + 1)[:n]


def at_the_start(n, rng):
    x = np.full(n, -np.inf)
    x[: n // 30] = 0
    return x


def at_the_end(n, rng):
    """A few that are far greater than the rest, and less of the rest than is wanted."""
    x = np.full(n, -np.inf)
    x[-n // 40 :] = 50
    x[n // 2 : n // 2 + 777] = 0
    return x


def here_and_there(n, rng):
    x = rng.normal(0, 1, n)
    x[rng.permutation(n)[min(n // 3, 5000) :]] = -np.inf
    return x


def nothing(n, rng):
    return np.full(n, -np.inf)


ROWS = [normal, rising, falling, flat, steps, at_the_start, at_the_end, here_and_there, nothing]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ROWS)
def test_workers_within_a_long_row(kind, dtype):
    """The same bits on any number of threads, for few draws and for many, with a floor or a mask and without."""
    n = 1_500_000
    x = kind(n, np.random.default_rng(1)).astype(dtype)
    mask = np.ones(n, bool)
    mask[n // 3 : n // 2] = False
    for k in 1, 100, 5000, 20_000:
        for options in {}, {"mask": mask}, {"temperature": 0.01}:
            expected = of_all(x, k, rng=k, **options)
            for workers in 2, 3, -1:
                assert_bits(of_all(x, k, rng=k, workers=workers, **options), expected)
            if expected[0][-1] < 0:
                with pytest.raises(ValueError, match=r"row 0\b"):
                    gumbel_fast.gumbel_top_k(x, k, rng=k, workers=2, **options)
            floor = expected[1][min(k // 2, max(np.count_nonzero(expected[0] >= 0) - 1, 0))]
            floor = floor if np.isfinite(floor) else 0.0
            for workers in 1, 2, 3:
                found = of_all(x, k, rng=k, workers=workers, floor=floor, **options)
                assert_bits(found, cut(expected, floor))


@pytest.fixture(params=[3e4, 1e3])
def small_pieces(request, monkeypatch):
    """Makes a row of some thousands a long one."""
    for module in _threads, _shards:
        monkeypatch.setattr(module, "PIECE", request.param)
        monkeypatch.setattr(module, "LEAST", request.param / 10)
    monkeypatch.setattr(_selection, "_LEAST_ASKED", 16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, BFLOAT16])
@pytest.mark.parametrize("kind", ROWS)
def test_short_pieces(kind, dtype, small_pieces):
    """Whatever part of a row has what is wanted, and however little a piece is asked for at first."""
    for n in 65, 300, 4097, 20_000:
        x = np.stack([kind(n, np.random.default_rng(seed)) for seed in range(3)]).astype(dtype)
        indptr = bounds_of([n - 9, 5, n, n + 4])
        for k in 1, 15, 200, n // 2, n, n + 3:
            expected = of_all(x, k, rng=k, workers=1)
            ragged = of_all(x.ravel(), k, rng=k, indptr=indptr)
            for workers in 2, 3, 8:
                assert_bits(of_all(x, k, rng=k, workers=workers), expected)
                assert_bits(of_all(x.ravel(), k, rng=k, indptr=indptr, workers=workers), ragged)
            floor = np.array([0.0, 1.0, np.inf])
            for workers in 1, 2, 3:
                assert_bits(of_all(x, k, rng=k, floor=floor, workers=workers), cut(expected, floor))


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_bad_long_rows_are_named(dtype, workers):
    """Wherever what is bad stands, above the floor or below it, and whether fewer are allowed or not."""
    for place in 0, 700_000, 1_499_999:
        for bad in np.nan, np.inf:
            x = np.zeros((3, 1_500_000), dtype)
            x[1, place] = x[2, 5] = bad
            for options in {}, {"floor": 100.0}, {"allow_fewer": True}, {"allow_fewer": True, "floor": np.inf}:
                options = options if "allow_fewer" in options else {"allow_fewer": False, **options}
                if options == {"allow_fewer": False, "floor": 100.0}:
                    with pytest.raises(ValueError, match=r"row 0\b"):  # has nothing above it
                        gumbel_fast.gumbel_top_k(x, 2, rng=1, workers=workers, **options)
                    continue
                with pytest.raises(ValueError, match=r"row 1\b.*(NaN|inf)"):
                    gumbel_fast.gumbel_top_k(x, 2, rng=1, workers=workers, **options)


def test_equal_values_in_several_pieces():
    """Noise is nothing beside 1e30: of equals the first columns come first, whichever piece they lie in."""
    x = np.full(1_500_000, 1e30)
    x[[5, 400_000, 1_400_000]] = 2e30
    for k in 2, 4, 6000, 50_000:
        order = np.argsort(-x, kind="stable")[:k]
        for workers in 1, 2, 3:
            np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(x, k, rng=1, workers=workers), order)
            found = of_all(x, k, rng=1, workers=workers, floor=1e30)[0]
            np.testing.assert_array_equal(found, np.where(np.arange(k) < 3, order, -1))


def test_scores_that_overflow_in_several_pieces():
    """Infinite values are told apart by their logits."""
    x = np.linspace(-3, 3, 1_500_000)
    for k in 3, 6000:
        for workers in 1, 2, 3:
            index = gumbel_fast.gumbel_top_k(x, k, temperature=1e-310, rng=1, workers=workers)
            np.testing.assert_array_equal(index, np.arange(x.size - 1, x.size - 1 - k, -1))
            found = of_all(x, k, temperature=1e-310, rng=1, workers=workers, floor=0.0)[0]
            np.testing.assert_array_equal(found, index)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("workers", [1, 2])
def test_floors_that_are_refused(workers):
    x = np.zeros((3, 4, 50))
    options = {"rng": 1, "workers": workers, "allow_fewer": True}
    among = np.zeros((3, 4))
    among[1, 2] = np.nan
    for floor in np.nan, -np.nan, among, among.tolist(), [np.nan], np.float32(np.nan):
        with pytest.raises(ValueError, match="floor"):
            gumbel_fast.gumbel_top_k(x, 2, floor=floor, **options)
    for shape in (3,), (5,), (4, 3), (3, 4, 1), (3, 4, 50), (0,), (1, 3, 4), (2, 3, 4):
        with pytest.raises(ValueError, match="floor"):
            gumbel_fast.gumbel_top_k(x, 2, floor=np.zeros(shape), **options)
    with pytest.raises(ValueError, match="floor"):
        gumbel_fast.gumbel_top_k(x[0, 0], 2, floor=[0.0], **options)
    for floor in [*NO_NUMBERS, "1", 1j, np.ma.masked_array(np.zeros(4)), np.ma.masked_array([0.0], [True])]:
        with pytest.raises(TypeError, match="floor"):
            gumbel_fast.gumbel_top_k(x, 2, floor=floor, **options)
    with pytest.raises(TypeError, match="positional"):
        gumbel_fast.gumbel_top_k(x, 2, 0.5)


def test_nothing_is_drawn_but_a_floor_is_checked():
    x = np.full((3, 5), np.nan)
    assert gumbel_fast.gumbel_top_k(x, 0, floor=1.0, rng=1).shape == (3, 0)
    assert gumbel_fast.gumbel_top_k(np.zeros((0, 5)), 2, floor=1.0, rng=1).shape == (0, 2)
    for k, floor in (0, np.nan), (0, [1.0, 2.0]):
        with pytest.raises(ValueError, match="floor"):
            gumbel_fast.gumbel_top_k(x, k, floor=floor, rng=1)
