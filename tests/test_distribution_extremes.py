"""gumbel_r where numbers overflow or underflow on the way, and where `out` shares memory with arguments.

Scales from the smallest to the largest, deep tails, and the fit of such data. What holds at ordinary arguments is in
test_distribution.py. The truth is mpmath's, by a context of this file alone.
"""

import itertools
import sys

import numpy as np
import pytest
from mpmath.ctx_mp import MPContext
from scipy import stats

from gumbel_fast import _core, gumbel_r

FEW = _core.BOUNDS["distribution_ulp"]
MAX = sys.float_info.max
SMALLEST = 5e-324

VALUE_FUNCTIONS = ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]
PROBABILITY_FUNCTIONS = ["ppf", "isf"]
FUNCTIONS = VALUE_FUNCTIONS + PROBABILITY_FUNCTIONS

mp = MPContext()
mp.prec = 320


def exact_value(function, x, loc, scale):
    """The function and the largest of its terms, at arguments that are doubles; z beyond its limits is cut."""
    loc, scale = mp.mpf(loc), mp.mpf(scale)
    z = (mp.mpf(x) - loc) / scale
    big_e = mp.exp(-max(z, -2000)) if z < 20_000 else mp.zero
    cut = big_e > 1e6  # exp(-E) is beyond all numbers
    if function == "logpdf":
        terms = -z, -big_e, -mp.log(scale)
        value = mp.fsum(terms)
        return value, max(map(abs, (*terms, value)))
    value = {
        "pdf": lambda: mp.zero if cut else big_e * mp.exp(-big_e) / scale,
        "cdf": lambda: mp.zero if cut else mp.exp(-big_e),
        "logcdf": lambda: -big_e,
        "sf": lambda: mp.one if cut else -mp.expm1(-big_e),
        "logsf": lambda: (
            mp.zero if cut else -z if z > 10_000 else mp.log1p(-mp.exp(-big_e)) if z < 0 else mp.log(-mp.expm1(-big_e))
        ),
    }[function]()
    return value, abs(value)


def exact_quantile(function, q, loc, scale):
    q, loc, scale = mp.mpf(q), mp.mpf(loc), mp.mpf(scale)
    value = loc - scale * mp.log(-(mp.log(q) if function == "ppf" else mp.log1p(-q)))
    return value, max(abs(value), abs(loc), scale)


def error_in_ulp(actual, value, largest):
    """How far a double is from the value, in ULP of the largest term; what overflows must be infinite."""
    if abs(value) > mp.mpf(MAX):
        return 0.0 if actual == np.copysign(np.inf, 1 if value > 0 else -1) or abs(actual) == MAX else np.inf
    if not np.isfinite(actual):
        return 0.0 if abs(value) > mp.mpf(MAX) * (1 - FEW * 2.0**-52) else np.inf
    unit = np.spacing(float(min(largest, mp.mpf(1e308))))  # that of all from 2^1023 on
    return float(abs(mp.mpf(float(actual)) - value) / mp.mpf(float(unit)))


def assert_right(function, x, loc, scale):
    x, loc, scale = (np.ascontiguousarray(a, np.float64) for a in np.broadcast_arrays(x, loc, scale))
    exact = exact_quantile if function in PROBABILITY_FUNCTIONS else exact_value
    actual = getattr(gumbel_r, function)(x, loc, scale)
    errors = np.array([
        error_in_ulp(y, *exact(function, *arguments))
        for y, *arguments in zip(actual, x, loc, scale, strict=True)
    ])  # fmt: skip
    i = errors.argmax()
    assert errors[i] <= FEW, f"{errors[i]:.3g} ULP at {x[i]!r}, {loc[i]!r}, {scale[i]!r}: {actual[i]!r}"


# ----------------------------------------------------------------------------------------------------------- any scale


@pytest.mark.parametrize("function, x, loc, scale, expected", [
    ("cdf", 1e308, -1e308, 1e308, 0.8734230184931167),
    ("cdf", 1e-310, 0, 1e-310, 0.6922006275553464),
    ("pdf", 8e-298, 0, 1e-300, 3.6699e-48),
    ("logpdf", 1.7e308, -1.7e308, 4.0, -8.5e307),  # x - loc overflows, and z does not
    ("logsf", 1.7e308, -1.7e308, 4.0, -8.5e307),
    ("pdf", 0.0, 0, MAX, 2.0464e-309),
    ("cdf", MAX, -MAX, MAX, 0.8734230184931167),
    ("cdf", -1.5 * 2.0**971, -MAX, 1e308, 0.847),  # where a sum of the error-free difference overflows by itself
    ("pdf", -730.0 * 4.5e55, 3e40, 4.5e55, 0.0),  # exp(-z) overflows
    ("cdf", 1.0, 0, np.inf, 0.36787944117144233),  # as SciPy has it
    ("pdf", 1.0, 0, np.inf, 0.0),
    ("logpdf", 1.0, 0, np.inf, -np.inf),
])  # fmt: skip
def test_single_values(target, function, x, loc, scale, expected):
    for arguments in (x, loc, scale), ([x] * 9, loc, scale), ([x] * 9, [loc] * 9, [scale] * 9):
        np.testing.assert_allclose(getattr(gumbel_r, function)(*arguments), expected, rtol=1e-3)


def arguments(count, seed):
    """Laws of every magnitude, two thirds of them near either end, and x where the functions change."""
    rng = np.random.default_rng(seed)
    scale = np.exp2(np.resize([[-1074, 1023.99], [-1074, -950], [980, 1023.99]], (count, 2)))
    scale = np.exp2(rng.uniform(np.log2(scale[:, 0]), np.log2(scale[:, 1])))
    z = np.choose(rng.integers(0, 5, count), [
        rng.uniform(-8, 3, count), rng.uniform(-3, 40, count), rng.uniform(600, 1500, count),
        rng.uniform(-7.4, -6.4, count), np.exp(rng.uniform(-5, 8, count)) * rng.choice([-1, 1], count),
    ])  # fmt: skip
    with np.errstate(all="ignore"):
        loc = np.choose(rng.integers(0, 3, count), [
            np.zeros(count), scale * np.exp2(rng.uniform(-60, 60, count)),
            rng.choice([-1, 1], count) * np.exp2(rng.uniform(-1074, 1024, count)),
        ])  # fmt: skip
        loc = np.clip(loc, -MAX, MAX)
        x = np.clip(loc + z * scale, -MAX, MAX)
    return x, loc, scale


@pytest.mark.parametrize("function", VALUE_FUNCTIONS)
def test_every_magnitude(target, function):
    assert_right(function, *arguments(1500, seed=11))


@pytest.mark.parametrize("scale", [SMALLEST, 1e-310, 1e-300, 1e-290, 1e-3, 0.3, 1.0, 700.0, 1e300, 1e308, MAX])
@pytest.mark.parametrize("function", VALUE_FUNCTIONS)
def test_one_scale(target, function, scale):
    """Both tails to where the density is 0, by the loops for one loc and one scale."""
    rng = np.random.default_rng(12)
    z = np.concatenate([rng.uniform(-7.4, -6, 60), rng.uniform(-6, 40, 60), rng.uniform(600, 1500, 60)])
    for loc in 0.0, 3.5 * min(scale, 1e307), MAX * 0.9, -MAX:
        with np.errstate(over="ignore"):
            assert_right(function, np.clip(loc + z * scale, -MAX, MAX), loc, scale)


@pytest.mark.parametrize("z", [0.74e3, -6.57, -6.58, -6.565, 650.0, 708.5, 744.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 0.5, 1e-20])
def test_a_density_whose_factors_are_subnormal(target, z, scale):
    """With exp(-E) or E exp(-E) rounded as a subnormal number, up to 700 ULP were lost."""
    assert_right("pdf", z * scale * np.linspace(1 - 2e-4, 1 + 2e-4, 21), 0.0, scale)


@pytest.mark.parametrize("function", VALUE_FUNCTIONS)
def test_an_element_does_not_depend_on_its_neighbours(target, function):
    """Nor on whether its law is that of all: the two ways of the kernel give the same bits where both are right."""
    x, loc, scale = arguments(1200, seed=13)
    call = getattr(gumbel_r, function)
    together = call(x, loc, scale)
    alone = [call(*each) for each in zip(x.tolist(), loc.tolist(), scale.tolist(), strict=True)]
    np.testing.assert_array_equal(together, alone)
    order = np.random.default_rng(14).permutation(x.size)
    np.testing.assert_array_equal(together[order], call(x[order], loc[order], scale[order]))
    z = np.concatenate([np.linspace(-9, 40, 500), np.linspace(640, 760, 200)])
    for fixed in 0.3, 1.0, 2.0, 1e-200, 1e200:
        plain = call(z * fixed, 0.0, fixed)
        for strange in SMALLEST, MAX:  # every eight have one that is not for the usual way
            scales = np.full(2 * z.size, fixed)
            scales[1::2] = strange
            np.testing.assert_array_equal(call(np.repeat(z * fixed, 2), 0.0, scales)[::2], plain)
            np.testing.assert_array_equal(call(z * fixed, np.zeros(z.size), np.full(z.size, fixed)), plain)


@pytest.mark.parametrize("function", PROBABILITY_FUNCTIONS)
def test_quantiles_at_every_scale(target, function):
    rng = np.random.default_rng(15)
    _, loc, scale = arguments(1500, seed=16)
    q = np.concatenate(
        [rng.uniform(0, 1, 700), np.exp(-rng.uniform(0, 744, 700)), 1 - np.exp2(-rng.uniform(1, 53, 100))]
    )
    assert_right(function, q, loc, scale)
    assert_right(
        function, [SMALLEST, 1e-300, 0.999], -1.7e308, 1.7e308
    )  # scale times the quantile overflows, not the sum


@pytest.mark.parametrize("name, exact", [
    ("mean", lambda loc, scale: loc + mp.euler * scale),
    ("median", lambda loc, scale: loc - mp.log(mp.log(2)) * scale),
    ("var", lambda loc, scale: mp.pi**2 / 6 * scale**2),
    ("std", lambda loc, scale: mp.pi / mp.sqrt(6) * scale),
    ("entropy", lambda loc, scale: mp.log(scale) + 1 + mp.euler),
])  # fmt: skip
def test_moments_at_every_scale(name, exact):
    """Infinite where they are beyond the numbers, without a warning: the suite has warnings for errors."""
    _, loc, scale = arguments(400, seed=17)
    loc, scale = np.append(loc, [MAX, -MAX, 0.0]), np.append(scale, [MAX, MAX, SMALLEST])
    for at, width, y in zip(loc, scale, getattr(gumbel_r, name)(loc, scale), strict=True):
        value = exact(mp.mpf(at), mp.mpf(width))
        terms = {"mean": (at, width), "median": (at, width), "entropy": (np.log(width), 1)}.get(name, ())
        assert error_in_ulp(y, value, max(map(abs, (value, *map(mp.mpf, terms))))) <= FEW
        with np.errstate(all="raise"):
            assert getattr(gumbel_r, name)(at, width) == y


def test_negative_among_nan_is_refused():
    with pytest.raises(ValueError, match="scale"):
        gumbel_r.pdf([0.0, 0.0], 0, [np.nan, -1.0])


# -------------------------------------------------------------------------------------------------------------- the fit

SAMPLE = np.array([0.3, -1.2, 2.5, 0.1, 0.9, 4.4, -0.6, 1.1])


def likelihood(data, loc, scale):
    return float(mp.fsum(exact_value("logpdf", x, loc, scale)[0] for x in np.ravel(data)))


def test_fit_of_the_largest_numbers():
    np.testing.assert_allclose(
        gumbel_r.fit([-1.7e308, 0, 1.7e308]), (-6.895445373757e307, 1.218675256308e308), rtol=1e-12
    )


@pytest.mark.parametrize("power", [-1070, -1040, -1000, -500, 0, 500, 1000, 1021])
@pytest.mark.parametrize("given", [{}, {"floc": -0.5}, {"floc": 7.0}, {"fscale": 0.25}, {"fscale": 3.0}])
def test_fit_scales_with_the_data(power, given):
    """Of data times a power of two, what the data's is times it, but for the last bits of subnormal numbers."""
    expected = np.array(gumbel_r.fit(np.ldexp(np.round(SAMPLE * 16), -4), **given))
    data = np.ldexp(np.round(SAMPLE * 16), power - 4)
    found = gumbel_r.fit(data, **{name: float(np.ldexp(value, power)) for name, value in given.items()})
    np.testing.assert_allclose(found, np.ldexp(expected, power), rtol=1e-13, atol=4 * SMALLEST)


@pytest.mark.parametrize("floc", [-30.0, -1.2, 0.0, 1.0, 4.4, 50.0])
def test_fit_of_the_scale_is_the_maximum_likelihood(floc):
    loc, scale = gumbel_r.fit(SAMPLE, floc=floc)
    assert (loc, type(loc)) == (floc, float)
    best = likelihood(SAMPLE, loc, scale)
    assert all(likelihood(SAMPLE, loc, scale * other) < best for other in (0.5, 0.999, 1.001, 2))
    y = [mp.mpf(x) - mp.mpf(floc) for x in SAMPLE]
    equation = mp.fsum(-v * mp.expm1(-v / mp.mpf(scale)) for v in y) / len(y)
    assert float(equation) == pytest.approx(scale, rel=1e-14)


@pytest.mark.parametrize("fscale", [1e-3, 0.5, 1.0, 3.0, 1e5])
def test_fit_of_the_location_is_the_maximum_likelihood(fscale):
    loc, scale = gumbel_r.fit(SAMPLE, fscale=fscale)
    assert (scale, type(loc)) == (fscale, float)
    s = mp.mpf(fscale)
    expected = float(-s * mp.log(mp.fsum(mp.exp(-mp.mpf(x) / s) for x in SAMPLE) / len(SAMPLE)))
    assert loc == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("given", [{"floc": 0.5}, {"floc": -4}, {"floc": 2.5}, {"fscale": 0.5}, {"fscale": 4}])
def test_fit_of_one_follows_scipy(given):
    data = stats.gumbel_r.rvs(1.0, 2.0, size=500, random_state=18)
    np.testing.assert_allclose(gumbel_r.fit(data, **given), stats.gumbel_r.fit(data, **given), rtol=1e-9)


@pytest.mark.parametrize("data, given, expected", [
    ([5.0], {"fscale": 2.0}, (5.0, 2.0)),
    ([1e-310] * 3, {"fscale": 1e308}, (1e-310, 1e308)),
    ([1e-10, 2e-10], {"fscale": 1e308}, (1.5e-10, 1e308)),  # to first order, the mean
    ([-1.7e308, 1.7e308], {"fscale": 1e-308}, (-1.7e308, 1e-308)),
    ([-1.7e308, *[1.7e308] * 9], {"fscale": 1.5e308}, (7.653344540527555e307, 1.5e308)),
    ([1e-310, 3e-310, 1e308], {"fscale": 1e-310}, (1.9716842776251e-310, 1e-310)),
    ([5.0], {"floc": 0}, (0.0, 3.7037682167584753)),  # 1 / u = 1 - exp(-u), u = 5 / s
    ([-5.0], {"floc": 0}, (0.0, 6.19988943828275)),
    ([-1.7e308], {"floc": 1.7e308}, (1.7e308, np.inf)),  # 4.2e308
    ([1.0, *[0.0] * 999], {"floc": 0}, (0.0, 1e-3)),
    ([-1.0, 1e300], {"floc": 0}, (0.0, 4.466986177721466e299)),
])  # fmt: skip
def test_fit_of_one_at_the_ends(data, given, expected):
    np.testing.assert_allclose(gumbel_r.fit(data, **given), expected, rtol=1e-12)


@pytest.mark.parametrize("data, given, match", [
    ([1.0, 2.0], {"floc": 0, "fscale": 1}, "both"),
    ([1.0, 1.0], {}, "equal"),
    ([1.0, 1.0], {"floc": 1.0}, "equal"),
    ([1.0, np.nan], {"floc": 1.0}, "finite"),
    ([1.0, np.inf], {"fscale": 1.0}, "finite"),
    ([], {"fscale": 1.0}, "empty"),
    ([1.0, 2.0], {"fscale": 0.0}, "fscale"),
    ([1.0, 2.0], {"fscale": -1.0}, "fscale"),
    ([1.0, 2.0], {"fscale": np.nan}, "fscale"),
    ([1.0, 2.0], {"floc": np.inf}, "floc"),
    ([1.0, 2.0], {"floc": [1.0, 2.0]}, "floc"),
])  # fmt: skip
def test_fit_refuses(data, given, match):
    with pytest.raises(ValueError, match=match):
        gumbel_r.fit(data, **given)


@pytest.mark.parametrize("name", ["floc", "fscale"])
def test_fit_refuses_what_is_not_real(name):
    with pytest.raises(TypeError, match=name):
        gumbel_r.fit([1.0, 2.0], **{name: "1"})


# ----------------------------------------------------------------------------------------- out that is also an argument

WAYS = {
    "itself": (lambda memory: memory[:40], lambda memory: memory[:40]),
    "one behind": (lambda memory: memory[1:41], lambda memory: memory[:40]),
    "one ahead": (lambda memory: memory[:40], lambda memory: memory[1:41]),
    "reversed": (lambda memory: memory[:40][::-1], lambda memory: memory[:40]),
    "reversed out": (lambda memory: memory[:40], lambda memory: memory[:40][::-1]),
    "every second": (lambda memory: memory[:80:2], lambda memory: memory[:40]),
    "one element": (lambda memory: memory[3:4], lambda memory: memory[:40]),
    "no axis": (lambda memory: memory[3:4].reshape(()), lambda memory: memory[:40]),
    "transposed": (lambda memory: memory[:36].reshape(6, 6).T, lambda memory: memory[:36].reshape(6, 6)),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", ["x", "loc", "scale"])
def test_out_that_overlaps_an_argument(function, way, which):
    """The argument is read as it was before the call."""
    memory = np.random.default_rng(19).uniform(0.1, 0.9, 100)
    argument, out = (view(memory) for view in WAYS[way])
    given = {"x": np.full(out.shape, 0.25), "loc": np.full(out.shape, 0.5), "scale": np.full(out.shape, 2.0)}
    given[which] = argument
    expected = getattr(gumbel_r, function)(*(value.copy() for value in given.values()))
    assert getattr(gumbel_r, function)(*given.values(), out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_a_scale_that_is_out():
    y = np.array([2.0, 3.0])
    np.testing.assert_allclose(gumbel_r.logpdf(1.0, 0.0, y, out=y), [-1.7997, -2.1485], rtol=1e-4)


class Inverted(np.ndarray):
    """Operators of its own, which must not be used."""

    def __isub__(self, other):
        raise AssertionError

    def __iadd__(self, other):
        raise AssertionError

    __imul__ = __iadd__


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("transposed", [False, True])
def test_subclasses_are_plain_inside(function, transposed):
    """What is given as out is returned; an np.matrix among the arguments is an array."""
    x, scale = np.full((3, 3), 0.25), np.linspace(1, 2, 9).reshape(3, 3)
    expected = getattr(gumbel_r, function)(x, 0.5, scale)
    for kind in np.matrix, Inverted:
        out = np.zeros((3, 3)).view(kind)
        out = out.T if transposed else out
        assert getattr(gumbel_r, function)(x, 0.5, scale, out=out) is out
        np.testing.assert_array_equal(np.asarray(out), expected)
        plain = getattr(gumbel_r, function)(x.view(kind), 0.5, scale.view(kind))
        assert type(plain) is np.ndarray
        np.testing.assert_array_equal(plain, expected)


def test_pairs_of_arguments_and_out():
    """All three at once, and in every order."""
    for order in itertools.permutations(range(3)):
        memory = np.linspace(0.5, 1.5, 42)
        views = [memory[start : start + 40] for start in range(3)]
        x, loc, scale = (views[i] for i in order)
        expected = gumbel_r.logpdf(x.copy(), loc.copy(), scale.copy())
        np.testing.assert_array_equal(gumbel_r.logpdf(x, loc, scale, out=views[1]), expected)
