"""A market as AWS would tell of it: offers, quotas and holdings into the API's own members.

Everything is derived from the market's rows; where the API has a fact the market has not (the
name of a zone, the id of a reservation), it is made up from the row's own names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from broker.accelerators import canonical
from broker.market import Market
from broker.offers import LocationKind, Purchasable, PurchaseOption
from providers.emulation.aws_account_fixtures import (
    instances_of,
    plans_of,
    quotas_of,
    reservations_of,
    reserved_instances_of,
)
from providers.emulation.aws_names import Item, grouped, parent_region, zone_name
from providers.emulation.aws_price_fixtures import (
    advisor_of,
    blocks_of,
    products_of,
    rates_of,
    spot_of,
)

_GB_PER_GIB: Final = 2**30 / 10**9
#: Accelerators the API names otherwise than a market does.
_WIRE_NAMES: Final = {
    "A100-40": "A100",
    "A100-80": "A100",
    "Gaudi1": "Gaudi HL-205",
    "Inferentia1": "Inferentia",
    "QAIC100": "Qualcomm AI100",
    "RTX-PRO-4500": "RTX PRO 4500",
    "RTX-PRO-6000": "RTX PRO Server 6000",
    "T4G": "T4g",
    "Trainium1": "Trainium",
    "V100-32": "V100",
    "V520": "Radeon Pro V520",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixtures:
    """What the emulated account sees; regions are keys where a list is regional.

    Attributes:
        regions: name -> opt-in status.
        zones, types, offerings, spot, quotas, reservations, reserved, instances: by region, in
            the members of the API.
        blocks: by region; what `DescribeCapacityBlockOfferings` filters.
        products: price list items with their attributes, ready to filter.
        rates: savings plan offering rates.
        plans: owned savings plans.
        advisor: the spot advisor's file.
        scores: by zone id.
    """

    regions: Mapping[str, str]
    zones: Mapping[str, Sequence[Item]]
    types: Mapping[str, Sequence[Item]]
    offerings: Mapping[str, Sequence[Item]]
    spot: Mapping[str, Sequence[Item]]
    quotas: Mapping[str, Sequence[Item]]
    reservations: Mapping[str, Sequence[Item]]
    reserved: Mapping[str, Sequence[Item]]
    instances: Mapping[str, Sequence[Item]]
    blocks: Mapping[str, Sequence[Item]]
    products: Sequence[Item]
    rates: Sequence[Item]
    plans: Sequence[Item]
    advisor: Item
    scores: Mapping[str, tuple[str, int]]


def fixtures_of(market: Market) -> Fixtures:
    """Return what an account with exactly the AWS part of `market` would see."""
    offers = market.offers.filter(pl.col("provider") == "aws").to_dicts()
    by_region = grouped(offers, lambda row: parent_region(row["region"]))
    zones = {region: _zones(region, rows) for region, rows in by_region.items()}
    taken_at = market.taken_at
    classes = {
        name: _usage_classes(rows)
        for name, rows in grouped(offers, lambda row: str(row["instance_type"])).items()
    }
    return Fixtures(
        regions=dict.fromkeys(sorted(by_region), "opt-in-not-required"),
        zones=zones,
        types={region: _types(rows, classes) for region, rows in by_region.items()},
        offerings={region: _offerings(rows) for region, rows in by_region.items()},
        spot={region: spot_of(region, rows, taken_at) for region, rows in by_region.items()},
        quotas=quotas_of(market),
        reservations=reservations_of(market),
        reserved=reserved_instances_of(market),
        instances=instances_of(market),
        blocks={region: blocks_of(region, rows) for region, rows in by_region.items()},
        products=products_of(offers),
        rates=rates_of(offers),
        plans=plans_of(market),
        advisor=advisor_of(offers),
        scores={zone["ZoneId"]: (region, 5) for region in zones for zone in zones[region]},
    )


# --- places and machines ------------------------------------------------------------------------


def _zones(region: str, rows: Sequence[Item]) -> list[Item]:
    plain_zones = sorted({row["zone"] for row in rows if row["zone"] != "-"})
    found = [
        _zone(region, zone_name(region, zone), zone, kind="availability-zone", group=region)
        for zone in plain_zones
    ]
    for code in sorted({row["region"] for row in rows} - {region}):
        kind = next(row["location_kind"] for row in rows if row["region"] == code)
        is_local = kind == LocationKind.LOCAL_ZONE
        name = f"{code}a" if is_local else re.sub(r"(\d+)$", r"-wlz-\1", code)
        found.append(
            _zone(
                region,
                name,
                f"{code.replace('-', '')}-az1",
                kind="local-zone" if is_local else "wavelength-zone",
                group=code,
            )
        )
    return found


def _zone(region: str, name: str, zone_id: str, *, kind: str, group: str) -> Item:
    is_plain = kind == "availability-zone"
    return {
        "ZoneName": name,
        "ZoneId": zone_id,
        "ZoneType": kind,
        "GroupName": group,
        "RegionName": region,
        "OptInStatus": "opt-in-not-required" if is_plain else "not-opted-in",
        "State": "available",
    }


def _types(rows: Sequence[Item], classes: Mapping[str, Sequence[str]]) -> list[Item]:
    by_type = {row["instance_type"]: row for row in rows}
    return [_type(row, classes[name]) for name, row in sorted(by_type.items())]


def _type(row: Item, classes: Sequence[str]) -> Item:
    item: Item = {
        "InstanceType": row["instance_type"],
        "CurrentGeneration": True,
        "SupportedUsageClasses": list(classes),
        "NetworkInfo": {"EfaSupported": row["fabric"] in {"rdma", "nvlink-rack"}},
    }
    if row["vcpus"] is not None:
        item["VCpuInfo"] = {"DefaultVCpus": row["vcpus"]}
    if row["memory_gib"] is not None:
        item["MemoryInfo"] = {"SizeInMiB": round(row["memory_gib"] * 1024)}
    if row["arch"] is not None:
        item["ProcessorInfo"] = {"SupportedArchitectures": [row["arch"]]}
    if row["network_gbps"] is not None:
        item["NetworkInfo"]["NetworkPerformance"] = f"{row['network_gbps']:g} Gigabit"
    return item | _storage(row["local_disk_gib"]) | _accelerators(row)


def _storage(gib: float | None) -> Item:
    if gib is None:
        return {}
    if not gib:
        return {"InstanceStorageSupported": False}
    gigabytes = round(gib * _GB_PER_GIB)
    return {
        "InstanceStorageSupported": True,
        "InstanceStorageInfo": {"TotalSizeInGB": gigabytes},
    }


def _usage_classes(rows: Sequence[Item]) -> list[str]:
    options = {row["option"] for row in rows}
    classes = [
        (any(row["purchasable"] != Purchasable.NO for row in rows), "on-demand"),
        (PurchaseOption.SPOT in options, "spot"),
        (PurchaseOption.CAPACITY_BLOCK in options, "capacity-block"),
    ]
    return [name for is_sold, name in classes if is_sold]


def _accelerators(row: Item) -> Item:
    if row["accelerator"] is None:
        return {}
    count = row["accelerators"] or 0.0
    mib = round(canonical(row["accelerator"])[0].memory_gib * 1024)
    name = _WIRE_NAMES.get(row["accelerator"], row["accelerator"])
    if row["accelerator"].startswith(("Trainium", "Inferentia")):
        device: Item = {"Name": name, "Count": int(count), "MemoryInfo": {"SizeInMiB": mib}}
        return {"NeuronInfo": {"NeuronDevices": [device]}}
    is_slice = count < 1
    device = {
        "Name": name,
        "Count": 0 if is_slice else int(count),
        "LogicalGpuCount": 1 if is_slice else int(count),
        "GpuPartitionSize": count if is_slice else 1.0,
        "MemoryInfo": {"SizeInMiB": int(mib * count) if is_slice else mib},
    }
    return {"GpuInfo": {"Gpus": [device]}}


def _offerings(rows: Sequence[Item]) -> list[Item]:
    pairs = {(row["instance_type"], row["zone"]) for row in rows if row["zone"] != "-"}
    return [
        {"InstanceType": name, "LocationType": "availability-zone-id", "Location": zone}
        for name, zone in sorted(pairs)
    ]
