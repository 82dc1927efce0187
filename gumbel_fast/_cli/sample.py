"""The command `sample`: draws from files of logits or weights, larger than memory if need be, to lines or a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._rng import SeedPair, draw_seed
from .._sampling import MOST_SAMPLES
from .._threads import as_workers
from .batch import Batch
from .draws import Wish, draw_by_pieces, draw_from_batch, refusal_of_row
from .errors import CommandError
from .ids import Ids
from .inputs import found
from .long_row import LongRow
from .output import Lines, Output, folder_of, is_same_file, is_special, npy_file, parquet_file
from .progress import progress
from .signals import check

_IDS = 1 << 22  # ids that are looked up at once: each time, the row groups that hold them are read


@dataclass(frozen=True)
class Options:
    """What the user gave, as it stands on the command line."""

    files: list[Path]
    weights: bool
    column: str | None
    id: str | None
    n: int | None
    k: int | None
    without_replacement: bool
    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    seed: int | None
    axis: int
    workers: int
    out: Path | None


def sample(options: Options) -> None:
    """Draw from each row of the files.

    Raises
    ------
    CommandError
        For whatever is wrong with a file, an option or the output.
    """
    wish = _wish(options)
    what = "weights" if options.weights else "logits"
    for path in options.files:
        if options.out is not None and is_same_file(options.out, path):
            raise CommandError(f"argument -o: {options.out} is the file of {what}")
    if options.out is not None and options.out.suffix not in (".npy", ".parquet") and not is_special(options.out):
        raise CommandError(f"argument -o: {options.out} does not end in .npy or .parquet")
    # A bar among the printed indices would spoil both, and they show themselves how far it has come.
    shown = sys.stderr.isatty() and not (options.out is None and sys.stdout.isatty())
    rows, ids = found(
        options.files,
        column=options.column,
        id_column=options.id,
        axis=options.axis,
        null=0.0 if options.weights else -np.inf,
        folder=folder_of(options.out),
    )
    with _destination(options.out, rows, ids, wish) as output:
        pieces = _from_batch(rows, wish, shown) if isinstance(rows, Batch) else _from_row(rows, wish, shown)
        for indices in pieces if ids is None else _grouped(pieces):
            check()
            output.write(indices, None if ids is None else ids.of(indices, null=_is_table(options.out)))
        check()


def _wish(options: Options) -> Wish:
    if options.n is not None and not 0 <= options.n <= MOST_SAMPLES:
        raise CommandError(f"argument -n: {options.n} is not 0 to 2**32")
    if options.k is not None and options.k < 0:
        raise CommandError(f"argument -k: {options.k} is negative")
    if options.k is not None and not options.without_replacement:
        raise CommandError("argument -k: give --without-replacement too; -n draws with replacement")
    if options.k is None and options.without_replacement:
        raise CommandError("argument --without-replacement: give -k too, the number of draws")
    if options.seed is not None and options.seed < 0:
        raise CommandError(f"argument --seed: {options.seed} is negative")
    for name, number, most in (
        ("--temperature", options.temperature, np.inf),
        ("--top-k", options.top_k, np.inf),
        ("--top-p", options.top_p, np.inf),
        ("--min-p", options.min_p, 1.0),
    ):
        if number is not None and not 0 <= number <= most:
            raise CommandError(f"argument {name}: {number} is not {'0 or more' if most > 1 else '0 to 1'}")
    try:
        workers = as_workers(options.workers)
    except ValueError as error:
        raise CommandError(f"argument --workers: {error}") from error
    return Wish(
        options.n if options.k is None else options.k,
        options.k is None,
        options.weights,
        options.temperature,
        options.top_k,
        options.top_p,
        options.min_p,
        SeedPair(*draw_seed(np.random.SeedSequence(options.seed))),
        workers,
    )


def _is_table(out: Path | None) -> bool:
    return out is not None and out.suffix == ".parquet"


def _destination(
    out: Path | None, rows: LongRow | Batch, ids: Ids | None, wish: Wish
) -> AbstractContextManager[Output]:
    if out is None:
        return nullcontext(Lines(sys.stdout, wish.each))
    batch = rows.shape if isinstance(rows, Batch) else ()
    if not _is_table(out):
        shape = batch if wish.count is None else (*batch, wish.count)
        return npy_file(out, shape, np.dtype(np.int64) if ids is None else ids.dtype(out))
    if ids is not None and ids.name == "index":
        raise CommandError(f"argument --id: {out} has a column 'index' for the rows that are drawn already")
    return parquet_file(out, None if ids is None else ids.field, wish.each if isinstance(rows, Batch) else None)


def _from_batch(batch: Batch, wish: Wish, shown: bool) -> Iterator[NDArray[np.int64]]:
    with progress(prod(batch.shape) * wish.each, "draws", shown=shown) as advance:
        for indices in draw_from_batch(batch, wish):
            yield indices
            advance(indices.size)


def _from_row(row: LongRow, wish: Wish, shown: bool) -> Iterator[NDArray[np.int64]]:
    if wish.each == 0:
        return
    with progress(row.size, "rows", shown=shown) as advance:
        if wish.by_pieces:
            yield draw_by_pieces(row, wish, advance)
            return
        numbers = row.whole(advance)
    with progress(wish.each, "draws", shown=shown) as advance:
        try:
            for indices in wish.draw(numbers, 0):
                yield indices
                advance(indices.size)
        except ValueError as error:
            raise CommandError(refusal_of_row(row, wish, error)) from error


def _grouped(pieces: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    """Yield pieces that are brought together to `_IDS`, or little more."""
    held: list[NDArray[np.int64]] = []
    for piece in pieces:
        held.append(piece.reshape(-1))
        if sum(each.size for each in held) >= _IDS:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)
