"""categorical with replace=False: what is drawn is held to the exact law of every ordered outcome (Plackett-Luce).

An outcome (i1, ..., ik) has the probability that softmax gives i1, times that of i2 among those left, and so on. A
small case has few enough outcomes for a chi-square over all of them; larger ones are held to softmax by their first and
second draws.
"""

import itertools
import re

import numpy as np
import pytest

import gumbel_fast
import reference
from rows import ALL_DTYPES, BAD, DTYPES, some_rows, spoiled
from statistical import assert_count, assert_draws_follow, softmax


def outcomes(p, k):
    """Every ordered outcome of k draws, and its probability."""
    ordered = list(itertools.permutations(range(p.size), k))
    law = []
    for outcome in ordered:
        probability, left = 1.0, 1.0
        for i in outcome:
            probability *= p[i] / left
            left -= p[i]
        law.append(probability)
    return ordered, np.array(law)


def numbered(draws, n):
    """The outcome of each row of draws as one number."""
    return draws @ n ** np.arange(draws.shape[1])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [5, 150, 5000])
def test_the_exact_law_of_ordered_outcomes(n, k, dtype):
    """200,000 rows of five categories, one masked: with replacement, out of order or even would be seen.

    Alone, or among masked ones in a row so long that rejection draws them: two in one block, two in others.
    """
    count = 200_000 if n < 1000 else 20_000
    row = np.array([0.3, -np.inf, 1.2, -0.5, 0.0], dtype)
    p = softmax(row, 0.7)
    ordered, law = outcomes(p, k)
    places = np.array([0, 1, 2, 3 if n == 5 else n // 2, n - 1])
    wide = np.full(n, -np.inf, dtype)
    wide[places] = row
    draws = gumbel_fast.categorical(
        np.broadcast_to(wide, (count, n)), num_samples=k, replace=False, temperature=0.7, rng=k
    )
    assert draws.shape == (count, k)
    draws = np.searchsorted(places, draws)
    places = {number: i for i, number in enumerate(numbered(np.array(ordered), 5))}
    found = np.array([places[number] for number in numbered(draws, 5)])
    even = (law > 0) / np.count_nonzero(law)
    backwards = np.array([law[ordered.index(outcome[::-1])] for outcome in ordered])
    wrong = {"all outcomes alike": even} if k == 1 else {"the order reversed": backwards, "all alike": even}
    assert_draws_follow(found, law, against=wrong)


@pytest.mark.many_draws
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n, k", [(64, 3), (65, 3), (1000, 2), (1000, 300), (1000, 1000)])
def test_first_and_last(n, k, dtype):
    """The first draw follows softmax; of all of a row, the last is likely a rare one."""
    row = np.linspace(-3, 1, n).astype(dtype)
    row[0] = 1.5
    p = softmax(row)
    count = 40_000 if k < 10 else 10_000
    draws = gumbel_fast.categorical(np.broadcast_to(row, (count, n)), num_samples=k, replace=False, rng=n)
    assert np.all(np.diff(np.sort(draws, axis=1), axis=1) > 0)  # no category twice
    assert_draws_follow(draws[:, 0], p, against={"a temperature 40% off": softmax(row, 1.4)})
    second = p * (np.sum(p / (1 - p)) - p / (1 - p))  # sum over the first of p1 p / (1 - p1)
    assert_draws_follow(draws[:, 1], second, against={"the first again": softmax(row, 0.7)})


def test_half_of_a_row():
    """Of 1,000 equal categories, each is among 300 drawn with probability 0.3: 4% more would be seen."""
    draws = gumbel_fast.categorical(np.zeros((2000, 1000), np.float32), num_samples=300, replace=False, rng=1)
    for part in range(4):
        within = np.count_nonzero(draws // 250 == part)
        assert_count(within, draws.size, 0.25, against={"more": 0.26, "fewer": 0.24})
    assert np.all(np.diff(np.sort(draws, axis=1), axis=1) > 0)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 6, 64, 65, 1000])
def test_all_of_a_row_is_a_permutation(n, dtype):
    x = some_rows((9, n), dtype, masked=0)
    draws = gumbel_fast.categorical(x, num_samples=n, replace=False, rng=1)
    np.testing.assert_array_equal(np.sort(draws, axis=1), np.tile(np.arange(n), (9, 1)))
    cold = gumbel_fast.categorical(x, num_samples=n, replace=False, temperature=0, rng=1)
    np.testing.assert_array_equal(cold, np.argsort(-x.astype(np.float64), axis=1, kind="stable"))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [200, 9000])
def test_rejection_starts_anew_where_little_is_left(n, dtype):
    """Five pairs of equals, 25 nats apart: pair after pair is drawn, each in both orders alike.

    2,000 rows; one order in 60% of them would be seen. A draw out of order has a probability of e^-25.
    """
    places = np.array([3, n - 1, 5, 77, n // 2, 8, 101, 130, 150, 40])
    row = np.full(n, -np.inf, dtype)
    row[places] = 40 - 25.0 * (np.arange(10) // 2)
    draws = gumbel_fast.categorical(np.broadcast_to(row, (2000, n)), num_samples=10, replace=False, rng=4)
    for pair in range(5):
        first, second = places[2 * pair : 2 * pair + 2]
        found = draws[:, 2 * pair : 2 * pair + 2]
        np.testing.assert_array_equal(np.sort(found, axis=1), np.tile(np.sort([first, second]), (2000, 1)))
        assert_count(np.count_nonzero(found[:, 0] == first), 2000, 0.5, against={"more": 0.6, "fewer": 0.4})


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_lies_far_below_is_left_for_later(dtype):
    """Three categories 18 nats below a head that is drawn first, two of them in its block: then each has its share."""
    row = np.full(300, -np.inf, dtype)
    row[[7, 9, 31, 299]] = 18, np.log(1), np.log(2), np.log(3)
    draws = gumbel_fast.categorical(np.broadcast_to(row, (100_000, 300)), num_samples=2, replace=False, rng=5)
    headed = draws[draws[:, 0] == 7, 1]
    assert headed.size > 99_900
    found = np.searchsorted([9, 31, 299], headed)
    assert_draws_follow(found, np.array([1, 2, 3]) / 6, against={"8% off": np.array([1.08, 2, 2.92]) / 6})


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [50, 300, 9000])
def test_rows_at_temperature_0_among_others(n, dtype):
    """They take the largest in falling order; the others are drawn as if they were alone."""
    x = some_rows((9, n), dtype, masked=0)
    cold = np.arange(9) % 2 == 0
    mixed = gumbel_fast.categorical(x, num_samples=5, replace=False, temperature=np.where(cold, 0, 0.5), rng=2)
    warm = gumbel_fast.categorical(x, num_samples=5, replace=False, temperature=0.5, rng=2)
    largest = np.argsort(-x.astype(np.float64), axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(mixed, np.where(cold[:, None], largest, warm))


def test_is_gumbel_top_k():
    """The same stream as the function whose kernel it is, where that is quickest: one seed, one answer."""
    for n, k in (100, 2), (300, 100):
        x = some_rows((9, n))
        draws = gumbel_fast.categorical(x, num_samples=k, replace=False, temperature=0.5, rng=3)
        np.testing.assert_array_equal(draws, gumbel_fast.gumbel_top_k(x, k, temperature=0.5, rng=3))


def test_one_draw_is_one_draw():
    """There is nothing to replace."""
    x = some_rows((9, 300))
    expected = gumbel_fast.categorical(x, rng=3)
    np.testing.assert_array_equal(gumbel_fast.categorical(x, replace=False, rng=3), expected)
    np.testing.assert_array_equal(gumbel_fast.categorical(x, num_samples=1, replace=False, rng=3)[:, 0], expected)


def test_rows_do_not_know_their_batch_mates():
    x = some_rows((40, 50))
    whole = gumbel_fast.categorical(x, num_samples=10, replace=False, rng=3)
    np.testing.assert_array_equal(gumbel_fast.categorical(x[:7], num_samples=10, replace=False, rng=3), whole[:7])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes_and_out(axis):
    x = some_rows((4, 5, 30), masked=0)
    expected = gumbel_fast.categorical(x, num_samples=6, replace=False, rng=3)
    out = np.empty((4, 5, 6), np.int64)
    moved = np.moveaxis(x, -1, axis)
    assert gumbel_fast.categorical(moved, num_samples=6, replace=False, axis=axis, rng=3, out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [3, 64, 65, 1000])
def test_too_many_are_refused(n, dtype):
    """By the row that has too few, and out is as it was."""
    x = some_rows((20, n), dtype, masked=0)
    x[11, 2:] = -np.inf
    out = np.full((20, 3), -1, np.int64)
    for options in {}, {"out": out}:
        with pytest.raises(ValueError, match=r"\b11\b"):
            gumbel_fast.categorical(x, num_samples=3, replace=False, rng=1, **options)
    assert np.all(out == -1)
    with pytest.raises(ValueError, match=r"\b0\b"):
        gumbel_fast.categorical(x[:5], num_samples=n + 1, replace=False, rng=1)
    with pytest.raises(ValueError, match="wanted"):
        gumbel_fast.categorical(x[:5], num_samples=2**32, replace=False, rng=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [6, 65, 1000])
def test_bad_rows_are_named(n, dtype):
    for bad in BAD:
        x = spoiled(some_rows((50, n), dtype, masked=0), 43, bad)
        for samples in 1, 3:
            with pytest.raises(ValueError, match=r"\b43\b") as error:
                gumbel_fast.categorical(x, num_samples=samples, replace=False, rng=1)
            assert not re.search(r"\b49\b", str(error.value))


def test_twin_follows_the_law():
    row = np.log([0.1, 0.2, 0.3, 0.4])
    ordered, law = outcomes(softmax(row), 2)
    draws = reference.categorical(np.broadcast_to(row, (20_000, 4)), num_samples=2, replace=False, rng=1)
    found = np.array([ordered.index(tuple(pair)) for pair in draws.tolist()])
    assert_draws_follow(found, law, against={"all outcomes alike": np.ones(law.size)})
