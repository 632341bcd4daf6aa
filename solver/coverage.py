"""Money that is spent already and pays for used hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Pools of money that is spent already and pays for used hours; H pools.

    With v[h, o] >= 0 the unit-hours of supply o that pool h pays for:

        sum over o of rate[h, o] x v[h, o] <= high[h]
        sum over h of v[h, o] <= unit-hours used of o, spoilage included
        cost -= sum over h, o of saved[h, o] x v[h, o]

    Accounts of `Measure.COST` count what is left to pay; `Measure.VALUE` and caps on shares
    count covered hours as if they were paid.

    Attributes:
        start: int64[H+1], row pointers into the three below.
        supply: int32[.], supplies that a pool pays for, ascending.
        rate: float64[.], what a unit-hour takes from its pool, > 0.
        saved: float64[.], cost that a covered unit-hour saves, > 0 and at most `hour_cost`; for
            a supply the same in every pool.
        high: float64[H], what a pool holds for the period.
    """

    start: NDArray[np.int64]
    supply: Ints
    rate: Floats
    saved: Floats
    high: Floats

    @property
    def count(self) -> int:
        """Number of pools H."""
        return len(self.high)
