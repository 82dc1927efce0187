"""The command `sample`: draws from a file of logits, larger than memory if need be, to lines of text or a .npy file."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from math import prod
from pathlib import Path

from .._sampling import MOST_SAMPLES
from .draws import draw
from .errors import CommandError
from .logits_file import LogitsFile
from .output import Lines, Output, is_same_file, npy_file
from .progress import progress
from .signals import check


def sample(path: Path, *, count: int | None, temperature: float, seed: int | None, axis: int, out: Path | None) -> None:
    """Draw from each row of a file's logits.

    `count=None` makes one draw a row, in the shape of the batch; a number adds an axis of that length.

    Raises
    ------
    CommandError
        For whatever is wrong with the file, an argument or the output.
    """
    if count is not None and not 0 <= count <= MOST_SAMPLES:
        raise CommandError(f"argument -n: {count} is not 0 to 2**32")
    if seed is not None and seed < 0:
        raise CommandError(f"argument --seed: {seed} is negative")
    if not temperature >= 0:
        raise CommandError(f"argument --temperature: {temperature} is not zero or more")
    with LogitsFile(path, axis) as logits:
        each = 1 if count is None else count
        destination: AbstractContextManager[Output]
        if out is None:
            destination = nullcontext(Lines(sys.stdout, each))
        elif is_same_file(out, path):
            raise CommandError(f"argument -o: {out} is the file of logits")
        else:
            destination = npy_file(out, logits.batch if count is None else (*logits.batch, count))
        # A bar among the printed indices would spoil both, and they show themselves how far it has come.
        shown = sys.stderr.isatty() and not (out is None and sys.stdout.isatty())
        try:
            with destination as output, progress(prod(logits.batch) * each, shown=shown) as advance:
                for indices in draw(logits, count=count, temperature=temperature, seed=seed):
                    check()
                    output.write(indices)
                    advance(indices.size)
                check()
        except (TypeError, ValueError) as error:
            raise CommandError(f"{path}: {error}") from error
