"""Draw by gumbel_fast inside JAX programs on the CPU: two functions to copy, for jit, vmap and grad.

    python examples/jax_recipe.py

gumbel_fast does not know JAX. `categorical` and `gumbel_softmax` below call it by `jax.pure_callback`, and what they
give is a function of the key and the other arguments alone, as JAX expects:

* **One key, one result.** The words of a JAX key become the two words of a seed, and `gumbel_fast.RowStreams` give each
  row that seed and the row's number. So eager, jit and vmap agree bit by bit, and vmap over keys is the loop over keys.
* **One callback for a whole vmap**, nested ones too. `vmap_method="expand_dims"` puts an axis in front of every
  argument, of length 1 where the argument is not mapped, and NumPy broadcasts without a copy.
* **Derivatives by JAX.** That of a relaxed sample is a function of the sample: `jax.custom_jvp` and a few lines of
  arithmetic give grad, jvp, jacrev and hessian, in the logits and in the temperature.

Run as a program it shows all three, and times both functions beside `jax.random.categorical` and `jax.nn.softmax` of
logits and noise. docs/jax.rst has the figures, and when not to use this.
"""

import argparse
import itertools
import math
import os
import statistics
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

import gumbel_fast as gf

# ---------------------------------------------------------------------------------------------------------- the recipe

# This must come before JAX's first computation. Without it a program can hang: a callback waits for its larger
# arguments, which JAX copies in a pool of threads, one for each CPU, and callbacks may hold all of those.
jax.config.update("jax_cpu_enable_async_dispatch", False)


def categorical(key, logits, *, temperature=1.0, top_k=None, top_p=None, min_p=None, mask=None, return_log_prob=False):
    """Draw a category from each row of logits, after the filters of `gumbel_fast.categorical`.

    The numbers may be arrays that broadcast to ``logits.shape[:-1]``, and traced. With `return_log_prob` the result is
    (index, log_prob). Neither has a derivative: the index may be drawn where others are taken, but to take that of
    log_prob is an error.
    """
    logits, options = _prepare(logits, mask, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    index = jax.ShapeDtypeStruct(logits.shape[:-1], np.int32)
    if return_log_prob:
        like = index, jax.ShapeDtypeStruct(index.shape, _compute_dtype(logits))
        index, log_prob = _on_host(_draw_with_log_prob, like, _words(key), logits, options)
        return index.astype(jnp.result_type(int)), log_prob.astype(logits.dtype)
    index = _on_host(_draw, index, _words(key), *jax.lax.stop_gradient((logits, options)))
    return index.astype(jnp.result_type(int))


def gumbel_softmax(key, logits, *, temperature=1.0, hard=False, mask=None):
    """Draw relaxed one-hots, ``softmax((logits + noise) / temperature)``, differentiable in logits and temperature.

    `hard` gives the one-hot of each row's largest entry, with the derivatives of the relaxed sample (straight-through).
    """
    logits, options = _prepare(logits, mask, temperature=temperature)
    sample = _relaxed(_words(key), logits, options.pop("temperature"), options)
    if hard:
        columns = jnp.arange(sample.shape[-1])
        largest = sample == sample.max(-1, keepdims=True)
        first = jnp.where(largest, columns, columns.size).min(-1, keepdims=True)  # XLA's argmax is slow on the CPU
        sample = (columns == first) + (sample - jax.lax.stop_gradient(sample))  # adds 0, and the derivatives
    return sample.astype(logits.dtype)


@jax.custom_jvp
def _relaxed(words, logits, temperature, mask):
    like = jax.ShapeDtypeStruct(logits.shape, _compute_dtype(logits))
    return _on_host(_relax, like, words, logits, {"temperature": temperature, **mask})


def _relaxed_jvp(primals, tangents):
    """Differentiate y = softmax(z), z = (logits + noise) / T: dy = y (dz - sum y dz), dz = (dlogits - z dT) / T.

    What is added to all of a row of dz cancels: log y, which is z but for such a number, stands in for z.
    """
    (_, _, temperature, _), (_, dlogits, dt, _) = primals, tangents
    y = _relaxed(*primals)
    dz = 0.0 if isinstance(dlogits, SymbolicZero) else dlogits.astype(y.dtype)
    if not isinstance(dt, SymbolicZero):
        dz -= jnp.log(jnp.where(y < jnp.finfo(y.dtype).tiny, 1.0, y)) * dt  # y log y tends to 0 with y
    dz /= temperature
    return y, y * (dz - jnp.sum(y * dz, axis=-1, keepdims=True))


_relaxed.defjvp(_relaxed_jvp, symbolic_zeros=True)


def _prepare(logits, mask, **numbers):
    """Return floating logits and a dict of the other arguments, all arrays of the same rank: vmap's axes come first."""
    logits = jnp.asarray(logits)
    logits = logits.astype(jnp.result_type(logits, float))
    numbers["temperature"] = jnp.asarray(numbers["temperature"], _compute_dtype(logits))
    options = {name: jnp.asarray(x)[..., np.newaxis] for name, x in numbers.items() if x is not None}
    if mask is not None:
        options["mask"] = jnp.asarray(mask)
    return logits, {name: x.reshape((1,) * (logits.ndim - x.ndim) + x.shape) for name, x in options.items()}


def _compute_dtype(logits):
    return jnp.promote_types(logits.dtype, jnp.float32)  # half precision is read as it lies and computed in float32


def _words(key):
    """Return the words of a key, 2 or 4 of 32 bits by its kind, as 4: the two of 64 that make a seed."""
    words = jax.random.key_data(key)
    if words.ndim != 1:
        raise ValueError("one key is wanted: for more use jax.vmap")
    return jnp.pad(words, (0, 4 - words.size))


def _on_host(function, like, *arguments):
    return jax.pure_callback(function, like, *arguments, vmap_method="expand_dims")


# What follows runs on the host. It touches its arguments by NumPy alone, for to call JAX there can deadlock; and the
# functions are the module's, for JAX compiles anew for a function that it has not seen.


def _draw(*arguments):
    logits, others = _all_at_once(*arguments)
    return gf.categorical(logits, **others)[0].astype(np.int32)


def _draw_with_log_prob(*arguments):
    logits, others = _all_at_once(*arguments)
    index, log_prob = gf.categorical(logits, return_log_prob=True, **others)
    return index[0].astype(np.int32), log_prob[0]


def _relax(*arguments):
    logits, others = _all_at_once(*arguments)
    return gf.gumbel_softmax(logits, **others)[0]


def _all_at_once(words, logits, options):
    """Return logits and keyword arguments of one call for all that was mapped, with one more axis of length 1 in front.

    Rows are counted in each example by itself, from 0: a key gives an example its draws, whatever is mapped beside it.
    """
    words, logits = np.asarray(words), np.asarray(logits)
    options = {name: np.asarray(x) for name, x in options.items()}
    mapped = words.ndim - 1
    each = logits.shape[mapped:-1]
    axes = np.broadcast_shapes(*(x.shape[:mapped] for x in (words, logits, *options.values())))
    seeds = words.view(np.uint64).reshape(1, *words.shape[:-1], *(1,) * len(each), 2)
    others = {name: x if name == "mask" else x[..., 0] for name, x in options.items()}
    others["rng"] = gf.RowStreams(seeds, np.arange(np.prod(each, dtype=int)).reshape(each))
    return np.broadcast_to(logits, (1, *axes, *each, logits.shape[-1])), others


# ------------------------------------------------------------------------------------------------------ a demonstration


def show_agreement():
    """Print draws of several keys by eager calls, by jit and by vmap, and stop where they are not the same."""
    keys, logits = jax.random.split(jax.random.key(7), 10), jnp.log(jnp.array([0.2, 0.3, 0.5]))
    ways = {
        "eager, key by key": jnp.stack([categorical(key, logits) for key in keys]),
        "jit, key by key": jnp.stack([jax.jit(categorical)(key, logits) for key in keys]),
        "vmap over the keys": jax.vmap(categorical, in_axes=(0, None))(keys, logits),
    }
    for way, draws in ways.items():
        print(f"  {way:20} {draws}")
    if len({draws.tobytes() for draws in map(np.asarray, ways.values())}) > 1:
        raise SystemExit("the draws of a key depend on how they are made")


def show_shares(number):
    """Print how often each category is drawn, beside its probability."""
    probabilities = np.array([0.2, 0.3, 0.5])
    logits = jnp.broadcast_to(jnp.log(probabilities), (number, 3))
    shares = np.bincount(jax.jit(categorical)(jax.random.key(1), logits)) / number
    print(f"  {'probabilities':20} {probabilities}")
    print(f"  {'shares of the draws':20} {shares.round(3)}")


def show_derivatives():
    """Print the derivatives of a relaxed sample's reward, and what finite differences in the temperature give."""
    key, logits, rewards = jax.random.key(3), jnp.log(jnp.array([0.2, 0.3, 0.5])), jnp.array([1.0, 2.0, 4.0])

    @jax.jit
    def reward(logits, temperature):
        return gumbel_softmax(key, logits, temperature=temperature) @ rewards

    by_logits, by_temperature = jax.grad(reward, argnums=(0, 1))(logits, 0.5)
    difference = (reward(logits, 0.51) - reward(logits, 0.49)) / 0.02
    print(f"  {'in the logits':20} {np.asarray(by_logits).round(3)}")
    print(f"  {'in the temperature':20} {by_temperature:.3f}, by finite differences {difference:.3f}")


# --------------------------------------------------------------------------------------------------------------- timing


def jax_softmax(key, logits):
    """What one writes in JAX alone."""
    return jax.nn.softmax(logits + jax.random.gumbel(key, logits.shape, logits.dtype))


def with_gradient(relax):
    """Return a function that gives the sample and the gradient of its inner product with the logits rolled by one."""

    def step(key, logits):
        sample, pull_back = jax.vjp(partial(relax, key), logits)
        return sample, *pull_back(jnp.roll(logits, 1))

    return step


DRAW = "a draw from each row", categorical, jax.random.categorical
RELAX = "a relaxed draw", gumbel_softmax, jax_softmax
BACKWARD = "the same, and a gradient", with_gradient(gumbel_softmax), with_gradient(jax_softmax)
SHAPES = {
    DRAW: [(8, 6), (4096, 6), (64, 128), (4096, 64), (256, 1000), (1, 131_072), (64, 32_768)],
    RELAX: [(4096, 10), (1280, 320), (64, 32_768)],
    BACKWARD: [(4096, 10), (1280, 320), (64, 32_768)],
}


def show_times(rounds, most):
    """Print the times of compiled calls, and their median ratio, for shapes of at most so many logits."""
    keys = itertools.cycle(list(jax.random.split(jax.random.key(0), 64)))
    print(f"  {'':44} {'by gumbel_fast':>14} {'by JAX':>9} {'ratio':>6}")
    for (job, *functions), shapes in SHAPES.items():
        for shape in (shape for shape in shapes if math.prod(shape) <= most):
            logits = 2.5 * jax.random.normal(jax.random.key(1), shape)
            ours, jaxs = in_turn([jax.jit(function) for function in functions], keys, logits, rounds)
            ratio = statistics.median(theirs / mine for mine, theirs in zip(ours, jaxs, strict=True))
            name = f"{job}, {shape[0]:,} x {shape[1]:,}"
            print(f"  {name:44} {statistics.median(ours):11.0f} µs {statistics.median(jaxs):6.0f} µs {ratio:6.2f}")


def in_turn(functions, keys, logits, rounds):
    """Return microseconds a call for each function, a number a round: each gets some milliseconds in every round."""
    calls = []
    for function in functions:
        jax.block_until_ready(function(next(keys), logits))  # compiles
        calls.append(1 + int(5e-3 / seconds(function, keys, logits, 3)))
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, number, mine in zip(functions, calls, times, strict=True):
            mine.append(1e6 * seconds(function, keys, logits, number))
    return times


def seconds(function, keys, logits, calls):
    start = time.perf_counter()
    for _ in range(calls):
        jax.block_until_ready(function(next(keys), logits))
    return (time.perf_counter() - start) / calls


def main(arguments=None):
    parser = argparse.ArgumentParser(description="gumbel_fast inside JAX: what a key gives, derivatives, and times.")
    parser.add_argument("--quick", action="store_true", help="time smaller batches, and not as often")
    options = parser.parse_args(arguments)
    os.environ.setdefault("NPROC", "1")  # one thread, as gumbel_fast has here: XLA sizes its pool by this
    print("Draws of ten keys:")
    show_agreement()
    print("A hundred thousand draws of one key:")
    show_shares(100_000)
    print("Derivatives of a relaxed draw's reward:")
    show_derivatives()
    print("Times of a compiled call, one thread:")
    show_times(*((3, 50_000) if options.quick else (100, math.inf)))


if __name__ == "__main__":
    main()
