"""What users of other libraries have reported of their samplers, each report as a test that this library passes.

A test's docstring names the reports and says what was seen there. The same ground is covered at length by the tests of
each function; here stands what is known to go wrong.
"""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy import stats

import gumbel_fast
from gumbel_fast import _core, _methods
from rows import ALL_DTYPES, BFLOAT16, DTYPES, some_rows
from statistical import assert_count, assert_draws_follow, assert_near, softmax

# ------------------------------------------------------------------------------------------------------------ the tails


def head_and_tail(n, depth, dtype=np.float32):
    """One category, and n - 1 others `depth` nats below it; what share of the mass is theirs."""
    row = np.full(n, -depth, dtype)
    row[0] = 0
    mass = (n - 1) * np.exp(np.float64(row[-1]))
    return row, mass / (1 + mass)


@pytest.mark.parametrize("depth, n, samples", [(18.0, 2**20, 200_000), (20.5, 2**22, 1_000_000)])
@pytest.mark.parametrize("alias", [True, False], ids=["alias", "rejection"])
def test_a_heavy_tail_far_below_the_head(depth, n, samples, alias, monkeypatch):
    """vLLM #43150, #45996, #51367: 32.8 hits in a tail 18 nats below the head were expected, and none came.

    Draws with replacement would notice a tail of half or twice its mass.
    """
    monkeypatch.setattr(_methods, "of_repeated_draws", lambda *_: _methods.ALIAS if alias else _methods.REJECTION)
    samples = samples if alias else samples // 5
    row, mass = head_and_tail(n, depth)
    draws = gumbel_fast.categorical(row, num_samples=samples, rng=1)
    assert_count(np.count_nonzero(draws), samples, mass, against={"half": mass / 2, "twice": 2 * mass})


@pytest.mark.parametrize("function", [gumbel_fast.categorical, gumbel_fast.gumbel_max])
def test_a_heavy_tail_by_rows(function):
    """vLLM #43150: the same, drawn once from each of 3,000 rows: 47 hits expected, none or 190 noticed."""
    row, mass = head_and_tail(2**20, 18.0)
    found = np.count_nonzero(function(np.broadcast_to(row, (3000, row.size)), rng=2))
    assert_count(found, 3000, mass, against={"none": 0, "four times": 4 * mass})


@pytest.mark.exhaustive
@pytest.mark.parametrize("function", [gumbel_fast.categorical, gumbel_fast.gumbel_max])
def test_a_heavy_tail_by_rows_farther_below(function):
    """20.5 nats below: 52 of 10,000 expected."""
    row, mass = head_and_tail(2**22, 20.5)
    found = np.count_nonzero(function(np.broadcast_to(row, (10_000, row.size)), rng=3, workers=-1))
    assert_count(found, 10_000, mass, against={"none": 0, "four times": 4 * mass})


@pytest.mark.exhaustive
def test_noise_beyond_where_others_end():
    """JAX's documentation (events below 1e-7 are biased by default), vLLM #43150: noise that ends at 15.9 to 17.1.

    Of 16e9 values, 244 lie above 18 and 20 above 20.5.
    """
    noise, count, above = np.empty((64, 1 << 16), np.float32), 0, {18.0: 0, 20.5: 0}
    while count < 16 * 10**9:
        gumbel_fast.gumbel(out=noise, dtype=np.float32, rng=4, offset=(count >> 16, 0))
        count += noise.size
        far = noise[noise > 18]
        for depth in above:
            above[depth] += np.count_nonzero(far > depth)
    for depth, found in above.items():
        p = stats.gumbel_r.sf(depth)
        assert_count(found, count, p, against={"none": 0, "four times": 4 * p})


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_more_than_two_to_the_24_categories(dtype):
    """PyTorch #2576, #43115: 2^24 categories are the most that can be asked for, and go wrong before that."""
    n = 2**24 + 2**23
    row = np.zeros(n, dtype)
    for draws in gumbel_fast.categorical(row, num_samples=1000, rng=5), gumbel_fast.gumbel_top_k(row, 1000, rng=5):
        assert_count(np.count_nonzero(draws >= 2**24), 1000, 1 / 3, against={"none": 0, "half": 1 / 2})
        assert_count(
            np.count_nonzero(draws[draws >= 2**24] % 2), np.count_nonzero(draws >= 2**24), 1 / 2, against={"none": 0}
        )
    row[:-2] = -np.inf
    assert gumbel_fast.categorical(row, rng=5) >= n - 2
    assert gumbel_fast.gumbel_max(row, rng=5) >= n - 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("alias", [True, False], ids=["alias", "rejection"])
def test_a_tail_behind_the_head(dtype, alias, monkeypatch):
    """Megatron-LM #7182: cumulative sums saturate before the tail is added.

    Each of 2^22 categories behind the head is 2^-25 of it, less than a float32 sum takes in; all are an eighth.
    """
    monkeypatch.setattr(_methods, "of_repeated_draws", lambda *_: _methods.ALIAS if alias else _methods.REJECTION)
    row = np.full(2**22 + 1, -25 * np.log(2), dtype)
    row[0] = 0
    draws = gumbel_fast.categorical(row, num_samples=20_000, rng=6)
    law = np.array([8, 1, 1, 1, 1]) / np.array([9, 36, 36, 36, 36])
    quarters = np.where(draws == 0, 0, 1 + (draws - 1) // 2**20)
    assert_draws_follow(
        quarters, law, against={"a quarter lost": law * [1, 1, 1, 1, 0], "no tail": law * [1, 0, 0, 0, 0]}
    )


# ------------------------------------------------------------------------------------------------------ zeros and masks


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_what_has_no_probability_is_never_drawn(dtype):
    """PyTorch #192812, #48841, #50034, JAX #25498: categories of probability 0 are drawn, most in half precision."""
    for n in 3, 10, 64, 100, 1000:
        x = some_rows((200_000 // n, n), dtype, masked=0.5)
        masked = np.isneginf(x.astype(np.float64))
        for draws in (
            gumbel_fast.categorical(x, rng=7)[:, np.newaxis],
            gumbel_fast.categorical(x[:40], num_samples=1000, rng=7),
            gumbel_fast.categorical(x[:40], num_samples=(~masked[:40]).sum(axis=1).min(), replace=False, rng=7),
            gumbel_fast.gumbel_max(x, rng=7)[:, np.newaxis],
        ):
            assert not np.take_along_axis(masked[: len(draws)], draws, axis=1).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_uniform_is_zero_or_one(dtype, target):
    """PyTorch #22557, #166243, #101620: an exponential variate of exactly 0 becomes an infinity, and that a NaN."""
    ends = np.array([0, 1, 2**16, 2**31, 2**32 - 2, 2**32 - 1], np.uint32)
    high, low = (words.ravel() for words in np.meshgrid(ends, ends))
    noise = _core.noise_from_words(np.ascontiguousarray(high), np.ascontiguousarray(low), dtype)
    assert np.isfinite(noise).all()
    assert noise.max() > 45
    assert noise.min() < -3.8
    for temperature in 1e-3, 1.0, 1e3:
        assert np.isfinite(gumbel_fast.gumbel_softmax(1e3 * noise, temperature=temperature, rng=8)).all()


def test_temperature_zero():
    """PyTorch #184031: a temperature of 0 gives NaN."""
    x = some_rows((20, 30))
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max:
        np.testing.assert_array_equal(function(x, temperature=0, rng=9), x.argmax(axis=1))
    for function in gumbel_fast.gumbel_softmax, gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp:
        with pytest.raises(ValueError, match="temperature"):
            function(x, temperature=0)
    assert np.isfinite(gumbel_fast.gumbel_softmax(x, temperature=1e-300, rng=9)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [3, 100])
def test_rows_that_cannot_be_drawn_from(n, bad):
    """transformers #21435 (all -inf), TFP #1571 (NaN gives a class that is not there): an error that names the row."""
    x = np.full((5, n), 0.0)
    x[3] = bad
    for function in (
        gumbel_fast.categorical,
        gumbel_fast.gumbel_max,
        lambda x, rng: gumbel_fast.gumbel_top_k(x, 2, rng=rng),
    ):
        with pytest.raises(ValueError, match=r"\b3\b"):
            function(x, rng=10)
    for function in gumbel_fast.softmax, gumbel_fast.gumbel_softmax:
        np.testing.assert_array_equal(np.isnan(function(x)), np.broadcast_to(np.arange(5)[:, np.newaxis] == 3, x.shape))


# ---------------------------------------------------------------------------------------------------------------- seeds


def test_calls_do_not_repeat_one_another():
    """PyTorch #132395: a stream that each call re-seeds from 32 bits repeats itself.

    200,000 calls would share 4.7 seeds of 32 bits on average (none in 1% of cases); of 128 bits they share none.
    """
    generator = np.random.default_rng(11)
    first = [gumbel_fast.gumbel(rng=generator) for _ in range(200_000)]
    assert len(set(first)) == len(first)


def test_noise_is_not_from_a_table():
    """vLLM #53913: a table of noise, read again and again, makes sampling cheap and no longer independent."""
    noise = np.sort(gumbel_fast.gumbel(size=(64, 1 << 16), rng=12), axis=None)
    assert np.count_nonzero(noise[1:] == noise[:-1]) == 0  # by chance 1e-6 of a pair


def test_a_seed_gives_each_row_noise_of_its_own():
    """vLLM #50440: one seed gives every prompt the same noise."""
    noise = gumbel_fast.gumbel(size=(1000, 7), rng=13)
    assert np.unique(noise).size == noise.size
    p = softmax([0.0, 1.0, 2.0])
    for function in gumbel_fast.categorical, gumbel_fast.gumbel_max:
        draws = function(np.broadcast_to([0.0, 1.0, 2.0], (3000, 3)), rng=13)
        assert_draws_follow(draws, p, against={"the largest alone": np.array([0.0, 0.0, 1.0])})


@pytest.mark.parametrize("n", [10, 64, 65, 3000])
def test_a_row_does_not_know_its_batch_mates(n):
    """vLLM #51226, #17524: what is drawn for a request depends on those it shares a batch with."""
    x = some_rows((40, n))
    for options in {}, {"num_samples": 5}, {"num_samples": 5, "replace": False}, {"workers": 3}:
        whole = gumbel_fast.categorical(x, rng=14, **options)
        others = some_rows((40, n), seed=99)
        others[11] = x[11]
        np.testing.assert_array_equal(gumbel_fast.categorical(others, rng=14, **options)[11], whole[11])
        np.testing.assert_array_equal(gumbel_fast.categorical(x[:12], rng=14, **options)[11], whole[11])
    alone = gumbel_fast.gumbel_max(x[11], rng=14, offset=(11, 0))
    assert alone == gumbel_fast.gumbel_max(x, rng=14)[11]


def test_instruction_sets_give_the_same():
    """NumPy #23523: results with AVX-512 and AVX2 differ (digests.json holds every function to this)."""
    x, before, found = some_rows((50, 130)), _core.simd_target(), []
    try:
        for name in _core.usable_targets():
            _core.use_target(name)
            found.append([
                gumbel_fast.gumbel(size=10_001, rng=15).tobytes(),
                gumbel_fast.gumbel_softmax(x, rng=15).tobytes(),
                gumbel_fast.softmax(x).tobytes(),
                gumbel_fast.gumbel_r.pdf(x.astype(float)).tobytes(),
                gumbel_fast.categorical(x, rng=15).tobytes(),
            ])  # fmt: skip
    finally:
        _core.use_target(before)
    assert all(one == found[0] for one in found)


def test_the_sign():
    """oneMKL's and mkl_random's Gumbel is of the minimum type, its mean -0.577; NumPy's and ours is of the maximum."""
    noise = gumbel_fast.gumbel(size=10_000, rng=16)
    assert_near(noise.mean(), np.euler_gamma, np.pi / np.sqrt(6) / 100, against={"the minimum type": -np.euler_gamma})


# ---------------------------------------------------------------------------------------------------- memory and wishes


@pytest.mark.skipif(sys.platform != "linux", reason="reads the high-water mark of memory as Linux gives it")
@pytest.mark.limits
def test_noise_is_not_stored():
    """MLX #3847: Gumbel-max asks for 4 TB of noise.

    100 rows of a million float32 logits would want 0.4 GB of it; less than 4 MB more are in use.
    """
    script = textwrap.dedent("""
        import resource
        import numpy as np
        import gumbel_fast

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        x = np.broadcast_to(np.zeros(1 << 20, np.float32), (100, 1 << 20))
        for function in gumbel_fast.gumbel_max, gumbel_fast.categorical:
            function(x[:1], rng=1)
            before = peak()
            function(x, rng=1)
            print(peak() - before)
    """)
    ran = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert max(map(int, ran.stdout.split())) < 4096, ran.stdout


def test_very_many_without_replacement():
    """PyTorch #11931: 100,000 of ten million without replacement are "unusable" there (and NumPy #10124)."""
    draws = gumbel_fast.categorical(np.zeros(10**7, np.float32), num_samples=100_000, replace=False, rng=17)
    assert np.unique(draws).size == 100_000
    half = np.count_nonzero(draws < 5 * 10**6)
    assert_count(half, 100_000, 0.5, against={"one in ten more": 0.55, "one in ten fewer": 0.45})


def test_wishes():
    """NumPy #28084 (choice along an axis), #18533 (from log-probabilities), #23694 (a dtype for more distributions)."""
    x = np.log(np.random.default_rng(18).dirichlet(np.ones(5), size=(4, 3))).transpose(0, 2, 1)
    assert gumbel_fast.categorical(x, axis=1, rng=18).shape == (4, 3)
    assert gumbel_fast.categorical(x, num_samples=2, axis=1, rng=18).shape == (4, 3, 2)
    assert gumbel_fast.gumbel(size=3, dtype=np.float32, rng=18).dtype == np.float32
    assert gumbel_fast.categorical(x.astype(BFLOAT16), axis=1, rng=18).shape == (4, 3)
