"""A problem without its costs: what can be served at all, however dear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.preferences import Stay
from solver.problem import Accounts, Demands, Measure, Problem, Reads, ShareCap, Supply

#: What rows may measure that does not depend on costs.
_PHYSICAL = (Measure.SIZE, Measure.HOURS)


def without_costs(problem: Problem) -> Problem:
    """Return `problem` with everything for nothing, and without rows that count money.

    Every plan of `problem` is one of it, so no plan of `problem` leaves less of any priority than
    is proven here. What accounts must reach at least is left out, too.
    """
    return replace(
        problem,
        supply=_free(problem.supply),
        demands=_moved_for_nothing(problem.demands),
        accounts=_physical(problem.accounts),
        shares=_physical_caps(problem),
        most_cost=np.inf,
        tiers=None,
        stay=None if problem.stay is None else _at_home(problem.stay),
        reads=None if problem.reads is None else _read_for_nothing(problem.reads),
        refusals=None,
        coverage=None,
    )


def _physical_caps(problem: Problem) -> tuple[ShareCap, ...]:
    """The caps on shares that count no money; what owned hours are worth is money."""
    return tuple(cap for cap in problem.shares if cap.measure in _PHYSICAL)


def _free(supply: Supply) -> Supply:
    nothing = np.zeros(supply.count)
    return replace(supply, hour_cost=nothing, unit_cost=nothing, hour_extra=None)


def _moved_for_nothing(demands: Demands) -> Demands:
    cost = np.where(np.isfinite(demands.move_cost), 0.0, np.inf)
    return replace(demands, move_cost=cost)


def _physical(accounts: Accounts) -> Accounts:
    """The same accounts, of which those that measure something physical have a most."""
    high = np.where(np.isin(accounts.measure, _PHYSICAL), accounts.high, np.inf)
    return replace(accounts, low=np.full_like(high, -np.inf), high=high)


def _at_home(stay: Stay) -> Stay:
    return replace(stay, cost=np.zeros_like(stay.cost), unbilled=0.0)


def _read_for_nothing(reads: Reads) -> Reads:
    return replace(reads, cost=np.where(np.isfinite(reads.cost), 0.0, np.inf))
