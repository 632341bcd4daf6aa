"""`broker explain`: why this offer, why not that one, what each rule refused."""

from __future__ import annotations

import difflib

import click

from broker.cli_options import CONTEXT, global_options
from broker.errors import BrokerError
from broker.output import show

_EPILOG = """\b
Examples:
  broker plan examples/quickstart.yaml --out plan.json
  broker explain plan.json
  broker explain plan.json chat -o json
"""


@click.command("explain", context_settings=CONTEXT, epilog=_EPILOG)
@click.argument("plan_file", metavar="PLAN")
@click.argument("workload", required=False)
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
def command(plan_file: str, workload: str | None, markets: tuple[str, ...], output: str) -> None:
    """Explain PLAN, or one WORKLOAD of it.

    For each workload: what it runs on, the next best ways and what the difference is made of,
    and what each rule refused, with an example. PLAN is a file written by `broker plan --out`.
    """
    from broker.explanations import explain
    from broker.plan_file import read_plan
    from broker.report.explanations import explanations_json, explanations_text
    from broker.snapshot import read_market

    plan = read_plan(plan_file)
    named = plan.spec.get("market", "embedded")
    names = list(markets) or (named if isinstance(named, list) else [str(named)])
    try:
        found = explain(plan, read_market(names), workload)
    except KeyError as error:
        raise _unknown(plan.spec, str(workload)) from error
    show(explanations_json(found) if output == "json" else explanations_text(found))


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
