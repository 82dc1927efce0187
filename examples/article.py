"""From the Gumbel distribution to sampling that can be trained through, in six figures.

    python examples/article.py --output figures
    python examples/article.py --output figures --theme dark

1. The **Gumbel distribution** is what the largest of many independent numbers tends to, as the normal distribution is
   what their sum tends to. Its distribution function is exp(-exp(-(x - mu) / beta)), and the inverse of that,
   mu - beta log(-log u), turns a uniform number u into a Gumbel number.

2. **Gumbel-max.** To draw category i with probability softmax(x)_i, one can compute the softmax, cut the interval from
   0 to 1 into pieces of those lengths and see where a uniform number falls: a roulette wheel. Or one can add a Gumbel
   number to each logit and take the argmax. Why that is the same: -log of an exponential variable E is a Gumbel
   variable G, so x_i + G_i = -log(E_i exp(-x_i)), and the largest of those is the first of several exponential clocks
   of rates exp(x_i) to ring. Clock i is first with probability exp(x_i) / sum_j exp(x_j).

3. **Temperature.** softmax(x / T) is smooth where argmax jumps: T near 0 gives all to the largest, as argmax does, and
   a large T shares evenly.

4. **Gumbel-softmax.** An argmax has no gradient to speak of. Put a softmax in its place, softmax((x + G) / T), and a
   sample becomes a differentiable function of the logits, with the noise an input like any other. At a low temperature
   it is nearly one-hot, at a high one nearly even. Whatever made the logits can then be trained by gradient descent
   *through* the sample.

   A toy shows it: five categories with rewards 1 to 5, and logits that are a bump over their indices,
   exp(-(index - mean)^2). Descending on minus the reward pushes the bump to the right, whether the reward is that of
   the softmax, which is deterministic, or that of one relaxed sample, which is not.

After E. Jang, S. Gu, B. Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017, and C. J. Maddison,
A. Mnih, Y. W. Teh, "The Concrete distribution", ICLR 2017. docs/tutorial.rst tells the same at length, with these
figures.
"""

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")  # pictures go to files alone

import matplotlib.pyplot as plt
import numpy as np

import gumbel_fast as gf

SEED = 1111
BLUE, ORANGE, GREEN, GREY, PURPLE = (f"C{place}" for place in range(5))  # what these are is the theme's to say


def theme(style, background, *colors):
    """Return style sheets, for `plt.style`: matplotlib's, what all figures share, a background and five colours."""
    shared = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "savefig.dpi": 150}
    faces = dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), background)
    return [style, shared, faces, {"axes.prop_cycle": mpl.cycler(color=colors)}]


THEMES = {  # Okabe and Ito's colours, which all eyes tell apart; on the dark page the lighter ones
    "light": theme("default", "#ffffff", "#0072b2", "#e69f00", "#009e73", "#6b6b6b", "#cc79a7"),
    "dark": theme("dark_background", "#131416", "#56b4e9", "#e69f00", "#00b386", "#9a9a9a", "#cc79a7"),
}

# ------------------------------------------------------------------------------------------- 1. The Gumbel distribution


def draw_density(path):
    """Draw the density for several (mu, beta): mu is the mode, beta the width, and the right tail is the long one."""
    x = np.linspace(-5, 20, 1000)
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    lines = [(0.5, 2.0, BLUE, "-"), (1.0, 2.0, ORANGE, "--"), (1.5, 3.0, GREEN, "-."), (3.0, 4.0, GREY, ":")]
    for mu, beta, color, style in lines:
        axes.plot(x, gf.gumbel_r.pdf(x, mu, beta), style, color=color, lw=2, label=f"µ = {mu}, β = {beta}")
        axes.plot(mu, gf.gumbel_r.pdf(mu, mu, beta), "o", color=color, ms=5)
    axes.set(title="The Gumbel distribution: µ is the mode (dots), β the width", xlabel="x", ylabel="density")
    axes.set(xlim=(-5, 20), ylim=(0, 0.2), yticks=np.arange(0, 0.21, 0.05))
    axes.legend()
    figure.savefig(path)


def draw_quantile(path, draws):
    """Draw the inverse of the distribution function, and the histogram of what it makes of uniform numbers."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), sharey=True, width_ratios=(3, 2), layout="constrained")
    figure.suptitle("The inverse of the distribution function makes Gumbel numbers of uniform ones")
    u = np.linspace(0.0005, 0.9995, 2000)
    even = np.linspace(0.05, 0.95, 10)
    left.plot(u, gf.gumbel_r.ppf(u), color=BLUE, lw=2)
    left.vlines(even, -2.5, gf.gumbel_r.ppf(even), color=GREY, lw=1, ls=":")
    left.hlines(gf.gumbel_r.ppf(even), 0, even, color=GREY, lw=1, ls=":")
    left.plot(even, gf.gumbel_r.ppf(even), "o", color=BLUE, ms=5)
    left.set(title="x = −log(−log u)", xlabel="u, uniform", ylabel="x, Gumbel", xlim=(0, 1), ylim=(-2.5, 7.5))

    x = np.linspace(-2.5, 7.5, 500)
    made = gf.gumbel_r.ppf(np.random.default_rng(SEED).random(draws))
    bins = {"bins": np.linspace(-2.5, 7.5, 51), "weights": np.full(draws, 5 / draws)}  # 5 of these to a unit of x
    right.hist(made, **bins, orientation="horizontal", color=ORANGE, label=f"{draws:,} of them")
    right.plot(gf.gumbel_r.pdf(x), x, color=BLUE, lw=2, label="density of the Gumbel distribution")
    right.set(title="The distribution of such x", xlabel="density")
    right.legend()
    figure.savefig(path)


# ------------------------------------------------------------------------------------------------------- 2. Gumbel-max


def count_draws(draws):
    """Draw from ten logits in both ways; return the softmax and each way's counts."""
    numpy = np.random.RandomState(SEED)
    logits = numpy.uniform(-1, 1, 10)
    probabilities = gf.softmax(logits)
    roulette = numpy.choice(10, size=draws, p=probabilities)
    # The same as np.argmax(logits + gf.gumbel(size=(draws, 10), rng=SEED), axis=-1), but the noise is never stored.
    gumbel_max = gf.gumbel_max(np.broadcast_to(logits, (draws, 10)), rng=SEED)
    return probabilities, np.bincount(roulette, minlength=10), np.bincount(gumbel_max, minlength=10)


def draw_histogram(path, draws):
    """Draw the counts of both ways side by side, and print them."""
    probabilities, roulette, gumbel_max = count_draws(draws)
    expected = draws * probabilities
    print(f"{draws:,} draws from ten logits")
    for name, counts in [("expected", expected), ("roulette wheel", roulette), ("Gumbel-max", gumbel_max)]:
        print(f"  {name:15}" + "".join(f"{count:7.0f}" for count in counts))

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    figure.suptitle(f"{draws:,} draws from ten logits, two ways")
    left.bar(range(10), roulette, color=BLUE, width=0.75)
    left.set(title="Softmax and a roulette wheel", ylabel="times drawn")
    right.bar(range(10), gumbel_max, color=ORANGE, width=0.75)
    right.set(title="Gumbel-max: add noise, take the argmax")
    for axes in (left, right):
        axes.plot(range(10), expected, "_", color=mpl.rcParams["text.color"], ms=18, label="expected: draws × softmax")
        axes.set(xlabel="category", xticks=range(10))
    left.yaxis.set_major_formatter("{x:,.0f}")
    left.legend()
    figure.savefig(path)


# ------------------------------------------------------------------------------------------------------ 3. Temperature


def draw_temperatures(path):
    """Draw the softmax of the same ten logits at three temperatures."""
    logits = np.random.RandomState(SEED).uniform(-1, 1, 10)
    figure, panels = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
    figure.suptitle("Softmax of the same ten logits at three temperatures T")
    for axes, temperature in zip(panels, (0.1, 5, 50), strict=True):
        shares = gf.softmax(logits, temperature=temperature)
        axes.bar(range(10), shares, color=GREEN, width=0.75)
        axes.axhline(1 / 10, color=GREY, lw=1, ls="--", label="an even share")
        axes.set(xlabel="category", xticks=range(10), ylim=(0, 1))
        axes.set_title(f"T = {temperature}: from {shares.min():.3g} to {shares.max():.3g}", fontsize="medium")
    panels[0].set_ylabel("softmax(x / T)")
    panels[2].legend()
    figure.savefig(path)


# -------------------------------------------------------------------------------------------------- 4. Gumbel-softmax


def relaxed_samples(temperature, samples):
    """Return five probabilities, and relaxed samples of them: the same noise at every temperature."""
    probabilities = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    logits = np.broadcast_to(np.log(probabilities), (samples, 5))
    return probabilities, gf.gumbel_softmax(logits, temperature=temperature, rng=SEED)


def draw_relaxation(path, samples):
    """Draw a few relaxed samples at four temperatures, each a bar of five shares, and the mean of many of them."""
    print(f"Mean of the largest share of {samples:,} Gumbel-softmax samples of five categories")
    figure, panels = plt.subplots(1, 4, figsize=(9, 3.4), sharey=True, layout="constrained")
    figure.suptitle(
        "Gumbel-softmax samples of five categories, from one-hot to even: the same noise at each temperature"
    )
    for axes, temperature in zip(panels, (0.1, 0.5, 1, 10), strict=True):
        probabilities, relaxed = relaxed_samples(temperature, samples)
        print(f"  T = {temperature:<4} {relaxed.max(axis=1).mean():.2f}")
        bars = np.vstack([relaxed[:8], relaxed.mean(axis=0)])
        places = [*range(8), 9]  # the mean stands a little apart
        for category, color in enumerate((BLUE, ORANGE, GREEN, GREY, PURPLE)):
            axes.bar(places, bars[:, category], bottom=bars[:, :category].sum(axis=1), color=color, width=0.8)
        exact = np.cumsum(probabilities)[:-1]
        axes.plot(np.full(4, 9), exact, "_", color=mpl.rcParams["text.color"], ms=14, label="softmax")
        axes.set(title=f"T = {temperature}", xticks=[3.5, 9], xticklabels=["eight samples", "mean"], ylim=(0, 1))
        axes.tick_params(axis="x", length=0)
    panels[0].set_ylabel("shares")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center")
    figure.savefig(path)


WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])  # what each category earns
RATE = 1.0  # of gradient descent


def bump(mean, indices):
    """Return the logits of the toy: a bump around the mean."""
    return np.exp(-((indices - mean) ** 2))


def loss_and_gradient(mean, indices, relax):
    """Return minus the reward, and its derivatives by the mean and by the indices.

    `relax` turns logits into a point of the simplex: the softmax, or one Gumbel-softmax sample. The chain rule goes
    back through both alike, since the noise does not depend on the logits.
    """
    logits = bump(mean, indices)
    sample = relax(logits)
    loss = -np.sum(sample * WEIGHTS)
    by_logits = gf.softmax_vjp(sample, -WEIGHTS)
    by_indices = by_logits * -2 * (indices - mean) * logits
    return loss, -by_indices.sum(), by_indices  # a bump moves right by its mean, or by all indices to the left


def train(relax, steps=5):
    """Return the mean before training and after each step of gradient descent on the mean and the indices."""
    mean, indices = 2.0, np.arange(5.0)
    means = [mean]
    for _ in range(steps):
        _, by_mean, by_indices = loss_and_gradient(mean, indices, relax)
        mean, indices = mean - RATE * by_mean, indices - RATE * by_indices
        means.append(mean)
    return means


def train_through_samples(seed, steps=5):
    """Train on one relaxed sample a step, each with noise of its own."""
    rng = np.random.default_rng(seed)
    return train(lambda logits: gf.gumbel_softmax(logits, rng=rng), steps)


def draw_training(path, runs):
    """Train the toy in both ways, print the means, and draw them among the paths that other noise takes."""
    by_softmax, by_sample = train(gf.softmax), train_through_samples(SEED)
    print("Mean of the bump, step by step")
    for name, means in [("softmax", by_softmax), ("Gumbel-softmax", by_sample)]:
        print(f"  {name:15}", " ".join(f"{mean:.2f}" for mean in means))

    others = [train_through_samples(seed) for seed in range(runs)]
    low, high = np.quantile(others, [0.05, 0.95], axis=0)
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(by_softmax, "s-", color=BLUE, lw=2, zorder=3, label="through the softmax")
    axes.plot(by_sample, "o-", color=ORANGE, lw=2, label="through one Gumbel-softmax sample a step")
    band = f"nine in ten of {runs:,} such runs"
    axes.fill_between(range(len(low)), low, high, color=ORANGE, alpha=0.25, lw=0, label=band)
    axes.plot(np.mean(others, axis=0), "--", color=ORANGE, lw=2, label="their mean")
    axes.set(title="Gradient descent moves the logits' bump towards the reward", xlabel="step")
    axes.set_ylabel("mean of the bump")
    axes.legend(loc="upper left")
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Draw the six figures, and print what stands behind them.")
    parser.add_argument("--output", type=Path, default=Path("figures"), help="folder of the figures (%(default)s)")
    parser.add_argument("--theme", choices=THEMES, default="light", help="of the page that shows them (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="fewer draws and runs")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)

    draws = 10_000 if options.quick else 100_000
    with plt.style.context(THEMES[options.theme]):
        draw_density(options.output / "density.png")
        draw_quantile(options.output / "quantile.png", draws)
        draw_histogram(options.output / "gumbel_max.png", draws)
        draw_temperatures(options.output / "temperature.png")
        draw_relaxation(options.output / "relaxation.png", draws)
        draw_training(options.output / "training.png", 20 if options.quick else 1000)
    plt.close("all")
    print(f"Six figures are in {options.output}")


if __name__ == "__main__":
    main()
