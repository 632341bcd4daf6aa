"""The decomposition: its bound is below the optimum, its plan above, both hold what they say."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from solver.asking import Asked, Engine
from solver.columns import Columns
from solver.decomposition import solve_decomposed
from solver.preferences import Refusals
from solver.problem import Level, Problem, Together
from solver.solution import SearchLimits, Solution, SolverError, Stop
from solver.stay_rows import unbilled_cost
from tests.solver.random_problems import (
    TOLERANCE,
    Case,
    bounded,
    cases,
    exactly,
    ruled_cases,
)
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem, solved, used
from tests.solver.watched import Watched


def weighed(one: Problem, found: Solution) -> float:
    """Return the cost, with what moves weigh beyond it."""
    return found.cost + unbilled_cost(one, found.allocation)


def assert_between(case: Case, engine: Engine, limits: SearchLimits) -> None:
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


@bounded(24)
@given(cases())
def test_optimum_lies_between_bound_and_plan(engine: Engine, case: Case) -> None:
    """On random markets and specs of every kind."""
    assert_between(case, engine, SearchLimits())


@bounded(14)
@given(ruled_cases())
def test_optimum_lies_between_bound_and_plan_under_any_two_rules(
    engine: Engine, case: Case
) -> None:
    """Under every rule there is, two at a time."""
    assert_between(case, engine, SearchLimits())


@bounded(24)
@given(cases())
def test_a_search_cut_short_claims_no_more_than_it_knows(engine: Engine, case: Case) -> None:
    """After one round the bound is one for plans that serve as little as the plan does."""
    assert_between(case, engine, SearchLimits(work=1))


def test_a_plan_that_leaves_more_than_the_bound_is_for_is_not_bounded_by_it(
    engine: Engine,
) -> None:
    """One unit for two gangs: the bound is for one of them, not for both."""
    one = problem([Row(cost=1, capacity=1)], [GANG, like(GANG, hours=60.0)])
    for work in (1, None):
        found = solve_decomposed(one, SearchLimits(work=work), engine=engine)
        assert found.unmet.sum() == 1
        assert found.bound <= 60 + 1e-6


def test_readers_that_cannot_all_be_served_together_are_served_in_part(
    engine: Engine,
) -> None:
    """Two that must stand together fit nowhere whole: one of them is served, as in the optimum."""
    rules = Rules(together=(Together(level=Level.PLACE, demands=(0, 1)),))
    rows = [Row(cost=1, capacity=1), Row(cost=2, place=1, capacity=1)]
    one = problem(rows, [GANG, like(GANG, priority=1)], rules)
    found = solve_decomposed(one, SearchLimits(), engine=engine)
    assert found.unmet.tolist() == exactly(one, engine).unmet.tolist() == [1.0, 0.0]
    assert found.cost == pytest.approx(100)


def test_what_is_overridden_counts_before_cost(engine: Engine) -> None:
    """The claimant's dearer unit is taken, though the bound is met without it."""
    one = problem([Row(cost=8), Row(cost=10, place=1)], [GANG, GANG])
    claims = Refusals(
        demand=np.array([0], np.int32),
        owner=np.array([1], np.int32),
        kept=np.array([0.8]),
        hour_price=one.supply.hour_cost,
        hour_size=np.full(2, 8.0),
    )
    found = solve_decomposed(replace(one, refusals=claims), SearchLimits(), engine=engine)
    assert found.overridden == 0
    assert used(found) == {(0, 1): 1, (1, 0): 1}


def twenty(seed: int) -> Problem:
    """Return twenty demands of every kind that compete for eight supplies."""
    random = np.random.default_rng(seed)
    rows = [
        Row(cost=float(random.integers(1, 9)), capacity=float(random.integers(2, 9)), place=place)
        for place in (0, 1, 2, 3)
        for _ in range(2)
    ]
    kinds = (GANG, like(BATCH, amount=120.0), like(SERVICE, loads=((0, 15.0),)))
    wants = [
        like(
            kinds[int(random.integers(0, 3))],
            priority=int(random.integers(0, 2)),
            weight=float(random.integers(1, 9)),
        )
        for _ in range(20)
    ]
    return problem(rows, wants)


def digest(found: Solution) -> str:
    """Return a hash of every byte of an answer's arrays."""
    tables = (found.allocation, found.routes)
    parts = [getattr(table, name) for table in tables for name in table.__slots__]
    return hashlib.sha256(b"|".join(part.tobytes() for part in (*parts, found.unmet))).hexdigest()


PROGRAM = """
from solver.asking import Asked, Engine
from solver.decomposition import solve_decomposed
from solver.solution import SearchLimits
from tests.solver.test_decomposition import digest, twenty
with Engine() as engine:
    print(digest(solve_decomposed(twenty(5), SearchLimits(work=1), engine=engine)))
"""


def test_two_processes_find_the_same_plan(engine: Engine) -> None:
    """To the last bit, whatever the seed of hashes."""
    here = digest(solve_decomposed(twenty(5), SearchLimits(work=1), engine=engine))
    there = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here


class Failing(Watched):
    """An engine that works for some calls, then raises."""

    def __init__(self, calls: int, error: BaseException) -> None:
        """Raise `error` at every call after the first `calls`."""
        super().__init__()
        self.left = calls
        self.error = error

    def before(self, asked: Asked) -> None:
        """Raise, when the time has come."""
        del asked
        self.left -= 1
        if self.left < 0:
            raise self.error


@pytest.mark.parametrize("calls", [0, 3, 8, 14, 20, 30, 45])
def test_an_interrupt_leaves_the_best_plan_so_far_with_a_true_bound(
    calls: int, engine: Engine
) -> None:
    """Before there is any plan it stays an interrupt."""
    one = twenty(3)
    best = exactly(one, engine)
    with Failing(calls, KeyboardInterrupt()) as failing:
        try:
            found = solve_decomposed(one, SearchLimits(gap=0.0), engine=failing)
        except KeyboardInterrupt:
            assert calls < 20
            return
    assert found.stop in {Stop.INTERRUPT, Stop.WORK, Stop.GAP}
    assert found.bound <= best.cost + TOLERANCE or serves_less(best, found)
    assert not is_better(one, found, best)


def test_a_plan_comes_before_columns(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever interrupts at the first report has a whole plan, and no columns were made for it."""
    said: list[tuple[str, bool]] = []
    columns_of = Columns.of

    def columns(problem: Problem, flat: Problem, *, few: bool) -> Columns:
        said.append(("columns", few))
        return columns_of(problem, flat, few=few)

    def interrupted(phase: str, best: float, bound: float) -> None:
        said.append((phase, bool(np.isfinite(best)) and bound == -np.inf))
        raise KeyboardInterrupt

    monkeypatch.setattr(Columns, "of", columns)
    limits = SearchLimits(gap=0.0)
    found = solve_decomposed(twenty(3), limits, engine=engine, progress=interrupted)
    assert said[0] == ("first plan", True)
    assert found.stop is Stop.INTERRUPT
    assert len(found.allocation.demand) > 0


def serves_less(one: Solution, other: Solution) -> bool:
    """Whether a level of `one` leaves more than that of `other`."""
    pairs = zip(one.levels, other.levels, strict=True)
    return any(mine.unmet > level.unmet + TOLERANCE for mine, level in pairs)


def test_an_interrupt_falls_back_on_the_plan_there_was() -> None:
    """A start is handed over, with a bound no higher than its cost."""
    one = problem([Row(cost=2, capacity=1), Row(cost=3)], [GANG, SERVICE])
    start = solved(one)
    with Failing(0, KeyboardInterrupt()) as failing:
        found = solve_decomposed(one, SearchLimits(), engine=failing, start=start)
    assert found.stop is Stop.INTERRUPT
    assert np.array_equal(found.allocation.units, start.allocation.units)
    assert 0 <= found.bound <= found.cost == start.cost


@pytest.mark.parametrize("calls", [0, 3, 8])
def test_an_engine_that_dies_at_once_leaves_the_first_plan(calls: int, engine: Engine) -> None:
    """It needs no engine; nothing is proven of it."""
    one = twenty(3)
    best = exactly(one, engine)
    with Failing(calls, SolverError("the engine's process died")) as failing:
        found = solve_decomposed(one, SearchLimits(gap=0.0), engine=failing)
    assert not is_better(one, found, best)
    assert found.bound <= best.cost + TOLERANCE or serves_less(best, found)
    assert found.stop is Stop.WORK


def test_an_engine_that_dies_later_leaves_the_best_plan_so_far(engine: Engine) -> None:
    """What was found is handed over, or the start where there was nothing else."""
    one = twenty(3)
    best = exactly(one, engine)
    error = SolverError("the engine's process died")
    with Failing(45, error) as failing:
        found = solve_decomposed(one, SearchLimits(gap=0.0), engine=failing)
    assert not is_better(one, found, best)
    with Failing(0, error) as failing:
        found = solve_decomposed(one, SearchLimits(), engine=failing, start=best)
    assert not is_better(one, best, found)
    assert found.bound <= best.cost


def test_no_time_at_all_ends_with_the_first_plan_or_a_better_start(engine: Engine) -> None:
    """A clock that has run out gives no half a plan."""
    one = twenty(3)
    limits = SearchLimits(seconds=0.0)
    first = solve_decomposed(one, limits, engine=engine)
    assert first.stop is Stop.TIME
    start = exactly(one, engine)
    assert not is_better(one, first, start)
    found = solve_decomposed(one, limits, engine=engine, start=start)
    assert found.stop is Stop.TIME
    assert found.cost == start.cost
    assert 0 <= found.bound <= start.cost + TOLERANCE
