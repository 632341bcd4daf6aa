"""Moves whose cost depends on the volume of their class, by hand and by trying all choices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from solver.asking import Engine
from solver.exact import solve_exact
from solver.problem import NO_ROW, Problem
from solver.solution import SearchLimits
from solver.tier_steps import reachable_steps
from solver.tiers import Tiers
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, like, problem, solved, used

Steps = Sequence[tuple[float, float]]


def with_tiers(one: Problem, steps: Steps, places: Sequence[int] = (1,)) -> Problem:
    """Bill what goes to `places` as one class; `steps` are (end, cost of one unit)."""
    class_of = np.full(one.demands.move_cost.shape, NO_ROW, np.int32)
    class_of[:, list(places)] = 0
    tiers = Tiers(
        class_of=class_of,
        start=np.array([0, len(steps)], np.int64),
        up_to=np.array([end for end, _ in steps]),
        cost=np.array([cost for _, cost in steps]),
    )
    return replace(one, tiers=tiers)


def bill(steps: Steps, amount: float) -> float:
    """Return the cost of `amount` step by step."""
    starts = [0.0, *(end for end, _ in steps[:-1])]
    return sum(
        cost * max(0.0, min(amount, end) - start)
        for start, (end, cost) in zip(starts, steps, strict=True)
    )


FALLING = [(60.0, 2.0), (np.inf, 0.1)]


def test_moves_share_the_dear_first_step() -> None:
    """Alone each gang stays with its data (190 < 220); together they move (326 < 380)."""
    rows = [Row(cost=1.9), Row(cost=1.0, place=1)]
    gang = like(GANG, data=60.0)
    alone = solved(with_tiers(problem(rows, [gang]), FALLING))
    both = solved(with_tiers(problem(rows, [gang, gang]), FALLING))
    assert used(alone) == {(0, 0): 1}
    assert used(both) == {(0, 1): 1, (1, 1): 1}
    assert both.cost == pytest.approx(2 * 100 + 60 * 2 + 60 * 0.1)
    assert both.gap == 0


def test_steps_are_filled_in_order() -> None:
    """The cheap second step cannot be had without the dear first one."""
    rows = [Row(cost=1.0, place=1)]
    solution = solved(with_tiers(problem(rows, [like(GANG, data=70.0)]), FALLING))
    assert solution.cost == pytest.approx(100 + 120 + 1)


def test_free_units_come_first() -> None:
    """Ten units are free, then each costs 2, beyond 30 each costs 1."""
    steps = [(10.0, 0.0), (30.0, 2.0), (np.inf, 1.0)]
    for data, cost in ((8.0, 0.0), (12.0, 4.0), (31.0, 41.0)):
        one = problem([Row(cost=0.0, place=1)], [like(GANG, data=data)])
        assert solved(with_tiers(one, steps)).cost == pytest.approx(cost)


def test_batch_moves_its_share() -> None:
    """Half the work must leave: half of 120 units are billed in the first step."""
    rows = [Row(cost=1.0, capacity=1), Row(cost=1.0, place=1)]
    one = problem(rows, [like(BATCH, amount=200.0, data=120.0)])
    assert solved(with_tiers(one, FALLING)).cost == pytest.approx(200 + 60 * 2)


def test_a_service_moves_its_data_once_to_every_place() -> None:
    """Three units in one place move 40 once; over two places 40 twice: 60 x 2 + 20 x 0.1."""
    rows = [Row(cost=1.0, place=1), Row(cost=1.0, place=2)]
    for least_places, moved in ((1, 80.0), (2, 122.0)):
        one = problem(rows, [like(SERVICE, data=40.0, least_places=least_places)])
        solution = solved(with_tiers(one, FALLING, (1, 2)))
        assert solution.cost == pytest.approx(300 + moved)


def test_steps_beyond_what_can_be_moved_are_left_out() -> None:
    """Of three steps a total of 50 reaches two, the second up to 50."""
    tiers = with_tiers(
        problem([Row(cost=1.0)], [GANG]), [(10.0, 3.0), (60.0, 2.0), (np.inf, 1.0)]
    ).tiers
    assert tiers is not None
    steps = reachable_steps(tiers, 0, 50.0)
    assert steps.width.tolist() == [10.0, 40.0]
    assert steps.cost.tolist() == [3.0, 2.0]


def test_gangs_match_every_choice_tried() -> None:
    """Random falling steps: the optimum equals the best of all placements."""
    random = np.random.default_rng(7)
    with Engine() as engine:
        for one, steps, rows, data in random_cases(random, 12):
            found = solve_exact(one, SearchLimits(gap=0.0), engine=engine)
            best = min(
                sum(rows[row].cost * 100 for row in choice)
                + bill(steps, sum(gb for row, gb in zip(choice, data, strict=True) if row))
                for choice in product(range(len(rows)), repeat=len(data))
                if all(choice.count(row) <= rows[row].capacity for row in range(len(rows)))
            )
            assert found.cost == pytest.approx(best)
            assert found.bound <= best + 1e-6


def random_cases(
    random: np.random.Generator, count: int
) -> Iterator[tuple[Problem, Steps, list[Row], list[float]]]:
    """Yield problems of four gangs over three supplies, with their steps, rows and data."""
    for _ in range(count):
        ends = np.sort(random.choice(np.arange(10, 200), 3, replace=False)).astype(float)
        costs = np.sort(random.uniform(0.0, 3.0, 3))[::-1]
        costs[0] *= random.random() < 0.6
        steps = [*zip(ends, costs, strict=True), (np.inf, costs[2] / 2)]
        rows = [
            Row(cost=float(random.uniform(1, 4)), capacity=float(random.integers(1, 5)), place=0),
            Row(
                cost=float(random.uniform(0.5, 2)), capacity=float(random.integers(2, 5)), place=1
            ),
            Row(cost=float(random.uniform(0.5, 2)), capacity=5.0, place=2),
        ]
        data = [float(random.integers(5, 120)) for _ in range(4)]
        wants = [like(GANG, data=gb) for gb in data]
        yield with_tiers(problem(rows, wants), steps, (1, 2)), steps, rows, data
