"""The operators ``torch.ops.gumbel_fast.*``: schemas, what they do on the CPU, their shapes, and their rules for vmap.

Each is a function of its arguments alone, but for `seed`, which draws: the two words of a call are an argument of the
others. Where a batch of calls becomes one (vmap), `seed` has a pair of words for each in leading dimensions, which the
logits have, too; each part has rows of its own numbers. So `dim` is counted from the last, and is below 0.

Derivatives: _derivatives.py. What a user calls: _relaxation.py, _sampling.py, _noise.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch._C._dynamo.eval_frame import set_eval_frame

from .. import _core, _gumbel_max, _log_prob, _methods, _noise, _softmax
from .._arguments import NO_FILTERS
from .._request import relaxed, to_relax, to_sample
from .._rng import SeedPair
from .._sampling import draw_and_tell
from ._seeds import draw_words, pair_of, rng_of
from ._tensors import (
    CPU,
    PLAIN,
    Number,
    array_of,
    as_tensor,
    compute_dtype,
    derivatives_wanted,
    is_plain,
    number_of,
    numbers_of,
    tensor_of,
)

Seed: TypeAlias = Tensor | SeedPair

library = torch.library.Library("gumbel_fast", "DEF")


def _uncompiled(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that a compiler which watches frames leaves alone: torch.compiler.disable, without loading it."""

    def run(*arguments: Any, **named: Any) -> Any:
        before = set_eval_frame(None)
        try:
            return kernel(*arguments, **named)
        finally:
            set_eval_frame(before)

    return run


class Operator:
    """An operator, and its short ways: plain tensors go to what it does at once.

    Parameters
    ----------
    schema : str
        Its name, arguments and results, as torch.library reads them.
    kernel : callable
        What it does on the CPU. Numbers and words of plain calls come as they are; else all are tensors.
    registered : callable, optional
        The same for the operator, where that wants more.
    fake, batched : callable
        Results without memory; and its rule for vmap.
    numbers : slice
        Which arguments may be numbers in plain calls.

    Notes
    -----
    A draw from 64 x 2 logits by its address takes 2.4 microseconds with torch 2.13, of which the kernel has 0.3. Tried
    and slower: the operator for every call (2 to 5 more to reach one written in Python, as much again for an
    Autograd kernel); `Tensor.numpy` and the function for arrays (1 more); ``Function.apply``, which looks for
    transforms and binds arguments by their signature (6 more than `_derivatives.apply`); a new tensor for the two words
    of each call (0.8 more).
    """

    def __init__(
        self,
        schema: str,
        kernel: Callable[..., Any],
        fake: Callable[..., Any],
        batched: Callable[..., Any],
        numbers: slice = slice(0, 0),
        registered: Callable[..., Any] | None = None,
    ) -> None:
        self.name = schema.partition("(")[0]
        self.kernel, self.numbers = kernel, numbers
        self.derived: Callable[..., Any] | None = None  # _derivatives.py has them
        drawn = self.name == "seed"
        library.define(schema, tags=(torch.Tag.nondeterministic_seeded,) if drawn else (torch.Tag.pt2_compliant_tag,))
        key = "CompositeExplicitAutograd" if drawn else "CPU"
        library.impl(self.name, _uncompiled(registered or kernel), key)
        torch.library.register_fake(f"gumbel_fast::{self.name}", fake, lib=library)
        torch.library.register_vmap(f"gumbel_fast::{self.name}", batched, lib=library)
        self.overload: Any = getattr(torch.ops.gumbel_fast, self.name).default

    def __call__(self, *arguments: Any) -> Any:
        """Call it, in the shortest way that there is."""
        if not is_plain(*arguments):
            given = list(arguments)
            given[self.numbers] = [as_tensor(number) for number in given[self.numbers]]
            return self.overload(*given)
        if self.derived is not None and derivatives_wanted(*arguments):
            return self.derived(*arguments)
        return self.kernel(*arguments)


def _rows_of(logits: Tensor, dim: int) -> tuple[int, ...]:
    """Return the shape of the batch."""
    shape = list(logits.shape)
    del shape[dim]
    return tuple(shape)


def _array_or_none(tensor: Tensor | None) -> Any:
    return None if tensor is None else array_of(tensor)


def _temperature_of_rows(tau: Number, ndim: int, dim: int) -> Any:
    """Return temperatures that broadcast to the logits as the library wants them: without the categories' dimension."""
    temperature = numbers_of(tau)
    if isinstance(tau, Tensor) and tau.ndim:
        temperature = np.squeeze(temperature.reshape((1,) * (ndim - tau.ndim) + tuple(tau.shape)), axis=dim)
    return temperature


# -- what they do ------------------------------------------------------------------------------------------------------


def seed_kernel(batch: Sequence[int], like: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
    """Draw two words for each of a batch; `like` is there to be batched, and to tell calls apart."""
    return draw_words(list(batch), generator)


def gumbel_kernel(like: Tensor, seed: Seed) -> Tensor:
    """Standard Gumbel noise of the shape and dtype of a tensor."""
    shape = tuple(like.shape)
    real = np.float64 if like.dtype == torch.float64 else np.float32
    rng = rng_of(seed, shape[:-1])
    noise = _noise.gumbel(size=shape, dtype=real, rng=rng, workers=torch.get_num_threads())
    return tensor_of(np.asarray(noise), like.dtype)


def gumbel_softmax_kernel(
    logits: Tensor,
    seed: Seed,
    tau: Number,
    mask: Tensor | None,
    dim: int,
    hard: bool,
    log: bool,
) -> tuple[Tensor, Tensor | None]:
    """Relaxed samples; `hard`: one-hot ones, alone."""
    return _relax(logits, seed, tau, mask, dim, hard, log, False)


def straight_through_kernel(
    logits: Tensor, seed: Seed, tau: Number, mask: Tensor | None, dim: int, hard: bool, log: bool
) -> tuple[Tensor, Tensor | None]:
    """Relaxed samples; `hard`: one-hot ones, and the soft ones of the same noise, which have their derivative."""
    return _relax(logits, seed, tau, mask, dim, hard, log, True)


def _relax(
    logits: Tensor, seed: Seed, tau: Number, mask: Tensor | None, dim: int, hard: bool, log: bool, both: bool
) -> tuple[Tensor, Tensor | None]:
    seed, tau = pair_of(seed), number_of(tau)
    form = _core.LOG if log else _core.HARD if hard and not both else _core.SOFT
    besides = hard and both
    if dim == -1 and isinstance(seed, SeedPair):
        small = PLAIN.gumbel_softmax(logits, seed, tau, mask, form, besides)
        if small is not None:
            return (small[1], small[0]) if besides else small
    x = array_of(logits, halves=True)
    parts = _temperature_of_rows(tau, x.ndim, dim), _array_or_none(mask), None, NO_FILTERS, dim
    request = to_relax(x, parts, rng=rng_of(seed, _rows_of(logits, dim)))
    one_hot = np.empty(request.rows.shape, request.compute_type) if besides else None
    threads = torch.get_num_threads()
    cost = _methods.GUMBEL_SOFTMAX
    sample = relaxed(request, _core.GUMBEL_SOFTMAX, cost, dim, None, threads, form=form, one_hot=one_hot)
    relaxation = tensor_of(sample, logits.dtype)
    if one_hot is None:
        return relaxation, None
    return tensor_of(np.moveaxis(one_hot, -1, dim), logits.dtype), relaxation


def softmax_vjp_kernel(y: Tensor, grad: Tensor, tau: Number, dim: int) -> Tensor:
    """Gradient in the logits of a loss whose gradient in their softmax y, at that temperature, is known."""
    tau = number_of(tau)
    if dim == -1:
        small = PLAIN.softmax_vjp(y, grad.contiguous(), tau)
        if small is not None:
            result: Tensor = small
            return result
    a, b = array_of(y), array_of(grad)
    gradient = _softmax.softmax_vjp(
        a, b, temperature=_temperature_of_rows(tau, a.ndim, dim), axis=dim, workers=torch.get_num_threads()
    )
    return tensor_of(gradient, y.dtype)


def gumbel_max_kernel(
    logits: Tensor, seed: Seed, temperature: Number, mask: Tensor | None, dim: int
) -> tuple[Tensor, Tensor]:
    """Indices of the greatest of logits / temperature + noise, and these values."""
    index, value = _gumbel_max.gumbel_max(
        array_of(logits, halves=True),
        temperature=numbers_of(temperature),
        mask=_array_or_none(mask),
        axis=dim,
        rng=rng_of(seed, _rows_of(logits, dim)),
        return_value=True,
        workers=torch.get_num_threads(),
    )
    return tensor_of(np.asarray(index)), tensor_of(np.asarray(value))


def gumbel_top_k_kernel(
    logits: Tensor, seed: Seed, k: int, temperature: Number, mask: Tensor | None, dim: int
) -> tuple[Tensor, Tensor]:
    """Indices of the k greatest of logits / temperature + noise, and these values, in falling order."""
    index, value = _gumbel_max.gumbel_top_k(
        array_of(logits, halves=True),
        k,
        temperature=numbers_of(temperature),
        mask=_array_or_none(mask),
        axis=dim,
        rng=rng_of(seed, _rows_of(logits, dim)),
        return_value=True,
        workers=torch.get_num_threads(),
    )
    return tensor_of(index), tensor_of(value)


def _parts(temperature: Number, filters: Sequence[Number | None], mask: Tensor | None, dim: int) -> Any:
    """Return what a request of the library is made of, beside logits and words."""
    kept = tuple(numbers_of(number) for number in filters)
    return numbers_of(temperature), _array_or_none(mask), None, kept, dim


def _told(array: Any) -> Tensor | None:
    return None if array is None else tensor_of(np.asarray(array))


def categorical_kernel(
    logits: Tensor,
    seed: Seed,
    num_samples: int | None,
    replacement: bool,
    temperature: Number,
    top_k: Number | None,
    top_p: Number | None,
    min_p: Number | None,
    filter_temperature: Number | None,
    mask: Tensor | None,
    dim: int,
    log_prob: bool,
    entropy: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Draws from each row, with their log-probabilities and the entropy; what is not wanted is None."""
    seed, temperature = pair_of(seed), number_of(temperature)
    filters = top_k, top_p, min_p, filter_temperature
    if dim == -1 and num_samples is None and isinstance(seed, SeedPair):
        small = PLAIN.categorical(logits, temperature, filters, mask, None, seed, log_prob, entropy)
        if small is not None:
            drawn: tuple[Tensor, Tensor | None, Tensor | None] = small
            return drawn
    parts = _parts(temperature, filters, mask, dim)
    request = to_sample(array_of(logits, halves=True), parts, rng=rng_of(seed, _rows_of(logits, dim)))
    index, logs, entropies = draw_and_tell(
        request, num_samples, replacement, torch.get_num_threads(), log_prob=log_prob, entropy=entropy
    )
    return tensor_of(np.asarray(index)), _told(logs), _told(entropies)


def log_prob_kernel(
    logits: Tensor,
    index: Tensor | None,
    temperature: Number,
    top_k: Number | None,
    top_p: Number | None,
    min_p: Number | None,
    filter_temperature: Number | None,
    mask: Tensor | None,
    dim: int,
    entropy: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Log-probabilities of categories, one or several for each row, and the entropy; what is not wanted is None."""
    temperature = number_of(temperature)
    filters = top_k, top_p, min_p, filter_temperature
    if dim == -1:
        small = PLAIN.log_prob(logits, index, temperature, filters, mask, entropy)
        if small is not None:
            told: tuple[Tensor | None, Tensor | None] = small
            return told
    parts = _parts(temperature, filters, mask, dim)
    logs, entropies = _log_prob.tell(
        array_of(logits, halves=True), _array_or_none(index), parts, torch.get_num_threads(), entropy=entropy
    )
    return _told(logs), _told(entropies)


def log_prob_vjp_kernel(
    logits: Tensor,
    index: Tensor | None,
    grad: Tensor | None,
    grad_entropy: Tensor | None,
    temperature: Number,
    top_k: Number | None,
    top_p: Number | None,
    min_p: Number | None,
    filter_temperature: Number | None,
    mask: Tensor | None,
    dim: int,
) -> Tensor:
    """Gradient in the logits of a loss whose gradients in log-probabilities and entropy are known, or one of them."""
    temperature = number_of(temperature)
    filters = top_k, top_p, min_p, filter_temperature
    grad = None if grad is None else grad.contiguous()
    grad_entropy = None if grad_entropy is None else grad_entropy.contiguous()
    if dim == -1:
        small = PLAIN.log_prob_vjp(logits, index, grad, grad_entropy, temperature, filters, mask)
        if small is not None:
            result: Tensor = small
            return result
    parts = _parts(temperature, filters, mask, dim)
    gradient = _log_prob.log_prob_vjp(
        array_of(logits, halves=True),
        _array_or_none(index),
        _array_or_none(grad),
        _array_or_none(grad_entropy),
        parts,
        torch.get_num_threads(),
    )
    return tensor_of(gradient, logits.dtype)


def _filled(results: Sequence[Tensor | None], logits: Tensor) -> tuple[Tensor, ...]:
    """Return results of an operator, which are tensors: empty ones where there are none."""
    return tuple(_fake_told(logits, None) if result is None else result for result in results)


def _registered_gumbel_softmax(logits: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    sample, soft = straight_through_kernel(logits, *arguments)
    return sample, logits.new_empty(0) if soft is None else soft


def _registered_categorical(logits: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    return _filled(categorical_kernel(logits, *arguments), logits)


def _registered_log_prob(logits: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    return _filled(log_prob_kernel(logits, *arguments), logits)


# -- what shape their results have, for tensors without memory -------------------------------------------------------


def _fake_seed(batch: Sequence[int], like: Tensor | None = None, generator: Any = None) -> Tensor:
    return torch.empty((*batch, 2), dtype=torch.int64, device=CPU)


def _fake_gumbel(like: Tensor, seed: Tensor) -> Tensor:
    return like.new_empty(like.shape)


def _fake_gumbel_softmax(
    logits: Tensor, seed: Tensor, tau: Tensor, mask: Tensor | None, dim: int, hard: bool, log: bool
) -> tuple[Tensor, Tensor]:
    sample = logits.new_empty(logits.shape)
    return sample, logits.new_empty(logits.shape if hard else 0)


def _fake_softmax_vjp(y: Tensor, grad: Tensor, tau: Tensor, dim: int) -> Tensor:
    return y.new_empty(y.shape)


def _fake_gumbel_max(
    logits: Tensor, seed: Tensor, temperature: Tensor, mask: Tensor | None, dim: int
) -> tuple[Tensor, Tensor]:
    batch = _rows_of(logits, dim)
    return logits.new_empty(batch, dtype=torch.int64), logits.new_empty(batch, dtype=torch.float64)


def _fake_gumbel_top_k(
    logits: Tensor, seed: Tensor, k: int, temperature: Tensor, mask: Tensor | None, dim: int
) -> tuple[Tensor, Tensor]:
    shape = (*_rows_of(logits, dim), k)
    return logits.new_empty(shape, dtype=torch.int64), logits.new_empty(shape, dtype=torch.float64)


def _fake_told(logits: Tensor, shape: tuple[int, ...] | None) -> Tensor:
    return logits.new_empty(0 if shape is None else shape, dtype=compute_dtype(logits.dtype))


def _fake_categorical(
    logits: Tensor, seed: Tensor, num_samples: int | None, replacement: bool, temperature: Tensor, *others: Any
) -> tuple[Tensor, Tensor, Tensor]:
    dim, log_prob, entropy = others[-3:]
    batch = _rows_of(logits, dim)
    shape = batch if num_samples is None else (*batch, num_samples)
    index = logits.new_empty(shape, dtype=torch.int64)
    return index, _fake_told(logits, shape if log_prob else None), _fake_told(logits, batch if entropy else None)


def _fake_log_prob(logits: Tensor, index: Tensor | None, temperature: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
    dim, entropy = others[-2:]
    return (
        _fake_told(logits, None if index is None else tuple(index.shape)),
        _fake_told(logits, _rows_of(logits, dim) if entropy else None),
    )


def _fake_log_prob_vjp(logits: Tensor, *others: Any) -> Tensor:
    return logits.new_empty(logits.shape)


# -- a batch of calls as one call --------------------------------------------------------------------------------------


def _front(tensor: Tensor | None, dim: int | None, size: int) -> Any:
    """Return a tensor with the batch of calls in front: where there is none, as often as there are calls."""
    if tensor is None:
        return None
    return tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)


def _aligned(tensor: Tensor | None, dim: int | None, ndim: int) -> Any:
    """Return what broadcasts to `ndim` dimensions, with the batch of calls in front of them."""
    if tensor is None or dim is None:
        return tensor
    front = tensor.movedim(dim, 0)
    return front.reshape(front.shape[0], *(1,) * (ndim - front.ndim + 1), *front.shape[1:])


def _batched_seed(info: Any, dims: Any, batch: Sequence[int], like: Tensor | None = None, generator: Any = None) -> Any:
    return seed.overload(
        [info.batch_size, *batch], None if like is None else like.movedim(dims[1], 0).sum(0), generator
    ), 0


def _batched_gumbel(info: Any, dims: Any, like: Tensor, words: Tensor) -> Any:
    return gumbel.overload(_front(like, dims[0], info.batch_size), _front(words, dims[1], info.batch_size)), 0


def _batched_gumbel_softmax(
    info: Any,
    dims: Any,
    logits: Tensor,
    words: Tensor,
    tau: Tensor,
    mask: Tensor | None,
    dim: int,
    hard: bool,
    log: bool,
) -> Any:
    x = _front(logits, dims[0], info.batch_size)
    ndim = x.ndim - 1
    result = gumbel_softmax.overload(
        x,
        _front(words, dims[1], info.batch_size),
        _aligned(tau, dims[2], ndim),
        _aligned(mask, dims[3], ndim),
        dim,
        hard,
        log,
    )
    return result, (0, 0 if hard else None)


def _batched_softmax_vjp(info: Any, dims: Any, y: Tensor, grad: Tensor, tau: Tensor, dim: int) -> Any:
    front = _front(y, dims[0], info.batch_size)
    return softmax_vjp.overload(
        front, _front(grad, dims[1], info.batch_size), _aligned(tau, dims[2], front.ndim - 1), dim
    ), 0


def _aligned_parts(numbers: Sequence[Any], dims: Sequence[Any], ndim: int) -> list[Any]:
    """Return temperature, filters and a mask, the last, with the batch of calls in front."""
    rows = [_aligned(number, dim, ndim - 1) for number, dim in zip(numbers[:-1], dims[:-1], strict=True)]
    return [*rows, _aligned(numbers[-1], dims[-1], ndim)]


def _batched_gumbel_max(
    info: Any, dims: Any, logits: Tensor, words: Tensor, temperature: Tensor, mask: Tensor | None, dim: int
) -> Any:
    x = _front(logits, dims[0], info.batch_size)
    parts = _aligned_parts((temperature, mask), dims[2:4], x.ndim - 1)
    return gumbel_max.overload(x, _front(words, dims[1], info.batch_size), *parts, dim), (0, 0)


def _batched_gumbel_top_k(
    info: Any, dims: Any, logits: Tensor, words: Tensor, k: int, temperature: Tensor, mask: Tensor | None, dim: int
) -> Any:
    x = _front(logits, dims[0], info.batch_size)
    parts = _aligned_parts((temperature, mask), dims[3:5], x.ndim - 1)
    return gumbel_top_k.overload(x, _front(words, dims[1], info.batch_size), k, *parts, dim), (0, 0)


def _batched_categorical(
    info: Any,
    dims: Any,
    logits: Tensor,
    words: Tensor,
    num_samples: int | None,
    replacement: bool,
    *others: Any,
) -> Any:
    x = _front(logits, dims[0], info.batch_size)
    parts = _aligned_parts(others[:6], dims[4:10], x.ndim - 1)
    dim, log_prob, entropy = others[6:]
    result = categorical.overload(
        x, _front(words, dims[1], info.batch_size), num_samples, replacement, *parts, dim, log_prob, entropy
    )
    return result, (0, 0 if log_prob else None, 0 if entropy else None)


def _batched_log_prob(info: Any, dims: Any, logits: Tensor, index: Tensor | None, *others: Any) -> Any:
    x = _front(logits, dims[0], info.batch_size)
    parts = _aligned_parts(others[:6], dims[2:8], x.ndim - 1)
    dim, entropy = others[6:]
    result = log_prob.overload(x, _front(index, dims[1], info.batch_size), *parts, dim, entropy)
    return result, (None if index is None else 0, 0 if entropy else None)


def _batched_log_prob_vjp(
    info: Any,
    dims: Any,
    logits: Tensor,
    index: Tensor | None,
    grad: Tensor | None,
    grad_entropy: Tensor | None,
    *others: Any,
) -> Any:
    x = _front(logits, dims[0], info.batch_size)
    given = [_front(t, d, info.batch_size) for t, d in zip((index, grad, grad_entropy), dims[1:4], strict=True)]
    return log_prob_vjp.overload(x, *given, *_aligned_parts(others[:6], dims[4:10], x.ndim - 1), others[6]), 0


# -- the operators -----------------------------------------------------------------------------------------------------

_KEPT = "Tensor temperature, Tensor? top_k, Tensor? top_p, Tensor? min_p, Tensor? filter_temperature, Tensor? mask"

seed = Operator(
    "seed(int[] batch, Tensor? like=None, Generator? generator=None) -> Tensor", seed_kernel, _fake_seed, _batched_seed
)
gumbel = Operator("gumbel(Tensor like, Tensor seed) -> Tensor", gumbel_kernel, _fake_gumbel, _batched_gumbel)
gumbel_softmax = Operator(
    "gumbel_softmax(Tensor logits, Tensor seed, Tensor tau, Tensor? mask, int dim, bool hard, bool log)"
    " -> (Tensor, Tensor)",
    gumbel_softmax_kernel,
    _fake_gumbel_softmax,
    _batched_gumbel_softmax,
    slice(2, 3),
    _registered_gumbel_softmax,
)
softmax_vjp = Operator(
    "softmax_vjp(Tensor y, Tensor grad, Tensor tau, int dim) -> Tensor",
    softmax_vjp_kernel,
    _fake_softmax_vjp,
    _batched_softmax_vjp,
    slice(2, 3),
)
gumbel_max = Operator(
    "gumbel_max(Tensor logits, Tensor seed, Tensor temperature, Tensor? mask, int dim) -> (Tensor, Tensor)",
    gumbel_max_kernel,
    _fake_gumbel_max,
    _batched_gumbel_max,
    slice(2, 3),
)
gumbel_top_k = Operator(
    "gumbel_top_k(Tensor logits, Tensor seed, SymInt k, Tensor temperature, Tensor? mask, int dim) -> (Tensor, Tensor)",
    gumbel_top_k_kernel,
    _fake_gumbel_top_k,
    _batched_gumbel_top_k,
    slice(3, 4),
)
categorical = Operator(
    f"categorical(Tensor logits, Tensor seed, SymInt? num_samples, bool replacement, {_KEPT}, int dim, bool log_prob,"
    " bool entropy) -> (Tensor, Tensor, Tensor)",
    categorical_kernel,
    _fake_categorical,
    _batched_categorical,
    slice(4, 9),
    _registered_categorical,
)
log_prob = Operator(
    f"log_prob(Tensor logits, Tensor? index, {_KEPT}, int dim, bool entropy) -> (Tensor, Tensor)",
    log_prob_kernel,
    _fake_log_prob,
    _batched_log_prob,
    slice(2, 7),
    _registered_log_prob,
)
log_prob_vjp = Operator(
    f"log_prob_vjp(Tensor logits, Tensor? index, Tensor? grad, Tensor? grad_entropy, {_KEPT}, int dim) -> Tensor",
    log_prob_vjp_kernel,
    _fake_log_prob_vjp,
    _batched_log_prob_vjp,
    slice(4, 9),
)
