from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

@disjoint_base
class Tile:
    def __new__(
        cls, array: NDArray[Any], dtype: np.dtype[Any], count: int, tile: NDArray[Any] | None = None
    ) -> Self: ...

@disjoint_base
class Request:
    inputs: tuple[NDArray[Any], ...]
    rows: NDArray[Any]
    compute_type: np.dtype[Any]
    temperature: NDArray[np.float64]
    other: NDArray[Any] | None
    mask: NDArray[Any] | None
    offsets: NDArray[np.int64] | None
    filters: tuple[NDArray[np.float64] | None, ...] | None
    streams: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None
    allow_fewer: bool
    weights: bool
    floor: NDArray[np.float64] | None
    batch: tuple[int, ...]
    columns: int
    count: int

    def __init__(
        self,
        inputs: tuple[NDArray[Any], ...],
        rows: NDArray[Any],
        temperature: NDArray[np.float64],
        key: int = 0,
        row: int = 0,
        column: int = 0,
        other: NDArray[Any] | None = None,
        read_as: np.dtype[Any] | None = None,
        mask: NDArray[Any] | None = None,
        filters: tuple[NDArray[np.float64] | None, ...] | None = None,
        streams: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None = None,
        allow_fewer: bool = False,
        offsets: NDArray[np.int64] | None = None,
        longest: int = 0,
        floor: NDArray[np.float64] | None = None,
        weights: bool = False,
    ) -> None: ...
    def into(
        self,
        index: NDArray[np.int64] | None = None,
        value: NDArray[np.float64] | None = None,
        out: NDArray[Any] | None = None,
        each: NDArray[Any] | None = None,
        entropy: NDArray[Any] | None = None,
        form: int = ...,
        one_hot: NDArray[Any] | None = None,
    ) -> Self: ...
    def shard(self, row: int, start: int, stop: int, allow_fewer: bool = False, floor: float = ...) -> Self: ...

def read_offsets(indptr: NDArray[Any], size: int) -> tuple[NDArray[np.int64], int, int]: ...
def refuse(request: Request, row: int, found: int, wanted: int = 1) -> None: ...
