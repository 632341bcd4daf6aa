"""From a spec and a market to an audited plan; pure, apart from the user's own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from broker.assemble import assemble, total_cost
from broker.audit import audit
from broker.candidates import Candidates, admitted_to_any, find_candidates
from broker.errors import AuditFailed, Fault, SolverFailed, SpecError
from broker.formulate import formulate
from broker.market import Market
from broker.placements import placements
from broker.plans import Baseline, Plan
from broker.rules import budget, concentration
from broker.rules.rule import Scene
from broker.scene import build_scene
from broker.warm_start import begun_from
from broker.workloads import Spec
from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.exact import solve_exact
from solver.optimize import solve
from solver.problem import Problem
from solver.solution import SearchLimits, Solution, SolverError

#: Relative gap of each single choice of the baseline; shares nearer than this are equal.
_ONE_GAP = 0.001
#: Nodes of the search for each of them that needs one.
_ONE_NODES = 100
_SERVED = 1e-6

Progress = Callable[[str, float, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """A plan with everything it was made from, for explanations.

    Attributes:
        plan: the audited plan.
        scene, candidates, problem, solution: the steps before it.
    """

    plan: Plan
    scene: Scene
    candidates: tuple[Candidates, ...]
    problem: Problem
    solution: Solution


def make_plan(
    spec: Spec,
    market: Market,
    *,
    limits: SearchLimits | None = None,
    baseline: bool = False,
    progress: Progress | None = None,
    engine: Engine | None = None,
    warm_start: Plan | None = None,
) -> Planning:
    """Plan `spec` on `market`.

    Args:
        spec: what is asked.
        market: what is for sale and held.
        limits: when to stop; the default is deterministic.
        baseline: work out cheapest-first too; an interrupted search then falls back on it,
            unless a rule over the whole plan could forbid it.
        progress: called with (phase, best, bound) while the optimizer works.
        engine: runs the models; the caller ends it. None: a process of its own, for one plan.
        warm_start: an earlier plan; the search begins with what still stands of it, and falls
            back on that before it does on the baseline.

    Raises:
        SpecError: the user's own latency or transfer table has faults; a rule that nothing
            but the empty plan meets.
        SolverFailed: the optimizer ended without any plan.
        AuditFailed: the plan breaks a rule when re-checked; a bug of ours.
        KeyboardInterrupt: interrupted before there was any plan.
    """
    scene = build_scene(spec, market)
    candidates = find_candidates(scene)
    _refuse_unmeetable(scene, candidates)
    problem = formulate(scene, candidates)
    limits = limits or SearchLimits()
    process = nullcontext(engine) if engine else Engine(seconds=limits.seconds)
    with _failures(), process as running:
        begun = None if warm_start is None else begun_from(warm_start, scene, problem, running)
        first = _first(problem, running) if baseline else None
        stands = begun is not None and begun.start is not None
        start, prices = (begun.start, begun.prices) if begun and stands else (first, None)
        solution = solve(
            problem, limits, engine=running, start=start, prices=prices, progress=progress
        )
    plan = assemble(scene, market, candidates, problem, solution)
    plan = replace(plan, warm_start=None if begun is None else begun.told)
    if first is not None:
        plan = replace(plan, baseline=_baseline(scene, problem, solution, first))
    _audited(plan, spec, market)
    return Planning(
        plan=plan, scene=scene, candidates=candidates, problem=problem, solution=solution
    )


def _refuse_unmeetable(scene: Scene, candidates: Sequence[Candidates]) -> None:
    """Name rules that arithmetic alone shows no plan, or only the empty one, to keep."""
    faults = [
        Fault(
            path=f"policy.concentration[{number}]",
            found=why,
            expected="a share that several scopes can make up, or more of them",
            remedy="raise the share, or let workloads use more places",
        )
        for number, why in concentration.unmeetable(scene, admitted_to_any(scene, candidates))
    ]
    faults += [
        Fault(path="policy.budget", found=why, expected="a budget that some plan keeps")
        for why in budget.unmeetable(scene)
    ]
    if faults:
        raise SpecError("spec", faults)


@contextmanager
def _failures() -> Iterator[None]:
    """Say what a user can do where the optimizer ends without an answer."""
    try:
        yield
    except SolverError as error:
        raise SolverFailed(
            f"optimizing: {error}", remedy="raise --time-limit or --work-limit"
        ) from error


def _first(problem: Problem, engine: Engine) -> Solution:
    one = SearchLimits(gap=_ONE_GAP, work=_ONE_NODES)
    return cheapest_first(
        problem, lambda alone: solve_exact(alone, one, engine=engine), gap=_ONE_GAP
    )


def _audited(plan: Plan, spec: Spec, market: Market) -> None:
    violations = audit(plan, spec, market)
    if violations:
        text = "\n".join(f"  {one.rule}: {one.subject}: {one.text}" for one in violations)
        raise AuditFailed(
            f"the finished plan breaks its own rules:\n{text}",
            remedy="this is a bug of ours; please report it with the spec and the market",
        )


def _baseline(scene: Scene, problem: Problem, found: Solution, first: Solution) -> Baseline:
    """Price cheapest-first exactly, unless it serves less than the plan does."""
    total = total_cost(scene, placements(scene, problem, first)).total
    lost = [
        workload.name
        for row, workload in enumerate(scene.spec.workloads)
        if first.unmet[row] > found.unmet[row] + _SERVED
    ]
    return Baseline(total_usd=None if lost else total, unmet=tuple(lost))
