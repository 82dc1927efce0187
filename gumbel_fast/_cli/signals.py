"""Signals that end a process, turned into an exception, so that what was begun is cleaned up by who began it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_came: int | None = None  # the signal that the process is to end by
_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Ended(BaseException):
    """A signal has come; `status` is what shells give for a program that it ended."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


@contextmanager
def as_exceptions() -> Iterator[None]:
    """Raise `Ended` when the first signal comes. Later ones do nothing until the block is left: it is being cleaned up.

    What was ignored before, as SIGHUP under nohup, still is.
    """
    global _came
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDING}
    taken = [number for number in _ENDING if before[number] in (signal.SIG_DFL, signal.default_int_handler)]

    def end(number: int, frame: FrameType | None) -> None:
        global _came
        _came = number
        for each in taken:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    try:
        for number in taken:
            signal.signal(number, end)
        yield
        check()
    finally:
        _came = None
        for number in taken:
            signal.signal(number, before[number])


def check() -> None:
    """Raise `Ended` again if a signal has come: where it came there may have been an `except:` that dropped it.

    Modules that Cython compiles have such places, which are passed when they are imported.
    """
    if _came is not None:
        raise Ended(_came)
