"""Columns and rows of demands that read what others write, by place and class of place.

Places, not pairs of machines: what demand d places at g is P_dg, the sum of its columns there.
For a read of s by r, with places of one class alike, it is enough to know what stays (v_g) and
what goes from class to class (u_CD):

    v_g <= P_sg,   v_g <= P_rg
    sum_D u_CD + sum of v_g in C <= sum of P_sg in C
    sum_C u_CD + sum of v_g in D  = sum of P_rg in D;     cost = amount x cost_CD x u_CD

This is the projection of a flow for every pair of places, as tight and far smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.model import ModelBuilder
from solver.pairs import Pairs
from solver.problem import Bools, Floats, Problem, Reads

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where one demand may stand; H places of C classes, Q columns.

    Attributes:
        places: int64[H], ascending.
        class_at: int64[H], index into `classes`.
        classes: int64[C], classes of the problem.
        column: int64[Q]; at: int64[Q], index into `places`.
    """

    places: Longs
    class_at: Longs
    classes: Longs
    column: Longs
    at: Longs


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadColumns:
    """Columns of one read.

    Attributes:
        source, reader: where its ends may stand.
        stay: int64[n], columns v_g; from_at, to_at: int64[n], the place g at both ends.
        move: int64[m], columns u_CD; from_class, to_class: int64[m], index into `End.classes`.
        cost: float64[m].
    """

    source: End
    reader: End
    stay: Longs
    from_at: Longs
    to_at: Longs
    move: Longs
    from_class: Longs
    to_class: Longs
    cost: Floats


def add_reads(
    builder: ModelBuilder, problem: Problem, pairs: Pairs, main: Longs
) -> list[ReadColumns]:
    """Add what every read of `problem` moves.

    Args:
        builder: the model to grow.
        problem: its `reads` say who reads whom.
        pairs: admitted pairs.
        main: int64[P], column of the gang or of the share of the work.

    Returns:
        The columns of each read.
    """
    reads = problem.reads
    if reads is None:
        return []
    first = pairs.first_of_demand(problem.demands.count)
    ends: dict[int, End] = {}
    for demand in np.union1d(reads.reader, reads.source).tolist():
        rows = np.arange(first[demand], first[demand + 1])
        ends[demand] = _end(problem, reads, pairs, rows, main)
    found = []
    for edge in range(reads.count):
        source, reader = ends[int(reads.source[edge])], ends[int(reads.reader[edge])]
        cost = reads.amount[edge] * reads.cost[np.ix_(source.classes, reader.classes)]
        found.append(_add_read(builder, source, reader, cost))
    return found


def readers_of(reads: Reads, unserved: Bools) -> Bools:
    """Return bool[D]: demands that read, directly or not, what an `unserved` one would write."""
    lost = np.zeros(len(unserved), np.bool_)
    while True:
        found = (unserved | lost)[reads.source] & ~lost[reads.reader]
        if not found.any():
            return lost
        lost[reads.reader[found]] = True


def _end(problem: Problem, reads: Reads, pairs: Pairs, rows: Longs, main: Longs) -> End:
    stands = problem.supply.place[pairs.supply[rows]].astype(np.int64)
    places, at = np.unique(stands, return_inverse=True)
    classes, class_at = np.unique(reads.class_of_place[places], return_inverse=True)
    return End(
        places=places,
        class_at=class_at.astype(np.int64),
        classes=classes.astype(np.int64),
        column=main[rows],
        at=at.astype(np.int64),
    )


def _add_read(builder: ModelBuilder, source: End, reader: End, cost: Floats) -> ReadColumns:
    """Add v and u of one read; cost is float64[C of the source, C of the reader]."""
    _, from_at, to_at = np.intersect1d(source.places, reader.places, return_indices=True)
    stay = builder.add(np.zeros(len(from_at)), high=1.0, integral=False)
    from_class, to_class = np.nonzero(np.isfinite(cost))
    move = builder.add(cost[from_class, to_class], high=1.0, integral=False)
    for end, at, moved_class, low in (
        (source, from_at, from_class, -np.inf),
        (reader, to_at, to_class, 0.0),
    ):
        _keep_within_places(builder, end, stay, at)
        rows = builder.rows(len(end.classes), low=low, high=0.0)
        builder.entries(rows[moved_class], move, 1.0)
        builder.entries(rows[end.class_at[at]], stay, 1.0)
        builder.entries(rows[end.class_at[end.at]], end.column, -1.0)
    return ReadColumns(
        source=source,
        reader=reader,
        stay=stay,
        from_at=from_at.astype(np.int64),
        to_at=to_at.astype(np.int64),
        move=move,
        from_class=from_class.astype(np.int64),
        to_class=to_class.astype(np.int64),
        cost=cost[from_class, to_class],
    )


def _keep_within_places(builder: ModelBuilder, end: End, stay: Longs, at: Longs) -> None:
    """v_g <= P_g at every place both ends may use."""
    row_of = np.full(len(end.places), -1, np.int64)
    row_of[at] = builder.rows(len(at), low=-np.inf, high=0.0)
    builder.entries(row_of[at], stay, 1.0)
    shared = row_of[end.at] >= 0
    builder.entries(row_of[end.at[shared]], end.column[shared], -1.0)
