"""Gangs that share a scope with nobody: where one stands, it takes all there is.

While such a gang stands in a scope, no one else holds a unit there. So capacities hold with the
gang counted for all of them, whatever it uses itself:

    sum over others of units[o] + capacity[o] x (the gang stands in a scope of o) <= capacity[o]

That needs no columns but the gang's own, it has a price like any capacity, and at prices the gang
pays for all that its scope holds. Switches of `solver.scope_rows` say the same of whole plans;
their relaxation says less, and bounds leave them out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.compact_columns import NONE, Compact
from solver.grouped import distinct, ranges
from solver.problem import NO_ROW, Bools, Family, Ints, Level, Problem
from solver.scopes import scopes_touched

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


def counted_whole(problem: Problem, level: Level) -> Bools:
    """Return bool[O]: supplies whose capacity one exclusive gang takes, and no two of them.

    A supply of unknown zone counts for every zone of its place. Two gangs alone in two named zones
    would both take it, and it needs not be there at all.
    """
    stock = problem.supply
    if level is not Level.ZONE:
        return np.ones(stock.count, np.bool_)
    named = stock.zone != NO_ROW
    places = distinct(stock.place[named].astype(np.int64), stock.zone[named].astype(np.int64))[0]
    zones = np.bincount(places, minlength=int(stock.place.max(initial=-1)) + 1)
    return np.asarray(named | (zones[stock.place] <= 1), np.bool_)


def count_exclusive(compact: Compact) -> None:
    """Count exclusive gangs for all that their scope holds, not for their units."""
    problem, pairs, row = compact.problem, compact.pairs, compact.rows["capacity"]
    for demand, level in exclusive_gangs(problem).items():
        own = np.flatnonzero(pairs.demand == demand)
        counted = counted_whole(problem, level)
        index, supply = neighbours(problem, pairs.supply[own], level)
        known = (row[supply] != NONE) & counted[supply]
        at, supply = own[index[known]], supply[known]
        compact.builder.entries(row[supply], compact.main[at], problem.supply.capacity[supply])
        _leave_out_units(compact, own, np.where(counted, row, NONE))


def _leave_out_units(compact: Compact, gang: Longs, row: Longs) -> None:
    """Take the units of pairs, int64[n], out of the rows of supplies, int64[O], again."""
    pairs = compact.pairs
    own = gang[row[pairs.supply[gang]] != NONE]
    compact.builder.entries(row[pairs.supply[own]], compact.main[own], -pairs.amount[own])
    mixing = own[compact.mixed[own] != NONE]
    compact.builder.entries(row[pairs.supply[mixing]], compact.mixed[mixing], 1.0)
    mixing = gang[compact.mixed[gang] != NONE]
    mixing = mixing[row[compact.mixed_with[mixing]] != NONE]
    compact.builder.entries(row[compact.mixed_with[mixing]], compact.mixed[mixing], -1.0)
