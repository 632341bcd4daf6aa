"""Pipelines on the embedded market: processor seconds to a proven optimum, and of a naive model.

    python -m benchmarks.pipelines [--naive]

500 workloads that share nothing, a chain of 100 and a graph of 50 with 80 reads; each stage has
35 to 75 candidates. Seconds are of this process and its engine, after the market is read: of a
whole plan with its audit, of the optimizer alone, and of a naive model in its stead, which has a
column for every pair of candidates of every read, as one would write it first.
"""

from __future__ import annotations

import argparse
import random
import resource
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from broker.candidates import find_candidates
from broker.formulate import formulate
from broker.market import Market
from broker.planning import make_plan
from broker.report.table import text_table
from broker.scene import build_scene
from broker.snapshot import read_market
from broker.spec import spec_from_data
from broker.workloads import Spec
from solver.asking import Engine
from solver.effort import Effort
from solver.exact import solve_exact
from solver.model import Model, ModelBuilder
from solver.pairs import enumerate_pairs
from solver.problem import Problem
from solver.solution import SearchLimits

#: Shapes with 35 to 75 on-demand offers in the chosen regions, and regions that narrow them.
SHAPES: Final = ("H100:8", "A100:8", "L4:1", "T4:1", "L40S:1", "A10G:1", "H200:8")
MOST, LEAST = 75, 35


@dataclass(frozen=True, kw_only=True)
class Case:
    """Workloads and who reads whom.

    Attributes:
        name: of the case.
        stages: how many.
        reads: (reader, source).
    """

    name: str
    stages: int
    reads: tuple[tuple[int, int], ...]


def cases() -> tuple[Case, ...]:
    """Return the three cases."""
    draw = random.Random(7)  # noqa: S311 - a draw of cases, no secret
    edges = {(reader, draw.randrange(reader)) for reader in range(1, 50)}
    while len(edges) < 80:
        reader = draw.randrange(2, 50)
        edges.add((reader, draw.randrange(reader)))
    return (
        Case(name="500 independent", stages=500, reads=()),
        Case(
            name="chain of 100", stages=100, reads=tuple((one, one - 1) for one in range(1, 100))
        ),
        Case(name="graph of 50, 80 reads", stages=50, reads=tuple(sorted(edges))),
    )


def spec_of(case: Case, regions: dict[str, list[str]]) -> Spec:
    """Return the spec of a case; `regions` as `regions_of` says."""
    draw = random.Random(case.stages)  # noqa: S311 - a draw of cases, no secret
    stages: list[dict[str, Any]] = []
    for number in range(case.stages):
        shape = draw.choice(sorted(regions))
        stage: dict[str, Any] = {
            "name": f"stage{number:03}",
            "accelerators": shape,
            "hours": draw.randint(5, 200),
            "where": {"regions": regions[shape]},
        }
        read = [
            {"from": f"stage{source:03}", "gb": draw.randint(100, 20_000)}
            for reader, source in case.reads
            if reader == number
        ]
        stages.append(stage | ({"reads": read} if read else {}))
    return spec_from_data({"training": stages, "start": "2026-12-01"})


def regions_of(market: Market) -> dict[str, list[str]]:
    """Return shape -> regions in which it has as many candidates as the cases want."""
    found = {}
    for shape in SHAPES:
        data = {"training": [{"name": "one", "accelerators": shape, "hours": 10}]}
        scene = build_scene(spec_from_data(data), market)
        (candidates,) = find_candidates(scene)
        names: list[str] = []
        count = 0
        for place in np.unique(scene.place_of_row[candidates.admitted]).tolist():
            here = int((candidates.admitted & (scene.place_of_row == place)).sum())
            if count + here <= MOST:
                names, count = [*names, scene.places[place]], count + here
        if count >= LEAST:
            found[shape] = names
    return found


def used_s() -> float:
    """Return processor seconds of this process and of the children that ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def planned_s(spec: Spec, market: Market) -> tuple[float, float]:
    """Return processor seconds of a whole plan, and its cost."""
    start = used_s()
    plan = make_plan(spec, market).plan
    if plan.status != "optimal" or plan.unmet:
        raise SystemExit(f"not proven optimal, or not whole: gap {plan.proof.gap}")
    return used_s() - start, float(plan.cost.total)


def optimized_s(spec: Spec, market: Market) -> float:
    """Return processor seconds of the model by places alone, as `naive_s` counts its own."""
    scene = build_scene(spec, market)
    problem = formulate(scene, find_candidates(scene))
    start = used_s()
    with Engine() as engine:
        solve_exact(problem, SearchLimits(), engine=engine)
    return used_s() - start


def naive_s(spec: Spec, market: Market) -> tuple[float, float]:
    """Return processor seconds of the model over pairs of candidates, and its optimum."""
    scene = build_scene(spec, market)
    problem = formulate(scene, find_candidates(scene))
    start = used_s()
    model = naive_model(problem)
    with Engine() as engine:
        answer = engine.solve_integer(model, Effort(gap=0.005, nodes=None, seconds=None))
    return used_s() - start, answer.objective


def naive_model(problem: Problem) -> Model:
    """Return x_p for every pair p of a stage, y_pq for every two of a read."""
    pairs, builder = enumerate_pairs(problem), ModelBuilder()
    first = pairs.first_of_demand(problem.demands.count)
    x = builder.add(pairs.compute + pairs.extra + pairs.move, high=1.0, integral=True)
    one = builder.rows(problem.demands.count, low=1.0, high=1.0)
    builder.entries(one[pairs.demand], x, 1.0)
    reads = problem.reads
    for edge in range(reads.count if reads else 0):
        assert reads is not None  # noqa: S101 - counted above
        mine, its = (
            np.arange(first[demand], first[demand + 1])
            for demand in (int(reads.source[edge]), int(reads.reader[edge]))
        )
        place = problem.supply.place[pairs.supply]
        kind = reads.class_of_place[place]
        cost = reads.amount[edge] * reads.cost[np.ix_(kind[mine], kind[its])]
        cost[place[mine][:, None] == place[its][None, :]] = 0.0
        y = builder.add(np.nan_to_num(cost, posinf=1e9).ravel(), high=1.0, integral=False)
        grid = y.reshape(len(mine), len(its))
        for ends, columns in ((mine, grid), (its, grid.T)):
            rows = builder.rows(len(ends), low=0.0, high=0.0)
            builder.entries(rows, x[ends], -1.0)
            builder.entries(np.repeat(rows, columns.shape[1]), columns.ravel(), 1.0)
    return builder.build()


def main() -> None:
    """Measure every case."""
    parser = argparse.ArgumentParser(prog="benchmarks.pipelines")
    parser.add_argument("--naive", action="store_true", help="measure the naive model as well")
    naive = parser.parse_args().naive
    market = read_market(["embedded"])
    regions = regions_of(market)
    rows = []
    for case in cases():
        spec = spec_of(case, regions)
        seconds, cost = planned_s(spec, market)
        ours = optimized_s(spec, market)
        cells = [case.name, f"{cost:,.2f}", f"{seconds:.2f}", f"{ours:.2f}", "", ""]
        if naive:
            other, optimum = naive_s(spec, market)
            if abs(optimum - cost) > 0.01 * cost:
                raise SystemExit(f"{case.name}: the naive model finds {optimum}, the plan {cost}")
            cells[4:] = [f"{other:.2f}", f"{other / ours:.1f}"]
        rows.append(cells)
    header = ["CASE", "COST $", "PLAN S", "OPTIMIZER S", "NAIVE S", "RATIO"]
    print(text_table(header, rows, right="lrrrrr"), end="")


if __name__ == "__main__":
    main()
