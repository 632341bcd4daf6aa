"""Plans that change by arithmetic: they keep what was kept, and cost no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.blocks import Longs
from solver.first_plan import first_plan, unproven
from solver.prices import Prices, no_prices
from solver.problem import Apart, Level, Problem, Reads, Together
from solver.remainder import Remainder
from solver.reseating import Reseating
from solver.solution import Allocation, Solution
from solver.tier_bounds import flat_below
from solver.ways import Way, ways_in
from tests.solver.random_problems import Case, bounded, cases, ruled_cases, some_prices
from tests.solver.test_sizes import sized
from tests.solver.tiny import GANG, SERVICE, Row, Rules, like, problem, solved, used

_FINE = 1e6


def reseated(
    one: Problem,
    plan: Solution,
    prices: Prices,
    *,
    rounds: int = 3,
    blocks: Sequence[Longs] = (),
    ways: Sequence[Way] = (),
) -> tuple[Solution, float]:
    """The plan after some rounds in which all stand badly, and what they say they saved."""
    flat = flat_below(one)[0]
    count = one.demands.count
    reseating = Reseating(
        flat,
        (plan.allocation, plan.routes, plan.unmet),
        prices,
        blocks,
        ways,
        np.full(count, _FINE),
    )
    saved = sum(reseating.round(np.zeros(count), lambda: None) for _ in range(rounds))
    return unproven(one, reseating.plan(), "reseated"), saved


def stands(one: Problem, *rows: tuple[int, int, int]) -> Solution:
    """A plan of (demand, supply, units) for gangs with one mode each; the others are unmet."""
    demand, supply, units = (np.array(part) for part in zip(*rows, strict=True))
    hours = one.demands.mode_hours[demand]
    allocation = Allocation(
        demand=demand.astype(np.int32),
        mode=demand.astype(np.int32),
        supply=supply.astype(np.int32),
        units=units.astype(np.int64),
        unit_hours=units * hours,
        share=units / one.demands.mode_amount[demand],
    )
    empty = first_plan(problem([Row(cost=1, capacity=0)], [GANG])).routes
    unmet = np.ones(one.demands.count)
    unmet[demand] = 0.0
    return unproven(one, (allocation, empty, unmet), "by hand")


def test_two_change_places_where_that_is_cheaper() -> None:
    """Who cares little leaves the unit that is near the other's data: 1,000 are saved."""
    rows = [Row(cost=1, capacity=1), Row(cost=1, capacity=1, place=1)]
    one = problem(rows, [like(GANG, data=1000.0), GANG])
    found, saved = reseated(one, stands(one, (0, 1, 1), (1, 0, 1)), no_prices(one))
    assert used(found) == {(0, 0): 1, (1, 1): 1}
    assert (saved, found.cost) == (1000.0, 200.0)


def test_a_chain_of_two_moves_for_who_is_left_out() -> None:
    """A gang of two finds only parts; both holders go where they could have been."""
    rows = [
        Row(cost=1, capacity=2),
        Row(cost=2, capacity=1, place=1),
        Row(cost=3, capacity=1, place=2),
    ]
    one = problem(rows, [GANG, GANG, like(GANG, amount=2.0)])
    found, _ = reseated(one, stands(one, (0, 0, 1), (1, 0, 1)), no_prices(one))
    assert found.unmet.tolist() == [0.0, 0.0, 0.0]
    assert used(found)[2, 0] == 2


def test_nobody_is_left_out_for_another() -> None:
    """One unit, two gangs: the dearer to leave does not push the other out."""
    one = problem([Row(cost=1, capacity=1)], [GANG, GANG])
    before = stands(one, (1, 0, 1))
    found, saved = reseated(one, before, no_prices(one))
    assert (used(found), saved) == (used(before), 0.0)


def test_a_zone_is_cleared_for_who_is_alone() -> None:
    """The gang that is alone gets the cheap zone, and who stood there moves to the other one."""
    rows = [Row(cost=1, capacity=4, zone=0), Row(cost=2, capacity=4, zone=1)]
    alone = Rules(apart=(Apart(level=Level.ZONE, groups=((0,), (1,))),))
    one = problem(rows, [like(GANG, amount=4.0), GANG], alone)
    found, saved = reseated(one, stands(one, (0, 1, 4), (1, 0, 1)), no_prices(one))
    assert (used(found), saved) == ({(0, 0): 4, (1, 1): 1}, 300.0)


def test_who_is_alone_makes_way_for_several() -> None:
    """It costs the gang that is alone 200 to leave, and saves three others 100 each.

    None of them would send it off for itself alone.
    """
    rows = [
        Row(cost=1, capacity=4, zone=0),
        Row(cost=2, capacity=2, zone=1),
        Row(cost=2, capacity=9, zone=2),
    ]
    alone = Rules(apart=(Apart(level=Level.ZONE, groups=((0,), (1, 2, 3))),))
    one = problem(rows, [like(GANG, amount=2.0), GANG, GANG, GANG], alone)
    before = stands(one, (0, 0, 2), (1, 2, 1), (2, 2, 1), (3, 2, 1))
    found, saved = reseated(one, before, no_prices(one))
    assert used(found) == {(0, 1): 2, (1, 0): 1, (2, 0): 1, (3, 0): 1}
    assert saved == 100.0


def test_who_is_alone_stays_where_too_few_would_gain() -> None:
    """Two others would save 200, which is what it costs: all is as it was."""
    rows = [
        Row(cost=1, capacity=4, zone=0),
        Row(cost=2, capacity=2, zone=1),
        Row(cost=2, capacity=9, zone=2),
    ]
    alone = Rules(apart=(Apart(level=Level.ZONE, groups=((0,), (1, 2))),))
    one = problem(rows, [like(GANG, amount=2.0), GANG, GANG], alone)
    before = stands(one, (0, 0, 2), (1, 2, 1), (2, 2, 1))
    found, saved = reseated(one, before, no_prices(one))
    assert (used(found), saved) == (used(before), 0.0)


def test_who_stands_apart_makes_way() -> None:
    """The place near the data is not full, but who may not stand beside is there and can move."""
    rows = [Row(cost=1, capacity=9), Row(cost=1, capacity=9, place=1)]
    apart = Rules(apart=(Apart(level=Level.PLACE, groups=((0,), (1,))),))
    one = problem(rows, [like(GANG, data=1000.0), GANG, GANG], apart)
    found, saved = reseated(one, stands(one, (0, 1, 1), (1, 0, 1), (2, 0, 1)), no_prices(one))
    assert (used(found), saved) == ({(0, 0): 1, (1, 1): 1, (2, 0): 1}, 1000.0)


def test_who_has_to_leave_takes_a_way_that_is_known() -> None:
    """Arithmetic finds no way of a service whose loads have sizes; one is known, and it leaves."""
    rows = [Row(cost=1, capacity=2), Row(cost=2, capacity=1, place=1)]
    wants = [like(GANG, amount=2.0), like(SERVICE, priority=1, loads=((0, 10.0),))]
    one = sized(problem(rows, wants), [[2.0], [10.0]], [0])
    rows[1] = replace(rows[1], capacity=0)
    before, after = solved(sized(problem(rows, wants), [[2.0], [10.0]], [0])), solved(one)
    assert (used(before), used(after)) == ({(1, 0): 1}, {(0, 0): 2, (1, 1): 1})
    block = [np.array([1])]
    known = ways_in(after.allocation, after.routes, after.unmet, block, one.services.demand)
    for ways, held in (([], used(before)), (known, used(after))):
        assert used(reseated(one, before, no_prices(one), rounds=1, ways=ways)[0]) == held


def test_two_who_stand_together_want_both_units() -> None:
    """One unit is left where each of them wants one: who holds the other is sent off."""
    rows = [
        Row(cost=1, capacity=2),
        Row(cost=5, capacity=5, place=1, zone=1),
        Row(cost=2, capacity=1, place=2, zone=2),
    ]
    zone = Rules(together=(Together(level=Level.ZONE, demands=(0, 1)),))
    one, block = problem(rows, [GANG] * 3, zone), [np.array([0, 1])]
    now = stands(one, (0, 1, 1), (1, 1, 1), (2, 0, 1))
    best = stands(one, (0, 0, 1), (1, 0, 1), (2, 2, 1))
    known = ways_in(best.allocation, best.routes, best.unmet, block, one.services.demand)
    found, saved = reseated(one, now, no_prices(one), rounds=1, blocks=block, ways=known)
    assert saved == pytest.approx(now.cost - best.cost)
    assert used(found) == used(best)


def test_who_reads_of_others_keeps_its_place() -> None:
    """A reader stays, cheap as it would be elsewhere: what it reads is not seen here."""
    rows = [Row(cost=1, capacity=2), Row(cost=5, capacity=1, place=1)]
    one = problem(rows, [GANG, GANG])
    reads = Reads(
        reader=np.array([0], np.int32),
        source=np.array([1], np.int32),
        amount=np.array([1.0]),
        class_of_place=np.zeros(4, np.int32),
        cost=np.zeros((1, 1)),
    )
    plan = stands(one, (0, 1, 1), (1, 0, 1))
    assert used(reseated(one, plan, no_prices(one))[0]) == {(0, 0): 1, (1, 0): 1}
    bound = replace(one, reads=reads)
    assert used(reseated(bound, plan, no_prices(one))[0]) == used(plan)


def test_a_service_takes_the_way_that_is_known() -> None:
    """The holder of the unit moves; the service takes what a bound found for it."""
    rows = [Row(cost=1, capacity=1), Row(cost=9, capacity=5, place=1)]
    one = problem(rows, [like(SERVICE, loads=((0, 10.0),)), like(GANG, data=1.0)])
    best = first_plan(one)
    assert used(best)[0, 0] == 1
    ways = ways_in(best.allocation, best.routes, best.unmet, [np.array([0])], one.services.demand)
    worse = first_plan(one, urgent=[1])
    plan, saved = reseated(one, worse, no_prices(one), rounds=1, ways=ways)
    assert used(worse)[0, 1] == 1
    assert plan.cost == worse.cost - saved
    assert plan.cost <= best.cost


@bounded(40)
@given(case=st.one_of(cases(), ruled_cases()), seed=st.integers(0, 99))
def test_a_plan_stays_whole_and_costs_no_more(case: Case, seed: int) -> None:
    """At any prices no rule of places is broken, nobody is left out, and it is no dearer."""
    one = case.problem
    prices = replace(some_prices(one, seed), unmet=np.zeros(one.demands.count))
    plan = first_plan(one, urgent=[seed % one.demands.count])
    found, saved = reseated(one, plan, prices)
    again, _ = reseated(one, plan, prices)
    assert found.allocation.units.tobytes() == again.allocation.units.tobytes()
    assert ((found.unmet <= 0) | (plan.unmet > 0)).all()
    if not one.is_coupled:
        assert case.violations(found) == []
        lost = _FINE * float(plan.unmet.sum() - found.unmet.sum())
        is_plain = one.tiers is one.stay is one.coverage is None and not one.accounts.count
        if is_plain:  # else prices are part of what is saved, and moves no part of `cost`
            assert found.cost <= plan.cost + lost - saved + 1e-6 * max(plan.cost, 1.0)


@bounded(40)
@given(case=st.one_of(cases(), ruled_cases()), seed=st.integers(0, 99))
def test_what_is_given_back_is_left_again(case: Case, seed: int) -> None:
    """After taking and giving back, in any order, all is as it was."""
    one, random = case.problem, np.random.default_rng(seed)
    plan = first_plan(one)
    blocks = [np.array([demand]) for demand in range(one.demands.count)]
    ways = ways_in(plan.allocation, plan.routes, plan.unmet, blocks, one.services.demand)
    left, fresh = Remainder(one), Remainder(one)
    every = np.arange(one.supply.count, dtype=np.int32)
    for order in (range(len(ways)), random.permutation(len(ways))):
        for demand in order:
            change = left.take if isinstance(order, range) else left.give_back
            change(int(demand), ways[demand].allocation)
    assert np.allclose(left.capacity, fresh.capacity)
    assert np.allclose(left.high, fresh.high)
    assert (left.most == fresh.most).all()
    for demand in range(one.demands.count):
        assert (left.usable(demand, every) == fresh.usable(demand, every)).all()
