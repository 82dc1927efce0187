"""One regime measured: its contestants prepared, checked, timed in turn and put in ratio. No text is made here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import peers
from .allocator import Allocator
from .regime import Call, CheckError, Contestant, Regime, Role, Target
from .timing import interleaved


@dataclass(frozen=True)
class Line:
    """One contestant's figures. `ratio` is its time over the project's, `spread` half the interquartile range."""

    name: str
    library: str
    role: Role
    note: str
    seconds: float
    spread: float
    ratio: float


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

    There are no lines and no verdicts where the project itself was skipped: a part of it may need a peer.
    `allocator` is the setting that the verdicts are for, not the one that was measured under.
    """

    regime: str
    title: str
    meaning: str
    elements: int
    bytes_moved: int
    allocator: Allocator
    lines: tuple[Line, ...]
    skipped: tuple[tuple[str, str], ...]
    verdicts: tuple[Verdict, ...]


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
    regime: Regime, *, libraries: Collection[str] = peers.LIBRARIES, budget: float = 2.0, simd: str = "avx512"
) -> Outcome:
    """Measure a regime for about `budget` seconds, with the contestants that come from `libraries`.

    `simd` names the SIMD target that the project is judged for.
    """
    calls: dict[str, Call] = {}
    skipped: list[tuple[str, str]] = []
    for contestant in regime.contestants:
        if contestant.library not in libraries:
            continue
        call = prepare(contestant)
        if isinstance(call, str):
            skipped.append((contestant.name, call))
        else:
            calls[contestant.name] = call
    lines = _lines(regime, interleaved(calls, budget=budget)) if regime.project.name in calls else ()
    ratios = {line.name: line.ratio for line in lines}
    targets = (target.on(simd) for target in regime.targets if target.against in ratios)
    return Outcome(
        regime=regime.name,
        title=regime.title,
        meaning=regime.meaning,
        elements=regime.elements,
        bytes_moved=regime.bytes_moved,
        allocator=regime.allocator,
        lines=lines,
        skipped=tuple(skipped),
        verdicts=tuple(_judge(target, ratios[target.against]) for target in targets),
    )


def _lines(regime: Regime, times: Mapping[str, NDArray[np.float64]]) -> tuple[Line, ...]:
    base = times[regime.project.name]
    order = (Role.PROJECT, Role.PEER, Role.LIMIT)
    lines = []
    for contestant in sorted(regime.contestants, key=lambda contestant: order.index(contestant.role)):
        if contestant.name not in times:
            continue
        taken = times[contestant.name]
        low, median, high = np.percentile(taken, (25, 50, 75)).tolist()
        lines.append(
            Line(
                name=contestant.name,
                library=contestant.library,
                role=contestant.role,
                note=contestant.note,
                seconds=median,
                spread=(high - low) / 2,
                ratio=float(np.median(taken / base)),
            )
        )
    return tuple(lines)


def _judge(target: Target, ratio: float) -> Verdict:
    figure = target.figure(ratio)
    bar_met, goal_met = (None if bound is None else target.met(figure, bound) for bound in (target.bar, target.goal))
    return Verdict(target, figure, bar_met, goal_met)
