"""The tables and coefficients of the elementary functions are those that the script beside them finds."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "src/kernels/tables.py"


@pytest.mark.skipif(not SCRIPT.exists(), reason="the sources are not beside the tests")
def test_the_script_finds_the_tables_again():
    ran = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr or "tables.h is not what tables.py writes"
