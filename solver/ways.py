"""Ways to serve a block of demands: what it holds and where its loads go, ready to be compared.

A way is independent of any model; `encode` gives the values that the columns of a model take when
demands are served so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from solver.compact_columns import NONE, Compact, Longs
from solver.decode import decode
from solver.problem import NO_ROW, Family, Floats
from solver.service_rows import ServiceColumns
from solver.slices import Slice
from solver.solution import Allocation, Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How some demands are served.

    Attributes:
        demands: int64[d], ascending.
        allocation, routes: rows of these demands, in the numbers of the whole problem.
        unmet: float64[d].
    """

    demands: Longs
    allocation: Allocation
    routes: Routes
    unmet: Floats

    @property
    def key(self) -> bytes:
        """Equal for ways that hold and route the same."""
        rows = self.allocation
        parts = (self.demands, rows.mode, rows.supply, rows.units, rows.share.round(9))
        sent = self.routes
        routed = (sent.point, sent.place, sent.size, sent.amount.round(6))
        return b"|".join(part.tobytes() for part in (*parts, *routed, self.unmet.round(9)))


def nothing(demands: Longs) -> Way:
    """Return the way that leaves `demands` unmet."""
    empty = np.empty(0, np.int32)
    none = np.empty(0)
    return Way(
        demands=demands,
        allocation=Allocation(
            demand=empty,
            mode=empty,
            supply=empty,
            units=np.empty(0, np.int64),
            unit_hours=none,
            share=none,
        ),
        routes=Routes(
            service=empty,
            point=empty,
            place=empty,
            amount=none,
            size=empty,
            mode=empty,
            supply=empty,
        ),
        unmet=np.ones(len(demands)),
    )


def way_of(compact: Compact, x: Floats, part: Slice) -> Way:
    """Read a point of the model of a part as a way, in the numbers of the whole problem."""
    allocation, routes, unmet = decode(compact, x)
    return Way(
        demands=part.demand,
        allocation=_with(
            allocation,
            demand=part.demand[allocation.demand].astype(np.int32),
            mode=part.mode[allocation.mode].astype(np.int32),
        ),
        routes=_with(
            routes,
            service=part.service[routes.service].astype(np.int32),
            mode=_renumbered(part.mode, routes.mode),
        ),
        unmet=unmet,
    )


def _renumbered(names: Longs, row: NDArray[np.int32]) -> NDArray[np.int32]:
    """Names of rows; `NO_ROW` stays."""
    if not len(names):
        return row
    return np.where(row == NO_ROW, NO_ROW, names[np.maximum(row, 0)]).astype(np.int32)


_Rows = TypeVar("_Rows", Allocation, Routes)


def _with(rows: _Rows, **changed: NDArray[np.int32]) -> _Rows:
    kept = {one.name: getattr(rows, one.name) for one in fields(rows)}
    return type(rows)(**(kept | changed))


def ways_in(
    allocation: Allocation,
    routes: Routes,
    unmet: Floats,
    blocks: Sequence[Longs],
    services: NDArray[np.int32],
) -> list[Way]:
    """Cut a whole plan into the ways of `blocks`; services: int32[V], demand of each service."""
    found = []
    block_of = np.full(len(unmet), NONE, np.int64)
    for number, block in enumerate(blocks):
        block_of[block] = number
    rows_of = _grouped(block_of[allocation.demand], len(blocks))
    routes_of = _grouped(block_of[services[routes.service]], len(blocks))
    for number, block in enumerate(blocks):
        found.append(
            Way(
                demands=block,
                allocation=_rows(allocation, rows_of[number]),
                routes=_rows(routes, routes_of[number]),
                unmet=unmet[block],
            )
        )
    return found


def _grouped(group: Longs, groups: int) -> list[Longs]:
    """Rows of each group; rows of group `NONE` are left out."""
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(groups + 1)).tolist()
    return [order[start:end] for start, end in pairwise(first)]


def _rows(table: _Rows, chosen: Longs) -> _Rows:
    return type(table)(**{one.name: getattr(table, one.name)[chosen] for one in fields(table)})


def _rows_of(key: NDArray[np.int32], wanted: list[int]) -> list[Longs]:
    """The rows that have each of the keys that are wanted."""
    order = np.argsort(key, kind="stable")
    first = np.searchsorted(key[order], wanted, side="left").tolist()
    end = np.searchsorted(key[order], wanted, side="right").tolist()
    return [order[start:stop] for start, stop in zip(first, end, strict=True)]


#: Columns, int64[n], and the values they take.
Given = tuple[Longs, Floats]


class Encoder:
    """Finds the columns of one compact model that a way gives values to."""

    def __init__(self, compact: Compact) -> None:
        """Index the pairs of `compact`."""
        self._compact = compact
        pairs = compact.pairs
        self._modes = len(compact.problem.demands.mode_kind)
        self._key = self._keys(pairs.mode, pairs.supply)
        self._order = np.argsort(self._key, kind="stable")
        self._sorted = self._key[self._order]
        stay = compact.problem.stay
        self._home = {} if stay is None else {int(d): row for row, d in enumerate(stay.demand)}
        services = compact.problem.services.demand
        self._service = {int(demand): row for row, demand in enumerate(services)}

    def encode(self, way: Way) -> tuple[Longs, Floats]:
        """Return (columns, values) of `way`; all other columns of its demands are 0.

        Columns that only say whether a service outlives a loss are left at 0.

        Raises:
            KeyError: the model lacks a pair of the way.
        """
        rows, compact = way.allocation, self._compact
        pair = self._pairs(rows.mode, rows.supply)
        found = [(compact.unmet[way.demands], way.unmet)]
        family = compact.pairs.family[pair]
        for each, some in (
            (Family.GANG, self._gangs),
            (Family.BATCH, self._batches),
            (Family.SERVICE, self._units),
        ):
            own = np.flatnonzero(family == each)
            if len(own):
                found += some(pair[own], rows.units[own], rows.share[own])
        if compact.is_whole:
            found.append(self._serving(way, pair))
        else:
            found.append(self._present(pair[family == Family.SERVICE]))
        found.append(self._moved(way))
        column, value = zip(*found, strict=True)
        return np.concatenate(column), np.concatenate(value)

    def _keys(self, mode: NDArray[np.int32], supply: NDArray[np.int32]) -> Longs:
        return np.asarray(supply.astype(np.int64) * self._modes + mode)

    def _pairs(self, mode: NDArray[np.int32], supply: NDArray[np.int32]) -> Longs:
        key = self._keys(mode, supply)
        if not len(key):
            return np.empty(0, np.int64)
        row = self._order[np.minimum(np.searchsorted(self._sorted, key), len(self._order) - 1)]
        if not (self._key[row] == key).all():
            raise KeyError("the model lacks a pair of the way")
        return np.asarray(row, np.int64)

    def _gangs(self, pair: Longs, units: NDArray[np.int64], _share: Floats) -> list[Given]:
        """One pair of each gang, or one with owned units of its pool mixed in."""
        compact = self._compact
        demand = compact.pairs.demand[pair]
        mixed = compact.problem.supply.owned[compact.pairs.supply[pair]]
        if mixed.any():
            _, at, rows = np.unique(demand, return_inverse=True, return_counts=True)
            mixed &= rows[at] > 1
        main = pair[~mixed]
        found = [(compact.main[main], np.ones(len(main)))]
        if mixed.any():
            order = np.argsort(demand[~mixed], kind="stable")
            into = main[order][np.searchsorted(demand[~mixed][order], demand[mixed])]
            found.append((compact.mixed[into], units[mixed].astype(np.float64)))
        return found

    def _units(self, pair: Longs, units: NDArray[np.int64], _share: Floats) -> list[Given]:
        return [(self._compact.main[pair], units.astype(np.float64))]

    def _batches(self, pair: Longs, units: NDArray[np.int64], share: Floats) -> list[Given]:
        compact = self._compact
        counted = compact.units[pair] != NONE
        held = units[counted].astype(np.float64)
        return [(compact.main[pair], share), (compact.units[pair][counted], held)]

    def _present(self, pair: Longs) -> Given:
        """The places where services have a unit."""
        pairs, presence = self._compact.pairs, self._compact.presence
        places = int(self._compact.problem.supply.place.max(initial=0)) + 1
        place = self._compact.problem.supply.place[pairs.supply[pair]]
        held = np.unique(pairs.demand[pair].astype(np.int64) * places + place)
        column = presence.column[np.isin(presence.demand * places + presence.place, held)]
        return column, np.ones(len(column))

    def _serving(self, way: Way, pair: Longs) -> Given:
        """Flows of services, and the places where they have a unit."""
        demands = [one for one in way.demands.tolist() if one in self._service]
        services = [self._service[one] for one in demands]
        own = _rows_of(way.allocation.demand, demands) if demands else []
        sent = _rows_of(way.routes.service, services) if demands else []
        found: list[tuple[int, float]] = []
        for service, mine, routes in zip(services, own, sent, strict=True):
            found += self._serves(service, pair[mine], way.routes, routes)
        column, value = zip(*found, strict=True) if found else ((), ())
        return np.array(column, np.int64), np.array(value, np.float64)

    def _serves(
        self, service: int, pair: Longs, routes: Routes, mine: Longs
    ) -> list[tuple[int, float]]:
        """Flows of one service, and the places that have a unit."""
        columns = self._compact.services[service]
        if columns.stations is None:
            found = _flows(self._compact, columns, routes, mine)
        else:
            found = self._sized_flows(columns, service, routes, mine)
        if columns.placed != NONE and len(pair):
            place = self._compact.problem.supply.place[self._compact.pairs.supply[pair]]
            at = np.searchsorted(columns.classes.places, np.unique(place))
            found += [(int(one), 1.0) for one in columns.present[at]]
            found.append((columns.placed, 1.0))
        return found

    def _sized_flows(
        self, columns: ServiceColumns, service: int, routes: Routes, mine: Longs
    ) -> list[tuple[int, float]]:
        """Flows to stations are parts of the service's whole load."""
        services, stations = self._compact.problem.services, columns.stations
        if stations is None or services.load_size is None or not len(mine):
            return []
        first, last = services.load_start[service : service + 2]
        whole = float(services.load[first:last].sum())
        class_of = {
            (int(services.load_point[row]), int(services.load_size[row])): number
            for number, members in enumerate(columns.classes.members)
            for row in members.tolist()
        }
        pair = self._pairs(routes.mode[mine], routes.supply[mine])
        station = stations.of_pair[pair - int(columns.rows[0])]
        amount: dict[int, float] = {}
        for index, where in zip(mine.tolist(), station.tolist(), strict=True):
            key = (int(routes.point[index]), int(routes.size[index]))
            column = int(columns.flow[class_of[key], where])
            if column == NONE:
                raise KeyError("the model lacks a route of the way")
            amount[column] = amount.get(column, 0.0) + float(routes.amount[index]) / whole
        return list(amount.items())

    def _moved(self, way: Way) -> Given:
        """1 where a demand that has a home stands anywhere else, else 0."""
        stay = self._compact.problem.stay
        demands = [one for one in way.demands.tolist() if one in self._home]
        if stay is None or not demands:
            return np.empty(0, np.int64), np.empty(0)
        home = [self._home[one] for one in demands]
        away = [
            (~np.isin(way.allocation.supply[rows], stay.supply[one])).any()
            for one, rows in zip(home, _rows_of(way.allocation.demand, demands), strict=True)
        ]
        return self._compact.moved[home], np.array(away, np.float64)


def _flows(
    compact: Compact, columns: ServiceColumns, routes: Routes, mine: Longs
) -> list[tuple[int, float]]:
    services, classes = compact.problem.services, columns.classes
    class_of = {
        int(services.load_point[row]): number
        for number, members in enumerate(classes.members)
        for row in members.tolist()
    }
    amount: dict[int, float] = {}
    at = np.searchsorted(classes.places, routes.place[mine])
    for index, where in zip(mine.tolist(), at.tolist(), strict=True):
        column = int(columns.flow[class_of[int(routes.point[index])], where])
        if column == NONE:
            raise KeyError("the model lacks a route of the way")
        amount[column] = amount.get(column, 0.0) + float(routes.amount[index])
    return list(amount.items())
