"""Offers from machine types and rates: one row per zone, machine type and purchase option."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Final

import polars as pl

from broker.accelerators import Accelerator, UnknownAccelerator, canonical
from broker.offers import OFFER_SCHEMA, LocationKind, PurchaseOption
from providers.gcp import families, prices, sources
from providers.gcp.machines import Machine
from providers.gcp.prices import Rates

_CPU_OPTIONS: Final = (
    PurchaseOption.ON_DEMAND,
    PurchaseOption.SPOT,
    PurchaseOption.RESERVED_1Y,
    PurchaseOption.RESERVED_3Y,
)
_ACCELERATED_OPTIONS: Final = (*_CPU_OPTIONS, PurchaseOption.FLEX_START)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """When the two lists behind the offers were read; None when never.

    Attributes:
        types: machine types.
        prices: SKUs.
    """

    types: datetime | None
    prices: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time in which a machine can be reserved by calendar.

    Attributes:
        zone: zone name.
        machine_type: the machine.
        starts_at: first moment.
        ends_at: last moment.
    """

    zone: str
    machine_type: str
    starts_at: datetime
    ends_at: datetime


@cache
def accelerator_of(guest_accelerator: str) -> Accelerator | None:
    """Return the accelerator behind the compute API's name, None for one nobody knows."""
    try:
        return canonical(guest_accelerator)[0]
    except UnknownAccelerator:
        return None


def offer_frame(
    machines: Iterable[Machine], rates: Rates, moments: Moments, windows: Sequence[Window] = ()
) -> pl.DataFrame:
    """Return the offers of `machines` with the schema of the offer table.

    Machines whose accelerator nobody knows are left out; `unknown_accelerators` names them.
    """
    known = [one for one in machines if _is_known(one)]
    rows = [*_terms(known, rates), *_window_terms(known, rates, windows)]
    terms = pl.DataFrame(rows, schema=_TERM_SCHEMA, orient="row")
    joined = _machine_frame(known).join(terms, on="machine", how="inner", maintain_order="left")
    return _with_provenance(joined, moments).select(
        pl.col(name).cast(kind) for name, kind in OFFER_SCHEMA.items()
    )


def unknown_accelerators(machines: Iterable[Machine]) -> tuple[str, ...]:
    """Return the accelerator names of the compute API that nobody knows, sorted."""
    names = {one.guest_accelerator for one in machines if not _is_known(one)}
    return tuple(sorted(name for name in names if name))


def _is_known(machine: Machine) -> bool:
    guest = machine.guest_accelerator
    return guest is None or accelerator_of(guest) is not None


_TERM_SCHEMA: Final = {
    "machine": pl.Int64,
    "option": pl.String,
    "variant": pl.String,
    "usd_per_hour": OFFER_SCHEMA["usd_per_hour"],
    "starts_at": OFFER_SCHEMA["starts_at"],
    "length_h": pl.Float64,
    "purchasable": pl.String,
    "quota_family": pl.String,
}
_Term = tuple[
    int, str, str, Decimal | None, datetime | None, float | None, str, str | None
]  # one row of `_TERM_SCHEMA`


def _terms(machines: Sequence[Machine], rates: Rates) -> Iterator[_Term]:
    """Yield the options each machine is offered under; prices are worked out once a region."""
    priced: dict[tuple[str, str], tuple[tuple[PurchaseOption, Decimal | None], ...]] = {}
    for index, machine in enumerate(machines):
        key = (machine.region, machine.name)
        if key not in priced:
            priced[key] = tuple(_options(machine, rates))
        for option, usd in priced[key]:
            yield _term(index, machine, option, usd)


def _options(machine: Machine, rates: Rates) -> Iterator[tuple[PurchaseOption, Decimal | None]]:
    offered = _CPU_OPTIONS if machine.guest_accelerator is None else _ACCELERATED_OPTIONS
    for option in offered:
        usd = prices.compose(rates, machine, machine.region, option)
        if usd is not None or option is PurchaseOption.ON_DEMAND:
            yield option, usd


def _term(
    index: int,
    machine: Machine,
    option: PurchaseOption,
    usd: Decimal | None,
    window: Window | None = None,
) -> _Term:
    sold = families.purchasable(machine.series_type, option)
    quota = families.quota_of(machine.series_type, machine.guest_accelerator, option)
    starts_at = window.starts_at if window else None
    length_h = (window.ends_at - window.starts_at).total_seconds() / 3600 if window else None
    variant = f"calendar-{starts_at:%Y%m%dT%H%MZ}" if starts_at else ""
    return (index, option.value, variant, usd, starts_at, length_h, sold.value, quota)


def _window_terms(
    machines: Sequence[Machine], rates: Rates, windows: Sequence[Window]
) -> Iterator[_Term]:
    option = PurchaseOption.CAPACITY_BLOCK
    index_of = {(one.zone, one.name): index for index, one in enumerate(machines)}
    seen: set[tuple[int, datetime]] = set()
    for window in windows:
        index = index_of.get((window.zone, window.machine_type))
        if index is None or (index, window.starts_at) in seen:
            continue
        seen.add((index, window.starts_at))
        machine = machines[index]
        usd = prices.compose(rates, machine, machine.region, option)
        yield _term(index, machine, option, usd, window)


def _machine_frame(machines: Sequence[Machine]) -> pl.DataFrame:
    columns: Mapping[str, list[object]] = {
        "machine": list(range(len(machines))),
        "region": [one.region for one in machines],
        "zone": [one.zone for one in machines],
        "instance_type": [one.name for one in machines],
        "accelerators": [float(one.accelerators) for one in machines],
        "vcpus": [one.vcpus for one in machines],
        "memory_gib": [float(one.memory_gib) for one in machines],
        "local_disk_gib": [float(one.local_disk_gib) for one in machines],
        "network_gbps": [families.network_gbps(one.series_type) for one in machines],
        "fabric": [families.fabric_of(one.series_type).value for one in machines],
        "rack_hosts": [families.rack_hosts(one.series_type) for one in machines],
        "arch": [one.arch for one in machines],
        "accelerator": [card.name if card else None for card in map(_card, machines)],
        "accelerator_memory_gib": [
            card.memory_gib if card else None for card in map(_card, machines)
        ],
    }
    schema = {name: OFFER_SCHEMA.get(name, pl.Int64) for name in columns}
    return pl.DataFrame(columns, schema=schema)


def _card(machine: Machine) -> Accelerator | None:
    return accelerator_of(machine.guest_accelerator) if machine.guest_accelerator else None


def _with_provenance(frame: pl.DataFrame, moments: Moments) -> pl.DataFrame:
    priced = pl.col("usd_per_hour").is_not_null()
    documented = datetime.fromisoformat(sources.DOCUMENTED_ON).replace(tzinfo=UTC)
    return frame.with_columns(
        provider=pl.lit(sources.PROVIDER),
        location_kind=pl.lit(LocationKind.REGION.value),
        upfront_usd=pl.lit(0),
        available=pl.lit(None),
        interruptions_per_hour=pl.lit(None),
        price_source=pl.when(priced).then(pl.lit(sources.CATALOG)),
        price_observed_at=pl.when(priced).then(pl.lit(moments.prices)),
        spec_source=pl.lit(sources.TYPES),
        spec_observed_at=pl.lit(moments.types),
        zone_source=pl.lit(sources.TYPES),
        zone_observed_at=pl.lit(moments.types),
        purchasable_source=pl.lit(sources.CONSUMPTION),
        purchasable_observed_at=pl.lit(documented),
        available_source=pl.lit(None),
        available_observed_at=pl.lit(None),
        interruptions_source=pl.lit(None),
        interruptions_observed_at=pl.lit(None),
    )
