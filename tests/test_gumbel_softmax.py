"""gumbel_softmax: the softmax of logits with the noise of `gumbel`, within the bound beside the kernel.

Its noise being that of `gumbel`, what it follows needs no statistics here.
"""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gumbel_fast
import reference
from gumbel_fast import _core
from gumbel_fast._arguments import NO_FILTERS
from gumbel_fast._request import to_relax
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

FORMS = [{}, {"hard": True}, {"log": True}]
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
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_equal_logits(form, dtype, target):
    """Only differences count: rows all at 1e30 give what rows all at 0 do, bit for bit."""
    for n in 3, 10, 65, 1000:
        x = np.full((20, n), 1e30, dtype)
        x[:, 0] = -np.inf
        result = gumbel_fast.gumbel_softmax(x, rng=1, **form)
        np.testing.assert_array_equal(result, gumbel_fast.gumbel_softmax(np.minimum(x, 0), rng=1, **form))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("n", [1, 5, 8, 16, 17, 64, 65, 1000])
def test_rows_without_a_softmax_are_nan(n, form, dtype, target):
    """Theirs alone, and without a warning."""
    x = some_rows((40, n), dtype, masked=0)
    sound = np.ones(40, bool)
    for r, bad in [(3, np.nan), (15, np.inf), (16, np.nan), (39, -np.nan)]:
        x[r, n // 2], sound[r] = bad, False
    x[20], sound[20] = -np.inf, False
    for temperature in 1, 1e-300, 1e300:
        options = {"rng": 1, "temperature": temperature, **form}
        result = gumbel_fast.gumbel_softmax(x, **options)
        assert np.isnan(result[~sound]).all()
        np.testing.assert_array_equal(result[sound], gumbel_fast.gumbel_softmax(np.nan_to_num(x), **options)[sound])


# ----------------------------------------------------------------------------------------------------------- logarithms


def log_softmax_of(sums, temperature):
    """What `log` should give, in long double, and the error that is allowed for it, both for each entry.

    A logarithm is z, which is rounded three times, less that of 1 and the other weights, which keep their relative
    bound beside it; it is rounded, and so is the difference. So what is near 0 is held to its own size.
    """
    bound, rounding = BOUND[sums.dtype], np.finfo(sums.dtype).eps / 2
    sums, temperature = sums.astype(np.longdouble), np.asarray(temperature)[..., np.newaxis].astype(np.longdouble)
    with np.errstate(over="ignore", invalid="ignore"):
        z = (sums.max(axis=-1, keepdims=True) - sums) / temperature
    weights = np.exp(-z)
    np.put_along_axis(weights, sums.argmax(axis=-1)[..., np.newaxis], 0, axis=-1)
    beside = weights.sum(axis=-1, keepdims=True)
    doubt = (weights * (1 + np.where(weights > 0, z, 0))).sum(axis=-1, keepdims=True) / (1 + beside)
    expected = -z - np.log1p(beside)
    return expected, bound * (z + doubt) + rounding * (np.log1p(beside) - expected)


def assert_log_softmax_of(result, sums, temperature=1.0):
    expected, allowed = log_softmax_of(sums, temperature)
    with np.errstate(over="ignore"):
        finite = expected.astype(result.dtype) > -np.inf
    np.testing.assert_array_equal(result > -np.inf, finite)
    tiny = 4 * np.finfo(result.dtype).tiny
    assert np.all(np.abs(result[finite] - expected[finite]) <= allowed[finite] + tiny)
    assert np.all(result <= 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.3, 7, np.linspace(0.1, 2, 9)], ids=["1", "0.3", "7", "each"])
@pytest.mark.parametrize("n", [*LENGTHS, 320, 40_000])
def test_log_is_log_softmax_with_the_noise(n, temperature, dtype, target):
    """-inf of what is masked alone."""
    x = some_rows((9, n), dtype)
    for offset in (0, 0), (2**64 - 3, 2**34 - n):
        options = {"rng": 7, "offset": offset}
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, log=True, **options)
        assert result.dtype == dtype
        assert_log_softmax_of(result, with_noise(x, **options), temperature)
        np.testing.assert_array_equal(result == -np.inf, x == -np.inf)
        soft = gumbel_fast.gumbel_softmax(x, temperature=temperature, **options)
        normal = soft > np.finfo(dtype).tiny
        error = 100 * np.finfo(dtype).eps  # of z, which is below 100 where the sample is normal in float
        np.testing.assert_allclose(result[normal], np.log(soft[normal]), rtol=error, atol=error)


def rows_to_spoil_lanes(rows, n, dtype):
    """Logits and temperatures at which rows go by themselves, among others that go by lanes."""
    x = some_rows((rows, n), dtype, masked=0.4)
    temperature = np.full(rows, 0.7)
    x[5::16] *= np.finfo(dtype).max / 16
    x[5::16, -1] = np.finfo(dtype).max / 2
    temperature[5::32] = 3
    temperature[11::32] = 1e-310
    temperature[12::32] = 1e300
    return x, temperature


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 320])
@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 33, 100])
def test_log_of_every_row_of_a_batch(rows, n, dtype, target):
    """Rows of any number together are what they are alone, bit for bit, also beside those that lanes cannot serve."""
    plain = some_rows((rows, n), dtype, masked=0.4)
    for x, temperature in (plain, np.full(rows, 0.7)), rows_to_spoil_lanes(rows, n, dtype):
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, log=True, rng=7)
        for r in {*range(min(rows, 14)), rows // 2, rows - 1}:
            options = {"temperature": temperature[r], "log": True, "rng": 7, "offset": (r, 0)}
            np.testing.assert_array_equal(gumbel_fast.gumbel_softmax(x[r], **options), result[r])
    assert_log_softmax_of(gumbel_fast.gumbel_softmax(plain, log=True, rng=7), with_noise(plain, rng=7))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1e-3, 0.1, 10, 1e3])
@pytest.mark.parametrize("spread", [1, 30, 1e3])
def test_log_is_finite_where_the_sample_underflows(spread, temperature, dtype, target):
    for n in 3, 10, 64, 65, 320, 5000:
        x = (spread * np.random.default_rng(n).uniform(-1, 1, (20, n))).astype(dtype)
        x[0] = -spread
        x[0, n // 2] = spread
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, log=True, rng=1)
        assert np.isfinite(result).all()
        assert_log_softmax_of(result, with_noise(x, rng=1), temperature)
        if temperature == 1e-3:
            assert np.any(gumbel_fast.gumbel_softmax(x, temperature=temperature, rng=1) == 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 10, 64, 65, 1000])
def test_log_keeps_its_digits_near_0(n, dtype, target):
    """Where the sample is 1: minus the sum of the others, to the precision of an exponential that far out."""
    x = np.full((20, n), -60, dtype)
    x[:, n // 2] = 0
    log = gumbel_fast.gumbel_softmax(x, log=True, rng=1)[:, n // 2]
    assert np.all(gumbel_fast.gumbel_softmax(x, rng=1)[:, n // 2] == 1)
    z = with_noise(x, rng=1).astype(np.float64)
    others = np.exp(np.delete(z - z[:, n // 2, np.newaxis], n // 2, axis=1)).sum(axis=1)
    np.testing.assert_allclose(log, -others, rtol=80 * BOUND[np.dtype(dtype)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [5e-324, 1e-310, 1e-60, 1e-39, 1e39, 1e300, np.inf])
def test_log_at_extreme_temperatures(temperature, dtype, target):
    """As far as the dtype reaches: -inf where the logarithm itself overflows."""
    for n in 3, 17, 65, 1000:
        x = some_rows((20, n), dtype)
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, log=True, rng=1)
        sums = with_noise(x, rng=1)
        if temperature < 1:
            expected, _ = log_softmax_of(sums, temperature)
        else:
            possible = x > -np.inf
            with np.errstate(divide="ignore"):
                expected = np.log(possible / possible.sum(axis=1, keepdims=True))
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(result, expected.astype(dtype), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1, 1.5, 10, 1e5, 1e30])
def test_log_where_differences_of_logits_overflow(temperature, dtype, target):
    """Logits at both ends of the range, and some equal to the greatest, which the noise alone tells apart."""
    most = np.finfo(dtype).max
    for n in 3, 17, 64, 65, 1000:
        x = np.random.default_rng(n).choice([-1, -0.5, 0, 0.75, 1], (20, n)).astype(dtype) * most
        x[:, 0], x[:, -1] = most, -most
        x[::3, 1] = -np.inf
        with np.errstate(over="ignore"):
            noise = gumbel_fast.gumbel(size=x.shape, dtype=dtype, rng=1).astype(np.longdouble)
            z = (x.astype(np.longdouble) / 2 - most / 2 + noise / 2) / (temperature / 2)
            z -= z.max(axis=1, keepdims=True)
            expected = (z - np.log(np.exp(z).sum(axis=1, keepdims=True))).astype(dtype)
        result = gumbel_fast.gumbel_softmax(x, temperature=temperature, log=True, rng=1)
        assert temperature < 2 or np.isfinite(result[x > -np.inf]).all()
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_log_of_halves(dtype):
    x = np.random.default_rng(4).integers(-3, 4, (20, 9)).astype(dtype)
    wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    result = gumbel_fast.gumbel_softmax(x, log=True, rng=1)
    np.testing.assert_array_equal(result, gumbel_fast.gumbel_softmax(x.astype(wide), log=True, rng=1))


@pytest.mark.parametrize("n", [10, 300])
def test_log_on_threads(n):
    x = some_rows((60_000 // n, n))
    expected = gumbel_fast.gumbel_softmax(x, temperature=0.5, log=True, rng=1)
    np.testing.assert_array_equal(gumbel_fast.gumbel_softmax(x, temperature=0.5, log=True, rng=1, workers=3), expected)


# ------------------------------------------------------------------------------------------------------ one-hot besides


def with_one_hot(x, out=None, form=_core.SOFT, temperature=1.0, mask=None):
    """The core's sample of seed 1 and its one-hot besides, in three runs."""
    request = to_relax(x, (temperature, mask, None, NO_FILTERS, -1), rng=1)
    out = np.full(x.shape, 7, request.compute_type) if out is None else out
    one_hot = np.full(x.shape, 7, request.compute_type)
    request.into(out=out, form=form, one_hot=one_hot)
    ends = [0, request.count // 3, request.count // 2, request.count]
    for start, stop in itertools.pairwise(ends):
        _core.relax(request, _core.GUMBEL_SOFTMAX, start, stop)
    return out, one_hot


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("temperature", [1, 0.3, 1e5, 1e-310, 1e300, "each"])
@pytest.mark.parametrize("n", [1, 3, 10, 16, 17, 63, 64, 65, 320])
def test_one_hot_besides(n, temperature, dtype, target):
    """Both to the bit what two calls give, whatever the temperature; rows without a softmax are NaN in both."""
    x = some_rows((100, n), dtype, masked=0.2)
    if temperature == "each":
        temperature = np.resize([1, 1e-310, 0.3, 1e5, 1e300, 2, 3], 100)
    x[7, n // 2], x[30] = np.nan, -np.inf
    expected = gumbel_fast.gumbel_softmax(x, hard=True, rng=1)
    for form, options in zip((_core.SOFT, _core.HARD, _core.LOG), FORMS, strict=True):
        out, one_hot = with_one_hot(x, form=form, temperature=temperature)
        np.testing.assert_array_equal(out, gumbel_fast.gumbel_softmax(x, temperature=temperature, rng=1, **options))
        np.testing.assert_array_equal(one_hot, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 64, 65, 320])
def test_one_hot_besides_is_of_the_sums(n, dtype, target):
    """Where all entries of soft samples are equal, and where differences of logits overflow."""
    x = some_rows((40, n), dtype)
    out, one_hot = with_one_hot(np.zeros_like(x), temperature=1e9)
    noise = gumbel_fast.gumbel(size=x.shape, dtype=dtype, rng=1)
    np.testing.assert_array_equal(one_hot, np.arange(n) == noise.argmax(axis=1)[:, np.newaxis])
    if dtype == np.float32:
        assert np.any(out.argmax(axis=1) != noise.argmax(axis=1))
    x[:, 0], x[:, -1] = np.finfo(dtype).max, -np.finfo(dtype).max
    for form in _core.SOFT, _core.LOG:
        _, one_hot = with_one_hot(x, form=form, temperature=10)
        np.testing.assert_array_equal(one_hot, np.arange(n) == np.zeros((40, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_one_hot_besides_of_layouts(layout, dtype):
    """With a mask, and in place where the rows can be written."""
    for n in 7, 64, 300:
        x, mask = some_rows((40, n), dtype), np.random.default_rng(1).random((40, n)) < 0.7
        mask[:, 0] = True
        soft, hard = (gumbel_fast.gumbel_softmax(x, mask=mask, hard=hard, rng=1) for hard in (False, True))
        for laid in layout(x), np.asfortranarray(layout(x)):
            for out in (None, laid) if laid.flags.writeable and laid.dtype == dtype else (None,):
                sample, one_hot = with_one_hot(laid, out, mask=mask)
                np.testing.assert_array_equal(sample, soft)
                np.testing.assert_array_equal(one_hot, hard)


def test_one_hot_is_asked_for_each_time():
    """A request that has given one gives none to who does not ask again."""
    request = to_relax(np.zeros((5, 9)), (1.0, None, None, NO_FILTERS, -1), rng=1)
    out, one_hot = np.empty((5, 9)), np.empty((5, 9))
    _core.relax(request.into(out=out, one_hot=one_hot), _core.GUMBEL_SOFTMAX, 0, 5)
    one_hot[...] = 7
    _core.relax(request.into(out=out), _core.GUMBEL_SOFTMAX, 0, 5)
    assert np.all(one_hot == 7)


# ------------------------------------------------------------------------------------------------ layouts, axes, offset


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, form, dtype):
    for n in 7, 64, 300:
        x = some_rows((40, n), dtype)
        expected = gumbel_fast.gumbel_softmax(x, rng=6, **form)
        np.testing.assert_array_equal(gumbel_fast.gumbel_softmax(layout(x), rng=6, **form), expected)


def test_broadcast_rows_differ():
    """One row of memory, many of noise."""
    x = np.broadcast_to(np.zeros(10, np.float32), (3, 4, 10))
    result = gumbel_fast.gumbel_softmax(x, rng=1)
    assert_softmax_of(result, with_noise(x, rng=1))
    assert len(np.unique(result[..., 0])) == 12


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0,), (2, 3), (2, 0), (2, 3, 4)])
@pytest.mark.parametrize("n", [0, 1, 6, 200])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_batch_shapes_and_axes(form, shape, n):
    x = some_rows((*shape, max(n, 1)), np.float64)[..., :n]
    expected = gumbel_fast.gumbel_softmax(x, rng=8, **form)
    assert expected.shape == x.shape
    for axis in range(-len(shape) - 1, len(shape) + 1):
        result = gumbel_fast.gumbel_softmax(np.moveaxis(x, -1, axis), axis=axis, rng=8, **form)
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
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_out(form, axis, view, dtype):
    x = some_rows((30, 40), dtype)
    out = view(np.full(x.shape, -1, dtype))
    assert gumbel_fast.gumbel_softmax(x, axis=axis, rng=1, out=out, **form) is out
    np.testing.assert_array_equal(out, gumbel_fast.gumbel_softmax(x, axis=axis, rng=1, **form))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("n", [3, 10, 64, 65, 1000])
def test_in_place(n, form, dtype):
    for layout in (lambda x: x), LAYOUTS["padded rows"], np.asfortranarray, LAYOUTS["rows backwards"]:
        x = layout(some_rows((20, n), dtype))
        expected = gumbel_fast.gumbel_softmax(x, rng=1, **form)
        assert gumbel_fast.gumbel_softmax(x, rng=1, out=x, **form) is x
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


def test_a_one_hot_has_no_logarithm():
    out = np.full((3, 5), 7.0)
    with pytest.raises(ValueError, match="a one-hot sample has no logarithm"):
        gumbel_fast.gumbel_softmax(np.zeros((3, 5)), hard=True, log=True, rng=1, out=out)
    assert np.all(out == 7)


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
    log, expected = (module.gumbel_softmax(x, log=True, **options) for module in (gumbel_fast, reference))
    np.testing.assert_allclose(log, expected, rtol=1e-4, atol=1e-6)
    assert log.dtype == expected.dtype
    if hard and n:
        top = np.sort(soft, axis=1)[:, -2:]
        settled = top[:, -1] > top[:, 0] * 1.01 if n > 1 else np.ones(3, bool)
        one_hot = gumbel_fast.gumbel_softmax(x, hard=True, **options)
        twin = reference.gumbel_softmax(x, hard=True, **options)
        np.testing.assert_array_equal(one_hot[settled], twin[settled])
