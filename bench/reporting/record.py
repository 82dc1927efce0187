"""Outcomes as JSON in the format of pytest-benchmark, written and read: one format for pytest and the command.

`pytest-benchmark compare` reads what is written here. What pytest-benchmark has no place for stands in `extra_info`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.allocator import Allocator
from harness.measure import Line, Outcome, Statistics, verdict
from harness.regime import Role, Target

_DIGITS = 4  # that are written: a time is not known better


@dataclass(frozen=True)
class Record:
    """The outcomes of one run, what they were measured on, and the day, as YYYY-MM-DD."""

    machine: Mapping[str, str]
    date: str
    outcomes: tuple[Outcome, ...]


def extra_info(outcome: Outcome, line: Line) -> dict[str, Any]:
    """Return what is recorded of a contestant beside its times; with the project's, what is recorded of its regime."""
    targets = {verdict.target.against: verdict.target for verdict in outcome.verdicts}
    extra: dict[str, Any] = {"role": str(line.role), "library": line.library, "ratio": _rounded(line.ratio)}
    extra |= {key: text for key, text in (("note", line.note), ("flaw", line.flaw)) if text}
    if line.name in targets:
        extra |= {"bar": targets[line.name].bar, "goal": targets[line.name].goal}
    if line.role is Role.PROJECT:
        extra |= {
            key: getattr(outcome, key) for key in ("series", "title", "short", "meaning", "elements", "bytes_moved")
        }
        extra |= {"allocator": str(outcome.allocator), "skipped": outcome.skipped}
    return extra


def write(path: Path, machine: Mapping[str, str], outcomes: Iterable[Outcome]) -> None:
    """Write outcomes measured just now: a line of the file for each contestant."""
    benchmarks = (_benchmark(outcome, line) for outcome in outcomes for line in outcome.lines)
    head = json.dumps(
        {
            "version": "5.3.1",  # of pytest-benchmark, whose format it is
            "datetime": datetime.now(UTC).isoformat(),
            "machine_info": {"gumbel_fast": dict(machine)},
            "commit_info": {},
        },
        ensure_ascii=False,
    )
    lines = ",\n".join(json.dumps(benchmark, ensure_ascii=False) for benchmark in benchmarks)
    path.write_text(f'{head[:-1]},\n"benchmarks": [\n{lines}\n]}}\n', encoding="utf-8")


def read(path: Path) -> Record:
    """Read what `write` or `pytest bench --benchmark-json` wrote.

    Raises
    ------
    ValueError
        If it is something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries: dict[str, list[Mapping[str, Any]]] = {}
        for benchmark in document["benchmarks"]:
            entries.setdefault(benchmark["params"]["regime"], []).append(benchmark)
        outcomes = tuple(_outcome(benchmarks) for benchmarks in entries.values())
        return Record(document["machine_info"]["gumbel_fast"], document["datetime"][:10], outcomes)
    except (KeyError, TypeError, StopIteration, json.JSONDecodeError) as error:
        raise ValueError(f"{path} does not hold the figures of these benchmarks") from error


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _benchmark(outcome: Outcome, line: Line) -> dict[str, Any]:
    param = f"{outcome.regime}: {line.name}"
    statistics = {key: _rounded(value) for key, value in asdict(line.statistics).items()}
    return {
        "group": outcome.regime,
        "name": f"test_regime[{param}]",  # as pytest names it, so that the two can be compared
        "params": {"regime": outcome.regime, "contestant": line.name},
        "extra_info": extra_info(outcome, line),
        "stats": statistics
        | {
            "rounds": line.statistics.rounds,
            "iqr": _rounded(line.statistics.q3 - line.statistics.q1),
            "ops": _rounded(1 / line.statistics.mean),
            "iterations": 1,
            "outliers": "",
        },
    }


def _outcome(benchmarks: Sequence[Mapping[str, Any]]) -> Outcome:
    regime = next(entry["extra_info"] for entry in benchmarks if entry["extra_info"]["role"] == Role.PROJECT)
    return Outcome(
        regime=benchmarks[0]["params"]["regime"],
        series=regime["series"],
        title=regime["title"],
        short=regime["short"],
        meaning=regime["meaning"],
        elements=regime["elements"],
        bytes_moved=regime["bytes_moved"],
        allocator=Allocator(regime["allocator"]),
        lines=tuple(_line(entry) for entry in benchmarks),
        skipped=tuple((name, reason) for name, reason in regime["skipped"]),
        verdicts=tuple(
            verdict(_target(entry), entry["extra_info"]["ratio"])
            for entry in benchmarks
            if "bar" in entry["extra_info"]
        ),
    )


def _line(entry: Mapping[str, Any]) -> Line:
    extra, stats = entry["extra_info"], entry["stats"]
    return Line(
        name=entry["params"]["contestant"],
        library=extra["library"],
        role=Role(extra["role"]),
        note=extra.get("note", ""),
        flaw=extra.get("flaw", ""),
        statistics=Statistics(**{key: stats[key] for key in Statistics.__dataclass_fields__}),
        ratio=extra["ratio"],
    )


def _target(entry: Mapping[str, Any]) -> Target:
    extra = entry["extra_info"]
    return Target(entry["params"]["contestant"], extra["bar"], extra["goal"], of_limit=extra["role"] == Role.LIMIT)
