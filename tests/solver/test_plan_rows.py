"""Rows over the whole plan: shares of a scope, a limit on cost, hours that cost beside compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.problem import NO_ROW, Measure, Problem, ShareCap
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, like, problem, solved, used

ROWS = [Row(cost=1), Row(cost=3, place=1)]


def capped(one: Problem, most: float, *scope: int, measure: Measure = Measure.COST) -> Problem:
    """Return `one` with a cap on the share of each of the scopes of its supplies."""
    cap = ShareCap(measure=measure, most=most, scope=np.array(scope, np.int32))
    return replace(one, shares=(cap,))


def test_no_scope_takes_more_than_its_share_of_hours() -> None:
    """Half of 150 hours at most stand in either scope: 75 at 1 and 75 at 3."""
    one = capped(problem(ROWS, [BATCH]), 0.5, 0, 1, measure=Measure.HOURS)
    assert solved(one).cost == pytest.approx(75 + 225)


def test_no_scope_takes_more_than_its_share_of_cost() -> None:
    """At 60 % of the cost, h hours at 3 make 3h = 0.4 (150 - h + 3h): h = 60 / 2.2."""
    one = capped(problem(ROWS, [BATCH]), 0.6, 0, 1)
    dear = 60 / 2.2
    assert solved(one).cost == pytest.approx(150 + 2 * dear)


def test_supply_in_no_scope_counts_in_the_whole_alone() -> None:
    """With the dear row in no scope the cheap one may still take half, no more."""
    one = capped(problem(ROWS, [BATCH]), 0.5, 0, NO_ROW, measure=Measure.HOURS)
    assert solved(one).cost == pytest.approx(300)


def test_share_that_no_placement_meets_leaves_demand_unmet() -> None:
    """One gang stands in one scope, which then has all: it is left out."""
    solution = solved(capped(problem(ROWS, [GANG]), 0.5, 0, 1))
    assert solution.unmet.tolist() == [1.0]
    assert used(solution) == {}


def test_owned_hours_count_at_their_value() -> None:
    """An owned hour costs 0 and is worth 2: 50 of 150 hours are bought to keep it at half."""
    rows = [Row(cost=0, owned=True), Row(cost=4, place=1)]
    one = problem(rows, [BATCH])
    one = replace(one, supply=replace(one.supply, hour_value=np.array([2.0, 0.0])))
    solution = solved(capped(one, 0.5, 0, NO_ROW, measure=Measure.VALUE))
    assert solution.cost == pytest.approx(50 * 4)


def test_cost_limit_leaves_what_it_cannot_pay_unmet() -> None:
    """120 buy 120 of 150 hours; the gang with the higher priority is paid first."""
    one = replace(problem([Row(cost=1)], [BATCH]), most_cost=120.0)
    solution = solved(one)
    assert solution.unmet == pytest.approx([0.2])
    assert solution.cost == pytest.approx(120)
    both = problem([Row(cost=1)], [like(GANG, priority=1), BATCH])
    solution = solved(replace(both, most_cost=120.0))
    assert solution.unmet == pytest.approx([0.0, 130 / 150])


def test_cost_limit_that_does_not_bind_changes_nothing() -> None:
    """150 hours for 150 fit a limit of 150."""
    one = problem([Row(cost=1)], [BATCH])
    assert used(solved(replace(one, most_cost=150.0))) == used(solved(one))


@pytest.mark.parametrize(("want", "hours"), [(GANG, 100), (BATCH, 150), (SERVICE, 300)])
def test_extra_cost_of_hours_is_paid_and_never_measured(want: object, hours: int) -> None:
    """An extra 5 an hour turns the choice to the dearer row; the cost cap on compute stays."""
    one = problem(ROWS, [want])  # type: ignore[list-item]  # one of three wants
    one = replace(one, supply=replace(one.supply, hour_extra=np.array([5.0, 1.0])))
    solution = solved(one)
    assert {supply for _, supply in used(solution)} == {1}
    assert solution.cost == pytest.approx(hours * 4)
    shared = solved(capped(replace(one), 0.75, 0, 1))
    assert shared.unmet == pytest.approx([0.0] if want is not GANG else [1.0])


def test_gang_mixing_owned_units_saves_their_extra_cost_too() -> None:
    """One owned unit emits 1 an hour, the bought one costs 5 and emits 2."""
    rows = [Row(cost=0, capacity=1, owned=True), Row(cost=5)]
    one = problem(rows, [like(GANG, amount=2)])
    one = replace(one, supply=replace(one.supply, hour_extra=np.array([1.0, 2.0])))
    assert solved(one).cost == pytest.approx(100 * (1 + 7))


def test_problem_says_when_its_demands_are_coupled_by_more_than_supply() -> None:
    """Share caps, cost limits and hard accounts couple; a soft low does not."""
    one = problem(ROWS, [BATCH])
    assert not one.is_coupled
    assert capped(one, 0.5, 0, 1).is_coupled
    assert replace(one, most_cost=5.0).is_coupled
