"""Demands that stand somewhere already: moves are paid, weighed, counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.asking import Engine
from solver.exact import solve_exact
from solver.preferences import Stay
from solver.problem import Problem
from solver.solution import SearchLimits, Solution
from solver.stay_rows import moved_demands
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Want, like, problem, solved, used


def at_home(
    one: Problem, homes: Sequence[Sequence[int]], costs: Sequence[float], **rule: float
) -> Problem:
    """Return the problem with its demands standing at `homes` now."""
    stay = Stay(
        demand=np.arange(len(homes), dtype=np.int32),
        supply=tuple(np.array(home, np.int64) for home in homes),
        cost=np.array(costs, np.float64),
        **rule,
    )
    return replace(one, stay=stay)


CHEAP_AND_DEAR = [Row(cost=1), Row(cost=2, zone=1)]


@pytest.mark.parametrize("want", [GANG, BATCH, like(SERVICE, loads=((0, 10.0),))])
def test_a_move_is_made_when_it_saves_more_than_it_costs(want: Want) -> None:
    """Standing on the dear supply, it goes to the cheap one for less than the saving only."""
    saving = solved(problem([CHEAP_AND_DEAR[1]], [want])).cost / 2
    for cost, supply in ((saving - 1, 0), (saving + 1, 1)):
        found = solved(at_home(problem(CHEAP_AND_DEAR, [want]), [[1]], [cost]))
        assert {key[1] for key in used(found)} == {supply}
        assert found.cost == pytest.approx(saving + cost if supply == 0 else 2 * saving)


def test_what_weighs_is_no_part_of_cost_or_bound() -> None:
    """A move that saves 100 is not worth 150; one worth 50 costs nothing."""
    one = problem(CHEAP_AND_DEAR, [GANG])
    stays = solved(at_home(one, [[1]], [0.0], unbilled=150.0))
    assert (stays.cost, stays.bound) == (pytest.approx(200), pytest.approx(200))
    goes = solved(at_home(one, [[1]], [0.0], unbilled=50.0))
    assert (goes.cost, goes.bound) == (pytest.approx(100), pytest.approx(100))


def test_at_most_so_many_demands_move_and_the_best_do() -> None:
    """Of three gangs on the dear supply the two largest go."""
    wants = [like(GANG, amount=amount) for amount in (1, 3, 2)]
    one = at_home(problem(CHEAP_AND_DEAR, wants), [[1]] * 3, [0.0] * 3, most=2)
    assert used(solved(one)) == {(0, 1): 1, (1, 0): 3, (2, 0): 2}


def test_service_moves_once_however_many_units_stand_elsewhere() -> None:
    """Three units that do not fit at home cost one move, not three."""
    rows = [Row(cost=1, capacity=1), Row(cost=2)]
    one = at_home(problem(rows, [SERVICE]), [[0]], [40.0])
    found = solved(one)
    assert used(found) == {(0, 0): 1, (0, 1): 2}
    assert found.cost == pytest.approx(100 + 2 * 200 + 40)


def test_gang_mixed_onto_a_supply_that_is_not_its_home_moves() -> None:
    """An owned unit beside the spot it stands on is a move: not worth 60, worth 40."""
    rows = [Row(cost=0, capacity=1, owned=True), Row(cost=0.5)]
    one = problem(rows, [like(GANG, amount=2)])
    for cost, units in ((60.0, {(0, 1): 2}), (40.0, {(0, 0): 1, (0, 1): 1})):
        assert used(solved(at_home(one, [[1]], [cost]))) == units


def test_what_cannot_stay_and_may_not_move_is_unmet() -> None:
    """Without a move left, a gang whose home is full is not served."""
    rows = [Row(cost=1, capacity=0), Row(cost=1)]
    found = solved(at_home(problem(rows, [GANG]), [[0]], [0.0], most=0))
    assert found.unmet.tolist() == [1.0]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as process:
        yield process


_PRICES = st.lists(st.integers(1, 9), min_size=3, max_size=3)


@settings(max_examples=30, deadline=None)
@given(
    prices=_PRICES,
    homes=st.lists(st.integers(0, 2), min_size=3, max_size=3),
    cost=st.integers(0, 500),
    unbilled=st.integers(0, 500),
    most=st.integers(0, 3),
)
def test_choice_is_that_of_enumeration(
    engine: Engine,
    prices: list[int],
    homes: list[int],
    cost: int,
    unbilled: int,
    most: int,
) -> None:
    """Over every way to place three gangs, cost plus what moves weigh is least."""
    rows = [Row(cost=price, zone=zone, capacity=2) for zone, price in enumerate(prices)]
    one = problem(rows, [GANG] * 3)
    one = at_home(
        one, [[home] for home in homes], [cost] * 3, unbilled=float(unbilled), most=float(most)
    )
    found = solve_exact(one, SearchLimits(gap=0.0), engine=engine)
    best = _enumerated(prices, homes, cost + unbilled, most)
    if best is None:
        assert found.unmet.sum() > 0
    else:
        assert _weighed(one, found) == pytest.approx(best)
        assert found.bound == pytest.approx(found.cost)


def _enumerated(prices: list[int], homes: list[int], move: int, most: int) -> float | None:
    """Least cost of every whole placement within capacity and moves."""
    best: float | None = None
    for places in product(range(3), repeat=3):
        moved = sum(place != home for place, home in zip(places, homes, strict=True))
        if moved > most or max(places.count(place) for place in places) > 2:
            continue
        cost = 100.0 * sum(prices[place] for place in places) + move * moved
        best = cost if best is None else min(best, cost)
    return best


def _weighed(one: Problem, found: Solution) -> float:
    assert one.stay is not None
    return found.cost + one.stay.unbilled * float(moved_demands(one, found.allocation).sum())
