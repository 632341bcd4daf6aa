"""What a point says of demands, read as a way, gives the point back; masters combine ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.blocks import blocks_of
from solver.compact import build_compact
from solver.compact_columns import NONE, Compact
from solver.decode import decode
from solver.effort import Effort
from solver.master import build_master
from solver.model import Model
from solver.pairs import enumerate_pairs
from solver.problem import Floats, Problem
from solver.slices import slice_demands
from solver.ways import Encoder, nothing, way_of, ways_in
from tests.solver.random_problems import Case, bounded, cases, ruled_cases
from tests.solver.tiny import GANG, SERVICE, Row, problem


def some_point(one: Problem, engine: Engine) -> tuple[Compact, Model, Floats]:
    """Return the model over every pair, and the plan that is best when unmet costs a lot."""
    compact = build_compact(one, enumerate_pairs(one))
    model = compact.builder.build()
    cost = model.cost.copy()
    cost[compact.unmet] += 1e6
    fined = Model(**{name: getattr(model, name) for name in model.__slots__} | {"cost": cost})
    answer = engine.solve_integer(fined, Effort(gap=0.01, nodes=200))
    return compact, model, np.where(model.integral, np.rint(answer.x), answer.x)


@bounded(40)
@given(st.one_of(cases(), ruled_cases()))
def test_a_way_gives_its_columns_back(engine: Engine, case: Case) -> None:
    """Units, shares and unmet parts come back as they were, whatever kind of demand."""
    one = case.problem
    compact, _, x = some_point(one, engine)
    every = np.arange(one.demands.count)
    way = way_of(compact, x, slice_demands(one, every))
    column, value = Encoder(compact).encode(way)
    back = np.zeros(len(x))
    back[column] = value
    assert len(np.unique(column)) == len(column)
    for named in (compact.main, compact.mixed[compact.mixed != NONE], compact.unmet):
        assert back[named] == pytest.approx(x[named], abs=1e-5)
    for columns in compact.services.values():
        flow = np.unique(columns.flow[columns.flow != NONE])
        assert back[flow].sum() == pytest.approx(x[flow].sum(), rel=1e-4, abs=1e-4)


def test_a_way_over_a_pair_the_model_lacks_is_refused(engine: Engine) -> None:
    """It is not encoded in part."""
    one = problem([Row(cost=1), Row(cost=2)], [GANG])
    compact, _, x = some_point(one, engine)
    way = way_of(compact, x, slice_demands(one, np.array([0])))
    pairs = enumerate_pairs(one)
    with pytest.raises(KeyError, match="lacks a pair"):
        Encoder(build_compact(one, pairs.keep(pairs.supply == 1))).encode(way)


def test_ways_are_known_by_what_they_hold() -> None:
    """Nothing for one demand is nothing again, and not nothing for another."""
    first = nothing(np.array([0]))
    assert first.key == nothing(np.array([0])).key != nothing(np.array([1])).key


def holds(model: Model, x: Floats) -> bool:
    """Whether a point keeps every row and every end of its columns."""
    activity = np.bincount(
        model.row, weights=model.value * x[model.column], minlength=len(model.row_low)
    )
    slack = 1e-5 * np.maximum(1.0, np.abs(activity))
    rows = (activity >= model.row_low - slack) & (activity <= model.row_high + slack)
    return bool(rows.all() and (x >= model.low - 1e-6).all() and (x <= model.high + 1e-6).all())


@bounded(40)
@given(st.one_of(cases(), ruled_cases()))
def test_a_point_of_the_master_is_one_of_the_model(engine: Engine, case: Case) -> None:
    """It keeps every row of units, shares and what is shared, at the master's cost."""
    one = case.problem
    compact, model, x = some_point(one, engine)
    blocks = blocks_of(one).models
    plan = decode(compact, x)
    ways = [nothing(block) for block in blocks]
    ways += ways_in(*plan, blocks, one.services.demand)
    master = build_master(compact, model, blocks, ways)
    answer = engine.solve_integer(master.model, Effort(gap=0.01))
    point = master.point(answer.x)
    assert float(model.cost @ point) == pytest.approx(answer.objective, rel=1e-6, abs=1e-4)
    shared = [row for rows in compact.rows.values() for row in rows[rows != NONE].tolist()]
    activity = np.bincount(
        model.row, weights=model.value * point[model.column], minlength=len(model.row_low)
    )
    assert (
        activity[shared] <= model.row_high[shared] + 1e-5 * np.abs(activity[shared]) + 1e-5
    ).all()


def test_a_row_that_one_block_alone_reaches_binds_the_master(engine: Engine) -> None:
    """A way of three units was found without the capacity of two: the master refuses it."""
    free = problem([Row(cost=1), Row(cost=9, place=1)], [SERVICE])
    compact, _, x = some_point(free, engine)
    way = way_of(compact, x, slice_demands(free, np.array([0])))
    tight = problem([Row(cost=1, capacity=2), Row(cost=9, place=1)], [SERVICE])
    compact = build_compact(tight, enumerate_pairs(tight))
    model = compact.builder.build()
    block = np.array([0])
    master = build_master(compact, model, (block,), [nothing(block), way])
    answer = engine.solve_integer(master.model, Effort(gap=0.0))
    assert holds(model, master.point(answer.x))
    assert master.point(answer.x)[compact.unmet].tolist() == [1.0]
    forced = np.where(np.arange(len(master.model.cost)) == len(master.kept) + 1, -1e6, 0.0)
    wanted = Model(
        **{name: getattr(master.model, name) for name in model.__slots__} | {"cost": forced}
    )
    assert engine.solve_integer(wanted, Effort(gap=0.0)).objective == pytest.approx(0.0)
