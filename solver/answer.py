"""The answer of a search: its plan, what that costs, and what is proven of it."""

from __future__ import annotations

from dataclasses import replace

from solver.problem import Floats
from solver.refusal_rows import overridden
from solver.solution import Solution, SolverError, Status, Stop
from solver.stay_rows import unbilled_cost
from solver.work import Work


def answer_of(work: Work, start: Solution | None, stop: Stop) -> Solution:
    """Put the answer together: the plan, what it costs, what is proven of it.

    Args:
        work: what a search has found.
        start: a whole plan, which is returned when the search has none.
        stop: why it ended, unless the gap has been reached.

    Raises:
        SolverError: there is no plan.
    """
    if work.search is None:
        if start is None:
            raise SolverError("the search ended without a plan")
        unbilled = unbilled_cost(work.problem, start.allocation)
        return replace(start, stop=stop, bound=_bound(work, start.unmet, start.cost, unbilled))
    allocation, routes, unmet = work.search.decoded()
    unbilled = unbilled_cost(work.problem, allocation)
    cost = work.cost - unbilled
    bound = _bound(work, unmet, cost, unbilled)
    gap = max(0.0, (cost - bound) / max(cost, 1.0))
    reached = gap <= work.limits.gap * (1 + 1e-9) + 1e-12
    return Solution(
        allocation=allocation,
        routes=routes,
        unmet=unmet,
        levels=work.levels(unmet),
        cost=cost,
        bound=bound,
        status=Status.OPTIMAL if reached else Status.FEASIBLE,
        stop=Stop.GAP if reached else stop,
        method="decomposition",
        overridden=overridden(work.problem, allocation),
        prices=None if work.best is None else work.best.prices,
    )


def _bound(work: Work, unmet: Floats, cost: float, unbilled: float) -> float:
    """What is proven of the cost of plans that serve as much."""
    return min(max(work.bound_at(unmet) - unbilled, 0.0), cost)
