"""Opening a .npy file of logits without reading it, with an error that a user understands. No drawing lives here."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .errors import CommandError

_KINDS = "fiu"  # of dtypes: floats, integers, unsigned integers


def open_logits(path: Path) -> NDArray[Any]:
    """Map a .npy file of real numbers into memory, read-only.

    Raises
    ------
    CommandError
        If it is missing or unreadable, is no whole .npy file, or holds no real numbers.
    """
    try:
        with path.open("rb") as file:
            shape, fortran_order, dtype = _read_header(file)
            if dtype.kind not in _KINDS:
                what = "Python objects" if dtype.hasobject else dtype
                raise CommandError(f"holds {what}, not real numbers")
            start, size = file.tell(), os.fstat(file.fileno()).st_size
            end = start + math.prod(shape) * dtype.itemsize
            if size < end:
                raise CommandError(f"is truncated: {size:,} bytes of {end:,}")
        order: Literal["C", "F"] = "F" if fortran_order else "C"
        return np.memmap(path, dtype, "r", offset=start, shape=shape, order=order).view(np.ndarray)
    except CommandError as error:
        raise CommandError(f"{path} {error}") from None
    except (ValueError, OverflowError) as error:  # more or longer axes than an array can have
        raise CommandError(f"{path} has a damaged header") from error
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from error


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = npy.read_magic(file)
    except ValueError:
        raise CommandError("is not a .npy file") from None
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:  # version 3.0 is for names of fields, which logits have not
        raise CommandError(f"is a .npy file of version {version[0]}.{version[1]}, which is not read here")
    try:
        shape, fortran_order, dtype = readers[version](file)
    except OSError:
        raise
    except Exception as error:  # a damaged header fails in whatever way the parsing of its text does
        raise CommandError("has a damaged header") from error
    if min(shape, default=0) < 0:
        raise CommandError("has a damaged header")
    return shape, fortran_order, dtype
