"""What was asked of an engine before is not asked again, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver import answers
from solver.child import Child, ChildDied
from solver.decomposition import solve_decomposed
from solver.effort import Effort
from solver.solution import SearchLimits, SolverError
from tests.solver.test_asking import Children, priced
from tests.solver.test_child import knapsack
from tests.solver.test_decomposition import digest, twenty

LITTLE = Effort(gap=0.0, nodes=20)


def test_the_same_is_asked_once() -> None:
    """And each gets an answer of its own."""
    with Children() as engine:
        found = []
        for _ in range(3):
            answer = engine.solve_integer(priced(1), LITTLE)
            found.append((answer.objective, answer.bound, answer.x.tolist()))
            answer.x[:] = 7.0
        assert len(engine.seen) == 1
    assert found == [found[0]] * 3
    assert found[0][0] == pytest.approx(100)


@pytest.mark.parametrize(
    "other",
    [
        replace(LITTLE, gap=0.1),
        replace(LITTLE, nodes=21),
        replace(LITTLE, known=np.zeros(30)),
        replace(LITTLE, restarts=False),
        replace(LITTLE, plain=True),
        replace(LITTLE, seconds=9.0),
    ],
)
def test_another_effort_is_another_question(other: Effort) -> None:
    with Children() as engine:
        for effort in (LITTLE, other):
            engine.solve_integer(knapsack(30, 3), effort)
        assert len(engine.seen) == 2


@pytest.mark.parametrize(
    "name", ["cost", "low", "high", "integral", "value", "row_low", "row_high"]
)
def test_another_model_is_another_question(name: str) -> None:
    """Whatever of it is another."""
    one = knapsack(30, 3)
    values = getattr(one, name).copy()
    values[-1] = not values[-1] if name == "integral" else min(values[-1], 1e6) - 1e-3
    with Children() as engine:
        for model in (one, replace(one, **{name: values})):
            engine.solve_integer(model, LITTLE)
        assert len(engine.seen) == 2


def test_a_relaxation_is_asked_for_again() -> None:
    """It is no mixed-integer model, whose answer is something else."""
    with Children() as engine:
        whole = engine.solve_integer(knapsack(30, 3), LITTLE)
        for _ in range(2):
            relaxed = engine.solve_linear(knapsack(30, 3))
            assert relaxed is not None
            assert relaxed.objective <= whole.objective
        assert len(engine.seen) == 3


@pytest.mark.parametrize(("name", "asked"), [("_MOST_COLUMNS", 4), ("_MOST_NUMBERS", 4), ("_", 2)])
def test_large_models_and_too_much_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, name: str, asked: int
) -> None:
    """With room for none, for one, or for all."""
    monkeypatch.setattr(answers, name, 0, raising=False)
    with Children() as engine:
        for cost in (1, 2, 1, 2):
            assert engine.solve_integer(priced(cost), LITTLE).objective == pytest.approx(
                100 * cost
            )
        assert len(engine.seen) == asked


def test_a_failure_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(_: Child) -> None:
        raise ChildDied

    with Children() as engine:
        monkeypatch.setattr(Child, "answer", dead)
        with pytest.raises(SolverError):
            engine.solve_integer(priced(1), LITTLE)
        monkeypatch.undo()
        assert engine.solve_integer(priced(1), LITTLE).objective == pytest.approx(100)


@pytest.mark.parametrize("seed", [3, 5])
def test_plans_are_the_same_to_the_byte(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """As if everything were asked again."""
    found = []
    for most in (5_000, 0):
        monkeypatch.setattr(answers, "_MOST_COLUMNS", most)
        with Children() as engine:
            plan = solve_decomposed(twenty(seed), SearchLimits(gap=0.0), engine=engine)
            found.append((len(engine.seen), digest(plan), plan.bound))
    assert found[0][0] < found[1][0]
    assert found[0][1:] == found[1][1:]
