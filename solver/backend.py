"""The only module that imports OR-Tools: models go in as arrays, answers come out as arrays.

Engines (wheel 9.15): HiGHS through MathOpt for mixed-integer models, because it reports a
valid dual bound when it stops at a gap (the linear_solver route to HiGHS reports the objective
instead), and for linear relaxations with duals, where GLOP ends "imprecise" on large ones.

Models and answers stay messages: MathOpt's own objects cost many times what an engine takes for a
small model. The door behind `mathopt.solve` that takes a message (`core.python.solver`) is not
documented; it is used as the wheels 9.15 have it. A wheel without it is served through
`mathopt.solve`, with the same answers. There, a failed solve raises `AttributeError` in place of
the mapped error, so both are translated here. Only there MathOpt's Python is loaded, which takes
longer than a small plan.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    parameters_pb2,
    result_pb2,
    solution_pb2,
    sparse_containers_pb2,
)

from solver.effort import Answer, Effort, LinearAnswer, Outcome
from solver.model import Model
from solver.problem import Floats
from solver.solution import SolverError
from solver.wire import doubles, field, truths, whole

try:
    from ortools.math_opt.core.python import solver as _core
    from pybind11_abseil.status import StatusNotOk as _CoreError
except ImportError:  # another wheel
    _core, _CoreError = None, RuntimeError

_ENGINES: Final = {
    "highs": parameters_pb2.SOLVER_TYPE_HIGHS,
    "scip": parameters_pb2.SOLVER_TYPE_GSCIP,
    "cp-sat": parameters_pb2.SOLVER_TYPE_CP_SAT,
}

#: What HiGHS makes smaller models for.
_SMALLER_MODELS: Final = (
    "mip_heuristic_run_rins",
    "mip_heuristic_run_rens",
    "mip_heuristic_run_root_reduced_cost",
)

Longs = NDArray[np.int64]

_COLUMNS: Final = model_pb2.VariablesProto
_ROWS: Final = model_pb2.LinearConstraintsProto
_VECTOR: Final = sparse_containers_pb2.SparseDoubleVectorProto
_MATRIX: Final = sparse_containers_pb2.SparseDoubleMatrixProto
_FEASIBLE: Final = solution_pb2.SOLUTION_STATUS_FEASIBLE

#: An engine's own: of a relaxation, there is one optimum to find.
_LINEAR: Final = parameters_pb2.SolveParametersProto()
_UNREDUCED: Final = parameters_pb2.SolveParametersProto(presolve=parameters_pb2.EMPHASIS_OFF)


def solve_integer(model: Model, effort: Effort) -> Answer:
    """Solve a mixed-integer model.

    HiGHS gives up with an error on a few sound models (rows whose right side is just above 0),
    and says of a few others that they have no solution; SCIP then takes its place.

    Raises:
        SolverError: the engine failed, and so did the one in its place.
    """
    try:
        answer = _solved(model, effort)
        if answer.outcome is not Outcome.INFEASIBLE or effort.engine != "highs":
            return answer
    except SolverError:
        if effort.engine != "highs":
            raise
    return _solved(model, replace(effort, engine="scip"))


def _solved(model: Model, effort: Effort) -> Answer:
    if len(model.cost) == 0:
        return _answer_without_columns(model)
    known = effort.known if effort.engine == "highs" else None
    message = model_message(model, relaxed=False)
    result = _run(message, _ENGINES[effort.engine], _parameters(effort), known)
    return _answer(result, len(model.cost))


def _parameters(effort: Effort) -> Any:
    """Return a `SolveParametersProto`."""
    found = parameters_pb2.SolveParametersProto(
        relative_gap_tolerance=effort.gap, absolute_gap_tolerance=1e-6, node_limit=effort.nodes
    )
    if effort.seconds is not None:
        found.time_limit.FromNanoseconds(round(effort.seconds * 1e9))
    if effort.engine == "highs":
        # The default of 1e-6 lets a unit be "almost" there; money is re-priced from whole units.
        found.highs.double_options["mip_feasibility_tolerance"] = 1e-7
        found.highs.string_options["parallel"] = "off"
        found.highs.bool_options["mip_allow_restart"] = effort.restarts
        if effort.plain:
            found.presolve = parameters_pb2.EMPHASIS_OFF
            for name in _SMALLER_MODELS:
                found.highs.bool_options[name] = False
    if effort.engine == "scip":
        found.gscip.real_params["numerics/feastol"] = 1e-7
    return found


def solve_linear(model: Model, *, presolve: bool = True) -> LinearAnswer:
    """Solve the linear relaxation of `model` with HiGHS, or with GLOP where HiGHS gives up.

    Args:
        model: what is whole in it may be parts.
        presolve: the engine reduces the model first. A model of many that have nothing in common
            takes half the time without; in one that all share, it finds other duals.

    Raises:
        SolverError: both engines failed.
    """
    if len(model.cost) == 0:
        plain = _answer_without_columns(model)
        return LinearAnswer(
            outcome=plain.outcome, x=plain.x, objective=0.0, dual=np.zeros(len(model.row_low))
        )
    relaxed = model_message(model, relaxed=True)
    try:
        asked = _LINEAR if presolve else _UNREDUCED
        return _linear_answer(_run(relaxed, _ENGINES["highs"], asked), model)
    except SolverError:
        return _linear_answer(_run(relaxed, parameters_pb2.SOLVER_TYPE_GLOP, _LINEAR), model)


def _linear_answer(result: Any, model: Model) -> LinearAnswer:
    if _is_infeasible(result):
        return LinearAnswer(
            outcome=Outcome.INFEASIBLE, x=np.empty(0), objective=np.inf, dual=np.empty(0)
        )
    best = _best(result)
    if best.dual_solution.feasibility_status != _FEASIBLE:
        reason = result_pb2.TerminationReasonProto.Name(result.termination.reason)
        raise SolverError(f"linear relaxation ended with {reason}")
    point = best.primal_solution
    return LinearAnswer(
        outcome=Outcome.OPTIMAL,
        x=_values(point.variable_values, len(model.cost)),
        objective=float(point.objective_value),
        dual=_values(best.dual_solution.dual_values, len(model.row_low)),
    )


def _run(message: Any, engine: Any, parameters: Any, known: Floats | None = None) -> Any:
    """Solve a `ModelProto`, from a `known` point or without; return a `SolveResultProto`.

    Raises:
        SolverError: the engine failed.
    """
    solve = _through_objects if _core is None else _through_core
    try:
        return solve(message, engine, parameters, known)
    except (_CoreError, AttributeError, ValueError, RuntimeError) as error:
        name = parameters_pb2.SolverTypeProto.Name(engine)
        raise SolverError(f"the engine {name} failed: {error}") from error


def _through_core(message: Any, engine: Any, parameters: Any, known: Floats | None) -> Any:
    hints = model_parameters_pb2.ModelSolveParametersProto()
    if known is not None:
        values = hints.solution_hints.add().variable_values
        values.MergeFromString(field(_VECTOR.IDS_FIELD_NUMBER, whole(np.arange(len(known)))))
        values.MergeFromString(field(_VECTOR.VALUES_FIELD_NUMBER, doubles(known)))
    return _core.solve(
        message,
        engine,
        parameters_pb2.SolverInitializerProto(),
        parameters,
        hints,
        None,  # no callback for messages, none for events, nothing that interrupts
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )


def _through_objects(message: Any, engine: Any, parameters: Any, known: Floats | None) -> Any:
    from ortools.math_opt.python import mathopt

    model = mathopt.Model.from_model_proto(message)
    hints = mathopt.ModelSolveParameters()
    if known is not None:
        values = dict(zip(model.variables(), known.tolist(), strict=True))
        hints.solution_hints.append(mathopt.SolutionHint(variable_values=values))
    asked = SimpleNamespace(to_proto=lambda: parameters)  # all that is read of them
    solved = mathopt.solve(model, mathopt.SolverType(engine), params=asked, model_params=hints)
    return solved.to_proto()


def model_message(model: Model, *, relaxed: bool) -> Any:
    """Return the message that engines get, a `ModelProto`; `relaxed`: nothing is whole."""
    message = model_pb2.ModelProto()
    columns, rows = len(model.cost), len(model.row_low)
    put = message.variables.MergeFromString
    put(field(_COLUMNS.IDS_FIELD_NUMBER, whole(np.arange(columns))))
    put(field(_COLUMNS.LOWER_BOUNDS_FIELD_NUMBER, doubles(model.low)))
    put(field(_COLUMNS.UPPER_BOUNDS_FIELD_NUMBER, doubles(model.high)))
    integral = np.zeros(columns, np.bool_) if relaxed else model.integral
    put(field(_COLUMNS.INTEGERS_FIELD_NUMBER, truths(integral)))
    priced = np.flatnonzero(model.cost)
    put = message.objective.linear_coefficients.MergeFromString
    put(field(_VECTOR.IDS_FIELD_NUMBER, whole(priced)))
    put(field(_VECTOR.VALUES_FIELD_NUMBER, doubles(model.cost[priced])))
    put = message.linear_constraints.MergeFromString
    put(field(_ROWS.IDS_FIELD_NUMBER, whole(np.arange(rows))))
    put(field(_ROWS.LOWER_BOUNDS_FIELD_NUMBER, doubles(model.row_low)))
    put(field(_ROWS.UPPER_BOUNDS_FIELD_NUMBER, doubles(model.row_high)))
    row, column, value = _sorted_entries(model)
    put = message.linear_constraint_matrix.MergeFromString
    put(field(_MATRIX.ROW_IDS_FIELD_NUMBER, whole(row)))
    put(field(_MATRIX.COLUMN_IDS_FIELD_NUMBER, whole(column)))
    put(field(_MATRIX.COEFFICIENTS_FIELD_NUMBER, doubles(value)))
    return message


def _sorted_entries(model: Model) -> tuple[Longs, Longs, NDArray[np.float64]]:
    """Return the entries by row, then column, as engines want them; zeros dropped."""
    row, column, value = model.row, model.column, model.value
    follows = row[1:] > row[:-1]
    follows |= (row[1:] == row[:-1]) & (column[1:] > column[:-1])
    if value.all() and follows.all():
        return row, column, value
    order = np.lexsort((column, row))
    order = order[value[order] != 0]
    return row[order], column[order], value[order]


def _answer(result: Any, columns: int) -> Answer:
    if _is_infeasible(result):
        return Answer(outcome=Outcome.INFEASIBLE, x=np.empty(0), objective=np.inf, bound=np.inf)
    bound = float(result.termination.objective_bounds.dual_bound)
    point = _best(result).primal_solution
    if point.feasibility_status != _FEASIBLE:
        return Answer(outcome=Outcome.NO_SOLUTION, x=np.empty(0), objective=np.inf, bound=bound)
    is_optimal = result.termination.reason == result_pb2.TERMINATION_REASON_OPTIMAL
    return Answer(
        outcome=Outcome.OPTIMAL if is_optimal else Outcome.FEASIBLE,
        x=_values(point.variable_values, columns),
        objective=float(point.objective_value),
        bound=bound,
    )


def _best(result: Any) -> Any:
    """Return the best `SolutionProto`; an empty one, nowhere feasible, when there is none."""
    return result.solutions[0] if result.solutions else solution_pb2.SolutionProto()


def _is_infeasible(result: Any) -> bool:
    # Every cost is >= 0 and every column bounded below: never unbounded.
    return result.termination.reason in (
        result_pb2.TERMINATION_REASON_INFEASIBLE,
        result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED,
    )


def _values(sparse: Any, size: int) -> NDArray[np.float64]:
    count = len(sparse.ids)
    values = np.zeros(size)
    where = np.fromiter(sparse.ids, np.int64, count)
    values[where] = np.fromiter(sparse.values, np.float64, count)
    return values


def _answer_without_columns(model: Model) -> Answer:
    """Judge a model that has rows but nothing to decide."""
    fits = bool(np.all(model.row_low <= 1e-9) and np.all(model.row_high >= -1e-9))
    if not fits:
        return Answer(outcome=Outcome.INFEASIBLE, x=np.empty(0), objective=np.inf, bound=np.inf)
    return Answer(outcome=Outcome.OPTIMAL, x=np.empty(0), objective=0.0, bound=0.0)
