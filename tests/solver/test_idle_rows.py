"""Relaxations without the rows that have not mattered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from solver.asking import Engine
from solver.compact import build_compact
from solver.decomposition import solve_decomposed
from solver.effort import LinearAnswer, Outcome
from solver.idle_rows import IdleRows
from solver.pairs import enumerate_pairs
from solver.relaxation import Restricted, restrict, service_of
from solver.solution import SearchLimits
from tests.solver.random_fleets import fleet_of
from tests.solver.random_problems import Case, bounded, ruled_cases
from tests.solver.tiny import BATCH, Row, Rules, like, problem


def relaxed(engine: Engine, idle: IdleRows, one: Restricted) -> LinearAnswer:
    """Relax without idle rows, and learn which were broken or tight."""
    answer = engine.solve_linear(idle.without(one.compact, one.model))
    assert answer is not None
    if answer.outcome is Outcome.OPTIMAL:
        x = idle.completed(one.compact, one.model, answer.x)
        idle.learn(one.compact, one.model, x, answer.dual)
    return answer


def restricted(case: Case) -> Restricted:
    """All pairs of a case, everybody free to stay unmet."""
    flat, nobody = case.problem, np.zeros(case.problem.demands.count)
    service = service_of(flat, np.ones_like(nobody), nobody)
    found = restrict(flat, enumerate_pairs(flat), service, loose=True)
    found.model.cost[found.compact.unmet] += 1e4
    return found


@bounded(60)
@given(ruled_cases())
def test_again_and_again_it_comes_to_the_optimum_with_all_rows(engine: Engine, case: Case) -> None:
    """Without some it is never dearer; nothing is broken any more after a few times."""
    one, idle = restricted(case), IdleRows()
    whole = engine.solve_linear(one.model)
    assert whole is not None
    costs = [relaxed(engine, idle, one).objective for _ in range(8)]
    assert costs == sorted(costs) or costs == pytest.approx(sorted(costs), rel=1e-6)
    assert costs[-1] == pytest.approx(whole.objective, rel=1e-6, abs=1e-6)


def test_a_limit_takes_part_once_it_was_broken(engine: Engine) -> None:
    """Two want five units each; the limit sells three of the cheap ones, to either or to both."""
    rules = Rules(limits=(({0: 1.0}, 3.0),))
    one = problem([Row(cost=1, capacity=10), Row(cost=5)], [like(BATCH, amount=500.0)] * 2, rules)
    compact = build_compact(one)
    model = compact.builder.build()
    model.high[compact.unmet] = 0.0
    idle = IdleRows()
    found = Restricted(compact=compact, model=model, level_row=np.empty(0, np.int64))
    costs = [relaxed(engine, idle, found).objective for _ in range(3)]
    assert costs == pytest.approx([6 * 100 + 4 * 500, 3 * 100 + 7 * 500, 3 * 100 + 7 * 500])


def test_a_plan_keeps_a_limit_that_its_master_was_not_told_of(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is left out, what comes of it is looked at with all rows."""
    learn = IdleRows.learn
    broken: list[bool] = []

    def forgetting(self: IdleRows, *args: object) -> bool:
        found = learn(self, *args)  # type: ignore[arg-type]
        self._matters = dict.fromkeys(self._matters, False)
        broken.append(found)
        return found

    monkeypatch.setattr(IdleRows, "learn", forgetting)
    seen = 0
    for seed in range(4):
        case = fleet_of(seed)
        found = solve_decomposed(case.problem, SearchLimits(work=5_000), engine=engine)
        assert case.violations(found) == []
        seen += sum(broken)
    assert seen
