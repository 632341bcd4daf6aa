"""One contender on one instance, in a process of its own: `python -m benchmarks.contender JSON`.

Writes JSON lines: one for each message of progress, the last one with what was found.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from benchmarks.instances import Regime, Size, draw
from benchmarks.processes import tree_cpu_s
from broker.market import Market
from broker.plans import Cost, Plan
from broker.workloads import Spec

Found = dict[str, Any]
Asked = Mapping[str, Any]

#: Interfaces that the compact model is built through.
INTERFACES: Final = ("arrays + HiGHS", "PuLP + CBC", "pywraplp + SCIP", "MathOpt objects")


def say(**fields: object) -> None:
    """Write one line for the process that measures."""
    print(json.dumps(fields), flush=True)


def instance_of(asked: Asked) -> tuple[Spec, Market]:
    """Draw the instance that is asked for, without the workloads of `without`."""
    size = Size(
        workloads=asked["workloads"],
        offers=asked["offers"],
        fleet_offers=asked.get("fleet_offers"),
    )
    spec, market = draw(size, Regime(asked["regime"]), seed=asked["seed"], rules=asked["rules"])
    if asked.get("without"):
        from benchmarks.reduced import without

        spec = without(spec, frozenset(asked["without"]))
    return spec, market


def plan(asked: Asked) -> Found:
    """Run the optimizer."""
    from benchmarks.optimizer import planned

    spec, market = instance_of(asked)
    clock = _Clock()

    def progress(phase: str, best: float, bound: float) -> None:
        say(
            phase=phase,
            best=_number(best),
            bound=_number(bound),
            **clock.read(),
        )

    found = planned(spec, market, gap=asked["gap"], seconds=asked["seconds"], progress=progress)
    return {
        **clock.read(),
        "cost": _lines(found.cost),
        "bound": float(found.proof.cost_bound),
        "gap": float(found.proof.gap),
        "method": found.proof.method,
        "stop": found.stop,
        "unmet": _unmet(found),
        "unmet_workloads": {one.workload: float(one.fraction) for one in found.unmet},
        "unmet_bounds": [
            {
                "priority": level.priority,
                "unmet": float(level.unmet),
                "bound": float(level.bound),
            }
            for level in found.proof.levels
        ],
    }


def greedy(asked: Asked) -> Found:
    """Run cheapest-first."""
    from benchmarks.optimizer import cheapest

    spec, market = instance_of(asked)
    clock = _Clock()
    cost, shares = cheapest(spec, market)
    return {**clock.read(), "cost": _lines(cost), "unmet_workloads": shares}


def compact(asked: Asked) -> Found:
    """Build the compact model through one interface, and solve it where `seconds` are given."""
    from benchmarks import compact_models as models
    from benchmarks.optimizer import problem_of

    ways = (models.Arrays, models.Pulp, models.Pywraplp, models.MathOpt)
    way = next(one for one in ways if one.name == asked["interface"])()
    problem = problem_of(*instance_of(asked))
    clock = _Clock()
    model, arrays_s = models.timed(models.arrays, problem)
    _, build_s = models.timed(way.build, model)
    _, handed_s = models.timed(way.hand_over)
    found: Found = {
        "columns": len(model.cost),
        "rows": len(model.row_low),
        "entries": len(model.value),
        "arrays_cpu_s": arrays_s,
        "build_cpu_s": build_s,
        "hand_over_cpu_s": handed_s,
    }
    say(**found)
    if asked["seconds"] and way.can_solve:
        found |= models.judged(model, way.solve(asked["gap"], asked["seconds"]))
    return found | clock.read()


CONTENDERS: Final[Mapping[str, Callable[[Asked], Found]]] = {
    "plan": plan,
    "greedy": greedy,
    "compact": compact,
}


class _Clock:
    """Time since it was made, of this process and all that it started."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), tree_cpu_s(os.getpid())

    def read(self) -> dict[str, float]:
        """Return seconds of the clock and of the processors."""
        return {
            "wall_s": time.perf_counter() - self._wall_s,
            "cpu_s": tree_cpu_s(os.getpid()) - self._cpu_s,
        }


def _number(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _lines(cost: Cost) -> dict[str, float]:
    names = ("compute", "rework", "transfer", "moves", "shortfall", "carbon")
    return {name: float(getattr(cost, name)) for name in names} | {"total": float(cost.total)}


def _unmet(plan: Plan) -> float:
    return float(sum((one.amount for one in plan.unmet), Decimal(0)))


def main() -> None:
    """Run the contender that the argument names."""
    asked = json.loads(sys.argv[1])
    say(found=CONTENDERS[asked["contender"]](asked))


if __name__ == "__main__":
    main()
