"""The noise itself: every value of the words against wider arithmetic, the tails, the law, and gumbel's arguments.

Which word an element gets is test_seed.py's subject. The bounds stand beside the kernels and are read from there.
"""

import math
import pathlib
import re

import mpmath
import numpy as np
import pytest
from scipy import stats

import gumbel_fast
import reference
from exact import exact
from gumbel_fast import _core
from statistical import assert_continuous, assert_count, assert_near

DTYPES = [np.float32, np.float64]
LAST = 2**32 - 1
EULER_GAMMA = 0.5772156649015329
SEAMS = [0, 2**16, 2**31, 2**32 - 2**16, int((1 - np.exp(-1)) * 2**32), 2**32]  # ends, low-word limits, middle, G = 0


def assert_within_bound(noise, truth, dtype, rest=0.0):
    """Noise within the stated ULPs of truth + rest, or within the stated distance of it near 0."""
    name = "f32" if dtype == np.float32 else "f64"
    error = np.abs((noise.astype(np.float64) - truth) - rest)
    ulp = np.spacing(np.abs(truth).astype(dtype)).astype(np.float64)
    right = (error <= _core.BOUNDS[f"noise_{name}_ulp"] * ulp) | (error <= _core.BOUNDS[f"noise_{name}_abs"])
    worst = np.argmax(np.where(right, 0, error / ulp))
    assert right.all(), f"{noise[worst]!r} for {truth[worst]!r}: off by {error[worst] / ulp[worst]:.2f} ULP"


def spread_words(count, seed):
    """Pairs of words: uniform, near powers of two from either end, about each seam, with low words at their ends."""
    rng = np.random.default_rng(seed)
    seams = np.concatenate([np.arange(s - 40, s + 40) for s in SEAMS])
    seams = seams[(seams >= 0) & (seams <= LAST)]
    powers = np.repeat(2 ** np.arange(33, dtype=np.int64), 40)
    powers = np.minimum((powers * rng.uniform(1, 2, powers.size)).astype(np.int64), LAST)
    high = np.concatenate([rng.integers(0, 2**32, count), np.tile(seams, 4), powers, LAST - powers]).astype(np.uint32)
    low = rng.integers(0, 2**32, high.size).astype(np.uint32)
    low[: high.size // 4] = 0
    low[-high.size // 4 :: 2] = LAST
    return high, low


def test_bounds_are_those_promised():
    """What stands beside the kernels may be tighter than the contract and never looser."""
    assert _core.BOUNDS["noise_f32_ulp"] <= 2
    assert _core.BOUNDS["noise_f32_abs"] <= 2**-22
    assert _core.BOUNDS["noise_f64_ulp"] <= 2
    assert _core.BOUNDS["noise_f64_abs"] <= 2**-51


# ---------------------------------------------------------------------------------------------------------- every value


@pytest.mark.parametrize("dtype", DTYPES)
def test_words_to_noise(dtype, target):
    """A spread of words against the twin, which computes in wide floats and rounds once (at most half an ULP more)."""
    high, low = spread_words(400_000, seed=1)
    truth = reference.noise_from_words(high, low, np.longdouble if dtype == np.float64 else np.float64)
    if dtype == np.float32:
        in_between = (high >= 2**16) & (high < 2**32 - 2**16)
        truth[in_between] = reference._noise_of_integer(high[in_between].astype(np.uint64), 32)
    nearest = truth.astype(np.float64)
    noise = _core.noise_from_words(high, low, dtype)
    assert noise.dtype == dtype
    assert_within_bound(noise, nearest, dtype, (truth - nearest).astype(np.float64))


def noise_of_words(high, low):
    return -mpmath.log(-mpmath.log1p(-(high * 2**32 + low + 0.5) / 2**64))


def test_double_noise_against_mpmath(target):
    high, low = spread_words(6_000, seed=2)
    nearest, rest = exact(200, noise_of_words, high.tolist(), low.tolist())
    assert_within_bound(_core.noise_from_words(high, low, np.float64), nearest, np.float64, rest)


# The hardest words found among 1e7 for float64 noise, all with noise between 1 and 2: too rare for a spread sample.
HARDEST = [
    0x26FC9A34_65702B05, 0x219B5F29_728B1314, 0x23D84524_8958A90A, 0x20A98875_EDAEC508, 0x23CE8E14_A3044734,
    0x288AF54F_7CBDA907, 0x41760964_B464AE3C, 0x23CFD665_7B7A8F3A, 0x48C74AB6_15CA8A18, 0x2652F9EE_B341550A,
]  # fmt: skip


def test_the_hardest_words(target):
    high, low = (np.array([word >> shift & LAST for word in HARDEST], np.uint32) for shift in (32, 0))
    truth = reference.noise_from_words(high, low, np.longdouble)
    nearest = truth.astype(np.float64)
    noise = _core.noise_from_words(high, low, np.float64)
    assert_within_bound(noise, nearest, np.float64, (truth - nearest).astype(np.float64))


def error_in_ulp(noise, truth):
    """Errors of float32 noise in units of its last place, or of that of 1 nearer to 0, where the bound is absolute."""
    unit = np.spacing(np.maximum(np.abs(truth), 1).astype(np.float32))
    return np.abs(noise.astype(np.float64) - truth) / unit


@pytest.fixture(scope="module")
def stated_worst():
    """The worst input of float32 noise and its error in ULP, as they stand beside the kernel."""
    kernel = pathlib.Path(__file__).parents[1] / "src/kernels/noise.h"
    if not kernel.exists():
        pytest.skip("the sources are not beside the tests")
    stated = re.search(r"Worst input[\s*\w^]+ in float:\s(0x\w{8}),\s([\d.]+)\sULP", kernel.read_text())
    return int(stated[1], 16), float(stated[2])


def test_the_worst_word(stated_worst, target):
    """Of all words, by test_every_high_word: its error is the stated one, which is rounded up."""
    word, ulp = stated_worst
    high = np.array([word], np.uint32)
    truth = reference._noise_of_integer(high.astype(np.uint64), 32)
    noise = _core.noise_from_words(high, high, np.float32)
    assert math.ceil(100 * error_in_ulp(noise, truth)[0]) / 100 == ulp
    assert ulp <= _core.BOUNDS["noise_f32_ulp"]
    assert _core.BOUNDS["noise_f32_abs"] == _core.BOUNDS["noise_f32_ulp"] * 2.0**-23  # ULPs of 1, as in error_in_ulp


@pytest.mark.exhaustive
def test_every_high_word(stated_worst, restore_target):
    """All 2^32 high words on every target against float64 arithmetic, whose own error is 2^-28 of a float32 ULP.

    Every target keeps the bound, and the worst word is the one that stands beside the kernel.
    """
    chunk = 2**21
    low = np.random.default_rng(3).integers(0, 2**32, chunk, dtype=np.uint32)
    worst, worst_word = 0.0, -1
    for start in range(0, 2**32, chunk):
        high = np.arange(start, start + chunk, dtype=np.uint64)
        near_an_end = (high < 2**16) | (high >= 2**32 - 2**16)
        above = np.where(near_an_end, (low + 0.5) * 2.0**-32, 0.5)  # what follows the high word's integer
        if start < 2**31:
            truth = -np.log(-np.log1p(-(high + above) * 2.0**-32))
        else:
            truth = -np.log(-np.log(((LAST - high) + (1 - above)) * 2.0**-32))
        found = [noise_on(name, high.astype(np.uint32), low, np.float32) for name in _core.usable_targets()]
        assert all(np.array_equal(noise.view(np.uint32), found[0].view(np.uint32)) for noise in found)
        error = error_in_ulp(found[0], truth)
        if error.max() > worst:
            worst, worst_word = error.max(), start + int(error.argmax())
    assert worst <= _core.BOUNDS["noise_f32_ulp"]
    assert (worst_word, math.ceil(100 * worst) / 100) == stated_worst


def noise_on(name, high, low, dtype):
    _core.use_target(name)
    return _core.noise_from_words(high, low, dtype)


@pytest.fixture
def restore_target():
    before = _core.simd_target()
    yield
    _core.use_target(before)


@pytest.mark.exhaustive
def test_double_noise_against_mpmath_at_length(restore_target):
    """A million words on every target, the two ends of the range among them."""
    words = 0
    for seed in range(10, 50):
        high, low = spread_words(22_000, seed)
        words += high.size
        assert {0, LAST} <= set(high[(low == 0) | (low == LAST)].tolist())
        nearest, rest = exact(120, noise_of_words, high.tolist(), low.tolist())
        for name in _core.usable_targets():
            assert_within_bound(noise_on(name, high, low, np.float64), nearest, np.float64, rest)
    assert words >= 10**6


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends(dtype, target):
    """From -3.8 to 45.05, where peers stop at 15.9 to 17.1; no word gives an infinity."""
    top, bottom = _core.noise_from_words(np.array([0, LAST], np.uint32), np.array([0, LAST], np.uint32), dtype)
    assert top == pytest.approx(65 * np.log(2), rel=1e-6)
    assert bottom == pytest.approx(-np.log(65 * np.log(2)), rel=1e-6)
    high = np.concatenate([np.arange(2**16 + 2**12), np.arange(2**32 - 2**16 - 2**12, 2**32)]).astype(np.uint32)
    for low in 0, LAST:
        noise = _core.noise_from_words(high, np.full_like(high, low), dtype)
        assert np.isfinite(noise).all()
        assert np.all(np.diff(noise) <= 0)  # falls from word to word, over the seams too


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_low_word_counts_at_the_ends(dtype, target):
    """Halving the low word at high word 0 moves the noise by log 2: 64 bits are used there, not 32."""
    low = np.uint32(2) ** np.arange(31, 0, -1, dtype=np.uint32)
    noise = _core.noise_from_words(np.zeros_like(low), low, dtype)
    np.testing.assert_allclose(np.diff(noise[:20]), np.log(2), atol=1e-2)
    assert np.all(np.diff(noise) > 0.4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("column, value", [
    (8_678_869, 17.195), (24_359_680, 18.056), (99_064_829, 18.267), (49_829_540, -2.864),
])  # fmt: skip
def test_rare_words_of_a_seed(column, value, dtype, target):
    """The rarest of the first 1e8 words of seed 1111, through `gumbel`: beyond 17.1, where peers have no value left."""
    a, b = np.random.SeedSequence(1111).generate_state(2, np.uint64)
    columns = np.arange(column - 21, column + 50)
    high, low = (reference.words(a, b, 0, columns, tag) for tag in (reference.NOISE_HIGH, reference.NOISE_LOW))
    noise = gumbel_fast.gumbel(size=columns.size, rng=1111, dtype=dtype, offset=(0, column - 21))
    assert noise[21] == pytest.approx(value, abs=6e-4)
    np.testing.assert_allclose(noise, reference.noise_from_words(high, low, dtype), rtol=1e-6, atol=1e-6)


# -------------------------------------------------------------------------------------------------------------- the law


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_and_variance(dtype):
    """4e6 points: would notice oneMKL's sign (its mean is -0.577), a shift of 0.006, and 1% of scale."""
    noise = gumbel_fast.gumbel(size=(2000, 2000), rng=101, dtype=dtype).astype(np.float64)
    sd = np.pi / np.sqrt(6)
    wrong_means = {"the other sign": -EULER_GAMMA, "a shift": EULER_GAMMA + 0.006}
    assert_near(noise.mean(), EULER_GAMMA, sd / np.sqrt(noise.size), against=wrong_means)
    fourth = 12 / 5 + 3  # of the standardised law
    error = sd**2 * np.sqrt((fourth - 1) / noise.size)
    assert_near(noise.var(), sd**2, error, against={"a scale of 0.99": 0.99**2 * sd**2})


@pytest.mark.parametrize("dtype", DTYPES)
def test_distribution(dtype):
    """Kolmogorov-Smirnov on 1e6 points, which would notice distribution functions 0.006 apart."""
    noise = gumbel_fast.gumbel(size=(1000, 1000), rng=102, dtype=dtype)
    assert_continuous(noise, stats.gumbel_r.cdf, distance=0.006)


@pytest.mark.parametrize("dtype", DTYPES)
def test_far_points_are_as_many_as_they_should_be(dtype):
    """Of 4e6 points, 101 lie above log(4e4) and 1 below -log log 4e6; half or twice as many would be noticed."""
    noise = gumbel_fast.gumbel(size=(4, 10**6), rng=103, dtype=dtype)
    for count, p in [
        (np.count_nonzero(noise > 9.8), stats.gumbel_r.sf(9.8)),
        (np.count_nonzero(noise < -2.15), stats.gumbel_r.cdf(-2.15)),
    ]:
        assert_count(count, noise.size, p, against={"half the tail": p / 2, "twice the tail": 2 * p})


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbours_are_independent(dtype):
    """Correlation of neighbours along rows and columns on 1e6 points: would notice 0.01."""
    noise = gumbel_fast.gumbel(size=(1000, 1000), rng=104, dtype=dtype).astype(np.float64)
    standard = (noise - EULER_GAMMA) / (np.pi / np.sqrt(6))
    for lag in 1, 2, 3, 4, 8, 16, 32, 64, 128:
        for one, other in [(standard[:, lag:], standard[:, :-lag]), (standard[lag:], standard[:-lag])]:
            assert_near(np.mean(one * other), 0, 1 / np.sqrt(one.size), against={"a correlation": 0.01})


# --------------------------------------------------------------------------------------------------- gumbel's arguments


def test_scalars():
    assert isinstance(gumbel_fast.gumbel(rng=1), float)
    assert isinstance(gumbel_fast.gumbel(rng=1, dtype=np.float32), np.float32)
    assert gumbel_fast.gumbel(3.0, 2.0, rng=1) == pytest.approx(3 + 2 * gumbel_fast.gumbel(rng=1), rel=1e-14)


@pytest.mark.parametrize("size, shape", [
    (5, (5,)), (np.int64(4), (4,)), ((2, 3), (2, 3)), ([4, 1], (4, 1)), (0, (0,)), ((3, 0), (3, 0)), ((0, 3), (0, 3)),
])  # fmt: skip
def test_size(size, shape):
    noise = gumbel_fast.gumbel(size=size, rng=1)
    assert noise.shape == shape
    assert noise.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, "float32", "f4", np.dtype("f4"), np.float64, float, "float64"])
def test_dtype(dtype):
    assert gumbel_fast.gumbel(size=3, rng=1, dtype=dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, int, complex, object, "U3"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match=rf"{np.dtype(dtype)}|{np.dtype(dtype).name}"):
        gumbel_fast.gumbel(size=3, rng=1, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loc, scale, size", [
    (2.5, 0.25, (20, 30)),
    (np.linspace(-5, 5, 30), 2, (20, 30)),
    (0, np.linspace(0, 5, 20)[:, None], (20, 30)),
    (np.linspace(-5, 5, 30), np.linspace(0, 5, 20)[:, None], None),
    (np.arange(6).reshape(2, 3)[:, ::-1], np.float32(3), None),
    ([1, 2, 3], [[1], [2]], (4, 2, 3)),
    (1e30, 1, 50),
])  # fmt: skip
def test_loc_and_scale(loc, scale, size, dtype):
    """loc + scale * noise, to a rounding of each term."""
    shape = np.broadcast_shapes(np.shape(loc), np.shape(scale)) if size is None else size
    noise = gumbel_fast.gumbel(size=shape, rng=8, dtype=dtype).astype(np.float64)
    drawn = gumbel_fast.gumbel(loc, scale, size, rng=8, dtype=dtype)
    assert drawn.shape == noise.shape
    assert drawn.dtype == dtype
    loc, scale = np.asarray(loc, float), np.asarray(scale, float)
    bound = np.finfo(dtype).eps * (np.abs(loc) + 2 * np.abs(scale * noise))
    assert np.all(np.abs(drawn - (loc + scale * noise)) <= bound)


@pytest.mark.parametrize("dtype", DTYPES)
def test_scale_zero_is_loc(dtype):
    np.testing.assert_array_equal(gumbel_fast.gumbel(1.5, 0, 100, rng=1, dtype=dtype), 1.5)
    loc, scale = np.arange(10.0), np.tile([0.0, 1.0], 5)
    drawn = gumbel_fast.gumbel(loc, scale, rng=1, dtype=dtype)
    np.testing.assert_array_equal(drawn == loc, scale == 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [None, (30, 50)])
def test_out(dtype, size):
    out = np.full((30, 50), np.nan, dtype)
    assert gumbel_fast.gumbel(size=size, rng=3, dtype=dtype, out=out) is out
    np.testing.assert_array_equal(out, gumbel_fast.gumbel(size=(30, 50), rng=3, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_with_loc_and_scale(dtype):
    loc, scale = np.arange(50.0), np.arange(30.0)[:, None]
    out = np.empty((30, 50), dtype)
    gumbel_fast.gumbel(loc, scale, rng=3, dtype=dtype, out=out)
    np.testing.assert_array_equal(out, gumbel_fast.gumbel(loc, scale, rng=3, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("view", [
    lambda a: a[::2, ::3],
    lambda a: a[:, ::-1],
    lambda a: a[::-1],
    lambda a: a.T,
    lambda a: a[3:7, 5:6],
    lambda a: a[:0],
    lambda a: a.reshape(2, 20, 10, 6)[:, 1::2],
], ids=["steps", "backwards", "rows backwards", "transposed", "a column", "empty", "four axes"])  # fmt: skip
def test_out_of_any_strides(view, dtype):
    """The elements of `out` and no others are written."""
    whole = np.full((40, 60), np.nan, dtype)
    out = view(whole)
    gumbel_fast.gumbel(rng=3, dtype=dtype, out=out)
    expected = np.full((40, 60), np.nan, dtype)
    view(expected)[...] = gumbel_fast.gumbel(size=out.shape, rng=3, dtype=dtype)
    np.testing.assert_array_equal(whole, expected)


def test_out_may_be_loc():
    loc = np.arange(1000.0)
    expected = gumbel_fast.gumbel(loc.copy(), 2.0, rng=1)
    np.testing.assert_array_equal(gumbel_fast.gumbel(loc, 2.0, rng=1, out=loc), expected)


def test_out_over_part_of_loc_is_refused_or_right():
    memory = np.arange(1001.0)
    expected = gumbel_fast.gumbel(memory[:-1].copy(), 2.0, rng=1)
    try:
        drawn = gumbel_fast.gumbel(memory[:-1], 2.0, rng=1, out=memory[1:])
    except ValueError:
        np.testing.assert_array_equal(memory, np.arange(1001.0))
    else:
        np.testing.assert_array_equal(drawn, expected)


def read_only(shape):
    array = np.zeros(shape)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("arguments", [
    {"scale": -1.0, "size": 3},
    {"scale": -1e-300},
    {"scale": [1.0, -1.0]},
    {"scale": np.array([[1.0], [-1.0]]), "size": (2, 3)},
    {"size": -1},
    {"size": (3, -1)},
    {"loc": [1.0, 2.0], "size": 3},
    {"loc": [1.0, 2.0], "scale": [1.0, 2.0, 3.0]},
    {"loc": np.zeros((2, 3)), "size": 3},
    {"size": 3, "out": np.zeros(4)},
    {"size": (3, 1), "out": np.zeros(3)},
    {"loc": np.zeros((2, 3)), "out": np.zeros(3)},
    {"size": 3, "out": np.zeros(3, np.float32)},
    {"size": 3, "out": np.zeros(3, np.int64)},
    {"size": 3, "out": np.zeros(3), "dtype": np.float32},
    {"size": 3, "out": np.zeros(3, ">f8")},
    {"size": 3, "out": read_only(3)},
])  # fmt: skip
def test_value_errors(arguments):
    before = {name: np.copy(value) for name, value in arguments.items()}
    with pytest.raises(ValueError, match="|".join(["shape", *arguments])):
        gumbel_fast.gumbel(rng=1, **arguments)
    for name, value in before.items():
        np.testing.assert_array_equal(arguments[name], value)


@pytest.mark.parametrize("name", ["loc", "scale"])
@pytest.mark.parametrize("value", [1j, np.array([1j]), "1", np.array(["a"]), object(), np.array([None])])
def test_type_errors(name, value):
    with pytest.raises(TypeError, match=rf"{np.asarray(value).dtype}|{np.asarray(value).dtype.name}"):
        gumbel_fast.gumbel(rng=1, **{name: value})


SIZES = [None, (), [], 3, np.int64(3), (2, 3), [2, 3], range(2, 4), np.array(3), np.array([3]), np.array([], int),
         np.array([2, 3], np.uint8), [np.int32(2), 3], (2, 0), 0]  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=repr)
def test_sizes_are_those_of_numpy(size):
    """Their shapes, and for () an array of no axes, where no size gives a scalar."""
    expected = np.random.default_rng(1).gumbel(size=size)
    actual = gumbel_fast.gumbel(size=size, rng=1)
    assert np.shape(actual) == np.shape(expected)
    assert isinstance(actual, np.ndarray) == isinstance(expected, np.ndarray)
    loc = np.zeros(())
    assert type(gumbel_fast.gumbel(loc, size=size)) is type(actual)


@pytest.mark.parametrize(
    "size",
    [3.0, "3", {2, 3}, {2: 1}, True, (2.0,), (2, None), [[2]], np.array([2.0]), np.array([[2, 3]]), np.array(True)],
    ids=repr,
)
def test_sizes_that_numpy_refuses(size):
    for gumbel in np.random.default_rng(1).gumbel, gumbel_fast.gumbel:
        with pytest.raises(TypeError):
            gumbel(size=size)
    with pytest.raises(TypeError):
        gumbel_fast.gumbel(size=iter([2, 3]))


def test_keywords_only():
    with pytest.raises(TypeError):
        gumbel_fast.gumbel(0.0, 1.0, 3, np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loc, scale", [(-1.0, 1.0), (1.0, 1.0), (-3.0, 3.0), (0.9, 0.01), (0.0, 1.0)])
def test_loc_and_scale_near_the_ends_of_the_dtype(loc, scale, dtype, target):
    """What a number of the dtype can hold is right, though loc, scale or their product may be beyond it."""
    most = float(np.finfo(dtype).max)
    if dtype == np.float64 and abs(loc) > 1:
        loc, scale = 1.0, 1.0
    loc, scale = loc * most, scale * most
    for n in 5, 200, 5000:
        noise = gumbel_fast.gumbel(size=n, dtype=dtype, rng=n)
        result = gumbel_fast.gumbel(loc, scale, n, dtype=dtype, rng=n)
        with np.errstate(over="ignore"):
            wide = (loc / 64 + scale / 64 * noise.astype(np.float64)) * 64
            expected = wide.astype(dtype)
        np.testing.assert_array_equal(result, expected)
        assert n < 200 or np.isfinite(result).any()
