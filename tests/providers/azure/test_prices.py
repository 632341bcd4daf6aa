"""Price rows become one price per size and option: in force, Linux, hourly, or none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from broker.provider import Json, Row
from providers.azure.prices import read_prices, trimmed_price
from tests.providers.azure.worlds import H100, NOW, of_region, price

Line = tuple[str, str, Decimal, Decimal]  # option, variant, USD an hour, USD once


def lines(*items: Row) -> list[Line]:
    """Return what the rows of one region say, sorted."""
    kept = [row for row in map(trimmed_price, items) if row is not None]
    frame = read_prices([of_region("prices", kept)]).frame
    columns = ["option", "variant", "usd_per_hour", "upfront_usd"]
    return sorted(frame.select(columns).rows())


ON_DEMAND: Line = ("on-demand", "", Decimal("98.32"), Decimal(0))


def test_a_reservation_is_a_total_whatever_its_unit_says() -> None:
    """551,221 USD for a year is paid once: it is no hourly price of 551,221."""
    total = price(H100, 551221.0, type="Reservation", reservationTerm="1 Year")
    assert lines(total) == [("reserved-1y", "all-upfront", Decimal(0), Decimal(551221))]
    assert round(Decimal(551221) / 8760, 1) == Decimal("62.9")


def test_three_years_are_a_term_of_their_own_and_five_are_not_sold_here() -> None:
    """The broker plans terms of one and three years only."""
    three = price(H100, 1200000.0, type="Reservation", reservationTerm="3 Years")
    five = price(H100, 1900000.0, type="Reservation", reservationTerm="5 Years")
    assert lines(three, five) == [("reserved-3y", "all-upfront", Decimal(0), Decimal(1200000))]


def test_savings_plans_are_hourly() -> None:
    """A plan's rate rides on the on-demand row and is a rate, not a total."""
    plans: list[Json] = [
        {"term": "1 Year", "unitPrice": 78.66, "retailPrice": 78.66},
        {"term": "3 Years", "unitPrice": 55.05, "retailPrice": 55.05},
    ]
    assert lines(price(H100, 98.32, savingsPlan=plans)) == [
        ON_DEMAND,
        ("reserved-1y", "savings-plan", Decimal("78.66"), Decimal(0)),
        ("reserved-3y", "savings-plan", Decimal("55.05"), Decimal(0)),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"productName": "Virtual Machines NDsr H100 v5 Series Windows"},
        {"productName": "Virtual Machines NDsr H100 v5 Series Win"},
        {"skuName": "ND96isr H100 v5 Low Priority"},
        {"meterName": "ND96isr H100 v5 Low Priority"},
        {"productName": "NDsr H100 v5 Series Cloud Services"},
        {"productName": "NDsr H100 v5 Series CloudServices"},
        {"productName": "NDsr H100 v5 Dedicated Host"},
        {"type": "DevTestConsumption"},
        {"retailPrice": 0.0},
        {"currencyCode": "EUR"},
        {"unitOfMeasure": "1/Month"},
        {"armSkuName": ""},
        {"effectiveEndDate": "2024-01-01T00:00:00Z"},
        {"effectiveStartDate": "2027-01-01T00:00:00Z"},
        {
            "effectiveStartDate": "2026-01-01T00:00:00Z",
            "effectiveEndDate": "2025-12-31T00:00:00Z",
        },
    ],
)
def test_rows_that_are_no_price_of_today_are_dropped(fields: dict[str, Json]) -> None:
    """Other products, units, currencies, superseded and future rows leave the true price alone."""
    assert lines(price(H100, 98.32), price(H100, 1.0) | fields) == [ON_DEMAND]


@pytest.mark.parametrize("field", ["skuName", "meterName"])
def test_spot_is_told_by_the_end_of_either_name(field: str) -> None:
    """Spot meters end in Spot, in one name or the other."""
    spot = price(H100, 29.5) | {field: "ND96isr H100 v5 Spot"}
    assert lines(spot) == [("spot", "", Decimal("29.5"), Decimal(0))]


def test_spot_at_the_price_of_on_demand_is_believed() -> None:
    """Azure lists H200 spot without any discount; that is its price."""
    both = lines(price(H100, 98.32), price(H100, 98.32, skuName="x Spot"))
    assert [line[2] for line in both] == [Decimal("98.32"), Decimal("98.32")]


def test_of_two_rows_in_force_the_primary_then_the_newest_stands() -> None:
    """A secondary meter loses to the primary one, an older row to a newer."""
    secondary = price(H100, 1.0, isPrimaryMeterRegion=False, effectiveStartDate="2026-01-01")
    older = price(H100, 2.0, effectiveStartDate="2020-01-01T00:00:00Z")
    assert lines(secondary, older, price(H100, 98.32)) == [ON_DEMAND]


def test_two_rows_that_disagree_make_the_price_unknown() -> None:
    """Neither the lower nor the higher is taken; the size is named."""
    rows = [price(H100, 98.32), price(H100, 99.0, meterId="other")]
    prices = read_prices([of_region("prices", rows)])
    assert prices.frame.height == 0
    assert prices.doubtful == {"eastus": [H100]}


def test_two_rows_that_agree_are_one_price() -> None:
    """Equal duplicates under other meters are no contradiction."""
    assert lines(price(H100, 98.32), price(H100, 98.32, meterId="other")) == [ON_DEMAND]


def test_digits_survive() -> None:
    """A price keeps the digits it was sent with."""
    assert lines(price(H100, 0.180365))[0][2] == Decimal("0.180365")


def test_a_price_carries_the_moment_it_was_read() -> None:
    """The moment is that of the call, not of the row's own date."""
    frame = read_prices([of_region("prices", [price(H100, 98.32)])]).frame
    assert frame["price_observed_at"].to_list() == [NOW]
