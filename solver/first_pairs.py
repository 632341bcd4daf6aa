"""The cheapest pairs of gangs and batches, found without spelling out most of the others.

What a mode costs at least is known from the cheapest hour and the cheapest unit among the
supplies it may use. Only the modes of a demand that cost least so are spelled out, and of their
pairs those that cost no more than all the other modes at least do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from solver.grouped import ranges
from solver.pairs import Listing, Longs, Pairs, may_mix
from solver.problem import NO_ROW, Bools, Family, Floats, Problem

#: Modes of each demand whose pairs are spelled out: some first, and others that may cost less than
#: what was found; cheapest pairs of each of them that are looked at; demands for which that is
#: done at once.
_FEW = 4
_MODES = 32
_FIRST = 8
_AT_ONCE = 256
#: Part by which roundings may make equal costs differ.
_ROUNDING = 1e-9


def first_pairs(problem: Problem, listing: Listing, order: Longs, most: Floats) -> Iterator[Pairs]:
    """Yield the cheapest pairs of each gang and batch; what is left out costs no less.

    Args:
        problem: what is asked, at the costs that count.
        listing: of it.
        order: int64[.], gangs and batches.
        most: float64[O], as `solver.pairs.most_units` says; what has become of it by then counts.
    """
    least = least_costs(problem, listing, most)
    for first in range(0, len(order), _AT_ONCE):
        some = order[first : first + _AT_ONCE]
        yield from _first_of(problem, listing, some, least, most)


def _first_of(
    problem: Problem, listing: Listing, some: Longs, least: Floats, most: Floats
) -> Iterator[Pairs]:
    """The same of demands that are looked at at once; least: float64[M], as `least_costs`."""
    start = problem.demands.mode_start
    modes = np.diff(start)[some]
    owner, mode = np.repeat(np.arange(len(some)), modes), ranges(start[some], modes)
    place, sure = _by_least(owner, least[mode], len(some))
    rank = np.zeros(problem.demands.count, np.int64)
    rank[some] = np.arange(len(some))
    parts: list[tuple[Pairs, Floats]] = []
    for begin, end in pairwise((0, min(_FEW, _MODES), _MODES)):
        chosen = (begin <= place) & (place < end)
        chosen &= least[mode] <= sure[owner] * (1 + _ROUNDING)
        pairs = listing.of_modes(problem, some[owner[chosen]], mode[chosen], most)
        cost = most_cost(problem, pairs)
        few = _cheapest(cost, pairs, rank[pairs.demand], sure)
        parts.append((pairs.rows(few), cost[few]))
    pairs, cost = (
        Pairs.joined([one for one, _ in parts]),
        np.concatenate([one for _, one in parts]),
    )
    whose = rank[pairs.demand]
    rows = np.lexsort((pairs.supply, cost, whose))
    rows = rows[cost[rows] <= sure[whose[rows]] * (1 + _ROUNDING)]
    pairs = pairs.rows(rows)
    ends = np.searchsorted(whose[rows], np.arange(len(some) + 1)).tolist()
    for begin, end in pairwise(ends):
        yield pairs.part(begin, end)


def least_costs(problem: Problem, listing: Listing, most: Floats) -> Floats:
    """Return float64[M], what a demand costs at least in each of its modes; of services: 0."""
    demands, stock = problem.demands, problem.supply
    owner = np.repeat(np.arange(demands.count), np.diff(demands.mode_start))
    worst = float(demands.spoilage[np.isfinite(demands.spoilage)].max(initial=1.0))
    hour = stock.hour_cost + stock.extra
    hour = np.where(hour < 0, hour * worst, hour)  # prices may make an hour a gain
    is_safe = demands.risky_share[owner] == 0
    unit, each = np.zeros((2, len(owner)))
    for safe in (False, True):
        gone = (most < 1) | (safe & (stock.risk > 0))
        at = is_safe == safe
        each[at] = listing.least(problem, np.where(gone, np.inf, hour))[at]
        unit[at] = listing.least(problem, np.where(gone, np.inf, stock.unit_cost))[at]
    amount, hours = demands.mode_amount, demands.mode_hours
    is_gang = demands.family[owner] == Family.GANG
    cost = np.where(is_gang, amount * (unit + hours * each), amount * (each + unit / hours))
    cost[is_gang & _is_too_many(problem, listing, most)] = np.inf
    return np.where(demands.family[owner] == Family.SERVICE, 0.0, cost)


def _is_too_many(problem: Problem, listing: Listing, most: Floats) -> Bools:
    """bool[M]: no supply of the mode has so many units, nor owned ones to mix in."""
    may_be_all = np.where(may_mix(problem), np.inf, most)
    return np.asarray(
        problem.demands.mode_amount > 1e-9 - listing.least(problem, -may_be_all), np.bool_
    )


def _by_least(owner: Longs, least: Floats, count: int) -> tuple[Longs, Floats]:
    """int64[m], place of each mode among those of its owner; float64[count], least of the others.

    Others are those after the first `_MODES`. `owner`: int64[m], ascending, below `count`.
    """
    order = np.lexsort((least, owner))
    first = np.searchsorted(owner, np.arange(count))
    place = np.zeros(len(owner), np.int64)
    place[order] = np.arange(len(owner)) - first[owner]
    sure = np.full(count, np.inf)
    next_one = place == _MODES
    sure[owner[next_one]] = least[next_one]
    return place, sure


def _cheapest(cost: Floats, pairs: Pairs, owner: Longs, sure: Floats) -> Longs:
    """int64[.], rows of the `_FIRST` pairs of each mode that cost no more than what is left out.

    Args:
        cost: float64[P].
        pairs: modes of one owner stand together.
        owner: int64[P].
        sure: float64[owners], what is left out of each costs at least; it becomes less.
    """
    near = np.flatnonzero(cost <= sure[owner] * (1 + _ROUNDING))
    order = near[
        np.lexsort((cost[near], pairs.mode[near]))
    ]  # supplies of a mode ascend as they are
    mode = pairs.mode[order]
    begins = np.flatnonzero(np.diff(mode, prepend=-1))
    place = np.arange(len(mode)) - np.repeat(begins, np.diff(np.append(begins, len(mode))))
    dearest = order[np.flatnonzero(place == _FIRST) - 1]
    np.minimum.at(sure, owner[dearest], cost[dearest])
    few = order[place < _FIRST]
    return few[cost[few] <= sure[owner[few]] * (1 + _ROUNDING)]


def most_cost(problem: Problem, pairs: Pairs) -> Floats:
    """Return float64[P], what the whole of a gang or batch costs at most at each pair.

    Moves that are billed by volume cost no more than at their dearest step.
    """
    demands = problem.demands
    cost = pairs.compute + pairs.extra + pairs.move
    cost += pairs.amount / demands.mode_hours[pairs.mode] * pairs.unit_cost
    if problem.tiers is not None:
        row, place = demands.data_row[pairs.demand], problem.supply.place[pairs.supply]
        billed = (row != NO_ROW) & (pairs.move == 0)
        moved = demands.data_amount[pairs.demand] * demands.move_cost[row, place]
        cost = np.where(billed, cost + moved, cost)
    return np.asarray(cost, np.float64)
