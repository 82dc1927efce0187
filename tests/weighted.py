"""What tests of weights share: rows of them, the law that draws follow, and every way of drawing.

A weight w at temperature T has a probability in proportion to w^(1/T). The law is worked out in long doubles, from
quotients by the greatest weight, so that sums that overflow and weights of any size are as good as others.
"""

import numpy as np

import gumbel_fast
from rows import BFLOAT16

TINY = {np.float32: 1e-45, np.float64: 5e-324, np.float16: 6e-8, BFLOAT16: 9.2e-41}
HUGE = {np.float32: 3.4e38, np.float64: 1.79e308, np.float16: 65504.0, BFLOAT16: 3.38e38}


def law(weights, temperature=1.0):
    """The probabilities of one row."""
    w = np.asarray(weights).astype(np.longdouble)
    if temperature == 0:
        return (np.arange(w.size) == w.argmax()) * 1.0
    z = np.full(w.shape, -np.inf, np.longdouble)
    with np.errstate(divide="ignore"):  # of a quotient that is no number where the widest float is float64
        z[w > 0] = np.log(w[w > 0] / w.max()) / np.longdouble(temperature)
    p = np.exp(z)
    return (p / p.sum()).astype(np.float64)


def some_weights(shape, dtype=np.float32, seed=3, zeros=0.1):
    """Weights a few powers of e wide, a tenth of them 0, of which a half is -0; the first category never."""
    rng = np.random.default_rng(seed)
    w = np.exp(rng.normal(0, 2, shape))
    none = rng.random(shape) < zeros
    w[none] = np.where(rng.random(shape) < 0.5, 0.0, -0.0)[none]
    w[..., 0] = 1
    return w.astype(dtype)


def graded(n, rng):
    """From e^-3 to e, the ends the likeliest."""
    w = np.exp(np.linspace(-3, 1, n))
    w[0] = 5
    return w


def sparse(n, rng):
    """Mostly 0."""
    w = graded(n, rng)
    w[rng.random(n) < 0.7] = 0
    w[[0, -1]] = 2, 3
    return w


def _few(w, count, **options):
    batch = np.broadcast_to(w, (count // 3 + 1, w.size))
    return gumbel_fast.categorical(weights=batch, num_samples=3, **options).ravel()[:count]


def _ragged(w, count, **options):
    """Rows of the weights in turn with rows of one other category, which is the only one to be drawn."""
    flat = np.tile(np.append(w, np.ones(1, w.dtype)), count)
    indptr = np.concatenate([[0], np.cumsum(np.tile([w.size, 1], count))])
    draws = gumbel_fast.categorical(weights=flat, indptr=indptr, **options)
    assert not draws[1::2].any()
    return draws[::2]


def _masked(w, count, **options):
    """Among as many others that are masked, and are no weights where the dtype has such."""
    wide = np.repeat(w, 2)
    if w.dtype.kind not in "biu":
        wide[1::4], wide[3::4] = np.nan, -1
    mask = np.arange(wide.size) % 2 == 0
    batch = np.broadcast_to(wide, (count, wide.size))
    draws = gumbel_fast.categorical(weights=batch, mask=mask, **options)
    assert not np.any(draws % 2)
    return draws // 2


# Each draws so many times from a row. Which kernel that is depends on the row's length and on the number of draws.
WAYS = {
    "one draw": lambda w, n, **o: gumbel_fast.categorical(weights=np.broadcast_to(w, (n, w.size)), **o),
    "few draws": _few,
    "many draws": lambda w, n, **o: gumbel_fast.categorical(weights=w, num_samples=n, **o),
    "the first of two": lambda w, n, **o: gumbel_fast.categorical(
        weights=np.broadcast_to(w, (n, w.size)), num_samples=2, replace=False, **o
    )[:, 0],
    "gumbel_top_k": lambda w, n, **o: gumbel_fast.gumbel_top_k(
        weights=np.broadcast_to(w, (n, w.size)), k=1, **o
    )[:, 0],
    "filtered": lambda w, n, **o: gumbel_fast.categorical(
        weights=np.broadcast_to(w, (n, w.size)), top_k=w.size, **o
    ),
    "ragged": _ragged,
    "masked": _masked,
    "along the first axis": lambda w, n, **o: gumbel_fast.categorical(
        weights=np.broadcast_to(w, (n, w.size)).T, axis=0, **o
    ),
}  # fmt: skip

CHAIN = {"top_k": 20, "top_p": 0.99, "min_p": 1e-4, "filter_temperature": 3.0}

# Each takes weights and the options of a call.
CALLS = {
    "categorical": lambda w, **o: gumbel_fast.categorical(weights=w, **o),
    "categorical, chain": lambda w, **o: gumbel_fast.categorical(weights=w, **CHAIN, **o),
    "categorical, top_p": lambda w, **o: gumbel_fast.categorical(weights=w, top_p=0.9, **o),
    "categorical with log_prob": lambda w, **o: gumbel_fast.categorical(weights=w, return_log_prob=True, **o),
    "few draws": lambda w, **o: gumbel_fast.categorical(weights=w, num_samples=3, **o),
    "some draws": lambda w, **o: gumbel_fast.categorical(weights=w, num_samples=20, return_log_prob=True, **o),
    "many draws": lambda w, **o: gumbel_fast.categorical(weights=w, num_samples=400, **o),
    "many draws, chain": lambda w, **o: gumbel_fast.categorical(weights=w, num_samples=400, **CHAIN, **o),
    "one distinct draw": lambda w, **o: gumbel_fast.categorical(weights=w, num_samples=1, replace=False, **o),
    "few distinct draws": lambda w, **o: gumbel_fast.categorical(weights=w, num_samples=3, replace=False, **o),
    "many distinct draws": lambda w, **o: gumbel_fast.categorical(weights=w, num_samples=150, replace=False, **o),
    "distinct draws, chain": lambda w, **o: gumbel_fast.categorical(
        weights=w, num_samples=3, replace=False, **CHAIN, **o
    ),
    "gumbel_top_k of 1": lambda w, **o: gumbel_fast.gumbel_top_k(weights=w, k=1, return_value=True, **o),
    "gumbel_top_k of 5": lambda w, **o: gumbel_fast.gumbel_top_k(weights=w, k=5, return_value=True, **o),
}
