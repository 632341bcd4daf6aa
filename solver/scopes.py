"""Which owners, places and zones supplies stand in, for rules on scopes.

Scope numbers of zones: a named zone is its own number; a supply whose zone is unknown stands in
one unnamed zone per pool, numbered after the named ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.grouped import distinct, ranges
from solver.problem import NO_ROW, Ints, Level, Problem

Longs = NDArray[np.int64]

#: Others of a rule that are looked at one by one.
_FEW = 16


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
    places, zones = _zones_of_places(problem)
    unknown = np.flatnonzero(problem.supply.zone[supply] == NO_ROW)
    place = problem.supply.place[supply[unknown]]
    first = np.searchsorted(places, place, side="left")
    size = np.searchsorted(places, place, side="right") - first
    extra, asker = zones[ranges(first, size)], np.repeat(unknown, size)
    other = extra != own[asker]
    return np.concatenate([index, asker[other]]), np.concatenate([own, extra[other]])


def kept_apart_from(problem: Problem) -> dict[int, list[tuple[Level, tuple[int, ...]]]]:
    """Return of each demand the scopes it may share with no one of some others, and those.

    Of rules that keep it apart from a few; who is in a group with it is none of them.
    """
    found: dict[int, list[tuple[Level, tuple[int, ...]]]] = {}
    for rule in problem.apart:
        members = sum(map(len, rule.groups))
        for own in rule.groups:
            if members - len(own) > _FEW:
                continue
            theirs = {one for group in rule.groups for one in group}.difference(own)
            entry = rule.level, tuple(sorted(theirs))
            for one in own:
                found.setdefault(one, []).append(entry)
    return found


def _zones(problem: Problem) -> int:
    zone = problem.supply.zone
    return int(zone.max()) + 1 if len(zone) else 0


def _zones_of_places(problem: Problem) -> tuple[Longs, Longs]:
    """Return (place, zone), sorted: each zone, named or not, that supplies of a place are in."""
    every = np.arange(problem.supply.count, dtype=np.int32)
    scope = scope_of(problem, every, Level.ZONE)
    return distinct(problem.supply.place.astype(np.int64), scope)[:2]
