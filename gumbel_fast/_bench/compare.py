"""The command that runs regimes, project and peers in turn, and says which bars are met. `bench/compare.py` starts it.

Each regime is measured in a process of its own, once with freed memory kept and once with the allocator's default
(see `allocator.py`), all libraries on one thread. A regime says under which of the two its bars are judged.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from .. import _core
from . import machine, peers, regimes  # noqa: F401  (importing `regimes` fills the registry)
from .allocator import Allocator, for_children
from .inputs import Inputs
from .markdown import document
from .measure import Outcome, measure
from .regime import REGISTRY
from .report import table, verdicts

_EXPLANATION = """\
Time of one call, and how many times gumbel_fast's that is: first with freed
memory kept by the process, then with the allocator's default. One thread."""
_EXPLANATION_JUDGED = """\
Time of one call, and how many times gumbel_fast's that is. One thread."""


def main(arguments: Sequence[str] | None = None, *, logits: Path | None = None) -> int:
    """Run the command; `logits` is what `--logits` is without it.

    Returns
    -------
    int
        0, or 1 if a bar is missed.
    """
    options = _parser(logits).parse_args(arguments)
    os.environ.update(peers.ONE_THREAD)
    if options.simd:
        os.environ["GUMBEL_FAST_SIMD"] = options.simd  # for the processes that measure
        _core.use_target(options.simd)
    about = machine.describe()
    print("\n".join(f"{key}: {value}" for key, value in about.items()))
    print(f"\n{_EXPLANATION_JUDGED if options.judged else _EXPLANATION}")
    results = []
    judgements = []
    for name in options.regimes or REGISTRY:
        allocator = REGISTRY[name](Inputs()).allocator
        settings = [allocator] if options.judged else list(Allocator)
        outcomes = {setting: _measure_apart(name, setting, options) for setting in settings}
        judged = outcomes[allocator]
        print(f"\n{table(*outcomes.values())}\n{verdicts(judged)}".rstrip(), flush=True)
        judgements.append(judged)
        results.append({setting: asdict(outcome) for setting, outcome in outcomes.items()})
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "regimes": results}, indent=1) + "\n", encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(document(about, judgements), encoding="utf-8")
    return int(any(verdict.bar_met is False for judged in judgements for verdict in judged.verdicts))


def _parser(logits: Path | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench/compare.py", description="Time gumbel_fast and its peers in turn, in one process a regime."
    )
    parser.add_argument("regimes", nargs="*", metavar="REGIME", type=_known, help=", ".join(REGISTRY))
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=peers.OTHERS,
        default=peers.OTHERS,
        metavar="LIBRARY",
        help=", ".join(peers.OTHERS),
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="to spend on each table, twice (default: 3)")
    parser.add_argument(
        "--logits", type=Path, default=logits, metavar="ROWS.npy", help="rows of a language model's logits"
    )
    parser.add_argument("--judged", action="store_true", help="only the setting that a regime's bars are judged under")
    parser.add_argument("--simd", choices=_core.usable_targets(), help="what GUMBEL_FAST_SIMD would force")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write what bars are judged by there, as a table")
    return parser


def _known(name: str) -> str:
    if name not in REGISTRY:
        raise argparse.ArgumentTypeError(f"there is no regime {name!r}")
    return name


def _measure_apart(name: str, setting: Allocator, options: argparse.Namespace) -> Outcome:
    """Measure a regime in a process that is started with an allocator setting."""
    with for_children(setting), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        libraries = {"gumbel_fast", "numpy", *options.peers}
        return pool.submit(_measure, name, options.logits, libraries, options.seconds).result()


def _measure(name: str, logits: Path | None, libraries: set[str], seconds: float) -> Outcome:
    inputs = Inputs(None if logits is None else np.load(logits))
    return measure(REGISTRY[name](inputs), libraries=libraries, budget=seconds, simd=_core.simd_target())
