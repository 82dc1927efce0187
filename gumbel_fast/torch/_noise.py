"""The noise itself, and draws that are coupled to it: `gumbel`, `gumbel_max` and `gumbel_top_k`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from . import _operators
from ._seeds import seed_of
from ._tensors import CPU, as_number, as_rows, compute_dtype

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def gumbel(
    size: int | Sequence[int], *, dtype: torch.dtype | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """Draw standard Gumbel noise, exact in both tails: what ``-log(-log(u))`` means.

    Parameters
    ----------
    size : int or sequence of ints
        The shape of the result.
    dtype : torch.dtype, optional
        Of real floating-point numbers, by default `torch.get_default_dtype`. Half precision is drawn in float32, and
        rounded.
    generator : torch.Generator, optional
        Source of the seed, as for `gumbel_softmax`.

    Returns
    -------
    Tensor of floats
        Of shape `size`, on the CPU. In float32 and float64 from -3.8 to 45, never infinite.

    Raises
    ------
    TypeError
        A dtype that is not of real floating-point numbers.
    RuntimeError, ValueError
        A negative size.

    See Also
    --------
    gumbel_fast.gumbel : the same for arrays, with location, scale and offsets.

    Examples
    --------
    >>> import torch
    >>> from gumbel_fast.torch import gumbel
    >>> noise = gumbel((1000, 1000), generator=torch.Generator().manual_seed(7))
    >>> noise.mean().round(decimals=2)  # Euler's constant is 0.5772
    tensor(0.5800)
    """
    real = torch.get_default_dtype() if dtype is None else dtype
    if real not in _DTYPES:
        raise TypeError(f"gumbel_fast: dtype must be of real floating-point numbers, not {real}")
    shape = tuple(size) if isinstance(size, Sequence) else (size,)
    if not torch.compiler.is_compiling() and not all(operator.index(n) >= 0 for n in shape):
        raise ValueError(f"gumbel_fast: size must be of ints, 0 or more, not {shape}")
    like = torch.empty((), dtype=compute_dtype(real), device=CPU).expand(shape)
    noise: Tensor = _operators.gumbel(like, seed_of(generator, like))
    return noise.to(real)


def gumbel_max(
    logits: Tensor,
    *,
    temperature: Any = 1.0,
    mask: Tensor | None = None,
    dim: int = -1,
    return_value: bool = False,
    generator: torch.Generator | None = None,
) -> Any:
    """Draw a category from each row of logits by adding noise: ``argmax(logits / temperature + gumbel)``.

    With `return_value` the greatest sum comes with its place, which puts draws from parts of a row together: the part
    with the greatest value has the draw. Where only the index is wanted, `categorical` is quicker.

    Parameters
    ----------
    logits : Tensor of floats, on the CPU, shape (..., n)
        Unnormalised log-probabilities, in nats; -inf is a mask.
    temperature : float or Tensor of floats, shape (...), default 1.0
        0 or more: one for all rows, or a tensor that broadcasts to the batch, the shape of `logits` without `dim`.
    mask : Tensor of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, as for `categorical`; of the shape of `logits`, or packed.
    dim : int, default -1
        The dimension of the categories.
    return_value : bool, default False
        Return the greatest sums as well.
    generator : torch.Generator, optional
        Source of the seed, as for `gumbel_softmax`.

    Returns
    -------
    index : Tensor of int64
        Of the shape of the batch. With the value, the first of a tuple.
    value : Tensor of float64
        Of the same shape, only if `return_value`: the greatest of logits / temperature + noise. It is distributed as
        Gumbel noise plus ``logsumexp(logits / temperature)``. No gradient flows through it.

    Raises
    ------
    ValueError
        As for `categorical`.
    IndexError
        A `dim` that `logits` has not.
    TypeError
        Logits that are sparse, or not real floating-point numbers; a mask of another dtype.

    See Also
    --------
    gumbel_fast.gumbel_max : the same for arrays, with offsets and noise drawn beforehand.

    Examples
    --------
    >>> import torch
    >>> from gumbel_fast.torch import gumbel_max
    >>> gumbel_max(torch.tensor([0.0, 50.0, 0.0]))
    tensor(1)
    """
    if not torch.compiler.is_compiling() and has_torch_function((logits, temperature, mask)):
        return handle_torch_function(
            gumbel_max,
            (logits, temperature, mask),
            logits,
            temperature=temperature,
            mask=mask,
            dim=dim,
            return_value=return_value,
            generator=generator,
        )
    axis = as_rows(logits, mask, dim)
    t = as_number("temperature", temperature, logits)
    drawn = _operators.gumbel_max(logits, seed_of(generator, logits, t, mask), t, mask, axis)
    return tuple(drawn) if return_value else drawn[0]


def gumbel_top_k(
    logits: Tensor,
    k: int,
    *,
    temperature: Any = 1.0,
    mask: Tensor | None = None,
    dim: int = -1,
    return_value: bool = False,
    generator: torch.Generator | None = None,
) -> Any:
    """Draw k categories from each row without replacement: where logits / temperature + noise is greatest.

    Parameters
    ----------
    logits : Tensor of floats, on the CPU, shape (..., n)
        Unnormalised log-probabilities, in nats; -inf is a mask.
    k : int
        How many are drawn.
    temperature : float or Tensor of floats, shape (...), default 1.0
        0 or more: one for all rows, or a tensor that broadcasts to the batch, the shape of `logits` without `dim`.
    mask : Tensor of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, as for `categorical`; of the shape of `logits`, or packed.
    dim : int, default -1
        The dimension of the categories.
    return_value : bool, default False
        Return the values as well.
    generator : torch.Generator, optional
        Source of the seed, as for `gumbel_softmax`.

    Returns
    -------
    index : Tensor of int64
        Of the shape of the batch with a last dimension of k, in order of falling value, which is the order of draws
        without replacement (Plackett-Luce). With the values, the first of a tuple.
    value : Tensor of float64
        Of the same shape, only if `return_value`: the k greatest of logits / temperature + noise. No gradient flows
        through it.

    Raises
    ------
    ValueError
        As for `categorical` without replacement.
    IndexError
        A `dim` that `logits` has not.
    TypeError
        Logits that are sparse, or not real floating-point numbers; a mask of another dtype.

    See Also
    --------
    gumbel_fast.gumbel_top_k : the same for arrays, with its references.

    Examples
    --------
    >>> import torch
    >>> from gumbel_fast.torch import gumbel_top_k
    >>> gumbel_top_k(torch.tensor([0.0, 90.0, 50.0, -torch.inf]), 2)
    tensor([1, 2])
    """
    if not torch.compiler.is_compiling() and has_torch_function((logits, temperature, mask)):
        return handle_torch_function(
            gumbel_top_k,
            (logits, temperature, mask),
            logits,
            k,
            temperature=temperature,
            mask=mask,
            dim=dim,
            return_value=return_value,
            generator=generator,
        )
    axis = as_rows(logits, mask, dim)
    t = as_number("temperature", temperature, logits)
    count = k if isinstance(k, torch.SymInt) else operator.index(k)
    drawn = _operators.gumbel_top_k(logits, seed_of(generator, logits, t, mask), count, t, mask, axis)
    return tuple(drawn) if return_value else drawn[0]
