"""The fused multiply-add of plain C, src/fused.c: rounded once, as Python's fractions and the C library have it."""

import math
import os
import shlex
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import digests
import gumbel_fast
from gumbel_fast import _core

ROOT = Path(__file__).parents[1]
COMPILER = shlex.split(os.environ.get("CC", "cc"))

# Bits of a significand, the exponent of the least number, and that above all numbers.
DOUBLE, FLOAT = (53, -1074, 1024), (24, -149, 128)
FUNCTIONS = pytest.mark.parametrize("function, kind", [(_core.own_fma, DOUBLE), (_core.own_fmaf, FLOAT)], ids="df")


def rounded(exact, kind):
    """The number of this kind that is nearest to a fraction other than 0, the even one of two."""
    bits, least, most = kind
    exponent = abs(exact.numerator).bit_length() - exact.denominator.bit_length()
    exponent -= abs(exact) < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - bits + 1, least)
    nearest = round(exact / unit) * unit
    sign = 1 if exact > 0 else -1
    return sign * (math.inf if abs(nearest) >= Fraction(2) ** most else float(abs(nearest)))


def same(x, y):
    return (math.isnan(x) and math.isnan(y)) or (x == y and math.copysign(1, x) == math.copysign(1, y))


def cases(kind, count):
    """Products around 1 and at both ends of the range; third numbers that cancel them, wholly or in part, or do not."""
    bits, least, most = kind
    dtype = np.float64 if kind is DOUBLE else np.float32
    rng = np.random.default_rng(1)
    for middle in 0, least, least + bits, most:
        for _ in range(count):
            x, y, z = (1 + rng.integers(0, 2 ** (bits - 1), 3) * 2.0 ** (1 - bits)) * rng.choice([-1, 1], 3)
            half = int(middle // 2 + rng.integers(-4, 4))
            x, y = math.ldexp(x, half), math.ldexp(y, middle - half)
            with np.errstate(over="ignore"):
                z = -x * y if rng.random() < 0.3 else np.ldexp(z, middle + rng.integers(-120, 121))
                yield tuple(float(dtype(number)) for number in (x, y, z))


@FUNCTIONS
def test_rounded_once(function, kind):
    for x, y, z in cases(kind, 2500):
        if math.isinf(z):
            assert function(x, y, z) == z
            continue
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        expected = rounded(exact, kind) if exact else 0.0
        assert same(function(x, y, z), expected), (x.hex(), y.hex(), z.hex())


@FUNCTIONS
def test_what_is_not_a_number_above_0(function, kind):
    """Infinities, NaN and zeros, as IEEE 754 has them."""
    bits, least, most = kind
    inf, nan, tiny, huge = math.inf, math.nan, math.ldexp(1, least), math.ldexp(2 - 2.0 ** (1 - bits), most - 1)
    for arguments, expected in [
        ((inf, 2, 1), inf), ((inf, -2, 1), -inf), ((inf, 0, 1), nan), ((0, inf, nan), nan), ((inf, 1, -inf), nan),
        ((1, 1, inf), inf), ((huge, huge, -inf), -inf), ((huge, -huge, inf), inf), ((nan, 1, 1), nan),
        ((huge, huge, -huge), inf), ((huge, 2, -huge), huge), ((-huge, 1, -huge), -inf), ((huge, 1, tiny), huge),
        ((0, 1, 0.0), 0.0), ((-0.0, 1, 0.0), 0.0), ((-0.0, 1, -0.0), -0.0), ((0, 5, -0.0), 0.0), ((1, -1, 1), 0.0),
        ((-1, 1, 1), 0.0), ((1, 1, nan), nan),
        ((-tiny, tiny, 0.0), -0.0), ((tiny, tiny, -0.0), 0.0), ((tiny, 0.5, 0.0), 0.0), ((tiny, 0.5, tiny), 2 * tiny),
        ((tiny, tiny, tiny), tiny), ((tiny, -tiny, tiny), tiny), ((tiny, -tiny, -tiny), -tiny), ((0, 1, tiny), tiny),
    ]:  # fmt: skip
        assert same(function(*arguments), expected), arguments
        x, y, z = arguments
        assert same(function(y, x, z), expected), arguments


@pytest.mark.skipif(not (ROOT / "src").is_dir() or not shutil.which(COMPILER[0]), reason="no C sources, or no compiler")
@pytest.mark.skipif(sys.platform == "win32", reason="no C library whose fma is known to be right")
@pytest.mark.parametrize("flags", [["-O2"], ["-O0"]], ids=" ".join)
def test_as_the_c_library(tmp_path, flags):
    """300,000 adversarial cases of each type; and what is tried at import refuses what is wrong."""
    sources = [ROOT / "tests/bits/fused.c", ROOT / "src/fused.c"]
    flags = [*flags, "-std=c11", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'src'}"]
    subprocess.run([*COMPILER, *flags, "-o", tmp_path / "fused", *sources, "-lm"], check=True)
    ran = subprocess.run([tmp_path / "fused", "300000"], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.returncode) == ("", 0)


@pytest.fixture
def own(monkeypatch):
    """Plain C, with own functions if it calls any. For `monkeypatch`, conftest.py lets no other test run beside it."""
    before, fma = _core.simd_target(), _core.fma_of_scalar()
    _core.use_target("scalar")
    _core.choose_fma(True)
    yield
    _core.choose_fma(fma == "own")
    _core.use_target(before)
    assert _core.fma_of_scalar() == fma


@pytest.mark.every_target
@pytest.mark.skipif(_core.fma_of_scalar() == "instruction", reason="the compiler makes it an instruction")
@pytest.mark.parametrize("name", digests.CALLS)
def test_bits_are_those_of_the_table(name, own):
    assert _core.fma_of_scalar() == "own"
    assert digests.digest(digests.CALLS[name]()) == digests.current()["calls"][name]


def test_show_runtime_says_which(own, capsys):
    gumbel_fast.show_runtime()
    assert ("scalar, own fma" in capsys.readouterr().out) == (_core.fma_of_scalar() == "own")
