"""Half precision: float16 and bfloat16 logits are what they are in float32, and the samplers read them where they lie.

The functions tied to the noise are held to float32 bit for bit; categorical is held to softmax by chi-square.
"""

import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest

import gumbel_fast
import reference
from rows import BFLOAT16, LAYOUTS, LENGTHS, some_rows
from statistical import assert_draws_follow, softmax

HALVES = [np.float16, BFLOAT16]


def every_number(dtype):
    """Each of the 65,536 bit patterns."""
    return np.arange(2**16, dtype=np.uint16).view(dtype)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("n", LENGTHS)
def test_as_float32(n, dtype, target):
    x = some_rows((9, n), dtype)
    wide = x.astype(np.float32)
    noise = gumbel_fast.gumbel(size=x.shape, dtype=np.float32, rng=5)
    for temperature in 1.0, 0.3, 0.0, np.linspace(0, 2, 9):
        for options in {"rng": 7}, {"rng": 7, "offset": (3, 5)}, {"noise": noise}:
            options = {"temperature": temperature, "return_value": True, **options}
            np.testing.assert_equal(gumbel_fast.gumbel_max(x, **options), gumbel_fast.gumbel_max(wide, **options))
        k = int(np.count_nonzero(wide > -np.inf, axis=1).min())
        options = {"temperature": temperature, "return_value": True, "rng": 7}
        half, single = gumbel_fast.gumbel_top_k(x, k, **options), gumbel_fast.gumbel_top_k(wide, k, **options)
        np.testing.assert_equal(half, single)
        assert half[1].dtype == np.float64


@pytest.mark.parametrize("dtype", HALVES)
def test_every_number_is_widened_exactly(dtype, target):
    """As the value at temperature 0 of a row of its own, short or long; infinities and NaN are refused."""
    numbers = every_number(dtype)
    sound = numbers[np.isfinite(numbers.astype(np.float32))]
    for n in 1, 3, 65, 200:
        x = np.full((sound.size, n), -np.inf, dtype)
        x[:, n // 2] = sound
        index, value = gumbel_fast.gumbel_max(x, temperature=0, rng=1, return_value=True)
        np.testing.assert_array_equal(index, n // 2)
        np.testing.assert_array_equal(value, sound.astype(np.float32))
        np.testing.assert_array_equal(gumbel_fast.categorical(x, rng=1), n // 2)
        row = x[1000 : 1000 + n].T.copy()
        np.testing.assert_array_equal(gumbel_fast.softmax(row), gumbel_fast.softmax(row.astype(np.float32)))
    for number in numbers[~np.isfinite(numbers.astype(np.float32))]:
        for n in 1, 3, 65:
            x = np.full((2, n), 0, dtype)
            x[1, n // 2] = number
            if number != -np.inf:
                with pytest.raises(ValueError, match=r"\b1\b"):
                    gumbel_fast.categorical(x, rng=1)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("n", [2, 16, 17, 64, 65, 128, 1000, 40_000])
@pytest.mark.parametrize("masked", [0, 0.6])
def test_distribution(masked, n, dtype):
    """Draws follow softmax of the numbers as they are: half a likelihood more for the first half would be seen."""
    row = np.linspace(-2, 2, n)
    row[np.random.default_rng(n).random(n) < masked] = -np.inf
    row[[0, -1]] = 1
    row = row.astype(dtype)
    p = softmax(row)
    draws = gumbel_fast.categorical(np.broadcast_to(row, (40_000, n)), rng=3)
    assert_draws_follow(draws, p, against={"tilted": p * np.where(np.arange(n) < n // 2, 1.5, 1)})


@pytest.mark.parametrize("dtype", HALVES)
def test_real_rows(real_logits, dtype):
    """Half precision moves the probabilities: draws follow those of the rounded logits, not those of the exact ones."""
    row = real_logits[5].astype(dtype)
    p = softmax(row)
    for draws in (
        gumbel_fast.categorical(np.broadcast_to(row, (20_000, row.size)), rng=3),
        gumbel_fast.categorical(row, num_samples=20_000, rng=3),
    ):
        assert_draws_follow(draws, p, against={"a temperature 10% off": softmax(row, 1.1)})


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("n", [7, 64, 300])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(layout, n, dtype):
    x = some_rows((40, n), dtype)
    for call in (
        lambda x: gumbel_fast.categorical(x, rng=6),
        lambda x: gumbel_fast.categorical(x, num_samples=20, rng=6),
        lambda x: gumbel_fast.gumbel_softmax(x, rng=6),
        gumbel_fast.softmax,
        gumbel_fast.logsumexp,
    ):
        np.testing.assert_array_equal(call(layout(x)), call(x))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes(dtype, axis):
    x = some_rows((4, 5, 300), dtype)
    moved = np.moveaxis(x, -1, axis)
    np.testing.assert_array_equal(gumbel_fast.categorical(moved, axis=axis, rng=1), gumbel_fast.categorical(x, rng=1))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "gumbel_softmax"])
def test_relaxations_give_float32(name, dtype):
    x = some_rows((5, 70), dtype)
    options = {"rng": 1} if name == "gumbel_softmax" else {}
    result = getattr(gumbel_fast, name)(x, **options)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, getattr(gumbel_fast, name)(x.astype(np.float32), **options))
    twin = getattr(reference, name)(x, **options)
    np.testing.assert_allclose(result, twin, rtol=1e-5, atol=1e-30)
    assert twin.dtype == np.float32


@pytest.mark.parametrize("dtype", HALVES)
def test_vjp_gives_float32(dtype):
    y = gumbel_fast.softmax(some_rows((5, 70))).astype(dtype)
    grad = np.random.default_rng(1).normal(size=(5, 70)).astype(dtype)
    result = gumbel_fast.softmax_vjp(y, grad)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, gumbel_fast.softmax_vjp(y.astype(np.float32), grad.astype(np.float32)))


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("rng", [lambda: 1, lambda: np.random.default_rng(1)], ids=["int", "Generator"])
def test_samplers_make_no_copy(dtype, rng):
    """Of 4 MiB of logits; NumPy's memory is traced."""
    x = np.zeros((64, 32_768), dtype)
    for call in (
        lambda **o: gumbel_fast.categorical(x, **o),
        lambda **o: gumbel_fast.categorical(x, num_samples=5, **o),
        lambda **o: gumbel_fast.gumbel_max(x, **o),
        lambda **o: gumbel_fast.gumbel_top_k(x, 5, **o),
    ):
        tracemalloc.start()
        call(rng=rng())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**18


def test_the_package_of_bfloat16_is_not_imported():
    script = textwrap.dedent("""
        import sys
        import gumbel_fast
        assert "ml_dtypes" not in sys.modules
        import numpy as np
        gumbel_fast.categorical(np.zeros((3, 5), np.float16), rng=1)
        assert "ml_dtypes" not in sys.modules
    """)
    ran = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


def test_unsigned_integers_are_integers():
    """bfloat16 travels as uint16, which as an argument is a number like any other."""
    x = np.array([0, 0xFF80, 0x7F80], np.uint16)
    assert gumbel_fast.categorical(x, temperature=0, rng=1) == 1
    assert gumbel_fast.softmax(x).dtype == np.float64
    assert gumbel_fast.gumbel_max(x, temperature=0, rng=1, return_value=True)[1] == 0xFF80


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", HALVES)
def test_gumbel_softmax_widens_in_registers(dtype):
    """No copy of a million logits is made: beyond the result given, a call takes a few kilobytes."""
    x = some_rows((64, 16_384), dtype)
    out = np.empty(x.shape, np.float32)
    gumbel_fast.gumbel_softmax(x, rng=1, out=out)
    tracemalloc.start()
    try:
        gumbel_fast.gumbel_softmax(x, rng=1, out=out)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**16
    np.testing.assert_array_equal(out, gumbel_fast.gumbel_softmax(x.astype(np.float32), rng=1))
