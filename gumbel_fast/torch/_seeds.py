"""Where the two words of a call come from: torch's generator for the CPU, or one of the caller's own.

They are drawn once for each call, 128 bits, whatever runs the call: at once, by the operator `seed` of a compiled or
exported graph, or once for each example of a vmap. (The random integers that inductor makes itself have 32 bits of
seed.)
"""

from __future__ import annotations

import warnings

import numpy as np
import torch

from .._rng import RNG, RowStreams, SeedPair
from ._tensors import CPU, PLAIN, is_plain

_LEAST = -(2**63)


def draw_words(batch: list[int], generator: torch.Generator | None) -> torch.Tensor:
    """Return two int64 of 64 random bits for each of a batch."""
    return torch.empty((*batch, 2), dtype=torch.int64, device=CPU).random_(_LEAST, None, generator=generator)


def seed_of(generator: torch.Generator | None, *tensors: object) -> torch.Tensor | SeedPair:
    """Return the words of a call on these tensors: as a tensor, if something may transform or record the call."""
    if is_plain(*tensors):
        if generator is not None:
            look_for_checkpoint()
        return SeedPair(*PLAIN.seed(generator))
    if generator is not None and torch.compiler.is_compiling():
        return _seed_outside_graphs(generator)
    if generator is not None:
        look_for_checkpoint()
    if torch._C._get_tracing_state() is not None:  # which would take an operator without tensors for a constant
        return draw_words([], generator)
    # Empty, and shared by no graph, so that no two calls are taken for one. By `rand`: under vmap it is one for all
    # examples or one for each, or torch's own error, as its `randomness` says; and no random number is taken.
    make = torch.rand if torch._C._are_functorch_transforms_active() else torch.empty
    like = make(0, device=CPU)
    words: torch.Tensor = torch.ops.gumbel_fast.seed([], like, generator)
    return words


def _seed_outside_graphs(generator: torch.Generator) -> torch.Tensor:
    """Draw from a generator of one's own, which no graph can hold: a break of the graph, or an error that says so."""
    disable = torch.compiler.disable  # not at import: it takes a second to load the compiler
    words: torch.Tensor = disable(draw_words, reason="gumbel_fast: a graph cannot hold a generator of one's own")(
        [], generator
    )
    return words


def look_for_checkpoint() -> None:
    """Warn where a generator's draw will be made again, or is: checkpoints save the state of torch's own alone."""
    hooks = torch._C._autograd._top_saved_tensors_default_hooks(True)
    saves = hooks is not None and getattr(hooks[0], "__module__", None) == "torch.utils.checkpoint"
    if saves or torch._C._current_graph_task_id() != -1:
        warnings.warn(
            "gumbel_fast: under torch.utils.checkpoint the state of `generator` is not saved, so that the forward pass"
            " is repeated with other noise and gradients are wrong; leave it out to draw from torch's own generator",
            stacklevel=4,
        )


def pair_of(seed: torch.Tensor | SeedPair) -> torch.Tensor | SeedPair:
    """Return the two words of a call as they are; those of a batch of calls stay a tensor."""
    if isinstance(seed, SeedPair) or seed.numel() != 2:
        return seed
    key, row = seed.reshape(2).tolist()
    return SeedPair(key % 2**64, row % 2**64)


def rng_of(seed: torch.Tensor | SeedPair, batch: tuple[int, ...]) -> RNG:
    """Return what the library takes for the words of a call; where they are a batch, each is for a part of the rows."""
    seed = pair_of(seed)
    if isinstance(seed, SeedPair):
        return seed
    words = seed.numpy(force=True).view(np.uint64)
    own = words.ndim - 1
    rest = batch[own:]
    numbers = np.arange(int(np.prod(rest))).reshape((1,) * own + rest)
    return RowStreams(words.reshape(words.shape[:-1] + (1,) * len(rest) + (2,)), numbers)
