"""pytest options, the process and the machine record of the benchmarks. What is measured is in `regimes`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import machine, peers
from harness.allocator import Allocator, environment, in_use
from harness.inputs import Inputs

REAL_LOGITS = Path(__file__).parent.parent / "tests" / "data" / "logits.npy"

# Set before a peer is imported, which is when it is read.
os.environ.update(peers.ONE_THREAD)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the benchmarks."""
    group = parser.getgroup("gumbel_fast benchmarks")
    group.addoption(
        "--allocator",
        choices=[str(setting) for setting in Allocator],
        default=str(Allocator.KEEPING),
        help="whether freed memory is kept for the next array (keeping), or as the system does (default)",
    )
    group.addoption(
        "--logits",
        type=Path,
        metavar="ROWS.npy",
        default=REAL_LOGITS,
        help="rows of a language model's logits (default: those of the tests)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start pytest anew if this process has another allocator setting: it is read when a process starts."""
    setting = Allocator(config.getoption("--allocator"))
    if sys.platform == "linux" and in_use() is not setting:
        capture = config.pluginmanager.getplugin("capturemanager")
        if capture is not None:
            capture.stop_global_capturing()  # gives back the real standard output and error
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment(setting))


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Record in the JSON what the figures depend on."""
    machine_info["gumbel_fast"] = machine.describe()


@pytest.fixture(scope="session")
def inputs(pytestconfig: pytest.Config) -> Inputs:
    """Give the arrays to run on."""
    return Inputs(np.load(pytestconfig.getoption("--logits")))
