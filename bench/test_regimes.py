"""Every regime as a group of pytest-benchmark, and every contestant as a benchmark in it.

What is measured is defined in `regimes`; nothing has to be added here for a new regime. pytest-benchmark
would run one contestant from start to end before the next begins, and a machine that drifts would spoil the ratios. So
the contestants of a regime that were chosen are timed in turn when the first of them comes, and each then hands its
rounds to pytest-benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import pytest

import regimes  # noqa: F401  (importing it fills the registry)
from harness.inputs import Inputs
from harness.measure import Outcome, Times, judge, prepare, timed
from harness.regime import REGISTRY, Regime
from harness.simd import simd_target
from reporting.record import extra_info

#: Every contestant by its regime's name and its own; the names do not depend on the inputs.
CASES = [(name, contestant.name) for name, make in REGISTRY.items() for contestant in make(Inputs()).contestants]


class Clock:
    """The timer of pytest-benchmark: it tells not the time of now, but of the rounds that it is given."""

    __name__ = "perf_counter"  # which those rounds were timed by

    def __init__(self) -> None:
        self._ticks: Iterator[float] = iter(())

    def replay(self, seconds: Sequence[float]) -> None:
        """Have the next rounds take so long."""
        self._ticks = iter([tick for second in seconds for tick in (0.0, second)])

    def __call__(self) -> float:
        """Tell the beginning or the end of a round."""
        return next(self._ticks)


CLOCK = Clock()


@lru_cache(maxsize=1)  # the benchmarks of a regime come one after the other
def build(name: str, inputs: Inputs) -> Regime:
    """Make a regime with its arrays."""
    return REGISTRY[name](inputs)


@lru_cache(maxsize=1)
def measured(name: str, inputs: Inputs, chosen: tuple[str, ...], budget: float) -> tuple[Times, Outcome]:
    """Time the chosen contestants of a regime in turn."""
    regime = build(name, inputs)
    contestants = [contestant for contestant in regime.contestants if contestant.name in chosen]
    times, skipped = timed(contestants, budget=budget)
    return times, judge(regime, times, skipped, simd=simd_target())


@pytest.mark.parametrize("regime, contestant", CASES, ids=[": ".join(case) for case in CASES])
@pytest.mark.benchmark(timer=CLOCK)
@pytest.mark.filterwarnings("default")  # what a peer warns of does not stop it
def test_regime(regime: str, contestant: str, inputs: Inputs, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """Check what a contestant gives, then time it beside the others."""
    built = build(regime, inputs)
    if benchmark.disabled:
        (entry,) = (entry for entry in built.contestants if entry.name == contestant)
        call = prepare(entry)
        if isinstance(call, str):
            pytest.skip(f"{contestant}: {call}")
        benchmark.pedantic(call)
        return
    params = [getattr(item, "callspec").params for item in request.session.items]  # noqa: B009  (pytest keeps it untyped)
    chosen = tuple(item["contestant"] for item in params if item["regime"] == regime)
    seconds = float(request.config.getoption("benchmark_max_time"))
    times, outcome = measured(regime, inputs, chosen, seconds * len(chosen))
    if contestant in dict(outcome.skipped):
        pytest.skip(f"{contestant}: {dict(outcome.skipped)[contestant]}")
    benchmark.group = regime
    benchmark.extra_info.update(
        next((extra_info(outcome, line) for line in outcome.lines if line.name == contestant), {})
    )
    CLOCK.replay(times[contestant].tolist())
    benchmark.pedantic(lambda: None, rounds=len(times[contestant]))
