"""Moves whose unit cost depends on how much a whole class moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Moves whose unit cost depends on how much a whole class moves.

    The first `up_to` units of a class cost `cost` each, the next those of the next step, and
    so on; what is moved adds up over all demands of the class.

    Attributes:
        class_of: int32[X, G], class of moving data row x to place g; `NO_ROW`: flat, at
            `Demands.move_cost`.
        start: int64[C+1]; the steps of class c are `start[c]:start[c+1]`.
        up_to: float64[.], end of each step, ascending; inf for the last of a class.
        cost: float64[.], cost of one unit within the step, >= 0.
    """

    class_of: NDArray[np.int32]
    start: NDArray[np.int64]
    up_to: NDArray[np.float64]
    cost: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Number of classes C."""
        return len(self.start) - 1
