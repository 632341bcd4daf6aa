"""What plans have in common that serve one demand after another."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from solver.problem import Accounts, Bools, Floats, Problem, Reads
from solver.solution import Allocation, Routes


def idle_readers(reads: Reads | None, unmet: Floats) -> Bools:
    """Return bool[D]: demands placed to read more than a demand they build on will write."""
    idle = np.zeros(len(unmet), np.bool_)
    while reads is not None:
        left = np.where(idle, 1.0, unmet)
        short = left[reads.source] > left[reads.reader]
        if not short.any():
            break
        idle[reads.reader[short]] = True
    return idle


def without(allocation: Allocation, gone: Bools) -> Allocation:
    """Return `allocation` but for the rows `gone`, bool[N]."""
    return Allocation(
        **{one.name: getattr(allocation, one.name)[~gone] for one in fields(allocation)}
    )


def without_the_whole(problem: Problem) -> Problem:
    """Return `problem` without what only the whole plan can keep; apart is kept by `Remainder`."""
    return replace(
        problem,
        accounts=Accounts.none(problem.supply.count),
        apart=(),
        shares=(),
        most_cost=np.inf,
        stay=None,
        reads=None,
        refusals=None,
        coverage=None,
    )


def joined(parts: list[Allocation]) -> Allocation:
    """Return one table of the rows of all `parts`."""
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


def joined_routes(parts: list[Routes]) -> Routes:
    """Return one table of the rows of all `parts`."""
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
