"""What the account has: quotas and their use, holdings, and what runs for which workload."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import polars as pl

from broker.market import HOLDING_SCHEMA, QUOTA_SCHEMA, RUNNING_SCHEMA, SIGNAL_SCHEMA, Schema
from broker.offers import UNKNOWN_ZONE, PurchaseOption
from broker.provider import Row
from broker.units import NANO
from providers.aws.answers import Answers
from providers.aws.read_places import Places
from providers.aws.read_prices import PLAN_VARIANTS, PriceBook
from providers.aws.read_types import Machine, quota_family
from providers.aws.text import moment, money, number, part, parts, text

Cells = dict[str, object]
_API: Final = "aws-ec2-api"
_QUOTAS_API: Final = "aws-service-quotas-api"
_PLANS_API: Final = "aws-savings-plans-api"
#: Names of the quotas that count vCPUs of instances.
_VCPU_QUOTA: Final = re.compile(r"Running On-Demand .* instances|All .* Spot Instance Requests")
_SECONDS_PER_HOUR: Final = 3600
_KINDS: Final = {"default": "reservation", "capacity-block": "capacity-block"}


def table(rows: list[Cells], schema: Schema) -> pl.DataFrame:
    """Return `rows` as a frame with `schema`, sorted, equal rows once."""
    columns = {
        name: pl.Series(name, [row.get(name) for row in rows], dtype=dtype)
        for name, dtype in schema.items()
    }
    frame = pl.DataFrame(columns).unique()
    return frame.sort(frame.columns) if frame.height else frame


def quota_limits(answers: Answers) -> dict[str, float]:
    """Return quota name -> largest limit in any region."""
    limits: dict[str, float] = {}
    for region in answers.regions("quotas"):
        for row in answers.rows("quotas", region):
            name, limit = text(row.get("QuotaName")), number(row.get("Value"))
            if _VCPU_QUOTA.fullmatch(name) and limit is not None:
                limits[name] = max(limit, limits.get(name, 0.0))
    return limits


def quota_table(answers: Answers, machines: Mapping[str, Machine]) -> pl.DataFrame:
    """Return the vCPU quotas with their use; the use is unknown where instances were not seen."""
    known = quota_limits(answers)
    rows: list[Cells] = []
    for region in answers.regions("quotas"):
        used = _used_vcpus(answers, region, machines, known)
        is_seen = answers.seen_at("instances", region) is not None
        for row in answers.rows("quotas", region):
            name, limit = text(row.get("QuotaName")), number(row.get("Value"))
            if _VCPU_QUOTA.fullmatch(name) and limit is not None:
                rows.append(
                    {
                        "provider": "aws",
                        "region": region,
                        "family": name,
                        "accelerator": "",
                        "instance_type": "",
                        "option": "",
                        "unit": "vcpus",
                        "limit": limit,
                        "used": used.get(name, 0.0) if is_seen else None,
                        "source": _QUOTAS_API,
                        "observed_at": answers.seen_at("quotas", region),
                    }
                )
    return table(rows, QUOTA_SCHEMA)


def _used_vcpus(
    answers: Answers, region: str, machines: Mapping[str, Machine], known: Mapping[str, float]
) -> Mapping[str, float]:
    """Return quota name -> vCPUs in use: running instances, and reservations that stand empty."""
    used: defaultdict[str, float] = defaultdict(float)
    for row in answers.rows("instances", region):
        option = _lifecycle(row)
        family = quota_family(text(row.get("InstanceType")), option, known)
        used[family or ""] += _vcpus(row, machines)
    for row in answers.rows("reservations", region):
        if row.get("State") == "active" and row.get("ReservationType") != "capacity-block":
            name = text(row.get("InstanceType"))
            machine = machines.get(name)
            empty = number(row.get("AvailableInstanceCount")) or 0.0
            family = quota_family(name, PurchaseOption.ON_DEMAND, known)
            used[family or ""] += empty * (machine.vcpus or 0 if machine else 0)
    return used


def _vcpus(instance: Row, machines: Mapping[str, Machine]) -> float:
    cpu = part(instance.get("CpuOptions"))
    cores, threads = number(cpu.get("CoreCount")), number(cpu.get("ThreadsPerCore"))
    if cores and threads:
        return cores * threads
    machine = machines.get(text(instance.get("InstanceType")))
    return float(machine.vcpus or 0) if machine else 0.0


def _lifecycle(instance: Row) -> PurchaseOption:
    words = {"spot": PurchaseOption.SPOT, "capacity-block": PurchaseOption.CAPACITY_BLOCK}
    return words.get(text(instance.get("InstanceLifecycle")), PurchaseOption.ON_DEMAND)


def running_table(answers: Answers, places: Places) -> pl.DataFrame:
    """Return instances by workload; those without the tag are nobody's."""
    rows: list[Cells] = []
    for region in answers.regions("instances"):
        rows.extend(
            {
                "workload": workload,
                "provider": "aws",
                "region": region,
                "zone": zone,
                "instance_type": instance_type,
                "option": option,
                "instances": count,
                "source": _API,
                "observed_at": answers.seen_at("instances", region),
            }
            for (workload, zone, instance_type, option), count in _counted(
                answers.rows("instances", region), region, places
            ).items()
        )
    return table(rows, RUNNING_SCHEMA)


def _counted(
    instances: Iterable[Row], region: str, places: Places
) -> Counter[tuple[str, str, str, str]]:
    """Count instances by (workload, zone, instance type, option)."""
    return Counter(
        (
            text(row.get("Workload")),
            _zone(part(row.get("Placement")), region, places),
            text(row.get("InstanceType")),
            _lifecycle(row).value,
        )
        for row in instances
        if row.get("Workload")
    )


def _zone(row: Row, region: str, places: Places) -> str:
    name = text(row.get("AvailabilityZone"))
    return (
        text(row.get("AvailabilityZoneId"))
        or places.zone_ids.get((region, name), "")
        or UNKNOWN_ZONE
    )


def holding_table(answers: Answers, places: Places, prices: PriceBook) -> pl.DataFrame:
    """Return reservations, blocks, reserved instances and savings plans."""
    rows: list[Cells] = []
    for region in answers.regions("reservations"):
        seen_at = answers.seen_at("reservations", region)
        rows.extend(
            _reservation(row, region, places, prices) | {"observed_at": seen_at}
            for row in answers.rows("reservations", region)
        )
    for region in answers.regions("reserved-instances"):
        seen_at = answers.seen_at("reserved-instances", region)
        rows.extend(
            _reserved(row, region, places) | {"observed_at": seen_at}
            for row in answers.rows("reserved-instances", region)
        )
    rows.extend(_savings_plans(answers))
    return table(rows, HOLDING_SCHEMA)


def _reservation(row: Row, region: str, places: Places, prices: PriceBook) -> Cells:
    """Return a reservation; an ordinary one costs the on-demand rate, used or not."""
    kind = _KINDS.get(text(row.get("ReservationType")), "reservation")
    name = text(row.get("InstanceType"))
    price = prices.on_demand.get((name, region)) if kind == "reservation" else None
    return {
        "id": text(row.get("CapacityReservationId")),
        "kind": kind,
        "provider": "aws",
        "region": region,
        "zone": _zone(row, region, places),
        "instance_type": name,
        "instances": _count(row.get("TotalInstanceCount")),
        "usd_per_hour": price.usd_per_hour if price else None,
        "starts_at": moment(row.get("StartDate")),
        "ends_at": moment(row.get("EndDate")),
        "state": text(row.get("State")),
        "source": _API,
    }


def _reserved(row: Row, region: str, places: Places) -> Cells:
    is_zonal = row.get("Scope") == "Availability Zone"
    return {
        "id": text(row.get("ReservedInstancesId")),
        "kind": "reserved-instance",
        "provider": "aws",
        "region": region,
        "zone": _zone(row, region, places) if is_zonal else "",
        "instance_type": text(row.get("InstanceType")),
        "instances": _count(row.get("InstanceCount")),
        "usd_per_hour": _reserved_rate(row),
        "starts_at": moment(row.get("Start")),
        "ends_at": moment(row.get("End")),
        "state": text(row.get("State")),
        "source": _API,
    }


def _reserved_rate(row: Row) -> Decimal | None:
    """Return what one hour of a reserved instance costs, its upfront fee spread over the term."""
    fee, seconds = money(row.get("FixedPrice")), number(row.get("Duration"))
    if fee is None or not seconds:
        return None
    charges = parts(row.get("RecurringCharges"))
    hourly = sum((money(charge.get("Amount")) or Decimal(0) for charge in charges), Decimal(0))
    return (hourly + fee * _SECONDS_PER_HOUR / Decimal(int(seconds))).quantize(NANO)


def _savings_plans(answers: Answers) -> Iterator[Cells]:
    """Yield the plans; one of another kind than those of compute has no rates among offers."""
    for row in answers.rows("savings-plans"):
        family = text(row.get("ec2InstanceFamily"))
        is_usd = text(row.get("currency")) in {"", "USD"}
        yield {
            "id": text(row.get("savingsPlanId")),
            "kind": PLAN_VARIANTS.get(text(row.get("savingsPlanType")), "savings-plan"),
            "provider": "aws",
            "region": text(row.get("region")),
            "zone": "",
            "instance_type": f"{family}.*" if family else "",
            "instances": None,
            "usd_per_hour": money(row.get("commitment")) if is_usd else None,
            "starts_at": moment(row.get("start")),
            "ends_at": moment(row.get("end")),
            "state": text(row.get("state")),
            "source": _PLANS_API,
            "observed_at": answers.seen_at("savings-plans"),
        }


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def signal_table(answers: Answers, types: str) -> pl.DataFrame:
    """Return spot placement scores by zone; `types` are those the scores were asked for."""
    rows: list[Cells] = [
        {
            "provider": "aws",
            "region": text(row.get("Region")),
            "zone": text(row.get("AvailabilityZoneId")),
            "instance_type": name.strip(),
            "signal": "spot-placement-score",
            "value": number(row.get("Score")),
            "text": f"one instance of any of {types}",
            "source": _API,
            "observed_at": outcome.fetched_at,
        }
        for _, outcome in answers.parts("placement-scores")
        for row in outcome.rows
        for name in types.split(",")
    ]
    return table(rows, SIGNAL_SCHEMA)
