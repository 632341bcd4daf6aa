"""Rows that tighten the relaxation of services."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.compact import build_compact
from solver.compact_columns import NONE, Compact
from solver.effort import Effort
from solver.model import Model, with_row
from solver.problem import Level, Problem
from solver.service_cuts import class_sets
from solver.survival_rows import losses
from tests.solver.random_problems import bounded
from tests.solver.random_services import services
from tests.solver.tiny import SERVICE, Row, Rules, like, problem


def relaxed(one: Problem, engine: Engine, *, loose: bool) -> float:
    """Return what serving everything costs at least by the relaxation."""
    compact = build_compact(one, loose=loose)
    model = compact.builder.build()
    model.high[compact.unmet] = 0.0
    return engine.solve_linear(model).objective


def test_a_load_of_a_unit_and_a_bit_costs_two_units(engine: Engine) -> None:
    """15 of units of 10: one and a half without the rows."""
    one = problem([Row(cost=3)], [like(SERVICE, loads=((0, 15.0),))])
    assert relaxed(one, engine, loose=False) == pytest.approx(450.0)
    assert relaxed(one, engine, loose=True) == pytest.approx(600.0)


def test_loads_that_see_different_places_need_a_unit_each(engine: Engine) -> None:
    """12 here and 2 there make two units here and one there."""
    rows = [Row(cost=3), Row(cost=3, place=1)]
    want = like(SERVICE, loads=((0, 12.0), (1, 2.0)), farthest=50)
    one = problem(rows, [want], Rules(distance=[[5.0, 90.0], [90.0, 5.0]]))
    assert relaxed(one, engine, loose=True) == pytest.approx(900.0)


def test_of_three_places_two_have_a_unit_of_what_one_may_not_carry(engine: Engine) -> None:
    """No place carries more than half of 12: two units at least, where 1.2 carry it."""
    rows = [Row(cost=3, place=place) for place in range(3)]
    one = problem(rows, [like(SERVICE, loads=((0, 12.0),), most_share=0.5)])
    assert relaxed(one, engine, loose=True) == pytest.approx(600.0)


def test_what_outlives_any_loss_is_a_unit_more(engine: Engine) -> None:
    """10 in any two of three places after a loss: without the rows, half a unit in each."""
    rows = [Row(cost=3, place=place) for place in range(3)]
    want = like(SERVICE, loads=((0, 10.0),), survive_level=Level.PLACE)
    assert relaxed(problem(rows, [want]), engine, loose=False) == pytest.approx(450.0)
    assert relaxed(problem(rows, [want]), engine, loose=True) == pytest.approx(600.0)


def test_half_at_risk_has_whole_safe_units_for_the_other_half(engine: Engine) -> None:
    """24 and half of it at risk: 12 take two safe units; a cheap one at risk is the third."""
    rows = [Row(cost=1, risk=1), Row(cost=9)]
    want = like(SERVICE, loads=((0, 24.0),), risky_share=0.5)
    one = problem(rows, [want])
    assert relaxed(one, engine, loose=True) >= 1800.0


def test_sets_of_classes_are_all_that_see_the_same_places() -> None:
    """The second class sees no more than the first: a set with the first has it too."""
    seen = np.array([[True, True], [True, False], [False, True]])
    found = class_sets(seen).astype(int).tolist()
    assert found == [[0, 0, 1], [0, 1, 0], [1, 1, 1]]


def test_a_scope_within_another_one_is_no_loss_of_its_own() -> None:
    """Losing the second pair alone is no worse than losing it with the first."""
    index, scope = np.array([0, 1, 1, 2]), np.array([7, 7, 8, 9])
    assert losses((index, scope), 3).tolist() == [[False, False, True], [True, True, False]]


def costs(compact: Compact, random: np.random.Generator) -> np.ndarray:
    """Random costs of units, presence and unmet shares, below 0 too: any plan may be the best."""
    cost = np.zeros(compact.builder.columns)
    (columns,) = compact.services.values()
    cost[columns.units] = random.integers(-2, 9, len(columns.units))
    cost[columns.present[columns.present != NONE]] = random.integers(-5, 20)
    cost[compact.unmet] = random.choice((5.0, 50.0, 1000.0))
    return cost


def held_up(one: Problem, compact: Compact) -> Model:
    """Return a loose model of one service with every row n <= most x z, costly or not."""
    columns, model = compact.services[0], compact.builder.build()
    places = one.supply.place[compact.pairs.supply[columns.rows]]
    present = columns.present[np.searchsorted(columns.classes.places, places)]
    for unit, most, at in zip(columns.units, columns.most_units, present, strict=True):
        if at != NONE:
            model = with_row(model, np.array([unit, at]), np.array([1.0, -most]), high=0.0)
    return model


@bounded(150)
@given(services(scarce=True), st.integers(0, 2**32 - 1))
def test_every_plan_keeps_the_rows(engine: Engine, one: Problem, seed: int) -> None:
    """Whatever units cost and what may stay unmet, the optimum is the same with the rows."""
    plain, tight = build_compact(one), build_compact(one, loose=True)
    cost = costs(plain, np.random.default_rng(seed))
    best = [
        engine.solve_integer(replace(model, cost=cost), Effort(gap=0.0)).objective
        for model in (plain.builder.build(), held_up(one, tight))
    ]
    assert best[1] == pytest.approx(best[0], rel=1e-6, abs=1e-5)


@bounded(100)
@given(services(scarce=True, points=9), st.integers(0, 2**32 - 1))
def test_merged_classes_only_bound_from_below(engine: Engine, one: Problem, seed: int) -> None:
    """Nine loads that see different places: no optimum is lost, and none is where all are kept."""
    plain, tight = build_compact(one), build_compact(one, loose=True)
    best, bound = (
        engine.solve_integer(
            replace(model, cost=costs(two, np.random.default_rng(seed))), Effort(gap=0.0)
        ).objective
        for two, model in ((plain, plain.builder.build()), (tight, held_up(one, tight)))
    )
    room = 1e-5 + 1e-6 * abs(best)
    assert bound <= best + room
    (columns,) = tight.services.values()
    assert columns.is_loose or bound >= best - room


@bounded(100)
@given(services())
def test_the_relaxation_is_never_above_the_optimum(engine: Engine, one: Problem) -> None:
    """At the costs that the rows were chosen for, and no lower than without them."""
    models = []
    for compact in (build_compact(one), build_compact(one, loose=True)):
        model = compact.builder.build()
        model.cost[compact.unmet] += 1e4
        models.append(model)
    optimum = engine.solve_integer(models[0], Effort(gap=0.0)).objective
    before, after = (engine.solve_linear(model).objective for model in models)
    room = 1e-6 * max(1.0, abs(optimum))
    assert before - room <= after <= optimum + room


@bounded(100)
@given(services())
def test_where_units_cost_nothing_by_themselves_no_row_has_to_say_so(
    engine: Engine, one: Problem
) -> None:
    """Nothing keeps "has a unit there" down where that is free: with rows all costs as much."""
    compact = build_compact(one, loose=True)
    model, more = compact.builder.build(), held_up(one, compact)
    for two in (model, more):
        two.high[compact.unmet] = 0.0
    least, most = engine.solve_linear(model), engine.solve_linear(more)
    assert least.objective == pytest.approx(most.objective, rel=1e-6, abs=1e-6)


def test_rows_say_where_a_service_has_units_only_where_that_costs_something() -> None:
    """Data costs at one of two places; of one that moves none, a loose model has no such row."""
    rows = [Row(cost=3), Row(cost=3, place=1)]
    plain = like(SERVICE, loads=((0, 12.0),), least_places=2)
    counts = []
    for want in (plain, replace(plain, data=10.0)):
        one = problem(rows, [want])
        one = replace(one, demands=replace(one.demands, move_cost=np.array([[0.0, 1.0]])))
        counts.append([links(build_compact(one, loose=loose)) for loose in (False, True)])
    assert counts == [[2, 0], [2, 1]]


def links(compact: Compact) -> int:
    """Return how many rows say n - most x z <= 0, a unit's column above 0 and one below."""
    model = compact.builder.build()
    rows = len(model.row_low)
    size, below = np.bincount(model.row, minlength=rows), np.bincount(model.row, model.value < 0)
    held = np.isin(model.column, compact.main) & (model.value > 0)
    units = np.bincount(model.row, held, minlength=rows)
    return int(((size == 2) & (below == 1) & (units == 1) & (model.row_high == 0)).sum())
