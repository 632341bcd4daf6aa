"""How very many demands are planned, shown on few: bound, optimum and plan stand as they must."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given

from solver import decomposition, rounds, sampled_prices
from solver.child import EngineProcess
from solver.decomposition import solve_decomposed
from solver.solution import SearchLimits, Stop
from tests.solver.random_problems import Case, bounded, cases, ruled_cases
from tests.solver.test_decomposition import assert_between, digest, twenty
from tests.solver.tiny import GANG, SERVICE, Row, like, problem

NEVER = 10**9


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess() as running:
        yield running


def called(*, many: int, most: int) -> pytest.MonkeyPatch:
    """Call more demands than `many` very many, and more than `most` too many to combine."""
    patch = pytest.MonkeyPatch()
    patch.setattr(decomposition, "MANY", many)
    patch.setattr(rounds, "MANY", many)
    patch.setattr(sampled_prices, "MANY", many)
    for module in (decomposition, rounds, sampled_prices):
        patch.setattr(module, "MOST", most)
    return patch


@pytest.mark.parametrize("most", [1, NEVER])
@bounded(6)
@given(case=cases())
def test_optimum_lies_between_bound_and_plan(
    engine: EngineProcess, most: int, case: Case
) -> None:
    """On random markets and specs of every kind."""
    patch = called(many=1, most=most)
    try:
        assert_between(case, engine, SearchLimits(work=1))
    finally:
        patch.undo()


@pytest.mark.parametrize("most", [1, NEVER])
@bounded(4)
@given(case=ruled_cases())
def test_optimum_lies_between_bound_and_plan_under_any_two_rules(
    engine: EngineProcess, most: int, case: Case
) -> None:
    """Under every rule there is, two at a time."""
    patch = called(many=1, most=most)
    try:
        assert_between(case, engine, SearchLimits(work=1))
    finally:
        patch.undo()


@pytest.mark.parametrize("most", [1, NEVER])
def test_the_same_problem_gives_the_same_plan(engine: EngineProcess, most: int) -> None:
    """Twice in a row, with another history of the engine's process."""
    patch = called(many=1, most=most)
    try:
        first, again = (
            digest(solve_decomposed(twenty(5), SearchLimits(work=1), engine=engine))
            for _ in range(2)
        )
    finally:
        patch.undo()
    assert first == again


def test_a_search_that_ends_in_its_bound_says_what_it_knows() -> None:
    """No time for any relaxation: the service counts by its units, the gang by its formula."""
    one = problem([Row(cost=2)], [GANG, like(SERVICE, loads=((0, 30.0),))])
    with EngineProcess() as engine:
        found = solve_decomposed(one, SearchLimits(seconds=1e-9), engine=engine)
        whole = solve_decomposed(one, SearchLimits(work=1), engine=engine)
    assert found.stop is Stop.TIME
    assert (found.unmet == 0).all()
    assert whole.bound == pytest.approx(200 + 600)
    assert np.isclose(found.bound, 0.0) or found.bound <= whole.bound
