"""Columns that link demands, by arithmetic: they cost what the engine makes them cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.compact import build_compact
from solver.compact_columns import NONE, owners
from solver.effort import Effort
from solver.links import settled
from solver.neighbourhood import Incumbent
from solver.preferences import Stay
from solver.problem import Apart, Level, Measure, Problem, Reads, ShareCap, Together
from solver.tiers import Tiers
from tests.solver.random_problems import Case, bounded, ruled_cases
from tests.solver.tiny import BATCH, GANG, Row, Rules, account, like, problem

#: Dearer than anything that serves a demand of these problems.
_FINE = 1e6

ROWS = [Row(cost=1, capacity=2), Row(cost=2, place=1, capacity=2), Row(cost=3, place=2)]


def both_ways(one: Problem, engine: Engine) -> tuple[float, float | None]:
    """Return what links cost in a plan that serves most: by the engine, and by arithmetic."""
    compact = build_compact(one)
    model = compact.builder.build()
    owner = owners(compact)
    links = np.flatnonzero(owner == NONE)
    fined = model.cost.copy()
    fined[compact.unmet] += _FINE
    x = engine.solve_integer(replace(model, cost=fined), Effort(gap=0.0)).x
    plan = Incumbent(model, owner, np.where(model.integral, np.rint(x), x))
    known = settled(compact, model, links, plan.x)
    if known is not None and len(links):
        plan.take(plan.cut_links(), known)
        assert plan.keeps(plan.rows_of(links))
    cost = model.cost[links]
    return float(cost @ x[links]), None if known is None else float(cost @ known)


def reading(one: Problem, edges: Sequence[tuple[int, int]]) -> Problem:
    """Let demands read 100 of each other: (reader, source); places are 1, 2, ... apart."""
    at = np.arange(4)
    return replace(
        one,
        reads=Reads(
            reader=np.array([edge[0] for edge in edges], np.int32),
            source=np.array([edge[1] for edge in edges], np.int32),
            amount=np.full(len(edges), 100.0),
            class_of_place=at.astype(np.int32),
            cost=np.abs(at[:, None] - at[None, :]).astype(np.float64),
        ),
    )


def linked() -> Problem:
    """Return a problem with a class of moves, reads, caps, a missed low, switches and moves."""
    wants = [like(GANG, amount=2.0, data=40.0), like(BATCH, amount=300.0, data=80.0), GANG]
    rules = Rules(
        together=(Together(level=Level.PLACE, demands=(2,)),),
        apart=(Apart(level=Level.PLACE, groups=((0,), (2,))),),
    )
    one = reading(problem(ROWS, wants, rules), [(1, 0), (2, 1)])
    class_of = np.full(one.demands.move_cost.shape, -1, np.int32)
    class_of[:, 1:] = 0
    low = account([1.0, 1.0, 0.0], measure=Measure.COST, low=5000.0)
    return replace(
        one,
        accounts=replace(low, slack_cost=np.array([0.5])),
        shares=(ShareCap(measure=Measure.HOURS, most=0.9, scope=np.arange(3, dtype=np.int32)),),
        tiers=Tiers(
            class_of=class_of,
            start=np.array([0, 3]),
            up_to=np.array([30.0, 60.0, np.inf]),
            cost=np.array([0.0, 2.0, 0.5]),
        ),
        stay=Stay(
            demand=np.array([0, 2], np.int32),
            supply=(np.array([0], np.int32), np.array([1], np.int32)),
            cost=np.array([10.0, 10.0]),
            most=np.inf,
            unbilled=3.0,
        ),
        most_cost=1e5,
    )


def test_every_kind_of_link_costs_what_the_engine_says(engine: Engine) -> None:
    """Steps in order, one end of each read at one place, a slack of what is missing, and more."""
    by_engine, known = both_ways(linked(), engine)
    assert known == pytest.approx(by_engine, abs=1e-3)
    assert by_engine > 0


def test_a_read_with_several_places_at_both_ends_is_the_engines(engine: Engine) -> None:
    """Two batches, each divided over two of four places: which part goes where is a choice."""
    rows = [Row(cost=1.0 + place, place=place, capacity=1) for place in range(4)]
    one = reading(problem(rows, [like(BATCH, amount=200.0)] * 2), [(1, 0)])
    assert both_ways(one, engine)[1] is None


@bounded(30)
@given(case=ruled_cases(), edge=st.booleans())
def test_links_cost_what_the_engine_says(engine: Engine, case: Case, edge: bool) -> None:
    """Under one or two rules, and with a read that no spec states."""
    one = case.problem
    ends = np.flatnonzero(one.demands.family != 1)
    if edge and one.reads is None and len(ends) > 1:
        classes = len(one.owner_of_place)
        apart = np.abs(np.arange(classes)[:, None] - np.arange(classes)[None, :])
        one = replace(
            one,
            reads=Reads(
                reader=ends[1:2].astype(np.int32),
                source=ends[:1].astype(np.int32),
                amount=np.array([70.0]),
                class_of_place=np.arange(classes, dtype=np.int32),
                cost=apart.astype(np.float64),
            ),
        )
    by_engine, known = both_ways(one, engine)
    if known is not None:
        assert known == pytest.approx(by_engine, rel=1e-5, abs=1e-2)
