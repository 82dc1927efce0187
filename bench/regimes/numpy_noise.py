"""Gumbel noise as NumPy makes it fastest: float32, vectorised, into an array that is kept. No contestant lives here.

Its uniforms have 24 bits, so that it cannot exceed 16.6, and one in 2^24 of them is 0: draws made from it are
approximate in the tail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def fill_negated(rng: np.random.Generator, out: NDArray[Any]) -> None:
    """Fill `out` with *minus* Gumbel noise, log(-log(U)): who subtracts it is spared a pass."""
    rng.random(dtype=out.dtype.type, out=out)
    with np.errstate(divide="ignore"):  # a uniform of 0 has an infinite logarithm
        np.log(out, out=out)
        np.negative(out, out=out)
        np.log(out, out=out)
