"""Columns and rows of the compact model: used hours that money spent already pays for."""

from __future__ import annotations

import numpy as np

from solver.compact_columns import NONE, Compact, Longs, measured
from solver.coverage import Coverage
from solver.problem import Measure


def add_coverage(compact: Compact) -> None:
    """Add v_{h,o} >= 0, the unit-hours of o that pool h pays for.

    sum over o of rate x v <= high[h];   sum over h of v <= unit-hours used of o;   every
    account of `Measure.COST`, which counts them as paid, loses factor x saved x v.
    """
    coverage, builder = compact.problem.coverage, compact.builder
    if coverage is None:
        compact.rows["coverage"] = np.empty(0, np.int64)
        return
    supply, column, hours = measured(compact, Measure.HOURS)
    pool = np.repeat(np.arange(coverage.count), np.diff(coverage.start))
    wanted = np.flatnonzero(np.isin(coverage.supply, supply))
    covered = builder.add(-coverage.saved[wanted], high=np.inf, integral=False)
    compact.covered = np.full(len(coverage.supply), NONE, np.int64)
    compact.covered[wanted] = covered
    compact.rows["coverage"] = builder.rows(coverage.count, low=-np.inf, high=coverage.high)
    builder.entries(compact.rows["coverage"][pool[wanted]], covered, coverage.rate[wanted])
    used = np.unique(coverage.supply[wanted])
    row_of = np.full(compact.problem.supply.count, NONE, np.int64)
    row_of[used] = builder.rows(len(used), low=-np.inf, high=0.0)
    builder.entries(row_of[coverage.supply[wanted]], covered, 1.0)
    member = row_of[supply] != NONE
    builder.entries(row_of[supply[member]], column[member], -hours[member])
    _take_from_accounts(compact, coverage, wanted)


def _take_from_accounts(compact: Compact, coverage: Coverage, wanted: Longs) -> None:
    """A covered hour costs nothing: no account of cost counts it."""
    accounts = compact.problem.accounts
    covered, supply = compact.covered[wanted], coverage.supply[wanted]
    for account in np.flatnonzero(accounts.measure == Measure.COST).tolist():
        saved = accounts.factor[account][supply] * coverage.saved[wanted]
        for side in ("low", "high"):
            row = int(compact.rows[side][account])
            if row != NONE:
                compact.builder.entries(row, covered, -saved)
