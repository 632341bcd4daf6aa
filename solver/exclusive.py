"""Gangs that share a scope with nobody: where one stands, it takes all there is.

While such a gang stands in a scope, no one else holds a unit there. So capacities hold with the
gang counted for all of them, whatever it uses itself:

    sum over others of units[o] + capacity[o] x (the gang stands in a scope of o) <= capacity[o]

That needs no columns but the gang's own, it has a price like any capacity, and at prices the gang
pays for all that its scope holds. Switches of `solver.scope_rows` say the same of whole plans;
their relaxation says less, and bounds leave them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from solver.compact_columns import NONE, Compact
from solver.grouped import distinct, ranges
from solver.lone_bounds import whole_costs
from solver.model import Model
from solver.pairs import Pairs, with_coefficients
from solver.prices import Prices, priced
from solver.problem import Bools, Family, Floats, Ints, Level, Problem
from solver.scopes import scope_of, scopes_touched
from solver.selection import pairs_of

Longs = NDArray[np.int64]


def exclusive_gangs(problem: Problem) -> dict[int, Level]:
    """Return the gangs that a rule keeps apart from all others, with the rule's scopes.

    Of several rules for a gang the widest counts.
    """
    found: dict[int, Level] = {}
    for rule in problem.apart:
        members = {one for group in rule.groups for one in group}
        if len(members) < problem.demands.count or len(members) < 2:
            continue
        for group in rule.groups:
            if len(group) == 1 and problem.demands.family[group[0]] == Family.GANG:
                found[group[0]] = min(rule.level, found.get(group[0], rule.level))
    return found


def neighbours(problem: Problem, supply: Ints, level: Level) -> tuple[Longs, Longs]:
    """Return (index into `supply`, supply): all that shares a scope of `level` with each, once."""
    every = np.arange(problem.supply.count, dtype=np.int32)
    other, its = scopes_touched(problem, every, level)
    order = np.argsort(its, kind="stable")
    other, its = other[order], its[order]
    index, scope = scopes_touched(problem, supply, level)
    first = np.searchsorted(its, scope, side="left")
    size = np.searchsorted(its, scope, side="right") - first
    return distinct(np.repeat(index, size), other[ranges(first, size)])[:2]


def count_exclusive(compact: Compact) -> None:
    """Count exclusive gangs for all of the capacities of their scope, and not for their units."""
    problem, pairs, row = compact.problem, compact.pairs, compact.rows["capacity"]
    for demand, level in exclusive_gangs(problem).items():
        own = np.flatnonzero(pairs.demand == demand)
        index, supply = neighbours(problem, pairs.supply[own], level)
        known = row[supply] != NONE
        at, supply = own[index[known]], supply[known]
        compact.builder.entries(row[supply], compact.main[at], problem.supply.capacity[supply])
        _leave_out_units(compact, own)


def _leave_out_units(compact: Compact, gang: Longs) -> None:
    """Take the units of pairs out of the capacity rows again, int64[n]."""
    row, pairs = compact.rows["capacity"], compact.pairs
    own = gang[row[pairs.supply[gang]] != NONE]
    compact.builder.entries(row[pairs.supply[own]], compact.main[own], -pairs.amount[own])
    mixing = own[compact.mixed[own] != NONE]
    compact.builder.entries(row[pairs.supply[mixing]], compact.mixed[mixing], 1.0)
    mixing = gang[compact.mixed[gang] != NONE]
    mixing = mixing[row[compact.mixed_with[mixing]] != NONE]
    compact.builder.entries(row[compact.mixed_with[mixing]], compact.mixed[mixing], -1.0)


def beside(problem: Problem, some: Bools, level: Level) -> Bools:
    """Return bool[O]: supplies that share a scope of `level` with one of `some`, bool[O]."""
    found = np.zeros_like(some)
    found[neighbours(problem, np.flatnonzero(some).astype(np.int32), level)[1]] = True
    return found


def scope_worth(problem: Problem, prices: Prices, supply: Ints, level: Level) -> Floats:
    """Return float64[n], what the capacities are worth that share a scope with each `supply`."""
    index, other = neighbours(problem, supply, level)
    held = prices.capacity > 0
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
    free = priced(problem, replace(prices, capacity=np.zeros_like(prices.capacity)))
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
    price = prices.capacity
    for demand, level in gangs.items():
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
