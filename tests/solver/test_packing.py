"""Gangs and batches placed all at once: who loses most gets what is scarce, and rules are kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from solver.asking import Engine
from solver.blocks import blocks_of
from solver.exact import solve_exact
from solver.first_plan import first_plan, plain_cost, unproven
from solver.packing import filled, movable_in, packed
from solver.pairs import enumerate_pairs
from solver.problem import Apart, Level, Problem
from solver.search import Planned, held_alone
from solver.solution import SearchLimits
from tests.solver.random_problems import Case, bounded, cases
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem, used


def packed_anew(one: Problem, engine: Engine, stake: float = 1e5) -> tuple[Planned, Planned]:
    """Return a plan of one demand after another, and the same with gangs and batches packed."""
    first = first_plan(one)
    before = (first.allocation, first.routes, first.unmet)
    found = packed(
        one,
        before,
        enumerate_pairs(one),
        movable_in(one, blocks_of(one).plain),
        np.full(one.demands.count, stake),
        engine.solve_linear,
    )
    assert found is not None
    return before, found


def test_who_would_lose_most_gets_the_cheap_unit(engine: Engine) -> None:
    """The short gang comes first and takes it; elsewhere it loses 40, the long one 400."""
    rows = [Row(cost=1, capacity=1), Row(cost=5)]
    one = problem(rows, [like(GANG, hours=10.0), GANG])
    before, after = packed_anew(one, engine)
    assert plain_cost(one, before[0]) == pytest.approx(10 + 500)
    assert plain_cost(one, after[0]) == pytest.approx(50 + 100)
    assert used(unproven(one, after, "test")) == {(0, 1): 1, (1, 0): 1}


def test_a_limit_is_shared_as_a_supply_is(engine: Engine) -> None:
    """One unit of two cheap supplies may be held, by whom it saves most."""
    rows = [Row(cost=1), Row(cost=1, zone=1), Row(cost=5, zone=2)]
    rules = Rules(limits=[({0: 1.0, 1: 1.0}, 1.0)])
    one = problem(rows, [like(GANG, hours=10.0), GANG], rules)
    assert plain_cost(one, packed_anew(one, engine)[1][0]) == pytest.approx(50 + 100)


def test_services_and_whoever_rules_keep_apart_stay(engine: Engine) -> None:
    """The service keeps the cheap units; two gangs stay that keep out of each other's zone."""
    rows = [Row(cost=1, capacity=3), Row(cost=2, zone=1), Row(cost=5, zone=2)]
    rules = Rules(apart=(Apart(level=Level.ZONE, groups=((1,), (2,))),))
    one = problem(rows, [SERVICE, GANG, GANG, GANG], rules)
    before, after = packed_anew(one, engine)
    assert movable_in(one, blocks_of(one).plain).tolist() == [3]
    for demand in (0, 1, 2):
        kept, was = (plan[0].supply[plan[0].demand == demand].tolist() for plan in (after, before))
        assert kept == was


def test_a_batch_takes_whole_units_and_the_rest_where_that_is_cheapest() -> None:
    """Of 2.2 units at 10, two are taken; the rest costs 5 on a unit elsewhere, 10 on a third."""
    found = filled(
        np.zeros(2),
        np.array([10.0, 5.0]),
        np.array([2.2, 11.0]),
        np.array([9.0, 9.0]),
        np.arange(2),
    )
    assert found is not None
    at, units, share = found
    assert dict(zip(at.tolist(), units.tolist(), strict=True)) == {0: 2.0, 1: 1.0}
    assert share.sum() == pytest.approx(1.0)


def test_a_batch_that_does_not_fit_takes_nothing() -> None:
    """Three units are needed of one supply that two pairs share, and two are there."""
    same = np.array([7, 7])
    units = np.array([3.0, 3.0])
    assert filled(np.zeros(2), np.ones(2), units, np.array([2.0, 2.0]), same) is None


def test_what_finds_no_room_is_left_out(engine: Engine) -> None:
    """Two units for three gangs."""
    one = problem([Row(cost=1, capacity=2)], [GANG, GANG, GANG])
    assert packed_anew(one, engine)[1][2].sum() == 1


def test_a_batch_may_be_split(engine: Engine) -> None:
    """150 unit-hours in 100: one unit at 1 an hour, and a half elsewhere at 2."""
    one = problem([Row(cost=1, capacity=1), Row(cost=2)], [BATCH])
    after = packed_anew(one, engine)[1]
    assert plain_cost(one, after[0]) == pytest.approx(100 + 100)
    assert after[2].tolist() == [0.0]


@bounded(25)
@given(case=cases(rules=False))
def test_plans_keep_the_rules_and_cost_no_less_than_the_optimum(
    engine: Engine, case: Case
) -> None:
    """On random markets, beside the exact model wherever the same is served."""
    one = case.problem
    after = packed_anew(one, engine)[1]
    assert held_alone(one, after, engine) is not None
    found = unproven(one, after, "packed")
    assert case.violations(found) == []
    if (after[2] <= 0).all():
        best = solve_exact(one, SearchLimits(gap=0.0), engine=engine)
        assert found.cost >= best.cost * (1 - 1e-6) - 1e-6
