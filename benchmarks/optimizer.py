"""The one place where benchmarks call the optimizer and its baseline."""

from __future__ import annotations

from broker.assemble import total_cost
from broker.candidates import find_candidates
from broker.formulate import formulate
from broker.market import Market
from broker.placements import placements
from broker.planning import Progress, make_plan
from broker.plans import Cost, Plan
from broker.scene import build_scene
from broker.workloads import Spec
from solver.asking import Engine
from solver.cheapest_first import cheapest_first
from solver.exact import solve_exact
from solver.problem import Problem
from solver.solution import SearchLimits

#: Gap and nodes of each single choice of cheapest-first, as in `broker plan`.
_ONE_GAP = 0.001
_ONE_NODES = 100


def planned(spec: Spec, market: Market, *, gap: float, seconds: float, progress: Progress) -> Plan:
    """Return the audited plan of `spec` on `market`."""
    limits = SearchLimits(gap=gap, seconds=seconds)
    return make_plan(spec, market, limits=limits, progress=progress).plan


def problem_of(spec: Spec, market: Market) -> Problem:
    """Return the arrays that the optimizer is given."""
    scene = build_scene(spec, market)
    return formulate(scene, find_candidates(scene))


def cheapest(spec: Spec, market: Market) -> tuple[Cost, dict[str, float]]:
    """Return what cheapest-first costs, and workload -> share that it leaves unmet.

    Each workload in turn takes the cheapest that is left, rules on places, capacities and
    quotas kept; what only a look at the whole plan could keep is not minded.
    """
    scene = build_scene(spec, market)
    problem = formulate(scene, find_candidates(scene))
    one = SearchLimits(gap=_ONE_GAP, work=_ONE_NODES)
    with Engine() as engine:
        found = cheapest_first(problem, lambda alone: solve_exact(alone, one, engine=engine))
    unmet = {
        workload.name: float(share)
        for workload, share in zip(spec.workloads, found.unmet, strict=True)
        if share > 0
    }
    return total_cost(scene, placements(scene, problem, found)), unmet
