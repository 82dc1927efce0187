from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from typing_extensions import disjoint_base

_Float64 = NDArray[np.float64]
_Int64 = NDArray[np.int64]
_Function = TypeVar("_Function", bound=Callable[..., Any])

STREAM_VERSION: int
MAX_COLUMNS: int
SHORT_ROW: int
BOUNDS: dict[str, float]
PDF: int
LOGPDF: int
CDF: int
LOGCDF: int
SF: int
LOGSF: int
PPF: int
ISF: int

def compiler() -> str: ...
def compiled_targets() -> tuple[str, ...]: ...
def usable_targets() -> tuple[str, ...]: ...
def simd_target() -> str: ...
def use_target(name: str) -> None: ...
def draw_seed(bit_generator: np.random.BitGenerator) -> tuple[int, int]: ...
def refuse(row: int) -> None: ...
def gumbel(
    out: NDArray[Any], key: int, row: int, column: int, loc: float, scale: float, start: int, stop: int
) -> None: ...
def noise_from_words(high: NDArray[np.uint32], low: NDArray[np.uint32], dtype: DTypeLike) -> NDArray[Any]: ...
def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]: ...
def softmax(
    logits: NDArray[Any], temperature: _Float64, out: NDArray[Any], logarithm: bool, start: int, stop: int
) -> None: ...
def logsumexp(logits: NDArray[Any], temperature: _Float64, out: _Float64, start: int, stop: int) -> None: ...
def gumbel_softmax(
    logits: NDArray[Any],
    temperature: _Float64,
    out: NDArray[Any],
    hard: bool,
    key: int,
    row: int,
    column: int,
    start: int,
    stop: int,
) -> None: ...
def softmax_vjp(
    y: NDArray[Any], grad: NDArray[Any], temperature: _Float64, out: NDArray[Any], start: int, stop: int
) -> None: ...
def categorical(
    logits: NDArray[Any], temperature: _Float64, key: int, row: int, index: _Int64, start: int, stop: int
) -> None: ...
def gumbel_max(
    logits: NDArray[Any],
    temperature: _Float64,
    key: int,
    row: int,
    column: int,
    noise: NDArray[Any] | None,
    index: _Int64,
    value: _Float64 | None,
    start: int,
    stop: int,
) -> None: ...
def check_rows(logits: NDArray[Any], start: int, stop: int) -> None: ...
def before_categorical(general: _Function) -> _Function: ...
def before_gumbel_max(general: _Function) -> _Function: ...
def repeated_rows(
    logits: NDArray[Any], temperature: _Float64, key: int, row: int, alias: bool, out: _Int64, start: int, stop: int
) -> None: ...

@disjoint_base
class RepeatedRow:
    def __new__(cls, logits: NDArray[Any], temperature: _Float64, key: int, row: int, alias: bool, r: int) -> Self: ...
    def draw(self, out: _Int64, start: int, stop: int, first: int = 0) -> None: ...

def gumbel_top_k(
    logits: NDArray[Any],
    temperature: _Float64,
    key: int,
    row: int,
    column: int,
    index: _Int64,
    value: _Float64 | None,
    start: int,
    stop: int,
) -> None: ...
def distinct_by_race(
    logits: NDArray[Any], temperature: _Float64, key: int, row: int, index: _Int64, start: int, stop: int
) -> None: ...
def distribution(function: int, x: _Float64, loc: _Float64, scale: _Float64, out: _Float64) -> None: ...
def distribution_scalar(function: int, x: object, loc: object, scale: object) -> np.float64 | None: ...
