"""The baseline that serves one demand after another."""

from __future__ import annotations

import pytest

from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.exact import solve_exact
from solver.problem import Apart, Level, Problem, Together
from solver.solution import SearchLimits, Solution
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem, solved, used


def first(one: Problem) -> Solution:
    """Cheapest-first with exact single choices."""
    with Engine() as engine:
        return cheapest_first(
            one, lambda alone: solve_exact(alone, SearchLimits(gap=0.0), engine=engine)
        )


def test_each_takes_the_cheapest_that_is_left() -> None:
    """The first gang takes the cheap unit that the longer one behind it needed more."""
    wants = [like(GANG, hours=10.0), like(GANG, hours=100.0)]
    one = problem([Row(cost=1, capacity=1), Row(cost=5)], wants)
    assert used(first(one)) == {(0, 0): 1, (1, 1): 1}
    assert first(one).cost == pytest.approx(10 + 500)
    assert solved(one).cost == pytest.approx(50 + 100)


def test_higher_priority_comes_first() -> None:
    """The second row goes first when its priority is higher."""
    wants = [GANG, like(GANG, priority=1)]
    assert used(first(problem([Row(cost=1, capacity=1), Row(cost=5)], wants))) == {
        (0, 1): 1,
        (1, 0): 1,
    }


def test_limits_and_capacity_are_used_up() -> None:
    """A limit of two units leaves the third demand the dear supply."""
    one = problem([Row(cost=1), Row(cost=5)], [GANG, BATCH, GANG], Rules(limits=[({0: 1.0}, 3.0)]))
    found = used(first(one))
    assert found == {(0, 0): 1, (1, 0): 2, (2, 1): 1}


def test_rules_on_scopes_are_kept() -> None:
    """Apart sends the second elsewhere; together keeps it where the first went."""
    rows = [Row(cost=1, place=0), Row(cost=2, place=1)]
    apart = Rules(apart=(Apart(level=Level.PLACE, groups=((0,), (1,))),))
    assert used(first(problem(rows, [GANG, SERVICE], apart))) == {(0, 0): 1, (1, 1): 3}
    rows = [Row(cost=1, place=0, capacity=1), Row(cost=2, place=1)]
    together = Rules(together=(Together(level=Level.PLACE, demands=(0, 1)),))
    found = first(problem(rows, [GANG, SERVICE], together))
    assert used(found) == {(0, 0): 1}
    assert found.unmet.tolist() == [0.0, 1.0]
