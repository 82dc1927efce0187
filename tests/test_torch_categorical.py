"""gumbel_fast.torch.categorical: shapes, the law of draws, log-probabilities and entropy with their gradients, errors.

Values and gradients are held to `torch.log_softmax` on what mask and filters leave. Random data are of fixed seeds;
right code fails a test of the law of draws once in a million seeds, and the others never.
"""

import threading

import numpy as np
import pytest

from statistical import assert_count, assert_draws_follow, softmax
from torch_helpers import (
    HALVES,
    REALS,
    assert_close,
    entropy_of,
    gt,
    kept,
    log_prob_of,
    log_probabilities,
    normal,
    packed,
    seeded,
    some_mask,
    torch,
)

categorical = gt.categorical

ROW = torch.tensor([0.0, 1.0, 2.0, -1.0, -torch.inf])
FILTERS = {
    "none": {},
    "top_k": {"top_k": 3},
    "top_p": {"top_p": 0.7},
    "min_p": {"min_p": 0.2},
    "all": {"top_k": 4, "top_p": 0.9, "min_p": 0.05},
    "all, at a temperature of their own": {"top_k": 4, "top_p": 0.9, "min_p": 0.05, "filter_temperature": 1.0},
}


# --------------------------------------------------------------------------------------------------- shapes and results


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)], ids=str)
@pytest.mark.parametrize("num_samples", [None, 0, 1, 3])
@pytest.mark.parametrize("replacement", [True, False])
def test_shapes(shape, num_samples, replacement):
    logits = normal(*shape)
    drawn = categorical(logits, num_samples, replacement)
    assert drawn.shape == shape[:-1] + (() if num_samples is None else (num_samples,))
    assert drawn.dtype == torch.int64
    index, log_prob, entropy = categorical(logits, num_samples, replacement, return_log_prob=True, return_entropy=True)
    assert index.shape == log_prob.shape == drawn.shape
    assert entropy.shape == shape[:-1]
    assert log_prob.dtype == entropy.dtype == torch.float64
    assert index.is_contiguous()
    assert log_prob.is_contiguous()


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("num_samples", [None, 5])
def test_dim(dim, num_samples):
    """Other dims are the batch, in their order, and several draws form a last dim."""
    logits = normal(2, 3, 4)
    results = [
        categorical(x, num_samples, dim=d, return_log_prob=True, return_entropy=True, generator=seeded())
        for x, d in ((logits, dim), (logits.movedim(dim, -1), -1))
    ]
    assert results[0][0].shape == logits.movedim(dim, -1).shape[:-1] + (() if num_samples is None else (5,))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("log_prob", [False, True])
@pytest.mark.parametrize("entropy", [False, True])
def test_results_are_those_asked_for(log_prob, entropy):
    """In the order index, log-probability, entropy; and the draw is the same whatever is asked for."""
    logits = normal(3, 4)
    result = categorical(logits, return_log_prob=log_prob, return_entropy=entropy, generator=seeded())
    parts = list(result) if isinstance(result, tuple) else [result]
    assert isinstance(result, tuple) == (log_prob or entropy)
    index = parts.pop(0)
    assert torch.equal(index, categorical(logits, generator=seeded()))
    if log_prob:
        assert_close(parts.pop(0), log_prob_of(log_probabilities(logits), index))
    if entropy:
        assert_close(parts.pop(0), entropy_of(log_probabilities(logits)))
    assert not parts


def test_no_graph_through_the_index():
    logits = normal(3, 4).requires_grad_()
    index, log_prob, entropy = categorical(logits, return_log_prob=True, return_entropy=True)
    assert not index.requires_grad
    assert log_prob.requires_grad
    assert entropy.requires_grad
    assert not categorical(logits).requires_grad
    for mode in torch.no_grad, torch.inference_mode:
        with mode():
            parts = categorical(logits, return_log_prob=True, return_entropy=True)
            assert not any(part.requires_grad for part in parts)


# ----------------------------------------------------------------------------------------------------- the law of draws


def test_draws_follow_softmax():
    drawn = categorical(ROW.expand(40_000, 5), temperature=0.7, generator=seeded())
    p = softmax(ROW, 0.7)
    assert_draws_follow(drawn, p, against={"no temperature": softmax(ROW), "no noise": np.eye(5)[2]})


def test_many_draws_follow_softmax():
    drawn = categorical(ROW, 40_000, temperature=0.7, generator=seeded())
    p = softmax(ROW, 0.7)
    assert_draws_follow(drawn, p, against={"no temperature": softmax(ROW), "no noise": np.eye(5)[2]})


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("num_samples", [None, 40_000])
def test_draws_follow_what_the_filters_leave(name, num_samples):
    logits = normal(9, seed=4) * 1.5
    mask = torch.arange(9) != logits.argmax()
    keep = kept(logits, mask=mask, temperature=0.8, **FILTERS[name])
    p = log_probabilities(logits, 0.8, keep=keep).exp().numpy()
    x = logits if num_samples else logits.expand(40_000, 9)
    drawn = categorical(x, num_samples, temperature=0.8, mask=mask, generator=seeded(), **FILTERS[name])
    unmasked = log_probabilities(logits, 0.8, keep=kept(logits, temperature=0.8, **FILTERS[name])).exp().numpy()
    assert_draws_follow(drawn, p, against={"no mask": unmasked, "uniform": (p > 0) / np.count_nonzero(p)})


def test_without_replacement_the_order_is_that_of_the_draws():
    """The first is drawn by softmax, the second by softmax of what is left, and no category twice."""
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    drawn = categorical(logits.expand(40_000, 4), 4, replacement=False, generator=seeded())
    assert torch.equal(drawn.sort(dim=-1).values, torch.arange(4).expand(40_000, 4))
    p = softmax(logits)
    assert_draws_follow(drawn[:, 0], p, against={"a uniform order": np.full(4, 1 / 4)})
    second = sum(p[i] * np.where(np.arange(4) == i, 0, p) / (1 - p[i]) for i in range(4))
    assert_draws_follow(drawn[:, 1], second, against={"a uniform order": np.full(4, 1 / 4), "draws with": p})


def test_rows_and_draws_are_independent():
    """Neighbours agree as often as chance has it, along the batch and along the draws."""
    p = softmax(ROW)
    drawn = categorical(ROW.expand(200, 5), 200, generator=seeded())
    for one, other in (drawn[1:], drawn[:-1]), (drawn[:, 1:], drawn[:, :-1]):
        agreed = torch.count_nonzero(one == other).item()
        assert_count(
            agreed, one.numel(), np.sum(p**2), against={"all the same": 1.0, "twice each": 0.5 + np.sum(p**2) / 2}
        )


# ---------------------------------------------------------------------------------------------------- values, gradients


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("num_samples", [None, 7])
def test_values_and_gradients_with_mask_and_filters(name, masked, num_samples):
    logits = normal(6, 9, seed=4) * 1.5
    logits[2, 3], logits[4, 5:] = -torch.inf, -torch.inf
    logits.requires_grad_()
    mask = some_mask(6, 9) | (torch.arange(9) < 2) if masked else None
    keep = kept(logits, mask=mask, temperature=0.8, **FILTERS[name])
    index, log_prob, entropy = categorical(
        logits, num_samples, temperature=0.8, mask=mask, return_log_prob=True, return_entropy=True, generator=seeded(),
        **FILTERS[name],
    )  # fmt: skip
    assert torch.all(keep.gather(-1, index.reshape(6, -1))), "what is filtered out was drawn"
    log_p = log_probabilities(logits, 0.8, keep=keep)
    models = log_prob_of(log_p, index), entropy_of(log_p)
    for found, model in zip((log_prob, entropy), models, strict=True):
        assert_close(found, model)
        weights = normal(*found.shape, seed=6)
        (gradient,) = torch.autograd.grad(found, logits, weights, retain_graph=True)
        (wanted,) = torch.autograd.grad(model, logits, weights, retain_graph=True)
        assert_close(gradient, wanted)
        assert torch.all(gradient[~keep] == 0), "exactly 0 where masked or filtered out"
        assert gradient.abs().max() > 0


@pytest.mark.parametrize("dim", [0, 1])
def test_values_and_gradients_along_a_dim(dim):
    logits = normal(5, 6).requires_grad_()
    mask = some_mask(5, 6)
    index, log_prob, entropy = categorical(
        logits, 3, dim=dim, mask=mask, return_log_prob=True, return_entropy=True, generator=seeded()
    )
    log_p = log_probabilities(logits, keep=mask.movedim(dim, -1), dim=dim)
    models = log_prob_of(log_p, index), entropy_of(log_p)
    for found, model in zip((log_prob, entropy), models, strict=True):
        assert_close(found, model)
        weights = normal(*found.shape, seed=6)
        (gradient,) = torch.autograd.grad(found, logits, weights, retain_graph=True)
        (wanted,) = torch.autograd.grad(model, logits, weights, retain_graph=True)
        assert_close(gradient, wanted)


@pytest.mark.parametrize("dtype", [torch.float32, *HALVES], ids=str)
def test_values_and_gradients_in_other_dtypes(dtype):
    logits = normal(50, 9, dtype=dtype).requires_grad_()
    index, log_prob, entropy = categorical(
        logits, temperature=0.8, return_log_prob=True, return_entropy=True, generator=seeded()
    )
    wide = logits.detach().double().requires_grad_()
    log_p = log_probabilities(wide, 0.8)
    models = log_prob_of(log_p, index), entropy_of(log_p)
    rounding = 1e-5 if dtype == torch.float32 else 0.02
    for found, model in zip((log_prob, entropy), models, strict=True):
        assert found.dtype.is_floating_point
        torch.testing.assert_close(found.double(), model, rtol=rounding, atol=rounding)
        (gradient,) = torch.autograd.grad(found.sum(), logits, retain_graph=True)
        (wanted,) = torch.autograd.grad(model.sum(), wide, retain_graph=True)
        assert gradient.dtype == dtype
        torch.testing.assert_close(gradient.double(), wanted, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("dim", [-1, 0, 1])
@pytest.mark.parametrize("shape", [(), (4, 1), (3,), (4, 3)], ids=str)
def test_temperature_may_be_a_tensor_with_a_gradient(shape, dim):
    logits = normal(4, 3, 5)
    logits[0, 0, 1] = -torch.inf  # whose share of the temperature's gradient is 0, not NaN
    logits = logits.movedim(-1, dim).contiguous().requires_grad_()
    temperature = (normal(*shape, seed=3).abs() + 0.5).requires_grad_()
    index, log_prob, entropy = categorical(
        logits, 2, temperature=temperature, dim=dim, return_log_prob=True, return_entropy=True, generator=seeded()
    )
    log_p = log_probabilities(logits, temperature, dim=dim)
    models = log_prob_of(log_p, index), entropy_of(log_p)
    for found, model in zip((log_prob, entropy), models, strict=True):
        assert_close(found, model)
        weights = normal(*found.shape, seed=6)
        gradients = torch.autograd.grad(found, (logits, temperature), weights, retain_graph=True)
        wanted = torch.autograd.grad(model, (logits, temperature), weights, retain_graph=True)
        assert_close(gradients[0], wanted[0])
        assert_close(gradients[1], wanted[1])


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("num_samples", [None, 2])
def test_gradcheck(name, num_samples):
    """Once and twice, of logits and temperature, through mask, filters and a logit of -inf."""
    logits = normal(3, 6, seed=4) * 1.5
    logits[1, 2] = -torch.inf
    mask = torch.ones(3, 6, dtype=torch.bool)
    mask[0, 1] = False
    logits.requires_grad_()
    temperature = torch.tensor([0.8, 1.1, 0.9], dtype=torch.float64, requires_grad=True)

    def values(x, t):
        return categorical(
            x, num_samples, temperature=t, mask=mask, return_log_prob=True, return_entropy=True, generator=seeded(),
            **FILTERS[name],
        )[1:]  # fmt: skip

    assert torch.autograd.gradcheck(values, (logits, temperature))
    assert torch.autograd.gradgradcheck(values, (logits, temperature), fast_mode=True)


def test_writing_to_the_logits_before_backward_is_noticed():
    """Or does no harm: what the gradient needs may be kept or made again."""
    leaf = normal(4, 5).requires_grad_()
    logits = leaf * 1
    _, log_prob = categorical(logits, return_log_prob=True, generator=seeded())
    (expected,) = torch.autograd.grad(log_prob.sum(), leaf, retain_graph=True)
    logits.mul_(3)
    try:
        (found,) = torch.autograd.grad(log_prob.sum(), leaf)
    except RuntimeError:
        return
    assert torch.equal(found, expected)


def test_both_gradients_at_once():
    """As an actor's loss with its entropy bonus has them."""
    logits = normal(8, 5).requires_grad_()
    index, log_prob, entropy = categorical(logits, return_log_prob=True, return_entropy=True, generator=seeded())
    advantage = normal(8, seed=3)
    (gradient,) = torch.autograd.grad(-(log_prob * advantage).mean() - 0.01 * entropy.mean(), logits)
    log_p = log_probabilities(logits)
    loss = -(log_prob_of(log_p, index) * advantage).mean() - 0.01 * entropy_of(log_p).mean()
    assert_close(gradient, *torch.autograd.grad(loss, logits))


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_one_that_is_left_is_certain(dtype):
    """Log-probability and entropy 0, and so are their gradients."""
    logits = normal(4, 5, dtype=dtype).requires_grad_()
    mask = torch.zeros(4, 5, dtype=torch.bool)
    mask[:, 3] = True
    for more in {"mask": mask}, {"top_k": 1}:
        index, log_prob, entropy = categorical(logits, return_log_prob=True, return_entropy=True, **more)
        assert torch.all(index == (3 if "mask" in more else logits.argmax(-1)))
        assert torch.all(log_prob == 0)
        assert torch.all(entropy == 0)
        (gradient,) = torch.autograd.grad(log_prob.sum() + entropy.sum(), logits)
        assert torch.all(gradient == 0)


def test_values_of_rows_far_from_0():
    """Only differences count, in values and gradients."""
    near = torch.tensor([0.0, 8.0, 16.0, -8.0], dtype=torch.float32).requires_grad_()
    far = (near.detach() - 1e8).requires_grad_()
    results = []
    for logits in near, far:
        _, log_prob, entropy = categorical(logits, 20, return_log_prob=True, return_entropy=True, generator=seeded())
        gradient = torch.autograd.grad(log_prob.sum() + entropy, logits)
        results.append((log_prob.detach(), entropy.detach(), *gradient))
    for one, other in zip(*results, strict=True):
        assert_close(one, other)


def test_small_probabilities_of_what_is_likely():
    """log_prob near 0 keeps its relative precision: log1p of what the others weigh."""
    logits = torch.tensor([0.0, -30.0], dtype=torch.float64)
    _, log_prob = categorical(logits, top_k=None, return_log_prob=True, generator=seeded())
    torch.testing.assert_close(log_prob.item(), -np.log1p(np.exp(-30.0)), rtol=1e-12, atol=0)


# --------------------------------------------------------------------------------------------- mask, filters and others


@pytest.mark.parametrize("num_samples", [None, 3, 400])
@pytest.mark.parametrize("kind", ["bools", "words", "uint8"])
def test_mask_is_as_minus_infinity(num_samples, kind):
    logits, mask = normal(40, 70, dtype=torch.float32), some_mask(40, 70)
    given = {"bools": mask, "words": packed(mask), "uint8": mask.to(torch.uint8) * 3}[kind]
    masked = categorical(
        logits.masked_fill(~mask, torch.nan) if kind == "bools" else logits, num_samples, mask=given,
        return_log_prob=True, return_entropy=True, generator=seeded(),
    )  # fmt: skip
    filled = categorical(
        logits.masked_fill(~mask, -torch.inf), num_samples, return_log_prob=True, return_entropy=True,
        generator=seeded(),
    )  # fmt: skip
    for one, other in zip(masked, filled, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (4, 1, 5), (3, 1, 5)], ids=str)
def test_mask_broadcasts(shape):
    logits = normal(4, 3, 5)
    if shape == (3, 1, 5):
        with pytest.raises((ValueError, RuntimeError), match=r"mask|size|broadcast"):
            categorical(logits, mask=some_mask(*shape))
        return
    mask = some_mask(*shape)
    drawn = categorical(logits, 9, mask=mask, generator=seeded())
    assert torch.equal(drawn, categorical(logits.masked_fill(~mask, -torch.inf), 9, generator=seeded()))


def test_filters_of_each_row():
    """Tensors that broadcast to the batch: each row's draw is one that its own filters leave, and all of those come."""
    logits = normal(3, 8, seed=4)
    top_k, top_p = torch.tensor([1, 3, 8]), torch.tensor([1.0, 0.9, 0.6], dtype=torch.float64)
    temperature = torch.tensor([1.0, 0.7, 2.0], dtype=torch.float64)
    drawn = categorical(logits, 4000, top_k=top_k, top_p=top_p, temperature=temperature, generator=seeded())
    for row in range(3):
        keep = kept(logits[row], top_k=int(top_k[row]), top_p=float(top_p[row]), temperature=float(temperature[row]))
        found = torch.bincount(drawn[row], minlength=8) > 0
        assert torch.equal(found, keep)  # the least likely of them, 3%, fails to come with probability 1e-50


@pytest.mark.parametrize("temperature", [0, 0.0, torch.tensor(0.0), torch.tensor([0.0, 1e-9, 0.0])], ids=repr)
@pytest.mark.parametrize("num_samples", [None, 3])
def test_temperature_0_gives_the_largest(temperature, num_samples):
    logits = normal(3, 6)
    drawn = categorical(logits, num_samples, temperature=temperature)
    largest = logits.argmax(dim=-1)
    assert torch.equal(drawn, largest if num_samples is None else largest.unsqueeze(-1).expand(3, 3))


def test_temperature_0_is_certain():
    logits = normal(3, 6).requires_grad_()
    _, log_prob, entropy = categorical(logits, temperature=0.0, return_log_prob=True, return_entropy=True)
    assert torch.all(log_prob == 0)
    assert torch.all(entropy == 0)
    (gradient,) = torch.autograd.grad(log_prob.sum() + entropy.sum(), logits)
    assert torch.all(gradient == 0)


@pytest.mark.parametrize("layout", ["transposed", "every second", "expanded", "a view of a longer row"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_layout_makes_no_difference(layout, dtype):
    plain = normal(6, 7, dtype=dtype)
    if layout == "expanded":
        plain = plain[:1].repeat(6, 1)
    logits = {
        "transposed": lambda x: x.t().contiguous().t(),
        "every second": lambda x: x.repeat_interleave(2, dim=1)[:, ::2],
        "expanded": lambda x: x[0].expand(6, 7),
        "a view of a longer row": lambda x: torch.cat([x, x], dim=1)[:, 7:],
    }[layout](plain)
    results = [
        categorical(x, 4, return_log_prob=True, return_entropy=True, generator=seeded()) for x in (logits, plain)
    ]
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_half_precision_is_drawn_from_as_its_float32_twin(dtype):
    logits = normal(300, 9, dtype=dtype)
    assert torch.equal(categorical(logits, generator=seeded()), categorical(logits.float(), generator=seeded()))


@pytest.mark.parametrize("offset", [-1e8, 1e6, -3e38])
def test_only_differences_between_logits_count(offset):
    for n in 2, 7, 100, 1000:
        plain, moved = (categorical(torch.full((50, n), level), generator=seeded(3)) for level in (0.0, offset))
        assert torch.equal(plain, moved)


# ---------------------------------------------------------------------------------------------------------------- seeds


@pytest.mark.thread_unsafe
def test_manual_seed_makes_results_repeatable():
    """Two draws of 100 categories are never alike by chance."""
    logits = normal(100, 5)
    torch.manual_seed(3)
    first, second = categorical(logits), categorical(logits)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(categorical(logits), first)
    assert torch.equal(categorical(logits), second)
    assert torch.equal(categorical(logits, generator=seeded(3)), first), "torch's own generator, seeded alike"


def test_a_call_takes_one_seed():
    """Whatever is asked for."""
    states = set()
    for how in (
        {},
        {"num_samples": 400},
        {"num_samples": 2, "replacement": False},
        {"return_log_prob": True, "return_entropy": True, "top_p": 0.9},
    ):
        generator = seeded()
        categorical(normal(4, 5).requires_grad_(), generator=generator, **how)
        states.add(generator.get_state().numpy().tobytes())
    assert len(states) == 1
    assert states != {seeded().get_state().numpy().tobytes()}


@pytest.mark.thread_unsafe
def test_number_of_threads_makes_no_difference():
    """Torch's own number of threads is used."""
    logits, before = normal(3000, 200), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(
                categorical(logits, 9, top_p=0.9, return_log_prob=True, return_entropy=True, generator=seeded())
            )
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_calls_from_several_threads():
    """With generators of their own, each gives what it gives alone."""
    logits = normal(50, 40).requires_grad_()

    def work(seed):
        index, log_prob = categorical(logits, 3, return_log_prob=True, generator=seeded(seed))
        return index, *torch.autograd.grad(log_prob.sum(), logits)

    expected, found = [work(seed) for seed in range(4)], [None] * 4

    def store(seed):
        for _ in range(20):
            found[seed] = work(seed)

    threads = [threading.Thread(target=store, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(expected, found, strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


# -------------------------------------------------------------------------------------------------------- what is wrong

REFUSED = {
    "not a tensor": ([0.0, 1.0], TypeError, "tensor, not list"),
    "an array": (np.zeros(3), TypeError, "tensor, not ndarray"),
    "integers": (torch.ones(2, 3, dtype=torch.int64), TypeError, "torch.int64"),
    "complex numbers": (torch.ones(2, 3, dtype=torch.complex64), TypeError, "torch.complex64"),
    "booleans": (torch.ones(2, 3, dtype=torch.bool), TypeError, "torch.bool"),
    "sparse": (torch.eye(3).to_sparse(), TypeError, "dense|sparse"),
    "no dims": (torch.tensor(0.0), (ValueError, IndexError), "dim"),
    "no categories": (torch.zeros(2, 0), ValueError, "categor"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_tensors_that_are_refused(what):
    logits, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        categorical(logits)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf], ids=str)
@pytest.mark.parametrize("num_samples", [None, 4])
@pytest.mark.parametrize("log_prob", [False, True])
def test_rows_that_cannot_be_drawn_from(bad, num_samples, log_prob):
    """The error names the row; and other rows of nothing but -inf come after it."""
    logits = normal(4, 3)
    logits[2, 1] = bad
    if bad == -torch.inf:
        logits[2:] = bad
    with pytest.raises(ValueError, match="row 2"):
        categorical(logits, num_samples, return_log_prob=log_prob)


def test_a_row_that_is_all_masked():
    mask = torch.ones(4, 3, dtype=torch.bool)
    mask[2] = False
    with pytest.raises(ValueError, match="row 2"):
        categorical(normal(4, 3), mask=mask)


def test_more_than_there_are_without_replacement():
    with pytest.raises(ValueError, match="row 0"):
        categorical(normal(4), 5, replacement=False)


@pytest.mark.parametrize(
    "name, value",
    [
        ("temperature", -1.0), ("temperature", np.nan), ("temperature", torch.tensor([1.0, -1.0])),
        ("top_k", -1), ("top_p", -0.1), ("top_p", np.nan), ("min_p", -0.1), ("min_p", np.nan), ("min_p", 1.5),
        ("filter_temperature", -1.0), ("num_samples", -1),
    ],
    ids=str,
)  # fmt: skip
def test_parameters_that_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        categorical(normal(2, 3), **{name: value})


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "min_p", "filter_temperature"])
def test_parameters_of_a_wrong_shape(name):
    value = torch.ones(3, dtype=torch.int64) if name == "top_k" else torch.ones(3)
    with pytest.raises((ValueError, RuntimeError), match=rf"{name}|size|broadcast"):
        categorical(normal(2, 5), **{name: value})


def test_dims_that_are_refused():
    with pytest.raises(IndexError, match=r"[Dd]im.*out of"):
        categorical(normal(2, 3), dim=2)
    with pytest.raises(TypeError):
        categorical(normal(2, 3), dim=1.0)


@pytest.mark.parametrize("generator", [np.random.default_rng(0), 7], ids=["NumPy's", "an int"])
def test_generators_that_are_none(generator):
    with pytest.raises(TypeError):
        categorical(normal(2, 3), generator=generator)


def test_keywords_only_after_the_third():
    with pytest.raises(TypeError):
        categorical(normal(2, 3), 1, True, 1.0)


@pytest.mark.parametrize("name", ["mask", "temperature", "top_k", "top_p", "min_p", "filter_temperature"])
def test_tensors_elsewhere_are_refused(name):
    """On the meta device there is nothing to read: no result may be made of it."""
    values = {"mask": torch.ones(4, dtype=torch.bool), "top_k": torch.tensor(2)}
    value = values.get(name, torch.tensor(0.5)).to("meta")
    with pytest.raises(ValueError, match=f"{name} must be on cpu, as the logits, not on meta"):
        categorical(normal(3, 4), **{name: value})
    if name == "mask":
        for function in gt.gumbel_softmax, gt.gumbel_max, lambda x, mask: gt.gumbel_top_k(x, 2, mask=mask):
            with pytest.raises(ValueError, match="mask must be on cpu"):
                function(normal(3, 4), mask=value)
        with pytest.raises(ValueError, match="tau must be on cpu"):
            gt.gumbel_softmax(normal(3, 4), torch.ones((), device="meta"))
        with pytest.raises(ValueError, match="value must be on cpu"):
            gt.Categorical(logits=normal(3, 4)).log_prob(torch.ones(3, dtype=torch.int64, device="meta"))


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint32])
def test_a_mask_of_no_words_leaves_nothing(dtype):
    mask = torch.zeros(3, 0, dtype=dtype)
    for draw in categorical, lambda x, mask: categorical(x, mask=mask, return_log_prob=True), gt.gumbel_max:
        with pytest.raises(ValueError, match="row 0 has nothing left by the mask"):
            draw(normal(3, 5, dtype=torch.float32), mask=mask)
    assert torch.all(gt.gumbel_softmax(normal(3, 5, dtype=torch.float32), mask=mask).isnan())
    assert torch.all(gt.Categorical(logits=normal(3, 5), mask=mask, validate_args=False).entropy().isnan())
