"""Mixes of machines for sizes of requests, against a switch per slice and kind of machine.

    python -m benchmarks.sizes [--sizes 10] [--slices 8] [--seeds 3] [--rate 40] [--limit 60]

One service at one place, sizes x sizes buckets of input and output length, four kinds of
accelerator. Ours has one whole number per kind and divisible flows. The usual way cuts every
bucket into slices, has a binary per slice and kind and a whole number per kind; it is solved to
proven optimality by HiGHS through the same door as ours, and by CBC where PuLP is installed.
Processor seconds of the process and its children, model building included.

Two families of made-up rates: "rated" from compute and memory bandwidth as makers state them,
"random" around what a price would buy. Prices are of one accelerator on demand, rounded.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from broker.report.table import text_table
from solver.backend import solve_integer
from solver.compact import build_compact
from solver.effort import Effort
from solver.model import Model, ModelBuilder
from solver.problem import (
    NO_ROW,
    Accounts,
    Demands,
    Family,
    Limits,
    Problem,
    Services,
    Supply,
)

Floats = NDArray[np.float64]

#: Accelerator -> USD an hour.
PRICES: Final = {"L4": 0.7, "A10G": 1.01, "A100-80": 3.67, "H100": 6.98}
#: Dense 16-bit TFLOPS, memory bandwidth (GB/s) and memory (GB) of each, as rated.
_FACTS: Final = {
    "L4": (121, 300, 24),
    "A10G": (125, 600, 24),
    "A100-80": (312, 2039, 80),
    "H100": (989, 3350, 80),
}
#: A model of 7 billion weights in 16 bits; bytes of context kept per token.
_WEIGHTS, _CONTEXT_BYTES = 7e9, 0.5e6
_GAP: Final = 1e-9


def lengths(count: int) -> Floats:
    """Return float64[count] lengths in tokens, from 25 to 8,000, evenly on a log scale."""
    return np.geomspace(25, 8000, count)


def rates_by_size(count: int) -> Floats:
    """Return float64[4, count^2], requests/s that one accelerator serves of each size alone."""
    into, out = (one.ravel() for one in np.meshgrid(lengths(count), lengths(count), indexing="ij"))
    rates = []
    for tflops, bandwidth, memory in _FACTS.values():
        room = memory * 1e9 * 0.9 - 2 * _WEIGHTS
        together = np.clip(room / ((into + out) * _CONTEXT_BYTES), 1, 256)
        step_s = (2 * _WEIGHTS + together * (into + out / 2) * _CONTEXT_BYTES) / (bandwidth * 1e9)
        step_s = np.maximum(step_s, 2 * _WEIGHTS * together / (tflops * 0.5e12))
        prefill_s = 2 * _WEIGHTS * into / (tflops * 0.5e12)
        rates.append(1 / (prefill_s + out * step_s / together))
    return np.array(rates)


def random_rates(count: int, *, seed: int) -> Floats:
    """Return float64[4, count^2], rates in proportion to price but for a factor of 0.5 to 2."""
    random = np.random.default_rng(1000 + seed)
    usual = np.array(list(PRICES.values()))[:, None] / rates_by_size(count).max()
    base = rates_by_size(count)[:1] * usual / usual[0]
    return np.asarray(base * 2 ** random.uniform(-1, 1, (len(PRICES), count**2)), np.float64)


def histogram(count: int, *, seed: int) -> Floats:
    """Return float64[count^2], shares of the sizes: two clouds of requests, some noise."""
    random = np.random.default_rng(seed)
    at = np.arange(count) / max(count - 1, 1)
    into, out = np.meshgrid(at, at, indexing="ij")
    chat = np.exp(-((into - 0.3) ** 2 + (out - 0.45) ** 2) / 0.03)
    papers = np.exp(-((into - 0.85) ** 2 + (out - 0.4) ** 2) / 0.02)
    shares = (chat + 0.3 * papers + 0.02) * random.uniform(0.5, 1.5, chat.shape)
    return np.asarray((shares / shares.sum()).ravel(), np.float64)


def ours(loads: Floats, rates: Floats) -> Model:
    """Return the compact model of a service with these loads, one a size, all of it served."""
    compact = build_compact(_problem(loads, rates))
    model = compact.builder.build()
    high = model.high.copy()
    high[compact.unmet] = 0.0
    return replace(model, high=high)


def by_slices(loads: Floats, rates: Floats, slices: int) -> Model:
    """Return the model with a binary per slice and kind.

    sum over kinds of x = 1 per slice; sum of load / rate x x <= n per kind.
    """
    builder = ModelBuilder()
    kinds = len(rates)
    held = builder.add(np.array(list(PRICES.values())), high=10_000.0, integral=True)
    size = np.repeat(np.arange(len(loads)), slices)
    chosen = builder.add(np.zeros(len(size) * kinds), high=1.0, integral=True)
    chosen = chosen.reshape(len(size), kinds)
    once = builder.rows(len(size), low=1.0, high=1.0)
    builder.entries(once[:, None], chosen, 1.0)
    room = builder.rows(kinds, low=-np.inf, high=0.0)
    builder.entries(room[None, :], chosen, (loads / slices / rates)[:, size].T)
    builder.entries(room, held, -1.0)
    return builder.build()


def _problem(loads: Floats, rates: Floats) -> Problem:
    kinds, none = len(rates), np.empty(0)
    zeros = np.zeros(kinds)
    one = np.zeros(1, np.int32)
    supply = Supply(
        hour_cost=np.array(list(PRICES.values())),
        unit_cost=zeros,
        hour_value=zeros,
        size=np.ones(kinds),
        capacity=np.full(kinds, np.inf),
        kind=np.arange(kinds, dtype=np.int32),
        place=np.zeros(kinds, np.int32),
        zone=np.zeros(kinds, np.int32),
        pool=np.arange(kinds, dtype=np.int32),
        risk=np.zeros(kinds, np.int32),
        owned=np.zeros(kinds, np.bool_),
    )
    demands = Demands(
        family=np.array([Family.SERVICE], np.int32),
        priority=one,
        weight=np.ones(1),
        mode_start=np.array([0, kinds], np.int64),
        mode_kind=np.arange(kinds, dtype=np.int32),
        mode_shape=np.arange(kinds, dtype=np.int32),
        mode_signature=np.zeros(kinds, np.int32),
        mode_amount=loads.sum() / (loads / rates).sum(axis=1),
        mode_hours=np.ones(kinds),
        spoilage_row=one,
        spoilage=np.ones((1, 1)),
        carry=np.ones((1, 1)),
        risky_share=np.zeros(1),
        data_amount=np.zeros(1),
        data_row=np.array([NO_ROW], np.int32),
        move_cost=np.zeros((0, 1)),
        mode_size_amount=rates,
    )
    services = Services(
        demand=one,
        load_start=np.array([0, len(loads)], np.int64),
        load_point=np.zeros(len(loads), np.int32),
        load=loads,
        distance=np.zeros((1, 1)),
        near=np.array([np.inf]),
        far_share=np.ones(1),
        each_point=np.zeros(1, np.bool_),
        farthest=np.array([np.inf]),
        least_places=np.ones(1, np.int32),
        most_share=np.ones(1),
        survive_level=np.array([NO_ROW], np.int32),
        survive_share=np.ones(1),
        load_size=np.arange(len(loads), dtype=np.int32),
    )
    return Problem(
        period_h=1.0,
        supply=supply,
        demands=demands,
        services=services,
        limits=Limits(
            start=np.zeros(1, np.int64), supply=np.empty(0, np.int32), weight=none, high=none
        ),
        accounts=Accounts(
            measure=np.empty(0, np.int32),
            factor=np.empty((0, kinds)),
            low=none,
            high=none,
            slack_cost=none,
        ),
        owner_of_place=one,
        eligible_start=np.array([0, kinds], np.int64),
        eligible=np.arange(kinds, dtype=np.int32),
    )


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one solver did: USD an hour, what it proved, processor and clock seconds."""

    cost: float
    bound: float
    processor_s: float
    wall_s: float


def _measured(solve: Callable[[], tuple[float, float]]) -> Run:
    used, start = _processor_s(), time.perf_counter()
    cost, bound = solve()
    return Run(
        cost=cost,
        bound=bound,
        processor_s=_processor_s() - used,
        wall_s=time.perf_counter() - start,
    )


def _processor_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _with_highs(build: Callable[[], Model], limit_s: float) -> tuple[float, float]:
    answer = solve_integer(build(), Effort(gap=_GAP, nodes=None, seconds=limit_s))
    return (answer.objective if len(answer.x) else float("inf")), answer.bound


def _with_cbc(loads: Floats, rates: Floats, slices: int, limit_s: float) -> tuple[float, float]:
    """Solve the model with a binary per slice through PuLP and its CBC."""
    pulp: Any = importlib.import_module("pulp")
    model = pulp.LpProblem("mix", pulp.LpMinimize)
    kinds = range(len(rates))
    held = [pulp.LpVariable(f"n{kind}", 0, cat="Integer") for kind in kinds]
    model += pulp.lpSum(price * n for price, n in zip(PRICES.values(), held, strict=True))
    size = np.repeat(np.arange(len(loads)), slices)
    chosen = [
        [pulp.LpVariable(f"x{row}_{kind}", 0, 1, cat="Integer") for kind in kinds]
        for row in range(len(size))
    ]
    for row in chosen:
        model += pulp.lpSum(row) == 1
    time_of = loads / slices / rates
    for kind in kinds:
        model += (
            pulp.lpSum(
                float(time_of[kind, one]) * row[kind]
                for one, row in zip(size, chosen, strict=True)
            )
            <= held[kind]
        )
    model.solve(pulp.PULP_CBC_CMD(msg=0, timeLimit=limit_s))
    proven = model.sol_status == pulp.LpSolutionOptimal
    cost = float(pulp.value(model.objective))
    return cost, cost if proven else float("nan")


def _solvers(
    loads: Floats, rates: Floats, *, slices: int, limit_s: float
) -> dict[str, Callable[[], tuple[float, float]]]:
    """Return what is measured by name; each gives its cost and the bound it proved."""
    found: dict[str, Callable[[], tuple[float, float]]] = {
        "ours": partial(_with_highs, partial(ours, loads, rates), limit_s),
        "slices, HiGHS": partial(_with_highs, partial(by_slices, loads, rates, slices), limit_s),
    }
    if importlib.util.find_spec("pulp") is not None:
        found["slices, CBC"] = partial(_with_cbc, loads, rates, slices, limit_s)
    return found


def _row(case: str, name: str, run: Run, ours: Run) -> list[str]:
    proven = "yes" if run.cost - run.bound <= 1e-6 * run.cost else "no"
    seconds = [f"{one:.3f}" for one in (run.processor_s, run.wall_s)]
    ratio = f"{run.processor_s / ours.processor_s:.0f} x"
    return [case, name, f"{run.cost:.2f}", proven, *seconds, ratio]


def main() -> None:
    """Measure each case with every solver and print the ratios."""
    parser = argparse.ArgumentParser(prog="benchmarks.sizes")
    for name, default in (("sizes", 10), ("slices", 8), ("seeds", 3), ("rate", 40), ("limit", 60)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    rows: list[list[str]] = []
    for seed in range(1, asked.seeds + 1):
        loads = histogram(asked.sizes, seed=seed) * asked.rate
        families = {
            "rated": rates_by_size(asked.sizes),
            "random": random_rates(asked.sizes, seed=seed),
        }
        for family, rates in families.items():
            solvers = _solvers(loads, rates, slices=asked.slices, limit_s=asked.limit)
            runs = {name: _measured(solve) for name, solve in solvers.items()}
            rows += [
                _row(f"{family} {seed}", name, run, runs["ours"]) for name, run in runs.items()
            ]
    header = ["CASE", "SOLVER", "$/H", "PROVEN", "PROCESSOR S", "WALL S", "OF OURS"]
    print(text_table(header, rows, right="llrlrrr"), end="")


if __name__ == "__main__":
    main()
