"""Prices as the price list, savings plans, spot history and the advisor state them."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from broker.offers import PurchaseOption
from broker.provider import Fetched, Json, Row
from providers.aws.answers import Answers
from providers.aws.read_prices import PriceBook, interruptions_per_hour, read_prices
from tests.providers.aws.cloud import NOON

SOLD = ("p5.48xlarge", "us-east-1")


def term(prices: dict[str, str], **attributes: str) -> Row:
    """Return a term with a price for each unit."""
    dimensions: list[Json] = [
        {"unit": unit, "pricePerUnit": {"USD": amount}} for unit, amount in prices.items()
    ]
    return {"attributes": dict(attributes), "dimensions": dimensions}


def product(on_demand: str, *reserved: Row, usage: str = "BoxUsage:p5.48xlarge") -> Row:
    """Return a price list item of a p5.48xlarge in us-east-1."""
    return {
        "instanceType": SOLD[0],
        "regionCode": SOLD[1],
        "usagetype": usage,
        "OnDemand": [term({"Hrs": on_demand})],
        "Reserved": [*reserved],
    }


def book(*rows: Row, dataset: str = "prices/p5", region: str = "") -> PriceBook:
    """Return the prices read from `rows`."""
    fetched = Fetched(dataset=dataset, region=region, rows=rows, fetched_at=NOON)
    return read_prices(Answers([fetched]))


def test_on_demand_is_exact() -> None:
    """The text of the price list is the price, to its last digit."""
    assert book(product("55.0400000000")).on_demand[SOLD].usd_per_hour == Decimal("55.04")


@pytest.mark.parametrize(
    "usage", ["UnusedBox:p5.48xlarge", "DedicatedUsage:p5.48xlarge", "Reservation:p5.48xlarge"]
)
def test_other_usage_types_are_not_rent(usage: str) -> None:
    """Unused reservations and dedicated machines are other goods."""
    assert book(product("55.04", usage=usage)).on_demand == {}


def test_a_price_of_zero_is_no_price() -> None:
    """Nothing is free: zero rows are left out."""
    assert book(product("0.0000000000")).on_demand == {}


def test_two_prices_for_one_machine_are_none() -> None:
    """Contradicting rows leave the price unknown instead of picking one."""
    found = book(product("55.04"), product("66.05"))
    assert (found.on_demand, found.ambiguous) == ({}, {SOLD})


def test_the_same_price_twice_is_one() -> None:
    """A repeated row is no contradiction."""
    assert book(product("55.04"), product("55.0400")).on_demand[SOLD].usd_per_hour == Decimal(
        "55.04"
    )


def test_reserved_terms_by_their_attributes() -> None:
    """Lease, class and payment come from the attributes; an upfront fee is the unit Quantity."""
    standard = {"OfferingClass": "standard"}
    found = book(
        product(
            "55.04",
            term(
                {"Hrs": "37.1"}, LeaseContractLength="1yr", PurchaseOption="No Upfront", **standard
            ),
            term(
                {"Quantity": "150000", "Hrs": "17.5"},
                LeaseContractLength="1yr",
                PurchaseOption="Partial Upfront",
                **standard,
            ),
            term(
                {"Hrs": "0", "Quantity": "620000"},
                LeaseContractLength="3yr",
                PurchaseOption="All Upfront",
                **standard,
            ),
            term(
                {"Hrs": "30"},
                LeaseContractLength="3yr",
                PurchaseOption="No Upfront",
                OfferingClass="convertible",
            ),
        )
    ).reserved[SOLD]
    assert {key: (price.usd_per_hour, price.upfront_usd) for key, price in found.items()} == {
        (PurchaseOption.RESERVED_1Y, "no-upfront"): (Decimal("37.1"), Decimal(0)),
        (PurchaseOption.RESERVED_1Y, "partial-upfront"): (Decimal("17.5"), Decimal(150000)),
        (PurchaseOption.RESERVED_3Y, "all-upfront"): (Decimal(0), Decimal(620000)),
    }


def rate(usd: str, *, usage: str = "BoxUsage:p5.48xlarge", seconds: int = 31536000) -> Row:
    """Return a compute savings plan's rate."""
    return {
        "savingsPlanOffering": {
            "planType": "Compute",
            "durationSeconds": seconds,
            "currency": "USD",
            "paymentOption": "No Upfront",
        },
        "rate": usd,
        "usageType": usage,
        "properties": [
            {"name": "instanceType", "value": SOLD[0]},
            {"name": "region", "value": SOLD[1]},
        ],
    }


def test_savings_plans() -> None:
    """A rate is an hourly price of its term; those for unused machines are not."""
    rows = [rate("38.2"), rate("29", seconds=94608000), rate("1", usage="UnusedBox:p5.48xlarge")]
    found = book(*rows, dataset="savings-rates/p5").reserved[SOLD]
    assert {key: price.usd_per_hour for key, price in found.items()} == {
        (PurchaseOption.RESERVED_1Y, "compute-savings-plan"): Decimal("38.2"),
        (PurchaseOption.RESERVED_3Y, "compute-savings-plan"): Decimal(29),
    }


def test_capacity_blocks() -> None:
    """The fee is the total of the block: per instance it is paid once, nothing by the hour."""
    row: Row = {
        "CapacityBlockOfferingId": "cb-1",
        "InstanceType": SOLD[0],
        "AvailabilityZone": "us-east-1a",
        "InstanceCount": 2,
        "StartDate": "2026-12-01T11:30:00+00:00",
        "CapacityBlockDurationHours": 24,
        "UpfrontFee": "1555.20",
        "CurrencyCode": "USD",
    }
    (block,) = book(row, dataset="capacity-blocks/p5.48xlarge/24h", region=SOLD[1]).blocks[SOLD[1]]
    assert (block.price.usd_per_hour, block.price.upfront_usd) == (Decimal(0), Decimal("777.6"))
    assert block.length_h == 24


@pytest.mark.parametrize(("percent", "share"), [(5, 0.05), (22, 0.22), (100, 0.5)])
def test_interruption_bands(percent: float, share: float) -> None:
    """After a month of 730 hours the band's upper edge has been interrupted."""
    assert math.isclose(1 - math.exp(-730 * interruptions_per_hour(percent)), share)
