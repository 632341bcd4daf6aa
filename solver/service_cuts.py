"""Rows that tighten the relaxation of services: what loads need in whole units.

All of them follow from the rows of `solver.service_rows` and units being whole, so they hold for
every plan. They are built for bounds alone, as other models are quicker without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from solver.compact_columns import Compact, CutRows
from solver.covers import Covers, cost_of_one, covers_of, joined, rounded, whole_multiples
from solver.grouped import alike
from solver.problem import Bools, Floats
from solver.service_rows import ServiceColumns
from solver.survival_rows import Carried, cuts

Longs = NDArray[np.int64]

#: Of so many places and scopes, those that serve a set of loads for least, the loss is looked at.
_WITHOUT = 2
#: Up to so many point classes all sets of them are looked at; else single ones, pairs and all.
_ALL_SETS = 5
#: A share so little below a whole part of 1 counts as that part.
_EVEN = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """The units of one service; Q pairs.

    Attributes:
        cost, amount: float64[Q], of a unit, and the load it carries.
        at: int64[Q], index of the place.
        risky: bool[Q].
        risky_share: most of the load carried that may be at risk.
    """

    cost: Floats
    amount: Floats
    at: Longs
    risky: Bools
    risky_share: float


def add_service_cuts(compact: Compact) -> None:
    """Add the rows of every service whose loads have no sizes."""
    problem, pairs = compact.problem, compact.pairs
    for service, columns in compact.services.items():
        rows = columns.rows
        if columns.stations is not None or not len(rows):
            continue
        demand = int(problem.services.demand[service])
        units = _Units(
            cost=pairs.compute[rows] + pairs.extra[rows],
            amount=pairs.amount[rows],
            at=np.searchsorted(columns.classes.places, problem.supply.place[pairs.supply[rows]]),
            risky=pairs.risky[rows],
            risky_share=float(problem.demands.risky_share[demand]),
        )
        covers = _load_covers(compact, service, columns, units)
        lasting: list[Covers] = []
        if columns.carried is not None:
            covers += _without_scopes(columns.carried, units.cost)
            lasting = _lasting(columns.carried, units.cost)
        every = joined([*covers, *_safe_alone([*covers, *lasting], units)], len(rows))
        found = joined([rounded(every, units.cost), *lasting], len(rows))
        _add_rows(compact, columns, demand, found)


def _add_rows(compact: Compact, columns: ServiceColumns, demand: int, found: Covers) -> None:
    """Sum of weight x n + slack x unmet >= need; without slack: >= need x placed."""
    builder, placed = compact.builder, found.slack == 0
    rows = builder.rows(found.count, low=np.where(placed, 0.0, found.need), high=np.inf)
    row, pair = np.nonzero(found.weight)
    builder.entries(rows[row], columns.units[pair], found.weight[row, pair])
    builder.entries(rows[~placed], int(compact.unmet[demand]), found.slack[~placed])
    builder.entries(rows[placed], columns.placed, -found.need[placed])
    compact.cuts.append(CutRows(service=demand, rows=rows, need=found.need, slack=found.slack))


def _load_covers(
    compact: Compact, service: int, columns: ServiceColumns, units: _Units
) -> list[Covers]:
    """What sets of loads need of units where they may go, and of those they are near to.

    A load's near part is all of it but what may be far. Where no place carries more than a
    share, the others carry the rest, and so many places have a unit.
    """
    services, classes = compact.problem.services, columns.classes
    most, far = float(services.most_share[service]), float(services.far_share[service])
    found: list[Covers] = []
    for seen, share in ((classes.allowed, 0.0), (classes.near, far)):
        if share >= 1 or (seen is classes.allowed and far <= 0):
            continue
        within = class_sets(seen) * classes.load
        load = within.sum(axis=1)
        away = share * (load if services.each_point[service] else np.full(len(load), columns.load))
        need = load - np.minimum(away, load)
        comes = np.minimum(within @ seen, most * columns.load)[:, units.at]
        weight = np.minimum(units.amount, comes)
        found.append(covers_of(weight, need, columns.load))
        if most < 1:
            need = need - most * columns.load
            found += [
                covers_of(np.where(lost, 0.0, weight), need, columns.load)
                for lost in _cheapest_places(weight, units)
            ]
    few = max(int(services.least_places[service]), int(np.ceil(1 / most - _EVEN)))
    if few > 1:
        found.append(covers_of(np.ones((1, len(units.at))), np.array([float(few)]), float(few)))
    return found


def class_sets(seen: Bools) -> Floats:
    """Return float64[N, C], 1 for the classes of a set: all that see no other place than some do.

    Args:
        seen: bool[C, H], places that a class sees.
    """
    sees = seen.astype(np.float64)
    missed = _chosen_sets(len(seen)).astype(np.float64) @ sees == 0
    inside = missed.astype(np.float64) @ sees.T == 0
    return np.asarray(inside[alike(inside)[0]], np.float64)


@lru_cache(maxsize=16)
def _chosen_sets(count: int) -> Bools:
    """bool[N, C]: the classes of each set that is looked at: all, if classes are few."""
    sizes = range(1, count + 1) if count <= _ALL_SETS else (1, 2, count)
    chosen = [one for size in sizes for one in combinations(range(count), size)]
    found = np.zeros((len(chosen), count), np.bool_)
    found[
        np.repeat(np.arange(len(chosen)), [len(one) for one in chosen]), np.concatenate(chosen)
    ] = True
    return found


def _cheapest_places(weight: Floats, units: _Units) -> list[Bools]:
    """bool[N, Q], a few times: the pairs of the place that serves each cover for the least."""
    found: list[Bools] = []
    for _ in range(_WITHOUT):
        best = units.at[(weight / np.maximum(units.cost, _EVEN)).argmax(axis=1)]
        here = np.asarray(best[:, None] == units.at, np.bool_)
        found.append(here)
        weight = np.where(here, 0.0, weight)
    return found


def _without_scopes(carried: Carried, cost: Floats) -> list[Covers]:
    """What must be left after the loss of the scopes that carry for the least."""
    found = []
    for reached, need in cuts(carried):
        weight = np.where(reached, np.minimum(carried.amount, need), 0.0)
        price = cost_of_one(np.where(carried.lost, weight, 0.0), cost)
        order = np.argsort(price, kind="stable")[:_WITHOUT]
        left = np.where(carried.lost[order], 0.0, weight)
        found.append(covers_of(left, np.full(len(order), need), 0.0))
    return found


def _lasting(carried: Carried, cost: Floats) -> list[Covers]:
    """What all units together must be so that the loss of any scope leaves enough.

    In whole multiples, W - W_s >= K for each of m scopes s, and the W_s together are at least W:
    so W >= K + K / (m - 1), rounded up.
    """
    found = []
    for reached, need in cuts(carried):
        scopes = int((carried.lost & reached).any(axis=1).sum())
        if scopes > 1:
            multiples, left = whole_multiples(np.where(reached, carried.amount, 0.0), need, cost)
            needs = left + np.ceil(left / (scopes - 1) - _EVEN)
            best = int((needs * cost_of_one(multiples, cost)).argmax())
            found.append(covers_of(multiples[best : best + 1], needs[best : best + 1], 0.0))
    return found


def _safe_alone(covers: list[Covers], units: _Units) -> list[Covers]:
    """What safe units need to be where only a share may run at risk.

    With R and S the load that units at risk and others carry, R <= share / (1 - share) x S. What
    units at risk weigh is no more than the most that one weighs for its load, times R.
    """
    carries = units.risky & (units.amount > 0)
    if not carries.any() or units.risky_share >= 1:
        return []
    matched = units.risky_share / (1 - units.risky_share)
    signed = np.where(units.risky, -1.0, matched) * units.amount
    found = []
    for one in covers:
        most = (one.weight[:, carries] / units.amount[carries]).max(axis=1)
        weight = one.weight + most[:, None] * signed
        weight[:, carries] = 0.0
        some = (most > 0) & (weight > 0).any(axis=1)
        found.append(Covers(weight, one.need, one.slack).keep(some))
    return found
