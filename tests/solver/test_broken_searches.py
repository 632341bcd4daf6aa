"""The decomposition when engines die, limits are short, or demand cannot all be served."""

from __future__ import annotations

from contextlib import suppress

import pytest

from solver.asking import Asked, Engine
from solver.decomposition import solve_decomposed
from solver.problem import Problem
from solver.solution import SearchLimits, SolverError, Status, Stop
from tests.solver.tiny import BATCH, GANG, Row, like, problem, solved
from tests.solver.watched import Watched


class Dying(Watched):
    """An engine that dies for good after so many answers."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        self.left = answers

    def before(self, asked: Asked) -> None:
        """Be dead, when the time has come."""
        del asked
        self.left -= 1
        if self.left < 0:
            raise SolverError("the engine's process died")


def scarce() -> Problem:
    """Four units; two gangs of three want them, and no more than one can have them."""
    return problem(
        [Row(cost=2, capacity=4)],
        [like(GANG, amount=3.0, weight=3.0), like(GANG, amount=3.0, weight=3.0)],
    )


def test_an_engine_that_dies_leaves_the_plan_so_far() -> None:
    """Whenever it dies: an error while there is no plan, a whole plan with a valid bound after."""
    best, plans = solved(scarce()), 0
    for answers in range(0, 100, 12):
        with Dying(answers) as engine:
            try:
                found = solve_decomposed(scarce(), SearchLimits(), engine=engine)
            except SolverError:
                assert not plans, "a plan that was there is lost"
                continue
        plans += 1
        assert found.stop in {Stop.WORK, Stop.GAP}
        if found.unmet.sum() <= best.unmet.sum():
            assert found.bound <= best.cost + 1e-6
    assert plans


def test_a_bound_for_more_service_proves_nothing_of_the_plan() -> None:
    """The first bound is of serving both gangs; a plan that serves one has none until the last."""
    bounds = []
    for answers in range(0, 100, 11):
        with Dying(answers) as engine, suppress(SolverError):
            found = solve_decomposed(scarce(), SearchLimits(), engine=engine)
            bounds.append(found.bound)
            assert (found.status is Status.OPTIMAL) == (found.gap <= SearchLimits().gap)
    assert bounds[0] == 0
    assert bounds[-1] > 0


def test_a_heavy_demand_left_out_leaves_no_part_of_a_light_one_unmet() -> None:
    """Roundings of a level are parts of its heaviest demand, and cheapest when all used up."""
    heavy, light = like(GANG, amount=3.0, weight=1e5), like(BATCH, amount=100.0, weight=1.0)
    one = problem([Row(cost=2, capacity=4)], [heavy, heavy, light])
    with Engine() as engine:
        found = solve_decomposed(one, SearchLimits(), engine=engine)
    assert found.unmet.sum() == pytest.approx(1.0, abs=1e-6)
    assert found.unmet[2] == pytest.approx(0.0, abs=1e-6)
