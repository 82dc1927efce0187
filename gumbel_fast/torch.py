"""PyTorch's door to this library, for tensors on the CPU: `gumbel_softmax`, with its gradient, and `categorical`.

What a tensor becomes, where its seed comes from and how a gradient flows back stand here; the arithmetic is that of
`gumbel_fast.gumbel_softmax`, `softmax_vjp` and `categorical`. Nothing else in the library imports torch.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from . import categorical as _categorical
from . import gumbel_softmax as _gumbel_softmax
from . import softmax_vjp as _softmax_vjp
from ._rng import SeedPair

try:
    from ml_dtypes import bfloat16 as _bfloat16
except ImportError:
    _bfloat16 = None  # then bfloat16 logits are widened by torch before they are drawn from

__all__ = ["categorical", "gumbel_softmax"]

_CPU = torch.device("cpu")
_REALS = (torch.float32, torch.float64)
_HALVES = (torch.bfloat16, torch.float16)
_IGNORED_EPS = 1e-10  # torch's default for a parameter that does nothing


def gumbel_softmax(
    logits: torch.Tensor,
    tau: float | torch.Tensor = 1,
    hard: bool = False,
    dim: int = -1,
    *,
    generator: torch.Generator | None = None,
    eps: float = _IGNORED_EPS,
) -> torch.Tensor:
    """Sample from the Gumbel-softmax distribution: a drop-in for `torch.nn.functional.gumbel_softmax`, on the CPU.

    ``softmax((logits + noise) / tau)`` with standard Gumbel noise: nearly one-hot at a small `tau`, nearly uniform at a
    large one, and at any `tau` largest where a sample from ``softmax(logits)`` falls. The gradient flows through it to
    `logits`, so that a discrete choice can stand in the middle of a network.

    Parameters
    ----------
    logits : Tensor, on the CPU
        Unnormalised log-probabilities, in nats; -inf is a mask, and gives exactly 0. float32, float64
        and float16 tensors are read where they lie if `dim` is contiguous, else copied; so are bfloat16 ones where
        ml_dtypes is installed, else they are widened to float32. Half precision is computed in float32.
    tau : float or Tensor, optional
        Temperature, above 0. A tensor has size 1 along `dim` and broadcasts to `logits`: one temperature for all, or
        one for each row. It may require a gradient.
    hard : bool, optional
        Straight-through: the result is exactly one-hot, 1 at the largest entry of the soft sample, and its gradient is
        that of the soft sample.
    dim : int, optional
        The dimension of the categories.
    generator : torch.Generator, optional
        Source of the seed, by default torch's own for the CPU: `torch.manual_seed` makes results repeatable. Two 64-bit
        words are taken from it at each call. The numbers are not those of torch.
    eps : float, optional
        Ignored, with torch's warning: torch takes it so that old code runs. By keyword only.

    Returns
    -------
    Tensor
        Contiguous, of the shape and dtype of `logits`. A row with NaN or +inf, or of nothing but -inf, gives NaN.

    Raises
    ------
    ValueError
        A `tau` that is 0, negative or NaN, or that varies along `dim`; a tensor that is not on the CPU.
    IndexError
        A `dim` that `logits` has not.
    TypeError
        Logits that are sparse, or not real floating-point numbers; a `dim` that is not an int.

    Notes
    -----
    The gradient can be taken once: ``create_graph=True``, forward-mode differentiation, `torch.func` and `torch.vmap`
    meet an error that says so. Under `torch.compile` the call runs as it stands, between two compiled graphs;
    ``fullgraph=True`` cannot hold it.

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
    if eps != _IGNORED_EPS:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    if not isinstance(dim, int):
        raise TypeError(f"dim must be an int, not {type(dim).__name__}")
    sample: torch.Tensor
    if torch.compiler.is_compiling():
        sample = _outside_graphs(gumbel_softmax)(logits, tau, hard, dim, generator=generator)
    else:
        sample = _apply(logits, tau, hard, dim, _seed(generator))
    return sample


def categorical(
    logits: torch.Tensor,
    num_samples: int | None = None,
    *,
    replacement: bool = True,
    temperature: float | torch.Tensor = 1.0,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Draw categories from each row of logits, with probability ``softmax(logits / temperature)``.

    What `torch.multinomial` draws from probabilities, drawn from logits: no softmax is computed, no category is lost,
    and there is no limit of 2**24 categories. No gradient flows through it.

    Parameters
    ----------
    logits : Tensor, on the CPU
        Unnormalised log-probabilities, in nats, the last dimension being the categories; -inf is a mask. float32,
        float64 and float16 tensors are read where they lie if that dimension is contiguous, else copied; so are
        bfloat16 ones where ml_dtypes is installed, else they are widened to float32.
    num_samples : int, optional
        Draws from each row; they form a last dimension of the result. By default one draw and no such dimension.
    replacement : bool, optional
        False draws without replacement, in the order drawn.
    temperature : float or Tensor, optional
        0 or more: one for all rows, or a tensor that broadcasts to the shape of `logits` without its last dimension.
        Temperature 0 gives the first of the largest, as argmax.
    generator : torch.Generator, optional
        Source of the seed, as for `gumbel_softmax`.

    Returns
    -------
    Tensor of int64
        Indices, of the shape of `logits` without its last dimension, or with `num_samples` in its place.

    Raises
    ------
    ValueError
        A row with NaN, +inf or nothing but -inf, or with no categories; without replacement, a row with fewer than
        `num_samples` categories that are not -inf; a temperature that is negative or NaN; a negative `num_samples`; a
        tensor that is not on the CPU.
    TypeError
        Logits that are sparse, or not real floating-point numbers.

    See Also
    --------
    gumbel_fast.categorical : the same for arrays, with the methods and their references.

    Examples
    --------
    >>> import torch
    >>> from gumbel_fast.torch import categorical
    >>> logits = torch.tensor([0.1, 0.2, 0.7]).log()
    >>> drawn = categorical(logits, 100_000, generator=torch.Generator().manual_seed(7))
    >>> (drawn.bincount() / 100_000).round(decimals=2)
    tensor([0.1000, 0.2000, 0.7000])
    >>> categorical(torch.zeros(4, 1000), 5, replacement=False).shape
    torch.Size([4, 5])
    """
    drawn: torch.Tensor
    if torch.compiler.is_compiling():
        drawn = _outside_graphs(categorical)(
            logits, num_samples, replacement=replacement, temperature=temperature, generator=generator
        )
    else:
        indices = _categorical(
            _array("logits", logits, halves=True),
            num_samples=num_samples,
            replace=replacement,
            temperature=_array("temperature", temperature) if isinstance(temperature, torch.Tensor) else temperature,
            rng=_seed(generator),
            workers=torch.get_num_threads(),
        )
        drawn = torch.as_tensor(indices)
    return drawn


class _GumbelSoftmax(torch.autograd.Function):  # type: ignore[misc, unused-ignore]  # untyped where torch is absent
    """The sample y = softmax((x + noise) / tau); what flows back to x is softmax's gradient at y."""

    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, tau: float | torch.Tensor, hard: bool, dim: int, seed: SeedPair
    ) -> torch.Tensor:
        x = _array("logits", logits, halves=True)
        how: dict[str, Any] = {
            "temperature": _temperature(tau, x.shape, dim),
            "axis": dim,
            "workers": torch.get_num_threads(),
        }
        sample = None
        if not hard or any(ctx.needs_input_grad):
            ctx.how, ctx.tau_shape = how, tau.shape if isinstance(tau, torch.Tensor) else None
            sample = _tensor(_gumbel_softmax(x, rng=seed, **how), logits.dtype)
            ctx.save_for_backward(sample)
        if sample is None or hard:
            sample = _tensor(_gumbel_softmax(x, hard=True, rng=seed, **how), logits.dtype)
        return sample

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        if torch.is_grad_enabled():  # by create_graph=True; torch's once_differentiable would let some of these pass
            raise RuntimeError("gumbel_softmax can be differentiated once: create_graph=True goes too far")
        (soft,) = ctx.saved_tensors
        dx = _tensor(_softmax_vjp(_array("sample", soft), _array("gradient", grad), **ctx.how), soft.dtype)
        dtau = None
        if ctx.needs_input_grad[1]:
            # With z = (x + noise) / tau: dz/dtau = -z / tau, so the gradient is -sum(dx * z). z is log(y) but for one
            # number a row, which drops out, as dx sums to 0 along it.
            dtau = -torch.xlogy(dx, soft).sum_to_size(ctx.tau_shape)
        return dx, dtau, None, None, None


_apply: Any = _GumbelSoftmax.apply


def _outside_graphs(function: Any) -> Any:
    """Return the function for code that is being compiled: one break of the graph, where tracing it would make many."""
    disable: Any = torch.compiler.disable  # not at import: it takes a second to load the compiler
    return disable(function)


def _seed(generator: torch.Generator | None) -> SeedPair:
    """Take the two words of a call from the generator."""
    words = torch.empty(2, dtype=torch.int64, device=_CPU).random_(-(2**63), None, generator=generator)
    key, row = words.tolist()
    return SeedPair(key % 2**64, row % 2**64)


def _array(name: str, tensor: torch.Tensor, *, halves: bool = False) -> NDArray[Any]:
    """Return the tensor's memory as an array; half precision is widened to float32, unless `halves` can be read."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, not {type(tensor).__name__}")
    if not tensor.is_cpu:
        raise ValueError(f"{name} must be on the CPU, not on {tensor.device}")
    if tensor.layout is not torch.strided:
        raise TypeError(f"{name} must be dense, not of layout {tensor.layout}")
    dtype = tensor.dtype
    array: NDArray[Any]  # numpy(force=True) shares the memory: only the gradient is left behind
    if dtype in _REALS or (halves and dtype == torch.float16):
        array = tensor.numpy(force=True)
    elif halves and dtype == torch.bfloat16 and _bfloat16:
        array = tensor.view(torch.int16).numpy(force=True).view(_bfloat16)
    elif dtype in _HALVES:
        array = tensor.float().numpy(force=True)
    else:
        raise TypeError(f"{name} must be real floating-point numbers, not of dtype {dtype}")
    return array


def _tensor(array: NDArray[Any], dtype: torch.dtype) -> torch.Tensor:
    """Return the array as a contiguous tensor of this dtype."""
    tensor = torch.from_numpy(array if array.flags.c_contiguous else np.ascontiguousarray(array))
    return tensor if tensor.dtype == dtype else tensor.to(dtype)


def _temperature(tau: float | torch.Tensor, shape: tuple[int, ...], dim: int) -> float | NDArray[Any]:
    """Return a tensor's temperatures as `gumbel_fast` wants them: without the dimension of the categories."""
    if not isinstance(tau, torch.Tensor):
        return float(tau)
    values = _array("tau", tau)
    values = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
    if values.ndim > len(shape) or values.shape[dim] != 1:
        raise ValueError(f"tau must have size 1 along dim {dim} and broadcast to {shape}, not shape {tuple(tau.shape)}")
    return np.squeeze(values, axis=dim)
