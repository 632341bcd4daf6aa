"""Counts of a market add up and count names of two providers apart."""

from __future__ import annotations

import polars as pl

from broker.report.market_counts import accelerator_counts, market_counts, region_counts
from broker.snapshot import read_market
from tests.tools.market_rows import frame

OFFERS = frame(
    ("aws", "r1", "z1", "m", "on-demand", "H100", "2"),
    ("aws", "r1", "z1", "m", "spot", "H100", "1"),
    ("aws", "r1", "z2", "m", "on-demand", "H100", "2"),
    ("aws", "r2", "-", "n", "on-demand", None, None),
    ("gcp", "r1", "z1", "m", "on-demand", "H100", "3"),
)


def test_one_row_per_provider_and_a_total() -> None:
    """Two of aws's types in two regions and two zones; gcp's same names count again in all."""
    columns = ("provider", "regions", "zones", "types", "accelerated_types", "offers", "priced")
    assert market_counts(OFFERS).select(*columns, "on-demand", "spot").rows() == [
        ("aws", 2, 2, 2, 1, 4, 3, 3, 1),
        ("gcp", 1, 1, 1, 1, 1, 1, 1, 0),
        ("all", 3, 3, 3, 2, 5, 4, 4, 1),
    ]


def test_by_region_and_by_accelerator() -> None:
    """Regions and accelerators each get a row, sorted."""
    assert region_counts(OFFERS).rows() == [
        ("aws", "r1", 2, 1, 1, 3, 3),
        ("aws", "r2", 0, 1, 0, 1, 0),
        ("gcp", "r1", 1, 1, 1, 1, 1),
    ]
    assert accelerator_counts(OFFERS).rows() == [
        ("H100", "aws", 1, 1, 3, 3),
        ("H100", "gcp", 1, 1, 1, 1),
    ]


def test_no_offers_count_zero() -> None:
    """An empty market is all zeros, not an error."""
    counts = market_counts(OFFERS.clear())
    assert counts.height == 1
    assert counts["offers"].to_list() == [0]


def test_embedded_market_adds_up() -> None:
    """Options of each provider sum to its offers, providers to the total."""
    offers = read_market("embedded").offers
    counts = market_counts(offers)
    options = counts.select(pl.sum_horizontal(counts.columns[9:])).to_series()
    assert options.to_list() == counts["offers"].to_list()
    assert counts["offers"].head(3).sum() == counts.item(3, "offers") == offers.height
