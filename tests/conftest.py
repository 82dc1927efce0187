"""What all tests share: the SIMD targets to run on, the real logits, and how hypothesis searches.

Statistical checks live in statistical.py; the data and where they come from in data/README.md.
"""

import pathlib

import hypothesis
import numpy as np
import pytest

from gumbel_fast import _core

# The same examples every time: a suite that fails fails again.
hypothesis.settings.register_profile("default", derandomize=True, deadline=None, database=None, max_examples=150)
hypothesis.settings.load_profile("default")


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item):
    """Mark for pytest-run-parallel what changes or measures the whole process: the target, a module, memory, time."""
    if {"target", "same", "monkeypatch"} & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("limits"):
        item.add_marker("thread_unsafe")


def pytest_collection_modifyitems(items):
    """Mark what steps through the SIMD targets by itself, so that a run for each target can leave it out."""
    for item in items:
        if {"target", "same"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("every_target")


@pytest.fixture(params=_core.usable_targets())
def target(request):
    """Runs the test once on each SIMD target that this machine can use."""
    before = _core.simd_target()
    _core.use_target(request.param)
    yield request.param
    _core.use_target(before)


@pytest.fixture(scope="session")
def real_logits():
    """Eight rows of 49,152 next-token logits, float32, read-only, from nearly certain to very uncertain."""
    rows = np.load(pathlib.Path(__file__).parent / "data" / "logits.npy").astype(np.float32)
    rows.flags.writeable = False
    return rows
