"""What gangs cost that share their scope with nobody: at prices they pay for all that is there.

`solver.exclusive_rows` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from solver.compact_columns import NONE, Compact
from solver.exclusive_rows import counted_whole, neighbours
from solver.lone_bounds import whole_costs
from solver.model import Model
from solver.pairs import Pairs, with_coefficients
from solver.prices import Prices, priced
from solver.problem import Bools, Floats, Ints, Level, Problem
from solver.scopes import scope_of
from solver.selection import pairs_of


def beside(problem: Problem, some: Bools, level: Level) -> Bools:
    """Return bool[O]: supplies that share a scope of `level` with one of `some`, bool[O]."""
    found = np.zeros_like(some)
    found[neighbours(problem, np.flatnonzero(some).astype(np.int32), level)[1]] = True
    return found


def scope_worth(problem: Problem, prices: Prices, supply: Ints, level: Level) -> Floats:
    """Return float64[n], what the capacities are worth that share a scope with each `supply`."""
    index, other = neighbours(problem, supply, level)
    held = (prices.capacity > 0) & counted_whole(problem, level)
    value = np.zeros(problem.supply.count)
    value[held] = prices.capacity[held] * problem.supply.capacity[held]
    return np.bincount(index, weights=value[other], minlength=len(supply)).astype(np.float64)


def exclusive_costs(
    problem: Problem, prices: Prices, pairs: Pairs, level: Level, most: Floats
) -> Floats:
    """Return float64[P], what an exclusive gang costs at least, all its scope holds paid for.

    Args:
        problem: not priced.
        prices: of its shared rows.
        pairs: of the gang, all of them.
        level: of its scopes.
        most: float64[O], as `most_units` says.
    """
    rest = np.where(counted_whole(problem, level), 0.0, prices.capacity)
    free = priced(problem, replace(prices, capacity=rest))
    own = with_coefficients(free, pairs.demand, pairs.mode, pairs.supply)
    return whole_costs(free, own, most) + scope_worth(problem, prices, pairs.supply, level)


def charge_exclusive(
    compact: Compact,
    model: Model,
    priced_by: tuple[Problem, Prices],
    gangs: Mapping[int, Level],
) -> None:
    """Let gangs of a priced model pay for their scopes instead of for their units.

    Args:
        compact: of some demands.
        model: its model, whose costs change.
        priced_by: the problem with its capacities, the prices.
        gangs: demands of `compact`, exclusive in the whole problem.
    """
    (problem, prices), pairs = priced_by, compact.pairs
    for demand, level in gangs.items():
        price = np.where(counted_whole(problem, level), prices.capacity, 0.0)
        own = np.flatnonzero(pairs.demand == demand)
        supply = pairs.supply[own]
        worth = scope_worth(problem, prices, supply, level)
        model.cost[compact.main[own]] += worth - price[supply] * pairs.amount[own]
        mixing = own[compact.mixed[own] != NONE]
        other = price[compact.mixed_with[mixing]]
        model.cost[compact.mixed[mixing]] += price[pairs.supply[mixing]] - other


def one_of_each_scope(problem: Problem, demand: int, level: Level, most: Floats) -> Pairs:
    """Return the cheapest pair of a gang in each scope; `most` as `most_units` says."""
    pairs = pairs_of(problem, demand, most)
    cost = whole_costs(problem, pairs, most)
    scope = scope_of(problem, pairs.supply, level)
    order = np.lexsort((cost, scope))
    first = order[np.flatnonzero(np.diff(scope[order], prepend=-1))]
    best = np.zeros(pairs.count, np.bool_)
    best[first] = True
    return pairs.keep(best)
