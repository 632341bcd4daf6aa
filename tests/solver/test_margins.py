"""What one unit more of a limit saves, by the duals of the relaxation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.asking import Engine
from solver.margins import Margins, marginal_prices
from solver.problem import Level, Measure, Problem, ShareCap
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, account, like, problem

#: One unit, 100 h, at 1; as many as wanted at 3 in another place.
ROWS = [Row(cost=1, capacity=1), Row(cost=3, place=1)]
WORK = like(BATCH, amount=250.0)


def margins(one: Problem, *unmet: float) -> Margins:
    """Return the margins of a plan that leaves `unmet`, or nothing."""
    with Engine() as engine:
        return marginal_prices(one, np.array(unmet or [0.0] * one.demands.count), engine)


def test_a_unit_more_takes_its_hours_from_the_dearer() -> None:
    """100 of the 150 h at 3 would cost 1: 200 saved; what has no limit saves nothing."""
    assert margins(problem(ROWS, [WORK])).supply == pytest.approx([200, 0])


@pytest.mark.parametrize(
    "want",
    [
        SERVICE,
        like(SERVICE, data=1e-6),
        like(SERVICE, survive_level=int(Level.OWNER), survive_share=1e-6),
    ],
    ids=["plain", "with data to move", "with presence to keep"],
)
def test_capacity_of_one_demand_alone_has_its_price(want: object) -> None:
    """25 of load, 10 a unit: one unit more replaces one at 3, though only one demand asks."""
    one = problem([Row(cost=1, capacity=1), Row(cost=3, place=1)], [want])  # type: ignore[list-item]  # wants, by their ids
    assert margins(one).supply == pytest.approx([200, 0], rel=1e-3)


def test_a_unit_that_makes_a_gang_fit_is_seen() -> None:
    """Two units at once do not fit in one; the relaxation halves what the second saves."""
    one = problem(ROWS, [like(GANG, amount=2.0)])
    assert margins(one).supply == pytest.approx([200, 0])


def test_capacity_that_is_not_used_up_saves_nothing() -> None:
    """Nine units of ten are left."""
    one = problem([Row(cost=1, capacity=10), Row(cost=3, place=1)], [like(BATCH, amount=100.0)])
    assert margins(one).supply == pytest.approx([0, 0])


def test_a_quota_is_priced_in_its_own_unit() -> None:
    """A unit counts 8 of a quota of 8: 200 saved by 8 more, 25 by one."""
    rules = Rules(limits=[({0: 8.0}, 8.0)])
    one = problem([Row(cost=1), Row(cost=3, place=1)], [WORK], rules)
    assert margins(one).limit == pytest.approx([25])


def test_a_promise_costs_what_it_makes_dearer() -> None:
    """An unspent unit is paid; spent at 3 it replaces work at 1: 2/3 saved by promising 1 less."""
    owed = account([0.0, 1.0], measure=int(Measure.COST), low=100.0)
    one = problem([Row(cost=1), Row(cost=3, place=1)], [WORK], Rules(accounts=owed))
    assert margins(one).account == pytest.approx([2 / 3])


def test_a_cap_is_priced_by_the_share() -> None:
    """Half of 250 h stand at 1: a share higher by 1 % moves 2.5 h and saves 5."""
    cap = ShareCap(measure=Measure.HOURS, most=0.5, scope=np.array([0, 1], np.int32))
    one = replace(problem([Row(cost=1), Row(cost=3, place=1)], [WORK]), shares=(cap,))
    assert margins(one).share * 0.01 == pytest.approx([5])


@pytest.mark.parametrize("each_point", [False, True])
def test_far_load_is_priced_by_the_share(each_point: bool) -> None:
    """A fifth of 25 may go far, to 1: a share higher by 1 % moves 0.25 of load, 0.025 units."""
    want = like(SERVICE, near=10.0, far_share=0.2, each_point=each_point)
    rules = Rules(distance=[[50.0, 5.0, 5.0, 5.0]] * 4)
    one = problem([Row(cost=1), Row(cost=3, place=1)], [want], rules)
    assert margins(one).far * 0.01 == pytest.approx([0.025 * 200])


def test_what_is_unmet_stays_unmet() -> None:
    """The gang of 6 that has no room is not served by halves at the price of the others."""
    one = problem([Row(cost=1, capacity=5)], [like(GANG, amount=6.0), like(GANG, amount=2.0)])
    assert margins(one, 1.0, 0.0).supply == pytest.approx([0])
