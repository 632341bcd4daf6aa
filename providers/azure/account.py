"""What the account holds: quotas, reservations, plans, running machines, capacity signals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import polars as pl

from broker.market import HOLDING_SCHEMA, QUOTA_SCHEMA, RUNNING_SCHEMA, SIGNAL_SCHEMA, Schema
from broker.offers import MOMENT, UNKNOWN_ZONE, PurchaseOption
from broker.provider import Fetched, Row
from providers.azure.fields import (
    moment_of,
    number_of,
    only,
    region_key,
    text_of,
    texts_of,
    usd_of,
    value_of,
)
from providers.azure.offer_rows import EVICTION_SOURCE, SPOT_QUOTA
from providers.azure.sizes import family_key

QUOTA_SOURCE: Final = "azure-usages"
HOLDING_SOURCE: Final = "azure-reservations"
RUNNING_SOURCE: Final = "azure-virtual-machines"
SCORE_SOURCE: Final = "azure-spot-placement-scores"

#: The quota on all vCPUs of a region together.
_REGIONAL_QUOTA: Final = "cores"
#: Purchase option a quota limits; a family's limits all that draw on it. Spot never counts as
#: ``cores``; reserved instances do, but a quota row names one option.
_QUOTA_OPTIONS: Final = {
    SPOT_QUOTA: PurchaseOption.SPOT,
    _REGIONAL_QUOTA: PurchaseOption.ON_DEMAND,
}
#: Chance taken for a band without an upper edge ("20+").
_OPEN_BAND: Final = 0.5
#: Provisioning states of what is held.
_HELD: Final = frozenset({"succeeded", "updating"})
_ACTIVE: Final = "active"

EVICTION_SCHEMA: Final[Schema] = {
    "type_key": pl.String,
    "region": pl.String,
    "interruptions_per_hour": pl.Float64,
    "interruptions_observed_at": MOMENT,
}


def quotas_frame(fetched: Sequence[Fetched], families: Iterable[str]) -> pl.DataFrame:
    """Return the limits on `families`, on spot and on a region as a whole, in vCPUs.

    The two APIs spell families differently, so names are joined by `family_key` and given in
    the spelling of the sizes.
    """
    spelt = {family_key(name): name for name in sorted(families, reverse=True)}
    spelt |= {family_key(name): name for name in (SPOT_QUOTA, _REGIONAL_QUOTA)}
    rows = [
        _quota(row, spelt[key], one)
        for one in _of(fetched, "quotas")
        for row in one.rows
        if (key := family_key(text_of(row, "name", "value"))) in spelt
    ]
    return pl.DataFrame(rows, schema=dict(QUOTA_SCHEMA), orient="row").unique(
        ["region", "family"], keep="first", maintain_order=True
    )


def holdings_frame(fetched: Sequence[Fetched], prices: pl.DataFrame) -> pl.DataFrame:
    """Return capacity reservations and blocks, reserved instances and savings plans.

    What is still being made, failed or ended is not held. A capacity reservation costs the
    on-demand rate, used or not.

    Args:
        fetched: outcomes of all calls.
        prices: schema `providers.azure.prices.PRICE_SCHEMA`.
    """
    on_demand = prices.filter(pl.col("option") == PurchaseOption.ON_DEMAND.value)
    rates = {
        (region, size): rate
        for region, size, rate in on_demand.select("region", "type_key", "usd_per_hour").rows()
    }
    readers: Mapping[str, Callable[[Row], tuple[object, ...]]] = {
        "reservations": lambda row: _reservation(row, rates),
        "reserved-instances": _reserved_instance,
        "savings-plans": _savings_plan,
    }
    rows = [
        (*read(row), HOLDING_SOURCE, one.fetched_at)
        for dataset, read in readers.items()
        for one in _of(fetched, dataset)
        for row in one.rows
        if text_of(row, "properties", "provisioningState").casefold() in _HELD
    ]
    return pl.DataFrame(rows, schema=dict(HOLDING_SCHEMA), orient="row")


def running_frame(fetched: Sequence[Fetched], tag: str) -> pl.DataFrame:
    """Return running instances by the workload named in their `tag`."""
    counts: Counter[tuple[str, ...]] = Counter()
    observed_at: datetime | None = None
    for one in _of(fetched, "instances"):
        observed_at = one.fetched_at
        for row in one.rows:
            workload = _tag(row, tag)
            if workload:
                counts[workload, *_where_it_runs(row)] += _instances(row)
    rows = [
        (workload, "azure", region, zone, size, option, count, RUNNING_SOURCE, observed_at)
        for (workload, region, zone, size, option), count in sorted(counts.items())
        if count
    ]
    return pl.DataFrame(rows, schema=dict(RUNNING_SCHEMA), orient="row")


def evictions_frame(fetched: Sequence[Fetched]) -> pl.DataFrame:
    """Return interruptions per hour of each size and region, an estimate from bands.

    Azure says how likely an eviction within the next hour is, in bands such as ``5-10`` percent;
    the upper edge p stands, so the rate is -ln(1 - p) per hour.
    """
    rows = [
        (
            text_of(row, "sku").casefold(),
            region_key(text_of(row, "location")),
            -math.log1p(-edge),
            one.fetched_at,
        )
        for one in _of(fetched, "eviction-rates")
        for row in one.rows
        if (edge := band_edge(text_of(row, "evictionRate"))) is not None
    ]
    frame = pl.DataFrame(rows, schema=dict(EVICTION_SCHEMA), orient="row")
    return frame.unique(["type_key", "region"], keep="first", maintain_order=True)


def signals_frame(fetched: Sequence[Fetched], names: Mapping[str, str]) -> pl.DataFrame:
    """Return eviction bands and spot placement scores in Azure's own words.

    Args:
        fetched: outcomes of all calls.
        names: size in lower case -> as Azure spells it; Resource Graph speaks in lower case.
    """
    rows = [*_eviction_signals(fetched, names), *_score_signals(fetched)]
    return pl.DataFrame(rows, schema=dict(SIGNAL_SCHEMA), orient="row")


def band_edge(band: str) -> float | None:
    """Return the upper edge of ``0-5`` or ``20+`` percent as a fraction; None if unreadable."""
    if band.endswith("+") and number_of(band[:-1]) is not None:
        return _OPEN_BAND
    low, dash, high = band.partition("-")
    edge = number_of(high)
    if not dash or number_of(low) is None or edge is None or not 0 < edge < 100:
        return None
    return float(edge / 100)


def _of(fetched: Sequence[Fetched], dataset: str) -> Iterator[Fetched]:
    return (one for one in fetched if one.dataset == dataset and one.fetched_at is not None)


def _quota(row: Row, family: str, one: Fetched) -> tuple[object, ...]:
    limit, used = number_of(row.get("limit")), number_of(row.get("currentValue"))
    option = _QUOTA_OPTIONS.get(family)
    return (
        "azure",
        one.region,
        "" if family == _REGIONAL_QUOTA else family,
        "",
        "",
        option.value if option else "",
        "vcpus",
        None if limit is None else float(limit),
        None if used is None else float(used),
        QUOTA_SOURCE,
        one.fetched_at,
    )


def _reservation(row: Row, rates: Mapping[tuple[str, str], Decimal]) -> tuple[object, ...]:
    group, properties = row.get("group"), row.get("properties")
    is_block = text_of(group, "reservationType") == "Block"
    region, size = region_key(text_of(row, "location")), text_of(row, "sku", "name")
    schedule = value_of(properties, "scheduleProfile")
    started = text_of(schedule, "start") or text_of(properties, "timeCreated")
    return (
        _short_id(text_of(row, "id")),
        "capacity-block" if is_block else "reservation",
        "azure",
        region,
        only(texts_of(row, "zones")),
        size,
        _whole(number_of(value_of(row, "sku", "capacity"))),
        None if is_block else rates.get((region, size.casefold())),
        moment_of(started),
        moment_of(text_of(schedule, "end")),
        _ACTIVE,
    )


def _reserved_instance(row: Row) -> tuple[object, ...]:
    properties = row.get("properties")
    ends = text_of(properties, "expiryDateTime") or text_of(properties, "expiryDate")
    return (
        _short_id(text_of(row, "id")),
        "reserved-instance",
        "azure",
        region_key(text_of(row, "location")),
        "",
        text_of(row, "sku", "name"),
        _whole(number_of(value_of(properties, "quantity"))),
        None,
        moment_of(text_of(properties, "effectiveDateTime")),
        moment_of(ends),
        _ACTIVE,
    )


def _savings_plan(row: Row) -> tuple[object, ...]:
    properties = row.get("properties")
    commitment = value_of(properties, "commitment")
    is_usd = text_of(commitment, "currencyCode") == "USD"
    return (
        _short_id(text_of(row, "id")),
        "savings-plan",
        "azure",
        "",
        "",
        "",
        None,
        usd_of(value_of(commitment, "amount")) if is_usd else None,
        moment_of(text_of(properties, "effectiveDateTime")),
        moment_of(text_of(properties, "expiryDateTime")),
        _ACTIVE,
    )


def _short_id(resource_id: str) -> str:
    """Return a resource's id without the subscription: its names, joined by slashes."""
    parts = [part for part in resource_id.split("/") if part]
    names = parts[1::2]
    return "/".join(name for name in names if "." not in name and not _is_subscription(name))


def _is_subscription(name: str) -> bool:
    return len(name) == 36 and name.count("-") == 4


def _whole(number: Decimal | None) -> int | None:
    return None if number is None else int(number)


def _tag(row: Row, tag: str) -> str:
    """Return the value of `tag`; tag names are case-insensitive at Azure."""
    tags = row.get("tags")
    found = tags.items() if isinstance(tags, dict) else ()
    return next((v for k, v in found if k.casefold() == tag.casefold() and isinstance(v, str)), "")


def _where_it_runs(row: Row) -> tuple[str, str, str, str]:
    """Return region, zone, size and option of a machine or scale set."""
    profile = value_of(row, "properties", "virtualMachineProfile") or row.get("properties")
    size = text_of(row, "properties", "hardwareProfile", "vmSize") or text_of(row, "sku", "name")
    group = text_of(profile, "capacityReservation", "capacityReservationGroup", "id")
    option = PurchaseOption.OWNED if group else PurchaseOption.ON_DEMAND
    if text_of(profile, "priority").casefold() in {"spot", "low"}:
        option = PurchaseOption.SPOT
    zone = only(texts_of(row, "zones")) or UNKNOWN_ZONE
    return region_key(text_of(row, "location")), zone, size, option.value


def _instances(row: Row) -> int:
    """Return how many instances a row stands for: a scale set's capacity, or one machine."""
    if text_of(row, "properties", "hardwareProfile", "vmSize"):
        return 1 if text_of(row, "power") == "running" else 0
    return _whole(number_of(value_of(row, "sku", "capacity"))) or 0


def _eviction_signals(
    fetched: Sequence[Fetched], names: Mapping[str, str]
) -> Iterator[tuple[object, ...]]:
    for one in _of(fetched, "eviction-rates"):
        for row in one.rows:
            size, band = text_of(row, "sku"), text_of(row, "evictionRate")
            yield (
                "azure",
                region_key(text_of(row, "location")),
                "",
                names.get(size.casefold(), size),
                "eviction-rate",
                band_edge(band),
                band,
                EVICTION_SOURCE,
                one.fetched_at,
            )


def _score_signals(fetched: Sequence[Fetched]) -> Iterator[tuple[object, ...]]:
    for one in _of(fetched, "placement-scores"):
        for row in one.rows:
            yield (
                "azure",
                region_key(text_of(row, "region")),
                text_of(row, "availabilityZone"),
                text_of(row, "sku"),
                "spot-placement-score",
                None,
                text_of(row, "score"),
                SCORE_SOURCE,
                one.fetched_at,
            )
