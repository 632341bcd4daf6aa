"""The decomposition: its bound is below the optimum, its plan above, and both hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given

from solver.child import EngineProcess
from solver.decomposition import solve_decomposed
from solver.problem import Problem
from solver.solution import SearchLimits, Solution
from solver.stay_rows import unbilled_cost
from tests.solver.random_problems import (
    TOLERANCE,
    Case,
    bounded,
    cases,
    exactly,
    ruled_cases,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess() as running:
        yield running


def weighed(one: Problem, found: Solution) -> float:
    """Return the cost, with what moves weigh beyond it."""
    return found.cost + unbilled_cost(one, found.allocation)


def assert_between(case: Case, engine: EngineProcess, limits: SearchLimits) -> None:
    """Bound <= optimum <= plan in the objective's order, and the plan breaks no rule."""
    one = case.problem
    best = exactly(one, engine)
    found = solve_decomposed(one, limits, engine=engine)
    slack = TOLERANCE * max(1.0, weighed(one, best) / 1000)
    assert found.bound + unbilled_cost(one, found.allocation) <= weighed(one, best) + slack
    for mine, least in zip(found.levels, best.levels, strict=True):
        assert mine.bound <= least.unmet + TOLERANCE * max(1.0, least.unmet / 100)
    assert not is_better(one, found, best)
    assert case.violations(found) == []


def is_better(one: Problem, found: Solution, best: Solution) -> bool:
    """Whether `found` beats `best` by more than tolerances, in the objective's order."""
    mine = [(level.unmet, 1e-2) for level in found.levels]
    other = [level.unmet for level in best.levels]
    mine += [(found.overridden, 1e-1), (weighed(one, found), 1e-1)]
    other += [best.overridden, weighed(one, best)]
    for (value, slack), least in zip(mine, other, strict=True):
        if abs(value - least) > slack * max(1.0, least / 1e4):
            return value < least
    return False


@bounded(30)
@given(cases())
def test_optimum_lies_between_bound_and_plan(engine: EngineProcess, case: Case) -> None:
    """On random markets and specs of every kind."""
    assert_between(case, engine, SearchLimits())


@bounded(20)
@given(ruled_cases())
def test_optimum_lies_between_bound_and_plan_under_any_two_rules(
    engine: EngineProcess, case: Case
) -> None:
    """Under every rule there is, two at a time."""
    assert_between(case, engine, SearchLimits())


@bounded(30)
@given(cases())
def test_a_search_cut_short_claims_no_more_than_it_knows(
    engine: EngineProcess, case: Case
) -> None:
    """After one round the bound is one for plans that serve as little as the plan does."""
    assert_between(case, engine, SearchLimits(work=1))
