"""Rows to a market: strict columns, sorted, unique, with the sources its figures name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import polars as pl

from broker.market import Market, Source
from broker.market_digest import content_digest
from broker.offers import OFFER_KEY, OFFER_SCHEMA
from tools.market.rows import Row
from tools.market.sources import SOURCES

#: The moment the embedded market was put together; fixed, so that a rebuild is the same.
TAKEN_AT: Final = datetime(2026, 11, 23, tzinfo=UTC)


def embedded_market(rows: Sequence[Row]) -> Market:
    """Return the market of `rows`.

    Raises:
        ValueError: if two rows name the same offer.
    """
    offers = offer_frame(rows)
    return Market(
        name="embedded",
        digest=content_digest({"offers": offers}),
        taken_at=TAKEN_AT,
        offers=offers,
        sources=_named_sources(offers),
    )


def offer_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Return the rows as an offer table, sorted by its key.

    Raises:
        ValueError: if two rows name the same offer.
    """
    columns = [
        pl.Series(name, [row[name] for row in rows], dtype=dtype, strict=True)
        for name, dtype in OFFER_SCHEMA.items()
    ]
    frame = pl.DataFrame(columns).sort(OFFER_KEY)
    twice = frame.filter(frame.select(OFFER_KEY).is_duplicated())
    if not twice.is_empty():
        raise ValueError(f"offers stated twice: {twice.select(OFFER_KEY).rows()[:5]}")
    return frame


def _named_sources(offers: pl.DataFrame) -> dict[str, Source]:
    columns = [name for name in OFFER_SCHEMA if name.endswith("_source")]
    named = {key for name in columns for key in offers[name].unique().drop_nulls()}
    return {key: SOURCES[key] for key in sorted(named)}
