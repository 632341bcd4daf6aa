"""From a point of the compact model to whole units, unit-hours and routes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from solver.compact_columns import NONE, Compact
from solver.problem import NO_ROW, Family, Floats
from solver.solution import Allocation, Routes
from solver.stations import Stations

#: Shares and loads below this part of the whole are the engine's tolerance, not decisions.
TOLERANCE = 1e-6


def decode(compact: Compact, x: Floats) -> tuple[Allocation, Routes, Floats]:
    """Read `x` (float64[N]) as an allocation, routes and float64[D] unmet shares."""
    unmet = np.clip(x[compact.unmet], 0.0, 1.0)
    unmet[unmet < TOLERANCE] = 0.0
    unmet[unmet > 1 - TOLERANCE] = 1.0
    pair, supply, units, unit_hours, share = _rows(compact, x)
    keep = units > 0
    pair, supply = pair[keep], supply[keep]
    pairs = compact.pairs
    allocation = Allocation(
        demand=pairs.demand[pair],
        mode=pairs.mode[pair],
        supply=supply.astype(np.int32),
        units=units[keep],
        unit_hours=unit_hours[keep],
        share=share[keep],
    )
    return allocation, _routes(compact, x), unmet


def _rows(
    compact: Compact, x: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    parts = [_gangs(compact, x), _services(compact, x), _batches(compact, x)]
    pair, supply, units, unit_hours, share = (
        np.concatenate([part[index] for part in parts]) for index in range(5)
    )
    return pair, supply, np.rint(units).astype(np.int64), unit_hours, share


Part = tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats, Floats]


def _gangs(compact: Compact, x: Floats) -> Part:
    pairs, problem = compact.pairs, compact.problem
    chosen = np.flatnonzero((pairs.family == Family.GANG) & (x[compact.main] > 0.5))
    mixing = compact.mixed[chosen] != NONE
    mixed = np.where(mixing, np.rint(x[compact.mixed[chosen]]), 0.0)
    amount = pairs.amount[chosen]
    spoilage = _spoilage(compact, chosen)
    hours = problem.demands.mode_hours[pairs.mode[chosen]]
    own = amount - mixed
    extra = mixed > 0
    return (
        np.concatenate([chosen, chosen[extra]]),
        np.concatenate([pairs.supply[chosen].astype(np.int64), compact.mixed_with[chosen][extra]]),
        np.concatenate([own, mixed[extra]]),
        np.concatenate([own * hours * spoilage, (mixed * hours)[extra]]),
        np.concatenate([own / amount, (mixed / amount)[extra]]),
    )


def _spoilage(compact: Compact, rows: NDArray[np.int64]) -> Floats:
    demands, pairs = compact.problem.demands, compact.pairs
    risk = compact.problem.supply.risk[pairs.supply[rows]]
    return np.asarray(demands.spoilage[demands.spoilage_row[pairs.demand[rows]], risk])


def _services(compact: Compact, x: Floats) -> Part:
    pairs = compact.pairs
    rows = np.flatnonzero(pairs.family == Family.SERVICE)
    units = np.rint(x[compact.main[rows]])
    hours = compact.problem.demands.mode_hours[pairs.mode[rows]]
    return (
        rows,
        pairs.supply[rows].astype(np.int64),
        units,
        units * hours,
        units * pairs.amount[rows],
    )


def _batches(compact: Compact, x: Floats) -> Part:
    pairs, demands = compact.pairs, compact.problem.demands
    rows = np.flatnonzero(pairs.family == Family.BATCH)
    share = np.clip(x[compact.main[rows]], 0.0, 1.0)
    rows, share = rows[share > TOLERANCE], share[share > TOLERANCE]
    hours = demands.mode_hours[pairs.mode[rows]]
    units = np.ceil(pairs.amount[rows] * share / hours - TOLERANCE)
    units = np.maximum(units, 1.0)
    unit_hours = np.minimum(pairs.amount[rows] * share, units * hours)
    return (
        rows,
        pairs.supply[rows].astype(np.int64),
        units,
        unit_hours,
        unit_hours / pairs.amount[rows],
    )


Sent = tuple[int, int, int, float, int, int, int]


def _routes(compact: Compact, x: Floats) -> Routes:
    found: list[Sent] = []
    for service, columns in compact.services.items():
        if columns.stations is None:
            found += _to_places(compact, x, service)
        else:
            found += _to_units(compact, x, service, columns.stations)
    found.sort()
    parts = list(zip(*found, strict=True)) or [()] * 7
    return Routes(
        service=np.array(parts[0], np.int32),
        point=np.array(parts[1], np.int32),
        place=np.array(parts[2], np.int32),
        amount=np.array(parts[3], np.float64),
        size=np.array(parts[4], np.int32),
        mode=np.array(parts[5], np.int32),
        supply=np.array(parts[6], np.int32),
    )


def _to_places(compact: Compact, x: Floats, service: int) -> Iterator[Sent]:
    services, columns = compact.problem.services, compact.services[service]
    classes = columns.classes
    for which, place in zip(*np.nonzero(columns.flow >= 0), strict=True):
        amount = float(x[columns.flow[which, place]])
        if amount <= TOLERANCE * columns.load:
            continue
        members = classes.members[which]
        part = services.load[members] / classes.load[which]
        for row, one in zip(members, part.tolist(), strict=True):
            point, at = int(services.load_point[row]), int(classes.places[place])
            yield service, point, at, amount * one, NO_ROW, NO_ROW, NO_ROW


def _to_units(compact: Compact, x: Floats, service: int, stations: Stations) -> Iterator[Sent]:
    """Split what a station carries among its units, by what they are worth there."""
    services, columns = compact.problem.services, compact.services[service]
    classes, pairs = columns.classes, compact.pairs
    sizes = services.load_size
    worth = np.rint(x[columns.units]) * stations.weight
    for which, station in zip(*np.nonzero(columns.flow >= 0), strict=True):
        part = float(x[columns.flow[which, station]])
        mine = np.flatnonzero((stations.of_pair == station) & (worth > 0))
        if part <= TOLERANCE or not len(mine) or sizes is None:
            continue
        members = classes.members[which]
        of_class = part / float(classes.load[which])
        for row in members.tolist():
            load = float(services.load[row]) * of_class
            for pair, share in zip(
                columns.rows[mine], worth[mine] / worth[mine].sum(), strict=True
            ):
                yield (
                    service,
                    int(services.load_point[row]),
                    int(compact.problem.supply.place[pairs.supply[pair]]),
                    load * float(share),
                    int(sizes[row]),
                    int(pairs.mode[pair]),
                    int(pairs.supply[pair]),
                )
