"""The interface for Cython code, as the example in examples/cimport uses it and as it answers every kind of argument.

Both are built here, against the library that is installed.
"""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import threading

import numpy as np
import pytest

import gumbel_fast
import pages
from gumbel_fast import _core
from gumbel_fast._rng import SeedPair
from rows import DTYPES, some_rows

EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "cimport"
LIBRARY = pathlib.Path(gumbel_fast.__file__).parent

QUICKLY = {} if os.name == "nt" else {"CFLAGS": f"{os.environ.get('CFLAGS', '')} -O0"}  # what is built runs briefly

SETUP = f"""
from Cython.Build import cythonize
from setuptools import setup

setup(ext_modules=cythonize("MODULE.pyx", include_path=[{str(LIBRARY.parent)!r}]))
"""

# Each function of __init__.pxd for float and for double, its scratch no larger than it says.
CALLS = """
# cython: language_level=3, freethreading_compatible=True
import numpy as np

cimport gumbel_fast
from gumbel_fast cimport BAD_ARGUMENT, BAD_ROW, Choice
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

BAD = BAD_ROW, BAD_ARGUMENT

ctypedef fused real:
    float
    double


def categorical(const real[::1] x, size_t n, double temperature, uint64_t key, uint64_t row, bint with_scratch=True):
    cdef int64_t index
    cdef size_t size, k
    cdef unsigned char *scratch
    cdef bint spoiled = False
    if real is float:
        size = gumbel_fast.categorical_scratch_f32(n)
    else:
        size = gumbel_fast.categorical_scratch_f64(n)
    scratch = <unsigned char *> malloc(size + 64)
    memset(scratch, 0xAB, size + 64)
    with nogil:
        if real is float:
            index = gumbel_fast.categorical_f32(&x[0], n, temperature, key, row, scratch if with_scratch else NULL)
        else:
            index = gumbel_fast.categorical_f64(&x[0], n, temperature, key, row, scratch if with_scratch else NULL)
    for k in range(64):
        spoiled = spoiled or scratch[size + k] != 0xAB
    free(scratch)
    assert not spoiled, "more scratch was written than is asked for"
    return index


def default_choice():
    cdef Choice choice
    memset(&choice, 0xAB, sizeof(Choice))
    gumbel_fast.choice_default(&choice)
    return {
        "temperature": choice.temperature, "filter_temperature": choice.filter_temperature, "top_k": choice.top_k,
        "top_p": choice.top_p, "min_p": choice.min_p,
    }, choice.mask is NULL and choice.mask_words is NULL


cdef Choice choice_of(dict options, const uint8_t[::1] mask, const uint32_t[::1] words) except *:
    cdef Choice choice
    gumbel_fast.choice_default(&choice)
    choice.temperature = options.get("temperature", 1)
    choice.filter_temperature = options.get("filter_temperature", choice.temperature)
    choice.top_k, choice.top_p = options.get("top_k", 0), options.get("top_p", 1)
    choice.min_p = options.get("min_p", 0)
    if mask is not None:
        choice.mask = &mask[0]
    if words is not None:
        choice.mask_words, choice.word_count = &words[0], words.shape[0] - 1  # one more: none has an address
    return choice


def choice_scratch_sizes(size_t n, dict options):
    cdef Choice choice = choice_of(options, None, None)
    return gumbel_fast.choice_scratch_f32(n, &choice), gumbel_fast.choice_scratch_f64(n, &choice)


def choose(const real[::1] x, size_t n, dict options, const uint8_t[::1] mask, const uint32_t[::1] words,
           uint64_t key, uint64_t row, size_t count=1, bint with_scratch=True, bint with_log_prob=True):
    # So many draws, one a row, without the GIL; whether no more scratch was written than there is; no NULL of x
    cdef Choice choice = choice_of(options, mask, words)
    cdef int64_t[::1] index = np.full(count, -7, np.int64)
    cdef real[::1] log_prob = np.full(count, 7, np.float32 if real is float else np.float64)
    cdef size_t size, k
    cdef unsigned char *scratch
    cdef bint spoiled = False
    if real is float:
        size = gumbel_fast.choice_scratch_f32(n, &choice) if 0 < n <= 1 << 30 else 0
    else:
        size = gumbel_fast.choice_scratch_f64(n, &choice) if 0 < n <= 1 << 30 else 0
    scratch = <unsigned char *> malloc(size + 64)
    memset(scratch, 0xAB, size + 64)
    with nogil:
        for k in range(count):
            if real is float:
                index[k] = gumbel_fast.choose_f32(&x[0], n, &choice, key, row + k,
                                                  &log_prob[k] if with_log_prob else NULL,
                                                  scratch if with_scratch else NULL)
            else:
                index[k] = gumbel_fast.choose_f64(&x[0], n, &choice, key, row + k,
                                                  &log_prob[k] if with_log_prob else NULL,
                                                  scratch if with_scratch else NULL)
    for k in range(64):
        spoiled = spoiled or scratch[size + k] != 0xAB
    free(scratch)
    assert not spoiled, "more scratch was written than is asked for"
    return np.asarray(index), np.asarray(log_prob)


def gumbel_max(const real[::1] x, size_t n, double temperature, uint64_t key, uint64_t row, uint64_t column,
               bint with_value=True):
    cdef int64_t index
    cdef double value = -7
    with nogil:
        if real is float:
            index = gumbel_fast.gumbel_max_f32(&x[0], n, temperature, key, row, column, &value if with_value else NULL)
        else:
            index = gumbel_fast.gumbel_max_f64(&x[0], n, temperature, key, row, column, &value if with_value else NULL)
    return index, value


def gumbel_top_k(const real[::1] x, size_t n, size_t k, double temperature, uint64_t key, uint64_t row, uint64_t column,
                 bint with_value=True, bint with_scratch=True):
    # Status, indices and values; those have one more, which stays as it is.
    cdef int status
    cdef int64_t[::1] index = np.full(k % 2**20 + 1, -7, np.int64)
    cdef double[::1] value = np.full(k % 2**20 + 1, -7.0)
    cdef size_t size, i
    cdef unsigned char *scratch
    cdef bint spoiled = False
    if real is float:
        size = gumbel_fast.gumbel_top_k_scratch_f32(n, k) if n <= 1 << 30 else 0
    else:
        size = gumbel_fast.gumbel_top_k_scratch_f64(n, k) if n <= 1 << 30 else 0
    scratch = <unsigned char *> malloc(size + 64)
    memset(scratch, 0xAB, size + 64)
    with nogil:
        if real is float:
            status = gumbel_fast.gumbel_top_k_f32(&x[0], n, k, temperature, key, row, column, &index[0],
                                                  &value[0] if with_value else NULL, scratch if with_scratch else NULL)
        else:
            status = gumbel_fast.gumbel_top_k_f64(&x[0], n, k, temperature, key, row, column, &index[0],
                                                  &value[0] if with_value else NULL, scratch if with_scratch else NULL)
    for i in range(64):
        spoiled = spoiled or scratch[size + i] != 0xAB
    free(scratch)
    assert not spoiled, "more scratch was written than is asked for"
    return status, np.asarray(index), np.asarray(value)


def top_k_scratch_sizes(size_t n, size_t k):
    return gumbel_fast.gumbel_top_k_scratch_f32(n, k), gumbel_fast.gumbel_top_k_scratch_f64(n, k)


def gumbel(real[::1] out, size_t n, uint64_t key, uint64_t row, uint64_t column):
    cdef int status
    with nogil:
        if real is float:
            status = gumbel_fast.gumbel_f32(&out[0], n, key, row, column)
        else:
            status = gumbel_fast.gumbel_f64(&out[0], n, key, row, column)
    return status


def scratch_sizes(size_t n):
    return gumbel_fast.categorical_scratch_f32(n), gumbel_fast.categorical_scratch_f64(n)
"""


def have_a_compiler():
    """The tools that the example's README asks for."""
    if any(importlib.util.find_spec(name) is None for name in ("Cython", "setuptools")):
        return False
    compiler = (sysconfig.get_config_var("CC") or "cl").split()[0]
    headers = pathlib.Path(sysconfig.get_path("include"), "Python.h")
    return headers.exists() and (os.name == "nt" or shutil.which(os.environ.get("CC", compiler)) is not None)


pytestmark = pytest.mark.skipif(not have_a_compiler(), reason="no Cython, setuptools, C compiler or Python headers")


def build(folder, name):
    """The module that the setup.py in a folder builds."""
    path = os.pathsep.join([str(LIBRARY.parent), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=folder, env={**os.environ, "PYTHONPATH": path, **QUICKLY}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (built,) = [file for file in folder.iterdir() if file.suffix in (".so", ".pyd")]
    specification = importlib.util.spec_from_file_location(name, built)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    if not EXAMPLE.is_dir():
        pytest.skip("the examples are not beside the tests")
    folder = tmp_path_factory.mktemp("example")
    for name in "chain.pyx", "setup.py":
        shutil.copy(EXAMPLE / name, folder)
    return build(folder, "chain")


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    (folder / "calls.pyx").write_text(textwrap.dedent(CALLS))
    (folder / "setup.py").write_text(SETUP.replace("MODULE", "calls"))
    return build(folder, "calls")


@pytest.fixture(scope="module")
def modules_of_the_page(tmp_path_factory):
    if not pages.DOCS.exists():
        pytest.skip("the documentation is not beside the tests")
    modules = []
    for number, block in enumerate(pages.sources("cython.rst", "cython")):
        name, folder = f"page_{number}", tmp_path_factory.mktemp("page")
        (folder / f"{name}.pyx").write_text(block)
        (folder / "setup.py").write_text(SETUP.replace("MODULE", name))
        modules.append(build(folder, name))
    return modules


# --------------------------------------------------------------------------------------------------------- the examples


def test_the_page_draws_what_it_says(modules_of_the_page):
    """Every block builds, and the one of a server gives the draws of the call in the text above it."""
    (draw_tokens,) = [module.draw_tokens for module in modules_of_the_page if hasattr(module, "draw_tokens")]
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (20, 3200)).astype(np.float32)
    mask = rng.integers(0, 2**32, (20, 100), dtype=np.uint32)
    words = rng.integers(0, 2**64, (20, 2), dtype=np.uint64)
    positions = rng.integers(0, 2**64, 20, dtype=np.uint64)
    token, log_prob = np.empty(20, np.int64), np.empty(20, np.float32)
    draw_tokens(logits, mask, words, positions, token, log_prob)
    expected = gumbel_fast.categorical(
        logits, mask=mask, rng=gumbel_fast.RowStreams(words, positions), temperature=0.8, top_k=40, top_p=0.95,
        min_p=0.05, filter_temperature=1.0, return_log_prob=True,
    )  # fmt: skip
    np.testing.assert_array_equal(token, expected[0])
    np.testing.assert_array_equal(log_prob, expected[1])


def test_the_chain_takes_the_draws_of_categorical(chain):
    for states in 3, 128, 129, 300:
        logits = some_rows((states, states))
        visited = chain.walk(logits, 50, seed=7, temperature=0.8)
        a, b = map(int, np.random.SeedSequence(7).generate_state(2, np.uint64))
        state = 0
        for t in range(50):
            state = gumbel_fast.categorical(logits[state], temperature=0.8, rng=SeedPair(a, (b + t) % 2**64))
            assert visited[t] == state


def test_the_chain_comes_to_its_equilibrium(chain):
    """Two states with odds of leaving of 1 to 3: 3/4 of 100,000 steps in the first, give or take 1.2% (6 sigma)."""
    stay = np.log([[0.9, 0.1], [0.3, 0.7]]).astype(np.float32)
    visited = chain.walk(stay, 100_000, seed=1)
    assert abs(np.mean(visited == 0) - 0.75) < 0.012


def test_the_chain_refuses(chain):
    logits = np.zeros((3, 3), np.float32)
    logits[1] = -np.inf
    with pytest.raises(ValueError, match="step"):
        chain.walk(logits, 1000, seed=1)
    with pytest.raises(ValueError, match="temperature"):
        chain.walk(np.zeros((3, 3), np.float32), 10, seed=1, temperature=-1)
    with pytest.raises(ValueError, match="square"):
        chain.walk(np.zeros((3, 4), np.float32), 10, seed=1)


def test_the_record_is_that_of_the_noise(chain):
    noise = gumbel_fast.gumbel(size=20_000, rng=5)
    for count in 1, 511, 512, 513, 20_000:
        assert chain.record(count, 5) == (noise[:count].argmax(), noise[:count].max())


# ------------------------------------------------------------------------------------------------------- every function


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 6, 16, 17, 64, 127, 128, 129, 1000, 40_000])
def test_samplers_are_those_of_python(n, dtype, calls, target):
    for seed in range(5):
        x = some_rows(n, dtype, seed=seed)
        a, b = map(int, np.random.SeedSequence(seed).generate_state(2, np.uint64))
        for temperature in 1.0, 0.3, 0.0:
            assert calls.categorical(x, n, temperature, a, b) == gumbel_fast.categorical(
                x, temperature=temperature, rng=seed
            )
            expected = gumbel_fast.gumbel_max(
                x, temperature=temperature, rng=seed, offset=(2, 2**34 - n), return_value=True
            )
            row = (b + 2) % 2**64
            assert calls.gumbel_max(x, n, temperature, a, row, 2**34 - n) == expected
            assert calls.gumbel_max(x, n, temperature, a, row, 2**34 - n, False) == (expected[0], -7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 6, 16, 17, 64, 65, 128, 1000, 40_000])
def test_top_k_is_that_of_python(n, dtype, calls, target):
    """Indices and values bit by bit, none beyond them, for k from none to all."""
    x = some_rows(n, dtype, masked=0)
    for seed, k in enumerate(sorted({0, 1, 2, n // 3, n - 1, n} - {3, n + 1})):
        k = min(k, n)
        a, b = map(int, np.random.SeedSequence(seed).generate_state(2, np.uint64))
        for temperature in 1.0, 0.3, 0.0:
            expected = gumbel_fast.gumbel_top_k(
                x, k, temperature=temperature, rng=seed, offset=(2, 2**34 - n), return_value=True
            )
            place = a, (b + 2) % 2**64, 2**34 - n
            for with_value in True, False:
                status, index, value = calls.gumbel_top_k(x, n, k, temperature, *place, with_value)
                np.testing.assert_array_equal(index, [*expected[0], -7])
                np.testing.assert_array_equal(value, [*expected[1], -7] if with_value else [-7] * (k + 1))
                assert status == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 3, 64, 1000])
def test_noise_is_that_of_python(n, dtype, calls, target):
    a, b = map(int, np.random.SeedSequence(3).generate_state(2, np.uint64))
    for row, column in (0, 0), (2**64 - 1, 7), (5, 2**34 - n):
        out = np.full(n + 1, -7, dtype)
        assert calls.gumbel(out, n, a, (b + row) % 2**64, column) == 0
        expected = gumbel_fast.gumbel(size=n, rng=3, dtype=dtype, offset=(row, column))
        np.testing.assert_array_equal(out[:n], expected)
        assert out[n] == -7


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 128, 129, 1000])
def test_statuses(n, dtype, calls):
    bad_row, bad_argument = calls.BAD
    for bad in np.nan, np.inf, -np.inf:
        x = np.zeros(n, dtype)
        x[n // 2 if bad != -np.inf else slice(None)] = bad
        assert calls.categorical(x, n, 1.0, 1, 2) == bad_row
        assert calls.gumbel_max(x, n, 1.0, 1, 2, 0)[0] == bad_row
    x = np.zeros(n, dtype)
    for temperature in -1.0, np.nan, -np.inf:
        assert calls.categorical(x, n, temperature, 1, 2) == bad_argument
        assert calls.gumbel_max(x, n, temperature, 1, 2, 0)[0] == bad_argument
    for size in 0, 2**34 + 1, 2**64 - 1:  # before anything is read
        assert calls.gumbel_max(x, size, 1.0, 1, 2, 0)[0] == bad_argument
    assert calls.categorical(x, 0, 1.0, 1, 2) == bad_argument
    assert calls.gumbel_max(x, n, 1.0, 1, 2, 2**34 - n + 1)[0] == bad_argument
    assert calls.gumbel_max(x, n, 1.0, 1, 2, 2**64 - 1)[0] == bad_argument
    for size, column in (2**34 + 1, 0), (n, 2**34), (n, 2**64 - 1), (2**64 - 1, 0):
        assert calls.gumbel(x, size, 1, 2, column) == bad_argument
    assert not x.any()
    assert calls.gumbel(x, 0, 1, 2, 2**34) == 0
    without = calls.categorical(x, n, 1.0, 1, 2, False)
    assert without == (calls.categorical(x, n, 1.0, 1, 2) if n <= _core.SHORT_ROW else bad_argument)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 128, 1000])
def test_statuses_of_top_k(n, dtype, calls):
    """A row with fewer than k left is bad, also where only some are missing; no row is read for k = 0."""
    bad_row, bad_argument = calls.BAD
    for bad in np.nan, np.inf, -np.inf:
        x = np.zeros(n, dtype)
        x[n // 2] = bad
        assert calls.gumbel_top_k(x, n, n, 1.0, 1, 2, 0)[0] == bad_row
        assert calls.gumbel_top_k(x, n, 0, 1.0, 1, 2, 0, True, False)[0] == 0
        if bad == -np.inf and n > 1:
            assert calls.gumbel_top_k(x, n, n - 1, 1.0, 1, 2, 0)[0] == 0
    x = np.zeros(n, dtype)
    for temperature in -1.0, np.nan, -np.inf:
        assert calls.gumbel_top_k(x, n, 1, temperature, 1, 2, 0)[0] == bad_argument
    for size in 0, 2**34 + 1, 2**64 - 1:
        assert calls.gumbel_top_k(x, size, 0, 1.0, 1, 2, 0)[0] == bad_argument
    for k in n + 1, 2**63, 2**64 - 1:
        assert calls.gumbel_top_k(x, n, k, 1.0, 1, 2, 0)[0] == bad_argument
    for column in 2**34 - n + 1, 2**64 - 1:
        assert calls.gumbel_top_k(x, n, 1, 1.0, 1, 2, column)[0] == bad_argument
    assert calls.gumbel_top_k(x, n, 1, 1.0, 1, 2, 0, True, False)[0] == bad_argument


def test_scratch_of_top_k(calls):
    """32 bytes for each of 4096 candidates, or of 2 k, at most of the row; it serves shorter rows."""
    for k in 0, 1, 100, 10_000, 2**33:
        before = 0, 0
        for n in 1, 128, 129, 5000, 2**20, 2**34:
            sizes = calls.top_k_scratch_sizes(n, k)
            for size, smaller in zip(sizes, before, strict=True):
                assert smaller <= size < 32 * (min(n, max(2 * k, 4096)) + 100)
            before = sizes


def test_scratch(calls):
    """None for short rows, and never much."""
    assert calls.scratch_sizes(_core.SHORT_ROW) == (0, 0)
    for n in _core.SHORT_ROW + 1, 1000, 2**20, 2**34:
        for size in calls.scratch_sizes(n):
            assert 0 < size < 0.26 * n + 1024  # 8 bytes for each block of 32 doubles


# -------------------------------------------------------------------------------------------------- choose and a Choice

CHOICES = [
    {},
    {"temperature": 0.7},
    {"temperature": 0.0},
    {"top_k": 3},
    {"top_p": 0.8},
    {"min_p": 0.05, "temperature": 1.5},
    {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.8},
    {"top_k": 40, "top_p": 0.95, "temperature": 0.8, "filter_temperature": 2.0},
    {"top_p": 0.9, "temperature": 0.8, "filter_temperature": 0.0},
    {"top_k": 10**12, "temperature": 0.5},
    {"top_p": 0.0},
]


def masks_of(n, seed):
    """No mask; bytes of every value; words, of all columns and of half of them. Python's mask, bytes and words."""
    rng = np.random.default_rng([n, seed])
    allowed = rng.random(n) < 0.6
    allowed[0] = True
    yield None, None, None
    given = np.where(allowed, rng.integers(1, 256, n), 0).astype(np.uint8)
    yield given, given, None
    words = np.zeros((n + 31) // 32 + 1, np.uint32)
    np.bitwise_or.at(words, np.flatnonzero(allowed) // 32, np.uint32(1) << (np.flatnonzero(allowed) % 32).astype("u4"))
    for count in {(n + 31) // 32, (n + 63) // 64}:
        yield words[:count], None, words[: count + 1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 6, 31, 32, 33, 64, 127, 128, 129, 1000, 40_000])
def test_choose_is_categorical(n, dtype, calls, target):
    """The index and its log-probability, bit by bit, by every filter under every kind of mask."""
    x = some_rows(n, dtype, masked=0.1)
    x[0] = 1
    for seed, options in enumerate(CHOICES):
        a, b = map(int, np.random.SeedSequence(seed).generate_state(2, np.uint64))
        for mask, given, words in masks_of(n, seed):
            index, log_prob = calls.choose(x, n, options, given, words, a, b, 7)
            batch = np.broadcast_to(x, (7, n))
            expected = gumbel_fast.categorical(batch, rng=seed, mask=mask, return_log_prob=True, **options)
            np.testing.assert_array_equal(index, expected[0])
            np.testing.assert_array_equal(log_prob, expected[1])
            without = calls.choose(x, n, options, given, words, a, b, 7, True, False)
            np.testing.assert_equal(without, (index, np.full(7, 7, dtype)))


def test_the_default_choice_keeps_all(calls):
    """At temperature 1, whatever was there before; draws are those of categorical_f32."""
    assert calls.default_choice() == (
        {"temperature": 1, "filter_temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0},
        True,
    )
    for n in 5, 300:
        x = some_rows(n)
        drawn = calls.choose(x, n, {}, None, None, 3, 4)[0]
        assert drawn[0] == calls.categorical(x, n, 1.0, 3, 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 6, 128, 129, 1000])
def test_what_choose_refuses(n, dtype, calls):
    """Nothing is written where the log-probability goes."""
    bad_row, bad_argument = calls.BAD

    def status(x, size, options, mask=None, words=None, with_scratch=True):
        index, log_prob = calls.choose(x, size, options, mask, words, 1, 2, 1, with_scratch)
        assert log_prob[0] == 7 or index[0] >= 0
        return index[0]

    x = np.zeros(n, dtype)
    for options in CHOICES:
        for bad in np.nan, np.inf, -np.inf:
            wrong = x.copy()
            wrong[n // 2 if bad != -np.inf else slice(None)] = bad
            assert status(wrong, n, options) == bad_row
        assert status(x, n, options, np.zeros(n, np.uint8)) == bad_row
        assert status(x, n, options, None, np.zeros((n + 31) // 32 + 1, np.uint32)) == bad_row
        assert status(x, n, options, None, np.ones(1, np.uint32)) == bad_row  # no words at all
        for size in 0, 2**34 + 1, 2**63:
            assert status(x, size, options) == bad_argument
        needed = calls.choice_scratch_sizes(n, options)[dtype is np.float64]
        assert (status(x, n, options, None, None, False) == bad_argument) == (needed > 0)
        assert status(x, n, options) >= 0
    for name in "temperature", "filter_temperature", "top_p", "min_p":
        for value in -1.0, -5e-324, np.nan, -np.inf:
            assert status(x, n, {"temperature": 1, "top_k": 2, **{name: value}}) == bad_argument
            assert status(x, n, {"filter_temperature": 1, **{name: value}}) == bad_argument
    for value in np.nextafter(1, 2), 2.0, np.inf:
        assert status(x, n, {"min_p": value}) == bad_argument
        assert status(x, n, {"top_p": value}) >= 0
    for name in "temperature", "filter_temperature":
        assert status(x, n, {"filter_temperature": 1, "top_k": 2, name: np.inf}) >= 0


def test_scratch_of_a_choice(calls):
    """None for short rows that have no filters; with them room to rank a row, and never much more."""
    for options in CHOICES:
        for n in 1, 32, 128, 129, 5000, 2**20, 2**34:
            filtered = not {"top_k", "top_p", "min_p"}.isdisjoint(options)
            for size in calls.choice_scratch_sizes(n, options):
                assert (size == 0) == (n <= _core.SHORT_ROW and not filtered)
                assert size < (17 if filtered else 0.26) * n + 2048


def test_two_threads_choose(calls):
    """Each with scratch of its own, at the same time and without the GIL: what one would draw alone."""
    n, count = 5000, 2000
    x = some_rows(n, masked=0)
    options = CHOICES[6]
    mask = (np.arange(n) % 3 > 0).astype(np.uint8)
    alone = [calls.choose(x, n, options, mask, None, key, 0, count) for key in (1, 2)]
    found = [None, None]

    def draw(which):
        found[which] = calls.choose(x, n, options, mask, None, which + 1, 0, count)

    threads = [threading.Thread(target=draw, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_equal(found, alone)
    assert not np.array_equal(*(index for index, _ in alone))
