"""An earlier plan as the start of a search: its placements, found again in today's problem.

Placements are matched by workload, offer and shape. What has gone since is left out. A warm start
makes the search shorter; what is optimal, and what moving costs (`stability`), it does not touch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from broker.plan_file import plan_to_json
from broker.plans import Placement, Plan, WarmStart
from broker.rules.rule import Scene
from broker.scarcity import earlier_prices
from solver.asking import Engine
from solver.prices import Prices
from solver.problem import Problem
from solver.solution import Allocation, Solution
from solver.standing import standing

#: More instances than this are no placement of anybody's.
_MOST_UNITS = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where a search begins.

    Attributes:
        start: what still stands; None: nothing.
        prices: of today's shared rows, as far as the plan says any; None: it does not.
        told: how much that is, for the plan.
    """

    start: Solution | None
    prices: Prices | None
    told: WarmStart


def begun_from(earlier: Plan, scene: Scene, problem: Problem, engine: Engine) -> Begun:
    """Return what still stands of an earlier plan, as a start for `problem`.

    Args:
        earlier: a plan of this spec, or of one that names some of the same workloads.
        scene: what is asked today.
        problem: the same as arrays.
        engine: routes services.
    """
    held = _held(earlier, scene, problem)
    start = standing(problem, held, engine)
    told = WarmStart(
        plan=hashlib.sha256(plan_to_json(earlier).encode()).hexdigest(),
        placements=len(earlier.placements),
        standing=0 if start is None else len(start.allocation.demand),
    )
    return Begun(start=start, prices=earlier_prices(earlier, scene, problem), told=told)


def _held(earlier: Plan, scene: Scene, problem: Problem) -> Allocation:
    """Return the placements whose workload, offer and shape there are today."""
    rows = sorted(set(_found(earlier, scene, problem)))
    demand, mode, supply, units, share = zip(*rows, strict=True) if rows else ((),) * 5
    return Allocation(
        demand=np.array(demand, np.int32),
        mode=np.array(mode, np.int32),
        supply=np.array(supply, np.int32),
        units=np.array(units, np.int64),
        unit_hours=np.zeros(len(rows)),
        share=np.array(share, np.float64),
    )


def _found(
    earlier: Plan, scene: Scene, problem: Problem
) -> Iterator[tuple[int, int, int, int, float]]:
    """Yield (demand, mode, supply, units, share of the work) of each placement."""
    numbers = {workload.name: row for row, workload in enumerate(scene.spec.workloads)}
    wanted = {one.offer for one in earlier.placements}
    ids = scene.stock.frame["id"].to_list()
    row_of = {offer: row for row, offer in enumerate(ids) if offer in wanted}
    hosts = scene.machines.hosts_of_row()
    for one in earlier.placements:
        demand, row = numbers.get(one.workload), row_of.get(one.offer)
        if demand is None or row is None:
            continue
        mode = _mode(one, scene, problem, demand, row)
        units, rest = divmod(one.instances, int(hosts[row]))
        if mode is not None and 0 < units <= _MOST_UNITS and not rest:
            yield demand, mode, row, units, float(one.served)


def _mode(one: Placement, scene: Scene, problem: Problem, demand: int, row: int) -> int | None:
    """Return the mode of `demand` that runs a placement's shape on a stock row, where admitted."""
    shapes = scene.spec.workloads[demand].shapes
    kinds, numbers = problem.demands.mode_kind, problem.demands.mode_shape
    for mode in problem.modes_of(demand):
        is_shape = shapes[int(numbers[mode])].written == one.shape
        if is_shape and kinds[mode] == scene.machines.of_row[row]:
            supplies = problem.supplies_of(mode)
            at = int(np.searchsorted(supplies, row))
            if at < len(supplies) and supplies[at] == row:
                return mode
    return None
