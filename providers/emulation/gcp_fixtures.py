"""What the emulated Google Cloud holds, in the wire forms of its APIs.

Filled from a market: machine types from the offers' specifications, SKUs from their prices
taken apart. The market's rows without a zone stand in the first zone of their region.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import polars as pl

from broker.market import Market
from broker.offers import UNKNOWN_ZONE, PurchaseOption
from providers.emulation.gcp_rates import Priced, rates_by_option
from providers.emulation.gcp_skus import decoys, sku
from providers.gcp import families, sources
from providers.gcp.machines import Machine

Wire = dict[str, Any]  # JSON as the APIs write it

#: Canonical accelerator -> the compute API's name; TPUs are named by their series.
_GUESTS: Final[Mapping[str, str]] = {
    "P4": "nvidia-tesla-p4",
    "P100": "nvidia-tesla-p100",
    "V100": "nvidia-tesla-v100",
    "T4": "nvidia-tesla-t4",
    "A100-40": "nvidia-tesla-a100",
    "A100-80": "nvidia-a100-80gb",
    "L4": "nvidia-l4",
    "RTX-PRO-6000": "nvidia-rtx-pro-6000",
    "H100": "nvidia-h100-80gb",
    "H200": "nvidia-h200-141gb",
    "B200": "nvidia-b200",
    "GB200": "nvidia-gb200",
    "GB300": "nvidia-gb300",
}
_MIB: Final = 1024
_COLUMNS: Final = (
    *("region", "zone", "instance_type", "option", "usd_per_hour", "vcpus", "memory_gib"),
    *("accelerator", "accelerators", "local_disk_gib", "arch"),
)
_ARCHITECTURES: Final = {"arm64": "ARM64", "x86_64": "X86_64"}


@dataclass(slots=True, kw_only=True)
class Fixtures:
    """The state of one emulated project; tests change it freely.

    Attributes:
        regions, quota_infos, skus: lists as the APIs give them (SKUs as catalog JSON).
        machine_types, accelerator_types, reservations, instances: by zone.
        commitments: by region.
        obtainability: (region, machine type) -> spot obtainability, 0 to 1.
        preemption_rate: (region, machine type) -> share of stopped instances preempted.
        calendar: (region, machine type) -> (zone, start, end) of a free window.
        unreachable: zones that list answers leave out, e.g. ``zones/us-central1-a``.
        warned: zones whose part of a list is only a warning that they are out of reach.
    """

    regions: list[Wire] = field(default_factory=list)
    machine_types: dict[str, list[Wire]] = field(default_factory=dict)
    accelerator_types: dict[str, list[Wire]] = field(default_factory=dict)
    reservations: dict[str, list[Wire]] = field(default_factory=dict)
    commitments: dict[str, list[Wire]] = field(default_factory=dict)
    instances: dict[str, list[Wire]] = field(default_factory=dict)
    quota_infos: list[Wire] = field(default_factory=list)
    skus: list[Wire] = field(default_factory=list)
    obtainability: dict[tuple[str, str], float] = field(default_factory=dict)
    preemption_rate: dict[tuple[str, str], float] = field(default_factory=dict)
    calendar: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    unreachable: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)


def fixtures_of(market: Market) -> Fixtures:
    """Return the emulated project behind the Google offers of `market`."""
    offers = market.offers.filter(pl.col("provider") == sources.PROVIDER).select(_COLUMNS)
    machines = [_machine(row) for row in _once_per_zone(offers).iter_rows(named=True)]
    zones = sorted({one.zone for one in machines})
    listed: dict[str, dict[str, Machine]] = {zone: {} for zone in zones}
    for one in machines:
        listed[one.zone][one.series_type] = one
    return Fixtures(
        regions=_regions(zones),
        machine_types={
            zone: [machine_type(one) for one in here.values()] for zone, here in listed.items()
        },
        accelerator_types=_attachable(machines, zones),
        skus=list(_skus(offers)),
    )


def _once_per_zone(offers: pl.DataFrame) -> pl.DataFrame:
    # the plain machine type comes before the ones with attached accelerators
    return offers.unique(["zone", "region", "instance_type"], keep="first").sort(
        "region", "zone", "instance_type"
    )


def _machine(row: Mapping[str, Any]) -> Machine:
    name = str(row["instance_type"])
    series_type = name.partition("+")[0]
    zone = row["zone"] if row["zone"] != UNKNOWN_ZONE else f"{row['region']}-a"
    return Machine(
        zone=zone,
        name=name,
        series_type=series_type,
        vcpus=int(row["vcpus"]),
        memory_gib=Decimal(repr(row["memory_gib"])),
        guest_accelerator=guest_of(series_type, row["accelerator"]),
        accelerators=Decimal(repr(row["accelerators"])),
        local_disk_gib=Decimal(repr(row["local_disk_gib"] or 0.0)),
        arch=row["arch"],
    )


def guest_of(series_type: str, accelerator: str | None) -> str | None:
    """Return what the compute API calls a machine's accelerator, by its canonical name."""
    if accelerator is None:
        return None
    if series_type.startswith("a3-megagpu"):
        return "nvidia-h100-mega-80gb"
    return _GUESTS.get(accelerator, families.series_of(series_type))


def machine_type(machine: Machine) -> Wire:
    """Return a machine type as the compute API writes it."""
    wire: Wire = {
        "kind": "compute#machineType",
        "name": machine.series_type,
        "guestCpus": machine.vcpus,
        "memoryMb": int(machine.memory_gib * _MIB),
        "zone": machine.zone,
        "isSharedCpu": machine.series_type in {"e2-micro", "e2-small", "e2-medium"},
        "architecture": _ARCHITECTURES.get(machine.arch or "", "ARCHITECTURE_UNSPECIFIED"),
    }
    attached = machine.series_type.startswith("n1-")
    if machine.guest_accelerator and not attached:
        count = max(1, int(machine.accelerators))
        wire["accelerators"] = [
            {
                "guestAcceleratorType": machine.guest_accelerator,
                "guestAcceleratorCount": count,
            }
        ]
    if machine.local_disk_gib and not attached:
        partitions = int(machine.local_disk_gib) // families.SSD_PARTITION_GIB
        wire["bundledLocalSsds"] = {"defaultInterface": "NVME", "partitionCount": partitions}
    return wire


def _attachable(machines: Iterable[Machine], zones: Iterable[str]) -> dict[str, list[Wire]]:
    most: dict[tuple[str, str], int] = {}
    for one in machines:
        if one.series_type.startswith("n1-") and one.guest_accelerator:
            key = (one.zone, one.guest_accelerator)
            most[key] = max(most.get(key, 0), int(one.accelerators))
    found: dict[str, list[Wire]] = {zone: [] for zone in zones}
    for (zone, guest), count in sorted(most.items()):
        found[zone].append(
            {
                "kind": "compute#acceleratorType",
                "name": guest,
                "zone": zone,
                "maximumCardsPerInstance": count,
            }
        )
    return found


def _regions(zones: Iterable[str]) -> list[Wire]:
    by_region: dict[str, list[str]] = {}
    for zone in zones:
        by_region.setdefault(zone.rpartition("-")[0], []).append(zone)
    return [
        {
            "kind": "compute#region",
            "name": region,
            "status": "UP",
            "zones": [f"https://www.googleapis.com/compute/v1/zones/{zone}" for zone in here],
            "quotas": [],
        }
        for region, here in sorted(by_region.items())
    ]


def priced_machines(offers: pl.DataFrame) -> dict[tuple[str, PurchaseOption], list[Priced]]:
    """Return the machines with a price by region and purchase option, each type once."""
    priced: dict[tuple[str, PurchaseOption], dict[str, Priced]] = {}
    for row in offers.filter(pl.col("usd_per_hour").is_not_null()).iter_rows(named=True):
        place = (str(row["region"]), PurchaseOption(row["option"]))
        priced.setdefault(place, {})[str(row["instance_type"])] = (
            _machine(row),
            row["usd_per_hour"],
        )
    return {place: list(found.values()) for place, found in priced.items()}


def _skus(offers: pl.DataFrame) -> Iterator[Wire]:
    rates = rates_by_option(priced_machines(offers))
    for (region, option), parts in sorted(rates.items()):
        for component, usd in sorted(parts.items()):
            yield sku(component, option, region, usd)
    for region in sorted({region for region, _ in rates}):
        yield from decoys(region)
