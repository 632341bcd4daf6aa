"""Room is made by those that lose least, and only where all of them lose less than is gained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver import improvement
from solver.asking import Engine
from solver.search import Search
from solver.solution import Allocation
from tests.solver.searches import first_come, improvement_of
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, Want, like, problem

#: A pool of four units at 1 an hour, two of two at 1.5, any number at 10.
ROWS = [
    Row(cost=1, capacity=4),
    Row(cost=1.5, capacity=2, zone=1),
    Row(cost=1.5, capacity=2, zone=2),
    Row(cost=10, zone=3),
]
BIG = like(GANG, amount=4.0)
SMALL_BATCH = like(BATCH, amount=100.0)


def settled(
    search: Search, least: list[float], ways: dict[int, Allocation] | None = None
) -> float:
    """Make room for who costs more than `least`, and return what the plan costs then."""
    improvement_of(search, least, ways=ways).settle(lambda: False, lambda: None)
    return search.incumbent.cost


@pytest.mark.parametrize("small", [GANG, SMALL_BATCH])
def test_a_big_gang_gets_the_pool_that_small_demands_can_leave(
    engine: Engine, small: Want
) -> None:
    """Four small ones at 1.5 and the big one at 1 cost 1,000; first come, they cost 4,400."""
    one = problem(ROWS, [small, small, small, small, BIG])
    search = first_come(one, engine)
    assert search.incumbent.cost == pytest.approx(4_400)
    assert settled(search, [100, 100, 100, 100, 400]) == pytest.approx(1_000)


def test_nobody_is_asked_to_leave_who_would_lose_more(engine: Engine) -> None:
    """Without the pools at 1.5, all that the small ones lose is all that the big one gains."""
    one = problem([ROWS[0], ROWS[3]], [GANG, GANG, GANG, GANG, BIG])
    search = first_come(one, engine)
    before = search.incumbent.x.copy()
    assert settled(search, [100, 100, 100, 100, 400]) == pytest.approx(4_400)
    assert (search.incumbent.x == before).all()


def test_a_service_gets_what_its_way_takes(engine: Engine) -> None:
    """Its way wants three of the four units, which gangs hold that can stand at 1.5."""
    rows = [ROWS[0], *(replace(row, place=1) for row in ROWS[1:3]), ROWS[3]]
    near = like(SERVICE, farthest=50.0)  # to the pools at 1.5 it is farther
    rules = Rules(distance=[[0.0, 90.0, 0.0, 0.0]])
    one = problem(rows, [GANG, GANG, GANG, GANG, near], rules)
    search = first_come(one, engine)
    way = Allocation(
        demand=np.array([4], np.int32),
        supply=np.array([0], np.int32),
        mode=np.array([4], np.int32),
        units=np.array([3], np.int64),
        unit_hours=np.array([300.0]),
        share=np.array([1.0]),
    )
    assert search.incumbent.cost == pytest.approx(4 * 100 + 3 * 1000)
    cost = settled(search, [100, 100, 100, 100, 300], {4: way})
    assert cost == pytest.approx(300 + 100 + 3 * 150)


def test_who_is_left_out_is_served_where_others_make_room(engine: Engine) -> None:
    """Without any units at 10, the big gang is unmet until the small ones leave."""
    one = problem(ROWS[:3], [GANG, GANG, GANG, GANG, BIG])
    search = first_come(one, engine)
    assert search.unmet[4] == 1
    settled(search, [100, 100, 100, 100, 400])
    assert (search.unmet == 0).all()
    assert search.incumbent.cost == pytest.approx(1_000)


@pytest.mark.parametrize(("patience", "asked"), [(2, 2), (200, 5)])
def test_it_ends_when_several_in_a_row_save_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, patience: int, asked: int
) -> None:
    """Nothing can be saved for any of five: all are asked, or as many as patience lasts for."""
    monkeypatch.setattr(improvement, "_PATIENCE", patience)
    one = problem([ROWS[0], ROWS[3]], [GANG, GANG, GANG, GANG, BIG])
    search, checks = first_come(one, engine), []
    improvement_of(search, [50, 50, 50, 50, 400]).settle(
        lambda: False, lambda: checks.append(None)
    )
    assert len(checks) == asked
