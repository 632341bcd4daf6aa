"""From a spec and a market to an audited plan; pure, apart from the user's own tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.assemble import assemble, total_cost
from broker.audit import audit
from broker.candidates import Candidates, find_candidates
from broker.errors import AuditFailed, SolverFailed
from broker.formulate import formulate
from broker.market import Market
from broker.placements import placements
from broker.plans import Baseline, Plan
from broker.rules.rule import Scene
from broker.scene import build_scene
from broker.workloads import Spec
from solver.problem import Problem
from solver.solution import SearchLimits, Solution, SolverError

#: Relative gap of each single choice of the baseline; shares nearer than this are equal.
_ONE_GAP = 0.001
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
    progress: Progress | None = None,
) -> Planning:
    """Plan `spec` on `market`.

    Args:
        spec: what is asked.
        market: what is for sale and held.
        limits: when to stop; the default is deterministic.
        progress: called with (phase, best, bound) while the optimizer works.

    Raises:
        SpecError: the user's own latency or transfer table has faults.
        SolverFailed: the optimizer ended without any plan.
        AuditFailed: the plan breaks a rule when re-checked; a bug of ours.
    """
    scene = build_scene(spec, market)
    candidates = find_candidates(scene)
    problem = formulate(scene, candidates)
    solution = _solved(problem, limits or SearchLimits(), progress)
    plan = assemble(scene, market, candidates, problem, solution)
    violations = audit(plan, spec, market)
    if violations:
        text = "\n".join(f"  {one.rule}: {one.subject}: {one.text}" for one in violations)
        raise AuditFailed(
            f"the finished plan breaks its own rules:\n{text}",
            remedy="this is a bug of ours; please report it with the spec and the market",
        )
    return Planning(
        plan=plan, scene=scene, candidates=candidates, problem=problem, solution=solution
    )


def _solved(problem: Problem, limits: SearchLimits, progress: Progress | None) -> Solution:
    from solver.exact import solve_exact

    try:
        return solve_exact(problem, limits, progress=progress)
    except SolverError as error:
        raise SolverFailed(f"optimizing: {error}", remedy="raise --time-limit or --gap") from error


def baseline_of(planning: Planning) -> Baseline:
    """Return what cheapest-first costs on the same scene, priced exactly."""
    from solver.cheapest_first import cheapest_first
    from solver.exact import solve_exact

    scene, problem = planning.scene, planning.problem
    found = cheapest_first(problem, lambda one: solve_exact(one, SearchLimits(gap=_ONE_GAP)))
    total = total_cost(scene, placements(scene, problem, found)).total
    lost = [
        workload.name
        for row, workload in enumerate(scene.spec.workloads)
        if found.unmet[row] > planning.solution.unmet[row] + _SERVED
    ]
    return Baseline(total_usd=None if lost else total, unmet=tuple(lost))
