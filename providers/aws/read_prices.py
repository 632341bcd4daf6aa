"""Prices out of the price list, savings plan rates, spot history and the spot advisor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from broker.offers import PurchaseOption
from broker.provider import Row
from broker.units import HOURS_PER_MONTH, NANO
from providers.aws.answers import Answers
from providers.aws.text import moment, money, number, part, parts, text

Sold = tuple[str, str]  # instance type, location code of the price list or region
_TERMS: Final = {"1yr": PurchaseOption.RESERVED_1Y, "3yr": PurchaseOption.RESERVED_3Y}
_PLAN_TERMS: Final = {31536000: PurchaseOption.RESERVED_1Y, 94608000: PurchaseOption.RESERVED_3Y}
#: Type of savings plan -> variant of the offers at its rates.
PLAN_VARIANTS: Final = {"Compute": "compute-savings-plan", "EC2Instance": "ec2-savings-plan"}
#: The advisor's open band ("over 20 %") is read as one interruption in two per month.
_OPEN_BAND: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an instance-hour costs, and what is paid once.

    Attributes:
        usd_per_hour: exact.
        upfront_usd: for the whole term.
        source: key of its source.
        seen_at: when it was asked for.
    """

    usd_per_hour: Decimal
    upfront_usd: Decimal = Decimal(0)
    source: str
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A capacity block that can be bought.

    Attributes:
        id: of the offering, short-lived.
        instance_type, zone_name: what and where.
        price: the fee of one instance as an upfront payment; nothing by the hour.
        starts_at: first moment.
        length_h: hours.
    """

    id: str
    instance_type: str
    zone_name: str
    price: Price
    starts_at: datetime
    length_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Every price found.

    Attributes:
        on_demand: by type and location.
        reserved: by type and location, then option and variant.
        spot: by type and (region, zone name or zone id).
        interruptions: per hour, by type and region.
        blocks: by region.
        ambiguous: where one machine has two on-demand prices; it then has none.
    """

    on_demand: dict[Sold, Price] = field(default_factory=dict)
    reserved: dict[Sold, dict[tuple[PurchaseOption, str], Price]] = field(default_factory=dict)
    spot: dict[tuple[str, str, str], Price] = field(default_factory=dict)
    interruptions: dict[Sold, float] = field(default_factory=dict)
    blocks: dict[str, list[Block]] = field(default_factory=dict)
    ambiguous: set[Sold] = field(default_factory=set)


def read_prices(answers: Answers) -> PriceBook:
    """Return every price in `answers`."""
    book = PriceBook()
    for _, outcome in answers.parts("prices"):
        for product in outcome.rows:
            _add_product(book, product, outcome.fetched_at)
    for sold in book.ambiguous:
        del book.on_demand[sold]
    for _, outcome in answers.parts("savings-rates"):
        for rate in outcome.rows:
            _add_savings_rate(book, rate, outcome.fetched_at)
    for region in answers.regions("spot-prices"):
        seen_at = answers.seen_at("spot-prices", region)
        for row in answers.rows("spot-prices", region):
            _add_spot(book, region, row, seen_at)
    for row in answers.rows("interruptions"):
        sold = (text(row.get("InstanceType")), text(row.get("Region")))
        book.interruptions[sold] = interruptions_per_hour(number(row.get("MaxPercent")) or 0.0)
    for _, outcome in answers.parts("capacity-blocks"):
        blocks = book.blocks.setdefault(outcome.region, [])
        blocks.extend(filter(None, (_block(row, outcome.fetched_at) for row in outcome.rows)))
    return book


def interruptions_per_hour(max_percent: float) -> float:
    """Return the rate at which a pool is reclaimed, from the upper edge of its monthly band.

    An estimate: -ln(1 - p) / 730 for a share p of instances interrupted within a month.
    """
    share = _OPEN_BAND if max_percent >= 100 else max_percent / 100
    return -math.log(1 - share) / HOURS_PER_MONTH


def _add_product(book: PriceBook, product: Row, seen_at: datetime | None) -> None:
    if "BoxUsage" not in text(product.get("usagetype")):
        return
    sold = (text(product.get("instanceType")), text(product.get("regionCode")))
    for term in parts(product.get("OnDemand")):
        price = _price(_dimensions(term), seen_at)
        if price is not None and price.usd_per_hour:
            known = book.on_demand.setdefault(sold, price)
            if known.usd_per_hour != price.usd_per_hour:
                book.ambiguous.add(sold)
    for term in parts(product.get("Reserved")):
        _add_reserved(book, sold, term, seen_at)


def _add_reserved(book: PriceBook, sold: Sold, term: Row, seen_at: datetime | None) -> None:
    attributes = part(term.get("attributes"))
    option = _TERMS.get(text(attributes.get("LeaseContractLength")))
    price = _price(_dimensions(term), seen_at)
    if option is None or price is None or attributes.get("OfferingClass") != "standard":
        return
    if price.usd_per_hour or price.upfront_usd:
        variant = text(attributes.get("PurchaseOption")).lower().replace(" ", "-")
        book.reserved.setdefault(sold, {})[option, variant] = price


def _dimensions(term: Row) -> Mapping[str, Decimal]:
    """Return unit -> USD: ``Hrs`` is the hourly rate, ``Quantity`` what is paid upfront."""
    found = {}
    for dimension in parts(term.get("dimensions")):
        amount = money(part(dimension.get("pricePerUnit")).get("USD"))
        if amount is not None:
            found[text(dimension.get("unit"))] = amount
    return found


def _price(dimensions: Mapping[str, Decimal], seen_at: datetime | None) -> Price | None:
    if not set(dimensions) & {"Hrs", "Quantity"}:
        return None
    return Price(
        usd_per_hour=dimensions.get("Hrs", Decimal(0)),
        upfront_usd=dimensions.get("Quantity", Decimal(0)),
        source="aws-price-list-api",
        seen_at=seen_at,
    )


def _add_savings_rate(book: PriceBook, rate: Row, seen_at: datetime | None) -> None:
    offering = part(rate.get("savingsPlanOffering"))
    option = _PLAN_TERMS.get(int(number(offering.get("durationSeconds")) or 0))
    variant = PLAN_VARIANTS.get(text(offering.get("planType")))
    usd_per_hour = money(rate.get("rate"))
    if not option or not variant or not usd_per_hour:
        return
    if "BoxUsage" not in text(rate.get("usageType")) or offering.get("currency") != "USD":
        return
    properties = {
        text(one.get("name")): text(one.get("value")) for one in parts(rate.get("properties"))
    }
    sold = (properties.get("instanceType", ""), properties.get("region", ""))
    price = Price(usd_per_hour=usd_per_hour, source="aws-savings-plans-api", seen_at=seen_at)
    book.reserved.setdefault(sold, {})[option, variant] = price


def _add_spot(book: PriceBook, region: str, row: Row, seen_at: datetime | None) -> None:
    usd_per_hour = money(row.get("SpotPrice"))
    if not usd_per_hour:
        return
    price = Price(usd_per_hour=usd_per_hour, source="aws-spot-history-api", seen_at=seen_at)
    for zone in _names(row):
        book.spot[text(row.get("InstanceType")), region, zone] = price


def _names(row: Row) -> Iterator[str]:
    """Yield the zone's id, or its name where the answer has no id."""
    zone = text(row.get("AvailabilityZoneId")) or text(row.get("AvailabilityZone"))
    if zone:
        yield zone


def _block(row: Row, seen_at: datetime | None) -> Block | None:
    fee, starts_at = money(row.get("UpfrontFee")), moment(row.get("StartDate"))
    count = number(row.get("InstanceCount")) or 1
    hours = (number(row.get("CapacityBlockDurationHours")) or 0.0) + (
        number(row.get("CapacityBlockDurationMinutes")) or 0.0
    ) % 60 / 60
    if not fee or not starts_at or not hours or row.get("CurrencyCode") != "USD":
        return None
    return Block(
        id=text(row.get("CapacityBlockOfferingId")),
        instance_type=text(row.get("InstanceType")),
        zone_name=text(row.get("AvailabilityZone")),
        price=Price(
            usd_per_hour=Decimal(0),
            upfront_usd=(fee / Decimal(int(count))).quantize(NANO),
            source="aws-capacity-blocks-api",
            seen_at=seen_at,
        ),
        starts_at=starts_at,
        length_h=hours,
    )
