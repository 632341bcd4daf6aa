"""What one instance type cost in markets of different days."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl

from broker.errors import QueryError
from broker.market import Market, Schema
from broker.offer_query import Query
from broker.offer_selection import RATE, select
from broker.offers import MOMENT, PRICE

#: Columns that together name a line of the history: the cheapest zone of a region stands for it.
SERIES: Final = ("provider", "region", "option", "variant")
HISTORY_SCHEMA: Final[Schema] = {
    "provider": pl.String,
    "region": pl.String,
    "option": pl.String,
    "variant": pl.String,
    "taken_at": MOMENT,
    "market": pl.String,  # digest
    RATE: PRICE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceHistory:
    """What one instance type cost.

    Attributes:
        instance_type: as it was asked for.
        moments: when each market was taken, ascending; also of those that do not sell the type.
        points: schema `HISTORY_SCHEMA`, sorted by series and moment; a market that does not sell
            the type, or not at a known price, has no row.
    """

    instance_type: str
    moments: tuple[datetime, ...]
    points: pl.DataFrame


def price_history(markets: Iterable[Market], instance_type: str, query: Query) -> PriceHistory:
    """Return the lowest rate of `instance_type` in each region, option and market.

    Markets are read one at a time, so that years of them need the memory of one.

    Args:
        markets: any order; equal ones count once.
        instance_type: the provider's name; case does not matter.
        query: places and options to look at.

    Raises:
        QueryError: if no market knows the type, with the nearest names.
    """
    parts: dict[str, pl.DataFrame] = {}
    names: set[str] = set()
    moments: set[datetime] = set()
    for market in markets:
        if market.digest not in parts:
            parts[market.digest] = _lowest(market, instance_type, query)
            names.update(market.offers["instance_type"].unique())
            moments.add(market.taken_at)
    if instance_type.lower() not in {name.lower() for name in names}:
        raise _unknown(instance_type, names)
    together = pl.concat([pl.DataFrame(schema=dict(HISTORY_SCHEMA)), *parts.values()])
    return PriceHistory(
        instance_type=instance_type,
        moments=tuple(sorted(moments)),
        points=together.sort([*SERIES, "taken_at", "market"]),
    )


def _lowest(market: Market, instance_type: str, query: Query) -> pl.DataFrame:
    of_type = market.offers.filter(
        pl.col("instance_type").str.to_lowercase() == instance_type.lower()
    )
    if of_type.is_empty():
        return pl.DataFrame(schema=dict(HISTORY_SCHEMA))
    found = select(of_type, replace(query, everything=True)).filter(pl.col(RATE).is_not_null())
    lowest = found.group_by(SERIES).agg(pl.col(RATE).min())
    return lowest.with_columns(
        taken_at=pl.lit(market.taken_at, dtype=MOMENT), market=pl.lit(market.digest)
    ).select(list(HISTORY_SCHEMA))


def _unknown(instance_type: str, names: set[str]) -> QueryError:
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(instance_type.lower(), sorted(by_lower), n=3, cutoff=0.6)
    remedy = f"did you mean {' or '.join(by_lower[name] for name in near)}?" if near else ""
    return QueryError(
        f"reading --history {instance_type}: found no such instance type in any market",
        remedy=remedy or "name a type as `broker offers` lists it",
    )
