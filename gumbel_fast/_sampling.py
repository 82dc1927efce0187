"""Exact samples from logits: `categorical`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._arrays import as_real, as_rows, as_temperature, check_out
from ._rng import RNG, draw_seed


def categorical(
    logits: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    axis: int = -1,
    rng: RNG = None,
    out: np.ndarray[Any, Any] | None = None,
) -> Any:
    """Draw a category from each row of logits, with probability ``softmax(logits / temperature)``.

    The draw is exact: no probability is capped, rounded to a table or cut off. A long row is read once, at about the
    speed of finding its maximum; no softmax is computed and the logits are not copied.

    Parameters
    ----------
    logits : array_like of real numbers
        Unnormalised log-probabilities, in nats. -inf is a mask: that category is never drawn.
    temperature : float or array_like, optional
        0 or more; a scalar, or an array that broadcasts to the batch shape (that of `logits` without `axis`).
        Temperature 0 gives the first of the largest, as argmax.
    axis : int, optional
        The axis of the categories; the others are the batch.
    rng : None, int, SeedSequence, BitGenerator or Generator, optional
        Source of the seed. Rows are independent, and a row's draw does not depend on the rest of the batch but on its
        number, the seed and its logits.
    out : ndarray of int64, optional
        Takes the result: an array of the batch shape.

    Returns
    -------
    ndarray of int64, or int64 scalar for 1-D logits
        Indices along `axis`, of the batch shape.

    Raises
    ------
    ValueError
        A row with NaN, +inf or nothing but -inf, or with no categories; a temperature that is negative or NaN; a wrong
        `out`; more than 2**34 columns. `out` is then as it was.
    TypeError
        Logits that are not real numbers.

    References
    ----------
    Adaptive rejection: W. R. Gilks and P. Wild, "Adaptive rejection sampling for Gibbs sampling", Applied Statistics 41
    (1992), 337-348. The method and its proof stand in src/kernels/race.h.

    Examples
    --------
    >>> import numpy as np
    >>> import gumbel_fast
    >>> logits = np.log([0.1, 0.2, 0.7])
    >>> draws = gumbel_fast.categorical(np.broadcast_to(logits, (100_000, 3)), rng=1)
    >>> (np.bincount(draws) / 100_000).round(2)
    array([0.1, 0.2, 0.7])
    >>> int(gumbel_fast.categorical([0.0, -np.inf, -np.inf]))
    0
    """
    if out is None and axis == -1 and (drawn := _core.categorical_short(logits, temperature, rng)) is not None:
        return drawn
    x = as_real("logits", logits)
    rows = as_rows("logits", x, axis)
    batch = rows.shape[:-1]
    if rows.shape[-1] == 0:
        raise ValueError("logits: no categories to draw from")
    t = as_temperature(temperature, batch, zero=True)
    if out is not None:
        check_out(out, batch, np.int64, x)
    key, base = draw_seed(rng)
    indices = np.empty(prod(batch), np.int64)
    _core.categorical(rows, t, key, base, indices)
    if out is None:
        return indices.reshape(batch)[()]
    out[...] = indices.reshape(batch)
    return out
