"""At which places a service that is served by itself looks first, where there are many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from solver.pairs import Pairs
from solver.problem import NO_ROW, Floats, Level, Problem
from solver.scopes import scope_of
from solver.selection import service_selection
from solver.service_pairs import unit_costs

#: Units that are as good as no limit.
_ENDLESS = 1e9
#: Ways of load to places, once for each loss to survive, that make a model of one service large.
_FEW_FLOWS = 500
#: ... and that are too many even at the cheap places.
_MOST_FLOWS = 1000


def selections(one: Problem, pairs: Pairs, most: Floats) -> Iterator[Pairs]:
    """Yield parts of `pairs` to try, the smallest first; none where all of them are few.

    A service that outlives the loss of an owner needs all: the cheap places may be one owner's.

    Args:
        one: the problem of one demand.
        pairs: its pairs.
        most: as `most_units` says of what is left.
    """
    services = one.services
    if not services.count or int(services.survive_level[0]) == Level.OWNER:
        return
    if _flows(one, pairs) <= _FEW_FLOWS:
        return
    cheap = service_selection(one, pairs, 0, np.minimum(most, _ENDLESS))
    if _flows(one, cheap) > _MOST_FLOWS:
        yield _nearest(one, cheap)
    yield cheap


def _flows(one: Problem, pairs: Pairs) -> int:
    """Ways of load to places, once more for each loss to survive."""
    level = int(one.services.survive_level[0])
    losses = 0
    if level != NO_ROW:
        losses = len(np.unique(scope_of(one, pairs.supply, Level(level))))
    places = len(np.unique(one.supply.place[pairs.supply]))
    return len(one.services.load) * places * (1 + losses)


def _nearest(one: Problem, pairs: Pairs) -> Pairs:
    """The pairs at the cheapest near places of each load, as many as make no large model."""
    services = one.services
    places, at = np.unique(one.supply.place[pairs.supply].astype(np.int64), return_inverse=True)
    price = np.full(len(places), np.inf)
    np.minimum.at(price, at, unit_costs(pairs) / pairs.amount)
    distance = services.distance[np.ix_(services.load_point, places)]
    near = distance <= min(float(services.near[0]), float(services.farthest[0]))
    rank = np.argsort(np.argsort(np.where(near, price, np.inf), axis=1, kind="stable"), axis=1)
    least = max(2, int(services.least_places[0]))
    found = pairs
    for keep in range(least, len(places)):
        some = pairs.keep(np.isin(at, np.flatnonzero((near & (rank < keep)).any(axis=0))))
        if keep > least and _flows(one, some) > _MOST_FLOWS:
            break
        found = some
    return found
