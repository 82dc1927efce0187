"""gumbel_top_k: bit for bit a stable falling sort of logits / temperature with the noise of `gumbel`.

That the noise makes this a sample without replacement is test_without_replacement.py's subject.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gumbel_fast
import reference
from rows import (
    ALL_DTYPES,
    BAD,
    DTYPES,
    LAYOUTS,
    LENGTHS,
    NO_NUMBERS,
    NO_TEMPERATURES,
    compute_dtype,
    some_rows,
    spoiled,
)

TEMPERATURES = [1.0, 0.3, 7, 0, np.linspace(0, 2, 9)]


def sorted_sums(x, k, temperature=1.0, **options):
    """NumPy's own sums, in float64, and where the k greatest are."""
    dtype = compute_dtype(x.dtype)
    noise = gumbel_fast.gumbel(size=x.shape, dtype=dtype, **options)
    divisor = np.asarray(temperature, np.float64)[..., np.newaxis]
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        sums = np.where(divisor == 0, x, x / divisor + noise.astype(np.float64))
    index = np.argsort(-sums, axis=-1, kind="stable")[..., :k]
    return index, np.take_along_axis(sums, index, axis=-1)


def assert_same(found, expected):
    for actual, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)
        assert actual.dtype == wanted.dtype


def possible(x):
    return int(np.count_nonzero(x > -np.inf, axis=-1).min())


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("temperature", TEMPERATURES, ids=["1", "0.3", "7", "0", "each"])
@pytest.mark.parametrize("n", LENGTHS)
def test_is_a_sort_with_the_noise(n, temperature, dtype, target):
    x = some_rows((9, n), dtype)
    most = possible(x)
    for k in {1, 2, 5, most // 2, most - 1, most} - {0, -1}:
        if k <= most:
            offset = (5, 3) if k % 2 else (2**64 - 3, 2**34 - n)
            options = {"temperature": temperature, "rng": k, "offset": offset}
            found = gumbel_fast.gumbel_top_k(x, k, return_value=True, **options)
            assert_same(found, sorted_sums(x, k, **options))
            np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(x, k, **options), found[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n, k", [(100_003, 1), (100_003, 1000), (100_003, 50_000), (100_003, 100_003), (2**20, 1000)])
def test_long_rows(n, k, dtype, target):
    for spread in 0, 2.5, 1000:
        x = (spread * np.random.default_rng(n).normal(size=n)).astype(dtype)
        assert_same(gumbel_fast.gumbel_top_k(x, k, rng=1, return_value=True), sorted_sums(x, k, rng=1))


def test_real_rows(real_logits):
    for k in 1, 40, 5000:
        found = gumbel_fast.gumbel_top_k(real_logits, k, rng=2, temperature=0.7, return_value=True)
        assert_same(found, sorted_sums(real_logits, k, temperature=0.7, rng=2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sorted_rows(dtype, target):
    """The greatest all at one end: the worst order for whatever keeps the best so far."""
    x = np.linspace(0, 500, 3000).astype(dtype)
    for row in x, x[::-1], np.roll(x, 1500):
        for k in 1, 100, 2999:
            assert_same(gumbel_fast.gumbel_top_k(row, k, rng=1, return_value=True), sorted_sums(row, k, rng=1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_sums_come_in_order(dtype, target):
    """Noise is nothing beside 1e30, and at temperature 0 it is not added: of equals the first come first."""
    for n in 6, 65, 1000, 5000:
        x = np.resize(np.array([1e30, -np.inf, 2e30, 1e30], dtype), (3, n))
        most = possible(x)
        for k in {1, 3, most // 3, most // 2 + 1, most} - {0}:
            expected = np.argsort(-x, axis=1, kind="stable")[:, :k]
            np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(x, k, rng=1), expected)
            np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(x, k, temperature=0, rng=1), expected)


@pytest.mark.parametrize("n", [1, 6, 65, 5000])
def test_the_first_is_gumbel_max(n):
    x = some_rows((20, n))
    index, value = gumbel_fast.gumbel_top_k(x, 1, rng=3, return_value=True)
    greatest, greatest_value = gumbel_fast.gumbel_max(x, rng=3, return_value=True)
    np.testing.assert_array_equal(index[:, 0], greatest)
    np.testing.assert_array_equal(value[:, 0], greatest_value)


@given(st.integers(1, 400), st.lists(st.integers(0, 400), max_size=5), st.data())
def test_shards_make_the_whole(n, cuts, data):
    """The k greatest of a row are among the k greatest of its shards."""
    x = some_rows(n, seed=n, masked=0.3)
    k = data.draw(st.integers(1, possible(x)))
    whole, value = gumbel_fast.gumbel_top_k(x, k, rng=2, return_value=True)
    found = []
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    for start, stop in itertools.pairwise(edges):
        part = x[start:stop]
        if most := min(k, possible(part)):
            shard = gumbel_fast.gumbel_top_k(part, most, rng=2, offset=(0, start), return_value=True)
            found += zip(-shard[1], start + shard[0], strict=True)
    best = sorted(found)[:k]
    np.testing.assert_array_equal([i for _, i in best], whole)
    np.testing.assert_array_equal([-v for v, _ in best], value)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, dtype):
    x = some_rows((40, 30), dtype)
    k = possible(x)
    expected = gumbel_fast.gumbel_top_k(x, k, rng=6)
    np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(layout(x), k, rng=6), expected)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0,), (2, 3), (2, 0), (2, 3, 4)])
@pytest.mark.parametrize("k", [0, 1, 4])
def test_batch_shapes_and_axes(shape, k):
    x = some_rows((*shape, 9), np.float64, masked=0)
    expected = sorted_sums(x, k, rng=8)
    for axis in range(-len(shape) - 1, len(shape) + 1):
        found = gumbel_fast.gumbel_top_k(np.moveaxis(x, -1, axis), k, axis=axis, rng=8, return_value=True)
        assert found[0].shape == (*shape, k)
        assert_same(found, expected)


def test_no_rows_ask_for_anything():
    """Where there is no row, none has too few categories; and none is read for none."""
    assert gumbel_fast.gumbel_top_k(np.zeros((0, 3)), 5, rng=1).shape == (0, 5)
    assert gumbel_fast.gumbel_top_k(np.full((2, 3), np.nan), 0, rng=1).shape == (2, 0)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [2, 17, 64, 65, 1000])
@pytest.mark.parametrize("temperature", [1.0, 0.0, np.linspace(0, 2, 70)], ids=["1", "0", "each"])
def test_bad_rows_are_named(temperature, n, dtype):
    for bad in BAD:
        x = spoiled(some_rows((70, n), dtype, masked=0), 43, bad)
        for k in 1, n - 1, n:
            with pytest.raises(ValueError, match=r"\b43\b"):
                gumbel_fast.gumbel_top_k(x, k, temperature=temperature, rng=1)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [3, 17, 64, 65, 1000])
@pytest.mark.parametrize("temperature", [1.0, 0.0])
def test_too_few_categories_are_named(temperature, n, dtype):
    """The row, how many it has, and how many were wanted."""
    x = some_rows((20, n), dtype, masked=0)
    x[11, 1:] = -np.inf
    x[13, 2:] = -np.inf
    with pytest.raises(ValueError, match=r"\b11\b.*\b1\b.*\b2\b"):
        gumbel_fast.gumbel_top_k(x, 2, temperature=temperature, rng=1)
    x[11, 1] = 0
    assert gumbel_fast.gumbel_top_k(x, 2, temperature=temperature, rng=1).shape == (20, 2)
    with pytest.raises(ValueError, match=rf"\b0\b.*\b{n}\b.*\b{n + 1}\b"):
        gumbel_fast.gumbel_top_k(x, n + 1, temperature=temperature, rng=1)


@pytest.mark.parametrize("dtype, size", [(np.float32, 1e38), (np.float64, 5e307)])
@pytest.mark.parametrize("allow_fewer", [False, True])
def test_differences_that_overflow_are_not_too_few(dtype, size, allow_fewer, target):
    """Rows in lanes take scores below the greatest; what that makes too small for them is drawn all the same."""
    x = np.tile(np.array([size, size / 2, -size, -size / 2], dtype), (37, 1))
    for k in 1, 2, 3, 4:
        index, value = gumbel_fast.gumbel_top_k(x, k, rng=1, return_value=True, allow_fewer=allow_fewer)
        np.testing.assert_array_equal(index, np.tile([0, 1, 3, 2][:k], (37, 1)))
        np.testing.assert_array_equal(value, np.take_along_axis(x.astype(np.float64), index, axis=1))


@pytest.mark.parametrize("k", [-1, -(2**70), 2**70])
def test_numbers_that_are_none(k):
    with pytest.raises(ValueError, match=rf"{k}"):
        gumbel_fast.gumbel_top_k(np.zeros(5), k, rng=1)


def test_other_errors():
    for k in 1.0, "1", None:
        with pytest.raises(TypeError):
            gumbel_fast.gumbel_top_k(np.zeros(5), k, rng=1)
    for temperature in NO_TEMPERATURES:
        with pytest.raises(ValueError, match="temperature"):
            gumbel_fast.gumbel_top_k(np.zeros(5), 2, temperature=temperature, rng=1)
    for shape in (0,), (3, 0):
        with pytest.raises(ValueError, match="categories"):
            gumbel_fast.gumbel_top_k(np.zeros(shape), 0, rng=1)
    for x in NO_NUMBERS:
        with pytest.raises(TypeError, match="logits"):
            gumbel_fast.gumbel_top_k(x, 1, rng=1)
    with pytest.raises(ValueError, match=r"2\*\*34"):
        gumbel_fast.gumbel_top_k(np.broadcast_to(np.float32(0), (2**34 + 1,)), 1, rng=1)
    with pytest.raises(TypeError):
        gumbel_fast.gumbel_top_k([0.0, 1.0], 1, 1.0)


@given(st.integers(1, 60), st.integers(0, 60), st.sampled_from(DTYPES), st.integers(0, 99))
def test_twin(n, k, dtype, seed):
    """The twin's values to rounding, and its errors."""
    x = some_rows((3, n), dtype, seed=n)
    if k > possible(x):
        with pytest.raises(ValueError, match="categories"):
            gumbel_fast.gumbel_top_k(x, k, rng=seed)
        with pytest.raises(ValueError, match="categories"):
            reference.gumbel_top_k(x, k, rng=seed)
    else:
        index, value = gumbel_fast.gumbel_top_k(x, k, rng=seed, return_value=True)
        expected, expected_value = reference.gumbel_top_k(x, k, rng=seed, return_value=True)
        np.testing.assert_allclose(value, expected_value, rtol=1e-5, atol=1e-5)
        settled = np.all(np.abs(np.diff(value, axis=1)) > 1e-4, axis=1)
        np.testing.assert_array_equal(index[settled], expected[settled])
