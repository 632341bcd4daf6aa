"""The rows a plan can hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from broker.holdings import Reservation
from broker.market import HOLDING_SCHEMA
from broker.stock import build_stock
from tests.broker.planning_inputs import ROWS, market, spec

TRAINING = "training: [{name: a, accelerators: 'H100:8', hours: 10}]\n"


def test_unplannable_offers_are_counted_by_their_first_reason(tmp_path: Path) -> None:
    """Unpriced, unpurchasable, unspecified and unwanted rows are dropped, each with a count."""
    frame = market().offers
    frame = frame.with_columns(
        pl.when(pl.col("instance_type") == "NC80")
        .then(None)
        .otherwise(pl.col("usd_per_hour"))
        .alias("usd_per_hour"),
        pl.when(pl.col("instance_type") == "g6f.large")
        .then(pl.lit("no"))
        .otherwise(pl.col("purchasable"))
        .alias("purchasable"),
    )
    one = spec(tmp_path, TRAINING + "providers: [aws, azure]\n")
    stock = build_stock(one, replace(market(), offers=frame))
    assert stock.dropped == {
        "not purchasable": 1,
        "price unknown": 2,
        "provider not in `providers`": 2,
    }
    assert stock.count == len(ROWS) - 5


def test_assumptions_fill_only_what_nobody_knows(tmp_path: Path) -> None:
    """A stated capacity stays; an unknown one takes the assumption and says so."""
    one = spec(tmp_path, TRAINING + "assume: {instances_per_pool: {on-demand: 9}}\n")
    frame = build_stock(one, market()).frame
    rows = frame.filter(instance_type="p5.48xlarge").select("zone", "option", "capacity")
    assert rows.rows() == [
        ("use1-az1", "on-demand", 5),
        ("use1-az1", "spot", 2),
        ("use1-az2", "on-demand", 9),
    ]
    assert frame.filter("capacity_assumed")["capacity"].unique().to_list() == [9]
    assert frame.filter(option="reserved-1y")["capacity"].to_list() == [None]


def test_the_largest_matching_discount_applies_alone(tmp_path: Path) -> None:
    """12 % on p5 beats 5 % on everything of the provider; other providers pay list."""
    text = TRAINING + (
        "holdings: {discounts: [{provider: aws, types: ['p5*'], on: [on-demand], off: 12%},"
        " {provider: aws, off: 5%}]}\n"
    )
    stock = build_stock(spec(tmp_path, text), market())
    prices = dict(zip(stock.frame["id"].to_list(), stock.usd_per_hour.tolist(), strict=True))
    assert prices["aws/us-east-1/use1-az2/p5.48xlarge/on-demand"] == pytest.approx(44)
    assert prices["aws/us-east-1/use1-az1/p5.48xlarge/spot"] == pytest.approx(19)
    assert prices["azure/westeurope/-/NC80/on-demand"] == pytest.approx(14)


def test_owned_instances_are_free_rows_of_their_pool(tmp_path: Path) -> None:
    """A reservation that covers the period becomes one row with its type's facts."""
    text = TRAINING + (
        "holdings: {reservations: [{pool: aws/us-east-1/use1-az2/p5.48xlarge, instances: 3}]}\n"
    )
    stock = build_stock(spec(tmp_path, text), market())
    row = stock.frame.filter("owned").row(0, named=True)
    assert (row["option"], row["capacity"], row["accelerators"]) == ("owned", 3, 8.0)
    assert stock.usd_per_hour[stock.frame["owned"].to_numpy()].tolist() == [0.0]


@pytest.mark.parametrize(
    ("until", "is_used"), [("2026-08-06", False), ("2026-08-07", True), ("2027-01-01", True)]
)
def test_a_reservation_counts_only_when_it_covers_the_whole_period(
    tmp_path: Path, until: str, is_used: bool
) -> None:
    """100 hours from 3 August end in the small hours of the 7th."""
    reservation = f"{{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 1, until: {until}}}"
    text = TRAINING + f"start: 2026-08-03\nholdings: {{reservations: [{reservation}]}}\n"
    stock = build_stock(spec(tmp_path, text), market())
    assert bool(stock.frame["owned"].any()) is is_used
    assert bool(stock.owned[0].unused) is not is_used


def test_the_markets_holdings_count_unless_the_spec_names_their_pool(tmp_path: Path) -> None:
    """A reservation the account holds is used; the spec's word on the same pool wins."""
    held = {
        "id": "cr-1",
        "kind": "reservation",
        "provider": "aws",
        "region": "us-east-1",
        "zone": "use1-az1",
        "instance_type": "p5.48xlarge",
        "instances": 4,
        "starts_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    holdings = pl.DataFrame([held], schema=dict(HOLDING_SCHEMA))
    owning = replace(market(), holdings=holdings)
    one = spec(tmp_path, TRAINING)
    assert build_stock(one, owning).frame.filter("owned")["capacity"].to_list() == [4]
    stated = Reservation(pool="aws/us-east-1/use1-az1/p5.48xlarge", instances=1)
    told = replace(one, holdings=replace(one.holdings, reservations=(stated,)))
    assert build_stock(told, owning).frame.filter("owned")["capacity"].to_list() == [1]


def test_row_order_of_the_market_does_not_matter(tmp_path: Path) -> None:
    """A shuffled market gives the same stock."""
    one = spec(tmp_path, TRAINING)
    shuffled = replace(market(), offers=market().offers.reverse())
    assert build_stock(one, shuffled).frame.equals(build_stock(one, market()).frame)
