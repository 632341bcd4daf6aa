"""The master: how to combine ways of blocks, pairs of everything else, and the shared rows.

In a restricted model the columns of a block are held to combinations of its known ways (G. B.
Dantzig, P. Wolfe, "Decomposition principle for linear programs", Operations Research 8, 1960,
doi:10.1287/opre.8.1.101). Relaxed, its duals are prices that mind that ways are whole; as an
integer model, it combines ways into plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.compact_columns import NONE, Compact, Longs, owners, ties
from solver.model import Model, by_row
from solver.neighbourhood import LINK, Sparse
from solver.problem import Bools, Floats
from solver.ways import Encoder, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A master model and how it relates to the restricted model it came from.

    Attributes:
        model: columns: those kept, then one per way; rows: those kept, then one per block.
        kept, rows: int64[.], columns and rows of the restricted model.
        ways: in the order of their columns.
        encoded: per way, (columns, values) of the restricted model.
        columns: number of columns of the restricted model.
    """

    model: Model
    kept: Longs
    rows: Longs
    ways: tuple[Way, ...]
    encoded: tuple[tuple[Longs, Floats], ...]
    columns: int

    def duals(self, dual: Floats, rows: int) -> Floats:
        """Spread duals of the master over the rows of the restricted model, float64[rows]."""
        spread = np.zeros(rows)
        spread[self.rows] = dual[: len(self.rows)]
        return spread

    def point(self, x: Floats) -> Floats:
        """Return the point of the restricted model that a point of the master stands for."""
        found = np.zeros(self.columns)
        found[self.kept] = x[: len(self.kept)]
        for (column, value), weight in zip(self.encoded, x[len(self.kept) :], strict=True):
            found[column] += weight * value
        return found


def tied(master: Master, compact: Compact, first: Longs) -> tuple[Longs, Longs]:
    """Return `ties` as columns of a master and first demands of their blocks.

    Args:
        master: made of `compact`.
        compact: where columns stand.
        first: int64[D], first demand of the block of each.
    """
    column, demand = ties(compact)
    return np.searchsorted(master.kept, column).astype(np.int64), first[demand]


def build_master(
    compact: Compact, model: Model, blocks: Sequence[Longs], ways: Sequence[Way]
) -> Master:
    """Hold the columns of `blocks` to combinations of `ways`.

    Args:
        compact: where the columns of `model` stand.
        model: the restricted model.
        blocks: demands of each block, int64[.] each.
        ways: at least one for each block.
    """
    owner = owners(compact)
    block_of = np.full(compact.problem.demands.count, LINK, np.int64)
    for row, members in enumerate(blocks):
        block_of[members] = row
    block = np.where(owner == LINK, LINK, block_of[owner])
    kept = np.flatnonzero(block == LINK)
    rows = np.flatnonzero(shared_rows(compact, model, block))
    encoder = Encoder(compact)
    encoded = tuple(encoder.encode(way) for way in ways)
    number = np.array([block_of[way.demands[0]] for way in ways], np.int64)
    return Master(
        model=_joined_model(model, (kept, rows), encoded, number, len(blocks)),
        kept=kept,
        rows=rows,
        ways=tuple(ways),
        encoded=encoded,
        columns=len(model.cost),
    )


def shared_rows(compact: Compact, model: Model, block: Longs) -> Bools:
    """Return bool[K]: rows over several blocks, and those that hold for all demands together.

    Args:
        compact: where the rows of `model` stand.
        model: a restricted model.
        block: int64[N], block of each column; `LINK`: of none.
    """
    return np.asarray(~_is_local(model, block) | _is_shared(compact, len(model.row_low)), np.bool_)


def _is_shared(compact: Compact, rows: int) -> np.ndarray:
    """bool[K]: rows that ways were found without, even where one block alone can reach them."""
    shared = np.zeros(rows, np.bool_)
    caps = [cap.rows for cap in compact.share_caps]
    for row in (*compact.rows.values(), *caps):
        shared[row[row != NONE]] = True
    return shared


def _is_local(model: Model, block: Longs) -> np.ndarray:
    """bool[K]: rows all of whose columns are of one block."""
    rows = len(model.row_low)
    least, most = np.full(rows, np.iinfo(np.int64).max), np.full(rows, LINK - 1)
    np.minimum.at(least, model.row, block[model.column])
    np.maximum.at(most, model.row, block[model.column])
    return np.asarray((least == most) & (least != LINK), np.bool_)


def _joined_model(
    model: Model,
    parts: tuple[Longs, Longs],
    encoded: Sequence[tuple[Longs, Floats]],
    block: Longs,
    blocks: int,
) -> Model:
    kept, rows = parts
    new_column = np.full(len(model.cost), -1, np.int64)
    new_column[kept] = np.arange(len(kept))
    new_row = np.full(len(model.row_low), -1, np.int64)
    new_row[rows] = np.arange(len(rows))
    own = (new_column[model.column] >= 0) & (new_row[model.row] >= 0)
    row, column, value = _way_entries(model, encoded, new_row)
    count = len(encoded)
    row, column, value = by_row(
        np.concatenate([new_row[model.row[own]], row, len(rows) + block]),
        np.concatenate(
            [new_column[model.column[own]], len(kept) + column, len(kept) + np.arange(count)]
        ),
        np.concatenate([model.value[own], value, np.ones(count)]),
    )
    cost = np.array([float(model.cost[one] @ amount) for one, amount in encoded])
    return Model(
        cost=np.concatenate([model.cost[kept], cost]),
        low=np.concatenate([model.low[kept], np.zeros(count)]),
        high=np.concatenate([model.high[kept], np.ones(count)]),
        integral=np.concatenate([model.integral[kept], np.ones(count, np.bool_)]),
        row=row,
        column=column,
        value=value,
        row_low=np.concatenate([model.row_low[rows], np.ones(blocks)]),
        row_high=np.concatenate([model.row_high[rows], np.ones(blocks)]),
    )


def _way_entries(
    model: Model, encoded: Sequence[tuple[Longs, Floats]], new_row: Longs
) -> tuple[Longs, Longs, Floats]:
    """Entries of the columns of ways in the rows that stay: (row, way, value)."""
    by_column = Sparse.of(model.column, model.row, model.value, len(model.cost))
    columns = np.concatenate([np.empty(0, np.int64), *(one[0] for one in encoded)])
    values = np.concatenate([np.empty(0), *(one[1] for one in encoded)])
    way = np.repeat(np.arange(len(encoded)), [len(one[0]) for one in encoded])
    position, row, value = by_column.entries(columns)
    amount = value * values[position]
    stays = new_row[row] >= 0
    size = max(len(encoded), 1)
    key = new_row[row[stays]] * size + way[position[stays]]
    places, at = np.unique(key, return_inverse=True)
    total = np.bincount(at, weights=amount[stays], minlength=len(places))
    row_of = np.asarray(places // size, np.int64)
    return row_of, np.asarray(places % size, np.int64), np.asarray(total, np.float64)
