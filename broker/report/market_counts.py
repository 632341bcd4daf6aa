"""How much of each cloud a market covers: counts by provider, by region and by accelerator."""

from __future__ import annotations

from typing import Final

import polars as pl

from broker.offers import UNKNOWN_ZONE, LocationKind, PurchaseOption

#: Name of the last row of `market_counts`, which counts over all providers.
ALL: Final = "all"

_IS_REGION: Final = (pl.col("location_kind") == LocationKind.REGION.value) & (
    pl.col("region") != UNKNOWN_ZONE
)
_IS_ACCELERATED: Final = pl.col("accelerator").is_not_null()


def market_counts(offers: pl.DataFrame) -> pl.DataFrame:
    """Return one row per provider, by name, and a last row `ALL`.

    Args:
        offers: a frame with the columns of `OFFER_SCHEMA`.

    Returns:
        Columns provider; regions; other_locations (Local Zones, Wavelength, government, China);
        zones (named ones); types; accelerated_types; accelerators (models); offers;
        priced; then the offers of each purchase option. Places and types that two providers
        name alike count once for each.
    """
    parts = offers.partition_by("provider", maintain_order=True)
    named = {part.item(0, "provider"): part for part in parts}
    rows = [_counted(named[name], provider=name) for name in sorted(named)]
    return pl.concat([*rows, _counted(offers, provider=ALL)])


def region_counts(offers: pl.DataFrame) -> pl.DataFrame:
    """Return provider, region, zones, types, accelerated_types, offers, priced by region."""
    return (
        offers.group_by("provider", "region")
        .agg(
            _distinct("zone", pl.col("zone") != UNKNOWN_ZONE).alias("zones"),
            pl.col("instance_type").n_unique().alias("types"),
            _distinct("instance_type", _IS_ACCELERATED).alias("accelerated_types"),
            pl.len().alias("offers"),
            pl.col("usd_per_hour").count().alias("priced"),
        )
        .sort("provider", "region")
    )


def accelerator_counts(offers: pl.DataFrame) -> pl.DataFrame:
    """Return accelerator, provider, regions, types, offers, priced by accelerator."""
    return (
        offers.filter(_IS_ACCELERATED)
        .group_by("accelerator", "provider")
        .agg(
            _distinct("region", _IS_REGION).alias("regions"),
            pl.col("instance_type").n_unique().alias("types"),
            pl.len().alias("offers"),
            pl.col("usd_per_hour").count().alias("priced"),
        )
        .sort("accelerator", "provider")
    )


def _counted(offers: pl.DataFrame, *, provider: str) -> pl.DataFrame:
    place, kind = pl.struct("provider", "region"), pl.struct("provider", "instance_type")
    zone = pl.struct("provider", "region", "zone")
    return offers.select(
        pl.lit(provider).alias("provider"),
        place.filter(_IS_REGION).n_unique().alias("regions"),
        place.filter(pl.col("location_kind") != LocationKind.REGION.value)
        .n_unique()
        .alias("other_locations"),
        zone.filter(pl.col("zone") != UNKNOWN_ZONE).n_unique().alias("zones"),
        kind.n_unique().alias("types"),
        kind.filter(_IS_ACCELERATED).n_unique().alias("accelerated_types"),
        _distinct("accelerator", _IS_ACCELERATED).alias("accelerators"),
        pl.len().alias("offers"),
        pl.col("usd_per_hour").count().alias("priced"),
        *(
            (pl.col("option") == option.value).sum().alias(option.value)
            for option in PurchaseOption
        ),
    )


def _distinct(column: str, kept: pl.Expr) -> pl.Expr:
    return pl.col(column).filter(kept).n_unique()
