"""Every regime as a group of pytest-benchmark, and every contestant as a benchmark in it.

What is measured is defined in `gumbel_fast._bench`; nothing has to be added here for a new regime.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from gumbel_fast._bench import regimes  # noqa: F401  (importing it fills the registry)
from gumbel_fast._bench.inputs import Inputs
from gumbel_fast._bench.measure import prepare
from gumbel_fast._bench.regime import REGISTRY, Regime

#: Every contestant by its regime's name and its own; the names do not depend on the inputs.
CASES = [(name, contestant.name) for name, make in REGISTRY.items() for contestant in make(Inputs()).contestants]


@lru_cache(maxsize=1)  # the benchmarks of a regime come one after the other
def build(name: str, inputs: Inputs) -> Regime:
    """Make a regime with its arrays."""
    return REGISTRY[name](inputs)


@pytest.mark.parametrize("regime, contestant", CASES, ids=[": ".join(case) for case in CASES])
@pytest.mark.benchmark(disable_gc=True)
@pytest.mark.filterwarnings("default")  # what a peer warns of does not stop it
def test_regime(regime: str, contestant: str, inputs: Inputs, benchmark: Any) -> None:
    """Check what a contestant gives, then time it."""
    built = build(regime, inputs)
    (entry,) = (entry for entry in built.contestants if entry.name == contestant)
    call = prepare(entry)
    if isinstance(call, str):
        pytest.skip(f"{entry.library}: {call}")
    benchmark.group = f"{built.name}: {built.title}"
    benchmark.extra_info.update(
        role=str(entry.role),
        library=entry.library,
        note=entry.note,
        elements=built.elements,
        bytes_moved=built.bytes_moved,
    )
    benchmark(call)
