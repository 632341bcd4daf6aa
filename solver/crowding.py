"""Rows that say what a gang leaves of a supply to each service by itself.

A gang is there with all its units or not at all. Over one pool of `room` units, gangs of which no
two fit leave little of it, and a service holds there no more than `most` units anyhow:

    sum over the gangs of (amount + most - room)+ x_gang + units of the service <= most

Where no gang is there that is the service's own bound; where one is, what is left for others.
Capacities say it of whole units; relaxed they let part of a gang and all of many a service share
a pool. These are cover inequalities, lifted by the units of the service (L. A. Wolsey, "Faces for
a linear inequality in 0-1 variables", Mathematical Programming 8, 1975, doi:10.1007/BF01580441).
They are added where a relaxation breaks them. Their prices are tolls (`solver.tolls`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from solver.compact_columns import Compact, Longs
from solver.exclusive_rows import exclusive_gangs
from solver.model import Model, by_row
from solver.pairs import Pairs, may_mix
from solver.problem import Bools, Family, Floats, Problem
from solver.tolls import Tolls, pair_keys

#: A row that is broken by less is left alone, and a column that takes less is not there.
_BROKEN = 1e-3
_THERE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowds:
    """N rows over pairs, of E entries: sum of weight x (gang there, or units held) <= high.

    Attributes:
        row: int64[E], ascending.
        key: int64[E], pairs, as `pair_keys` says.
        weight: float64[E], > 0.
        high: float64[N].
    """

    row: Longs
    key: Longs
    weight: Floats
    high: Floats

    @classmethod
    def none(cls) -> Crowds:
        """Return no rows."""
        nothing = np.empty(0, np.int64)
        return cls(row=nothing, key=nothing, weight=np.empty(0), high=np.empty(0))

    @property
    def count(self) -> int:
        """Number of rows N."""
        return len(self.high)

    def joined(self, other: Crowds) -> Crowds:
        """Return these rows, then those of `other`."""
        return Crowds(
            row=np.concatenate([self.row, self.count + other.row]),
            key=np.concatenate([self.key, other.key]),
            weight=np.concatenate([self.weight, other.weight]),
            high=np.concatenate([self.high, other.high]),
        )

    def tolls(self, price: Floats) -> Tolls | None:
        """Return what the rows charge at `price` of each, float64[N] >= 0."""
        charge = self.weight * price[self.row]
        return Tolls.of(self.key, charge, float(price @ self.high))


def with_crowds(compact: Compact, model: Model, crowds: Crowds) -> Model:
    """Return `model` with `crowds` as its last rows, as far as its pairs are among theirs.

    Args:
        compact: where the columns of `model` stand.
        model: over its pairs.
        crowds: rows to add.
    """
    pairs, first = compact.pairs, len(model.row_low)
    if not pairs.count:
        return model
    known = pair_keys(pairs.mode, pairs.supply)  # modes are numbered by demand: it ascends
    at = np.minimum(np.searchsorted(known, crowds.key), len(known) - 1)
    kept = np.flatnonzero(known[at] == crowds.key)
    row, column, value = by_row(
        first + crowds.row[kept], compact.main[at[kept]], crowds.weight[kept]
    )
    return replace(
        model,
        row=np.concatenate([model.row, row]),
        column=np.concatenate([model.column, column]),
        value=np.concatenate([model.value, value]),
        row_low=np.concatenate([model.row_low, np.full(crowds.count, -np.inf)]),
        row_high=np.concatenate([model.row_high, crowds.high]),
    )


def broken_crowds(compact: Compact, model: Model, x: Floats) -> Crowds:
    """Return the rows that a point breaks, of every service's pair the one it breaks most.

    Args:
        compact: where the columns of `model` stand.
        model: a restricted model.
        x: float64[N], a point of it.
    """
    problem, pairs = compact.problem, compact.pairs
    room = np.floor(problem.supply.capacity + 1e-9)
    gangs, units = _whole_gangs(problem, pairs, room), _whole_units(problem, pairs, room)
    value, high = x[compact.main], model.high[compact.main]
    units &= value > _THERE
    there = np.intersect1d(pairs.supply[gangs & (value > _THERE)], pairs.supply[units])
    found = Crowds.none()
    for supply in there.tolist():
        at = pairs.supply == supply
        service = np.flatnonzero(units & at)
        most = np.minimum(high[service], room[supply])
        rivals = [*_rivals(pairs, np.flatnonzero(gangs & at), float(room[supply]))]
        weight = [
            np.maximum(pairs.amount[some] + most[:, None] - room[supply], 0.0) for some in rivals
        ]
        above = np.array([one @ value[some] for one, some in zip(weight, rivals, strict=True)])
        above += value[service] - most
        worst = above.argmax(axis=0)
        for row in np.flatnonzero(above.max(axis=0) > _BROKEN).tolist():
            some, own = rivals[worst[row]], weight[worst[row]][row]
            found = found.joined(_crowd(pairs, some, own, int(service[row]), float(most[row])))
    return found


def _crowd(pairs: Pairs, gangs: Longs, weight: Floats, service: int, most: float) -> Crowds:
    """One row: gang pairs with their weights, and the pair of a service."""
    some = weight > 0
    member = np.append(gangs[some], service)
    return Crowds(
        row=np.zeros(len(member), np.int64),
        key=pair_keys(pairs.mode[member], pairs.supply[member]),
        weight=np.append(weight[some], 1.0),
        high=np.array([most]),
    )


def _rivals(pairs: Pairs, gangs: Longs, room: float) -> Iterator[Longs]:
    """Yield sets of gang pairs on one supply of which no two are chosen together."""
    large = 2 * pairs.amount[gangs] > room
    if large.any():
        yield gangs[large]
    rest = gangs[~large]
    for demand in np.unique(pairs.demand[rest]).tolist():
        yield rest[pairs.demand[rest] == demand]


def _whole_gangs(problem: Problem, pairs: Pairs, room: Floats) -> Bools:
    """bool[P]: gangs with all their units there; those alone in their scopes have other rows."""
    alone = np.isin(pairs.demand, list(exclusive_gangs(problem)))
    mixes = may_mix(problem)[pairs.supply] & ~problem.supply.owned[pairs.supply]
    fits = pairs.amount <= room[pairs.supply]
    return np.asarray((pairs.family == Family.GANG) & ~alone & ~mixes & fits, np.bool_)


def _whole_units(problem: Problem, pairs: Pairs, room: Floats) -> Bools:
    """bool[P]: units of services whose bounds come of no other pair."""
    share = problem.demands.risky_share[pairs.demand]
    known = (share <= 0) | (share >= 1)
    return np.asarray(
        (pairs.family == Family.SERVICE) & known & np.isfinite(room[pairs.supply]), np.bool_
    )
