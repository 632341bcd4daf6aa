"""First prices of large models: the second relaxation is of few pairs, and bounds still hold."""

from __future__ import annotations

import numpy as np
import pytest

from solver import decomposition, rounds
from solver.asking import Asked, Engine
from solver.decomposition import solve_decomposed
from solver.improving import move_to, plan_at_once
from solver.prices import Prices
from solver.solution import SearchLimits
from solver.work import Work
from tests.solver.random_fleets import fleet_of
from tests.solver.random_problems import TOLERANCE
from tests.solver.watched import Watched


class Noting(Watched):
    """An engine that notes how many columns the models of first prices have."""

    def __init__(self) -> None:
        """Note nothing yet."""
        super().__init__()
        self.columns: list[int] = []

    def before(self, asked: Asked) -> None:
        """Note it; blocks are relaxed without presolve."""
        kind, model, _ = asked.request
        if kind == "linear":
            self.columns.append(len(model.cost))


@pytest.mark.parametrize(("least", "number"), [(0, 1), (10**9, 2)])
def test_a_plan_is_made_while_an_engine_works_on_the_next_prices(
    monkeypatch: pytest.MonkeyPatch, least: int, number: int, engine: Engine
) -> None:
    """At prices that are not the first, nor those of few pairs; the plan may be moved on."""
    monkeypatch.setattr(rounds, "_LARGE_ENTRIES", least)
    monkeypatch.setattr(rounds, "_SETTLED", -1.0)
    monkeypatch.setattr(rounds, "_LEAST_FALL", -1e9)
    asked: list[int] = []
    moved: list[float] = []

    def planned(work: Work, prices: Prices) -> None:
        asked.append(len(engine._busy))
        plan_at_once(work, prices)

    def noted(work: Work, prices: Prices) -> None:
        before = work.cost
        move_to(work, prices)
        moved.append(before - work.cost)

    monkeypatch.setattr(decomposition, "plan_at_once", planned)
    monkeypatch.setattr(decomposition, "move_to", noted)
    case = fleet_of(5)
    found = solve_decomposed(case.problem, SearchLimits(work=5_000), engine=engine)
    assert case.violations(found) == []
    assert asked == [1] * number  # somebody is at work
    assert len(moved) == 1
    assert moved[0] >= 0


@pytest.mark.parametrize(("least", "is_smaller"), [(0, True), (10**9, False)])
def test_the_second_relaxation_of_a_large_model_is_of_few_pairs(
    monkeypatch: pytest.MonkeyPatch, least: int, is_smaller: bool
) -> None:
    """It is no end of the search for prices: another one, of all pairs, follows."""
    monkeypatch.setattr(rounds, "_LARGE_ENTRIES", least)
    monkeypatch.setattr(rounds, "_SETTLED", -1.0)
    monkeypatch.setattr(rounds, "_LEAST_FALL", -1e9)
    case, phases = fleet_of(5), list[str]()
    with Noting() as engine:
        found = solve_decomposed(
            case.problem,
            SearchLimits(gap=1e-3, work=5_000),
            engine=engine,
            progress=lambda phase, *_: phases.append(phase),
        )
        first, second, third = engine.columns[:3]
    assert phases.count("prices 3") >= 1
    assert (second < first) == is_smaller
    assert third >= first
    assert np.isfinite(found.bound)
    assert found.bound <= found.cost + TOLERANCE
    assert case.violations(found) == []
