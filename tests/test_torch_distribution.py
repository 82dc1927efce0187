"""gumbel_fast.torch.Categorical beside torch.distributions.Categorical: it is one, and its mask is a masked_fill.

A mask gives what torch's class gives of logits with -inf, or of probabilities with 0, in their place. Right code fails
a test of the law of draws once in a million seeds, and the others never.
"""

import copy
import importlib
import inspect
import pickle
import warnings

import numpy as np
import pytest

from statistical import assert_draws_follow
from torch_helpers import (
    HALVES,
    REALS,
    assert_close,
    entropy_of,
    gt,
    log_probabilities,
    normal,
    seeded,
    some_mask,
    torch,
)

Categorical = gt.Categorical
Theirs = torch.distributions.Categorical

SHAPES = [(5,), (4, 5), (2, 3, 5)]


@pytest.fixture(autouse=True)
def checks_of_distributions():
    """On, as they are by default: torch.compile switches them off for the whole process."""
    before = torch.distributions.Distribution._validate_args
    torch.distributions.Distribution.set_default_validate_args(True)
    yield
    torch.distributions.Distribution.set_default_validate_args(before)


def pair(shape, *, dtype=torch.float64, masked=True, by="logits", grad=False):
    """Ours, torch's, and the parameters of each."""
    raw = normal(*shape, dtype=dtype)
    if by == "probs":
        raw = raw.softmax(-1)
    mask = some_mask(*shape) if masked else None
    ours, theirs = raw.clone().requires_grad_(grad), raw.clone().requires_grad_(grad)
    filled = theirs if mask is None else theirs.masked_fill(~mask, -torch.inf if by == "logits" else 0)
    return Categorical(**{by: ours}, mask=mask), Theirs(**{by: filled}), ours, theirs


# ------------------------------------------------------------------------------------------------------------ the class


def test_it_is_a_categorical_of_torch():
    d = Categorical(logits=torch.zeros(2, 3))
    assert isinstance(d, Theirs)
    assert not Categorical.has_rsample
    assert not d.has_rsample
    with pytest.raises(NotImplementedError):
        d.rsample()


def test_signature():
    parameters = inspect.signature(Categorical).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [
        ("probs", None), ("logits", None), ("mask", None), ("validate_args", None),
    ]  # fmt: skip


def test_repr():
    for by in "logits", "probs":
        assert repr(Categorical(**{by: torch.ones(2, 3)})) == repr(Theirs(**{by: torch.ones(2, 3)}))
    masked = Categorical(logits=torch.zeros(2, 3), mask=torch.ones(3, dtype=torch.bool))
    assert repr(masked) == "Categorical(logits: torch.Size([2, 3]), mask: torch.Size([3]))"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("by", ["logits", "probs"])
def test_attributes_are_torchs(shape, masked, by):
    ours, theirs, _, _ = pair(shape, masked=masked, by=by)
    for name in "batch_shape", "event_shape", "param_shape":
        assert getattr(ours, name) == getattr(theirs, name)
    assert_close(ours.probs, theirs.probs)
    if by == "logits":
        assert_close(ours.logits, theirs.logits)
    assert ours.has_enumerate_support
    assert torch.equal(ours.mode, theirs.mode)
    for name in "mean", "variance", "stddev":
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), equal_nan=True)
    assert ours.support.is_discrete
    assert (ours.support.lower_bound, ours.support.upper_bound) == (0, 4)


@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_dtypes(dtype):
    ours, theirs, _, _ = pair((4, 5), dtype=dtype)
    value = ours.sample((3,))
    assert value.dtype == torch.int64
    assert_close(ours.log_prob(value), theirs.log_prob(value))
    assert_close(ours.entropy(), theirs.entropy())


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_half_precision(dtype):
    ours, theirs, _, _ = pair((4, 5), dtype=dtype)
    value = ours.sample((3,))
    torch.testing.assert_close(ours.log_prob(value).float(), theirs.log_prob(value).float(), rtol=0.02, atol=0.02)
    torch.testing.assert_close(ours.entropy().float(), theirs.entropy().float(), rtol=0.02, atol=0.02)


# -------------------------------------------------------------------------------------------------------------- samples


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sample_shape", [(), (7,), (2, 3), (0,), torch.Size([4]), [2]], ids=str)
def test_shapes_of_samples(shape, sample_shape):
    ours, theirs, _, _ = pair(shape)
    drawn = ours.sample(sample_shape)
    assert drawn.shape == tuple(sample_shape) + shape[:-1]
    assert drawn.dtype == torch.int64
    if 0 not in sample_shape:  # which torch refuses
        assert drawn.shape == theirs.sample(torch.Size(sample_shape)).shape
    assert not drawn.requires_grad
    assert ours.sample().shape == shape[:-1]


def test_no_rows():
    """Torch's validation trips over them."""
    d = Categorical(logits=torch.zeros(0, 5), validate_args=False)
    assert d.sample((3,)).shape == (3, 0)
    assert d.entropy().shape == (0,)


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("by", ["logits", "probs"])
@pytest.mark.parametrize("many", [True, False], ids=["many of a row", "one of many rows"])
def test_samples_follow_the_probabilities(by, many):
    torch.manual_seed(3)
    raw, mask = normal(6, seed=4), torch.arange(6) != 1
    parameter = raw.softmax(-1) * 2 if by == "probs" else raw
    shape = (6,) if many else (40_000, 6)
    d = Categorical(**{by: parameter.expand(shape)}, mask=mask)
    drawn = d.sample((40_000,)) if many else d.sample()
    p = raw.masked_fill(~mask, -torch.inf).softmax(-1).numpy()
    assert_draws_follow(drawn, p, against={"no mask": raw.softmax(-1).numpy(), "uniform": mask.numpy() / 5})


@pytest.mark.thread_unsafe
def test_rows_of_samples_follow_their_own_probabilities():
    """Each number of the batch keeps to its row, whatever the sample shape."""
    torch.manual_seed(3)
    raw = normal(2, 3, 6, seed=4)
    drawn = Categorical(logits=raw).sample((200, 100))
    for i, j in np.ndindex(2, 3):
        others = {"another row": raw[i, (j + 1) % 3].softmax(-1).numpy()}
        assert_draws_follow(drawn[:, :, i, j], raw[i, j].softmax(-1).numpy(), against=others)


def test_what_is_masked_is_never_drawn():
    ours, _, _, _ = pair((50, 5))
    drawn = ours.sample((200,))
    assert torch.all(ours.probs.expand(200, 50, 5).gather(-1, drawn.unsqueeze(-1)) > 0)


@pytest.mark.thread_unsafe
def test_samples_obey_manual_seed():
    """Two of 250 draws are never alike by chance."""
    d = Categorical(logits=normal(50, 5))
    torch.manual_seed(3)
    first, second = d.sample((5,)), d.sample((5,))
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(d.sample((5,)), first)


# ------------------------------------------------------------------------------------------------- log_prob and entropy


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("by", ["logits", "probs"])
@pytest.mark.parametrize("value_shape", [(), (1,), (3,), (2, 3), (7, 2, 3), (7, 1, 1), (7, 2, 1)], ids=str)
def test_log_prob_broadcasts(masked, by, value_shape):
    ours, theirs, raw, their_raw = pair((2, 3, 5), masked=masked, by=by, grad=True)
    value = torch.randint(5, value_shape, generator=seeded())
    found, wanted = ours.log_prob(value), theirs.log_prob(value)
    if by == "probs" and masked:  # torch clamps probabilities of 0, the logarithm here is that of 0
        allowed = ours.probs.broadcast_to(*found.shape, 5).gather(-1, value.broadcast_to(found.shape).unsqueeze(-1))
        assert torch.all(found[allowed.squeeze(-1) == 0] == -torch.inf)
        found, wanted = found[allowed.squeeze(-1) > 0], wanted[allowed.squeeze(-1) > 0]
    assert_close(found, wanted)
    finite = torch.isfinite(found)
    weights = normal(*found.shape, seed=4)[finite]
    (gradient,) = torch.autograd.grad(found[finite], raw, weights)
    (their_gradient,) = torch.autograd.grad(wanted[finite], their_raw, weights)
    assert_close(gradient, their_gradient)


def test_log_prob_of_a_batch_that_broadcasts():
    """A distribution without a batch, of any values; and values of other integer and float dtypes, as torch."""
    ours, theirs, _, _ = pair((5,))
    value = torch.randint(5, (4, 3), generator=seeded())
    for given in value, value.to(torch.int32), value.double():
        assert_close(ours.log_prob(given), theirs.log_prob(given))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("by", ["logits", "probs"])
def test_entropy(shape, masked, by):
    """Its gradient is that of the definition; torch's own is NaN where a logit is -inf."""
    ours, theirs, raw, _ = pair(shape, masked=masked, by=by, grad=True)
    mask = some_mask(*shape) if masked else None
    found = ours.entropy()
    torch.testing.assert_close(found, theirs.entropy(), rtol=1e-12, atol=1e-12)
    keep = torch.ones(shape, dtype=torch.bool) if mask is None else mask
    log_p = log_probabilities(raw if by == "logits" else raw.log(), keep=keep)
    weights = normal(*found.shape, seed=4)
    (gradient,) = torch.autograd.grad(found, raw, weights)
    (wanted,) = torch.autograd.grad(entropy_of(log_p), raw, weights)
    assert_close(gradient, wanted)
    assert torch.all(gradient[~keep] == 0)


@pytest.mark.parametrize("by", ["logits", "probs"])
def test_masked_actions(by):
    """log_prob -inf, gradient exactly 0, entropy finite."""
    raw = normal(4, 5)
    raw = (raw.softmax(-1) if by == "probs" else raw).requires_grad_()
    mask = some_mask(4, 5)
    mask[0] = torch.tensor([True, True, False, False, False])
    d = Categorical(**{by: raw}, mask=mask)
    log_prob = d.log_prob(torch.arange(5).unsqueeze(-1)).movedim(0, -1)
    assert torch.equal(log_prob == -torch.inf, ~mask)
    assert_close(log_prob.exp().sum(-1), torch.ones(4, dtype=torch.float64))
    for result in d.log_prob(d.sample()), d.entropy():
        assert torch.all(torch.isfinite(result))
        (gradient,) = torch.autograd.grad(result.sum(), raw, retain_graph=True)
        assert torch.all(gradient[~mask] == 0)
        assert torch.all(torch.isfinite(gradient))
        assert gradient.abs().max() > 0


@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, 3e38, -torch.inf], ids=str)
def test_what_is_masked_may_be_anything(garbage):
    """It has no part in any result, and no gradient."""
    mask = some_mask(4, 5)
    results = []
    for value in 0.0, garbage:
        raw = normal(4, 5).masked_fill(~mask, value).requires_grad_()
        d = Categorical(logits=raw, mask=mask)
        index = mask.int().argmax(-1)
        log_prob, entropy = d.log_prob(index), d.entropy()
        gradient = torch.autograd.grad(log_prob.sum() + entropy.sum(), raw)[0]
        results.append((log_prob.detach(), entropy.detach(), gradient, d.probs.detach(), d.logits.detach(), d.mode))
        assert torch.all(gradient[~mask] == 0)
        assert torch.all(mask.gather(-1, d.sample().unsqueeze(-1)))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_second_derivatives():
    mask = some_mask(3, 5)
    raw = normal(3, 5).requires_grad_()
    value = mask.int().argmax(-1)

    def values(x):
        d = Categorical(logits=x, mask=mask)
        return d.log_prob(value), d.entropy()

    assert torch.autograd.gradcheck(values, raw)
    assert torch.autograd.gradgradcheck(values, raw)


@pytest.mark.parametrize("mask_shape", [(5,), (1, 5), (3, 5), (2, 1, 5), (1, 1, 1)], ids=str)
def test_mask_broadcasts(mask_shape):
    raw, mask = normal(2, 3, 5), some_mask(*mask_shape)
    ours, theirs = Categorical(logits=raw, mask=mask), Theirs(logits=raw.masked_fill(~mask, -torch.inf))
    assert ours.batch_shape == theirs.batch_shape
    assert_close(ours.entropy(), theirs.entropy())
    assert_close(ours.probs, theirs.probs)
    assert torch.all(ours.probs.gather(-1, ours.sample().unsqueeze(-1)) > 0)


# ---------------------------------------------------------------------------------------------- what torch does with it


@pytest.mark.parametrize("by", ["logits", "probs"])
@pytest.mark.parametrize("masked", [True, False])
def test_expand(by, masked):
    ours, theirs, _, _ = pair((3, 5), masked=masked, by=by)
    ours, theirs = ours.expand((7, 3)), theirs.expand((7, 3))
    assert type(ours) is Categorical
    assert ours.batch_shape == (7, 3)
    assert_close(ours.probs, theirs.probs)
    assert_close(ours.entropy(), theirs.entropy())
    drawn = ours.sample((20,))
    assert drawn.shape == (20, 7, 3)
    assert torch.all(ours.probs.expand(20, 7, 3, 5).gather(-1, drawn.unsqueeze(-1)) > 0)
    assert_close(ours.log_prob(drawn), theirs.log_prob(drawn))
    assert len(drawn.reshape(140, 3).unique(dim=0)) > 1, "rows that are expanded have draws of their own"
    assert type(ours.expand((2, 7, 3))) is Categorical


@pytest.mark.parametrize("expand", [True, False])
def test_enumerate_support(expand):
    ours, theirs, _, _ = pair((2, 3, 5))
    assert torch.equal(ours.enumerate_support(expand), theirs.enumerate_support(expand))
    assert_close(ours.log_prob(ours.enumerate_support()).exp().sum(0), torch.ones(2, 3, dtype=torch.float64))


def test_kl_divergence():
    """Between ours, and between ours and torch's."""
    q_raw = normal(4, 5, seed=9)
    ours, theirs, _, _ = pair((4, 5))
    other, their_other = Categorical(logits=q_raw), Theirs(logits=q_raw)
    wanted = torch.distributions.kl_divergence(theirs, their_other)
    for p, q in (ours, other), (ours, their_other), (theirs, other):
        torch.testing.assert_close(torch.distributions.kl_divergence(p, q), wanted)
    back = torch.distributions.kl_divergence(their_other, theirs)
    assert torch.any(back == torch.inf)
    torch.testing.assert_close(torch.distributions.kl_divergence(other, ours), back)


def test_copies():
    """By copy.deepcopy and pickle, as torch's."""
    ours, _, _, _ = pair((4, 5))
    for other in copy.deepcopy(ours), pickle.loads(pickle.dumps(ours)):
        assert type(other) is Categorical
        assert torch.equal(other.probs, ours.probs)
        assert torch.equal(other.log_prob(ours.mode), ours.log_prob(ours.mode))
        assert torch.all(other.probs.gather(-1, other.sample().unsqueeze(-1)) > 0)


def test_independent_and_mixtures():
    ours, theirs, _, _ = pair((4, 5))
    value = ours.sample()
    independent = torch.distributions.Independent(ours, 1)
    assert_close(independent.log_prob(value), torch.distributions.Independent(theirs, 1).log_prob(value))
    assert independent.sample((3,)).shape == (3, 4)
    parts = torch.distributions.Normal(torch.arange(5.0).double().expand(4, 5), torch.ones(4, 5).double())
    mixture, their_mixture = (torch.distributions.MixtureSameFamily(d, parts) for d in (ours, theirs))
    x = normal(4, seed=3)
    assert_close(mixture.log_prob(x), their_mixture.log_prob(x))
    assert_close(mixture.mean, their_mixture.mean)
    assert mixture.sample((3,)).shape == (3, 4)


# -------------------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({}, ValueError),
        ({"probs": torch.ones(3), "logits": torch.ones(3)}, ValueError),
        ({"logits": torch.tensor(0.0)}, ValueError),
        ({"probs": torch.tensor(1.0)}, ValueError),
        ({"logits": torch.tensor([0.0, torch.nan]), "validate_args": True}, ValueError),
        ({"probs": torch.tensor([0.5, -0.5, 1.0]), "validate_args": True}, ValueError),
        ({"logits": torch.zeros(2, 3), "mask": torch.ones(2, 4, dtype=torch.bool)}, (ValueError, RuntimeError)),
        ({"logits": torch.zeros(2, 3), "mask": torch.ones(4, 2, 3, dtype=torch.bool)}, (ValueError, RuntimeError)),
        ({"logits": torch.zeros(2, 3), "mask": torch.ones(2, 3)}, TypeError),
    ],
    ids=["nothing", "both", "0-d logits", "0-d probs", "NaN", "negative", "mask size", "mask dims", "mask dtype"],
)
def test_arguments_that_are_refused(arguments, error):
    with pytest.raises(error):
        Categorical(**arguments)


def test_values_that_are_refused():
    d = Categorical(logits=torch.zeros(2, 3), validate_args=True)
    for value in torch.tensor(3), torch.tensor(-1), torch.tensor(0.5), torch.zeros(3, dtype=torch.int64):
        with pytest.raises(ValueError, match=r"value|sample|broadcast|within the support"):
            d.log_prob(value)


@pytest.mark.parametrize("masked", [True, False])
def test_rows_that_cannot_be_drawn_from(masked):
    raw, mask = torch.zeros(4, 3), torch.ones(4, 3, dtype=torch.bool)
    if masked:
        mask[2] = False
    else:
        raw[2] = -torch.inf
    with pytest.raises(ValueError, match="row 2"):
        Categorical(logits=raw, mask=mask, validate_args=False).sample()


@pytest.mark.thread_unsafe
def test_no_validation_where_none_is_wanted():
    Categorical(logits=torch.tensor([0.0, torch.nan]), validate_args=False)
    d = Categorical(logits=torch.zeros(3), validate_args=False)
    d.log_prob(torch.tensor([0, 1, 2]))
    torch.distributions.Distribution.set_default_validate_args(False)
    Categorical(logits=torch.tensor([0.0, torch.nan]))


@pytest.mark.parametrize("shape", [(2, 4), (4, 2, 3), (3, 3)], ids=str)
def test_masks_of_a_wrong_shape_without_validation(shape):
    """They are refused when they are used, if not at once; nothing is read beside them."""
    for use in Categorical.sample, Categorical.entropy, lambda d: d.log_prob(torch.tensor([0, 1])):
        with pytest.raises((ValueError, RuntimeError)):
            use(Categorical(logits=torch.zeros(2, 3), mask=torch.ones(shape, dtype=torch.bool), validate_args=False))


# ------------------------------------------------------------------------------------------------------------- policies

POLICY = """
import torch
from torch.distributions import Categorical


def train(steps, rows):
    policy = torch.nn.Linear(3, 4)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    observations = torch.eye(3).repeat(rows, 1)
    best = torch.arange(3).repeat(rows)
    for _ in range(steps):
        action_distribution = Categorical(logits=policy(observations))
        action = action_distribution.sample()
        reward = (action == best).float()
        loss = -(action_distribution.log_prob(action) * (reward - reward.mean())).mean()
        loss = loss - 0.001 * action_distribution.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Categorical(logits=policy(torch.eye(3))).probs
"""


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("library", ["torch.distributions", "gumbel_fast.torch"])
def test_policy_written_for_torch_learns_by_another_import(library):
    """The action that is rewarded comes to be likely, with either class."""
    names = {}
    exec(POLICY.replace("from torch.distributions", f"from {library}"), names)
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probs = names["train"](60, 30)
    assert torch.all(probs.diagonal() > 0.8)


@pytest.mark.thread_unsafe
def test_policy_that_is_masked_learns_among_what_is_allowed():
    """The best action is masked; the second best is learnt, and the masked one's bias is left as it was."""
    torch.manual_seed(0)
    policy = torch.nn.Linear(1, 4)
    before = policy.bias.detach().clone()
    rewards, mask = torch.tensor([0.0, 5.0, 1.0, 0.0]), torch.tensor([True, False, True, True])
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.5)
    for _ in range(60):
        d = Categorical(logits=policy(torch.ones(64, 1)), mask=mask)
        action = d.sample()
        assert not torch.any(action == 1)
        optimizer.zero_grad()
        (-(d.log_prob(action) * (rewards[action] - 0.5)).mean() - 0.001 * d.entropy().mean()).backward()
        optimizer.step()
    d = Categorical(logits=policy(torch.ones(1)), mask=mask)
    assert d.probs[2] > 0.8
    assert policy.bias[1] == before[1]


def test_it_stays_what_it_was():
    """As torch's own: its logits and its mask are copies, and what is made without a gradient has none."""
    logits, mask = torch.zeros(3, requires_grad=True), torch.tensor([True, True, True])
    with torch.no_grad():
        old = Categorical(logits=logits, mask=mask)
        logits[0], mask[1] = 5.0, False
    torch.testing.assert_close(old.probs, torch.full((3,), 1 / 3))
    action = torch.tensor(2)
    torch.testing.assert_close(old.log_prob(action), -torch.tensor(3.0).log())
    assert not old.log_prob(action).requires_grad
    (Categorical(logits=logits).log_prob(action) - old.log_prob(action)).exp().backward()
    assert logits.grad.abs().max() > 0.01


def test_it_may_be_made_anew_and_its_parameters_set():
    d = Categorical(logits=torch.zeros(4))
    assert d.probs.tolist() == [0.25] * 4
    d.__init__(logits=torch.tensor([0.0, 0.0, -torch.inf, -torch.inf]))
    assert d.probs.tolist() == [0.5, 0.5, 0, 0]
    d.logits = torch.tensor([-torch.inf, 0.0, -torch.inf, -torch.inf])
    assert d.sample() == 1
    assert d.entropy() == 0
    d.probs = torch.tensor([0.0, 0.0, 0.0, 1.0])
    assert d.sample() == 3
    assert d.logits.tolist() == [-torch.inf] * 3 + [0]


def test_masked_probabilities_may_be_anything():
    for bad in torch.nan, torch.inf, -1.0:
        probs = torch.tensor([0.1, bad, 0.1, 0.2], dtype=torch.float64, requires_grad=True)
        d = Categorical(probs=probs, mask=torch.tensor([True, False, True, True]), validate_args=True)
        (gradient,) = torch.autograd.grad(d.log_prob(torch.tensor(0)) + d.entropy(), probs)
        assert torch.all(gradient.isfinite())
        assert gradient[1] == 0


def test_validate_args_as_torchs_third_argument():
    Categorical(None, torch.full((2, 3), torch.nan), False)
    with pytest.raises(ValueError, match="probs: row 0"):
        Categorical(torch.zeros(2, 3), None, True)


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_divergence_in_a_graph():
    def divergence(x):
        return torch.distributions.kl_divergence(Categorical(logits=x), Categorical(logits=-x))

    importlib.import_module("torch._dynamo").reset()
    x = normal(4, 6)
    assert_close(torch.compile(divergence, fullgraph=True, backend="aot_eager")(x), divergence(x))


def test_values_that_are_complex():
    with pytest.raises(TypeError, match="not complex"):
        Categorical(logits=torch.zeros(3)).log_prob(torch.tensor(1 + 5j))
