"""Train a policy, some of whose actions are forbidden, by REINFORCE in PyTorch; and what the policy's step costs.

    python examples/policy_gradient.py
    python examples/policy_gradient.py --bandit     # without gymnasium

128 poles are balanced at once: gymnasium's CartPole, whose cart may not be pushed away from the middle where it is far
from it. Or, where gymnasium is not installed, a bandit is played that forbids some of its arms each time. At every step
a small network turns 128 observations into logits, and what is allowed comes as a mask:

    policy = Categorical(logits=network(observation), mask=allowed)
    action = policy.sample()
    log_prob, entropy = policy.log_prob(action), policy.entropy()

After each batch of episodes the network's weights move to increase

    mean over steps of (return from that step on - what is usual at that step) * log_prob + 0.01 * entropy,

the policy gradient of R. J. Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning", Machine Learning 8 (1992), with a bonus for policies that still try things.

Then the same training once more with torch.distributions.Categorical, for which the logits of what is forbidden are
first set to -inf; and the time of the three lines above, by either, beside the one call that does the same.
"""

import argparse
import statistics
import time

import torch
from torch import nn

import gumbel_fast.torch

try:
    import gymnasium
except ImportError:
    gymnasium = None

HIDDEN = 32
LEARNING_RATE = 0.01
DISCOUNT = 0.99
ENTROPY_BONUS = 0.01

# ------------------------------------------------------------------------------------------- two kinds of distribution


def by_gumbel_fast(logits, allowed):
    """Return the policy: the mask is an argument."""
    return gumbel_fast.torch.Categorical(logits=logits, mask=allowed)


def by_torch(logits, allowed):
    """Return the same policy as one has it with PyTorch alone."""
    return torch.distributions.Categorical(logits=logits.masked_fill(~allowed, -torch.inf))


POLICIES = {"gumbel_fast.torch.Categorical": by_gumbel_fast, "torch.distributions.Categorical": by_torch}

# -------------------------------------------------------------------------------------------------------- environments


class Bandit:
    """A contextual bandit with ten arms, of which each is forbidden half of the time; an episode is one step.

    Every arm has a score, a weighted sum of the eight numbers that are observed. Of the arms that are allowed, the one
    with the highest score pays 1, the others nothing.
    """

    goal = 0.75  # mean return; about 0.2 is chance

    def __init__(self, number):
        self.number, self.inputs, self.actions = number, 8, 10
        self._scores = torch.randn(8, self.actions, generator=torch.Generator().manual_seed(0))

    def reset(self):
        """Return observations, and which actions are allowed."""
        self._observation = torch.randn(self.number, self.inputs)
        self.allowed = torch.rand(self.number, self.actions) < 0.5
        self.allowed[:, 0] |= ~self.allowed.any(dim=1)
        return self._observation, self.allowed

    def step(self, action):
        """Return observations, which actions are allowed, rewards, and which episodes are over."""
        require_allowed(self.allowed, action)
        paying = (self._observation @ self._scores).masked_fill(~self.allowed, -torch.inf).argmax(dim=1)
        return self._observation, self.allowed, (action == paying).float(), torch.ones(self.number, dtype=torch.bool)


class CartPole:
    """Gymnasium's CartPole: an action pushes the cart to one side, and every step until the pole falls pays 1.

    Where the cart is more than 0.5 to one side of the middle, it may not be pushed further to that side.
    """

    goal = 195  # mean return; 500 is the longest episode, about 20 chance

    def __init__(self, number):
        self._environments = gymnasium.make_vec("CartPole-v1", number, vectorization_mode="vector_entry_point")
        self.number, self.inputs, self.actions = number, 4, 2

    def reset(self):
        """Return observations, and which actions are allowed."""
        observation, _ = self._environments.reset(seed=int(torch.randint(2**31, ())))
        return self._seen(observation)

    def step(self, action):
        """Return observations, which actions are allowed, rewards, and which episodes are over."""
        require_allowed(self.allowed, action)
        observation, reward, terminated, truncated, _ = self._environments.step(action.numpy())
        return *self._seen(observation), torch.from_numpy(reward).float(), torch.from_numpy(terminated | truncated)

    def _seen(self, observation):
        observation = torch.from_numpy(observation.copy())
        place = observation[:, 0]
        self.allowed = torch.stack([place > -0.5, place < 0.5], dim=1)  # to the left, to the right
        return observation, self.allowed


def require_allowed(allowed, action):
    """Stop where an action is forbidden."""
    if not allowed.gather(1, action.unsqueeze(1)).all():
        raise SystemExit("an action is forbidden")


# ----------------------------------------------------------------------------------------------------------- REINFORCE


def play(environments, network, distribution):
    """Play one episode in every environment.

    Returns log-probabilities, entropies and rewards, each with dimensions (step, environment), and whether the episode
    still went on.
    """
    observation, allowed = environments.reset()
    playing = torch.ones(environments.number, dtype=torch.bool)
    steps = []
    while playing.any():
        policy = distribution(network(observation), allowed)
        action = policy.sample()
        log_prob, entropy = policy.log_prob(action), policy.entropy()
        observation, allowed, reward, over = environments.step(action)
        steps.append((log_prob, entropy, reward * playing, playing))
        playing = playing & ~over
    return tuple(torch.stack(column) for column in zip(*steps, strict=True))


def advantages_of(rewards, played):
    """Return each step's discounted return from there on, less its mean over the environments that got so far."""
    returns, following = torch.zeros_like(rewards), torch.zeros(rewards.shape[1])
    for step in reversed(range(len(rewards))):
        following = returns[step] = rewards[step] + DISCOUNT * following
    usual = returns.sum(dim=1, keepdim=True) / played.sum(dim=1, keepdim=True)
    advantages = (returns - usual)[played]
    return advantages / (advantages.std(correction=0) + 1e-8)


def train(kind, number, distribution, batches, seed=1):
    """Train until the mean return of a batch exceeds the goal; return the mean returns, and the time in seconds."""
    torch.manual_seed(seed)
    environments = kind(number)
    network = nn.Sequential(nn.Linear(environments.inputs, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, environments.actions))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    start, returns = time.perf_counter(), []
    while len(returns) < batches and (not returns or returns[-1] <= kind.goal):
        log_prob, entropy, rewards, played = play(environments, network, distribution)
        objective = advantages_of(rewards, played) * log_prob[played] + ENTROPY_BONUS * entropy[played]
        optimizer.zero_grad()
        (-objective.mean()).backward()
        optimizer.step()
        returns.append(rewards.sum(dim=0).mean().item())
    return returns, time.perf_counter() - start


# --------------------------------------------------------------------------------------------------------------- times


def by_distribution(distribution):
    """Return a step of the training with such a distribution: the draw, its log-probability and the entropy."""

    def step(logits, allowed):
        policy = distribution(logits, allowed)
        action = policy.sample()
        return action, policy.log_prob(action), policy.entropy()

    return step


def by_one_call(logits, allowed):
    """Return the same from one function, which needs no distribution: the logits are read once."""
    return gumbel_fast.torch.categorical(logits, mask=allowed, return_log_prob=True, return_entropy=True)


STEPS = {
    "gumbel_fast.torch.categorical": by_one_call,
    **{name: by_distribution(distribution) for name, distribution in POLICIES.items()},
}


def time_steps(number, actions, backward, rounds):
    """Return the median seconds of a step in each way, in turn; with its part of the backward pass, or without."""
    logits = torch.randn(number, actions, requires_grad=backward)
    allowed = torch.rand(number, actions) < 0.5
    allowed[:, 0] = True
    times = {name: [] for name in STEPS}
    for _ in range(rounds):
        for name, step in STEPS.items():
            start = time.perf_counter()
            _, log_prob, entropy = step(logits, allowed)
            if backward:
                torch.autograd.grad((log_prob + entropy).sum(), logits)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train a policy with forbidden actions, and time its steps.")
    parser.add_argument("--environments", type=int, default=128, help="episodes in a batch (%(default)s)")
    parser.add_argument("--batches", type=int, default=300, help="batches at most (%(default)s)")
    parser.add_argument("--bandit", action="store_true", help="the bandit even where gymnasium is installed")
    parser.add_argument("--quick", action="store_true", help="the bandit, and few rounds of timing")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # the matrices are small: more threads cost time
    kind = CartPole if gymnasium and not options.bandit and not options.quick else Bandit
    print(f"{kind.__name__}, {options.environments} at a time; the goal is a mean return above {kind.goal}")
    for name, distribution in POLICIES.items():
        returns, seconds = train(kind, options.environments, distribution, options.batches)
        shown = sorted({round(part * (len(returns) - 1) / 9) for part in range(10)})  # from the first batch to the last
        reached = "reached" if returns[-1] > kind.goal else "stopped"
        print(f"\n{name}\n  mean return  " + " ".join(f"{returns[batch]:.3g}" for batch in shown))
        print(f"  {reached} after {len(returns)} batches, {seconds:.2f} s")

    print("\nmask, draw, log-probability and entropy in one step")
    for number, actions in [(options.environments, kind(1).actions), (64, 18), (16, 4672)]:
        for backward in (False, True):
            print(f"  {number} x {actions:,}" + (", with the gradient" if backward else ""))
            times = time_steps(number, actions, backward, 50 if options.quick else 1000)
            for name, seconds in times.items():
                ratio = seconds / times["gumbel_fast.torch.categorical"]
                print(f"    {name:<31} {1e6 * seconds:6.0f} µs {ratio:5.1f} x")


if __name__ == "__main__":
    main()
