"""A progress bar on a terminal: tqdm's if it is installed, else a percentage. Nothing is drawn here."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TextIO

_DELAY = 1.0  # seconds before anything is shown
_INTERVAL = 0.1  # seconds between two percentages


@contextmanager
def progress(total: int, unit: str, *, shown: bool) -> Iterator[Callable[[int], Any]]:
    """Show on standard error, after a second, how many of `total` rows or draws are done.

    Gives a function to call with the number of those just done. `shown=False` shows nothing.
    """
    if not shown:
        yield lambda _: None
        return
    try:
        tqdm = import_module("tqdm").tqdm
    except ImportError:
        percentage = Percentage(total, unit, sys.stderr)
        try:
            yield percentage.advance
        finally:
            percentage.clear()
    else:
        with tqdm(total=total, delay=_DELAY, unit=f" {unit}", unit_scale=True, leave=False, file=sys.stderr) as bar:
            yield bar.update


class Percentage:
    """One line that is written over."""

    def __init__(self, total: int, unit: str, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._unit = unit
        self._stream = stream
        self._clock = clock
        self._next = clock() + _DELAY
        self._done = 0
        self._width = 0

    def advance(self, count: int) -> None:
        """Count some more, and write the line if it is time."""
        self._done += count
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _INTERVAL
        line = f"gumbel_fast: {self._done:,} of {self._total:,} {self._unit}, {self._done / self._total:.0%}"
        self._width = max(self._width, len(line))
        self._stream.write(f"\r{line}")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, if there is one."""
        if self._width:
            self._stream.write(f"\r{'':{self._width}}\r")
            self._stream.flush()
