"""weights in place of logits: draws in proportion to w^(1/T) by every way of drawing, whatever the size of the weights.

The law is checked by chi-square in every kernel, at both ends of each dtype, at every temperature and after filters;
log-probs and the values of gumbel_top_k are held to NumPy's. Checks of randomness fail right code once in a million
times each. What is refused, and what a draw depends on, is test_weights_arguments.py's subject.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import gumbel_fast
from filtered import bounds, made_filters, of_row
from rows import ALL_DTYPES, BFLOAT16, DTYPES, compute_dtype
from statistical import assert_count, assert_draws_follow
from test_without_replacement import numbered, outcomes
from weighted import HUGE, TINY, WAYS, graded, law, some_weights, sparse

LENGTHS = [2, 5, 64, 128, 129, 300, 4096, 5000]  # one draw has another kernel from 129 on, and another sum from 4097
TEMPERATURES = [1.0, 0.5, 2.0]


def draws_for(n):
    """What the faults below need, and a fraction of a second allows."""
    return 60_000 if n == 2 else 20_000 if n <= 1000 else 6000


def faults(w, temperature):
    """What draws would follow if weights were taken for logits, T for another, or the index for its neighbour."""
    p = law(w, temperature)
    found = {"a temperature 60% off": law(w, 1.6 * temperature)}
    if w.size < 1000:
        found["weights as logits"] = special.softmax(w.astype(np.float64) / temperature)
    if np.abs(np.roll(p, 1) - p).max() > 0.02:
        found["an index off by one"] = np.roll(p, 1)
    return found


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", LENGTHS)
def test_law(n, way, dtype):
    for kind in graded, sparse:
        w = kind(n, np.random.default_rng(n)).astype(dtype)
        temperature = TEMPERATURES[(n + len(way) + (kind is sparse)) % 3]
        options = {} if temperature == 1 else {"temperature": temperature}
        draws = WAYS[way](w, draws_for(n), rng=n, **options)
        assert draws.dtype == np.int64
        assert_draws_follow(draws, law(w, temperature), against=faults(w, temperature))


@pytest.mark.many_draws
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float16, BFLOAT16, np.uint8, np.int64, bool])
def test_law_of_other_dtypes(dtype, way):
    """Half precision, and integers that count something."""
    for n in 5, 100, 300:
        w = (np.arange(n) * 7 % 11 + (np.arange(n) == 2) * 9).astype(dtype)
        p = law(w)
        wrong = {"the first half a half likelier": p * np.where(np.arange(n) < max(n // 2, 2), 1.5, 1)}
        assert_draws_follow(WAYS[way](w, 10_000, rng=n), p, against=wrong)


@pytest.mark.many_draws
@pytest.mark.parametrize("way", ["one draw", "many draws", "the first of two", "gumbel_top_k"])
def test_probabilities_of_a_language_model(real_logits, way):
    """Of 49,152 tokens, in float32, in float64 and in float16, where most of them are 0: 60% of temperature is seen."""
    for which, dtype in (3, np.float32), (5, np.float64), (7, np.float16):
        w = special.softmax(real_logits[which].astype(np.float64)).astype(dtype)
        p = law(w, 0.9)
        count = 20_000 if way == "many draws" else 1500
        draws = WAYS[way](w, count, temperature=0.9, rng=which)
        assert_draws_follow(draws, p, against={"a temperature 60% off": law(w, 1.44)})


# -------------------------------------------------------------------------------------------------------- temperatures


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [6, 100, 300, 5000])
def test_ends_of_temperature(n, way, dtype):
    """w^100 at 0.01; evenly at infinity and 1e300; at 1e-300 evenly among the greatest; at 0 the first of them."""
    w = np.zeros(n, dtype)
    places = np.array([1, 2, n // 2, n - 2, n - 1])
    w[places] = 1.03, 1.02, 1.03, 1e-30, 1.03
    evenly = (w > 0) / 5
    greatest = (w == w.max()) / 3
    count = 3000
    draws = WAYS[way](w, count, temperature=0.01, rng=1)
    assert_draws_follow(draws, law(w, 0.01), against={"evenly": evenly, "the greatest alone": greatest})
    draws = WAYS[way](w, count, temperature=np.inf, rng=2)
    assert_draws_follow(draws, evenly, against={"the least left out": np.where(w < 1e-9, 0, evenly)})
    draws = WAYS[way](w, count, temperature=1e300, rng=3)
    assert_draws_follow(draws, evenly, against={"the least left out": np.where(w < 1e-9, 0, evenly)})
    for temperature in 1e-300, 5e-324:
        draws = WAYS[way](w, count, temperature=temperature, rng=4)
        if way == "gumbel_top_k":  # its noise is lost beside scores so large
            assert np.all(greatest[draws] > 0)
            continue
        first = (np.arange(n) == 1) * 0.9 + greatest * 0.1
        assert_draws_follow(draws, greatest, against={"the first of the greatest": first})
    assert np.all(WAYS[way](w, 50, temperature=0, rng=5) == 1)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("level", ["1", "huge", "tiny"])
def test_steps_of_a_unit_in_the_last_place(level, way, dtype):
    """Weights that differ in their last bits, at a temperature that makes these count: e^(-k) for k steps.

    Evenly, or the greatest alone, would be seen. gumbel_top_k sums in float64 and keeps a unit of float32.
    """
    if dtype == np.float64 and way == "gumbel_top_k":
        pytest.skip("float64 sums have no room below the last place of their logits")
    steps = np.array([0, 1, 2, 0, 3, 1])
    for n in 6, 100, 300, 5000:
        w = np.zeros(n, dtype)
        places = np.arange(6) * (n // 6)
        base = {"1": 1.0, "huge": HUGE[dtype], "tiny": TINY[dtype] * 2.0 ** (40 if dtype != np.float16 else 9)}[level]
        value = np.full(6, base, dtype)
        for k in range(3):
            value[steps > k] = np.nextafter(value[steps > k], dtype(0))
        w[places] = value
        unit = -np.log1p(-(value[0].astype(np.float64) - value[1].astype(np.float64)) / value[0].astype(np.float64))
        draws = WAYS[way](w, 3000, temperature=unit, rng=n)
        p = law(w, unit)
        np.testing.assert_allclose(p[places], special.softmax(-steps), rtol=0.02)
        assert_draws_follow(draws, p, against={"evenly": (w > 0) / 6, "the greatest alone": 1e-9 + (w == w.max()) / 2})


# ------------------------------------------------------------------------------------------------- weights of any size


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [6, 100, 300, 5000])
def test_the_least_numbers_alone(n, way, dtype):
    """Nothing but multiples of the smallest subnormal: in proportion, not 0; evenly would be seen."""
    w = np.zeros(n, dtype)
    tiny = np.nextafter(dtype(0), dtype(1))
    places = np.array([0, 1, n // 2, n - 2, n - 1])
    w[places] = np.array([1, 3, 2, 5, 1], dtype) * tiny
    for temperature in 1.0, 2.0:
        options = {} if temperature == 1 else {"temperature": temperature}
        draws = WAYS[way](w, 4000, rng=n, **options)
        assert_draws_follow(draws, law(w, temperature), against={"evenly": (w > 0) / 5})
    w[places[1:]] = 0
    assert not WAYS[way](w, 50, rng=1, allow_fewer=True).any()


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [6, 100, 300, 5000])
def test_sums_that_overflow(n, way, dtype):
    """Every weight near the greatest number: in proportion; the first half alone, or evenly, would be seen."""
    w = np.full(n, HUGE[dtype], dtype)
    w[n // 2 :] /= dtype(2)
    for temperature in 1.0, 0.5:
        options = {} if temperature == 1 else {"temperature": temperature}
        draws = WAYS[way](w, 4000, rng=n, **options)
        p = law(w, temperature)
        half = np.where(np.arange(n) < n // 2, p, 0)
        assert_draws_follow(draws, p, against={"evenly": np.ones(n), "the first half alone": half})


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [65, 1025, 5000])
def test_a_tail(n, way, dtype):
    """Categories e^-8 of the head, or e^-10 in longer rows, as often as they should be: half as many would be seen."""
    depth = 8.0 if n < 100 else 10.0
    w = np.full(n, np.exp(-depth), dtype)
    w[0] = 1
    tail = 1 - law(w)[0]
    count = int(300 / tail)
    if way in ("ragged", "masked") and n > 1025:
        pytest.skip("rows that are copied are too many")
    drawn = WAYS[way](w, count, rng=5)
    drawn = drawn[drawn > 0]
    assert_count(drawn.size, count, tail, against={"half": tail / 2, "twice": 2 * tail})
    beyond = np.count_nonzero(drawn > n // 2)
    assert_count(beyond, drawn.size, (n - 1 - n // 2) / (n - 1), against={"all in one half": 0.0})


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", ["one draw", "many draws"])
def test_a_tail_of_a_million(way, dtype):
    """Categories e^-18 of the head: a sum in float32, or a quotient rounded to it, would lose or double them."""
    n = 2**20
    w = np.full(n, np.exp(-18.0), dtype)
    w[0] = 1
    tail = 1 - law(w)[0]
    count = int(200 / tail) if way == "many draws" else 2500
    drawn = WAYS[way](w, count, rng=6)
    drawn = drawn[drawn > 0]
    wrong = {"half": tail / 2, "twice": 2 * tail} if way == "many draws" else {"none": 0.0, "four times": 4 * tail}
    assert_count(drawn.size, count, tail, against=wrong)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("depth", [18.0, 60.0, "whole range"])
@pytest.mark.parametrize("n", [6, 100, 300, 5000])
def test_what_lies_far_below_the_head(n, depth, dtype):
    """Three categories e^-60 of the first: once that is drawn, or masked, they are drawn as 1, 2 and 3 are.

    20,000 rows; 10% more or less of one would be seen. The first category is another with probability e^-60.
    """
    w = np.zeros(n, dtype)
    head, *places = [1, 3, n // 2 + 1, n - 1]
    low = np.exp(-depth) if depth != "whole range" else np.nextafter(dtype(0), dtype(1))
    w[places] = np.array([1, 2, 3]) * low
    w[head] = 1 if depth != "whole range" else HUGE[dtype]
    p = law(w[places])
    count = 20_000 if n < 1000 else 12_000
    batch = np.broadcast_to(w, (count, n))
    pair = {"num_samples": 2, "replace": False}
    index, _ = gumbel_fast.gumbel_top_k(weights=batch, k=2, return_value=True, rng=2)
    mask = np.arange(n) != head
    for draws in (
        gumbel_fast.categorical(weights=batch, rng=1, **pair),
        index,
        gumbel_fast.categorical(weights=batch, mask=mask, rng=3)[:, np.newaxis],
        gumbel_fast.categorical(weights=w, mask=mask, num_samples=count, rng=4)[:, np.newaxis],
        gumbel_fast.gumbel_top_k(weights=batch, k=1, mask=mask, rng=5),
    ):
        if draws.shape[1] == 2:
            first = draws[:, 0] == head
            assert np.count_nonzero(~first) < 10  # of e^-18 and its like, one in eleven million is expected
            draws = draws[first]
        found = np.searchsorted(places, draws[:, -1])
        np.testing.assert_array_equal(np.take(places, found), draws[:, -1])
        assert_draws_follow(found, p, against={"one more": p * [1.25, 1, 1], "evenly": np.full(3, 1 / 3)})


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [2, 17, 64, 129, 1000, 5000])
def test_a_certain_category(n, way, dtype):
    """Alone, or beside what is smaller by all that the dtype has, down to temperature 1: drawn every time."""
    for place in {0, n // 2, n - 1}:
        w = np.zeros(n, dtype)
        for value in np.nextafter(dtype(0), dtype(1)), dtype(1), dtype(HUGE[dtype]):
            w[place] = value
            assert np.all(WAYS[way](w, 40, rng=1, allow_fewer=True) == place)
        if dtype != np.float16:
            w[:] = np.nextafter(dtype(0), dtype(1))
            w[place] = HUGE[dtype]
            assert np.all(WAYS[way](w, 40, rng=1, allow_fewer=True) == place)


# ------------------------------------------------------------------------------------------------- without replacement


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", ["categorical", "gumbel_top_k", "ragged", "filtered"])
@pytest.mark.parametrize("n", [5, 150, 5000])
def test_the_law_of_ordered_outcomes(n, way, dtype):
    """Every order of three of five, one of them 0, by Plackett-Luce; reversed, or all alike, would be seen."""
    count = 40_000 if n < 1000 else 6_000
    w = np.zeros(n, dtype)
    places = np.array([0, 1, 2, 3 if n == 5 else n // 2, n - 1])
    w[places] = [1.3, 0.0, 3.3, 0.6, 1.0]
    ordered, probabilities = outcomes(law(w, 0.7)[places], 3)
    batch, options = np.broadcast_to(w, (count, n)), {"temperature": 0.7, "rng": n}
    distinct = {"num_samples": 3, "replace": False}
    if way == "categorical":
        draws = gumbel_fast.categorical(weights=batch, **distinct, **options)
    elif way == "filtered":
        draws = gumbel_fast.categorical(weights=batch, top_k=4, **distinct, **options)
    elif way == "ragged":
        indptr = np.arange(0, (count + 1) * n, n)
        draws = gumbel_fast.categorical(weights=np.tile(w, count), indptr=indptr, **distinct, **options)
    else:
        draws = gumbel_fast.gumbel_top_k(weights=batch, k=3, **options)
    assert draws.shape == (count, 3)
    numbers = {number: i for i, number in enumerate(numbered(np.array(ordered), 5).tolist())}
    found = np.array([numbers[number] for number in numbered(np.searchsorted(places, draws), 5).tolist()])
    backwards = np.array([probabilities[ordered.index(outcome[::-1])] for outcome in ordered])
    assert_draws_follow(
        found, probabilities, against={"the order reversed": backwards, "all alike": (probabilities > 0) * 1.0}
    )


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 6, 64, 65, 1000, 5000])
def test_all_of_a_row(n, dtype):
    """A permutation of what is not 0; at temperature 0, by falling weight and of equals the first first."""
    w = some_weights((5, n), dtype)
    w[:, n // 2 :] = np.minimum(w[:, n // 2 :], dtype(1))  # equals
    count = np.count_nonzero(w, axis=1)
    options = {"num_samples": n, "replace": False, "allow_fewer": True, "rng": 1}
    order = np.argsort(-w.astype(np.float64), axis=1, kind="stable")
    for draws, cold in (
        (gumbel_fast.categorical(weights=w, temperature=t, **options), t == 0) for t in (1.0, 0.3, np.inf, 0.0)
    ):
        for row in range(5):
            np.testing.assert_array_equal(np.sort(draws[row, : count[row]]), np.flatnonzero(w[row]))
            assert np.all(draws[row, count[row] :] == -1)
            if cold:
                np.testing.assert_array_equal(draws[row, : count[row]], order[row, : count[row]])
    index = gumbel_fast.gumbel_top_k(weights=w, k=n, temperature=0, allow_fewer=True, rng=1)
    np.testing.assert_array_equal(np.where(np.arange(n) < count[:, np.newaxis], order, -1), index)


# ------------------------------------------------------------------------------------------------ values and log-probs


def assert_values(found, w, temperature, noise):
    """log(w) / T + noise in falling order, each within 4 units in the last place of what is summed."""
    index, value = found
    w, t = w.astype(np.float64), np.asarray(temperature, np.float64)[..., np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(w)
        scores = np.where((t == 0) | (w == 0), logs, logs / t)
    noise = np.where(t == 0, 0, noise.astype(np.float64))
    expected = scores + noise
    bound = 4 * np.spacing(np.maximum(np.abs(np.where(np.isfinite(scores), scores, 0)), np.abs(noise)))
    drawn = np.take_along_axis(expected, index, axis=-1)
    assert np.all(np.take_along_axis(w, index, axis=-1) > 0)
    assert np.all(np.abs(value - drawn) <= np.take_along_axis(bound, index, axis=-1))
    assert np.all(value[..., 1:] <= value[..., :-1])
    left = np.array(expected)  # nothing greater is left behind, but by what rounding excuses
    np.put_along_axis(left, index, -np.inf, axis=-1)
    assert np.all(left - bound <= value[..., -1:])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 2, 6, 16, 33, 64, 65, 128, 129, 300, 1025, 4097])
def test_values_of_gumbel_top_k(n, dtype, target):
    """With the noise of `gumbel` for the seed, of the dtype that is computed in, at any temperature and offset."""
    w = some_weights((9, n), dtype)
    most = int(np.count_nonzero(w, axis=1).min())
    for temperature in 1.0, 0.5, 3.0, 0.01, 0.0, np.linspace(0, 2, 9), 1e300, np.inf:
        for k in {1, most // 2, most} - {0}:
            options = {"rng": k, "offset": (5, 3)}
            noise = gumbel_fast.gumbel(size=w.shape, dtype=compute_dtype(w.dtype), **options)
            found = gumbel_fast.gumbel_top_k(weights=w, k=k, temperature=temperature, return_value=True, **options)
            assert found[0].shape == found[1].shape == (9, k)
            assert found[1].dtype == np.float64
            assert_values(found, w, temperature, noise)
            index = gumbel_fast.gumbel_top_k(weights=w, k=k, temperature=temperature, **options)
            np.testing.assert_array_equal(index, found[0])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_values_at_the_ends_of_a_dtype(dtype, target):
    """Logarithms of subnormals and of the greatest numbers, and of what lies just beside 1."""
    tiny = np.nextafter(dtype(0), dtype(1))
    beside = [np.nextafter(dtype(1), dtype(0)), dtype(1), np.nextafter(dtype(1), dtype(2))]
    w = np.array([tiny, 3 * tiny, 100 * tiny, HUGE[dtype], 0.5, 1e-3, *beside, 2.0, 0.0, -0.0, 7.25] * 31, dtype)
    noise = gumbel_fast.gumbel(size=w.size, dtype=compute_dtype(w.dtype), rng=1)
    for temperature in 1.0, 0.7, 0.0, 5.0:
        for k in 1, 100, 300, 11 * 31:
            found = gumbel_fast.gumbel_top_k(weights=w, k=k, temperature=temperature, return_value=True, rng=1)
            assert_values(found, w, temperature, noise)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_values_of_integers(dtype):
    """Are computed in float64."""
    w = (np.arange(200) % 7).astype(dtype)
    noise = gumbel_fast.gumbel(size=200, rng=1)
    assert_values(gumbel_fast.gumbel_top_k(weights=w, k=90, return_value=True, rng=1), w, 1.0, noise)
    expected = gumbel_fast.gumbel_top_k(weights=w.astype(np.float64), k=90, return_value=True, rng=1)
    np.testing.assert_equal(gumbel_fast.gumbel_top_k(weights=w, k=90, return_value=True, rng=1), expected)
    np.testing.assert_equal(gumbel_fast.gumbel_top_k(weights=w.tolist(), k=90, return_value=True, rng=1), expected)


def test_shards_of_a_row_are_joined_by_value():
    w = some_weights(5000, np.float64)
    index, value = gumbel_fast.gumbel_top_k(weights=w, k=40, return_value=True, rng=3)
    found = []
    for start in range(0, 5000, 700):
        part = w[start : start + 700]
        shard = gumbel_fast.gumbel_top_k(weights=part, k=40, return_value=True, rng=3, offset=(0, start))
        found += zip(-shard[1], start + shard[0], strict=True)
    best = sorted(found)[:40]
    np.testing.assert_array_equal([i for _, i in best], index)
    np.testing.assert_array_equal([-v for v, _ in best], value)


CALLS = [{}, {"num_samples": 3}, {"num_samples": 300}, {"num_samples": 2, "replace": False}]


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [2, 5, 64, 129, 300, 4097])
def test_log_probs_of_draws(n, dtype, target):
    """log softmax of log(w) / T among what is left, in the dtype that is computed in."""
    w = some_weights((6, n), dtype)
    w[:, 1] = 0.5
    for temperature in 1.0, 0.4, 3.0, np.inf:
        logs = np.log(np.array([law(row, temperature) for row in w]) + (w == 0))
        for call in CALLS:
            index, found = gumbel_fast.categorical(
                weights=w, rng=n, temperature=temperature, return_log_prob=True, **call
            )
            np.testing.assert_array_equal(
                gumbel_fast.categorical(weights=w, rng=n, temperature=temperature, **call), index
            )
            assert found.dtype == compute_dtype(dtype)
            wide = index.reshape(6, -1)
            expected = np.take_along_axis(logs, wide, axis=1).reshape(index.shape)
            rtol = 4e-6 if found.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol / 100)
    index, found = gumbel_fast.categorical(weights=w, rng=1, temperature=0, return_log_prob=True)
    np.testing.assert_array_equal(index, w.argmax(axis=1))
    np.testing.assert_array_equal(found, 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 5, 17, 64, 129, 200, 5000])
def test_log_prob_of_a_sure_category_keeps_its_digits(n, dtype):
    """As small as the mass beside it, whatever the scale."""
    for scale in 1.0, 2.0**-20, 2.0**100:
        for depth in 5, 20, 30, 60:
            w = np.full(n, scale * 2.0**-depth, dtype)
            w[n // 2] = scale
            index, found = gumbel_fast.categorical(weights=np.broadcast_to(w, (50, n)), rng=1, return_log_prob=True)
            exact = -np.log1p((n - 1) * 2.0**-depth)
            rtol = 1e-5 if dtype == np.float32 else 1e-13
            np.testing.assert_allclose(found[index == n // 2], exact, rtol=rtol)


# ------------------------------------------------------------------------------------------------------------- filters


def assert_kept(w, filters, rng=1):
    """Draws without replacement reach what the filters keep of the logarithms, and no draw leaves it."""
    with np.errstate(divide="ignore"):
        logs = np.log(w.astype(np.float64))
    least, most = bounds(logs, **filters)
    options = {"num_samples": w.size, "replace": False, "allow_fewer": True, "rng": rng}
    index = gumbel_fast.categorical(weights=w, **options, **filters)
    found = np.isin(np.arange(w.size), index)
    assert np.all(least <= found), f"category {np.argmax(least & ~found)} is lost"
    assert np.all(found <= most), f"category {np.argmax(found & ~most)} is kept"
    for call in {}, {"num_samples": 3}, {"num_samples": 100}, {"num_samples": 1, "replace": False}:
        draws = gumbel_fast.categorical(weights=w, rng=rng, **call, **filters)
        assert np.all(found[draws])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 3, 33, 64, 65, 128, 129, 300, 4097])
def test_filters_keep_what_they_keep_of_logarithms(n, dtype):
    """Each filter and chains of them, at every temperature, in rows with ties, with zeros and of many scales."""
    filters = made_filters(n, 24, seed=7)
    rng = np.random.default_rng(n)
    rows = {
        "some": some_weights(n, dtype),
        "ties": np.asarray(2.0 ** rng.integers(-3, 1, n)).astype(dtype),
        "flat": np.ones(n, dtype),
        "far apart": np.asarray(10.0 ** rng.integers(-4, 4, n)).astype(dtype),
    }
    for i in range(24):
        own = of_row(filters, i)
        for w in rows.values():
            if settled(w, own):
                assert_kept(w, own)


def settled(w, filters):
    """Whether no weight but the greatest is so near to min_p of that that rounding may decide."""
    p = law(w, filters["filter_temperature"])
    quotient = p / p.max()
    return not np.any((np.abs(quotient - filters["min_p"]) < 1e-6 * filters["min_p"]) & (quotient < 1))


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "options",
    [{"top_k": 4}, {"top_p": 0.8}, {"min_p": 0.25}, {"top_k": 5, "top_p": 0.9, "min_p": 0.1, "temperature": 1.5}],
    ids=str,
)
@pytest.mark.parametrize("n", [8, 150, 5000])
def test_law_of_filtered_rows(n, options, dtype):
    """Of eight categories some are left, drawn in proportion; the next one kept, or the last lost, would be seen."""
    w = np.zeros(n, dtype)
    places = np.array([0, 1, 2, 3, 4, n // 2 + 1, n - 2, n - 1])
    w[places] = [5, 1, 3, 0.3, 2, 4, 0.2, 1.5]
    temperature = options.get("temperature", 1.0)
    with np.errstate(divide="ignore"):
        least, most = bounds(np.log(w.astype(np.float64)), **options)
    np.testing.assert_array_equal(least, most)
    p = law(np.where(least, w, 0), temperature)
    order = np.argsort(-w.astype(np.float64), kind="stable")[: np.count_nonzero(least) + 1]
    wrong = {
        "the next kept": law(np.where(np.isin(np.arange(n), order), w, 0), temperature),
        "the last lost": law(np.where(np.isin(np.arange(n), order[:-2]), w, 0), temperature),
    }
    for way in "one draw", "few draws", "many draws", "the first of two", "ragged":
        assert_draws_follow(WAYS[way](w, 6000, rng=n, **options), p, against=wrong)


# ------------------------------------------------------------------------------------------------------------ anything

exponents = st.sampled_from([0, 0, 0, 1, -1, 5, -5, 30, -30, 100, -120, -149, 127])
mantissas = st.sampled_from([0.0, -0.0, 1.0, 1.0, 1.5, 1.25, 1.999])


@settings(max_examples=300)
@given(
    st.lists(st.tuples(mantissas, exponents), min_size=1, max_size=12),
    st.sampled_from(DTYPES),
    st.sampled_from([1.0, 1.0, 0.5, 3.0, 1e-3, 1e-300, 1e300, np.inf, 0.0]),
    st.sampled_from([1, 1, 5, 30, 400]),
    st.integers(0, 9),
)
def test_no_draw_of_what_is_0_or_far_below(values, dtype, temperature, times, seed):
    """Any weights from 2^-149 to 2^127: nothing that is 0, and nothing that has a probability below e^-60, is drawn."""
    w = np.tile(np.array([m * 2.0**e for m, e in values]).astype(dtype), times)
    if not w.any():
        for way in WAYS.values():
            with pytest.raises(ValueError, match="row 0"):
                way(w, 2, rng=seed)
        return
    possible = law(w, temperature) > 1e-26
    for name, way in WAYS.items():
        if name == "the first of two" and np.count_nonzero(w) < 2:
            continue
        draws = way(w, 9, rng=seed, temperature=temperature)
        assert possible[draws].all(), name
