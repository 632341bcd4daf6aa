"""Combining known ways makes no plan worse, and the plan of a fleet keeps its rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver import combine, decomposition
from solver.asking import Asked, Engine
from solver.columns import Columns
from solver.combination import some_at_a_time
from solver.combine import master_gap
from solver.compact_columns import Compact, Longs
from solver.decomposition import solve_decomposed
from solver.first_plan import first_plan
from solver.model import Model
from solver.rounds import adopt
from solver.search import Search
from solver.solution import SearchLimits, Solution
from solver.work import Work
from tests.solver.random_fleets import fleet_of
from tests.solver.random_problems import TOLERANCE, bounded
from tests.solver.tiny import SERVICE, Row, like, problem
from tests.solver.watched import Watched


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


@bounded(6)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_combining_makes_no_plan_worse_and_no_rule_is_broken(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, seed: int, parts: bool
) -> None:
    """Fleets over owned and scarce machines, some apart or alone; every combination is judged.

    As large fleets are combined some demands at a time, half of these are, too.
    """
    seen = 0
    monkeypatch.setattr(combine, "_MANY", 1 if parts else 10_000)
    monkeypatch.setattr(combine, "_AT_A_TIME", 6)

    def watched(work: Work, start: Solution | None) -> None:
        nonlocal seen
        before = None if work.search is None else judged(work.search)
        combine.combine(work, start)
        assert work.search is not None
        if before is not None:
            seen += 1
            assert_no_worse(judged(work.search), before)

    monkeypatch.setattr(decomposition, "combine", watched)
    case = fleet_of(seed)
    found = solve_decomposed(case.problem, SearchLimits(gap=0.0, work=15_000), engine=engine)
    assert seen > 0 or found.unmet.any()  # what is shared out by priority may need none
    assert found.bound <= found.cost + TOLERANCE
    assert case.violations(found) == []


class Forgetful(Search):
    """A plan of other columns whose model, built anew, does not hold it any more."""

    @classmethod
    def holding(cls, *_: object) -> None:  # type: ignore[override]
        """None, whatever it is."""


def test_a_plan_that_the_model_does_not_hold_is_left_for_a_better_one_only(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that is found serves nobody: it takes the place of none at all."""

    def poor(work: Work, compact: Compact, model: Model, *_: object) -> Search:
        return Search(compact, model, work.engine)

    monkeypatch.setattr(combine, "_combined", poor)
    monkeypatch.setattr(combine, "Search", Forgetful)
    one = problem([Row(cost=1, capacity=9)], [like(SERVICE, loads=((0, 15.0),))])
    work = Work(one, SearchLimits(), engine, lambda *_: None, None)
    combine.combine(work, None)
    assert work.search is not None
    assert work.search.unmet.tolist() == [1.0]
    adopt(work, first_plan(one))
    before = work.search
    assert before.unmet.tolist() == [0.0]
    combine.combine(work, None)
    assert work.search is before


def test_a_way_that_is_found_twice_at_once_is_known_once() -> None:
    """Else a plan that holds it holds two ways of one block, and is no point of the master."""
    one = problem([Row(cost=1)], [like(SERVICE, loads=((0, 15.0),))])
    columns = Columns.of(one, one)
    known = len(columns.ways)
    found = replace(columns.ways[0], unmet=np.array([0.5]))
    columns.add_ways([found, replace(found), columns.ways[0]])
    assert len(columns.ways) == known + 1


def test_parts_are_all_demands_once_and_together_who_wants_the_same() -> None:
    """Kinds 1, 0, 1, 0, 2 in parts of two; drawn every other time, the same for the same seed."""
    wanted = (np.array([1, 0, 1, 0, 2]), np.array([4, 3, 2, 1, 0]))
    alike = some_at_a_time(wanted, 2, 0, 7)
    assert [part.tolist() for part in alike] == [[1, 3], [0, 2], [4]]
    drawn = some_at_a_time(wanted, 2, 1, 7)
    assert sorted(np.concatenate(drawn).tolist()) == [0, 1, 2, 3, 4]
    again = some_at_a_time(wanted, 2, 1, 7)
    assert [part.tolist() for part in again] == [part.tolist() for part in drawn]


def test_the_master_is_solved_more_closely_when_little_is_missing() -> None:
    """A tenth of what is asked for, or of what is missing; neither without end."""
    assert master_gap(0.005, np.inf) == pytest.approx(5e-4)
    assert master_gap(0.005, 0.02) == pytest.approx(5e-4)
    assert master_gap(0.005, 0.007) == pytest.approx(2e-4)
    assert master_gap(0.005, 0.0051) == pytest.approx(5e-5)
    assert master_gap(0.0, np.inf) == pytest.approx(2e-4)


class Gaps(Watched):
    """Notes the gap in cost that it is asked for, where a point is known."""

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.gaps: list[float] = []

    def before(self, asked: Asked) -> None:
        """Note the gap."""
        _, model, effort = asked.request
        if effort is not None and effort.known is not None:
            self.gaps.append(effort.gap * max(float(model.cost @ effort.known), 1.0))


def test_no_part_is_asked_for_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap of its own cost would ask for more of a part that costs little."""
    monkeypatch.setattr(combine, "_MANY", 1)
    monkeypatch.setattr(combine, "_AT_A_TIME", 6)
    cost, count, asked = [], [], []

    def parted(*drawn: Any) -> list[Longs]:
        parts = some_at_a_time(*drawn)
        count.append(len(parts))
        return parts

    def watched(work: Work, start: Solution | None) -> None:
        cost.append(work.cost)
        engine.gaps.clear()
        combine.combine(work, start)
        asked.append(min(engine.gaps))

    monkeypatch.setattr(combine, "some_at_a_time", parted)
    monkeypatch.setattr(decomposition, "combine", watched)
    with Gaps() as engine:
        limits = SearchLimits(gap=0.0, work=5_000)
        solve_decomposed(fleet_of(5).problem, limits, engine=engine)
    assert count[-1] > 1
    assert asked[-1] == pytest.approx(2e-4 * cost[-1] / count[-1])
