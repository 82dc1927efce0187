"""Pearson's chi-square test, without SciPy. No experiment lives here."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def survival(statistic: float, degrees: int) -> float:
    """Return the probability that chi-square with `degrees` degrees of freedom exceeds `statistic`.

    That is Q(degrees / 2, statistic / 2), the regularised incomplete gamma function. It starts from
    Q(1/2, z) = erfc(sqrt(z)) or Q(1, z) = exp(-z) and climbs by Q(a + 1, z) = Q(a, z) + z^a exp(-z) / Gamma(a + 1).

    References
    ----------
    NIST Digital Library of Mathematical Functions, equations 8.4.5, 8.4.6 and 8.8.6.

    Examples
    --------
    >>> round(survival(16.918977604620448, 9), 12)  # the table's 5% point
    0.05
    """
    z = statistic / 2
    a, tail = (0.5, math.erfc(math.sqrt(z))) if degrees % 2 else (1.0, math.exp(-z))
    while a < degrees / 2:
        tail += math.exp(a * math.log(z) - z - math.lgamma(a + 1)) if z else 0.0
        a += 1
    return tail


def p_value(counts: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Return how often counts as far from the probabilities as these, or farther, come about by chance."""
    expected = probabilities * counts.sum()
    return survival(float(((counts - expected) ** 2 / expected).sum()), counts.size - 1)
