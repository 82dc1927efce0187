"""One regime measured: its contestants prepared, checked, timed in turn and put in ratio. No text is made here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import peers
from .allocator import Allocator, in_use
from .regime import Call, CheckError, Contestant, Regime, Role, Target
from .timing import interleaved


@dataclass(frozen=True)
class Statistics:
    """Seconds of one call, over the rounds."""

    min: float
    max: float
    mean: float
    stddev: float
    median: float
    q1: float
    q3: float
    rounds: int

    @classmethod
    def of(cls, times: NDArray[np.float64]) -> Statistics:
        """Describe the times of the rounds."""
        low, median, high = np.percentile(times, (25, 50, 75)).tolist()
        deviation = float(times.std(ddof=1)) if times.size > 1 else 0.0
        return cls(
            float(times.min()), float(times.max()), float(times.mean()), deviation, median, low, high, times.size
        )


@dataclass(frozen=True)
class Line:
    """One contestant's figures. `ratio` is its time over the project's, the median of the rounds' ratios."""

    name: str
    library: str
    role: Role
    note: str
    flaw: str
    statistics: Statistics
    ratio: float

    @property
    def seconds(self) -> float:
        """The median."""
        return self.statistics.median

    @property
    def spread(self) -> float:
        """Half the interquartile range over the median."""
        return (self.statistics.q3 - self.statistics.q1) / (2 * self.statistics.median)


@dataclass(frozen=True)
class Verdict:
    """One target, with the figure reached. `bar_met` and `goal_met` are None where there is none to meet."""

    target: Target
    figure: float
    bar_met: bool | None
    goal_met: bool | None


@dataclass(frozen=True)
class Outcome:
    """A regime's figures: the project first, then the peers as listed, the limit last; who was skipped, and why.

    There are no lines where the project itself was skipped: a part of it may need a peer. There are verdicts only where
    there are lines and the regime ran under the allocator setting that its targets are for.
    """

    regime: str
    series: str
    title: str
    short: str
    meaning: str
    elements: int
    bytes_moved: int
    allocator: Allocator
    lines: tuple[Line, ...]
    skipped: tuple[tuple[str, str], ...]
    verdicts: tuple[Verdict, ...]

    @property
    def project(self) -> Line:
        """The line that the others are measured against."""
        return self.lines[0]

    @property
    def limit(self) -> Line | None:
        """The line of the limit, if it is there."""
        return next((line for line in self.lines if line.role is Role.LIMIT), None)

    @property
    def share(self) -> float | None:
        """What part of the limit's speed the project reaches, if the limit is there."""
        return None if self.limit is None else self.limit.ratio


#: What is timed in one process: each contestant's times in each round, and who is skipped, and why.
Times = Mapping[str, NDArray[np.float64]]
Skipped = tuple[tuple[str, str], ...]


def prepare(contestant: Contestant) -> Call | str:
    """Make a contestant's call and check its output; the reason, in a word, if its library is not there or is broken.

    Raises
    ------
    CheckError
        If the library is there and its output is not what the regime asks for.
    """
    if not peers.installed(contestant.library):
        return "not installed"
    try:
        call = contestant.prepare()
    except ImportError as error:
        return f"cannot be imported: {error}"
    try:
        contestant.check(call)
    except CheckError as error:
        raise CheckError(f"{contestant.name}: {error}") from error
    return call


def measure(
    regime: Regime,
    *,
    libraries: Collection[str] = peers.LIBRARIES,
    budget: float = 2.0,
    simd: str = "avx512",
    cpu_time: bool = False,
) -> Outcome:
    """Measure a regime for about `budget` seconds, with the contestants that come from `libraries`.

    `simd` names the SIMD target that the project is judged for; `cpu_time` is that of `timing.interleaved`.
    """
    entered = [contestant for contestant in regime.contestants if contestant.library in libraries]
    return judge(regime, *timed(entered, budget=budget, cpu_time=cpu_time), simd=simd)


def timed(contestants: Collection[Contestant], *, budget: float, cpu_time: bool = False) -> tuple[Times, Skipped]:
    """Prepare contestants, check them, and time them in turn for about `budget` seconds."""
    calls: dict[str, Call] = {}
    skipped: list[tuple[str, str]] = []
    for contestant in contestants:
        call = prepare(contestant)
        if isinstance(call, str):
            skipped.append((contestant.name, call))
        else:
            calls[contestant.name] = call
    return interleaved(calls, budget=budget, cpu_time=cpu_time), tuple(skipped)


def judge(regime: Regime, times: Times, skipped: Skipped, *, simd: str) -> Outcome:
    """Put times in ratio, and hold the ratios to the regime's targets for a SIMD target."""
    lines = _lines(regime, times) if regime.project.name in times else ()
    ratios = {line.name: line.ratio for line in lines}
    judged = regime.targets if in_use() is regime.allocator else ()
    targets = (target.on(simd) for target in judged if target.against in ratios)
    return Outcome(
        regime=regime.name,
        series=regime.series,
        title=regime.title,
        short=regime.short,
        meaning=regime.meaning,
        elements=regime.elements,
        bytes_moved=regime.bytes_moved,
        allocator=in_use(),
        lines=lines,
        skipped=skipped,
        verdicts=tuple(verdict(target, ratios[target.against]) for target in targets),
    )


def verdict(target: Target, ratio: float) -> Verdict:
    """Hold a contestant's ratio to a target."""
    figure = target.figure(ratio)
    bar_met, goal_met = (None if bound is None else target.met(figure, bound) for bound in (target.bar, target.goal))
    return Verdict(target, figure, bar_met, goal_met)


def _lines(regime: Regime, times: Times) -> tuple[Line, ...]:
    base = times[regime.project.name]
    order = (Role.PROJECT, Role.PEER, Role.LIMIT)
    return tuple(
        Line(
            name=contestant.name,
            library=contestant.library,
            role=contestant.role,
            note=contestant.note,
            flaw=contestant.flaw,
            statistics=Statistics.of(times[contestant.name]),
            ratio=float(np.median(times[contestant.name] / base)),
        )
        for contestant in sorted(regime.contestants, key=lambda contestant: order.index(contestant.role))
        if contestant.name in times
    )
