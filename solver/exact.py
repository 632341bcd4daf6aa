"""Solve the compact model: priority by priority, then cost, with a proof for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver.asking import Engine
from solver.compact import build_compact
from solver.compact_columns import Compact
from solver.decode import decode
from solver.effort import Answer, Effort, Outcome
from solver.model import Model, with_row
from solver.problem import Floats, Problem
from solver.read_rows import readers_of
from solver.refusal_rows import overridden
from solver.solution import LevelProof, SearchLimits, Solution, SolverError, Status, Stop
from solver.stay_rows import unbilled_cost
from solver.thinned import Thinned

#: Branch-and-bound nodes of one solve when the caller names no work limit.
DEFAULT_NODES = 20_000
#: Nodes spent on the guess that everything can be served.
FIRST_NODES = 500

#: A model of more columns is thinned; what is still of more, in no more rows, is tried as it is.
MANY_COLUMNS = 10_000
FEW_ROWS = 1_000

#: Part of the largest override that is the engine's tolerance, not a decision.
_NO_OVERRIDE = 1e-7
#: Seconds the relaxation may take when all that is left is to prove something of `start`.
LAST_BOUND_S = 20.0

Progress = Callable[[str, float, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Outcome of the service levels.

    Attributes:
        model: with every level fixed.
        levels: their proofs.
        answer: of the cost stage, when it is known already.
        known: a point of `model`, cost not yet minimised; empty when none is known.
        overridden_bound: the least that can be overridden of first refusals.
    """

    model: Model
    levels: tuple[LevelProof, ...]
    answer: Answer | None
    known: Floats
    overridden_bound: float = 0.0


def solve_exact(
    problem: Problem,
    limits: SearchLimits,
    *,
    start: Solution | None = None,
    engine: Engine,
    progress: Progress | None = None,
) -> Solution:
    """Solve `problem` through its compact model.

    When the search is interrupted or ends without a plan, `start` is returned with the bound
    of the linear relaxation.

    Args:
        problem: what is asked.
        limits: when to stop; `work` counts branch-and-bound nodes of the cost stage.
        start: a whole plan found before, e.g. cheapest-first.
        engine: runs the models.
        progress: called with (phase, best, bound) as stages end.

    Raises:
        SolverError: the engine failed, or ended without any plan and there is no `start`.
        KeyboardInterrupt: interrupted without a `start`.
    """
    report = progress or (lambda _phase, _best, _bound: None)
    compact = build_compact(problem)
    model = compact.builder.build()
    effort = Effort(gap=limits.gap, nodes=limits.work or DEFAULT_NODES, seconds=limits.seconds)
    try:
        stage, answer = _searched(compact, model, effort, engine, report)
    except KeyboardInterrupt:
        if start is None:
            raise
        return _fallen_back(compact, model, start, engine, Stop.INTERRUPT)
    except SolverError:
        if start is None:
            raise
        stop = Stop.WORK if limits.seconds is None else Stop.TIME
        return _fallen_back(compact, model, start, engine, stop)
    return _solution(compact, answer, stage, limits)


def _searched(
    compact: Compact, model: Model, effort: Effort, engine: Engine, report: Progress
) -> tuple[_Stage, Answer]:
    """Serve levels, override least, then minimise cost."""
    stage = _serve_everything(compact, model, _without_pairs(compact), effort, engine)
    if stage.answer is None:
        stage = _serve_by_priority(compact, model, effort, engine, report)
    stage = _override_least(compact, stage, effort, engine, report)
    answer = stage.answer or _solved(stage.model, effort, engine)
    if not len(answer.x) and len(stage.known):
        objective = float(stage.model.cost @ stage.known)
        answer = replace(answer, x=stage.known, objective=objective)
    if not len(answer.x) and len(model.cost):
        raise SolverError("the engine found no plan within its limits")
    report("cost", answer.objective, answer.bound)
    return stage, answer


def _solved(model: Model, effort: Effort, engine: Engine) -> Answer:
    """Solve a model; a large one without what does not count."""
    if len(model.cost) <= MANY_COLUMNS:
        return engine.solve_integer(model, effort)
    thin = Thinned.of(model)
    answer = _solved_thin(thin.model, effort, engine)
    return replace(answer, x=thin.whole(answer.x))


def _solved_thin(model: Model, effort: Effort, engine: Engine) -> Answer:
    """Solve what is left of a model; where it is wide, by branching alone, if that suffices."""
    if len(model.cost) > MANY_COLUMNS and len(model.row_low) <= FEW_ROWS:
        nodes = min(effort.nodes or FIRST_NODES, FIRST_NODES)
        answer = engine.solve_integer(model, replace(effort, nodes=nodes, plain=True))
        if answer.outcome not in {Outcome.FEASIBLE, Outcome.NO_SOLUTION}:
            return answer
    return engine.solve_integer(model, effort)


def _override_least(
    compact: Compact, stage: _Stage, effort: Effort, engine: Engine, report: Progress
) -> _Stage:
    """Minimise what is overridden of first refusals, and fix it; nothing to do without any."""
    column = compact.overrides
    is_free = stage.answer is not None and float(stage.answer.x[column].sum()) <= _NO_OVERRIDE
    if not len(column) or is_free:
        return stage
    cost = np.zeros(len(stage.model.cost))
    cost[column] = 1.0
    answer = _solved(replace(stage.model, cost=cost), replace(effort, gap=0.0), engine)
    known = answer.x if len(answer.x) else stage.known
    if not len(known):
        raise SolverError("no plan found at the level of first refusals")
    value = max(0.0, float(known[column].sum()))
    bound = min(max(0.0, answer.bound), value)
    report("first refusals", value * compact.override_scale, bound * compact.override_scale)
    model = with_row(
        stage.model, column, np.ones(len(column)), high=value * (1 + 1e-9) + _NO_OVERRIDE
    )
    return replace(
        stage,
        model=model,
        answer=None,
        known=known,
        overridden_bound=bound * compact.override_scale,
    )


def _fallen_back(
    compact: Compact, model: Model, start: Solution, engine: Engine, stop: Stop
) -> Solution:
    """Return `start` with what the linear relaxation proves of it."""
    demands = compact.problem.demands
    levels = []
    for priority, value in _level_values(compact.problem, start.unmet):
        member = np.flatnonzero(demands.priority == priority)
        slack = 1e-9 * value + 1e-7
        model = with_row(model, compact.unmet[member], demands.weight[member], high=value + slack)
        levels.append(LevelProof(priority=priority, unmet=value, bound=0.0))
    override = overridden(compact.problem, start.allocation)
    if len(compact.overrides):
        most = override / compact.override_scale * (1 + 1e-9) + _NO_OVERRIDE
        model = with_row(model, compact.overrides, np.ones(len(compact.overrides)), high=most)
    relaxed = engine.solve_linear(model, seconds=LAST_BOUND_S)
    known = relaxed is not None and relaxed.outcome is Outcome.OPTIMAL
    bound = relaxed.objective if relaxed is not None and known else 0.0
    bound -= unbilled_cost(compact.problem, start.allocation)
    return replace(
        start,
        levels=tuple(levels),
        bound=max(bound, 0.0),
        status=Status.FEASIBLE,
        stop=stop,
        overridden=override,
    )


def _without_pairs(compact: Compact) -> Floats:
    """float64[D]: 1 where a demand, or one it builds on, has no pair at all, else 0."""
    served = np.zeros(compact.problem.demands.count, np.bool_)
    served[compact.pairs.demand] = True
    if compact.problem.reads is not None:
        served &= ~readers_of(compact.problem.reads, ~served)
    return np.where(served, 0.0, 1.0)


def _serve_everything(
    compact: Compact, model: Model, forced: Floats, effort: Effort, engine: Engine
) -> _Stage:
    """Try the usual case first: everything that has a pair is served in full."""
    high = model.high.copy()
    high[compact.unmet] = forced
    whole = replace(model, high=high)
    answer = _solved(
        whole, replace(effort, nodes=min(effort.nodes or FIRST_NODES, FIRST_NODES)), engine
    )
    goes_further = effort.nodes is None or effort.nodes > FIRST_NODES
    if answer.outcome is Outcome.FEASIBLE and goes_further:
        answer = _solved(whole, effort, engine)
    if answer.outcome in {Outcome.INFEASIBLE, Outcome.NO_SOLUTION}:
        return _Stage(model=model, levels=(), answer=None, known=np.empty(0))
    levels = tuple(
        LevelProof(priority=priority, unmet=value, bound=value)
        for priority, value in _level_values(compact.problem, forced)
    )
    return _Stage(model=whole, levels=levels, answer=answer, known=answer.x)


def _level_values(problem: Problem, unmet: Floats) -> list[tuple[int, float]]:
    demands = problem.demands
    return [
        (int(priority), float((demands.weight * unmet)[demands.priority == priority].sum()))
        for priority in np.unique(demands.priority)[::-1]
    ]


def _serve_by_priority(
    compact: Compact, model: Model, effort: Effort, engine: Engine, report: Progress
) -> _Stage:
    """Minimise unmet weight priority by priority, fixing each before the next."""
    demands = compact.problem.demands
    levels: list[LevelProof] = []
    known: Floats = np.empty(0)
    for priority in np.unique(demands.priority)[::-1]:
        member = np.flatnonzero(demands.priority == priority)
        weight = demands.weight[member]
        cost = np.zeros(len(model.cost))
        cost[compact.unmet[member]] = weight
        answer = _solved(replace(model, cost=cost), replace(effort, gap=0.0), engine)
        if not len(answer.x):
            raise SolverError(f"no plan found at priority {priority}")
        known = answer.x
        value = max(0.0, answer.objective)
        report(f"priority {priority}", value, answer.bound)
        bound = min(max(0.0, answer.bound), value)
        levels.append(LevelProof(priority=int(priority), unmet=value, bound=bound))
        slack = 1e-9 * value + 1e-7 * float(weight.max(initial=0.0))
        model = with_row(model, compact.unmet[member], weight, high=value + slack)
    return _Stage(model=model, levels=tuple(levels), answer=None, known=known)


def _solution(compact: Compact, answer: Answer, stage: _Stage, limits: SearchLimits) -> Solution:
    allocation, routes, unmet = decode(compact, answer.x)
    override = overridden(compact.problem, allocation)
    unbilled = unbilled_cost(compact.problem, allocation)
    cost = answer.objective - unbilled
    bound = min(max(answer.bound - unbilled, 0.0), cost)
    gap = max(0.0, (cost - bound) / max(cost, 1.0))
    reached = gap <= limits.gap * (1 + 1e-9) + 1e-12
    stop = Stop.GAP if reached else (Stop.TIME if limits.seconds is not None else Stop.WORK)
    return Solution(
        allocation=allocation,
        routes=routes,
        unmet=unmet,
        levels=stage.levels,
        cost=cost,
        bound=bound,
        status=Status.OPTIMAL if reached else Status.FEASIBLE,
        stop=stop,
        method="compact",
        overridden=override,
        overridden_bound=min(stage.overridden_bound, override),
    )
