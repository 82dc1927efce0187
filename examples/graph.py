"""Sample neighbours of a graph by weight: some of each node, one of each, and a walk that remembers where it came from.

    python examples/graph.py
    python examples/graph.py --p 0.25 --q 4

The graph has 20,000 nodes, whose degrees follow a power law, and a weight on each edge. It is held as sparse matrices
are, in three arrays (CSR): node v's neighbours are indices[indptr[v]:indptr[v + 1]], and weights has theirs. These are
rows of unequal length, and gumbel_fast draws from them as they lie, by `indptr=` and `weights=`. Shown are:

1. **Up to k neighbours of each node**, without replacement: what training on a large graph feeds on, since it cannot
   look at all neighbours of a hub. `allow_fewer` has nodes of fewer than k neighbours give those they have, then -1.
2. **One neighbour of each node**, by weight.
3. **A walk** of many walkers at once, after node2vec (A. Grover and J. Leskovec, KDD 2016): from v, which it came to
   from t, a walker goes to neighbour x with a probability proportional to

       weight(v, x) * (1/p if x is t, 1 if x is a neighbour of t, 1/q if it is neither).

   So the weights of a step depend on the step before, and no table made in advance has them. Two ways are exact:

   - *Rows made for the step.* The walkers' rows are copied into one array, multiplied by the factors, and one call
     draws from all. It costs a pass over all neighbours of where the walkers are, whatever p and q are. In NumPy the
     copying costs the most; a loop in Numba, where that is installed, makes one row after the other and draws from it
     by the C function of `gumbel_fast.capi`. It gives the same steps, bit by bit.
   - *Rejection.* Propose x by weight(v, x), and accept it with probability factor / greatest factor, else propose
     again. What is accepted has the probability above: both factors multiply, and a refusal leaves no trace. A proposal
     costs little, since the sums of the weights can be made once. But there are as many as the greatest factor over
     the mean one, which is large where p is small.

   Each walker has a seed of its own (`RowStreams`): which way it goes does not depend on who else walks.

Each way is timed beside NumPy's, in turn. The picture shows how often a walk (p = q = 1) comes to each node beside its
exact share, and what part of a node's weight k neighbours hold. Visits spread somewhat more than counts of independent
draws, whose band is drawn: a walker that has just left a node often comes back to it.
"""

import argparse
import functools
import importlib.util
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl

mpl.use("agg")  # pictures go to files alone

import matplotlib.pyplot as plt
import numpy as np

import gumbel_fast as gf

SEED = 1111
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#e69f00", "#009e73", "#6b6b6b"  # Okabe and Ito's: told apart by all eyes
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "savefig.dpi": 150})


class Graph(NamedTuple):
    """A graph without direction: each edge is there both ways. Of a node, the neighbours are in rising order."""

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray

    @property
    def nodes(self):
        return len(self.indptr) - 1

    @property
    def degrees(self):
        return np.diff(self.indptr)

    @property
    def strengths(self):
        """The sum of each node's weights. A walk by weight is at a node in proportion to it."""
        return np.bincount(np.repeat(np.arange(self.nodes), self.degrees), self.weights, self.nodes)

    def neighbours(self, places):
        """Return the nodes at places within each node's row, a row of places for each; -1 stays -1."""
        places = np.asarray(places)
        starts = self.indptr[:-1].reshape(-1, *[1] * (places.ndim - 1))
        return np.where(places < 0, -1, self.indices[starts + np.maximum(places, 0)])


def power_law_graph(nodes):
    """Return a graph whose degrees have a tail of exponent 2.5, with exponential weights: stubs joined at random."""
    rng = np.random.default_rng(SEED)
    degrees = np.minimum(3 * (1 - rng.random(nodes)) ** (-1 / 1.5), nodes // 20).astype(np.int64)
    degrees[0] += degrees.sum() % 2
    ends = np.sort(rng.permutation(np.repeat(np.arange(nodes), degrees)).reshape(-1, 2), axis=1)
    one, other = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0).T  # no loops, and no edge twice
    weights = rng.exponential(size=len(one)).astype(np.float32)
    tails, heads = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.lexsort((heads, tails))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(tails, minlength=nodes))])
    return Graph(indptr, heads[order], np.tile(weights, 2)[order])


# ----------------------------------------------------------------------------------- 1. up to k neighbours of each node


def some_neighbours(graph, k, rng):
    """Draw k neighbours of each node without replacement, by weight and in the order drawn; -1 where there are none."""
    drawn = gf.gumbel_top_k(weights=graph.weights, k=k, indptr=graph.indptr, allow_fewer=True, rng=rng)
    return graph.neighbours(drawn)


def some_neighbours_by_keys(graph, k, rng):
    """Do the same with NumPy: each edge gets an exponential key of rate its weight, and each row is sorted by it."""
    keys = rng.standard_exponential(graph.weights.size) / graph.weights
    order = np.lexsort((keys, np.repeat(np.arange(graph.nodes), graph.degrees)))
    places = graph.indptr[:-1, np.newaxis] + np.arange(k)
    there = places < graph.indptr[1:, np.newaxis]
    return np.where(there, graph.indices[order[np.where(there, places, 0)]], -1)


# ---------------------------------------------------------------------------------------- 2. one neighbour of each node


def one_neighbour(graph, rng):
    """Draw a neighbour of each node by weight."""
    return graph.neighbours(gf.categorical(weights=graph.weights, indptr=graph.indptr, rng=rng))


def sums_of(weights):
    """Return 0 and the sums of the first so many weights."""
    sums = np.zeros(len(weights) + 1)
    np.cumsum(weights, dtype=np.float64, out=sums[1:])
    return sums


def one_by_sums(sums, indptr, rows, rng):
    """Draw from the given rows with NumPy: where a uniform number falls among the sums. Returns places in the array."""
    first, last = sums[indptr[rows]], sums[indptr[rows + 1]]
    found = np.searchsorted(sums, first + rng.random(len(rows)) * (last - first), side="right") - 1
    return np.minimum(found, indptr[rows + 1] - 1)  # the sum may have been rounded up


def one_neighbour_by_sums(graph, rng):
    """Do what `one_neighbour` does with NumPy."""
    return graph.indices[one_by_sums(sums_of(graph.weights), graph.indptr, np.arange(graph.nodes), rng)]


# ---------------------------------------------------------------------------------------------------------- 3. the walk


def rows_of(graph, nodes):
    """Return where the elements of the nodes' rows are, one row after the other, and the rows' indptr."""
    lengths = graph.degrees[nodes]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return np.arange(indptr[-1]) + np.repeat(graph.indptr[nodes] - indptr[:-1], lengths), indptr


class Factors:
    """What a step's weights are multiplied by: node2vec's p and q."""

    def __init__(self, graph, p, q):
        self.p, self.q = p, q
        self._edges = np.repeat(np.arange(graph.nodes), graph.degrees) * graph.nodes + graph.indices  # they rise
        self._nodes = graph.nodes

    @property
    def greatest(self):
        return max(1, 1 / self.p, 1 / self.q)

    def __call__(self, before, to):
        """Return the factor of going to `to` for who came from `before`, element by element."""
        if self.q == 1:
            return np.where(before == to, np.float32(1 / self.p), np.float32(1))
        wanted = before * self._nodes + to
        near = self._edges[np.minimum(np.searchsorted(self._edges, wanted), len(self._edges) - 1)] == wanted
        return np.where(before == to, 1 / self.p, np.where(near, 1, 1 / self.q)).astype(np.float32)


def step(graph, factors, before, at, streams):
    """Return where each walker goes from `at`, who came there from `before`: one draw from rows made for the step."""
    places, indptr = rows_of(graph, at)
    weights = graph.weights[places]
    if (factors.p, factors.q) != (1, 1):
        weights *= factors(np.repeat(before, np.diff(indptr)), graph.indices[places])
    drawn = gf.categorical(weights=weights, indptr=indptr, rng=streams)
    return graph.indices[graph.indptr[at] + drawn]


@functools.cache
def compiled_loop():
    """Return a loop over walkers that Numba has compiled, or None where it is not installed."""
    if importlib.util.find_spec("numba") is None:
        return None
    import numba

    from gumbel_fast import capi

    @numba.njit(nogil=True)
    def loop(indptr, indices, weights, back, away, before, at, seeds, position, row, scratch, out):
        for walker in range(at.size):
            came, first, last = before[walker], indptr[at[walker]], indptr[at[walker] + 1]
            other, end = indptr[came], indptr[came + 1]
            for place in range(first, last):  # both rows rise, and are gone through together
                to = indices[place]
                while other < end and indices[other] < to:
                    other += 1
                near = other < end and indices[other] == to
                row[place - first] = weights[place] * (back if to == came else np.float32(1) if near else away)
            drawn = capi.categorical_weights_f32(
                row.ctypes,
                last - first,
                1.0,  # the temperature
                seeds[walker, 0],
                seeds[walker, 1] + np.uint64(position),
                scratch.ctypes,
            )
            out[walker] = indices[first + drawn]

    return loop


def step_by_loop(graph, factors, before, at, seeds, position):
    """Do what `step` does with RowStreams(seeds, position) by a compiled loop; None where there is no Numba."""
    loop = compiled_loop()
    if loop is None:
        return None
    from gumbel_fast import capi

    row, out = np.empty(graph.degrees.max(), np.float32), np.empty_like(at)
    scratch = np.empty(capi.categorical_scratch_f32(len(row)), np.uint8)
    back, away = np.float32(1 / factors.p), np.float32(1 / factors.q)
    loop(*graph, back, away, before, at, seeds, position, row, scratch, out)
    return out


def step_by_rejection(graph, factors, sums, before, at, rng):
    """Do what `step` does with NumPy, by proposals from sums that were made once. Returns the proposals of each too."""
    to, waiting, proposals = np.empty_like(at), np.arange(len(at)), 0
    while len(waiting):
        proposals += len(waiting)
        proposed = graph.indices[one_by_sums(sums, graph.indptr, at[waiting], rng)]
        accepted = rng.random(len(waiting)) * factors.greatest < factors(before[waiting], proposed)
        to[waiting[accepted]] = proposed[accepted]
        waiting = waiting[~accepted]
    return to, proposals / len(at)


def seeds_of(walkers):
    """Return the two words of each walker's seed."""
    return np.random.default_rng(SEED).integers(2**64, size=(walkers, 2), dtype=np.uint64)


def walk(graph, factors, start, seeds, steps):
    """Return the nodes that walkers come to, of shape (steps + 1, walkers). Step s is position s of a walker's seed."""
    path = np.empty((steps + 1, len(start)), np.int64)
    path[0] = before = start
    for s in range(steps):
        # The first step comes from nowhere, which is to say from the node itself: then the factor of all is 1.
        path[s + 1] = step(graph, factors, before, path[s], gf.RowStreams(seeds, s))
        before = path[s]
    return path


# -------------------------------------------------------------------------------------------------------- what is shown


def in_turn(calls, seconds):
    """Return the median milliseconds of each call. They take turns for so many seconds, and in being the first."""
    times, turn = {name: [] for name in calls}, 0
    for call in calls.values():  # code and data are read, and whatever is made once is made
        call()
    stop = time.perf_counter() + seconds
    while turn < 3 or time.perf_counter() < stop:
        names = list(calls)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            calls[name]()
            times[name].append(1000 * (time.perf_counter() - start))
        turn += 1
    return {name: statistics.median(values) for name, values in times.items()}


def show_times(title, calls, seconds):
    times = in_turn(calls, seconds)
    print(f"\n{title}")
    ours = next(iter(times.values()))
    for name, milliseconds in times.items():
        print(f"  {name:<52} {milliseconds:8.2f} ms {milliseconds / ours:7.1f} x")


def show_draws(graph, k, seconds):
    rng = np.random.default_rng(SEED)
    everything, sums = np.arange(graph.nodes), sums_of(graph.weights)
    show_times(
        f"Up to {k} neighbours of each node",
        {
            "gumbel_top_k(weights=, indptr=, allow_fewer=True)": lambda: some_neighbours(graph, k, rng),
            "NumPy: exponential keys, sorted": lambda: some_neighbours_by_keys(graph, k, rng),
        },
        seconds,
    )
    show_times(
        "One neighbour of each node",
        {
            "categorical(weights=, indptr=)": lambda: one_neighbour(graph, rng),
            "NumPy: cumsum, searchsorted": lambda: one_neighbour_by_sums(graph, rng),
            "NumPy: searchsorted in sums made once": lambda: graph.indices[
                one_by_sums(sums, graph.indptr, everything, rng)
            ],
        },
        seconds,
    )


def show_steps(graph, p, q, walkers, seconds):
    """Time a step of all walkers, and say which ways they go."""
    rng, seeds, sums = np.random.default_rng(SEED), seeds_of(walkers), sums_of(graph.weights)
    factors = Factors(graph, p, q)
    before = gf.categorical(weights=graph.strengths, num_samples=walkers, rng=SEED)
    at = graph.indices[one_by_sums(sums, graph.indptr, before, rng)]
    streams = gf.RowStreams(seeds, 1)
    to = step(graph, factors, before, at, streams)
    half = slice(0, walkers, 2)
    alone = step(graph, factors, before[half], at[half], gf.RowStreams(seeds[half], 1))
    require(np.array_equal(alone, to[half]), "where a walker goes depends on the others")
    looped = step_by_loop(graph, factors, before, at, seeds, 1)
    require(looped is None or np.array_equal(looped, to), "the compiled loop goes another way")
    back = float(np.mean(to == before))
    near = float(np.mean(Factors(graph, 3, 2)(before, to) == 1))  # a factor of 1 is that of a neighbour alone
    _, proposals = step_by_rejection(graph, factors, sums, before, at, rng)

    def from_rows(draw):
        places, indptr = rows_of(graph, at)
        weights = graph.weights[places] * factors(np.repeat(before, np.diff(indptr)), graph.indices[places])
        return draw(weights, indptr)

    def by_sums(weights, indptr):
        return one_by_sums(sums_of(weights), indptr, np.arange(walkers), rng)

    weights, indptr = from_rows(lambda *arrays: arrays)
    compiled = (
        {}
        if looped is None
        else {"rows made in Numba, categorical_weights_f32": lambda: step_by_loop(graph, factors, before, at, seeds, 1)}
    )
    show_times(
        f"A step of {walkers:,} walkers, p = {p:g}, q = {q:g}: {back:.0%} go back, {near:.0%} stay near",
        {
            "rows made for the step, categorical": lambda: step(graph, factors, before, at, streams),
            **compiled,
            "NumPy: the same rows, cumsum, searchsorted": lambda: from_rows(by_sums),
            f"NumPy: rejection, {proposals:.1f} proposals a walker": lambda: step_by_rejection(
                graph, factors, sums, before, at, rng
            ),
        },
        seconds,
    )
    drawing = in_turn(
        {
            "categorical": lambda: gf.categorical(weights=weights, indptr=indptr, rng=streams),
            "NumPy": lambda: by_sums(weights, indptr),
        },
        seconds / 2,
    )
    print(f"  of that the draw: categorical {drawing['categorical']:.2f} ms, NumPy {drawing['NumPy']:.2f} ms")


def show_walk(graph, walkers, steps):
    """Walk by weight alone, and return how often each node is come to beside how often that is to be expected."""
    start = gf.categorical(weights=graph.strengths, num_samples=walkers, rng=SEED)
    path = walk(graph, Factors(graph, 1, 1), start, seeds_of(walkers), steps)
    visits = np.bincount(path[1:].ravel(), minlength=graph.nodes)
    expected = visits.sum() * graph.strengths / graph.strengths.sum()
    often = np.argsort(-expected)[:100]
    off = float(np.mean(np.abs(visits[often] / expected[often] - 1)))
    print(f"\nA walk by weight: {walkers:,} walkers, {steps:,} steps")
    print(f"  at the 100 nodes that expect the most visits, {off:.1%} more or fewer than expected on average")
    return visits, expected


def kept_weight(graph, k, weights):
    """Return which part of its weight each node's k neighbours hold, where they are drawn by `weights`."""
    drawn = gf.gumbel_top_k(weights=weights, k=k, indptr=graph.indptr, allow_fewer=True, rng=SEED)
    held = np.where(drawn < 0, 0, graph.weights[graph.indptr[:-1, np.newaxis] + np.maximum(drawn, 0)])
    return held.sum(axis=1, dtype=np.float64) / graph.strengths


def draw_picture(path, graph, k, visits, expected):
    """Draw a walk's visits beside the exact, and the part of the weight that k neighbours hold."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    ends = np.array([expected.min() / 1.5, expected.max() * 1.5])
    left.plot(expected, np.maximum(visits, 0.5), ".", color=BLUE, ms=3, alpha=0.25, mew=0)
    left.plot(ends, ends, color="black", lw=1, label="equal")
    line = np.geomspace(*ends, 200)
    for deviations, label in ((2, "± 2 √expected"), (-2, "")):
        off = line + deviations * np.sqrt(line)
        left.plot(line[off > 0], off[off > 0], "--", color=ORANGE, lw=1.2, label=label)
    left.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    left.set(title="A walk by weight, node by node", ylabel="visits")
    left.set_xlabel("visits expected, from the node's share of all weight")
    left.legend()

    edges = np.unique(np.geomspace(1, graph.degrees.max() + 1, 25).astype(int))
    bins = np.digitize(graph.degrees, edges) - 1
    full = [b for b in range(len(edges) - 1) if np.any(bins == b)]
    degree = np.array([np.mean(graph.degrees[bins == b]) for b in full])
    ways = [("by weight", graph.weights, ORANGE, "o-"), ("evenly", np.ones_like(graph.weights), GREEN, "s-")]
    for name, weights, color, style in ways:
        held = kept_weight(graph, k, weights)
        low, middle, high = np.array([np.quantile(held[bins == b], [0.05, 0.5, 0.95]) for b in full]).T
        right.fill_between(degree, low, high, color=color, alpha=0.2, lw=0)
        right.plot(degree, middle, style, color=color, ms=4, lw=1.5, label=f"drawn {name}")
    right.axvline(k, color=GREY, lw=1, ls="--")
    right.text(k * 0.92, 0.02, f"k = {k}", color=GREY, ha="right")
    right.set(xscale="log", xlabel="degree", ylabel="part of the node's weight", ylim=(0, 1.03))
    right.set_title(f"What {k} neighbours hold of a node's weight")
    right.legend(title="median, and nine in ten nodes")
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        axis.set_major_formatter("{x:,.0f}")
    figure.savefig(path)


def require(condition, complaint):
    if not condition:
        raise SystemExit(f"graph.py: {complaint}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Sample neighbours of a graph, walk on it, and time both.")
    parser.add_argument("--nodes", type=int, default=20_000, help="of the graph (%(default)s)")
    parser.add_argument("-k", type=int, default=10, help="neighbours of each node (%(default)s)")
    parser.add_argument("--p", type=float, default=0.25, help="small: walkers go back more often (%(default)s)")
    parser.add_argument("--q", type=float, default=4.0, help="small: walkers go farther away (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("figures"), help="folder of the figure (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a graph of 2,000 nodes, and short walks")
    options = parser.parse_args(arguments)
    walkers, steps, seconds = 4_000, 500, 0.6
    if options.quick:
        options.nodes, walkers, steps, seconds = 2_000, 400, 200, 0.02
    options.output.mkdir(parents=True, exist_ok=True)

    graph = power_law_graph(options.nodes)
    print(f"{graph.nodes:,} nodes, {len(graph.indices) // 2:,} edges, degrees ", end="")
    print(f"from {graph.degrees.min()} to {graph.degrees.max():,}, {graph.degrees.mean():.1f} on average")
    show_draws(graph, options.k, seconds)
    for p, q in dict.fromkeys([(options.p, options.q), (options.p / 25, options.q)]):
        show_steps(graph, p, q, walkers, seconds)
    visits, expected = show_walk(graph, walkers, steps)
    draw_picture(options.output / "graph.png", graph, options.k, visits, expected)
    print(f"The figure is in {options.output}")


if __name__ == "__main__":
    main()
