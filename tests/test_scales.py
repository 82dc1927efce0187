"""Every finite row and every temperature: only differences between logits count, and nothing overflows on the way.

Rows stand at any offset a dtype has, their steps one unit in the last place or more, at temperatures of that size,
from the smallest positive double to infinity. Probabilities are worked out from the steps, which are exact.
"""

import itertools

import numpy as np
import pytest

import gumbel_fast
from rows import ALL_DTYPES, BFLOAT16, DTYPES
from statistical import assert_draws_follow, softmax
from test_without_replacement import numbered, outcomes

STEPS = np.array([0, 1, 2, 0, -1, 1])
LARGEST = {np.float32: 3.4028235e38, np.float64: 1.7976931348623157e308, np.float16: 65504.0, BFLOAT16: 3.3895e38}
OFFSETS = [-1e8, 1e6, 20.0, -3.0, 0.0, "lowest", "highest", "subnormal"]
DOUBLES = [5e-324, 1e-300, 1e-45, 2.9e-39, 1e-6, 1.0, 1e30, 1.5e45, 1e300, 1.7e308, np.inf]


def stepped_row(offset, dtype, n=STEPS.size):
    """STEPS units in the last place about an offset, masked up to n, and the unit; None beyond what the dtype has."""
    tiny = float(np.nextafter(dtype(0), dtype(1)))
    base = {"lowest": -0.6 * LARGEST[dtype], "highest": 0.6 * LARGEST[dtype], "subnormal": 64 * tiny}.get(
        offset, offset
    )
    if abs(base) > LARGEST[dtype]:
        return None
    unit = float(np.spacing(np.abs(np.asarray(base, dtype)) * dtype(1))) if base else 2.0**-10
    base = float(np.asarray(base, dtype))
    row = np.full(n, -np.inf, dtype)
    row[:: n // STEPS.size][: STEPS.size] = (base + 4 * unit * STEPS).astype(dtype)
    return row, 4 * unit


def ways(dtype):
    """Each way in which an index is drawn, as a function of a row, a temperature and how many draws."""

    def batch(function, row, count):
        return function(np.broadcast_to(row, (count, row.size)).copy())

    def one_hot(x, t):
        return gumbel_fast.gumbel_softmax(x, temperature=t, hard=True, rng=3).argmax(axis=1)

    yield "one draw", lambda row, t, n: batch(lambda x: gumbel_fast.categorical(x, temperature=t, rng=1), row, n)
    yield "repeated", lambda row, t, n: gumbel_fast.categorical(row, num_samples=n, temperature=t, rng=2)
    yield (
        "without replacement",
        lambda row, t, n: batch(
            lambda x: gumbel_fast.categorical(x, num_samples=2, replace=False, temperature=t, rng=4)[:, 0], row, n
        ),
    )
    yield "gumbel_softmax", lambda row, t, n: batch(lambda x: one_hot(x, t) if t == 1 else np.zeros(0, int), row, n)
    if dtype != np.float64:  # a float64 unit in the last place is below what gumbel_max keeps
        yield "gumbel_max", lambda row, t, n: batch(lambda x: gumbel_fast.gumbel_max(x, temperature=t, rng=5), row, n)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("n", [6, 70, 300, 5000])
def test_offsets(n, offset, dtype, target):
    """Softmax of the steps, whatever they stand on: what lost the noise or the steps would draw evenly or the first.

    With replacement, without, by Gumbel-max and by a hard relaxation: right code fails one of them once in a million.
    """
    found = stepped_row(offset, dtype, n)
    if found is None:
        pytest.skip(f"{np.dtype(dtype)} does not reach {offset}")
    row, unit = found
    places = np.arange(0, n, n // STEPS.size)[: STEPS.size]
    even = np.full(STEPS.size, 1 / STEPS.size)
    for name, draw in ways(dtype):
        temperature = unit if name != "gumbel_softmax" else 1.0
        steps = STEPS if name != "gumbel_softmax" else STEPS * unit
        if name == "gumbel_softmax" and not 2.0**-9 < unit < 8:
            continue
        draws = draw(row, temperature, 4000 if n < 1000 else 1000)
        drawn = np.searchsorted(places, draws)
        p = softmax(steps)
        first = np.arange(STEPS.size) == np.argmax(steps)
        wrong = {"the first of the greatest": 0.9 * first + 0.1 * p, **({"evenly": even} if steps.std() > 0.5 else {})}
        assert_draws_follow(drawn, p, against=wrong)
        np.testing.assert_array_equal(places[drawn], draws, err_msg=name)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("temperature", DOUBLES)
def test_equal_logits_are_drawn_evenly(temperature, dtype, target):
    """Zeros, and rows all at the ends of the dtype, at each temperature: masked categories never, the others alike."""
    for n, level in itertools.product((8, 64, 65, 400), (0.0, -LARGEST[dtype], LARGEST[dtype], 20.0)):
        row = np.full(n, level, dtype)
        row[n // 2 :] = -np.inf
        expected = np.where(np.arange(n) < n // 2, 2 / n, 0)
        narrow = np.where(np.arange(n) < n // 4, 4 / n, 0)
        for name, draw in ways(dtype):
            if name == "gumbel_max" and abs(level) / temperature >= 2.0**40:
                continue
            draws = draw(row, temperature, 3000)
            if draws.size:
                assert_draws_follow(draws, expected, against={"half of them": narrow})


@pytest.mark.parametrize("dtype", DTYPES)
def test_differences_beyond_the_dtype(dtype, target):
    """The ends of a dtype, 2 temperatures apart: their difference is no number of the dtype."""
    most = np.finfo(dtype).max
    p = softmax([1, -1, -1])
    for n in 3, 100, 300, 6000:
        row = np.full(n, -np.inf, dtype)
        row[:3] = most, -most, -most
        for name, draw in ways(dtype):
            if name == "gumbel_softmax":
                continue
            draws = draw(row, float(most), 4000)
            assert_draws_follow(draws, np.pad(p, (0, n - 3)), against={"the first alone": np.arange(n) < 1})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 64, 65, 300])
def test_scores_that_overflow_keep_the_order_of_the_logits(n, dtype, target):
    """At a temperature so low that logits over it are no doubles: the greatest first, on both sides of 0."""
    x = np.random.default_rng(1).permutation(np.linspace(-1, 1, n)).astype(dtype) * dtype(30)
    order = np.argsort(-x, kind="stable")
    for temperature in 5e-324, 1e-310, 1e-300, float(np.finfo(dtype).tiny), 1e-40:
        assert gumbel_fast.gumbel_max(x, temperature=temperature, rng=1) == order[0]
        assert gumbel_fast.gumbel_max(-abs(x) - 1, temperature=temperature, rng=1) == np.argmin(abs(x))
        assert gumbel_fast.gumbel_max(x, temperature=temperature, rng=1, workers=2) == order[0]
        for k in 1, 2, n // 2, n:
            np.testing.assert_array_equal(gumbel_fast.gumbel_top_k(x, k, temperature=temperature, rng=1), order[:k])
            drawn = gumbel_fast.categorical(x, num_samples=k, replace=False, temperature=temperature, rng=1)
            np.testing.assert_array_equal(drawn, order[:k])
        draws = gumbel_fast.categorical(x, num_samples=40, temperature=temperature, rng=1)
        np.testing.assert_array_equal(draws, order[0])


def test_shards_of_a_bfloat16_row_whose_scores_overflow(target):
    """Its logits come to the kernels in the guise of integers, whose order is not theirs below 0."""
    x = np.full(3_000_000, -6.0, BFLOAT16)
    x[[100, 2_000_000, 2_900_000]] = -4.0, -3.0, -5.0
    assert gumbel_fast.gumbel_max(x, temperature=1e-310, rng=1, workers=2) == 2_000_000


def test_shards_of_a_row_whose_scores_overflow(target):
    """Equal infinite values are told apart by their logits, in whatever piece they stand."""
    x = np.zeros(3_000_000)
    x[[100, 2_000_000, 2_900_000]] = 3e300, 5e300, 4e300
    assert gumbel_fast.gumbel_max(x, temperature=1e-10, rng=1, workers=2) == 2_000_000
    index, value = gumbel_fast.gumbel_max(x, temperature=1e-10, rng=1, return_value=True)
    assert (index, value) == (2_000_000, np.inf)


@pytest.mark.parametrize("temperature", [1e50, 1e300, np.inf])
@pytest.mark.parametrize("n", [10, 200])
def test_bad_logits_are_seen_at_high_temperatures(n, temperature, target):
    for bad, why in (np.inf, "NaN or \\+inf"), (np.nan, "NaN or \\+inf"):
        x = np.zeros((3, n))
        x[1, n // 2] = bad
        for draw in gumbel_fast.gumbel_max, gumbel_fast.categorical:
            with pytest.raises(ValueError, match=f"row 1 has {why}"):
                draw(x, temperature=temperature, rng=1)
        with pytest.raises(ValueError, match=f"row 1 has {why}"):
            gumbel_fast.gumbel_top_k(x, 2, temperature=temperature, rng=1)


def test_what_is_wrong_with_a_row_is_said(target):
    """NaN or +inf on the one hand, and nothing to draw from on the other."""
    for n in 5, 100, 300:
        for draw in gumbel_fast.gumbel_max, gumbel_fast.categorical:
            with pytest.raises(ValueError, match="row 0 has nothing but -inf"):
                draw(np.full(n, -np.inf), rng=1)
            with pytest.raises(ValueError, match="row 0 has NaN or \\+inf"):
                draw(np.full(n, np.nan), rng=1)


def test_values_are_never_minus_zero(target):
    for n in 3, 64, 65, 200:
        x = np.full(n, -1.0)
        x[1] = -0.0
        for value in (
            gumbel_fast.gumbel_max(x, temperature=0, rng=1, return_value=True)[1],
            gumbel_fast.gumbel_top_k(x, 2, temperature=0, rng=1, return_value=True)[1][0],
        ):
            assert value == 0
            assert not np.signbit(value)


# --------------------------------------------------------------------------------------------------- the softmax family


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", DOUBLES[:-1])
def test_softmax_at_every_temperature(temperature, dtype, target):
    """Against long doubles, rows of a few temperatures' width wherever the dtype has them."""
    most, least = float(np.finfo(dtype).max), float(np.nextafter(dtype(0), dtype(1)))
    if np.finfo(np.longdouble).maxexp <= np.finfo(np.float64).maxexp:
        pytest.skip("no wider float here")
    for n in 3, 20, 100, 1000:
        steps = np.random.default_rng(n).normal(size=(4, n)) * [[1], [3], [20], [1e3]]
        with np.errstate(over="ignore"):
            x = np.clip(steps * temperature, -most, most).astype(dtype)
        x[:, 1] = [-np.inf, most, -most, least]
        wide = x.astype(np.longdouble)
        z = (wide - wide.max(axis=1, keepdims=True)) / np.longdouble(temperature)
        weights = np.exp(z)
        expected = weights / weights.sum(axis=1, keepdims=True)
        result = gumbel_fast.softmax(x, temperature=temperature)
        bound = 2.0**-22 if dtype == np.float32 else 2.0**-50
        finite = np.where(np.isfinite(z), z, 0)
        allowed = bound * (1 - finite) * expected + 4 * np.finfo(dtype).tiny
        assert np.all(np.abs(result - expected) <= allowed)
        logs = gumbel_fast.log_softmax(x, temperature=temperature)
        exact = z - np.log(weights.sum(axis=1, keepdims=True))
        near = np.isfinite(z) & (np.abs(exact) < most / 4)
        np.testing.assert_allclose(logs[near], exact[near].astype(np.float64), rtol=4 * bound, atol=4 * bound)
        grad = np.random.default_rng(n).normal(size=x.shape).astype(dtype)
        y = result.astype(np.longdouble)
        product = y * (grad - (grad * y).sum(axis=1, keepdims=True))
        gradient = gumbel_fast.softmax_vjp(result, grad, temperature=temperature)
        size = (y * (np.abs(grad) + (np.abs(grad) * y).sum(axis=1, keepdims=True))) / np.longdouble(temperature)
        right = product / np.longdouble(temperature)
        near = size < most / 4
        assert np.all(np.abs(gradient - right)[near] <= (8 * bound * size + 2 * least)[near])


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_infinite_temperature(dtype, target):
    for n in 3, 20, 100, 1000:
        x = np.random.default_rng(n).normal(size=(5, n)).astype(dtype) * (np.finfo(dtype).max / 8)
        x[:, 2] = -np.inf
        even = np.where(np.arange(n) == 2, 0, 1 / (n - 1)) * np.ones((5, 1))
        for relax in gumbel_fast.softmax, gumbel_fast.gumbel_softmax:
            np.testing.assert_allclose(relax(x, temperature=np.inf), even, rtol=1e-6)
        np.testing.assert_allclose(gumbel_fast.logsumexp(x, temperature=np.inf), np.log(n - 1), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 5, 16, 17, 65, 200, 5000])
def test_logarithms_near_0_keep_their_digits(n, dtype, target):
    """The greatest at any place and the others far below, or a few near: log1p of what is beside the greatest."""
    for place, depth in itertools.product((0, n // 2, n - 1), (1, 10, 20, 40, 80)):
        x = np.full(n, -depth, dtype)
        x[place] = 0
        beside = (n - 1) * np.exp(-np.float64(depth))
        rtol = 2.0**-21 * (1 + depth) if dtype == np.float32 else 2.0**-49 * (1 + depth)
        np.testing.assert_allclose(gumbel_fast.logsumexp(x), np.log1p(beside), rtol=rtol)
        logs = gumbel_fast.log_softmax(x)
        np.testing.assert_allclose(logs[place], -np.log1p(beside), rtol=rtol)
    assert float(gumbel_fast.logsumexp([0, -40.0])) == pytest.approx(4.248354255291589e-18, rel=1e-14)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_relaxed_samples_at_offsets(dtype, target):
    """A row and the same row elsewhere relax to the same bits: nothing but differences enters."""
    for n in 5, 40, 200:
        x = np.random.default_rng(n).integers(-8, 8, size=(6, n)).astype(dtype)
        for shift in -64, 1024 if dtype != BFLOAT16 else 64:
            moved = (x.astype(np.float64) + shift).astype(dtype)
            if np.array_equal(moved.astype(np.float64) - shift, x.astype(np.float64)):
                for hard in False, True:
                    a, b = (gumbel_fast.gumbel_softmax(v, rng=1, hard=hard, temperature=0.5) for v in (x, moved))
                    np.testing.assert_array_equal(a, b)


# -------------------------------------------------------------------------------------------------- without replacement


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", [-1e8, 1e6, 20.0, 0.0])
@pytest.mark.parametrize("n", [5, 150, 5000])
def test_ordered_outcomes_at_offsets(n, offset, dtype, target):
    """Every order of three of five, against Plackett-Luce, at temperatures of a few units in the last place.

    That is 8 at an offset of -1e8 in float32, and 1e-6 at 20. Orders all alike, or reversed, would be seen.
    """
    steps = np.array([0, 1, 2, 0, -1])
    unit = float(np.spacing(dtype(abs(offset)))) if offset else 1e-6
    places = np.array([0, 1, 2, 3 if n == 5 else n // 2, n - 1])
    row = np.full(n, -np.inf, dtype)
    row[places] = (np.float64(offset) + unit * steps).astype(dtype)
    ordered, law = outcomes(softmax(steps), 3)
    count = 20_000 if n < 1000 else 4_000
    draws = gumbel_fast.categorical(
        np.broadcast_to(row, (count, n)), num_samples=3, replace=False, temperature=unit, rng=n
    )
    numbers = {number: i for i, number in enumerate(numbered(np.array(ordered), 5))}
    found = np.array([numbers[number] for number in numbered(np.searchsorted(places, draws), 5)])
    backwards = np.array([law[ordered.index(outcome[::-1])] for outcome in ordered])
    even = np.full(law.size, 1 / law.size)
    assert_draws_follow(found, law, against={"the order reversed": backwards, "all alike": even})
