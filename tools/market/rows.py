"""One offer row from its parts: where, what, how much, under which terms.

Each part names the source of its figures; the day of the source dates them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from broker.accelerators import Accelerator
from broker.offers import UNKNOWN_ZONE, LocationKind, Purchasable, PurchaseOption
from tools.market.sources import observed_at

Row = dict[str, object]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an offer stands; `source` says who lists the zone, None for an unknown one."""

    provider: str
    region: str
    zone: str = UNKNOWN_ZONE
    kind: LocationKind = LocationKind.REGION
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Specs:
    """What an instance type is; None is unknown, `accelerators` 0 is a CPU type."""

    accelerator: Accelerator | None = None
    accelerators: float | None = None
    vcpus: int | None = None
    memory_gib: float | None = None
    local_disk_gib: float | None = None
    network_gbps: float | None = None
    fabric: str | None = None
    arch: str | None = None
    rack_hosts: int | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an hour costs and what is paid once; an unknown hourly price is None."""

    usd_per_hour: Decimal | None = None
    upfront_usd: Decimal = ZERO
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which option the instance is bought, and what limits or ends it."""

    option: PurchaseOption
    variant: str = ""
    purchasable: Purchasable = Purchasable.UNKNOWN
    purchasable_source: str | None = None
    quota_family: str | None = None
    interruptions_per_hour: float | None = None
    interruptions_source: str | None = None


UNPRICED = Price()


def offer(place: Place, instance_type: str, specs: Specs, price: Price, terms: Terms) -> Row:
    """Return the row of one offer with all columns of the offer table."""
    row = {
        "provider": place.provider,
        "region": place.region,
        "zone": place.zone,
        "location_kind": place.kind.value,
        "instance_type": instance_type,
        "option": terms.option.value,
        "variant": terms.variant,
        "usd_per_hour": price.usd_per_hour,
        "upfront_usd": price.upfront_usd,
        "starts_at": None,
        "length_h": None,
        "purchasable": terms.purchasable.value,
        "available": None,
        "quota_family": terms.quota_family,
        "interruptions_per_hour": terms.interruptions_per_hour,
    }
    return row | _described(specs) | dict(_provenance(place, specs, price, terms))


def _described(specs: Specs) -> Row:
    card = specs.accelerator
    return {
        "accelerator": card.name if card else None,
        "accelerators": specs.accelerators,
        "accelerator_memory_gib": card.memory_gib if card else None,
        "vcpus": specs.vcpus,
        "memory_gib": specs.memory_gib,
        "local_disk_gib": specs.local_disk_gib,
        "network_gbps": specs.network_gbps,
        "fabric": specs.fabric,
        "arch": specs.arch,
        "rack_hosts": specs.rack_hosts,
    }


def _provenance(
    place: Place, specs: Specs, price: Price, terms: Terms
) -> Iterator[tuple[str, str | datetime | None]]:
    figures = {
        "price": price.source,
        "spec": specs.source,
        "zone": place.source,
        "purchasable": terms.purchasable_source,
        "available": None,
        "interruptions": terms.interruptions_source,
    }
    for figure, source in figures.items():
        yield f"{figure}_source", source
        yield f"{figure}_observed_at", observed_at(source) if source else None
