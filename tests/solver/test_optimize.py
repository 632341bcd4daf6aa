"""Which way a problem is solved, and that what one way leaves open the other one closes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from solver import optimize
from solver.asking import Engine
from solver.optimize import is_small, solve
from solver.problem import Problem
from solver.solution import SearchLimits
from tests.solver.random_problems import bounded, exactly
from tests.solver.random_services import services
from tests.solver.tiny import BATCH, SERVICE, Row, problem, used

CLOSE = SearchLimits(gap=1e-6)
ROWS = [Row(cost=float(n + 1), place=n) for n in range(4)]


def test_a_service_beside_many_pairs_is_decomposed(
    monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    """Eight pairs: one model up to eight, at the same places and cost as without."""
    one = problem(ROWS, [SERVICE, BATCH])
    monkeypatch.setattr(optimize, "MANY_PAIRS", 8)
    assert is_small(one)
    whole = solve(one, CLOSE, engine=engine)
    monkeypatch.setattr(optimize, "MANY_PAIRS", 7)
    assert not is_small(one)
    apart = solve(one, CLOSE, engine=engine)
    assert (whole.method, apart.method) == ("compact", "decomposition")
    assert used(whole) == used(apart)
    assert whole.cost == pytest.approx(apart.cost)


def test_beside_very_many_pairs_a_budget_makes_no_exact_model(
    monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    """Up to eight it does; of more, one is tried for a gap, not for a priority that stays open."""
    one = replace(problem(ROWS, [SERVICE, BATCH]), most_cost=150.0)
    exact = solve(one, CLOSE, engine=engine)
    assert exact.levels[0].bound == pytest.approx(exact.levels[0].unmet)
    assert is_small(one)
    monkeypatch.setattr(optimize, "VERY_MANY_PAIRS", 7)
    assert not is_small(one)
    found = solve(one, SearchLimits(), engine=engine)
    assert found.method == "decomposition"
    assert found.levels[0].is_open
    assert found.gap <= SearchLimits().gap
    monkeypatch.setattr(optimize, "VERY_MANY_PAIRS", 8)
    monkeypatch.setattr(optimize, "is_small", lambda _: False)
    assert solve(one, SearchLimits(), engine=engine).method == "compact"


def test_without_a_service_few_demands_are_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pairs they have."""
    monkeypatch.setattr(optimize, "MANY_PAIRS", 0)
    assert is_small(problem(ROWS, [BATCH, BATCH]))


@bounded(6)
@given(services(count=2, scarce=True))
def test_what_a_decomposition_leaves_open_is_one_model(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, one: Problem
) -> None:
    """Scarce services, whose blocks alone do not prove the optimum, end at it all the same."""
    monkeypatch.setattr(optimize, "MANY_PAIRS", 0)
    monkeypatch.setattr(optimize, "FAIR_DEMANDS", 0)
    found, best = solve(one, CLOSE, engine=engine), exactly(one, engine)
    assert found.unmet == pytest.approx(best.unmet, abs=1e-6)
    assert found.cost == pytest.approx(best.cost, rel=1e-5)
    assert found.gap <= CLOSE.gap * 2
