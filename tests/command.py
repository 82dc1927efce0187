"""The command line, run as a user runs it, for the tests of it."""

import os
import subprocess
import sys

import numpy as np
import pytest

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits, devices and words for errors as Linux has them")

COMMAND = [sys.executable, "-m", "gumbel_fast"]


def run(*arguments, cwd, **options):
    """Run the command away from the sources, which could be taken for the installed package."""
    return subprocess.run([*COMMAND, *map(str, arguments)], cwd=cwd, capture_output=True, timeout=120, **options)


def sample(*arguments, cwd):
    """Run `sample`, which has to succeed in silence; what it printed, as a list of rows."""
    result = run("sample", *arguments, cwd=cwd)
    assert (result.returncode, result.stderr) == (0, b"")
    return [[int(word) for word in line.split()] for line in result.stdout.decode().splitlines()]


def error_of(*arguments, cwd):
    """Run the command, which has to fail with one line; what stands behind "gumbel_fast: error: "."""
    result = run(*arguments, cwd=cwd)
    assert (result.returncode, result.stdout) == (2, b"")
    (line,) = result.stderr.decode().splitlines()
    start = "gumbel_fast: error: "
    assert line.startswith(start)
    return line.removeprefix(start)


def holes(path, *shape):
    """Write a file of float32 zeros that takes no room but for its header."""
    np.lib.format.open_memmap(path, "w+", np.float32, shape).flush()
