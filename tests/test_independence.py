"""Successive draws, rows, columns and seeds are independent: pairs and triples of them fall as independent ones do.

Noise is turned back into uniforms and these into cells of equal probability; a chi-square over all pairs or triples of
cells sees dependence of any form, where a correlation would see that of one. Each check fails right code once in a
million times, and says what share of values that repeat their neighbour it would notice.
"""

import numpy as np
import pytest
from scipy import stats

import gumbel_fast
from gumbel_fast import _methods
from gumbel_fast._rng import SeedPair
from statistical import assert_draws_follow, assert_near, softmax

FAR = [
    2**31 - 1,
    2**32,
    2**34 - 1,
]  # columns: what a signed or an unsigned word of 32 bits ends at, and the last of all


def cells(noise):
    """The cell of each value, of 16 that are equally likely."""
    return np.searchsorted(stats.gumbel_r.ppf(np.arange(1, 16) / 16), noise)


def repeating(count, axes, share):
    """The law of tuples of cells whose members repeat the first in a share of the cases, and else are independent."""
    law = np.full((count,) * axes, (1 - share) / count**axes)
    law[(np.arange(count),) * axes] += share / count
    return law.ravel()


def assert_independent(*members, count, share):
    """Chi-square of tuples, a member of each from every array of cells, which are joined until there are `count`."""
    number = 0
    for member in members:
        number = number * count + member.ravel() // (16 // count)
    axes = len(members)
    fault = {f"{share:.0%} of values repeated": repeating(count, axes, share)}
    assert_draws_follow(number, np.full(count**axes, count**-axes), against=fault)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_successive_values(dtype):
    """Pairs and triples along a row of a million, at lags within a Philox block, across blocks and across registers."""
    noise = cells(gumbel_fast.gumbel(size=1_000_000, rng=201, dtype=dtype))
    for lag in 1, 2, 3, 4, 5, 16, 64, 256, 4096:
        assert_independent(noise[:-lag], noise[lag:], count=16, share=0.02)
    for lag in 1, 4, 16:
        assert_independent(noise[: -2 * lag], noise[lag:-lag], noise[2 * lag :], count=8, share=0.02)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adjacent_rows(dtype):
    """Pairs and triples down columns, of rows one and a power of two apart."""
    noise = cells(gumbel_fast.gumbel(size=(1025, 1000), rng=202, dtype=dtype))
    for lag in 1, 2, 4, 64, 256:
        assert_independent(noise[:-lag], noise[lag:], count=16, share=0.02)
    assert_independent(noise[:-2], noise[1:-1], noise[2:], count=8, share=0.02)


@pytest.mark.parametrize("row", [0, 2**32 - 500, 2**63, 2**64 - 500])
@pytest.mark.parametrize("column", [0, *FAR])
def test_far_rows_and_columns(row, column):
    """Down 1,000 rows, over the wrap of the row number, and along columns at the ends of the words that count them."""
    column = min(column - 128, 2**34 - 256) if column else 0
    noise = cells(gumbel_fast.gumbel(size=(1000, 256), rng=203, dtype=np.float32, offset=(row, column)))
    assert_independent(noise[:-1], noise[1:], count=8, share=0.03)
    assert_independent(noise[:, :-1], noise[:, 1:], count=8, share=0.03)
    if (row, column) != (0, 0):  # the noise of other places, of which none is a copy
        near = cells(gumbel_fast.gumbel(size=(1000, 256), rng=203, dtype=np.float32))
        assert_independent(near, noise, count=8, share=0.03)


@pytest.mark.parametrize("bit", [0, 1, 7, 31, 32, 63, 64, 127])
def test_seeds_that_differ_by_a_bit(bit):
    """Of an int, which SeedSequence mixes, and of the two words themselves, which Philox alone must."""
    seeds = [(12345, 12345 ^ 1 << bit)]
    words = [12345, 67890]
    words[bit // 64] ^= 1 << bit % 64
    seeds.append((SeedPair(12345, 67890), SeedPair(*words)))
    for one, other in seeds:
        a, b = (gumbel_fast.gumbel(size=(400, 1000), rng=seed, dtype=np.float32) for seed in (one, other))
        if isinstance(one, SeedPair) and bit >= 64 and bit < 73:
            a, b = a[:1], b[:1]  # row numbers that differ by less than the rows: the same rows in another place
            assert_near(np.corrcoef(a.ravel(), b.ravel())[0, 1], 0, 1000**-0.5, against={"the same noise": 1})
        else:
            assert_independent(cells(a), cells(b), count=16, share=0.04)


def test_successive_calls():
    """The first values of 30,000 calls on one Generator, and of as many successive seeds, in pairs and triples."""
    generator = np.random.default_rng(204)
    for first in (
        np.array([gumbel_fast.gumbel(rng=generator) for _ in range(30_000)]),
        np.array([gumbel_fast.gumbel(rng=seed) for seed in range(30_000)]),
    ):
        first = cells(first)
        assert_independent(first[:-1], first[1:], count=8, share=0.07)
        assert_independent(first[:-2], first[1:-1], first[2:], count=4, share=0.07)


P = softmax([0.0, 1.0, 0.5, -0.5])


def assert_pairs_follow(one, other):
    same = (1 - 0.03) * np.outer(P, P) + 0.03 * np.diag(P)
    assert_draws_follow(4 * one + other, np.outer(P, P).ravel(), against={"3% of draws repeated": same.ravel()})


@pytest.mark.parametrize("n", [4, 64, 200])
@pytest.mark.parametrize("method", ["once", "alias", "rejection"])
def test_successive_draws(method, n, monkeypatch):
    """Pairs of draws of each engine, of neighbouring rows and, where a row is drawn from often, of the same row."""
    monkeypatch.setattr(
        _methods, "of_repeated_draws", lambda *_: _methods.ALIAS if method == "alias" else _methods.REJECTION
    )
    row = np.full(n, -np.inf, np.float32)
    row[:: n // 4] = np.log(P)
    if method == "once":
        draws = gumbel_fast.categorical(np.broadcast_to(row, (200_001, n)), rng=205) // (n // 4)
        for lag in 1, 2, 16:
            assert_pairs_follow(draws[:-lag], draws[lag:])
    else:
        draws = gumbel_fast.categorical(np.broadcast_to(row, (2, n)), num_samples=200_001, rng=205) // (n // 4)
        assert_pairs_follow(draws[0], draws[1])
        for lag in 1, 2, 8, 16:
            assert_pairs_follow(draws[0, :-lag], draws[0, lag:])


def test_what_is_not_independent_fails():
    """The checks of this file see one value in ten that repeats its neighbour."""
    noise = gumbel_fast.gumbel(size=100_000, rng=206)
    noise[::10] = np.roll(noise, 1)[::10]
    noise = cells(noise)
    with pytest.raises(AssertionError, match="degrees of freedom"):
        assert_independent(noise[:-1], noise[1:], count=8, share=0.05)
