"""Bounds of some together: where they are worth their time, and that they are still bounds."""

from __future__ import annotations

import numpy as np
import pytest

from solver import tightening
from solver.asking import Engine
from solver.decomposition import solve_decomposed
from solver.joint_bounds import JointBounds
from solver.prices import Prices
from solver.problem import Apart, Floats, Level
from solver.solution import SearchLimits
from tests.solver.random_fleets import fleet_of
from tests.solver.random_problems import TOLERANCE, exactly
from tests.solver.tiny import BATCH, GANG, Row, Rules, problem

#: A fleet all of which can be served, and whose first plan is not the best.
SEED = 5


@pytest.mark.parametrize(("few", "close", "joined"), [(1, -1.0, 0), (1, 1e9, 1), (1_000, -1.0, 1)])
def test_of_many_some_are_bounded_together_only_near_the_gap(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, few: int, close: float, joined: int
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


@pytest.mark.parametrize(("groups", "is_alone"), [(((0,), (1,)), True), (((1,),), False)])
def test_what_a_gang_that_is_alone_keeps_from_others_is_not_idle(
    engine: Engine, groups: tuple[tuple[int, ...], ...], is_alone: bool
) -> None:
    """It stands on one of two supplies of its zone; a rule that names one alone keeps nothing."""
    rows = [Row(cost=1), Row(cost=9), Row(cost=2, zone=1, place=1), Row(cost=9, zone=1, place=1)]
    one = problem(rows, [GANG, BATCH], Rules(apart=(Apart(level=Level.ZONE, groups=groups),)))
    plan = exactly(one, engine).allocation
    zone = one.supply.zone
    in_its_zone = np.isin(zone, zone[plan.supply[plan.demand == 0]])
    assert in_its_zone.sum() == 2
    assert tightening._kept_away(one, plan).tolist() == (in_its_zone & is_alone).tolist()
