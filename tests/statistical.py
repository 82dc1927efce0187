"""Tests of randomness that say how often right code fails them and what wrong code they would catch.

Each check has a false-alarm rate, FALSE_ALARM unless told otherwise, and takes the discrepancies it is there to notice.
It first works out its own power against them, and fails as a badly designed test where that is below POWER: a sample
too small to see the fault it names is an error, whatever was drawn. Seeds are fixed and results the same on every
machine, so a check that passes once goes on passing until the stream or the code changes.

Nothing here draws, and nothing here knows the library.
"""

import numpy as np
from scipy import special, stats

FALSE_ALARM = 1e-6
POWER = 0.999

LEAST_EXPECTED = 25  # in a cell of a chi-square: below, the tail of the statistic at 1e-6 is no longer chi-square's


def softmax(logits, temperature=1.0):
    """The probabilities of one row, in float64."""
    return special.softmax(np.asarray(logits, dtype=np.float64) / temperature)


# ---------------------------------------------------------------------------------------------- many categories at once


def assert_draws_follow(draws, p, *, against):
    """Chi-square of drawn indices against probabilities p.

    Categories too rare for a cell of their own share one, once with their neighbours in the row, in cells of twice
    LEAST_EXPECTED, which show faults of place (a block lost, an index off by one), and once with their equals in
    probability, in cells of a fortieth of the draws, which show faults of value (a wrong temperature, a lost tail).
    Each pooling is tested at half the false-alarm rate.

    `against` maps the name of each fault to the probabilities that it would draw from; one of the two poolings must
    have the power to see it (noncentral chi-square). A category of probability 0 must never be drawn.
    """
    draws, p = np.asarray(draws).ravel(), np.asarray(p)
    counts = np.bincount(draws, minlength=p.size)
    assert counts.size == p.size, f"index {draws.max()} drawn from {p.size} categories"
    assert not counts[p == 0].any(), f"category {np.flatnonzero(counts * (p == 0))[0]} has probability 0 and was drawn"
    assert against, "name a discrepancy that this test is there to notice"
    by_value = max(2 * LEAST_EXPECTED, draws.size / 40)
    pools = {
        "place": _pools(p * draws.size, np.arange(p.size), 2 * LEAST_EXPECTED),
        "value": _pools(p * draws.size, np.argsort(-p, kind="stable"), by_value),
    }
    for fault, q in against.items():
        powers = {name: _chi_square_power(p, q, draws.size, pool) for name, pool in pools.items()}
        assert max(powers.values()) >= POWER, f"{draws.size} draws are too few to notice {fault}: power {powers}"
    for name, pool in pools.items():
        expected = np.bincount(pool, weights=p * draws.size)
        observed = np.bincount(pool, weights=counts, minlength=expected.size)
        statistic = np.sum((observed - expected) ** 2 / expected)
        p_value = stats.chi2.sf(statistic, expected.size - 1)
        assert p_value >= FALSE_ALARM / 2, (
            f"chi-square {statistic:.1f} on {expected.size - 1} degrees of freedom, pooled by {name}: p = {p_value:.3g}"
        )


def _pools(expected, order, share):
    """The cell of each category: its own where `share` is expected, else one that fills up along `order` to `share`."""
    own = expected >= share
    rare = order[~own[order]]
    before = np.cumsum(expected[rare]) - expected[rare]
    cell = np.empty(expected.size, dtype=np.intp)
    cell[own] = np.arange(np.count_nonzero(own))
    cell[rare] = np.count_nonzero(own) + np.unique(before // share, return_inverse=True)[1]
    total = np.bincount(cell, weights=expected)
    if total[-1] < LEAST_EXPECTED and total.size > 1:  # a remainder joins the smallest of the others
        cell[cell == total.size - 1] = np.argmin(total[:-1])
    return cell


def _chi_square_power(p, q, draws, pool):
    expected = np.bincount(pool, weights=p)
    wrong = np.bincount(pool, weights=q / np.sum(q))
    freedom = expected.size - 1
    if freedom == 0:
        return 0.0
    noncentrality = draws * np.sum((wrong - expected) ** 2 / expected)
    return stats.ncx2.sf(stats.chi2.isf(FALSE_ALARM / 2, freedom), freedom, noncentrality)


# ------------------------------------------------------------------------------------------------- one number at a time


def assert_count(count, trials, p, *, against):
    """Exact two-sided binomial test of a count; `against` maps faults to the event's probability under them."""
    low, high = stats.binom.ppf(FALSE_ALARM / 2, trials, p), stats.binom.isf(FALSE_ALARM / 2, trials, p)
    assert against, "name a discrepancy that this test is there to notice"
    for fault, q in against.items():
        power = stats.binom.cdf(low - 1, trials, q) + stats.binom.sf(high, trials, q)
        assert power >= POWER, f"{trials} trials are too few to notice {fault}: power {power:.3g}"
    assert low <= count <= high, f"{count} of {trials}, where {trials * p:.1f} are expected ({low:.0f} to {high:.0f})"


def assert_near(estimate, truth, standard_error, *, against):
    """Two-sided normal test of an estimate; `against` maps faults to the values they would give."""
    width = stats.norm.isf(FALSE_ALARM / 2) * standard_error
    assert against, "name a discrepancy that this test is there to notice"
    for fault, wrong in against.items():
        power = stats.norm.sf((width - abs(wrong - truth)) / standard_error)
        assert power >= POWER, (
            f"a standard error of {standard_error:.3g} is too wide to notice {fault}: power {power:.3g}"
        )
    assert abs(estimate - truth) <= width, f"{estimate} is not within {width:.3g} of {truth}"


def assert_continuous(sample, cdf, *, distance):
    """Kolmogorov-Smirnov test of a sample, there to notice a `distance` between two distribution functions.

    Power by the inequality of Dvoretzky, Kiefer and Wolfowitz: the empirical function of a distribution at that
    distance comes back to within the critical value with probability at most 2 exp(-2 n (distance - critical)^2).
    """
    n = sample.size
    critical = stats.kstwo.isf(FALSE_ALARM, n)
    missed = 2 * np.exp(-2 * n * (distance - critical) ** 2) if distance > critical else 1.0
    assert 1 - missed >= POWER, f"{n} points are too few to notice a distance of {distance}: critical {critical:.3g}"
    ordered = cdf(np.sort(sample, axis=None).astype(np.float64))
    steps = np.arange(n + 1) / n
    found = max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1]))
    assert found <= critical, f"the distribution functions are {found:.3g} apart, where {critical:.3g} is the limit"
