"""What other code in the process does to a call: logits that another thread changes, floating-point modes left set.

Such logits may give any answer that lies inside the row, or a ValueError; never a crash, an end that does not come, or
an index beyond the row. Under AddressSanitizer this file also shows what is read and written out of bounds.
"""

import contextlib
import ctypes
import platform
import sys
import threading
import time

import numpy as np
import pytest

import gumbel_fast
from rows import ALL_DTYPES

SECONDS = 0.1  # for each sampler and kind of row

# Fillings that a row turns from and into: maxima that vanish, weights that grow, nothing left, and what is no number.
FILLINGS = {
    "a lower level": (0.0, -200.0),
    "a higher level": (0.0, 5.0),
    "nothing": (0.0, -np.inf),
    "no number": (0.0, np.nan),
    "too much": (-50.0, np.inf),
}

SAMPLERS = {
    "categorical": lambda x, t: gumbel_fast.categorical(x, temperature=t, rng=1),
    "repeated by alias": lambda x, t: gumbel_fast.categorical(x[:2], temperature=t, rng=1, num_samples=x.shape[1]),
    "repeated by rejection": lambda x, t: gumbel_fast.categorical(x, temperature=t, rng=1, num_samples=2),
    "distinct by rejection": lambda x, t: gumbel_fast.categorical(
        x, temperature=t, rng=1, num_samples=3, replace=False
    ),
    "distinct by top-k": lambda x, t: gumbel_fast.categorical(
        x, temperature=t, rng=1, num_samples=x.shape[1] // 2, replace=False
    ),
    "gumbel_max": lambda x, t: gumbel_fast.gumbel_max(x, temperature=t, rng=1),
    "gumbel_max, shared": lambda x, t: gumbel_fast.gumbel_max(x, temperature=t, rng=1, workers=2),
    "gumbel_top_k": lambda x, t: gumbel_fast.gumbel_top_k(x, 3, temperature=t, rng=1),
}


@contextlib.contextmanager
def changing(x, before, after, dtype):
    """A thread that fills every other part of x with the one and the other, all the while."""
    over = False
    parts = [np.full(x.shape, before, dtype), np.full(x.shape, after, dtype)]
    mixed = parts[0].copy()
    mixed[:, x.shape[1] // 3 :] = after
    parts.append(mixed)

    def change():
        while not over:
            for part in parts:
                np.copyto(x, part)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over = True
        thread.join()


@pytest.mark.parametrize("filling", FILLINGS)
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("rows, n", [(400, 90), (4, 6000), (1, 200_000)])
def test_logits_that_another_thread_changes(rows, n, sampler, filling, target):
    dtype = ALL_DTYPES[(rows + len(sampler)) % len(ALL_DTYPES)]
    x = np.zeros((rows, n), dtype)
    with changing(x, *FILLINGS[filling], dtype):
        for temperature in 1.0, 0.0, 0.01:
            end = time.monotonic() + SECONDS / 3
            while time.monotonic() < end:
                try:
                    index = SAMPLERS[sampler](x, temperature)
                except ValueError as error:
                    assert "row" in str(error)  # noqa: PT017 - either outcome is right
                else:
                    assert np.all((index >= 0) & (index < n))


# ----------------------------------------------------------------------------------------------- floating-point modes


class Environment(ctypes.Structure):
    """fenv_t of glibc on x86-64."""

    _fields_ = (("x87", ctypes.c_uint32 * 7), ("mxcsr", ctypes.c_uint32))


@contextlib.contextmanager
def mode(bits):
    """MXCSR with these bits set, in this thread."""
    libm = ctypes.CDLL("libm.so.6")
    found = Environment()
    libm.fegetenv(ctypes.byref(found))
    changed = Environment(found.x87, found.mxcsr | bits)
    libm.fesetenv(ctypes.byref(changed))
    try:
        yield
        left = Environment()
        libm.fegetenv(ctypes.byref(left))
        assert left.mxcsr & 0xFFC0 == changed.mxcsr & 0xFFC0, "the mode was not restored"
    finally:
        libm.fesetenv(ctypes.byref(found))


MODES = {"flush and denormals are zero": 0x8040, "up": 0x4000, "down": 0x2000, "towards zero": 0x6000}


@pytest.mark.thread_unsafe
@pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="MXCSR by glibc",
)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", MODES)
def test_bits_do_not_depend_on_the_mode_found(name, workers, target):
    """Every function that runs kernels, in modes that round most of a million softmax entries otherwise, or flush."""
    x = np.random.default_rng(1).normal(0, 30, (300, 4001)).astype(np.float32)
    points = np.random.default_rng(2).normal(0, 9, 400_000)
    y = gumbel_fast.softmax(x)
    small = x[:1, :6].astype(np.float64)
    calls = {
        "softmax": lambda: gumbel_fast.softmax(x, workers=workers),
        "log_softmax": lambda: gumbel_fast.log_softmax(x, workers=workers),
        "logsumexp": lambda: gumbel_fast.logsumexp(x, workers=workers),
        "softmax_vjp": lambda: gumbel_fast.softmax_vjp(y, x, workers=workers),
        "gumbel_softmax": lambda: gumbel_fast.gumbel_softmax(x, rng=1, workers=workers),
        "gumbel": lambda: gumbel_fast.gumbel(size=400_000, rng=1, workers=workers),
        "gumbel, float32": lambda: gumbel_fast.gumbel(size=400_000, rng=1, dtype=np.float32, workers=workers),
        "categorical": lambda: gumbel_fast.categorical(x, rng=1, workers=workers),
        "short rows": lambda: gumbel_fast.categorical(x[:, :6], rng=1, workers=workers),
        "one row": lambda: gumbel_fast.categorical(small, rng=np.random.default_rng(1)),
        "repeated": lambda: gumbel_fast.categorical(x[0], num_samples=90_000, rng=1, workers=workers),
        "distinct": lambda: gumbel_fast.categorical(x, num_samples=9, replace=False, rng=1, workers=workers),
        "gumbel_max": lambda: gumbel_fast.gumbel_max(x, rng=1, return_value=True, workers=workers)[1],
        "gumbel_top_k": lambda: gumbel_fast.gumbel_top_k(x, 9, rng=1, return_value=True, workers=workers)[1],
        "pdf": lambda: gumbel_fast.gumbel_r.pdf(points),
        "cdf of one": lambda: gumbel_fast.gumbel_r.cdf(0.3),
    }
    expected = {what: call() for what, call in calls.items()}
    with mode(MODES[name]):
        found = {what: call() for what, call in calls.items()}
    for what in calls:
        np.testing.assert_array_equal(found[what], expected[what], err_msg=what)
