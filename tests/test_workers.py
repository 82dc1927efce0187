"""workers: what counts mean, the same bits for every count, errors, and how soon an interrupt is seen.

The threads themselves are test_pool.py's subject.

Calls here are cut into many more pieces than they deserve, by giving pieces fewer nanoseconds, so that small arrays
show what large ones would.
"""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gumbel_fast
from gumbel_fast import _sampling, _shards, _threads
from rows import ALL_DTYPES, DTYPES, some_rows

CPUS = os.cpu_count() or 1


@pytest.fixture
def small_pieces(monkeypatch):
    for module in _threads, _sampling, _shards:
        monkeypatch.setattr(module, "PIECE", 2e3)
    for module in _threads, _shards:
        monkeypatch.setattr(module, "LEAST", 500.0)


def logits(shape, dtype=np.float32):
    return some_rows(shape, dtype, masked=0.2)


def calls():
    """Every function that takes workers, on rows, on many short rows, and on one long row."""
    many, few, long = logits((300, 7)), logits((5, 3000)), logits(40_000)
    yield "gumbel", lambda **o: gumbel_fast.gumbel(size=(7, 5001), rng=1, offset=(3, 1), **o)
    yield "gumbel, one row", lambda **o: gumbel_fast.gumbel(size=100_003, rng=1, dtype=np.float32, **o)
    yield "gumbel, scaled", lambda **o: gumbel_fast.gumbel(np.arange(300), 2.0, (50, 300), rng=1, **o)
    for name, x in {"many": many, "few": few, "long": long, "double": few.astype(np.float64)}.items():
        yield f"categorical, {name}", lambda x=x, **o: gumbel_fast.categorical(x, rng=1, **o)
        yield f"categorical, alias, {name}", lambda x=x, **o: gumbel_fast.categorical(x, num_samples=9999, rng=1, **o)
        yield f"categorical, rejection, {name}", lambda x=x, **o: gumbel_fast.categorical(x, num_samples=60, rng=1, **o)
        yield f"gumbel_top_k, {name}", lambda x=x, **o: gumbel_fast.gumbel_top_k(x, 2, rng=1, return_value=True, **o)
        yield f"gumbel_max, {name}", lambda x=x, **o: gumbel_fast.gumbel_max(x, rng=1, return_value=True, **o)
        noise = np.random.default_rng(1).gumbel(size=x.shape).astype(x.dtype)
        y, grad = gumbel_fast.softmax(x), np.random.default_rng(2).normal(size=x.shape).astype(x.dtype)
        yield (
            f"gumbel_max, noise, {name}",
            lambda x=x, noise=noise, **o: gumbel_fast.gumbel_max(x, noise=noise, return_value=True, **o),
        )
        yield f"gumbel_softmax, {name}", lambda x=x, **o: gumbel_fast.gumbel_softmax(x, temperature=0.5, rng=1, **o)
        yield f"softmax, {name}", lambda x=x, **o: gumbel_fast.softmax(x, **o)
        yield f"log_softmax, {name}", lambda x=x, **o: gumbel_fast.log_softmax(x, **o)
        yield f"logsumexp, {name}", lambda x=x, **o: gumbel_fast.logsumexp(x, **o)
        yield f"softmax_vjp, {name}", lambda y=y, grad=grad, **o: gumbel_fast.softmax_vjp(y, grad, **o)
    each = np.linspace(0.1, 2, 300)
    yield "a temperature for each row", lambda **o: gumbel_fast.categorical(many, temperature=each, rng=1, **o)
    yield "temperature 0 among them", lambda **o: gumbel_fast.gumbel_max(many, temperature=each - 0.1, rng=1, **o)


CALLS = dict(calls())


# ------------------------------------------------------------------------------------------------------------ same bits


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_same_bits_for_every_count(call, monkeypatch):
    alone = call()
    for piece in 2e3, 5e4:
        for module in _threads, _sampling, _shards:
            monkeypatch.setattr(module, "PIECE", piece)
        for module in _threads, _shards:
            monkeypatch.setattr(module, "LEAST", 500.0)
        for workers in 1, 2, 3, 8, -1:
            np.testing.assert_equal(call(workers=workers), alone)


@pytest.mark.parametrize("name", ["gumbel", "categorical, few", "categorical, alias, few", "gumbel_softmax, few"])
def test_same_bits_for_large_calls(name):
    """Pieces have their real size here."""
    x = logits((64, 8192))
    call = {
        "gumbel": lambda **o: gumbel_fast.gumbel(size=3_000_001, rng=1, dtype=np.float32, **o),
        "categorical, few": lambda **o: gumbel_fast.categorical(x, rng=1, **o),
        "categorical, alias, few": lambda **o: gumbel_fast.categorical(x[0], num_samples=2_000_000, rng=1, **o),
        "gumbel_softmax, few": lambda **o: gumbel_fast.gumbel_softmax(x, rng=1, **o),
    }[name]
    expected = call()
    for workers in 2, 5:
        np.testing.assert_array_equal(call(workers=workers), expected)


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("given_noise", [False, True], ids=["seed", "noise"])
def test_one_long_row_with_masked_stretches(dtype, given_noise, small_pieces):
    """Shards of nothing but -inf are passed over; the first of equal sums is found, whoever meets it first."""
    x = np.full(60_000, -np.inf, np.float64)
    x[[31_007, 31_008, 59_999]] = 3e4
    x = x.astype(dtype)
    noise = np.zeros(x.size, np.float64 if dtype == np.float64 else np.float32)
    noise[:20_000] = -np.inf
    for workers in 1, 2, 4:
        index, value = gumbel_fast.gumbel_max(x, noise=noise, return_value=True, workers=workers)
        assert index == 31_007
        assert value == x[31_007]
        greedy = gumbel_fast.gumbel_max(x, temperature=0, rng=1, workers=workers)
        assert greedy == 31_007


@given(st.integers(1, 5000), st.floats(0.1, 1e5), st.integers(1, 9))
def test_pieces_cover_the_range(total, cost, workers):
    """Each item once, in order where there is one worker, whatever the sizes."""
    seen = []
    _threads.run(lambda start, stop: seen.append((start, stop)), total, cost, workers)
    if workers == 1:
        assert seen == sorted(seen)
    assert [i for start, stop in sorted(seen) for i in range(start, stop)] == list(range(total))


def test_two_threads_run_at_once():
    """Two pieces that wait for one another are done by two threads."""
    barrier = threading.Barrier(2, timeout=20)
    threads = set()

    def work(start, stop):
        if start < 2:
            barrier.wait()
        threads.add(threading.get_ident())

    _threads.run(work, 64, _threads.PIECE, 2)
    assert len(threads) == 2


# ----------------------------------------------------------------------------------------------------------- the counts


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_invalid_counts(call):
    for workers in 0, -CPUS - 1, -(10**30):
        with pytest.raises(ValueError, match="workers"):
            call(workers=workers)
    for workers in 1.0, "2", None:
        with pytest.raises(TypeError):
            call(workers=workers)


def test_negative_counts_as_in_scipy():
    assert [_threads.as_workers(n) for n in (1, 2, 1000, -1, -CPUS)] == [1, 2, 1000, CPUS, 1]
    assert _threads.as_workers(np.int8(3)) == 3
    np.testing.assert_array_equal(gumbel_fast.gumbel(size=9, rng=1, workers=10**9), gumbel_fast.gumbel(size=9, rng=1))


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_error_names_the_first_bad_row(workers, dtype, small_pieces):
    """Of bad rows in many pieces the first, and out is as it was."""
    x = logits((400, 300), dtype)
    x[np.arange(137, 400, 3)] = np.nan
    calls = {
        (400,): [{}],
        (400, 3): [{"num_samples": 3}, {"num_samples": 3, "replace": False}],
        (400, 9999): [{"num_samples": 9999}],
    }
    for shape, options in calls.items():
        for option in options:
            out = np.full(shape, -1, np.int64)
            with pytest.raises(ValueError, match=r"\b137\b"):
                gumbel_fast.categorical(x, rng=1, out=out, workers=workers, **option)
            assert np.all(out == -1)
    out = np.full(400, -1, np.int64)
    with pytest.raises(ValueError, match=r"\b137\b"):
        gumbel_fast.gumbel_max(x, rng=1, out=out, workers=workers)
    assert np.all(out == -1)
    with pytest.raises(ValueError, match=r"\b137\b"):
        gumbel_fast.gumbel_top_k(x, 3, rng=1, workers=workers)
    x[137, 250] = 0
    x[137, :250] = -np.inf  # one NaN less, but still some
    with pytest.raises(ValueError, match=r"\b137\b"):
        gumbel_fast.gumbel_top_k(x, 3, rng=1, workers=workers)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 20_001, 39_999])
def test_error_of_one_long_row(bad, place, small_pieces):
    x = logits(40_000)
    x[place] = bad
    for workers in 1, 2, 4:
        for options in {"rng": 1}, {"noise": np.zeros(40_000, np.float32)}, {"temperature": 0, "rng": 1}:
            with pytest.raises(ValueError, match=r"\b0\b"):
                gumbel_fast.gumbel_max(x, workers=workers, **options)
    with pytest.raises(ValueError, match=r"\b1\b"):
        gumbel_fast.gumbel_max(np.stack([logits(40_000), np.full(40_000, -np.inf)]), rng=1, workers=3)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_error_of_the_lowest_piece_is_raised(workers):
    """Though another met its own first."""

    def work(start, stop):
        if start >= 3 and workers > 1:
            raise KeyError(start)
        if start == 2:
            raise LookupError("the first")

    with pytest.raises(LookupError, match="the first") as error:
        _threads.run(work, 100, _threads.PIECE, workers)
    assert type(error.value) is LookupError


def test_no_piece_begins_after_an_error():
    done = []

    def work(start, stop):
        done.append(start)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it has nothing to say
        _threads.run(work, 10_000, _threads.PIECE, 3)
    assert len(done) <= 3


def test_many_callers_with_many_workers():
    """Threads of the caller's own, each with workers, more of them than the pool has."""
    x = logits((64, 8192))
    expected = gumbel_fast.categorical(x, rng=1)
    found = []
    start = threading.Barrier(12)

    def call():
        start.wait()
        found.append(gumbel_fast.categorical(x, rng=1, workers=40))

    callers = [threading.Thread(target=call) for _ in range(12)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert len(found) == 12
    assert all(np.array_equal(one, expected) for one in found)


# ----------------------------------------------------------------------------------------------------------- interrupts


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.limits
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("call", [
    "gumbel_fast.gumbel(size=(2000, 500_000), dtype='f4', rng=1, workers=WORKERS)",
    "gumbel_fast.gumbel_max(np.broadcast_to(np.zeros(10_000, 'f4'), (10_000_000, 10_000)), rng=1, workers=WORKERS)",
    "gumbel_fast.gumbel_max(np.broadcast_to(np.zeros(10**9, 'f2'), (20, 10**9)), rng=1, workers=WORKERS)",
    "gumbel_fast.softmax(np.broadcast_to(np.zeros(1000), (1_000_000, 1000)), workers=WORKERS)",
], ids=["gumbel", "many rows", "long rows", "softmax"])  # fmt: skip
def test_interrupt_is_seen_between_pieces(call, workers):
    """A signal after 50 ms ends calls that would take 2.5 seconds and more, some of it for new memory, within 1.2.

    The best of three, for other processes may have the processors.
    """
    script = f"""
        import signal, time
        import numpy as np
        import gumbel_fast

        def interrupt(number, frame):
            raise KeyboardInterrupt

        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        start = time.perf_counter()
        try:
            {call.replace("WORKERS", str(workers))}
        except KeyboardInterrupt:
            print(time.perf_counter() - start)
    """
    for _ in range(3):
        ran = subprocess.run(
            [sys.executable, "-P", "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        if float(ran.stdout) < 1.2:
            return
    pytest.fail(f"{ran.stdout.strip()} seconds")
