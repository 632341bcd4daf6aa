"""Cheapest-first: each demand in turn takes the cheapest way that is left.

What people and per-job tools do today, made aware of capacity, limits and rules on scopes: the
honest baseline beside a joint plan. Order: priority from the highest, then row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np

from solver.problem import (
    NO_ROW,
    Accounts,
    Apart,
    Bools,
    Demands,
    Floats,
    Limits,
    Problem,
    Reads,
    Services,
    Together,
)
from solver.scopes import scope_of, scopes_touched
from solver.solution import Allocation, Routes, Solution, Status, Stop

SolveOne = Callable[[Problem], Solution]


def cheapest_first(problem: Problem, solve_one: SolveOne) -> Solution:
    """Serve the demands of `problem` one at a time.

    Args:
        problem: all demands; its accounts, share caps, cost limit, moves, first refusals, what
            is paid for already by the hour and what demands read of each other are ignored, as
            a per-job choice does.
        solve_one: solves a problem of one demand.

    Returns:
        The joined allocation; its bound is 0 and proves nothing.
    """
    capacity, high = problem.supply.capacity.copy(), problem.limits.high.copy()
    taken: list[Allocation] = []
    routes: list[Routes] = []
    unmet = np.ones(problem.demands.count)
    cost = np.zeros(problem.demands.count)
    for demand in np.lexsort((np.arange(problem.demands.count), -problem.demands.priority)):
        usable = _usable(problem, int(demand), _joined(taken))
        found = solve_one(_alone(problem, int(demand), usable, capacity, high))
        unmet[demand] = found.unmet[0]
        cost[demand] = found.cost
        moved = _renumbered(problem, int(demand), found)
        taken.append(moved[0])
        routes.append(moved[1])
        np.subtract.at(capacity, moved[0].supply, moved[0].units)
        high = high - _limit_use(problem.limits, moved[0], problem.supply.count)
    allocation = _joined(taken)
    idle = _idle_readers(problem.reads, unmet)
    unmet[idle] = 1.0
    return Solution(
        allocation=_without(allocation, np.isin(allocation.demand, np.flatnonzero(idle))),
        routes=_joined_routes(routes),
        unmet=unmet,
        levels=(),
        cost=float(cost[~idle].sum()),
        bound=0.0,
        status=Status.FEASIBLE,
        stop=Stop.WORK,
        method="cheapest-first",
    )


def _idle_readers(reads: Reads | None, unmet: Floats) -> Bools:
    """bool[D]: demands placed to read more than a demand they build on will write."""
    idle = np.zeros(len(unmet), np.bool_)
    while reads is not None:
        left = np.where(idle, 1.0, unmet)
        short = left[reads.source] > left[reads.reader]
        if not short.any():
            break
        idle[reads.reader[short]] = True
    return idle


def _without(allocation: Allocation, gone: Bools) -> Allocation:
    return Allocation(
        **{one.name: getattr(allocation, one.name)[~gone] for one in fields(allocation)}
    )


def _alone(
    problem: Problem, demand: int, usable: Bools, capacity: Floats, high: Floats
) -> Problem:
    """The problem of one demand on what is left."""
    demands, services = problem.demands, problem.services
    modes = slice(int(demands.mode_start[demand]), int(demands.mode_start[demand + 1]))
    rows = np.flatnonzero(services.demand == demand)
    used = np.unique(demands.mode_signature[modes])
    blocks = [
        problem.eligible[problem.eligible_start[one] : problem.eligible_start[one + 1]]
        for one in used
    ]
    blocks = [block[usable[block]] for block in blocks]
    one = _sliced(demands, demand, modes)
    return replace(
        problem,
        supply=replace(problem.supply, capacity=np.maximum(capacity, 0.0)),
        demands=replace(
            one, mode_signature=np.searchsorted(used, one.mode_signature).astype(np.int32)
        ),
        services=_service(services, rows),
        limits=replace(problem.limits, high=np.maximum(high, 0.0)),
        accounts=_no_accounts(problem.supply.count),
        eligible_start=np.cumsum([0, *(len(block) for block in blocks)]).astype(np.int64),
        eligible=np.concatenate([np.empty(0, np.int32), *blocks]).astype(np.int32),
        apart=(),
        together=tuple(
            Together(level=rule.level, demands=(0,))
            for rule in problem.together
            if demand in rule.demands
        ),
        shares=(),
        most_cost=np.inf,
        stay=None,
        reads=None,
        refusals=None,
        coverage=None,
    )


def _sliced(demands: Demands, demand: int, modes: slice) -> Demands:
    chosen = slice(demand, demand + 1)
    by_demand = (
        "family",
        "priority",
        "weight",
        "spoilage_row",
        "risky_share",
        "data_amount",
        "data_row",
    )
    by_mode = ("mode_kind", "mode_shape", "mode_signature", "mode_amount", "mode_hours")
    parts = {name: getattr(demands, name)[chosen] for name in by_demand}
    parts |= {name: getattr(demands, name)[modes] for name in by_mode}
    if demands.mode_size_amount is not None:
        parts["mode_size_amount"] = demands.mode_size_amount[modes]
    return replace(demands, mode_start=np.array([0, modes.stop - modes.start], np.int64), **parts)


def _service(services: Services, rows: np.ndarray) -> Services:
    """The services at `rows` (none or one), as services of demand 0."""
    kept = {"load_start", "load_point", "load", "load_size", "distance", "demand"}
    parts = {
        one.name: getattr(services, one.name)[rows]
        for one in fields(services)
        if one.name not in kept
    }
    first = int(services.load_start[rows[0]]) if len(rows) else 0
    last = int(services.load_start[rows[0] + 1]) if len(rows) else 0
    starts = [0, last - first] if len(rows) else [0]
    return replace(
        services,
        demand=np.zeros(len(rows), np.int32),
        load_start=np.array(starts, np.int64),
        load_point=services.load_point[first:last],
        load=services.load[first:last],
        load_size=None if services.load_size is None else services.load_size[first:last],
        **parts,
    )


def _no_accounts(supplies: int) -> Accounts:
    nothing = np.empty(0)
    return Accounts(
        measure=np.empty(0, np.int32),
        factor=np.empty((0, supplies)),
        low=nothing,
        high=nothing,
        slack_cost=nothing,
    )


def _usable(problem: Problem, demand: int, taken: Allocation) -> Bools:
    """bool[O]: supplies that the rules on scopes still leave to `demand`."""
    usable = np.ones(problem.supply.count, np.bool_)
    every = np.arange(problem.supply.count, dtype=np.int32)
    for rule in problem.apart:
        others = _others(rule, demand)
        rows = np.isin(taken.demand, others)
        if rows.any():
            _, lost = scopes_touched(problem, taken.supply[rows], rule.level)
            index, scope = scopes_touched(problem, every, rule.level)
            usable[index[np.isin(scope, lost)]] = False
    for together in problem.together:
        rows = np.isin(taken.demand, together.demands)
        if demand in together.demands and rows.any():
            kept = scope_of(problem, taken.supply[rows], together.level)
            usable &= np.isin(scope_of(problem, every, together.level), kept)
    return usable


def _others(rule: Apart, demand: int) -> list[int]:
    """Demands that may share no scope with `demand` under `rule`."""
    if not any(demand in group for group in rule.groups):
        return []
    return [one for group in rule.groups if demand not in group for one in group]


def _renumbered(problem: Problem, demand: int, found: Solution) -> tuple[Allocation, Routes]:
    """Give the rows of a one-demand solution the numbers of the whole problem."""
    first_mode = int(problem.demands.mode_start[demand])
    allocation, routes = found.allocation, found.routes
    service = np.flatnonzero(problem.services.demand == demand)
    row = int(service[0]) if len(service) else NO_ROW
    return (
        replace(
            allocation,
            demand=np.full(len(allocation.demand), demand, np.int32),
            mode=(allocation.mode + first_mode).astype(np.int32),
        ),
        replace(
            routes,
            service=np.full(len(routes.service), row, np.int32),
            mode=np.where(routes.mode == NO_ROW, NO_ROW, routes.mode + first_mode).astype(
                np.int32
            ),
        ),
    )


def _limit_use(limits: Limits, taken: Allocation, supplies: int) -> Floats:
    units = np.bincount(taken.supply, weights=taken.units, minlength=supplies)
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))
    return np.bincount(
        row, weights=limits.weight * units[limits.supply], minlength=limits.count
    ).astype(np.float64)


def _joined(parts: list[Allocation]) -> Allocation:
    empty = Allocation(
        demand=np.empty(0, np.int32),
        mode=np.empty(0, np.int32),
        supply=np.empty(0, np.int32),
        units=np.empty(0, np.int64),
        unit_hours=np.empty(0),
        share=np.empty(0),
    )
    names = [one.name for one in fields(empty)]
    return Allocation(
        **{name: np.concatenate([getattr(one, name) for one in (empty, *parts)]) for name in names}
    )


def _joined_routes(parts: list[Routes]) -> Routes:
    empty = Routes(
        service=np.empty(0, np.int32),
        point=np.empty(0, np.int32),
        place=np.empty(0, np.int32),
        amount=np.empty(0),
        size=np.empty(0, np.int32),
        mode=np.empty(0, np.int32),
        supply=np.empty(0, np.int32),
    )
    names = [one.name for one in fields(empty)]
    return Routes(
        **{name: np.concatenate([getattr(one, name) for one in (empty, *parts)]) for name in names}
    )
