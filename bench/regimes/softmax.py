"""Softmax of a batch of long rows."""

from __future__ import annotations

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
def softmax(inputs: Inputs) -> Regime:
    """Probabilities of a batch of rows, where they themselves are wanted."""
    logits = inputs.normal(64, 32_768, std=2.5)
    wide = logits.astype(np.float64)
    weights = np.exp(wide - wide.max(-1, keepdims=True))
    check = checks.equal_to((weights / weights.sum(-1, keepdims=True)).astype(np.float32), rtol=2e-5)
    return Regime(
        name="softmax",
        title="Softmax of 64 x 32,768 float32 logits into a kept array",
        short="softmax, 64 x 32,768",
        meaning="Probabilities of a batch, for a loss, a display or a cut.",
        elements=logits.size,
        bytes_moved=2 * logits.nbytes,
        contestants=(
            Contestant("gumbel_fast.softmax(out=)", "gumbel_fast", partial(_project, logits), check, Role.PROJECT),
            Contestant("gumbel_fast.softmax", "gumbel_fast", partial(_project_fresh, logits), check),
            Contestant("exp(x - max) / sum, out=", "numpy", partial(_numpy, logits), check),
            Contestant("scipy.special.softmax", "scipy", partial(_scipy, logits), check),
            Contestant("torch.softmax(out=)", "torch", partial(_torch, logits), check),
            Contestant("jax.nn.softmax", "jax", partial(_jax, logits), check),
            Contestant("Numba loop, out=", "numba", partial(_numba, logits), check),
            Contestant("copying the array", "numpy", partial(_copy, logits), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("torch.softmax(out=)", bar=1, goal=1.5),),
    )


def _project(logits: NDArray[Any]) -> Call:
    out = np.empty_like(logits)
    return lambda: gumbel_fast.softmax(logits, out=out)


def _project_fresh(logits: NDArray[Any]) -> Call:
    return partial(gumbel_fast.softmax, logits)


def _numpy(logits: NDArray[Any]) -> Call:
    out = np.empty_like(logits)

    def normalise() -> Any:
        np.subtract(logits, logits.max(-1, keepdims=True), out=out)
        np.exp(out, out=out)
        return np.divide(out, out.sum(-1, keepdims=True), out=out)

    return normalise


def _scipy(logits: NDArray[Any]) -> Call:
    return partial(peers.load("scipy.special").softmax, logits, axis=-1)


def _torch(logits: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    tensor = torch.from_numpy(logits)
    out = torch.empty_like(tensor)
    return lambda: torch.softmax(tensor, -1, out=out)


def _jax(logits: NDArray[Any]) -> Call:
    jax = peers.load("jax")
    normalise, array = jax.jit(jax.nn.softmax), jax.device_put(logits)
    return lambda: normalise(array).block_until_ready()


def _numba(logits: NDArray[Any]) -> Call:
    return partial(numba_loops.compiled(numba_loops.softmax), logits, np.empty_like(logits))


def _copy(logits: NDArray[Any]) -> Call:
    out = np.empty_like(logits)
    return lambda: np.copyto(out, logits)
