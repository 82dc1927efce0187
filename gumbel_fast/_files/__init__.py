"""Files of numbers larger than memory, read piece by piece; nothing is drawn here, and no file is written.

npy.py         a .npy file: any box of its array, by positional reads
parquet.py     one column of a Parquet file, by row groups or in smaller pieces; needs pyarrow, the extra `parquet`
input_file.py  what both have in common: a file that is opened again, and is not to change meanwhile

The command line and gumbel_fast.dask read through these.
"""

from __future__ import annotations


class FileError(ValueError):
    """What is wrong with a file, in one line that begins with its path."""
