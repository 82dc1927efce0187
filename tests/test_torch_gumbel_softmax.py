"""gumbel_fast.torch.gumbel_softmax beside torch.nn.functional's: samples, gradients, arguments, layouts, seeds.

Samples and gradients are held to torch's own operations on the same noise. Transforms, compilers and other places where
it must work are the subjects of test_torch_transforms.py and test_torch_compile.py. Random data are of fixed seeds;
what is compared is exact or within rounding, so that right code never fails but where a test says how often.
"""

import inspect
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from statistical import assert_continuous, assert_draws_follow, softmax
from torch_helpers import (
    HALVES,
    REALS,
    F,
    assert_close,
    by_torch,
    full_noise_of,
    gt,
    normal,
    packed,
    relaxed,
    seeded,
    some_mask,
    torch,
)

gumbel_softmax = gt.gumbel_softmax


# ------------------------------------------------------------------------------------------------ samples and gradients


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("dim", [-1, 0, 1, 2, -3])
@pytest.mark.parametrize("tau", [0.3, 1, 7.5])
def test_sample_and_gradient_are_those_of_torch(dtype, dim, tau):
    logits = normal(4, 5, 6, dtype=dtype).requires_grad_()
    weights = normal(4, 5, 6, dtype=dtype, seed=2)
    sample = gumbel_softmax(logits, tau, dim=dim, generator=seeded())
    expected = by_torch(logits, tau, dim)
    assert_close(sample, expected, dtype)
    (gradient,) = torch.autograd.grad(sample, logits, weights)
    (expected_gradient,) = torch.autograd.grad(expected, logits, weights)
    assert_close(gradient, expected_gradient, dtype)


@pytest.mark.parametrize("dim", [-1, 0, 1])
@pytest.mark.parametrize("log", [False, True])
def test_gradcheck(dim, log):
    logits = normal(3, 4, 2).requires_grad_()
    tau = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)

    def sample(x, t):
        return gumbel_softmax(x, t, dim=dim, log=log, generator=seeded())

    assert torch.autograd.gradcheck(sample, (logits, tau))
    assert torch.autograd.gradgradcheck(sample, (logits, tau))


def test_sample_is_that_of_the_library():
    """It has the distribution of gumbel_fast.gumbel_softmax: the largest entry falls as softmax(logits) says.

    Right code fails it once in a million seeds.
    """
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
    drawn = gumbel_softmax(logits.expand(40_000, 5), 0.7, generator=seeded()).argmax(dim=-1)
    p = softmax(logits)
    assert_draws_follow(drawn, p, against={"a temperature inside": softmax(logits, 0.7), "no noise": np.eye(5)[2]})


def test_sample_has_the_law_of_torchs():
    """Of two categories the logarithm of their ratio is logistic, scaled by 1/tau; fails once in a million seeds."""
    sample = gumbel_softmax(torch.zeros(40_000, 2, dtype=torch.float64), 0.7, generator=seeded())
    ratio = 0.7 * (sample[:, 0].log() - sample[:, 1].log())
    assert_continuous(ratio.numpy(), lambda x: 1 / (1 + np.exp(-x)), distance=0.025)


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("offset", [-1e8, 1e6, -3e38])
@pytest.mark.parametrize("hard", [False, True])
def test_only_differences_between_logits_count(offset, hard):
    """Rows of equal logits at any offset give the bits of rows of zeros."""
    for n in 2, 7, 100, 1000:
        plain, moved = (
            gumbel_softmax(torch.full((50, n), level), hard=hard, generator=seeded(3)) for level in (0.0, offset)
        )
        assert torch.equal(plain, moved)


@pytest.mark.parametrize("how", ["soft", "hard", "log"])
def test_gradient_that_is_one_number_everywhere(how):
    """sum() sends back a tensor of stride 0; a sample's sum is always 1."""
    logits = normal(6, 7).requires_grad_()
    sample = gumbel_softmax(logits, hard=how == "hard", log=how == "log", generator=seeded())
    sample.sum().backward()
    expected = 1 - 7 * sample.exp() if how == "log" else torch.zeros(6, 7, dtype=torch.float64)
    torch.testing.assert_close(logits.grad, expected.detach(), rtol=0, atol=1e-13)


def test_layout_of_the_gradient_makes_no_difference():
    weights = normal(7, 6, seed=2)
    gradients = []
    for given in (weights.t(), weights.t().contiguous()):
        logits = normal(6, 7).requires_grad_()
        gumbel_softmax(logits, generator=seeded()).backward(given)
        gradients.append(logits.grad)
    assert torch.equal(*gradients)


def test_logits_may_be_the_end_of_a_graph():
    weights = normal(5, 3).requires_grad_()
    inputs = normal(8, 5, seed=2)
    gumbel_softmax(inputs @ weights, generator=seeded()).square().sum().backward()
    gradient, weights.grad = weights.grad, None
    by_torch(inputs @ weights).square().sum().backward()
    assert_close(gradient, weights.grad)


def test_the_graph_may_be_used_twice():
    logits = normal(4, 5).requires_grad_()
    sample = gumbel_softmax(logits, generator=seeded())
    first = torch.autograd.grad(sample[0, 0], logits, retain_graph=True)
    second = torch.autograd.grad(sample[0, 0], logits)
    assert torch.equal(*first, *second)


def test_rows_that_no_gradient_reaches_get_0():
    logits = normal(4, 5).requires_grad_()
    gumbel_softmax(logits, generator=seeded())[1].square().sum().backward()
    assert torch.all(logits.grad[[0, 2, 3]] == 0)
    assert logits.grad[1].abs().max() > 0


@pytest.mark.parametrize("hard", [False, True])
def test_writing_to_the_sample_before_backward_is_noticed(hard):
    """Or does no harm."""
    logits = normal(4, 5).requires_grad_()
    sample = gumbel_softmax(logits, 0.5, hard, generator=seeded())
    (expected,) = torch.autograd.grad(sample[:, 0].sum(), logits, retain_graph=True)
    choice = sample[:, 0] * 1
    sample.mul_(2)
    if hard:  # what is kept for the gradient is the soft sample
        assert torch.equal(torch.autograd.grad(choice.sum(), logits)[0], expected)
    else:
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            torch.autograd.grad(choice.sum(), logits)


# ------------------------------------------------------------------------------------------------------------------ tau


@pytest.mark.parametrize("shape", [(), (1,), (3, 1), (1, 1), (4, 3, 1), (4, 1, 1)], ids=str)
@pytest.mark.parametrize("log", [False, True])
def test_tau_may_be_a_tensor_with_a_gradient(shape, log):
    logits = normal(4, 3, 5).requires_grad_()
    tau = (normal(*shape, seed=3).abs() + 0.5).requires_grad_()
    sample, expected = gumbel_softmax(logits, tau, log=log, generator=seeded()), by_torch(logits, tau, log=log)
    assert_close(sample, expected)
    weights = normal(4, 3, 5, seed=4)
    for found, wanted in zip(
        torch.autograd.grad(sample, (logits, tau), weights),
        torch.autograd.grad(expected, (logits, tau), weights),
        strict=True,
    ):
        assert_close(found, wanted)


TAU_SHAPES = {
    "along dim": ((4, 5), (5,), -1),
    "of every entry": ((4, 5), (4, 5), -1),
    "along dim 0": ((4, 5), (4, 1), 0),
    "more rows": ((5,), (3, 1), -1),
    "more rows of one": ((1, 5), (3, 1), -1),
    "more dims": ((4, 5), (3, 1, 1), -1),
    "more dims, along dim": ((4, 5), (3, 1, 5), -1),
    "more dims, dim counted from the end": ((4, 5), (3, 1, 1), -2),
    "more categories": ((4, 1), (3,), -1),
    "of a scalar": ((), (3,), -1),
}


@pytest.mark.parametrize("name", TAU_SHAPES)
@pytest.mark.parametrize("log", [False, True])
def test_tau_of_any_shape_that_broadcasts(name, log):
    """The noise is of the shape of the logits, and ``(logits + noise) / tau`` broadcasts, as in torch."""
    shape, tau_shape, dim = TAU_SHAPES[name]
    logits = normal(*shape).requires_grad_()
    tau = (normal(*tau_shape, seed=3).abs() + 0.5).requires_grad_()
    # Where dim counts from the end it is the same dim of logits and result; a scalar is a row of one.
    noise = full_noise_of(shape or (1,), dim=dim).reshape(shape)
    sample, expected = gumbel_softmax(logits, tau, dim=dim, log=log, generator=seeded()), None
    expected = relaxed(logits, noise, tau, dim, log=log)
    assert_close(sample, expected)
    assert sample.is_contiguous()
    weights = normal(*sample.shape, seed=4)
    found = torch.autograd.grad(sample, (logits, tau), weights)
    wanted = torch.autograd.grad(expected, (logits, tau), weights)
    assert_close(found[0], wanted[0])
    assert_close(found[1], wanted[1])


def test_tau_along_a_dim_of_its_own():
    """`dim` counts in the result, whose first dim is tau's alone: the three temperatures of one noise compete."""
    logits, tau = normal(4, 5), torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64).reshape(3, 1, 1)
    sample, zeros = (gumbel_softmax(x, tau, dim=0, generator=seeded()) for x in (logits, torch.zeros_like(logits)))
    perturbed, noise = ((y[0] / y[1]).log() / (1 / 0.5 - 1 / 1.0) for y in (sample, zeros))
    assert_close(perturbed, logits + noise)
    assert_close(sample, (perturbed / tau).softmax(0))


def test_tau_along_dim_moves_the_hard_choice():
    logits = normal(50, 5)
    tau = torch.tensor([0.2, 1.0, 2.0, 0.3, 0.1], dtype=torch.float64)
    soft = gumbel_softmax(logits, tau, generator=seeded())
    hard = gumbel_softmax(logits, tau, hard=True, generator=seeded())
    assert torch.equal(hard.argmax(-1), soft.argmax(-1))
    assert not torch.equal(hard, gumbel_softmax(logits, hard=True, generator=seeded()))
    for dtype in REALS:
        hard = gumbel_softmax(normal(2000, 5, dtype=dtype), tau.to(dtype), hard=True, generator=seeded())
        assert torch.all((hard == 0) | (hard == 1))
        assert torch.all(hard.sum(-1) == 1)


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("log", [False, True])
def test_tau_along_dim_with_a_mask(words, log):
    """And with logits of -inf: no gradient is NaN, and those of what is masked are 0."""
    logits, mask = normal(4, 5), some_mask(4, 5)
    logits[0, 1] = -torch.inf
    mask[0] = True
    logits.requires_grad_()
    tau = torch.tensor([0.2, 1.0, 2.0, 0.3, 0.7], dtype=torch.float64, requires_grad=True)
    given = packed(mask) if words else mask
    sample = gumbel_softmax(logits, tau, mask=given, log=log, generator=seeded())
    expected = relaxed(logits, full_noise_of((4, 5)), tau, keep=mask, log=log)
    assert_close(sample, expected)
    weights = normal(4, 5, seed=4)
    finite = torch.isfinite(expected)
    found = torch.autograd.grad(sample[finite], (logits, tau), weights[finite])
    wanted = torch.autograd.grad(expected[finite], (logits, tau), weights[finite])
    assert_close(found[0], wanted[0])
    assert_close(found[1], wanted[1])
    assert torch.all(found[0][~mask] == 0)


def test_gradient_of_tau_where_entries_underflow():
    """log(0) * 0 is no NaN."""
    tau = torch.tensor(1e-3, requires_grad=True)
    sample = gumbel_softmax(torch.tensor([0.0, 900.0, -torch.inf]), tau, generator=seeded())
    assert sample.tolist() == [0, 1, 0]
    sample[1].backward()
    assert tau.grad == 0


def test_tau_in_float64_does_not_widen_a_scalar():
    """A 0-d tau is as a number: float32 logits keep their dtype, as in torch."""
    logits = normal(3, 4, dtype=torch.float32)
    zero_d = gumbel_softmax(logits, torch.tensor(0.7, dtype=torch.float64), generator=seeded())
    assert torch.equal(zero_d, gumbel_softmax(logits, 0.7, generator=seeded()))


# ----------------------------------------------------------------------------------------------------- straight-through


@pytest.mark.parametrize("dtype", REALS + HALVES, ids=str)
@pytest.mark.parametrize("dim", [-1, 0])
@pytest.mark.parametrize("wanted", [True, False], ids=["training", "inference"])
def test_hard_is_exactly_one_hot_where_the_soft_sample_is_largest(dtype, dim, wanted):
    logits = normal(200, 60, dtype=torch.float32).to(dtype).requires_grad_(wanted)
    hard = gumbel_softmax(logits, 0.5, hard=True, dim=dim, generator=seeded())
    soft = gumbel_softmax(logits.detach().float(), 0.5, dim=dim, generator=seeded())
    assert hard.dtype == dtype
    assert hard.requires_grad == wanted
    assert torch.all((hard == 0) | (hard == 1))
    assert torch.all(hard.sum(dim=dim) == 1)
    assert torch.equal(hard.argmax(dim=dim), soft.argmax(dim=dim))


@pytest.mark.parametrize("wanted", [True, False], ids=["training", "inference"])
def test_hard_choice_does_not_depend_on_the_temperature(wanted):
    """At 1e5 the soft samples round to rows with several largest entries; the choice is still the noise's."""
    logits = normal(500, 60, dtype=torch.float32).requires_grad_(wanted)
    soft = gumbel_softmax(logits, 1e5, generator=seeded())
    assert torch.any((soft == soft.amax(dim=-1, keepdim=True)).sum(dim=-1) > 1)
    cold, hot = (gumbel_softmax(logits, tau, hard=True, generator=seeded()) for tau in (0.1, 1e5))
    assert torch.equal(cold, hot)


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("tau", [0.5, torch.tensor(0.5)], ids=["number", "tensor"])
def test_hard_has_the_gradient_of_the_soft_sample(dtype, tau):
    logits, weights = normal(20, 6, dtype=dtype).requires_grad_(), normal(20, 6, dtype=dtype, seed=2)
    wanted = [logits]
    if isinstance(tau, torch.Tensor):
        tau = tau.to(dtype).requires_grad_()
        wanted.append(tau)
    hard, soft = (
        torch.autograd.grad(gumbel_softmax(logits, tau, hard, generator=seeded()), wanted, weights)
        for hard in (True, False)
    )
    for of_hard, of_soft in zip(hard, soft, strict=True):
        assert torch.equal(of_hard, of_soft)
        assert of_hard.abs().max() > 0


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("wanted", [False, True])
def test_a_call_takes_one_seed(hard, wanted):
    """Whether hard or with a gradient: what comes from the generator next is the same."""
    generator, other = seeded(), seeded()
    gumbel_softmax(normal(4, 5).requires_grad_(wanted), hard=hard, generator=generator)
    gumbel_softmax(torch.zeros(300), log=True, generator=other)
    assert torch.equal(generator.get_state(), other.get_state())
    assert not torch.equal(generator.get_state(), seeded().get_state())


# -------------------------------------------------------------------------------------------------------- the logarithm


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("dim", [-1, 0])
def test_log_is_that_of_the_sample(dtype, dim):
    logits = normal(30, 6, dtype=dtype).requires_grad_()
    weights = normal(30, 6, dtype=dtype, seed=2)
    log = gumbel_softmax(logits, 0.8, dim=dim, log=True, generator=seeded())
    assert log.is_contiguous()
    assert_close(log.exp(), gumbel_softmax(logits, 0.8, dim=dim, generator=seeded()))
    expected = by_torch(logits, 0.8, dim, log=True)
    assert_close(log / 10, expected / 10)  # the noise comes from logarithms of the sample, up to 30 and so rounded
    (gradient,), (wanted) = torch.autograd.grad(log, logits, weights), torch.autograd.grad(expected, logits, weights)
    torch.testing.assert_close(gradient, wanted[0], rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=1e-5)


def test_log_is_finite_where_the_sample_underflows():
    logits = torch.tensor([0.0, 900.0, -300.0, -torch.inf], requires_grad=True)
    log = gumbel_softmax(logits, 1e-3, log=True, generator=seeded())
    assert torch.all(torch.isfinite(log[:3]))
    assert torch.all(log[[0, 2]] < -5e5)
    assert log[1] == 0
    assert log[3] == -torch.inf
    log[:3].sum().backward()
    assert_close(logits.grad, torch.tensor([1000.0, -2000.0, 1000.0, 0.0]))


def test_log_and_hard_are_refused_together():
    with pytest.raises(ValueError, match="log"):
        gumbel_softmax(normal(2, 3), hard=True, log=True)


def test_log_keeps_the_small_differences_of_a_hot_sample():
    """At tau 1e5 the entries are nearly 1/n: their logarithms are -log(n) to first order, and sum to 1 as entries."""
    log = gumbel_softmax(normal(100, 7), 1e5, log=True, generator=seeded())
    assert_close(log.exp().sum(-1), torch.ones(100, dtype=torch.float64))
    torch.testing.assert_close(log, torch.full_like(log, -np.log(7)), rtol=0, atol=1e-3)


# ----------------------------------------------------------------------------------------------------------------- mask

MASKS = {
    "bools": lambda m: m,
    "uint8": lambda m: m.to(torch.uint8) * 255,
    "int8": lambda m: -m.to(torch.int8),
    "words": packed,
    "bools of every second": lambda m: m.repeat_interleave(2, dim=1)[:, ::2],
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("how", ["soft", "hard", "log"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_mask_is_as_minus_infinity(kind, how, dtype):
    """The bits of the sample, and the gradients, are those of logits of -inf."""
    logits, mask = normal(40, 70, dtype=dtype), some_mask(40, 70)
    given = logits.masked_fill(~mask, torch.nan) if kind == "bools" else logits  # what is masked is not looked at
    results = []
    for x, more in (given, {"mask": MASKS[kind](mask)}), (logits.masked_fill(~mask, -torch.inf), {}):
        leaf = x.clone().requires_grad_()
        sample = gumbel_softmax(leaf, 0.5, hard=how == "hard", log=how == "log", generator=seeded(), **more)
        finite = sample.masked_fill(~mask, 0)
        finite.backward(normal(40, 70, dtype=dtype, seed=2))
        results.append((sample.detach(), leaf.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert torch.all(results[0][1][~mask] == 0)
    assert results[0][1].abs().max() > 0
    assert torch.all(results[0][0][~mask] == (-torch.inf if how == "log" else 0))


@pytest.mark.parametrize("shape", [(5,), (1, 5), (4, 1, 5), (3, 1), (4, 3, 5)], ids=str)
@pytest.mark.parametrize("dim", [-1, 0, 1])
def test_mask_broadcasts(shape, dim):
    logits, mask = normal(4, 3, 5), some_mask(*shape)
    sample = gumbel_softmax(logits, 0.5, dim=dim, mask=mask, generator=seeded())
    expected = gumbel_softmax(logits.masked_fill(~mask, -torch.inf), 0.5, dim=dim, generator=seeded())
    torch.testing.assert_close(sample, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("tau", [1e-3, 1e3])
def test_logits_of_minus_infinity_and_their_gradients_are_0(dtype, tau):
    logits = normal(50, 8, dtype=dtype)
    logits[:, ::3] = -torch.inf
    logits.requires_grad_()
    sample = gumbel_softmax(logits, tau, generator=seeded())
    sample.backward(normal(50, 8, dtype=dtype, seed=2))
    assert torch.all(sample[:, ::3] == 0)
    assert torch.all(logits.grad[:, ::3] == 0)
    assert torch.all(torch.isfinite(sample))
    assert torch.all(torch.isfinite(logits.grad))


def test_gradcheck_through_a_mask():
    """Of logits and of tau, once and twice, with entries of -inf besides."""
    logits, mask = normal(3, 5), some_mask(3, 5)
    mask[:, :2] = True
    logits[1, 0] = -torch.inf
    logits.requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def sample(x, t):
        return gumbel_softmax(x, t, mask=mask, generator=seeded())

    assert torch.autograd.gradcheck(sample, (logits, tau))
    assert torch.autograd.gradgradcheck(sample, (logits, tau))


@pytest.mark.parametrize(
    "mask, error",
    [
        (torch.ones(2, 4, dtype=torch.bool), (ValueError, RuntimeError)),
        (torch.ones(5, 2, 3, dtype=torch.bool), (ValueError, RuntimeError)),
        (torch.ones(2, 3), TypeError),
        (torch.ones(2, 3, dtype=torch.int64), TypeError),
        ([[True, False, True]], TypeError),
    ],
    ids=["wrong size", "more dims than the logits", "floats", "int64", "a list"],
)
def test_masks_that_are_refused(mask, error):
    with pytest.raises(error, match=r"mask|size|broadcast"):
        gumbel_softmax(normal(2, 3), mask=mask)


def test_words_are_for_the_last_dim():
    with pytest.raises((ValueError, TypeError), match="mask"):
        gumbel_softmax(normal(40, 70), dim=0, mask=packed(some_mask(40, 70)))


def test_rows_without_a_softmax_are_nan_and_alone():
    """NaN, +inf, nothing but -inf, all masked: without a warning, and with no word to the other rows."""
    logits = normal(6, 3)
    expected = gumbel_softmax(logits, generator=seeded())
    mask = torch.ones(6, 3, dtype=torch.bool)
    logits[1, 2], logits[2], logits[4, 0], mask[5] = torch.nan, -torch.inf, torch.inf, False
    for log in False, True:
        sample = gumbel_softmax(logits, mask=mask, log=log, generator=seeded())
        assert torch.all(sample[[1, 2, 4, 5]].isnan())
        assert_close(sample[::3], expected[::3].log() if log else expected[::3])


# --------------------------------------------------------------------------------------------------- layouts and dtypes

LAYOUTS = {
    "transposed": lambda x: x.t().contiguous().t(),
    "every second row": lambda x: x.repeat_interleave(2, dim=0)[::2],
    "every second column": lambda x: x.repeat_interleave(2, dim=1)[:, ::2],
    "padded rows": lambda x: torch.cat([x, x], dim=1)[:, : x.shape[1]],
    "a parameter": torch.nn.Parameter,
    "a view from the middle": lambda x: torch.cat([x, x])[x.shape[0] :],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_layout_makes_no_difference(layout, dim, dtype):
    plain = normal(6, 7, dtype=dtype)
    logits = LAYOUTS[layout](plain.clone())
    assert torch.equal(
        gumbel_softmax(logits, dim=dim, generator=seeded()), gumbel_softmax(plain, dim=dim, generator=seeded())
    )
    assert torch.equal(logits, plain), "the logits were written to"


def test_a_row_for_all():
    """Stride 0: each row of the batch has noise of its own."""
    row = normal(7)
    sample = gumbel_softmax(row.expand(50, 7), generator=seeded())
    assert torch.equal(sample, gumbel_softmax(row.repeat(50, 1), generator=seeded()))
    assert len(sample.unique(dim=0)) == 50


@pytest.mark.parametrize("negated", [True, False])
def test_lazy_views_are_seen_through(negated):
    """Of real and imaginary parts and of lazy negations, which share memory with what they are not."""
    z = torch.complex(normal(4, 5), normal(4, 5, seed=2))
    view = z.conj().imag if negated else z.imag
    assert view.is_neg() == negated
    assert torch.equal(gumbel_softmax(view, generator=seeded()), gumbel_softmax(view.clone(), generator=seeded()))


@pytest.mark.parametrize("how", ["soft", "hard", "log"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_result_is_contiguous(dim, how):
    """As torch's is, so that .view() works on it."""
    logits = normal(3, 4, 5).transpose(0, 2)
    assert gumbel_softmax(logits, hard=how == "hard", log=how == "log", dim=dim).is_contiguous()


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("dim", [-1, 0])
def test_half_precision_is_computed_in_float32(dtype, dim):
    logits, weights = normal(30, 9, dtype=dtype).requires_grad_(), normal(30, 9, dtype=dtype, seed=2)
    sample = gumbel_softmax(logits, 0.5, dim=dim, generator=seeded())
    (gradient,) = torch.autograd.grad(sample, logits, weights)
    wide = logits.detach().float().requires_grad_()
    wide_sample = gumbel_softmax(wide, 0.5, dim=dim, generator=seeded())
    (wide_gradient,) = torch.autograd.grad(wide_sample, wide, weights.float())
    assert sample.dtype == gradient.dtype == dtype
    assert torch.equal(sample, wide_sample.to(dtype))
    torch.testing.assert_close(gradient.float(), wide_gradient, rtol=0.02, atol=0.02)  # the saved sample is rounded


@pytest.mark.parametrize("shape", [(0, 5), (3, 0, 5), (5, 0)], ids=str)
def test_empty_batch(shape):
    logits = torch.empty(shape, requires_grad=True)
    sample = gumbel_softmax(logits)
    sample.sum().backward()
    assert sample.shape == logits.grad.shape == shape


@pytest.mark.parametrize("how", ["soft", "hard", "log"])
@pytest.mark.parametrize("dim", [-1, 0])
def test_a_scalar_is_one_category(how, dim):
    logits = torch.tensor(0.3, requires_grad=True)
    sample = gumbel_softmax(logits, 0.5, hard=how == "hard", log=how == "log", dim=dim)
    assert sample.shape == ()
    assert sample.item() == (0 if how == "log" else 1)
    sample.backward()
    assert logits.grad == 0


# ---------------------------------------------------------------------------------------------------------------- seeds


@pytest.mark.thread_unsafe
def test_manual_seed_makes_results_repeatable():
    """Two samples of 500 numbers are never alike by chance."""
    logits = normal(100, 5)
    torch.manual_seed(3)
    first, second = gumbel_softmax(logits), gumbel_softmax(logits)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(gumbel_softmax(logits), first)
    assert torch.equal(gumbel_softmax(logits), second)
    assert torch.equal(gumbel_softmax(logits, generator=seeded(3)), first), "torch's own generator, seeded alike"


@pytest.mark.thread_unsafe
def test_a_generator_of_ones_own_leaves_torchs_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    gumbel_softmax(normal(4, 5), generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)


def test_state_of_a_generator_can_be_kept():
    generator = seeded()
    state = generator.get_state()
    first = gumbel_softmax(normal(4, 5), generator=generator)
    assert torch.equal(gumbel_softmax(normal(4, 5), generator=generator.set_state(state)), first)


def test_one_generator_in_several_threads():
    """Each call takes its two words whole: the samples are those of one thread, in some order."""
    logits = normal(20, 5)
    alone, shared = seeded(), seeded()
    expected = {gumbel_softmax(logits, generator=alone).numpy().tobytes() for _ in range(200)}
    assert len(expected) == 200
    found = []

    def work():
        found.extend(gumbel_softmax(logits, generator=shared).numpy().tobytes() for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert set(found) == expected


@pytest.mark.thread_unsafe
def test_number_of_threads_makes_no_difference():
    """Torch's own number of threads is used."""
    logits, before = normal(3000, 200).requires_grad_(), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            sample = gumbel_softmax(logits, generator=seeded())
            results.append((sample, *torch.autograd.grad(sample.square().sum(), logits)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


# -------------------------------------------------------------------------------------------------- in place of torch's


def test_signature_begins_as_that_of_torchs_function():
    theirs = inspect.signature(F.gumbel_softmax).parameters
    ours = inspect.signature(gumbel_softmax).parameters
    first = list(ours.values())[:5]
    assert [(p.name, p.kind, p.default) for p in first] == [(p.name, p.kind, p.default) for p in theirs.values()]
    others = list(ours.values())[5:]
    assert [p.name for p in others] == ["log", "mask", "generator"]
    assert all(p.kind is p.KEYWORD_ONLY for p in others)
    assert [p.default for p in others] == [False, None, None]


def test_arguments_by_position():
    logits = normal(4, 5)
    assert torch.equal(
        gumbel_softmax(logits, 0.5, True, 1e-10, 0, generator=seeded()),
        gumbel_softmax(logits, tau=0.5, hard=True, eps=1e-10, dim=0, generator=seeded()),
    )


def test_eps_is_ignored_with_torchs_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = gumbel_softmax(normal(4, 5), eps=1e-10, generator=seeded())
    for function, more in (F.gumbel_softmax, {}), (gumbel_softmax, {"generator": seeded()}):
        with pytest.warns(UserWarning, match="`eps` parameter is deprecated and has no effect") as caught:
            sample = function(normal(4, 5), eps=1e-6, **more)
        assert caught[0].filename == __file__, "the warning points at the caller"
    assert torch.equal(sample, expected)


def called(function, *args, **kwargs):
    """The result, or the exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of eps
        try:
            return function(*args, **kwargs)
        except Exception as error:
            return error


ARGUMENTS = {
    "dim, a NumPy int": {"dim": np.int64(1)},
    "dim, a tensor": {"dim": torch.tensor(0)},
    "dim, a bool": {"dim": True},
    "dim, a float": {"dim": 1.0},
    "dim, None": {"dim": None},
    "dim, a string": {"dim": "1"},
    "dim out of range": {"dim": 2},
    "dim out of range below": {"dim": -3},
    "tau, an int": {"tau": 2},
    "tau, True": {"tau": True},
    "tau, inf": {"tau": float("inf")},
    "tau, a NumPy float": {"tau": np.float32(0.5)},
    "tau, a NumPy int": {"tau": np.int64(2)},
    "tau, a tensor of ints": {"tau": torch.tensor(2)},
    "tau, a row of ints": {"tau": torch.tensor([1, 2, 3])},
    "tau, a bool tensor": {"tau": torch.tensor(True)},
    "tau, a float64 scalar": {"tau": torch.tensor(0.5, dtype=torch.float64)},
    "tau, a float64 row": {"tau": torch.ones(3, dtype=torch.float64)},
    "tau, a float16 row": {"tau": torch.ones(3, dtype=torch.float16)},
    "tau, a bfloat16 scalar": {"tau": torch.tensor(0.5, dtype=torch.bfloat16)},
    "tau, more rows": {"tau": torch.ones(4, 1, 1)},
    "tau, more rows, dim of its own": {"tau": torch.ones(4, 1, 1), "dim": 0},
    "tau, more rows, hard": {"tau": torch.ones(4, 1, 1), "hard": True},
    "tau, more dims, hard": {"tau": torch.ones(1, 1, 1), "hard": True},
    "tau, of no size": {"tau": torch.ones(0)},
    "tau, of the wrong size": {"tau": torch.ones(2)},
    "tau, a list": {"tau": [1.0]},
    "tau, a complex number": {"tau": 1j},
    "tau, a complex tensor": {"tau": torch.tensor(1j)},
    "tau, a string": {"tau": "1"},
    "tau, None": {"tau": None},
    "hard, 1": {"hard": 1},
    "hard, None": {"hard": None},
    "hard, a NumPy bool": {"hard": np.True_},
    "hard, a tensor": {"hard": torch.tensor(True)},
    "hard, with a float64 tau": {"hard": True, "tau": torch.ones(2, 1, dtype=torch.float64)},
    "eps, None": {"eps": None},
    "an unknown name": {"temperature": 1.0},
}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_arguments_are_taken_as_torch_takes_them(name, dtype):
    """What F.gumbel_softmax accepts is accepted, with a result of its shape and dtype; what it refuses is refused."""
    theirs = called(F.gumbel_softmax, torch.zeros(2, 3, dtype=dtype), **ARGUMENTS[name])
    ours = called(gumbel_softmax, torch.zeros(2, 3, dtype=dtype), **ARGUMENTS[name])
    if isinstance(theirs, Exception):
        assert isinstance(ours, (TypeError, ValueError, IndexError, RuntimeError)), ours
        assert isinstance(ours, IndexError) == isinstance(theirs, IndexError)
    else:
        assert isinstance(ours, torch.Tensor), ours
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        assert torch.all(ours >= 0)


LOGITS = {
    "a scalar": torch.tensor(0.3),
    "no rows": torch.zeros(0, 5),
    "integers": torch.ones(2, 3, dtype=torch.int64),
    "booleans": torch.ones(2, 3, dtype=torch.bool),
    "complex numbers": torch.ones(2, 3, dtype=torch.complex64),
    "float8": torch.ones(2, 3).to(torch.float8_e4m3fn),
    "sparse": torch.eye(3).to_sparse(),
    "a list": [0.0, 1.0],
    "an array": np.zeros(3),
    "None": None,
    "meta": torch.zeros(2, 3, device="meta"),
}


@pytest.mark.parametrize("name", LOGITS)
@pytest.mark.parametrize("hard", [False, True])
def test_logits_are_taken_as_torch_takes_them(name, hard):
    theirs, ours = (called(function, LOGITS[name], hard=hard) for function in (F.gumbel_softmax, gumbel_softmax))
    if isinstance(theirs, Exception):
        assert isinstance(ours, (TypeError, ValueError, RuntimeError)), ours
    else:
        assert isinstance(ours, torch.Tensor), ours
        assert (ours.shape, ours.dtype, ours.device) == (theirs.shape, theirs.dtype, theirs.device)


@pytest.mark.parametrize(
    "tau", [0, 0.0, -1.0, -np.inf, np.nan, torch.tensor(0.0), torch.tensor([1.0, 0.0, 1.0])], ids=str
)
@pytest.mark.parametrize("how", ["soft", "hard", "log"])
def test_temperatures_that_are_refused(tau, how):
    """Where torch gives NaN."""
    with pytest.raises(ValueError, match=r"(tau|temperature).*above 0"):
        gumbel_softmax(normal(2, 3), tau, hard=how == "hard", log=how == "log")


@pytest.mark.parametrize("name", ["not a tensor", "integers", "sparse"])
def test_errors_say_what_is_wrong(name):
    logits, message = {
        "not a tensor": ([0.0, 1.0], "tensor, not list"),
        "integers": (torch.ones(2, 3, dtype=torch.int64), "torch.int64"),
        "sparse": (torch.eye(3).to_sparse(), "dense|sparse"),
    }[name]
    with pytest.raises(TypeError, match=message):
        gumbel_softmax(logits)


@pytest.mark.parametrize("generator", [np.random.default_rng(0), 7, "cpu"], ids=["NumPy's", "an int", "a string"])
def test_generators_that_are_none(generator):
    with pytest.raises(TypeError):
        gumbel_softmax(normal(2, 3), generator=generator)


# --------------------------------------------------------------------------------------------------------------- models

MODULE = """
import torch
from torch.nn.functional import gumbel_softmax


class Chooser(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(6))
        self.table = torch.nn.Parameter(torch.arange(6.0).unsqueeze(1), requires_grad=False)

    def forward(self, rows):
        choice = gumbel_softmax(self.logits.expand(rows, 6), tau=0.5, hard=self.training, dim=-1)
        return choice.view(rows, 6) @ self.table
"""


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("library", ["torch.nn.functional", "gumbel_fast.torch"])
def test_module_written_for_torch_trains_by_another_import(library):
    """It learns to choose the last of the table's rows, with either function."""
    names = {}
    exec(MODULE.replace("torch.nn.functional", library), names)
    assert names["gumbel_softmax"].__module__.startswith(library)
    torch.manual_seed(0)
    module = names["Chooser"]()
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    for _ in range(40):
        optimizer.zero_grad()
        (-module(64).mean()).backward()
        optimizer.step()
    module.eval()
    with torch.no_grad():
        assert module(500).mean() > 4.5
        assert not module(5).requires_grad


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("how", ["soft", "hard", "log"])
def test_no_graph_where_none_is_wanted(mode, how):
    more = {"hard": how == "hard", "log": how == "log"}
    logits = normal(4, 5).requires_grad_()
    with mode():
        assert not gumbel_softmax(logits, **more).requires_grad
    assert not gumbel_softmax(logits.detach(), **more).requires_grad
    assert gumbel_softmax(logits, **more).requires_grad


def test_logits_made_in_inference_mode():
    """Such tensors know no versions; they are drawn from all the same, within the mode and outside."""
    with torch.inference_mode():
        logits = normal(4, 5)
        inside = gumbel_softmax(logits, generator=seeded())
    assert torch.equal(gumbel_softmax(logits, generator=seeded()), inside)


def test_hooks_of_what_is_kept_for_the_gradient():
    """They see it, as that of torch's functions: to keep it on disk, or to count it."""
    kept = []

    def pack(tensor):
        kept.append(tensor.numel())
        return tensor.clone()

    gradients = []
    for hooks in (pack, lambda tensor: tensor), (lambda tensor: tensor,) * 2:
        logits = normal(4, 5).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(*hooks):
            sample = gumbel_softmax(logits, 0.7, generator=seeded())
        sample.square().sum().backward()
        gradients.append(logits.grad)
    assert 20 in kept
    assert torch.equal(*gradients)


def test_importing_the_library_does_not_import_torch():
    code = "import sys, gumbel_fast; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
