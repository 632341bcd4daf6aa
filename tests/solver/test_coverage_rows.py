"""Money spent already that pays for used hours: never twice, never more than is used or held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.compact import build_compact
from solver.coverage import Coverage
from solver.margins import marginal_prices
from solver.problem import Measure, Problem, ShareCap
from tests.solver.tiny import (
    BATCH,
    GANG,
    SERVICE,
    Row,
    Rules,
    Want,
    account,
    like,
    problem,
    solved,
    used,
)

#: In two places: at 1 an hour, and at 3.
ROWS = [Row(cost=1), Row(cost=3, place=1)]


def covered(one: Problem, *pools: tuple[float, Sequence[tuple[int, float]]]) -> Problem:
    """Return `one` with pools of (what it holds, (supply, rate) pairs); a covered hour is free."""
    supply = np.array([row for _, pairs in pools for row, _ in pairs], np.int32)
    coverage = Coverage(
        start=np.cumsum([0, *(len(pairs) for _, pairs in pools)]).astype(np.int64),
        supply=supply,
        rate=np.array([rate for _, pairs in pools for _, rate in pairs]),
        saved=one.supply.hour_cost[supply],
        high=np.array([high for high, _ in pools]),
    )
    return replace(one, coverage=coverage)


@pytest.mark.parametrize("want", [GANG, like(BATCH, amount=100.0), like(SERVICE, amount=25.0)])
def test_coverage_makes_the_dearer_supply_win(want: Want) -> None:
    """100 h at 3 are free where a pool of 200 pays 2 for each; at 1 they would cost 100."""
    solution = solved(covered(problem(ROWS, [want]), (200.0, [(1, 2.0)])))
    assert set(used(solution)) == {(0, 1)}
    assert solution.cost == pytest.approx(0, abs=1e-6)


def test_a_pool_pays_for_what_it_holds_and_no_more() -> None:
    """120 pay for 60 of 100 h of a gang at 3: the other 40 would cost 120, more than 100 at 1."""
    one = problem(ROWS, [GANG])
    assert solved(covered(one, (120.0, [(1, 2.0)]))).cost == pytest.approx(100)
    assert solved(covered(one, (160.0, [(1, 2.0)]))).cost == pytest.approx(60)


def test_two_demands_share_a_pool_and_no_hour_is_paid_twice() -> None:
    """180 pay for 90 of the 200 h of two gangs at 1: both rows of the pool count."""
    one = problem([Row(cost=1)], [GANG, GANG])
    assert solved(covered(one, (180.0, [(0, 2.0)]))).cost == pytest.approx(110)


def test_two_pools_pay_for_an_hour_once() -> None:
    """Either pool could pay for all 100 h; they are paid once and cost nothing, not less."""
    one = problem([Row(cost=1)], [GANG])
    both = covered(one, (100.0, [(0, 1.0)]), (100.0, [(0, 1.0)]))
    assert solved(both).cost == pytest.approx(0, abs=1e-6)


def test_a_pool_is_not_emptied_by_hours_nobody_uses() -> None:
    """Of 1,000 in the pool 150 h of batch take 150; nothing is earned with the rest."""
    solution = solved(covered(problem([Row(cost=1)], [BATCH]), (1000.0, [(0, 1.0)])))
    assert solution.cost == pytest.approx(0, abs=1e-6)


def test_owned_units_come_first() -> None:
    """One of two gangs stands on owned units; the pool pays 100 h of the other, 2 each."""
    rows = [Row(cost=0, owned=True, capacity=1), Row(cost=3)]
    solution = solved(covered(problem(rows, [GANG, GANG]), (150.0, [(1, 2.0)])))
    assert solution.cost == pytest.approx(25 * 3)


def test_the_mixed_units_of_a_gang_take_nothing_from_the_pool() -> None:
    """Of two units one is owned: 100 h are left, of which 60 are paid for."""
    rows = [Row(cost=0, owned=True, capacity=1), Row(cost=3)]
    one = problem(rows, [like(GANG, amount=2.0)])
    assert solved(covered(one, (120.0, [(1, 2.0)]))).cost == pytest.approx(40 * 3)


def test_covered_hours_count_towards_no_account_of_cost() -> None:
    """100 h at 1 would earn 100 of the 80 owed; 50 of them covered, 30 are missed and paid."""
    owed = account([1.0], measure=int(Measure.COST), low=80.0)
    one = covered(problem([Row(cost=1)], [GANG], Rules(accounts=owed)), (50.0, [(0, 1.0)]))
    assert solved(one).cost == pytest.approx(50 + 30)


def test_a_limit_on_cost_sees_what_is_saved() -> None:
    """150 h at 1 fit a limit of 60 where a pool pays for 90 of them."""
    one = replace(problem([Row(cost=1)], [BATCH]), most_cost=60.0)
    assert solved(one).unmet == pytest.approx([0.6])
    assert solved(covered(one, (90.0, [(0, 1.0)]))).unmet == pytest.approx([0.0])


def test_shares_of_value_count_covered_hours_as_paid() -> None:
    """At most half of the value may stand in place 1, covered or not: 37.5 of 150 h at 3."""
    cap = ShareCap(measure=Measure.VALUE, most=0.5, scope=np.array([0, 1], np.int32))
    one = replace(problem(ROWS, [BATCH]), shares=(cap,))
    solution = solved(covered(one, (1000.0, [(1, 1.0)])))
    assert solution.cost == pytest.approx(112.5)


def test_what_one_more_in_the_pool_saves() -> None:
    """An hour at 1 costs 2 of the pool: one more in it saves half; nothing where half is idle."""
    one = problem([Row(cost=1)], [BATCH])
    with Engine() as engine:
        full = marginal_prices(covered(one, (200.0, [(0, 2.0)])), np.zeros(1), engine)
        idle = marginal_prices(covered(one, (400.0, [(0, 2.0)])), np.zeros(1), engine)
    assert full.coverage == pytest.approx([0.5])
    assert idle.coverage == pytest.approx([0.0])


def test_cheapest_first_looks_at_prices_alone() -> None:
    """A choice of one demand at a time knows nothing of the pool: 100 h at 1."""
    one = covered(problem(ROWS, [GANG]), (200.0, [(1, 2.0)]))
    assert set(used(cheapest_first(one, solved))) == {(0, 0)}


def test_a_pool_pays_first_where_it_saves_most() -> None:
    """Two gangs that may stand in one place each: 100 pay for the 100 h at 3, if no dearer."""
    one = problem([Row(cost=1, capacity=1), Row(cost=3, capacity=1, place=1)], [GANG, GANG])
    assert solved(covered(one, (100.0, [(0, 1.0), (1, 1.0)]))).cost == pytest.approx(100)
    assert solved(covered(one, (100.0, [(0, 1.0), (1, 6.0)]))).cost == pytest.approx(300)


def test_supplies_of_one_price_are_one_class() -> None:
    """Half of all prices: two supplies, one column; accounts that tell them apart make it two."""
    pools = (100.0, [(0, 0.5), (1, 1.5)])
    plain = problem(ROWS, [GANG])
    owed = account([1.0, 0.0], measure=int(Measure.COST), low=80.0)
    apart = problem(ROWS, [GANG], Rules(accounts=owed))
    for one, columns in ((plain, 1), (apart, 2)):
        more = build_compact(covered(one, pools)).builder.columns
        assert more - build_compact(one).builder.columns == columns
