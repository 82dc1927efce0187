from collections.abc import Callable
from typing import Self

from typing_extensions import disjoint_base

MOST_THREADS: int

@disjoint_base
class Call:
    def __new__(cls, work: Callable[[int, int], object], total: int, step: int) -> Self: ...

@disjoint_base
class Helper:
    def __new__(cls) -> Self: ...

@disjoint_base
class Pool:
    def __new__(cls, most: int) -> Self: ...

def share(work: Callable[[int, int], object], total: int, step: int, workers: int) -> None: ...
