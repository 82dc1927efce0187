"""Fail if a kernel has lost about half of its speed: measure beside NumPy, and hold the ratios to bench/bars.toml.

    python bench/guard.py [--json FILE]     status 1 if a regime is below its bar three times over
    python bench/guard.py --write           measure anew, and raise the bars in bars.toml for the SIMD target in use

A ratio is NumPy's CPU time over this library's, the two having taken turns, so that other work on the machine counts
for little. A bar is 0.6 of the best that --write has measured; it never lowers one (who must, for NumPy became faster,
say, deletes its line first). Who falls below it is measured twice more, since a shared machine can disturb one
measurement, while a lost factor of two stays lost.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from apart import Apart, Settings
from harness import machine
from harness.measure import Outcome
from harness.simd import simd_target, usable_targets, use_target
from reporting import record

BARS = Path(__file__).resolve().parent / "bars.toml"

_SECONDS = 0.5  # for each measurement
_TRIES = 3
_PART = 0.6

#: What each guarded regime is measured against: code of NumPy's that changes little from one version to the next.
BASELINES = {
    "noise_float32": "rng.gumbel",
    "noise_float64": "rng.gumbel",
    "one_draw": "softmax + np.random.choice",
    "gumbel_max": "Gumbel-max with rng.gumbel",
    "batch_4096x6": "Gumbel-max with rng.gumbel",
    "batch_4096x64": "Gumbel-max with rng.gumbel",
    "batch_256x1000": "Gumbel-max with rng.gumbel",
    "batch_64x32768": "Gumbel-max with rng.gumbel",
    "draws_of_10": "softmax + np.random.choice",
    "draws_of_1000": "softmax + np.random.choice",
    "draws_of_100000": "softmax + np.random.choice",
    "distinct_1000": "top-k with rng.gumbel",
    "distinct_1000_uniform": "top-k with rng.gumbel",
    "distinct_100000": "top-k with rng.gumbel",
    "distinct_10_of_20": "exponential keys, float32",
    "distinct_10_of_50": "exponential keys, float32",
    "distinct_small_call": "exponential keys, float32",
    "filter_min_p": "NumPy, with care",
    "filter_top_k": "NumPy, with care",
    "filter_top_p": "NumPy, with care",
    "filter_chain": "NumPy, with care",
    "filter_64x32768": "NumPy, with care, each row",
    "row_streams": "NumPy, a Generator each",
    "mask_bool": "np.where, softmax, cumsum",
    "mask_packed": "np.where, softmax, cumsum",
    "draw_and_log_prob": "softmax in float32 + searchsorted",
    "weights_131072": "np.cumsum in float64",
    "weights_4096x6": "np.cumsum in float64",
    "gibbs_4096x100": "np.cumsum in float64",
    "resample_100000": "np.cumsum, searchsorted",
    "ragged_20000": "np.cumsum, searchsorted",
    "gumbel_softmax_1280x320": "in float32, out=",
    "gumbel_softmax_4096x10": "in float32, out=",
    "softmax": "exp(x - max) / sum, out=",
    "small_call": "rng.choice(p=)",
    "gumbel_r_pdf": "exp(-x - exp(-x)), out=",
    "gumbel_r_pdf_scalar": "np.exp(-x - np.exp(-x))",
}


def ratio(outcome: Outcome) -> float:
    """Return how many times the project's time the baseline takes."""
    (line,) = (line for line in outcome.lines if line.name == BASELINES[outcome.regime])
    return line.ratio


def read_bars(simd: str) -> dict[str, float]:
    """Return the bars for a SIMD target by regime; none for a target that the file has not."""
    with BARS.open("rb") as file:
        return dict(tomllib.load(file).get(simd, {}))


def raise_bars(simd: str, bars: dict[str, float]) -> None:
    """Write the bars of a SIMD target, where they are higher than those that the file has, and keep those of others."""
    with BARS.open("rb") as file:
        every = tomllib.load(file)
    old = every.get(simd, {})
    every[simd] = {regime: max(bar, old.get(regime, 0.0)) for regime, bar in bars.items()}
    tables = (f"[{name}]\n" + "".join(f"{regime} = {bar}\n" for regime, bar in every[name].items()) for name in every)
    BARS.write_text(f"{_HEAD}\n" + "\n".join(tables), encoding="utf-8")


_HEAD = """\
# The least ratio to NumPy that bench/guard.py lets pass, for each SIMD target and regime: 0.6 of the best measured.
# Raised by `python bench/guard.py --write`.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Hold speed beside NumPy to the bars in bench/bars.toml.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, as pytest-benchmark would")
    parser.add_argument("--simd", choices=usable_targets(), help="what GUMBEL_FAST_SIMD would force")
    parser.add_argument("--write", action="store_true", help="raise the bars instead of holding to them")
    options = parser.parse_args(arguments)
    if options.simd:
        use_target(options.simd)
    simd = simd_target()
    bars = {} if options.write else read_bars(simd)
    if not bars and not options.write:
        print(f"there are no bars for the SIMD target {simd}")
        return 0
    print(f"SIMD target {simd}\n\n{'regime':<25} {'ratio':>7} {'bar':>7}  beside")
    outcomes, missed = [], 0
    with Apart(Settings({"gumbel_fast", "numpy"}, _SECONDS, simd=simd, cpu_time=True)) as apart:
        for regime, baseline in BASELINES.items():
            bar = bars.get(regime, 0.0)
            outcome = apart.measure(regime)
            for _ in range(_TRIES - 1):
                if ratio(outcome) >= bar:
                    break
                outcome = apart.measure(regime)
            outcomes.append(outcome)
            below = ratio(outcome) < bar
            missed += below
            word = "  BELOW ITS BAR" if below else ""
            print(f"{regime:<25} {ratio(outcome):>7.2f} {bar:>7.2f}  {baseline}{word}", flush=True)
    if options.json:
        record.write(options.json, machine.describe(), outcomes)
    if options.write:
        raise_bars(simd, {outcome.regime: round(_PART * ratio(outcome), 2) for outcome in outcomes})
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
