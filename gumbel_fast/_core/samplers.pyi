from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from .request import Request

_Function = TypeVar("_Function", bound=Callable[..., Any])

CHECK: int
CATEGORICAL: int
REJECTION: int
ALIAS: int
FILTERED: int
REJECTION_DISTINCT: int
GUMBEL_MAX: int
GUMBEL_MAX_GIVEN: int
GUMBEL_TOP_K: int
DISTINCT_TOP_K: int

def draw_seed(bit_generator: np.random.BitGenerator) -> tuple[int, int]: ...
def draw(request: Request, method: int | NDArray[np.uint8], start: int, stop: int) -> None: ...
def try_draw(request: Request, method: int) -> int | None: ...

@disjoint_base
class RepeatedRow:
    def __new__(cls, request: Request, method: int, row: int) -> Self: ...
    def draw(self, start: int, stop: int, first: int = 0) -> None: ...

@disjoint_base
class Streams:
    keys: NDArray[np.uint64]
    numbers: NDArray[np.uint64]
    def __init__(self, keys: NDArray[np.uint64], numbers: NDArray[np.uint64]) -> None: ...

def fast_categorical(choose: Callable[[int, int], Any]) -> Callable[[_Function], _Function]: ...
def fast_gumbel_top_k(general: _Function) -> _Function: ...
def fast_gumbel_max(general: _Function) -> _Function: ...
