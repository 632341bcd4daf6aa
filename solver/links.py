"""The columns that link demands, once demands stand where they stand: by arithmetic.

Most of them are told by one row each, or by what a class moves; only where a read has several
places at both ends, or hours are paid for already, is there anything to decide.
"""

from __future__ import annotations

import numpy as np

from solver.compact_columns import Compact, Longs
from solver.model import Model
from solver.problem import Bools, Floats
from solver.read_rows import End, ReadColumns
from solver.tier_rows import ClassColumns

#: Shares below this are rounding.
_TOLERANCE = 1e-9
#: Part by which a whole column may be missed.
_ROUNDING = 1e-6


def settled(compact: Compact, model: Model, links: Longs, x: Floats) -> Floats | None:
    """Return the values of the columns that link demands at which the plan costs least.

    Args:
        compact: where columns stand.
        model: its model.
        links: int64[n], ascending, the columns.
        x: float64[N], a point; what it says of `links` does not count.

    Returns:
        float64[n]; None: only an engine can say. They are the best where they keep the rows that
        hold them, which is not looked at. Where they do not, others may.
    """
    if (model.cost[links] < 0).any():
        return None
    found = x.copy()
    found[links] = 0.0
    weights = model.value * found[model.column]
    rest = np.asarray(np.bincount(model.row, weights, len(model.row_low)), np.float64)
    is_alone = np.zeros(len(x), np.bool_)
    is_alone[links] = True
    for one in compact.classes:
        _fill_steps(one, float(rest[one.row]), found)
        is_alone[one.within] = is_alone[one.full] = False
    for read in compact.reads:
        if not _move(read, found):
            return None
        is_alone[read.stay] = is_alone[read.move] = False
    _take_least(model, rest, is_alone, found)
    return found[links]


def _fill_steps(one: ClassColumns, moved: float, x: Floats) -> None:
    """Fill one step of a class after the other."""
    start = np.cumsum(one.width) - one.width
    x[one.within] = np.clip(moved - start, 0.0, one.width)
    x[one.full] = x[one.within[:-1]] >= one.width[:-1] * (1 - _ROUNDING)


def _move(read: ReadColumns, x: Floats) -> bool:
    """Let all stay that can, and move the rest the cheapest way; False: there is a choice.

    What stays costs nothing. Where one end stands at one place, or nothing has to go, no way is
    cheaper.
    """
    written, wanted = _stands(read.source, x), _stands(read.reader, x)
    stays = np.minimum(written[read.from_at], wanted[read.to_at])
    several = min((one > _TOLERANCE).sum() for one in (written, wanted)) > 1
    np.subtract.at(written, read.from_at, stays)
    np.subtract.at(wanted, read.to_at, stays)
    if several and wanted.sum() > _TOLERANCE:
        return False
    here, there = _by_class(read.source, written), _by_class(read.reader, wanted)
    x[read.stay] = stays
    x[read.move] = 0.0
    for way in np.argsort(read.cost, kind="stable").tolist():
        start, end = int(read.from_class[way]), int(read.to_class[way])
        amount = min(here[start], there[end])
        x[read.move[way]] = amount
        here[start] -= amount
        there[end] -= amount
    return True


def _stands(end: End, x: Floats) -> Floats:
    """float64[H], the share of an end at each of its places."""
    return np.asarray(np.bincount(end.at, x[end.column], len(end.places)), np.float64)


def _by_class(end: End, share: Floats) -> list[float]:
    """The share of an end in each of its classes."""
    found: list[float] = np.bincount(end.class_at, weights=share).tolist()
    return found


def _take_least(model: Model, rest: Floats, is_alone: Bools, x: Floats) -> None:
    """Give some columns the least value that every row by itself lets them have.

    `rest`: float64[K], what rows add up to without links; `is_alone`: bool[N], the columns.
    """
    entry = np.flatnonzero(is_alone[model.column])
    row, column, value = model.row[entry], model.column[entry], model.value[entry]
    end = np.where(value > 0, model.row_low[row], model.row_high[row])
    least = np.where(is_alone, model.low, x)
    np.maximum.at(least, column, (end - rest[row]) / value)
    whole = is_alone & model.integral
    x[is_alone] = least[is_alone]
    x[whole] = np.ceil(least[whole] - _ROUNDING)
