"""Flat problems bound tiered ones from below; the cost of moves is summed as it is billed."""

from __future__ import annotations

import numpy as np
import pytest

from solver.asking import Engine
from solver.exact import solve_exact
from solver.pairs import enumerate_pairs
from solver.relaxation import restrict, service_of
from solver.solution import SearchLimits
from solver.tier_bounds import flat_below, tiered_cost
from tests.solver.test_tier_rows import FALLING, bill, random_cases, with_tiers
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, like, problem, solved


def test_a_problem_without_classes_is_its_own_bound() -> None:
    """Nothing is changed and nothing credited."""
    one = problem([Row(cost=1.0)], [GANG])
    assert flat_below(one) == (one, 0.0)
    assert tiered_cost(one, solved(one).allocation) == 0.0


def test_the_line_goes_from_the_free_units_to_the_most() -> None:
    """10 free, then 2 each: of at most 30 units each counts 2, less 20 for the free ones."""
    steps = [(10.0, 0.0), (np.inf, 2.0)]
    one = with_tiers(problem([Row(cost=1.0, place=1)], [like(GANG, data=30.0)]), steps)
    flat, credit = flat_below(one)
    assert flat.tiers is None
    assert flat.demands.move_cost.tolist() == [[0.0, 2.0, 1.0, 1.0]]
    assert credit == pytest.approx(20.0)


def test_moves_cost_what_the_optimum_pays() -> None:
    """Gangs count once, batch by its share, services once for each place."""
    rows = [Row(cost=1.0, place=1), Row(cost=1.0, place=2)]
    wants = [
        like(GANG, data=30.0),
        like(BATCH, amount=100.0, data=50.0),
        like(SERVICE, data=40.0, least_places=2),
    ]
    one = with_tiers(problem(rows, wants), FALLING, (1, 2))
    solution = solved(one)
    assert tiered_cost(one, solution.allocation) == pytest.approx(bill(FALLING, 160.0))
    assert solution.cost == pytest.approx(500.0 + bill(FALLING, 160.0))


def test_the_flat_optimum_less_its_credit_is_never_above_the_tiered_one() -> None:
    """On random problems the bound holds."""
    with Engine() as engine:
        for one, _, _, _ in random_cases(np.random.default_rng(3), 8):
            exact = solve_exact(one, SearchLimits(gap=0.0), engine=engine)
            flat, credit = flat_below(one)
            below = solve_exact(flat, SearchLimits(gap=0.0), engine=engine)
            assert below.cost - credit <= exact.cost + 1e-6


def test_a_relaxation_with_flat_moves_minds_them_though_the_pairs_are_of_the_tiered_one() -> None:
    """30 units at 2 each come on top of 100 hours at 1, or prices would hold them for free."""
    steps = [(np.inf, 2.0)]
    one = with_tiers(problem([Row(cost=1.0, place=1)], [like(GANG, data=30.0)]), steps)
    flat, _ = flat_below(one)
    whole = service_of(one, np.zeros(1), np.zeros(1))
    with Engine() as engine:
        answer = engine.solve_linear(restrict(flat, enumerate_pairs(one), whole).model)
    assert answer.objective == pytest.approx(160.0)
