"""Two views of `broker offers` over several markets: what changed, and what a type cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker.cli_options import current_run
from broker.errors import MarketError

_NAMED: Final = 5

if TYPE_CHECKING:
    from broker.market import Market
    from broker.offer_query import Query


def diff_text(
    names: tuple[str, str], query: Query, *, form: str, limit: int | None, width: int
) -> str:
    """Return what changed from one market to another.

    Args:
        names: the earlier and the later market, as `--market` takes them; ``latest`` and
            ``previous`` are the newest snapshots of refreshes.
        query: which offers to compare.
        form: table, json or csv.
        limit: changes to show; 0 or None: all.
        width: columns of the terminal.
    """
    from broker.offer_changes import offer_changes
    from broker.report import offer_changes as report
    from broker.snapshot import read_market

    before, after = (read_market([_snapshot_or_name(name)]) for name in names)
    _note_unseen(before, after)
    changes = offer_changes(before.offers, after.offers, query)
    if form == "table":
        return report.changes_table(changes, shown=limit or 0, width=width)
    changes = changes.head(limit) if limit else changes
    if form == "json":
        return report.changes_json(changes, before, after)
    return report.changes_csv(changes)


def history_text(
    instance_type: str,
    names: Sequence[str] | None,
    query: Query,
    *,
    form: str,
    limit: int | None,
    width: int,
) -> str:
    """Return what an instance type cost over time.

    Args:
        instance_type: the provider's name.
        names: markets to read; None: those that refreshes kept.
        query: places and options to look at.
        form: table (drawn), json or csv.
        limit: places to list, or lines of CSV and JSON; 0 or None: all.
        width: columns of the terminal.

    Raises:
        MarketError: when there is no market to read.
    """
    from broker.price_history import price_history
    from broker.report import price_history as report

    history = price_history(_markets(names), instance_type, query)
    if form == "table":
        return report.history_drawn(history, shown=limit or 0, width=width)
    if limit:
        history = replace(history, points=history.points.head(limit))
    if form == "json":
        return report.history_json(history)
    return report.history_csv(history)


def _snapshot_or_name(name: str) -> str | Path:
    """Return the snapshot that ``latest`` or ``previous`` means; any other name as it is.

    Raises:
        MarketError: when there are not so many snapshots.
    """
    places = {"latest": 1, "previous": 2}
    if name not in places or Path(name).exists():
        return name
    kept = _snapshots()
    if len(kept) < places[name]:
        raise MarketError(
            f"reading the market {name}: found {len(kept)} snapshots; expected {places[name]}",
            remedy="run `broker refresh` first, or name a market",
        )
    return kept[-places[name]]


def _snapshots() -> list[Path]:
    from broker.settings import data_path
    from broker.snapshots import Snapshots

    return Snapshots(folder=data_path() / "markets").all()


def _markets(names: Sequence[str] | None) -> Iterator[Market]:
    from broker.snapshot import read_market

    found: Sequence[str | Path] = names or _snapshots()
    if not found:
        raise MarketError(
            "reading the history: found no snapshot of a refresh",
            remedy="run `broker refresh` first, or name markets: --market A --market B",
        )
    return (read_market([name]) for name in found)


def _note_unseen(before: Market, after: Market) -> None:
    """Tell where an offer may be missing only because nobody looked, or could look."""
    gaps = {f"{row[0]}/{row[1] or '*'}" for row in after.gaps.rows()}
    if gaps:
        current_run().note(
            f"Not everything was seen in {_some(gaps)}: what is removed there may still be sold."
        )
    places = [set(market.offers.select("provider", "region").rows()) for market in (before, after)]
    absent = {f"{provider}/{region}" for provider, region in places[0] - places[1]} - gaps
    if absent:
        current_run().note(
            f"The later market holds nothing of {_some(absent)}: perhaps it did not look there."
        )


def _some(places: set[str]) -> str:
    """Return the first few of `places`, and how many more there are."""
    named = sorted(places)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{', '.join(named[:_NAMED])}{more}"
