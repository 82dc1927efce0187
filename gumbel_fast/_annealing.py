"""A schedule for the temperature of `gumbel_softmax` during training: `annealed_temperature`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._arguments import as_array


def annealed_temperature(step: ArrayLike, *, rate: float, initial: float = 1.0, floor: float = 0.5) -> Any:
    """Temperature at a step of training: ``max(floor, initial * exp(-rate * step))``.

    A high temperature gives gradients of small variance for samples that are far from one-hot; a low one the reverse.
    So one begins high and lets the temperature fall, to a floor where the gradients still teach something.

    Parameters
    ----------
    step : int, float or array_like of real numbers
        Steps (or epochs) done so far, 0 or more; of any shape.
    rate : float
        Fall in one step, as a share of the temperature; 0 or more. The floor is reached after
        ``log(initial / floor) / rate`` steps.
    initial : float, default 1.0
        Temperature at step 0.
    floor : float, default 0.5
        Lowest temperature, above 0 and not above `initial`.

    Returns
    -------
    float, or ndarray of float64
        Of the shape of `step`: a temperature for each of its entries.

    Raises
    ------
    ValueError
        A step or a rate that is negative, infinite or NaN; a floor that is not above 0, or is above `initial`; an
        `initial` that is infinite.
    TypeError
        Steps that are not real numbers, or a masked array.

    Notes
    -----
    Jang, Gu and Poole take an initial temperature of 1, a floor of 0.5 and a rate of 1e-5 or 1e-4, and set the
    temperature anew every 500 or 1000 steps: ``annealed_temperature(step // 500 * 500, rate=1e-4)``.

    References
    ----------
    E. Jang, S. Gu, B. Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017, section 4.2.

    Examples
    --------
    >>> import gumbel_fast
    >>> gumbel_fast.annealed_temperature(0, rate=1e-4)
    1.0
    >>> gumbel_fast.annealed_temperature([0, 1000, 5000, 10_000], rate=1e-4).round(3)
    array([1.   , 0.905, 0.607, 0.5  ])
    """
    if not 0 < floor <= initial < np.inf:
        raise ValueError(f"floor and initial must be 0 < floor <= initial, not {floor} and {initial}")
    if not 0 <= rate < np.inf:
        raise ValueError(f"rate must be finite and 0 or more, not {rate}")
    steps = as_array("step", step).astype(np.float64)
    if not np.all((steps >= 0) & (steps < np.inf)):
        raise ValueError("step must be finite and 0 or more")
    temperatures = np.maximum(floor, initial * np.exp(-rate * steps))
    return temperatures if temperatures.ndim else float(temperatures)
