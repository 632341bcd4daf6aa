"""Parts of a problem: some of its demands, with everything that is said of them alone."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Pairs
from solver.preferences import Stay
from solver.problem import NO_ROW, Apart, Demands, Problem, Reads, Services, Together

Longs = NDArray[np.int64]

_BY_MODE = (
    "mode_kind",
    "mode_shape",
    "mode_signature",
    "mode_amount",
    "mode_hours",
    "mode_size_amount",
)
_SHARED = frozenset({"mode_start", "spoilage", "carry", "move_cost", *_BY_MODE})
_BY_LOAD = ("load_point", "load", "load_size")
_SERVICE_SHARED = frozenset({"load_start", "distance", "demand", *_BY_LOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Some demands of a problem as a problem of their own.

    Attributes:
        problem: the part; supplies keep their numbers.
        demand: int64[d], demand of the whole problem that each demand of the part is.
        mode: int64[m], the same for modes.
        service: int64[v], the same for services.
    """

    problem: Problem
    demand: Longs
    mode: Longs
    service: Longs


def slice_demands(problem: Problem, chosen: Longs) -> Slice:
    """Return the part of `problem` that speaks of the demands `chosen` (ascending) alone.

    Shared rows (limits, accounts, caps) stay as they are; rules on scopes, reads and homes stay
    where they speak of chosen demands only.
    """
    demands, services = problem.demands, problem.services
    new = np.full(demands.count, NO_ROW, np.int64)
    new[chosen] = np.arange(len(chosen))
    mode, mode_start = _gathered(demands.mode_start, chosen)
    row = np.flatnonzero(new[services.demand] != NO_ROW)
    part = replace(
        problem,
        demands=_demands(demands, chosen, mode, mode_start),
        services=_services(services, row, new),
        apart=_apart(problem, new),
        together=_together(problem, new),
        stay=None if problem.stay is None else _stay(problem.stay, new),
        reads=None if problem.reads is None else _reads(problem.reads, new),
        refusals=None,
    )
    return Slice(problem=part, demand=chosen, mode=mode, service=row)


def slice_pairs(pairs: Pairs, part: Slice) -> Pairs:
    """Return the `pairs` of the whole problem that are of `part`, in its numbers."""
    kept = pairs.keep(np.isin(pairs.demand, part.demand))
    return replace(
        kept,
        demand=np.searchsorted(part.demand, kept.demand).astype(np.int32),
        mode=np.searchsorted(part.mode, kept.mode).astype(np.int32),
    )


def _gathered(start: Longs, chosen: Longs) -> tuple[Longs, Longs]:
    """Members of the chosen rows of a row-pointer array, and the new row pointers."""
    size = start[chosen + 1] - start[chosen]
    ends = np.cumsum(size)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - size, size)
    return np.repeat(start[chosen], size) + within, np.concatenate([[0], ends]).astype(np.int64)


def _row(values: NDArray[Any] | None, row: Longs) -> NDArray[Any] | None:
    return None if values is None else values[row]


def _demands(demands: Demands, chosen: Longs, mode: Longs, mode_start: Longs) -> Demands:
    by_demand: dict[str, Any] = {
        one.name: getattr(demands, one.name)[chosen]
        for one in fields(demands)
        if one.name not in _SHARED
    }
    by_mode: dict[str, Any] = {name: _row(getattr(demands, name), mode) for name in _BY_MODE}
    return replace(demands, mode_start=mode_start, **by_demand, **by_mode)


def _services(services: Services, row: Longs, new: Longs) -> Services:
    load, load_start = _gathered(services.load_start, row)
    by_service: dict[str, Any] = {
        one.name: getattr(services, one.name)[row]
        for one in fields(services)
        if one.name not in _SERVICE_SHARED
    }
    by_load: dict[str, Any] = {name: _row(getattr(services, name), load) for name in _BY_LOAD}
    demand = new[services.demand[row]].astype(np.int32)
    return replace(services, demand=demand, load_start=load_start, **by_service, **by_load)


def _apart(problem: Problem, new: Longs) -> tuple[Apart, ...]:
    found = []
    for rule in problem.apart:
        groups = [tuple(int(new[one]) for one in group if new[one] >= 0) for group in rule.groups]
        held = tuple(group for group in groups if group)
        if len(held) > 1:
            found.append(replace(rule, groups=held))
    return tuple(found)


def _together(problem: Problem, new: Longs) -> tuple[Together, ...]:
    found = []
    for rule in problem.together:
        kept = tuple(int(new[one]) for one in rule.demands if new[one] >= 0)
        if kept:
            found.append(replace(rule, demands=kept))
    return tuple(found)


def _stay(stay: Stay, new: Longs) -> Stay | None:
    row = np.flatnonzero(new[stay.demand] != NO_ROW)
    if not len(row):
        return None
    return replace(
        stay,
        demand=new[stay.demand[row]].astype(np.int32),
        supply=tuple(stay.supply[int(one)] for one in row),
        cost=stay.cost[row],
    )


def _reads(reads: Reads, new: Longs) -> Reads | None:
    row = np.flatnonzero((new[reads.reader] != NO_ROW) & (new[reads.source] != NO_ROW))
    if not len(row):
        return None
    return replace(
        reads,
        reader=new[reads.reader[row]].astype(np.int32),
        source=new[reads.source[row]].astype(np.int32),
        amount=reads.amount[row],
    )
