"""How old prices are, on a day that the caller names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """When prices were observed.

    Attributes:
        source: the source's key; None: all sources together, or a price without a source.
        prices: how many prices there are.
        undated: how many of them do not say when they were observed.
        oldest, newest: days (UTC) of the first and the last observation; None when all are
            undated.
    """

    source: str | None
    prices: int
    undated: int
    oldest: date | None
    newest: date | None

    def oldest_days(self, on: date) -> int | None:
        """Return the age of the oldest price in days on the day `on`."""
        return None if self.oldest is None else (on - self.oldest).days


def freshness(offers: pl.DataFrame) -> Freshness:
    """Return when the prices of `offers` were observed; offers without a price do not count."""
    moments = offers.filter(pl.col("usd_per_hour").is_not_null()).select(_summary())
    return Freshness(source=None, **moments.row(0, named=True))


def freshness_by_source(offers: pl.DataFrame) -> tuple[Freshness, ...]:
    """Return the same for each source of prices, the one with the oldest price first."""
    priced = offers.filter(pl.col("usd_per_hour").is_not_null())
    rows = (
        priced.group_by(pl.col("price_source").alias("source"))
        .agg(_summary())
        .sort(["oldest", "source"], nulls_last=False)
    )
    return tuple(Freshness(**row) for row in rows.iter_rows(named=True))


def _summary() -> list[pl.Expr]:
    observed = pl.col("price_observed_at")
    return [
        pl.len().alias("prices"),
        observed.is_null().sum().alias("undated"),
        observed.min().dt.date().alias("oldest"),
        observed.max().dt.date().alias("newest"),
    ]
