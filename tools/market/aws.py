"""Amazon EC2: on-demand, reserved and spot offers by zone id."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from broker.offers import LocationKind, Purchasable, PurchaseOption
from broker.units import HOURS_PER_MONTH
from tools.market.aws_types import (
    LEFT_OUT,
    ULTRASERVER,
    ULTRASERVER_SPECS,
    described_specs,
    documented_specs,
    quota_family,
)
from tools.market.rows import UNPRICED, Place, Price, Row, Specs, Terms, offer
from tools.market.tables import NINE_DIGITS, Record, money, read_table

Where = tuple[str, str]  # instance type, region
NO_UPFRONT: Final = "no-upfront"
#: The advisor's open band (above 20 %) is read as one interruption in two per month.
OPEN_BAND: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ec2:
    """The collected EC2 tables, joined on instance type and region."""

    specs: Mapping[str, Specs]
    spot_sold: frozenset[str]
    zones: Mapping[Where, tuple[str, ...]]
    listed_regions: frozenset[str]
    on_demand: Mapping[Where, Price]
    reserved: Mapping[tuple[Where, PurchaseOption], Price]
    spot_ratio: Mapping[tuple[Where, str], Decimal]
    interruptions: Mapping[Where, float]


def aws_rows(data: Path) -> list[Row]:
    """Return every EC2 offer of the collected data under `data`."""
    ec2 = _collected(data / "offers_raw", data / "spot")
    rows = [row for where in ec2.on_demand for row in _priced(ec2, where)]
    rows += [row for where in _unpriced_places(ec2) for row in _listed(ec2, where)]
    return [*rows, _ultraserver()]


def spot_ratio(record: Record) -> Decimal | None:
    """Return spot over on-demand of one old observation, 1 or more included, as it was."""
    spot, on_demand = money(record["spot_usd_hour"]), money(record["on_demand_usd_hour"])
    return spot / on_demand if spot and on_demand else None


def interruptions_per_hour(record: Record) -> float:
    """Return -ln(1 - p) / 730 with p the upper edge of the advisor's monthly band."""
    percent = float(record["interruption_max_pct"])
    edge = OPEN_BAND if percent >= 100 else percent / 100
    return -math.log(1 - edge) / HOURS_PER_MONTH


def location_kind(region: str) -> LocationKind:
    """Return the kind of an EC2 location from its code in the price list."""
    if region.startswith("us-gov-"):
        return LocationKind.GOVERNMENT
    if re.search(r"-wl\d", region):
        return LocationKind.WAVELENGTH
    if re.fullmatch(r"[a-z]+-[a-z]+-\d", region):
        return LocationKind.REGION
    return LocationKind.LOCAL_ZONE


def _collected(offers: Path, spot: Path) -> Ec2:
    described = list(filter(_wanted, read_table(offers, "aws_instance_types.csv")))
    zones = _zones(filter(_wanted, read_table(offers, "aws_offerings_by_zone.csv.gz")))
    cpu_types = {r["instance_type"] for r in described if r["kind"] == "cpu"}
    on_demand, reserved = _prices(offers, cpu_types)
    advisor = read_table(spot, "aws_spot_advisor_2025-06.csv.gz")
    return Ec2(
        specs={r["instance_type"]: described_specs(r) for r in described},
        spot_sold=frozenset(r["instance_type"] for r in described if "spot" in r["usage_classes"]),
        zones=zones,
        listed_regions=frozenset(region for _, region in zones),
        on_demand=on_demand,
        reserved=reserved,
        spot_ratio=_spot_ratios(read_table(offers, "aws_zone_ondemand_spot_2025h1.csv.gz")),
        interruptions={_where(r): interruptions_per_hour(r) for r in advisor},
    )


def _wanted(record: Record) -> bool:
    return not LEFT_OUT.match(record["instance_type"])


def _where(record: Record) -> Where:
    return record["instance_type"], record["region"]


def _zones(listed: Iterable[Record]) -> dict[Where, tuple[str, ...]]:
    """Return the zone ids in which each type is offered in each region."""
    zones: defaultdict[Where, list[str]] = defaultdict(list)
    for record in listed:
        if record["location_type"] == "availability-zone-id":
            zones[_where(record)].append(record["location"])
    return {where: tuple(sorted(names)) for where, names in zones.items()}


def _spot_ratios(old: list[Record]) -> dict[tuple[Where, str], Decimal]:
    ratios = {(_where(record), record["zone_id"]): spot_ratio(record) for record in old}
    return {key: ratio for key, ratio in ratios.items() if ratio}


def _prices(
    offers: Path, cpu_types: set[str]
) -> tuple[dict[Where, Price], dict[tuple[Where, PurchaseOption], Price]]:
    """Read prices, a later source replacing an earlier one."""
    on_demand: dict[Where, Price] = {}
    reserved: dict[tuple[Where, PurchaseOption], Price] = {}
    for record in filter(_wanted, read_table(offers, "aws_ondemand_ri1y_2026-01-21.csv")):
        where = _where(record)
        on_demand[where] = _price(record["on_demand_usd_hour"], "aws-vantage")
        if record["ri_1y_standard_no_upfront_usd_hour"]:
            reserved[where, PurchaseOption.RESERVED_1Y] = _price(
                record["ri_1y_standard_no_upfront_usd_hour"], "aws-vantage"
            )
    accelerated = {instance_type for instance_type, _ in on_demand} | {"dl1.24xlarge"}
    for record in read_table(offers, "aws_ondemand_useast1_usgov_2026-07-20.csv"):
        if record["instance_type"] in accelerated | cpu_types:
            on_demand[_where(record)] = _price(record["on_demand_usd_hour"], "aws-prices")
    tiers = {"ri_1y_no_upfront": PurchaseOption.RESERVED_1Y}
    tiers["ri_3y_no_upfront"] = PurchaseOption.RESERVED_3Y
    for record in read_table(offers, "commitments_mixed_2026-06-15.csv"):
        if record["provider"] == "AWS EC2" and record["tier"] in tiers:
            key = ((record["sku"], record["region"]), tiers[record["tier"]])
            reserved[key] = _price(record["total_usd_hour"], "aws-terms")
    return on_demand, reserved


def _price(text: str, source: str) -> Price:
    return Price(usd_per_hour=money(text), source=source)


def _specs(ec2: Ec2, instance_type: str) -> Specs:
    return ec2.specs.get(instance_type) or documented_specs(instance_type)


def _places(ec2: Ec2, where: Where) -> Iterator[tuple[Place, Purchasable]]:
    """Yield the zones that list the type; else one unnamed zone of the region.

    A region whose offerings are known and lack the type does not sell it: P2, P3, G2, G3
    still have list prices.
    """
    region = where[1]
    base = Place(provider="aws", region=region, kind=location_kind(region))
    for zone in ec2.zones.get(where, ()):
        yield replace(base, zone=zone, source="aws-zones"), Purchasable.YES
    if where not in ec2.zones:
        is_listed = region in ec2.listed_regions
        yield base, Purchasable.NO if is_listed else Purchasable.UNKNOWN


def _priced(ec2: Ec2, where: Where) -> Iterator[Row]:
    instance_type = where[0]
    specs = _specs(ec2, instance_type)
    for place, purchasable in _places(ec2, where):
        for option, price in _offered(ec2, where, place.zone):
            is_spot = option is PurchaseOption.SPOT
            rate = ec2.interruptions.get(where) if is_spot else None
            terms = Terms(
                option=option,
                variant=NO_UPFRONT if option.years else "",
                purchasable=purchasable,
                purchasable_source="aws-zones" if purchasable != Purchasable.UNKNOWN else None,
                quota_family=quota_family(instance_type, option),
                interruptions_per_hour=rate,
                interruptions_source="aws-spot-advisor" if rate is not None else None,
            )
            yield offer(place, instance_type, specs, price, terms)


def _offered(ec2: Ec2, where: Where, zone: str) -> Iterator[tuple[PurchaseOption, Price]]:
    on_demand = ec2.on_demand[where]
    yield PurchaseOption.ON_DEMAND, on_demand
    for option in (PurchaseOption.RESERVED_1Y, PurchaseOption.RESERVED_3Y):
        if (where, option) in ec2.reserved:
            yield option, ec2.reserved[where, option]
    ratio = ec2.spot_ratio.get((where, zone))
    if ratio and on_demand.usd_per_hour and where[0] in ec2.spot_sold:
        usd_per_hour = (on_demand.usd_per_hour * ratio).quantize(NINE_DIGITS)
        yield PurchaseOption.SPOT, Price(usd_per_hour=usd_per_hour, source="aws-spot-derived")


def _unpriced_places(ec2: Ec2) -> list[Where]:
    """Accelerated types that are offered in a region without a known price."""
    accelerated = {name for name, specs in ec2.specs.items() if specs.accelerator}
    return [where for where in ec2.zones if where[0] in accelerated and where not in ec2.on_demand]


def _listed(ec2: Ec2, where: Where) -> Iterator[Row]:
    terms = Terms(
        option=PurchaseOption.ON_DEMAND,
        quota_family=quota_family(where[0], PurchaseOption.ON_DEMAND),
    )
    for place, _ in _places(ec2, where):
        yield offer(place, where[0], _specs(ec2, where[0]), UNPRICED, terms)


def _ultraserver() -> Row:
    region = "us-east-1-dfw-2"
    place = Place(provider="aws", region=region, kind=location_kind(region))
    terms = Terms(
        option=PurchaseOption.ON_DEMAND,
        purchasable=Purchasable.NO,
        purchasable_source="aws-documentation",
    )
    return offer(place, ULTRASERVER, ULTRASERVER_SPECS, UNPRICED, terms)
