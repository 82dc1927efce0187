"""Dask arrays of files: .npy, zarr and Parquet. A task reads its chunk, and no more of a file is in memory.

What is in a file is read by _files; `dask.array.from_array` of a mapped .npy file, which is the usual way, hashes the
whole file when it is called and counts its pages as the process's memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from .._files import FileError
from .._files.npy import NpyFile
from .._files.parquet import ParquetColumn
from ._blocks import Chunks, Reader, blocks
from ._layers import Layer

if TYPE_CHECKING:
    import zarr

_BYTES = 1 << 24  # of a chunk by default: a thread's chunk, and what it becomes, stay in its share of the cache or near
_ROWS = 1 << 22  # of a chunk of small row groups

# Files of each kind that a process keeps open: to parse a header takes as long as to read 100 KB, or longer. Windows
# lets nobody delete a file that is open.
_OPEN = 8 if os.name == "posix" else 0

Source = str | os.PathLike[str]
Stamp = tuple[int, int]  # when a file was changed last, and its size


def from_npy(path: Source | Sequence[Source], *, chunks: Any = "auto") -> da.Array:
    """Return the array of a .npy file as a lazy Dask array that reads its chunks by their places in the file.

    Parameters
    ----------
    path : str or path-like, or a sequence of them
        Several files are joined along the first axis, in the widest of their dtypes: float32 logits beside float64 ones
        get the noise of float64. A pattern such as ``*.npy`` is not expanded.
    chunks : int, tuple or str, default 'auto'
        As for `dask.array.from_array`; of each file. By default chunks of some 16 MiB that lie in one piece, so that
        rows are whole where they are not longer.

    Returns
    -------
    dask.array.Array of real numbers
        Of the file's shape and dtype.

    Raises
    ------
    ValueError
        If a file is no whole .npy file of real numbers, or its chunks do not fit. When chunks are computed: if it was
        changed or cut short meanwhile.
    OSError
        If a file cannot be opened or read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import gumbel_fast
    >>> import gumbel_fast.dask as gfd
    >>> logits = np.random.default_rng(1).normal(size=100_000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "logits.npy")
    ...     np.save(path, logits)
    ...     index = gfd.gumbel_top_k(gfd.from_npy(path, chunks=30_000), 5, rng=7).compute()
    >>> bool((index == gumbel_fast.gumbel_top_k(logits, 5, rng=7)).all())
    True
    """
    paths = _paths(path)
    arrays = [_of_npy(one, chunks) for one in paths]
    first = arrays[0]
    for one, array in zip(paths[1:], arrays[1:], strict=True):
        if not array.ndim or array.ndim != first.ndim or array.shape[1:] != first.shape[1:]:
            raise FileError(f"{one}: an array of shape {array.shape} cannot follow one of shape {first.shape}")
    return arrays[0] if len(arrays) == 1 else da.concatenate(arrays)


def from_zarr(url: Any, component: str | None = None, *, chunks: Any = "auto") -> da.Array:
    """Return a zarr array as a lazy Dask array, in chunks that are whole stored chunks; wants zarr.

    Parameters
    ----------
    url : str, path-like, store or zarr.Array
        Where it is.
    component : str, optional
        The array's path within it.
    chunks : int, tuple or str, default 'auto'
        As for `dask.array.from_zarr`; by default several stored chunks along the last axes, of some 16 MiB together.

    Returns
    -------
    dask.array.Array of real numbers
        Of the shape and dtype that are stored.

    Raises
    ------
    ImportError
        If zarr is not installed.

    Examples
    --------
    >>> import pytest
    >>> zarr = pytest.importorskip("zarr")
    >>> import numpy as np
    >>> import gumbel_fast.dask as gfd
    >>> stored = zarr.create_array({}, data=np.zeros(10_000), chunks=(1000,))
    >>> gfd.from_zarr(stored, chunks=5000).numblocks
    (2,)
    """
    import zarr

    array = url if isinstance(url, zarr.Array) else zarr.open_array(url, path=component, mode="r")
    if isinstance(chunks, str) and chunks == "auto":
        chunks = _whole_multiples(array)
    return da.from_zarr(array, chunks=chunks)


def from_parquet(path: Source | Sequence[Source], column: str | None = None, *, null: float = np.nan) -> da.Array:
    """Return a column of Parquet files as a lazy Dask array of one axis; wants pyarrow, the extra ``parquet``.

    Parameters
    ----------
    path : str or path-like, or a sequence of them
        Several files are joined in their order.
    column : str, optional
        Its name; may be left out where a file has one column of numbers.
    null : float, default nan
        Stands for nulls: 0 for weights or -inf for logits leaves them out of draws. NaN, the default, is refused by the
        samplers.

    Returns
    -------
    dask.array.Array of float16, float32 or float64
        Of shape (rows,). A chunk is a row group, or several small ones. Integers, decimals and booleans become float64.

    Raises
    ------
    ValueError
        If a file is no Parquet file, or the column is not there or not of numbers.
    ImportError
        If pyarrow is not installed.
    OSError
        If a file cannot be opened or read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import pytest
    >>> pyarrow = pytest.importorskip("pyarrow")
    >>> import pyarrow.parquet
    >>> import gumbel_fast
    >>> import gumbel_fast.dask as gfd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pool.parquet")
    ...     table = pyarrow.table({"id": ["a", "b", "c", "d"], "weight": [0.5, None, 2.0, 1.0]})
    ...     pyarrow.parquet.write_table(table, path, row_group_size=2)
    ...     weights = gfd.from_parquet(path, "weight", null=0)
    ...     index = gfd.gumbel_top_k(weights=weights, k=2, rng=7).compute()
    >>> bool((index == gumbel_fast.gumbel_top_k(weights=[0.5, 0, 2, 1], k=2, rng=7)).all())
    True
    """
    arrays = [_of_parquet(one, column, float(null)) for one in _paths(path)]
    return arrays[0] if len(arrays) == 1 else da.concatenate(arrays)


def _paths(path: Source | Sequence[Source]) -> list[Path]:
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    if not paths:
        raise ValueError("path: there are no files")
    return [Path(one).absolute() for one in paths]  # a worker may stand in another folder


def _stamp(path: Path) -> Stamp:
    """Return what tells a file from what it was before, on any machine that sees it: no number of an inode."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _unchanged(path: Path, stamp: Stamp) -> Stamp:
    """Return the stamp of a file; FileError where it is no more that which its array was made of."""
    if _stamp(path) != stamp:
        raise FileError(f"{path} was changed since its array was made")
    return stamp


def _of_npy(path: Path, chunks: Any) -> da.Array:
    stamp = _stamp(path)
    file = _opened_npy(path, stamp)
    if isinstance(chunks, str) and chunks == "auto":
        chunks = _in_one_piece(file.shape, file.dtype.itemsize, file.fortran_order)
    cut: Chunks = da.core.normalize_chunks(chunks, file.shape, dtype=file.dtype)
    layer = Layer("npy", [], os.fspath(path), stamp, cut)
    for place, part in blocks(cut):
        ranges = tuple(range(each.start, each.stop) for each in part)
        layer.tasks[(layer.name, *place)] = (_NpyBlock(path, stamp, ranges),)
    return layer.array(cut, file.dtype)


@dataclass(frozen=True)
class _NpyBlock(Reader):
    """A box of a .npy file."""

    path: Path
    stamp: Stamp
    ranges: tuple[range, ...]

    def __call__(self) -> NDArray[Any]:
        return _opened_npy(self.path, _unchanged(self.path, self.stamp)).read(self.ranges)


@lru_cache(maxsize=_OPEN)
def _opened_npy(path: Path, stamp: Stamp) -> NpyFile:
    return NpyFile(path)


def _in_one_piece(shape: tuple[int, ...], itemsize: int, fortran_order: bool) -> tuple[int, ...]:
    """Return the lengths of chunks that lie in one piece and have about `_BYTES`."""
    lengths, left = [], max(1, _BYTES // itemsize)
    for length in shape if fortran_order else reversed(shape):
        lengths.append(max(1, min(length, left)))
        left //= max(length, 1)
    return tuple(lengths if fortran_order else reversed(lengths))


def _whole_multiples(array: zarr.Array[Any]) -> tuple[int, ...]:
    """Return the lengths of chunks of whole stored ones, as many along the last axes as have about `_BYTES`."""
    stored = array.shards or array.chunks
    left = max(1, _BYTES // (prod(stored) * array.dtype.itemsize))
    lengths = []
    for length, step in zip(reversed(array.shape), reversed(stored), strict=True):
        there = max(1, -(-length // step))
        lengths.append(min(there, left) * step)
        left = max(1, left // there)
    return tuple(reversed(lengths))


def _of_parquet(path: Path, column: str | None, null: float) -> da.Array:
    stamp = _stamp(path)
    file = _opened_column(path, column, stamp)
    groups: list[list[int]] = []
    rows = 0
    for group, count in enumerate(file.groups):
        if not groups or rows + count > _ROWS:
            groups.append([])
            rows = 0
        groups[-1].append(group)
        rows += count
    cut: Chunks = (tuple(sum(file.groups[group] for group in some) for some in groups) or (0,),)
    layer = Layer("parquet", [], os.fspath(path), stamp, file.name, repr(null))
    for number, some in enumerate(groups or [[]]):
        layer.tasks[(layer.name, number)] = (_ParquetBlock(path, file.name, stamp, tuple(some), null),)
    return layer.array(cut, file.dtype)


@dataclass(frozen=True)
class _ParquetBlock(Reader):
    """Some row groups of a column."""

    path: Path
    column: str
    stamp: Stamp
    groups: tuple[int, ...]
    null: float

    def __call__(self) -> NDArray[Any]:
        file = _opened_column(self.path, self.column, _unchanged(self.path, self.stamp))
        parts = [file.read(group, self.null) for group in self.groups]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, file.dtype), *parts])


@lru_cache(maxsize=_OPEN)
def _opened_column(path: Path, column: str | None, stamp: Stamp) -> ParquetColumn:
    return ParquetColumn(path, column)
