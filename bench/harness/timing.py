"""Contestants timed in turn. No check and no table lives here.

A machine that is shared, or that changes its clock, drifts by more than the differences measured here. So contestants
are timed in rounds: in each, everybody runs for a few milliseconds, in an order that is shuffled anew, since who comes
right behind somebody that reads the same rows finds them in a cache, and is not to have that place in every round.
Times are medians over the rounds, and a ratio is the median of the ratios inside each round, which drift cancels from.

Where more processes want to run than there are CPUs, a call that takes longer than a turn of the scheduler, of some
milliseconds, is interrupted in every round. Then the time that this process spent on a CPU is of more use.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from itertools import repeat
from math import ceil
from random import Random
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from .regime import Call

_SLICE = 2e-3  # seconds that a contestant runs in one round, at least one call
_ROUNDS = range(7, 201)


def _run(call: Call, calls: int, clock: Callable[[], float]) -> float:
    """Seconds a call takes, over `calls` calls."""
    start = clock()
    for _ in repeat(None, calls):
        call()
    return (clock() - start) / calls


def interleaved(calls: Mapping[str, Call], *, budget: float, cpu_time: bool = False) -> dict[str, NDArray[np.float64]]:
    """Time calls in turn for about `budget` seconds, by the clock on the wall or by that of this process's CPU time.

    Returns
    -------
    dict of name to ndarray of shape (rounds,)
        Seconds a call took, in each round.
    """
    if not calls:
        return {}
    clock = process_time if cpu_time else perf_counter
    first = {name: min(_run(call, 1, clock), _run(call, 1, clock)) for name, call in calls.items()}
    repeats = {name: max(1, ceil(_SLICE / seconds)) for name, seconds in first.items()}
    round_seconds = sum(first[name] * repeats[name] for name in calls)
    rounds = min(max(_ROUNDS.start, int(budget / round_seconds)), _ROUNDS[-1])
    times = {name: np.empty(rounds) for name in calls}
    order, random = list(calls), Random(0)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            random.shuffle(order)
            for name in order:
                times[name][turn] = _run(calls[name], repeats[name], clock)
    finally:
        if collecting:
            gc.enable()
    return times
