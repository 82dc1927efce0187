"""What tests of gumbel_fast.torch share: tensors, generators, and models in torch's own differentiable operations.

A module that imports this one is skipped, with a word, where torch is not installed. What runs in other processes
stands in torch_workers.py. Nothing here knows how the library makes its numbers: the noise of a seed is found from
outside, by public functions.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

import gumbel_fast.torch as gt  # noqa: E402  # only where torch is
import reference  # noqa: E402
import torch_workers  # noqa: E402, F401  # from here, so that who wants it is skipped as well

REALS = [torch.float32, torch.float64]
HALVES = [torch.bfloat16, torch.float16]
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-12}


def seeded(seed=7):
    return torch.Generator().manual_seed(seed)


def normal(*shape, dtype=torch.float64, seed=1):
    return torch.randn(shape, dtype=dtype, generator=seeded(seed))


def assert_close(actual, expected, dtype=None):
    """Equal to rounding, in this dtype, by default that of what is expected."""
    dtype = expected.dtype if dtype is None else dtype
    assert actual.dtype == dtype
    assert actual.shape == expected.shape
    torch.testing.assert_close(actual, expected.to(dtype), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def packed(mask):
    """Words of 32 columns, the first in the lowest bit, as engines of grammars give them."""
    bits = np.pad(mask.numpy(), [(0, 0)] * (mask.dim() - 1) + [(0, -mask.shape[-1] % 32)])
    return torch.from_numpy(np.packbits(bits, axis=-1, bitorder="little").view("<i4").astype(np.int32))


def some_mask(*shape, seed=5):
    """Bools, two of three true, and in each row along each dim of more than one at least one that is."""
    mask = torch.rand(shape, generator=seeded(seed)) < 2 / 3
    for dim in range(len(shape)):
        mask |= ~mask.any(dim, keepdim=True)
    return mask


# --------------------------------------------------------------------------------------------------- models, by torch


def noise_of(shape, seed=7, dim=-1, dtype=torch.float64):
    """The noise of `gumbel_softmax` with this seed, but for one number a row, which no softmax sees."""
    return gt.gumbel_softmax(torch.zeros(shape, dtype=dtype), dim=dim, generator=seeded(seed)).log()


def full_noise_of(shape, seed=7, dim=-1, dtype=torch.float64):
    """The noise itself: `gumbel` gives it, rows running along the last dim."""
    moved = torch.empty(shape).movedim(dim, -1).shape
    return gt.gumbel(moved, dtype=dtype, generator=seeded(seed)).movedim(-1, dim)


def relaxed(logits, noise, tau=1, dim=-1, *, keep=None, log=False):
    """What `gumbel_softmax` is, given its noise; what is not kept is -inf, and its gradient 0."""
    keep = torch.isfinite(logits) if keep is None else keep & torch.isfinite(logits)
    z = (torch.where(keep, logits, 0) + noise) / tau
    z = z.masked_fill(~keep, -torch.inf)
    return z.log_softmax(dim) if log else z.softmax(dim)


def by_torch(logits, tau=1, dim=-1, *, seed=7, **how):
    """The sample of `gumbel_softmax` with this seed; of a tau that is constant along dim."""
    return relaxed(logits, noise_of(logits.shape, seed, dim, logits.dtype), tau, dim, **how)


def log_probabilities(logits, temperature=1.0, *, keep=None, dim=-1):
    """Log softmax of what is kept, the last dim being the categories: what `categorical` draws from."""
    logits = logits.movedim(dim, -1)
    keep = torch.isfinite(logits) if keep is None else keep & torch.isfinite(logits)
    if isinstance(temperature, torch.Tensor):
        temperature = temperature.unsqueeze(-1)
    z = torch.where(keep, logits, 0) / temperature
    return z.masked_fill(~keep, -torch.inf).log_softmax(-1)


def log_prob_of(log_p, index):
    """Those of the indices of one draw, or of several in a last dim."""
    if index.dim() == log_p.dim():
        return log_p.gather(-1, index)
    return log_p.gather(-1, index.unsqueeze(-1)).squeeze(-1)


def entropy_of(log_p):
    safe = log_p.masked_fill(log_p == -torch.inf, 0)
    return -(safe * log_p.exp()).sum(-1)


def kept(logits, *, mask=None, dim=-1, **filters):
    """What the filters leave, as bools with the categories last; no boundary of the rows given may be in doubt."""
    x = logits.detach().movedim(dim, -1).double().numpy()
    filters = {name: np.asarray(value) if isinstance(value, torch.Tensor) else value for name, value in filters.items()}
    if mask is not None:
        filters["mask"] = np.broadcast_to(mask.numpy(), logits.shape) if dim == -1 else None
        assert dim == -1, "of masks along the last dim"
    least, most = (reference.kept(x, slack=slack, **filters) for slack in (-1e-6, 1e-6))
    assert np.array_equal(least, most), "a boundary is within the excuse: choose other rows or another top_p"
    return torch.from_numpy(least)
