"""The pool's threads: interrupts wherever they may come, errors, how many are started, forks, and the process's end.

Every test runs a program of its own, for what is tested is of the whole process. `result` there is what a call must
leave in an array, whatever calls before it met. What the pieces of a call give is test_workers.py's subject.
"""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

# Work of which can be seen who does what and when, and a call of it.
NOTED = """
import _thread, os, random, signal, sys, threading, time
import numpy as np
import gumbel_fast
from gumbel_fast import _core, _threads
from gumbel_fast._core import pool

main = threading.get_ident()
begun, alone, running = [], [], [False] * PIECES


def work(start, stop):
    if threading.get_ident() == main:
        alone.append(start)
        time.sleep(PAUSE)
        return
    running[start] = True
    try:
        begun.append(start)
        time.sleep(PAUSE)
    finally:
        running[start] = False


def call(workers=3):
    del begun[:], alone[:]
    _threads.run(work, PIECES, _threads.PIECE, workers)


def check_stopped():
    '''No helper is amid a piece, and none begins one.'''
    assert not any(running), running
    before = len(begun)
    time.sleep(3 * PAUSE)
    assert len(begun) == before, begun


def check_whole():
    '''A call in which nothing goes wrong does every piece once.'''
    call()
    assert sorted(begun + alone) == list(range(PIECES))
"""


def run(script, pieces=6, pause=0.0002):
    constants = f"PIECES, PAUSE = {pieces}, {pause}\n"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", constants + NOTED + textwrap.dedent(script)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    return ran.stdout.split()


# ----------------------------------------------------------------------------------------------------------- interrupts


def test_an_interrupt_at_every_bytecode():
    """Of the function that cuts a call into pieces and of a piece in the calling thread, one after another."""
    (points,) = run("""
        class Interrupt:
            def __init__(self, at):
                self.left = at

            def __call__(self, frame, event, argument):
                if frame.f_code not in (_threads.run.__code__, work.__code__):
                    return None
                frame.f_trace_opcodes, frame.f_trace_lines = True, False
                return self.count

            def count(self, frame, event, argument):
                self.left -= event == "opcode"
                if self.left == 0:
                    raise KeyboardInterrupt
                return self.count

        def interrupted(at):
            interrupt, seen = Interrupt(at), False
            sys.settrace(interrupt)
            try:
                call()
            except KeyboardInterrupt:
                seen = True
            sys.settrace(None)
            check_stopped()
            assert seen == (interrupt.left <= 0)
            return seen

        interrupted(10**6)  # Python 3.12 and later count the bytecodes of a function from its second traced call on
        at = 1
        while interrupted(at):
            at += 1
        check_whole()
        print(at)
    """)
    assert int(points) > 60


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.parametrize("gap", [3e-5, 3e-4], ids=["tens of microseconds apart", "hundreds"])
def test_hundreds_of_interrupts(gap):
    """Several may meet one call. Each ends it by a KeyboardInterrupt, after which its array stays as it is."""
    run(f"""
        GAP, interrupts = {gap}, 0

        def interrupt(number, frame):
            global interrupts
            try:
                while frame is not None:
                    if frame.f_code is _threads.run.__code__:
                        interrupts += 1
                        raise KeyboardInterrupt
                    frame = frame.f_back
            finally:
                if interrupts < 400:
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(GAP / 3, GAP))

        expected = gumbel_fast.gumbel(size=300_000, rng=1)
        out = np.empty_like(expected)
        check_whole()
        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, GAP)
        while interrupts < 400:
            try:
                call()
            except KeyboardInterrupt:
                pass
            check_stopped()
            out[:] = 0
            try:
                gumbel_fast.gumbel(size=out.shape, rng=1, workers=2, out=out)
                assert (out == expected).all()
            except KeyboardInterrupt:
                left = out.copy()
                time.sleep(PAUSE)
                assert (out == left).all()
        signal.setitimer(signal.ITIMER_REAL, 0)
        check_whole()
        assert (gumbel_fast.gumbel(size=out.shape, rng=1, workers=2) == expected).all()
        assert _thread._count() <= 4
    """, pause=0.00002)  # fmt: skip


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
def test_interrupts_of_the_wait():
    """Signals that come while the caller waits for a helper's piece are raised after it, two as well as one."""
    run("""
        def interrupt(number, frame):
            raise KeyboardInterrupt

        def slow(start, stop):
            if threading.get_ident() == main:
                others.wait(20)
            else:
                others.set()
                time.sleep(0.02)  # until the caller is at the wait
                for _ in range(2):
                    signal.pthread_kill(main, signal.SIGUSR1)
                    time.sleep(0.02)
                ended.append(start)

        ended, others = [], threading.Event()
        signal.signal(signal.SIGUSR1, interrupt)
        try:
            _threads.run(slow, 2, _threads.PIECE, 2)
        except KeyboardInterrupt:
            assert len(ended) == 1
        else:
            raise AssertionError("no interrupt was raised")
        check_whole()
    """)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_of_the_start_of_a_thread(when):
    """An audit hook is Python code too, and so may be what starts threads."""
    run(f"""
        def start_and_interrupt(function, arguments):
            if {when!r} == "after":
                start(function, arguments)
            raise KeyboardInterrupt

        start, pool.start_new_thread = pool.start_new_thread, start_and_interrupt
        for _ in range(3):
            try:
                call()
            except KeyboardInterrupt:
                check_stopped()
            else:
                raise AssertionError("no interrupt was raised")
        pool.start_new_thread = start
        check_whole()
        check_whole()
    """)


# --------------------------------------------------------------------------------------------------------------- errors


def test_memory_runs_out_anywhere():
    """Each allocation of a call fails in turn, with those after it: the call raises MemoryError, or does all."""
    pytest.importorskip("_testcapi")
    (failed,) = run("""
        import _testcapi

        failures = at = 0
        while failures == at and at < 200:
            failed, at = True, at + 1
            _testcapi.set_nomemory(at, at + 3)
            try:
                call()
                failed = False
            except MemoryError:
                pass
            finally:
                _testcapi.remove_mem_hooks()
            check_stopped()
            failures += failed
        check_whole()
        print(failures)
    """)
    assert int(failed) > 3


def test_no_thread_can_be_started():
    """Then the caller does it all, in order, and asks again at the next call."""
    run("""
        def refuse(function, arguments):
            global asked
            asked += 1
            raise RuntimeError("can't start new thread")

        asked = 0
        start, pool.start_new_thread = pool.start_new_thread, refuse
        for number in 1, 2:
            call()
            assert alone == list(range(PIECES))
            assert asked == number
        expected = gumbel_fast.gumbel(size=3_000_000, rng=1)
        assert (gumbel_fast.gumbel(size=3_000_000, rng=1, workers=2) == expected).all()
        pool.start_new_thread = start
        check_whole()
        assert begun
    """)


# ---------------------------------------------------------------------------------------------------- number of threads


def test_no_thread_for_small_calls():
    """Neither the import nor small calls start one, or import what starts them."""
    assert run("""
        import subprocess
        gumbel_fast.categorical(np.zeros((100, 100)), rng=1, workers=2)
        gumbel_fast.gumbel(size=1000, rng=1, workers=-1)
        assert _thread._count() == 0
        gumbel_fast.gumbel(size=3_000_000, rng=1, workers=2)
        assert _thread._count() == 1
        print("concurrent.futures.thread" in sys.modules)
    """) == ["False"]  # fmt: skip


def test_threads_are_used_again():
    """A call of three workers starts two threads, and so do a hundred, one after another."""
    run("""
        for _ in range(100):
            call(workers=3)
        assert _thread._count() == 2
    """)


def test_never_more_threads_than_the_most():
    """Callers, more of them than that, who each ask for a thousand workers at once."""
    run("""
        def ask():
            start.wait(20)
            _threads.run(note, 100, _threads.PIECE, 1000)

        def note(start, stop):
            time.sleep(0.0005)
            done.append((start, threading.get_ident()))
            counts.append(_thread._count())

        done, counts = [], []
        start = threading.Barrier(pool.MOST_THREADS + 5)
        callers = [threading.Thread(target=ask) for _ in range(start.parties)]
        for caller in callers:
            caller.start()
        identities = {caller.ident for caller in callers}
        for caller in callers:
            caller.join(30)
        assert sorted(start for start, _ in done) == sorted(list(range(100)) * len(callers))
        assert max(counts) <= pool.MOST_THREADS + len(callers)
        assert _thread._count() <= pool.MOST_THREADS
        assert 0 < len({thread for _, thread in done} - identities) <= pool.MOST_THREADS
    """)


def test_calls_within_pieces():
    """A piece that shares out work itself, in the calling thread and in helpers, to three depths."""
    run("""
        def nested(depth):
            def piece(start, stop):
                if depth:
                    _threads.run(nested(depth - 1), 5, _threads.PIECE, 4)
                else:
                    done.append(start)

            return piece

        done = []
        _threads.run(nested(3), 5, _threads.PIECE, 4)
        assert sorted(done) == sorted(list(range(5)) * 5**3)
        assert _thread._count() <= pool.MOST_THREADS
    """)


# ------------------------------------------------------------------------------------------------------------ processes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_a_pool_of_its_own():
    drawn = run("""
        import warnings

        warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads forks, which is what this is about

        def show():
            before = _thread._count()  # in a child, with those of its parent
            total = gumbel_fast.gumbel(size=3_000_000, rng=1, workers=2).sum()
            print(f"{total:.17g}", _thread._count() - before, flush=True)

        show()
        for child in range(3):
            if os.fork() == 0:
                show()
                os._exit(0)
            os.wait()
        show()
    """)
    assert drawn[1::2] == ["1", "1", "1", "1", "0"]
    assert len(set(drawn[::2])) == 1


def test_the_interpreter_ends_with_idle_threads():
    """And with a call at exit, when no more threads are to be had."""
    assert run("""
        import atexit

        def last():
            print(gumbel_fast.gumbel(size=3_000_000, rng=1, workers=2).size)

        atexit.register(last)
        last()
    """) == ["3000000"] * 2  # fmt: skip


def test_the_interpreter_ends_while_pieces_run():
    """A daemon thread's calls, of kernels without the GIL and of Python work, do not keep the process from its end."""
    assert run("""
        def draw():
            while True:
                gumbel_fast.gumbel(size=3_000_000, rng=1, workers=2)

        def sleep():
            while True:
                call()

        for target in draw, sleep:
            threading.Thread(target=target, daemon=True).start()
        time.sleep(0.1)
        print("end")
    """) == ["end"]  # fmt: skip
