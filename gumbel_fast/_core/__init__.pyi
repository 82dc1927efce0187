from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from typing_extensions import disjoint_base

_Float64 = NDArray[np.float64]
_Int64 = NDArray[np.int64]
_Function = TypeVar("_Function", bound=Callable[..., Any])

# target
STREAM_VERSION: int
MAX_COLUMNS: int
SHORT_ROW: int
BOUNDS: dict[str, float]

def compiler() -> str: ...
def compiled_targets() -> tuple[str, ...]: ...
def usable_targets() -> tuple[str, ...]: ...
def simd_target() -> str: ...
def use_target(name: str) -> None: ...
def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]: ...

# request
@disjoint_base
class Request:
    inputs: tuple[NDArray[Any], ...]
    rows: NDArray[Any]
    temperature: _Float64
    other: NDArray[Any] | None
    batch: tuple[int, ...]
    columns: int
    count: int

    def __init__(
        self,
        inputs: tuple[NDArray[Any], ...],
        rows: NDArray[Any],
        temperature: _Float64,
        key: int = 0,
        row: int = 0,
        column: int = 0,
        other: NDArray[Any] | None = None,
    ) -> None: ...
    def into(
        self,
        index: _Int64 | None = None,
        value: _Float64 | None = None,
        out: NDArray[Any] | None = None,
        hard: bool = False,
    ) -> Self: ...
    def shard(self, row: int, start: int, stop: int) -> Self: ...

def refuse(row: int, what: str = ...) -> None: ...

# samplers
CHECK: int
INVERSE_CDF: int
REJECTION: int
ALIAS: int
REJECTION_DISTINCT: int
GUMBEL_MAX: int
GUMBEL_MAX_GIVEN: int
GUMBEL_TOP_K: int

def draw_seed(bit_generator: np.random.BitGenerator) -> tuple[int, int]: ...
def draw(request: Request, method: int, start: int, stop: int) -> None: ...
def try_draw(request: Request, method: int) -> tuple[bool, bool]: ...

@disjoint_base
class RepeatedRow:
    def __new__(cls, request: Request, method: int, row: int) -> Self: ...
    def draw(self, start: int, stop: int, first: int = 0) -> None: ...

def fast_categorical(general: _Function) -> _Function: ...
def fast_gumbel_max(general: _Function) -> _Function: ...

# relaxations
SOFTMAX: int
LOG_SOFTMAX: int
LOGSUMEXP: int
SOFTMAX_VJP: int

def relax(request: Request, function: int, start: int, stop: int) -> None: ...
def gumbel_softmax(request: Request, start: int, stop: int) -> None: ...
def gumbel(
    out: NDArray[Any], key: int, row: int, column: int, loc: float, scale: float, start: int, stop: int
) -> None: ...
def noise_from_words(high: NDArray[np.uint32], low: NDArray[np.uint32], dtype: DTypeLike) -> NDArray[Any]: ...

# distribution
PDF: int
LOGPDF: int
CDF: int
LOGCDF: int
SF: int
LOGSF: int
PPF: int
ISF: int

def distribution(function: int, x: _Float64, loc: _Float64, scale: _Float64, out: _Float64) -> None: ...
def distribution_scalar(function: int, x: object, loc: object, scale: object) -> np.float64 | None: ...
