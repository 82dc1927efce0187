"""What tests of the filters share: rows that are hard to filter, parameters that are hard to meet, what may be kept.

What is kept is that of `reference.kept`. Where the mass before an element is within SLACK of top_p either answer is
right, so the model gives two sets: what must be kept, by a top_p lower by SLACK, and what may be, by one higher by it.
"""

import numpy as np

import reference
from rows import compute_dtype

SLACK = 1e-6

LENGTHS = [1, 2, 3, 5, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300, 1024, 1025, 4095, 4096, 4097, 5000]


def _flat(n, rng):
    return np.zeros(n)


def _normal(n, rng):
    x = rng.normal(0, 2.5, n)
    x[rng.random(n) < 0.1] = -np.inf
    x[n // 2] = 1
    return x


def _ties(n, rng):
    """A few levels, each shared by a share of the row."""
    return rng.integers(-3, 1, n) * 0.75


def _slope(n, rng):
    return rng.permutation(np.linspace(0, -20, n))


def _peaked(n, rng):
    """One far above the others, which are flat and together as likely."""
    x = np.full(n, -np.log(max(n - 1, 1)))
    x[n // 3] = 0
    return x


def _far(n, rng):
    """Steps of a float32 unit at -1e8."""
    return -1e8 + 8.0 * rng.integers(-4, 4, n)


def _ends(n, rng):
    """Both ends of float32 and what is in between."""
    return rng.choice([3e38, -3e38, 0.0, 2.9e38, -np.inf], n, p=[0.2, 0.2, 0.2, 0.2, 0.2])


def _lone(n, rng):
    x = np.full(n, -np.inf)
    x[-1] = -3e38
    return x


def _zeros_of_both_signs(n, rng):
    return rng.choice([0.0, -0.0, -1.0], n)


KINDS = {
    "flat": _flat,
    "normal": _normal,
    "ties": _ties,
    "slope": _slope,
    "peaked": _peaked,
    "far": _far,
    "ends": _ends,
    "lone": _lone,
    "zeros of both signs": _zeros_of_both_signs,
}


def made_row(kind, n, dtype, seed=1):
    x = KINDS[kind](n, np.random.default_rng([n, seed]))
    if dtype == np.float16:
        x = np.where(np.isfinite(x), np.clip(x, -65504, 65504), x)
    x = x.astype(dtype)
    if not np.any(x > -np.inf):
        x[0] = 1
    return x


def made_filters(n, count, seed=1):
    """Arrays of `count` values of each parameter: each filter alone, then chains of all of them."""
    rng = np.random.default_rng([n, seed])
    ks, ps = [0, 1, 2, 3, 40, max(n // 2, 1), max(n - 1, 1), n, n + 5], [0, 5e-324, 0.1, 0.5, 0.9, 0.95, 0.999, 0.9999]
    ms, ts = [0, 1e-60, 1e-10, 0.05, 0.5, 0.999, 1.0], [1.0, 1.0, 0.8, 0.1, 5.0, 1e-6, 1e6, 1e-300, 1e300, np.inf, 0.0]
    ps = [*ps, 1 - 1e-5, 1.0, 2.0]
    top_k, top_p = rng.choice(ks, count), rng.choice(ps, count)
    min_p, temperature, divisor = rng.choice(ms, count), rng.choice(ts, count), rng.choice(ts, count)
    alone = np.arange(count) % 6  # which filter, or 3 and more: all of them
    top_k[(alone == 1) | (alone == 2)] = 0
    top_p[(alone == 0) | (alone == 2)] = 1
    min_p[(alone == 0) | (alone == 1)] = 0
    divisor = np.where(alone < 5, temperature, divisor)
    return {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "filter_temperature": divisor,
    }


def bounds(x, **filters):
    """What must be kept of each row, and what may be."""
    return tuple(reference.kept(x, slack=slack, **filters) for slack in (-SLACK, SLACK))


def assert_kept(found, x, least, most):
    """Bools of what was kept of rows x: the one set and what lies between it and the other, as a prefix of the row."""
    must, may = least & ~found, found & ~most
    for wrong, what in (must, "was lost"), (may, "was kept"):
        if wrong.any():
            *row, column = np.argwhere(wrong)[0]
            count = f"{np.count_nonzero(found[tuple(row)])} kept of {least[tuple(row)].sum()}..{most[tuple(row)].sum()}"
            raise AssertionError(f"row {row}: category {column} {what}; {count}")
    order = np.argsort(-x.astype(np.float64), axis=-1, kind="stable")
    ordered = np.take_along_axis(found, order, axis=-1)
    assert np.all(ordered[..., :-1] >= ordered[..., 1:]), "what is kept is no prefix of the order"


def assert_truncated(result, x, least, most):
    """What `truncate` made of rows x: logits as they were, or -inf."""
    x = np.asarray(x)
    assert type(result) is np.ndarray
    assert result.dtype == compute_dtype(x.dtype)
    assert result.shape == x.shape
    assert_kept(result > -np.inf, x, least, most)
    np.testing.assert_array_equal(result, np.where(result > -np.inf, x.astype(result.dtype), -np.inf))


def of_row(filters, row):
    """The parameters of one row of a batch, as scalars."""
    return {name: value[row].item() for name, value in filters.items()}


# The law of a draw.


def law(row, temperature=1.0, **filters):
    """The probabilities of a filtered row, and which categories have one; its boundary must be settled."""
    least, most = bounds(row, temperature=temperature, **filters)
    assert np.array_equal(least, most), "the boundary is within the excuse: choose another row or top_p"
    z = np.where(least, np.asarray(row, np.float64), -np.inf)
    weights = np.exp((z - z.max()) / temperature)
    return weights / weights.sum(), least
