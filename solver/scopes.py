"""Which owners, places and zones supplies stand in, for rules on scopes.

Scope numbers of zones: a named zone is its own number; a supply whose zone is unknown stands in
one unnamed zone per pool, numbered after the named ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.problem import NO_ROW, Ints, Level, Problem

Longs = NDArray[np.int64]


def scope_of(problem: Problem, supply: Ints, level: Level) -> Longs:
    """Return int64[N], the one scope each supply stands in (unknown zones: one per pool)."""
    stock = problem.supply
    place = stock.place[supply].astype(np.int64)
    if level is Level.OWNER:
        return problem.owner_of_place[place].astype(np.int64)
    if level is Level.PLACE:
        return place
    zone = stock.zone[supply].astype(np.int64)
    unnamed = stock.pool[supply].astype(np.int64) + _zones(problem)
    return np.where(zone == NO_ROW, unnamed, zone)


def scopes_touched(problem: Problem, supply: Ints, level: Level) -> tuple[Longs, Longs]:
    """Return (index into `supply`, scope): every scope each supply counts for, once.

    A supply of unknown zone counts for every zone of its place, the cautious reading.
    """
    own = scope_of(problem, supply, level)
    index = np.arange(len(supply), dtype=np.int64)
    if level is not Level.ZONE:
        return index, own
    zones_at = _zones_of_places(problem)
    unknown = np.flatnonzero(problem.supply.zone[supply] == NO_ROW)
    places = problem.supply.place[supply[unknown]]
    more = [
        [zone for zone in zones_at.get(place, ()) if zone != mine]
        for place, mine in zip(places.tolist(), own[unknown].tolist(), strict=True)
    ]
    sizes = np.array([len(zones) for zones in more], np.int64)
    extra = np.array([zone for zones in more for zone in zones], np.int64)
    return (
        np.concatenate([index, np.repeat(unknown, sizes)]),
        np.concatenate([own, extra]),
    )


def _zones(problem: Problem) -> int:
    zone = problem.supply.zone
    return int(zone.max()) + 1 if len(zone) else 0


def _zones_of_places(problem: Problem) -> dict[int, tuple[int, ...]]:
    """Every zone number, named or unnamed, that supplies of a place stand in."""
    every = np.arange(problem.supply.count, dtype=np.int32)
    scope = scope_of(problem, every, Level.ZONE)
    found = np.unique(np.stack([problem.supply.place.astype(np.int64), scope]), axis=1)
    zones: dict[int, list[int]] = {}
    for place, zone in found.T.tolist():
        zones.setdefault(place, []).append(zone)
    return {place: tuple(members) for place, members in zones.items()}
