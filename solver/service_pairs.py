"""What a service needs to look at: pairs and places that no better one stands in for.

At given costs, capacity aside, unit i of a service is never needed where another unit j of the
same place carries as much of what can come there for as little in whole multiples:

    ceil(load_i / load_j) x cost_j <= cost_i

A place g has a *substitute* h that is near to, and open to, all the same loads, costs no more to
move data to, and has such a j for each of its i. It is never needed where it has enough of them:

* as many as the service must use places, where h may take on all that g carries;
* as many as any plan worth having could use, where rules limit what h may carry beside its own:
  one of them is then unused, and can take the place of g.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Pairs
from solver.problem import NO_ROW, Bools, Floats, Ints, Level, Problem
from solver.scopes import scope_of
from solver.service_rows import most_worth_holding
from solver.stations import has_sizes

Longs = NDArray[np.int64]

#: Loads may be carried by this part less before a unit counts as the smaller one.
_ALIKE = 1e-12


def unit_costs(pairs: Pairs) -> Floats:
    """Return float64[P], what one unit of a service's pair costs."""
    return pairs.compute + pairs.extra


def needed(problem: Problem, pairs: Pairs, service: int, *, scarce: Bools | None = None) -> Bools:
    """Return bool[Q]: the pairs of `service` that some best plan is made of, capacity aside.

    Args:
        problem: priced; where costs are negative, loads have sizes or the service must stand
            together with others, every pair is kept.
        pairs: the pairs of the service, Q.
        service: its row.
        scarce: bool[Q], pairs whose capacity counts: they stand in for no other; None: none.
    """
    cost = unit_costs(pairs)
    kept = np.ones(pairs.count, np.bool_)
    odd = (cost < 0).any() or (pairs.move < 0).any() or has_sizes(problem, service)
    odd |= any(int(problem.services.demand[service]) in rule.demands for rule in problem.together)
    if not pairs.count or odd:
        return kept
    carries = _carries(problem, pairs, service)
    few = np.zeros(pairs.count, np.bool_) if scarce is None else scarce
    alike = _alike(problem, pairs, service)
    apart = np.where(few, alike.max() + 1 + np.arange(pairs.count), alike)
    kept = _cheapest_of_each_amount(pairs.supply, carries, cost, apart)
    rows = np.flatnonzero(kept)
    stands_in = _stands_in(carries[rows], cost[rows])
    if _mixes_risk(problem, service):
        stands_in &= _same_risk(pairs.risky[rows], carries[rows])
    stands_in &= ~few[rows][None, :]
    within = stands_in & (alike[rows][:, None] == alike[rows][None, :])
    left = ~_beaten(within).any(axis=1)
    kept[rows[~left]] = False
    if _places_are_free(problem, service):
        standing = pairs.keep(kept)
        lost = _lost_places(problem, service, standing, stands_in[np.ix_(left, left)], few[kept])
        kept &= ~np.isin(problem.supply.place[pairs.supply], lost)
    return kept


def needed_alone(problem: Problem, pairs: Pairs, service: int, most: Floats) -> Bools:
    """Return bool[Q]: the pairs of `service` that some best plan for it alone is made of.

    Args:
        problem: as for `needed`.
        pairs: the pairs of the service, Q.
        service: its row.
        most: float64[O], units that the service may hold, as `most_units` says.
    """
    _, at = np.unique(problem.supply.place[pairs.supply], return_inverse=True)
    worth = most_worth_holding(problem, pairs, at, service)
    wanted = np.bincount(pairs.supply, weights=worth, minlength=len(most))
    scarce = wanted[pairs.supply] > most[pairs.supply]
    return needed(problem, pairs, service, scarce=scarce)


def _carries(problem: Problem, pairs: Pairs, service: int) -> Floats:
    """float64[Q]: load a unit carries, as far as it can come to its place.

    Where a share of what units carry is limited, what they could carry counts.
    """
    if _mixes_risk(problem, service):
        return pairs.amount
    services = problem.services
    rows = slice(int(services.load_start[service]), int(services.load_start[service + 1]))
    place = problem.supply.place[pairs.supply]
    places, at = np.unique(place, return_inverse=True)
    distance = services.distance[np.ix_(services.load_point[rows], places)]
    comes = services.load[rows] @ (distance <= services.farthest[service])
    if services.survive_level[service] == NO_ROW:
        comes = np.minimum(comes, services.load[rows].sum() * services.most_share[service])
    return np.asarray(np.minimum(pairs.amount, comes[at]), np.float64)


def _mixes_risk(problem: Problem, service: int) -> bool:
    """True when only a part of the service may run at risk."""
    share = float(problem.demands.risky_share[problem.services.demand[service]])
    return 0 < share < 1


def _same_risk(risky: Bools, amount: Floats) -> Bools:
    """bool[n, n]: j in place of i leaves as small a part at risk."""
    alike = risky[:, None] == risky[None, :]
    return np.asarray(alike & (~risky[:, None] | (amount[:, None] == amount[None, :])), np.bool_)


def _alike(problem: Problem, pairs: Pairs, service: int) -> Longs:
    """int64[Q]: equal for pairs between which only load and cost make a difference."""
    demand = int(problem.services.demand[service])
    level = int(problem.services.survive_level[service])
    key = problem.supply.place[pairs.supply].astype(np.int64)
    if level == Level.ZONE:
        zone = scope_of(problem, pairs.supply, Level.ZONE)
        key = key * (int(zone.max(initial=0)) + 1) + zone
    if problem.demands.risky_share[demand] < 1:
        key = 2 * key + pairs.risky
    home = home_of(problem, demand)
    return key if home is None else 2 * key + np.isin(pairs.supply, home)


def home_of(problem: Problem, demand: int) -> Longs | None:
    """Return the supplies a demand stands on now; None where moving it is no matter."""
    if problem.stay is None:
        return None
    row = np.flatnonzero(problem.stay.demand == demand)
    return problem.stay.supply[int(row[0])] if len(row) else None


def _cheapest_of_each_amount(supply: Ints, amount: Floats, cost: Floats, alike: Longs) -> Bools:
    order = np.lexsort((supply, cost, amount, alike))
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(alike[order]) != 0) | (np.diff(amount[order]) != 0)
    kept = np.zeros(len(order), np.bool_)
    kept[order[first]] = True
    return kept


def _stands_in(amount: Floats, cost: Floats) -> Bools:
    """bool[n, n]: whole multiples of j carry what i carries and cost no more."""
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.ceil(amount[:, None] / amount[None, :] - _ALIKE)
        times[amount == 0] = 1.0  # a unit that carries nothing still makes its place one in use
        return np.asarray(times * cost[None, :] <= cost[:, None], np.bool_)


def _beaten(by: Bools) -> Bools:
    """bool[n, n]: j stands in for i, and i not for j, or j comes first."""
    size = len(by)
    earlier = np.arange(size)[None, :] < np.arange(size)[:, None]
    strictly = by & (~by.T | earlier)
    np.fill_diagonal(strictly, val=False)
    return np.asarray(strictly, np.bool_)


def _places_are_free(problem: Problem, service: int) -> bool:
    """True when another place can do for the service what its best ones do."""
    return bool(
        problem.services.survive_level[service] != Level.ZONE
        and home_of(problem, int(problem.services.demand[service])) is None
    )


def _lost_places(
    problem: Problem, service: int, pairs: Pairs, stands_in: Bools, few: Bools
) -> Longs:
    """int64[.]: places with enough substitutes; stands_in: bool[Q, Q] between pairs.

    few: bool[Q], pairs that no plan may count on.
    """
    place = problem.supply.place[pairs.supply].astype(np.int64)
    places, at = np.unique(place, return_inverse=True)
    order = np.argsort(at, kind="stable")
    start = np.searchsorted(at[order], np.arange(len(places)))
    some = np.logical_or.reduceat(stands_in[np.ix_(order, order)], start, axis=1)
    every = np.logical_and.reduceat(some, start, axis=0)
    move = pairs.move[order][start]
    better = every & (move[None, :] <= move[:, None]) & _reaches(problem, service, places)
    services = problem.services
    if services.survive_level[service] == Level.OWNER:
        owner = problem.owner_of_place[places]
        better &= owner[:, None] == owner[None, :]
    enough = _most_places(problem, service, pairs, (places, at), few)
    if services.survive_level[service] == NO_ROW and services.most_share[service] >= 1:
        enough = min(enough, max(1, int(services.least_places[service])))
    return np.asarray(places[_beaten(np.array(better)).sum(axis=1) >= enough], np.int64)


def _most_places(
    problem: Problem, service: int, pairs: Pairs, where: tuple[Longs, Longs], few: Bools
) -> float:
    """Places of any plan that costs no more than a simple one; inf where that one is not found.

    The simple one has all the load's worth of units in each of a few places, so many that every
    load is near to as many of them as the rules on places ask for.
    """
    services = problem.services
    if services.survive_level[service] == Level.OWNER:
        return np.inf  # the simple one might have all its places of one owner
    rows = slice(int(services.load_start[service]), int(services.load_start[service + 1]))
    load, (places, at) = float(services.load[rows].sum()), where
    cost, move = unit_costs(pairs), np.zeros(len(places))
    move[at] = pairs.move
    sure = np.where((_mixes_risk(problem, service) & pairs.risky) | few, np.inf, cost)
    whole, least = np.full((2, len(places)), np.inf)
    np.minimum.at(whole, at, np.ceil(load / pairs.amount - _ALIKE) * sure)
    np.minimum.at(least, at, cost)
    times = max(
        int(services.least_places[service]), int(np.ceil(1 / services.most_share[service]))
    )
    times = max(times, 2 * (services.survive_level[service] != NO_ROW))
    distance = services.distance[np.ix_(services.load_point[rows], places)]
    near = distance <= min(float(services.near[service]), float(services.farthest[service]))
    known = _cover(near, whole + move, times)
    if not np.isfinite(known):
        return np.inf
    total = np.cumsum(np.sort(least + move))
    return float(np.searchsorted(total, known * (1 + _ALIKE), side="right"))


def _cover(near: Bools, cost: Floats, times: int) -> float:
    """Cost of places that have every load near to so many of them, chosen greedily; or inf."""
    wanted, total = np.full(len(near), times), 0.0
    cost = cost.copy()
    while wanted.any():
        reached = near[wanted > 0].sum(axis=0)
        ratio = np.where(reached > 0, cost, np.inf) / np.maximum(reached, 1)
        best = int(ratio.argmin())
        if not np.isfinite(ratio[best]):
            return np.inf
        total += float(cost[best])
        cost[best] = np.inf
        wanted = np.maximum(wanted - near[:, best], 0)
    return total


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
