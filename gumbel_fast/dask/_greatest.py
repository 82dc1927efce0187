"""What a block is asked for where rows are cut, and what is done with a row's greatest once they are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import row_error
from .._gumbel_max import gumbel_max, gumbel_top_k
from .._results import widened
from .._selection import Found, order_of
from ._blocks import Box
from ._calls import Call

_MODERATE = 2.0**20 - 64  # values below it are of scores to which one machine adds the noise as they are

Pair = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class Ask:
    """Asks a block for the k greatest of its rows, or without `k` for the greatest one."""

    box: Box
    k: int | None

    def __call__(self, **arguments: Any) -> Found:
        arguments = _of_greatest(arguments)
        x = arguments["weights" if "weights" in arguments else "logits"]
        if self.k is None:
            one, best = gumbel_max(return_value=True, **arguments)
            index, value = np.asarray(one)[..., np.newaxis], np.asarray(best)[..., np.newaxis]
        else:
            index, value = gumbel_top_k(k=min(self.k, x.shape[-1]), return_value=True, **arguments)
        order = order_of(x, index, value)
        return np.where(index < 0, -1, index + self.box.column), value, order


def _of_greatest(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `gumbel_max` or `gumbel_top_k` among those of a call, for a part of a row."""
    names = ("logits", "weights", "temperature", "mask", "rng", "offset", "noise", "floor", "workers")
    return {name: arguments[name] for name in names if name in arguments} | {"allow_fewer": True}


@dataclass(frozen=True)
class End:
    """What is done with the greatest of a block of rows once they are known."""

    k: int | None
    allow_fewer: bool
    weights: bool
    masked: bool
    floored: bool
    moderate: bool

    @classmethod
    def of(cls, call: Call, k: int | None, *, moderate: bool) -> End:
        request = call.request
        noisy = bool(request.temperature.any())
        floored = "floor" in call.constants or request.floor is not None
        masked = request.mask is not None
        return cls(k, request.allow_fewer, request.weights, masked, floored, moderate and noisy)

    def __call__(self, box: Box, found: Found) -> Pair:
        """Return indices and values in the shape that they have on one machine."""
        index, value = widened(found[0], self.k or 1, -1), widened(found[1], self.k or 1, -np.inf)
        few = (index < 0).any(-1)
        if few.any() and not (self.allow_fewer and self.k != 0):
            row = int(few.reshape(-1).argmax())
            count = int((index.reshape(-1, index.shape[-1])[row] >= 0).sum())
            raise row_error(self._why(box.number(row), count), box.number(row))
        large = self.moderate & (np.abs(np.where(index < 0, 0, value)) > _MODERATE).any(-1)
        if large.any():
            row = box.number(int(large.reshape(-1).argmax()))
            raise row_error(
                f"logits: row {row} has logits of 2**20 temperatures and more, which are drawn from whole rows: "
                "rechunk the axis of the categories, or subtract the greatest of each row",
                row,
            )
        return (index[..., 0], value[..., 0]) if self.k is None else (index, value)

    def _why(self, row: int, count: int) -> str:
        which = f"{'weights' if self.weights else 'logits'}: row {row} has"
        if self.floored:
            return f"{which} {count} categories whose value is above the floor, and {self.k} are wanted"
        if count == 0:
            nothing = "nothing but 0" if self.weights else "nothing but -inf"
            return f"{which} {'nothing left by the mask' if self.masked else nothing}"
        left = "that are not 0" if self.weights else "that are not -inf"
        return (
            f"{which} {count} categories {'left by mask and filters' if self.masked else left}, and {self.k} are wanted"
        )
