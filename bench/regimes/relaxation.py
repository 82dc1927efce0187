"""Gumbel-softmax: relaxed draws from each row of a batch, and their gradient in PyTorch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs, calls_in_turn
from harness.regime import Call, Contestant, Regime, Role, Target, regime

from . import numba_loops
from .numpy_noise import fill_negated

_BATCHES = 4  # taken in turn


@regime
def gumbel_softmax_1280x320(inputs: Inputs) -> Regime:
    """Rows of middling length: codebooks of speech models have 320 entries."""
    return _relaxed(
        "gumbel_softmax_1280x320",
        inputs.normal(_BATCHES, 1280, 320),
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
        inputs.normal(_BATCHES, 4096, 10),
        "The categorical latents of a variational autoencoder.",
        (Target("in float32, out=", bar=3, goal=5),),
    )


@regime
def gumbel_softmax_torch(inputs: Inputs) -> Regime:
    """Forward and backward, as a training step has them."""
    return _learned(
        "gumbel_softmax_torch",
        inputs.normal(1280, 320),
        "The discrete layer of a model that is trained end to end.",
        Target("torch F.gumbel_softmax", bar=10, goal=15),
    )


@regime
def gumbel_softmax_torch_64x10(inputs: Inputs) -> Regime:
    """The same of a small batch, where most is the calls."""
    return _learned(
        "gumbel_softmax_torch_64x10",
        inputs.normal(64, 10),
        "The discrete layer of a small model, trained end to end.",
        Target("torch F.gumbel_softmax", bar=1.3, goal=None, any_simd=True),
    )


def _learned(name: str, logits: NDArray[Any], meaning: str, target: Target) -> Regime:
    weights = np.roll(logits, 1)
    check = checks.gradient_of_relaxed(logits, weights)
    rows, categories = logits.shape
    return Regime(
        name=name,
        title=f"Gumbel-softmax of {rows:,} x {categories:,} tensors, forward and backward",
        short=f"Gumbel-softmax, {rows:,} x {categories:,}, gradient",
        meaning=meaning,
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
            Contestant(
                "jax.vjp of softmax(x + g)", "jax", partial(_jax_backward, logits, weights), check, flaw="approx."
            ),
            Contestant("copying the array twice", "numpy", partial(_copy, logits, times=2), checks.nothing, Role.LIMIT),
        ),
        targets=(target,),
    )


def _relaxed(name: str, batches: NDArray[Any], meaning: str, targets: tuple[Target, ...]) -> Regime:
    check = checks.relaxed_draw_each(batches[0])
    _, rows, categories = batches.shape

    def each(prepare: Callable[[NDArray[Any]], Call]) -> Callable[[], Call]:
        return partial(calls_in_turn, prepare, batches)

    return Regime(
        name=name,
        title=f"Gumbel-softmax of {rows:,} x {categories:,} float32 logits",
        short=f"Gumbel-softmax, {rows:,} x {categories:,}",
        meaning=meaning,
        elements=rows * categories,
        bytes_moved=8 * rows * categories,
        contestants=(
            Contestant("gumbel_fast.gumbel_softmax(out=)", "gumbel_fast", each(_project), check, Role.PROJECT),
            Contestant("gumbel_fast.gumbel_softmax", "gumbel_fast", each(_project_fresh), check),
            Contestant("in float32, out=", "numpy", each(_numpy), check, flaw="approx."),
            Contestant("torch F.gumbel_softmax", "torch", each(_torch), check),
            Contestant("jax softmax(x + gumbel)", "jax", each(_jax), check, flaw="approx."),
            Contestant("Numba loop, out=", "numba", each(_numba), check),
            Contestant("copying the array", "numpy", each(partial(_copy, times=1)), checks.nothing, Role.LIMIT),
        ),
        targets=targets,
    )


def _project(logits: NDArray[Any]) -> Call:
    rng, out = np.random.default_rng(SEED), np.empty_like(logits)
    return partial(gumbel_fast.gumbel_softmax, logits, rng=rng, out=out)


def _project_fresh(logits: NDArray[Any]) -> Call:
    return partial(gumbel_fast.gumbel_softmax, logits, rng=np.random.default_rng(SEED))


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


def _numba(logits: NDArray[Any]) -> Call:
    return partial(numba_loops.compiled(numba_loops.relax), logits, np.empty_like(logits))


def _jax_backward(logits: NDArray[Any], weights: NDArray[Any]) -> Call:
    jax = peers.load("jax")

    def relax_and_pull_back(key: Any, x: Any, gradient: Any) -> Any:
        noise = jax.random.gumbel(key, x.shape, x.dtype)
        values, pull_back = jax.vjp(lambda x: jax.nn.softmax(x + noise), x)
        return values, *pull_back(gradient)

    step, keys = jax.jit(relax_and_pull_back), peers.jax_keys(jax, SEED)
    array, gradient = jax.device_put(logits), jax.device_put(weights)
    return lambda: jax.block_until_ready(step(keys(), array, gradient))


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
