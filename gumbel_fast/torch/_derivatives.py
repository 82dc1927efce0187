"""Derivatives of the operators, backward and forward, of every order.

Of `gumbel_softmax`, `categorical` and `log_prob` the first derivative is an operator again, `softmax_vjp` or
`log_prob_vjp`, one pass over the row. Where a derivative of that is wanted, too, it is made of torch's own operations,
which have all further ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._functorch.utils import enable_single_level_autograd_function

from . import _operators
from ._tensors import Number, as_tensor, compute_dtype, derivatives_wanted, forward_ad


def _below(operator: _operators.Operator, *arguments: Any) -> Any:
    """Call an operator without its derivative."""
    with torch._C._AutoDispatchBelowAutograd():
        return operator.overload(*arguments)


def _forward(operator: _operators.Operator, kernel: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """Do what an operator does, inside a Function: where there are no derivatives, but for those of outer transforms.

    The last argument says whether it is a call on plain tensors, which comes from no operator.
    """
    *given, plain = arguments
    if plain:
        return kernel(*given)
    with torch.enable_grad(), forward_ad._set_fwd_grad_enabled(True):
        return _below(operator, *given)


def _save(ctx: Any, *values: Any) -> None:
    """Keep tensors, and numbers in their place, for the derivatives."""
    tensors = [value if isinstance(value, Tensor) else None for value in values]
    ctx.save_for_backward(*tensors)
    ctx.numbers = [None if isinstance(value, Tensor) else value for value in values]
    ctx.set_materialize_grads(False)


def _saved(ctx: Any) -> list[Any]:
    pairs = zip(ctx.saved_tensors, ctx.numbers, strict=True)
    return [number if tensor is None else tensor for tensor, number in pairs]


def _over(number: Number, y: Tensor) -> Any:
    """Return a temperature as y is multiplied by it: a number or a tensor of y's dtype."""
    return number.to(y.dtype) if isinstance(number, Tensor) else number


# -- softmax -----------------------------------------------------------------------------------------------------------


def _softmax_vjp_of_parts(y: Tensor, grad: Tensor, tau: Number, dim: int, _plain: bool) -> Tensor:
    """``softmax_vjp`` of torch's operations."""
    wide = torch.promote_types(compute_dtype(y.dtype), compute_dtype(grad.dtype))
    p, g = y.to(wide), grad.to(wide)
    return (p * (g - (g * p).sum(dim, keepdim=True)) / _over(tau, p)).to(y.dtype)


def _to_shape_of(gradient: Tensor, number: Tensor) -> Tensor:
    return gradient.sum_to_size(number.shape).to(number.dtype)


class GumbelSoftmax(torch.autograd.Function):
    """y = softmax(z), z = (logits + noise) / tau, or log y, or a one-hot that has the derivative of y."""

    @staticmethod
    def forward(*arguments: Any) -> Any:
        return _forward(_operators.gumbel_softmax, _operators.straight_through_kernel, arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, _, tau, _, ctx.dim, hard, ctx.log, _ = inputs
        _save(ctx, output[1] if hard else output[0], tau)
        ctx.hard = hard
        if not hard and output[1] is not None:
            ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_soft: Tensor | None) -> tuple[Tensor | None, ...]:
        y, tau = _saved(ctx)
        grads = [g for g in (grad, grad_soft if ctx.hard else None) if g is not None]
        dx = dtau = None
        if grads:
            g = grads[0] if len(grads) == 1 else grads[0] + grads[1]
            dx = _log_softmax_vjp(y, g, tau, ctx.dim) if ctx.log else _operators.softmax_vjp(y, g, tau, ctx.dim)
            if ctx.needs_input_grad[2]:
                # dz/dtau = -z / tau, so it is -sum(dx * z). z is log y but for one number a row, which drops out, as dx
                # sums to 0 along it.
                wide = dx.to(compute_dtype(dx.dtype))
                dtau = _to_shape_of(-wide * (_finite(y) if ctx.log else _logarithm(y)).to(wide.dtype), tau)
        return dx, None, dtau, *(None,) * 5


def _gumbel_softmax_of_parts(
    logits: Tensor, seed: Tensor, tau: Tensor, mask: Tensor | None, dim: int, hard: bool, log: bool
) -> tuple[Tensor, Tensor]:
    """``gumbel_softmax`` of torch's operations, around the noise that the operator has used."""
    wide = compute_dtype(logits.dtype)
    x, t = logits.to(wide), tau.to(wide)
    drawn, _ = _below(_operators.gumbel_softmax, x.detach(), seed, tau.detach(), mask, dim, False, True)
    out = drawn == -torch.inf
    # Of each row but for one number, which softmax does not see. A constant: of what is outer, too, but for that.
    noise = (drawn.masked_fill(out, 0) * t - x.masked_fill(out, 0)).detach()
    z = ((x.masked_fill(out, 0) + noise) / t).masked_fill(out, -torch.inf)
    soft = (z.log_softmax(dim) if log else z.softmax(dim)).to(logits.dtype)
    if not hard:
        return soft, logits.new_empty(0)
    one_hot, _ = _below(_operators.gumbel_softmax, x.detach(), seed, tau.detach(), mask, dim, True, False)
    return one_hot.to(soft.dtype) + (soft - soft.detach()), soft


def _logarithm(y: Tensor) -> Tensor:
    """Return the logarithm, with 0 for that of 0."""
    return y.masked_fill(y == 0, 1).log()


def _finite(log: Tensor) -> Tensor:
    """Return logarithms with 0 for those of 0."""
    return log.masked_fill(log == -torch.inf, 0)


def _log_softmax_vjp(log: Tensor, grad: Tensor, tau: Number, dim: int) -> Tensor:
    """Gradient in the logits, by torch's operations; none where the probability is 0."""
    wide = torch.promote_types(compute_dtype(log.dtype), compute_dtype(grad.dtype))
    out = log == -torch.inf
    g = grad.to(wide).masked_fill(out, 0)
    p = log.to(wide)
    return ((g - p.exp() * g.sum(dim, keepdim=True)) / _over(tau, p)).to(log.dtype)


# -- log-probabilities and entropy -------------------------------------------------------------------------------------


class _Row:
    """What is left of rows, by torch's operations: logarithms of the probabilities, 0 where nothing is, and these."""

    def __init__(self, logits: Tensor, temperature: Number, filters: Sequence[Any], mask: Tensor | None, dim: int):
        temperatures = as_tensor(temperature)
        self.dim, self.logits = dim, logits
        wide = compute_dtype(logits.dtype)
        plain = logits.detach()
        count = logits.shape[dim]
        batch = list(logits.shape)
        del batch[dim]
        every = torch.arange(count, device=logits.device).expand(*batch, count)
        kept = [as_tensor(number) for number in filters]
        logs, _ = _below(_operators.log_prob, plain, every, temperatures.detach(), *kept, mask, dim, False)
        self.out = (logs == -torch.inf).movedim(-1, dim)
        t = temperatures.to(wide)
        t = t.masked_fill(t == 0, 1)
        self.temperature = t.reshape((1,) * (len(batch) - t.ndim) + tuple(t.shape)).unsqueeze(dim)
        x = logits.to(wide).masked_fill(self.out, 0)
        self.x = x - plain.to(wide).masked_fill(self.out, -torch.inf).amax(dim, keepdim=True)
        self.log = (self.x / self.temperature).masked_fill(self.out, -torch.inf).log_softmax(dim)
        self.p = self.log.exp()
        self.log = self.log.masked_fill(self.out, 0)
        self.entropy = -(self.p * self.log).sum(dim, keepdim=True)

    def places(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return indices along `dim`, and which of them have a derivative."""
        several = index.movedim(-1, self.dim) if index.ndim == self.logits.ndim else index.unsqueeze(self.dim)
        known = several >= 0
        place = several.clamp(min=0)
        return place, known & ~self.out.gather(self.dim, place)

    def vjp(self, index: Tensor | None, grad: Tensor | None, grad_entropy: Tensor | None) -> Tensor:
        """Return what log_prob_vjp does."""
        change: Any = 0
        if grad_entropy is not None:
            change = grad_entropy.to(self.p.dtype).unsqueeze(self.dim) * (self.log + self.entropy)
        gradient = None
        if grad is not None and index is not None:
            place, counts = self.places(index)
            g = grad.movedim(-1, self.dim) if grad.ndim == self.logits.ndim else grad.unsqueeze(self.dim)
            g = g.to(self.p.dtype).masked_fill(~counts, 0)
            change = change + g.sum(self.dim, keepdim=True)
            gradient = torch.zeros_like(self.p).scatter_add(self.dim, place, g)
        result = -self.p * change
        if gradient is not None:
            result = result + gradient
        return (result / self.temperature).masked_fill(self.out, 0).to(self.logits.dtype)

    def tell(self, index: Tensor) -> Tensor:
        """Return log-probabilities of categories."""
        place, counts = self.places(index)
        logs = self.log.gather(self.dim, place).masked_fill(~counts, -torch.inf)
        return logs.movedim(self.dim, -1) if index.ndim == self.logits.ndim else logs.squeeze(self.dim)


def _told_of_parts(
    logits: Tensor,
    index: Tensor | None,
    temperature: Tensor,
    kept: Sequence[Any],
    dim: int,
    log_prob: bool,
    entropy: bool,
) -> tuple[Tensor, Tensor]:
    """Log-probabilities and the entropy of torch's operations; what is not wanted is empty."""
    row = _Row(logits, temperature, kept[:-1], kept[-1], dim)
    logs = row.tell(index) if log_prob and index is not None else row.p.new_empty(0)
    return logs, row.entropy.squeeze(dim) if entropy else row.p.new_empty(0)


def _log_prob_of_parts(
    logits: Tensor, index: Tensor | None, temperature: Tensor, *others: Any
) -> tuple[Tensor, Tensor]:
    """``log_prob`` of torch's operations."""
    *kept, dim, entropy = others
    return _told_of_parts(logits, index, temperature, kept, dim, index is not None, entropy)


def _categorical_of_parts(
    logits: Tensor, seed: Tensor, num_samples: int | None, replacement: bool, temperature: Tensor, *others: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """``categorical``, what there is to tell being of torch's operations."""
    *kept, dim, log_prob, entropy = others
    plain = logits.detach(), seed, num_samples, replacement, temperature.detach(), *kept, dim, False, False
    index, _, _ = _below(_operators.categorical, *plain)
    return index, *_told_of_parts(logits, index, temperature, kept, dim, log_prob, entropy)


def _log_prob_vjp_of_parts(
    logits: Tensor,
    index: Tensor | None,
    grad: Tensor | None,
    grad_entropy: Tensor | None,
    temperature: Tensor,
    *others: Any,
) -> Tensor:
    """``log_prob_vjp`` of torch's operations."""
    *filters, mask, dim, _plain = others
    return _Row(logits, temperature, filters, mask, dim).vjp(index, grad, grad_entropy)


def _kept_backward(ctx: Any, grad: Tensor | None, grad_entropy: Tensor | None) -> tuple[Any, Any]:
    """Return the gradients in the logits and the temperature."""
    logits, index, temperature, *kept = _saved(ctx)
    if grad is None and grad_entropy is None:
        return None, None
    dx = _operators.log_prob_vjp(logits, index, grad, grad_entropy, temperature, *kept, ctx.dim)
    dt = None
    if ctx.temperature_too:
        # log p is a function of x / temperature; and dx sums to 0 along the row, so that any shift of x will do.
        row = _Row(logits, temperature, kept[:-1], kept[-1], ctx.dim)
        change = (dx.to(row.p.dtype) * row.x / row.temperature).masked_fill(row.out, 0).sum(ctx.dim)
        dt = _to_shape_of(-change.masked_fill((as_tensor(temperature) == 0).expand(change.shape), 0), temperature)
    return dx, dt


def _unwanted(ctx: Any, told: Sequence[Tensor | None]) -> list[Tensor]:
    """Return what of log-probabilities and entropy is there because an operator gives as many results in every case."""
    pairs = zip(told, (ctx.log_prob, ctx.entropy), strict=True)
    return [tensor for tensor, wanted in pairs if tensor is not None and not wanted]


class Categorical(torch.autograd.Function):
    """Draws, which have no derivative, their log-probabilities and the entropy."""

    @staticmethod
    def forward(*arguments: Any) -> Any:
        return _forward(_operators.categorical, _operators.categorical_kernel, arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        logits, _, _, _, *parts, ctx.dim, ctx.log_prob, ctx.entropy, _ = inputs
        _save(ctx, logits, output[0], *parts)
        ctx.mark_non_differentiable(output[0], *_unwanted(ctx, output[1:]))

    @staticmethod
    def backward(ctx: Any, _index: Any, grad: Tensor | None, grad_entropy: Tensor | None) -> tuple[Any, ...]:
        ctx.temperature_too = ctx.needs_input_grad[4]
        dx, dt = _kept_backward(ctx, grad if ctx.log_prob else None, grad_entropy if ctx.entropy else None)
        return (dx, None, None, None, dt, *(None,) * 9)


class LogProb(torch.autograd.Function):
    """Log-probabilities of given categories, and the entropy."""

    @staticmethod
    def forward(*arguments: Any) -> Any:
        return _forward(_operators.log_prob, _operators.log_prob_kernel, arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        *saved, ctx.dim, ctx.entropy, _ = inputs
        _save(ctx, *saved)
        ctx.log_prob = saved[1] is not None
        ctx.mark_non_differentiable(*_unwanted(ctx, output))

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_entropy: Tensor | None) -> tuple[Any, ...]:
        ctx.temperature_too = ctx.needs_input_grad[2]
        dx, dt = _kept_backward(ctx, grad if ctx.log_prob else None, grad_entropy if ctx.entropy else None)
        return (dx, None, dt, *(None,) * 8)


# -- registration ------------------------------------------------------------------------------------------------------


def apply(function: Any) -> Callable[..., Any]:
    """Return a Function's `apply` at the level of an operator: transforms have come to it by way of that."""
    at_once: Callable[..., Any] = super(torch.autograd.Function, function).apply

    def at_this_level(*arguments: Any) -> Any:
        if not torch._C._functorch.peek_interpreter_stack():
            return at_once(*arguments)
        with enable_single_level_autograd_function():
            return at_once(*arguments)

    return at_this_level


def _is_forward(arguments: Sequence[Any]) -> bool:
    """Whether a forward derivative may be wanted; a graph that is traced has its level where Python does not see it."""
    if forward_ad._current_level >= 0:
        return True
    if not torch._C._len_torch_dispatch_stack():
        return False
    reals = (t for t in arguments if isinstance(t, Tensor) and t.is_floating_point())
    return any(torch._VF._unpack_dual(t, level=0).tangent is not None for t in reals)


def _differentiate(
    operator: _operators.Operator, backward: Callable[..., Any], of_parts: Callable[..., Any] | None = None
) -> None:
    """Say what an operator is where a derivative of it may be wanted: forward it is made of torch's operations.

    `backward` is also told whether it is a call on plain tensors.
    """

    def choose(*arguments: Any) -> Any:
        if of_parts is not None and _is_forward(arguments):
            return of_parts(*arguments)
        return backward(*arguments, False) if derivatives_wanted(*arguments) else _below(operator, *arguments)

    operator.derived = lambda *arguments: backward(*arguments, True)
    _operators.library.impl(operator.name, choose, "Autograd")


_differentiate(_operators.gumbel_softmax, apply(GumbelSoftmax), _gumbel_softmax_of_parts)
_differentiate(_operators.categorical, apply(Categorical), _categorical_of_parts)
_differentiate(_operators.log_prob, apply(LogProb), _log_prob_of_parts)
_differentiate(_operators.softmax_vjp, _softmax_vjp_of_parts)
_differentiate(_operators.log_prob_vjp, _log_prob_vjp_of_parts)
for _constant in (_operators.gumbel, _operators.gumbel_max, _operators.gumbel_top_k):
    _operators.library.impl(_constant.name, partial(_below, _constant), "Autograd")
