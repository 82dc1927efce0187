"""gumbel_softmax: the softmax of logits with the noise of `gumbel`, within the bound beside the kernel.

Its noise being that of `gumbel`, what it follows needs no statistics here.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gumbel_fast
import reference
from gumbel_fast import _core
from rows import (
    ALL_DTYPES,
    DTYPES,
    LAYOUTS,
    LENGTHS,
    NO_NUMBERS,
    NO_TEMPERATURES,
    OUT_VIEWS,
    outs_that_do_not_fit,
    some_rows,
)

BOUND = {np.dtype(np.float32): _core.BOUNDS["softmax_f32_rel"], np.dtype(np.float64): _core.BOUNDS["softmax_f64_rel"]}


def with_noise(x, **options):
    with np.errstate(invalid="ignore", over="ignore"):
        return x - x.max(axis=-1, keepdims=True) + gumbel_fast.gumbel(size=x.shape, dtype=x.dtype, **options)


def assert_softmax_of(result, sums, temperature=1.0):
    """Entries z nats below the greatest of their row within the bound times 1 + z; rows that sum to 1."""
    z = (sums.max(axis=-1, keepdims=True).astype(np.longdouble) - sums) / np.asarray(temperature)[..., np.newaxis]
    weights = np.exp(-z)
    expected = weights / weights.sum(axis=-1, keepdims=True)
    masked = sums == -np.inf
    assert np.all(result[masked] == 0)
    tiny = 4 * np.finfo(result.dtype).tiny  # below it a float has fewer bits
    allowed = np.where(masked, 0, BOUND[result.dtype] * (1 + np.where(masked, 0, z)) * expected) + tiny
    assert np.all(np.abs(result - expected) <= allowed)
    np.testing.assert_allclose(result.astype(np.float64).sum(axis=-1), 1, atol=1e-6)


# --------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.3, 7, np.linspace(0.1, 2, 9)], ids=["1", "0.3", "7", "each"])
@pytest.mark.parametrize("n", [*LENGTHS, 320, 40_000])
def test_is_softmax_with_the_noise(n, temperature, dtype, target):
    x = some_rows((9, n), dtype)
    for offset in (0, 0), (5, 3), (2**64 - 3, 2**34 - n):
        options = {"rng": 7, "offset": offset}
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, **options)
        assert result.dtype == dtype
        assert_softmax_of(result, with_noise(x, **options), temperature)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 320])
@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 33, 100])
def test_every_row_of_a_batch(rows, n, dtype, target):
    """Rows of any number together are what they are alone, at the edges of every grouping; masks among them."""
    x = some_rows((rows, n), dtype, masked=0.4)
    result = gumbel_fast.gumbel_softmax(x, temperature=0.7, rng=7)
    assert_softmax_of(result, with_noise(x, rng=7), 0.7)
    for r in {0, rows // 2, rows - 1}:
        alone = gumbel_fast.gumbel_softmax(x[r], temperature=0.7, rng=7, offset=(r, 0))
        np.testing.assert_array_equal(alone, result[r])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1e-3, 0.1, 10, 1e3])
@pytest.mark.parametrize("spread", [1, 30, 1e3])
def test_finite_everywhere(spread, temperature, dtype, target):
    for n in 3, 10, 64, 65, 320, 5000:
        x = (spread * np.random.default_rng(n).uniform(-1, 1, (20, n))).astype(dtype)
        x[0] = -spread
        x[0, n // 2] = spread
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, rng=1)
        assert np.isfinite(result).all()
        assert_softmax_of(result, with_noise(x, rng=1), temperature)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [5e-324, 1e-310, 1e-60, 1e-39, 1e39, 1e300, np.inf])
def test_extreme_temperatures(temperature, dtype, target):
    """The coldest give a one-hot, the hottest even shares of what is not masked."""
    for n in 3, 17, 65, 1000:
        x = some_rows((20, n), dtype)
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, rng=1)
        if temperature < 1:
            np.testing.assert_array_equal(result, gumbel_fast.gumbel_softmax(x, temperature=1, hard=True, rng=1))
        else:
            possible = x > -np.inf
            np.testing.assert_allclose(result, possible / possible.sum(axis=1, keepdims=True), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_largest_entry_is_where_gumbel_max_points(n, dtype, target):
    """Exactly for hard=True; for a soft sample as far as its rounding tells entries apart."""
    x = some_rows((50, n), dtype)
    index = gumbel_fast.gumbel_max(x, rng=3)
    for temperature in 1.0, 0.2, 1e-3, 30.0:
        soft = gumbel_fast.gumbel_softmax(x, temperature=temperature, rng=3)
        np.testing.assert_array_equal(soft[np.arange(50), index], soft.max(axis=1))
        hard = gumbel_fast.gumbel_softmax(x, temperature=temperature, hard=True, rng=3)
        np.testing.assert_array_equal(hard, np.arange(n) == index[:, np.newaxis])
        assert hard.dtype == dtype
    np.testing.assert_array_equal(gumbel_fast.gumbel_softmax(x, temperature=0.2, rng=3).argmax(axis=1), index)


def assert_points_where_gumbel_max_does(x, temperature, seed):
    """The largest value stands where the sum is greatest, shared or not; masks are 0; hard is the one-hot of it.

    That is gumbel_max's index, where the sums there, in float64 and of the logits themselves, do not round otherwise.
    """
    sums = with_noise(x, rng=seed)
    index = sums.argmax(axis=1)
    rows = np.arange(len(x))
    chosen = sums[rows, gumbel_fast.gumbel_max(x, rng=seed)]
    size = np.finfo(x.dtype).eps * (50 + np.abs(x[rows, index]) + np.abs(x.max(axis=1)))
    assert np.all(sums[rows, index] - chosen <= 2 * size)
    soft = gumbel_fast.gumbel_softmax(x, temperature=temperature, rng=seed)
    assert np.isfinite(soft).all()
    assert np.all(soft[x == -np.inf] == 0)
    largest = soft.max(axis=1)
    np.testing.assert_array_equal(soft[rows, index], largest)
    alone = (soft == largest[:, np.newaxis]).sum(axis=1) == 1
    np.testing.assert_array_equal(soft.argmax(axis=1)[alone], index[alone])
    hard = gumbel_fast.gumbel_softmax(x, temperature=temperature, hard=True, rng=seed)
    np.testing.assert_array_equal(hard, np.arange(x.shape[1]) == index[:, np.newaxis])


@given(
    st.sampled_from([1, 2, 3, 6, 8, 10, 15, 16, 17, 33, 64, 65, 200, 1000]),
    st.sampled_from([0, 1e-3, 1, 30, 1e3]),
    st.floats(-3, 3),
    st.sampled_from(DTYPES),
    st.integers(0, 2**32),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # one target for all examples is what is meant
def test_points_where_gumbel_max_does(target, n, spread, power, dtype, seed):
    """At temperatures from 1e-3 to 1e3 and logits spread over up to 1e3, masks among them."""
    x = (spread * some_rows((20, n), seed=seed, masked=0.2) / 2).astype(dtype) if spread else np.zeros((20, n), dtype)
    assert_points_where_gumbel_max_does(x, 10**power, seed)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1e-3, 0.1, 1, 10, 1e3])
@pytest.mark.parametrize("n", [2, 3, 10, 16, 17, 64, 65, 1000])
def test_sums_a_rounding_apart(n, temperature, dtype, target):
    """Logits that undo the noise but for a few roundings: an exponential that exceeds 1 below 0 would show."""
    noise = gumbel_fast.gumbel(size=(200, n), dtype=dtype, rng=5)
    level = np.random.default_rng(1).choice([1, 3, 40, 900], (200, 1)).astype(dtype)
    few = np.random.default_rng(2).integers(-3, 4, (200, n)).astype(dtype)
    assert_points_where_gumbel_max_does(level * (1 + few * np.finfo(dtype).eps) - noise, temperature, 5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hard", [False, True])
def test_equal_logits(hard, dtype, target):
    """Only differences count: rows all at 1e30 give what rows all at 0 do, bit for bit."""
    for n in 3, 10, 65, 1000:
        x = np.full((20, n), 1e30, dtype)
        x[:, 0] = -np.inf
        result = gumbel_fast.gumbel_softmax(x, hard=hard, rng=1)
        np.testing.assert_array_equal(result, gumbel_fast.gumbel_softmax(np.minimum(x, 0), hard=hard, rng=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("n", [1, 5, 8, 16, 17, 64, 65, 1000])
def test_rows_without_a_softmax_are_nan(n, hard, dtype, target):
    """Theirs alone, and without a warning."""
    x = some_rows((40, n), dtype, masked=0)
    sound = np.ones(40, bool)
    for r, bad in [(3, np.nan), (15, np.inf), (16, np.nan), (39, -np.nan)]:
        x[r, n // 2], sound[r] = bad, False
    x[20], sound[20] = -np.inf, False
    result = gumbel_fast.gumbel_softmax(x, hard=hard, rng=1)
    assert np.isnan(result[~sound]).all()
    np.testing.assert_array_equal(result[sound], gumbel_fast.gumbel_softmax(np.nan_to_num(x), hard=hard, rng=1)[sound])


# ------------------------------------------------------------------------------------------------ layouts, axes, offset


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, dtype):
    for n in 7, 64, 300:
        x = some_rows((40, n), dtype)
        expected = gumbel_fast.gumbel_softmax(x, rng=6)
        np.testing.assert_array_equal(gumbel_fast.gumbel_softmax(layout(x), rng=6), expected)


def test_broadcast_rows_differ():
    """One row of memory, many of noise."""
    x = np.broadcast_to(np.zeros(10, np.float32), (3, 4, 10))
    result = gumbel_fast.gumbel_softmax(x, rng=1)
    assert_softmax_of(result, with_noise(x, rng=1))
    assert len(np.unique(result[..., 0])) == 12


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0,), (2, 3), (2, 0), (2, 3, 4)])
@pytest.mark.parametrize("n", [0, 1, 6, 200])
def test_batch_shapes_and_axes(shape, n):
    x = some_rows((*shape, max(n, 1)), np.float64)[..., :n]
    expected = gumbel_fast.gumbel_softmax(x, rng=8)
    assert expected.shape == x.shape
    for axis in range(-len(shape) - 1, len(shape) + 1):
        result = gumbel_fast.gumbel_softmax(np.moveaxis(x, -1, axis), axis=axis, rng=8)
        np.testing.assert_array_equal(np.moveaxis(result, axis, -1), expected)


@given(st.integers(1, 40), st.integers(0, 2**64 - 1), st.integers(0, 2**34 - 40), st.sampled_from(DTYPES))
def test_rows_in_parts(n, row, column, dtype):
    """The rows of a batch are those of its parts, by offset."""
    x = some_rows((20, n), dtype, seed=n)
    whole = gumbel_fast.gumbel_softmax(x, rng=1, offset=(row, column))
    part = gumbel_fast.gumbel_softmax(x[7:], rng=1, offset=((row + 7) % 2**64, column))
    np.testing.assert_array_equal(part, whole[7:])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_lists_integers_and_halves(dtype):
    x = np.random.default_rng(4).integers(-3, 4, (20, 9)).astype(dtype)
    wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    result = gumbel_fast.gumbel_softmax(x, rng=1)
    np.testing.assert_array_equal(result, gumbel_fast.gumbel_softmax(x.astype(wide), rng=1))
    of_list = gumbel_fast.gumbel_softmax(x.astype(int).tolist(), rng=1)
    np.testing.assert_array_equal(of_list, gumbel_fast.gumbel_softmax(x.astype(np.float64), rng=1))


# ------------------------------------------------------------------------------------------------------------------ out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", OUT_VIEWS.values(), ids=OUT_VIEWS)
@pytest.mark.parametrize("axis", [0, 1])
def test_out(axis, view, dtype):
    x = some_rows((30, 40), dtype)
    out = view(np.full(x.shape, -1, dtype))
    assert gumbel_fast.gumbel_softmax(x, axis=axis, rng=1, out=out) is out
    np.testing.assert_array_equal(out, gumbel_fast.gumbel_softmax(x, axis=axis, rng=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("n", [3, 10, 64, 65, 1000])
def test_in_place(n, hard, dtype):
    for layout in (lambda x: x), LAYOUTS["padded rows"], np.asfortranarray, LAYOUTS["rows backwards"]:
        x = layout(some_rows((20, n), dtype))
        expected = gumbel_fast.gumbel_softmax(x, hard=hard, rng=1)
        assert gumbel_fast.gumbel_softmax(x, hard=hard, rng=1, out=x) is x
        np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("out", outs_that_do_not_fit((3, 4), np.float32), ids=lambda out: f"{out.dtype}{out.shape}")
def test_outs_that_do_not_fit(out):
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.gumbel_softmax(np.zeros((3, 4), np.float32), rng=1, out=out)
    assert np.all(out == 7)


def test_out_that_overlaps_is_refused():
    x = np.zeros(100, np.float32)
    with pytest.raises(ValueError, match="overlaps"):
        gumbel_fast.gumbel_softmax(x[:90], rng=1, out=x[10:])
    with pytest.raises(ValueError, match="overlaps"):
        gumbel_fast.gumbel_softmax(x, rng=1, out=x[::-1])


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("temperature", [0, 0.0, *NO_TEMPERATURES, [1, 1, 0], np.ones(4), np.ones((3, 1))])
def test_temperatures_that_are_none(temperature):
    with pytest.raises(ValueError, match="temperature"):
        gumbel_fast.gumbel_softmax(np.zeros((3, 5)), temperature=temperature, rng=1)


def test_other_errors():
    for offset in (0, -1), (-1, 0), (2**64, 0), (0, 2**34 - 4), (0,):
        with pytest.raises(ValueError, match=r"offset|unpack|2\*\*34"):
            gumbel_fast.gumbel_softmax(np.zeros(5), rng=1, offset=offset)
    with pytest.raises(np.exceptions.AxisError):
        gumbel_fast.gumbel_softmax(np.zeros((3, 4)), axis=2, rng=1)
    with pytest.raises(ValueError, match=r"2\*\*34"):
        gumbel_fast.gumbel_softmax(np.broadcast_to(np.float32(0), (2**34 + 1,)), rng=1)
    for x in NO_NUMBERS:
        with pytest.raises(TypeError, match="logits"):
            gumbel_fast.gumbel_softmax(x, rng=1)
    with pytest.raises(TypeError):
        gumbel_fast.gumbel_softmax([0.0, 1.0], 1.0)


@given(st.integers(0, 60), st.sampled_from([0.3, 1.0, 5]), st.booleans(), st.sampled_from(DTYPES), st.integers(0, 99))
def test_twin(n, temperature, hard, dtype, seed):
    x = some_rows((3, n or 1), dtype, seed=n)[:, :n]
    options = {"temperature": temperature, "rng": seed}
    soft, expected = gumbel_fast.gumbel_softmax(x, **options), reference.gumbel_softmax(x, **options)
    np.testing.assert_allclose(soft, expected, rtol=1e-4, atol=1e-30)
    assert soft.dtype == expected.dtype
    if hard and n:
        top = np.sort(soft, axis=1)[:, -2:]
        settled = top[:, -1] > top[:, 0] * 1.01 if n > 1 else np.ones(3, bool)
        one_hot = gumbel_fast.gumbel_softmax(x, hard=True, **options)
        twin = reference.gumbel_softmax(x, hard=True, **options)
        np.testing.assert_array_equal(one_hot[settled], twin[settled])
