"""Whether units carry the loads of a service, by cuts, and one way to route them.

What can be routed is the least cut (Ford and Fulkerson, see `solver.survival_rows`): over all
sets P of the places used, what the places of P carry and the load that may go beyond P. Places
used are few, so every set is a row of a small table, and many candidates are judged at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import cast

import numpy as np

from solver.problem import Bools, Floats
from solver.service_asked import Asked, Longs

#: Most places for which all sets are looked at.
MOST_PLACES = 9
#: Part of the load that is rounding.
SLACK = 1e-9
_ROUNDING = 1e-8


@lru_cache(maxsize=MOST_PLACES + 1)
def _sets(places: int) -> tuple[Floats, Floats]:
    """float64[2^places, places]: every set of places, and what is outside of each."""
    every = np.arange(2**places)[:, None] >> np.arange(places)[None, :]
    sets = (every & 1).astype(np.float64)
    return sets, 1.0 - sets


@lru_cache(maxsize=MOST_PLACES + 1)
def _parts(places: int) -> tuple[Longs, Bools]:
    """int64[places, 2^places]: every set without each place; bool: it does not hold it."""
    every = np.arange(2**places)[None, :]
    without = every & ~(1 << np.arange(places)[:, None])
    return without, without == every


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Tables of one service over some of its places; each is made when it is first asked for.

    Attributes:
        asked: the service.
        places: int64[m], indices of the places.
    """

    asked: Asked
    places: Longs

    @classmethod
    def of(cls, asked: Asked, places: Longs) -> Cuts:
        """Return the tables over `places`, at most `MOST_PLACES`."""
        key = places.tobytes()
        if key not in asked.memo:
            asked.memo[key] = cls(asked=asked, places=places)
        return cast("Cuts", asked.memo[key])

    def routed(self, carried: Floats) -> Floats:
        """Return float64[B], the load that can be routed where places carry float64[B, m]."""
        sets, beyond = self._every
        most = np.minimum(carried, self.asked.room)
        return np.asarray((most @ sets.T + beyond).min(axis=1))

    def near_routed(self, carried: Floats) -> Floats:
        """Return float64[B], the same for near load alone, without a limit on one place."""
        sets, beyond = self._near
        return np.asarray((carried @ sets.T + beyond).min(axis=1))

    @cached_property
    def _every(self) -> tuple[Floats, Floats]:
        """Sets that can be the least cut, float64[n, m], and what may go beyond, float64[n]."""
        asked, places = self.asked, self.places
        outside = _sets(len(places))[1]
        goes = outside @ asked.free[:, places].T > 0
        if len(asked.budget):
            return _least(_with_far(asked, places, outside, goes), len(places))
        return _least(goes @ asked.load, len(places))

    @cached_property
    def _near(self) -> tuple[Floats, Floats]:
        """The same of near load alone."""
        asked, places = self.asked, self.places
        if not len(asked.budget) and asked.near is asked.free:
            return self._every
        goes = _sets(len(places))[1] @ asked.near[:, places].T > 0
        return _least(goes @ asked.load, len(places))


def _least(beyond: Floats, places: int) -> tuple[Floats, Floats]:
    """The sets that can be the least cut, and what goes beyond each of them."""
    kept = _tight(beyond, places)
    return _sets(places)[0][kept], beyond[kept]


def _tight(beyond: Floats, places: int) -> Longs:
    """int64[n]: sets of which no part lets as little go beyond; the others are no least cut."""
    without, whole = _parts(places)
    return np.flatnonzero((whole | (beyond[without] > beyond)).all(axis=0))


def _with_far(asked: Asked, places: Longs, outside: Floats, goes: Bools) -> Floats:
    """`Cuts.beyond` where some load may go far.

    Of a budget for all together only places that all may use are counted: less than the truth
    where `farthest` tells them apart, never more.
    """
    far = asked.far[:, places]
    if each_by_itself(asked):
        further = outside @ far.T > 0
        part = np.minimum(asked.budget, asked.load) * further
        return np.asarray(np.where(goes, asked.load, part).sum(axis=1))
    for_all = (far + asked.free[:, places] > 0).all(axis=0).astype(np.float64)
    further = (outside @ for_all > 0) & ~goes.all(axis=1)
    beyond = goes @ asked.load + asked.budget[0] * further
    return np.asarray(np.minimum(beyond, asked.whole))


def each_by_itself(asked: Asked) -> bool:
    """Return whether the far load of every class has a limit of its own."""
    return len(asked.budget) == len(asked.load)


def route(asked: Asked, carried: Floats) -> Floats | None:
    """Return a way to route all load, float64[C, H]; None: there is none.

    Args:
        asked: the service.
        carried: float64[H], load that the units of each place carry.
    """
    used = np.flatnonzero(carried > 0)
    flow = _Flow(asked, used, np.minimum(carried[used], asked.room))
    flow.fill()
    far = 0.0 if each_by_itself(asked) or not len(asked.budget) else flow.far - asked.budget[0]
    if flow.left > _ROUNDING * asked.whole or far > _ROUNDING * asked.whole:
        return None
    found = np.zeros(asked.free.shape)
    found[:, used] = flow.sent()
    return found


def _entries(matrix: Floats) -> Iterator[tuple[int, int]]:
    """(row, column) of what is not 0."""
    row, column = matrix.nonzero()
    return zip(row.tolist(), column.tolist(), strict=True)


class _Flow:
    """Augmenting paths from classes to places: each class in turn, with the least far load.

    Nodes: C classes, then m places; where each class may send a part far, then a way for that of
    each. Where all classes share what may go far, a far step costs 1 and taking it back -1
    (successive shortest paths: R. G. Busacker, P. J. Gowen, 1961), so that far load is least.
    """

    def __init__(self, asked: Asked, used: Longs, room: Floats) -> None:
        self._load: list[float] = asked.load.tolist()
        self._room: list[float] = room.tolist()
        self._tiny = 1e-12 * asked.whole
        classes, places = len(self._load), len(self._room)
        self._classes, self._places = classes, places
        self._left = [dict[int, float]() for _ in range(2 * classes + places)]
        self._far: dict[tuple[int, int], int] = {}
        for one, place in _entries(asked.free[:, used]):
            self._arc(one, classes + place, np.inf)
        for one, place in _entries(asked.far[:, used]) if len(asked.budget) else ():
            at, way = classes + place, classes + places + one
            if each_by_itself(asked):
                self._arc(one, way, float(asked.budget[one]))
                self._arc(way, at, np.inf)
            else:
                self._arc(one, at, np.inf)
                self._far[one, at], self._far[at, one] = 1, -1

    @property
    def left(self) -> float:
        """Load without a route."""
        return float(sum(self._load))

    @property
    def far(self) -> float:
        """Far load, where all classes share what may go far."""
        return sum(self._left[at][one] for (at, one), cost in self._far.items() if cost < 0)

    def fill(self) -> None:
        """Send all load there is room for."""
        for one in range(self._classes):
            for node in list(self._left[one]):  # near, and with room: no path has less far load
                if node < self._classes + self._places and (one, node) not in self._far:
                    self._send([one, node])
            while self._load[one] > self._tiny:
                path = self._path(one)
                if not path:
                    break
                self._send(path)

    def sent(self) -> Floats:
        """float64[C, m]."""
        found = np.zeros((self._classes, self._places))
        for place in range(self._places):
            for node, amount in self._left[self._classes + place].items():
                one = node if node < self._classes else node - self._classes - self._places
                found[one, place] += amount
        return found

    def _arc(self, start: int, end: int, most: float) -> None:
        self._left[start][end] = most
        self._left[end].setdefault(start, 0.0)

    def _path(self, start: int) -> list[int]:
        """The path of `start` with the least far steps to a place with room; empty: none."""
        cost: dict[int, int] = {start: 0}
        came: dict[int, int] = {}
        queue = [start]
        for node in queue:
            for after, room in self._left[node].items():
                far = cost[node] + self._far.get((node, after), 0)
                if room > self._tiny and (after not in cost or far < cost[after]):
                    cost[after], came[after] = far, node
                    queue.append(after)
        first = self._classes
        open_to = [
            first + place
            for place, room in enumerate(self._room)
            if room > self._tiny and first + place in cost
        ]
        if not open_to:
            return []
        path = [min(open_to, key=lambda node: cost[node])]
        while path[-1] != start:
            path.append(came[path[-1]])
        return path[::-1]

    def _send(self, path: list[int]) -> None:
        last = path[-1] - self._classes
        amount = min(self._load[path[0]], self._room[last])
        for start, end in pairwise(path):
            amount = min(amount, self._left[start][end])
        for start, end in pairwise(path):
            self._left[start][end] -= amount
            self._left[end][start] += amount
        self._load[path[0]] -= amount
        self._room[last] -= amount
