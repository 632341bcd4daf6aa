"""`broker offers`: list what can be bought, cheapest first."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any, Final

import click

from broker.cli_options import CONTEXT, current_run, global_options, paint
from broker.offers import PurchaseOption
from broker.output import show, write_atomic
from broker.units import NANO, parse_money

if TYPE_CHECKING:
    import polars as pl

    from broker.market import Market
    from broker.offer_query import Query

TABLE_LIMIT: Final = 20
_OPTIONS: Final = [option.value for option in PurchaseOption]
_GROUPS: Final = ["accelerator", "provider", "region"]
_EXAMPLES: Final = """\b
Examples:
  broker offers H100:8
  broker offers A100:80GB,H100 --spot --infra 'aws/us-*' --infra gcp
  broker offers gpu:24GB..80GB --max-gpu-price 1.50 --sort gpu-price
  broker offers H100 -o csv --out mine.csv
  broker offers --market embedded --market mine.csv H100:8
  broker offers --diff embedded mine.csv --infra aws
  broker offers --history p5.48xlarge --spot
"""


def parsed(parse: Callable[[str], object]) -> Callable[..., object]:
    """Return a click callback that reads each text by `parse`.

    A `ValueError` of `parse`, which says what would be right, is an error of usage.
    """

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> object:
        if value is None or isinstance(value, tuple):
            return None if value is None else tuple(callback(ctx, param, one) for one in value)
        try:
            return parse(value)
        except ValueError as error:
            raise click.BadParameter(
                f"found {value!r}; expected {error}", ctx=ctx, param=param
            ) from error

    return callback


def _accelerators(text: str) -> object:
    from broker.offer_query import parse_accelerators

    return parse_accelerators(text)


def _range(text: str) -> object:
    from broker.offer_query import parse_range

    return parse_range(text)


def _memory(text: str) -> object:
    from broker.offer_query import parse_memory

    return parse_memory(text)


def _price(text: str) -> Decimal:
    return parse_money(text).quantize(NANO, rounding=ROUND_FLOOR)


@click.command("offers", context_settings=CONTEXT, epilog=_EXAMPLES)
@click.argument("accelerators", nargs=-1, callback=parsed(_accelerators))
@click.option(
    *("--market", "markets"),
    multiple=True,
    default=["embedded"],
    show_default=True,
    metavar="NAME",
    help="embedded, a market folder, a CSV file, or - for CSV on standard input; repeated ones "
    "are stacked, a later one replaces equal offers.",
)
@click.option(
    "--infra",
    multiple=True,
    metavar="PLACE",
    help="provider[/region[/zone]] with wildcards, such as 'aws/us-east-1/*'; repeatable.",
)
@click.option("--spot", is_flag=True, help="Only spot; short for --option spot.")
@click.option(
    *("--option", "options"),
    multiple=True,
    type=click.Choice(_OPTIONS),
    metavar="NAME",
    help=f"Only this purchase option ({', '.join(_OPTIONS)}); repeatable.",
)
@click.option(
    "--gpu-memory",
    metavar="GIB",
    callback=parsed(_memory),
    help="Memory of one accelerator: 80GB, 24GB..80GB.",
)
@click.option(
    "--vcpus",
    metavar="RANGE",
    callback=parsed(_range),
    help="vCPUs of the instance: 8, 8..32, 8+.",
)
@click.option(
    "--memory", metavar="GIB", callback=parsed(_memory), help="Memory of the instance: 64GB+."
)
@click.option(
    "--max-price",
    metavar="USD",
    callback=parsed(_price),
    help="Highest price of an instance-hour.",
)
@click.option(
    "--max-gpu-price",
    metavar="USD",
    callback=parsed(_price),
    help="Highest price of an accelerator-hour.",
)
@click.option("--all", "everything", is_flag=True, help="Also what has no price or is not sold.")
@click.option(
    "--sort",
    type=click.Choice(["price", "gpu-price"]),
    default="price",
    show_default=True,
    help="What to sort by.",
)
@click.option("--group-by", type=click.Choice(_GROUPS), help="One line a group, cheapest first.")
@click.option("--counts", is_flag=True, help="Count the market's regions, types and offers.")
@click.option(
    "--diff",
    nargs=2,
    metavar="A B",
    help="What changed from market A to market B: added, removed, dearer, cheaper, sold; "
    "`previous latest` are the last two refreshes.",
)
@click.option(
    "--history",
    metavar="TYPE",
    help="Draw what an instance type cost in the markets that refreshes kept, or in those "
    "that --market names.",
)
@click.option(
    *("--limit", "--max-offers"),
    type=click.IntRange(min=0),
    help=f"Show at most so many; 0: all. Tables show {TABLE_LIMIT}, JSON and CSV all.",
)
@click.option(
    *("-o", "--output"),
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Form of the result.",
)
@click.option("--out", metavar="FILE", help="Write the result to FILE instead.")
@global_options
def offers(
    accelerators: tuple[Any, ...], markets: tuple[str, ...], out: str | None, **asked: Any
) -> None:
    """List what can be bought, cheapest first, with source and date of each price.

    ACCELERATORS is NAME[:MEMORY][:COUNT]: H100:8 is an instance with exactly eight, H100:4..8
    and H100:1+ are ranges, A100:80GB names the card's memory, gpu:24GB..80GB is any card of
    that size, cpu none at all. Several are alternatives.
    """
    text = _result(accelerators, markets, asked)
    if out is not None:
        write_atomic(out, text)
    else:
        show(_bold_header(text) if asked["output"] == "table" else text)


def _result(accelerators: tuple[Any, ...], markets: tuple[str, ...], asked: dict[str, Any]) -> str:
    """Return the one view that was asked for: a diff, a history, counts, or the list."""
    from broker.snapshot import read_market

    views = ("--diff", "--history", "--counts", "--group-by")
    chosen = [view for view in views if asked[view[2:].replace("-", "_")]]
    if len(chosen) > 1:
        raise click.UsageError(f"found {' and '.join(chosen)}; expected one of them")
    form, limit = asked["output"], asked["limit"]
    if limit is None:
        limit = TABLE_LIMIT if form == "table" else 0
    how: dict[str, Any] = {"form": form, "limit": limit, "width": _width()}
    if asked["diff"]:
        from broker.cli_offer_views import diff_text

        return diff_text(asked["diff"], _query(accelerators, asked), **how)
    if asked["history"] is not None:
        from broker.cli_offer_views import history_text

        query = _query(accelerators, asked)
        return history_text(asked["history"], _named(markets), query, **how)
    market = read_market(markets)
    return _counts(market, form) if asked["counts"] else _listing(market, accelerators, asked)


def _named(markets: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the markets that the user named; None where the option stands at its default."""
    source = click.get_current_context().get_parameter_source("markets")
    return None if source is click.core.ParameterSource.DEFAULT else markets


def _listing(market: Market, accelerators: tuple[Any, ...], asked: dict[str, Any]) -> str:
    """Return the offers, or groups of them, in the form that was asked for."""
    from broker.offer_selection import grouped, select

    query = _query(accelerators, asked)
    selected = select(market.offers, query)
    if selected.is_empty():
        _note_what_would_fit(market, query)
    _note_age(selected)
    if asked["group_by"]:
        return _grouped_text(grouped(selected, asked["group_by"]), market, asked)
    form = asked["output"]
    limit = asked["limit"] if asked["limit"] is not None else (form == "table") * TABLE_LIMIT
    shown = selected.head(limit) if limit else selected
    return _offers_text(shown, market, total=selected.height, form=form)


def _query(accelerators: tuple[Any, ...], asked: dict[str, Any]) -> Query:
    from broker.offer_query import Order, Query

    options = [*asked["options"], *(["spot"] if asked["spot"] else [])]
    return Query(
        accelerators=tuple(wanted for group in accelerators for wanted in group),
        infra=asked["infra"],
        options=tuple(map(PurchaseOption, options)),
        accelerator_memory_gib=asked["gpu_memory"],
        vcpus=asked["vcpus"],
        memory_gib=asked["memory"],
        most_usd_per_hour=asked["max_price"],
        most_usd_per_accelerator_hour=asked["max_gpu_price"],
        everything=asked["everything"],
        order=Order(asked["sort"]),
    )


def _offers_text(shown: pl.DataFrame, market: Market, *, total: int, form: str) -> str:
    from broker.report import offers as report

    if form == "json":
        return report.offers_json(shown, market, total=total)
    if form == "csv":
        return report.offers_as_csv(shown)
    return report.offers_table(shown, total=total, width=_width())


def _grouped_text(groups: pl.DataFrame, market: Market, asked: dict[str, Any]) -> str:
    from broker.report import offers as report

    by = asked["group_by"]
    if asked["output"] == "json":
        return report.groups_json(groups, market, by=by)
    if asked["output"] == "csv":
        return report.groups_csv(groups, by=by)
    return report.groups_table(groups, by=by)


def _note_what_would_fit(market: Market, query: Query) -> None:
    """Tell on standard error which conditions stand in the way."""
    from broker.offer_selection import loosened

    ways = [f"{count} with {words}" for words, count in loosened(market.offers, query).items()]
    if ways:
        current_run().note(f"Offers if one condition were dropped: {', '.join(ways)}.")


def _note_age(selected: pl.DataFrame) -> None:
    """Tell on standard error how old the oldest price is today; results never hold the clock."""
    from broker.freshness import freshness_by_source

    sources = [found for found in freshness_by_source(selected) if found.oldest is not None]
    if sources:
        oldest = sources[0]
        days = oldest.oldest_days(datetime.now(UTC).date())
        current_run().note(
            f"Oldest price: {days} days ({oldest.oldest}, {oldest.source or 'no source'})."
        )


def _bold_header(text: str) -> str:
    header, newline, rest = text.partition("\n")
    return f"{paint(header, current_run(), stream='stdout', bold=True)}{newline}{rest}"


def _width() -> int:
    return max(80, shutil.get_terminal_size().columns)


def _counts(market: Market, form: str) -> str:
    from broker.report.counts import counts_csv, counts_json, counts_table
    from broker.report.market_counts import market_counts

    text = {"json": counts_json, "csv": counts_csv, "table": counts_table}[form]
    return text(market_counts(market.offers))
