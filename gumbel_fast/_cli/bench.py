"""The command `bench`: regimes measured here, against the libraries that are here; a table, a record, a plot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatch
from pathlib import Path

from .. import _core
from .._bench import charts, machine, peers, record
from .._bench.allocator import Allocator
from .._bench.apart import Apart, Settings, judged_under
from .._bench.measure import Outcome
from .._bench.regime import REGISTRY
from .._bench.text import table, verdicts
from .errors import CommandError

_SECONDS, _QUICK_SECONDS = 2.0, 0.2  # for each regime
_QUICK_PEERS = ("numpy",)

_EXPLANATION = """\
Time of one call, and how many times gumbel_fast's that is. One thread. The
contestants take turns; times and ratios are medians. A limit does less than
the job, but reads or writes as much memory. Bars and goals are what
gumbel_fast is held to."""
_KEPT = "Freed memory is kept by the process, but where a title says otherwise."
_BOTH = "First where the bars are judged, then with the other setting of the allocator."


def bench(
    patterns: Sequence[str],
    *,
    quick: bool,
    libraries: Collection[str] | None,
    seconds: float | None,
    simd: str | None,
    logits: Path | None,
    both_allocators: bool,
    cpu_time: bool,
    json: Path | None,
    plot: Path | None,
) -> None:
    """Measure the regimes whose names match, by default all, and print a table of each as it is done.

    `libraries=None` is every library, or with `quick` NumPy alone; those not installed are skipped with a word.

    Raises
    ------
    CommandError
        If there is no such regime, or a plot is asked for where matplotlib is not installed.
    """
    names = _matching(patterns)
    if plot is not None and not charts.available():
        raise CommandError("argument --plot: matplotlib is not installed")
    for path in (json, plot):
        if path is not None and not path.absolute().parent.is_dir():
            raise CommandError(f"{path}: there is no such folder")
    if libraries is None:
        libraries = _QUICK_PEERS if quick else peers.OTHERS
    budget = seconds or (_QUICK_SECONDS if quick else _SECONDS)
    if simd:
        _core.use_target(simd)  # here for what is said of the machine
    about = machine.describe() | ({"clock": "CPU time"} if cpu_time else {})
    print("\n".join(f"{key:<12} {value}" for key, value in about.items()))
    print(f"\n{_EXPLANATION}\n{_BOTH if both_allocators else _KEPT}", flush=True)
    outcomes: list[Outcome] = []
    with Apart(Settings({"gumbel_fast", "numpy", *libraries}, budget, logits, simd, cpu_time)) as apart:
        for name in names:
            outcome = apart.measure(name)
            beside = apart.measure(name, _other(judged_under(name))) if both_allocators else None
            outcomes.append(outcome)
            print(f"\n{name}: {table(outcome, beside)}\n{verdicts(outcome)}".rstrip(), flush=True)
    if json is not None:
        record.write(json, about, outcomes)
    if plot is not None:
        charts.save(plot, outcomes)


def _matching(patterns: Sequence[str]) -> list[str]:
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in REGISTRY):
            raise CommandError(f"there is no regime {pattern!r}; there are {', '.join(REGISTRY)}")
    return [name for name in REGISTRY if any(fnmatch(name, pattern) for pattern in patterns or ("*",))]


def _other(allocator: Allocator) -> Allocator:
    (other,) = set(Allocator) - {allocator}
    return other
