"""The command without arguments: what it runs on, the article's experiment, and a table of times. NumPy is enough."""

from __future__ import annotations

from .. import show_runtime
from .article import CATEGORIES, DRAWS, SEED, Experiment, experiment
from .processor import cpu_name
from .times import Job, jobs, seconds


def tour() -> None:
    """Print the tour, part by part as it comes."""
    _heading("This machine")
    print(f"{'processor':<15} {cpu_name()}")
    show_runtime()
    _heading(f"{DRAWS:,} draws from {CATEGORIES} logits, three ways (seed {SEED})")
    print(_counts(experiment()), flush=True)
    _heading("Times beside NumPy")
    print("Time of one call on one thread, the ways in turn, medians. Beside it: how many")
    print("times gumbel_fast's that is. A limit does less than the job, but reads or")
    print("writes as much memory.", flush=True)
    for job in jobs():
        print(f"\n{_times(job)}", flush=True)


def _heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def _counts(result: Experiment) -> str:
    """Return the experiment's table: a line for each category, the ways in columns, their p-values below."""
    ways = result.ways
    text = [f"category {'logit':>7} {'softmax':>8} {'expected':>9}" + "".join(f"{way.name:>15}" for way in ways)]
    for category, (logit, probability) in enumerate(zip(result.logits, result.probabilities, strict=True)):
        counts = "".join(f"{way.counts[category]:>15,}" for way in ways)
        text.append(f"{category:<8} {logit:>7.4f} {probability:>8.5f} {probability * DRAWS:>9,.1f}{counts}")
    text.append(f"{'p-value (chi-square)':<35}" + "".join(f"{way.p:>15.3f}" for way in ways))
    text.append("")
    text.append("Where counts fit softmax, one p-value in a thousand is below 0.001.")
    return "\n".join(text)


def _times(job: Job) -> str:
    """Return a job's table: a line for each way, its time, and how many times the first's that is."""
    measured = seconds(job.ways)
    own = next(iter(measured.values()))
    lines = [f"  {name:<37} {_duration(time):>9} {time / own:>7.2f} x" for name, time in measured.items()]
    return "\n".join([job.title, *lines])


def _duration(time: float) -> str:
    unit, size = next((unit for unit in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)) if time >= unit[1]), ("ns", 1e-9))
    value = time / size
    return f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f} {unit}"
