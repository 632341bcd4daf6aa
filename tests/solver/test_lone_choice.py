"""Arithmetic and an engine agree on what one gang or batch takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.exact import solve_exact
from solver.lone_choice import Choice, batch_choice, gang_choice
from solver.pairs import enumerate_pairs
from solver.problem import Apart, Family, Level, Problem
from solver.remainder import Remainder
from solver.solution import SearchLimits, Solution
from solver.tiers import Tiers
from tests.solver.tiny import BATCH, GANG, Row, Rules, Want, like, problem, used


def refused(_alone: Problem) -> Solution:
    """Fail: no engine may be asked."""
    raise AssertionError("an engine was asked")


def chosen(one: Problem, gap: float = 0.0) -> Choice | None:
    """What arithmetic takes for a problem of one gang or batch, to the last cent or near it."""
    left, pairs = Remainder(one), enumerate_pairs(one)
    if one.demands.family[0] == Family.GANG:
        return gang_choice(one, left, pairs)
    return batch_choice(one, left, pairs, gap=gap)


def drawn(seed: int) -> Problem:
    """A gang or batch on up to six supplies: pools, owned units, risks, limits, tiers."""
    draw = np.random.default_rng(seed)
    size = int(draw.integers(1, 7))
    rows = []
    for _ in range(size):
        owned = bool(draw.random() < 0.3)
        rows.append(
            Row(
                cost=0.0 if owned else round(float(draw.uniform(1, 9)), 3),
                capacity=float(draw.integers(0, 6)) if draw.random() < 0.8 else np.inf,
                place=int(draw.integers(0, 2)),
                zone=int(draw.integers(-1, 2)),
                kind=int(draw.integers(0, 2)),
                risk=int(not owned and draw.random() < 0.4),
                owned=owned,
                unit_cost=float(draw.integers(0, 3)) * 50,
            )
        )
    is_gang = bool(draw.random() < 0.5)
    want = Want(
        family=Family.GANG if is_gang else Family.BATCH,
        amount=float(draw.integers(1, 6)) * (1 if is_gang else 77),
        hours=float(draw.integers(20, 90)),
        spoilage=1.1,
        risky_share=float(draw.choice([0.0, 0.5, 1.0])),
        data=float(draw.integers(0, 200)),
    )
    members = [one for one in range(size) if draw.random() < 0.6]
    weights = {one: float(draw.integers(1, 3)) for one in members}
    limits = [(weights, float(draw.integers(0, 8)))] if members else []
    one = problem(rows, [want], Rules(limits=limits))
    return tiered(one) if draw.random() < 0.4 else one


def tiered(one: Problem, cost: tuple[float, float] = (2.0, 0.5), end: float = 50.0) -> Problem:
    """Moves to place 1 cost 2 a unit up to 50 units, then 0.5, or others up to another end."""
    tiers = Tiers(
        class_of=np.array([[-1, 0, -1, -1]], np.int32),
        start=np.array([0, 2], np.int64),
        up_to=np.array([end, np.inf]),
        cost=np.array(cost),
    )
    move = np.array([[0.0, 2.0, 1.0, 1.0]])
    return replace(one, tiers=tiers, demands=replace(one.demands, move_cost=move))


@pytest.mark.parametrize("family", [Family.GANG, Family.BATCH])
def test_arithmetic_and_an_engine_agree(family: Family) -> None:
    """On drawn problems both leave as much unmet and pay as much; few batches are given up."""
    answered = asked = 0
    with Engine() as engine:
        for seed in range(160):
            one = drawn(seed)
            if one.demands.family[0] != family:
                continue
            asked += 1
            choice = chosen(one)
            if choice is None:
                continue
            answered += 1
            exact = solve_exact(one, SearchLimits(gap=0.0), engine=engine)
            assert choice.unmet == pytest.approx(exact.unmet[0], abs=1e-5), seed
            assert choice.cost == pytest.approx(exact.cost, rel=1e-5, abs=1e-3), seed
            keeps_what_is_left(one, choice)
    assert answered >= (asked if family == Family.GANG else asked / 3)


@pytest.mark.parametrize("end", [1.0, 50.0])
def test_what_moves_for_nothing_at_first_is_minded(end: float) -> None:
    """A part moves cheaper than its share of all: a choice is near the least all the same."""
    answered = asked = 0
    with Engine() as engine:
        for seed in range(160):
            one = drawn(seed)
            if one.demands.family[0] != Family.BATCH or not one.demands.data_amount[0]:
                continue
            one, asked = tiered(one, cost=(0.0, 2.0), end=end), asked + 1
            choice = chosen(one, gap=0.05)
            if choice is None:
                continue
            answered += 1
            exact = solve_exact(one, SearchLimits(gap=0.0), engine=engine)
            assert choice.unmet == pytest.approx(exact.unmet[0], abs=1e-5), seed
            assert choice.cost <= exact.cost * 1.05 + 1e-3, seed
    assert asked / 3 <= answered < asked


def keeps_what_is_left(one: Problem, choice: Choice) -> None:
    """Capacity and limits hold, and shares add up to what is served."""
    rows = choice.allocation
    units = np.bincount(rows.supply, weights=rows.units, minlength=one.supply.count)
    assert (units <= one.supply.capacity).all()
    for limit in range(one.limits.count):
        part = slice(int(one.limits.start[limit]), int(one.limits.start[limit + 1]))
        held = one.limits.weight[part] @ units[one.limits.supply[part]]
        assert held <= one.limits.high[limit] + 1e-9
    assert float(rows.share.sum()) == pytest.approx(1 - choice.unmet, abs=1e-5)


def test_a_gang_mixes_in_owned_units_where_they_save() -> None:
    """Two of three units stand on what is owned; the third is bought beside them."""
    rows = [Row(cost=0, capacity=2, owned=True), Row(cost=4), Row(cost=3, place=1)]
    one = problem(rows, [like(GANG, amount=3.0, hours=10.0)])
    found = cheapest_first(one, refused)
    assert used(found) == {(0, 0): 2, (0, 1): 1}
    assert found.cost == pytest.approx(40)


def test_a_limit_over_owned_and_bought_units_forbids_the_mix() -> None:
    """Two units in all of that pool: the gang of three goes to the other place."""
    rows = [Row(cost=0, capacity=2, owned=True), Row(cost=4), Row(cost=3, place=1)]
    limit = Rules(limits=[({0: 1.0, 1: 1.0}, 2.0)])
    one = problem(rows, [like(GANG, amount=3.0, hours=10.0)], limit)
    assert used(cheapest_first(one, refused)) == {(0, 2): 3}


def test_a_batch_fills_the_cheapest_first() -> None:
    """One unit of 100 hours at cost 1, the other 50 hours at cost 2."""
    one = problem([Row(cost=2), Row(cost=1, capacity=1)], [BATCH])
    found = cheapest_first(one, refused)
    assert used(found) == {(0, 0): 1, (0, 1): 1}
    assert found.cost == pytest.approx(100 + 2 * 50)


def test_a_batch_that_finds_too_little_room_is_left_in_part() -> None:
    """100 of 150 unit-hours find a unit."""
    found = cheapest_first(problem([Row(cost=1, capacity=1)], [BATCH]), refused)
    assert found.unmet.tolist() == pytest.approx([1 / 3])


def test_whole_units_that_make_the_order_wrong_are_left_to_an_engine() -> None:
    """Two limits in one: the cheaper supply takes twice the quota, so less gets done."""
    limit = Rules(limits=[({0: 2.0, 1: 1.0}, 2.0)])
    one = problem([Row(cost=1), Row(cost=2)], [like(BATCH, amount=200.0)], limit)
    assert chosen(one) is None


def test_apart_minds_every_group_but_ones_own() -> None:
    """Two of a group share a place; the other groups find theirs elsewhere, or nowhere."""
    rows = [Row(cost=1, place=0), Row(cost=2, place=1)]
    rule = Apart(level=Level.PLACE, groups=((0, 2), (1,), (3,)))
    found = cheapest_first(problem(rows, [GANG] * 4, Rules(apart=(rule,))), refused)
    assert used(found) == {(0, 0): 1, (1, 1): 1, (2, 0): 1}
    assert found.unmet.tolist() == [0, 0, 0, 1]
