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
@pytest.mark.parametrize("n", [5, 150, 5000, 70_000])
def test_the_exact_law_of_ordered_outcomes(n, k, dtype):
    """200,000 rows of five categories, one masked: with replacement, out of order or even would be seen.

    Alone, or among masked ones in a row so long that rejection draws them, in batches of two sizes: two in one block,
    two in others.
    """
    count = 200_000 if n < 1000 else 20_000
    if n > 10_000 and (k != 3 or dtype != np.float32):
        pytest.skip("the batch is the same")
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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n, k", [(300, 17), (9000, 200), (70_000, 1000)])
@pytest.mark.parametrize("order", ["rising", "falling", "steep", "cold"])
def test_each_draw_is_softmax_of_the_rest(order, n, k, dtype, target):
    """Given those before it, where a draw falls in the cumulative distribution of the rest is uniform on [0, 1).

    20,000 draws from rows whose greatest comes last, and first; where it lies 60 nats above what was met before; and at
    a temperature at which a hundredth of the categories hold the mass. An upper half of the distribution with a
    fourteenth more than its share would be seen.
    """
    temperature = 0.05 if order == "cold" else 1.0
    row = np.linspace(0, 4, n)
    if order == "falling":
        row = row[::-1]
    elif order == "steep":
        row = np.repeat([-60, -40, -20, -1, 0], n // 5)
    row = row.astype(dtype)
    weights = softmax(row, temperature)
    draws = gumbel_fast.categorical(
        np.broadcast_to(row, (20_000 // k, n)), num_samples=k, replace=False, temperature=temperature, rng=n
    )
    assert np.all(np.diff(np.sort(draws, axis=1), axis=1) > 0)
    rng = np.random.default_rng(6)
    places = [places_in_the_rest(mine, weights, rng) for mine in draws]
    cells = np.minimum((np.concatenate(places) * 8).astype(int), 7)
    even = np.full(8, 1 / 8)
    assert_draws_follow(cells, even, against={"more above": even * np.repeat([13 / 14, 15 / 14], 4)})


def places_in_the_rest(draws, weights, rng):
    """Where each of a row's draws falls in the cumulative distribution of what those before it leave."""
    own = weights[draws]
    earlier = np.tri(draws.size, k=-1) * own  # [i, j]: the weight of draw j, which came before draw i
    before = (np.cumsum(weights) - weights)[draws] - np.sum(earlier * (draws < draws[:, None]), axis=1)
    rest = 1 - np.sum(earlier, axis=1)
    return (before + own * rng.random(draws.size)) / rest


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [9000, 70_000])
def test_pairs_far_apart(n, dtype):
    """Of pairs 2 nats apart in masked rows all are drawn, so that either of two comes first by its share.

    With each pair the envelopes shrink to a seventh: so rejection meets its patience, and the last are drawn by noise.
    400 rows of 75 pairs, the early ones and the late ones apart: 55% of one order among equals would be seen, and a
    third more or fewer of those that overtake the pair before them.
    """
    pairs, rows = 75, 400
    places = np.random.default_rng(1).permutation(n)[: 2 * pairs]
    row = np.full(n, -np.inf, dtype)
    row[places] = -2.0 * (np.arange(2 * pairs) // 2)
    draws = gumbel_fast.categorical(np.broadcast_to(row, (rows, n)), num_samples=2 * pairs, replace=False, rng=4)
    np.testing.assert_array_equal(np.sort(draws, axis=1), np.tile(np.sort(places), (rows, 1)))
    when = np.empty((rows, n), np.int64)
    np.put_along_axis(when, draws, np.arange(2 * pairs), axis=1)
    when = when[:, places]
    ahead = 1 / (1 + np.exp(2))
    for part in slice(0, 50), slice(50, 100), slice(100, 150):
        first, second = when[:, part][:, ::2], when[:, part][:, 1::2]
        assert_count(np.count_nonzero(first < second), first.size, 0.5, against={"more": 0.55, "fewer": 0.45})
        early = first[:, 1:] < first[:, :-1]
        assert_count(np.count_nonzero(early), early.size, ahead, against={"more": 1.3 * ahead, "fewer": 0.7 * ahead})


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n, k", [(300, 12), (9000, 200), (70_000, 1000)])
def test_rows_of_as_many_as_are_wanted(n, k, dtype):
    """All that a mask leaves are drawn, whether they weigh alike or a few hold all the mass; one more is refused."""
    places = np.random.default_rng(2).permutation(n)[:k]
    for spread in 0, 1, 30:
        row = np.full(n, -np.inf, dtype)
        row[places] = spread * np.random.default_rng(3).normal(size=k)
        draws = gumbel_fast.categorical(row, num_samples=k, replace=False, rng=1)
        np.testing.assert_array_equal(np.sort(draws), np.sort(places))
        fewer = gumbel_fast.categorical(row, num_samples=k + 1, replace=False, rng=1, allow_fewer=True)
        np.testing.assert_array_equal(fewer[k:], [-1])
        np.testing.assert_array_equal(np.sort(fewer[:k]), np.sort(places))
        with pytest.raises(ValueError, match=rf"\b0\b.*\b{k}\b.*\b{k + 1}\b"):
            gumbel_fast.categorical(row, num_samples=k + 1, replace=False, rng=1)


def test_more_draws_begin_with_fewer():
    """What is drawn first does not depend on how many are wanted after it, by rejection."""
    row = some_rows(9000)
    many = gumbel_fast.categorical(row, num_samples=100, replace=False, rng=1)
    np.testing.assert_array_equal(gumbel_fast.categorical(row, num_samples=7, replace=False, rng=1), many[:7])


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("shape", [(20,), (1, 20), (37, 20), (2, 3, 50), (300,), (5, 300)])
def test_the_fast_path_is_the_general_one(shape, dtype):
    """One takes a Generator and no more than a temperature; the other is had by naming the workers."""
    x = some_rows(shape, dtype)
    for temperature in 1.0, 0.0, 0.3:
        fast, general = np.random.default_rng(5), np.random.default_rng(5)
        for k in 2, 5, 9:
            found = gumbel_fast.categorical(x, num_samples=k, replace=False, temperature=temperature, rng=fast)
            expected = gumbel_fast.categorical(
                x, num_samples=k, replace=False, temperature=temperature, rng=general, workers=1
            )
            np.testing.assert_array_equal(found, expected)
            found = gumbel_fast.gumbel_top_k(x, k, temperature=temperature, rng=fast)
            expected = gumbel_fast.gumbel_top_k(x, k, temperature=temperature, rng=general, workers=1)
            np.testing.assert_array_equal(found, expected)
    assert fast.bit_generator.state == general.bit_generator.state
    x[..., :] = -np.inf
    with pytest.raises(ValueError, match=r"\b0\b"):
        gumbel_fast.gumbel_top_k(x, 2, rng=fast)


def test_is_gumbel_top_k():
    """The same stream as the function whose kernel it is, where that is quickest: one seed, one answer."""
    for n, k in (20, 10), (64, 2), (300, 100):
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
@pytest.mark.parametrize("n", [6, 65, 1000, 9000])
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
