"""What a market holds: regions, zones, types and offers of each provider, counted."""

from __future__ import annotations

import json

import polars as pl

from broker.offers import UNKNOWN_ZONE, PurchaseOption
from broker.report.table import text_table

_TOTAL = "total"
#: Column -> heading of the table, before one column for each purchase option.
_HEADINGS = {
    "provider": "provider",
    "regions": "regions",
    "zones": "zones",
    "instance_types": "types",
    "accelerated_types": "accelerated",
    "accelerators": "chips",
    "offers": "offers",
    "priced": "priced",
}


def market_counts(offers: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each provider, by name, and one for all of them.

    Returns:
        provider, regions, zones (known ones), instance_types, accelerated_types (of these, with
        accelerators), accelerators (different models), offers, priced (of these, with a known
        price), and the number of offers under each purchase option that occurs.
    """
    present = set(offers["option"].unique())
    options = [option.value for option in PurchaseOption if option.value in present]
    region = pl.struct("provider", "region")
    figures = [
        region.n_unique().alias("regions"),
        pl.struct("provider", "region", "zone")
        .filter(pl.col("zone") != UNKNOWN_ZONE)
        .n_unique()
        .alias("zones"),
        _types().n_unique().alias("instance_types"),
        _types().filter(pl.col("accelerators") > 0).n_unique().alias("accelerated_types"),
        pl.col("accelerator").drop_nulls().n_unique().alias("accelerators"),
        pl.len().alias("offers"),
        pl.col("usd_per_hour").count().alias("priced"),
        *((pl.col("option") == option).sum().alias(option) for option in options),
    ]
    each = offers.group_by("provider").agg(figures).sort("provider")
    whole = offers.select(pl.lit(_TOTAL).alias("provider"), *figures)
    return pl.concat([each, whole])


def counts_table(counts: pl.DataFrame) -> str:
    """Return the counts as text that fits 80 columns: one line a figure, one column a provider."""
    header = ["", *counts["provider"]]
    rows = [
        [_HEADINGS.get(column, f"  {column}"), *(f"{count:,}" for count in counts[column])]
        for column in counts.columns
        if column != "provider"
    ]
    return text_table(header, rows, right="l" + "r" * counts.height)


def counts_json(counts: pl.DataFrame) -> str:
    """Return the counts as JSON: a list with one object a provider, the total last."""
    return f"{json.dumps({'format': 1, 'counts': counts.to_dicts()}, indent=1)}\n"


def counts_csv(counts: pl.DataFrame) -> str:
    """Return the counts as CSV."""
    return counts.write_csv()


def _types() -> pl.Expr:
    return pl.struct("provider", "instance_type")
