"""Offers as text fit 80 columns and widen; money keeps its meaning."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from broker.offer_query import Query
from broker.offer_selection import select
from broker.report.offers import (
    accelerators_text,
    groups_table,
    money,
    offers_table,
    usd_per_accelerator_hour,
    usd_per_month,
)
from tests.broker.market_rows import market_of

SELECTED = select(market_of().offers, Query(everything=True))


def row(**changes: object) -> dict[str, object]:
    """Return a selected row of eight H100 at 10 dollars, changed."""
    return {
        "rate_usd_per_hour": Decimal(10),
        "accelerators": 8.0,
        "accelerator": "H100",
        "vcpus": None,
        "memory_gib": None,
    } | changes


def test_narrow_table_puts_the_place_below() -> None:
    """At 80 columns nothing is cut: place, date and source go to lines of their own."""
    lines = offers_table(SELECTED, total=8, width=80).splitlines()
    assert max(map(len, lines)) <= 80
    place = "gcp/us-central1/us-central1-b/g2-standard-4/on-demand"
    assert f"    {place}, seen 2026-08-03" in lines
    assert sum(line.startswith("    aws/") for line in lines) == 4


def test_wide_table_takes_one_line_an_offer() -> None:
    """With room each offer is one line, with place, type, date, source and note."""
    lines = offers_table(SELECTED, total=8, width=200).splitlines()
    assert len(lines) == 1 + 8 + 2
    assert lines[0].split() == [
        *("$/h", "$/GPU-h", "$/month", "instance", "option"),
        *("where", "type", "seen", "source", "note"),
    ]
    assert lines[1].split()[:3] == ["0.0600", "-", "44"]


def test_unknown_figures_are_never_zero() -> None:
    """An offer without price shows a dash in every money column."""
    last = offers_table(SELECTED, total=8, width=200).splitlines()[-3]
    assert last.split()[:3] == ["-", "-", "-"]


def test_upfront_is_mentioned() -> None:
    """The table says when a price is spread over a term."""
    assert "spreads upfront fees" in offers_table(SELECTED, total=8)
    assert "spreads" not in offers_table(SELECTED.filter(option="spot"), total=2)


def test_places_that_plans_leave_out_are_marked() -> None:
    """Government regions and local zones are listed with the condition they have."""
    secret = SELECTED.head(1).with_columns(location_kind=pl.lit("government"))
    assert "government: planned only where named" in offers_table(secret, total=1)
    assert "planned only" not in offers_table(SELECTED, total=8)


def test_nothing_to_show() -> None:
    """An empty selection is one sentence."""
    assert offers_table(SELECTED.clear(), total=0) == "No offer fits.\n"
    assert groups_table(SELECTED.clear(), by="region") == "No offer fits.\n"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("55.04", "55.04"), ("0.0116", "0.0116"), ("12345.6", "12,345.60"), ("0", "0.0000")],
)
def test_money_keeps_small_prices_apart(amount: str, text: str) -> None:
    """Prices below a dollar show four decimals, others cents."""
    assert money(Decimal(amount)) == text


def test_figures_of_a_row() -> None:
    """Ten dollars for eight are 1.25 each and 7,300 a month; slices divide by their part."""
    assert usd_per_accelerator_hour(row()) == Decimal("1.25")
    assert usd_per_accelerator_hour(row(accelerators=0.125)) == 80
    assert usd_per_accelerator_hour(row(accelerators=0.0)) is None
    assert usd_per_month(row()) == 7300


def test_what_an_instance_has() -> None:
    """Accelerated types show their cards, others vCPUs and memory."""
    assert accelerators_text(row(accelerators=None)) == "? x H100"
    assert accelerators_text(row(accelerators=1 / 6)) == "1/6 x H100"
    assert accelerators_text(row(accelerator=None, vcpus=2)) == "2 vCPU ? GiB"
