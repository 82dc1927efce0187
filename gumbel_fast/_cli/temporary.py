"""Numbers that memory need not hold: written to a file without a name, and mapped from there."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import errors_of


def mapped(pieces: Iterable[NDArray[Any]], dtype: np.dtype[Any], folder: Path | None) -> NDArray[Any]:
    """Return what pieces come to side by side, read-only, in a temporary file that goes with the array.

    It is in the folder that the environment names, as TMPDIR; else in `folder`; else where Python has such files.

    Raises
    ------
    CommandError
        If it cannot be written, such as on a full disk.
    """
    named = any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    where = tempfile.gettempdir() if named or folder is None else os.fspath(folder)
    name = f"a temporary file in {where}"
    with errors_of(name):
        file = tempfile.TemporaryFile(dir=where)  # noqa: SIM115  (closed below)
    with file:
        for piece in pieces:
            with errors_of(name):  # written and not mapped, for a full disk ends a process that writes to its mapping
                file.write(np.ascontiguousarray(piece, dtype).data)
        with errors_of(name):
            file.flush()
            if not file.tell():
                return np.empty(0, dtype)
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype)
