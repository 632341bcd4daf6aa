"""What one unit more of a shared limit would save, by the duals of the linear relaxation.

With the unmet share u_d of every demand and what is overridden held at a plan's, the relaxation's
cost as a function of the right side b of a row is convex and piecewise linear; the dual of the
row is its slope at b. Units are taken as divisible, so a slope is an estimate of what a whole
unit more would do.

The model is built for a problem with one unit more of everything, and its rows are then set back
to what there is: no bound of a column, no coefficient of a switch and no list of pairs stands in
for a row that a single demand could fill, so every price is found on its row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.asking import Engine
from solver.compact import build_compact
from solver.compact_columns import NONE, Compact, Longs
from solver.effort import LinearAnswer, Outcome
from solver.model import Model
from solver.problem import Floats, Problem
from solver.solution import SolverError

#: How much more than the plan may be left unmet, so that roundings leave the plan feasible.
_SLACK = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Slopes of the relaxed cost, all >= 0; 0 where a limit does not bind or is open.

    Attributes:
        supply: float64[O], cost saved by one unit more of capacity.
        limit: float64[R], cost saved by one more of a limit's own unit.
        account: float64[A], cost saved by a low end lower, or a high end higher, by 1.
        share: float64[N], cost saved by a share cap of `Problem.shares` higher by 1.
        far: float64[V], cost saved by a service's `far_share` higher by 1.
        coverage: float64[H], cost saved by 1 more in a pool of `Problem.coverage`.
    """

    supply: Floats
    limit: Floats
    account: Floats
    share: Floats
    far: Floats
    coverage: Floats


def marginal_prices(
    problem: Problem, unmet: Floats, engine: Engine, *, overridden: float = 0.0
) -> Margins:
    """Return the slopes at the plan that leaves `unmet` and overrides so much.

    Args:
        problem: what was asked.
        unmet: float64[D], unmet share of each demand.
        engine: runs the relaxation.
        overridden: what the plan overrides of first refusals, over all rules.

    Raises:
        SolverError: the engine failed, or found that nothing leaves as little unmet.
    """
    compact = build_compact(_with_room(problem), slopes=True)
    if len(compact.overrides):
        most = overridden / compact.override_scale * (1 + 1e-9) + _SLACK
        row = compact.builder.rows(1, low=-np.inf, high=most)
        compact.builder.entries(int(row[0]), compact.overrides, 1.0)
    model = _set_back(compact, problem, unmet)
    answer = engine.solve_linear(model)
    if answer is None or answer.outcome is not Outcome.OPTIMAL:
        raise SolverError("the relaxation at the plan's service has no solution")
    saved = np.abs(answer.dual)
    return Margins(
        supply=_on_rows(saved, compact.rows["capacity"]),
        limit=_on_rows(saved, compact.rows["limit"]),
        account=_on_rows(saved, compact.rows["low"]) + _on_rows(saved, compact.rows["high"]),
        share=_of_shares(compact, saved, answer),
        far=_of_far(compact, saved, problem),
        coverage=_on_rows(saved, compact.rows["coverage"]),
    )


def _with_room(problem: Problem) -> Problem:
    """One unit more of every supply, and of every limit as much as its largest unit takes."""
    limits = problem.limits
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))
    largest = np.zeros(limits.count)
    np.maximum.at(largest, row, limits.weight)
    supply = replace(problem.supply, capacity=problem.supply.capacity + 1.0)
    return replace(problem, supply=supply, limits=replace(limits, high=limits.high + largest))


def _set_back(compact: Compact, problem: Problem, unmet: Floats) -> Model:
    model = compact.builder.build()
    row_high, high = model.row_high.copy(), model.high.copy()
    capacity, limit = compact.rows["capacity"], compact.rows["limit"]
    row_high[capacity[capacity != NONE]] = problem.supply.capacity[capacity != NONE]
    row_high[limit[limit != NONE]] = problem.limits.high[limit != NONE]
    high[compact.unmet] = np.minimum(unmet + _SLACK, 1.0)
    return replace(model, row_high=row_high, high=high)


def _on_rows(saved: Floats, row: Longs) -> Floats:
    return np.where(row == NONE, 0.0, saved[row]) if len(saved) else np.zeros(len(row))


def _of_shares(compact: Compact, saved: Floats, answer: LinearAnswer) -> Floats:
    """A cap's right side is share x total: its slope is its rows', summed, times the total."""
    found = [
        float(saved[cap.rows].sum()) * float(answer.x[cap.total]) for cap in compact.share_caps
    ]
    return np.array(found, np.float64)


def _of_far(compact: Compact, saved: Floats, problem: Problem) -> Floats:
    """Right sides are far_share x load, of the service or of each class by itself."""
    far = np.zeros(problem.services.count)
    for service, columns in compact.services.items():
        far[service] = float(saved[columns.far_rows] @ columns.far_load)
    return far
