"""Models as messages for engines, answers as arrays, and the two doors into OR-Tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from solver import backend
from solver.backend import model_message, solve_integer, solve_linear
from solver.effort import Effort, Outcome
from solver.model import Model, ModelBuilder, with_row
from solver.solution import SolverError

Door = Callable[[Any, Any, Any, Any], Any]

DOORS = [
    pytest.param(
        backend._through_core,
        id="core",
        marks=pytest.mark.skipif(backend._core is None, reason="a wheel without it"),
    ),
    pytest.param(backend._through_objects, id="objects"),
]


@pytest.fixture
def through() -> Iterator[Callable[[Door], None]]:
    """Give a function that sends what is solved through one door."""
    known = backend._core

    def choose(door: Door) -> None:
        backend._core = known if door is backend._through_core else None

    yield choose
    backend._core = known


def covering(columns: int = 300, rows: int = 40) -> Model:
    """Whole and divisible columns, every kind of row, numbers of one, two and three bytes."""
    random = np.random.default_rng(11)
    builder = ModelBuilder()
    whole = builder.add(random.uniform(5, 50, columns // 2).round(3), high=4.0, integral=True)
    rest = builder.add(np.zeros(columns - len(whole)), high=np.inf, integral=False)
    x = np.concatenate([whole, rest])
    for row in builder.rows(rows, low=60.0, high=np.inf).tolist():
        chosen = random.permutation(len(x))[:20]
        builder.entries(row, x[chosen], random.uniform(1, 9, 20))
    top = int(builder.rows(1, low=-np.inf, high=500.0)[0])
    builder.entries(top, rest, 1.0)
    return builder.build()


def filled(model: Model, *, relaxed: bool) -> Any:
    """Return the message of `model` as protobuf's own interface makes it, number by number."""
    message = model_pb2.ModelProto()
    message.variables.ids.extend(range(len(model.cost)))
    message.variables.lower_bounds.extend(model.low.tolist())
    message.variables.upper_bounds.extend(model.high.tolist())
    message.variables.integers.extend([not relaxed and one for one in model.integral.tolist()])
    priced = [(at, cost) for at, cost in enumerate(model.cost.tolist()) if cost]
    message.objective.linear_coefficients.ids.extend(at for at, _ in priced)
    message.objective.linear_coefficients.values.extend(cost for _, cost in priced)
    message.linear_constraints.ids.extend(range(len(model.row_low)))
    message.linear_constraints.lower_bounds.extend(model.row_low.tolist())
    message.linear_constraints.upper_bounds.extend(model.row_high.tolist())
    lists = (model.row.tolist(), model.column.tolist(), model.value.tolist())
    entries = sorted(entry for entry in zip(*lists, strict=True) if entry[2])
    message.linear_constraint_matrix.row_ids.extend(row for row, _, _ in entries)
    message.linear_constraint_matrix.column_ids.extend(column for _, column, _ in entries)
    message.linear_constraint_matrix.coefficients.extend(value for _, _, value in entries)
    return message


@pytest.mark.parametrize("columns", [2, 100, 300, 20_000])
@pytest.mark.parametrize("relaxed", [False, True])
def test_bytes_make_the_message_that_numbers_make(columns: int, relaxed: bool) -> None:
    """Whatever the numbers' sizes, the message is the one protobuf's own lists would hold."""
    model = covering(max(columns, 40))
    assert model_message(model, relaxed=relaxed) == filled(model, relaxed=relaxed)


def test_entries_out_of_order_and_zeros_make_the_same_message() -> None:
    """Engines want entries by row and column and none that is 0; a model need not be so."""
    model = covering()
    order = np.random.default_rng(1).permutation(len(model.value))
    mixed = replace(
        model, row=model.row[order], column=model.column[order], value=model.value[order]
    )
    assert model_message(mixed, relaxed=False) == model_message(model, relaxed=False)
    columns = np.array([7, 3, 5])
    more = with_row(model, columns, np.array([1.0, 2.0, 0.0]), high=9.0)
    assert model_message(more, relaxed=False) == filled(more, relaxed=False)


def test_messages_are_what_the_objects_of_the_interface_export() -> None:
    """MathOpt's own model, read from the message, writes it again unchanged."""
    message = model_message(covering(), relaxed=False)
    assert mathopt.Model.from_model_proto(message).export_model(remove_names=True) == message


@pytest.mark.parametrize(
    ("engine", "effort"),
    [
        ("highs", {"gap": 0.0}),
        ("highs", {"gap": 0.5, "nodes": 1}),
        ("scip", {"gap": 0.01}),
        ("cp-sat", {"gap": 0.01, "seconds": 20.0}),
    ],
)
def test_both_doors_give_the_same_answer(
    engine: str, effort: dict[str, Any], through: Callable[[Door], None]
) -> None:
    """The message itself and MathOpt's objects lead to the same point, bound and prices."""
    model = replace(covering(60, 8), high=np.full(60, 9.0))
    whole = replace(model, integral=np.ones(60, np.bool_)) if engine == "cp-sat" else model
    found = []
    for door in (backend._through_core, backend._through_objects):
        through(door)
        found.append((solve_integer(whole, Effort(engine=engine, **effort)), solve_linear(model)))
    for one, other in zip(*found, strict=True):
        assert one.outcome is other.outcome
        for part in fields(one):
            same = np.array_equal(getattr(one, part.name), getattr(other, part.name))
            assert same, part.name


@pytest.mark.parametrize("door", DOORS)
def test_a_search_begins_with_a_known_point(door: Door, through: Callable[[Door], None]) -> None:
    """Without a node, the point that is known, a poor one, is the answer; else there is none."""
    through(door)
    model = covering()
    known = np.where(model.integral, model.high, 0.0)
    model = replace(model, high=known, row_high=np.full(41, np.inf))
    poor = solve_integer(model, Effort(nodes=0, known=known))
    assert poor.objective == pytest.approx(float(model.cost @ known))
    assert np.array_equal(poor.x, known)
    assert not len(solve_integer(model, Effort(nodes=0)).x)


@pytest.mark.parametrize("door", DOORS)
def test_an_engine_that_refuses_is_an_error_of_ours(
    door: Door, through: Callable[[Door], None]
) -> None:
    """A bound that is no number is refused by every engine, and said to be so."""
    through(door)
    model = replace(covering(), low=np.full(300, np.nan))
    with pytest.raises(SolverError, match="engine SOLVER_TYPE_"):
        solve_integer(model, Effort())
    with pytest.raises(SolverError, match="engine"):
        solve_linear(model)


@pytest.mark.parametrize("door", DOORS)
def test_no_time_at_all_is_no_solution(door: Door, through: Callable[[Door], None]) -> None:
    """An engine that may not even begin has no point, and a bound that holds."""
    through(door)
    answer = solve_integer(covering(3000, 400), Effort(gap=0.0, seconds=1e-9))
    assert answer.outcome in {Outcome.NO_SOLUTION, Outcome.FEASIBLE}
    assert answer.bound <= answer.objective


@pytest.mark.parametrize("presolve", [True, False])
def test_prices_of_rows_are_those_of_the_relaxation(presolve: bool) -> None:
    """Cost of the optimum = prices x right sides where only rows bind (x >= 0, rows >= b)."""
    model = replace(covering(), high=np.full(300, np.inf), cost=np.linspace(1, 2, 300))
    answer = solve_linear(model, presolve=presolve)
    assert answer.objective == pytest.approx(solve_linear(model).objective)
    sides = np.where(np.isfinite(model.row_low), model.row_low, model.row_high)
    assert answer.objective == pytest.approx(float(answer.dual @ sides))
    assert answer.objective == pytest.approx(float(model.cost @ answer.x))
