"""How very many demands are planned, shown on few: bound, optimum and plan stand as they must."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

from solver import decomposition, improving, rounds, sampled_prices
from solver.asking import Engine
from solver.certificate import Certifier
from solver.decomposition import solve_decomposed
from solver.prices import no_prices
from solver.relaxation import service_of
from solver.solution import SearchLimits
from tests.solver.random_problems import Case, bounded, cases, exactly, ruled_cases, unchecked
from tests.solver.test_certificate import served
from tests.solver.test_decomposition import assert_between, digest, twenty
from tests.solver.tiny import GANG, SERVICE, Row, like, problem

NEVER = 10**9
CRUMB = 0.01


#: Demands that are too many to combine, and entries of a model of all that are too many to relax.
WAYS = [(1, NEVER), (NEVER, NEVER), (NEVER, 0)]


def called(*, many: int, most: int, entries: int) -> pytest.MonkeyPatch:
    """Call more demands than `many` very many, more than `most` and `entries` too many."""
    patch = pytest.MonkeyPatch()
    patch.setattr(decomposition, "_MOST_ENTRIES_OF_MANY", entries)
    patch.setattr(decomposition, "MANY", many)
    patch.setattr(rounds, "MANY", many)
    patch.setattr(improving, "MANY", many)
    for module in (decomposition, rounds, sampled_prices):
        patch.setattr(module, "MOST", most)
    return patch


def assert_between_for_many(case: Case, engine: Engine, way: tuple[int, int]) -> None:
    """Bound <= optimum <= plan, where the optimum leaves no crumb of a light demand.

    Beside a heavy one, a crumb is nothing to the engine's tolerance, and lowers the cost.
    """
    unmet = exactly(case.problem, engine).unmet
    assume(not ((unmet > 0) & (unmet < CRUMB)).any())
    patch = called(many=1, most=way[0], entries=way[1])
    try:
        assert_between(case, engine, SearchLimits(work=1))
    finally:
        patch.undo()


@pytest.mark.parametrize("way", WAYS)
@bounded(4)
@given(case=cases())
def test_optimum_lies_between_bound_and_plan(
    engine: Engine, way: tuple[int, int], case: Case
) -> None:
    """On random markets and specs of every kind."""
    assert_between_for_many(case, engine, way)


@pytest.mark.parametrize("way", WAYS)
@bounded(3)
@given(case=ruled_cases())
def test_optimum_lies_between_bound_and_plan_under_any_two_rules(
    engine: Engine, way: tuple[int, int], case: Case
) -> None:
    """Under every rule there is, two at a time."""
    assert_between_for_many(case, engine, way)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_problem_gives_the_same_plan(engine: Engine, way: tuple[int, int]) -> None:
    """Twice in a row, with another history of the engine's process."""
    patch = called(many=1, most=way[0], entries=way[1])
    try:
        first, again = (
            digest(solve_decomposed(twenty(5), SearchLimits(work=1), engine=engine))
            for _ in range(2)
        )
    finally:
        patch.undo()
    assert first == again


def test_a_search_ends_with_the_first_bound_that_will_do(engine: Engine) -> None:
    """No plan is made at its prices, and none is settled."""
    patch, phases = called(many=1, most=NEVER, entries=NEVER), list[str]()
    try:
        limits = SearchLimits(gap=0.5)
        solve_decomposed(
            twenty(5), limits, engine=engine, progress=lambda phase, *_: phases.append(phase)
        )
    finally:
        patch.undo()
    assert phases[-1] == "bound"
    assert "settled" not in phases


def test_a_bound_without_time_counts_units_and_formulas(engine: Engine) -> None:
    """No time for any relaxation: 30 asked of units of 10 at 200 are 600, and a gang of 200."""
    one = problem([Row(cost=2)], [GANG, like(SERVICE, loads=((0, 30.0),))])
    service = service_of(one, np.zeros(2), np.zeros(2))
    asked = served(one, no_prices(one), service, 0)
    certifier = Certifier(one, service, engine)
    late = certifier.certify(asked, unchecked, is_late=lambda: True)
    assert late.bound == pytest.approx(200 + 600)
    assert certifier.serving_less(asked, late, np.array([0.0, 0.5])) == pytest.approx(200 + 300)
