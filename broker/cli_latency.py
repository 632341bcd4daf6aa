"""`broker latency`: round trips from where users are to regions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from broker.cli_options import CONTEXT, global_options
from broker.output import show

if TYPE_CHECKING:
    from broker.latency import LatencyTable
    from broker.report.latency import Route

_EXAMPLES: Final = """\b
Examples:
  broker latency paris
  broker latency paris aws/eu-west-3
  broker latency -o csv -- -33.9,18.4
  broker latency new-york --rtt my_rtt.csv
"""


@click.command("latency", context_settings=CONTEXT, epilog=_EXAMPLES)
@click.argument("origin")
@click.argument("region", required=False)
@click.option(
    *("--rtt", "overrides"),
    metavar="FILE",
    help="Your own round trips, CSV: metro,region,rtt_ms; they win over the shipped ones.",
)
@click.option(
    *("-o", "--output", "form"),
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Form of the result.",
)
@global_options
def command(origin: str, region: str | None, overrides: str | None, form: str) -> None:
    """Show round trips from ORIGIN to every region, or to REGION alone and why.

    ORIGIN is a metro (paris), a region (aws/eu-west-3) or a point (48.86,2.35). Each figure
    has its error band, class, source and date.
    """
    from broker.latency import LatencyTable
    from broker.report.latency import route_text, routes_csv, routes_json, routes_table

    table = LatencyTable.load(Path(overrides) if overrides is not None else None)
    routes = _all_routes(table, origin) if region is None else [_route(table, origin, region)]
    if form == "json":
        show(routes_json(routes))
    elif form == "csv":
        show(routes_csv(routes))
    elif region is not None:
        show(route_text(routes[0]))
    else:
        show(routes_table(routes, width=shutil.get_terminal_size().columns))


def _route(table: LatencyTable, origin: str, region: str) -> Route:
    """Return the route to one region, with what an estimate rests on."""
    from broker.places import parse_region
    from broker.reference import regions
    from broker.report.latency import Route

    provider, _, name = parse_region(region).partition("/")
    return Route(
        origin=_origin_id(table, origin),
        region=regions()[provider, name],
        trip=table.between(origin, provider, name),
        basis=table.basis(origin, provider, name),
    )


def _all_routes(table: LatencyTable, origin: str) -> list[Route]:
    """Return the routes to every region, nearest first."""
    from broker.reference import regions
    from broker.report.latency import Route, nearest_first

    name = _origin_id(table, origin)
    return nearest_first(
        [
            Route(
                origin=name,
                region=region,
                trip=table.between(origin, region.provider, region.region),
            )
            for region in regions().values()
        ]
    )


def _origin_id(table: LatencyTable, origin: str) -> str:
    place = table.resolve(origin)
    return place if isinstance(place, str) else origin
