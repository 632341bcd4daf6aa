"""Places are exchanged where a plan is far above its bound, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.asking import Engine
from solver.exchange import exchange
from solver.prices import no_prices
from solver.problem import Problem
from solver.rounds import adopt, certify
from solver.solution import Allocation, Solution
from solver.standing import standing
from solver.work import Work
from tests.solver.test_anchored import begun
from tests.solver.tiny import GANG, Row, like, problem


def two_who_stand_crossed() -> Problem:
    """One of 100 hours, one of 10; one unit at 1 an hour, others at 3: together 130 or 310."""
    rows = [Row(cost=1, capacity=1), Row(cost=3, capacity=5)]
    return problem(rows, [like(GANG, hours=10.0), GANG])


def started(one: Problem, engine: Engine, *supply: int) -> tuple[Work, Solution]:
    """A search whose plan holds a unit of each supply, one for each gang, and has a bound."""
    count = len(supply)
    held = Allocation(
        demand=np.arange(count, dtype=np.int32),
        mode=np.arange(count, dtype=np.int32),
        supply=np.array(supply, np.int32),
        units=np.ones(count, np.int64),
        unit_hours=np.zeros(count),
        share=np.ones(count),
    )
    start = standing(one, held, engine)
    assert start is not None
    work = begun(one, engine)
    adopt(work, start)
    prices = replace(no_prices(one), capacity=np.array([100.0, 0.0]), unmet=np.full(count, np.inf))
    certify(work, prices)
    return work, start


def test_two_exchange_what_they_hold(engine: Engine) -> None:
    """The long one gets the cheap unit: 100 + 30 instead of 10 + 300, and no step is better."""
    work, start = started(two_who_stand_crossed(), engine, 0, 1)
    assert start.cost == work.cost == 310.0
    exchange(work, steps=5)
    assert work.cost == pytest.approx(130.0)
    assert work.search is not None
    rows = work.search.decoded()[0]
    assert rows.supply[np.argsort(rows.demand)].tolist() == [1, 0]


def test_a_plan_at_its_bound_stays(engine: Engine) -> None:
    """Where nobody has regret everybody stays."""
    work, start = started(two_who_stand_crossed(), engine, 1, 0)
    assert work.bound == pytest.approx(start.cost, rel=1e-6)
    exchange(work, steps=5)
    assert work.cost == pytest.approx(start.cost)
    assert work.search is not None
    rows = work.search.decoded()[0]
    assert rows.supply[np.argsort(rows.demand)].tolist() == [1, 0]
