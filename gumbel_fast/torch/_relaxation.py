"""`gumbel_softmax`, in place of ``torch.nn.functional.gumbel_softmax``."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from . import _operators
from ._seeds import seed_of
from ._tensors import as_booleans, as_number, check_logits, check_mask, compute_dtype, from_the_end, is_plain

_IGNORED_EPS = 1e-10  # torch's default for a parameter that does nothing


def gumbel_softmax(
    logits: Tensor,
    tau: Any = 1,
    hard: bool = False,
    eps: float = _IGNORED_EPS,
    dim: int = -1,
    *,
    log: bool = False,
    mask: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Sample from the Gumbel-softmax distribution: a drop-in for `torch.nn.functional.gumbel_softmax`, on the CPU.

    ``softmax((logits + noise) / tau)`` with standard Gumbel noise: nearly one-hot at a small `tau`, nearly uniform at a
    large one, and at any `tau` largest where a sample from ``softmax(logits)`` falls. The gradient flows through it to
    `logits`, so that a discrete choice can stand in the middle of a network.

    Parameters
    ----------
    logits : Tensor of floats, on the CPU, of any shape
        Unnormalised log-probabilities, in nats; -inf is a mask, and gives exactly 0. float32, float64 and float16
        tensors are read where they lie if `dim` is contiguous, else copied; so are bfloat16 ones where ml_dtypes is
        installed, else they are widened to float32. Half precision is computed in float32, and rounded.
    tau : float or Tensor of floats, default 1
        Temperature, above 0. A tensor broadcasts as in ``(logits + noise) / tau``, and may require a gradient. One
        temperature for all, or one for each row (a size of 1 along `dim`), is quicker than other shapes.
    hard : bool, default False
        Straight-through: the result is exactly one-hot, 1 at the largest entry of the soft sample, and its gradient is
        that of the soft sample.
    eps : float, default 1e-10
        Ignored, with torch's warning: torch takes it so that old code runs.
    dim : int, default -1
        The dimension of the categories.
    log : bool, default False
        Return the logarithm of the soft sample, finite where the sample underflows to 0. Not together with `hard`.
    mask : Tensor of bool, int8, uint8, int32 or uint32, optional
        What may be drawn. Of bool, int8 or uint8, it broadcasts to the shape of `logits` and is nonzero where a
        category may be drawn. Of int32 or uint32, its last dimension has words of 32 categories along that of `logits`,
        category c being bit ``c % 32`` of word ``c // 32``. What it leaves out is 0 in the sample, -inf in its
        logarithm, and has gradient 0, whatever its logit.
    generator : torch.Generator, optional
        Source of the seed, by default torch's own for the CPU: `torch.manual_seed` makes results repeatable. Two 64-bit
        words are taken from it at each call. The numbers are not those of torch.

    Returns
    -------
    Tensor of floats
        Of the dtype of `logits` and of their shape, or that which they and `tau` broadcast to. A row with NaN or +inf,
        or with nothing left, gives NaN.

    Raises
    ------
    ValueError
        A `tau` that is 0, negative or NaN; `hard` and `log` together; a tensor that is not on the CPU.
    IndexError
        A `dim` that `logits` has not.
    TypeError
        Logits that are sparse, or not real floating-point numbers; a mask of another dtype; a `dim` that is not an int.

    Notes
    -----
    It works under `torch.compile`, `torch.export`, `torch.func` and `torch.vmap`, and has derivatives of every order,
    backward and forward.

    References
    ----------
    E. Jang, S. Gu, B. Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017.
    C. J. Maddison, A. Mnih, Y. W. Teh, "The Concrete distribution", ICLR 2017.

    Examples
    --------
    >>> import torch
    >>> from gumbel_fast.torch import gumbel_softmax
    >>> logits = torch.zeros(1000, 3, requires_grad=True)
    >>> sample = gumbel_softmax(logits, tau=0.5, hard=True, generator=torch.Generator().manual_seed(7))
    >>> sample.detach().sum(dim=-1).unique()
    tensor([1.])
    >>> reward = (sample @ torch.tensor([1.0, 2.0, 3.0])).mean()
    >>> reward.backward()
    >>> logits.grad.sum(dim=0).argmax()  # to climb is to raise the logits of the last category most
    tensor(2)
    """
    given = (logits, tau, mask)
    if not torch.compiler.is_compiling() and has_torch_function(given):
        sample: Tensor = handle_torch_function(
            gumbel_softmax, given, logits, tau, hard, eps, dim, log=log, mask=mask, generator=generator
        )
        return sample
    if eps != _IGNORED_EPS:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    check_logits("logits", logits)
    check_mask(mask, logits)
    if hard and log:
        raise ValueError("gumbel_fast: hard and log exclude each other: a one-hot sample has no logarithm")
    temperature = as_number("tau", tau, logits)
    if isinstance(temperature, float) and not temperature > 0:
        raise ValueError(f"gumbel_fast: tau, the temperature, must be above 0, not {temperature}")
    if isinstance(temperature, Tensor) and temperature.ndim:
        logits = logits.to(_dtype_over(logits, temperature))
        if not _is_of_rows(temperature, logits, dim):
            return _by_parts(logits, temperature, bool(hard), dim, bool(log), mask, generator)
    axis = from_the_end(dim, logits.ndim)
    x = logits if logits.ndim else logits.unsqueeze(0)
    seed = seed_of(generator, x, temperature, mask)
    sample = _operators.gumbel_softmax(x, seed, temperature, mask, axis, bool(hard), bool(log))[0]
    return sample if logits.ndim else sample.squeeze(0)


def _dtype_over(logits: Tensor, tau: Tensor) -> torch.dtype:
    """Return the dtype of ``logits / tau``, tau having dimensions; `torch.result_type` is not for graphs."""
    if not tau.is_floating_point():
        return logits.dtype
    return torch.promote_types(logits.dtype, tau.dtype) if logits.ndim else tau.dtype


def _is_of_rows(tau: Tensor, logits: Tensor, dim: Any) -> bool:
    """Whether there is one temperature for all or one for each row."""
    own, shape = tuple(tau.shape), tuple(logits.shape)
    if len(own) > len(shape):
        return False
    axis = from_the_end(dim, logits.ndim)
    pairs = zip(reversed(own), reversed(shape), strict=False)
    return all(a == 1 or (a == b and place != -axis) for place, (a, b) in enumerate(pairs, start=1))


def _by_parts(
    logits: Tensor,
    tau: Tensor,
    hard: bool,
    dim: Any,
    log: bool,
    mask: Tensor | None,
    generator: torch.Generator | None,
) -> Tensor:
    """Sample by torch's operations: with temperatures that differ along a row, or that make rows of one.

    `dim` is then one of the result. What torch's own function refuses, a one-hot of more rows, is refused.
    """
    if is_plain(tau) and not bool((tau > 0).all()):
        raise ValueError("gumbel_fast: tau, the temperature, must be above 0")
    try:
        shape = torch.broadcast_shapes(tuple(logits.shape), tuple(tau.shape))
    except RuntimeError:
        shapes = tuple(tau.shape), tuple(logits.shape)
        raise ValueError("gumbel_fast: tau of shape {} does not broadcast with logits of {}".format(*shapes)) from None
    if hard and shape != tuple(logits.shape):
        raise ValueError(f"gumbel_fast: tau of shape {tuple(tau.shape)} makes more rows of logits: hard cannot be")
    axis = from_the_end(dim, len(shape))
    wide = compute_dtype(logits.dtype)
    columns = axis if -axis <= logits.ndim else -1  # along which the noise has its columns
    x = (logits if logits.ndim else logits.unsqueeze(0)).to(wide)
    noise = _operators.gumbel(x.detach().movedim(columns, -1), seed_of(generator, x, tau, mask)).movedim(-1, columns)
    z = (x + noise).reshape(logits.shape)
    out = z == -torch.inf
    if mask is not None:
        out = out | ~as_booleans(mask, x.shape[columns])
    z = (z.masked_fill(out, 0) / tau.to(wide)).masked_fill(out, -torch.inf)
    soft = (z.log_softmax(axis) if log else z.softmax(axis)).to(logits.dtype)
    if not hard:
        return soft
    one_hot = torch.zeros_like(soft).scatter(axis, z.argmax(axis, keepdim=True), 1.0)
    return one_hot + (soft - soft.detach())
