"""gumbel_max: bit for bit the argmax of logits / temperature with the noise of `gumbel`, whatever way it is asked for.

What is held here by equality needs no statistics: the noise is held to its law in test_noise.py. One check of the
distribution stands at the end all the same.
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
    OUT_VIEWS,
    compute_dtype,
    outs_that_do_not_fit,
    some_rows,
    spoiled,
)
from statistical import assert_draws_follow, softmax

TEMPERATURES = [1.0, 0.3, 7, 0, np.linspace(0, 2, 9)]


def sums(x, temperature=1.0, noise=None, **options):
    """What the index and the value are those of: NumPy's own sum, in float64."""
    dtype = compute_dtype(x.dtype)
    if noise is None:
        noise = gumbel_fast.gumbel(size=x.shape, dtype=dtype, **options)
    divisor = np.asarray(temperature, np.float64)[..., np.newaxis]
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        return np.where(divisor == 0, x, x / divisor + noise.astype(np.float64))


def assert_greatest(found, expected):
    index, value = found
    np.testing.assert_array_equal(index, expected.argmax(axis=-1))
    np.testing.assert_array_equal(value, expected.max(axis=-1))
    assert value.dtype == expected.dtype


# ----------------------------------------------------------------------------------------------------- noise and argmax


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("temperature", TEMPERATURES, ids=["1", "0.3", "7", "0", "each"])
@pytest.mark.parametrize("n", LENGTHS)
def test_is_argmax_with_the_noise(n, temperature, dtype, target):
    x = some_rows((9, n), dtype)
    for offset in (0, 0), (5, 3), (2**64 - 3, 2**34 - n):
        found = gumbel_fast.gumbel_max(x, temperature=temperature, rng=7, offset=offset, return_value=True)
        assert_greatest(found, sums(x, temperature, rng=7, offset=offset))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", [0, 1e-3, 20, 80, 1e4])
def test_spreads(spread, dtype, target):
    """Flat rows, where every element may win, to steep ones, where almost none can."""
    for n in 64, 129, 1000, 40_000:
        x = (spread * np.random.default_rng(n).normal(size=(6, n))).astype(dtype)
        x[3] = np.sort(x[3])
        x[4] = np.sort(x[4])[::-1]
        assert_greatest(gumbel_fast.gumbel_max(x, rng=1, return_value=True), sums(x, rng=1))


@pytest.mark.many_draws
def test_real_rows(real_logits, target):
    for x in real_logits, real_logits.astype(np.float64), real_logits.astype(np.float16):
        for seed in range(4):
            assert_greatest(gumbel_fast.gumbel_max(x, rng=seed, return_value=True), sums(x, rng=seed))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_rarest_noise_wins(dtype, target):
    """Columns whose uniform is within 2^16 of an end of the 32-bit words, where float32 noise takes 64 bits.

    2^22 elements of one row hold 64 such of either end on average; each is made the only one that is not masked, and
    then the greatest by the noise alone is found among all.
    """
    n = 2**22
    noise = gumbel_fast.gumbel(size=n, rng=3, dtype=dtype)
    order = np.argsort(noise)
    for column in (*order[-30:], *order[:30]):
        x = np.full(101, -np.inf, dtype)
        x[50] = 1
        index, value = gumbel_fast.gumbel_max(x, rng=3, offset=(0, column - 50), return_value=True)
        assert index == 50
        assert value == 1 + np.float64(noise[column])
    assert_greatest(gumbel_fast.gumbel_max(np.zeros(n, dtype), rng=3, return_value=True), noise.astype(np.float64))


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_sums_give_the_first(dtype, target):
    """Noise of a float's precision is nothing beside 1e30: all sums are equal, and masks do not count."""
    for n in 1, 6, 17, 65, 1000:
        x = np.full((40, n), 1e30, dtype)
        for r in range(40):
            x[r, : r % n] = -np.inf
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, rng=1), np.arange(40) % n)
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, rng=1, temperature=0), np.arange(40) % n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, dtype):
    for n in 7, 64, 300:
        x = some_rows((40, n), dtype)
        expected = gumbel_fast.gumbel_max(x, rng=6)
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(layout(x), rng=6), expected)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0,), (2, 3), (2, 0), (2, 3, 4)])
@pytest.mark.parametrize("n", [1, 6, 200])
def test_batch_shapes_and_axes(shape, n):
    x = some_rows((*shape, n), np.float64)
    expected = sums(x, rng=8)
    for axis in range(-len(shape) - 1, len(shape) + 1):
        index, value = gumbel_fast.gumbel_max(np.moveaxis(x, -1, axis), axis=axis, rng=8, return_value=True)
        assert np.shape(index) == np.shape(value) == shape
        assert isinstance(index, np.ndarray) == isinstance(value, np.ndarray) == bool(shape)
        np.testing.assert_array_equal(index, expected.argmax(axis=-1))
        np.testing.assert_array_equal(value, expected.max(axis=-1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("n", [1, 6, 64, 65, 1000])
def test_the_fast_path_is_the_general_one(n, dtype):
    """A Generator and a contiguous array, alone and in a batch; axis=0 or an explicit -1 of another kind goes round."""
    x = some_rows((12, n), dtype)
    for temperature in 1.0, 0.5, 0.0:
        expected = gumbel_fast.gumbel_max(x, rng=np.random.PCG64(4), temperature=temperature)
        batch = gumbel_fast.gumbel_max(x, rng=np.random.default_rng(4), temperature=temperature)
        np.testing.assert_array_equal(batch, expected)
        row = gumbel_fast.gumbel_max(x[0], rng=np.random.default_rng(4), temperature=temperature)
        assert type(row) is np.int64
        assert row == expected[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 17, 64, 65, 70, 1000])
def test_extreme_temperatures(n, dtype, target):
    """No temperature is an error. The hottest leave the noise alone, the coldest what is largest or overflows."""
    x = some_rows((40, n), dtype) - 5
    noise = gumbel_fast.gumbel(size=x.shape, dtype=dtype, rng=1)
    for temperature in 1e30, 1e39, 1e300, np.inf:
        for options in {"rng": 1}, {"noise": noise}:
            index = gumbel_fast.gumbel_max(x, temperature=temperature, **options)
            np.testing.assert_array_equal(index, np.where(x > -np.inf, noise, -np.inf).argmax(axis=1))
        index = gumbel_fast.gumbel_top_k(x, 1, temperature=temperature, rng=1)
        np.testing.assert_array_equal(index[:, 0], np.where(x > -np.inf, noise, -np.inf).argmax(axis=1))
    for temperature in 1e-6, 1e-30, 1e-37, 1e-40, 1e-60, 1e-300, 1e-310, 5e-324:
        for options in {"rng": 1}, {"noise": noise}:
            index = gumbel_fast.gumbel_max(x, temperature=temperature, **options)
            assert np.isfinite(x[np.arange(40), index]).all()
            if temperature > 1e-37:
                np.testing.assert_array_equal(index, x.argmax(axis=1))
        assert np.isfinite(x[np.arange(40), gumbel_fast.gumbel_top_k(x, 1, temperature=temperature, rng=1)[:, 0]]).all()


# ---------------------------------------------------------------------------------------------------------------- value


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.data())
def test_shards_make_the_whole(dtype, data):
    """Cut anywhere, in any order: the index is in the shard of the greatest value, the first of equal ones."""
    n = data.draw(st.integers(1, 400))
    x = some_rows(n, dtype, seed=data.draw(st.integers(0, 9)), masked=0.5)
    if data.draw(st.booleans()):
        x[x > -np.inf] = 1e30  # all sums equal
    cuts = sorted({0, n, *data.draw(st.lists(st.integers(0, n), max_size=6))})
    shards = data.draw(st.permutations(list(itertools.pairwise(cuts))))
    found = []
    for start, stop in shards:
        if (x[start:stop] > -np.inf).any():
            index, value = gumbel_fast.gumbel_max(x[start:stop], rng=2, offset=(4, start), return_value=True)
            found.append((value, -(start + index)))
        else:
            with pytest.raises(ValueError, match="logits"):
                gumbel_fast.gumbel_max(x[start:stop], rng=2, offset=(4, start), return_value=True)
    value, index = max(found)
    assert (-index, value) == gumbel_fast.gumbel_max(x, rng=2, offset=(4, 0), return_value=True)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_value_at_temperature_zero_is_the_logit(dtype):
    x = some_rows((30, 100), dtype)
    _, value = gumbel_fast.gumbel_max(x, temperature=0, rng=1, return_value=True)
    np.testing.assert_array_equal(value, x.astype(compute_dtype(dtype)).max(axis=1))


def test_return_value_with_out():
    x, out = some_rows((5, 40)), np.empty(5, np.int64)
    index, value = gumbel_fast.gumbel_max(x, rng=1, out=out, return_value=True)
    assert index is out
    assert_greatest((index, value), sums(x, rng=1))


# ---------------------------------------------------------------------------------------------------------------- noise


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("temperature", TEMPERATURES, ids=["1", "0.3", "7", "0", "each"])
@pytest.mark.parametrize("n", LENGTHS)
def test_noise_drawn_beforehand(n, temperature, dtype, target):
    x = some_rows((9, n), dtype)
    noise = gumbel_fast.gumbel(size=x.shape, dtype=compute_dtype(dtype), rng=7)
    given = gumbel_fast.gumbel_max(x, temperature=temperature, noise=noise, return_value=True)
    assert_greatest(given, sums(x, temperature, noise))
    drawn = gumbel_fast.gumbel_max(x, temperature=temperature, rng=7, return_value=True)
    np.testing.assert_array_equal(given, drawn)


def test_noise_of_any_layout_and_axis():
    x = some_rows((30, 50), np.float64)
    noise = np.random.default_rng(1).gumbel(size=x.shape)
    expected = (x + noise).argmax(axis=1)
    for layout in LAYOUTS.values():
        np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, noise=layout(noise)), expected)
    np.testing.assert_array_equal(gumbel_fast.gumbel_max(x.T, axis=0, noise=noise.T), expected)
    assert gumbel_fast.gumbel_max(x[0].tolist(), noise=noise[0].tolist()) == expected[0]


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("noise_dtype", ALL_DTYPES)
def test_noise_of_another_dtype_is_added_as_numpy_adds(dtype, noise_dtype):
    x = some_rows((30, 50), dtype)
    noise = np.random.default_rng(1).gumbel(size=x.shape).astype(noise_dtype)
    a, b = x.astype(compute_dtype(dtype)), noise.astype(compute_dtype(noise_dtype))
    index, _ = gumbel_fast.gumbel_max(x, noise=noise, return_value=True)
    np.testing.assert_array_equal(index, (a + b).argmax(axis=1))


@pytest.mark.parametrize("shape", [(50,), (30, 1), (1, 50), (50, 30), (30, 50, 1), ()])
def test_noise_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="noise"):
        gumbel_fast.gumbel_max(np.zeros((30, 50)), noise=np.zeros(shape))


@pytest.mark.parametrize("options", [{"rng": 1}, {"rng": np.random.default_rng(1)}, {"offset": (0, 1)}])
def test_noise_and_a_seed_do_not_go_together(options):
    with pytest.raises(ValueError, match="noise"):
        gumbel_fast.gumbel_max(np.zeros(5), noise=np.zeros(5), **options)


def test_noise_draws_nothing():
    """Twice the same, and without a seed."""
    x, noise = some_rows((9, 100)), np.zeros((9, 100), np.float32)
    np.testing.assert_array_equal(gumbel_fast.gumbel_max(x, noise=noise), x.argmax(axis=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 65, 1000])
def test_bad_noise_is_named(n, dtype):
    x = some_rows((9, n), dtype)
    for columns, bad in [(0, np.nan), (n - 1, np.nan), (slice(None), -np.inf)]:
        noise = np.zeros((9, n), dtype)
        noise[4, columns] = bad
        with pytest.raises(ValueError, match=r"\b4\b.*noise"):
            gumbel_fast.gumbel_max(x, noise=noise)


def test_infinite_noise_wins_or_masks():
    noise = np.zeros((3, 70))
    noise[0, 40], noise[1, :69], noise[2, 1:] = np.inf, -np.inf, -np.inf
    index, value = gumbel_fast.gumbel_max(np.zeros((3, 70)), noise=noise, return_value=True)
    np.testing.assert_array_equal(index, [40, 69, 0])
    np.testing.assert_array_equal(value, [np.inf, 0, 0])


@pytest.mark.parametrize("noise", NO_NUMBERS)
def test_noise_of_other_kinds(noise):
    with pytest.raises(TypeError, match="noise"):
        gumbel_fast.gumbel_max(np.zeros(np.shape(noise)), noise=noise)


# ------------------------------------------------------------------------------------------------------------------ out


@pytest.mark.parametrize("view", [v for k, v in OUT_VIEWS.items()], ids=OUT_VIEWS)
def test_out(view):
    x = some_rows((6, 7, 30))
    out = view(np.full((6, 7), -1, np.int64))
    assert gumbel_fast.gumbel_max(x, rng=1, out=out) is out
    np.testing.assert_array_equal(out, gumbel_fast.gumbel_max(x, rng=1))


@pytest.mark.parametrize("out", outs_that_do_not_fit((3,), np.int64), ids=lambda out: f"{out.dtype}{out.shape}")
def test_outs_that_do_not_fit(out):
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.gumbel_max(np.zeros((3, 4)), rng=1, out=out)
    assert np.all(out == 7)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 2, 16, 17, 64, 65, 1000, 5000])
@pytest.mark.parametrize("temperature", [1.0, 0.0, np.linspace(0, 2, 70)], ids=["1", "0", "each"])
def test_bad_rows_are_named(temperature, n, dtype):
    for bad in BAD:
        x, out = spoiled(some_rows((70, n), dtype), 43, bad), np.full(70, -1, np.int64)
        for options in {"rng": 1}, {"rng": np.random.default_rng(1)}, {"noise": np.zeros((70, n))}:
            with pytest.raises(ValueError, match=r"\b43\b"):
                gumbel_fast.gumbel_max(x, temperature=temperature, **options)
            with pytest.raises(ValueError, match=r"\b43\b"):
                gumbel_fast.gumbel_max(x, temperature=temperature, out=out, **options)
        assert np.all(out == -1)


@pytest.mark.parametrize("temperature", [*NO_TEMPERATURES, [1, 1, np.nan], np.ones(4), np.ones((3, 1))])
def test_temperatures_that_are_none(temperature):
    for rng in 1, np.random.default_rng(1):
        with pytest.raises(ValueError, match="temperature"):
            gumbel_fast.gumbel_max(np.zeros((3, 5), np.float32), temperature=temperature, rng=rng)


@pytest.mark.parametrize("offset", [(0, -1), (-1, 0), (2**64, 0), (0, 2**34 - 4), (0,), (0, 0, 0)])
def test_offsets_that_are_none(offset):
    for rng in 1, np.random.default_rng(1):
        with pytest.raises(ValueError, match=r"offset|unpack|2\*\*34"):
            gumbel_fast.gumbel_max(np.zeros(5), rng=rng, offset=offset)


def test_other_errors():
    for shape in (0,), (3, 0):
        with pytest.raises(ValueError, match="categories"):
            gumbel_fast.gumbel_max(np.zeros(shape), rng=1)
    with pytest.raises(np.exceptions.AxisError):
        gumbel_fast.gumbel_max(np.zeros((3, 4)), axis=2, rng=1)
    with pytest.raises(ValueError, match=r"2\*\*34"):
        gumbel_fast.gumbel_max(np.broadcast_to(np.float32(0), (2**34 + 1,)), rng=1)
    for x in NO_NUMBERS:
        with pytest.raises(TypeError, match="logits"):
            gumbel_fast.gumbel_max(x, rng=1)
    with pytest.raises(TypeError):
        gumbel_fast.gumbel_max([0.0, 1.0], 1.0)


# --------------------------------------------------------------------------------------------------------- distribution


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [3, 64, 65, 1000])
def test_distribution(n, dtype):
    """100,000 rows of one kind follow softmax: an index off by one would be seen, or a temperature 25% off."""
    row = np.linspace(-3, 1, n).astype(dtype)
    row[0] = 1.5
    p = softmax(row, 0.8)
    draws = gumbel_fast.gumbel_max(np.broadcast_to(row, (100_000, n)), temperature=0.8, rng=12)
    assert_draws_follow(draws, p, against={"25% off": softmax(row), "an index off by one": np.roll(p, 1)})


@given(st.integers(1, 60), st.integers(0, 2**64 - 1), st.integers(0, 2**34 - 60), st.sampled_from(DTYPES), st.data())
def test_twin(n, row, column, dtype, data):
    """The twin's value to rounding, and its index where no other comes that near."""
    x = some_rows((3, n), dtype, seed=n)
    options = {
        "temperature": data.draw(st.sampled_from([1.0, 0.25, 3, 0])),
        "rng": data.draw(st.integers(0, 99)),
        "offset": (row, column),
        "return_value": True,
    }
    index, value = gumbel_fast.gumbel_max(x, **options)
    expected, expected_value = reference.gumbel_max(x, **options)
    np.testing.assert_allclose(value, expected_value, rtol=1e-5, atol=1e-5)
    close = (
        np.abs(sums(x, options["temperature"], rng=options["rng"], offset=options["offset"]) - value[:, None]) < 1e-4
    )
    settled = np.count_nonzero(close, axis=1) == 1
    np.testing.assert_array_equal(index[settled], expected[settled])
