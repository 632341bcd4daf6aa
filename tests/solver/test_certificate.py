"""Bounds hold at any prices, whatever rules there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.certificate import Certifier
from solver.columns import Columns
from solver.compact import build_compact
from solver.effort import Effort
from solver.pairs import enumerate_pairs
from solver.prices import Prices, no_prices
from solver.problem import Apart, Level, Problem, Together
from solver.relaxation import Service, service_of
from solver.solution import Solution
from solver.stay_rows import unbilled_cost
from solver.tier_bounds import flat_below
from tests.solver.random_problems import (
    TOLERANCE,
    Case,
    bounded,
    cases,
    exactly,
    ruled_cases,
    some_prices,
    unchecked,
)
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem


def bound_of(one: Problem, prices: Prices, service: Service, engine: Engine) -> float:
    """Return the bound on cost, with what moves weigh beyond it."""
    flat, credit = flat_below(one)
    return Certifier(flat, service, engine).certify(prices, unchecked).bound - credit


def at_level_of(one: Problem, found: Solution) -> Service:
    flat, _ = flat_below(one)
    return service_of(flat, found.unmet, Columns.of(one, flat).forced())


def served(one: Problem, prices: Prices, service: Service, seed: int) -> Prices:
    """Return the prices with some for what stays unmet; what must be served has no price."""
    some = np.random.default_rng(seed).choice((0.0, 10.0, 1000.0), one.demands.count)
    hard = service.hard[service.level_of(one)]
    return replace(prices, unmet=np.where(hard, np.inf, some * one.demands.weight))


def test_without_prices_everyone_takes_what_is_cheapest(engine: Engine) -> None:
    """Two gangs, one batch, one service each at the unit of 1 an hour that fits only one."""
    rows = [Row(cost=1, capacity=3), Row(cost=2)]
    one = problem(rows, [GANG, GANG, BATCH, SERVICE])
    service = service_of(one, np.zeros(4), np.zeros(4))
    prices = served(one, no_prices(one), service, 0)
    assert bound_of(one, prices, service, engine) == pytest.approx(100 + 100 + 150 + 300)


def test_demands_of_a_block_keep_apart_in_its_bound(engine: Engine) -> None:
    """Two gangs in one place, in two zones of it: 300 each in the second, not 100 in the first."""
    rows = [
        Row(cost=1, zone=0),
        Row(cost=9, zone=1),
        Row(cost=3, place=1, zone=2),
        Row(cost=3, place=1, zone=3),
    ]
    rules = Rules(
        together=(Together(level=Level.PLACE, demands=(0, 1)),),
        apart=(Apart(level=Level.ZONE, groups=((0,), (1,))),),
    )
    one = problem(rows, [GANG, GANG], rules)
    service = service_of(one, np.zeros(2), np.zeros(2))
    prices = served(one, no_prices(one), service, 0)
    assert bound_of(one, prices, service, engine) == pytest.approx(600)


def test_the_right_price_of_a_scarce_supply_closes_the_gap(engine: Engine) -> None:
    """Three gangs, one unit at 1 an hour, any at 2: a price of 100 makes the bound 500."""
    one = problem([Row(cost=1, capacity=1), Row(cost=2)], [GANG] * 3)
    service = service_of(one, np.zeros(3), np.zeros(3))
    nothing = served(one, no_prices(one), service, 0)
    for price, bound in ((0.0, 300.0), (100.0, 500.0), (300.0, 300.0)):
        prices = replace(nothing, capacity=np.array([price, 0.0]))
        assert bound_of(one, prices, service, engine) == pytest.approx(bound)


def test_a_price_of_a_limit_counts_by_its_weights(engine: Engine) -> None:
    """Weight 2, high 2: 50 a unit of the limit is 100 a unit of supply, and worth 100."""
    rules = Rules(limits=[({0: 2.0}, 2.0)])
    one = problem([Row(cost=1), Row(cost=2)], [GANG] * 2, rules)
    service = service_of(one, np.zeros(2), np.zeros(2))
    prices = replace(served(one, no_prices(one), service, 0), limit=np.array([50.0]))
    assert bound_of(one, prices, service, engine) == pytest.approx(2 * 200 - 50 * 2)


def assert_bound_holds(case: Case, seed: int, engine: Engine) -> None:
    one = case.problem
    found = exactly(one, engine)
    best = found.cost + unbilled_cost(one, found.allocation)
    service = at_level_of(one, found)
    for prices in (no_prices(one), some_prices(one, seed)):
        bound = bound_of(one, served(one, prices, service, seed), service, engine)
        assert bound <= best + TOLERANCE * max(1.0, best / 1000)


SEEDS = st.integers(0, 2**32 - 1)


@bounded(50)
@given(cases(), SEEDS)
def test_demands_bounded_together_stay_below_the_optimum(
    engine: Engine, case: Case, seed: int
) -> None:
    """However little above the optimum plans still matter."""
    one, best = case.problem, exactly(case.problem, engine)
    optimum = best.cost + unbilled_cost(one, best.allocation)
    service, (flat, credit) = at_level_of(one, best), flat_below(one)
    assume(service.hard.all())  # it is asked for nothing else
    certifier = Certifier(flat, service, engine)
    for prices in (no_prices(one), some_prices(one, seed)):
        asked = served(one, prices, service, seed)
        apart = certifier.certify(asked, unchecked)
        within = optimum + credit - apart.bound
        for more in (1e-3, 0.2):
            matters = within + more * max(optimum, 1.0)
            for together in (certifier.joint.of_rivals, certifier.joint.of_all):
                bound = apart.bound + together(asked, apart.least, matters) - credit
                assert bound <= optimum + TOLERANCE * max(1.0, optimum / 1000)


def test_a_batch_that_overflows_its_pool_pays_for_a_dear_one(engine: Engine) -> None:
    """Eight units at 1 an hour hold 800 of 1,000 hours; the rest costs 9 an hour."""
    rows = [Row(cost=1, capacity=8), Row(cost=9)]
    one = problem(rows, [like(BATCH, amount=1000.0)])
    best = exactly(one, engine)
    certifier = Certifier(one, at_level_of(one, best), engine)
    asked = served(one, no_prices(one), at_level_of(one, best), 0)
    apart = certifier.certify(asked, unchecked)
    assert apart.bound == pytest.approx(800 + 9 * 200)
    gain = certifier.joint.of_rivals(asked, apart.least, 1.0)
    assert apart.bound + gain <= best.cost + TOLERANCE


@bounded(25)
@given(SEEDS)
def test_a_batch_that_fills_pools_may_leave_its_dear_part(engine: Engine, seed: int) -> None:
    """At any price of what is left: the least of serving some and paying for the rest."""
    random = np.random.default_rng(seed)
    rows = [
        Row(
            cost=float(random.integers(1, 20)),
            capacity=float(random.choice((1, 2, 4, np.inf))),
            place=place,
            risk=int(random.integers(0, 2)),
            unit_cost=float(random.choice((0, 100, 700))),
        )
        for place in range(3)
    ]
    want = like(
        BATCH,
        amount=float(random.integers(20, 900)),
        risky_share=float(random.choice((0.4, 1.0))),
        spoilage=float(random.choice((1.0, 1.25))),
    )
    one = problem(rows, [want])
    compact = build_compact(one, enumerate_pairs(one))
    model = compact.builder.build()
    price = float(random.integers(1, 20)) * want.amount
    model.cost[compact.unmet] = price
    best = engine.solve_integer(model, Effort(gap=0.0))
    service = replace(service_of(one, np.ones(1), np.zeros(1)), hard=np.zeros(1, np.bool_))
    prices = replace(no_prices(one), unmet=np.array([price]))
    found = Certifier(one, service, engine).certify(prices, unchecked)
    assert found.least[0] <= best.objective * (1 + 1e-9) + TOLERANCE
    for left in (0.25, 0.5):
        model.cost[compact.unmet] = 0.0
        model.low[compact.unmet] = model.high[compact.unmet] = left
        some = engine.solve_integer(model, Effort(gap=0.0)).objective
        assert found.relaxed[0] - left * found.saved[0] <= some * (1 + 1e-9) + TOLERANCE


def test_a_small_batch_takes_a_whole_unit(engine: Engine) -> None:
    """A tenth of the hours of one unit that costs 50 to hold, and 1 an hour."""
    one = problem([Row(cost=1, unit_cost=50)], [like(BATCH, amount=10.0)])
    best = exactly(one, engine)
    service = at_level_of(one, best)
    prices = served(one, no_prices(one), service, 0)
    assert Certifier(one, service, engine).certify(prices, unchecked).bound == pytest.approx(60)
    compact = build_compact(one, enumerate_pairs(one))
    model = compact.builder.build()
    model.high[compact.unmet] = 0.0
    relaxed = engine.solve_linear(model)
    assert relaxed is not None
    assert relaxed.objective == best.cost == pytest.approx(60)


@bounded(80)
@given(cases(), SEEDS)
def test_no_prices_and_any_prices_bound_the_optimum(engine: Engine, case: Case, seed: int) -> None:
    """On random markets and specs of every kind, at the level of service of the optimum."""
    assert_bound_holds(case, seed, engine)


@bounded(60)
@given(ruled_cases(), SEEDS)
def test_any_prices_bound_the_optimum_under_any_two_rules(
    engine: Engine, case: Case, seed: int
) -> None:
    """Under every rule there is, two at a time."""
    assert_bound_holds(case, seed, engine)
