"""Cheapest-first: each demand in turn takes the cheapest way that is left.

What people and per-job tools do today, made aware of capacity, limits and rules on scopes: the
honest baseline beside a joint plan. Order: priority from the highest, then row. Gangs and most
batches are a matter of arithmetic (`solver.lone_choice`); services go to an engine, first with
the places that are cheap for their loads, then, where something stays unmet, with all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from solver.lone_choice import Choice, batch_choice, gang_choice, nothing_taken
from solver.one_by_one import (
    idle_readers,
    joined,
    joined_routes,
    without,
    without_the_whole,
)
from solver.pairs import Pairs
from solver.place_choice import selections
from solver.problem import (
    NO_ROW,
    Family,
    Floats,
    Limits,
    Problem,
)
from solver.remainder import Remainder
from solver.selection import pairs_of
from solver.slices import Slice, slice_demands, slice_pairs
from solver.solution import Allocation, Routes, Solution, Status, Stop

SolveOne = Callable[[Problem], Solution]

#: Relative gap of the choice for one demand that is made without an engine.
ONE_GAP = 1e-3


def cheapest_first(problem: Problem, solve_one: SolveOne, *, gap: float = ONE_GAP) -> Solution:
    """Serve the demands of `problem` one at a time.

    Args:
        problem: all demands; its accounts, share caps, cost limit, moves, first refusals, what
            is paid for already by the hour and what demands read of each other are ignored, as
            a per-job choice does.
        solve_one: solves a problem of one demand, where arithmetic does not suffice.
        gap: relative gap that is good enough where it does.

    Returns:
        The joined allocation; its bound is 0 and proves nothing.
    """
    left, plain = Remainder(problem), without_the_whole(problem)
    taken: list[Allocation] = []
    routes: list[Routes] = []
    unmet = np.ones(problem.demands.count)
    cost = np.zeros(problem.demands.count)
    for row in np.lexsort((np.arange(problem.demands.count), -problem.demands.priority)):
        demand = int(row)
        pairs = pairs_of(plain, demand, left.most)
        pairs = pairs.keep(left.usable(demand, pairs.supply))
        choice = _by_arithmetic(plain, left, pairs, demand, gap)
        if choice is None:
            choice, sent = _by_engine(plain, left, pairs, demand, solve_one)
            routes.append(sent)
        unmet[demand], cost[demand] = choice.unmet, choice.cost
        taken.append(choice.allocation)
        left.take(demand, choice.allocation)
    allocation = joined(taken)
    idle = idle_readers(problem.reads, unmet)
    unmet[idle] = 1.0
    return Solution(
        allocation=without(allocation, np.isin(allocation.demand, np.flatnonzero(idle))),
        routes=joined_routes(routes),
        unmet=unmet,
        levels=(),
        cost=float(cost[~idle].sum()),
        bound=0.0,
        status=Status.FEASIBLE,
        stop=Stop.WORK,
        method="cheapest-first",
    )


def _by_arithmetic(
    problem: Problem, left: Remainder, pairs: Pairs, demand: int, gap: float
) -> Choice | None:
    """The choice for a demand that needs no engine."""
    family = problem.demands.family[demand]
    if not pairs.count:
        return nothing_taken()
    if family == Family.GANG:
        return gang_choice(problem, left, pairs)
    return batch_choice(problem, left, pairs, gap) if family == Family.BATCH else None


def _by_engine(
    problem: Problem, left: Remainder, pairs: Pairs, demand: int, solve_one: SolveOne
) -> tuple[Choice, Routes]:
    """The choice for a demand that is a model of its own."""
    mine = tuple(rule for rule in problem.together if demand in rule.demands)
    part = slice_demands(replace(problem, together=mine), np.array([demand], np.int64))
    every = slice_pairs(pairs, part)
    for some in selections(part.problem, every, left.most):
        found = solve_one(_narrowed(part.problem, left, some))
        if found.unmet[0] == 0:
            return _renumbered(part, found)
    found = solve_one(_narrowed(part.problem, left, every))
    return _renumbered(part, found)


def _narrowed(one: Problem, left: Remainder, pairs: Pairs) -> Problem:
    """The problem of one demand on what is left at the supplies of `pairs`."""
    signature = one.demands.mode_signature
    used = np.unique(signature)
    blocks = []
    for row in used:
        block = one.eligible[one.eligible_start[row] : one.eligible_start[row + 1]]
        supply = pairs.supply[signature[pairs.mode] == row]
        blocks.append(block[np.isin(block, supply)])
    return replace(
        one,
        supply=replace(one.supply, capacity=np.maximum(left.capacity, 0.0)),
        demands=replace(
            one.demands, mode_signature=np.searchsorted(used, signature).astype(np.int32)
        ),
        limits=_limits_of(one.limits, left.high, pairs, one.supply.count),
        eligible_start=np.cumsum([0, *(len(block) for block in blocks)]).astype(np.int64),
        eligible=np.concatenate([np.empty(0, np.int32), *blocks]).astype(np.int32),
    )


def _limits_of(limits: Limits, high: Floats, pairs: Pairs, supplies: int) -> Limits:
    """What is left of the limits that count a supply of `pairs`."""
    member = np.zeros(supplies, np.bool_)
    member[pairs.supply] = True
    kept = member[limits.supply]
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))[kept]
    rows, size = np.unique(row, return_counts=True)
    return Limits(
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        supply=limits.supply[kept],
        weight=limits.weight[kept],
        high=np.maximum(high[rows], 0.0),
    )


def _renumbered(part: Slice, found: Solution) -> tuple[Choice, Routes]:
    """Give the rows of a one-demand solution the numbers of the whole problem."""
    allocation, routes = found.allocation, found.routes
    moved = replace(
        allocation,
        demand=part.demand[allocation.demand].astype(np.int32),
        mode=part.mode[allocation.mode].astype(np.int32),
    )
    sent = replace(
        routes,
        service=part.service[routes.service].astype(np.int32),
        mode=np.where(routes.mode == NO_ROW, NO_ROW, part.mode[np.maximum(routes.mode, 0)]).astype(
            np.int32
        ),
    )
    return Choice(allocation=moved, unmet=float(found.unmet[0]), cost=found.cost), sent
