"""Columns and rows of the compact model: used hours that money spent already pays for.

Supplies that every pool pays for at the same price per cost saved, and that accounts of cost
weigh alike, are one class: which of them an hour is taken from makes no difference, so that
one column per pool and class stands for all of them, in cost saved. It is exact, and a plan
that takes one share off all prices has one class.
"""

from __future__ import annotations

import numpy as np

from solver.compact_columns import NONE, Compact, Longs, measured
from solver.coverage import Coverage
from solver.problem import Floats, Measure

#: Digits to which prices per cost saved are told apart.
_DIGITS = 10


def add_coverage(compact: Compact) -> None:
    """Add z_{h,c} >= 0, the cost of class c that pool h saves.

    sum over c of rate / saved x z <= high[h];   sum over h of z <= sum over o in c of saved x
    unit-hours used of o;   every account of `Measure.COST`, which counts them as paid, loses
    factor x z.
    """
    coverage, builder = compact.problem.coverage, compact.builder
    compact.rows["coverage"] = np.empty(0, np.int64)
    if coverage is None:
        return
    supply, column, hours = measured(compact, Measure.HOURS)
    compact.rows["coverage"] = builder.rows(coverage.count, low=-np.inf, high=coverage.high)
    class_of, pools, ratio = _classes(compact, coverage, np.unique(supply))
    saved = np.zeros(compact.problem.supply.count)
    saved[coverage.supply] = coverage.saved
    member = class_of[supply] != NONE
    limit = builder.rows(len(pools), low=-np.inf, high=0.0)
    builder.entries(
        limit[class_of[supply[member]]], column[member], -(hours * saved[supply])[member]
    )
    for number, paying in enumerate(pools):
        columns = builder.add(np.full(len(paying), -1.0), high=np.inf, integral=False)
        builder.entries(int(limit[number]), columns, 1.0)
        builder.entries(compact.rows["coverage"][paying], columns, ratio[number])
        one = int(np.flatnonzero(class_of == number)[0])
        _take_from_accounts(compact, columns, one)


def _classes(
    compact: Compact, coverage: Coverage, used: Longs
) -> tuple[Longs, list[Longs], list[Floats]]:
    """Return int64[O] class of each supply, and per class its pools and their rate / saved.

    Supplies that no pool pays for, or that no pair uses, are in no class.
    """
    accounts = compact.problem.accounts
    weighed = np.flatnonzero(accounts.measure == Measure.COST)
    pool = np.repeat(np.arange(coverage.count), np.diff(coverage.start))
    ratio = coverage.rate / coverage.saved
    of_supply: dict[int, list[int]] = {}
    for entry in np.flatnonzero(np.isin(coverage.supply, used)).tolist():
        of_supply.setdefault(int(coverage.supply[entry]), []).append(entry)
    class_of = np.full(compact.problem.supply.count, NONE, np.int64)
    known: dict[tuple[object, ...], int] = {}
    pools: list[Longs] = []
    ratios: list[Floats] = []
    for supply, entries in sorted(of_supply.items()):
        named = tuple((int(pool[one]), float(np.round(ratio[one], _DIGITS))) for one in entries)
        key = (named, tuple(accounts.factor[weighed, supply].tolist()))
        if key not in known:
            known[key] = len(pools)
            pools.append(pool[entries].astype(np.int64))
            ratios.append(ratio[entries])
        class_of[supply] = known[key]
    return class_of, pools, ratios


def _take_from_accounts(compact: Compact, columns: Longs, supply: int) -> None:
    """What is saved costs nothing: no account of cost counts it; weighed as `supply` is."""
    accounts = compact.problem.accounts
    for account in np.flatnonzero(accounts.measure == Measure.COST).tolist():
        factor = float(accounts.factor[account, supply])
        for side in ("low", "high"):
            row = int(compact.rows[side][account])
            if row != NONE:
                compact.builder.entries(row, columns, -factor)
