"""Bounds of blocks: what many relaxed in one model say is what each says by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from solver.asking import Asked, Engine
from solver.block_bounds import BlockBounds, _will_do
from solver.block_dialogues import Solved
from solver.block_models import BlockModels
from solver.blocks import Longs, blocks_of
from solver.certificate import Certifier, farthest
from solver.pairs import Pairs
from solver.preferences import Stay
from solver.prices import Prices, no_prices, priced
from solver.problem import Apart, Level, Problem, Together
from solver.relaxation import service_of
from tests.solver.random_problems import unchecked
from tests.solver.tiny import GANG, SERVICE, Row, Rules, like, problem
from tests.solver.watched import Watched


def test_services_relaxed_together_are_bounded_as_each_alone() -> None:
    """Loads of 3, 5 and 7 units at 1 an hour, and a rule that keeps them apart: no matter."""
    wants = [like(SERVICE, loads=[(0, load)]) for load in (30.0, 50.0, 70.0)]
    apart = (Apart(level=Level.PLACE, groups=((0,), (1,), (2,))),)
    one = problem([Row(cost=1, place=0), Row(cost=2, place=1)], wants, Rules(apart=apart))
    prices = no_prices(one)
    prices.unmet[:] = np.inf
    blocks, alone = blocks_of(one).models, []
    with Engine() as engine:
        bounds = BlockBounds(one, np.zeros(3), engine)
        together = bounds.relaxed(priced(one, prices), prices, blocks, unchecked)
        for block in blocks:
            fresh = BlockBounds(one, np.zeros(3), engine)
            alone += fresh.relaxed(priced(one, prices), prices, [block], unchecked)
    assert [found.bound for found in together] == pytest.approx([300.0, 500.0, 700.0])
    assert [found.bound for found in together] == pytest.approx([found.bound for found in alone])


def one_of(
    bounds: BlockBounds, problem: Problem, prices: Prices, block: Longs, gap: float
) -> Solved:
    """What is found of one block."""
    [found] = bounds.solved_each(problem, prices, [block], gap)
    return found


class Counting(BlockModels):
    """Counts the blocks whose pairs are looked for."""

    looked_for = 0

    def pairs_of(self, problem: Problem, blocks: Sequence[Longs]) -> Iterator[Pairs]:
        """Count the blocks, then find their pairs."""
        self.looked_for += len(blocks)
        return super().pairs_of(problem, blocks)


def test_pairs_are_looked_for_once_at_the_same_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Relaxations that are known are not made again, nor are their pairs; at others they are."""
    monkeypatch.setattr("solver.block_bounds.BlockModels", Counting)
    one = problem([Row(cost=1), Row(cost=2, place=1)], [SERVICE, SERVICE])
    prices = replace(no_prices(one), unmet=np.full(2, np.inf))
    other = replace(prices, capacity=np.array([0.5, 0.0]))
    blocks = blocks_of(one).models
    with Engine() as engine:
        bounds = BlockBounds(one, np.zeros(2), engine)
        models = bounds._blocks
        assert isinstance(models, Counting)
        first = bounds.relaxed(priced(one, prices), prices, blocks, unchecked)
        again = bounds.relaxed(priced(one, prices), prices, blocks, unchecked)
        assert models.looked_for == 2
        assert again == first
        dearer = bounds.relaxed(priced(one, other), other, blocks, unchecked)
        assert models.looked_for == 4
    assert all(now.bound > then.bound for now, then in zip(dearer, first, strict=True))


def test_a_home_that_is_cheaper_to_leave_is_bounded_anew() -> None:
    """Three units at 1 an hour away from home and a move at 10, whatever a move cost before."""
    home = Stay(demand=np.array([0], np.int32), supply=(np.array([1]),), cost=np.array([10.0]))
    one = problem([Row(cost=1), Row(cost=9)], [SERVICE])
    one, bounds = replace(one, stay=replace(home, most=1.0)), []
    with Engine() as engine:
        certifier = Certifier(one, service_of(one, np.zeros(1), np.zeros(1)), engine)
        for price in (5000.0, 0.0):
            prices = replace(no_prices(one), moves=price, unmet=np.array([np.inf]))
            bounds.append(certifier.certify(prices, unchecked).bound)
    assert bounds == pytest.approx([2700 - 5000, 310], rel=1e-3)


def test_a_small_block_may_take_more_nodes_than_large_ones() -> None:
    """A node of a small model costs next to nothing, and one left open may be worth a lot."""
    one = problem([Row(cost=1), Row(cost=2, place=1)], [SERVICE])
    prices = replace(no_prices(one), unmet=np.array([np.inf]))
    with Engine() as engine:
        bounds = BlockBounds(one, np.zeros(1), engine)
        found = one_of(bounds, priced(one, prices), prices, np.array([0]), 1.0)
    assert found.bound == pytest.approx(300.0)
    assert found.nodes > 2000


@pytest.mark.parametrize("rules", [Rules(), Rules(limits=[({0: 1.0}, 6.0)])])
def test_gangs_that_stand_together_have_to_fit_together(rules: Rules) -> None:
    """Either fits on six units at 1 an hour, by capacity or by a limit, and not both."""
    rows = [Row(cost=1, capacity=6 if not rules.limits else np.inf), Row(cost=2, place=1)]
    together = (Together(level=Level.PLACE, demands=(0, 1)),)
    one = problem(rows, [like(GANG, amount=4.0)] * 2, replace(rules, together=together))
    prices = replace(no_prices(one), unmet=np.full(2, np.inf))
    (block,) = blocks_of(one).models
    with Engine() as engine:
        bounds = BlockBounds(one, np.zeros(2), engine)
        found = one_of(bounds, priced(one, prices), prices, block, 1.0)
    assert found.bound == pytest.approx(1600.0)


@pytest.mark.parametrize("rules", [Rules(), Rules(limits=[({0: 2.0}, 5.0)])])
def test_a_service_pays_for_what_cheap_pools_do_not_hold(rules: Rules) -> None:
    """Four units, of which two are at 1 an hour, by capacity or by a limit, and all at 3."""
    rows = [Row(cost=1, capacity=np.inf if rules.limits else 2), Row(cost=3, zone=1)]
    one = problem(rows, [like(SERVICE, loads=[(0, 35.0)])], rules)
    prices = replace(no_prices(one), unmet=np.array([np.inf]))
    with Engine() as engine:
        bounds = BlockBounds(one, np.zeros(1), engine)
        (relaxed,) = bounds.relaxed(priced(one, prices), prices, [np.array([0])], unchecked)
        found = one_of(bounds, priced(one, prices), prices, np.array([0]), 1.0)
    assert relaxed.bound >= 200 + 1.5 * 300 - 1
    assert found.bound == pytest.approx(200 + 2 * 300)
    assert found.way is not None
    assert found.way.allocation.units.tolist() == [2, 2]


def test_what_is_left_between_bound_and_way_is_known() -> None:
    """Nothing, where a model is solved; without end, where it was only relaxed."""
    one = problem([Row(cost=1), Row(cost=2, place=1)], [SERVICE])
    prices = replace(no_prices(one), unmet=np.array([np.inf]))
    with Engine() as engine:
        bounds = BlockBounds(one, np.zeros(1), engine)
        asked = priced(one, prices), prices
        relaxed = bounds.relaxed(*asked, [np.array([0])], unchecked)
        solved = one_of(bounds, *asked, np.array([0]), 1.0)
    assert relaxed[0].above == np.inf
    assert solved.above == pytest.approx(0.0, abs=1.0)


class Counted(Watched):
    """Counts the models it solves."""

    solved = 0

    def before(self, asked: Asked) -> None:
        """Count."""
        self.solved += asked.request[0] == "integer"


def test_back_at_the_prices_before_nothing_is_solved_again() -> None:
    """A bound at other prices may be worse, and the search goes on from the one before."""
    one = problem([Row(cost=1), Row(cost=2, place=1)], [SERVICE])
    here = replace(no_prices(one), unmet=np.array([np.inf]))
    there = replace(here, capacity=np.array([50.0, 0.0]))
    with Counted() as engine:
        bounds, found = BlockBounds(one, np.zeros(1), engine), []
        for prices in (here, there, here, there):
            bounds.relaxed(priced(one, prices), prices, [np.array([0])], unchecked)
            found.append(one_of(bounds, priced(one, prices), prices, np.array([0]), 1.0))
            found.append(one_of(bounds, priced(one, prices), prices, np.array([0]), 1.0))
        count = engine.solved
        (way,) = bounds.ways()
    assert found[4:] == found[:4]
    assert found[0].bound < found[2].bound
    assert found[2].way is not None
    assert way is found[2].way
    first = Counted()
    with first:
        for prices in (here, there):
            fresh = BlockBounds(one, np.zeros(1), first)
            one_of(fresh, priced(one, prices), prices, np.array([0]), 1.0)
    assert count == first.solved


def test_who_came_near_enough_is_not_solved_for_a_smaller_gap() -> None:
    """Proven to the end when much less was asked for."""
    one = problem([Row(cost=1), Row(cost=2, place=1)], [SERVICE])
    prices = replace(no_prices(one), unmet=np.array([np.inf]))
    with Counted() as engine:
        bounds = BlockBounds(one, np.zeros(1), engine)
        wide = one_of(bounds, priced(one, prices), prices, np.array([0]), 10.0)
        before = engine.solved
        assert wide.above == pytest.approx(0.0, abs=1e-6)
        assert one_of(bounds, priced(one, prices), prices, np.array([0]), 1e-6) is wide
        assert engine.solved == before


def test_bounds_at_the_oldest_prices_are_forgotten() -> None:
    """Two are remembered, those seen last: a third takes the place of the one seen longest ago."""
    one = problem([Row(cost=1), Row(cost=2, place=1)], [SERVICE])
    prices = [
        replace(no_prices(one), capacity=np.array([price, 0.0]), unmet=np.array([np.inf]))
        for price in (0.0, 10.0, 20.0)
    ]
    counts = []
    with Counted() as engine:
        bounds = BlockBounds(one, np.zeros(1), engine)
        for at in (0, 1, 0, 2, 0, 1):
            before = engine.solved
            one_of(bounds, priced(one, prices[at]), prices[at], np.array([0]), 1.0)
            counts.append(engine.solved > before)
    assert counts == [True, True, False, True, False, True]


def test_the_size_of_a_model_is_known_relaxed_and_solved() -> None:
    """Three places at 1, 2 and 3 an hour, none of which stands in for another."""
    rows = [Row(cost=1 + place, capacity=1, place=place) for place in range(3)]
    one = problem(rows, [SERVICE])
    prices = replace(no_prices(one), unmet=np.array([np.inf]))
    with Engine() as engine:
        bounds = BlockBounds(one, np.zeros(1), engine)
        asked = priced(one, prices), prices
        (relaxed,) = bounds.relaxed(*asked, [np.array([0])], unchecked)
        solved = one_of(bounds, *asked, np.array([0]), 1.0)
        (again,) = bounds.relaxed(*asked, [np.array([0])], unchecked)
    assert (relaxed.pairs, solved.pairs, again.pairs) == (3, 3, 3)
    assert again.way is solved.way


@pytest.mark.parametrize("back", [False, True])
def test_what_cannot_be_served_whole_is_bounded_anew(back: bool) -> None:
    """What was known before it was found out is of serving more than can be served."""
    one = problem([Row(cost=1), Row(cost=2, place=1)], [SERVICE])
    here = replace(no_prices(one), unmet=np.array([np.inf]))
    there = replace(here, capacity=np.array([50.0, 0.0]))
    forced, found = np.zeros(1), []
    with Engine() as engine:
        bounds = BlockBounds(one, forced, engine)
        for prices in (here, there, here) if back else (here, here):
            found += bounds.relaxed(priced(one, prices), prices, [np.array([0])], unchecked)
            one_of(bounds, priced(one, prices), prices, np.array([0]), 1.0)
            forced[0] = 1 / 3  # of a load of 25, ten a unit
    assert found[0].bound == pytest.approx(300.0)
    assert found[-1].bound == pytest.approx(500 / 3)


def test_of_two_blocks_as_far_the_smaller_is_solved_first() -> None:
    """Of 100 pairs and of 10, both 8 away; who is 50 away is first; 9 may be given away."""
    above = np.array([8.0, 8.0, 50.0, 3.0])
    assert farthest(above, [100, 10, 20, 10], 9.0) == [2, 1, 3]
    unknown = np.array([np.inf, np.inf, 1.0])
    assert farthest(unknown, [9, 4, 1], 9.0) == [1, 0]
    assert farthest(np.array([1.0, 2.0]), [1, 0], 3.0) == []


def test_a_bound_that_is_near_is_no_way() -> None:
    """Where no way was found, the block is solved again, however near the engine came."""
    near = Solved(bound=100.0, way=None, above=0.0, gap=0.05, nodes=50)
    assert not _will_do(near, 0.01, 2000)
    assert _will_do(near, 0.05, 50)


def test_a_bound_minds_the_sizes_of_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two services the small one needs the cheapest unit alone, the other all three."""
    asked: list[Sequence[int]] = []

    def noted(*given: Any) -> list[int]:
        asked.append(given[1])
        return farthest(*given)

    monkeypatch.setattr("solver.certificate.farthest", noted)
    rows = [Row(cost=1 + place, capacity=1, place=place) for place in range(3)]
    one = problem(rows, [like(SERVICE, loads=((0, 5.0),)), SERVICE])
    prices = replace(no_prices(one), unmet=np.full(2, np.inf))
    with Engine() as engine:
        service = service_of(one, np.zeros(2), np.zeros(2))
        Certifier(one, service, engine).certify(prices, unchecked)
        bounds = BlockBounds(one, np.zeros(2), engine)
        known = bounds.relaxed(priced(one, prices), prices, blocks_of(one).models, unchecked)
    assert asked == [[found.pairs for found in known]]
    assert asked[0][0] < asked[0][1]
