"""Gumbel-softmax: relaxed draws from each row of a batch, and their gradient in PyTorch."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast

from .. import checks, peers
from ..inputs import SEED, Inputs
from ..numpy_noise import fill_negated
from ..regime import Call, Contestant, Regime, Role, Target, regime


@regime
def gumbel_softmax_1280x320(inputs: Inputs) -> Regime:
    """Rows of middling length: codebooks of speech models have 320 entries."""
    return _relaxed(
        "gumbel_softmax_1280x320",
        inputs.normal(1280, 320),
        "A soft codebook entry for each frame of a batch.",
        (
            Target("in float32, out=", bar=2.2, goal=4),
            Target("torch F.gumbel_softmax", bar=9, goal=16),
        ),
    )


@regime
def gumbel_softmax_4096x10(inputs: Inputs) -> Regime:
    """Short rows."""
    return _relaxed(
        "gumbel_softmax_4096x10",
        inputs.normal(4096, 10),
        "The categorical latents of a variational autoencoder.",
        (Target("in float32, out=", bar=3, goal=5),),
    )


@regime
def gumbel_softmax_torch(inputs: Inputs) -> Regime:
    """Forward and backward, as a training step has them."""
    logits = inputs.normal(1280, 320)
    weights = np.roll(logits, 1)
    check = checks.gradient_of_relaxed(logits, weights)
    return Regime(
        name="gumbel_softmax_torch",
        title="Gumbel-softmax of 1,280 x 320 tensors, forward and backward",
        meaning="The discrete layer of a model that is trained end to end.",
        elements=logits.size,
        bytes_moved=4 * logits.nbytes,
        contestants=(
            Contestant(
                "gumbel_fast.torch.gumbel_softmax",
                "gumbel_fast",
                partial(_backward, "gumbel_fast.torch", logits, weights),
                check,
                Role.PROJECT,
            ),
            Contestant(
                "torch F.gumbel_softmax",
                "torch",
                partial(_backward, "torch.nn.functional", logits, weights),
                check,
            ),
            Contestant("copying the array twice", "numpy", partial(_copy, logits, 2), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("torch F.gumbel_softmax", bar=5, goal=10),),
    )


def _relaxed(name: str, logits: NDArray[Any], meaning: str, targets: tuple[Target, ...]) -> Regime:
    check = checks.relaxed_draw_each(logits)
    rows, categories = logits.shape
    return Regime(
        name=name,
        title=f"Gumbel-softmax of {rows:,} x {categories:,} float32 logits",
        meaning=meaning,
        elements=logits.size,
        bytes_moved=2 * logits.nbytes,
        contestants=(
            Contestant(
                "gumbel_fast.gumbel_softmax(out=)", "gumbel_fast", partial(_project, logits), check, Role.PROJECT
            ),
            Contestant("in float32, out=", "numpy", partial(_numpy, logits), check, note="approx."),
            Contestant("torch F.gumbel_softmax", "torch", partial(_torch, logits), check),
            Contestant("jax softmax(x + gumbel)", "jax", partial(_jax, logits), check, note="approx."),
            Contestant("copying the array", "numpy", partial(_copy, logits, 1), checks.nothing, Role.LIMIT),
        ),
        targets=targets,
    )


def _project(logits: NDArray[Any]) -> Call:
    rng, out = np.random.default_rng(SEED), np.empty_like(logits)
    return partial(gumbel_fast.gumbel_softmax, logits, rng=rng, out=out)


def _numpy(logits: NDArray[Any]) -> Call:
    rng, out = np.random.default_rng(SEED), np.empty_like(logits)

    def relax() -> Any:
        fill_negated(rng, out)
        np.subtract(logits, out, out=out)
        np.subtract(out, out.max(-1, keepdims=True), out=out)
        np.exp(out, out=out)
        return np.divide(out, out.sum(-1, keepdims=True), out=out)

    return relax


def _torch(logits: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    return partial(torch.nn.functional.gumbel_softmax, torch.from_numpy(logits))


def _jax(logits: NDArray[Any]) -> Call:
    jax = peers.load("jax")
    relax = jax.jit(lambda key, x: jax.nn.softmax(x + jax.random.gumbel(key, x.shape, x.dtype)))
    keys, array = peers.jax_keys(jax, SEED), jax.device_put(logits)
    return lambda: relax(keys(), array).block_until_ready()


def _backward(module: str, logits: NDArray[Any], weights: NDArray[Any]) -> Call:
    """Make a training step's call of the `gumbel_softmax` that is in `module`: same name, same arguments."""
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    gumbel_softmax = importlib.import_module(module).gumbel_softmax
    tensor, gradient = torch.from_numpy(logits).requires_grad_(), torch.from_numpy(weights)

    def step() -> Any:
        values = gumbel_softmax(tensor)
        return values.detach(), *torch.autograd.grad(values, tensor, gradient)

    return step


def _copy(logits: NDArray[Any], times: int) -> Call:
    out = np.empty((times, *logits.shape), logits.dtype)
    return lambda: np.copyto(out, logits)
