"""Work split among threads: what `workers` means, how a call is cut into pieces, and the pool that does them.

The pool is of the whole process, made when a call first needs it and anew in a forked child. What a piece computes
does not depend on where the cuts are, nor on who does it: that is the business of those who hand the work in.
"""

from __future__ import annotations

import operator
import os
import threading
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

PIECE = 10e6  # nanoseconds that a piece may take: between two of them an interrupt is seen
LEAST = 100e3  # nanoseconds that are worth another thread
MOST_THREADS = max(32, os.cpu_count() or 1)  # of the pool; threads beyond the processors gain nothing


def as_workers(workers: int) -> int:
    """Return how many threads a call may use, negative numbers counted from one past the CPU count, as in SciPy."""
    count = operator.index(workers)
    if count > 0:
        return count
    if count == 0:
        raise ValueError("workers must not be 0")
    cpus = os.cpu_count() or 1  # asked for only here: the answer takes longer than a small call
    if count < -cpus:
        raise ValueError(f"workers must not be less than {-cpus}, not {count}")
    return cpus + 1 + count


def run(work: Callable[[int, int], object], total: int, cost: float, workers: int) -> None:
    """Call ``work(start, stop)`` on pieces that together are range(total), in order where there is one worker.

    `cost` is what one of the total takes, in nanoseconds, roughly: it decides how many pieces of one size there are, up
    to four or so for each worker. The calling thread does its share, and all of it where it is small or no other thread
    is to be had. An error stops what has not begun; of several, that of the lowest piece is raised, so that the first
    bad row is named whoever met another before.

    A second thread begins some 20 microseconds after the first, and to be woken at the end takes the caller up to 65: a
    call of a fifth of a millisecond gains a tenth at best, one of a millisecond two thirds. Tried, and no better:
    pieces of 25 or 50 microseconds; threads waiting at a bare queue instead of an executor, which begin 7 sooner; a
    caller that waits awake for the end, by sleep(0) or without the GIL.
    """
    whole = total * cost
    shares = whole / (PIECE if workers == 1 else min(PIECE, max(LEAST, whole / (4 * workers))))
    pieces = int(shares / workers) * workers if shares >= workers else ceil(shares)
    step = ceil(total / pieces) if pieces else total
    if step >= total:
        if total:
            work(0, total)
    elif workers == 1:
        for start in range(0, total, step):
            work(start, min(start + step, total))
    else:
        _share(work, total, step, workers)


def _share(work: Callable[[int, int], object], total: int, step: int, workers: int) -> None:
    starts = iter(range(0, total, step))
    lock, over = threading.Lock(), False
    errors: dict[int, BaseException] = {}  # by the start of the piece; interrupts come before all

    def take() -> int | None:
        with lock:
            return None if over or errors else next(starts, None)

    def work_off() -> None:
        start: int | None = -1
        try:
            while (start := take()) is not None:
                work(start, min(start + step, total))
        except Exception as error:
            errors[-1 if start is None else start] = error
        except BaseException as error:  # an interrupt, in the calling thread
            errors[-1] = error

    try:
        helpers = _start_helpers(work_off, min(workers, ceil(total / step), MOST_THREADS) - 1)
        work_off()
        for helper in helpers:
            if not helper.cancel():
                helper.result()
        if errors:
            raise errors[min(errors)]
    finally:
        over = True  # however this ends, by another interrupt too, no piece begins after it
        errors.clear()  # an error holds its frames, and they the errors


# -- the pool ---------------------------------------------------------------------------------------------------------

_pool: Executor | None = None
_pool_lock = threading.Lock()


def _start_helpers(work_off: Callable[[], None], count: int) -> list[Future[None]]:
    helpers = []
    try:
        for _ in range(count):
            helpers.append(_threads().submit(work_off))
    except RuntimeError:  # no more threads are to be had, or the interpreter is ending
        pass
    except BaseException:  # an interrupt, perhaps amid the start of a thread that the pool then knows nothing of
        _shut_pool()
        raise
    return helpers


def _threads() -> Executor:
    global _pool
    with _pool_lock:
        if _pool is None:
            from concurrent.futures import ThreadPoolExecutor  # here, because few calls need what it imports

            _pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="gumbel_fast")
        return _pool


def _shut_pool() -> None:
    """Have the threads of the pool end when their work is done, those too that it took no note of."""
    global _pool
    with _pool_lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.shutdown(wait=False)


def _forget_threads() -> None:
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()  # a child has none of its parent's threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
