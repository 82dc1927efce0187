from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .request import Request

SOFTMAX: int
LOG_SOFTMAX: int
LOGSUMEXP: int
GUMBEL_SOFTMAX: int
TRUNCATE: int
LOG_PROB: int
LOG_PROB_VJP: int
SOFTMAX_VJP: int
SOFT: int
HARD: int
LOG: int

def relax(request: Request, function: int, start: int, stop: int) -> None: ...
def gumbel(
    out: NDArray[Any],
    key: int,
    row: int,
    column: int,
    loc: float,
    scale: float,
    start: int,
    stop: int,
    streams: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None = None,
) -> None: ...
def noise_from_words(high: NDArray[np.uint32], low: NDArray[np.uint32], dtype: DTypeLike) -> NDArray[Any]: ...
