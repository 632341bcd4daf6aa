"""What a service needs to look at: pairs and places that no better one stands in for.

At given costs, capacity aside, unit i of a service is never needed where another unit j of the
same place carries as much for as little in whole multiples:

    ceil(load_i / load_j) x cost_j <= cost_i

and a place is never needed where another one is near to, and open to, all the same loads, costs
no more to move data to, and has such a j for each of its i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Pairs
from solver.problem import NO_ROW, Bools, Floats, Level, Problem
from solver.scopes import scope_of
from solver.stations import has_sizes

Longs = NDArray[np.int64]

#: Loads may be carried by this part less before a unit counts as the smaller one.
_ALIKE = 1e-12


def unit_costs(pairs: Pairs) -> Floats:
    """Return float64[P], what one unit of a service's pair costs."""
    return pairs.compute + pairs.extra


def needed(problem: Problem, pairs: Pairs, service: int) -> Bools:
    """Return bool[Q]: the pairs of `service` that some best plan is made of, capacity aside.

    Args:
        problem: priced; where costs are negative or loads have sizes, every pair is kept.
        pairs: the pairs of the service, Q.
        service: its row.
    """
    cost = unit_costs(pairs)
    kept = np.ones(pairs.count, np.bool_)
    odd = (cost < 0).any() or (pairs.move < 0).any() or has_sizes(problem, service)
    if not pairs.count or odd:
        return kept
    alike = _alike(problem, pairs, service)
    kept = _cheapest_of_each_amount(pairs, cost, alike)
    rows = np.flatnonzero(kept)
    stands_in = _stands_in(pairs.amount[rows], cost[rows])
    at = problem.supply.place[pairs.supply[rows]].astype(np.int64)
    within = stands_in & (alike[rows][:, None] == alike[rows][None, :])
    kept[rows[_beaten(within)]] = False
    if _places_are_free(problem, service):
        left = kept[rows]
        lost = _lost_places(
            problem,
            service,
            _Standing(
                place=at[left], move=pairs.move[rows[left]], by=stands_in[np.ix_(left, left)]
            ),
        )
        kept[rows[left][np.isin(at[left], lost)]] = False
    return kept


def _alike(problem: Problem, pairs: Pairs, service: int) -> Longs:
    """int64[Q]: equal for pairs between which only load and cost make a difference."""
    demand = int(problem.services.demand[service])
    level = int(problem.services.survive_level[service])
    parts = [problem.supply.place[pairs.supply].astype(np.int64)]
    if level == Level.ZONE:
        parts.append(scope_of(problem, pairs.supply, Level.ZONE))
    if problem.demands.risky_share[demand] < 1:
        parts.append(pairs.risky.astype(np.int64))
    home = home_of(problem, demand)
    if home is not None:
        parts.append(np.isin(pairs.supply, home).astype(np.int64))
    _, code = np.unique(np.stack(parts, axis=1), axis=0, return_inverse=True)
    return code.ravel().astype(np.int64)


def home_of(problem: Problem, demand: int) -> Longs | None:
    """Return the supplies a demand stands on now; None where moving it is no matter."""
    if problem.stay is None:
        return None
    row = np.flatnonzero(problem.stay.demand == demand)
    return problem.stay.supply[int(row[0])] if len(row) else None


def _cheapest_of_each_amount(pairs: Pairs, cost: Floats, alike: Longs) -> Bools:
    order = np.lexsort((pairs.supply, cost, pairs.amount, alike))
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(alike[order]) != 0) | (np.diff(pairs.amount[order]) != 0)
    kept = np.zeros(len(order), np.bool_)
    kept[order[first]] = True
    return kept


def _stands_in(amount: Floats, cost: Floats) -> Bools:
    """bool[n, n]: whole multiples of j carry what i carries and cost no more."""
    times = np.ceil(amount[:, None] / amount[None, :] - _ALIKE)
    return np.asarray(times * cost[None, :] <= cost[:, None], np.bool_)


def _beaten(by: Bools) -> Bools:
    """bool[n]: rows with another that stands in for them; of two that do, the first stays."""
    size = len(by)
    earlier = np.arange(size)[None, :] < np.arange(size)[:, None]
    np.fill_diagonal(by, val=False)
    return np.asarray((by & (~by.T | earlier)).any(axis=1), np.bool_)


def _places_are_free(problem: Problem, service: int) -> bool:
    """True when only loads, near and far, and data tell the places of a service apart."""
    services = problem.services
    return bool(
        services.least_places[service] <= 1
        and services.most_share[service] >= 1
        and services.survive_level[service] == NO_ROW
        and problem.demands.risky_share[services.demand[service]] in (0.0, 1.0)
        and home_of(problem, int(services.demand[service])) is None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """Pairs still standing: place int64[n], move float64[n], by bool[n, n] who stands in."""

    place: Longs
    move: Floats
    by: Bools


def _lost_places(problem: Problem, service: int, standing: _Standing) -> Longs:
    """int64[.]: places for all of whose pairs another place stands in."""
    places, at = np.unique(standing.place, return_inverse=True)
    order = np.argsort(at, kind="stable")
    start = np.searchsorted(at[order], np.arange(len(places)))
    some = np.logical_or.reduceat(standing.by[np.ix_(order, order)], start, axis=1)
    every = np.logical_and.reduceat(some, start, axis=0)
    move = standing.move[order][start]
    better = every & (move[None, :] <= move[:, None]) & _reaches(problem, service, places)
    return places[_beaten(np.array(better))]


def _reaches(problem: Problem, service: int, places: Longs) -> Bools:
    """bool[g, h]: place h is near to, and open to, every load that g is."""
    services = problem.services
    rows = slice(int(services.load_start[service]), int(services.load_start[service + 1]))
    distance = services.distance[np.ix_(services.load_point[rows], places)]
    open_to = distance <= services.farthest[service]
    near = open_to & (distance <= services.near[service])
    seen = np.concatenate([near, open_to]).astype(np.float64)
    missed = seen.T @ (1 - seen)
    return np.asarray(missed == 0, np.bool_)
