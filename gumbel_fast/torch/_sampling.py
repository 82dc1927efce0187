"""`categorical`, draws from tensors of logits with their log-probabilities and the entropy."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from .._sampling import MOST_SAMPLES
from . import _operators
from ._seeds import look_for_checkpoint, seed_of
from ._tensors import PLAIN, as_number, as_rows, derivatives_wanted


def categorical(
    logits: Tensor,
    num_samples: int | None = None,
    replacement: bool = True,
    *,
    temperature: Any = 1.0,
    top_k: Any = None,
    top_p: Any = None,
    min_p: Any = None,
    filter_temperature: Any = None,
    mask: Tensor | None = None,
    dim: int = -1,
    return_log_prob: bool = False,
    return_entropy: bool = False,
    generator: torch.Generator | None = None,
) -> Any:
    """Draw categories from each row of logits, with probability ``softmax(logits / temperature)``.

    What `torch.multinomial` draws from probabilities, drawn from logits: no softmax is computed, no category is lost,
    and there is no limit of 2**24 categories. Where they are wanted, the log-probabilities of the draws and the entropy
    come with them, from one pass over the row, and so do their gradients, masks and filters included.

    Parameters
    ----------
    logits : Tensor of floats, on the CPU, shape (..., n)
        Unnormalised log-probabilities, in nats; -inf is a mask. float32, float64 and float16 tensors are read where
        they lie if `dim` is contiguous, else copied; so are bfloat16 ones where ml_dtypes is installed, else they are
        widened to float32.
    num_samples : int, optional
        Draws from each row; they form a last dimension of the result. By default one draw and no such dimension.
    replacement : bool, default True
        False draws without replacement, in the order drawn. (`torch.multinomial` does so by default.)
    temperature : float or Tensor of floats, shape (...), default 1.0
        0 or more: one for all rows, or a tensor that broadcasts to the batch, the shape of `logits` without `dim`.
        Temperature 0 gives the first of the largest, as argmax. It may require a gradient.
    top_k : int or Tensor of ints, shape (...), optional
        Keep this many of the likeliest categories. Like the other filters, which mean what they do in
        `gumbel_fast.categorical`, one number for all rows, or a tensor that broadcasts to the shape of the batch.
    top_p : float or Tensor of floats, shape (...), optional
        Keep the likeliest that together have this probability.
    min_p : float or Tensor of floats, shape (...), optional
        Keep what has at least this share of the probability of the likeliest.
    filter_temperature : float or Tensor of floats, shape (...), optional
        The temperature of the probabilities that `top_p` and `min_p` look at; by default `temperature`.
    mask : Tensor of bool, int8, uint8, int32 or uint32, optional
        What may be drawn, before the filters. Of bool, int8 or uint8, it broadcasts to the shape of `logits` and is
        nonzero where a category may be drawn. Of int32 or uint32, its last dimension has words of 32 categories along
        that of `logits`, category c being bit ``c % 32`` of word ``c // 32``. It is read where it lies. What it leaves
        out has gradient 0, whatever its logit, NaN too.
    dim : int, default -1
        The dimension of the categories.
    return_log_prob : bool, default False
        Return the log-probabilities of the draws as well.
    return_entropy : bool, default False
        Return the entropy of a draw from each row as well.
    generator : torch.Generator, optional
        Source of the seed, as for `gumbel_softmax`.

    Returns
    -------
    index : Tensor of int64
        Of the shape of the batch, or with a last dimension of `num_samples`. If more is returned, the first of a tuple.
    log_prob : Tensor of float32 or float64
        Of the same shape, only if `return_log_prob`: the logarithm of ``softmax(logits / temperature)`` over what the
        mask and the filters keep; without replacement, that of each category as the first draw. It has a derivative in
        `logits` and `temperature`; which categories are kept has none. It is float64 for float64 logits.
    entropy : Tensor of float32 or float64
        Of the shape of the batch, only if `return_entropy`: that of the same probabilities, in nats, with derivatives.

    Raises
    ------
    ValueError
        A row with NaN, +inf or nothing left to draw from, or with no categories; without replacement, a row with fewer
        than `num_samples` categories left; a temperature or a filter that is negative or NaN; a mask of the wrong
        shape; a negative `num_samples`; a tensor that is not on the CPU.
    IndexError
        A `dim` that `logits` has not.
    TypeError
        Logits that are sparse, or not real floating-point numbers; a mask of another dtype.

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

    A step of a policy whose last action is not allowed:

    >>> logits = torch.zeros(2, 3, requires_grad=True)
    >>> mask = torch.tensor([True, True, False])
    >>> action, log_prob, entropy = categorical(logits, mask=mask, return_log_prob=True, return_entropy=True)
    >>> log_prob.exp()
    tensor([0.5000, 0.5000], grad_fn=<ExpBackward0>)
    >>> (log_prob.sum() + 0.01 * entropy.sum()).backward()
    >>> logits.grad[:, 2]
    tensor([0., 0.])
    """
    if not torch.compiler.is_compiling():
        told = return_log_prob or return_entropy
        if num_samples is None and dim == -1 and not (told and derivatives_wanted(logits, temperature)):
            if generator is not None:
                look_for_checkpoint()
            numbers = top_k, top_p, min_p, filter_temperature
            small = PLAIN.categorical(
                logits, temperature, numbers, mask, generator, None, return_log_prob, return_entropy
            )
            if small is not None:
                return _wanted(small) if told else small[0]
        given = (logits, temperature, top_k, top_p, min_p, filter_temperature, mask)
        if has_torch_function(given):
            return handle_torch_function(
                categorical,
                given,
                logits,
                num_samples,
                replacement,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                min_p=min_p,
                filter_temperature=filter_temperature,
                mask=mask,
                dim=dim,
                return_log_prob=return_log_prob,
                return_entropy=return_entropy,
                generator=generator,
            )
    axis = as_rows(logits, mask, dim)
    samples = None if num_samples is None else operator.index(num_samples)
    if samples is not None and not 0 <= samples <= MOST_SAMPLES:
        raise ValueError(f"gumbel_fast: num_samples must be 0 to 2**32, not {samples}")
    t = as_number("temperature", temperature, logits)
    filters = {"top_k": top_k, "top_p": top_p, "min_p": min_p, "filter_temperature": filter_temperature}
    kept = [None if value is None else as_number(name, value, logits) for name, value in filters.items()]
    parts = (t, *kept, mask)
    seed = seed_of(generator, logits, *parts)
    how = bool(return_log_prob), bool(return_entropy)
    drawn = _operators.categorical(logits, seed, samples, bool(replacement), *parts, axis, *how)
    return _wanted([tensor if wanted else None for tensor, wanted in zip(drawn, (True, *how), strict=True)])


def _wanted(drawn: Any) -> Any:
    """Return the tensors that there are: one by itself."""
    tensors = tuple(tensor for tensor in drawn if tensor is not None)
    return tensors if len(tensors) > 1 else tensors[0]


def tell(logits: Tensor, index: Tensor | None, mask: Tensor | None, *, entropy: bool) -> tuple[Tensor, Tensor]:
    """Return the log-probabilities of given categories, and the entropy; what is not wanted means nothing.

    `index` has one for each row, or several in a last dimension; the categories are along the last of `logits`.
    """
    told: tuple[Tensor, Tensor] = _operators.log_prob(logits, index, 1.0, None, None, None, None, mask, -1, entropy)
    return told
