"""A bound for serving everybody bounds plans that leave some unmet, and needs no model for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.certificate import Certifier
from solver.columns import Columns
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.relaxation import service_of
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
from tests.solver.random_services import services
from tests.solver.test_certificate import served
from tests.solver.tiny import BATCH, GANG, Row, like, problem

SEEDS = st.integers(0, 2**32 - 1)


def some_others(prices: Prices) -> Prices:
    """Return other prices, at which nothing has been solved yet."""
    return replace(prices, capacity=prices.capacity * 0.7 + 0.1 * (prices.capacity > 0))


def with_few_units(one: Problem, seed: int) -> Problem:
    few = np.random.default_rng(seed).choice((0.0, 1.0, 2.0, 5.0, np.inf), one.supply.count)
    stock = replace(one.supply, capacity=np.minimum(one.supply.capacity, few))
    return replace(one, supply=stock)


def assert_bounded(one: Problem, seed: int, engine: Engine) -> None:
    """Bound at the level of everybody, then ask what it says of what the optimum leaves."""
    found, (flat, credit) = exactly(one, engine), flat_below(one)
    forced = Columns.of(one, flat).forced()
    best = found.cost + unbilled_cost(one, found.allocation)
    for prices in (no_prices(one), some_prices(one, seed)):
        everybody = service_of(flat, forced, forced.copy())
        asked = served(one, prices, everybody, seed)
        certifier = Certifier(flat, everybody, engine)
        bound = certifier.certify(asked, unchecked, slack=float(seed % 3) * best)
        less = certifier.serving_less(asked, bound, found.unmet) - credit
        assert less <= best + TOLERANCE * max(1.0, best / 1000)
        late = certifier.certify(some_others(asked), unchecked, is_late=lambda: True)
        less = certifier.serving_less(some_others(asked), late, found.unmet) - credit
        assert less <= best + TOLERANCE * max(1.0, best / 1000)


@bounded(30)
@given(cases(), SEEDS)
def test_what_is_left_unmet_is_allowed_for(engine: Engine, case: Case, seed: int) -> None:
    """On random markets and specs of every kind, with the units of each offer few."""
    assert_bounded(with_few_units(case.problem, seed), seed, engine)


@bounded(25)
@given(ruled_cases(), SEEDS)
def test_what_is_left_unmet_is_allowed_for_under_any_two_rules(
    engine: Engine, case: Case, seed: int
) -> None:
    """Under every rule there is, two at a time."""
    assert_bounded(with_few_units(case.problem, seed), seed, engine)


@bounded(15)
@given(services(scarce=True, count=3), SEEDS)
def test_services_may_leave_a_part(engine: Engine, one: Problem, seed: int) -> None:
    """Three of them on a few units: some of the load of some stays unmet."""
    assert_bounded(one, seed, engine)


def test_the_dearest_for_their_weight_are_left_first(engine: Engine) -> None:
    """Gangs of 100 and 200, a batch of 300, all of weight 1: leaving 1.5 saves at most 400."""
    wants = [GANG, like(GANG, amount=2.0), like(BATCH, amount=300.0)]
    one = problem([Row(cost=1)], wants)
    everybody = service_of(one, np.zeros(3), np.zeros(3))
    asked = served(one, no_prices(one), everybody, 0)
    certifier = Certifier(one, everybody, engine)
    bound = certifier.certify(asked, unchecked)
    assert bound.bound == pytest.approx(600)
    for unmet, least in ((0.0, 600), (0.5, 450), (1.0, 300), (1.5, 200), (3.0, 0)):
        left = np.full(3, unmet / 3)
        assert certifier.serving_less(asked, bound, left) == pytest.approx(least)


def test_what_a_higher_priority_has_to_have_is_not_left(engine: Engine) -> None:
    """The dear gang has the higher priority, and is served: only the cheap one is left."""
    one = problem([Row(cost=1)], [like(GANG, amount=9.0, priority=1), GANG])
    everybody = service_of(one, np.zeros(2), np.zeros(2))
    asked = served(one, no_prices(one), everybody, 0)
    certifier = Certifier(one, everybody, engine)
    bound = certifier.certify(asked, unchecked)
    assert certifier.serving_less(asked, bound, np.array([0.0, 1.0])) == pytest.approx(900)
