"""Who stands where a demand would rather be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from solver.compact_columns import NONE, Compact, Longs
from solver.neighbourhood import Incumbent
from solver.problem import Floats, Ints
from solver.scopes import kept_apart_from, scopes_touched

_ROUNDING = 1e-9
#: Holders of a supply that are in the way at most, those with the most regret.
_HOLDERS = 6


class Obstacles:
    """Looks at a plan for those who hold what a demand wants, or may not stand beside it."""

    def __init__(self, compact: Compact, incumbent: Incumbent) -> None:
        """Look at the plan of `incumbent`, a point of the model of `compact`."""
        self._compact, self._incumbent = compact, incumbent
        self._apart = kept_apart_from(compact.problem)

    def of(self, demand: int, wanted: Mapping[int, float], regret: Floats) -> Longs:
        """Return int64[.], demands that keep one from what it wants, ascending.

        Args:
            demand: who wants something.
            wanted: units of supplies.
            regret: float64[D], of the block of each demand.
        """
        found: set[int] = set()
        for supply, units in wanted.items():
            holders, held, left = self._holders(supply)
            own = float(held[holders == demand].sum())
            if units <= left + own + _ROUNDING:
                continue
            others = holders[holders != demand]
            order = np.argsort(-regret[others], kind="stable")
            found.update(others[order[:_HOLDERS]].tolist())
        found.update(self._kept_apart(demand, np.array(list(wanted), np.int32)))
        return np.array(sorted(found - {demand}), np.int64)

    def _holders(self, supply: int) -> tuple[Longs, Floats, float]:
        """Demands that hold a supply, how many units, and how many are left."""
        compact, x = self._compact, self._incumbent.x
        rows = np.flatnonzero((compact.pairs.supply == supply) & (compact.units != NONE))
        units = compact.units_factor[rows] * x[compact.units[rows]]
        rows, units = rows[units > _ROUNDING], units[units > _ROUNDING]
        row = int(compact.rows["capacity"][supply])
        left = np.inf
        if row != NONE:
            left = float(self._incumbent.model.row_high[row] - self._incumbent.activity[row])
        return compact.pairs.demand[rows].astype(np.int64), units, left

    def _kept_apart(self, demand: int, wanted: Ints) -> set[int]:
        """Demands that rules on scopes keep from standing where they are beside what is wanted."""
        compact, found, problem = self._compact, set[int](), self._compact.problem
        for level, others in self._apart.get(demand, ()):
            own = scopes_touched(problem, wanted, level)[1]
            for other in others:
                pair = np.flatnonzero(compact.pairs.demand == other)
                held = pair[self._incumbent.x[compact.main[pair]] > _ROUNDING]
                stands = scopes_touched(problem, compact.pairs.supply[held], level)[1]
                if np.isin(own, stands).any():
                    found.add(other)
        return found
