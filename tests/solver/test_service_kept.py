"""Routes over units that are given: the same that an engine finds, and no rule is broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.asking import Engine
from solver.handy import HandyWays
from solver.lone_choice import Choice
from solver.one_by_one import joined
from solver.pairs import with_coefficients
from solver.problem import Level, Problem
from solver.remainder import Remainder
from solver.service_kept import kept_routes
from solver.solution import Allocation, Routes
from tests.solver.random_problems import exactly
from tests.solver.test_service_choice import broken, drawn
from tests.solver.tiny import SERVICE, Row, Rules, like, problem


def counted(rows: Allocation) -> dict[int, int]:
    """Units by supply."""
    return dict(zip(rows.supply.tolist(), rows.units.tolist(), strict=True))


def routed(one: Problem, rows: Allocation) -> Routes | None:
    """Routes of the only service over what is held."""
    pairs = with_coefficients(one, rows.demand, rows.mode, rows.supply)
    return kept_routes(one, Remainder(one), pairs, rows.units.astype(np.float64))


def units(*counts: int) -> Allocation:
    """So many units of each supply, for the only service."""
    supply = np.flatnonzero(counts).astype(np.int32)
    none = np.zeros(len(supply), np.int32)
    held = np.array(counts, np.int64)[supply]
    empty = np.zeros(len(supply))
    return Allocation(
        demand=none, mode=none, supply=supply, units=held, unit_hours=empty, share=empty
    )


def test_what_an_engine_places_arithmetic_routes(engine: Engine) -> None:
    """Of 80 services that can be served whole nearly all are routed, and none breaks a rule."""
    whole, found = 0, 0
    for seed in range(120):
        one = drawn(seed)
        optimum = exactly(one, engine)
        if optimum.unmet[0] > 0:
            continue
        whole += 1
        order = np.lexsort((optimum.allocation.supply, optimum.allocation.mode))
        rows = joined([optimum.allocation])
        rows = Allocation(**{name: getattr(rows, name)[order] for name in Allocation.__slots__})
        routes = routed(one, rows)
        if routes is not None:
            found += 1
            assert not broken(one, (Choice(allocation=rows, unmet=0.0, cost=0.0), routes), engine)
    assert whole > 40
    assert found >= 0.9 * whole


def test_units_that_carry_too_little_are_not_routed() -> None:
    """A load of 25 takes three units of 10, wherever they stand."""
    rows = [Row(cost=1, capacity=9), Row(cost=1, capacity=9, place=1)]
    one = problem(rows, [SERVICE])
    assert routed(one, units(2, 0)) is None
    sent = routed(one, units(2, 1))
    assert sent is not None
    assert sent.amount.sum() == pytest.approx(25.0)


def test_a_loss_must_be_outlived() -> None:
    """Any place may be lost and all of 25 must be served: three units here and three there."""
    rows = [Row(cost=1, capacity=9), Row(cost=1, capacity=9, place=1)]
    one = problem(rows, [like(SERVICE, survive_level=Level.PLACE)])
    assert routed(one, units(3, 2)) is None
    assert routed(one, units(3, 3)) is not None


def test_a_way_at_hand_minds_what_others_hold() -> None:
    """Three units of the cheap supply serve it alone; beside another who holds two, one does."""
    want = like(SERVICE)
    one = problem([Row(cost=1, capacity=3), Row(cost=2, capacity=9)], [want, want])
    alone = HandyWays(one).way(one, np.array([0]))
    assert alone is not None
    assert counted(alone.allocation) == {0: 3}
    held = units(2)
    held = replace(held, demand=np.ones(1, np.int32))
    beside = HandyWays(one, held).way(one, np.array([0]))
    assert beside is not None
    assert counted(beside.allocation) == {0: 1, 1: 2}
    assert HandyWays(one).way(one, np.array([0, 1])) is None


def test_limits_count_what_others_hold() -> None:
    """A limit of four units on all supplies leaves two to the second service, which is too few."""
    one = problem([Row(cost=1, capacity=9)], [SERVICE, SERVICE], Rules(limits=[({0: 1.0}, 4.0)]))
    held = units(2)
    beside = HandyWays(one, held).way(one, np.array([1]))
    assert beside is None
