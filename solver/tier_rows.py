"""Columns and rows of moves whose unit cost falls (or rises) with the volume of their class.

Per class with steps k = 1..K of width w_k and unit cost c_k: s_k units are moved within step k,
b_k says that step k is full. Falling costs are not convex, so the order of the steps is kept:

    sum of what the columns move = sum_k s_k;   cost = sum_k c_k s_k
    w_k b_k <= s_k <= w_k b_{k-1},   b_k <= b_{k-1},   b_0 = 1

The hull of these points is the model's own relaxation. Only steps that all members together
can reach are there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.model import ModelBuilder
from solver.pairs import Pairs
from solver.presence import Presence
from solver.problem import NO_ROW, Family, Floats, Ints, Problem
from solver.tier_steps import reachable_steps
from solver.tiers import Tiers

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """Columns that move data of a class; E entries.

    Attributes:
        column: int64[E], in [0, 1].
        group: int32[E], class.
        amount: float64[E], units moved when the column is 1.
        once: int64[E], equal for entries of which together at most 1 is taken.
    """

    column: Longs
    group: Ints
    amount: Floats
    once: Longs


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassColumns:
    """Columns of one class; K steps.

    Attributes:
        within: int64[K], columns s_k.
        full: int64[K - 1], columns b_k.
        width: float64[K].
        row: the row of all that is moved, less all s_k.
    """

    within: Longs
    full: Longs
    width: Floats
    row: int


def add_tiers(
    builder: ModelBuilder,
    problem: Problem,
    pairs: Pairs,
    main: Longs,
    presence: Presence,
) -> list[ClassColumns]:
    """Add the cost of moves by class.

    Args:
        builder: the model to grow.
        problem: its `tiers` say what is billed by class.
        pairs: admitted pairs.
        main: int64[P], column of the gang or of the share of the work.
        presence: which places services use.

    Returns:
        The columns of each class that may be moved in.
    """
    tiers = problem.tiers
    if tiers is None:
        return []
    moves = _moves(problem, tiers, pairs, main, presence)
    return [_add_class(builder, tiers, row, moves) for row in np.unique(moves.group).tolist()]


def _moves(
    problem: Problem, tiers: Tiers, pairs: Pairs, main: Longs, presence: Presence
) -> _Moves:
    demands = problem.demands
    divided = np.flatnonzero(
        (pairs.family != Family.SERVICE) & (demands.data_row[pairs.demand] != NO_ROW)
    )
    moving = np.flatnonzero(demands.data_row[presence.demand] != NO_ROW)
    own = pairs.demand[divided].astype(np.int64)
    owners = np.concatenate([own, presence.demand[moving]])
    place = np.concatenate([problem.supply.place[pairs.supply[divided]], presence.place[moving]])
    column = np.concatenate([main[divided], presence.column[moving]])
    once = np.concatenate([own, demands.count + np.arange(len(moving))])
    group = tiers.class_of[demands.data_row[owners], place]
    billed = group != NO_ROW
    return _Moves(
        column=column[billed],
        group=group[billed],
        amount=demands.data_amount[owners][billed],
        once=once[billed],
    )


def _add_class(builder: ModelBuilder, tiers: Tiers, row: int, moves: _Moves) -> ClassColumns:
    member = moves.group == row
    _, first = np.unique(moves.once[member], return_index=True)
    steps = reachable_steps(tiers, row, float(moves.amount[member][first].sum()))
    within = builder.add(steps.cost, high=steps.width, integral=False)
    total = builder.rows(1, low=0.0, high=0.0)
    builder.entries(int(total[0]), moves.column[member], moves.amount[member])
    builder.entries(int(total[0]), within, -1.0)
    full = builder.add(np.zeros(max(len(within) - 1, 0)), high=1.0, integral=True)
    size = len(full)
    rows = builder.rows(size, low=0.0, high=np.inf)
    builder.entries(rows, within[:-1], 1.0)
    builder.entries(rows, full, -steps.width[:-1])
    rows = builder.rows(size, low=-np.inf, high=0.0)
    builder.entries(rows, within[1:], 1.0)
    builder.entries(rows, full, -steps.width[1:])
    rows = builder.rows(max(size - 1, 0), low=0.0, high=np.inf)
    builder.entries(rows, full[:-1], 1.0)
    builder.entries(rows, full[1:], -1.0)
    return ClassColumns(within=within, full=full, width=steps.width, row=int(total[0]))
