"""Plans at prices: who was left out is served first the next time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.child import EngineProcess
from solver.improving import plan_at
from solver.prices import no_prices
from solver.problem import Level, Together
from solver.solution import SearchLimits
from solver.work import Work
from tests.solver.tiny import GANG, Row, Rules, like, problem


def test_couples_that_were_left_out_come_before_dearer_ones(engine: EngineProcess) -> None:
    """The dear couple may go where it costs twice as much; the other one fits one pool alone."""
    rows = [Row(cost=1, capacity=8), Row(cost=2, capacity=8, place=1, kind=1)]
    dear, small = like(GANG, amount=4.0), like(GANG, amount=4.0, hours=10.0)
    couples = tuple(Together(level=Level.PLACE, demands=pair) for pair in ((0, 1), (2, 3)))
    one = problem(rows, [dear, dear, small, small], Rules(together=couples))
    kinds = np.array([0, 1, 0, 1, 0, -2, 0, -2], np.int32)  # no supply is of kind -2
    one = replace(one, demands=replace(one.demands, mode_kind=kinds))
    work = Work(one, SearchLimits(), engine, lambda *_: None, None)
    work.stake = np.array([400.0, 400.0, 40.0, 40.0])
    plan_at(work, replace(no_prices(one), unmet=np.full(4, np.inf)))
    assert work.search is not None
    assert work.search.unmet.tolist() == [0.0] * 4
    assert work.cost == pytest.approx(2 * 800 + 2 * 40)
