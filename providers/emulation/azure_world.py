"""An emulated Azure filled from a market: offers and holdings back into the services' own rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any, Final

import polars as pl

from broker.market import Market
from broker.offers import UNKNOWN_ZONE, Fabric, Purchasable, PurchaseOption
from broker.provider import Json, Row
from broker.units import HOURS_PER_YEAR, plain
from providers.azure.prices import SAVINGS_PLAN
from providers.emulation.azure import SUBSCRIPTION, AzureSite, AzureWorld
from providers.emulation.faults import Fault
from providers.emulation.server import Emulator

_Record = dict[str, Any]  # one row of a market table

_NOWHERE: Final = "-"
_ARCHITECTURES: Final = {"x86_64": "x64", "arm64": "Arm64"}
_TERMS: Final = {1: "1 Year", 3: "3 Years"}
_STARTED: Final = "2024-01-01T00:00:00Z"
_RESOURCE_GROUP: Final = "emulated"


def emulate(
    market: Market, *, port: int = 0, latency_s: float = 0.0, faults: Sequence[Fault] = ()
) -> Emulator:
    """Return an emulated Azure that sells and holds what `market` says of Azure.

    Point the endpoints ``management`` and ``prices`` at its URL, and the SDK's credential chain
    at ``IDENTITY_ENDPOINT=<url>/msi`` with any ``IDENTITY_HEADER``.
    """
    return Emulator(AzureSite(world_of(market)), port=port, latency_s=latency_s, faults=faults)


def world_of(market: Market) -> AzureWorld:
    """Return the rows of every service for the Azure part of `market`."""
    offers = market.offers.filter(
        pl.col("provider") == "azure", pl.col("region") != _NOWHERE
    ).sort("region", "instance_type", maintain_order=True)
    world = AzureWorld()
    for (region,), rows in offers.group_by("region", maintain_order=True):
        name = str(region)
        world.locations.append(_location(name))
        world.usages[name] = []
        by_size = rows.group_by("instance_type", maintain_order=True)
        sizes = [(str(size), list(part.iter_rows(named=True))) for (size,), part in by_size]
        world.skus[name] = [_sku(size, name, part) for size, part in sizes if _is_specified(part)]
        world.prices[name] = [row for size, part in sizes for row in _prices(size, name, part)]
    _add_account(world, market)
    return world


def _add_account(world: AzureWorld, market: Market) -> None:
    for one in _azure(market.quotas):
        world.usages.setdefault(one["region"], []).append(_usage(one))
    for index, one in enumerate(_azure(market.holdings)):
        _add_holding(world, one, index)
    for one in _azure(market.running):
        world.machines += [_machine(one, index) for index in range(one["instances"])]
    for one in _azure(market.signals):
        if one["signal"] == "eviction-rate":
            row = {"sku": one["instance_type"].lower(), "location": one["region"]}
            world.evictions.append({**row, "evictionRate": one["text"]})
        elif one["signal"] == "spot-placement-score":
            world.scores[one["instance_type"], one["region"], one["zone"]] = one["text"]


def _azure(table: pl.DataFrame) -> Iterable[_Record]:
    return table.filter(pl.col("provider") == "azure").iter_rows(named=True)


def _location(name: str) -> Row:
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/locations/{name}",
        "name": name,
        "type": "Region",
        "displayName": name,
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
    }


def _is_specified(rows: list[_Record]) -> bool:
    """Tell whether the catalogue lists a size; a size with a price alone has no known count."""
    return rows[0]["accelerators"] is not None


def _sku(size: str, region: str, rows: list[_Record]) -> Row:
    zones = sorted({row["zone"] for row in rows} - {UNKNOWN_ZONE})
    first = next((row for row in rows if row["option"] != PurchaseOption.SPOT), rows[0])
    closed = {row["zone"] for row in rows if row["purchasable"] == Purchasable.NO}
    return {
        "resourceType": "virtualMachines",
        "name": size,
        "tier": "Standard",
        "size": size.partition("_")[2],
        "family": first["quota_family"] or "",
        "locations": [region],
        "locationInfo": [{"location": region, "zones": list[Json](zones), "zoneDetails": []}],
        "capabilities": [
            {"name": name, "value": value}
            for name, value in _capabilities(first, rows).items()
            if value is not None
        ],
        "restrictions": list[Json](_restrictions(region, closed, zones)),
    }


def _capabilities(first: _Record, rows: list[_Record]) -> dict[str, str | None]:
    """Return capabilities as the service words them: a slice counts as one GPU."""
    has_spot = any(row["option"] == PurchaseOption.SPOT for row in rows)
    fast = first["fabric"] in {Fabric.RDMA, Fabric.NVLINK_RACK}
    disk_gib = first["local_disk_gib"]
    return {
        "vCPUs": _number(first["vcpus"]),
        "vCPUsAvailable": _number(first["vcpus"]),
        "MemoryGB": _number(first["memory_gib"]),
        "GPUs": str(ceil(first["accelerators"])) if first["accelerators"] else None,
        "MaxResourceVolumeMB": None if disk_gib is None else _number(disk_gib * 1024),
        "LowPriorityCapable": str(has_spot),
        "RdmaEnabled": str(fast),
        "CpuArchitectureType": _ARCHITECTURES.get(first["arch"] or ""),
        "HyperVGenerations": "V2",
    }


def _restrictions(region: str, closed: set[str], zones: list[str]) -> list[Row]:
    if not closed:
        return []
    everywhere = closed >= (set(zones) or {UNKNOWN_ZONE})
    info: Row = {"locations": [region], "zones": list[Json](sorted(closed - {UNKNOWN_ZONE}))}
    return [
        {
            "type": "Location" if everywhere else "Zone",
            "values": [region],
            "restrictionInfo": {"locations": [region]} if everywhere else info,
            "reasonCode": "NotAvailableForSubscription",
        }
    ]


def _prices(size: str, region: str, rows: list[_Record]) -> list[Row]:
    """Return the meters of a size: one per option, whatever the number of zones."""
    meters: dict[str, Row] = {}
    plans: list[Json] = []
    for row in rows:
        option = PurchaseOption(row["option"])
        rate, upfront = row["usd_per_hour"], row["upfront_usd"] or Decimal(0)
        if rate is None:
            continue
        if row["variant"] == SAVINGS_PLAN:
            plan = {"unitPrice": float(rate), "retailPrice": float(rate)}
            plans.append({**plan, "term": _TERMS[option.years]})
        elif option.years:
            total = upfront + rate * HOURS_PER_YEAR * option.years
            meters[option] = _reservation(_meter(size, region, total), option)
        else:
            name = " Spot" if option is PurchaseOption.SPOT else ""
            meters[option] = _meter(size, region, rate, suffix=name)
    if plans and PurchaseOption.ON_DEMAND in meters:
        meters[PurchaseOption.ON_DEMAND]["savingsPlan"] = plans
    return list(meters.values())


def _meter(size: str, region: str, price: Decimal, *, suffix: str = "") -> Row:
    bare = size.partition("_")[2].replace("_", " ")
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": float(price),
        "unitPrice": float(price),
        "armRegionName": region,
        "location": region,
        "effectiveStartDate": _STARTED,
        "meterId": f"{region}-{size}{suffix}",
        "meterName": f"{bare}{suffix}",
        "productId": "DZH318Z00000",
        "skuId": "DZH318Z00000/0000",
        "productName": f"Virtual Machines {bare} Series",
        "skuName": f"{bare}{suffix}",
        "serviceName": "Virtual Machines",
        "serviceId": "DZH313Z7MMC8",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": size,
    }


def _reservation(meter: Row, option: PurchaseOption) -> Row:
    return {**meter, "type": "Reservation", "reservationTerm": _TERMS[option.years]}


def _usage(one: _Record) -> Row:
    name = one["family"] or "cores"
    return {
        "unit": "Count",
        "currentValue": int(one["used"] or 0),
        "limit": int(one["limit"]),
        "name": {"value": name, "localizedValue": name},
    }


def _add_holding(world: AzureWorld, one: _Record, index: int) -> None:
    name = f"holding-{index}"
    if one["kind"] == "savings-plan":
        world.savings_plans.append(_savings_plan(one, name))
    elif one["kind"] == "reserved-instance":
        world.reserved_instances.append(_reserved_instance(one, name))
    else:
        _add_reservation(world, one, name)


def _add_reservation(world: AzureWorld, one: _Record, name: str) -> None:
    base = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{_RESOURCE_GROUP}/providers"
    group_id = f"{base}/Microsoft.Compute/capacityReservationGroups/{name}"
    kind = "Block" if one["kind"] == "capacity-block" else "Targeted"
    world.groups.append(
        {
            "id": group_id,
            "name": name,
            "location": one["region"],
            "properties": {"reservationType": kind},
        }
    )
    schedule: Row = {"start": _text(one["starts_at"]), "end": _text(one["ends_at"])}
    times: Row = {"timeCreated": _text(one["starts_at"])}
    if kind == "Block":
        times = {"scheduleProfile": schedule}
    world.reservations[group_id.casefold()] = [
        {
            "id": f"{group_id}/capacityReservations/{name}",
            "name": name,
            "location": one["region"],
            "zones": [one["zone"]] if one["zone"] else [],
            "sku": {"name": one["instance_type"], "capacity": one["instances"]},
            "properties": {"provisioningState": "Succeeded", **times},
        }
    ]


def _reserved_instance(one: _Record, name: str) -> Row:
    return {
        "id": f"/providers/microsoft.capacity/reservationOrders/{name}/reservations/{name}",
        "type": "Microsoft.Capacity/reservationOrders/reservations",
        "location": one["region"],
        "sku": {"name": one["instance_type"]},
        "properties": {
            "reservedResourceType": "VirtualMachines",
            "quantity": one["instances"],
            "provisioningState": "Succeeded",
            "effectiveDateTime": _text(one["starts_at"]),
            "expiryDateTime": _text(one["ends_at"]),
        },
    }


def _savings_plan(one: _Record, name: str) -> Row:
    amount = one["usd_per_hour"]
    return {
        "id": f"/providers/microsoft.billingbenefits/savingsPlanOrders/{name}/savingsPlans/{name}",
        "type": "Microsoft.BillingBenefits/savingsPlanOrders/savingsPlans",
        "properties": {
            "provisioningState": "Succeeded",
            "effectiveDateTime": _text(one["starts_at"]),
            "expiryDateTime": _text(one["ends_at"]),
            "commitment": {
                "currencyCode": "USD",
                "amount": float(amount or 0),
                "grain": "Hourly",
            },
        },
    }


def _machine(one: _Record, index: int) -> Row:
    parts = (one["workload"], one["region"], one["zone"], one["instance_type"], one["option"])
    name = "-".join((*parts, str(index))).lower()
    properties: Row = {"hardwareProfile": {"vmSize": one["instance_type"]}, "priority": "Regular"}
    if one["option"] == PurchaseOption.SPOT:
        properties["priority"] = "Spot"
    elif one["option"] == PurchaseOption.OWNED:
        properties["capacityReservation"] = {"capacityReservationGroup": {"id": "/held"}}
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{_RESOURCE_GROUP}/{name}",
        "name": name,
        "location": one["region"],
        "zones": [one["zone"]] if one["zone"] not in {"", UNKNOWN_ZONE} else [],
        "tags": {"broker:workload": one["workload"]},
        "properties": properties,
    }


def _number(value: float | None) -> str | None:
    return None if value is None else plain(Decimal(str(value)))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
