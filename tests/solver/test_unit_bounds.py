"""Scarce supplies shared out in whole units: bounds gain by it, and stay below the optimum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solver.asking import Asked, Engine
from solver.certificate import Certificate, Certifier
from solver.effort import Answer, Outcome
from solver.pairs import enumerate_pairs
from solver.prices import Prices, no_prices
from solver.problem import Apart, Level, Measure, Problem, ShareCap, Together
from solver.relaxation import Service, prices_of, restrict, service_of
from solver.stay_rows import unbilled_cost
from solver.tier_bounds import flat_below
from solver.unit_bounds import contested
from solver.ways import Way, nothing
from tests.solver.random_gangs import owning
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
from tests.solver.random_services import services
from tests.solver.test_certificate import at_level_of, served
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem
from tests.solver.watched import Watched

SEEDS = st.integers(0, 2**32 - 1)


def all_served(one: Problem) -> Service:
    nothing = np.zeros(one.demands.count)
    return service_of(one, nothing, nothing)


def at(one: Problem, price: dict[int, float]) -> Prices:
    """Prices of some capacities; nothing may stay unmet."""
    capacity = np.zeros(one.supply.count)
    capacity[list(price)] = list(price.values())
    return replace(no_prices(one), capacity=capacity, unmet=np.full(one.demands.count, np.inf))


def shared(
    certifier: Certifier, prices: Prices, apart: Certificate, supplies: list[int]
) -> tuple[float, list[Way]]:
    """What a bound gains with some supplies shared out, of a plan that holds nothing."""
    plan = nothing(np.array([0])).allocation
    return certifier.joint.by_units(prices, apart.least, 1_000.0, supplies, plan, unchecked)


def by_units(
    one: Problem, prices: Prices, engine: Engine, supplies: list[int]
) -> tuple[float, float]:
    """Return the bound at prices, and with some supplies shared out."""
    certifier = Certifier(one, all_served(one), engine)
    apart = certifier.certify(prices, unchecked)
    more, _ = shared(certifier, prices, apart, supplies)
    return apart.bound, apart.bound + more


def test_of_three_units_one_gang_of_two_has_some(engine: Engine) -> None:
    """Two gangs of two want three units: at any price one and a half gangs have them."""
    one = problem([Row(cost=1, capacity=3), Row(cost=3)], [like(GANG, amount=2.0)] * 2)
    best = exactly(one, engine).cost
    assert best == pytest.approx(200 + 600)
    before, after = by_units(one, at(one, {0: 200.0}), engine, [0])
    assert before == pytest.approx(600 + 600 - 600)
    assert after == pytest.approx(best, rel=1e-5)


def test_a_service_is_asked_what_each_unit_is_worth_to_it(engine: Engine) -> None:
    """Two services want two of three units each; the second has one and a dear one."""
    rows = [Row(cost=1, capacity=3), Row(cost=5)]
    one = problem(rows, [like(SERVICE, loads=((0, 20.0),))] * 2)
    best = exactly(one, engine).cost
    before, after = by_units(one, at(one, {0: 300.0}), engine, [0])
    assert before < best
    assert after == pytest.approx(best, rel=1e-5)


def test_ways_that_do_without_are_known_afterwards(engine: Engine) -> None:
    """Both services want both units; who gets one or none of them stands elsewhere as well."""
    rows = [Row(cost=1, capacity=2), Row(cost=5)]
    one = problem(rows, [like(SERVICE, loads=((0, 20.0),))] * 2)
    certifier, prices = Certifier(one, all_served(one), engine), at(one, {0: 300.0})
    apart = certifier.certify(prices, unchecked)
    _, ways = shared(certifier, prices, apart, [0])
    held = {
        int(way.allocation.units[way.allocation.supply == 0].sum())
        for way in ways
        if not way.unmet.any()
    }
    assert {0, 2} <= held


class Loose(Watched):
    """An engine whose bounds are valid, and so much below what it could prove."""

    def __init__(self, less: float) -> None:
        """Count what is solved."""
        super().__init__()
        self.less, self.solved = less, 0

    def after(self, asked: Asked, answer: Any) -> Any:
        """Forget a part of what is proven."""
        if not isinstance(answer, Answer):
            return super().after(asked, answer)
        self.solved += 1
        return replace(answer, bound=answer.bound - self.less)


def test_whoever_an_engine_hardly_bounds_is_not_asked_again() -> None:
    """Two services are asked for no, one and two of three units, or only for what is there."""
    one = problem([Row(cost=1, capacity=3), Row(cost=5)], [like(SERVICE, loads=((0, 20.0),))] * 2)
    prices, solved, gained = at(one, {0: 300.0}), [], []
    for less in (0.0, 1_000.0):
        with Loose(less) as engine:
            certifier = Certifier(one, all_served(one), engine)
            apart = certifier.certify(prices, unchecked)
            before = engine.solved
            more, _ = shared(certifier, prices, apart, [0])
            solved.append(engine.solved - before)
            gained.append(more)
    assert gained[0] > 0
    assert gained[1] == 0
    assert solved[1] < solved[0]


def test_bounds_too_loose_for_a_small_gain_do_for_a_large_one() -> None:
    """Who is not asked again while little is missing is asked when more is, at the same prices."""
    one = problem([Row(cost=1, capacity=3), Row(cost=5)], [like(SERVICE, loads=((0, 20.0),))] * 2)
    prices, plan = at(one, {0: 300.0}), nothing(np.array([0])).allocation
    with Loose(30.0) as engine:
        certifier = Certifier(one, all_served(one), engine)
        least = certifier.certify(prices, unchecked).least
        small, large = (
            certifier.joint.by_units(prices, least, enough, [0], plan, unchecked)[0]
            for enough in (1.0, 1e4)
        )
    assert small == 0
    assert large > 0


def test_two_supplies_whose_users_have_nothing_in_common_add_up(engine: Engine) -> None:
    """Two gangs may use the first two supplies, two others the rest; three units are cheap."""
    rows = [Row(cost=1, capacity=3), Row(cost=3)] * 2
    one = problem(rows, [like(GANG, amount=2.0)] * 4)
    one = replace(
        one,
        demands=replace(one.demands, mode_signature=np.array([0, 0, 1, 1], np.int32)),
        eligible_start=np.array([0, 2, 4]),
        eligible=np.arange(4, dtype=np.int32),
    )
    prices = at(one, {0: 200.0, 2: 200.0})
    base, first = by_units(one, prices, engine, [0])
    _, both = by_units(one, prices, engine, [0, 2])
    assert first - base == pytest.approx(200, rel=1e-4)
    assert both == pytest.approx(exactly(one, engine).cost, rel=1e-5)


def test_supplies_that_somebody_may_have_instead_of_each_other_are_shared_out_together(
    engine: Engine,
) -> None:
    """Four gangs want two units each of the same supply, and two have three.

    Prices sell one and a half of each to somebody. With one supply shared out one unit of it is
    left over, but who goes without it buys the other one.
    """
    rows = [Row(cost=1, capacity=3), Row(cost=1, capacity=3), Row(cost=5)]
    one = problem(rows, [like(GANG, amount=2.0)] * 4)
    best = exactly(one, engine).cost
    prices = at(one, {0: 400.0, 1: 400.0})
    before, first = by_units(one, prices, engine, [0])
    assert before < first < best
    _, both = by_units(one, prices, engine, [0, 1])
    assert both == pytest.approx(best, rel=1e-5)


def test_what_they_want_instead_is_shared_out_with_it(engine: Engine) -> None:
    """Four couples want two units each of the same place, and two places have three.

    Only the first place is named: who goes without it wants the other one, so that joins it.
    """
    rows = [Row(cost=1, capacity=3), Row(cost=1, capacity=3, place=1), Row(cost=5, place=2)]
    couples = tuple(Together(level=Level.PLACE, demands=(one, one + 1)) for one in range(0, 8, 2))
    one = problem(rows, [like(GANG, amount=1.0)] * 8, Rules(together=couples))
    best = exactly(one, engine).cost
    _, joined = by_units(one, at(one, {0: 400.0, 1: 390.0}), engine, [0])
    assert joined == pytest.approx(best, rel=1e-5)


def test_what_was_asked_at_the_same_prices_is_known() -> None:
    """The second time no model is solved, and at other prices all are solved anew."""
    one = problem([Row(cost=1, capacity=3), Row(cost=5)], [like(SERVICE, loads=((0, 20.0),))] * 2)
    prices, solved, gained = at(one, {0: 300.0}), [], []
    with Loose(0.0) as engine:
        certifier = Certifier(one, all_served(one), engine)
        for asked in (prices, prices, replace(prices)):
            apart = certifier.certify(asked, unchecked)
            before = engine.solved
            gained.append(shared(certifier, asked, apart, [0])[0])
            solved.append(engine.solved - before)
    assert gained[0] == gained[1] == gained[2] > 0
    assert solved[1] == 0
    assert solved[2] == solved[0] > 0


@pytest.mark.parametrize("units", [0.5, 2.0, 2.5])
def test_a_gang_that_stands_alone_takes_all_there_is(engine: Engine, units: float) -> None:
    """It stands in a zone whose other units the batch wants: one of them pays for another zone.

    Of a supply that does not hold whole units no share is asked.
    """
    rows = [Row(cost=1, capacity=units), Row(cost=1, capacity=1), Row(cost=4, zone=1)]
    one = problem(rows, [GANG, BATCH])
    one = replace(one, apart=(Apart(level=Level.ZONE, groups=((0,), (1,))),))
    best = exactly(one, engine).cost
    for price in (0.0, 50.0, 100.0, 300.0):
        before, after = by_units(one, at(one, {0: price, 1: price}), engine, [0, 1])
        assert before <= after + 1e-6
        assert after <= best * (1 + 1e-6)


def test_a_batch_holds_units_that_prices_pay_for(engine: Engine) -> None:
    """A cap on a share that has a high price pays for idle units elsewhere: bounds mind that."""
    rows = [Row(cost=0, unit_cost=10, capacity=10, place=place, zone=place) for place in (0, 1)]
    rows.append(Row(cost=2, place=2, zone=2))
    cap = ShareCap(measure=Measure.COST, most=0.5, scope=np.array([1, 1, 0], np.int32))
    one = problem(rows, [GANG, like(BATCH, amount=910.0)])
    one = replace(
        one,
        demands=replace(one.demands, mode_signature=np.array([0, 1], np.int32)),
        eligible_start=np.array([0, 1, 3]),
        eligible=np.array([2, 0, 1], np.int32),
        shares=(cap,),
    )
    best = exactly(one, engine).cost
    for price, charge in ((1.0, 5.0), (2.0, 0.0), (3.0, 5.0), (4.0, 0.0), (4.0, 10.0)):
        prices = replace(at(one, {0: charge, 1: charge}), share=(np.array([price, 0.0]),))
        before, after = by_units(one, prices, engine, [0, 1])
        assert before <= after <= best * (1 + 1e-6)


def test_supplies_about_which_plan_and_bound_differ_come_first() -> None:
    """By what is left idle and what holders cost too much, never more than all units are worth."""
    rows = [Row(cost=1, capacity=units) for units in (2.0, 4.0, 4.0, np.inf)]
    one = problem(rows, [GANG, GANG])
    prices = at(one, {0: 10.0, 1: 10.0, 2: 10.0})
    holds = (np.array([0, 0, 1, 1]), np.array([0, 1, 1, 3]))
    idle = np.array([0.0, 0.0, 1.0, 9.0])
    regret = np.array([50.0, 5.0])
    assert contested(one, prices, regret, holds, idle, 10.0) == [1, 0, 2]
    assert contested(one, prices, regret, holds, idle, 100.0) == [1, 0]


def good_prices(one: Problem, service: Service, engine: Engine) -> Prices | None:
    """Prices of the relaxation over all pairs; None: it has no solution."""
    restricted = restrict(one, enumerate_pairs(one), service, loose=True)
    answer = engine.solve_linear(restricted.model)
    if answer is None or answer.outcome is not Outcome.OPTIMAL:
        return None
    return prices_of(restricted, answer, service)


def assert_units_hold(one: Problem, seed: int, engine: Engine) -> None:
    """At prices of the relaxation and at random ones, whatever supplies are shared out."""
    found = exactly(one, engine)
    optimum = found.cost + unbilled_cost(one, found.allocation)
    service, (flat, credit) = at_level_of(one, found), flat_below(one)
    assume(service.hard.all())
    certifier, room = Certifier(flat, service, engine), TOLERANCE * max(1.0, optimum / 1000)
    supplies = np.random.default_rng(seed).permutation(one.supply.count).tolist()
    good = good_prices(flat, service, engine)
    for prices in (good or no_prices(one), some_prices(one, seed)):
        asked = served(one, prices, service, seed)
        apart = certifier.certify(asked, unchecked)
        for enough in (1e-3, max(optimum, 1.0)):
            more, _ = certifier.joint.by_units(
                asked, apart.least, enough, supplies, found.allocation, unchecked
            )
            assert more >= 0
            assert apart.bound + more <= optimum + credit + room


@bounded(60)
@given(cases(), SEEDS)
def test_shared_out_units_keep_the_bound(engine: Engine, case: Case, seed: int) -> None:
    """On random markets and specs of every kind."""
    assert_units_hold(case.problem, seed, engine)


@bounded(60)
@given(ruled_cases(), SEEDS)
def test_shared_out_units_keep_the_bound_under_any_two_rules(
    engine: Engine, case: Case, seed: int
) -> None:
    """Under every rule there is, two at a time."""
    assert_units_hold(case.problem, seed, engine)


@pytest.mark.parametrize("limit", ["unit_bounds._ASKED", "held_costs._MOST_SOLVED"])
@pytest.mark.parametrize("most", [-100, 0, 1, 3])
def test_who_is_not_asked_may_want_all_at_the_price(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    """However early the asking ends, the bound holds and is no worse than before."""
    monkeypatch.setattr(f"solver.{limit}", most)
    rows = [Row(cost=1, capacity=3), Row(cost=5)]
    one = problem(rows, [like(SERVICE, loads=((0, 20.0),))] * 2 + [like(GANG, amount=2.0)])
    best = exactly(one, engine).cost
    for price in (100.0, 300.0, 900.0):
        before, after = by_units(one, at(one, {0: price}), engine, [0])
        assert before <= after <= best * (1 + 1e-6)


@bounded(40)
@given(services(scarce=True, count=2), SEEDS)
def test_shared_out_units_of_services_keep_the_bound(
    engine: Engine, one: Problem, seed: int
) -> None:
    """Two services that want the same few units."""
    assert_units_hold(one, seed, engine)


@bounded(60)
@given(owning(), SEEDS)
def test_shared_out_units_of_owned_supplies_keep_the_bound(
    engine: Engine, one: Problem, seed: int
) -> None:
    """Gangs that mix owned units in, homes, limits, batches."""
    assert_units_hold(one, seed, engine)
