"""Columns and rows of the compact model: demands that stand somewhere already, and moving them."""

from __future__ import annotations

import numpy as np

from solver.compact_columns import NONE, Compact, Longs
from solver.preferences import Stay
from solver.problem import Bools, Family, Problem
from solver.solution import Allocation


def add_moves(compact: Compact) -> None:
    """Add m_r in {0, 1} at its cost; away from home: column <= most x m_r; sum of m_r <= most.

    Gangs and batch: the shares away from home together <= m_r, which is tighter.
    """
    stay = compact.problem.stay
    if stay is None:
        return
    builder = compact.builder
    compact.moved = builder.add(stay.cost, high=1.0, integral=True)
    first = compact.pairs.first_of_demand(compact.problem.demands.count)
    leaves, mixes = _ways_from_home(compact, stay)
    for index, demand in enumerate(stay.demand.tolist()):
        own = slice(int(first[demand]), int(first[demand + 1]))
        _tie_pairs(compact, int(compact.moved[index]), own.start + leaves[own].nonzero()[0])
        _tie_mixed(compact, int(compact.moved[index]), own.start + mixes[own].nonzero()[0])
    if np.isfinite(stay.most):
        row = builder.rows(1, low=-np.inf, high=stay.most)
        builder.entries(int(row[0]), compact.moved, 1.0)
        compact.rows["moves"] = row


def add_unbilled(compact: Compact) -> None:
    """Add t = sum of m_r, at a cost that decides and is no part of the cost of the plan."""
    stay = compact.problem.stay
    if stay is None or stay.unbilled == 0:
        return
    builder = compact.builder
    total = builder.add(np.array([stay.unbilled]), high=np.inf, integral=False)
    row = builder.rows(1, low=0.0, high=0.0)
    builder.entries(int(row[0]), total, 1.0)
    builder.entries(int(row[0]), compact.moved, -1.0)


def _ways_from_home(compact: Compact, stay: Stay) -> tuple[Bools, Bools]:
    """bool[P], pairs that are away from home; bool[P], those whose mixed units would be."""
    pairs, supplies = compact.pairs, compact.problem.supply.count
    homes = [
        one * supplies + home for one, home in zip(stay.demand.tolist(), stay.supply, strict=True)
    ]
    home = np.concatenate([np.empty(0, np.int64), *homes])
    demand = pairs.demand.astype(np.int64) * supplies
    mixes = compact.mixed != NONE
    mixes[mixes] = ~np.isin((demand + compact.mixed_with)[mixes], home)
    return ~np.isin(demand + pairs.supply, home), mixes


def _tie_pairs(compact: Compact, moved: int, away: Longs) -> None:
    """`away`: int64[n], the pairs of a demand that are not at home."""
    pairs, builder = compact.pairs, compact.builder
    if not len(away):
        return
    whole = pairs.family[away[0]] != Family.SERVICE
    rows = builder.rows(1 if whole else len(away), low=-np.inf, high=0.0)
    builder.entries(rows, compact.main[away], 1.0 if whole else 1.0 / compact.most[away])
    builder.entries(rows, moved, -1.0)


def _tie_mixed(compact: Compact, moved: int, away: Longs) -> None:
    """Units of a gang that is at home may be mixed onto a supply that is not: pairs `away`."""
    pairs, builder = compact.pairs, compact.builder
    if not len(away):
        return
    rows = builder.rows(len(away), low=-np.inf, high=0.0)
    builder.entries(rows, compact.mixed[away], 1.0 / pairs.amount[away])
    builder.entries(rows, moved, -1.0)


def moved_demands(problem: Problem, allocation: Allocation) -> Bools:
    """Return bool[R]: which demands of `problem.stay` stand anywhere else than at home."""
    stay = problem.stay
    if stay is None:
        return np.empty(0, np.bool_)
    return np.array(
        [
            bool((~np.isin(allocation.supply[allocation.demand == demand], home)).any())
            for demand, home in zip(stay.demand.tolist(), stay.supply, strict=True)
        ],
        np.bool_,
    )


def unbilled_cost(problem: Problem, allocation: Allocation) -> float:
    """Return what the moves of `allocation` weigh in the choice beyond what they cost."""
    stay = problem.stay
    return 0.0 if stay is None else stay.unbilled * float(moved_demands(problem, allocation).sum())
