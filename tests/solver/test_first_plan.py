"""A whole plan by arithmetic: it keeps the rules, and prices and order guide it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.exact import solve_exact
from solver.first_plan import first_plan
from solver.prices import no_prices
from solver.problem import Apart, Level
from solver.solution import SearchLimits
from solver.ways import ways_in
from tests.solver.random_problems import Case, bounded, cases, ruled_cases, some_prices
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem, used


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all problems."""
    with Engine() as one:
        yield one


def test_each_takes_the_cheapest_that_is_left() -> None:
    """The gang takes the cheap unit, what is left is too dear for none."""
    one = problem([Row(cost=1, capacity=1), Row(cost=5)], [GANG, SERVICE, BATCH])
    found = first_plan(one)
    assert used(found) == {(0, 0): 1, (1, 1): 3, (2, 1): 2}
    assert found.unmet.tolist() == [0.0, 0.0, 0.0]
    assert found.cost == pytest.approx(100 + 3 * 500 + 150 * 5)


def test_higher_priority_comes_first_unless_another_is_urgent() -> None:
    """The later of higher priority gets the cheap unit; what is urgent chooses before it."""
    rows = [Row(cost=1, capacity=1), Row(cost=5)]
    one = problem(rows, [GANG, like(GANG, priority=1)])
    assert used(first_plan(one)) == {(0, 1): 1, (1, 0): 1}
    assert used(first_plan(one, urgent=[0])) == {(0, 0): 1, (1, 1): 1}


def test_ways_ahead_are_taken_where_all_of_them_is_left() -> None:
    """The first gang stands on the dear unit as it is told; a way over two units is not taken."""
    rows = [Row(cost=1, capacity=1), Row(cost=5)]
    one = problem(rows, [GANG, GANG])
    dear = first_plan(one, urgent=[1])
    ways = ways_in(dear.allocation, dear.routes, dear.unmet, [np.array([0])], one.services.demand)
    assert used(first_plan(one, ahead=ways)) == {(0, 1): 1, (1, 0): 1}
    rows_of = ways[0].allocation
    many = replace(
        ways[0], allocation=replace(rows_of, supply=rows_of.supply * 0, units=rows_of.units * 2)
    )
    assert used(first_plan(one, ahead=[many])) == {(0, 0): 1, (1, 1): 1}


def test_who_is_alone_chooses_first_and_pays_for_its_scope() -> None:
    """At prices the gang that is alone avoids the zone whose other supply is worth much."""
    rows = [
        Row(cost=1, capacity=1, zone=0),
        Row(cost=1, capacity=3, zone=0, kind=1),
        Row(cost=5, capacity=3, zone=1),
    ]
    alone = Rules(apart=(Apart(level=Level.ZONE, groups=((0,), (1, 2))),))
    one = problem(rows, [GANG, like(GANG, priority=1), like(GANG, priority=1)], alone)
    free = no_prices(one)
    assert used(first_plan(one, prices=free)) == {(0, 0): 1, (1, 2): 1, (2, 2): 1}
    prices = replace(free, capacity=np.array([0.0, 200.0, 0.0]))
    assert used(first_plan(one, prices=prices)) == {(0, 2): 1, (1, 0): 1, (2, 1): 1}


def test_prices_choose_and_costs_stay_true() -> None:
    """A price of 600 on the cheap unit leads to the dear one, which costs what it costs."""
    one = problem([Row(cost=1, capacity=1), Row(cost=5)], [SERVICE])
    one = replace(one, services=replace(one.services, load=np.array([5.0])))
    prices = replace(no_prices(one), capacity=np.array([600.0, 0.0]))
    assert used(first_plan(one)) == {(0, 0): 1}
    guided = first_plan(one, prices=prices)
    assert used(guided) == {(0, 1): 1}
    assert guided.cost == pytest.approx(500)


def test_what_finds_no_place_stays_unmet() -> None:
    """Two units carry 20 of 25; the gang behind it finds nothing."""
    found = first_plan(problem([Row(cost=1, capacity=2)], [SERVICE, GANG]))
    assert used(found) == {(0, 0): 2}
    assert found.unmet.tolist() == pytest.approx([0.2, 1.0])
    assert found.routes.amount.tolist() == pytest.approx([20.0])


def test_rules_on_scopes_are_kept() -> None:
    """The service keeps out of the place where the gang stands."""
    rows = [Row(cost=1, place=0), Row(cost=2, place=1)]
    rules = Rules(apart=(Apart(level=Level.PLACE, groups=((0,), (1,))),))
    assert used(first_plan(problem(rows, [GANG, SERVICE], rules))) == {(0, 0): 1, (1, 1): 3}


@bounded(40)
@given(
    case=st.one_of(cases(), ruled_cases()),
    seed=st.integers(0, 99),
    priced=st.booleans(),
    rounds=st.sampled_from([0, 1]),
)
def test_the_audit_accepts_it(case: Case, seed: int, priced: bool, rounds: int) -> None:
    """Where no rule spans the whole plan, the audit finds nothing, whatever guides it."""
    one = case.problem
    prices = some_prices(one, seed) if priced else None
    urgent = np.flatnonzero(np.random.default_rng(seed).random(one.demands.count) < 0.5).tolist()
    if one.is_coupled:
        return
    assert case.violations(first_plan(one, prices=prices, urgent=urgent, rounds=rounds)) == []


def test_it_costs_little_more_than_with_an_engine(engine: Engine) -> None:
    """Both ways of one demand after another serve the same here, and cost the same."""
    rows = [Row(cost=1 + place + kind, capacity=4, place=place, kind=kind)
            for place in range(3) for kind in range(2)]  # fmt: skip
    one = problem(rows, [GANG, SERVICE, BATCH, like(SERVICE, loads=((0, 12.0),), least_places=2)])
    limits = SearchLimits(gap=0.0)
    by_engine = cheapest_first(one, lambda alone: solve_exact(alone, limits, engine=engine))
    found = first_plan(one)
    assert (found.unmet == by_engine.unmet).all()
    assert found.cost == pytest.approx(by_engine.cost)
