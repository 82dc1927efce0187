"""Train a policy by REINFORCE, and see what it costs to draw its actions.

    python examples/policy_gradient.py

128 poles are balanced at once: gymnasium's CartPole, or a bandit where gymnasium is not installed. At every step of all
of them, a small network turns 128 observations into logits, and `gumbel_fast.categorical` turns those into 128 actions,
in one call and without a softmax. After each batch of episodes the network's weights move along

    sum over steps of (return from that step on - what is usual at that step) * gradient of log softmax(logits)[action],

the policy gradient of R. J. Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning", Machine Learning 8 (1992). It is all NumPy: what is not the environment or the network is the drawing.

Then the same training once more with the actions drawn by np.random.choice (a Generator's, the faster one), row by row,
and the share of the time that drawing took in either run.
"""

import argparse
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy comes: the matrices are small, more threads cost time

import numpy as np

import gumbel_fast as gf

try:
    import gymnasium
except ImportError:
    gymnasium = None

HIDDEN = 32
LEARNING_RATE = 0.01
DISCOUNT = 0.99

# ------------------------------------------------------------------------------------------------- two ways of drawing


def draw_by_gumbel_fast(logits, rng):
    """Draw an action for each row, all in one call."""
    return gf.categorical(logits, rng=rng)


def draw_by_choice(logits, rng):
    """Draw an action for each row as one does with NumPy alone: softmax, then a roulette wheel row by row."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = weights / weights.sum(axis=-1, keepdims=True)
    return np.array([rng.choice(len(p), p=p) for p in probabilities])


# -------------------------------------------------------------------------------------------------------- environments


class Bandit:
    """A contextual bandit, in place of CartPole: of ten arms, one pays 1, and the observation tells which.

    Every episode is one step long. It has what REINFORCE needs of gymnasium's vector environments.
    """

    goal = 0.75  # mean return; 0.1 is chance

    def __init__(self, number):
        self.shape, self.actions = (number, 8), 10
        self._arms = np.random.default_rng(0).standard_normal((8, self.actions))

    def reset(self, seed):
        self._observations = np.random.default_rng(seed).standard_normal(self.shape)
        return self._observations, {}

    def step(self, actions):
        paying = np.argmax(self._observations @ self._arms, axis=-1)
        over = np.ones(len(actions), bool)
        return self._observations, (actions == paying).astype(float), over, over, {}


class CartPole:
    """Gymnasium's CartPole: an action pushes the cart to one side, and every step until the pole falls pays 1."""

    goal = 195  # mean return; 500 is the longest episode, about 22 chance

    def __init__(self, number):
        environments = gymnasium.make_vec("CartPole-v1", number, vectorization_mode="vector_entry_point")
        self.shape, self.actions = environments.observation_space.shape, 2
        self.reset, self.step = environments.reset, environments.step


# ----------------------------------------------------------------------------------------------------------- REINFORCE


class Policy:
    """A network of one hidden layer from observations to logits, and Adam."""

    def __init__(self, inputs, actions, rng):
        self.weights = [
            rng.standard_normal((inputs, HIDDEN)) / np.sqrt(inputs),
            np.zeros(HIDDEN),
            np.zeros((HIDDEN, actions)),  # so that the first actions are uniform
            np.zeros(actions),
        ]
        self._means = [np.zeros_like(weight) for weight in self.weights]
        self._squares = [np.zeros_like(weight) for weight in self.weights]
        self._updates = 0

    def __call__(self, observations):
        first, first_bias, second, second_bias = self.weights
        return np.tanh(observations @ first + first_bias) @ second + second_bias

    def gradient(self, observations, actions, advantages):
        """Return the derivatives of sum(advantages * log softmax(logits)[actions]) by the weights."""
        first, first_bias, second, _ = self.weights
        hidden = np.tanh(observations @ first + first_bias)
        by_logits = -gf.softmax(self(observations))
        by_logits[np.arange(len(actions)), actions] += 1
        by_logits *= advantages[:, np.newaxis]
        by_hidden = by_logits @ second.T * (1 - hidden**2)
        return [observations.T @ by_hidden, by_hidden.sum(axis=0), hidden.T @ by_logits, by_logits.sum(axis=0)]

    def climb(self, gradients):
        """Take one step of Adam up the gradients."""
        self._updates += 1
        for weight, mean, square, gradient in zip(self.weights, self._means, self._squares, gradients, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            unbiased = mean / (1 - 0.9**self._updates), square / (1 - 0.999**self._updates)
            weight += LEARNING_RATE * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)


class Stopwatch:
    """Adds up the time spent inside `with`."""

    seconds = 0.0

    def __enter__(self):
        self._start = time.perf_counter()

    def __exit__(self, *_):
        self.seconds += time.perf_counter() - self._start


def play(environments, policy, draw, rng, drawing):
    """Play one episode in every environment.

    Returns observations, actions and rewards, each with axes (step, environment), and whether the episode went on.
    """
    observation, _ = environments.reset(seed=int(rng.integers(2**31)))
    playing = np.ones(len(observation), bool)
    steps = []
    while playing.any():
        logits = policy(observation)
        with drawing:
            actions = draw(logits, rng)
        following, rewards, terminated, truncated, _ = environments.step(actions)
        steps.append((observation.copy(), actions, rewards * playing, playing))
        observation, playing = following, playing & ~(terminated | truncated)
    return tuple(np.array(column) for column in zip(*steps, strict=True))


def advantages_of(rewards, played):
    """Return each step's discounted return from there on, less its mean over the environments that got so far."""
    returns = np.zeros_like(rewards)
    following = np.zeros(rewards.shape[1])
    for step in reversed(range(len(rewards))):
        following = returns[step] = rewards[step] + DISCOUNT * following
    usual = returns.sum(axis=1, keepdims=True) / played.sum(axis=1, keepdims=True)
    advantages = (returns - usual)[played]
    return advantages / (advantages.std() + 1e-8)


def train(kind, number, draw, batches, seed=1):
    """Train until the mean return of a batch exceeds the goal; return the mean returns and the two times in seconds."""
    rng = np.random.default_rng(seed)
    environments = kind(number)
    policy = Policy(environments.shape[-1], environments.actions, rng)
    drawing, everything = Stopwatch(), Stopwatch()
    returns = []
    while len(returns) < batches and (not returns or returns[-1] <= kind.goal):
        with everything:
            observations, actions, rewards, played = play(environments, policy, draw, rng, drawing)
            advantages = advantages_of(rewards, played)
            policy.climb(policy.gradient(observations[played], actions[played], advantages))
        returns.append(rewards.sum(axis=0).mean())
    return returns, drawing.seconds, everything.seconds


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Balance poles by REINFORCE, and time the drawing of actions.")
    parser.add_argument("--environments", type=int, default=128, help="episodes in a batch (%(default)s)")
    parser.add_argument("--batches", type=int, default=300, help="batches at most (%(default)s)")
    parser.add_argument("--bandit", action="store_true", help="the bandit even where gymnasium is installed")
    parser.add_argument("--quick", action="store_true", help="stop after 10 batches")
    options = parser.parse_args(arguments)
    if options.quick:
        options.batches = 10
    kind = CartPole if gymnasium and not options.bandit else Bandit
    print(f"{kind.__name__}, {options.environments} at a time; the goal is a mean return above {kind.goal}")

    ways = {"gumbel_fast.categorical": draw_by_gumbel_fast, "np.random.choice, row by row": draw_by_choice}
    for name, draw in ways.items():
        returns, drawing, everything = train(kind, options.environments, draw, options.batches)
        shown = np.unique(np.linspace(0, len(returns) - 1, 10).astype(int))  # from the first batch to the last
        print(f"\n{name}\n  mean return  " + " ".join(f"{returns[batch]:.4g}" for batch in shown))
        print(
            f"  {'reached' if returns[-1] > kind.goal else 'stopped'} after {len(returns)} batches, {everything:.2f} s"
        )
        print(f"  drawing took {drawing:.3f} s, {drawing / everything:.1%} of the time")


if __name__ == "__main__":
    main()
