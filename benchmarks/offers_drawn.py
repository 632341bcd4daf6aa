"""A part of the embedded market: real offers and prices, whole pools, every model kept."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from broker.market import Market
from broker.offers import OFFER_KEY

#: Part of the offers that need no accelerator.
_CPU_PART: Final = 0.12
#: Pools of one model on one provider that are kept before others are drawn.
_LEAST_POOLS: Final = 12
_POOL: Final = list(OFFER_KEY[:4])


def part_of(market: Market, count: int, seed: int) -> pl.DataFrame:
    """Return about `count` offers of `market` that a plan may use, sorted by key.

    Pools are kept whole, with all their purchase options. They are drawn by provider and
    accelerator: rare models first, then in proportion to the square root of how many there are.
    Where `count` asks for more accelerators than there are, machines without fill up.
    """
    usable = market.offers.filter(
        pl.col("purchasable") != "no",
        pl.col("usd_per_hour").is_not_null(),
        pl.col("accelerators").is_not_null(),
        pl.col("location_kind") == "region",
    )
    held = usable.filter(pl.col("accelerator").is_not_null())
    accelerated = _pools(held, round(count * (1 - _CPU_PART)), seed)
    plain = usable.filter(pl.col("accelerator").is_null(), pl.col("vcpus") <= 96)
    rest = _pools(plain, count - accelerated.height, seed + 1)
    return pl.concat([accelerated, rest]).sort(OFFER_KEY)


def _pools(offers: pl.DataFrame, count: int, seed: int) -> pl.DataFrame:
    """Draw whole pools until they hold `count` offers."""
    if offers.height <= count:
        return offers
    pools = (
        offers.group_by(_POOL)
        .agg(pl.len().alias("offers"), pl.col("accelerator").first())
        .sort(_POOL)
    )
    drawn = np.random.default_rng(seed).random(pools.height)
    stratum = ["provider", "accelerator"]
    ranked = pools.with_columns(pl.Series("drawn", drawn)).with_columns(
        (pl.col("drawn").rank("ordinal").over(stratum) <= _LEAST_POOLS).alias("kept"),
        (pl.col("drawn") * pl.len().over(stratum).sqrt()).alias("turn"),
    )
    ranked = ranked.sort(["kept", "turn", *_POOL], descending=[True, False] + [False] * 4)
    chosen = ranked.filter(pl.col("offers").cum_sum() <= count).select(_POOL)
    return offers.join(chosen, on=_POOL, how="semi")
