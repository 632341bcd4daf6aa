"""Which pairs a restricted model starts from: the cheapest of each demand at given costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Pairs, admitted, with_coefficients
from solver.pricing import Choices
from solver.problem import Bools, Family, Floats, Problem
from solver.service_pairs import needed, unit_costs

Longs = NDArray[np.int64]

#: Near places kept for each load of a service: the first few, and more until there is room for
#: so many times the load; and the places kept that are cheap wherever they are.
_PLACES_PER_LOAD = 3
_MOST_PLACES = 12
_ROOM = 2.0
_PLACES_MORE = 2
#: Pairs kept at each of them, beside those that some best plan may need.
_PAIRS_PER_PLACE = 3
#: Pairs kept of a gang or batch.
CHOICES = 12


def pairs_of(problem: Problem, demand: int, most: Floats) -> Pairs:
    """Return the admitted pairs of one demand; `most` as `most_units` says."""
    modes = problem.modes_of(demand)
    lists = [problem.supplies_of(mode) for mode in modes]
    mode = np.repeat(np.array(modes, np.int32), [len(one) for one in lists])
    supply = np.concatenate([np.empty(0, np.int32), *lists]).astype(np.int32)
    pairs = with_coefficients(problem, np.full(len(mode), demand, np.int32), mode, supply)
    return pairs.keep(admitted(problem, pairs, most))


def joined(problem: Problem, parts: Sequence[Pairs]) -> Pairs:
    """Return all pairs of `parts` once, in order, with the coefficients of `problem`."""
    nothing = np.empty(0, np.int32)
    demand, mode, supply = (
        np.concatenate([nothing, *(getattr(one, name) for one in parts)]).astype(np.int32)
        for name in ("demand", "mode", "supply")
    )
    # Modes are numbered by demand, so this is the order of (demand, mode, supply) too.
    _, at = np.unique(mode.astype(np.int64) * problem.supply.count + supply, return_index=True)
    return with_coefficients(problem, demand[at], mode[at], supply[at])


def few_choices(problem: Problem, choices: Choices, keep: int, most: Floats) -> Pairs:
    """Return the first choices of each demand as pairs: `keep`, and more until there is room.

    Room is there for `_ROOM` times the demand; `most` as `most_units` says.
    """
    first = choices.first_of_demand(problem.demands.count)
    rank = np.arange(len(choices.demand)) - first[choices.demand]
    pairs = with_coefficients(problem, choices.demand, choices.mode, choices.supply)
    hours = problem.demands.mode_hours[pairs.mode]
    taken = np.where(pairs.family == Family.BATCH, pairs.amount / hours, pairs.amount)
    part = np.minimum(most[pairs.supply] / np.maximum(taken, 1e-12), 1.0)
    total = np.cumsum(part)
    before = total - part - np.concatenate([[0.0], total])[first[choices.demand]]
    return joined(problem, [pairs.keep((rank < keep) | (before < _ROOM))])


def service_selection(problem: Problem, pairs: Pairs, service: int, most: Floats) -> Pairs:
    """Return the pairs of a service at the places that are cheapest for its loads.

    Args:
        problem: priced.
        pairs: all pairs of the service.
        service: its row.
        most: as `most_units` says.
    """
    if not pairs.count:
        return pairs
    place = problem.supply.place[pairs.supply]
    first, last = problem.services.load_start[service : service + 2]
    load = float(problem.services.load[first:last].sum())
    per_load = unit_costs(pairs) / np.minimum(pairs.amount, load)
    places, at = np.unique(place.astype(np.int64), return_inverse=True)
    price = np.full(len(places), np.inf)
    np.minimum.at(price, at, per_load)
    room = np.zeros(len(places))
    np.add.at(room, at, most[pairs.supply] * pairs.amount)
    chosen = _chosen_places(problem, service, places, (price, room))
    inside = np.isin(at, chosen)
    few = _cheapest_of_each(at, per_load, _PAIRS_PER_PLACE) | needed(problem, pairs, service)
    return pairs.keep(inside & few)


def _cheapest_of_each(group: Longs, value: Floats, keep: int) -> Bools:
    """bool[n]: the `keep` least values of each group."""
    order = np.lexsort((np.arange(len(group)), value, group))
    start = np.flatnonzero(np.diff(group[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    kept = np.zeros(len(order), np.bool_)
    kept[order[rank < keep]] = True
    return kept


def _chosen_places(
    problem: Problem, service: int, places: Longs, offered: tuple[Floats, Floats]
) -> Longs:
    """Positions of the cheapest places near each load, and of a few cheap ones anywhere."""
    price, room = offered
    services = problem.services
    rows = slice(int(services.load_start[service]), int(services.load_start[service + 1]))
    distance = services.distance[np.ix_(services.load_point[rows], places)]
    more = max(int(services.least_places[service]) - 1, 0)
    more += 2 * (services.survive_level[service] >= 0)
    limit = min(float(services.near[service]), float(services.farthest[service]))
    seen = np.where(distance <= limit, price[None, :], np.inf)
    order = np.argsort(seen, axis=1, kind="stable")
    sums = np.cumsum(room[order], axis=1)  # a difference would be inf - inf where room is endless
    before = np.concatenate([np.zeros((len(order), 1)), sums[:, :-1]], axis=1)
    wanted = _ROOM * float(services.load[rows].sum())
    rank = np.arange(len(places))[None, :]
    kept = (rank < _PLACES_PER_LOAD + more) | ((before < wanted) & (rank < _MOST_PLACES))
    near = order[kept & np.isfinite(np.take_along_axis(seen, order, axis=1))]
    anywhere = np.argsort(price, kind="stable")[: _PLACES_MORE + more]
    return np.union1d(near, anywhere)
