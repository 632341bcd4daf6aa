"""What is left out of a large model counts for nothing: same optimum, and points of the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from solver import exact
from solver.asking import Engine
from solver.compact import build_compact
from solver.effort import Effort
from solver.exact import solve_exact
from solver.model import Model
from solver.problem import Floats, Problem
from solver.solution import SearchLimits
from solver.thinned import Thinned
from tests.solver.random_problems import Case, bounded, exactly, ruled_cases
from tests.solver.tiny import BATCH, SERVICE, Row, Rules, like, problem

CLOSE = Effort(gap=0.0)


def model_of(one: Problem) -> Model:
    """Return the compact model, in which what stays unmet costs more than serving it."""
    compact = build_compact(one)
    model = compact.builder.build()
    cost = model.cost.copy()
    cost[compact.unmet] += 1e5
    return replace(model, cost=cost)


def broken(model: Model, point: Floats) -> Floats:
    """By how much each row and column of a model is missed by a point."""
    held = np.bincount(model.row, model.value * point[model.column], len(model.row_low))
    missed = [model.row_low - held, held - model.row_high, model.low - point, point - model.high]
    return np.maximum(np.concatenate(missed), 0.0)


def thinned(one: Problem) -> Thinned:
    return Thinned.of(model_of(one))


def test_units_that_nothing_else_counts_are_left_out(engine: Engine) -> None:
    """150 unit-hours on 100 hours a unit, of 1 unit here and 9 there: two units, two rows."""
    one = problem([Row(cost=1, capacity=1), Row(cost=2, capacity=9, place=1)], [BATCH])
    whole, thin = model_of(one), thinned(one)
    assert (len(whole.cost), len(thin.model.cost)) == (5, 3)
    answer = engine.solve_integer(thin.model, CLOSE)
    assert answer.objective == pytest.approx(100 + 2 * 50)
    point = thin.whole(answer.x)
    assert point[thin.units].tolist() == [1, 1]
    assert broken(whole, point).max() <= 1e-6


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (problem([Row(cost=1, capacity=9, unit_cost=5)], [BATCH]), 1),  # they cost something
        (problem([Row(cost=1, capacity=3)], [BATCH, BATCH]), 2),  # who shares a supply counts
        (problem([Row(cost=1)], [BATCH], Rules(limits=[({0: 1.0}, 1.0)])), 0),  # alone: a bound
        (problem([Row(cost=1), Row(cost=2)], [BATCH], Rules(limits=[({0: 1.0, 1: 1.0}, 2.0)])), 2),
        (problem([Row(cost=1, capacity=9)], [like(SERVICE, amount=10.0)]), 1),
    ],
)
def test_units_that_something_counts_stay(one: Problem, left: int) -> None:
    """Whole columns that are left."""
    assert int(thinned(one).model.integral.sum()) == left


def test_shares_between_enough_of_both_ends_are_left_out() -> None:
    """Two units of the cheapest do for 150 unit-hours; the dearest is to leave it unmet."""
    rows = [Row(cost=cost, capacity=2) for cost in (5, 1, 2, 3, 4)]
    thin = thinned(problem(rows, [BATCH]))
    assert sorted(thin.model.cost[thin.model.cost < 1e4].tolist()) == [150]


def test_shares_at_ends_with_little_room_take_more() -> None:
    """One unit is 100 of 150 unit-hours: the two cheapest have room for them."""
    rows = [Row(cost=cost, capacity=1) for cost in (5, 1, 2, 3, 4)]
    thin = thinned(problem(rows, [BATCH]))
    assert sorted(thin.model.cost[thin.model.cost < 1e4].tolist()) == [150, 300]


def test_what_spends_otherwise_than_it_costs_is_no_mix_of_others() -> None:
    """Three shares on no line: a row counts them by something that their cost does not say."""
    points = np.array([[1.0, 1.0, 3.0], [2.0, 1.0, 9.0], [3.0, 1.0, 5.0]])
    assert thinned_out(points, high=1.0) == []
    points[1, 2] = 4.0
    assert thinned_out(points, high=1.0) == [1]
    assert thinned_out(points, high=0.9) == []
    assert thinned_out(points, high=1.0, most=np.inf) == []
    points[:, 1] = 0.5  # twice as much of them fits
    assert thinned_out(points, high=1.0) == []


def thinned_out(points: Floats, high: float, most: float = 1.0) -> list[int]:
    """Which of some points are not needed where there is so much of each."""
    model = Model(
        cost=points[:, 0],
        low=np.zeros(len(points)),
        high=np.full(len(points), high),
        integral=np.zeros(len(points), np.bool_),
        row=np.repeat([0, 1], len(points)),
        column=np.tile(np.arange(len(points)), 2),
        value=np.concatenate([points[:, 1], points[:, 2]]),
        row_low=np.array([0.5, 3.5]),
        row_high=np.array([most, 4.2]),
    )
    return sorted(set(range(len(points))) - set(Thinned.of(model).columns.tolist()))


def test_an_empty_point_stays_empty() -> None:
    thin = thinned(problem([Row(cost=1, capacity=9)], [BATCH]))
    assert len(thin.whole(np.empty(0))) == 0


@bounded(30)
@given(ruled_cases())
def test_under_any_two_rules_the_optimum_is_the_same(engine: Engine, case: Case) -> None:
    """And its point is one of the whole model."""
    whole = model_of(case.problem)
    thin = Thinned.of(whole)
    best, found = engine.solve_integer(whole, CLOSE), engine.solve_integer(thin.model, CLOSE)
    assert found.outcome == best.outcome
    if len(best.x):
        assert found.objective == pytest.approx(best.objective, rel=1e-6, abs=1e-4)
        assert broken(whole, thin.whole(found.x)).max() <= 1e-4 * max(1.0, abs(best.objective))


@pytest.mark.parametrize("rows", [0, 1_000])
@bounded(15)
@given(case=ruled_cases())
def test_large_models_are_solved_as_well(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, rows: int, case: Case
) -> None:
    """Level by level, as if every model were a large one, of many rows or few."""
    best = exactly(case.problem, engine)
    monkeypatch.setattr(exact, "MANY_COLUMNS", 0)
    monkeypatch.setattr(exact, "FEW_ROWS", rows)
    found = solve_exact(case.problem, SearchLimits(gap=0.0), engine=engine)
    assert case.violations(found) == []
    assert found.unmet @ case.problem.demands.weight == pytest.approx(
        best.unmet @ case.problem.demands.weight, abs=1e-3
    )
    assert found.cost == pytest.approx(best.cost, rel=1e-5, abs=1e-3)
    assert found.bound <= best.cost * (1 + 1e-6) + 1e-3
    monkeypatch.undo()
