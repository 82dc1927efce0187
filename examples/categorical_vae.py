"""Learn to describe handwritten digits by 20 choices among 10, by gradients through Gumbel-softmax samples.

    python examples/categorical_vae.py --output figures
    python examples/categorical_vae.py --backend both      # F.gumbel_softmax beside gumbel_fast.torch

A variational autoencoder with categorical latent variables. The encoder turns an image into 20 rows of 10 logits, one
category is drawn from each row, and the decoder draws the image again from the 20 categories. Training maximises the
evidence lower bound, in nats an image:

    ELBO = E[log p(image | categories)] - KL(encoder's categorical distributions | uniform)

The expectation is over samples, and argmax-like samples have no gradient: so while training, a sample is relaxed to
softmax((logits + noise) / temperature), and the temperature falls from 1 to 0.5. The ELBO of the held-out images is
computed with true one-hot samples, for which alone it is a bound.

The loss of a step and its gradient are compiled in one graph, samples included, by torch.compile; `--eager` leaves that
out. It wants a C++ compiler, and half a minute where nothing is cached; without one, the graph is run by torch's own
operators. gumbel_fast.torch draws the same samples in either way, so that the model learns the same.

scikit-learn's digits are 8 x 8 counts from 0 to 16: how many of 16 dots were black. So a pixel is binomial of 16.

After E. Jang, S. Gu, B. Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")  # pictures go to files alone

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

import gumbel_fast.torch
from gumbel_fast import annealed_temperature

VARIABLES, CATEGORIES = 20, 10
DOTS = 16  # in a pixel
BATCH = 100
BACKENDS = {"gumbel_fast": gumbel_fast.torch.gumbel_softmax, "torch": F.gumbel_softmax}
NAMES = {"gumbel_fast": "gumbel_fast.torch.gumbel_softmax", "torch": "F.gumbel_softmax"}
COLORS = {"gumbel_fast": "#0072b2", "torch": "#e69f00"}  # Okabe and Ito's: told apart by all eyes
STYLES = {"gumbel_fast": "o-", "torch": ":"}
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "savefig.dpi": 150})


class VAE(nn.Module):
    """Encoder, samples and decoder; `gumbel_softmax` is the one part that the two backends differ in."""

    def __init__(self, gumbel_softmax, hidden=256):
        super().__init__()
        self.gumbel_softmax = gumbel_softmax
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, VARIABLES * CATEGORIES))
        self.decoder = nn.Sequential(nn.Linear(VARIABLES * CATEGORIES, hidden), nn.ReLU(), nn.Linear(hidden, 64))

    def encode(self, images):
        """Return logits of shape (images, variables, categories)."""
        return self.encoder(images / DOTS).unflatten(-1, (VARIABLES, CATEGORIES))

    def decode(self, samples):
        """Return each pixel's log-odds of a black dot."""
        return self.decoder(samples.flatten(-2))

    def elbo(self, images, temperature=1.0, hard=False):
        """Return one estimate of each image's bound, in nats."""
        logits = self.encode(images)
        samples = self.gumbel_softmax(logits, tau=temperature, hard=hard)
        dots = torch.distributions.Binomial(DOTS, logits=self.decode(samples), validate_args=False)
        log_q = logits.log_softmax(-1)
        kl = (log_q.exp() * (log_q + torch.tensor(CATEGORIES).log())).sum((-1, -2))
        return dots.log_prob(images).sum(-1) - kl


@torch.no_grad()
def evaluate(model, images, samples=10):
    """Return the mean bound over images and one-hot samples."""
    return torch.stack([model.elbo(images, hard=True).mean() for _ in range(samples)]).mean().item()


def load_images():
    """Return 1500 images to learn from and 297 held out, of 64 counts each."""
    images = torch.tensor(load_digits().data, dtype=torch.float32)
    images = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]
    return images[:1500], images[1500:]


def compiled(loss_of):
    """Return a function compiled in one graph, and the name of the backend of torch.compile that did it."""
    compiler = os.environ.get("CXX", {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++"))
    backend = "inductor" if shutil.which(compiler) else "aot_eager"
    if backend != "inductor":
        print(f"There is no C++ compiler, {compiler}: the graph is recorded, and run by torch's own operators")
    return torch.compile(loss_of, fullgraph=True, backend=backend), backend


def learn(loss_of, optimizer, images, temperature):
    """Go through the images once, in batches and in a new order."""
    for batch in images[torch.randperm(len(images))].split(BATCH):
        optimizer.zero_grad()
        loss_of(batch, temperature).backward()
        optimizer.step()


def train(name, epochs, eager=False, seed=0):
    """Train a model.

    Returns the model; the epoch, the temperature and the held-out ELBO at some 40 points on the way; and the seconds
    that learning took, compilation and evaluation apart.
    """
    torch.manual_seed(seed)
    images, held_out = load_images()
    model = VAE(BACKENDS[name])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def loss_of(images, temperature):
        return -model.elbo(images, temperature).mean()

    print(NAMES[name])
    if not eager:
        loss_of, backend = compiled(loss_of)
        start = time.perf_counter()
        with torch.random.fork_rng():  # what the first call draws is not to change the training
            loss_of(images[:BATCH], torch.tensor(1.0)).backward()
        print(f"  compiled by {backend} in {time.perf_counter() - start:.1f} s")
    evaluated = {round(epochs * part / 40) for part in range(41)}
    printed = {round(epochs * part / 8) for part in range(9)}
    curve, seconds = [], 0.0
    print("  epoch  temperature  held-out ELBO, nats an image")
    for epoch in range(epochs + 1):
        temperature = annealed_temperature(epoch, rate=1.5 / epochs)
        if epoch in evaluated:
            curve.append((epoch, temperature, evaluate(model, held_out)))
        if epoch in printed:
            print(f"  {epoch:5}  {temperature:11.2f}  {curve[-1][-1]:8.2f}", flush=True)
        if epoch < epochs:
            start = time.perf_counter()
            learn(loss_of, optimizer, images, torch.tensor(temperature))  # a number would be a constant of the graph
            seconds += time.perf_counter() - start
    return model, curve, seconds


def time_samples(gumbel_softmax, repeats=200):
    """Return the median time of a batch's samples and their gradient, in seconds."""
    logits = torch.randn(BATCH, VARIABLES, CATEGORIES, requires_grad=True)
    gradient = torch.randn(BATCH, VARIABLES, CATEGORIES)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        gumbel_softmax(logits, tau=0.5).backward(gradient)
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


# ------------------------------------------------------------------------------------------------------------- pictures


def draw_elbo(path, curves):
    """Draw each backend's held-out ELBO against epochs, and the temperature behind it."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for backend, curve in curves.items():
        epochs, _, bounds = zip(*curve, strict=True)
        axes.plot(epochs, bounds, STYLES[backend], lw=2, ms=4, color=COLORS[backend], label=NAMES[backend])
    axes.set_ylim(bounds[1], bounds[-1] + 0.1 * (bounds[-1] - bounds[1]))  # the untrained model is far below
    axes.set(title="Held-out ELBO while the temperature falls", xlabel="epoch", ylabel="ELBO, nats an image")
    axes.legend(loc="lower right")
    right = axes.twinx()
    epochs, temperatures, _ = zip(*curve, strict=True)
    right.plot(epochs, temperatures, "--", lw=1, color="#6b6b6b")
    right.set(ylabel="temperature (dashed)", ylim=(0, 1.05))
    right.spines.right.set_visible(True)
    figure.savefig(path)


@torch.no_grad()
def draw_digits(path, model):
    """Draw held-out digits above their reconstructions, and digits decoded from categories drawn uniformly."""
    torch.manual_seed(0)
    rows, columns = 4, 16
    _, held_out = load_images()
    originals = held_out[: 2 * columns]
    samples = model.gumbel_softmax(model.encode(originals), hard=True)
    reconstructions = torch.sigmoid(model.decode(samples))
    prior = model.gumbel_softmax(torch.zeros(rows * columns, VARIABLES, CATEGORIES), hard=True)
    invented = torch.sigmoid(model.decode(prior))

    def tile(images, below):
        """Put rows of 8 x 8 images side by side, a white pixel between them and `below` of them under each row."""
        rows = F.pad(images.reshape(-1, columns, 8, 8), (0, 1)).transpose(1, 2).flatten(2)
        return torch.cat([F.pad(row, (0, 0, 0, space)) for row, space in zip(rows, below, strict=True)]).numpy()

    pairs = torch.stack([(originals / DOTS).reshape(2, columns, 64), reconstructions.reshape(2, columns, 64)], dim=1)
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 4.75), layout="constrained")
    for axes, images, title in [
        (above, tile(pairs, below=[1, 4, 1, 0]), "Held-out digits, each above its reconstruction"),
        (below, tile(invented, below=[1, 1, 1, 0]), "New digits, decoded from 20 categories drawn uniformly"),
    ]:
        axes.imshow(images, cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(title)
        axes.set_axis_off()
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train a VAE with categorical latent variables on digits.")
    parser.add_argument(
        "--backend",
        choices=[*BACKENDS, "both"],
        default="gumbel_fast",
        help="whose gumbel_softmax to use (%(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=320, help="passes over the images (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("figures"), help="folder of the pictures (%(default)s)")
    parser.add_argument("--eager", action="store_true", help="train without torch.compile")
    parser.add_argument("--quick", action="store_true", help="10 epochs")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the network is small: more would be slower, for both backends

    models, curves, lines = {}, {}, []
    for backend in BACKENDS if options.backend == "both" else [options.backend]:
        models[backend], curves[backend], seconds = train(
            backend, 10 if options.quick else options.epochs, options.eager
        )
        samples = 1e6 * time_samples(BACKENDS[backend])
        lines.append(
            f"{NAMES[backend]:32}  ELBO {curves[backend][-1][-1]:8.2f}  trained in {seconds:5.1f} s"
            f"  a batch's samples {samples:4.0f} µs"
        )
    print("", *lines, sep="\n")
    draw_elbo(options.output / "elbo.png", curves)
    draw_digits(options.output / "digits.png", next(iter(models.values())))
    print(f"Two pictures are in {options.output}")


if __name__ == "__main__":
    main()
