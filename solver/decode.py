"""From a point of the compact model to whole units, unit-hours and routes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.compact_columns import NONE, Compact
from solver.problem import Family, Floats
from solver.solution import Allocation, Routes

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


def _routes(compact: Compact, x: Floats) -> Routes:
    services = compact.problem.services
    found: list[tuple[int, int, int, float]] = []
    for service, columns in compact.services.items():
        classes = columns.classes
        for which, place in zip(*np.nonzero(columns.flow >= 0), strict=True):
            amount = float(x[columns.flow[which, place]])
            if amount <= TOLERANCE * columns.load:
                continue
            members = classes.members[which]
            part = services.load[members] / classes.load[which]
            found += [
                (service, int(services.load_point[row]), int(classes.places[place]), amount * one)
                for row, one in zip(members, part.tolist(), strict=True)
            ]
    found.sort()
    columns4 = list(zip(*found, strict=True)) or [(), (), (), ()]
    return Routes(
        service=np.array(columns4[0], np.int32),
        point=np.array(columns4[1], np.int32),
        place=np.array(columns4[2], np.int32),
        amount=np.array(columns4[3], np.float64),
    )
