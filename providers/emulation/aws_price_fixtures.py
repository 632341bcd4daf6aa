"""A market's prices as AWS would tell of them: spot, price list, rates, blocks, advisor."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from broker.offers import PurchaseOption
from broker.units import HOURS_PER_MONTH, HOURS_PER_YEAR, plain
from providers.emulation.aws_names import PLAN_TYPES, Item, grouped, parent_region, zone_name

#: The advisor's bands: label and upper edge in percent.
BANDS: Final = (("<5%", 5), ("5-10%", 11), ("10-15%", 16), ("15-20%", 22), (">20%", 100))
_LEASES: Final = {"reserved-1y": "1yr", "reserved-3y": "3yr"}


def spot_of(region: str, rows: Sequence[Item], at: datetime) -> list[Item]:
    """Return the spot prices in force in `region`."""
    return [
        {
            "AvailabilityZone": zone_name(region, row["zone"]),
            "AvailabilityZoneId": row["zone"],
            "InstanceType": row["instance_type"],
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": plain(row["usd_per_hour"]),
            "Timestamp": at,
        }
        for row in rows
        if row["option"] == PurchaseOption.SPOT and row["usd_per_hour"] is not None
    ]


def products_of(offers: Sequence[Item]) -> list[Item]:
    """Return the price list: one product for each type and location with a price."""
    sold = grouped(offers, lambda row: f"{row['instance_type']} {row['region']}")
    return [item for rows in sold.values() for item in _product(rows)]


def _product(rows: Sequence[Item]) -> Iterator[Item]:
    on_demand = [row for row in rows if row["option"] == PurchaseOption.ON_DEMAND]
    if not on_demand or on_demand[0]["usd_per_hour"] is None:
        return
    name, code = rows[0]["instance_type"], rows[0]["region"]
    sku = hashlib.sha256(f"{name} {code}".encode()).hexdigest()[:16].upper()
    reserved = {(row["option"], row["variant"]): row for row in rows if row["option"] in _LEASES}
    terms = {
        "OnDemand": dict([_term(sku, "JRTCKXETXF", on_demand[0], {})]),
        "Reserved": dict(
            _term(sku, f"TERM{number}", row, _term_attributes(row))
            for number, row in enumerate(reserved.values())
            if row["variant"] not in PLAN_TYPES
        ),
    }
    yield {"product": {"sku": sku, "attributes": _attributes(name, code)}, "terms": terms}


def _attributes(name: str, region: str) -> Item:
    return {
        "instanceType": name,
        "regionCode": region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "usagetype": f"BoxUsage:{name}",
        "operation": "RunInstances",
    }


def _term_attributes(row: Item) -> Item:
    return {
        "LeaseContractLength": _LEASES[row["option"]],
        "OfferingClass": "standard",
        "PurchaseOption": row["variant"].replace("-", " ").title(),
    }


def _term(sku: str, code: str, row: Item, attributes: Item) -> tuple[str, Item]:
    key = f"{sku}.{code}"
    prices = [("Hrs", row["usd_per_hour"], "6YS6EN2CT7")]
    if row["upfront_usd"]:
        prices.append(("Quantity", row["upfront_usd"], "2TG2D8R56U"))
    dimensions = {
        f"{key}.{rate}": {"unit": unit, "pricePerUnit": {"USD": plain(amount or Decimal(0))}}
        for unit, amount, rate in prices
    }
    return key, {"sku": sku, "termAttributes": attributes, "priceDimensions": dimensions}


def rates_of(offers: Sequence[Item]) -> list[Item]:
    """Return the savings plan rates."""
    found = {
        (row["instance_type"], row["region"], row["option"], row["variant"]): row
        for row in offers
        if row["variant"] in PLAN_TYPES
    }
    return [_rate(row) for _, row in sorted(found.items())]


def _rate(row: Item) -> Item:
    years = PurchaseOption(row["option"]).years
    name = row["instance_type"]
    properties = {
        "region": row["region"],
        "instanceType": name,
        "instanceFamily": name.partition(".")[0],
        "productDescription": "Linux/UNIX",
        "tenancy": "shared",
    }
    return {
        "savingsPlanOffering": {
            "offeringId": f"{row['variant']}-{years}y",
            "paymentOption": "No Upfront",
            "planType": PLAN_TYPES[row["variant"]],
            "durationSeconds": years * HOURS_PER_YEAR * 3600,
            "currency": "USD",
        },
        "rate": plain(row["usd_per_hour"]),
        "unit": "Hrs",
        "serviceCode": "AmazonEC2",
        "usageType": f"BoxUsage:{name}",
        "operation": "RunInstances",
        "properties": [{"name": key, "value": value} for key, value in properties.items()],
    }


def blocks_of(region: str, rows: Sequence[Item]) -> list[Item]:
    """Return the capacity blocks on sale in `region`."""
    return [
        {
            "CapacityBlockOfferingId": row["variant"],
            "InstanceType": row["instance_type"],
            "AvailabilityZone": zone_name(region, row["zone"]),
            "InstanceCount": 1,
            "StartDate": row["starts_at"],
            "CapacityBlockDurationHours": int(row["length_h"]),
            "UpfrontFee": plain(row["upfront_usd"]),
            "CurrencyCode": "USD",
            "Tenancy": "default",
        }
        for row in rows
        if row["option"] == PurchaseOption.CAPACITY_BLOCK
    ]


def advisor_of(offers: Sequence[Item]) -> Item:
    """Return the spot advisor's file."""
    advice: defaultdict[str, Item] = defaultdict(lambda: {"Linux": {}})
    for row in offers:
        rate = row["interruptions_per_hour"]
        if row["option"] == PurchaseOption.SPOT and rate is not None:
            band = {"s": 0, "r": _band(rate)}
            advice[parent_region(row["region"])]["Linux"][row["instance_type"]] = band
    ranges = [
        {"index": index, "label": label, "max": edge} for index, (label, edge) in enumerate(BANDS)
    ]
    return {"ranges": ranges, "spot_advisor": dict(advice)}


def _band(per_hour: float) -> int:
    percent = 100 * -math.expm1(-per_hour * HOURS_PER_MONTH)
    edges = [edge if edge < 100 else 50 for _, edge in BANDS]
    return min(range(len(edges)), key=lambda index: abs(edges[index] - percent))
