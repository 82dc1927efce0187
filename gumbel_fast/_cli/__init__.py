"""The command line: `python -m gumbel_fast`.

__init__.py     arguments, and what an error or an interruption gives
tour.py         the command without arguments: what it runs on, the article's experiment, a table of times
article.py      the article's experiment, computed
chi_square.py   the p-value that the experiment is judged by
times.py        times of a few calls beside NumPy's
processor.py    the processor's name
sample.py       the command `sample`: draws from a file of logits
logits_file.py  that file, read piece by piece, with errors that a user understands
draws.py        drawing piece by piece, with the numbers of one whole call
output.py       where draws go: lines of text, or a .npy file
progress.py     a progress bar on a terminal
signals.py      signals that end a process, as exceptions

Nothing here is imported by `import gumbel_fast`.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from .errors import CommandError
from .signals import Ended, as_exceptions

_ERROR = 2
_BROKEN_PIPE = 141  # 128 + SIGPIPE, as shells have it


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like the other errors of the command, and whose help is printed or fails."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (--help tells more)")

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stdout).write(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        sys.stdout.flush()
        super().exit(status, message)


class _Closed(io.TextIOBase):
    """Stands for a standard output that was closed before the process began."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 after one line on standard error, 128 + N for signal N."""
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (open as long as the process)
    try:
        with as_exceptions():
            options = _parser().parse_args(arguments)
            options.run(options)
            sys.stdout.flush()
    except CommandError as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("there is not enough memory")
    except BrokenPipeError:  # the reader, such as `head`, has gone
        _forget_output()
        return _BROKEN_PIPE
    except OSError as error:  # of files the commands speak themselves
        return _fail(f"standard output: {error.strerror or error}")
    except Ended as ended:
        return ended.status
    return 0


def _fail(message: str) -> int:
    """Say what is wrong in one line, whatever names stand in it."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: repr(found[0])[1:-1], message)
    try:
        sys.stdout.flush()  # what was printed before
    except OSError:
        _forget_output()
    with suppress(OSError):
        print(f"gumbel_fast: error: {line}", file=sys.stderr)
    return _ERROR


def _forget_output() -> None:
    """Have Python drop what it could not print; it would try once more at exit, and complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gumbel_fast",
        description="Exact draws from logits. Without a command: a short tour, with times on this machine.",
    )
    parser.add_argument("--version", action="version", version=f"gumbel_fast {__version__}")
    parser.set_defaults(run=_tour)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    sample = commands.add_parser(
        "sample",
        help="draw category indices from a .npy file of logits",
        description="Draw category indices from the softmax of logits. With --seed S the draws are those of "
        "gumbel_fast.categorical(logits, rng=S), and with -n N those of categorical(logits, num_samples=N, rng=S). The "
        "file is read piece by piece, so it may be larger than memory: what is held is some 16 million numbers, or one "
        "row if that is more. An axis that is not the last is slower to read.",
    )
    sample.add_argument("logits", type=Path, metavar="LOGITS.npy", help="unnormalised log-probabilities, in nats")
    sample.add_argument("-n", type=int, metavar="N", help="draws from each row, up to 2**32 (default: one)")
    sample.add_argument("--temperature", type=float, default=1.0, metavar="T", help="divides the logits (default: 1)")
    sample.add_argument("--seed", type=int, metavar="S", help="makes the draws repeatable")
    sample.add_argument("--axis", type=int, default=-1, metavar="A", help="axis of the categories (default: the last)")
    sample.add_argument(
        "-o",
        type=Path,
        dest="out",
        metavar="OUT.npy",
        help="write int64 indices there, in the shape of the batch with N as its last axis; the file appears, or is "
        "replaced, when it is whole. By default they are printed, a line for each row",
    )
    sample.set_defaults(run=_sample)
    return parser


def _tour(_: argparse.Namespace) -> None:
    from .tour import tour  # imported when run: a command does not wait for what another needs

    tour()


def _sample(options: argparse.Namespace) -> None:
    from .sample import sample

    sample(
        options.logits,
        count=options.n,
        temperature=options.temperature,
        seed=options.seed,
        axis=options.axis,
        out=options.out,
    )
