"""What tests of gumbel_fast.dask share: chunkings, sources that count or refuse reads, and the comparison of bits.

A module that imports this one is skipped, with a word, where Dask is not installed. What runs in other processes stands
in dask_workers.py. The model is the contract: every result has the bits of the one-machine function on the whole array.
"""

import itertools

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="Dask is not installed")
import dask  # noqa: E402  # only where it is

import dask_workers  # noqa: E402, F401  # from here, as dask is, so that who wants them is skipped as well
import gumbel_fast  # noqa: E402
import gumbel_fast.dask as gd  # noqa: E402
from ragged import assert_bits  # noqa: E402

CHAIN = {"top_k": 20, "top_p": 0.99, "min_p": 1e-4, "filter_temperature": 3.0}

# Each takes one of the two modules, logits, and the options of a call. Of these the category axis may be cut.
ANYWHERE = {
    "gumbel_max": lambda m, x, **o: m.gumbel_max(x, **o),
    "gumbel_max with values": lambda m, x, **o: m.gumbel_max(x, return_value=True, **o),
    "gumbel_top_k of 1": lambda m, x, **o: m.gumbel_top_k(x, 1, return_value=True, **o),
    "gumbel_top_k of 5": lambda m, x, **o: m.gumbel_top_k(x, 5, **o),
    "gumbel_top_k of 40 with values": lambda m, x, **o: m.gumbel_top_k(x, 40, return_value=True, **o),
    "many distinct draws": lambda m, x, **o: m.categorical(x, num_samples=40, replace=False, **o),
}
OF_WEIGHTS = {
    "categorical": lambda m, w, **o: m.categorical(weights=w, **o),
    "categorical, chain": lambda m, w, **o: m.categorical(weights=w, **CHAIN, **o),
    "many draws": lambda m, w, **o: m.categorical(weights=w, num_samples=400, return_log_prob=True, **o),
    "few distinct draws": lambda m, w, **o: m.categorical(weights=w, num_samples=3, replace=False, **o),
    "many distinct draws": lambda m, w, **o: m.categorical(weights=w, num_samples=40, replace=False, **o),
    "gumbel_top_k of 5": lambda m, w, **o: m.gumbel_top_k(weights=w, k=5, return_value=True, **o),
}
OF_WEIGHTS_ANYWHERE = ["many distinct draws", "gumbel_top_k of 5"]
# And these want each row whole.
WHOLE = {
    "categorical": lambda m, x, **o: m.categorical(x, **o),
    "categorical, chain": lambda m, x, **o: m.categorical(x, **CHAIN, **o),
    "categorical, top_p": lambda m, x, **o: m.categorical(x, top_p=0.9, **o),
    "categorical with log_prob": lambda m, x, **o: m.categorical(x, return_log_prob=True, **o),
    "one of one": lambda m, x, **o: m.categorical(x, num_samples=1, return_log_prob=True, **o),
    "few draws": lambda m, x, **o: m.categorical(x, num_samples=3, **o),
    "many draws": lambda m, x, **o: m.categorical(x, num_samples=400, **o),
    "one distinct draw": lambda m, x, **o: m.categorical(x, num_samples=1, replace=False, **o),
    "few distinct draws": lambda m, x, **o: m.categorical(x, num_samples=3, replace=False, **o),
    "distinct draws, chain": lambda m, x, **o: m.categorical(x, num_samples=3, replace=False, **CHAIN, **o),
}
SAMPLERS = {**ANYWHERE, **WHOLE}
RELAXATIONS = {
    "gumbel_softmax": lambda m, x, **o: m.gumbel_softmax(x, **o),
    "gumbel_softmax, hard": lambda m, x, **o: m.gumbel_softmax(x, hard=True, **o),
    "gumbel_softmax, log": lambda m, x, **o: m.gumbel_softmax(x, log=True, **o),
}
NORMALISERS = {
    "softmax": lambda m, x, **o: m.softmax(x, **o),
    "log_softmax": lambda m, x, **o: m.log_softmax(x, **o),
    "logsumexp": lambda m, x, **o: m.logsumexp(x, **o),
    "entropy": lambda m, x, **o: m.entropy(x, **o),
    "entropy, chain": lambda m, x, **o: m.entropy(x, **CHAIN, **o),
}
FUNCTIONS = {**SAMPLERS, **RELAXATIONS, **NORMALISERS}


def rng_of(name, seed=7):
    """A seed, for what draws."""
    return {} if name in NORMALISERS else {"rng": seed}


def irregular(n, seed=1):
    """Chunks of unequal lengths, of one element among them."""
    if n < 4:
        return (1,) * n or (0,)
    cuts = sorted({1, n - 1, *np.random.default_rng(seed).integers(1, n, 2).tolist()})
    return tuple(b - a for a, b in itertools.pairwise([0, *cuts, n]))


def chunkings(shape, axis=-1, *, cut=False, single=True):
    """By name, ways to cut an array; along the category axis only if `cut`, into single columns only if `single`."""
    axis %= len(shape)
    whole = tuple((n,) for n in shape)
    free = [a for a in range(len(shape)) if cut or a != axis]

    def along(axes, how):
        return tuple(how(n) if a in axes else (n,) for a, n in enumerate(shape))

    batch = [a for a in free if a != axis]
    ways = {
        "one chunk": whole,
        "single rows": along(batch, lambda n: (1,) * n or (0,)),
        "irregular": along(free, irregular),
        "empty chunks": along(free, lambda n: (0, n // 2, 0, 0, n - n // 2, 0)),
    }
    if cut and single:
        ways["single columns"] = along([axis], lambda n: (1,) * n or (0,))
    if len(shape) > 2 or cut:
        for a in free:
            ways[f"axis {a} cut"] = along([a], lambda n: (n // 3, n - n // 3))
    return ways


def result_parts(result):
    return result if isinstance(result, tuple) else (result,)


def assert_same(found, expected, what=""):
    """A lazy result has the bits of the other, and chunks, dtype, shape and meta are as they were said to be."""
    parts = result_parts(found)
    assert isinstance(found, tuple) == isinstance(expected, tuple), what
    assert all(type(part) is da.Array for part in parts), what
    for part, held, wanted in zip(
        parts, dask.persist(*parts, scheduler="synchronous"), result_parts(expected), strict=True
    ):
        assert part.shape == np.shape(wanted), what
        assert type(part._meta) is np.ndarray, what
        assert (part._meta.dtype, part._meta.ndim) == (part.dtype, part.ndim), what
        blocks = {key: getattr(block, "value", block) for key, block in held.dask.items()}
        for place in np.ndindex(*part.numblocks):
            block = blocks[(part.name, *place)]
            assert block.shape == tuple(n[i] for n, i in zip(part.chunks, place, strict=True)), what
            assert block.dtype == part.dtype, what
            if part.ndim:
                assert type(block) is np.ndarray, what
        assert_bits(held.compute(scheduler="synchronous"), wanted, what)


def assert_one_machines(call, x, chunks, what="", lazy=None, **options):
    """A call on an array so cut is the one-machine call on the whole; `lazy`: options that Dask gets otherwise."""
    expected = call(gumbel_fast, x, **options)
    found = call(gd, da.from_array(x, chunks=chunks), **(options | (lazy or {})))
    assert_same(found, expected, what)
    return found


class Source:
    """An array that counts what is read of it: the first and the last index of each axis, for each read."""

    def __init__(self, array):
        self.array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.reads = []

    def __getitem__(self, key):
        piece = self.array[key]
        if piece.size:  # Dask asks for nothing to see what it gets
            self.reads.append(tuple((k.start, k.stop) for k in key))
        return piece


class Untouchable(Source):
    """Whose elements nobody may ask for."""

    def __getitem__(self, key):
        raise AssertionError("a call has computed something")


_number = itertools.count()


def lazily(source, chunks):
    """A Dask array of a source, each chunk of which is read by itself."""
    return da.from_array(
        source, chunks=chunks, name=f"source-{next(_number)}", meta=np.empty((0,) * source.ndim, source.dtype)
    )


def untouchable(array, chunks):
    return lazily(Untouchable(np.asarray(array)), chunks)
