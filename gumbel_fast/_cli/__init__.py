"""The command line: `python -m gumbel_fast`.

__init__.py     arguments, and what an error or an interruption gives
tour.py         the command without arguments: what it runs on, the article's experiment, a table of times
article.py      the article's experiment, computed
chi_square.py   the p-value that the experiment is judged by
times.py        times of a few calls beside NumPy's
processor.py    the processor's name
sample.py       the command `sample`: draws from a file of logits
logits_file.py  opening that file, with an error that a user understands
draws.py        drawing piece by piece, with the numbers of one whole call
output.py       where draws go: lines of text, or a .npy file
progress.py     a progress bar on a terminal

Nothing here is imported by `import gumbel_fast`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .. import __version__
from .errors import CommandError

_USAGE_ERROR = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_BROKEN_PIPE = 141  # 128 + SIGPIPE


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like the other errors of the command."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (--help tells more)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 2 after one line on standard error."""
    try:
        options = _parser().parse_args(arguments)
        options.run(options)
        sys.stdout.flush()
    except CommandError as error:
        print(f"gumbel_fast: error: {error}", file=sys.stderr)
        return _USAGE_ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has gone. Python would flush standard output once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return 0


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
        description="Draw category indices from the softmax of logits. The file is read where it lies, so it may be "
        "larger than memory. With --seed, the draws are those of gumbel_fast.categorical(logits, rng=SEED).",
    )
    sample.add_argument("logits", type=Path, metavar="LOGITS.npy", help="unnormalised log-probabilities, in nats")
    sample.add_argument("-n", type=int, metavar="N", help="draws from each row (default: one)")
    sample.add_argument("--temperature", type=float, default=1.0, metavar="T", help="divides the logits (default: 1)")
    sample.add_argument("--seed", type=int, metavar="S", help="makes the draws repeatable")
    sample.add_argument("--axis", type=int, default=-1, metavar="A", help="axis of the categories (default: the last)")
    sample.add_argument(
        "-o",
        type=Path,
        dest="out",
        metavar="OUT.npy",
        help="write int64 indices there, in the shape of the batch; otherwise they are printed, a line for each row",
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
