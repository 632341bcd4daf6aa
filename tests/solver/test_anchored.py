"""Prices that somebody wrote down, and new ones near them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.anchored import anchored, stakes_in, usable
from solver.asking import Engine
from solver.columns import Columns
from solver.first_plan import first_plan
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.solution import SearchLimits
from solver.work import Work
from tests.solver.tiny import GANG, Row, Rules, like, problem


def begun(one: Problem, engine: Engine) -> Work:
    """A search for `one` that knows the cheapest pairs."""
    return Work(one, SearchLimits(), engine, lambda *_: None, None)


def of_capacity(one: Problem, *prices: float) -> Prices:
    return replace(no_prices(one), capacity=np.array(prices))


def test_only_prices_of_rows_that_end_are_used() -> None:
    """Not those of endless capacity, below 0, without end, or worth more than ten times it all."""
    rows = [Row(cost=1, capacity=5), Row(cost=1), *(Row(cost=1, capacity=5) for _ in range(5))]
    one = problem(rows, [GANG], Rules(limits=[({0: 1.0}, 4.0)]))
    said = of_capacity(one, 7.0, 7.0, -7.0, np.nan, np.inf, 1e300, 201.0)
    found = usable(one, replace(said, limit=np.array([2.0])), cost=100.0)
    assert found.capacity.tolist() == [7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert found.limit.tolist() == [2.0]


def test_what_had_a_price_keeps_about_that(engine: Engine) -> None:
    """A unit at 1 an hour for 100 hours is worth 100 less than one at 2: 70 moves by 0.5 alone."""
    rows = [Row(cost=1, capacity=1), Row(cost=2, capacity=9)]
    one = problem(rows, [GANG, GANG])
    work = begun(one, engine)
    assert anchored(work, no_prices(one)).capacity[0] == pytest.approx(100.0)
    assert anchored(work, of_capacity(one, 70.0, 0.0)).capacity[0] == pytest.approx(70.5)
    assert anchored(work, of_capacity(one, 130.0, 0.0)).capacity[0] == pytest.approx(129.5)
    assert anchored(work, of_capacity(one, 99.8, 0.0)).capacity[0] == pytest.approx(100.0)


def test_what_had_no_price_may_get_one(engine: Engine) -> None:
    """A unit that has become the cheapest is worth what it saves beside one that had a price."""
    rows = [Row(cost=1, capacity=1), Row(cost=0.5, capacity=1), Row(cost=2, capacity=9)]
    one = problem(rows, [GANG, GANG, like(GANG)])
    found = anchored(begun(one, engine), of_capacity(one, 100.0, 0.0, 0.0))
    assert found.capacity == pytest.approx([100.0, 150.0, 0.0])


def test_pairs_are_those_that_are_cheap_at_earlier_prices() -> None:
    """The first of three rows is the cheapest, but its units are worth more than that saves."""
    one = problem([Row(cost=1, capacity=9), Row(cost=2), Row(cost=3)], [GANG])
    earlier = of_capacity(one, 350.0, 0.0, 0.0)
    assert Columns.of(one, one, keep=1).pairs.supply.tolist() == [0, 1]
    assert Columns.of(one, one, keep=1, prices=earlier).pairs.supply.tolist() == [1, 2]


def test_what_is_at_stake_is_what_is_held() -> None:
    """Units and hours of each demand at the costs of the problem."""
    one = problem([Row(cost=1, capacity=1), Row(cost=2, unit_cost=3.0)], [GANG, GANG])
    assert stakes_in(one, first_plan(one).allocation).tolist() == [100.0, 203.0]
