"""Rows of the compact model: no scope takes more than its share of a measure of the plan."""

from __future__ import annotations

import numpy as np

from solver.compact_columns import NONE, Compact, ShareRows, measured
from solver.problem import NO_ROW


def cap_shares(compact: Compact) -> None:
    """Per cap: total = sum of m(o); per scope s: sum over o in s of m(o) <= most x total."""
    builder = compact.builder
    for cap in compact.problem.shares:
        supply, column, value = measured(compact, cap.measure)
        total = builder.add(np.zeros(1), high=np.inf, integral=False)
        whole = builder.rows(1, low=0.0, high=0.0)
        builder.entries(int(whole[0]), column, value)
        builder.entries(int(whole[0]), int(total[0]), -1.0)
        scope = cap.scope[supply]
        used = np.unique(scope[scope != NO_ROW])
        row_of = np.full(int(used.max(initial=0)) + 1, NONE, np.int64)
        row_of[used] = builder.rows(len(used), low=-np.inf, high=0.0)
        member = scope != NO_ROW
        builder.entries(row_of[scope[member]], column[member], value[member])
        builder.entries(row_of[used], int(total[0]), -cap.most)
        compact.share_caps.append(
            ShareRows(scopes=used, rows=row_of[used], total=int(total[0]), whole=int(whole[0]))
        )
