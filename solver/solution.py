"""What the optimizer answers: an allocation, its routes, and a proof of how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from solver.prices import Prices

#: Part of what is left that is a rounding.
_OPEN = 1e-6


class SolverError(Exception):
    """The engine failed without an answer; never a property of the problem."""


class Status(StrEnum):
    """What is known of the plan's cost at its level of service."""

    OPTIMAL = "optimal"  # gap within the asked relative gap
    FEASIBLE = "feasible"  # a whole plan, its gap proven but larger than asked


class Stop(StrEnum):
    """Why the search ended."""

    GAP = "gap"
    WORK = "work"
    TIME = "time"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """When to stop.

    Attributes:
        gap: relative gap between cost and bound that is good enough.
        seconds: wall seconds; None: no clock, so that the same input gives the same answer.
        work: rounds of search (deterministic); None: the engine's default.
        seed: of every random choice.
    """

    gap: float = 0.001
    seconds: float | None = None
    work: int | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Units given to demands, one row per (demand, mode, supply).

    Attributes:
        demand: int32[N].
        mode: int32[N], mode number of the problem.
        supply: int32[N].
        units: int64[N], whole units held, > 0.
        unit_hours: float64[N], hours billed in all, spoilage included (batch: may be less than
            units x hours).
        share: float64[N], share of the demand's work (gang, batch) or capacity load (service:
            load its units carry).
    """

    demand: NDArray[np.int32]
    mode: NDArray[np.int32]
    supply: NDArray[np.int32]
    units: NDArray[np.int64]
    unit_hours: NDArray[np.float64]
    share: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Loads sent to places, one row per (service, load, place); to units, where they have sizes.

    Attributes:
        service: int32[N], row of `Services`.
        point: int32[N].
        place: int32[N].
        amount: float64[N], > 0.
        size: int32[N], size of the load; `NO_ROW` (-1): it has none, and neither mode nor supply.
        mode, supply: int32[N], the units that carry it, as in `Allocation`.
    """

    service: NDArray[np.int32]
    point: NDArray[np.int32]
    place: NDArray[np.int32]
    amount: NDArray[np.float64]
    size: NDArray[np.int32]
    mode: NDArray[np.int32]
    supply: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelProof:
    """Unmet weight of one priority: what the plan leaves, and what every plan does.

    Attributes:
        bound: of plans that leave no more of the priorities above than this one.
    """

    priority: int
    unmet: float
    bound: float

    @property
    def is_open(self) -> bool:
        """True when less might be left."""
        return self.unmet - self.bound > _OPEN * max(self.unmet, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """An allocation with its proof.

    Attributes:
        allocation, routes: the decisions.
        unmet: float64[D], share of each demand that is not served.
        levels: one per priority, from the highest.
        overridden: what is overridden of first refusals, size x hours.
        overridden_bound: the least that any plan that serves as much overrides.
        cost: cost of the allocation in the problem's floats; the caller re-prices exactly.
        bound: lower bound on the cost of every plan that serves at least as much at every
            level, and where moves weigh more than they cost (`Stay.unbilled`), moves no more
            demands; rigorous up to the engine's feasibility tolerance.
        status, stop: what the gap reached and why the search ended.
        method: how the plan was found, for the record.
        prices: of shared rows, at which the bound was found; None: it came without.
    """

    allocation: Allocation
    routes: Routes
    unmet: NDArray[np.float64]
    levels: tuple[LevelProof, ...]
    cost: float
    bound: float
    status: Status
    stop: Stop
    method: str
    overridden: float = 0.0
    overridden_bound: float = 0.0
    prices: Prices | None = None

    @property
    def gap(self) -> float:
        """Relative gap (cost - bound) / max(cost, 1), never negative."""
        return max(0.0, (self.cost - self.bound) / max(self.cost, 1.0))
