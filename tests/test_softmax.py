"""softmax, log_softmax and logsumexp: their error bounds, temperatures, axes, layouts and bad input.

Truth is computed in wide floats. The bounds stand beside the kernel and are read from there: an entry z below the row's
largest, after temperature, is right to (1 + z) times them.
"""

import warnings

import numpy as np
import pytest
from scipy import special

import gumbel_fast
import reference
from gumbel_fast import _core

DTYPES = [np.float32, np.float64]
FUNCTIONS = ["softmax", "log_softmax", "logsumexp"]
LENGTHS = [1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000, 1023, 1024, 1025, 4097]


@pytest.fixture(autouse=True)
def no_warnings():
    """Whatever the rows hold, nothing is said on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def relative_bound(dtype):
    return _core.BOUNDS["softmax_f32_rel" if dtype == np.float32 else "softmax_f64_rel"]


def assert_within_bound(x, temperature=1.0):
    """All three functions of rows x, along the last axis."""
    with np.errstate(all="ignore"):
        wide, t = x.astype(np.longdouble), np.asarray(temperature, dtype=np.longdouble)[..., np.newaxis]
        z = (wide.max(axis=-1, keepdims=True) - wide) / t
        weights = np.exp(-z)
        total = weights.sum(axis=-1, keepdims=True)
        truth, log_truth = weights / total, -z - np.log(total)
        log_total = (wide.max(axis=-1, keepdims=True) / t + np.log(total))[..., 0]
    bound = relative_bound(x.dtype)
    tiny = np.finfo(x.dtype).tiny  # below it numbers have fewer bits, and may be 0
    y = gumbel_fast.softmax(x, temperature=temperature)
    assert y.dtype == x.dtype
    error = np.abs(y - truth) / (truth * bound * (1 + np.where(np.isinf(z), 0, z)) + tiny)
    assert error.max() <= 1, f"{error.max():.2f} of the bound at z = {z.flat[error.argmax()]}"
    sums = y.sum(axis=-1, dtype=np.float64)
    np.testing.assert_allclose(sums, 1, rtol=0, atol=1e-6 if x.dtype == np.float32 else 1e-13)
    log_y = gumbel_fast.log_softmax(x, temperature=temperature)
    assert log_y.dtype == x.dtype
    finite = log_truth > np.finfo(x.dtype).min
    assert np.all(log_y[~finite] == -np.inf)
    error = np.abs(log_y[finite] - log_truth[finite])
    assert np.all(error <= 4 * bound * (1 + np.abs(log_truth[finite])))
    log_sum = gumbel_fast.logsumexp(x, temperature=temperature)
    assert log_sum.dtype == x.dtype
    error = np.abs(log_sum - log_total)
    assert np.all(error <= 4 * bound * (1 + np.abs(log_total)))


def test_bound_is_the_one_promised():
    """What stands beside the kernel may be tighter than the contract and never looser."""
    assert _core.BOUNDS["softmax_f32_rel"] <= 2**-22
    assert _core.BOUNDS["softmax_f64_rel"] <= 2**-50


# ------------------------------------------------------------------------------------------------------------- accuracy


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_gaussian_rows(n, dtype):
    assert_within_bound(np.random.default_rng(n).normal(0, 2.5, (20, n)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", [1e-3, 80, 1000])
def test_spread_rows(spread, dtype):
    """Every distance from the largest, down to and past where the weights are 0."""
    x = np.linspace(-spread, 0, 5000)
    x = np.stack([x, x[::-1], np.random.default_rng(1).permutation(x)])
    assert_within_bound(x.astype(dtype))
    assert_within_bound((x + 1e4).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 16, 17, 1000, 131_072])
def test_equal_rows(n, dtype):
    assert_within_bound(np.full((2, n), -3.3, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("below", [0.3, 1.1, 7.7, 12.3])
def test_sums_do_not_drift(below, dtype):
    """One head and a long tail of equal weights, whose roundings all go the same way when they are added up."""
    x = np.full((2, 262_145), -below, dtype)
    x[0, 0] = x[1, -1] = 0
    assert_within_bound(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_real_rows(real_logits, dtype):
    assert_within_bound(real_logits.astype(dtype))
    assert_within_bound(real_logits.astype(dtype), np.linspace(0.1, 3, len(real_logits)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_masks(dtype):
    x = np.random.default_rng(2).normal(size=(50, 200)).astype(dtype)
    masked = np.random.default_rng(3).random(x.shape) < np.linspace(0, 0.95, 50)[:, None]
    x[masked] = -np.inf
    x[-1] = -np.inf
    x[-1, 77] = 3
    assert_within_bound(x)
    np.testing.assert_array_equal(gumbel_fast.softmax(x) == 0, x == -np.inf)
    np.testing.assert_array_equal(gumbel_fast.log_softmax(x) == -np.inf, x == -np.inf)
    assert gumbel_fast.softmax(x)[-1, 77] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_largest_numbers(dtype):
    """Differences may overflow: the weight is then 0."""
    large = np.finfo(dtype).max
    y = gumbel_fast.softmax(np.array([[large, -large, large], [-large, -large, -large], [large, 0, 1]], dtype))
    np.testing.assert_allclose(y, [[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]], rtol=1e-6)


# ---------------------------------------------------------------------------------------------------------- temperature


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [0.1, 0.5, 1, 2, 5, 50, 1e3, 1e-3, np.float32(0.7), 1e10])
def test_temperature(temperature, dtype):
    assert_within_bound(np.random.default_rng(4).normal(0, 3, (7, 333)).astype(dtype), temperature)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [5e-324, 1e-310, 1e-60, 1e-40, 1e-30])
def test_coldest(temperature, dtype):
    """Ties share, all else is 0; the reciprocal of the temperature may overflow and must not matter."""
    x = np.array([[1, 3, 3, 2], [-1, -5, -2, -np.inf], [0, 0, 0, 0]], dtype)
    expected = [[0, 0.5, 0.5, 0], [1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]]
    np.testing.assert_array_equal(gumbel_fast.softmax(x, temperature=temperature), np.array(expected, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1e30, 1e40, 1e300])
def test_hottest(temperature, dtype):
    x = np.array([[1, 3, 3, 2], [-1e3, 0, 5, -np.inf]], dtype)
    np.testing.assert_allclose(
        gumbel_fast.softmax(x, temperature=temperature), [[0.25] * 4, [1 / 3, 1 / 3, 1 / 3, 0]], rtol=1e-6
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (4, 1), (4, 5), (1, 5)])
def test_a_temperature_for_each_row(shape, dtype):
    """Each row is what its own temperature alone gives, to the bit."""
    x = np.random.default_rng(5).normal(0, 3, (4, 5, 60)).astype(dtype)
    temperature = np.random.default_rng(6).uniform(0.2, 4, shape)
    each = np.broadcast_to(temperature, (4, 5))
    for name in FUNCTIONS:
        function = getattr(gumbel_fast, name)
        together = function(x, temperature=temperature)
        for i, j in np.ndindex(4, 5):
            np.testing.assert_array_equal(together[i, j], function(x[i, j], temperature=float(each[i, j])))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("temperature", [0, 0.0, -1, -1e-300, np.nan, [1, 1, 0], [1, -1, 1], [1, np.nan, 1]])
def test_temperatures_that_are_none(function, temperature):
    with pytest.raises(ValueError, match="temperature"):
        getattr(gumbel_fast, function)(np.zeros((3, 4)), temperature=temperature)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(2,), (4,), (3, 4), (3, 1), (1, 3, 1), (2, 3)])
def test_temperatures_that_do_not_fit(function, shape):
    """The batch has three rows: temperatures may be broadcast to it, never it to them."""
    with pytest.raises(ValueError, match="temperature"):
        getattr(gumbel_fast, function)(np.zeros((3, 4)), temperature=np.ones(shape))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("temperature", [1j, "1", [None], np.array(["a"])])
def test_temperatures_of_other_kinds(function, temperature):
    dtype = np.asarray(temperature).dtype
    with pytest.raises(TypeError, match=f"{dtype}|{dtype.name}"):
        getattr(gumbel_fast, function)(np.zeros(4), temperature=temperature)


# ----------------------------------------------------------------------------------------------------- axes and layouts


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_axis(function, axis):
    x = np.random.default_rng(7).normal(size=(6, 7, 8))
    actual = getattr(gumbel_fast, function)(x, axis=axis)
    np.testing.assert_allclose(actual, getattr(special, function)(x, axis=axis), rtol=1e-13)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", [2, -3, 10**6])
def test_axis_out_of_bounds(function, axis):
    with pytest.raises(np.exceptions.AxisError):
        getattr(gumbel_fast, function)(np.zeros((3, 4)), axis=axis)


LAYOUTS = {
    "strided rows": lambda x: np.repeat(x, 3, axis=0)[::3],
    "padded rows": lambda x: np.pad(x, ((0, 0), (0, 5)))[:, :-5],
    "rows backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "strided columns": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "columns backwards": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "Fortran order": np.asfortranarray,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "misaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, dtype, function):
    """The same bits from wherever the rows lie."""
    x = np.random.default_rng(8).normal(0, 3, (9, 131)).astype(dtype)
    expected = getattr(gumbel_fast, function)(x)
    actual = getattr(gumbel_fast, function)(layout(x))
    assert actual.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_row_broadcast(function):
    row = np.random.default_rng(9).normal(size=70)
    actual = getattr(gumbel_fast, function)(np.broadcast_to(row, (1000, 70)))
    np.testing.assert_array_equal(actual, np.broadcast_to(getattr(gumbel_fast, function)(row), actual.shape))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("logits", [
    [1, 2, 3], [[1.5, 2], [3, 4]], (0.5,), np.arange(12, dtype=np.int8).reshape(3, 4), np.arange(3, dtype=np.uint64),
])  # fmt: skip
def test_lists_and_integers_become_float64(function, logits):
    actual = getattr(gumbel_fast, function)(logits)
    assert np.asarray(actual).dtype == np.float64
    np.testing.assert_array_equal(actual, getattr(gumbel_fast, function)(np.array(logits, dtype=np.float64)))


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5), (3, 0, 5)])
def test_shapes(shape):
    x = np.zeros(shape, np.float32)
    assert gumbel_fast.softmax(x).shape == shape
    assert gumbel_fast.log_softmax(x).shape == shape
    assert np.shape(gumbel_fast.logsumexp(x)) == shape[:-1]
    assert np.shape(gumbel_fast.logsumexp(x, axis=0)) == shape[1:] if shape[0] else True


def test_logsumexp_of_one_row_is_a_scalar():
    assert type(gumbel_fast.logsumexp([1.0, 2.0])) is np.float64
    assert type(gumbel_fast.logsumexp(np.ones(3, np.float32))) is np.float32


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_axis_to_work_along(function):
    with pytest.raises(ValueError, match="axis"):
        getattr(gumbel_fast, function)(3.0)


# ------------------------------------------------------------------------------------------------------------------ out


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_out(function, dtype, axis):
    x = np.random.default_rng(10).normal(size=(6, 7, 30)).astype(dtype)
    expected = getattr(gumbel_fast, function)(x, axis=axis)
    for view in lambda a: a, lambda a: a[::-1], lambda a: np.swapaxes(a, 0, 1).copy().swapaxes(0, 1):
        out = view(np.full(expected.shape, np.nan, dtype))
        assert getattr(gumbel_fast, function)(x, axis=axis, out=out) is out
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_in_place(function, dtype):
    x = np.random.default_rng(11).normal(size=(6, 131)).astype(dtype)
    expected = getattr(gumbel_fast, function)(x)
    getattr(gumbel_fast, function)(x, out=x)
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shift", [-67, -1, 1, 3, 67])
def test_overlapping_out_is_refused_or_right(function, shift):
    memory = np.random.default_rng(12).normal(size=20 * 67)
    before = memory.copy()
    x = memory[200:1004].reshape(12, 67)
    expected = getattr(gumbel_fast, function)(x.copy())
    out = memory[200 + shift :][: expected.size].reshape(expected.shape)
    try:
        actual = getattr(gumbel_fast, function)(x, out=out)
    except ValueError:
        np.testing.assert_array_equal(memory, before)
    else:
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_outs_that_do_not_fit(function):
    x = np.zeros((3, 4))
    shape = getattr(gumbel_fast, function)(x).shape
    read_only = np.zeros(shape)
    read_only.flags.writeable = False
    for out in np.zeros((4, 3)), np.zeros((1, *shape)), np.zeros(shape, np.float32), np.zeros(shape, ">f8"), read_only:
        before = out.copy()
        with pytest.raises(ValueError, match="out"):
            getattr(gumbel_fast, function)(x, out=out)
        np.testing.assert_array_equal(out, before)


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 5, 16, 64, 100, 1025])
def test_bad_rows_are_nan_and_nothing_else_is(n, dtype):
    x = np.random.default_rng(13).normal(size=(12, n)).astype(dtype)
    good = {name: getattr(gumbel_fast, name)(x) for name in FUNCTIONS}
    x[2] = -np.inf
    x[5, n // 2] = np.nan
    x[7] = np.nan
    x[8] = -np.inf
    x[8, n - 1] = np.nan
    bad = np.isin(np.arange(12), [2, 5, 7, 8])
    for name in "softmax", "log_softmax":
        y = getattr(gumbel_fast, name)(x)
        assert np.isnan(y[bad]).all()
        np.testing.assert_array_equal(y[~bad], good[name][~bad])
    total = gumbel_fast.logsumexp(x)
    np.testing.assert_array_equal(np.isnan(total), np.isin(np.arange(12), [5, 7, 8]))
    assert total[2] == -np.inf  # the logarithm of 0, as in SciPy
    np.testing.assert_array_equal(total[~bad], good["logsumexp"][~bad])


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinity_is_as_in_scipy(dtype):
    x = np.array([[0, np.inf, 1], [0, 1, 2]], dtype)
    assert np.isnan(gumbel_fast.softmax(x)[0]).all()
    assert np.isfinite(gumbel_fast.softmax(x)[1]).all()
    assert gumbel_fast.logsumexp(x)[0] == np.inf


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("logits", [[1j, 2], ["a", "b"], [None, 1.0], np.array([b"a"]), np.zeros(3, "c8")])
def test_other_kinds_are_refused(function, logits):
    dtype = np.asarray(logits).dtype
    with pytest.raises(TypeError, match=f"{dtype}|{dtype.name}"):
        getattr(gumbel_fast, function)(logits)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_too_many_columns(function):
    with pytest.raises(ValueError, match=r"2\*\*34"):
        getattr(gumbel_fast, function)(np.broadcast_to(np.float32(0), (2**34 + 1,)))


def test_twin_is_scipy():
    """The truth used above is not of this library's making alone."""
    x = np.random.default_rng(14).normal(0, 3, (5, 100))
    for name in FUNCTIONS:
        np.testing.assert_allclose(getattr(reference, name)(x), getattr(special, name)(x, axis=-1), rtol=1e-14)
