"""The same memory allocator settings for every contestant. Nothing is measured here.

By default glibc returns arrays above 128 KiB to the system when they are freed and takes fresh pages for the next one.
The page faults then cost more than the arithmetic, and a table would show who allocates, not who computes. With the
two variables below freed memory is kept by the process. They are read when a process starts, so what is measured with
them runs in a process started for it. Other allocators ignore them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

_KEEPING = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "17179869184"}


class Allocator(StrEnum):
    """What becomes of freed memory: `KEEPING` it for the next array, or what the system does by `DEFAULT`."""

    KEEPING = "keeping"
    DEFAULT = "default"


def in_use() -> Allocator:
    """Return the setting that this process was started with."""
    keeps = all(os.environ.get(variable) == value for variable, value in _KEEPING.items())
    return Allocator.KEEPING if keeps else Allocator.DEFAULT


def environment(setting: Allocator) -> dict[str, str]:
    """Return this process's environment changed to start another one with `setting`."""
    others = {variable: value for variable, value in os.environ.items() if variable not in _KEEPING}
    return others | _KEEPING if setting is Allocator.KEEPING else others


@contextmanager
def for_children(setting: Allocator) -> Iterator[None]:
    """Have the processes started inside the block run with `setting`."""
    before = dict(os.environ)
    _replace_environment(environment(setting))
    try:
        yield
    finally:
        _replace_environment(before)


def _replace_environment(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
