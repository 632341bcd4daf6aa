"""What makes one plan better than another beside what it serves and costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Demands that an owner of places may claim first; R rows, a demand in several rules twice.

    Units of the demand at other owners count as overrides, size x hours, unless the price of a
    unit of work there is below `kept` x the least that the owner offers the demand.

    Attributes:
        demand: int32[R]; owner: int32[R], as in `Problem.owner_of_place`.
        kept: float64[R], 1 - margin.
        hour_price: float64[O], price of one unit-hour, terms and fees spread over their hours.
        hour_size: float64[O], size of one unit for what is overridden.
    """

    demand: Ints
    owner: Ints
    kept: Floats
    hour_price: Floats
    hour_size: Floats

    @property
    def count(self) -> int:
        """Number of rows R."""
        return len(self.demand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Demands that stand somewhere already; any unit of one elsewhere is a move of it; R rows.

    Attributes:
        demand: int32[R], ascending.
        supply: per row int64[.], the supplies that are its home, ascending.
        cost: float64[R], cost of moving it, part of the cost.
        unbilled: what every move weighs in the choice beyond that; no part of the cost.
        most: most moves; inf: no limit.
    """

    demand: Ints
    supply: tuple[NDArray[np.int64], ...]
    cost: Floats
    unbilled: float = 0.0
    most: float = float("inf")
