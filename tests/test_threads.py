"""Callers' own threads and processes: many at once on one Generator and on many, and forks in the midst of them.

What `workers=` gives is test_workers.py's subject; the library's own threads, and interrupts, are test_pool.py's.
"""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import gumbel_fast
from rows import some_rows

THREADS = 8
X = {np.dtype(dtype): some_rows((40, 70), dtype, masked=0) for dtype in (np.float32, np.float64, np.float16)}
CALLS = {
    "gumbel": lambda rng, x: gumbel_fast.gumbel(size=x.shape, rng=rng),
    "gumbel_max": lambda rng, x: gumbel_fast.gumbel_max(x, rng=rng, return_value=True),
    "gumbel_top_k": lambda rng, x: gumbel_fast.gumbel_top_k(x, 5, rng=rng),
    "gumbel_softmax": lambda rng, x: gumbel_fast.gumbel_softmax(x, temperature=0.5, rng=rng),
    "one row": lambda rng, x: gumbel_fast.categorical(x[0], rng=rng),
    "short rows": lambda rng, x: gumbel_fast.categorical(x[:, :9], rng=rng),
    "race": lambda rng, x: gumbel_fast.categorical(x, rng=rng),
    "alias": lambda rng, x: gumbel_fast.categorical(x, num_samples=300, rng=rng),
    "many races": lambda rng, x: gumbel_fast.categorical(np.tile(x, 60), num_samples=10, rng=rng),
    "without replacement": lambda rng, x: gumbel_fast.categorical(x, num_samples=4, replace=False, rng=rng),
}


def in_threads(work):
    """Call work(number) in 8 threads that begin together and are switched as often as can be; what each gave."""
    start, results, errors = threading.Barrier(THREADS), [None] * THREADS, []

    def call(number):
        try:
            start.wait(20)
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=call, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]
    assert not any(result is None for result in results), "a thread did not end"
    return results


def as_bytes(result):
    return b"".join(np.asarray(part).tobytes() for part in result) if isinstance(result, tuple) else result.tobytes()


@pytest.mark.parametrize("dtype", X)
@pytest.mark.parametrize("name", CALLS)
def test_one_generator_for_all_threads(name, dtype):
    """The calls of 8 threads on one Generator are those of one thread, in some order: none is lost, none is mixed."""
    calls, call, x = 12, CALLS[name], X[dtype]
    shared, alone = np.random.default_rng(1), np.random.default_rng(1)
    drawn = in_threads(lambda _: [as_bytes(call(shared, x)) for _ in range(calls)])
    expected = [as_bytes(call(alone, x)) for _ in range(calls * THREADS)]
    assert sorted(one for mine in drawn for one in mine) == sorted(expected)
    assert shared.bit_generator.state == alone.bit_generator.state


@pytest.mark.parametrize("dtype", X)
def test_one_generator_for_each_thread(dtype):
    """All functions at once, each thread in an order of its own, over the same logits: the bits of a thread alone."""
    x, names = X[dtype], list(CALLS)

    def work(number):
        rng, options = np.random.default_rng(number), np.roll(names, number)
        return {name: as_bytes(CALLS[name](rng, x)) for _ in range(3) for name in options}

    together = in_threads(work)
    assert together == [work(number) for number in range(THREADS)]


def test_the_generator_of_the_process():
    """The generator of the process, which makes itself when it is first asked for, gives every call another seed."""
    drawn = in_threads(lambda _: [gumbel_fast.gumbel() for _ in range(2000)])
    assert len({value for mine in drawn for value in mine}) == 2000 * THREADS


def test_callers_with_workers():
    """8 threads that all share out their calls among the threads of one pool."""
    x = np.tile(X[np.dtype(np.float32)], (40, 30))
    expected = gumbel_fast.gumbel_softmax(x, rng=3)
    for found in in_threads(lambda _: gumbel_fast.gumbel_softmax(x, rng=3, workers=4)):
        np.testing.assert_array_equal(found, expected)


def test_errors_reach_their_own_callers():
    """Threads whose calls fail beside threads whose calls do not."""
    x = X[np.dtype(np.float64)]
    with_nan = np.where(np.arange(40)[:, np.newaxis] == 17, np.nan, x)
    expected = gumbel_fast.categorical(x, rng=4)

    def work(number):
        for _ in range(200):
            if number % 2:
                with pytest.raises(ValueError, match=r"\b17\b"):
                    gumbel_fast.categorical(with_nan, rng=4)
            else:
                np.testing.assert_array_equal(gumbel_fast.categorical(x, rng=4), expected)
        return number

    assert in_threads(work) == list(range(THREADS))


PROCESSES = """
import multiprocessing, sys, threading, time, warnings
import gumbel_fast

warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads forks, which is what this is about


def child(number):
    return [gumbel_fast.gumbel() for _ in range(3)] + [float(gumbel_fast.gumbel(size=3_000_000, workers=2)[-1])]


def busy():
    while True:
        gumbel_fast.gumbel()
        gumbel_fast.gumbel(size=400_000, workers=2)


if __name__ == "__main__":
    parent = child(0)
    for _ in range(3):
        threading.Thread(target=busy, daemon=True).start()
    drawn = [parent]
    for _ in range(3 if METHOD == "fork" else 1):
        with multiprocessing.get_context(METHOD).Pool(3) as pool:
            drawn += pool.map(child, range(6), chunksize=1)
    drawn.append(child(0))
    print(len({value for one in drawn for value in one}) == sum(map(len, drawn)), len(drawn))
"""


@pytest.mark.thread_unsafe  # each of these programs keeps all processors busy
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_started_during_calls(method, tmp_path):
    """Three threads draw, some by a pool, while children begin: each child draws, none what another process drew."""
    script = tmp_path / "script.py"
    script.write_text(PROCESSES.replace("METHOD", repr(method)))
    ran = subprocess.run([sys.executable, "-P", script], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["True", "20" if method == "fork" else "8"]
