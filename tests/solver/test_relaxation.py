"""The relaxation of a restricted model, and which of its pairs the next one needs."""

from __future__ import annotations

import pytest
from hypothesis import given

from solver.asking import Engine
from solver.pairs import enumerate_pairs
from solver.relaxation import restrict, service_of, used_pairs, with_fines
from tests.solver.random_problems import Case, bounded, cases


@bounded(30)
@given(cases())
def test_what_a_relaxation_uses_costs_as_much_alone(engine: Engine, case: Case) -> None:
    """Without the pairs of which it holds nothing the optimum is the same."""
    one, pairs = case.problem, enumerate_pairs(case.problem)
    none = one.demands.weight * 0.0
    service, found = service_of(one, none, none), []
    for _ in range(2):
        restricted = restrict(one, pairs, service)
        answer = engine.solve_linear(with_fines(restricted, service, none + 1e4))
        pairs = used_pairs(restricted, answer)
        found.append(answer.objective)
    assert found[1] == pytest.approx(found[0], rel=1e-6, abs=1e-6)
