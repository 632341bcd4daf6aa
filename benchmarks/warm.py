"""A plan that begins with yesterday's, beside the same plan made anew.

    python -m benchmarks.warm M [--rules all] [--gap 0.006] [--part 0.05] [--by 0.1] [--day 1]

An instance is planned; then prices of a drawn part of its offers move by up to a drawn share, up
or down, and it is planned again: once anew, once from the first plan, which goes through its
file's text. Processor seconds are of all processes, from the spec to the audited plan; reading
yesterday's plan is counted.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import polars as pl

from benchmarks.draws import Draws
from benchmarks.instances import SIZES, Regime, instance
from benchmarks.processes import tree_cpu_s
from broker.market import TABLES, Market
from broker.market_digest import content_digest
from broker.offers import PRICE
from broker.plan_file import plan_from_data, plan_to_json
from broker.planning import make_plan
from broker.plans import Plan
from broker.report.table import text_table
from broker.workloads import Spec
from solver.solution import SearchLimits

_NANO: Final = Decimal("1e-9")


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A plan, the processor seconds it took, and what of them went into each phase."""

    plan: Plan
    cpu_s: float
    by_phase: dict[str, float]


def moved(market: Market, *, part: float, by: float, day: int) -> Market:
    """Return `market` with prices of a `part` of its offers moved by up to a share `by`."""
    draws = Draws(day, "prices that move")
    prices: list[Decimal | None] = []
    for price in market.offers["usd_per_hour"].to_list():
        factor = Decimal(repr(draws.between(1 - by, 1 + by))) if draws.chance(part) else Decimal(1)
        prices.append(None if price is None else (price * factor).quantize(_NANO))
    offers = market.offers.with_columns(pl.Series("usd_per_hour", prices, dtype=PRICE))
    tables = {name: getattr(market, name) for name in TABLES} | {"offers": offers}
    return replace(market, offers=offers, digest=content_digest(tables))


def timed(spec: Spec, market: Market, gap: float, earlier: Plan | None = None) -> Timed:
    """Plan `spec` on `market`; `earlier`: the plan to begin with, from the text of its file."""
    text = None if earlier is None else plan_to_json(earlier)
    start_s = last_s = tree_cpu_s(os.getpid())
    by_phase: defaultdict[str, float] = defaultdict(float)

    def progress(phase: str, _best: float, _bound: float) -> None:
        nonlocal last_s
        now_s = tree_cpu_s(os.getpid())
        by_phase[phase.rstrip(" 0123456789")] += now_s - last_s
        last_s = now_s

    first = None if text is None else plan_from_data(json.loads(text))
    limits = SearchLimits(gap=gap)
    plan = make_plan(spec, market, limits=limits, progress=progress, warm_start=first).plan
    end_s = tree_cpu_s(os.getpid())
    by_phase["assembled and audited"] = end_s - last_s
    return Timed(plan=plan, cpu_s=end_s - start_s, by_phase=dict(by_phase))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.warm", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--rules", choices=("all", "none"), default="none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gap", type=float, default=0.006)
    parser.add_argument(
        "--part", type=float, default=0.05, help="of the offers, whose price moves"
    )
    parser.add_argument("--by", type=float, default=0.1, help="share by which one moves at most")
    parser.add_argument("--day", type=int, default=1, help="another one draws other moves")
    parser.add_argument("--phases", action="store_true", help="processor seconds of each phase")
    return parser.parse_args(arguments)


def report(runs: dict[str, Timed]) -> str:
    """Return the runs as a table, and the last one's seconds over those of the one before."""
    rows = []
    for name, run in runs.items():
        cost, bound = run.plan.cost.total, run.plan.proof.cost_bound
        proven = [f"{cost:,.0f}", f"{bound:,.0f}", f"{run.plan.proof.gap:.2%}"]
        rows.append([name, *proven, str(len(run.plan.unmet)), f"{run.cpu_s:.1f}"])
    header = ["RUN", "COST $", "BOUND $", "GAP", "UNMET", "CPU S"]
    anew, warm = list(runs.values())[-2:]
    began = warm.plan.warm_start
    told = "" if began is None else f"{began.standing} of {began.placements} placements stood; "
    ratio = f"{told}warm over anew: {warm.cpu_s / anew.cpu_s:.2f} of the processor seconds\n"
    return text_table(header, rows, right="lrrrrr") + ratio


def main() -> None:
    """Measure and report."""
    options = parse()
    spec, market = instance(options.size, Regime.NORMAL, seed=options.seed, rules=options.rules)
    today = moved(market, part=options.part, by=options.by, day=options.day)
    runs = {"yesterday": timed(spec, market, options.gap)}
    runs["today, anew"] = timed(spec, today, options.gap)
    runs["today, warm"] = timed(spec, today, options.gap, runs["yesterday"].plan)
    print(report(runs), end="")
    if options.phases:
        phases = sorted({one for run in runs.values() for one in run.by_phase})
        rows = [
            [one, *(f"{run.by_phase.get(one, 0):.1f}" for run in runs.values())] for one in phases
        ]
        print(text_table(["CPU S BY PHASE", *map(str.upper, runs)], rows, right="lrrr"), end="")


if __name__ == "__main__":
    main()
