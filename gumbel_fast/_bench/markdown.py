"""Outcomes as one Markdown table, with what they were measured on above it. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .measure import Line, Outcome, Verdict
from .regime import Role
from .report import duration, label

_HEAD = """\
| regime | contestant | time | ratio | bar | | goal | |
|---|---|--:|--:|--:|---|--:|---|
"""
_EXPLANATION = """\
Times are medians of one call. A ratio is a contestant's time over gumbel_fast's, and the bar the least that is
accepted; against a limit it is gumbel_fast's time over the limit's, and the bar (with ≤) the most.
"""


def document(machine: Mapping[str, str], outcomes: Iterable[Outcome]) -> str:
    """Return the machine, how to read the table, and the table: a line for each contestant of each regime."""
    about = "; ".join(f"{key} {value}" for key, value in machine.items())
    rows = "".join(row for outcome in outcomes for row in _rows(outcome))
    return f"{about}\n\n{_EXPLANATION}\n{_HEAD}{rows}"


def _rows(outcome: Outcome) -> Iterable[str]:
    verdicts = {verdict.target.against: verdict for verdict in outcome.verdicts}
    regime = f"`{outcome.regime}`"
    for line in outcome.lines:
        judged = _judged(verdicts.get(line.name))
        yield _row(regime, label(line), duration(line.seconds).replace("us", "µs"), _ratio(line), *judged)
        regime = ""
    for name, reason in outcome.skipped:
        yield _row(regime, name, f"skipped: {reason}", "", "", "", "", "")
        regime = ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _ratio(line: Line) -> str:
    match line.role:
        case Role.PROJECT:
            return "1"
        case Role.LIMIT:
            return f"{1 / line.ratio:.2f}"
        case Role.PEER:
            return f"{line.ratio:.{1 if line.ratio < 100 else 0}f}"


def _judged(verdict: Verdict | None) -> tuple[str, str, str, str]:
    if verdict is None:
        return "", "", "", ""
    target = verdict.target
    sign = "≤ " if target.of_limit else ""
    bar, goal = ("" if bound is None else f"{sign}{bound:g}" for bound in (target.bar, target.goal))
    words = {None: "", True: "met", False: "**missed**"}
    return bar, words[verdict.bar_met], goal, words[verdict.goal_met].strip("*")
