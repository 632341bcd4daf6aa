"""A mixed-integer model as arrays, and the small builder the compact model grows it with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from solver.problem import Bools, Floats

#: A place in the matrix is one number, so that one sort orders rows and columns.
_COLUMN_BITS = 32

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """minimise cost.x with row_low <= A x <= row_high, low <= x <= high; N columns, K rows.

    Attributes:
        cost, low, high: float64[N].
        integral: bool[N].
        row, column, value: the entries of A as triples; no place twice.
        row_low, row_high: float64[K].
    """

    cost: Floats
    low: Floats
    high: Floats
    integral: Bools
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: Floats
    row_low: Floats
    row_high: Floats


def by_row(
    row: NDArray[np.int64], column: NDArray[np.int64], value: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return entries by row, then column, as engines want them."""
    order = np.lexsort((column, row))
    return row[order], column[order], value[order]


def with_row(
    model: Model,
    column: NDArray[np.int64],
    value: Floats,
    *,
    low: float = -np.inf,
    high: float = np.inf,
) -> Model:
    """Return `model` with one more row: low <= sum of value x column <= high."""
    row = np.full(len(column), len(model.row_low), np.int64)
    return replace(
        model,
        row=np.concatenate([model.row, row]),
        column=np.concatenate([model.column, column]),
        value=np.concatenate([model.value, value]),
        row_low=np.append(model.row_low, low),
        row_high=np.append(model.row_high, high),
    )


@dataclass(slots=True)
class ModelBuilder:
    """Collects columns and rows block by block; `build` joins them.

    Rows are opened with `rows` and filled with `entries`; places named twice are added up.

    Attributes:
        columns, row_count: how many there are.
    """

    _cost: list[Floats] = field(default_factory=list)
    _low: list[Floats] = field(default_factory=list)
    _high: list[Floats] = field(default_factory=list)
    _integral: list[Bools] = field(default_factory=list)
    _row_low: list[Floats] = field(default_factory=list)
    _row_high: list[Floats] = field(default_factory=list)
    _places: list[NDArray[np.int64]] = field(default_factory=list)  # row x 2^32 + column
    _values: list[Floats] = field(default_factory=list)
    columns: int = 0
    row_count: int = 0

    def add(
        self, cost: Floats, *, low: float | Floats = 0.0, high: float | Floats, integral: bool
    ) -> NDArray[np.int64]:
        """Add one column per entry of `cost` and return their numbers, int64[len(cost)]."""
        size = len(cost)
        self._cost.append(np.asarray(cost, np.float64))
        self._low.append(_spread(np.asarray(low, np.float64), (size,)))
        self._high.append(_spread(np.asarray(high, np.float64), (size,)))
        self._integral.append(np.full(size, integral))
        self.columns += size
        return np.arange(self.columns - size, self.columns, dtype=np.int64)

    def rows(self, size: int, *, low: float | Floats, high: float | Floats) -> NDArray[np.int64]:
        """Open `size` empty rows and return their numbers, int64[size]."""
        self._row_low.append(_spread(np.asarray(low, np.float64), (size,)))
        self._row_high.append(_spread(np.asarray(high, np.float64), (size,)))
        self.row_count += size
        return np.arange(self.row_count - size, self.row_count, dtype=np.int64)

    def entries(
        self,
        row: NDArray[np.int64] | int,
        column: NDArray[np.int64] | int,
        value: Floats | float,
    ) -> None:
        """Add `value` at (`row`, `column`), broadcast against each other."""
        places = (np.asarray(row, np.int64) << _COLUMN_BITS) + column
        values = np.asarray(value, np.float64)
        shape = np.broadcast(places, values).shape
        self._places.append(_spread(places, shape))
        self._values.append(_spread(values, shape))

    def costs(self) -> Floats:
        """Return float64[columns], the cost of every column added so far."""
        return _joined(self._cost)

    def build(self) -> Model:
        """Join the blocks; entries at one place are summed, zeros dropped."""
        row, column, value = self._summed()
        return Model(
            cost=_joined(self._cost),
            low=_joined(self._low),
            high=_joined(self._high),
            integral=np.concatenate(self._integral) if self._integral else np.empty(0, np.bool_),
            row=row,
            column=column,
            value=value,
            row_low=_joined(self._row_low),
            row_high=_joined(self._row_high),
        )

    def _summed(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        if not self._places:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, np.empty(0)
        place, value = np.concatenate(self._places), np.concatenate(self._values)
        order = np.argsort(place, kind="stable")
        place, value = place[order], value[order]
        opens = np.ones(len(place), np.bool_)  # where a place is named for the first time
        np.not_equal(place[1:], place[:-1], out=opens[1:])
        if not opens.all():
            value = np.bincount(np.cumsum(opens) - 1, value).astype(np.float64, copy=False)
            place = place[opens]
        if not value.all():
            keep = value != 0
            place, value = place[keep], value[keep]
        row = place >> _COLUMN_BITS
        place &= (1 << _COLUMN_BITS) - 1
        return row, place, value


def _spread(values: NDArray[_T], shape: tuple[int, ...]) -> NDArray[_T]:
    """Return `values`, broadcast to `shape`, as one row.

    `numpy.broadcast_to` takes several times as long, and most blocks are short.
    """
    if values.shape == shape:
        return values.ravel()
    spread = np.empty(shape, values.dtype)
    spread[...] = values
    return spread.ravel()


def _joined(blocks: list[Floats]) -> Floats:
    return np.concatenate(blocks) if blocks else np.empty(0)
