"""The optimizer: one exact model where it is small, a decomposition where it is not."""

from __future__ import annotations

import numpy as np

from solver.child import EngineProcess
from solver.decomposition import solve_decomposed
from solver.exact import Progress, solve_exact
from solver.problem import Family, Problem
from solver.solution import SearchLimits, Solution

#: Problems of no more demands than this are one model, and larger ones without services up to so
#: many pairs: without routes, one model of many demands is an easy one.
FEW_DEMANDS = 12
FEW_PAIRS = 60_000


def solve(
    problem: Problem,
    limits: SearchLimits,
    *,
    engine: EngineProcess,
    start: Solution | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve `problem`, in the way that suits its size.

    Args:
        problem: what is asked.
        limits: when to stop.
        engine: runs the models.
        start: a whole plan found before.
        progress: called with (phase, best, bound).

    Raises:
        SolverError: the engine failed, or ended without any plan and there is no `start`.
        KeyboardInterrupt: interrupted before there was any plan.
    """
    chosen = solve_exact if is_small(problem) else solve_decomposed
    return chosen(problem, limits, engine=engine, start=start, progress=progress)


def is_small(problem: Problem) -> bool:
    """Return whether one exact model is the better way."""
    demands = problem.demands
    if demands.count <= FEW_DEMANDS:
        return True
    if (demands.family == Family.SERVICE).any():
        return False
    size = np.diff(problem.eligible_start)
    return int(size[np.unique(demands.mode_signature)].sum()) * demands.count <= FEW_PAIRS * 8
