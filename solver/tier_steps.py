"""Steps of the classes of moves: which can be reached, what an amount costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.problem import NO_ROW, Floats, Problem
from solver.tiers import Tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps of one class that can be reached; K of them.

    Attributes:
        width: float64[K], units that fit into each, > 0.
        cost: float64[K], cost of one unit.
    """

    width: Floats
    cost: Floats


def reachable_steps(tiers: Tiers, row: int, most: float) -> Steps:
    """Return the steps of class `row` up to `most` units in all."""
    block = slice(int(tiers.start[row]), int(tiers.start[row + 1]))
    end = np.minimum(tiers.up_to[block], most)
    width = end.copy()
    width[1:] -= end[:-1]
    reached = width > 0
    return Steps(width=width[reached], cost=tiers.cost[block][reached])


def has_class(problem: Problem, demand: int) -> bool:
    """True when some place bills what `demand` moves by the volume of a class."""
    row = int(problem.demands.data_row[demand])
    if problem.tiers is None or row == NO_ROW or not problem.demands.data_amount[demand]:
        return False
    return bool((problem.tiers.class_of[row] != NO_ROW).any())


def steps_cost(steps: Steps, amount: float) -> float:
    """Return the cost of `amount` units: each at the cost of the step it falls in."""
    start = steps.width.cumsum() - steps.width
    return float(np.minimum(np.maximum(amount - start, 0.0), steps.width) @ steps.cost)
