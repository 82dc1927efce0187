"""A step of a policy in PyTorch: a draw among the actions that a mask allows, its log-probability and the entropy.

Small tensors, as reinforcement learning has them: what a call costs before any arithmetic counts as much as the rows.
relaxation.py has Gumbel-softmax in PyTorch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gumbel_fast
from harness import checks, peers
from harness.inputs import SEED, Inputs, calls_in_turn
from harness.regime import Call, Contestant, Regime, Role, Target, regime

_BATCHES = 4  # taken in turn, as in batches.py
_BONUS = 0.01  # of the entropy
_ALONE = "the draw alone, from arrays"
_TORCH = "torch Categorical, masked_fill"
_TRICK = "torch exponential trick"


# --------------------------------------------------------------------------------------------------------- a draw alone


@regime
def torch_draw_64x2(inputs: Inputs) -> Regime:
    """What the tensors cost: the limit draws from arrays on the same memory."""
    batches = inputs.normal(_BATCHES, 64, 2)
    check = checks.one_draw_each(batches[0])

    def each(prepare: Callable[[NDArray[Any]], Call]) -> Callable[[], Call]:
        return partial(calls_in_turn, prepare, batches)

    return Regime(
        name="torch_draw_64x2",
        title="One draw from each of 64 rows of 2 logits, in PyTorch",
        short="one draw each, 64 x 2, in PyTorch",
        meaning="An action for each of 64 environments, whose policy is a PyTorch model.",
        elements=128,
        bytes_moved=batches[0].nbytes,
        contestants=(
            Contestant("gumbel_fast.torch.categorical", "gumbel_fast", each(_draw), check, Role.PROJECT),
            Contestant(_TRICK, "torch", each(_trick), check, flaw="approx."),
            Contestant("torch softmax + multinomial", "torch", each(_multinomial), check),
            Contestant("gumbel_fast.categorical", "gumbel_fast", each(_from_array), check, Role.LIMIT),
        ),
        targets=(
            Target(_TRICK, bar=1.5, goal=None, any_simd=True),
            Target("gumbel_fast.categorical", bar=6, goal=None, of_limit=True, any_simd=True),
        ),
    )


def _tensor(array: NDArray[Any]) -> Any:
    torch = peers.load("torch")
    torch.manual_seed(SEED)
    return torch.from_numpy(array)


def _draw(logits: NDArray[Any]) -> Call:
    tensor = _tensor(logits)
    return partial(importlib.import_module("gumbel_fast.torch").categorical, tensor)


def _trick(logits: NDArray[Any]) -> Call:
    """Add Gumbel noise, as minus the logarithm of exponential variates."""
    torch, tensor = peers.load("torch"), _tensor(logits)
    return lambda: (tensor - torch.empty_like(tensor).exponential_().log()).argmax(-1)


def _multinomial(logits: NDArray[Any]) -> Call:
    torch, tensor = peers.load("torch"), _tensor(logits)
    return lambda: torch.multinomial(torch.softmax(tensor, -1), 1)[:, 0]


def _from_array(logits: NDArray[Any]) -> Call:
    return partial(gumbel_fast.categorical, logits, rng=np.random.default_rng(SEED))


# --------------------------------------------------------------------------------------------------------- a whole step

#: Takes logits and what is allowed, and gives actions, their log-probabilities and entropies.
_Function = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class _Step:
    """Logits, which actions are allowed, and what each row's log-probability counts in the objective."""

    logits: NDArray[Any]
    allowed: NDArray[np.bool_]
    advantages: NDArray[Any]


@regime
def policy_step_64x2(inputs: Inputs) -> Regime:
    """Next to no arithmetic."""
    return _policy("policy_step_64x2", inputs, (64, 2), 1, backward=False, bar=8)


@regime
def policy_step_2048x18(inputs: Inputs) -> Regime:
    """As many actions as an Atari console has."""
    return _policy("policy_step_2048x18", inputs, (2048, 18), 9, backward=False, bar=8)


@regime
def policy_step_16x4672(inputs: Inputs) -> Regime:
    """Moves of chess."""
    return _policy("policy_step_16x4672", inputs, (16, 4672), 35, backward=False, bar=12)


@regime
def policy_gradient_64x2(inputs: Inputs) -> Regime:
    """Forward and backward: most of it is PyTorch's autograd, for everybody."""
    return _policy("policy_gradient_64x2", inputs, (64, 2), 1, backward=True, bar=3)


@regime
def policy_gradient_2048x18(inputs: Inputs) -> Regime:
    """Forward and backward."""
    return _policy("policy_gradient_2048x18", inputs, (2048, 18), 9, backward=True, bar=3)


@regime
def policy_gradient_16x4672(inputs: Inputs) -> Regime:
    """Forward and backward."""
    return _policy("policy_gradient_16x4672", inputs, (16, 4672), 35, backward=True, bar=3)


def _policy(name: str, inputs: Inputs, shape: tuple[int, int], number: int, *, backward: bool, bar: float) -> Regime:
    """Make a regime of rows of which each allows `number` actions; where that is 1 of 2, half of them allow both."""
    rows, actions = shape
    batches = [_Step(*arrays) for arrays in zip(*_arrays(inputs, shape, number), strict=True)]
    first = batches[0]
    check = checks.policy_step(first.logits, first.allowed, first.advantages if backward else None, _BONUS)

    def each(prepare: Callable[[_Step], Call]) -> Callable[[], Call]:
        return partial(calls_in_turn, prepare, batches)

    unchecked = partial(_torch_distribution, validate_args=False)

    def with_torch(prepare: Callable[[], _Function]) -> Callable[[], Call]:
        return each(partial(_step_of, prepare, backward=backward))

    return Regime(
        name=name,
        title=f"A policy's step, {rows:,} x {actions:,} logits in PyTorch{', with its gradient' if backward else ''}",
        short=f"policy step{' and gradient' if backward else ''}, {rows:,} x {actions:,}",
        meaning=f"Allowed actions of {rows:,} environments, their log-probabilities and the entropies.",
        elements=rows * actions,
        bytes_moved=5 * rows * actions,
        contestants=(
            Contestant("gumbel_fast.torch.categorical", "gumbel_fast", with_torch(_one_call), check, Role.PROJECT),
            Contestant("gumbel_fast.torch.Categorical", "gumbel_fast", with_torch(_distribution), check),
            Contestant(_TORCH, "torch", with_torch(_torch_distribution), check),
            Contestant("the same, validate_args=False", "torch", with_torch(unchecked), check),
            Contestant(_ALONE, "gumbel_fast", each(_masked_from_array), checks.nothing, Role.LIMIT),
        ),
        targets=(Target(_TORCH, bar=bar, goal=None),),
    )


def _arrays(
    inputs: Inputs, shape: tuple[int, int], number: int
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[Any]]:
    logits = inputs.normal(_BATCHES, *shape)
    order = np.random.default_rng(SEED).random(logits.shape)
    allowed = order <= np.sort(order, axis=-1)[..., number - 1 : number]
    if shape[-1] == 2:
        allowed[:, ::2] = True  # in half of the rows both, so that there is something to draw
    return logits, allowed, inputs.normal(_BATCHES, shape[0])


def _step_of(prepare: Callable[[], _Function], batch: _Step, *, backward: bool) -> Call:
    """Make a call of a step on tensors; with the gradient of the objective, or without."""
    torch, logits = peers.load("torch"), _tensor(batch.logits)
    step, allowed = prepare(), torch.from_numpy(batch.allowed)
    if not backward:
        return partial(step, logits, allowed)
    logits.requires_grad_()
    weights = torch.from_numpy(batch.advantages), torch.full((len(logits),), _BONUS)

    def learn() -> Any:
        action, log_prob, entropy = step(logits, allowed)
        gradient = torch.autograd.grad((log_prob, entropy), logits, weights)
        return action, log_prob.detach(), entropy.detach(), *gradient

    return learn


def _one_call() -> _Function:
    categorical = importlib.import_module("gumbel_fast.torch").categorical
    return lambda logits, allowed: categorical(logits, mask=allowed, return_log_prob=True, return_entropy=True)


def _distribution() -> _Function:
    categorical = importlib.import_module("gumbel_fast.torch").Categorical
    return lambda logits, allowed: _told(categorical(logits=logits, mask=allowed))


def _torch_distribution(**more: bool) -> _Function:
    torch = peers.load("torch")
    categorical, nothing = torch.distributions.Categorical, -torch.inf
    return lambda logits, allowed: _told(categorical(logits=logits.masked_fill(~allowed, nothing), **more))


def _told(policy: Any) -> Any:
    action = policy.sample()
    return action, policy.log_prob(action), policy.entropy()


def _masked_from_array(batch: _Step) -> Call:
    return partial(gumbel_fast.categorical, batch.logits, mask=batch.allowed, rng=np.random.default_rng(SEED))
