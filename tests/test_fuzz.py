"""No arguments crash, hang or leak: calls of every kind by fuzz.py, and the same failing calls over and over.

`python tests/fuzz.py` makes a million calls; `pytest -m exhaustive tests/test_fuzz.py` a million failing ones.
"""

import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuzz
import gumbel_fast


@given(st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_any_arguments(random):
    """Found by hypothesis, which has its say in every choice and looks for a smaller call where one fails."""
    fuzz.call(random)


def test_many_arguments():
    """By plain random numbers, 20 times as fast: of 8,000 calls, at least a third are right and a third wrong."""
    results = sum(fuzz.call(fuzz.random.Random(f"test {number}")) for number in range(8000))
    assert 8000 / 3 < results < 16_000 / 3


X = np.zeros((3, 5), np.float32)
NAN = np.full((3, 200), np.nan)
FEW = np.array([[0.0, -np.inf, -np.inf]])
READ_ONLY = np.zeros((3, 5), np.float32)
READ_ONLY.flags.writeable = False
GENERATOR = np.random.default_rng(1)
FAILING = {
    "categorical, bad row": lambda: gumbel_fast.categorical(NAN, rng=1),
    "categorical, bad short row": lambda: gumbel_fast.categorical(NAN[:, :9], rng=GENERATOR),
    "categorical, bad row many times": lambda: gumbel_fast.categorical(NAN, num_samples=300, rng=1),
    "categorical, one bad row many times": lambda: gumbel_fast.categorical(NAN[0], num_samples=300, rng=1),
    "categorical, bad row for an out": lambda: gumbel_fast.categorical(
        NAN, num_samples=2, rng=1, out=np.zeros((3, 2), np.int64)
    ),
    "categorical, too few": lambda: gumbel_fast.categorical(FEW, num_samples=2, replace=False, rng=1),
    "categorical, a dtype": lambda: gumbel_fast.categorical([1j], rng=1),
    "categorical, an axis": lambda: gumbel_fast.categorical(X, axis=7, rng=1),
    "categorical, an rng": lambda: gumbel_fast.categorical(X, rng="7"),
    "categorical, workers": lambda: gumbel_fast.categorical(X, rng=1, workers=0),
    "categorical, no categories": lambda: gumbel_fast.categorical(X[:, :0], rng=1),
    "categorical, a mask's shape": lambda: gumbel_fast.categorical(X, mask=np.ones((4, 5), bool), rng=1),
    "categorical, a mask of nothing": lambda: gumbel_fast.categorical(
        X, mask=np.zeros((3, 1), np.uint32), rng=GENERATOR
    ),
    "categorical, top_p": lambda: gumbel_fast.categorical(X, top_p=[0.5, np.nan, 1], rng=1),
    "categorical, min_p by the fast path": lambda: gumbel_fast.categorical(X, min_p=2, rng=GENERATOR),
    "categorical, bad row filtered": lambda: gumbel_fast.categorical(NAN, top_k=3, return_log_prob=True, rng=1),
    "categorical, row streams": lambda: gumbel_fast.categorical(X, rng=gumbel_fast.RowStreams([1, 2])),
    "row streams, seeds": lambda: gumbel_fast.RowStreams([1, 2.5]),
    "truncate, top_k": lambda: gumbel_fast.truncate(X, top_k=-1),
    "log_prob, an index": lambda: gumbel_fast.log_prob(X, [0, 5, 1]),
    "entropy, a mask": lambda: gumbel_fast.entropy(X, mask=X),
    "gumbel_max, bad row": lambda: gumbel_fast.gumbel_max(NAN, rng=1, return_value=True),
    "gumbel_max, bad row by the fast path": lambda: gumbel_fast.gumbel_max(NAN, rng=GENERATOR),
    "gumbel_max, temperatures": lambda: gumbel_fast.gumbel_max(X, temperature=[1, -1, 1], rng=1),
    "gumbel_max, noise": lambda: gumbel_fast.gumbel_max(X, noise=np.zeros(4)),
    "gumbel_top_k, bad row": lambda: gumbel_fast.gumbel_top_k(NAN, 3, rng=1),
    "gumbel_top_k, k": lambda: gumbel_fast.gumbel_top_k(X, 6, rng=1),
    "gumbel_softmax, temperature": lambda: gumbel_fast.gumbel_softmax(X, temperature=0, rng=1),
    "gumbel_softmax, offset": lambda: gumbel_fast.gumbel_softmax(X, offset=(0, 2**34), rng=1),
    "gumbel_softmax, forms": lambda: gumbel_fast.gumbel_softmax(X, hard=True, log=True, rng=1),
    "softmax, out": lambda: gumbel_fast.softmax(X, out=READ_ONLY),
    "log_softmax, overlap": lambda: gumbel_fast.log_softmax(READ_ONLY[:2], out=READ_ONLY[1:]),
    "logsumexp, temperature": lambda: gumbel_fast.logsumexp(X, temperature=np.ones(7)),
    "softmax_vjp, shapes": lambda: gumbel_fast.softmax_vjp(X, X[:2]),
    "gumbel, scale": lambda: gumbel_fast.gumbel(0, -1, 3, rng=1),
    "gumbel, dtype": lambda: gumbel_fast.gumbel(size=3, dtype=int, rng=1),
    "gumbel_r, scale": lambda: gumbel_fast.gumbel_r.pdf([1.0], scale=-1),
    "gumbel_r, fit": lambda: gumbel_fast.gumbel_r.fit([np.nan]),
}


def fail(times):
    """Each call so many times, and each time it fails."""
    for call in FAILING.values():
        for _ in range(times):
            try:
                call()
            except (ValueError, TypeError):
                continue
            raise AssertionError("a call that should fail did not")


@pytest.mark.limits
@pytest.mark.skipif(not fuzz.resident(), reason="reads the memory in use as Linux gives it")
@pytest.mark.parametrize("times", [20_000, pytest.param(10**6, marks=pytest.mark.exhaustive)])
def test_failing_calls_leak_nothing(times):
    """So many in all, after a tenth of them, in the same memory, and no argument gains a reference.

    A leak of 300 bytes in each of one kind's calls would be seen, in the long run one of 100.
    """
    each = times // len(FAILING) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fail(each // 10)
        held = [X, NAN, FEW, READ_ONLY, GENERATOR]
        references, memory = [sys.getrefcount(one) for one in held], fuzz.resident()
        fail(each)
        grown = fuzz.resident() - memory
    assert [sys.getrefcount(one) for one in held] == references
    assert grown < max(200_000, 100 * each)
