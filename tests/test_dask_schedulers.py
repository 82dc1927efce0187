"""gumbel_fast.dask under Dask's schedulers: the same bits in threads, in processes and on a cluster, whoever dies.

The synchronous scheduler is what the other files use. A cluster of two workers is started once for all tests here, and
its workers are killed in the midst of what they do.
"""

import logging
import os
import signal
import time

import numpy as np
import pytest

import gumbel_fast
from dask_helpers import ANYWHERE, FUNCTIONS, da, dask, dask_workers, gd, rng_of
from ragged import assert_bits, bounds_of
from rows import some_rows

pytestmark = pytest.mark.thread_unsafe

N, K = 1_600_000, 60_000  # of one long row: so many that chunks give shares


def work():
    """By name, a lazy result, or a pair, and what one machine gives: one of each kind."""
    x = some_rows((40, 90))
    mask = np.random.default_rng(1).random(x.shape) < 0.7
    mask[:, :45] = True
    ragged, indptr = some_rows(2000), bounds_of([700, 0, 300, 1, 999])
    rows, cut = da.from_array(x, chunks=(7, 90)), da.from_array(x, chunks=(11, 40))
    lazy_mask = da.from_array(mask, chunks=(13, 50))
    for name, call in FUNCTIONS.items():
        lazy = cut if name in ANYWHERE else rows
        yield name, call(gd, lazy, mask=lazy_mask, **rng_of(name)), call(gumbel_fast, x, mask=mask, **rng_of(name))
    noise = gd.gumbel(size=(60, 70), chunks=(7, 30), rng=7)
    yield "gumbel", noise, gumbel_fast.gumbel(size=(60, 70), rng=7)
    streams = gumbel_fast.RowStreams(np.arange(40), 5)
    yield "streams", gd.gumbel_max(cut, rng=streams), gumbel_fast.gumbel_max(x, rng=streams)
    found = gd.categorical(da.from_array(ragged, chunks=150), indptr=indptr, allow_fewer=True, rng=7)
    yield "ragged rows", found, gumbel_fast.categorical(ragged, indptr=indptr, allow_fewer=True, rng=7)
    for order in "none", "rising":
        row = dask_workers.pieces(40, (N // 40,))
        row = row + da.linspace(0, 9000, N, chunks=N // 40) if order == "rising" else row
        whole = row.compute(scheduler="synchronous")
        found = gd.gumbel_top_k(row, K, rng=7, return_value=True)
        yield f"long row, {order}", found, gumbel_fast.gumbel_top_k(whole, K, rng=7, return_value=True)


def bad_rows():
    """A result whose row 23 is refused, from rows in chunks, and one of cut rows."""
    x = some_rows((40, 90), masked=0)
    x[23, 70] = np.nan
    for chunks in (7, 90), (11, 40):
        yield gd.gumbel_top_k(da.from_array(x, chunks=chunks), 40, rng=7)


def assert_all(computed, expected, names):
    for name, found, wanted in zip(names, computed, expected, strict=True):
        assert_bits(found, wanted, name)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_threads_and_processes(scheduler):
    names, lazy, expected = zip(*work(), strict=True)
    options = {"scheduler": scheduler, "num_workers": 2 if scheduler == "processes" else 5}
    assert_all(dask.compute(*lazy, **options), expected, names)
    for result in bad_rows():
        with pytest.raises(ValueError, match=r"\brow 23\b") as caught:
            result.compute(**options)
        assert caught.value.row == 23


# -------------------------------------------------------------------------------------------------------------- cluster


@pytest.fixture(scope="module")
def client():
    """A client of two worker processes of one thread each."""
    distributed = pytest.importorskip("distributed", reason="Dask's distributed is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with (
        distributed.LocalCluster(processes=True, **options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def gathered(client, results):
    """What lazy results are, arrays or pairs, computed on the cluster together."""
    return client.gather(client.compute(list(results)))


def kill_a_worker(client):
    """Kill one of the two that holds something, and wait for none: its nanny starts another meanwhile."""
    pids = client.run(os.getpid)
    held = {address: keys for address, keys in client.has_what().items() if keys and address in pids}
    assert held, "no worker holds anything"
    victim = max(held, key=lambda address: len(held[address]))
    os.kill(pids[victim], getattr(signal, "SIGKILL", signal.SIGTERM))
    return len(held[victim])


def test_a_cluster(client):
    names, lazy, expected = zip(*work(), strict=True)
    flat = [part for result in lazy for part in (result if isinstance(result, tuple) else (result,))]
    wanted = [part for result in expected for part in (result if isinstance(result, tuple) else (result,))]
    assert_all(gathered(client, flat), wanted, [str(names)] * len(wanted))
    for result in bad_rows():
        with pytest.raises(ValueError, match=r"\brow 23\b") as caught:
            client.compute(result).result()
        assert caught.value.row == 23


def test_arrays_that_lie_on_the_cluster(client):
    """Persisted: blocks are read where they lie, for one long row too, and none is made anew."""
    x = dask_workers.pieces(40, (N // 40,))
    rows = client.persist(dask_workers.pieces(6, (5, 90)))
    whole_rows = client.compute(rows).result()
    for row in x, x + da.linspace(0, 9000, N, chunks=N // 40):
        held = client.persist(row)
        expected = gumbel_fast.gumbel_top_k(client.compute(held).result(), K, rng=7, return_value=True)
        assert_bits(tuple(gathered(client, gd.gumbel_top_k(held, K, rng=7, return_value=True))), expected)
    results = [gd.categorical(rows, rng=7), gd.softmax(rows), gd.gumbel_max(rows.rechunk((4, 40)), rng=7)]
    expected = [f(whole_rows, **o) for f, o in (
        (gumbel_fast.categorical, {"rng": 7}), (gumbel_fast.softmax, {}), (gumbel_fast.gumbel_max, {"rng": 7})
    )]  # fmt: skip
    assert_all(gathered(client, results), expected, ["categorical", "softmax", "gumbel_max"])


def test_a_worker_that_is_killed_while_it_holds_results(client):
    """What it held is computed again, and has the bits that it had."""
    distributed = pytest.importorskip("distributed")
    client.wait_for_workers(2)
    rows, long = dask_workers.pieces(12, (5, 90)), dask_workers.pieces(40, (N // 40,))
    lazy = [
        gd.categorical(rows, num_samples=3, rng=7),
        gd.gumbel_softmax(rows, rng=7),
        gd.gumbel_max(rows.rechunk((7, 40)), rng=7),
        *gd.gumbel_top_k(long, K, rng=7, return_value=True),
    ]
    a, b = rows.compute(scheduler="synchronous"), long.compute(scheduler="synchronous")
    expected = [
        gumbel_fast.categorical(a, num_samples=3, rng=7),
        gumbel_fast.gumbel_softmax(a, rng=7),
        gumbel_fast.gumbel_max(a, rng=7),
        *gumbel_fast.gumbel_top_k(b, K, rng=7, return_value=True),
    ]
    names = ["categorical", "gumbel_softmax", "gumbel_max", "index", "value"]
    held = client.persist(lazy)
    with client.as_current():
        distributed.wait(held)
    assert kill_a_worker(client) > 1
    assert_all(gathered(client, held), expected, names)
    client.wait_for_workers(2)


def test_chunks_that_are_made_of_what_lies_on_the_cluster(client):
    """They cannot be computed again by a task, which has no way to what lies elsewhere."""
    whole = np.sort(dask_workers.pieces(40, (N // 40,)).compute(scheduler="synchronous"))
    with client.as_current():
        model = client.scatter(whole)
        size = N // 40
        blocks = [
            da.from_delayed(dask.delayed(dask_workers.part)(model, i * size, size), (size,), whole.dtype)
            for i in range(40)
        ]
        found = gd.gumbel_top_k(da.concatenate(blocks), K, rng=7)
        np.testing.assert_array_equal(client.compute(found).result(), gumbel_fast.gumbel_top_k(whole, K, rng=7))


def test_a_worker_that_is_killed_at_work(client):
    """While chunks are made, some of which it has made already."""
    client.wait_for_workers(2)
    long = dask_workers.pieces(40, (N // 40,), seconds=0.05)
    whole = dask_workers.pieces(40, (N // 40,)).compute(scheduler="synchronous")
    for k in 1000, K:  # by a tree, and by shares
        future = client.compute(gd.gumbel_top_k(long, k, rng=k))
        deadline = time.monotonic() + 30
        while min(map(len, client.has_what().values())) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        kill_a_worker(client)
        np.testing.assert_array_equal(future.result(), gumbel_fast.gumbel_top_k(whole, k, rng=k))
        client.wait_for_workers(2)
