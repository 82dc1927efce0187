"""Outcomes as pictures: how many times faster than others, in all or in short, and time against size.

Nothing is measured here.

matplotlib draws them; it is imported when something is drawn.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.measure import Line, Outcome
from harness.regime import Role

from .text import duration

_WIDTH = 8.3  # inches, of 100 pixels each as README shows them
_DPI = 200
_LABELS = {
    "numpy": "NumPy",
    "scipy": "SciPy",
    "torch": "PyTorch",
    "jax": "JAX",
    "numba": "Numba",
    "mkl_random": "mkl_random",
    "vose": "vose",
    "transformers": "transformers",
    "llama_cpp": "llama.cpp",
    "dask": "Dask",
    "polars": "Polars",
    "duckdb": "DuckDB",
}


@dataclass(frozen=True)
class Theme:
    """Colours, on a background."""

    background: str
    text: str
    muted: str
    faint: str
    project: str
    pale: str


THEMES = {
    "light": Theme("#ffffff", "#1f2328", "#59636e", "#d8dee4", "#0969da", "#b6d7ff"),
    "dark": Theme("#0d1117", "#e6edf3", "#9198a1", "#2f363e", "#58a6ff", "#1d4272"),
}


def available() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def label(library: str) -> str:
    """Return a library's name as it writes itself."""
    return _LABELS.get(library, library)


def has_ratios(outcomes: Iterable[Outcome]) -> bool:
    """Whether there is something for `draw_ratios` to draw."""
    return bool(_rivals(outcomes))


def has_curves(outcomes: Iterable[Outcome]) -> bool:
    """Whether there is something for `draw_curves` to draw."""
    return len(_series(outcomes)) > 1


def save(path: Path, outcomes: Sequence[Outcome], theme: Theme = THEMES["light"]) -> None:
    """Draw what there is to draw of some outcomes, ratios above curves, and write it as PNG."""
    drawings = [(draw_ratios, _height(outcomes))] if has_ratios(outcomes) else []
    drawings += [(draw_curves, 4.8)] if has_curves(outcomes) else []
    if drawings:
        _save(path, outcomes, drawings, theme)


def save_ratios(path: Path, outcomes: Sequence[Outcome], theme: Theme) -> None:
    """Draw the ratios alone."""
    _save(path, outcomes, [(draw_ratios, _height(outcomes))], theme)


def save_curves(path: Path, outcomes: Sequence[Outcome], theme: Theme) -> None:
    """Draw the curves alone."""
    _save(path, outcomes, [(draw_curves, 4.8)], theme)


def save_speed(path: Path, outcomes: Sequence[Outcome], theme: Theme) -> None:
    """Draw what a newcomer is to see: the ratios of a few jobs, small enough for the head of a page."""
    _save(path, outcomes, [(draw_speed, 0.6 + 0.3 * _places(speed(outcomes))[1])], theme, width=7.2)


_Draw = Callable[[Any, Sequence[Outcome], Theme], None]


def _save(
    path: Path,
    outcomes: Sequence[Outcome],
    drawings: Sequence[tuple[_Draw, float]],
    theme: Theme,
    width: float = _WIDTH,
) -> None:
    figure_module = importlib.import_module("matplotlib.figure")
    heights = [height for _, height in drawings]
    figure = figure_module.Figure(figsize=(width, sum(heights)), layout="constrained", facecolor=theme.background)
    grid = figure.subplots(len(drawings), squeeze=False, height_ratios=heights)
    for (draw, _), axes in zip(drawings, grid[:, 0], strict=True):
        axes.set_facecolor(theme.background)
        draw(axes, outcomes, theme)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=_DPI, format="png")
    # A few colours, and their blends at the edges of letters, are all there is: so the file has a third of the size.
    importlib.import_module("PIL.Image").open(drawn).convert("RGB").quantize(64).save(path, format="png", optimize=True)


# ------------------------------------------------------------------------------------------------------------- ratios


def _height(outcomes: Iterable[Outcome]) -> float:
    return 0.85 + 0.25 * len(_rivals(outcomes))


def rivals(outcome: Outcome) -> list[Line]:
    """Return the other libraries' lines, fastest first."""
    others = [line for line in outcome.lines if line.role is Role.PEER and line.library != "gumbel_fast"]
    return sorted(others, key=lambda line: line.ratio)


def _rivals(outcomes: Iterable[Outcome]) -> list[tuple[Outcome, Line, Line | None]]:
    """For each regime of no series the fastest rival, and PyTorch or else SciPy; where it leads most first."""
    found = []
    for outcome in outcomes:
        lines = rivals(outcome)
        if outcome.series or not lines:
            continue
        usual = [
            line for library in ("torch", "scipy") for line in lines if line.library == library and line != lines[0]
        ]
        found.append((outcome, lines[0], usual[0] if usual else None))
    return sorted(found, key=lambda entry: -entry[1].ratio)


def draw_ratios(axes: Any, outcomes: Sequence[Outcome], theme: Theme) -> None:
    """Draw a bar for each regime: how many times gumbel_fast's time the fastest other takes, behind it PyTorch's."""
    entries = _rivals(outcomes)
    for place, (_, fastest, usual) in enumerate(entries):
        for line, colour in ((usual, theme.pale), (fastest, theme.project)):
            if line is not None:
                axes.barh(place, line.ratio - 1, left=1, height=0.66, color=colour, linewidth=0)
        end = max(1.0, *(line.ratio for line in (fastest, usual) if line is not None))
        name = axes.annotate(
            f"{_times(fastest.ratio)} {label(fastest.library)}",
            (end, place),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=theme.project,
            fontweight="bold",
        )
        if usual is not None:
            axes.annotate(
                f"{_times(usual.ratio)} {label(usual.library)}",
                (1, 0.5),
                (7, 0),
                xycoords=name,
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=theme.muted,
            )
    axes.set_yticks(range(len(entries)), [outcome.short.replace(" x ", " × ") for outcome, _, _ in entries])
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.set_xscale("log")
    ratios = [line.ratio for _, *lines in entries for line in lines if line is not None]
    axes.set_xlim(min(0.95, *ratios), max(20, *ratios) ** 1.55)  # the labels need the room
    axes.set_xticks([1, 10, 100], ["as long", "10×", "100×"])
    axes.xaxis.set_minor_locator(importlib.import_module("matplotlib.ticker").NullLocator())
    axes.axvline(1, color=theme.text, linewidth=1)
    _frame(axes, theme)
    axes.tick_params(axis="y", labelsize=9, labelcolor=theme.text)
    axes.set_title(
        "Times as long as gumbel_fast:\nthe fastest other library, and behind it PyTorch or SciPy",
        loc="left", fontsize=9.5, color=theme.muted,
    )  # fmt: skip


def _times(ratio: float) -> str:
    return f"{ratio:.{0 if ratio >= 9.95 else 1}f}×"


# -------------------------------------------------------------------------------------------------------------- speed


@dataclass(frozen=True)
class Job:
    """A job of the picture `speed`: its regime, a name of it in short, and whom it is measured against beside NumPy."""

    regime: str
    name: str
    library: str


#: What `draw_speed` shows, by the kind of user that has the job.
JOBS = {
    "Language\nmodels": (
        Job("one_draw_llm", "one token, 49,152 logits", "torch"),
        Job("filter_chain", "with top-k, top-p, min-p", "llama_cpp"),
    ),
    "Reinforcement\nlearning": (
        Job("mask_bool", "action masks, 16 × 4,672", "torch"),
        Job("policy_step_2048x18", "policy step, 2,048 × 18", "torch"),
    ),
    "Discrete\nlatents": (
        Job("gumbel_softmax_1280x320", "Gumbel-softmax, 1,280 × 320", "torch"),
        Job("gumbel_softmax_torch", "the same with its gradient", "torch"),
    ),
    "Graphs and\nsimulation": (
        Job("gibbs_4096x100", "Gibbs labels, 4,096 × 100", "numba"),
        Job("ragged_20000", "neighbours of 20,000 nodes", "numba"),
    ),
    "Data\nselection": (
        Job("distinct_1000", "1,000 of 1,000,000", "torch"),
        Job("select_npy_1000", "1,000 of 100,000,000, a file", "dask"),
    ),
    "Gumbel\ndistribution": (
        Job("noise_float32", "1,000,000 numbers", "torch"),
        Job("gumbel_r_pdf", "density, 100,000 points", "scipy"),
    ),
}


def speed(outcomes: Iterable[Outcome]) -> dict[str, list[tuple[Job, Outcome, list[Line]]]]:
    """Return what `draw_speed` shows of outcomes: each job's, with the fastest lines of NumPy and of the job's library.

    A library that cannot do the job, or was not there, has no line.
    """
    measured = {outcome.regime: outcome for outcome in outcomes}
    shown = {}
    for kind, jobs in JOBS.items():
        found = []
        for job in jobs:
            if job.regime in measured:
                fastest: dict[str, Line] = {}
                for line in rivals(measured[job.regime]):
                    fastest.setdefault(line.library, line)
                lines = [fastest[library] for library in ("numpy", job.library) if library in fastest]
                found.append((job, measured[job.regime], lines))
        if found:
            shown[kind] = found
    return shown


def _places(shown: Mapping[str, Sequence[Any]]) -> tuple[list[float], float]:
    """Return where the jobs stand, top to bottom, kinds a little apart, and where the last one's room ends."""
    places, place = [], 0.0
    for jobs in shown.values():
        places += [place + further for further in range(len(jobs))]
        place += len(jobs) + 0.35
    return places, place - 0.85


def draw_speed(axes: Any, outcomes: Sequence[Outcome], theme: Theme) -> None:
    """Draw two thin bars for each job: how many times gumbel_fast's time NumPy takes at its best, and another."""
    shown = speed(outcomes)
    places, end = _places(shown)
    beside = {"va": "center", "textcoords": "offset points", "annotation_clip": False}
    rows = iter(places)
    for kind, jobs in shown.items():
        taken = [next(rows) for _ in jobs]
        for place, (job, outcome, lines) in zip(taken, jobs, strict=True):
            axes.annotate(job.name, (1, place), (-54, 0), ha="right", fontsize=8.5, color=theme.text, **beside)
            time = duration(outcome.project.seconds).replace("us", "µs")
            axes.annotate(
                time, (1, place), (-6, 0), ha="right", fontsize=8.5, color=theme.project, fontweight="bold", **beside
            )
            for line, shift in zip(lines, (-0.21, 0.21) if len(lines) == 2 else (0,), strict=False):
                bar, text = (theme.faint, theme.muted) if line.library == "numpy" else (theme.pale, theme.text)
                axes.barh(place + shift, line.ratio - 1, left=1, height=0.36, color=bar, linewidth=0)
                name = f"{_times(line.ratio)} {label(line.library)}"
                axes.annotate(name, (max(1, line.ratio), place + shift), (4, -0.3), fontsize=7.5, color=text, **beside)
        middle = (taken[0] + taken[-1]) / 2
        axes.annotate(kind, (1, middle), (-270, 0), fontsize=8.5, color=theme.muted, fontweight="bold", **beside)
    ratios = [line.ratio for jobs in shown.values() for _, _, lines in jobs for line in lines]
    axes.set_ylim(end, -0.7)
    axes.set_yticks([])
    axes.set_xscale("log")
    axes.set_xlim(min(1, *ratios), max(20, *ratios) ** 1.3)  # the labels need the room
    axes.set_xticks([1, 10, 100], ["gumbel_fast", "10× its time", "100×"])
    axes.xaxis.set_minor_locator(importlib.import_module("matplotlib.ticker").NullLocator())
    axes.xaxis.tick_top()
    _frame(axes, theme)
    axes.spines["bottom"].set_visible(False)
    axes.axvline(1, color=theme.project, linewidth=2.5)
    axes.get_xticklabels()[0].set(color=theme.project, fontweight="bold")


# ------------------------------------------------------------------------------------------------------------- curves


def _series(outcomes: Iterable[Outcome]) -> list[Outcome]:
    return sorted((outcome for outcome in outcomes if outcome.series), key=lambda outcome: outcome.elements)


def draw_curves(axes: Any, outcomes: Sequence[Outcome], theme: Theme) -> None:
    """Draw the time of each contestant of a series against the size, the limit dashed."""
    points = _series(outcomes)
    curves: dict[str, tuple[Line, list[int], list[float]]] = {}
    for outcome in points:
        for line in outcome.lines:
            _, sizes, times = curves.setdefault(line.name, (line, [], []))
            sizes.append(outcome.elements)
            times.append(line.seconds)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    for line, sizes, times in curves.values():
        axes.plot(sizes, times, **_style(line, theme))
    sizes = [outcome.elements for outcome in points]
    axes.set_xlim(sizes[0], sizes[-1])
    axes.set_xticks(sizes, [_count(size) for size in sizes])
    axes.xaxis.set_minor_locator(importlib.import_module("matplotlib.ticker").NullLocator())
    axes.yaxis.set_major_formatter(
        lambda value, _: duration(value).replace(".00", "").replace(".0", "").replace("us", "µs")
    )
    axes.set_xlabel("categories in the row", color=theme.muted, fontsize=9)
    _frame(axes, theme)
    axes.grid(axis="y", color=theme.faint, linewidth=0.6)
    _name_at_the_end(axes, {name: (times[-1], line) for name, (line, _, times) in curves.items()}, theme)
    axes.set_title("Time of one draw from one row. One thread; both axes logarithmic.", loc="left", fontsize=9.5,
                   color=theme.muted)  # fmt: skip


def _style(line: Line, theme: Theme) -> dict[str, Any]:
    if line.role is Role.PROJECT:
        return {"color": theme.project, "linewidth": 2.8, "zorder": 4}
    if line.role is Role.LIMIT:
        return {"color": theme.text, "linewidth": 1.2, "linestyle": (0, (4, 3)), "zorder": 5}
    if line.library == "gumbel_fast":
        return {"color": theme.project, "linewidth": 1.4, "zorder": 3}
    return {"color": theme.muted, "linewidth": 1.0, "alpha": 0.75, "zorder": 2}


def _name_at_the_end(axes: Any, ends: Mapping[str, tuple[float, Line]], theme: Theme) -> None:
    """Write each curve's name beside its end, moved up where names would touch."""
    pixels = {name: float(axes.transData.transform((1, end))[1]) for name, (end, _) in ends.items()}
    apart = 13 * axes.figure.dpi / 72
    lowest = -float("inf")
    for name in sorted(ends, key=lambda name: pixels[name]):
        end, line = ends[name]
        at = max(pixels[name], lowest + apart)
        lowest = at
        own = line.library == "gumbel_fast"
        prefix = "limit: " if line.role is Role.LIMIT else "" if own else f"{label(line.library)}: "
        axes.annotate(
            prefix + name.removeprefix("gumbel_fast.").removeprefix("Numba ").removeprefix("torch "),
            (1, end),
            (6, (at - pixels[name]) * 72 / axes.figure.dpi),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=9 if own else 8.5,
            fontweight="bold" if line.role is Role.PROJECT else "normal",
            color=theme.project if own else theme.text if line.role is Role.LIMIT else theme.muted,
        )


def _count(number: int) -> str:
    for unit, size in (("M", 2**20), ("k", 2**10)):
        if number >= size:
            return f"{number // size}{unit}"
    return str(number)


def _frame(axes: Any, theme: Theme) -> None:
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(theme.faint)
    axes.tick_params(colors=theme.muted, labelsize=8.5, which="both", length=0)
