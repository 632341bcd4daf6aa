"""Routes of a service over units that are given, by arithmetic."""

from __future__ import annotations

import numpy as np

from solver.pairs import Pairs
from solver.problem import Floats, Problem
from solver.remainder import Remainder
from solver.service_asked import Asked, asked_of
from solver.service_choice import routes_of
from solver.service_flow import MOST_PLACES, SLACK, Cuts, route
from solver.solution import Routes


def kept_routes(problem: Problem, left: Remainder, pairs: Pairs, units: Floats) -> Routes | None:
    """Return where a service's loads go, all of them, if units of some pairs carry them so.

    Args:
        problem: what is asked; its rows over the whole plan are not minded.
        left: says which scopes there are; capacities are not looked at.
        pairs: of one service, at least one.
        units: float64[Q], > 0, of each.

    Returns:
        None where some load would stay, a rule of the service would be broken, or it has rules
        that this arithmetic does not know (`solver.service_asked`).
    """
    asked = asked_of(problem, left, pairs)
    if asked is None or len(asked.first) > MOST_PLACES or len(asked.first) < asked.least:
        return None
    order = np.argsort(problem.supply.place[pairs.supply], kind="stable")  # as `asked_of` does
    units = units[order]
    if float(asked.risky @ units) > SLACK * asked.whole or not _outlives(asked, units):
        return None
    flow = route(asked, np.add.reduceat(units * asked.amount, asked.first))
    return None if flow is None else routes_of(problem, asked, flow)


def _outlives(asked: Asked, units: Floats) -> bool:
    """Whether what is left after any loss carries what is needed."""
    scopes = range(asked.lost.shape[1])
    if not scopes:
        return True
    each = units * asked.amount
    carried = [np.add.reduceat(each * ~asked.lost[:, one], asked.first) for one in scopes]
    routed = Cuts.of(asked, np.arange(len(asked.first))).near_routed(np.stack(carried))
    return bool((routed >= asked.needed - SLACK * asked.whole).all())
