"""A file of input that is closed and opened again, and is not to change meanwhile. What it holds stands elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from . import FileError

Stamp = tuple[int, int, int]  #: what tells an open file from what it was before


class InputFile:
    """A file that is open until `close`, and a context manager that opens it again if it is closed, and closes it."""

    path: Path
    _file: Any  # open: with fileno(), closed and close()
    _stamp: Stamp  # when it was opened first

    def _open(self) -> None:
        """Open the file, as `_file`."""
        raise NotImplementedError

    def _open_first(self) -> None:
        self._open()
        self._stamp = self._stamp_now()

    def _stamp_now(self) -> Stamp:
        """Return which file is open, its size, and when it was written to last."""
        status = os.fstat(self._file.fileno())
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _check_stamp(self) -> None:
        if self._stamp_now() != self._stamp:
            raise FileError(f"{self.path} was changed while it was read")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        if self._file.closed:
            self._open()
            try:
                self._check_stamp()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
