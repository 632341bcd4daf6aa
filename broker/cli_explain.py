"""`broker explain`: why this offer, why not that one; what each rule refused and what it costs."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from broker.cli_options import CONTEXT, Run, current_run, global_options
from broker.errors import BrokerError
from broker.output import show

if TYPE_CHECKING:
    from broker.market import Market
    from broker.plans import Plan

_EPILOG = """\b
Examples:
  broker plan examples/quickstart.yaml --out plan.json
  broker explain plan.json
  broker explain plan.json chat -o json
  broker explain plan.json --rules
"""


@click.command("explain", context_settings=CONTEXT, epilog=_EPILOG)
@click.argument("plan_file", metavar="PLAN")
@click.argument("workload", required=False)
@click.option("--rules", is_flag=True, help="What each rule costs: plans again without it.")
@click.option(
    "--gap",
    default="0.1%",
    show_default=True,
    metavar="SHARE",
    help="With --rules: how near to its bound each of these plans must be.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="With --rules: plans made at once, each in a process.",
)
@click.option(
    *("--market", "markets"),
    multiple=True,
    metavar="NAME",
    help="The market the plan was made on, when it is not found under the spec's own names.",
)
@click.option(
    *("-o", "--output"),
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Form of the result on standard output.",
)
@global_options
def command(
    plan_file: str,
    workload: str | None,
    markets: tuple[str, ...],
    output: str,
    gap: str,
    workers: int,
    *,
    rules: bool,
) -> None:
    """Explain PLAN, or one WORKLOAD of it.

    For each workload: what it runs on, the next best ways and what the difference is made of,
    and what each rule refused, with an example. PLAN is a file written by `broker plan --out`.

    With --rules: what each rule costs, exactly, and what a little more of each limit would save,
    as an estimate.
    """
    from broker.plan_file import read_plan
    from broker.snapshot import read_market

    if rules and workload is not None:
        raise click.UsageError("--rules speaks of the whole plan; leave the workload out")
    plan = read_plan(plan_file)
    named = plan.spec.get("market", "embedded")
    names = list(markets) or (named if isinstance(named, list) else [str(named)])
    market = read_market(names)
    if rules:
        show(_priced(plan, market, gap, workers, output))
    else:
        show(_explained(plan, market, workload, output))


def _explained(plan: Plan, market: Market, workload: str | None, output: str) -> str:
    from broker.explanations import explain
    from broker.report.explanations import explanations_json, explanations_text

    try:
        found = explain(plan, market, workload)
    except KeyError as error:
        raise _unknown(plan.spec, str(workload)) from error
    return explanations_json(found) if output == "json" else explanations_text(found)


def _priced(plan: Plan, market: Market, gap: str, workers: int, output: str) -> str:
    from broker.report.rule_prices import rule_prices_json, rule_prices_text
    from broker.rule_prices import price_rules
    from broker.units import parse_share
    from solver.solution import SearchLimits

    run: Run = current_run()
    try:
        limits = SearchLimits(gap=float(parse_share(gap)))
    except ValueError as error:
        raise click.BadParameter(f"found {gap!r}; expected {error}", param_hint="--gap") from error

    def told(made: int, every: int) -> None:
        run.note(f"planned {made} of {every}")

    found = price_rules(plan, market, limits=limits, workers=workers, progress=told)
    return rule_prices_json(found) if output == "json" else rule_prices_text(found)


def _unknown(spec: dict[str, object], workload: str) -> BrokerError:
    known = [
        str(one["name"])
        for kind in ("training", "services", "batch")
        for one in _listed(spec.get(kind))
    ]
    near = difflib.get_close_matches(workload, known, n=2)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    return BrokerError(f"explaining: the plan has no workload {workload!r}", remedy=remedy)


def _listed(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []
