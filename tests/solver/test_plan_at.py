"""Plans at prices: who was left out is served first the next time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver import rounds
from solver.asking import Engine
from solver.first_plan import unproven
from solver.improving import plan_at, serve
from solver.lone_choice import gang_choice
from solver.one_by_one import joined_routes
from solver.pairs import most_units
from solver.prices import no_prices
from solver.problem import Apart, Level, Together
from solver.remainder import Remainder
from solver.rounds import adopt
from solver.selection import pairs_of
from solver.solution import SearchLimits
from solver.work import Work
from tests.solver.tiny import GANG, Row, Rules, like, problem


def test_couples_that_were_left_out_come_before_dearer_ones(engine: Engine) -> None:
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


def test_best_ways_are_asked_for_of_who_is_alone_and_not_single(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two couples, the one that costs less has a gang that is alone."""
    monkeypatch.setattr(rounds, "_MOST_DEAR", 1)
    rows = [Row(cost=1, capacity=9, zone=zone) for zone in range(4)]
    couples = tuple(Together(level=Level.PLACE, demands=pair) for pair in ((0, 1), (2, 3)))
    alone = Apart(level=Level.ZONE, groups=((2,), (0, 1, 3)))
    one = problem(rows, [GANG] * 4, Rules(together=couples, apart=(alone,)))
    work = Work(one, SearchLimits(), engine, lambda *_: None, None)
    work.stake = np.array([9.0, 9.0, 1.0, 1.0])
    ways = rounds.ways_of_bound(work, replace(no_prices(one), unmet=np.full(4, np.inf)))
    assert [way.demands.tolist() for way in ways] == [[2, 3]]


def test_who_must_stand_beside_one_that_was_left_out_may_go_anywhere(
    engine: Engine,
) -> None:
    """Where each of a couple has dozens of cheap pools, the other has none."""
    cheap = [Row(cost=1, capacity=9, kind=kind, place=2 * kind) for kind in (0, 1)]
    dear = [Row(cost=9, capacity=9, kind=kind, place=1) for kind in (0, 1)]
    couple = Together(level=Level.PLACE, demands=(0, 1))
    gangs = [like(GANG, amount=1.0)] * 2
    one = problem([*cheap * 13, *dear], gangs, Rules(together=(couple,)))
    kinds = np.array([0, -2, 1, -2], np.int32)  # no supply is of kind -2
    one = replace(one, demands=replace(one.demands, mode_kind=kinds))
    work = Work(one, SearchLimits(), engine, lambda *_: None, None)
    left, pairs = Remainder(one), pairs_of(one, 0, most_units(one))
    held = gang_choice(one, left, pairs).allocation
    adopt(work, unproven(one, (held, joined_routes([]), np.array([0.0, 1.0])), "first-plan"))
    work.prices = no_prices(one)
    assert not np.isin([26, 27], work.columns.pairs.supply).any()
    serve(work)
    assert work.search is not None
    assert work.search.decoded()[0].supply.tolist() == [26, 27]
