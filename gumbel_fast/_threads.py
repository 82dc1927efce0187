"""Work split among threads: what `workers` means, and how a call is cut into pieces.

The threads that do them are those of _core/pool.pyx, where it is also said why no interrupt can leave one at work. What
a piece computes does not depend on where the cuts are, nor on who does it: that is the business of those who hand the
work in.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from math import ceil

from . import _core

PIECE = 10e6  # nanoseconds that a piece may take: between two of them an interrupt is seen
LEAST = 100e3  # nanoseconds that are worth another thread


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
    pieces of 25 or 50 microseconds; a caller that waits awake for the end, by sleep(0) or without the GIL.
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
        _core.share(work, total, step, min(workers, ceil(total / step)))
