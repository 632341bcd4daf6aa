"""Whole pipelines beside the textbook model of them, in PuLP and CBC.

    python -m benchmarks.peers [FAMILY ...]

The textbook model is our own statement of what planners of pipelines publish, not one of those
programs: one binary for each task and offer, and for each edge one binary for every pair of
offers of its two tasks (sum of e = 1; sum over one end = the task's binary at the other), cost of
an edge = what moving its data between the two places costs. It is given the finished costs. Ours
is the whole command: from the spec to the audited plan. Both search to the optimum (gap 1e-6).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks.draws import Draws, rounded
from benchmarks.offers_drawn import part_of
from benchmarks.processes import run
from broker.market import Market
from broker.report.table import text_table
from broker.snapshot import EMBEDDED, read_market
from broker.workloads import Reads, Shape, Spec, Training

_OFFERS: Final = 1_500
_MODELS: Final = ("T4", "L4", "A10G", "A100-80", "A100-40", "H100", "L40S", "A10")
_GAP: Final = 1e-6
WAYS: Final = ("ours", "textbook")


@dataclass(frozen=True, kw_only=True)
class Family:
    """A shape of pipelines: tasks, and edges from earlier to later ones."""

    tasks: int
    edges: int
    is_chain: bool = False


FAMILIES: Final[Mapping[str, Family]] = {
    "independent 500": Family(tasks=500, edges=0),
    "chain of 100": Family(tasks=100, edges=99, is_chain=True),
    "graph of 20, 30 edges": Family(tasks=20, edges=30),
    "graph of 50, 80 edges": Family(tasks=50, edges=80),
}


def pipeline(family: Family, seed: int = 1) -> tuple[Spec, Market]:
    """Draw tasks on one or two models each, on demand, capacities unlimited."""
    draws = Draws(seed, "pipeline")
    offers = part_of(read_market(EMBEDDED), _OFFERS, seed).filter(pl.col("option") == "on-demand")
    tasks = [
        Training(
            name=f"task-{number:03}",
            shapes=tuple(
                Shape(accelerators=(model,), count=Decimal(1), written=f"{model}:1")
                for model in sorted(draws.some_of(_MODELS, 2))
            ),
            hours=Decimal(draws.whole(1, 100)),
        )
        for number in range(family.tasks)
    ]
    for source, reader in _edges(family, draws):
        read = Reads(source=tasks[source].name, gb=rounded(draws.lognormal(300, 1.5)))
        tasks[reader] = replace(tasks[reader], reads=(*tasks[reader].reads, read))
    market = replace(read_market(EMBEDDED), offers=offers)
    return Spec(training=tuple(tasks)), market


def _edges(family: Family, draws: Draws) -> list[tuple[int, int]]:
    if family.is_chain:
        return [(number, number + 1) for number in range(family.edges)]
    found: set[tuple[int, int]] = set()
    while len(found) < family.edges:
        source, reader = sorted(
            (draws.whole(0, family.tasks - 1), draws.whole(0, family.tasks - 1))
        )
        if source < reader:
            found.add((source, reader))
    return sorted(found)


def ours(spec: Spec, market: Market) -> float:
    """Return the cost of the audited plan, USD."""
    from broker.planning import make_plan
    from solver.solution import SearchLimits

    return float(make_plan(spec, market, limits=SearchLimits(gap=_GAP)).plan.cost.total)


def textbook(spec: Spec, market: Market) -> float:
    """Return the cost of the best point of the textbook model, USD."""
    import pulp
    from cbcbox import cbc_bin_path

    from benchmarks.optimizer import problem_of
    from solver.pairs import enumerate_pairs

    problem = problem_of(spec, market)
    pairs = enumerate_pairs(problem)
    first = pairs.first_of_demand(problem.demands.count).tolist()
    place = problem.supply.place[pairs.supply]
    cost = (pairs.compute + pairs.extra + pairs.move).tolist()
    model = pulp.LpProblem("pipeline", pulp.LpMinimize)
    binary = partial(model.add_variable, lowBound=0, upBound=1, cat=pulp.LpInteger)
    chosen = [binary(f"c{number}") for number in range(pairs.count)]
    terms = list(zip(chosen, cost, strict=True))
    for start, end in pairwise(first):
        model += pulp.lpSum(chosen[start:end]) == 1
    for number, (source, reader, usd) in enumerate(_moves(problem, place, first)):
        edge = [
            [binary(f"e{number}_{row}_{column}") for column in range(len(reader))]
            for row in range(len(source))
        ]
        for row, at in enumerate(source):
            model += pulp.lpSum(edge[row]) == chosen[at]
            terms += list(zip(edge[row], usd[row].tolist(), strict=True))
        for column, at in enumerate(reader):
            model += pulp.lpSum(line[column] for line in edge) == chosen[at]
    model.setObjective(pulp.LpAffineExpression(terms))
    model.solve(pulp.COIN_CMD(path=cbc_bin_path(), msg=False, gapRel=_GAP, threads=1))
    if model.sol_status != pulp.LpSolutionOptimal:
        raise RuntimeError(f"CBC ended with {pulp.LpSolution[model.sol_status]}")
    return float(pulp.value(model.objective))


def _moves(problem: Any, place: Any, first: list[int]) -> Any:
    """Yield (rows of the source, rows of the reader, cost of every two) of each edge."""
    reads = problem.reads
    for edge in range(0 if reads is None else reads.count):
        ends = (int(reads.source[edge]), int(reads.reader[edge]))
        source, reader = (range(first[one], first[one + 1]) for one in ends)
        here, there = place[list(source)], place[list(reader)]
        classes = reads.class_of_place
        usd = reads.amount[edge] * reads.cost[np.ix_(classes[here], classes[there])]
        yield source, reader, np.where(here[:, None] == there[None, :], 0.0, usd)


def measured(family: str, way: str, *, most_s: float) -> tuple[str, ...]:
    """Run one way on one family in a process of its own; return its line of the table."""
    command = [sys.executable, "-m", "benchmarks.peers", "--run", family, way]
    done = run(command, most_s=most_s, most_mib=4096)
    if done.why_ended or done.code:
        said = done.why_ended or (done.errors.strip().splitlines() or ["failed"])[-1]
        return (family, way, said, f"{done.cpu_s:.1f}", f"{done.wall_s:.1f}")
    found = json.loads(done.output.splitlines()[-1])
    return (family, way, f"{found['usd']:,.2f}", f"{done.cpu_s:.1f}", f"{done.wall_s:.1f}")


def main() -> None:
    """Measure both ways on every family that was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("families", nargs="*", help=f"of {', '.join(FAMILIES)}")
    parser.add_argument("--seconds", type=float, default=300.0, help="on the clock, for each way")
    parser.add_argument("--run", nargs=2, metavar=("FAMILY", "WAY"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        family, way = asked.run
        solve = {"ours": ours, "textbook": textbook}[way]
        start_s = time.process_time()
        usd = solve(*pipeline(FAMILIES[family]))
        print(json.dumps({"usd": usd, "own_cpu_s": time.process_time() - start_s}))
        return
    rows = [
        measured(family, way, most_s=asked.seconds)
        for family in asked.families or FAMILIES
        for way in WAYS
    ]
    header = ("pipeline", "way", "optimum, USD", "CPU s", "wall s")
    print(text_table(header, rows, right="llrrr"), end="")


if __name__ == "__main__":
    main()
