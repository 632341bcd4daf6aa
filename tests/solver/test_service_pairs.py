"""Pairs of a service that nothing needs can go without a loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.compact import build_compact
from solver.effort import Effort
from solver.pairs import Pairs, enumerate_pairs, most_units
from solver.preferences import Stay
from solver.problem import Bools, Level, Problem, Together
from solver.selection import pairs_of
from solver.service_pairs import needed
from tests.solver.random_problems import bounded
from tests.solver.random_services import services
from tests.solver.tiny import GANG, SERVICE, Row, Rules, like, problem


def kept(one: Problem) -> list[int]:
    pairs = enumerate_pairs(one)
    return pairs.supply[needed(one, pairs, 0)].tolist()


def least(one: Problem, pairs: Pairs, engine: Engine) -> tuple[float, float]:
    """Return the least unmet share over some pairs, and the least cost of it."""
    compact = build_compact(one, pairs)
    model = compact.builder.build()
    unmet = np.zeros(len(model.cost))
    unmet[compact.unmet] = 1.0
    share = engine.solve_integer(replace(model, cost=unmet), Effort(gap=0.0)).objective
    high = model.high.copy()
    high[compact.unmet] = share + 1e-7
    return share, engine.solve_integer(replace(model, high=high), Effort(gap=0.0)).objective


def test_of_two_alike_the_cheaper_stays() -> None:
    """Units of one place that carry the same differ by cost alone."""
    assert kept(problem([Row(cost=3), Row(cost=2), Row(cost=4, zone=1)], [SERVICE])) == [1]


def test_a_place_stays_where_it_is_near_to_more() -> None:
    """The dear place is near to a load that the cheap one is far from; a third is neither."""
    rows = [Row(cost=1), Row(cost=2, place=1), Row(cost=3, place=2)]
    want = like(SERVICE, loads=((0, 20.0), (1, 20.0)), near=50, far_share=0.5)
    rules = Rules(distance=[[5.0, 90.0, 90.0, 0], [90.0, 5.0, 90.0, 0]])
    assert kept(problem(rows, [want], rules)) == [0, 1]


def test_the_home_of_a_service_is_not_given_up_for_a_cheaper_unit() -> None:
    """Moving away from it would cost more than prices say."""
    one = problem([Row(cost=3), Row(cost=2)], [SERVICE])
    home = Stay(demand=np.array([0], np.int32), supply=(np.array([0]),), cost=np.array([500.0]))
    assert kept(replace(one, stay=home)) == [0, 1]


def test_a_unit_that_carries_nothing_stays_where_places_count() -> None:
    """Three places with a unit are asked for; the third is out of reach and the cheapest left."""
    rows = [Row(cost=2, place=place) for place in (0, 1)]
    rows += [Row(cost=3, place=2), Row(cost=9, place=3)]
    want = like(SERVICE, loads=((0, 20.0),), farthest=50, least_places=3)
    rules = Rules(distance=[[5.0, 5.0, 90.0, 5.0]])
    assert kept(problem(rows, [want], rules)) == [0, 1, 2, 3]


def test_who_must_stand_with_others_keeps_every_pair() -> None:
    """The dear place may be where the others are cheap."""
    rules = Rules(together=(Together(level=Level.PLACE, demands=(0, 1)),))
    one = problem([Row(cost=5), Row(cost=6, place=1)], [SERVICE, GANG], rules)
    assert needed(one, pairs_of(one, 0, most_units(one)), 0).all()


def test_safe_units_beyond_the_load_make_room_for_a_cheap_risky_one(
    engine: Engine,
) -> None:
    """Two places, a fifth at risk: four free safe units are worth a risky one elsewhere."""
    rows = [Row(cost=0), Row(cost=3, place=1, risk=1), Row(cost=5, place=1)]
    want = like(SERVICE, amount=30.0, loads=((0, 15.0),), least_places=2, risky_share=0.2)
    one = problem(rows, [want])
    pairs = enumerate_pairs(one)
    assert least(one, pairs, engine) == pytest.approx((0.0, 300.0))


@bounded(100)
@given(services())
def test_the_optimum_needs_no_other_pairs(engine: Engine, one: Problem) -> None:
    """Spread, survival, far and spot shares, homes and data: no less is served, at no more."""
    pairs = enumerate_pairs(one)
    every = least(one, pairs, engine)
    few = least(one, pairs.keep(needed(one, pairs, 0)), engine)
    assert few == pytest.approx(every, rel=1e-6, abs=1e-5)


def few_scarce(one: Problem, seed: int) -> tuple[Problem, Bools]:
    """Return a problem with capacities on some supplies alone, and bool[O], which these are."""
    scarce = np.random.default_rng(seed).random(one.supply.count) < 0.5
    scarce &= np.isfinite(one.supply.capacity)
    capacity = np.where(scarce, one.supply.capacity, np.inf)
    return replace(one, supply=replace(one.supply, capacity=capacity)), scarce


@bounded(50)
@given(services(scarce=True), st.integers(0, 2**32 - 1))
def test_what_is_scarce_stands_in_for_no_other(engine: Engine, drawn: Problem, seed: int) -> None:
    """Some capacities count: over what is kept, no less is served and at no more."""
    one, scarce = few_scarce(drawn, seed)
    pairs = enumerate_pairs(one)
    few = pairs.keep(needed(one, pairs, 0, scarce=scarce[pairs.supply]))
    assert least(one, few, engine) == pytest.approx(least(one, pairs, engine), rel=1e-6, abs=1e-5)
