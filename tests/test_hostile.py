"""What the process does to a call: arrays that another thread changes or that end where memory does, modes left set.

Logits and masks that change may give any answer that lies inside the row, or a ValueError; never a crash, an end that
does not come, or an index beyond the row. Under AddressSanitizer this file also shows what is read and written out of
bounds.
"""

import contextlib
import ctypes
import mmap
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
def repeating(change):
    """A thread that calls `change` again and again, all the while."""
    over = False

    def repeat():
        while not over:
            change()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over = True
        thread.join()


def changing(x, before, after, dtype):
    """A thread that fills every other part of x with the one and the other, all the while."""
    parts = [np.full(x.shape, before, dtype), np.full(x.shape, after, dtype)]
    mixed = parts[0].copy()
    mixed[:, x.shape[1] // 3 :] = after
    parts.append(mixed)

    def change():
        for part in parts:
            np.copyto(x, part)

    return repeating(change)


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


CHAIN = {"top_k": 40, "top_p": 0.95, "min_p": 1e-3}
CHOSEN = {
    "top_k": lambda x, **o: gumbel_fast.categorical(x, rng=1, top_k=7, **o),
    "top_p": lambda x, **o: gumbel_fast.categorical(x, rng=1, top_p=0.9, **o),
    "min_p": lambda x, **o: gumbel_fast.categorical(x, rng=1, min_p=0.1, **o),
    "chain": lambda x, **o: gumbel_fast.categorical(x, rng=1, **CHAIN, **o),
    "chain, few draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=2, **CHAIN, **o),
    "chain, many draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=300, **CHAIN, **o),
    "chain, distinct draws": lambda x, **o: gumbel_fast.categorical(
        x, rng=1, num_samples=3, replace=False, **CHAIN, **o
    ),
    "top_p, with log-probs": lambda x, **o: gumbel_fast.categorical(x, rng=1, top_p=0.9, return_log_prob=True, **o)[0],
    "mask": lambda x, **o: gumbel_fast.categorical(x, rng=1, **o),
    "mask, few draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=2, **o),
    "mask, many draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=300, **o),
    "mask, distinct draws": lambda x, **o: gumbel_fast.categorical(x, rng=1, num_samples=3, replace=False, **o),
    "mask of gumbel_max": lambda x, **o: gumbel_fast.gumbel_max(x, rng=1, **o),
    "mask of gumbel_top_k": lambda x, **o: gumbel_fast.gumbel_top_k(x, 3, rng=1, **o),
}


def assert_inside_or_refused(sampler, x, least, **options):
    try:
        index = sampler(x, **options)
    except ValueError as error:
        assert "row" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert np.all((index >= least) & (index < x.shape[1]))


@pytest.mark.parametrize("filling", FILLINGS)
@pytest.mark.parametrize("name", [name for name in CHOSEN if not name.startswith("mask")])
@pytest.mark.parametrize("rows, n", [(100, 90), (4, 6000)])
def test_filtered_logits_that_another_thread_changes(rows, n, name, filling, target):
    dtype = ALL_DTYPES[(rows + len(name)) % len(ALL_DTYPES)]
    x = np.zeros((rows, n), dtype)
    with changing(x, *FILLINGS[filling], dtype):
        for temperature in 1.0, 0.0, 0.01:
            end = time.monotonic() + SECONDS / 3
            while time.monotonic() < end:
                assert_inside_or_refused(CHOSEN[name], x, 0, temperature=temperature)
                assert_inside_or_refused(CHOSEN[name], x, -1, temperature=temperature, allow_fewer=True)
                gumbel_fast.truncate(x, **CHAIN)
                gumbel_fast.entropy(x, **CHAIN)


@pytest.mark.parametrize("kind", ["bool", "uint32"])
@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("rows, n", [(100, 90), (4, 6000)])
def test_masks_that_another_thread_changes(rows, n, name, kind, target):
    """From all to nothing, and to a part of each row."""
    dtype = ALL_DTYPES[(rows + len(name)) % len(ALL_DTYPES)]
    x = np.random.default_rng(1).normal(size=(rows, n)).astype(dtype)
    mask = np.zeros((rows, n if kind == "bool" else (n + 31) // 32), kind)
    with changing(mask, np.iinfo(np.uint32).max if kind == "uint32" else True, 0, kind):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert_inside_or_refused(CHOSEN[name], x, 0, mask=mask)
            assert_inside_or_refused(CHOSEN[name], x, -1, mask=mask, allow_fewer=True)
            gumbel_fast.truncate(x, mask=mask, **CHAIN)
            gumbel_fast.log_prob(x, np.full(rows, n - 1), mask=mask, top_p=0.9)
            gumbel_fast.softmax(x, mask=mask)


# ------------------------------------------------------------------------------------------------- where memory ends


@contextlib.contextmanager
def between_pages(x):
    """A copy of x that ends, and one that begins, at a page that may not be read."""
    page, size = mmap.PAGESIZE, -(-max(x.nbytes, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    protect = libc.mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for place in start, start + page + size:
        assert protect(place, page, mmap.PROT_READ & 0) == 0
    copies = []
    for place in page + size - x.nbytes, page:
        copies.append(np.ndarray(x.shape, x.dtype, memory, place))
    try:
        copies[1][...] = x
        copies[0][...] = x  # the two may overlap: one is used at a time
        yield copies
    finally:
        for place in start, start + page + size:
            assert protect(place, page, mmap.PROT_READ | mmap.PROT_WRITE) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="pages that may not be read are made by mprotect")
@pytest.mark.parametrize("n", [1, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128, 129, 1000, 1025, 4097])
def test_nothing_is_read_beyond_logits_and_masks(n, target):
    """By any function, of arrays that lie against a page that may not be read; a read of one byte more is a crash."""
    rng = np.random.default_rng(n)
    bits = rng.random((3, n)) < 0.7
    bits[:, -1] = bits[:, 0] = True
    packed = np.zeros((3, (n + 31) // 32), np.uint32)
    for c in range(n):
        packed[:, c // 32] |= bits[:, c].astype(np.uint32) << np.uint32(c % 32)
    shortened = packed[:, : max(n // 64, 1)].copy()
    for mask in bits, packed, shortened, bits[1], packed[1]:
        for dtype in ALL_DTYPES:
            x = rng.normal(size=(3, n)).astype(dtype)
            with between_pages(x) as logits, between_pages(mask) as masks:
                for i in range(2):
                    logits[i][...], masks[i][...] = x, mask
                    options = {"mask": masks[i], "allow_fewer": True}
                    for sampler in CHOSEN.values():
                        expected = sampler(x, mask=mask, allow_fewer=True)
                        np.testing.assert_array_equal(sampler(logits[i], **options), expected)
                    for function in gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp:
                        np.testing.assert_array_equal(function(logits[i], mask=masks[i]), function(x, mask=mask))
                    for filters in CHAIN, {"top_k": 3}, {"top_p": 0.5}, {"min_p": 0.5}:
                        np.testing.assert_array_equal(
                            gumbel_fast.truncate(logits[i], mask=masks[i], **filters),
                            gumbel_fast.truncate(x, mask=mask, **filters),
                        )
                        gumbel_fast.entropy(logits[i], mask=masks[i], **filters)
                        gumbel_fast.log_prob(logits[i], np.full((3, 1), n - 1), mask=masks[i], **filters)
                    gumbel_fast.gumbel_softmax(logits[i], mask=masks[i], rng=1)


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
