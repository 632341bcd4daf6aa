"""The optimizer: one exact model where it is small, a decomposition where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.asking import Engine
from solver.decomposition import solve_decomposed
from solver.exact import DEFAULT_NODES, Progress, solve_exact
from solver.pairs import enumerate_pairs
from solver.prices import Prices
from solver.problem import Family, Problem
from solver.solution import SearchLimits, Solution, Status, Stop

#: Problems of no more demands than this are one model, with services up to so many pairs where no
#: row over the whole plan binds them: each service by itself then stands at fewer places for the
#: same cost. Where one does, of so many more: several batches on thousands of offers each take an
#: engine minutes. Without services, larger ones are one model too.
FEW_DEMANDS = 12
MANY_PAIRS = 8_000
VERY_MANY_PAIRS = 50_000
FEW_PAIRS = 60_000
#: Up to so many demands and pairs, what the decomposition does not prove is tried as one model
#: with so many nodes.
FAIR_DEMANDS = 40
FAIR_PAIRS = 6_000
FAIR_NODES = 1_000


def solve(
    problem: Problem,
    limits: SearchLimits,
    *,
    engine: Engine,
    start: Solution | None = None,
    prices: Prices | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve `problem`, in the way that suits its size.

    Args:
        problem: what is asked.
        limits: when to stop.
        engine: runs the models.
        start: a whole plan found before; one demand at a time, it may break rules over the plan.
        prices: of shared rows, from an earlier search (see `solver.decomposition`).
        progress: called with (phase, best, bound).

    Raises:
        SolverError: the engine failed, or ended without any plan and there is no `start`.
        KeyboardInterrupt: interrupted before there was any plan.
    """
    if is_small(problem):
        known = None if problem.is_coupled else start
        return solve_exact(problem, limits, engine=engine, start=known, progress=progress)
    found = solve_decomposed(
        problem, limits, engine=engine, start=start, prices=prices, progress=progress
    )
    if found.stop is Stop.INTERRUPT or _is_proven(found) or not _is_fair(problem, found):
        return found
    nodes = DEFAULT_NODES if problem.demands.count <= FEW_DEMANDS else FAIR_NODES
    nodes = min(limits.work or nodes, nodes)
    whole = solve_exact(
        problem, replace(limits, work=nodes), engine=engine, start=found, progress=progress
    )
    return min(found, whole, key=lambda one: _rank(problem, one))


def _rank(problem: Problem, solution: Solution) -> tuple[float, ...]:
    """What makes one answer better: unmet by priority, overrides, cost and its distance proven."""
    demands = problem.demands
    lost = demands.weight * solution.unmet
    levels = [float(lost[demands.priority == one].sum()) for one in np.unique(demands.priority)]
    ranked = [round(one, 3) for one in levels[::-1]]
    return (*ranked, round(solution.overridden, 3), 2 * solution.cost - solution.bound)


def _is_proven(found: Solution) -> bool:
    return found.status is Status.OPTIMAL and not any(one.is_open for one in found.levels)


def _is_fair(problem: Problem, found: Solution) -> bool:
    """Return whether one exact model is worth a try where a decomposition leaves something open.

    For what it says of priorities alone, a model of very many pairs takes too long.
    """
    pairs = enumerate_pairs(problem).count if problem.demands.count <= FAIR_DEMANDS else np.inf
    if problem.demands.count <= FEW_DEMANDS:
        return found.status is not Status.OPTIMAL or pairs <= VERY_MANY_PAIRS
    return pairs <= FAIR_PAIRS


def is_small(problem: Problem) -> bool:
    """Return whether one exact model is the better way."""
    demands = problem.demands
    if (demands.family == Family.SERVICE).any():
        if demands.count > FEW_DEMANDS:
            return False
        is_joint = problem.is_coupled or problem.accounts.count > 0
        return enumerate_pairs(problem).count <= (VERY_MANY_PAIRS if is_joint else MANY_PAIRS)
    if demands.count <= FEW_DEMANDS:
        return True
    size = np.diff(problem.eligible_start)
    return int(size[np.unique(demands.mode_signature)].sum()) * demands.count <= FEW_PAIRS * 8
