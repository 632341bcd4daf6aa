"""Whom a plan of very many leaves out is served in models of a few; the others stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from solver.aside import Aside, parts_alone
from solver.asking import Engine
from solver.first_plan import first_plan, plain_cost, unproven
from solver.problem import Apart, Level, Problem
from solver.search import Planned, held_alone
from tests.solver.random_problems import Case, bounded, cases, unchecked
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem

#: A pool of four units at 1 an hour, two of two at 1.5.
ROWS = [
    Row(cost=1, capacity=4),
    Row(cost=1.5, capacity=2, zone=1),
    Row(cost=1.5, capacity=2, zone=2),
]
BIG = like(GANG, amount=4.0)


def served(one: Problem, engine: Engine) -> tuple[Planned, Planned]:
    """Return a plan of one demand after another, and the same once what it left is served."""
    first = first_plan(one)
    before = (first.allocation, first.routes, first.unmet)
    aside = Aside(one, before, engine)
    aside.serve(np.flatnonzero(first.unmet > 0), unchecked)
    return before, aside.plan


def test_small_ones_leave_the_pool_that_a_big_gang_needs(engine: Engine) -> None:
    """Four small ones at 1.5 and the big one at 1 cost 1,000."""
    one = problem(ROWS, [GANG, GANG, GANG, like(BATCH, amount=100.0), BIG])
    before, after = served(one, engine)
    assert before[2].tolist() == [0, 0, 0, 0, 1]
    assert after[2].tolist() == [0, 0, 0, 0, 0]
    assert plain_cost(one, after[0]) == pytest.approx(1_000)


def test_a_service_leaves_units_that_another_one_needs(engine: Engine) -> None:
    """The far pools reach the first service alone, which has taken the near one."""
    rows = [ROWS[0], *(replace(row, place=1) for row in ROWS[1:])]
    near = like(SERVICE, farthest=50.0)
    rules = Rules(distance=[[0.0, 90.0, 0.0, 0.0]])
    one = problem(rows, [SERVICE, near], rules)
    before, after = served(one, engine)
    assert before[2][1] == pytest.approx(0.6)  # one unit of three is left
    assert after[2].tolist() == [0, 0]
    assert held_alone(one, after, engine) is not None
    assert plain_cost(one, after[0]) < 3 * 100 + 3 * 150 + 1


def test_who_is_more_urgent_is_not_left_out_for_another(engine: Engine) -> None:
    """Two units, held by a gang of a higher priority."""
    one = problem(ROWS[1:2], [like(GANG, amount=2.0, priority=1), like(GANG, amount=2.0)])
    assert served(one, engine)[1][2].tolist() == [0, 1]


def test_only_capacities_and_limits_may_join_demands() -> None:
    """A rule on scopes, or a limit on cost, speaks of everybody."""
    one = problem(ROWS, [GANG, BIG], Rules(limits=[({0: 1.0}, 4.0)]))
    assert parts_alone(one)
    assert not parts_alone(replace(one, most_cost=9.0))
    apart = (Apart(level=Level.ZONE, groups=((0,), (1,))),)
    assert not parts_alone(replace(one, apart=apart))


@bounded(25)
@given(case=cases(rules=False))
def test_plans_keep_the_rules_and_serve_no_less(engine: Engine, case: Case) -> None:
    """On random markets."""
    one = case.problem
    if not parts_alone(one):
        return
    before, after = served(one, engine)
    assert held_alone(one, after, engine) is not None
    assert case.violations(unproven(one, after, "aside")) == []
    demands = one.demands
    for priority in np.unique(demands.priority):
        own = np.where(demands.priority >= priority, demands.weight, 0.0)
        if float(own @ after[2]) < float(own @ before[2]) - 1e-6:
            break
        assert float(own @ after[2]) <= float(own @ before[2]) + 1e-6
