"""Files of numbers larger than memory, read piece by piece; nothing is drawn here, and no file is written.

npy.py      a .npy file: any box of its array, by positional reads
parquet.py  one column of a Parquet file, by row groups or in smaller pieces; needs pyarrow, the extra `parquet`

The command line and gumbel_fast.dask read through these.
"""

from __future__ import annotations

import os

Stamp = tuple[int, int, int]  #: what tells an open file from what it was before


class FileError(ValueError):
    """What is wrong with a file, in one line that begins with its path."""


def stamp_of(descriptor: int) -> Stamp:
    """Return which file is open, its size, and when it was written to last."""
    status = os.fstat(descriptor)
    return status.st_ino, status.st_size, status.st_mtime_ns
