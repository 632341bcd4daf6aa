"""Combining known ways makes no plan worse, and the plan of a fleet keeps its rules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver import decomposition, rounds
from solver.child import EngineProcess
from solver.decomposition import solve_decomposed
from solver.search import Search
from solver.solution import SearchLimits, Solution
from solver.work import Work
from tests.solver.random_fleets import fleet_of
from tests.solver.random_problems import TOLERANCE, bounded


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess() as running:
        yield running


def judged(search: Search) -> tuple[float, ...]:
    """Return unmet weight by priority from the highest, what is overridden, cost."""
    demands = search.compact.problem.demands
    lost = demands.weight * search.unmet
    levels = [float(lost[demands.priority == one].sum()) for one in np.unique(demands.priority)]
    return (*levels[::-1], search.overridden, search.incumbent.cost)


def assert_no_worse(after: tuple[float, ...], before: tuple[float, ...]) -> None:
    """What counts first decides; what is equal up to roundings does not."""
    for one, other in zip(after, before, strict=True):
        if abs(one - other) > TOLERANCE * max(1.0, abs(other) / 1000):
            assert one < other
            return


@bounded(5)
@given(st.integers(0, 2**32 - 1))
def test_combining_makes_no_plan_worse_and_no_rule_is_broken(
    engine: EngineProcess, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Fleets over owned and scarce machines, some apart or alone; every combination is judged."""
    seen = 0

    def watched(work: Work, start: Solution | None) -> None:
        nonlocal seen
        before = None if work.search is None else judged(work.search)
        rounds.combine(work, start)
        assert work.search is not None
        if before is not None:
            seen += 1
            assert_no_worse(judged(work.search), before)

    monkeypatch.setattr(decomposition, "combine", watched)
    case = fleet_of(seed)
    found = solve_decomposed(case.problem, SearchLimits(gap=0.0, work=1), engine=engine)
    assert seen > 0
    assert found.bound <= found.cost + TOLERANCE
    assert case.violations(found) == []
