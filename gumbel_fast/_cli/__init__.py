"""The command line: `python -m gumbel_fast`.

__init__.py     arguments, and what an error or an interruption gives
tour.py         the command without arguments: what it runs on, the article's experiment, a table of times
article.py      the article's experiment, computed
chi_square.py   the p-value that the experiment is judged by
times.py        times of a few calls beside NumPy's
processor.py    the processor's name
sample.py       the command `sample`: draws from files of logits or weights
inputs.py       those files, as one long row or as a batch
long_row.py     columns of files, one behind the other, as one row
batch.py        arrays of files as a batch of rows
numbers.py      the dtype they are drawn from in, and which numbers nothing can be drawn from
temporary.py    numbers that memory need not hold
draws.py        drawing piece by piece, with the numbers of one whole call
ids.py          ids that stand for indices
output.py       where draws go: lines of text, or a .npy or Parquet file
progress.py     a progress bar on a terminal
errors.py       the error that a user gets as one line
escapes.py      text that stays on its line
signals.py      signals that end a process, as exceptions

Nothing here is imported by `import gumbel_fast`.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from .errors import CommandError
from .escapes import escaped
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
    with _written_whole():
        return _main(arguments)


@contextmanager
def _written_whole() -> Iterator[None]:
    """Put a buffer behind a standard output that has none (``python -u``).

    Python takes no notice there of a write of which the system has taken a part, as a disk that is nearly full does.
    """
    stream = sys.stdout
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        yield
        return
    buffer = io.BufferedWriter(raw)
    sys.stdout = io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=True)
    try:
        yield
    finally:
        sys.stdout.detach()
        sys.stdout = stream
        with suppress(OSError):  # what there is to say of it was said
            buffer.detach()


def _main(arguments: Sequence[str] | None) -> int:
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
    try:
        sys.stdout.flush()  # what was printed before
    except OSError:
        _forget_output()
    with suppress(OSError):
        print(f"gumbel_fast: error: {escaped(message)}", file=sys.stderr)
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
    _add_sample(commands)
    return parser


def _add_sample(commands: Any) -> None:
    parser = commands.add_parser(
        "sample",
        help="draw category indices from files of logits or weights",
        usage="gumbel_fast sample FILE ... [-n N | -k K --without-replacement] [options]",
        description="Draw category indices from the softmax of logits, or in proportion to weights. With --seed S the "
        "draws are those of gumbel_fast.categorical(x, rng=S), with -n N of categorical(x, num_samples=N, rng=S), and "
        "with -k K of gumbel_top_k(x, K, rng=S), which draws without replacement, or where there are filters of "
        "categorical(x, num_samples=K, replace=False, rng=S).",
        epilog="Files are read piece by piece, so they may be larger than memory, and opened in turn, so there may be "
        "thousands. -k holds little more than the draws. "
        "Other draws from one row of more than 16 million numbers go by a temporary file, in the folder that TMPDIR "
        "names, else beside OUT. A .npy array whose axis A is not the last is slower to read.",
    )
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="logits in nats: .npy files, or Parquet files (for these, pip install 'gumbel_fast[parquet]'). Columns of "
        "Parquet files and .npy arrays of one axis are together one long row, in the order given, and indices count on "
        "from file to file. .npy arrays of more axes are batches of rows, joined along the first axis of the batch "
        "(the first that is not A)",
    )
    numbers = parser.add_argument_group("what the files hold")
    numbers.add_argument(
        "--weights",
        action="store_true",
        help="weights, 0 or more, in place of logits: a category has probability w**(1/T) over their sum. Weights of 0 "
        "and nulls (of weights or logits) are never drawn",
    )
    numbers.add_argument("--column", metavar="NAME", help="column of Parquet files (default: the only one of numbers)")
    numbers.add_argument("--axis", type=int, default=-1, metavar="A", help="axis of the categories (default: the last)")
    draws = parser.add_argument_group("what is drawn from each row")
    count = draws.add_mutually_exclusive_group()
    count.add_argument("-n", type=int, metavar="N", help="so many draws, up to 2**32 (default: one)")
    count.add_argument("-k", type=int, metavar="K", help="so many without replacement, in the order drawn")
    draws.add_argument("--without-replacement", action="store_true", help="goes with -k")
    draws.add_argument("--temperature", type=float, default=1.0, metavar="T", help="divides the logits (default: 1)")
    draws.add_argument("--top-k", type=int, metavar="N", help="draw only from the N most likely categories")
    draws.add_argument("--top-p", type=float, metavar="P", help="of these, from as few as have the probability P")
    draws.add_argument("--min-p", type=float, metavar="P", help="of these, from those P times as likely as the first")
    draws.add_argument("--seed", type=int, metavar="S", help="makes the draws repeatable")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--id",
        metavar="NAME",
        help="in place of the index, give the value of that column of the Parquet files, a line each. In strings "
        r"that are printed \n stands for a line feed, \\ for a backslash, and so on for other control characters. A "
        "drawn row whose id is null is an error, but null in OUT.parquet",
    )
    output.add_argument(
        "-o",
        type=Path,
        dest="out",
        metavar="OUT",
        help="write to OUT.npy: int64 indices (ids, if they are numbers, in their own type) in the shape of the batch "
        "with N or K as its last axis; or to OUT.parquet: columns index (of a batch: row and index) and NAME. The file "
        "appears, or is replaced, when it is whole. By default indices are printed, a line for each row, as they come",
    )
    output.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="W",
        help="most threads to use; -1 is one for each CPU (default: 1). The draws are the same for every number",
    )
    parser.set_defaults(run=_sample)


def _tour(_: argparse.Namespace) -> None:
    from .tour import tour  # imported when run: a command does not wait for what another needs

    tour()


def _sample(options: argparse.Namespace) -> None:
    from .sample import Options, sample

    sample(Options(**{name: value for name, value in vars(options).items() if name != "run"}))
