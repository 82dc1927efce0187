"""How draws are made, and what everything costs: the choice of a method, and each cost constant.

To move a choice changes what a seed gives. Costs are nanoseconds, roughly; they decide into which pieces a call is cut,
never a result.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core

#: How many categories a row has, or each of ragged rows.
Categories = int | NDArray[np.int64]


class Method(NamedTuple):
    """A kernel that draws, or one for each row, and what it costs."""

    kernel: int | NDArray[np.uint8]
    row: float
    category: float
    draw: float

    def cost(self, categories: int, draws: int) -> float:
        """Return what a row costs."""
        return self.row + categories * self.category + draws * self.draw


CATEGORICAL = Method(_core.CATEGORICAL, 5.0, 0.5, 0.0)
FILTERED = Method(_core.FILTERED, 300.0, 0.2, 0.0)  # where top_k, top_p or min_p is among the arguments
REJECTION = Method(_core.REJECTION, 0.0, 0.1, 100.0)
ALIAS = Method(_core.ALIAS, 0.0, 8.0, 2.0)
REJECTION_DISTINCT = Method(_core.REJECTION_DISTINCT, 300.0, 0.1, 60.0)
GUMBEL_MAX = Method(_core.GUMBEL_MAX, 30.0, 0.5, 0.0)
GUMBEL_MAX_GIVEN = GUMBEL_MAX._replace(kernel=_core.GUMBEL_MAX_GIVEN)
GUMBEL_TOP_K = Method(_core.GUMBEL_TOP_K, 30.0, 0.5, 20.0)
DISTINCT_TOP_K = GUMBEL_TOP_K._replace(kernel=_core.DISTINCT_TOP_K)
CHECK = Method(_core.CHECK, 0.0, 0.1, 0.0)

TILE = 64  #: categories of the longest rows whose noise is made for many rows at a time

#: An element of what only reads and writes rows.
NOISE, SOFTMAX, SOFTMAX_VJP, GUMBEL_SOFTMAX, LOG_PROB, LOG_PROB_VJP, TRUNCATE = 1.0, 1.0, 0.3, 1.5, 0.3, 0.6, 0.5


def _either(first: Method, other: Method, where: Any) -> Method:
    """Return the one where that is so, and the other elsewhere; for ragged rows one each, at the cost of the dearer."""
    if not isinstance(where, np.ndarray):
        return first if where else other
    cost = map(max, first[1:], other[1:])
    return Method(np.where(where, np.uint8(first.kernel), np.uint8(other.kernel)), *cost)


def of_repeated_draws(categories: Categories, draws: int) -> Method:
    """Return how several draws with replacement are made from a row.

    The table costs 8 ns a category to build and then 2 ns a draw; rejection starts at 0.1 ns a category and takes about
    100 ns a draw, more in rows that leave the cache. On AVX-512 they were seen to meet at 9 categories for each draw
    with 256 and 1,000 categories, at 11 with 4,096, at 16 with 10,000, at 18 with 100,000 and at 40 with a million, in
    float32 as in float64. Short rows have nothing for rejection to gain.
    """
    worth = (categories < 10 * draws) & (categories <= 4096) | (categories < 18 * draws) & (categories > 4096)
    return _either(ALIAS, REJECTION, worth | (categories <= _core.SHORT_ROW))


def of_distinct_draws(categories: Categories, draws: int) -> Method:
    """Return how several draws without replacement are made from a row.

    The noise costs 0.4 to 0.6 ns a category whatever the number of draws; rejection starts at 0.1 ns a category and
    takes about 45 ns a draw, 80 where it leaves the cache, and up to four times that where the logits spread so far
    that a few of them hold nearly all that is left. On AVX-512 they were seen to meet at 20 draws from 200 categories
    (logits of standard deviation 8: at 12), at 100 (40) from 1,000, 250 (90) from 4,096, 480 (190) from 10,000, 2,500
    (1,000) from 100,000 and 17,000 (8,000) from a million, log-uniform logits and normal ones of deviation 2.5 alike.
    Rows up to 64 are quickest by noise, sixteen at a time.
    """
    least = _root_above((4 * draws) ** 4)
    rejection = (categories >= least) & (categories > TILE) & (categories < 2**32)
    return _either(REJECTION_DISTINCT, DISTINCT_TOP_K, rejection)


def _root_above(number: int) -> int:
    """Return the least integer whose cube is no less, by integers: powers of floats differ from machine to machine."""
    root: int = round(number ** (1 / 3))
    while root**3 < number:
        root += 1
    while root > 0 and (root - 1) ** 3 >= number:
        root -= 1
    return root
