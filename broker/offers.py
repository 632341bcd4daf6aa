"""What can be bought: purchase options, the offer table's columns, one offer as an object.

An *offer* is an instance type in a place under a purchase option, at a price, seen at a time.
Offers live in a Polars frame with the strict schema below; an `Offer` object exists only for
rows a person looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import polars as pl

UNKNOWN_ZONE: Final = "-"
PRICE: Final = pl.Decimal(precision=18, scale=9)
MOMENT: Final = pl.Datetime("us", "UTC")


class PurchaseOption(StrEnum):
    """How capacity is bought, in the order explanations list it."""

    OWNED = "owned"
    ON_DEMAND = "on-demand"
    SPOT = "spot"
    RESERVED_1Y = "reserved-1y"
    RESERVED_3Y = "reserved-3y"
    CAPACITY_BLOCK = "capacity-block"
    FLEX_START = "flex-start"

    @property
    def years(self) -> int:
        """Length of the term in years; 0 for anything but a reservation term."""
        return {PurchaseOption.RESERVED_1Y: 1, PurchaseOption.RESERVED_3Y: 3}.get(self, 0)


class Purchasable(StrEnum):
    """Whether the provider sells the offer to an ordinary account today."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Fabric(StrEnum):
    """The network between instances of one gang."""

    NONE = "none"
    RDMA = "rdma"
    NVLINK_RACK = "nvlink-rack"


class LocationKind(StrEnum):
    """What sort of place an offer stands in; all but `REGION` are planned only when named."""

    REGION = "region"
    LOCAL_ZONE = "local-zone"
    WAVELENGTH = "wavelength"
    GOVERNMENT = "government"
    CHINA = "china"


#: Columns of the offer table: name -> Polars type. `null` always means "unknown".
OFFER_SCHEMA: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "provider": pl.String,  # aws, azure, gcp, ...
    "region": pl.String,  # the provider's own name
    "zone": pl.String,  # zone (AWS: zone id); "-" when unknown
    "location_kind": pl.String,  # LocationKind
    "instance_type": pl.String,  # the provider's own name
    "option": pl.String,  # PurchaseOption
    "variant": pl.String,  # "" or what tells two offers of one option apart (payment, block id)
    "usd_per_hour": PRICE,  # list price per instance-hour
    "upfront_usd": PRICE,  # paid once for the term; 0 when none
    "starts_at": MOMENT,  # capacity blocks and calendar terms only
    "length_h": pl.Float64,  # the same: length of the term in hours
    "purchasable": pl.String,  # Purchasable
    "available": pl.Int64,  # instances of the pool that can be had under this option
    "accelerator": pl.String,  # canonical name (broker/data/accelerators.csv); null for CPU types
    "accelerators": pl.Float64,  # per instance; fractions for slices; 0 for CPU types
    "accelerator_memory_gib": pl.Float64,  # nominal memory of one whole accelerator
    "vcpus": pl.Int32,
    "memory_gib": pl.Float64,
    "local_disk_gib": pl.Float64,
    "network_gbps": pl.Float64,
    "fabric": pl.String,  # Fabric
    "arch": pl.String,  # x86_64, arm64
    "rack_hosts": pl.Int32,  # hosts sold together as one NVLink rack; null: sold singly
    "quota_family": pl.String,  # the provider's quota this offer draws on
    "interruptions_per_hour": pl.Float64,  # spot only: of the pool
    "price_source": pl.String,
    "price_observed_at": MOMENT,
    "spec_source": pl.String,  # accelerator, vcpus, memory, disk, network, fabric, arch
    "spec_observed_at": MOMENT,
    "zone_source": pl.String,
    "zone_observed_at": MOMENT,
    "purchasable_source": pl.String,
    "purchasable_observed_at": MOMENT,
    "available_source": pl.String,
    "available_observed_at": MOMENT,
    "interruptions_source": pl.String,
    "interruptions_observed_at": MOMENT,
}

#: Columns that together name an offer; no two rows of a market agree on all of them.
OFFER_KEY: Final = ("provider", "region", "zone", "instance_type", "option", "variant")


def offer_id() -> pl.Expr:
    """Return the expression of an offer's id: ``provider/region/zone/type/option[/variant]``."""
    base = pl.concat_str(OFFER_KEY[:-1], separator="/")
    return (
        pl.when(pl.col("variant") == "")
        .then(base)
        .otherwise(pl.concat_str([base, pl.col("variant")], separator="/"))
        .alias("id")
    )


def pool_id() -> pl.Expr:
    """Return the expression of a pool's id: ``provider/region/zone/type``."""
    return pl.concat_str(OFFER_KEY[:4], separator="/").alias("pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One row of the offer table, for people and exports.

    Attributes carry the units of `OFFER_SCHEMA`; money is exact.
    """

    id: str
    pool: str
    provider: str
    region: str
    zone: str
    instance_type: str
    option: PurchaseOption
    variant: str
    usd_per_hour: Decimal | None
    upfront_usd: Decimal
    purchasable: Purchasable
    available: int | None
    accelerator: str | None
    accelerators: float
    vcpus: int | None
    memory_gib: float | None
    fabric: Fabric | None
    interruptions_per_hour: float | None
    price_source: str
    price_observed_at: datetime | None
