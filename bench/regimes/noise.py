"""Standard Gumbel noise: filling arrays with it. No sampling lives here."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import gumbel_fast
from harness import checks, peers
from harness.allocator import Allocator
from harness.inputs import SEED, Inputs
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from . import numba_loops
from .numpy_noise import fill_negated

_SIZE = 1_000_000


@regime
def noise_float32(_: Inputs) -> Regime:
    """Noise in single precision, the one that models use."""
    inexact = partial(checks.standard_gumbel, _SIZE, np.float32)
    return Regime(
        name="noise_float32",
        title="Noise, 1,000,000 float32 values into a kept array",
        short="noise, 1,000,000 float32",
        meaning="Perturbing logits or parameters step after step, in a buffer that is reused.",
        elements=_SIZE,
        bytes_moved=4 * _SIZE,
        contestants=(
            Contestant("gumbel_fast.gumbel(out=)", "gumbel_fast", _project(np.float32), inexact(), Role.PROJECT),
            Contestant("gumbel_fast.gumbel(size=)", "gumbel_fast", _project_fresh(np.float32), inexact()),
            Contestant("rng.gumbel", "numpy", _numpy_gumbel, checks.standard_gumbel(_SIZE, np.float64), note="float64"),
            Contestant(
                "-log(-log(random)) out=",
                "numpy",
                _numpy_logs(np.float32),
                inexact(infinities=True),
                flaw="infinities",
            ),
            Contestant("torch Gumbel.sample", "torch", _torch_distribution, inexact(), flaw="max 15.9"),
            Contestant("torch -log(exponential_)", "torch", _torch_exponential(np.float32), inexact()),
            Contestant("jax.random.gumbel", "jax", _jax("low"), inexact(), flaw="max 15.9"),
            Contestant("jax.random.gumbel mode=high", "jax", _jax("high"), inexact()),
            Contestant("Numba loop, out=", "numba", _numba(np.float32), inexact()),
            Contestant(
                "-mkl_random.gumbel",
                "mkl_random",
                _mkl_random,
                checks.standard_gumbel(_SIZE, np.float64),
                note="float64",
            ),
            Contestant("copying the array", "numpy", _copy(np.float32), checks.nothing, Role.LIMIT),
        ),
        targets=(
            Target("rng.gumbel", bar=12, goal=20),
            Target("-log(-log(random)) out=", bar=2.2, goal=3.5),
        ),
    )


@regime
def noise_float64(_: Inputs) -> Regime:
    """Noise in double precision, NumPy's default."""
    exact = partial(checks.standard_gumbel, _SIZE, np.float64)
    return Regime(
        name="noise_float64",
        title="Noise, 1,000,000 float64 values into a kept array",
        short="noise, 1,000,000 float64",
        meaning="Simulating extremes in double precision, in a buffer that is reused.",
        elements=_SIZE,
        bytes_moved=8 * _SIZE,
        contestants=(
            Contestant("gumbel_fast.gumbel(out=)", "gumbel_fast", _project(np.float64), exact(), Role.PROJECT),
            Contestant("gumbel_fast.gumbel(size=)", "gumbel_fast", _project_fresh(np.float64), exact()),
            Contestant("rng.gumbel", "numpy", _numpy_gumbel, exact()),
            Contestant("-log(-log(random)) out=", "numpy", _numpy_logs(np.float64), exact()),
            Contestant("scipy.stats.gumbel_r.rvs", "scipy", _scipy, exact()),
            Contestant("torch -log(exponential_)", "torch", _torch_exponential(np.float64), exact()),
            Contestant("Numba loop, out=", "numba", _numba(np.float64), exact()),
            Contestant("-mkl_random.gumbel", "mkl_random", _mkl_random, exact()),
            Contestant("copying the array", "numpy", _copy(np.float64), checks.nothing, Role.LIMIT),
        ),
        targets=(
            Target("rng.gumbel", bar=4, goal=6),
            Target("-log(-log(random)) out=", bar=None, goal=1.5),
        ),
    )


@regime
def noise_fresh(_: Inputs) -> Regime:
    """Noise as most people ask for it: a new array each time. The allocator's default is what users have here."""
    return Regime(
        name="noise_fresh",
        title="Noise, 1,000,000 values in a fresh array",
        short="noise, 1,000,000 in a fresh array",
        meaning="A call without out=: its cost depends on what becomes of freed memory.",
        elements=_SIZE,
        bytes_moved=4 * _SIZE,
        contestants=(
            Contestant(
                "gumbel_fast.gumbel(size=)",
                "gumbel_fast",
                _project_fresh(np.float32),
                checks.standard_gumbel(_SIZE, np.float32),
                Role.PROJECT,
                note="float32",
            ),
            Contestant("rng.gumbel", "numpy", _numpy_gumbel, checks.standard_gumbel(_SIZE, np.float64), note="float64"),
            Contestant(
                "-log(-log(random))",
                "numpy",
                _numpy_expression,
                checks.standard_gumbel(_SIZE, np.float32, infinities=True),
                flaw="infinities",
            ),
            Contestant(
                "torch Gumbel.sample",
                "torch",
                _torch_distribution,
                checks.standard_gumbel(_SIZE, np.float32),
                flaw="max 15.9",
            ),
            Contestant("np.ones", "numpy", _ones, checks.nothing, Role.LIMIT),
        ),
        targets=(Target("rng.gumbel", bar=4, goal=None),),
        allocator=Allocator.DEFAULT,
    )


def _project(dtype: Any) -> Any:
    def prepare() -> Call:
        out, rng = np.empty(_SIZE, dtype), np.random.default_rng(SEED)
        return lambda: gumbel_fast.gumbel(dtype=dtype, out=out, rng=rng)

    return prepare


def _project_fresh(dtype: Any) -> Any:
    def prepare() -> Call:
        rng = np.random.default_rng(SEED)
        return lambda: gumbel_fast.gumbel(size=_SIZE, dtype=dtype, rng=rng)

    return prepare


def _numpy_gumbel() -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: rng.gumbel(size=_SIZE)


def _numpy_logs(dtype: Any) -> Any:
    def prepare() -> Call:
        out, rng = np.empty(_SIZE, dtype), np.random.default_rng(SEED)

        def fill() -> Any:
            fill_negated(rng, out)
            return np.negative(out, out=out)

        return fill

    return prepare


def _numpy_expression() -> Call:
    rng = np.random.default_rng(SEED)

    def draw() -> Any:
        with np.errstate(divide="ignore"):
            return -np.log(-np.log(rng.random(_SIZE, np.float32)))

    return draw


def _torch_distribution() -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    distribution = torch.distributions.Gumbel(0.0, 1.0)
    return lambda: distribution.sample((_SIZE,))


def _torch_exponential(dtype: Any) -> Any:
    def prepare() -> Call:
        torch = peers.load("torch")
        torch.manual_seed(SEED)
        out = torch.from_numpy(np.empty(_SIZE, dtype))
        return lambda: out.exponential_().log_().neg_()

    return prepare


def _scipy() -> Call:
    distribution, rng = peers.load("scipy.stats").gumbel_r, np.random.default_rng(SEED)
    return lambda: distribution.rvs(size=_SIZE, random_state=rng)


def _jax(mode: str) -> Any:
    def prepare() -> Call:
        jax = peers.load("jax")
        draw = jax.jit(lambda key: jax.random.gumbel(key, (_SIZE,), mode=mode))
        keys = peers.jax_keys(jax, SEED)
        return lambda: draw(keys()).block_until_ready()

    return prepare


def _numba(dtype: Any) -> Any:
    return lambda: partial(numba_loops.compiled(numba_loops.fill_noise), np.empty(_SIZE, dtype))


def _mkl_random() -> Call:
    generator = peers.load("mkl_random").MKLRandomState(SEED)

    def draw() -> Any:
        values = generator.gumbel(size=_SIZE)  # oneMKL's is the distribution of minima
        return np.negative(values, out=values)

    return draw


def _copy(dtype: Any) -> Any:
    def prepare() -> Call:
        source, out = np.ones(_SIZE, dtype), np.empty(_SIZE, dtype)
        return lambda: np.copyto(out, source)

    return prepare


def _ones() -> Call:
    return lambda: np.ones(_SIZE, np.float32)
