"""One draw from each row of a batch, from many rows of few logits to few rows of many."""

from __future__ import annotations

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
def batch_4096x6(inputs: Inputs) -> Regime:
    """Very short rows: what a row costs before its logits."""
    return _batch("batch_4096x6", inputs.normal(4096, 6), "An action for each of 4,096 environments.", bar=5, goal=8)


@regime
def batch_4096x64(inputs: Inputs) -> Regime:
    """Short rows."""
    meaning = "A codebook entry for each patch of a batch of images, or a move for each game."
    return _batch("batch_4096x64", inputs.normal(4096, 64), meaning, bar=4, goal=8)


@regime
def batch_256x1000(inputs: Inputs) -> Regime:
    """Rows of middling length."""
    meaning = "A class for each picture of a batch, a state for each particle."
    return _batch("batch_256x1000", inputs.normal(256, 1000, std=2.5), meaning, bar=5, goal=10)


@regime
def batch_64x32768(inputs: Inputs) -> Regime:
    """Long rows, 8 MiB of logits together."""
    meaning = "The next token for each of 64 requests."
    return _batch("batch_64x32768", inputs.normal(64, 32_768, std=2.5), meaning, bar=20, goal=40)


def _batch(name: str, logits: NDArray[Any], meaning: str, *, bar: float, goal: float) -> Regime:
    check = checks.one_draw_each(logits)
    rows, categories = logits.shape
    return Regime(
        name=name,
        title=f"One draw from each of {rows:,} rows of {categories:,} logits",
        meaning=meaning,
        elements=logits.size,
        bytes_moved=logits.nbytes,
        contestants=(
            Contestant("gumbel_fast.categorical", "gumbel_fast", partial(categorical, logits), check, Role.PROJECT),
            Contestant("Gumbel-max with rng.gumbel", "numpy", partial(_float64, logits), check, note="float64"),
            Contestant("Gumbel-max in float32", "numpy", partial(gumbel_max_float32, logits), check, note="approx."),
            Contestant("torch softmax + multinomial", "torch", partial(_torch, logits), check),
            Contestant("jax.random.categorical", "jax", partial(_jax, logits), check, note="approx."),
            Contestant("np.max", "numpy", partial(maximum, logits), checks.nothing, Role.LIMIT),
        ),
        targets=(Target("Gumbel-max in float32", bar=bar, goal=goal),),
    )


def categorical(logits: NDArray[Any]) -> Call:
    """Make a call that draws from each row by `gumbel_fast.categorical`."""
    return partial(gumbel_fast.categorical, logits, rng=np.random.default_rng(SEED))


def gumbel_max(logits: NDArray[Any]) -> Call:
    """Make a call that draws from each row by `gumbel_fast.gumbel_max`."""
    return partial(gumbel_fast.gumbel_max, logits, rng=np.random.default_rng(SEED))


def gumbel_max_float32(logits: NDArray[Any]) -> Call:
    """Make a call that draws from each row as NumPy does fastest."""
    rng, noise = np.random.default_rng(SEED), np.empty_like(logits)

    def draw() -> Any:
        fill_negated(rng, noise)
        return np.subtract(logits, noise, out=noise).argmax(-1)

    return draw


def maximum(logits: NDArray[Any]) -> Call:
    """Make a call that reads the batch and gives each row's maximum."""
    return partial(logits.max, -1)


def _float64(logits: NDArray[Any]) -> Call:
    rng = np.random.default_rng(SEED)
    return lambda: (logits + rng.gumbel(size=logits.shape)).argmax(-1)


def _torch(logits: NDArray[Any]) -> Call:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    tensor = torch.from_numpy(logits)
    return lambda: torch.multinomial(torch.softmax(tensor, -1), 1).squeeze(-1)


def _jax(logits: NDArray[Any]) -> Call:
    jax = peers.load("jax")
    draw, keys, array = jax.jit(jax.random.categorical), peers.jax_keys(jax, SEED), jax.device_put(logits)
    return lambda: draw(keys(), array).block_until_ready()
