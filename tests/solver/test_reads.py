"""Demands that read what others write, on problems solved by hand and by trying everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.compact import build_compact
from solver.effort import Effort
from solver.exact import solve_exact
from solver.pairs import enumerate_pairs
from solver.problem import Apart, Level, Measure, Problem, Reads, ShareCap
from solver.read_reductions import without_dominated
from solver.solution import SearchLimits
from tests.solver.tiny import (
    BATCH,
    GANG,
    Row,
    Rules,
    account,
    like,
    problem,
    solved,
    used,
)

#: A gang of one unit works 100 hours: 100 at place 0, 300 at place 1.
ROWS = [Row(cost=1), Row(cost=3, place=1)]
EACH = np.arange(4, dtype=np.int32)


def reading(
    one: Problem,
    *edges: tuple[int, int, float],
    cost: Sequence[Sequence[float]] | None = None,
    class_of_place: Sequence[int] = tuple(EACH),
) -> Problem:
    """Let demands read: (reader, source, amount); any two places are 1 apart."""
    table = np.ones((4, 4)) if cost is None else np.array(cost, np.float64)
    return replace(
        one,
        reads=Reads(
            reader=np.array([edge[0] for edge in edges], np.int32),
            source=np.array([edge[1] for edge in edges], np.int32),
            amount=np.array([edge[2] for edge in edges]),
            class_of_place=np.array(class_of_place, np.int32),
            cost=table,
        ),
    )


def test_reader_follows_its_data_where_moving_costs_more() -> None:
    """One unit only at place 0: apart 100 + 300 + 500 moved, together at place 1: 600."""
    rows = [Row(cost=1, capacity=1), Row(cost=3, place=1)]
    solution = solved(reading(problem(rows, [GANG, GANG]), (1, 0, 500.0)))
    assert solution.cost == pytest.approx(600)
    assert set(used(solution)) == {(0, 1), (1, 1)}


def test_reader_stands_apart_where_moving_costs_less() -> None:
    """With 50 to move it is 100 + 300 + 50."""
    rows = [Row(cost=1, capacity=1), Row(cost=3, place=1)]
    solution = solved(reading(problem(rows, [GANG, GANG]), (1, 0, 50.0)))
    assert solution.cost == pytest.approx(450)


def test_parts_of_a_batch_read_the_part_beside_them() -> None:
    """Both of 150 hours, 100 hours of one unit at place 0: writer and reader split alike."""
    rows = [Row(cost=1, capacity=2), Row(cost=3, place=1)]
    solution = solved(reading(problem(rows, [BATCH, BATCH]), (1, 0, 900.0)))
    # 75 hours each at place 0 fit the two units: whole units, so one each, 100 + 3 x 50 each
    assert solution.cost == pytest.approx(2 * (100 + 150))


def test_a_reader_is_served_as_far_as_its_source() -> None:
    """The writer gets 100 of 150 hours, so two thirds of the reader at most."""
    rows = [Row(cost=1, capacity=1), Row(cost=1, capacity=2, kind=1)]
    one = problem(rows, [BATCH, BATCH])
    demands = one.demands
    kinds = demands.mode_amount.copy()
    kinds[1] = kinds[2] = 1e9  # the writer runs on kind 0 alone, the reader on kind 1
    one = replace(one, demands=replace(demands, mode_amount=kinds))
    solution = solved(reading(one, (1, 0, 0.0)))
    assert solution.unmet.tolist() == pytest.approx([1 / 3, 1 / 3], abs=1e-5)


def test_a_reader_of_what_cannot_run_is_left_out() -> None:
    """The source fits nowhere, so neither its reader nor the reader's reader is placed."""
    one = problem(ROWS, [like(GANG, hours=200.0), GANG, GANG, GANG])
    solution = solved(reading(one, (1, 0, 1.0), (2, 1, 1.0)))
    assert solution.unmet.tolist() == [1.0, 1.0, 1.0, 0.0]


def test_where_data_cannot_go_the_two_stand_together() -> None:
    """No way from place 0 to 1: both at place 1, though one unit is free at 0."""
    rows = [Row(cost=1, capacity=1), Row(cost=3, place=1)]
    table = [[0.0 if one == other else np.inf for one in range(4)] for other in range(4)]
    solution = solved(reading(problem(rows, [GANG, GANG]), (1, 0, 1.0), cost=table))
    assert solution.cost == pytest.approx(600)


def test_cheapest_first_keeps_no_reader_of_what_it_left_out() -> None:
    """The reader has the higher priority and takes the only unit; nothing is left to read."""
    one = problem([Row(cost=1, capacity=1)], [GANG, like(GANG, priority=1)])
    with Engine() as engine:
        first = cheapest_first(
            reading(one, (1, 0, 1.0)),
            lambda alone: solve_exact(alone, SearchLimits(), engine=engine),
        )
    assert first.unmet.tolist() == [1.0, 1.0]
    assert used(first) == {}


Case = tuple[list[tuple[float, int]], list[tuple[int, int, float]], list[list[float]]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw prices at places, reads of four gangs, and costs between two classes of places."""
    price = st.integers(1, 9)
    rows = [
        (float(draw(price)), place) for place in range(4) for _ in range(draw(st.integers(1, 2)))
    ]
    edges = [
        (reader, source, float(draw(st.integers(0, 900))))
        for reader in range(1, 4)
        for source in range(reader)
        if draw(st.integers(0, 2))
    ]
    table = [[draw(st.integers(0, 4)) / 4 for _ in range(2)] for _ in range(2)]
    return rows, edges or [(1, 0, 300.0)], table


def tried(case: Case) -> float:
    """Return the least cost over every way to stand."""
    rows, edges, table = case
    best = np.inf
    for chosen in product(range(len(rows)), repeat=4):
        cost = sum(100 * rows[row][0] for row in chosen)
        for reader, source, amount in edges:
            here, there = rows[chosen[source]][1], rows[chosen[reader]][1]
            cost += amount * table[here // 2][there // 2] * (here != there)
        best = min(best, cost)
    return best


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(case=cases())
def test_as_good_as_trying_everything(case: Case, engine: Engine) -> None:
    """Four gangs on up to eight supplies, with and without the reductions."""
    rows, edges, table = case
    one = reading(
        problem([Row(cost=cost, place=place) for cost, place in rows], [GANG] * 4),
        *edges,
        cost=table,
        class_of_place=[0, 0, 1, 1],
    )
    best = tried(case)
    assert solve_exact(one, SearchLimits(gap=0.0), engine=engine).cost == pytest.approx(best)
    compact = build_compact(one, enumerate_pairs(one))
    model = compact.builder.build()
    model.high[compact.unmet] = 0.0
    whole = engine.solve_integer(model, Effort(gap=0.0, nodes=None, seconds=None))
    assert whole.objective == pytest.approx(best)


def left(one: Problem) -> int:
    """Return how many pairs the reductions leave."""
    return without_dominated(one, enumerate_pairs(one)).count


def test_what_no_move_can_make_worthwhile_is_dropped() -> None:
    """Place 1 is 200 dearer; a read of 150 cannot make up for that, one of 250 can."""
    assert left(reading(problem(ROWS, [GANG, GANG]), (1, 0, 150.0))) == 2
    assert left(reading(problem(ROWS, [GANG, GANG]), (1, 0, 250.0))) == 4
    rows = [Row(cost=1, capacity=1), Row(cost=3, place=1)]
    assert left(reading(problem(rows, [GANG, GANG]), (1, 0, 150.0))) == 4


@pytest.mark.parametrize(
    "coupled",
    [
        lambda one: replace(one, most_cost=1e6),
        lambda one: replace(
            one,
            shares=(ShareCap(measure=Measure.COST, most=0.9, scope=np.array([0, 1], np.int32)),),
        ),
        lambda one: replace(one, apart=(Apart(level=Level.PLACE, groups=((0,), (1,))),)),
        lambda one: replace(one, accounts=account([0.0, 1.0], measure=Measure.COST, low=50.0)),
        lambda one: replace(
            one, limits=problem(ROWS, [GANG], Rules(limits=[({0: 1.0}, 1.0)])).limits
        ),
    ],
    ids=["cost limit", "share cap", "apart", "commitment", "quota"],
)
def test_nothing_another_rule_may_need_is_dropped(coupled: Callable[[Problem], Problem]) -> None:
    """A pair that some row of the plan speaks of stays, or so does what it would give way to."""
    one = reading(problem(ROWS, [GANG, GANG]), (1, 0, 150.0))
    assert left(coupled(one)) == 4
