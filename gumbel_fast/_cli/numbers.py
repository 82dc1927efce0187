"""Numbers as they are drawn from: in which dtype, and which of them nothing can be drawn from. No file is read here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_AS_THEY_ARE = [np.dtype(name) for name in ("f2", "f4", "f8")]


def float_dtype(dtypes: Iterable[np.dtype[Any]]) -> np.dtype[Any]:
    """Return the dtype of numbers of several: the widest, where integers and whatever else is no float are float64."""
    return np.result_type(*(dtype if dtype in _AS_THEY_ARE else np.float64 for dtype in dtypes))


def as_floats(numbers: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers in such a dtype."""
    with np.errstate(over="ignore"):  # a long double beyond the doubles is infinite, which is then refused
        return numbers.astype(dtype, copy=False)


def first_bad(numbers: NDArray[Any], *, weights: bool) -> tuple[int, str] | None:
    """Return where in a row the first number is that none may hold, and what it is; None if there is none."""
    least = 0.0 if weights else -np.inf
    good = (numbers >= least) & (numbers < np.inf)
    if good.all():
        return None
    at = int(np.argmin(good))
    number = numbers[at]
    return at, "NaN" if np.isnan(number) else "+inf" if number > 0 else "negative"


def has_nothing(numbers: NDArray[Any], *, weights: bool) -> bool:
    """Return whether there is nothing to draw from."""
    return not (numbers > (0.0 if weights else -np.inf)).any()
