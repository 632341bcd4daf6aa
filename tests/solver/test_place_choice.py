"""Services served by themselves look at cheap places first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.exact import solve_exact
from solver.pairs import enumerate_pairs, most_units
from solver.place_choice import selections
from solver.problem import NO_ROW, Family, Level, Problem
from solver.solution import SearchLimits, Solution
from tests.solver.tiny import Row, Rules, Want, like, problem, solved

_PLACES = 20
WANT = Want(family=Family.SERVICE, amount=10.0, loads=((0, 5.0),) * 30)


def served(want: Want, capacity: float) -> Problem:
    """One service of 150 on twenty places, each dearer than the one before."""
    rows = [Row(cost=1.0 + place, capacity=capacity, place=place) for place in range(_PLACES)]
    rules = Rules(owner_of_place=range(_PLACES), distance=[[0.0] * _PLACES])
    one = problem(rows, [want], rules)
    return replace(one, demands=replace(one.demands, data_row=np.full(1, NO_ROW, np.int32)))


def parts(one: Problem) -> list[int]:
    """Pairs of each part that is tried."""
    found = selections(one, enumerate_pairs(one), most_units(one))
    return [part.count for part in found]


def first(one: Problem) -> tuple[Solution, int]:
    """Cheapest-first, and how often an engine was asked."""
    asked = 0
    with Engine() as engine:

        def solve_one(alone: Problem) -> Solution:
            nonlocal asked
            asked += 1
            return solve_exact(alone, SearchLimits(gap=0.0), engine=engine)

        found = cheapest_first(one, solve_one)
    return found, asked


def test_cheap_places_with_room_are_enough() -> None:
    """Two units of 10 at each place: the cheapest eight are among the few, found at once."""
    one = served(WANT, capacity=2.0)
    assert max(parts(one)) < _PLACES
    found, asked = first(one)
    assert asked == 1
    assert found.cost == pytest.approx(solved(one).cost)


def test_where_the_cheap_places_are_too_small_all_are_asked() -> None:
    """One unit of 10 at each place: 150 need fifteen of the twenty."""
    found, asked = first(served(WANT, capacity=1.0))
    assert asked > 1
    assert found.unmet.tolist() == [0.0]
    assert found.cost == pytest.approx(100 * sum(range(1, 16)))


def test_losses_to_survive_make_the_first_part_smaller() -> None:
    """A part with fewer places comes first; both outlive the loss of a place."""
    want = like(WANT, survive_level=Level.PLACE, loads=((0, 1.5),) * 100)
    sizes = parts(served(want, capacity=9.0))
    assert sizes == sorted(set(sizes))
    assert len(sizes) == 2


def test_owners_to_survive_and_few_loads_leave_every_place() -> None:
    """Cheap places may be one owner's, and a small model needs no help."""
    assert parts(served(like(WANT, survive_level=Level.OWNER), capacity=2.0)) == []
    assert parts(served(like(WANT, loads=((0, 150.0),)), capacity=2.0)) == []
