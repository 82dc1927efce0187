"""Every SIMD target that this machine can use equals the scalar one bit for bit, at lengths around each block's edge.

The scalar target is held to the mathematics elsewhere. Also here: how a target is chosen, which compiler is refused.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gumbel_fast
from gumbel_fast import _core

ROOT = Path(__file__).parents[1]
DTYPES = [np.float32, np.float64]
OTHERS = [name for name in _core.usable_targets() if name != "scalar"]
LENGTHS = [*range(1, 71), *range(127, 130), *range(255, 258), *range(1023, 1026), *range(4095, 4098), 10_007]

SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 80.0, -80.0, -104.0, -745.0, 1e30, -1e30, 1e-40, 5e-324, -np.inf])


@pytest.fixture(params=OTHERS)
def same(request):
    """A function that makes a call on this target and on the scalar one, and finds the results equal to the bit."""
    before = _core.simd_target()

    def same(call, *arguments):
        results = []
        for name in "scalar", request.param:
            _core.use_target(name)
            assert _core.simd_target() == name
            results.append(np.asarray(call(*arguments)))
        expected, actual = results
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        different = actual.tobytes() != expected.tobytes()
        if different and expected.dtype.kind == "f":  # which NaN is not promised
            bits = f"u{expected.dtype.itemsize}"
            equal = (actual.view(bits) == expected.view(bits)) | (np.isnan(actual) & np.isnan(expected))
            assert equal.all(), f"first difference at {np.argwhere(~equal)[0]}"
        elif different:
            np.testing.assert_array_equal(actual, expected)
        return actual

    yield same
    _core.use_target(before)


def rows(n, dtype, count=4):
    rng = np.random.default_rng(n)
    x = rng.normal(0, 4, (count, n))
    x[1, rng.random(n) < 0.4] = -np.inf
    x[1, n // 2] = 0
    x[2] = np.linspace(-90, 0, n)
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_from_words(same, dtype):
    rng = np.random.default_rng(1)
    high = rng.integers(0, 2**32, 300_000, dtype=np.uint32)
    high[:70_000:3] = np.arange(0, 70_000, 3)
    high[1:70_000:3] = 2**32 - 1 - np.arange(1, 70_000, 3)
    same(_core.noise_from_words, high, rng.integers(0, 2**32, high.size, dtype=np.uint32), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("column", [0, 1, 2, 3, 61, 2**32 - 33, 2**34 - 40_000])
def test_noise(same, dtype, column):
    for n in LENGTHS:
        same(lambda n=n: gumbel_fast.gumbel(size=(3, n), rng=n, dtype=dtype, offset=(2**64 - 2, column)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_with_loc_and_scale(same, dtype):
    for n in LENGTHS[::3]:
        loc, scale = np.linspace(-3, 5, n), np.array([[0.3], [2.0], [0.0]])
        same(lambda n=n: gumbel_fast.gumbel(0.3, 2.7, (3, n), rng=n, dtype=dtype))
        same(lambda n=n, loc=loc, scale=scale: gumbel_fast.gumbel(loc, scale, rng=n, dtype=dtype))
        out = np.zeros((3, 2 * n + 1), dtype)[:, 1::2]  # strided, and rows begin at odd places
        same(lambda n=n, out=out: gumbel_fast.gumbel(rng=n, dtype=dtype, out=out).copy())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp])
def test_softmax_family(same, dtype, function):
    for n in LENGTHS:
        x = rows(n, dtype)
        same(function, x)
        same(lambda x=x: function(x, temperature=[0.3, 1, 2.5, 100]))
        x[3, -1] = np.nan
        x[0] = -np.inf
        same(function, x)
    same(function, np.resize(SPECIAL, (len(SPECIAL), 67)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [gumbel_fast.softmax, gumbel_fast.log_softmax, gumbel_fast.logsumexp])
def test_softmax_family_of_long_rows(same, dtype, function):
    for n in 100_003, 262_144:
        same(function, rows(n, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1, 0.2, 7.0, 0])
def test_categorical(same, dtype, temperature):
    for n in LENGTHS:
        x = rows(n, dtype)
        same(lambda n=n, x=x: gumbel_fast.categorical(x, rng=n, temperature=temperature))
    for n in 6, 40, 64, 65, 129, 1025:  # many draws of one row
        x = np.broadcast_to(rows(n, dtype)[1], (3000, n))
        same(lambda n=n, x=x: gumbel_fast.categorical(x, rng=n, temperature=temperature))


@pytest.mark.parametrize("dtype", DTYPES)
def test_categorical_of_long_rows(same, dtype, real_logits):
    same(lambda: gumbel_fast.categorical(np.repeat(real_logits.astype(dtype), 40, axis=0), rng=1))
    for n in 100_003, 262_144:
        x = rows(n, dtype)
        same(lambda x=x: gumbel_fast.categorical(np.repeat(x, 20, axis=0), rng=2))


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16])
@pytest.mark.parametrize("temperature", [1, 0.2, 0])
def test_repeated_draws(same, temperature, dtype):
    """By alias table and, from 129 categories on, by rejection that goes on; and in halves what single draws have."""
    for n in LENGTHS[::2]:
        x = rows(n, dtype)
        for samples in 2, 300, 3 + n // 20:
            options = {"num_samples": samples, "temperature": temperature, "rng": n}
            same(lambda x=x, options=options: gumbel_fast.categorical(x, **options))
        same(lambda x=x, n=n: gumbel_fast.categorical(x, temperature=temperature, rng=n))
    x = rows(100_003, dtype)
    for samples in 500, 20_000:
        same(lambda samples=samples: gumbel_fast.categorical(x, num_samples=samples, temperature=temperature, rng=1))


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16])
@pytest.mark.parametrize("temperature", [1, 0.2, 0])
def test_greatest_with_noise(same, temperature, dtype):
    for n in LENGTHS[::2]:
        x = rows(n, dtype)
        noise = np.random.default_rng(n).gumbel(size=x.shape).astype(np.float64 if dtype == np.float64 else np.float32)
        for part in 0, 1:
            options = {"temperature": temperature, "return_value": True}
            same(lambda x=x, n=n, part=part, o=options: gumbel_fast.gumbel_max(x, rng=n, **o)[part])
            same(lambda x=x, noise=noise, part=part, o=options: gumbel_fast.gumbel_max(x, noise=noise, **o)[part])
            k = int(np.count_nonzero(x > -np.inf, axis=1).min())
            same(lambda x=x, n=n, k=k, part=part, o=options: gumbel_fast.gumbel_top_k(x, k, rng=n, **o)[part])


@pytest.mark.parametrize("dtype", DTYPES)
def test_gumbel_softmax_and_its_gradient(same, dtype):
    for n in LENGTHS:
        for count in 4, 37:
            x = np.tile(rows(n, dtype), (10, 1))[:count]
            y = same(lambda x=x, n=n: gumbel_fast.gumbel_softmax(x, temperature=0.6, rng=n, offset=(3, n)))
            same(lambda x=x, n=n: gumbel_fast.gumbel_softmax(x, hard=True, rng=n))
            same(lambda x=x, n=n: gumbel_fast.gumbel_softmax(x, log=True, temperature=0.6, rng=n))
            same(gumbel_fast.softmax_vjp, y, np.random.default_rng(n).normal(size=x.shape).astype(dtype))
    x = rows(100_003, dtype)
    y = same(lambda: gumbel_fast.gumbel_softmax(x, rng=1))
    same(gumbel_fast.softmax_vjp, y, np.sin(np.arange(x.size)).reshape(x.shape).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [
    gumbel_fast.softmax,
    gumbel_fast.log_softmax,
    gumbel_fast.logsumexp,
    lambda x: gumbel_fast.categorical(x, rng=1),
], ids=["softmax", "log_softmax", "logsumexp", "categorical"])  # fmt: skip
def test_rows_that_begin_anywhere(same, dtype, function):
    """Rows at every place within a register's width, whole elements apart and not."""
    size = np.dtype(dtype).itemsize
    for n in 1, 15, 16, 33, 64, 65, 130, 1025:
        x = rows(n, dtype)
        expected = same(function, x)
        for shift in [*range(0, 64, size), 1, 7]:
            stride = (n + 5) * size
            memory = np.zeros(4 * stride + 64, np.uint8)
            moved = np.ndarray((4, n), dtype, memory, shift, (stride, size))
            moved[...] = x
            np.testing.assert_array_equal(same(function, moved), expected)


@pytest.mark.parametrize("function", ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"])
def test_distribution(same, function):
    call = getattr(gumbel_fast.gumbel_r, function)
    rng = np.random.default_rng(2)
    for n in [*LENGTHS, 30_000]:
        x = rng.uniform(0, 1, n) if function in ("ppf", "isf") else rng.normal(0, 20, n)
        same(call, x)
        same(call, x, 0.25, 1.7)
    for x in SPECIAL:
        same(call, x)
    same(call, np.concatenate([SPECIAL, [np.nan, np.inf, 0.5, 1 - 2.0**-53, 700, 745, -6.5, -7]]))
    same(call, np.linspace(0, 1, 30)[::-3], np.linspace(0, 1, 10), np.linspace(1, 2, 4)[:, None])


def test_fit(same):
    data = np.random.default_rng(3).gumbel(size=10_007)
    same(gumbel_fast.gumbel_r.fit, data)


# ---------------------------------------------------------------------------------------------------- choosing a target


def run(script, target):
    environment = {**os.environ, "GUMBEL_FAST_SIMD": target}
    return subprocess.run(
        [sys.executable, "-P", "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )


def test_scalar_is_always_there():
    assert "scalar" in _core.usable_targets()
    assert _core.simd_target() in _core.usable_targets()


@pytest.mark.parametrize("name", _core.usable_targets())
def test_the_environment_forces_a_target(name):
    ran = run(
        "import gumbel_fast._core as c; print(c.simd_target()); import gumbel_fast; gumbel_fast.show_runtime()", name
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[0] == name
    assert gumbel_fast.__version__ in ran.stdout
    assert str(gumbel_fast.STREAM_VERSION) in ran.stdout


@pytest.mark.parametrize("name", ["sse9", "AVX", "avx2,scalar", " "])
def test_an_unknown_target_is_an_error(name):
    ran = run("import gumbel_fast", name)
    assert ran.returncode != 0
    assert "ImportError" in ran.stderr
    assert name in ran.stderr


def test_an_unusable_target_is_an_error():
    unusable = {"avx2", "avx512", "neon"} - set(_core.usable_targets())
    assert unusable  # no processor has all of them
    for name in unusable:
        ran = run("import gumbel_fast", name)
        assert "ImportError" in ran.stderr
        assert name in ran.stderr
        with pytest.raises(ValueError, match=name):
            _core.use_target(name)


@pytest.mark.skipif(not (ROOT / "src").is_dir() or not shutil.which("gcc"), reason="no C sources, or no gcc")
@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="for gcc on x86-64")
@pytest.mark.parametrize("flags, said", [
    (["-mfpmath=sse"], None),
    (["-mfpmath=387"], "needs -msse2 -mfpmath=sse"),  # the x87 unit computes in 80 bits
    (["-ffast-math"], "without -ffast-math"),
    (["-O3", "-ffinite-math-only"], "without -ffast-math"),
    (["-ffast-math", "-fno-fast-math"], None),
])  # fmt: skip
def test_a_compiler_that_computes_otherwise_is_refused(flags, said):
    """By an error that says what to do."""
    command = ["gcc", *flags, "-std=c11", "-fsyntax-only", f"-I{ROOT / 'src'}", ROOT / "src/targets/scalar.c"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == (said is not None)
    assert ("#error" in ran.stderr and str(said) in ran.stderr) == (said is not None)
