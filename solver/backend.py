"""The only module that imports OR-Tools: models go in as arrays, answers come out as arrays.

Engines (wheel 9.15): HiGHS through MathOpt for mixed-integer models, because it reports a
valid dual bound when it stops at a gap (the linear_solver route to HiGHS reports the objective
instead), and for linear relaxations with duals, where GLOP ends "imprecise" on large ones. A
failed MathOpt solve raises `AttributeError` in place of the mapped error, so both are
translated here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from solver.effort import Answer, Effort, LinearAnswer, Outcome
from solver.model import Model
from solver.solution import SolverError

_ENGINES: Final = {
    "highs": mathopt.SolverType.HIGHS,
    "scip": mathopt.SolverType.GSCIP,
    "cp-sat": mathopt.SolverType.CP_SAT,
}

#: One thread: a relaxation has one optimum to find, and the caller may run several at once.
_LINEAR: Final = mathopt.SolveParameters()


def solve_integer(model: Model, effort: Effort) -> Answer:
    """Solve a mixed-integer model.

    HiGHS gives up with an error on a few sound models (rows whose right side is just above 0);
    SCIP then takes its place.

    Raises:
        SolverError: the engine failed, and so did the one in its place.
    """
    try:
        return _solved(model, effort)
    except SolverError:
        if effort.engine != "highs":
            raise
        return _solved(model, replace(effort, engine="scip"))


def _solved(model: Model, effort: Effort) -> Answer:
    if len(model.cost) == 0:
        return _answer_without_columns(model)
    parameters = mathopt.SolveParameters(
        relative_gap_tolerance=effort.gap,
        absolute_gap_tolerance=1e-6,
        node_limit=effort.nodes,
        time_limit=None if effort.seconds is None else dt.timedelta(seconds=effort.seconds),
    )
    if effort.engine == "highs":
        # The default of 1e-6 lets a unit be "almost" there; money is re-priced from whole units.
        parameters.highs.double_options["mip_feasibility_tolerance"] = 1e-7
        parameters.highs.string_options["parallel"] = "off"
    if effort.engine == "scip":
        parameters.gscip.real_params["numerics/feastol"] = 1e-7
    result = _run(_math_model(model, relaxed=False), _ENGINES[effort.engine], parameters)
    return _answer(result, len(model.cost))


def solve_linear(model: Model) -> LinearAnswer:
    """Solve the linear relaxation of `model` with HiGHS, or with GLOP where HiGHS gives up.

    Raises:
        SolverError: both engines failed.
    """
    if len(model.cost) == 0:
        plain = _answer_without_columns(model)
        return LinearAnswer(
            outcome=plain.outcome, x=plain.x, objective=0.0, dual=np.zeros(len(model.row_low))
        )
    relaxed = _math_model(model, relaxed=True)
    try:
        return _linear_answer(_run(relaxed, mathopt.SolverType.HIGHS, _LINEAR), model)
    except SolverError:
        parameters = mathopt.SolveParameters()
        return _linear_answer(_run(relaxed, mathopt.SolverType.GLOP, parameters), model)


def _linear_answer(result: Any, model: Model) -> LinearAnswer:
    if _is_infeasible(result):
        return LinearAnswer(
            outcome=Outcome.INFEASIBLE, x=np.empty(0), objective=np.inf, dual=np.empty(0)
        )
    if not result.has_dual_feasible_solution():
        raise SolverError(f"linear relaxation ended with {result.termination.reason}")
    return LinearAnswer(
        outcome=Outcome.OPTIMAL,
        x=_values(result.variable_values(), len(model.cost)),
        objective=float(result.objective_value()),
        dual=_values(result.dual_values(), len(model.row_low)),
    )


def _run(model: Any, engine: Any, parameters: Any) -> Any:
    try:
        return mathopt.solve(model, engine, params=parameters)
    except (AttributeError, ValueError, RuntimeError) as error:
        raise SolverError(f"the engine {engine} failed: {error}") from error


def _math_model(model: Model, *, relaxed: bool) -> Any:
    proto = model_pb2.ModelProto()
    columns, rows = len(model.cost), len(model.row_low)
    proto.variables.ids.extend(range(columns))
    proto.variables.lower_bounds.extend(model.low)
    proto.variables.upper_bounds.extend(model.high)
    integral = np.zeros(columns, np.bool_) if relaxed else model.integral
    proto.variables.integers.extend(integral.tolist())
    priced = np.flatnonzero(model.cost)
    proto.objective.linear_coefficients.ids.extend(priced)
    proto.objective.linear_coefficients.values.extend(model.cost[priced])
    proto.linear_constraints.ids.extend(range(rows))
    proto.linear_constraints.lower_bounds.extend(model.row_low)
    proto.linear_constraints.upper_bounds.extend(model.row_high)
    proto.linear_constraint_matrix.row_ids.extend(model.row)
    proto.linear_constraint_matrix.column_ids.extend(model.column)
    proto.linear_constraint_matrix.coefficients.extend(model.value)
    return mathopt.Model.from_model_proto(proto)


def _answer(result: Any, columns: int) -> Answer:
    if _is_infeasible(result):
        return Answer(outcome=Outcome.INFEASIBLE, x=np.empty(0), objective=np.inf, bound=np.inf)
    bounds = result.termination.objective_bounds
    if not result.has_primal_feasible_solution():
        return Answer(
            outcome=Outcome.NO_SOLUTION, x=np.empty(0), objective=np.inf, bound=bounds.dual_bound
        )
    reason = result.termination.reason
    outcome = Outcome.OPTIMAL if reason == mathopt.TerminationReason.OPTIMAL else Outcome.FEASIBLE
    return Answer(
        outcome=outcome,
        x=_values(result.variable_values(), columns),
        objective=float(result.objective_value()),
        bound=float(bounds.dual_bound),
    )


def _is_infeasible(result: Any) -> bool:
    reason = result.termination.reason
    if reason == mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED:
        return True  # every cost is >= 0 and every column bounded below: never unbounded
    return bool(reason == mathopt.TerminationReason.INFEASIBLE)


def _values(by_item: Any, size: int) -> NDArray[np.float64]:
    values = np.zeros(size)
    for item, value in by_item.items():
        values[item.id] = value
    return values


def _answer_without_columns(model: Model) -> Answer:
    """Judge a model that has rows but nothing to decide."""
    fits = bool(np.all(model.row_low <= 1e-9) and np.all(model.row_high >= -1e-9))
    if not fits:
        return Answer(outcome=Outcome.INFEASIBLE, x=np.empty(0), objective=np.inf, bound=np.inf)
    return Answer(outcome=Outcome.OPTIMAL, x=np.empty(0), objective=0.0, bound=0.0)
