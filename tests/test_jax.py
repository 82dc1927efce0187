"""The recipe for JAX, examples/jax_recipe.py: its distribution, its bits under transformations, its derivatives.

Bits are compared with eager calls in a Python loop, and those with gumbel_fast itself. Derivatives are held to JAX's
own of softmax, fed the noise of the same seed, in float64.
"""

import re
import types

import numpy as np
import pytest
from scipy import special

import example_files
import gumbel_fast
from scripts import run_script
from statistical import assert_draws_follow, softmax

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy

import jax.extend  # noqa: E402  # only where JAX is


@pytest.fixture(scope="module")
def recipe():
    module = example_files.load("jax_recipe")
    jax.extend.backend.clear_backends()  # what it sets is read when a backend starts, which another test may have done
    return module


@pytest.fixture
def x64():
    """Run the test with 64-bit types on, for the whole process: a callback may run in another thread."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def words_of(keys):
    """The words of threefry keys, as a seed has them: the key's 64 bits, and 0."""
    words = np.asarray(jax.random.key_data(keys)).astype(np.uint64)
    return np.stack([words[..., 0] | words[..., 1] << np.uint64(32), np.zeros_like(words[..., 0])], -1)


def streams_of(key, rows):
    return gumbel_fast.RowStreams(words_of(key)[np.newaxis], np.arange(rows))


def normal(*shape, scale=2.0, dtype=np.float32):
    return jnp.asarray(np.random.default_rng(len(shape)).normal(0, scale, shape).astype(dtype))


def same(a, b):
    """Whether two results are the same: structure, dtype, shape and bits."""
    a, b = jax.tree.leaves(a), jax.tree.leaves(b)
    return len(a) == len(b) and all(
        x.dtype == y.dtype and np.array_equal(np.asarray(x), np.asarray(y)) for x, y in zip(a, b, strict=True)
    )


FUNCTIONS = {
    "categorical": lambda recipe: recipe.categorical,
    "filtered": lambda recipe: (
        lambda key, x, temperature=0.8: recipe.categorical(
            key, x, temperature=temperature, top_k=7, top_p=0.9, min_p=1e-3, return_log_prob=True
        )
    ),
    "gumbel_softmax": lambda recipe: recipe.gumbel_softmax,
    "hard": lambda recipe: lambda key, x, **numbers: recipe.gumbel_softmax(key, x, hard=True, **numbers),
}


@pytest.fixture(params=FUNCTIONS)
def function(request, recipe):
    """A function of a key, logits, and perhaps a temperature."""
    return FUNCTIONS[request.param](recipe)


# -------------------------------------------------------------------------------------------------------- distribution


def test_draws_of_one_key(recipe):
    """100,000 rows of one call; rows that shared their noise would give all the same category."""
    logits = normal(20)
    draws = jax.jit(recipe.categorical)(jax.random.key(1), jnp.broadcast_to(logits, (100_000, 20)))
    against = {"temperature 1.1": softmax(logits, 1.1), "uniform": np.full(20, 0.05)}
    assert_draws_follow(draws, softmax(logits), against=against)


def test_draws_of_many_keys(recipe):
    """One draw for each of 100,000 keys, with a temperature and filters."""
    logits = normal(20)
    kept = np.where(np.asarray(logits) >= np.sort(logits)[-5], np.asarray(logits), -np.inf)
    keys = jax.random.split(jax.random.key(2), 100_000)

    @jax.jit
    @jax.vmap
    def draw(key):
        return recipe.categorical(key, logits, temperature=0.7, top_k=5)

    against = {"no filter": softmax(logits, 0.7), "no temperature": softmax(kept)}
    assert_draws_follow(draw(keys), softmax(kept, 0.7), against=against)


def test_keys_of_neighbouring_seeds_share_no_row(recipe):
    """The second row of one seed and the first of the next are independent: seeds are keys, and not row numbers."""
    p = np.array([0.1, 0.2, 0.3, 0.4])
    keys = jax.vmap(jax.random.key)(jnp.arange(50_000))
    logits = jnp.broadcast_to(jnp.log(p), (2, 4))
    first, second = jax.vmap(recipe.categorical, (0, None))(keys, logits).T
    pairs = np.asarray(4 * second[:-1] + first[1:])
    assert_draws_follow(pairs, np.outer(p, p).ravel(), against={"one row": np.diag(p).ravel() + 1e-9})


def test_largest_entry_of_a_relaxed_draw(recipe):
    logits = normal(20)
    keys = jax.random.split(jax.random.key(3), 100_000)
    hard = jax.jit(jax.vmap(lambda key: recipe.gumbel_softmax(key, logits, temperature=0.5, hard=True)))(keys)
    draws = np.asarray(hard.argmax(-1))
    assert_draws_follow(draws, softmax(logits), against={"temperature 0.5": softmax(logits, 0.5)})


# ---------------------------------------------------------------------------------------------------------------- bits


def test_what_a_key_means(recipe):
    """The draws are gumbel_fast's own, by a key's words as a seed, rows counted from 0."""
    key, x = jax.random.key(8), normal(6, 50)
    streams = streams_of(key, 6)
    logits = np.asarray(x)
    expected = gumbel_fast.categorical(logits, rng=streams, top_p=0.9, return_log_prob=True)
    assert same(recipe.categorical(key, x, top_p=0.9, return_log_prob=True), (np.int32(expected[0]), expected[1]))
    relaxed = gumbel_fast.gumbel_softmax(logits, rng=streams, temperature=np.float32(0.7))
    assert same(recipe.gumbel_softmax(key, x, temperature=0.7), relaxed)
    hard = gumbel_fast.gumbel_softmax(logits, rng=streams, hard=True)
    assert same(recipe.gumbel_softmax(key, x, hard=True), hard)
    assert same(recipe.categorical(key, x.reshape(2, 3, 50)), recipe.categorical(key, x).reshape(2, 3))
    assert same(recipe.categorical(key, x[0]), recipe.categorical(key, x)[0])


def test_kinds_of_keys(recipe):
    x = normal(200, 50)
    old, new = jax.random.PRNGKey(5), jax.random.key(5)
    assert same(recipe.categorical(old, x), recipe.categorical(new, x))
    four_words = [recipe.categorical(jax.random.key(seed, impl="rbg"), x) for seed in (5, 6)]
    assert not same(*four_words)
    with pytest.raises(ValueError, match=r"jax\.vmap"):
        recipe.categorical(jax.random.split(new, 3), x)


def test_keys_and_rows_differ(function):
    """20 keys, or rows, of at least 7 even categories: once in 10**16 all draws are one."""
    keys, rows = jax.random.split(jax.random.key(4), 20), jnp.zeros((20, 50))
    first = jax.tree.leaves(stacked([function(key, rows[0]) for key in keys]))[0]
    for draws in (first, jax.tree.leaves(function(keys[0], rows))[0]):
        assert len(np.unique(draws, axis=0)) > 1


def stacked(results):
    return jax.tree.map(lambda *arrays: jnp.stack(arrays), *results)


def test_jit_and_eager_agree(function):
    for shape in [(50,), (6, 50), (2, 3, 50), (0, 50)]:
        key, x = jax.random.key(len(shape)), normal(*shape)
        assert same(jax.jit(function)(key, x), function(key, x))


def test_vmap_is_a_loop(function):
    """Whatever is mapped, along whatever axis, in or around jit."""
    keys, key, x = jax.random.split(jax.random.key(5), 4), jax.random.key(6), normal(4, 3, 50)
    temperatures = jnp.array([0.5, 1.0, 2.0, 4.0])

    def hot(key, x, t):
        return function(key, x, temperature=t)

    by_key = stacked([function(k, x) for k in keys])
    assert same(jax.vmap(function, (0, None))(keys, x), by_key)
    by_logits = stacked([function(key, each) for each in x])
    assert same(jax.vmap(function, (None, 0))(key, x), by_logits)
    assert same(jax.jit(jax.vmap(function, (None, 1)))(key, jnp.moveaxis(x, 0, 1)), by_logits)
    both = stacked([function(k, each) for k, each in zip(keys, x, strict=True)])
    assert same(jax.vmap(jax.jit(function))(keys, x), both)
    heated = stacked([hot(key, x, t) for t in temperatures])
    assert same(jax.vmap(hot, (None, None, 0))(key, x, temperatures), heated)
    together = stacked([hot(k, x, t) for k, t in zip(keys, temperatures, strict=True)])
    assert same(jax.vmap(hot, (0, None, 0))(keys, x, temperatures), together)


def test_nested_vmap_is_a_nested_loop(function):
    keys, x, temperatures = jax.random.split(jax.random.key(7), 3), normal(4, 2, 50), jnp.array([0.5, 2.0])
    loop = stacked([
        stacked([stacked([function(key, each, temperature=t) for t in temperatures]) for key in keys]) for each in x
    ])  # fmt: skip
    hot = jax.vmap(lambda key, x, t: function(key, x, temperature=t), (None, None, 0))
    nested = jax.vmap(jax.vmap(hot, (0, None, None)), (None, 0, None))
    assert same(jax.jit(nested)(keys, x, temperatures), loop)


def test_one_callback_for_a_vmap(recipe, function, monkeypatch):
    calls = []

    def counted(draw):
        return lambda *arguments, **options: calls.append(1) or draw(*arguments, **options)

    patched = {name: counted(getattr(gumbel_fast, name)) for name in ("categorical", "gumbel_softmax")}
    monkeypatch.setattr(recipe, "gf", types.SimpleNamespace(RowStreams=gumbel_fast.RowStreams, **patched))
    keys, x = jax.random.split(jax.random.key(7), 3), normal(4, 2, 50)
    jax.block_until_ready(jax.vmap(jax.vmap(function, (0, None)), (None, 0))(keys, x))
    assert len(calls) == 1


def test_batch_of_temperatures(recipe):
    key, x, t = jax.random.key(9), normal(3, 50), jnp.array([0.5, 1.0, 2.0])
    for draw in (recipe.categorical, recipe.gumbel_softmax):
        rows = [draw(key, x, temperature=each)[row] for row, each in enumerate(t)]
        assert same(draw(key, x, temperature=t), jnp.stack(rows))


def test_control_flow(function):
    """Inside scan and cond, as outside."""
    keys, x = jax.random.split(jax.random.key(10), 5), normal(3, 50)
    loop = stacked([function(key, x) for key in keys])
    assert same(jax.lax.scan(lambda carry, key: (carry, function(key, x)), None, keys)[1], loop)

    @jax.jit
    def one_of_two(first):
        return jax.lax.cond(first, lambda: function(keys[0], x), lambda: function(keys[1], x))

    assert same(one_of_two(False), function(keys[1], x))


def test_large_arguments_on_one_cpu(recipe):
    """A program that hangs on one CPU where JAX dispatches asynchronously."""
    done = run_script(f"""
        import os, sys
        os.environ["NPROC"] = "1"
        sys.path.append({str(example_files.FOLDER)!r})
        import jax, jax_recipe

        @jax.jit
        def step(key, x):
            return jax_recipe.gumbel_softmax(key, x @ x)

        x = jax.random.normal(jax.random.key(0), (1000, 1000))
        results = [step(jax.random.key(seed), 0.1 * x) for seed in range(10)]
        print([round(float(result.sum())) for result in results])
    """)
    assert (done.stdout, done.returncode) == (f"{10 * [1000]}\n", 0), done.stderr


def test_shard_map(recipe):
    """On two devices, each of which counts its rows from 0 and has a key of its own."""
    done = run_script(f"""
        import os, sys
        os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
        sys.path.append({str(example_files.FOLDER)!r})
        import jax, jax_recipe

        def draw(key, x):
            return jax_recipe.categorical(jax.random.fold_in(key, jax.lax.axis_index("shards")), x)

        mesh, rows = jax.make_mesh((2,), ("shards",)), jax.sharding.PartitionSpec("shards")
        key, x = jax.random.key(1), jax.random.normal(jax.random.key(0), (8, 50))
        shared = jax.shard_map(draw, mesh=mesh, in_specs=(jax.sharding.PartitionSpec(), rows), out_specs=rows)
        sharded = jax.device_put(x, jax.sharding.NamedSharding(mesh, rows))
        apart = [jax_recipe.categorical(jax.random.fold_in(key, shard), x[4 * shard :][:4]) for shard in range(2)]
        print(bool((jax.jit(shared)(key, sharded) == jax.numpy.concatenate(apart)).all()))
    """)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


# --------------------------------------------------------------------------------------------------------- derivatives


def noise_of(key, x):
    """The noise that the recipe adds to logits of two axes."""
    return gumbel_fast.gumbel(size=(1, *x.shape), rng=streams_of(key, len(x)), dtype=x.dtype)[0]


@pytest.mark.parametrize("hard", [False, True])
def test_derivatives_are_those_of_jax(recipe, x64, hard):
    """First and second, forward and reverse, in logits and temperature, each by itself and both."""
    key, x, t = jax.random.key(11), normal(3, 5, dtype=np.float64), jnp.array(0.7)
    weights = normal(3, 5, scale=1.0, dtype=np.float64)

    def relax(x, t):
        return recipe.gumbel_softmax(key, x, temperature=t, hard=hard)

    noise = noise_of(key, x)

    def by_jax(x, t):
        return jax.nn.softmax((x + noise) / t, axis=-1)

    def agree(a, b):
        for mine, theirs in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
            assert mine.dtype == theirs.dtype == np.float64
            np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-14)

    def loss(relax):
        return lambda x, t: jnp.sum(weights * relax(x, t)) + (0 if hard else jnp.sum(jnp.log1p(relax(x, t))))

    if not hard:
        agree(relax(x, t), by_jax(x, t))
    tangents = weights, jnp.array(0.3)
    agree(jax.jvp(relax, (x, t), tangents)[1], jax.jvp(by_jax, (x, t), tangents)[1])
    agree(jax.vjp(relax, x, t)[1](weights), jax.vjp(by_jax, x, t)[1](weights))
    for arguments in (0, 1, (0, 1)):
        for derivative in (jax.jacrev, jax.jacfwd):
            agree(derivative(relax, arguments)(x, t), derivative(by_jax, arguments)(x, t))
        expected = jax.jit(jax.hessian(loss(by_jax), arguments))(x, t)
        agree(jax.jit(jax.hessian(loss(relax), arguments))(x, t), expected)
    agree(jax.jacrev(jax.jacrev(loss(relax), arguments), arguments)(x, t), expected)
    mapped = jax.vmap(jax.grad(loss(relax), (0, 1)), (None, 0))(x, jnp.array([0.5, 2.0]))
    agree(mapped, jax.vmap(jax.grad(loss(by_jax), (0, 1)), (None, 0))(x, jnp.array([0.5, 2.0])))


def test_derivatives_in_float32(recipe):
    """Within 8 times the bound on an entry of the sample, 2**-22 (1 + its distance below the largest), of each term."""
    key, x, t = jax.random.key(12), normal(40, 30), 0.7
    weights = normal(40, 30, scale=1.0)
    (found,) = jax.vjp(lambda x: recipe.gumbel_softmax(key, x, temperature=t), x)[1](weights)
    z = (np.asarray(x, np.float64) + noise_of(key, x)) / t
    y, w = special.softmax(z, axis=-1), np.asarray(weights, np.float64) / t
    expected = y * (w - (y * w).sum(-1, keepdims=True))
    terms = y * (np.abs(w) + (y * np.abs(w)).sum(-1, keepdims=True))
    assert np.all(np.abs(found - expected) <= 2.0**-19 * (1 + z.max(-1, keepdims=True) - z) * terms)


def test_derivatives_where_entries_vanish(recipe):
    """Masked, infinitely unlikely and underflowing entries have derivatives of 0, to the second, and never NaN."""
    x = jnp.array([[0.0, 1.0, -jnp.inf, -60.0, -90.0, 2.0, -1e4]])
    mask = jnp.array([True, True, True, True, True, False, True])

    def loss(x, t):
        return (recipe.gumbel_softmax(jax.random.key(13), x, temperature=t, mask=mask) ** 2).sum()

    gradient = jax.grad(loss, (0, 1))(x, 0.9)
    hessian = jax.hessian(loss, (0, 1))(x, 0.9)
    assert all(np.isfinite(each).all() for each in jax.tree.leaves((gradient, hessian)))
    np.testing.assert_array_equal(gradient[0][0, [2, 5, 6]], 0)
    np.testing.assert_array_equal(hessian[0][0][0, [2, 5, 6]], 0)
    assert np.all(np.asarray(gradient[0][0, :2]) != 0)
    assert gradient[1] != 0


def test_straight_through(recipe):
    """Exact one-hots, of the first of equal entries, with the derivatives of the relaxed draw to the bit."""
    key, x = jax.random.key(14), normal(100, 20)
    weights = normal(100, 20, scale=1.0)

    def derivatives(hard):
        def relax(x, t):
            return recipe.gumbel_softmax(key, x, temperature=t, hard=hard)

        sample, pull_back = jax.vjp(relax, x, jnp.float32(0.7))
        return sample, pull_back(weights), jax.jvp(relax, (x, jnp.float32(0.7)), (weights, jnp.float32(1)))[1]

    (soft, *expected), (hard, *found) = derivatives(False), derivatives(True)
    np.testing.assert_array_equal(hard, np.eye(20, dtype=np.float32)[np.asarray(soft).argmax(-1)])
    assert same(found, expected)
    equal = recipe.gumbel_softmax(key, x, temperature=1e30, hard=True)
    np.testing.assert_array_equal(equal, np.eye(20, dtype=np.float32)[np.zeros(100, int)])


def test_straight_through_in_half_precision(recipe):
    """The largest entry is found before rounding: of 2,000 rows some have two that bfloat16 does not tell apart."""
    key, x = jax.random.key(19), jnp.zeros((2000, 40))
    soft, hard = (recipe.gumbel_softmax(key, x, temperature=4.0, hard=hard) for hard in (False, True))
    assert not same(soft.astype("bfloat16").argmax(-1), soft.argmax(-1))
    assert same(recipe.gumbel_softmax(key, x.astype("bfloat16"), temperature=4.0, hard=True), hard.astype("bfloat16"))


def test_index_beside_derivatives(recipe):
    """An index may be drawn where derivatives are taken; that of its log-probability is refused, not 0."""
    key, x = jax.random.key(15), normal(6, 20)

    def score(x):
        index = recipe.categorical(key, x, temperature=x[0, 0] ** 2)
        return jnp.take_along_axis(jax.nn.log_softmax(x), index[:, np.newaxis], -1).sum()

    index = recipe.categorical(key, x, temperature=x[0, 0] ** 2)
    expected = jax.nn.one_hot(index, 20) - jax.nn.softmax(x)
    np.testing.assert_allclose(jax.grad(score)(x), expected, atol=1e-6)
    with pytest.raises(ValueError, match="do not support JVP"):
        jax.grad(lambda x: recipe.categorical(key, x, return_log_prob=True)[1].sum())(x)


def test_checkpoint(recipe):
    x = normal(3, 50)

    def loss(x):
        return (recipe.gumbel_softmax(jax.random.key(16), x, temperature=0.5) ** 2).sum()

    assert same(jax.jit(jax.grad(jax.checkpoint(loss)))(x), jax.jit(jax.grad(loss))(x))


# ----------------------------------------------------------------------------------------------------- dtypes and masks


DTYPES = ["bfloat16", "float16", "float32", "int32"]


@pytest.mark.parametrize("dtype", [*DTYPES, "float64"])
def test_dtypes_with_64_bit_types(recipe, x64, dtype):
    assert_dtypes_are_those_of_jax(recipe, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(recipe, dtype):
    assert_dtypes_are_those_of_jax(recipe, dtype)


def assert_dtypes_are_those_of_jax(recipe, dtype):
    key, x = jax.random.key(17), jnp.round(4 * normal(50, 40)).astype(dtype)
    index, log_prob = recipe.categorical(key, x, return_log_prob=True)
    assert index.dtype == jax.random.categorical(key, x.astype(float)).dtype
    expected = jax.nn.softmax(x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)).dtype
    computed = jnp.promote_types(expected, jnp.float32)
    for hard in (False, True):
        sample = recipe.gumbel_softmax(key, x, temperature=0.7, hard=hard)
        assert sample.dtype == expected
        assert same(sample, recipe.gumbel_softmax(key, x.astype(computed), temperature=0.7, hard=hard).astype(expected))
    assert log_prob.dtype == expected
    assert same(index, recipe.categorical(key, x.astype(computed)))
    if expected == x.dtype:
        weights = jnp.roll(x, 1)
        sample, pull_back = jax.vjp(lambda x: recipe.gumbel_softmax(key, x), x)
        assert pull_back(weights)[0].dtype == dtype
        wide_weights = weights.astype(computed)
        narrow = jax.vjp(lambda x: recipe.gumbel_softmax(key, x), x.astype(computed))[1](wide_weights)[0].astype(dtype)
        assert same(pull_back(weights)[0], narrow)


def test_masks(recipe):
    """A mask is -inf in its place, of bytes or of words of 32 bits, mapped or not."""
    key, x = jax.random.key(18), normal(4, 64)
    masks = np.random.default_rng(0).random((3, 4, 64)) < 0.5
    words = np.packbits(masks, axis=-1, bitorder="little").view(np.uint32)
    for draw in (recipe.categorical, recipe.gumbel_softmax):
        expected = stacked([draw(key, jnp.where(mask, x, -jnp.inf)) for mask in masks])
        for kind in (masks, words):
            assert same(stacked([draw(key, x, mask=mask) for mask in kind]), expected)
            assert same(jax.vmap(lambda mask, draw=draw: draw(key, x, mask=mask))(jnp.asarray(kind)), expected)
        assert same(draw(key, x, mask=masks[0, 0]), draw(key, x, mask=jnp.broadcast_to(masks[0, 0], x.shape)))


@pytest.mark.parametrize("numbers", [{"top_k": [1, 3, 40]}, {"top_p": [0.1, 0.5, 1.0]}, {"min_p": [1.0, 0.5, 0.0]}])
def test_traced_filters(recipe, numbers):
    """By the row and mapped, as outside of JAX."""
    ((name, values),) = numbers.items()
    key, x, values = jax.random.key(20), normal(3, 64), jnp.array(values)

    def draw(x, value):
        return recipe.categorical(key, x, return_log_prob=True, **{name: value})

    by_row = gumbel_fast.categorical(
        np.asarray(x), rng=streams_of(key, 3), return_log_prob=True, **{name: np.asarray(values)}
    )
    assert same(jax.jit(draw)(x, values), (np.int32(by_row[0]), by_row[1]))
    mapped = jax.jit(jax.vmap(draw, (None, 0)))(x, values)
    assert same(mapped, stacked([draw(x, value) for value in values]))
    assert not same(mapped[1][0], mapped[1][2])


@pytest.mark.parametrize("bad, complaint", [(np.nan, "row 1 has NaN"), (-np.inf, "row 1 has nothing but -inf")])
def test_bad_row(recipe, bad, complaint):
    key, x = jax.random.key(0), jnp.array([[0.0, 1.0], [bad, bad], [2.0, 3.0]])
    with pytest.raises(jax.errors.JaxRuntimeError, match=complaint):
        jax.block_until_ready(recipe.categorical(key, x))
    for hard in (False, True):
        sample = recipe.gumbel_softmax(key, x, hard=hard)
        np.testing.assert_array_equal(np.isnan(sample), [[False] * 2, [True] * 2, [False] * 2])


# ------------------------------------------------------------------------------------------------------- the program


def test_program(recipe, monkeypatch, capsys):
    monkeypatch.setenv("NPROC", "1")  # it sets that where it is not set
    recipe.main(["--quick"])
    printed = capsys.readouterr().out
    draws = re.findall(r"\[[0-2 ]{19}\]", printed)
    assert len(draws) == 3
    assert len(set(draws)) == 1
    assert "a draw from each row, 4,096 x 6 " in printed


def test_program_stops_where_ways_differ(recipe, monkeypatch):
    monkeypatch.setattr(recipe, "categorical", lambda key, logits: jnp.int32(isinstance(logits, jax.core.Tracer)))
    with pytest.raises(SystemExit, match="depend on how"):
        recipe.main(["--quick"])
