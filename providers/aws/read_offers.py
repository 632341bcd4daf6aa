"""Offers: every type in every zone, under every way it is sold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import polars as pl

from broker.offers import OFFER_KEY, OFFER_SCHEMA, UNKNOWN_ZONE, Purchasable, PurchaseOption
from providers.aws.read_places import Places, location_kind, parent_region
from providers.aws.read_prices import Block, Price, PriceBook
from providers.aws.read_types import Machine, quota_family

Cells = dict[str, object]
_Place = tuple[str, str, str]  # instance type, region, zone id
_API: Final = "aws-ec2-api"
_ADVISOR: Final = "aws-spot-advisor-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything offers are made from.

    Attributes:
        machines: by type.
        places: zones.
        prices: prices.
        quotas: quota name -> limit, of any region.
        interruptions_at: when the advisor was read.
    """

    machines: Mapping[str, Machine]
    places: Places
    prices: PriceBook
    quotas: Mapping[str, float]
    interruptions_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """A type in a zone of a location."""

    machine: Machine
    code: str
    zone: str
    is_sold: Purchasable
    seen_at: datetime | None

    @property
    def region(self) -> str:
        return parent_region(self.code)


def offer_table(seen: Seen) -> pl.DataFrame:
    """Return the offer table, sorted by its key."""
    spot = _spot_by_zone_id(seen)
    rows = [row for pool in _pools(seen) for row in _pool_offers(seen, pool, spot)]
    rows.extend(_block_offers(seen))
    columns = {
        name: pl.Series(name, [row.get(name) for row in rows], dtype=dtype)
        for name, dtype in OFFER_SCHEMA.items()
    }
    return pl.DataFrame(columns).unique(OFFER_KEY, keep="first").sort(OFFER_KEY)


def _pools(seen: Seen) -> Iterator[_Pool]:
    """Yield the zones of each type; an unnamed one where it is priced but not listed."""
    places = seen.places
    for instance_type, code in sorted({*seen.prices.on_demand, *places.sold_in}):
        machine = seen.machines.get(instance_type)
        region = parent_region(code)
        if machine is None or machine.unknown_card or region not in places.regions:
            continue
        zones = places.sold_in.get((instance_type, code), ())
        is_sold = Purchasable.YES if zones else _unlisted(code, region, places)
        seen_at = places.seen_at.get(region)
        for zone in zones or (UNKNOWN_ZONE,):
            yield _Pool(machine=machine, code=code, zone=zone, is_sold=is_sold, seen_at=seen_at)


def _unlisted(code: str, region: str, places: Places) -> Purchasable:
    """Return what a missing listing means: a region that lists others does not sell this one."""
    is_region = code == region
    return Purchasable.NO if is_region and region in places.listed else Purchasable.UNKNOWN


def _pool_offers(seen: Seen, pool: _Pool, spot_prices: Mapping[_Place, Price]) -> Iterator[Cells]:
    sold = (pool.machine.name, pool.code)
    shared = _shared_cells(pool)
    yield _offer(seen, pool, shared, PurchaseOption.ON_DEMAND, seen.prices.on_demand.get(sold))
    for (option, variant), price in sorted(seen.prices.reserved.get(sold, {}).items()):
        yield _offer(seen, pool, shared, option, price) | {"variant": variant}
    spot = spot_prices.get((pool.machine.name, pool.region, pool.zone))
    if spot is not None:
        rate = seen.prices.interruptions.get((pool.machine.name, pool.region))
        row = _offer(seen, pool, shared, PurchaseOption.SPOT, spot)
        row["interruptions_per_hour"] = rate
        if rate is not None:
            row["interruptions_source"] = _ADVISOR
            row["interruptions_observed_at"] = seen.interruptions_at
        yield row


def _spot_by_zone_id(seen: Seen) -> Mapping[_Place, Price]:
    """Return spot prices by type, region and zone id, also where the answer had names only."""
    ids = seen.places.zone_ids
    return {
        (name, region, ids.get((region, zone), zone)): price
        for (name, region, zone), price in seen.prices.spot.items()
    }


def _offer(
    seen: Seen, pool: _Pool, shared: Cells, option: PurchaseOption, price: Price | None
) -> Cells:
    purchasable = _purchasable(pool, option, has_price=price is not None)
    is_known = purchasable is not Purchasable.UNKNOWN
    row: Cells = {
        **shared,
        "option": option.value,
        "variant": "",
        "usd_per_hour": None,
        "upfront_usd": Decimal(0),
        "purchasable": purchasable.value,
        "purchasable_source": _API if is_known else None,
        "purchasable_observed_at": pool.seen_at if is_known else None,
        "quota_family": quota_family(pool.machine.name, option, seen.quotas),
    }
    return row if price is None else row | _price_cells(price)


def _purchasable(pool: _Pool, option: PurchaseOption, *, has_price: bool) -> Purchasable:
    """Return whether the pool sells under `option`: listed, priced and of the usage class."""
    classes = pool.machine.usage_classes
    needed = "spot" if option is PurchaseOption.SPOT else "on-demand"
    if classes and needed not in classes:
        return Purchasable.NO
    if pool.is_sold is Purchasable.YES and not has_price:
        return Purchasable.UNKNOWN
    return pool.is_sold


def _price_cells(price: Price) -> Cells:
    return {
        "usd_per_hour": price.usd_per_hour,
        "upfront_usd": price.upfront_usd,
        "price_source": price.source,
        "price_observed_at": price.seen_at,
    }


def _shared_cells(pool: _Pool) -> Cells:
    machine = pool.machine
    is_named = pool.zone != UNKNOWN_ZONE
    return {
        "provider": "aws",
        "region": pool.code,
        "zone": pool.zone,
        "location_kind": location_kind(pool.code).value,
        "instance_type": machine.name,
        "accelerator": machine.card.name if machine.card else None,
        "accelerators": machine.accelerators,
        "accelerator_memory_gib": machine.card.memory_gib if machine.card else None,
        "vcpus": machine.vcpus,
        "memory_gib": machine.memory_gib,
        "local_disk_gib": machine.local_disk_gib,
        "network_gbps": machine.network_gbps,
        "fabric": machine.fabric.value,
        "arch": machine.arch,
        "rack_hosts": machine.rack_hosts,
        "spec_source": _API,
        "spec_observed_at": machine.seen_at,
        "zone_source": _API if is_named else None,
        "zone_observed_at": pool.seen_at if is_named else None,
    }


def _block_offers(seen: Seen) -> Iterator[Cells]:
    for region, blocks in sorted(seen.prices.blocks.items()):
        for block in blocks:
            machine = seen.machines.get(block.instance_type)
            zone = seen.places.zone_ids.get((region, block.zone_name))
            if machine is not None and not machine.unknown_card and zone:
                yield _block_offer(machine, region, zone, block)


def _block_offer(machine: Machine, region: str, zone: str, block: Block) -> Cells:
    seen_at = block.price.seen_at
    pool = _Pool(machine=machine, code=region, zone=zone, is_sold=Purchasable.YES, seen_at=seen_at)
    return {
        **_shared_cells(pool),
        **_price_cells(block.price),
        "option": PurchaseOption.CAPACITY_BLOCK.value,
        "variant": block.id,
        "starts_at": block.starts_at,
        "length_h": block.length_h,
        "purchasable": Purchasable.YES.value,
        "purchasable_source": block.price.source,
        "purchasable_observed_at": seen_at,
        "available": 1,
        "available_source": block.price.source,
        "available_observed_at": seen_at,
    }
