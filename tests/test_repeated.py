"""categorical with num_samples: many draws from each row, by alias table or by rejection that goes on.

Both methods are held to softmax in float64 by chi-square, at lengths around each edge and on either side of the choice
between them; each test says what it would notice. Then what a draw depends on, arguments, out and errors.
"""

import signal
import sys

import numpy as np
import pytest

import gumbel_fast
import reference
from gumbel_fast import _methods, _sampling, _threads
from gumbel_fast._rng import SeedPair
from rows import (
    ALL_DTYPES,
    BAD,
    DTYPES,
    LAYOUTS,
    NO_NUMBERS,
    NO_TEMPERATURES,
    OUT_VIEWS,
    outs_that_do_not_fit,
    some_rows,
    spoiled,
)
from scripts import run_script
from statistical import assert_count, assert_draws_follow, softmax

LENGTHS = [2, 3, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000, 1023, 1024, 1025]


@pytest.fixture(params=["alias", "rejection"])
def method(request, monkeypatch):
    """Has every row drawn from by one method, whatever its length."""
    alias = request.param == "alias"
    monkeypatch.setattr(_methods, "of_repeated_draws", lambda *_: _methods.ALIAS if alias else _methods.REJECTION)
    return request.param


# ----------------------------------------------------------------------------------------------------- the distribution


def graded(n):
    """Four nats from end to end, the ends the likeliest."""
    x = np.linspace(-3, 1, n)
    x[0] = 1.5
    return x


def flat(n):
    return np.zeros(n)


def masked(n):
    x = graded(n)
    x[np.random.default_rng(n).random(n) < 0.7] = -np.inf
    x[[0, -1]] = 0.5, 1
    return x


def peaked(n):
    """One category with nine tenths of the mass."""
    x = np.zeros(n)
    x[n // 3] = np.log(9) + np.log(n - 1)
    return x


def faults(x, temperature):
    """What draws from a row would follow if the code were wrong, as far as it differs for this row."""
    p = softmax(x, temperature)
    found = {"an index off by one": np.roll(p, 1), "the last lost": p * (np.arange(p.size) < p.size - 1)}
    found["the first half a half likelier"] = p * np.where(np.arange(p.size) < p.size // 2, 1.5, 1)
    rolled = np.abs(found["an index off by one"] - p).max() > 0.01
    return found if rolled and p[-1] > 0.01 else {"the first half a half likelier": found.popitem()[1]}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [graded, flat, masked])
@pytest.mark.parametrize("n", LENGTHS)
def test_distribution(n, kind, dtype, method):
    row = kind(n).astype(dtype)
    for temperature in 1.0, 2.5:
        draws = gumbel_fast.categorical(row, num_samples=100_000, temperature=temperature, rng=n)
        assert_draws_follow(draws, softmax(row, temperature), against=faults(row, temperature))


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [2, 17, 64, 65, 1000, 20_000])
def test_one_category_with_most_of_the_mass(n, dtype, method):
    """Nine tenths on one, the rest even: 1.5% more or less on the one would be seen."""
    row = peaked(n).astype(dtype)
    p = softmax(row)
    draws = gumbel_fast.categorical(row, num_samples=100_000, rng=n)
    top = p[n // 3]
    assert_count(np.count_nonzero(draws == n // 3), draws.size, top, against={"more": top + 0.015, "less": top - 0.015})
    if n > 17:
        rest = draws[draws != n // 3]
        expected = np.mean(np.arange(n) * (np.arange(n) != n // 3)) * n / (n - 1)
        spread = n / np.sqrt(12 * rest.size)
        assert abs(rest.mean() - expected) < 5.5 * spread  # of right code one in 26 million fails; n / 20 off is seen


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_real_rows(real_logits, dtype, method):
    """20,000 draws of each real row: 15% of temperature would be noticed."""
    for row in real_logits[::3].astype(dtype):
        p = softmax(row, 0.9)
        draws = gumbel_fast.categorical(row, num_samples=20_000, temperature=0.9, rng=2)
        assert_draws_follow(draws, p, against={"15% off": softmax(row, 1.05)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("depth, n", [(12.0, 65), (12.0, 4097), (18.0, 2**20)])
def test_the_tail_is_drawn(depth, n, dtype, method):
    """Categories 12 or 18 nats below the head, evenly as often as they should be: half as many would be seen."""
    row = np.full(n, -depth, dtype)
    row[0] = 0
    tail = (n - 1) * np.exp(-depth) / (1 + (n - 1) * np.exp(-depth))
    count = int(min(3_000_000, 400 / tail)) if method == "alias" else int(min(600_000, 120 / tail))
    draws = gumbel_fast.categorical(row, num_samples=count, rng=5)
    seen = np.count_nonzero(draws)
    wrong = {"none": 0.0, "four times": 4 * tail} if count * tail < 150 else {"half": tail / 2, "twice": 2 * tail}
    assert_count(seen, count, tail, against=wrong)
    if seen > 60:
        assert_count(np.count_nonzero(draws > n // 2), seen, (n - 1 - n // 2) / (n - 1), against={"half a row": 0.0})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 64, 65, 1000])
def test_a_spread_of_80_nats(n, dtype, method):
    row = np.random.default_rng(n).permutation(np.linspace(-80, 0, n)).astype(dtype)
    draws = gumbel_fast.categorical(row, num_samples=100_000, rng=1)
    if n == 3:
        assert np.all(draws == row.argmax())  # the next lies 40 nats lower
    else:
        assert_draws_follow(draws, softmax(row), against={"a temperature 15% off": softmax(row, 1.15)})


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 2, 16, 17, 64, 65, 1000, 40_000])
def test_masks_everywhere_but_one(n, dtype, method):
    for place in {0, n // 2, n - 1}:
        row = np.full(n, -np.inf, dtype)
        row[place] = -1e4
        assert np.all(gumbel_fast.categorical(row, num_samples=3000, rng=1) == place)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [-1e4, 1e6, -1e30, 1e30])
def test_a_shift_changes_nothing(dtype, shift, method):
    row = np.full(100, shift, dtype)
    row[50:] = -np.inf
    p = (np.arange(100) < 50) / 50
    draws = gumbel_fast.categorical(row, num_samples=100_000, rng=1)
    assert_draws_follow(draws, p, against={"an index off by one": np.roll(p, 1)})


def test_successive_draws_are_independent(method):
    """Pairs of draws 1 to 16 apart, and the same draw of neighbouring rows."""
    row = np.log([0.1, 0.2, 0.3, 0.4])
    p = softmax(row)
    pairs, alike = np.outer(p, p).ravel(), (np.outer(p, p) + 0.05 * np.diag(p)).ravel()
    draws = gumbel_fast.categorical(np.stack([row, row]), num_samples=400_000, rng=1)
    for lag in 1, 2, 3, 4, 8, 16:
        blocks = draws[0, : 400_000 // (2 * lag) * 2 * lag].reshape(-1, 2, lag)
        assert_draws_follow(4 * blocks[:, 0] + blocks[:, 1], pairs, against={"draws that agree": alike})
    assert_draws_follow(4 * draws[0] + draws[1], pairs, against={"rows that agree": alike})


# ----------------------------------------------------------------------------------------------- what a draw depends on


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 6, 64, 65, 1000])
def test_rows_do_not_know_their_batch_mates(n, dtype, method):
    """A row's draws are those of the seed, the row's number and the row."""
    x = some_rows((12, n), dtype)
    whole = gumbel_fast.categorical(x, num_samples=50, rng=SeedPair(3, 2**64 - 5))
    for r in 0, 4, 5, 11:
        alone = gumbel_fast.categorical(x[r], num_samples=50, rng=SeedPair(3, (2**64 - 5 + r) % 2**64))
        np.testing.assert_array_equal(alone, whole[r])


@pytest.mark.parametrize("n", [10, 300, 5000])
def test_pieces_do_not_show(n, method, monkeypatch):
    """However few nanoseconds a piece of the work may take."""
    x = some_rows((7, n))
    expected = gumbel_fast.categorical(x, num_samples=777, rng=1)
    for piece in 1e5, 3e3, 1e2:
        monkeypatch.setattr(_threads, "PIECE", piece)
        monkeypatch.setattr(_sampling, "PIECE", piece)
        np.testing.assert_array_equal(gumbel_fast.categorical(x, num_samples=777, rng=1), expected)
        out = np.empty((7, 777), np.int64)
        gumbel_fast.categorical(x, num_samples=777, rng=1, out=out)
        np.testing.assert_array_equal(out, expected)
        one = gumbel_fast.categorical(x[0], num_samples=777, rng=1)
        np.testing.assert_array_equal(one, expected[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, dtype, method):
    for n in 7, 300:
        x = some_rows((40, n), dtype)
        expected = gumbel_fast.categorical(x, num_samples=9, rng=6)
        np.testing.assert_array_equal(gumbel_fast.categorical(layout(x), num_samples=9, rng=6), expected)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (0,), (2, 3), (2, 0)])
@pytest.mark.parametrize("samples", [0, 1, 2, 100])
@pytest.mark.parametrize("n", [1, 6, 200])
def test_batch_shapes_and_axes(shape, samples, n):
    x = some_rows((*shape, n), np.float64)
    expected = gumbel_fast.categorical(x.reshape(-1, n), num_samples=samples, rng=8)
    for axis in range(-len(shape) - 1, len(shape) + 1):
        draws = gumbel_fast.categorical(np.moveaxis(x, -1, axis), num_samples=samples, axis=axis, rng=8)
        assert draws.shape == (*shape, samples)
        assert draws.dtype == np.int64
        np.testing.assert_array_equal(draws.reshape(expected.shape), expected)


def test_integers_of_other_kinds_count():
    for samples in np.int8(5), np.uint64(5), True:
        assert gumbel_fast.categorical(np.zeros(3), num_samples=samples, rng=1).shape == (int(samples),)


def test_every_rng_of_one_pair_draws_the_same():
    x = some_rows((5, 300))
    expected = gumbel_fast.categorical(x, num_samples=20, rng=5)
    by_sequence = gumbel_fast.categorical(x, num_samples=20, rng=np.random.SeedSequence(5))
    np.testing.assert_array_equal(by_sequence, expected)
    by_generator = gumbel_fast.categorical(x, num_samples=20, rng=np.random.default_rng(9))
    by_bits = gumbel_fast.categorical(x, num_samples=20, rng=np.random.PCG64(9))
    np.testing.assert_array_equal(by_generator, by_bits)
    assert np.any(by_generator != expected)


# ---------------------------------------------------------------------------------------------------------- temperature


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 17, 64, 65, 1000])
def test_a_temperature_for_each_row(n, dtype, method):
    """Each row draws what it would at its own temperature alone, 0, argmax, among them."""
    x = some_rows((4, 5, n), dtype)
    temperature = np.random.default_rng(6).choice([0, 0.3, 1, 2.5], (4, 5))
    together = gumbel_fast.categorical(x, num_samples=30, temperature=temperature, rng=9)
    for t in np.unique(temperature):
        alone = gumbel_fast.categorical(x, num_samples=30, temperature=t, rng=9)
        np.testing.assert_array_equal(together[temperature == t], alone[temperature == t])
    cold = together[temperature == 0]
    np.testing.assert_array_equal(cold, np.repeat(x[temperature == 0].argmax(-1)[:, None], 30, axis=1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [5, 64, 200])
def test_extreme_temperatures(n, dtype, method):
    """The coldest draw the largest and share ties, the hottest draw anything that is not masked."""
    row = np.zeros(n, dtype)
    row[[1, -1]] = 3
    row[2] = -np.inf
    uneven = np.where(np.arange(n) == 1, 1.2, 1)
    for temperature in 5e-324, 1e-60, 1e-40, 1e-6:
        draws = gumbel_fast.categorical(row, num_samples=20_000, temperature=temperature, rng=1)
        assert_draws_follow(draws, (row == 3) / 2, against={"a tie broken unevenly": (row == 3) * uneven})
    for temperature in 1e30, 1e40, 1e300, np.inf:
        draws = gumbel_fast.categorical(row, num_samples=100_000, temperature=temperature, rng=1)
        p = (row > -np.inf) / (n - 1)
        assert_draws_follow(draws, p, against={"half": p * np.where(np.arange(n) < n // 2, 1.5, 1)})


# --------------------------------------------------------------------------------------------------- out, long streams


@pytest.mark.parametrize("view", OUT_VIEWS.values(), ids=OUT_VIEWS)
@pytest.mark.parametrize("samples", [3, 700, 30_000])
def test_out(view, samples, method):
    x = some_rows((6, 30))
    out = view(np.full((6, samples), -1, np.int64))
    assert gumbel_fast.categorical(x, num_samples=samples, rng=1, out=out) is out
    np.testing.assert_array_equal(out, gumbel_fast.categorical(x, num_samples=samples, rng=1))
    row = view(np.full((1, samples), -1, np.int64))[0]
    assert gumbel_fast.categorical(x[0], num_samples=samples, rng=1, out=row) is row
    np.testing.assert_array_equal(row, out[0])


@pytest.mark.parametrize("out", outs_that_do_not_fit((3, 5), np.int64), ids=lambda out: f"{out.dtype}{out.shape}")
def test_outs_that_do_not_fit(out):
    with pytest.raises(ValueError, match="out"):
        gumbel_fast.categorical(np.zeros((3, 4)), num_samples=5, rng=1, out=out)
    assert np.all(out == 7)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the high-water mark of memory as Linux gives it")
@pytest.mark.limits
def test_a_stream_takes_no_memory_of_its_own():
    """30 million draws into an array that is there already: 240 MB written, less than 4 MB more in use."""
    ran = run_script("""
        import resource
        import numpy as np
        import gumbel_fast

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        out = np.ones(30_000_000, np.int64)
        few = out[:10_000]
        x = np.zeros(300, np.float32)
        for workers in 1, 2:
            gumbel_fast.categorical(x, num_samples=few.size, rng=1, out=few, workers=workers)
            before = peak()
            gumbel_fast.categorical(x, num_samples=out.size, rng=1, out=out, workers=workers)
            print(peak() - before)
        strided = out[::2]
        before = peak()
        gumbel_fast.categorical(x, num_samples=strided.size, rng=1, out=strided)
        print(peak() - before)
    """)
    assert ran.returncode == 0, ran.stderr
    assert max(map(int, ran.stdout.split())) < 4096, ran.stdout


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.limits
def test_a_long_call_can_be_interrupted(workers):
    """A signal after 0.1 s ends a call that would take a second, with most of out as it was."""
    ran = run_script(f"""
        import signal
        import numpy as np
        import gumbel_fast

        def interrupt(number, frame):
            raise KeyboardInterrupt

        signal.signal(signal.SIGALRM, interrupt)
        out = np.zeros(400_000_000, np.int64)  # of pages that are not there before they are written
        x = np.array([-np.inf, 0, 0])
        gumbel_fast.categorical(x, num_samples=3, rng=1, workers={workers})  # imports what a first call needs
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            gumbel_fast.categorical(x, num_samples=out.size, rng=1, out=out, workers={workers})
        except KeyboardInterrupt:
            print("interrupted", bool(out[0]), bool(out[-1]))
        print(gumbel_fast.categorical(x, num_samples=3, rng=1, workers={workers}).tolist())
    """)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == "interrupted True False"
    assert len(ran.stdout.splitlines()) == 2


@pytest.mark.exhaustive
def test_a_billion_draws(tmp_path):
    """10^9 draws from ten categories into a file: the article's experiment, ten thousand times over."""
    row = np.random.default_rng(1111).uniform(-1, 1, 10)
    out = np.lib.format.open_memmap(tmp_path / "draws.npy", "w+", np.int64, (10**9,))
    gumbel_fast.categorical(row, num_samples=10**9, rng=1, out=out, workers=2)
    counts = sum(np.bincount(part, minlength=10) for part in np.array_split(out, 1000))
    draws = np.repeat(np.arange(10), counts)
    assert_draws_follow(draws, softmax(row), against={"a temperature 0.1% off": softmax(row, 1.001)})


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("n", [1, 2, 16, 17, 64, 65, 1000, 5000])
@pytest.mark.parametrize("samples", [1, 3, 5000])
def test_bad_rows_are_named(samples, n, dtype):
    """And out is as it was, small or large."""
    for bad in BAD:
        for temperature in 1.0, 0.0:
            x, out = spoiled(some_rows((50, n), dtype), 43, bad), np.full((50, samples), -1, np.int64)
            for options in {}, {"out": out}:
                with pytest.raises(ValueError, match=r"\b43\b"):
                    gumbel_fast.categorical(x, num_samples=samples, temperature=temperature, rng=1, **options)
            with pytest.raises(ValueError, match=r"\b0\b"):
                gumbel_fast.categorical(x[43], num_samples=samples, temperature=temperature, rng=1, out=out[0])
            assert np.all(out == -1)


@pytest.mark.parametrize("samples", [-1, 2**32 + 1, -(2**70), 2**70])
def test_numbers_that_are_none(samples):
    for replace in True, False:
        with pytest.raises(ValueError, match="num_samples"):
            gumbel_fast.categorical(np.zeros(5), num_samples=samples, replace=replace, rng=1)


def test_nothing_is_drawn_but_arguments_are_checked():
    """No row is read for no samples; what is wrong besides is an error all the same."""
    x = np.full((3, 5), np.nan)
    assert gumbel_fast.categorical(x, num_samples=0, rng=1).shape == (3, 0)
    assert gumbel_fast.categorical(x, num_samples=0, replace=False, rng=1).shape == (3, 0)
    out = np.empty((3, 0), np.int64)
    assert gumbel_fast.categorical(x, num_samples=0, rng=1, out=out) is out
    for wrong in {"temperature": -1}, {"out": np.empty((3, 1), np.int64)}, {"workers": 0}, {"axis": 2}:
        with pytest.raises(ValueError, match=r"temperature|out|workers|axis"):
            gumbel_fast.categorical(x, **{"num_samples": 0, "rng": 1, **wrong})
    with pytest.raises(ValueError, match="categories"):
        gumbel_fast.categorical(np.zeros((3, 0)), num_samples=0, rng=1)


def test_other_errors():
    for samples in 1.0, "1", [1]:
        with pytest.raises(TypeError):
            gumbel_fast.categorical(np.zeros(5), num_samples=samples, rng=1)
    for temperature in NO_TEMPERATURES:
        with pytest.raises(ValueError, match="temperature"):
            gumbel_fast.categorical(np.zeros(5), num_samples=2, temperature=temperature, rng=1)
    for x in NO_NUMBERS:
        with pytest.raises(TypeError, match="logits"):
            gumbel_fast.categorical(x, num_samples=2, rng=1)


# --------------------------------------------------------------------------------------------------- choice of a method


def test_the_choice_depends_on_shape_alone():
    """Short rows always by alias; long ones from where a table pays."""
    alias, rejection = _methods.ALIAS, _methods.REJECTION
    assert all(_methods.of_repeated_draws(n, m) is alias for n in (1, 64) for m in (2, 10**9))
    assert _methods.of_repeated_draws(10**6, 100) is rejection
    assert _methods.of_repeated_draws(1000, 100_000) is alias
    chosen = [_methods.of_repeated_draws(10**5, m) is alias for m in range(2, 10**5, 999)]
    assert chosen == sorted(chosen)  # once a table pays, it pays for more


def test_twin_draws_from_softmax():
    row = np.log([0.1, 0.2, 0.3, 0.4])
    draws = reference.categorical(np.stack([row, row]), num_samples=20_000, rng=1)
    assert draws.shape == (2, 20_000)
    assert_draws_follow(draws, softmax(row), against={"a temperature 40% off": softmax(row, 1.4)})
