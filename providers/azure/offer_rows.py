"""The offer table: sizes of each region joined with the prices for them."""

from __future__ import annotations

from typing import Final

import polars as pl

from broker.offers import (
    OFFER_KEY,
    OFFER_SCHEMA,
    UNKNOWN_ZONE,
    LocationKind,
    Purchasable,
    PurchaseOption,
)
from providers.azure.sizes import device_of, is_gpu_size

PRICE_SOURCE: Final = "azure-retail-prices"
SIZE_SOURCE: Final = "azure-resource-skus"
NAME_SOURCE: Final = "azure-size-names"
EVICTION_SOURCE: Final = "azure-eviction-rates"

#: The quota all spot instances share, in vCPUs; they do not draw on their family's.
SPOT_QUOTA: Final = "lowPriorityCores"


def offers_frame(
    sizes: pl.DataFrame, prices: pl.DataFrame, evictions: pl.DataFrame
) -> pl.DataFrame:
    """Return every offer, sorted by its key.

    A size without a price is offered at an unknown price. A price without a size, in a region
    whose sizes were read, is listed as one that the subscription cannot buy.

    Args:
        sizes: schema `providers.azure.catalog.SIZE_SCHEMA`.
        prices: schema `providers.azure.prices.PRICE_SCHEMA`.
        evictions: type_key, region, interruptions_per_hour, interruptions_observed_at.
    """
    listed = _by_zone(sizes)
    joined = pl.concat(
        [
            _with_options(listed, prices),
            _with_terms(listed, prices),
            _priced_only(sizes, prices),
        ],
        how="diagonal_relaxed",
    )
    rows = joined.with_columns(_location_kind()).join(
        evictions, on=["type_key", "region"], how="left"
    )
    return _with_sources(rows).sort(OFFER_KEY)


def _by_zone(sizes: pl.DataFrame) -> pl.DataFrame:
    """Return one row per zone; a size that names no zone stands in one unnamed zone."""
    zones = pl.when(pl.col("zones").list.len() == 0).then([UNKNOWN_ZONE]).otherwise("zones")
    rows = sizes.with_columns(zone=zones, type_key=pl.col("instance_type").str.to_lowercase())
    rows = rows.explode("zone")
    closed = pl.col("is_closed") | pl.col("closed_zones").list.contains(pl.col("zone"))
    answer = pl.when(closed).then(pl.lit(Purchasable.NO)).otherwise(pl.lit(Purchasable.YES))
    return rows.with_columns(
        purchasable=answer,
        spec_source=pl.lit(SIZE_SOURCE),
        purchasable_source=pl.lit(SIZE_SOURCE),
        purchasable_observed_at=pl.col("spec_observed_at"),
    ).drop("zones", "closed_zones", "is_closed")


def _with_options(listed: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Return on-demand and, where a size has it, spot: priced or not."""
    plain = prices.filter(pl.col("variant") == "").drop("instance_type", "variant")
    on_demand = listed.with_columns(option=pl.lit(PurchaseOption.ON_DEMAND.value))
    spot = listed.filter("has_spot").with_columns(
        option=pl.lit(PurchaseOption.SPOT.value), quota_family=pl.lit(SPOT_QUOTA)
    )
    return (
        pl.concat([on_demand, spot])
        .join(plain, on=["region", "type_key", "option"], how="left")
        .with_columns(pl.col("upfront_usd").fill_null(0), variant=pl.lit(""))
    )


def _with_terms(listed: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Return reserved terms, which exist only where they have a price."""
    terms = prices.filter(pl.col("variant") != "").drop("instance_type")
    return listed.join(terms, on=["region", "type_key"], how="inner")


def _priced_only(sizes: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    known = sizes.select("region", type_key=pl.col("instance_type").str.to_lowercase())
    gpu = [name for name in prices["instance_type"].unique() if is_gpu_size(name)]
    rows = prices.filter(
        pl.col("instance_type").is_in(gpu),
        pl.col("region").is_in(known["region"].unique().to_list()),
    ).join(known, on=["region", "type_key"], how="anti")
    devices = {name: device_of(name, vcpus=None, reported=None) for name in gpu}
    names = {name: device.name for name, device in devices.items() if device}
    memory = {name: device.memory_gib for name, device in devices.items() if device}
    size = pl.col("instance_type")
    return rows.with_columns(
        zone=pl.lit(UNKNOWN_ZONE),
        accelerator=size.replace_strict(names, default=None, return_dtype=pl.String),
        accelerator_memory_gib=size.replace_strict(memory, default=None, return_dtype=pl.Float64),
        purchasable=pl.lit(Purchasable.NO),
        spec_source=pl.lit(NAME_SOURCE),
        purchasable_source=pl.lit(SIZE_SOURCE),
        spec_observed_at=pl.col("price_observed_at"),
        purchasable_observed_at=pl.col("price_observed_at"),
    )


def _location_kind() -> pl.Expr:
    region = pl.col("region")
    return (
        pl.when(region.str.starts_with("usgov") | region.str.starts_with("usdod"))
        .then(pl.lit(LocationKind.GOVERNMENT.value))
        .when(region.str.starts_with("china"))
        .then(pl.lit(LocationKind.CHINA.value))
        .otherwise(pl.lit(LocationKind.REGION.value))
        .alias("location_kind")
    )


def _with_sources(rows: pl.DataFrame) -> pl.DataFrame:
    has_price, has_zone = pl.col("usd_per_hour").is_not_null(), pl.col("zone") != UNKNOWN_ZONE
    is_spot = pl.col("option") == PurchaseOption.SPOT
    rate = pl.when(is_spot).then("interruptions_per_hour")
    known_rate = is_spot & pl.col("interruptions_per_hour").is_not_null()
    filled = rows.with_columns(
        provider=pl.lit("azure"),
        price_source=pl.when(has_price).then(pl.lit(PRICE_SOURCE)),
        zone_source=pl.when(has_zone).then(pl.lit(SIZE_SOURCE)),
        zone_observed_at=pl.when(has_zone).then("spec_observed_at"),
        interruptions_per_hour=rate,
        interruptions_source=pl.when(known_rate).then(pl.lit(EVICTION_SOURCE)),
        interruptions_observed_at=pl.when(known_rate).then("interruptions_observed_at"),
    )
    return filled.select(
        (pl.col(name) if name in filled.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in OFFER_SCHEMA.items()
    )
