"""What the project owns and what runs in it: reservations, commitments, labelled instances."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import polars as pl

from broker.market import HOLDING_SCHEMA, RUNNING_SCHEMA
from broker.offers import PurchaseOption
from broker.provider import Row
from broker.units import round_nano
from providers.gcp import descriptions, families, sources
from providers.gcp.machines import attached_name
from providers.gcp.prices import Rates

_MIB: Final = 1024
#: Reservations that stand and commitments that run or are about to; the rest is over or failed.
_HELD: Final = frozenset({"READY", "UPDATING", "ACTIVE", "NOT_YET_ACTIVE"})
_LIVE: Final = frozenset({"PROVISIONING", "STAGING", "RUNNING", "REPAIRING"})
_PROVISIONED: Final[Mapping[str, PurchaseOption]] = MappingProxyType(
    {
        "SPOT": PurchaseOption.SPOT,
        "FLEX_START": PurchaseOption.FLEX_START,
        "RESERVATION_BOUND": PurchaseOption.OWNED,
    }
)
_PLANS: Final[Mapping[str, PurchaseOption]] = MappingProxyType(
    {
        "TWELVE_MONTH": PurchaseOption.RESERVED_1Y,
        "THIRTY_SIX_MONTH": PurchaseOption.RESERVED_3Y,
    }
)
#: Commitment type -> the name of its vCPU and memory in SKU texts.
_COMMITTED_SERIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "GENERAL_PURPOSE": "n1",
        "GENERAL_PURPOSE_E2": "e2",
        "GENERAL_PURPOSE_N2": "n2",
        "GENERAL_PURPOSE_N2D": "n2d",
        "GENERAL_PURPOSE_N4": "n4",
        "GENERAL_PURPOSE_C4": "c4",
        "GENERAL_PURPOSE_T2D": "t2d",
        "COMPUTE_OPTIMIZED": "c2",
        "COMPUTE_OPTIMIZED_C2D": "c2d",
        "COMPUTE_OPTIMIZED_C3": "c3",
        "COMPUTE_OPTIMIZED_C3D": "c3d",
        "ACCELERATOR_OPTIMIZED": "a2",
        "ACCELERATOR_OPTIMIZED_A3": "a3",
        "ACCELERATOR_OPTIMIZED_A3_MEGA": "a3plus",
        "GRAPHICS_OPTIMIZED": "g2",
        "GRAPHICS_OPTIMIZED_G4": "g4",
    }
)
_LABEL_FORBIDDEN: Final = re.compile(r"[^a-z0-9_-]")


def label_of(tag: str) -> str:
    """Return a tag key as a Google label key: ``broker:workload`` -> ``broker-workload``.

    Label keys hold lower-case letters, digits, ``_`` and ``-`` only.
    """
    return _LABEL_FORBIDDEN.sub("-", tag.lower())


def moment_of(text: object) -> datetime | None:
    """Return an RFC 3339 time in UTC, None for an empty text."""
    return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None


def holding_frame(
    reservations: Iterable[Row],
    commitments: Iterable[Row],
    rates: Rates,
    observed_at: datetime | None,
) -> pl.DataFrame:
    """Return the holdings: reservations of instances, and commitments as money per hour."""
    rows = [
        *(_reservation(row) for row in reservations if _is_held(row) and row["machine_type"]),
        *(_commitment(row, rates) for row in commitments if _is_held(row)),
    ]
    stated: list[Row | dict[str, object]] = [
        {"provider": sources.PROVIDER, "source": sources.ACCOUNT, "observed_at": observed_at} | row
        for row in rows
    ]
    return pl.DataFrame(stated, schema=dict(HOLDING_SCHEMA), orient="row")


def _is_held(row: Row) -> bool:
    return row["status"] in _HELD


def _reservation(row: Row) -> dict[str, object]:
    zone = str(row["zone"])
    return {
        "id": f"{zone}/{row['name']}",
        "kind": "reservation",
        "region": zone.rpartition("-")[0],
        "zone": zone,
        "instance_type": _instance_type(row),
        "instances": int(str(row["count"])),
        "usd_per_hour": None,  # billed as the instances it holds, at the price in force
        "starts_at": moment_of(row["created"]),
        "ends_at": moment_of(row["ends"]),
        "state": str(row["status"]).lower(),
    }


def _commitment(row: Row, rates: Rates) -> dict[str, object]:
    region = str(row["region"])
    return {
        "id": f"{region}/{row['name']}",
        "kind": "savings-plan",
        "region": region,
        "zone": "",
        "instance_type": "",
        "instances": None,
        "usd_per_hour": _committed_usd(row, rates),
        "starts_at": moment_of(row["starts"]),
        "ends_at": moment_of(row["ends"]),
        "state": str(row["status"]).lower(),
    }


def _committed_usd(row: Row, rates: Rates) -> Decimal | None:
    """Return USD per hour of a commitment's resources; None when one has no rate."""
    option = _PLANS.get(str(row["plan"]))
    resources = row["resources"]
    if option is None or not isinstance(resources, list):
        return None
    total = Decimal(0)
    for resource in resources:
        priced = (
            _resource_usd(resource, row, rates, option) if isinstance(resource, dict) else None
        )
        if priced is None:
            return None
        total += priced
    return round_nano(total)


def _resource_usd(resource: Row, row: Row, rates: Rates, option: PurchaseOption) -> Decimal | None:
    series = _COMMITTED_SERIES.get(str(row["type"]), "")
    amount = Decimal(str(resource["amount"]))
    kind = str(resource["type"])
    component = {
        "VCPU": descriptions.core(series),
        "MEMORY": descriptions.ram(series),
        "LOCAL_SSD": descriptions.local_ssd(""),
    }.get(kind)
    chip = families.CHIPS.get(str(resource["accelerator"]))
    if kind == "ACCELERATOR" and chip is not None:
        component = descriptions.chip(chip.words)
    rate = rates.rate(str(row["region"]), component, option) if component else None
    if rate is None:
        return None
    return rate * (amount / _MIB if kind in {"MEMORY", "LOCAL_SSD"} else amount)


def running_frame(instances: Iterable[Row], observed_at: datetime | None) -> pl.DataFrame:
    """Return the live instances counted by workload, place, type and purchase option."""
    counts = Counter(
        (str(row["workload"]), str(row["zone"]), _instance_type(row), _option(row))
        for row in instances
        if row.get("workload") and row["status"] in _LIVE
    )
    rows = [
        (
            workload,
            sources.PROVIDER,
            zone.rpartition("-")[0],
            zone,
            instance_type,
            option,
            count,
            sources.ACCOUNT,
            observed_at,
        )
        for (workload, zone, instance_type, option), count in sorted(counts.items())
    ]
    return pl.DataFrame(rows, schema=dict(RUNNING_SCHEMA), orient="row")


def _option(row: Row) -> str:
    known = _PROVISIONED.get(str(row["provisioning"]), PurchaseOption.ON_DEMAND)
    return (PurchaseOption.SPOT if row["preemptible"] else known).value


def _instance_type(row: Row) -> str:
    """Return the name an instance carries in offers, attached accelerators included."""
    machine_type = str(row["machine_type"])
    cards = row["accelerators"]
    if not machine_type.startswith("n1-") or not isinstance(cards, list) or not cards:
        return machine_type
    card = cards[0]
    if not isinstance(card, dict):
        return machine_type
    return attached_name(machine_type, str(card["type"]), int(str(card["count"])))
