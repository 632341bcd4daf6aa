"""Who is in the way: holders of what is wanted where nothing is left, and who must stand apart."""

from __future__ import annotations

import numpy as np
import pytest

from solver.asking import Engine
from solver.obstacles import Obstacles
from solver.problem import Apart, Level
from solver.scopes import kept_apart_from
from tests.solver.searches import first_come
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, Want, like, problem


@pytest.mark.parametrize(
    "small", [GANG, like(BATCH, amount=100.0), like(SERVICE, loads=((0, 9.0),))]
)
def test_holders_are_in_the_way_where_too_few_units_are_left(engine: Engine, small: Want) -> None:
    """Three hold a unit each of five: two are left for the last, whatever it holds elsewhere."""
    one = problem([Row(cost=1, capacity=5), Row(cost=9, place=1)], [small] * 3 + [GANG])
    search = first_come(one, engine)
    search.step(np.arange(4))
    obstacles, regret = Obstacles(search.compact, search.incumbent), np.array([1.0, 3, 2, 0])
    for units, found in ((1.0, []), (2.0, []), (3.0, [0, 1, 2])):
        assert obstacles.of(3, {0: units}, regret).tolist() == found
        assert obstacles.of(3, {1: units}, regret).tolist() == []


def test_who_must_stand_apart_is_in_the_way(engine: Engine) -> None:
    """At the same place, however much is left there; of a rule for many, none of them."""
    rows = [Row(cost=1), Row(cost=2, place=1, zone=1)]
    apart = (Apart(level=Level.PLACE, groups=((0,), (2,))),)
    one = problem(rows, [GANG] * 3, Rules(apart=apart))
    search = first_come(one, engine)
    obstacles = Obstacles(search.compact, search.incumbent)
    assert obstacles.of(2, {0: 1.0}, np.zeros(3)).tolist() == [0]
    assert obstacles.of(2, {1: 1.0}, np.zeros(3)).tolist() == []
    assert obstacles.of(1, {0: 1.0}, np.zeros(3)).tolist() == []


def test_a_rule_for_many_is_not_spelled_out() -> None:
    """Twenty who must all stand apart, two that are not apart from who is in a group with them."""
    every = Apart(level=Level.ZONE, groups=tuple((one,) for one in range(20)))
    both = Apart(level=Level.PLACE, groups=((0, 1), (1, 2), (3,)))
    one = problem([Row(cost=1)], [GANG] * 20, Rules(apart=(every, both)))
    known = kept_apart_from(one)
    assert known[3] == [(Level.PLACE, (0, 1, 2))]
    assert known[0] == [(Level.PLACE, (2, 3))]
    assert sorted(known) == [0, 1, 2, 3]
