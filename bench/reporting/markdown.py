"""Records as Markdown: a sentence, a table of the regimes, a table of every contestant. No file is touched.

A ratio is a contestant's time over gumbel_fast's.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from harness.measure import Line, Outcome, Verdict
from harness.regime import Role

from .charts import label, rivals
from .record import Record
from .text import duration
from .text import label as name

_COLUMNS = ("numpy", "torch", "jax", "numba")  # the libraries that have a column; the others share one
_OTHERS = ("scipy", "mkl_random", "vose", "transformers", "llama_cpp", "dask", "pandas", "polars", "duckdb")
_MARK = "†"


def headline(record: Record) -> str:
    """Return one sentence with what is most worth knowing; nothing if the record lacks the regime that it is about."""
    outcome = next((outcome for outcome in record.outcomes if outcome.regime == "one_draw"), None)
    fastest = _fastest(outcome, "numpy") if outcome else None
    torch = _fastest(outcome, "torch") if outcome else None
    if outcome is None or outcome.limit is None or fastest is None or torch is None:
        return ""
    return _paragraph(
        f"One exact draw from {outcome.elements:,} logits takes {_time(outcome.project)} on one thread, "
        f"{1 / outcome.limit.ratio:.1f} times as long as `np.max` takes to read them: {fastest.ratio:.0f} times "
        f"faster than NumPy at its best, {torch.ratio:.0f} times faster than PyTorch."
    )


def source(record: Record) -> str:
    """Return what the picture of speed shows, and of which record, as one sentence."""
    return _paragraph(
        f"Bars are the times of NumPy's best way and of one other library, divided by that of gumbel_fast, on one "
        f"thread of an {record.machine['cpu']} ({record.machine['simd']}), {record.date}; "
        f"[bench/RESULTS.md](bench/RESULTS.md) has every job, library and version."
    )


def provenance(record: Record) -> str:
    """Return what a record was measured on, as a sentence or two."""
    machine = dict(record.machine)
    cpu, simd, threads, system, python, _ = (
        machine.pop(key) for key in ("cpu", "simd", "threads", "system", "python", "gumbel_fast")
    )
    clock = f"; times are {machine.pop('clock')}" if "clock" in machine else ""
    versions = ", ".join(f"{label(library)} {version}" for library, version in machine.items())
    return _paragraph(
        f"{cpu}; SIMD target {simd}; threads: {threads}; {system}, Python {python}, {versions}; {record.date}{clock}."
    )


def summary(record: Record) -> str:
    """Return a table with a line for each regime of no series: its figures, and how long the others take."""
    head = ["job", "time", "±", "ns an element", "GB/s", "of the limit", *map(label, _COLUMNS), "others"]
    rows = [_summary_row(outcome) for outcome in record.outcomes if outcome.lines and not outcome.series]
    return _table(head, "lrrrrrrrrrl", rows)


def details(record: Record) -> str:
    """Return a table with a line for each contestant of each regime, and which bars and goals are met."""
    head = ["regime", "contestant", "time", "±", "ratio", "ns an element", "GB/s", "bar", "", "goal", ""]
    rows = [row for outcome in record.outcomes for row in _detail_rows(outcome)]
    judged = [verdict for outcome in record.outcomes for verdict in outcome.verdicts]
    bars = [verdict.bar_met for verdict in judged if verdict.bar_met is not None]
    goals = [verdict.goal_met for verdict in judged if verdict.goal_met is not None]
    met = f"Met: {sum(bars)} of {len(bars)} bars, {sum(goals)} of {len(goals)} goals.\n"
    return f"{met}\n{_table(head, 'llrrrrrrlrl', rows)}"


def _paragraph(text: str) -> str:
    return f"{textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)}\n"


def _table(head: Sequence[str], alignment: str, rows: Iterable[Sequence[str]]) -> str:
    rule = ["--:" if side == "r" else "---" for side in alignment]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def _time(line: Line) -> str:
    return duration(line.seconds).replace("us", "µs")


def _ratio(ratio: float) -> str:
    return f"{ratio:.{2 if ratio < 0.995 else 1 if ratio < 9.95 else 0}f}"


def _figure(value: float) -> str:
    """Two digits, or all those before the point."""
    return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"


def _per_element(outcome: Outcome, line: Line) -> str:
    return _figure(line.seconds * 1e9 / outcome.elements)


def _rate(outcome: Outcome, line: Line) -> str:
    return _figure(outcome.bytes_moved / line.seconds * 1e-9) if outcome.bytes_moved else ""


def _fastest(outcome: Outcome, library: str) -> Line | None:
    return next((line for line in rivals(outcome) if line.library == library), None)


def _summary_row(outcome: Outcome) -> list[str]:
    cells = [_cell(_fastest(outcome, library)) for library in _COLUMNS]
    found = [(_fastest(outcome, library), label(library)) for library in _OTHERS]
    others = [f"{_cell(line)} {text}" for line, text in found if line is not None]
    if not rivals(outcome):  # then the project is its own peer, as on one thread
        others = [f"{_ratio(line.ratio)} {line.name}" for line in outcome.lines if line.role is Role.PEER]
    project = outcome.project
    return [
        outcome.short.replace(" x ", " × "),
        _time(project),
        f"{project.spread:.0%}",
        _per_element(outcome, project),
        _rate(outcome, project),
        "" if outcome.share is None else f"{outcome.share:.0%}",
        *cells,
        ", ".join(others),
    ]


def _cell(line: Line | None) -> str:
    return "" if line is None else f"{_ratio(line.ratio)}{_MARK if line.flaw else ''}"


def _detail_rows(outcome: Outcome) -> Iterable[list[str]]:
    verdicts = {verdict.target.against: verdict for verdict in outcome.verdicts}
    regime = f"`{outcome.regime}`"
    for line in outcome.lines:
        figures = [_time(line), f"{line.spread:.0%}", _ratio(line.ratio)]
        figures += [_per_element(outcome, line), _rate(outcome, line)]
        yield [regime, name(line), *figures, *_judged(verdicts.get(line.name))]
        regime = ""
    for contestant, reason in outcome.skipped:
        yield [regime, contestant, f"skipped: {reason}", *[""] * 8]
        regime = ""


def _judged(verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return [""] * 4
    cells = []
    for bound, met in ((verdict.target.bar, verdict.bar_met), (verdict.target.goal, verdict.goal_met)):
        cells.append("" if bound is None else f"{'≤ ' if verdict.target.of_limit else ''}{bound:g}")
        cells.append({None: "", True: "met", False: "missed"}[met])
    if verdict.bar_met is False:
        cells[1] = "**missed**"
    return cells
