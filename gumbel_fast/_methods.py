"""How draws are made, and what everything costs: the choice of a method, and each cost constant.

To move a choice changes what a seed gives. Costs are nanoseconds, roughly; they decide into which pieces a call is cut,
never a result.
"""

from __future__ import annotations

from typing import NamedTuple

from . import _core


class Method(NamedTuple):
    """A kernel that draws, and what it costs."""

    kernel: int
    row: float
    category: float
    draw: float

    def cost(self, categories: int, draws: int) -> float:
        """Return what a row costs."""
        return self.row + categories * self.category + draws * self.draw


INVERSE_CDF = Method(_core.INVERSE_CDF, 0.0, 1.0, 0.0)
FILTERED = Method(_core.FILTERED, 300.0, 0.2, 0.0)
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
NOISE, SOFTMAX, SOFTMAX_VJP, GUMBEL_SOFTMAX, LOG_PROB, TRUNCATE = 1.0, 1.0, 0.3, 1.5, 0.3, 0.5


def of_one_draw(categories: int, filtered: bool = False) -> Method:
    """Return how one draw is made from each row; filtered: top_k, top_p or min_p is among the arguments."""
    if filtered:
        return FILTERED
    return INVERSE_CDF if categories <= _core.SHORT_ROW else REJECTION


def of_repeated_draws(categories: int, draws: int) -> Method:
    """Return how several draws with replacement are made from one row.

    The table costs 8 ns a category to build and then 2 ns a draw; rejection starts at 0.1 ns a category and takes about
    100 ns a draw, more in rows that leave the cache. On AVX-512 they were seen to meet at 9 categories for each draw
    with 256 and 1,000 categories, at 11 with 4,096, at 16 with 10,000, at 18 with 100,000 and at 40 with a million, in
    float32 as in float64. Short rows have nothing for rejection to gain.
    """
    alias = categories <= _core.SHORT_ROW or categories < (10 if categories <= 4096 else 18) * draws
    return ALIAS if alias else REJECTION


def of_distinct_draws(categories: int, draws: int) -> Method:
    """Return how several draws without replacement are made from one row.

    The noise costs 0.4 to 0.6 ns a category whatever the number of draws; rejection starts at 0.1 ns a category and
    takes about 45 ns a draw, 80 where it leaves the cache, and up to four times that where the logits spread so far
    that a few of them hold nearly all that is left. On AVX-512 they were seen to meet at 20 draws from 200 categories
    (logits of standard deviation 8: at 12), at 100 (40) from 1,000, 250 (90) from 4,096, 480 (190) from 10,000, 2,500
    (1,000) from 100,000 and 17,000 (8,000) from a million, log-uniform logits and normal ones of deviation 2.5 alike.
    Rows up to 64 are quickest by noise, sixteen at a time.
    """
    rejection = TILE < categories < 2**32 and (4 * draws) ** 4 <= categories**3
    return REJECTION_DISTINCT if rejection else DISTINCT_TOP_K
