"""The command `sample`: draws from a file of logits, larger than memory if need be, to lines of text or a .npy file."""

from __future__ import annotations

import math
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from .draws import draw
from .errors import CommandError
from .logits_file import open_logits
from .output import Lines, Output, npy_file
from .progress import progress


def sample(path: Path, *, count: int | None, temperature: float, seed: int | None, axis: int, out: Path | None) -> None:
    """Draw from each row of a file's logits.

    `count=None` makes one draw a row, in the shape of the batch; a number adds an axis of that length.

    Raises
    ------
    CommandError
        For whatever is wrong with the file or an argument.
    """
    if count is not None and count < 0:
        raise CommandError(f"argument -n: {count} is negative")
    if seed is not None and seed < 0:
        raise CommandError(f"argument --seed: {seed} is negative")
    if not temperature >= 0:
        raise CommandError(f"argument --temperature: {temperature} is not zero or more")
    logits = open_logits(path)
    if logits.ndim == 0:
        raise CommandError(f"{path} holds a single number, not an array of logits")
    if not -logits.ndim <= axis < logits.ndim:
        raise CommandError(f"argument --axis: there is no axis {axis} in an array of shape {logits.shape}")
    rows = np.moveaxis(logits, axis, -1)
    if rows.shape[-1] == 0:
        raise CommandError(f"{path}: no categories in an array of shape {logits.shape}")
    batch = rows.shape[:-1]
    shape = batch if count is None else (*batch, count)
    each = 1 if count is None else count
    destination: AbstractContextManager[Output]
    if out is None:
        destination = nullcontext(Lines(sys.stdout, each))
    elif out.exists() and out.samefile(path):
        raise CommandError(f"argument -o: {out} is the file of logits")
    else:
        destination = npy_file(out, shape)
    # A bar among the printed indices would spoil both, and they show themselves how far it has come.
    shown = sys.stderr.isatty() and not (out is None and sys.stdout.isatty())
    try:
        with destination as output, progress(math.prod(batch) * each, shown=shown) as advance:
            for indices in draw(rows, count=each, temperature=temperature, seed=seed):
                output.write(indices)
                advance(indices.size)
    except (TypeError, ValueError) as error:
        raise CommandError(f"{path}: {error}") from error
