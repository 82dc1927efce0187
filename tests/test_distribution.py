"""gumbel_r: every function in both tails against mpmath, its arguments, SciPy's conventions, and the fit.

The bound stands beside the kernels, in ULP of the true value, and is read from there.
"""

import mpmath
import numpy as np
import pytest
from scipy import stats

import gumbel_fast
import reference
from exact import exact
from gumbel_fast import _core, gumbel_r
from statistical import assert_near

FEW = _core.BOUNDS["distribution_ulp"]

VALUE_FUNCTIONS = ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]
PROBABILITY_FUNCTIONS = ["ppf", "isf"]
FUNCTIONS = VALUE_FUNCTIONS + PROBABILITY_FUNCTIONS
PARAMETER_FUNCTIONS = ["mean", "median", "var", "std", "entropy"]

EXACT = {
    "pdf": lambda z: mpmath.exp(-z - mpmath.exp(-z)),
    "logpdf": lambda z: -z - mpmath.exp(-z),
    "cdf": lambda z: mpmath.exp(-mpmath.exp(-z)),
    "logcdf": lambda z: -mpmath.exp(-z),
    "sf": lambda z: -mpmath.expm1(-mpmath.exp(-z)),
    "logsf": lambda z: (
        mpmath.log1p(-mpmath.exp(-mpmath.exp(-z))) if z < 0 else mpmath.log(-mpmath.expm1(-mpmath.exp(-z)))
    ),
    "ppf": lambda q: -mpmath.log(-mpmath.log(q)),
    "isf": lambda q: -mpmath.log(-mpmath.log1p(-q)),
}


def errors_in_ulp(function, x, loc=0.0, scale=1.0):
    """How far gumbel_r.function(x, loc, scale) is from the truth, in ULP of the truth."""
    actual = getattr(gumbel_r, function)(x, loc, scale)
    nearest, rest = exact(240, lambda *values: in_place(function, *values), *np.broadcast_arrays(x, loc, scale))
    assert actual.dtype == np.float64
    assert np.isfinite(actual).all()
    return np.abs((actual - nearest) - rest) / np.spacing(np.abs(nearest))


def in_place(function, x, loc, scale):
    """The function of the law at a place and scale, from that of the standard one."""
    if function in PROBABILITY_FUNCTIONS:
        return loc + scale * EXACT[function](x)
    value = EXACT[function]((x - loc) / scale)
    return {"pdf": value / scale, "logpdf": value - mpmath.log(scale)}.get(function, value)


def spread(low, high, count, seed):
    """Points uniform between two ends, the ends and the whole numbers among them."""
    whole = np.arange(np.ceil(low), np.floor(high) + 1)
    if whole.size > 200:
        whole = whole[:: whole.size // 200]
    return np.concatenate([np.random.default_rng(seed).uniform(low, high, count), whole, [low, high]])


# ------------------------------------------------------------------------------------------------------------- accuracy


@pytest.mark.parametrize("function, low, high", [
    ("pdf", 0.0, 700.0),
    ("pdf", 0.0, 40.0),
    ("logpdf", -700.0, 1e6),
    ("logpdf", -3.0, 40.0),
    ("cdf", 0.0, 40.0),
    ("logcdf", -700.0, 700.0),
    ("logcdf", -3.0, 40.0),
    ("sf", 0.0, 700.0),
    ("sf", -3.0, 40.0),
    ("logsf", 0.0, 40.0),
    ("logsf", 0.0, 1e6),
    ("logsf", 700.0, 760.0),  # where exp(-z) leaves the normal numbers and then the subnormal ones
])  # fmt: skip
def test_few_ulp(function, low, high):
    x = spread(low, high, 1500, seed=1)
    errors = errors_in_ulp(function, x)
    assert errors.max() <= FEW, f"{errors.max():.1f} ULP at {x[errors.argmax()]!r}"


@pytest.mark.parametrize("function", ["pdf", "cdf", "logsf"])
def test_left_tail(function):
    """Down to the smallest normal numbers, at z = -6.56, where a rounding of exp(-z) alone would be worth 700 ULP."""
    x = spread(-6.5, 0, 1500, seed=2)
    errors = errors_in_ulp(function, x)
    assert errors.max() <= FEW, f"{errors.max():.1f} ULP at {x[errors.argmax()]!r}"


@pytest.mark.parametrize("function", ["ppf", "isf"])
def test_quantiles(function):
    """Probabilities from the smallest number to the largest below 1: few ULP, or few 2^-53 near the root."""
    rng = np.random.default_rng(3)
    root = np.exp(-1) if function == "ppf" else -np.expm1(-1)
    q = np.concatenate([
        rng.uniform(0, 1, 1000),
        np.exp(-rng.uniform(0, 744, 1000)),
        1 - np.exp2(-rng.uniform(1, 53, 500)),
        [5e-324, 2.2e-308, 1 - 2.0**-53],
        root + np.linspace(-1e-3, 1e-3, 100),
    ])  # fmt: skip
    q = q[(q > 0) & (q < 1)]
    errors = errors_in_ulp(function, q)
    absolute = errors * np.spacing(np.abs(getattr(reference.gumbel_r, function)(q)))
    right = (errors <= FEW) | (absolute <= FEW * 2.0**-53)
    assert right.all(), f"{errors[~right].max():.1f} ULP at {q[~right][errors[~right].argmax()]!r}"


def test_the_ends_of_the_line():
    x = np.array([-np.inf, -1e300, -800.0, 1e300, np.inf])
    expected = {
        "pdf": [0, 0, 0, 0, 0],
        "logpdf": [-np.inf, -np.inf, -np.inf, -1e300, -np.inf],
        "cdf": [0, 0, 0, 1, 1],
        "logcdf": [-np.inf, -np.inf, -np.inf, 0, 0],
        "sf": [1, 1, 1, 0, 0],
        "logsf": [0, 0, 0, -1e300, -np.inf],
    }
    for function, values in expected.items():
        np.testing.assert_array_equal(getattr(gumbel_r, function)(x), values, err_msg=function)
    np.testing.assert_array_equal(gumbel_r.ppf([0, 1]), [-np.inf, np.inf])
    np.testing.assert_array_equal(gumbel_r.isf([0, 1]), [np.inf, -np.inf])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nan_stays_nan(function):
    np.testing.assert_array_equal(np.isnan(getattr(gumbel_r, function)([0.5, np.nan, 0.25])), [False, True, False])


@pytest.mark.parametrize("function", PROBABILITY_FUNCTIONS)
def test_no_quantile_outside_0_and_1(function):
    values = getattr(gumbel_r, function)([-0.1, -5e-324, 1.0000000000000002, 7, -np.inf, np.inf])
    assert np.isnan(values).all()


# ----------------------------------------------------------------------------------------- arguments, as SciPy has them


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("x, loc, scale", [
    (0.25, 0, 1),
    (0.25, 0.125, 2),
    (1, 0, 1),
    ([0.25, 0.5, 0.75], 0, 1),
    (np.linspace(0.1, 0.9, 12).reshape(3, 4), 0.5, 3.0),
    (np.linspace(0.1, 0.9, 12).reshape(3, 4)[::-1, ::2], np.array([[1.0], [2.0], [3.0]]), np.array([0.5, 2.0])),
    (0.5, np.linspace(-1, 1, 5), 1),
    (0.5, 0, np.linspace(1, 2, 5)[:, None]),
    (np.linspace(0.1, 0.9, 5).astype(np.float32), 0, 1),
    (np.linspace(0.1, 0.9, 5).astype(">f8"), 0, 1),
    (np.zeros((0, 3)), 0, 1),
    (np.array(0.5), 0, 1),
    ([True, False], 0, 1),
])  # fmt: skip
def test_follows_scipy(function, x, loc, scale):
    with np.errstate(divide="ignore"):
        expected = getattr(stats.gumbel_r, function)(np.asarray(x, dtype=np.float64), loc, scale)
    actual = getattr(gumbel_r, function)(x, loc, scale)
    assert np.shape(actual) == np.shape(expected)
    assert np.ndim(actual) or isinstance(actual, float)
    assert np.asarray(actual).dtype == np.float64
    np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(getattr(gumbel_r, function)(x, loc=loc, scale=scale), actual)


@pytest.mark.parametrize("function", PARAMETER_FUNCTIONS)
@pytest.mark.parametrize("parameters", [(), (3.0,), (3.0, 2.0), (np.arange(3.0), 2), ([[1], [2]], [1.0, 2.0, 3.0])])
def test_moments_follow_scipy(function, parameters):
    loc, scale = np.broadcast_arrays(*(*parameters, *(0.0, 1.0)[len(parameters) :]))
    expected = [getattr(stats.gumbel_r, function)(m, s) for m, s in zip(loc.flat, scale.flat, strict=True)]
    actual = getattr(gumbel_r, function)(*parameters)
    assert np.shape(actual) == loc.shape
    np.testing.assert_allclose(np.ravel(actual), expected, rtol=1e-14)


@pytest.mark.parametrize("function", VALUE_FUNCTIONS)
@pytest.mark.parametrize("loc, scale", [(0.3, 1.7), (-1e3, 1e-3), (1e10, 1e5), (1e-10, 3e-20)])
def test_loc_and_scale(function, loc, scale):
    """The bound holds at any place and scale: the rounding of (x - loc) / scale is made up for."""
    x = loc + scale * spread(-6, 30, 800, seed=4)
    errors = errors_in_ulp(function, x, loc, scale)
    if function == "logpdf":  # may cross 0: in ULP of its larger term
        errors = errors * np.minimum(1, np.abs(gumbel_r.logpdf(x, loc, scale) / np.log(scale)))
    assert errors.max() <= FEW, f"{errors.max():.1f} ULP at {x[errors.argmax()]!r}"


@pytest.mark.parametrize("function", PROBABILITY_FUNCTIONS)
def test_loc_and_scale_of_quantiles(function):
    """Within the bound of the larger of loc, scale and the value."""
    rng = np.random.default_rng(4)
    q = rng.uniform(0, 1, 2000)
    loc, scale = rng.normal(size=2000), np.exp(rng.normal(size=2000))
    errors = errors_in_ulp(function, q, loc, scale)
    value = np.abs(getattr(gumbel_r, function)(q, loc, scale))
    errors = errors * np.spacing(value) / np.spacing(np.max([value, np.abs(loc), scale], axis=0))
    assert errors.max() <= FEW, f"{errors.max():.1f} ULP at {q[errors.argmax()]!r}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_out(function):
    x = np.linspace(0.1, 0.9, 40).reshape(5, 8)
    expected = getattr(gumbel_r, function)(x, 0.5, [1.0] * 7 + [2.0])
    out = np.empty((5, 8))
    assert getattr(gumbel_r, function)(x, 0.5, [1.0] * 7 + [2.0], out=out) is out
    np.testing.assert_array_equal(out, expected)
    wide = np.full((5, 16), np.nan)
    getattr(gumbel_r, function)(x, 0.5, [1.0] * 7 + [2.0], out=wide[::-1, ::2])
    np.testing.assert_array_equal(wide[::-1, ::2], expected)
    assert np.isnan(wide[:, 1::2]).all()
    getattr(gumbel_r, function)(x, 0.5, [1.0] * 7 + [2.0], out=x)  # in place
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_arguments(function):
    call = getattr(gumbel_r, function)
    read_only = np.zeros(3)
    read_only.flags.writeable = False
    for out in np.zeros(4), np.zeros((1, 3)), np.zeros(3, np.float32), np.zeros(3, np.int64), read_only:
        before = out.copy()
        with pytest.raises(ValueError, match="out"):
            call([0.1, 0.2, 0.3], out=out)
        np.testing.assert_array_equal(out, before)
    with pytest.raises(ValueError, match="scale"):
        call(0.5, 0, -1)
    with pytest.raises(ValueError, match="scale"):
        call([0.5, 0.5], 0, [1.0, -1.0])
    with pytest.raises(ValueError, match="broadcast"):
        call([0.5, 0.5], [0, 0, 0])
    for wrong in 1j, "0.5", np.array(["a"]), np.array([None]), np.array([1j]):
        dtype = np.asarray(wrong).dtype
        for arguments in (wrong,), (0.5, wrong), (0.5, 0, wrong):
            with pytest.raises(TypeError, match=f"{dtype}|{dtype.name}"):
                call(*arguments)


# -------------------------------------------------------------------------------------------------------------- the fit


def test_fit_recovers_parameters():
    """A million points, within 4.9 of the estimates' asymptotic standard errors (false alarm 1e-6 each).

    Would notice 2% of scale in either. The errors come from the information matrix: scale**2 * 6 / pi**2 / n for the
    scale, scale**2 * (1 + 6 (1 - gamma)**2 / pi**2) / n for the location.
    """
    n, loc, scale = 10**6, -3.0, 2.5
    data = gumbel_fast.gumbel(loc, scale, size=n, rng=5)
    found_loc, found_scale = gumbel_r.fit(data)
    scale_error = scale * np.sqrt(6 / np.pi**2 / n)
    loc_error = scale * np.sqrt((1 + 6 * (1 - np.euler_gamma) ** 2 / np.pi**2) / n)
    assert_near(found_scale, scale, scale_error, against={"a scale of the standard deviation's": 1.02 * scale})
    assert_near(found_loc, loc, loc_error, against={"a location off by 2% of the scale": loc + 0.02 * scale})


@pytest.mark.parametrize("loc, scale", [(0, 1), (1e6, 1), (-1e3, 1e3), (0, 1e-6), (1e-300, 1e-300), (1e200, 1e200)])
def test_fit_is_the_maximum_likelihood(loc, scale):
    """The root of the likelihood's equations, at any place and scale, as the twin finds it by bisection."""
    data = gumbel_fast.gumbel(size=1000, rng=6) * scale + loc
    found_loc, found_scale = gumbel_r.fit(data)
    expected_loc, expected_scale = reference.gumbel_r.fit(data)
    resolution = np.spacing(np.abs(data).max()) / scale  # what rounding the data did
    assert found_scale == pytest.approx(expected_scale, rel=1e-10 + 10 * resolution)
    assert found_loc == pytest.approx(expected_loc, rel=1e-12, abs=(1e-10 + 10 * resolution) * scale)


def test_fit_follows_scipy():
    data = gumbel_fast.gumbel(4.0, 3.0, size=5000, rng=7)
    np.testing.assert_allclose(gumbel_r.fit(data), stats.gumbel_r.fit(data), rtol=1e-7)


def test_fit_takes_any_shape_and_kind():
    data = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    expected = gumbel_r.fit(data)
    assert isinstance(expected[0], float)
    assert isinstance(expected[1], float)
    for other in data.tolist(), data.astype(int), data.reshape(2, 3), data[::-1], data.astype(">f8"):
        np.testing.assert_allclose(gumbel_r.fit(other), expected, rtol=1e-12)
    np.testing.assert_allclose(gumbel_r.fit(data.astype(np.float32)), expected, rtol=1e-6)


@pytest.mark.parametrize("data", [[], [1.0, np.nan], [1.0, np.inf], [-np.inf, 1.0, 2.0]])
def test_fit_refuses(data):
    with pytest.raises(ValueError, match="data"):
        gumbel_r.fit(data)


@pytest.mark.parametrize("data", [[1j, 2j], ["a", "b"], [None, 1.0]])
def test_fit_refuses_other_kinds(data):
    dtype = np.asarray(data).dtype
    with pytest.raises(TypeError, match=f"{dtype}|{dtype.name}"):
        gumbel_r.fit(data)


def test_spread_does_not_depend_on_loc():
    """But for its shape, and NaN: an infinite loc has a spread, and no warning."""
    loc = np.array([[-np.inf], [0.0], [np.nan]])
    for function in gumbel_r.var, gumbel_r.std, gumbel_r.entropy:
        spread = function(loc, [1.0, 2.0])
        np.testing.assert_array_equal(spread, np.where(np.isnan(loc), np.nan, function(0, [1.0, 2.0])))
        assert function(np.inf, 2.0) == function(0, 2.0)
