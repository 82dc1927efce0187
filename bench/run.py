"""Measure regimes here, beside the libraries that are here: a table, a record, a plot.

python bench/run.py [REGIME ...]     with --help for the options
python bench/run.py --quick          half a minute, beside NumPy alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NoReturn

from apart import Apart, Settings, judged_under
from harness import machine, peers
from harness.allocator import Allocator
from harness.measure import Outcome
from harness.regime import REGISTRY
from harness.simd import usable_targets, use_target
from reporting import charts, record
from reporting.text import table, verdicts

_SECONDS, _QUICK_SECONDS = 2.0, 0.2  # for each regime
_QUICK_PEERS = ("numpy",)

_EXPLANATION = """\
Time of one call, and how many times gumbel_fast's that is. One thread. The
contestants take turns; times and ratios are medians. A limit does less than
the job, but reads or writes as much memory. Bars and goals are what
gumbel_fast is held to."""
_KEPT = "Freed memory is kept by the process, but where a title says otherwise."
_BOTH = "First where the bars are judged, then with the other setting of the allocator."


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (--help tells more)\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="bench/run.py",
        description="Time gumbel_fast and its peers in turn, job by job. The jobs are described in bench/README.md.",
    )
    parser.add_argument(
        "regimes", nargs="*", metavar="REGIME", help="names or patterns, such as 'noise*' (default: every one)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="half a minute: short turns, small files, beside NumPy alone"
    )
    parser.add_argument(
        "--peers", nargs="+", choices=peers.OTHERS, metavar="LIBRARY", help=f"of {', '.join(peers.OTHERS)}"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="for each regime (default: 2)")
    parser.add_argument("--simd", choices=usable_targets(), help="what GUMBEL_FAST_SIMD would force")
    parser.add_argument("--logits", type=Path, metavar="ROWS.npy", help="rows of a language model's logits")
    parser.add_argument("--both-allocators", action="store_true", help="show the allocator's other setting beside")
    parser.add_argument(
        "--cpu-time", action="store_true", help="count time on the CPU alone, where the machine has other work to do"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, as pytest-benchmark would")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw them there; wants matplotlib")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the regimes whose names match, by default all, and print a table of each as it is done.

    Every library takes part, or with --quick NumPy alone; those not installed are skipped with a word.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    for pattern in options.regimes:
        if not any(fnmatch(name, pattern) for name in REGISTRY):
            parser.error(f"there is no regime {pattern!r}; there are {', '.join(REGISTRY)}")
    if options.plot is not None and not charts.available():
        parser.error("argument --plot: matplotlib is not installed")
    for path in (options.json, options.plot):
        if path is not None and not path.absolute().parent.is_dir():
            parser.error(f"{path}: there is no such folder")
    names = [name for name in REGISTRY if any(fnmatch(name, pattern) for pattern in options.regimes or ("*",))]
    libraries = options.peers or (_QUICK_PEERS if options.quick else peers.OTHERS)
    budget = options.seconds or (_QUICK_SECONDS if options.quick else _SECONDS)
    if options.simd:
        use_target(options.simd)  # here for what is said of the machine
    about = machine.describe() | ({"clock": "CPU time"} if options.cpu_time else {})
    print("\n".join(f"{key:<12} {value}" for key, value in about.items()))
    print(f"\n{_EXPLANATION}\n{_BOTH if options.both_allocators else _KEPT}", flush=True)
    outcomes: list[Outcome] = []
    settings = Settings(
        {"gumbel_fast", "numpy", *libraries}, budget, options.logits, options.simd, options.cpu_time, options.quick
    )
    with Apart(settings) as apart:
        for name in names:
            outcome = apart.measure(name)
            beside = apart.measure(name, _other(judged_under(name))) if options.both_allocators else None
            outcomes.append(outcome)
            print(f"\n{name}: {table(outcome, beside)}\n{verdicts(outcome)}".rstrip(), flush=True)
    if options.json is not None:
        record.write(options.json, about, outcomes)
    if options.plot is not None:
        charts.save(options.plot, outcomes)
    return 0


def _other(allocator: Allocator) -> Allocator:
    (other,) = set(Allocator) - {allocator}
    return other


if __name__ == "__main__":
    sys.exit(main())
