"""The statistical checks themselves: they pass right draws, catch each fault named, and refuse small samples."""

import numpy as np
import pytest
from scipy import stats

from statistical import assert_continuous, assert_count, assert_draws_follow, assert_near, softmax


def draws_from(p, count, seed=1):
    return np.random.default_rng(seed).choice(len(p), count, p=np.asarray(p) / np.sum(p))


@pytest.mark.parametrize("n", [2, 3, 64, 1000, 50_000])
def test_right_draws_pass_and_wrong_ones_fail(n):
    x = np.random.default_rng(n).normal(0, 2, n)
    p = softmax(x)
    faults = {"hotter": softmax(x, 1.3), "shifted": np.roll(p, 1), "half lost": p * (np.arange(n) >= n // 2)}
    assert_draws_follow(draws_from(p, 50_000), p, against=faults)
    for q in faults.values():
        with pytest.raises(AssertionError, match="degrees of freedom"):
            assert_draws_follow(draws_from(q, 50_000), p, against=faults)


@pytest.mark.thread_unsafe
def test_false_alarms_are_as_rare_as_stated():
    """The p-values of right draws are uniform: pooled cells hold enough for the chi-square law."""
    p = softmax(np.random.default_rng(1).normal(0, 3, 500))
    alarms = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("statistical.FALSE_ALARM", 0.02)
        for seed in range(1000):
            try:
                assert_draws_follow(draws_from(p, 3000, seed), p, against={"shifted": np.roll(p, 1)})
            except AssertionError:
                alarms += 1
    assert_count(alarms, 1000, 0.02, against={"five times as many": 0.1})


def test_what_has_no_probability_is_never_drawn():
    with pytest.raises(AssertionError, match="probability 0"):
        assert_draws_follow([0, 0, 1, 2] * 1000, [0.5, 0.25, 0.25, 0.0][::-1], against={"shifted": [1, 0, 0, 0]})
    with pytest.raises(AssertionError, match="index 3"):
        assert_draws_follow([0, 1, 2, 3] * 1000, [0.5, 0.25, 0.25], against={"shifted": [1, 0, 0]})


def test_samples_that_are_too_small_are_refused():
    p, q = np.array([0.5, 0.5]), np.array([0.49, 0.51])
    with pytest.raises(AssertionError, match="too few"):
        assert_draws_follow(draws_from(p, 1000), p, against={"2%": q})
    with pytest.raises(AssertionError, match="too few"):
        assert_count(500, 1000, 0.5, against={"2%": 0.51})
    with pytest.raises(AssertionError, match="too wide"):
        assert_near(0.0, 0.0, 1.0, against={"3 standard errors": 3.0})
    with pytest.raises(AssertionError, match="too few"):
        assert_continuous(np.linspace(0, 1, 100), stats.uniform.cdf, distance=0.1)


def test_counts_means_and_laws_that_are_off_fail():
    assert_count(100, 10**6, 1e-4, against={"twice": 2e-4})
    for count in 0, 200:
        with pytest.raises(AssertionError, match="expected"):
            assert_count(count, 10**6, 1e-4, against={"twice": 2e-4})
    with pytest.raises(AssertionError, match="not within"):
        assert_near(0.1, 0.0, 0.01, against={"a tenth": 0.1})
    sample = np.random.default_rng(2).random(10**5)
    assert_continuous(sample, stats.uniform.cdf, distance=0.02)
    with pytest.raises(AssertionError, match="apart"):
        assert_continuous(sample**1.05, stats.uniform.cdf, distance=0.02)
