"""Row of the compact model: the cost of the whole plan stays within a limit."""

from __future__ import annotations

from typing import Final

import numpy as np

from solver.compact_columns import Compact

#: The limit as the row states it, so that the engine's tolerance is a small part of it.
_SCALE: Final = 1e4


def cap_cost(compact: Compact) -> None:
    """Sum of cost x column <= most_cost, over every column added so far."""
    most = compact.problem.most_cost
    if not np.isfinite(most):
        return
    cost = compact.builder.costs()
    scale = _SCALE / max(most, 1.0)
    row = compact.builder.rows(1, low=-np.inf, high=most * scale)
    columns = np.flatnonzero(cost).astype(np.int64)
    compact.builder.entries(int(row[0]), columns, cost[columns] * scale)
    compact.rows["cost"] = row
    compact.cost_scale = scale
