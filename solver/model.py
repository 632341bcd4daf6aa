"""A mixed-integer model as arrays, and the small builder the compact model grows it with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from solver.problem import Bools, Floats


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
    """

    _cost: list[Floats] = field(default_factory=list)
    _low: list[Floats] = field(default_factory=list)
    _high: list[Floats] = field(default_factory=list)
    _integral: list[Bools] = field(default_factory=list)
    _row_low: list[Floats] = field(default_factory=list)
    _row_high: list[Floats] = field(default_factory=list)
    _entries: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = field(
        default_factory=list
    )
    columns: int = 0
    row_count: int = 0

    def add(
        self, cost: Floats, *, low: float | Floats = 0.0, high: float | Floats, integral: bool
    ) -> NDArray[np.int64]:
        """Add one column per entry of `cost` and return their numbers, int64[len(cost)]."""
        size = len(cost)
        self._cost.append(np.asarray(cost, np.float64))
        self._low.append(np.broadcast_to(np.asarray(low, np.float64), size))
        self._high.append(np.broadcast_to(np.asarray(high, np.float64), size))
        self._integral.append(np.full(size, integral))
        self.columns += size
        return np.arange(self.columns - size, self.columns, dtype=np.int64)

    def rows(self, size: int, *, low: float | Floats, high: float | Floats) -> NDArray[np.int64]:
        """Open `size` empty rows and return their numbers, int64[size]."""
        self._row_low.append(np.broadcast_to(np.asarray(low, np.float64), size))
        self._row_high.append(np.broadcast_to(np.asarray(high, np.float64), size))
        self.row_count += size
        return np.arange(self.row_count - size, self.row_count, dtype=np.int64)

    def entries(
        self,
        row: NDArray[np.int64] | int,
        column: NDArray[np.int64] | int,
        value: Floats | float,
    ) -> None:
        """Add `value` at (`row`, `column`), broadcast against each other."""
        rows, columns, values = np.broadcast_arrays(
            np.asarray(row, np.int64), np.asarray(column, np.int64), np.asarray(value, np.float64)
        )
        self._entries.append((rows.ravel(), columns.ravel(), values.ravel()))

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
        if not self._entries:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, np.empty(0)
        row = np.concatenate([entry[0] for entry in self._entries])
        column = np.concatenate([entry[1] for entry in self._entries])
        value = np.concatenate([entry[2] for entry in self._entries])
        key = row * max(self.columns, 1) + column
        places, first, where = np.unique(key, return_index=True, return_inverse=True)
        total = np.bincount(where, weights=value, minlength=len(places))
        keep = total != 0
        return row[first][keep], column[first][keep], total[keep]


def _joined(blocks: list[Floats]) -> Floats:
    return np.concatenate(blocks) if blocks else np.empty(0)
