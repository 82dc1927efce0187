"""Regimes measured in processes of their own, one for each allocator setting (see `harness/allocator.py`).

A process serves one regime after the other, so that libraries are imported and compilers warmed up once. `run.py` and
`guard.py` measure by it.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

import regimes  # noqa: F401  (importing it fills the registry)
from harness import peers
from harness.allocator import Allocator, for_children
from harness.inputs import Inputs
from harness.measure import Outcome, measure
from harness.regime import REGISTRY
from harness.simd import simd_target, use_target


@dataclass(frozen=True)
class Settings:
    """What a measurement takes: libraries, seconds for each regime, real logits, SIMD target, clock, whether quick."""

    libraries: Collection[str] = peers.LIBRARIES
    budget: float = 2.0
    logits: Path | None = None
    simd: str | None = None
    cpu_time: bool = False
    quick: bool = False


class Apart:
    """Measures regimes by name, in a process with the allocator setting asked for. To be used in a `with` statement."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[Allocator, ProcessPoolExecutor] = {}

    def measure(self, name: str, allocator: Allocator | None = None) -> Outcome:
        """Measure a regime, by default under the setting that its targets are for."""
        return self._pool(allocator or judged_under(name)).submit(_measure, name, self._settings).result()

    def _pool(self, allocator: Allocator) -> ProcessPoolExecutor:
        if allocator not in self._pools:
            pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
            with for_children(allocator):
                pool.submit(_start, self._settings.simd).result()
            self._pools[allocator] = pool
        return self._pools[allocator]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)


def judged_under(name: str) -> Allocator:
    """Return the allocator setting that a regime's targets are for."""
    return REGISTRY[name](Inputs()).allocator


def _start(simd: str | None) -> None:
    os.environ.update(peers.ONE_THREAD)  # before any peer is imported, which is when it is read
    if simd is not None:
        use_target(simd)


def _measure(name: str, settings: Settings) -> Outcome:
    inputs = Inputs(None if settings.logits is None else np.load(settings.logits), quick=settings.quick)
    regime = REGISTRY[name](inputs)
    return measure(
        regime,
        libraries=settings.libraries,
        budget=settings.budget,
        simd=simd_target(),
        cpu_time=settings.cpu_time,
    )
