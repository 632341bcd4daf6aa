"""A plan is judged by what demands share alone, at the cost that the whole model says."""

from __future__ import annotations

import pytest
from hypothesis import given

from solver.asking import Engine
from solver.compact import build_compact
from solver.first_plan import first_plan
from solver.pairs import with_coefficients
from solver.search import Search, held_alone
from solver.selection import joined
from tests.solver.random_problems import Case, bounded, exactly, ruled_cases
from tests.solver.test_tier_rows import FALLING, with_tiers
from tests.solver.tiny import GANG, SERVICE, Row, like, problem


@bounded(40)
@given(case=ruled_cases())
def test_it_costs_what_the_whole_model_says(engine: Engine, case: Case) -> None:
    """Under one or two rules: held by both models or by none, with the same cost and overrides."""
    one = case.problem
    found = first_plan(one)
    plan, rows = (found.allocation, found.routes, found.unmet), found.allocation
    own = joined(one, [with_coefficients(one, rows.demand, rows.mode, rows.supply)])
    compact = build_compact(one, own)
    whole = Search.holding(plan, compact, compact.builder.build(), engine)
    alone = held_alone(one, plan, engine)
    assert (alone is None) == (whole is None)
    if alone is not None and whole is not None:
        assert alone.incumbent.cost == pytest.approx(whole.incumbent.cost, abs=1e-3)
        assert alone.overridden == pytest.approx(whole.overridden, abs=1e-6)
        assert alone.unmet.tolist() == pytest.approx(whole.unmet.tolist())


def test_places_of_services_are_counted_where_moves_have_steps(engine: Engine) -> None:
    """A service at two places and a gang move 3 x 60 as one class: 60 at 2 and 120 at 0.1."""
    wants = [like(SERVICE, data=60.0, least_places=2), like(GANG, data=60.0)]
    rows = [Row(cost=1.0, place=1), Row(cost=1.0, place=2)]
    one = with_tiers(problem(rows, wants), FALLING, places=(1, 2))
    best = exactly(one, engine)
    alone = held_alone(one, (best.allocation, best.routes, best.unmet), engine)
    assert alone is not None
    assert alone.incumbent.cost == pytest.approx(100 * 4 + 60 * 2 + 120 * 0.1)
    assert alone.incumbent.cost == pytest.approx(best.cost)
