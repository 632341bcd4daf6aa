"""A market's quotas, holdings and running instances as AWS would tell of them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl

from broker.market import Market
from broker.units import HOURS_PER_YEAR, plain
from providers.emulation.aws_names import PLAN_TYPES, Item, zone_name


def quotas_of(market: Market) -> dict[str, list[Item]]:
    """Return the vCPU quotas by region."""
    rows = market.quotas.filter((pl.col("provider") == "aws") & (pl.col("family") != ""))
    return _grouped_items(
        (
            row["region"],
            {"ServiceCode": "ec2", "QuotaName": row["family"], "Value": row["limit"]}
            | {"QuotaCode": f"L-{hashlib.sha256(row['family'].encode()).hexdigest()[:8].upper()}"},
        )
        for row in rows.to_dicts()
    )


def _grouped_items(pairs: Iterable[tuple[str, Item]]) -> dict[str, list[Item]]:
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for region, item in pairs:
        groups[region].append(item)
    return dict(groups)


def _holdings(market: Market, *kinds: str) -> list[Item]:
    is_asked = (pl.col("provider") == "aws") & pl.col("kind").is_in(kinds)
    return market.holdings.filter(is_asked).to_dicts()


def reservations_of(market: Market) -> dict[str, list[Item]]:
    """Return capacity reservations and blocks by region, all of them empty."""
    types = {"reservation": "default", "capacity-block": "capacity-block"}
    return _grouped_items(
        (
            row["region"],
            {
                "CapacityReservationId": row["id"],
                "ReservationType": types[row["kind"]],
                "InstanceType": row["instance_type"],
                "AvailabilityZoneId": row["zone"],
                "AvailabilityZone": zone_name(row["region"], row["zone"]),
                "TotalInstanceCount": row["instances"],
                "AvailableInstanceCount": row["instances"],
                "State": row["state"],
                "StartDate": row["starts_at"],
                "EndDate": row["ends_at"],
            },
        )
        for row in _holdings(market, *types)
    )


def reserved_instances_of(market: Market) -> dict[str, list[Item]]:
    """Return reserved instances by region, without upfront fees."""
    return _grouped_items(
        (
            row["region"],
            {
                "ReservedInstancesId": row["id"],
                "InstanceType": row["instance_type"],
                "InstanceCount": row["instances"],
                "Scope": "Availability Zone" if row["zone"] else "Region",
                "AvailabilityZoneId": row["zone"] or None,
                "FixedPrice": 0.0,
                "RecurringCharges": [
                    {"Amount": float(row["usd_per_hour"] or 0), "Frequency": "Hourly"}
                ],
                "Duration": HOURS_PER_YEAR * 3600,
                "Start": row["starts_at"],
                "End": row["ends_at"],
                "State": row["state"],
            },
        )
        for row in _holdings(market, "reserved-instance")
    )


def plans_of(market: Market) -> list[Item]:
    """Return the savings plans."""
    return [
        {
            "savingsPlanId": row["id"],
            "savingsPlanType": PLAN_TYPES.get(row["kind"], "SageMaker"),
            "commitment": plain(row["usd_per_hour"]),
            "region": row["region"] or None,
            "ec2InstanceFamily": row["instance_type"].removesuffix(".*") or None,
            "start": _text(row["starts_at"]),
            "end": _text(row["ends_at"]),
            "state": row["state"],
            "currency": "USD",
        }
        for row in _holdings(market, "savings-plan", *PLAN_TYPES)
    ]


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def instances_of(market: Market) -> dict[str, list[Item]]:
    """Return one running instance for each that the market counts, by region."""
    rows = market.running.filter(pl.col("provider") == "aws").to_dicts()
    return _grouped_items(
        (row["region"], _instance(row, number))
        for row in rows
        for number in range(row["instances"])
    )


def _instance(row: Item, number: int) -> Item:
    key = json.dumps([row["workload"], row["zone"], row["instance_type"], row["option"], number])
    lifecycles = {"spot": "spot", "capacity-block": "capacity-block"}
    return {
        "InstanceId": f"i-{hashlib.sha256(key.encode()).hexdigest()[:17]}",
        "InstanceType": row["instance_type"],
        "InstanceLifecycle": lifecycles.get(row["option"]),
        "State": {"Code": 16, "Name": "running"},
        "Placement": {
            "AvailabilityZone": zone_name(row["region"], row["zone"]),
            "AvailabilityZoneId": row["zone"],
        },
        "Tags": [{"Key": "broker:workload", "Value": row["workload"]}],
    }
