"""Tensors as arrays and arrays as tensors; which tensors are plain, and what a call may be given in their place.

No operator lives here, and no randomness.
"""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._core.tensors import BF16, F16, F32, F64, MASK_BYTES, MASK_WORDS, PlainTensors

try:
    from ml_dtypes import bfloat16 as _bfloat16
except ImportError:
    _bfloat16 = None  # then bfloat16 tensors are widened by torch before they are read

#: A parameter that is one for all rows, or a tensor of one for each.
Number: TypeAlias = "float | torch.Tensor"

CPU = torch.device("cpu")
_REALS = (torch.float32, torch.float64)
_HALVES = (torch.bfloat16, torch.float16)
_MASKS = {
    torch.bool: MASK_BYTES,
    torch.int8: MASK_BYTES,
    torch.uint8: MASK_BYTES,
    torch.int32: MASK_WORDS,
    torch.uint32: MASK_WORDS,
}

forward_ad = torch.autograd.forward_ad


def derivatives_wanted(*tensors: Any) -> bool:
    """Whether a derivative, backward or forward, may be asked of what is made of these."""
    if forward_ad._current_level >= 0:
        return True
    return torch.is_grad_enabled() and any(isinstance(t, Tensor) and t.requires_grad for t in tensors)


def _new_words() -> torch.Tensor:
    with torch.inference_mode(False):
        return torch.empty(2, dtype=torch.int64, device=CPU)


#: Plain tensors go to the kernels at once. What would have to see an operator forbids it: a transform of torch.func, a
#: mode that watches operators or functions, a trace.
PLAIN = PlainTensors(
    (torch.Tensor, torch.nn.Parameter),
    torch.strided,
    {torch.float32: F32, torch.float64: F64, torch.float16: F16, torch.bfloat16: BF16},
    _MASKS,
    (
        torch._C._are_functorch_transforms_active,
        torch._C._len_torch_dispatch_stack,
        torch._C._is_torch_function_mode_enabled,
        torch._C._get_tracing_state,
    ),
    torch.int64,
    _new_words,
    torch.from_numpy,
)


def is_plain(*arguments: object) -> bool:
    """Whether the tensors among arguments may go to the kernels at once."""
    return not torch.compiler.is_compiling() and forward_ad._current_level < 0 and PLAIN.plain(*arguments)


def check_logits(name: str, tensor: object) -> None:
    """Raise TypeError for what is no dense tensor of real numbers, ValueError for one that is not on the CPU."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"gumbel_fast: {name} must be a tensor, not {type(tensor).__name__}")
    if not tensor.is_cpu and not tensor.is_meta:
        raise ValueError(f"gumbel_fast: {name} must be on the CPU, not on {tensor.device}")
    if tensor.layout is not torch.strided:
        raise TypeError(f"gumbel_fast: {name} must be dense, not of layout {tensor.layout}")
    if tensor.dtype not in _REALS and tensor.dtype not in _HALVES:
        raise TypeError(f"gumbel_fast: {name} must be real floating-point numbers, not of dtype {tensor.dtype}")


def check_mask(mask: object, logits: torch.Tensor) -> None:
    """Raise TypeError for what is no mask, ValueError for one that is elsewhere."""
    if mask is None:
        return
    if not isinstance(mask, Tensor):
        raise TypeError(f"gumbel_fast: mask must be a tensor, not {type(mask).__name__}")
    if mask.dtype not in _MASKS:
        raise TypeError(f"gumbel_fast: mask must be of bool, int8, uint8, int32 or uint32, not of dtype {mask.dtype}")
    check_device("mask", mask, logits)


def check_device(name: str, tensor: torch.Tensor, logits: torch.Tensor) -> None:
    """Raise ValueError for a tensor that is not where the logits are."""
    if tensor.device != logits.device:
        raise ValueError(f"gumbel_fast: {name} must be on {logits.device}, as the logits, not on {tensor.device}")


def as_booleans(mask: torch.Tensor, categories: int) -> torch.Tensor:
    """Return a mask as booleans, one for each category of the last dimension where it has words."""
    if mask.dtype not in (torch.int32, torch.uint32):
        return mask.to(torch.bool)
    bits = mask.view(torch.int32).unsqueeze(-1) >> torch.arange(32, dtype=torch.int32, device=mask.device)
    some = (bits & 1).flatten(-2).to(torch.bool)
    return torch.nn.functional.pad(some, (0, max(categories - some.shape[-1], 0)))[..., :categories]


def from_the_end(dim: Any, ndim: int) -> int:
    """Return the number of a dimension of logits counted from the last, -1, so that leading ones may be added."""
    if isinstance(dim, bool):
        raise TypeError("gumbel_fast: dim must be an int, not bool")
    number = operator.index(dim)
    count = max(ndim, 1)  # as for torch's softmax, a tensor without dimensions has one category
    if not -count <= number < count:
        raise IndexError(f"Dimension out of range (expected to be from {-count} to {count - 1}, but got {number})")
    return number if number < 0 else number - count


def as_rows(logits: Any, mask: object, dim: Any) -> int:
    """Return the dimension of the categories, from the last, of logits and a mask that can be drawn from."""
    check_logits("logits", logits)
    check_mask(mask, logits)
    if not logits.ndim:
        raise ValueError("gumbel_fast: logits must have one dimension or more")
    return from_the_end(dim, logits.ndim)


def as_number(name: str, value: Any, logits: torch.Tensor) -> Number:
    """Return one number as a float, unless it has to stay a tensor, and more as a tensor."""
    if isinstance(value, Tensor):
        if value.is_complex():
            raise TypeError(f"gumbel_fast: {name} must be real, not of dtype {value.dtype}")
        if value.ndim or not value.is_cpu:
            check_device(name, value, logits)
        return value if value.ndim or derivatives_wanted(value) or not is_plain(value) else float(value)
    if torch.compiler.is_compiling():
        return value  # perhaps a symbol, which only torch's functions know
    # Of strings float makes numbers, and of some arrays.
    if not (hasattr(value, "__float__") or hasattr(value, "__index__")) or getattr(value, "ndim", False):
        raise TypeError(f"gumbel_fast: {name} must be a number or a tensor, not {type(value).__name__}")
    return float(value)


def as_tensor(value: Any) -> Any:
    """Return a number, if there is one, as operators take it."""
    if value is None or isinstance(value, Tensor):
        return value
    if (
        torch.compiler.is_compiling()
    ):  # by a sum: of the ways to make a tensor of a float, one that takes it for an input
        return torch.zeros((), dtype=torch.float64, device=CPU) + value
    return torch.full((), value, dtype=torch.float64, device=CPU)


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return what logits of a dtype are computed in."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def array_of(tensor: torch.Tensor, *, halves: bool = False) -> NDArray[Any]:
    """Return a tensor's memory as an array; half precision is widened to float32, unless `halves` can be read."""
    dtype = tensor.dtype
    array: NDArray[Any]  # numpy(force=True) shares the memory: only the gradient is left behind
    if halves and dtype == torch.bfloat16 and _bfloat16:
        array = tensor.view(torch.int16).numpy(force=True).view(_bfloat16)
    elif dtype == torch.bfloat16 or (dtype == torch.float16 and not halves):
        array = tensor.float().numpy(force=True)
    else:
        array = tensor.numpy(force=True)
    return array


def number_of(value: Number) -> Number:
    """Return a tensor without dimensions as a float."""
    return float(value.detach()) if isinstance(value, Tensor) and not value.ndim else value


def numbers_of(value: Number | None) -> Any:
    """Return a parameter as the library takes it: a tensor as an array."""
    return array_of(value) if isinstance(value, Tensor) else value


def tensor_of(array: NDArray[Any], dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return an array as a contiguous tensor, of this dtype."""
    tensor = torch.from_numpy(array if array.flags.c_contiguous else np.ascontiguousarray(array))
    return tensor if dtype is None or tensor.dtype == dtype else tensor.to(dtype)
