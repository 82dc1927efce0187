"""Outcomes as plain text that fits 80 columns: no colour, no box, ASCII alone. Nothing is measured here."""

from __future__ import annotations

from harness.measure import Line, Outcome, Verdict
from harness.regime import Contestant, Role

NAME = 37  # characters that a contestant's name and remarks have together
_BAR = 40  # characters that stand for the limit's speed


def duration(seconds: float) -> str:
    """Return a time in three digits, in the unit that suits it."""
    units = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    unit = next((unit for unit, size in units.items() if seconds >= size), "ns")
    value = seconds / units[unit]
    decimals = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{decimals}f} {unit}"


def table(outcome: Outcome, beside: Outcome | None = None) -> str:
    """Return a regime's table: a line for each contestant, with its time and how many times the project's that is.

    `beside` is the same regime measured under another setting, as two more columns.
    """
    others = {line.name: line for line in beside.lines} if beside else {}
    figures = [
        f"  {label(line):<{NAME}} {_figures(line)}{_figures(others.get(line.name))}".rstrip() for line in outcome.lines
    ]
    skipped = [f"  {name}: skipped, {reason}" for name, reason in outcome.skipped]
    return "\n".join([outcome.title, *figures, *_share(outcome), *skipped])


def verdicts(outcome: Outcome) -> str:
    """Return a line for each of a regime's targets: the figure, and whether the bar and the goal are met."""
    return "\n".join(f"  {_sentence(verdict)}" for verdict in outcome.verdicts)


def label(contestant: Contestant | Line) -> str:
    """Return what a contestant's line begins with."""
    name = f"limit: {contestant.name}" if contestant.role is Role.LIMIT else contestant.name
    remarks = ", ".join(filter(None, (contestant.note, contestant.flaw)))
    return f"{name} ({remarks})" if remarks else name


def _share(outcome: Outcome) -> list[str]:
    """What part of the limit's speed is reached, as a bar."""
    if outcome.share is None:
        return []
    filled = min(_BAR, round(_BAR * outcome.share))
    return [f"  of the limit's speed: {'#' * filled}{'.' * (_BAR - filled)} {outcome.share:.0%}"]


def _figures(line: Line | None) -> str:
    if line is None:
        return ""
    ratio = "" if line.role is Role.PROJECT else f"{line.ratio:.{1 if line.ratio >= 1 else 2}f} x"
    return f"{duration(line.seconds):>9} {ratio:>9}"


def _sentence(verdict: Verdict) -> str:
    target = verdict.target
    if target.of_limit:
        text, bound = f"{verdict.figure:.2f} x the time of {target.against}", "<= "
    else:
        text, bound = f"{target.against}: {verdict.figure:.1f} x", ""
    judged = [
        f"{kind} {bound}{value:g} {'met' if met else 'MISSED'}"
        for kind, value, met in (("bar", target.bar, verdict.bar_met), ("goal", target.goal, verdict.goal_met))
        if value is not None
    ]
    return f"{text}: {', '.join(judged)}"
