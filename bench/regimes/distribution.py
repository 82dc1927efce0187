"""The Gumbel distribution's functions: its density, over an array and for one number."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import Inputs
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from . import numba_loops


@regime
def gumbel_r_pdf(inputs: Inputs) -> Regime:
    """The density over an array."""
    points = inputs.normal(100_000, dtype=np.float64)
    check = checks.equal_to(np.exp(-points - np.exp(-points)), rtol=1e-13)
    return Regime(
        name="gumbel_r_pdf",
        title="gumbel_r.pdf of 100,000 float64 values into a kept array",
        short="density, 100,000 points",
        meaning="Likelihoods of extremes: floods, loads, scores of aligned sequences.",
        elements=points.size,
        bytes_moved=2 * points.nbytes,
        contestants=(
            Contestant("gumbel_fast.gumbel_r.pdf(out=)", "gumbel_fast", partial(_array, points), check, Role.PROJECT),
            Contestant("gumbel_fast.gumbel_r.pdf", "gumbel_fast", partial(_at, points), check),
            Contestant("exp(-x - exp(-x)), out=", "numpy", partial(_numpy, points), check),
            Contestant("scipy.stats.gumbel_r.pdf", "scipy", partial(_scipy, points), check),
            Contestant("Numba loop, out=", "numba", partial(_numba, points), check),
            Contestant("copying the array", "numpy", partial(_copy, points), checks.nothing, Role.LIMIT),
        ),
        targets=(
            Target("scipy.stats.gumbel_r.pdf", bar=4, goal=10),
            Target("exp(-x - exp(-x)), out=", bar=None, goal=2),
        ),
    )


@regime
def gumbel_r_pdf_scalar(_: Inputs) -> Regime:
    """The density at one number: what a call costs before any arithmetic."""
    point = 0.5
    check = checks.equal_to(np.array(math.exp(-point - math.exp(-point))), rtol=1e-14)
    return Regime(
        name="gumbel_r_pdf_scalar",
        title="gumbel_r.pdf of one float",
        short="density, one point",
        meaning="A call in a Python loop, an optimiser's or an integrator's.",
        elements=1,
        bytes_moved=0,
        contestants=(
            Contestant("gumbel_fast.gumbel_r.pdf", "gumbel_fast", partial(_at, point), check, Role.PROJECT),
            Contestant("np.exp(-x - np.exp(-x))", "numpy", partial(_numpy_scalar, point), check),
            Contestant("scipy.stats.gumbel_r.pdf", "scipy", partial(_scipy, point), check),
            Contestant("Numba", "numba", partial(_numba_scalar, point), check),
            Contestant(
                "math.exp twice", "numpy", partial(_math, point), checks.nothing, Role.LIMIT, note="plain Python"
            ),
        ),
        targets=(Target("scipy.stats.gumbel_r.pdf", bar=25, goal=60),),
    )


def _array(points: NDArray[Any]) -> Call:
    return partial(gumbel_fast.gumbel_r.pdf, points, out=np.empty_like(points))


def _at(points: Any) -> Call:
    return partial(gumbel_fast.gumbel_r.pdf, points)


def _numpy(points: NDArray[Any]) -> Call:
    negated, out = np.empty_like(points), np.empty_like(points)

    def density() -> Any:
        np.negative(points, out=negated)
        np.exp(negated, out=out)
        np.subtract(negated, out, out=out)
        return np.exp(out, out=out)

    return density


def _numpy_scalar(point: float) -> Call:
    return lambda: np.exp(-point - np.exp(-point))


def _scipy(points: Any) -> Call:
    return partial(peers.load("scipy.stats").gumbel_r.pdf, points)


def _numba(points: NDArray[Any]) -> Call:
    return partial(numba_loops.compiled(numba_loops.density), points, np.empty_like(points))


def _numba_scalar(point: float) -> Call:
    return partial(numba_loops.compiled(numba_loops.density_at), point)


def _math(point: float) -> Call:
    return lambda: math.exp(-point - math.exp(-point))


def _copy(points: NDArray[Any]) -> Call:
    out = np.empty_like(points)
    return lambda: np.copyto(out, points)
