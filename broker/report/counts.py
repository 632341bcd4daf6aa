"""Counts of a market as text, JSON and CSV."""

from __future__ import annotations

import json
from typing import Final

import polars as pl

from broker.offers import PurchaseOption
from broker.report.table import text_table

#: Version of the JSON form.
COUNTS_FORMAT: Final = 1
_OPTIONS: Final = {option.value for option in PurchaseOption}


def counts_table(counts: pl.DataFrame) -> str:
    """Return counts as text that fits 80 columns: one line a figure, one column a provider.

    Args:
        counts: what `market_counts` returns. Purchase options that never occur are left out.
    """
    rows = [
        [_heading(column), *(f"{count:,}" for count in counts[column])]
        for column in counts.columns
        if column != "provider" and not (column in _OPTIONS and counts[column].sum() == 0)
    ]
    return text_table(["", *counts["provider"]], rows, right="l" + "r" * counts.height)


def counts_json(counts: pl.DataFrame) -> str:
    """Return counts as JSON: one object a provider, that of all of them last."""
    document = {"format": COUNTS_FORMAT, "counts": counts.to_dicts()}
    return f"{json.dumps(document, indent=1)}\n"


def counts_csv(counts: pl.DataFrame) -> str:
    """Return counts as CSV."""
    return counts.write_csv()


def _heading(column: str) -> str:
    return f"  {column}" if column in _OPTIONS else column.replace("_", " ")
