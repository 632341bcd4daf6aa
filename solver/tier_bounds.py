"""Classes of moves for optimizers that know flat costs only: a bound from below, the true cost.

Where a class with cumulative cost B moves at most G units, of which F are free,

    B(g) >= p g - k   for 0 <= g <= G,   p = B(G) / (G - F),   k = max over step ends of p g - B(g)

so a problem with the flat cost p costs at most k too much: its bound less the k of all classes
is a bound of the tiered problem.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.problem import NO_ROW, Family, Floats, Problem
from solver.solution import Allocation
from solver.tier_steps import Steps, reachable_steps, steps_cost
from solver.tiers import Tiers


def flat_below(problem: Problem) -> tuple[Problem, float]:
    """Return `problem` with flat moves, and the credit to take off what is proven of it."""
    tiers = problem.tiers
    if tiers is None:
        return problem, 0.0
    cost, credit = problem.demands.move_cost.copy(), 0.0
    for row, most in enumerate(_most_moved(problem, tiers).tolist()):
        slope, above = _line_below(reachable_steps(tiers, row, most))
        billed = (tiers.class_of == row) & np.isfinite(cost)
        cost[billed] = slope
        credit += above
    return replace(problem, demands=replace(problem.demands, move_cost=cost), tiers=None), credit


def tiered_cost(problem: Problem, allocation: Allocation) -> float:
    """Return what the moves of `allocation` cost that classes bill."""
    tiers = problem.tiers
    if tiers is None:
        return 0.0
    moved = _moved(problem, tiers, allocation)
    return sum(
        steps_cost(reachable_steps(tiers, row, amount), amount)
        for row, amount in enumerate(moved.tolist())
    )


def _most_moved(problem: Problem, tiers: Tiers) -> Floats:
    """float64[C]: units a class could move: services to all its places, the others once."""
    demands = problem.demands
    most = np.zeros(tiers.count)
    for demand in np.flatnonzero(demands.data_row != NO_ROW).tolist():
        classes, places = np.unique(tiers.class_of[demands.data_row[demand]], return_counts=True)
        times = places if demands.family[demand] == Family.SERVICE else np.ones(len(places))
        billed = classes != NO_ROW
        most[classes[billed]] += demands.data_amount[demand] * times[billed]
    return most


def _line_below(steps: Steps) -> tuple[float, float]:
    """Return (slope p, credit k) of a line under the cumulative cost of `steps`."""
    end = np.cumsum(steps.width)
    total = np.cumsum(steps.width * steps.cost)
    if not len(end) or total[-1] <= 0:
        return 0.0, 0.0
    free = float(steps.width[0]) if steps.cost[0] == 0 else 0.0
    slope = float(total[-1] / (end[-1] - free))
    return slope, max(0.0, float((slope * end - total).max()))


def _moved(problem: Problem, tiers: Tiers, allocation: Allocation) -> Floats:
    """float64[C]: units each class moves; whole demands count once for each of their places."""
    demands = problem.demands
    moves = np.flatnonzero(demands.data_row[allocation.demand] != NO_ROW)
    demand = allocation.demand[moves].astype(np.int64)
    place = problem.supply.place[allocation.supply[moves]].astype(np.int64)
    group = tiers.class_of[demands.data_row[demand], place]
    divisible = demands.family[demand] == Family.BATCH
    amount = demands.data_amount[demand] * np.where(divisible, allocation.share[moves], 1.0)
    once = np.zeros(len(moves), np.bool_)
    once[np.unique(demand * (1 + place.max(initial=0)) + place, return_index=True)[1]] = True
    counted = (group != NO_ROW) & (divisible | once)
    moved = np.bincount(group[counted], amount[counted], tiers.count)
    return np.asarray(moved, np.float64)
