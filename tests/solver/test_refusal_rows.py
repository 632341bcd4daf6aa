"""First refusals: overrides come after service and before cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.asking import Engine
from solver.compact import build_compact
from solver.decomposition import solve_decomposed
from solver.exact import solve_exact
from solver.preferences import Refusals
from solver.problem import Problem
from solver.refusal_rows import least_prices, overriding_demands, without_overrides
from solver.rounds import rank
from solver.search import Search
from solver.solution import SearchLimits, Stop
from solver.work import Work
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, like, problem, solved, used


def claimed(one: Problem, owners: dict[int, int], margin: float = 0.0) -> Problem:
    """Return the problem with demand -> the owner that may claim it first."""
    rules = Refusals(
        demand=np.array(list(owners), np.int32),
        owner=np.array(list(owners.values()), np.int32),
        kept=np.full(len(owners), 1 - margin),
        hour_price=one.supply.hour_cost,
        hour_size=np.full(one.supply.count, 8.0),
    )
    return replace(one, refusals=rules)


def test_claimant_is_taken_though_dearer_within_the_margin() -> None:
    """At 10 against 8 a margin of 20 % keeps the demand, one of 19 % lets it go."""
    one = problem([Row(cost=8), Row(cost=10, place=1)], [GANG])
    for margin, supply in ((0.20, 1), (0.19, 0)):
        found = solved(claimed(one, {0: 1}, margin))
        assert used(found) == {(0, supply): 1}
        assert found.overridden == 0


def test_more_is_served_even_by_overriding_and_no_more_than_needed() -> None:
    """The claimant's unit works 100 of 150 hours; 50 x 8 are overridden, proven least."""
    one = problem([Row(cost=8), Row(cost=10, place=1, capacity=1)], [BATCH])
    found = solved(claimed(one, {0: 1}, 0.5))
    assert used(found) == {(0, 0): 1, (0, 1): 1}
    assert found.overridden == pytest.approx(400)
    assert found.overridden_bound == pytest.approx(400)
    assert found.cost == pytest.approx(100 * 10 + 50 * 8)


def test_least_price_ignores_capacity_and_what_is_owned() -> None:
    """Owned units and a pool too small do not hide the price of the claimant's offer."""
    rows = [
        Row(cost=8),
        Row(cost=0, place=1, owned=True, capacity=1),
        Row(cost=10, place=1, capacity=0),
    ]
    prices, where = least_prices(claimed(problem(rows, [like(GANG, amount=2)]), {0: 1}))
    assert (prices.tolist(), where.tolist()) == ([2_000], [2])


def test_units_mixed_onto_owned_ones_override_nothing() -> None:
    """Of a gang of three that must override, the two owned beside it do not count."""
    rows = [
        Row(cost=8),
        Row(cost=0, owned=True, capacity=2),
        Row(cost=9, place=1, capacity=0),
    ]
    found = solved(claimed(problem(rows, [like(GANG, amount=3)]), {0: 1}, 0.5))
    assert used(found) == {(0, 0): 1, (0, 1): 2}
    assert found.overridden == pytest.approx(800)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as process:
        yield process


@st.composite
def three_gangs(draw: st.DrawFn) -> tuple[Problem, tuple[float, float]]:
    """Return three gangs, two of which may be claimed; the least (overridden, cost) of plans."""
    prices = draw(st.lists(st.integers(1, 9), min_size=3, max_size=3))
    claims = dict(enumerate(draw(st.lists(st.integers(0, 2), min_size=2, max_size=2))))
    amounts = draw(st.lists(st.integers(1, 2), min_size=3, max_size=3))
    margin = draw(st.sampled_from([0.0, 0.3, 0.6]))
    rows = [Row(cost=price, place=place, capacity=3) for place, price in enumerate(prices)]
    one = claimed(problem(rows, [like(GANG, amount=one) for one in amounts]), claims, margin)
    return one, min(_enumerated(prices, amounts, claims, margin))


@settings(max_examples=30, deadline=None)
@given(three_gangs())
def test_choice_is_that_of_enumeration(
    engine: Engine, case: tuple[Problem, tuple[float, float]]
) -> None:
    """Over every way to place three gangs: least overridden, then least cost."""
    found = solve_exact(case[0], SearchLimits(gap=0.0), engine=engine)
    assert (found.overridden, found.cost) == pytest.approx(case[1])
    assert found.overridden_bound == pytest.approx(found.overridden)


@settings(max_examples=30, deadline=None)
@given(three_gangs())
def test_who_can_be_served_without_overriding_is_served_as_if_nothing_else_were_there(
    engine: Engine, case: tuple[Problem, tuple[float, float]]
) -> None:
    """The plans without overrides serve everybody at the same cost, or some must override."""
    one, (overridden, cost) = case
    kept = without_overrides(one)
    assert kept is not None
    among = solve_exact(kept, SearchLimits(gap=0.0), engine=engine)
    assert not len(overriding_demands(one, among.allocation))
    assert among.unmet.any() == (overridden > 0)
    assert overridden > 0 or among.cost == pytest.approx(cost)
    found = solve_decomposed(one, SearchLimits(gap=0.0), engine=engine)
    assert not found.unmet.any()
    assert found.overridden == pytest.approx(overridden)
    assert found.bound <= cost * (1 + 1e-9)


def test_who_must_override_is_served_all_the_same(engine: Engine) -> None:
    """One unit of the claimant's for two: the search goes on among plans that override."""
    one = claimed(
        problem([Row(cost=8), Row(cost=10, place=1, capacity=1)], [GANG, GANG]), {0: 1, 1: 1}, 0.5
    )
    for start in (None, solved(replace(one, refusals=None))):
        found = solve_decomposed(one, SearchLimits(), engine=engine, start=start)
        assert not found.unmet.any()
        assert found.overridden == pytest.approx(800)
        assert found.bound <= found.cost == pytest.approx(1_800)


def test_a_plan_that_overrides_is_improved_where_it_does(engine: Engine) -> None:
    """Yesterday's plan had the gang elsewhere; the claimant's offer has become the one."""
    one = claimed(problem([Row(cost=8), Row(cost=10, place=1)], [GANG, GANG]), {0: 1}, 0.2)
    start = solved(replace(one, refusals=None))
    assert overriding_demands(one, start.allocation).tolist() == [0]
    found = solve_decomposed(one, SearchLimits(), engine=engine, start=start)
    assert used(found) == {(0, 1): 1, (1, 0): 1}


@pytest.mark.parametrize(("most_cost", "call"), [(np.inf, 1), (np.inf, 2), (1e6, 2)])
def test_an_interrupted_search_keeps_who_was_served(
    engine: Engine, most_cost: float, call: int
) -> None:
    """Yesterday's plan overrides; until the gang has chosen anew, it is better than none.

    So it is where a rule over the whole plan is kept.
    """
    rows = [Row(cost=8), Row(cost=10, place=1, capacity=1)]
    one = claimed(problem(rows, [GANG, GANG]), {0: 1, 1: 1}, 0.5)
    one = replace(one, most_cost=most_cost)
    start = solved(replace(one, refusals=None))

    calls: list[str] = []

    def interrupt(phase: str, *_: float) -> None:
        calls.append(phase)
        if len(calls) == call:
            raise KeyboardInterrupt

    found = solve_decomposed(one, SearchLimits(), engine=engine, start=start, progress=interrupt)
    assert found.stop is Stop.INTERRUPT
    assert not found.unmet.any()
    assert found.bound == 0


def test_plans_without_overrides_are_not_searched_where_they_prove_nothing() -> None:
    """A service may then not be served at all, and who has nothing left is not either."""
    service = like(SERVICE, loads=((0, 15.0),))
    rows = [Row(cost=8), Row(cost=10, place=1)]
    assert without_overrides(claimed(problem(rows, [service]), {0: 1}, 0.5)) is None
    assert without_overrides(problem(rows, [GANG])) is None
    full = [Row(cost=8), Row(cost=10, place=1, capacity=0)]
    assert without_overrides(claimed(problem(full, [GANG]), {0: 1}, 0.5)) is None


def _enumerated(
    prices: list[int], amounts: list[int], claims: dict[int, int], margin: float
) -> Iterator[tuple[float, float]]:
    """Yield (overridden, cost) of every whole placement within capacity."""
    for places in product(range(3), repeat=3):
        held = [sum(a for a, p in zip(amounts, places, strict=True) if p == q) for q in range(3)]
        if max(held) > 3:
            continue
        over = 0.0
        for demand, owner in claims.items():
            place = places[demand]
            dear = prices[place] >= prices[owner] * (1 - margin) * (1 - 1e-6)
            over += 800.0 * amounts[demand] if place != owner and dear else 0.0
        cost = sum(100.0 * a * prices[p] for a, p in zip(amounts, places, strict=True))
        yield over, cost


def test_what_engines_cannot_tell_of_overrides_does_not_stand_before_cost(
    engine: Engine,
) -> None:
    """Of two plans that override as much, up to a tolerance, the cheaper one is better."""
    rows = [Row(cost=8), Row(cost=10, place=1, capacity=0)]
    one = claimed(problem(rows, [like(GANG, hours=1e6)]), {0: 1})
    compact = build_compact(one)
    model = compact.builder.build()
    plans = []
    for more, cost in ((0.0, 2.0), (1e-7, 1.0), (1e-5, 0.5)):
        x = np.zeros(len(model.cost))
        x[compact.overrides] = 0.5 + more
        found = Search(compact, replace(model, cost=np.zeros(len(x))), engine, x)
        found.incumbent.model.cost[compact.overrides] = cost
        plans.append(found)
    work = Work(one, SearchLimits(), engine, lambda *_: None, None)
    assert min(plans, key=lambda plan: rank(work, plan)) is plans[1]
