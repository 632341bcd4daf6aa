"""Bounds of some together: where they are worth their time, and that they are still bounds."""

from __future__ import annotations

import numpy as np
import pytest

from solver import tightening
from solver.child import EngineProcess
from solver.decomposition import solve_decomposed
from solver.joint_bounds import JointBounds
from solver.prices import Prices
from solver.problem import Floats
from solver.solution import SearchLimits
from tests.solver.random_fleets import fleet_of
from tests.solver.random_problems import TOLERANCE

#: A fleet all of which can be served, and whose first plan is not the best.
SEED = 5


@pytest.mark.parametrize(("few", "close", "joined"), [(1, -1.0, 0), (1, 1e9, 1), (1_000, -1.0, 1)])
def test_of_many_some_are_bounded_together_only_near_the_gap(
    engine: EngineProcess, monkeypatch: pytest.MonkeyPatch, few: int, close: float, joined: int
) -> None:
    """A fleet that counts as many, or as few, and a gap that counts as far or as near."""
    asked: list[float] = []

    class Noting(JointBounds):
        def of_rivals(
            self, prices: Prices, least: Floats, within: float, enough: float | None = None
        ) -> float:
            asked.append(within)
            return super().of_rivals(prices, least, within, enough)

    monkeypatch.setattr("solver.certificate.JointBounds", Noting)
    monkeypatch.setattr(tightening, "_FEW", few)
    monkeypatch.setattr(tightening, "_CLOSE", close)
    case = fleet_of(SEED)
    found = solve_decomposed(case.problem, SearchLimits(gap=1e-6, work=5_000), engine=engine)
    assert (len(asked) > 0) == bool(joined)
    assert np.isfinite(found.bound)
    assert found.bound <= found.cost + TOLERANCE
    assert case.violations(found) == []
