"""The compact model four ways: our arrays, PuLP objects, OR-Tools objects of two interfaces.

Every way gets the very same rows, columns and numbers, from the arrays of `solver.compact`. Two
comparisons are made of it: from these arrays to what the engine is given, for all alike; and with
the work of finding the numbers in our own time alone, which favours the others. Unmet demand is
priced here, so that all of them minimise one objective.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.backend import model_message, solve_integer
from solver.compact import build_compact
from solver.effort import Effort
from solver.model import Model
from solver.problem import Problem

#: USD for an unmet accelerator-hour of priority 0; several times what any costs.
_PENALTY_USD: Final = 100.0
_TOLERANCE: Final = 1e-5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What an engine found.

    Attributes:
        outcome: in the engine's own words.
        x: float64[N]; empty when it found no point.
        bound: lower bound that the engine proved; None where its interface tells none.
    """

    outcome: str
    x: Floats
    bound: float | None


def arrays(problem: Problem) -> Model:
    """Build the compact model of `problem` as arrays, unmet demand priced."""
    compact = build_compact(problem)
    model = compact.builder.build()
    cost = model.cost.copy()
    demands = problem.demands
    cost[compact.unmet] += _PENALTY_USD * demands.weight * (1 + demands.priority)
    return replace(model, cost=cost)


def judged(model: Model, solved: Solved) -> dict[str, object]:
    """Return what is reported of an answer; its cost is worked out again from the point."""
    if not len(solved.x):
        return {"outcome": solved.outcome}
    x = np.where(model.integral, np.round(solved.x), solved.x)
    activity = np.bincount(model.row, model.value * x[model.column], len(model.row_low))
    size = np.maximum(1.0, np.bincount(model.row, np.abs(model.value), len(model.row_low)))
    off = np.maximum(model.row_low - activity, activity - model.row_high) / size
    return {
        "outcome": solved.outcome,
        "objective": float(model.cost @ x),
        "bound": solved.bound,
        "is_feasible": bool(off.max(initial=0.0) <= _TOLERANCE),
    }


def rows_of(model: Model) -> Iterator[tuple[float, float, list[int], list[float]]]:
    """Yield low, high, columns and values of every row."""
    order = np.argsort(model.row, kind="stable")
    start = np.searchsorted(model.row[order], np.arange(len(model.row_low) + 1))
    columns, values = model.column[order].tolist(), model.value[order].tolist()
    ends = start.tolist()
    bounds = zip(model.row_low.tolist(), model.row_high.tolist(), strict=True)
    for number, (low, high) in enumerate(bounds):
        part = slice(ends[number], ends[number + 1])
        yield low, high, columns[part], values[part]


class Arrays:
    """Our own way: arrays to HiGHS through `solver.backend`."""

    name = "arrays + HiGHS"
    can_solve = True

    def build(self, model: Model) -> None:
        """Keep the arrays; nothing else is built."""
        self._model = model

    def hand_over(self) -> None:
        """Write the message that engines get."""
        model_message(self._model, relaxed=False)

    def solve(self, gap: float, seconds: float) -> Solved:
        """Solve to `gap`, at most `seconds` on the clock."""
        answer = solve_integer(self._model, Effort(gap=gap, seconds=seconds))
        return Solved(outcome=answer.outcome.value, x=answer.x, bound=answer.bound)


class Pulp:
    """PuLP's objects, solved by the CBC that it installs."""

    name = "PuLP + CBC"
    can_solve = True

    def __init__(self) -> None:
        """Import PuLP, which is no part of what is measured."""
        import pulp

        self._pulp = pulp

    def build(self, model: Model) -> None:
        """Make a variable for each column and a constraint for each side of each row."""
        pulp = self._pulp
        self._problem = pulp.LpProblem("compact", pulp.LpMinimize)
        kinds = np.where(model.integral, pulp.LpInteger, pulp.LpContinuous).tolist()
        highs = [None if np.isinf(high) else high for high in model.high.tolist()]
        columns = [
            self._problem.add_variable(f"x{number}", low, high, kind)
            for number, (low, high, kind) in enumerate(
                zip(model.low.tolist(), highs, kinds, strict=True)
            )
        ]
        priced = zip(columns, model.cost.tolist(), strict=True)
        self._problem.setObjective(pulp.LpAffineExpression(list(priced)))
        for low, high, row, values in rows_of(model):
            entries = [(columns[column], value) for column, value in zip(row, values, strict=True)]
            for sense, side in _sides(low, high):
                line = pulp.LpAffineExpression(entries)
                self._problem.addConstraint(pulp.LpConstraint(line, sense=sense, rhs=side))
        self._columns = columns

    def hand_over(self) -> None:
        """Write the file that CBC reads."""
        with tempfile.TemporaryDirectory() as folder:
            self._problem.writeMPS(f"{folder}/compact.mps")

    def solve(self, gap: float, seconds: float) -> Solved:
        """Write the model for CBC, solve it and read the answer."""
        from cbcbox import cbc_bin_path

        engine = self._pulp.COIN_CMD(
            path=cbc_bin_path(), msg=False, gapRel=gap, timeLimit=seconds, threads=1
        )
        self._problem.solve(engine)
        # `status` says optimal of any point, also of one that a limit left; this one does not.
        outcome = {1: "optimal", 2: "feasible"}.get(self._problem.sol_status, "no solution")
        values = [column.value() or 0.0 for column in self._columns]
        x = np.empty(0) if outcome == "no solution" else np.array(values)
        return Solved(outcome=outcome, x=x, bound=None)


def _sides(low: float, high: float) -> list[tuple[int, float]]:
    """Return (sense, right side): -1 at most, 0 equal, 1 at least, as PuLP has them."""
    if low == high:
        return [(0, low)]
    return [(sense, side) for sense, side in ((1, low), (-1, high)) if np.isfinite(side)]


class Pywraplp:
    """OR-Tools' objects of the linear_solver interface, solved by SCIP."""

    name = "pywraplp + SCIP"
    can_solve = True

    def __init__(self) -> None:
        """Import OR-Tools, which is no part of what is measured."""
        from ortools.linear_solver import pywraplp

        self._module = pywraplp

    def build(self, model: Model) -> None:
        """Make a variable for each column, a row constraint for each row."""
        self._solver: Any = self._module.Solver.CreateSolver("SCIP")
        bounds = zip(model.low.tolist(), model.high.tolist(), model.integral.tolist(), strict=True)
        columns = [self._solver.Var(low, high, integral, "") for low, high, integral in bounds]
        for low, high, row, values in rows_of(model):
            line = self._solver.RowConstraint(low, high, "")
            for column, value in zip(row, values, strict=True):
                line.SetCoefficient(columns[column], value)
        objective = self._solver.Objective()
        for column, cost in zip(columns, model.cost.tolist(), strict=True):
            objective.SetCoefficient(column, cost)
        objective.SetMinimization()
        self._columns = columns

    def hand_over(self) -> None:
        """Nothing to time: the engine gets the model inside of solving."""

    def solve(self, gap: float, seconds: float) -> Solved:
        """Solve to `gap`, at most `seconds` on the clock."""
        parameters = self._module.MPSolverParameters()
        parameters.SetDoubleParam(parameters.RELATIVE_MIP_GAP, gap)
        self._solver.SetTimeLimit(int(seconds * 1000))
        status = self._solver.Solve(parameters)
        words = {0: "optimal", 1: "feasible", 2: "infeasible", 6: "no solution"}
        found = status in (0, 1)
        x = np.array([one.solution_value() for one in self._columns]) if found else np.empty(0)
        bound = float(self._solver.Objective().BestBound()) if found else None
        return Solved(outcome=words.get(status, f"status {status}"), x=x, bound=bound)


class MathOpt:
    """OR-Tools' objects of the MathOpt interface; only built: HiGHS solves them as our arrays."""

    name = "MathOpt objects"
    can_solve = False

    def __init__(self) -> None:
        """Import MathOpt, which is no part of what is measured."""
        from ortools.math_opt.python import mathopt

        self._mathopt = mathopt

    def build(self, model: Model) -> None:
        """Make a variable for each column, a constraint with an expression for each row."""
        mathopt = self._mathopt
        built = mathopt.Model(name="compact")
        bounds = zip(model.low.tolist(), model.high.tolist(), model.integral.tolist(), strict=True)
        columns = [
            built.add_variable(lb=low, ub=high, is_integer=integral)
            for low, high, integral in bounds
        ]
        for low, high, row, values in rows_of(model):
            terms = [value * columns[column] for column, value in zip(row, values, strict=True)]
            built.add_linear_constraint(lb=low, ub=high, expr=mathopt.fast_sum(terms))
        priced = zip(columns, model.cost.tolist(), strict=True)
        built.minimize(mathopt.fast_sum([cost * column for column, cost in priced]))
        self._built = built

    def hand_over(self) -> None:
        """Write the message that engines get."""
        self._built.export_model()

    def solve(self, gap: float, seconds: float) -> Solved:
        """Refuse: HiGHS would get the same model as from our arrays."""
        raise TypeError(f"{self.name}: only built, never solved ({gap}, {seconds})")


def timed(build: Any, *arguments: object) -> tuple[Any, float]:
    """Return what a call gives, and its processor seconds in this process."""
    start = time.process_time()
    found = build(*arguments)
    return found, time.process_time() - start
