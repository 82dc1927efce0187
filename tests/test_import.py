"""What `import gumbel_fast` brings with it: beside NumPy, next to nothing."""

import subprocess
import sys

import pytest

IMPORTS = """
import sys, numpy
before = set(sys.modules)
import gumbel_fast
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
print(*sorted(name for name in set(sys.modules) - before if name.startswith("numpy.")))
"""


@pytest.fixture(scope="module")
def imported():
    """Packages, and NumPy's modules, that are there after the import and were not after NumPy's own."""
    run = subprocess.run([sys.executable, "-P", "-c", IMPORTS], capture_output=True, text=True, check=True)
    packages, of_numpy = run.stdout.split("\n")[:2]
    return set(packages.split()), set(of_numpy.split())


def test_packages(imported):
    # torch, argparse, concurrent.futures and the like wait for those who want them. Cython adds two modules of its own.
    others = {name for name in imported[0] if "cython" not in name}
    assert others <= {"__future__", "_bisect", "bisect", "gumbel_fast", "numpy", "threading"}


def test_numpy_random_waits(imported):
    # It takes as long as all of gumbel_fast, and the first draw brings it in. (Old NumPy imports it by itself.)
    assert not any(name.startswith("numpy.random") for name in imported[1])
