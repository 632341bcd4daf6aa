"""What known ways of blocks cost at prices: about, and at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from solver.compact_columns import Longs
from solver.first_plan import plain_cost
from solver.prices import Prices
from solver.problem import Floats, Problem
from solver.ways import Way


def known_costs(
    problem: Problem, prices: Prices, blocks: Sequence[Longs], ways: Sequence[Way]
) -> Floats:
    """Return float64[B], about what the best known way of each block costs; inf: none is known.

    Args:
        problem: priced.
        prices: of what stays unmet.
        blocks: demands of each, B.
        ways: known ways, each of one of them.
    """
    best = {int(block[0]): np.inf for block in blocks}
    for way in ways:
        first = int(way.demands[0])
        best[first] = min(best[first], way_cost(problem, prices, way))
    return np.array([best[int(block[0])] for block in blocks], np.float64)


def way_cost(problem: Problem, prices: Prices, way: Way) -> float:
    """Return about what a way costs at `prices`; inf where it leaves what must be served.

    What demands read of each other is left out. `problem` is priced.
    """
    lost = way.unmet > 0
    cost = float(way.unmet[lost] @ prices.unmet[way.demands[lost]])
    if np.isfinite(cost):
        cost += plain_cost(problem, way.allocation) + _moving_cost(problem, way)
    return cost


def _moving_cost(problem: Problem, way: Way) -> float:
    """What leaving the homes of its demands costs and weighs."""
    stay = problem.stay
    if stay is None:
        return 0.0
    lone = len(way.demands) == 1
    own = stay.demand == way.demands[0] if lone else np.isin(stay.demand, way.demands)
    rows, held = np.flatnonzero(own).tolist(), way.allocation
    return sum(
        float(stay.cost[row]) + stay.unbilled
        for row in rows
        if not np.isin(held.supply[held.demand == stay.demand[row]], stay.supply[row]).all()
    )


def best_ways(problem: Problem, prices: Prices, ways: Sequence[Way]) -> dict[int, Way]:
    """Return the cheapest known way of each service, by demand; `problem` is priced."""
    best: dict[int, tuple[float, Way]] = {}
    for way in ways:
        if len(way.demands) == 1 and not way.unmet.any():
            cost = way_cost(problem, prices, way)
            first = int(way.demands[0])
            if first not in best or cost < best[first][0]:
                best[first] = (cost, way)
    return {demand: way for demand, (_, way) in best.items()}
