"""What a bound for serving everybody says of plans that leave more unmet.

The dual of a relaxation bounds a block for all shares u that it may leave unmet, by a line:

    cost(u) >= cost - sum over its demands of saved x u

Summed over blocks, what a plan saves by leaving more is a fractional knapsack for each priority:
at most so much weight stays unmet, and the relaxation leaves those first that save most for their
weight. No model is solved again. (This is the best price of unmet weight: a Lagrangian value is
concave in it, and its best is the knapsack's.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.compact_columns import Compact, Longs
from solver.effort import LinearAnswer
from solver.model import Model
from solver.pairs import Pairs
from solver.problem import Bools, Floats, Problem
from solver.service_pairs import unit_costs

#: Part of a weight by which roundings may miss it; it is given to the knapsack.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Partly:
    """A block costs at least `cost` - `saved` x what its demands leave unmet, as shares.

    What is unmet is not charged in it.

    Attributes:
        cost: with everything served.
        saved: float64[d], of each of its demands; may be less than 0.
    """

    cost: float
    saved: Floats


def by_its_units(problem: Problem, pairs: Pairs, load: float) -> Partly:
    """Return what a service costs at least by what its units cost and carry, and nothing else.

    Args:
        problem: priced.
        pairs: of the service.
        load: all that is asked of it.
    """
    if problem.demands.mode_size_amount is not None or not pairs.count:
        return Partly(cost=0.0, saved=np.zeros(1))  # what a unit carries is no one number
    cost = load * max(float((unit_costs(pairs) / pairs.amount).min()), 0.0)
    return Partly(cost=cost, saved=np.array([cost]))


def unknown(demands: int, *, cost: float = -np.inf) -> Partly:
    """Return what is known of a block without a relaxation: nothing, or that it costs `cost`."""
    return Partly(cost=cost, saved=np.zeros(demands))


def partly_of(
    compact: Compact,
    model: Model,
    answer: LinearAnswer,
    bound: Floats,
    unmet: Floats,
    *,
    together: bool = False,
) -> list[Partly]:
    """Read what each of d demands costs at least, however much it leaves, off a relaxation's dual.

    Args:
        compact: of d demands, each a block of its own unless `together`.
        model: its model, what is unmet charged.
        answer: the optimum of its relaxation.
        bound: float64[d], of each; `together`: float64[1], of all.
        unmet: float64[d], what is charged for what stays unmet; inf: held to what must be.
        together: the demands are one block.
    """
    at = np.full(len(model.cost), -1, np.int64)
    at[compact.unmet] = np.arange(len(compact.unmet))
    own = at[model.column] >= 0
    charged = np.bincount(
        at[model.column[own]],
        weights=model.value[own] * answer.dual[model.row[own]],
        minlength=len(compact.unmet),
    )
    reduced = model.cost[compact.unmet] - charged
    left = np.minimum(reduced, 0.0) * model.high[compact.unmet]  # the dual's part of the bound
    saved = np.where(np.isfinite(unmet), unmet, 0.0) - reduced
    if together:
        return [Partly(cost=float(bound[0] - left.sum()), saved=saved)]
    return [
        Partly(cost=float(cost), saved=saved[row : row + 1])
        for row, cost in enumerate(bound - left)
    ]


def most_saved(
    problem: Problem, saved: Floats, forced: Floats, free: Bools, unmet: Floats
) -> float:
    """Return the most that plans save which leave no more than one does, by priority.

    Args:
        problem: what is asked.
        saved: float64[D], by leaving all of a demand.
        forced: float64[D], shares that stay unmet in every plan; these are saved, too.
        free: bool[D]: demands that may be left; of the others only `forced` is.
        unmet: float64[D], what the plan leaves.
    """
    demands = problem.demands
    total = float(saved @ forced)
    lost, least = demands.weight * unmet, demands.weight * forced
    for priority in np.unique(demands.priority[free]):
        level = demands.priority == priority
        room = float((lost[level] - least[level]).sum())
        room += _ROUNDING * float(lost[level].sum() + demands.weight[level].max(initial=0.0))
        member = np.flatnonzero(level & free)
        total += _knapsack(saved, demands.weight, forced, member, max(room, 0.0))
    return total


def _knapsack(saved: Floats, weight: Floats, forced: Floats, member: Longs, room: float) -> float:
    """The most saved by leaving `member` beyond `forced`, in parts, within `room` of weight."""
    more = 1.0 - forced[member]
    worth, size = saved[member] * more, weight[member] * more
    some = worth > 0
    worth, size = worth[some], size[some]
    ratio = np.where(size > 0, worth / np.where(size > 0, size, 1.0), np.inf)
    order = np.argsort(-ratio, kind="stable")
    before = np.cumsum(size[order]) - size[order]
    part = np.where(
        size[order] > 0,
        np.clip((room - before) / np.where(size[order] > 0, size[order], 1.0), 0.0, 1.0),
        1.0,
    )
    return float(worth[order] @ part)
