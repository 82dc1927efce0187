"""The command without arguments: what it runs on, the article's experiment, and a table of times. NumPy is enough."""

from __future__ import annotations

from .. import show_runtime
from .._bench import machine, regimes  # noqa: F401  (importing `regimes` fills the registry)
from .._bench.inputs import Inputs
from .._bench.measure import measure
from .._bench.regime import REGISTRY
from .._bench.text import table
from .article import CATEGORIES, DRAWS, SEED, Experiment, experiment

#: The regimes shown, of those that the benchmarks have.
_SHOWN = ("noise_float32", "noise_float64", "one_draw", "one_draw_llm", "softmax", "gumbel_r_pdf")
_SECONDS = 0.8  # for each of them


def tour() -> None:
    """Print the tour, part by part as it comes."""
    _heading("This machine")
    print(f"{'processor':<15} {machine.cpu_name()}")
    show_runtime()
    _heading(f"{DRAWS:,} draws from {CATEGORIES} logits, three ways (seed {SEED})")
    print(_counts(experiment()), flush=True)
    _heading("Times beside NumPy")
    print("Time of one call on one thread, the ways in turn, medians. Beside it: how many")
    print("times gumbel_fast's that is. A limit does less than the job, but reads or")
    print("writes as much memory.", flush=True)
    for name in _SHOWN:
        outcome = measure(REGISTRY[name](Inputs()), libraries=("gumbel_fast", "numpy"), budget=_SECONDS)
        print(f"\n{table(outcome)}", flush=True)


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
    text.append("A p-value is small, say below 0.001, only if the counts do not fit softmax.")
    return "\n".join(text)
