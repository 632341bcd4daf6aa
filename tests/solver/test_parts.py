"""Pairs, models, scopes and the backend, each by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver.backend import solve_integer, solve_linear
from solver.effort import Effort, Outcome
from solver.model import ModelBuilder
from solver.pairs import enumerate_pairs, most_units
from solver.problem import NO_ROW, Level
from solver.scopes import scope_of, scopes_touched
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem


def test_pairs_name_every_admitted_supply_with_its_coefficients() -> None:
    """A risky supply costs its spoilage on gangs and batch and carries less for services."""
    rows = [Row(cost=2), Row(cost=1, risk=1)]
    wants = [like(GANG, amount=3, hours=50, spoilage=1.25), like(BATCH, spoilage=1.25)]
    wants.append(like(SERVICE, spoilage=1.25))
    pairs = enumerate_pairs(problem(rows, wants))
    assert pairs.demand.tolist() == [0, 0, 1, 1, 2, 2]
    assert pairs.amount.tolist() == [3, 3, 150, 187.5, 10, 8]
    assert pairs.compute.tolist() == [300, 187.5, 300, 187.5, 200, 100]


def test_pairs_that_cannot_fit_are_left_out() -> None:
    """A gang of three does not pair with a pool of two, nor under a limit of two."""
    rows = [Row(cost=1, capacity=2), Row(cost=1), Row(cost=1)]
    one = problem(rows, [like(GANG, amount=3)], Rules(limits=[({1: 2.0}, 5.0)]))
    assert enumerate_pairs(one).supply.tolist() == [2]
    assert most_units(one).tolist() == [2.0, 2.0, np.inf]


def test_machine_kinds_meet_their_own_mode_only() -> None:
    """Each pair's mode names the kind of its supply."""
    one = problem([Row(cost=1, kind=1), Row(cost=1, kind=0)], [GANG, SERVICE])
    pairs = enumerate_pairs(one)
    kinds = one.demands.mode_kind[pairs.mode]
    assert kinds.tolist() == one.supply.kind[pairs.supply].tolist()


def test_pairs_are_those_of_each_mode_by_itself() -> None:
    """All modes at once find what `Problem.supplies_of` finds; a kind nobody sells finds none."""
    rows = [Row(cost=1, kind=1), Row(cost=2, kind=0), Row(cost=3, kind=1)]
    one = problem(rows, [GANG, SERVICE, BATCH])
    kinds = one.demands.mode_kind.copy()
    kinds[1] = NO_ROW
    one = replace(one, demands=replace(one.demands, mode_kind=kinds))
    pairs = enumerate_pairs(one)
    for mode in range(len(kinds)):
        assert pairs.supply[pairs.mode == mode].tolist() == one.supplies_of(mode).tolist()
    assert (pairs.mode != 1).all()


def test_entries_are_ordered_by_row_and_column_whatever_their_blocks() -> None:
    """As a dense matrix would hold them, sums in the order in which they were added."""
    random = np.random.default_rng(2)
    builder = ModelBuilder()
    x = builder.add(np.ones(30), high=np.linspace(1, 2, 30), integral=True)
    rows = builder.rows(20, low=-np.inf, high=7.0)
    dense = np.zeros((20, 30))
    for _ in range(40):
        row, column = random.integers(0, 20, 9), random.integers(0, 30, 9)
        value = random.normal(size=9)
        builder.entries(rows[row], x[column], value)
        np.add.at(dense, (row, column), value)
    builder.entries(rows[:2, None], x[None, 3:5], np.array([[1.0], [2.0]]))
    dense[:2, 3:5] += [[1.0], [2.0]]
    model = builder.build()
    where = np.nonzero(dense)
    assert np.array_equal(model.row, where[0])
    assert np.array_equal(model.column, where[1])
    assert np.array_equal(model.value, dense[where])


def test_entries_at_one_place_add_up() -> None:
    """Two entries of the same place are one coefficient; a sum of zero is none."""
    builder = ModelBuilder()
    x = builder.add(np.array([1.0, 1.0]), high=5.0, integral=False)
    row = int(builder.rows(1, low=4.0, high=np.inf)[0])
    builder.entries(row, x[0], 1.0)
    builder.entries(row, x[0], 1.0)
    builder.entries(row, x[1], 3.0)
    builder.entries(row, x[1], -3.0)
    model = builder.build()
    assert model.value.tolist() == [2.0]
    assert solve_integer(model, Effort()).objective == pytest.approx(2.0)


def test_infeasible_models_are_said_to_be_so() -> None:
    """No point between 3 and 2, whole or relaxed, with or without columns."""
    builder = ModelBuilder()
    x = builder.add(np.array([1.0]), high=2.0, integral=True)
    builder.entries(int(builder.rows(1, low=3.0, high=np.inf)[0]), x, 1.0)
    assert solve_integer(builder.build(), Effort()).outcome is Outcome.INFEASIBLE
    assert solve_linear(builder.build()).outcome is Outcome.INFEASIBLE
    bare = ModelBuilder()
    bare.rows(1, low=1.0, high=2.0)
    assert solve_integer(bare.build(), Effort()).outcome is Outcome.INFEASIBLE


@pytest.mark.parametrize("engine", ["highs", "scip", "cp-sat"])
def test_a_stop_at_a_gap_reports_a_bound_below_the_optimum(engine: str) -> None:
    """The bound of a solve stopped at 50 % is no more than the true optimum."""
    random = np.random.default_rng(3)
    builder = ModelBuilder()
    x = builder.add(random.integers(5, 50, 40).astype(float), high=1.0, integral=True)
    for row in builder.rows(8, low=60.0, high=np.inf).tolist():
        builder.entries(row, x, random.integers(1, 30, 40).astype(float))
    model = builder.build()
    best = solve_integer(model, Effort(gap=0.0)).objective
    rough = solve_integer(model, Effort(gap=0.5, engine=engine))
    assert rough.bound <= best * (1 + 1e-9) <= rough.objective * (1 + 2e-9)


def test_scopes_by_level() -> None:
    """Owners and places by number; zones by number, unnamed ones by pool."""
    rows = [Row(cost=1, place=0, zone=0), Row(cost=1, place=0, zone=-1), Row(cost=1, place=2)]
    one = problem(rows, [GANG], Rules(owner_of_place=(7, 7, 9, 9)))
    every = np.arange(3, dtype=np.int32)
    assert scope_of(one, every, Level.OWNER).tolist() == [7, 7, 9]
    assert scope_of(one, every, Level.PLACE).tolist() == [0, 0, 2]
    zones = scope_of(one, every, Level.ZONE).tolist()
    assert zones[0] == 0
    assert zones[1] not in {0, zones[2]}


def test_an_unknown_zone_touches_every_zone_of_its_place() -> None:
    """It counts for the named zone beside it and for itself, not for other places."""
    rows = [
        Row(cost=1, place=0, zone=0),
        Row(cost=1, place=0, zone=-1),
        Row(cost=1, place=1, zone=1),
    ]
    one = problem(rows, [GANG])
    index, scope = scopes_touched(one, np.arange(3, dtype=np.int32), Level.ZONE)
    assert len({*zip(index.tolist(), scope.tolist(), strict=True)}) == len(index), "each once"
    assert {int(s) for i, s in zip(index, scope, strict=True) if i == 1} >= {0}
    assert {int(s) for i, s in zip(index, scope, strict=True) if i == 2} == {1}
