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
REJECTION_DISTINCT = Method(_core.REJECTION_DISTINCT, 0.0, 0.1, 200.0)
GUMBEL_MAX = Method(_core.GUMBEL_MAX, 30.0, 0.5, 0.0)
GUMBEL_MAX_GIVEN = GUMBEL_MAX._replace(kernel=_core.GUMBEL_MAX_GIVEN)
GUMBEL_TOP_K = Method(_core.GUMBEL_TOP_K, 30.0, 0.5, 20.0)
DISTINCT_TOP_K = GUMBEL_TOP_K._replace(kernel=_core.DISTINCT_TOP_K)
CHECK = Method(_core.CHECK, 0.0, 0.1, 0.0)

#: An element of what only reads and writes rows.
NOISE, SOFTMAX, SOFTMAX_VJP, GUMBEL_SOFTMAX, LOG_PROB, TRUNCATE = 1.0, 1.0, 0.3, 1.5, 0.3, 0.5


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

    The noise costs 0.6 to 1 ns a category whatever the number of draws; rejection starts at 0.1 ns a category, or 0.17
    in rows up to 4,096, and takes 0.1 to 3 microseconds a draw, by the length of the row and how far its logits spread.
    On AVX-512 they were seen to meet at 35 draws from 300 categories, 90 from 1,000, 130 from 4,096, 70 to 100 from
    10,000, 100 to 250 from 100,000 and 300 to 700 from a million. Short rows are quickest by noise.
    """
    rejection = (categories > _core.SHORT_ROW) & (categories < 2**32) & (categories >= 8 * draws) & (draws <= 100)
    return _either(REJECTION_DISTINCT, DISTINCT_TOP_K, rejection)
