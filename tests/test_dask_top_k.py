"""Many draws without replacement of one long row in chunks: the bits of one machine, and which chunks are read again.

Each chunk is read once for its share and a margin; those that may have more are read again. A source that counts shows
which. The selection itself is test_selection.py's subject.
"""

from collections import Counter
from math import ceil

import numpy as np
import pytest
from scipy import stats

import gumbel_fast
from dask_helpers import Source, assert_same, da, dask, gd, lazily
from gumbel_fast._selection import Selection
from ragged import assert_bits
from rows import some_rows

N, SIZE, K = 1_600_000, 40_000, 60_000


def normal(n=N, seed=1):
    return np.random.default_rng(seed).normal(0, 1, n).astype(np.float32)


def rising():
    return np.linspace(-3000, 3000, N)


def falling():
    return np.linspace(3000, -3000, N)


def flat():
    return np.zeros(N, np.float32)


def at_both_ends():
    x = normal()
    x[:K] += 100
    x[-K:] += 100
    return x


def in_one_chunk():
    x = normal()
    x[7 * SIZE : 8 * SIZE] += 100
    return x


def sparse():
    """Fewer than K in all."""
    x = np.full(N, -np.inf)
    x[np.random.default_rng(1).permutation(N)[: K - 1000]] = 0
    return x


def equal_ones():
    """Beside which the noise is nothing: the first K of the greater half are to be drawn."""
    x = np.full(N, 1e30)
    x[N // 2 :] = 2e30
    return x


ROWS = [normal, rising, falling, flat, at_both_ends, in_one_chunk, sparse, equal_ones]


def reads_of(source):
    """How often each chunk was read, by its number."""
    return Counter(read[-1][0] // SIZE for read in source.reads)


def drawn(x, k=K, *, chunks=SIZE, **options):
    """Index and value as computed, and how often each chunk was read."""
    source = Source(x)
    options = {"rng": 7, "return_value": True, **options}
    lazy = gd.gumbel_top_k(lazily(source, chunks), k, **options)
    assert not source.reads, "a call has read something"
    found = dask.compute(*lazy, scheduler="synchronous")
    assert_bits(found, gumbel_fast.gumbel_top_k(x, k, **options))
    return found, reads_of(source)


@pytest.mark.parametrize("row", ROWS)
def test_bits_of_one_machine(row):
    x = row()
    for k in 1, 1000, K, N // 4:
        found, reads = drawn(x, k, allow_fewer=True)
        assert set(reads) == set(range(N // SIZE))
        assert max(reads.values()) <= 2
        assert found[0].shape == (k,)


def test_usually_each_chunk_is_read_once():
    """How many of the K greatest a chunk has is hypergeometric, whatever the seed: that many are seldom what was asked.

    Right code reads one of all these chunks again less than once in a million times.
    """
    wanted = Selection(K, N).wanted(SIZE)
    assert wanted < SIZE / 20
    assert 3 * (N // SIZE) * stats.hypergeom.sf(wanted - 1, N, K, SIZE) < 1e-6
    for seed in range(3):
        for x in normal(seed=seed), flat():
            reads = drawn(x, rng=seed)[1]
            assert reads == dict.fromkeys(range(N // SIZE), 1)


@pytest.mark.parametrize("row", [rising, falling, in_one_chunk, at_both_ends])
def test_which_chunks_are_read_again(row):
    """Those that the draws are from, and perhaps one beside them; most of the row is read once."""
    x = row()
    (index, _), reads = drawn(x)
    assert sum(min(K, SIZE) for _ in reads) > 2**20, "too few candidates for shares"
    assert set(reads) == set(range(N // SIZE))
    again = {chunk for chunk, count in reads.items() if count > 1}
    held = Counter((index // SIZE).tolist())
    wanted = Selection(K, N).wanted(SIZE)
    assert again >= {chunk for chunk, count in held.items() if count > wanted}, "it has found what it has not read"
    beside = {chunk for chunk, count in held.items() if count >= wanted}
    assert len(again - beside) <= 1
    assert len(again) <= ceil(2 * K / SIZE) + 1


def test_index_and_value_are_found_together():
    """Both of one computation want no second search, nor does either alone."""
    x = rising()
    source = Source(x)
    index, value = gd.gumbel_top_k(lazily(source, SIZE), K, rng=7, return_value=True)
    dask.compute(index, value, scheduler="synchronous")
    both = reads_of(source)
    source.reads.clear()
    index.compute(scheduler="synchronous")
    assert reads_of(source) == both
    assert sum(both.values()) <= N // SIZE + ceil(K / SIZE) + 1


def test_irregular_and_empty_chunks():
    x = in_one_chunk()
    chunks = ((1, 0, 399_999, 80_000, 0, 120_000, 1_000_000),)
    for k in 1, K, N // 2, N:
        drawn(x, k, chunks=chunks)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8])
def test_dtypes(dtype):
    x = np.round(normal()).astype(dtype)
    drawn(x)


def test_masks_temperatures_floors_and_offsets():
    x = normal()
    mask = np.random.default_rng(1).random(N) < 0.5
    mask[: N // 4] = False
    words = np.packbits(mask, bitorder="little").view(np.uint32)
    for options in (
        {"mask": mask},
        {"mask": words},
        {"temperature": 0.0},
        {"temperature": 0.01},
        {"temperature": np.float64(30.0)},
        {"floor": 2.0, "allow_fewer": True},
        {"floor": np.inf, "allow_fewer": True},
        {"offset": (2**64 - 1, 2**34 - N)},
        {"rng": gumbel_fast.RowStreams(3, 5)},
        {"workers": 2},
    ):
        drawn(x, **options)
    expected = gumbel_fast.gumbel_top_k(x, K, rng=7, mask=mask, return_value=True)
    lazy = da.from_array(x, chunks=SIZE)
    for of, chunks in (mask, 70_001), (words, 999):
        assert_same(gd.gumbel_top_k(lazy, K, rng=7, mask=da.from_array(of, chunks=chunks), return_value=True), expected)


def test_infinite_values():
    """At a temperature so low that x/T is infinite for all, or for a part: logits tell them apart."""
    x = np.random.default_rng(1).permutation(N) - N / 2.0
    for temperature in 1e-310, 1e-304:
        for k in 1000, K, N // 2:
            drawn(x, k, temperature=temperature)
    drawn(np.round(x / 1000), temperature=1e-310)  # of equal logits the first


@pytest.mark.parametrize("row", [normal, rising, sparse])
def test_weights_and_categorical(row):
    x = row()
    w = np.exp(np.maximum(x - x.max(), -700))
    w[x == -np.inf] = 0
    lazy, lazy_weights = da.from_array(x, chunks=SIZE), da.from_array(w, chunks=SIZE)
    options = {"rng": 7, "allow_fewer": True}
    found = gd.gumbel_top_k(weights=lazy_weights, k=K, return_value=True, **options)
    assert_same(found, gumbel_fast.gumbel_top_k(weights=w, k=K, return_value=True, **options))
    options = {"num_samples": K, "replace": False, **options}
    assert_same(gd.categorical(lazy, **options), gumbel_fast.categorical(x, **options))
    assert_same(gd.categorical(weights=lazy_weights, **options), gumbel_fast.categorical(weights=w, **options))


def test_several_long_rows():
    x = some_rows((3, 60_000), masked=0)
    x[1] = np.linspace(-300, 300, 60_000)
    for k in 100, 6000, 50_000:
        expected = gumbel_fast.gumbel_top_k(x, k, rng=7, return_value=True)
        for chunks in (1, 6000), (2, 10_000), (3, 30_000):
            assert_same(gd.gumbel_top_k(da.from_array(x, chunks=chunks), k, rng=7, return_value=True), expected)
    moved = gd.gumbel_top_k(da.from_array(x.T, chunks=(6000, 1)), 6000, axis=0, rng=7)
    assert_same(moved, gumbel_fast.gumbel_top_k(x, 6000, rng=7))


def test_chunks_that_are_computed_by_dask():
    """Read again means computed again: whatever the chunk was made of."""
    x = rising()
    source = Source(x)
    lazy = da.concatenate([lazily(source, SIZE)[: N // 2] * 2 - 1, (lazily(source, SIZE)[N // 2 :] * 2 - 1)])
    found = gd.gumbel_top_k(lazy, K, rng=7, return_value=True)
    expected = gumbel_fast.gumbel_top_k(x * 2 - 1, K, rng=7, return_value=True)
    assert_bits(dask.compute(*found, scheduler="synchronous"), expected)
    assert_bits(dask.compute(*found, scheduler="threads", num_workers=3), expected)
    stacked = da.random.default_rng(3).normal(size=N, chunks=SIZE)
    expected = gumbel_fast.gumbel_top_k(stacked.compute(), K, rng=7, return_value=True)
    assert_same(gd.gumbel_top_k(stacked, K, rng=7, return_value=True), expected)


def test_persisted_chunks_are_not_read_again():
    for row in normal, rising:
        x = row()
        source = Source(x)
        held = lazily(source, SIZE).persist(scheduler="synchronous")
        assert reads_of(source) == dict.fromkeys(range(N // SIZE), 1)
        found = gd.gumbel_top_k(held, K, rng=7, return_value=True)
        assert_same(found, gumbel_fast.gumbel_top_k(x, K, rng=7, return_value=True))
        assert reads_of(source) == dict.fromkeys(range(N // SIZE), 1)


def test_too_few_and_bad_elements():
    x = sparse()
    with pytest.raises(ValueError, match=r"\brow 0\b") as caught:
        gd.gumbel_top_k(da.from_array(x, chunks=SIZE), K, rng=7).compute(scheduler="synchronous")
    assert caught.value.row == 0
    for place in 0, 5 * SIZE - 1, N - 1:
        for bad in np.nan, np.inf:
            x = falling()
            x[place] = bad
            for allow_fewer in False, True:
                with pytest.raises(ValueError, match=r"\brow 0 has (NaN|.*inf)") as caught:
                    gd.gumbel_top_k(da.from_array(x, chunks=SIZE), K, rng=7, allow_fewer=allow_fewer).compute(
                        scheduler="synchronous"
                    )
                assert caught.value.row == 0


def test_merge_top_k_is_here_too():
    assert gd.merge_top_k is gumbel_fast.merge_top_k


def test_chunks_are_read_again_with_a_lazy_temperature_of_no_axes():
    x = in_one_chunk()
    temperature = da.from_array(np.array(2.0))
    source = Source(x)
    found = gd.gumbel_top_k(lazily(source, SIZE), K, temperature=temperature, rng=7)
    assert_same(found, gumbel_fast.gumbel_top_k(x, K, temperature=2.0, rng=7))
    assert max(reads_of(source).values()) > 1
