"""A large model without rows that cannot bind, and without columns that count for nothing.

A batch on thousands of supplies has a column for its share at each and one for the whole units
that carry it, n >= a x. Most supplies have room for all that anybody may hold of them: nothing
but n's own largest value then stands in x's way. An engine's presolve sees that, too, but takes
seconds for what costs a hundredth here.

Shares that nothing distinguishes but a price, in the cost as in every row, lie on a line: one
between two others costs and spends what a mix of these does. The cheapest that have room for
everything are kept, and the dearest that have (a promise to spend may need these). Where a second
measure counts, such as carbon, they lie in a plane, and its outermost are kept
(`solver.mixtures`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.mixtures import between_others
from solver.model import Model
from solver.problem import Bools, Floats

Longs = NDArray[np.int64]

#: Part of a unit that is the engine's tolerance.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinned:
    """What is left of a model of N columns, and the way back.

    Attributes:
        model: of n columns; its points are points of the whole, once units are given back.
        count: N.
        columns: int64[n], their numbers in the whole; of others but `units`, nothing is used.
        units: int64[U], columns left out.
        shares: int64[U], the column of the whole that each carries.
        each: float64[U], units that the whole of a share needs.
    """

    model: Model
    count: int
    columns: Longs
    units: Longs
    shares: Longs
    each: Floats

    @classmethod
    def of(cls, model: Model) -> Thinned:
        """Return `model` without what does not count."""
        live = ~_never_bind(model)
        units, rows = _uncounted(model, live)
        unit_entry, share_entry = _both(model, rows, units)
        shares = model.column[share_entry]
        each = -model.value[share_entry] / model.value[unit_entry]
        high = model.high.copy()
        np.minimum.at(high, shares, model.high[units] / each)
        live[rows] = False
        kept = np.ones(len(model.cost), np.bool_)
        kept[units] = False
        some = _part(replace(model, high=high), kept, live)
        needed = ~_mixable(some)
        return cls(
            model=_part(some, needed, np.ones(len(some.row_low), np.bool_)),
            count=len(model.cost),
            columns=np.flatnonzero(kept)[needed],
            units=units,
            shares=shares,
            each=each,
        )

    def whole(self, point: Floats) -> Floats:
        """Return the point of the whole model, float64[N], of one of this; empty: an empty one."""
        if not len(point):
            return point
        found = np.zeros(self.count)
        found[self.columns] = point
        found[self.units] = np.ceil(found[self.shares] * self.each - _TOLERANCE)
        return found


def _never_bind(model: Model) -> Bools:
    """bool[K]: rows that hold wherever columns stand between their bounds."""
    count, value = len(model.row_low), model.value
    low, high = model.low[model.column], model.high[model.column]
    most = np.bincount(model.row, value * np.where(value > 0, high, low), count)
    least = np.bincount(model.row, value * np.where(value > 0, low, high), count)
    return np.asarray((most <= model.row_high) & (least >= model.row_low), np.bool_)


def _uncounted(model: Model, live: Bools) -> tuple[Longs, Longs]:
    """int64[U] whole columns that only carry one other, int64[U] the row that says so."""
    entries = live[model.row]
    column, row = model.column[entries], model.row[entries]
    in_rows = np.bincount(column, minlength=len(model.cost))
    in_columns = np.bincount(row, minlength=len(live))
    free = model.integral & (in_rows == 1) & (model.cost == 0) & (model.low == 0)
    carries = (model.row_high == 0) & np.isneginf(model.row_low) & (in_columns == 2)
    is_unit = free[column] & carries[row] & (model.value[entries] < 0)
    units, rows = column[is_unit], row[is_unit]
    shares = np.bincount(row, np.where(is_unit, 0.0, model.value[entries]), len(live))[rows]
    return units[shares > 0], rows[shares > 0]


def _both(model: Model, rows: Longs, units: Longs) -> tuple[Longs, Longs]:
    """int64[U] twice: entries of the unit and of what it carries, in the order of `rows`."""
    place = np.full(len(model.row_low), -1, np.int64)
    place[rows] = np.arange(len(rows))
    entries = np.flatnonzero(place[model.row] >= 0)
    entries = entries[np.argsort(place[model.row[entries]], kind="stable")]
    is_unit = model.column[entries] == np.repeat(units, 2)
    return entries[is_unit], entries[~is_unit]


def _mixable(model: Model) -> Bools:
    """bool[N]: columns in place of which others of the same rows can always be mixed."""
    order = np.lexsort((model.row, model.column))
    row, value = model.row[order], model.value[order]
    start = np.searchsorted(model.column[order], np.arange(len(model.cost) + 1))
    alike: dict[bytes, list[int]] = {}
    for one in np.flatnonzero(~model.integral & (model.low == 0)).tolist():
        alike.setdefault(row[start[one] : start[one + 1]].tobytes(), []).append(one)
    room = _room(model)
    gone = np.zeros(len(model.cost), np.bool_)
    for group in alike.values():
        members, size = np.array(group), int(start[group[0] + 1] - start[group[0]])
        each = value[start[members][:, None] + np.arange(size)]
        rows = row[start[group[0]] : start[group[0]] + size]
        most = room[rows[(each == 1).all(axis=0)]].min(initial=np.inf)
        points = np.column_stack([model.cost[members], each])
        gone[members[between_others(points, model.high[members], most)]] = True
    return gone


def _room(model: Model) -> Floats:
    """float64[K]: what columns add up to at most that a row counts once; inf: no limit."""
    never = (model.value <= 0) | (model.low[model.column] < 0)
    counts = np.bincount(model.row, never, len(model.row_low)) == 0
    return np.where(counts, model.row_high, np.inf)


def _part(model: Model, kept: Bools, live: Bools) -> Model:
    """The rows `live`, bool[K], of the columns `kept`, bool[N]."""
    entries = live[model.row] & kept[model.column]
    return Model(
        cost=model.cost[kept],
        low=model.low[kept],
        high=model.high[kept],
        integral=model.integral[kept],
        row=(np.cumsum(live) - 1)[model.row[entries]],
        column=(np.cumsum(kept) - 1)[model.column[entries]],
        value=model.value[entries],
        row_low=model.row_low[live],
        row_high=model.row_high[live],
    )
