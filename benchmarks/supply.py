"""Capacities per pool and quotas per region and family, drawn in proportion to the demand.

Normal day: of every model the pools on demand and on spot hold four times what the fleet would
use if each workload took the mean of its shapes, and every pool a few instances more; the pools
differ so much that popular ones run out. Contested: the cheaper half of a model's pools holds
half of that demand, the dearer half a quarter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

import numpy as np
import polars as pl

from broker.accelerators import accelerators
from broker.market import QUOTA_SCHEMA
from broker.workloads import Batch, Service, Shape, Spec, Training

#: Spread of the pools of one model: sigma of the logarithm of their weights.
_POOL_SIGMA: Final = 1.3
_OTHER_SIGMA: Final = 0.5
#: Capacity of other options, as a part of what the pool holds on demand.
_OPTION_PART: Final = {
    "on-demand": 1.0,
    "spot": 0.6,
    "flex-start": 0.4,
    "reserved-1y": 0.5,
    "reserved-3y": 0.5,
}
_BOUGHT_AT_ONCE: Final = ("on-demand", "spot")
_POOL: Final = ["provider", "region", "zone", "instance_type"]
_GANG_POOLS: Final = 4


class Regime(StrEnum):
    """How scarce capacity is."""

    NORMAL = "normal"
    CONTESTED = "contested"


@dataclass(frozen=True, kw_only=True)
class _Scarcity:
    """Distributions of one regime.

    Attributes:
        cheap, dear: what the cheaper and dearer half of a model's pools hold, in demands.
        spare: instances of every pool besides, up to.
        gang: of the largest gang, held by each of the largest pools besides.
        quota_part: part of (region, family) with a quota.
        quota: limit, as a part of what may be bought there, from and to.
        cpu: instances of a pool without accelerators for each workload, from and to.
    """

    cheap: float
    dear: float
    spare: int
    gang: float
    quota_part: float
    quota: tuple[float, float]
    cpu: tuple[float, float]


_SCARCITY: Final = {
    Regime.NORMAL: _Scarcity(
        cheap=1.5, dear=2.5, spare=12, gang=1.5, quota_part=0.3, quota=(0.5, 1.2), cpu=(0.2, 2.0)
    ),
    Regime.CONTESTED: _Scarcity(
        cheap=0.5, dear=0.25, spare=1, gang=0.5, quota_part=0.5, quota=(0.4, 1.0), cpu=(0.01, 0.1)
    ),
}


def with_capacities(offers: pl.DataFrame, fleet: Spec, regime: Regime, seed: int) -> pl.DataFrame:
    """Return the offers with `available` filled in for every one."""
    scarcity, draw = _SCARCITY[regime], np.random.default_rng([seed, 1])
    wanted, gangs = demand_by_model(fleet.workloads)
    pools = _drawn_pools(offers, scarcity, draw)
    pools = _held(pools, wanted, gangs, scarcity)
    workloads = len(fleet.workloads)
    low, high = (max(1.0, part * workloads) for part in scarcity.cpu)
    plain = pl.Series("cpu", draw.uniform(low, high + 1, pools.height))
    pools = pools.with_columns(plain).with_columns(
        pl.when(pl.col("accelerator").is_null()).then("cpu").otherwise("held").alias("held")
    )
    joined = offers.join(pools.select(*_POOL, "held"), on=_POOL, how="left", maintain_order="left")
    part = pl.col("option").replace_strict(_OPTION_PART, default=0.5)
    drawn = pl.Series("drawn", draw.lognormal(0.0, _OTHER_SIGMA, joined.height))
    other = pl.when(pl.col("option") == "on-demand").then(1.0).otherwise(drawn)
    amount = (pl.col("held") * part * other).floor().cast(pl.Int64)
    return joined.with_columns(available=amount).select(offers.columns)


def demand_by_model(
    workloads: Iterable[Training | Service | Batch],
) -> tuple[dict[str, float], dict[str, int]]:
    """Return model -> accelerators in use at once, and model -> largest gang.

    Each workload counts with the mean of its shapes, each model of a shape as an equal part.
    """
    wanted: dict[str, float] = {}
    gangs: dict[str, int] = {}
    for workload in workloads:
        for shape in workload.shapes:
            models = shape.accelerators or _models_of(shape)
            for model in models:
                use = accelerators_used(workload, shape) / len(workload.shapes) / len(models)
                wanted[model] = wanted.get(model, 0.0) + use
                if isinstance(workload, Training):
                    gangs[model] = max(gangs.get(model, 0), int(shape.count))
    return wanted, gangs


def _models_of(shape: Shape) -> tuple[str, ...]:
    """Return the models of a range of memory."""
    if shape.accelerator_memory is None:
        return ()
    low, high = shape.accelerator_memory
    return tuple(name for name, one in accelerators().items() if low <= one.memory_gib <= high)


def accelerators_used(workload: Training | Service | Batch, shape: Shape) -> float:
    """Return the accelerators that `workload` needs at once on `shape`, without losses."""
    if isinstance(workload, Training):
        return float(shape.count)
    if isinstance(workload, Batch):
        hours = float(workload.deadline or 730) * float(shape.speed)
        return float(shape.count) * math.ceil(float(workload.work) / hours)
    rate = float(sum(load.rate for load in workload.demand)) * (1 + float(workload.headroom))
    each = float(shape.throughput) if isinstance(shape.throughput, Decimal) else 1.0
    return float(shape.count) * math.ceil(rate / each / float(shape.count))


def _drawn_pools(
    offers: pl.DataFrame, scarcity: _Scarcity, draw: np.random.Generator
) -> pl.DataFrame:
    """Return the pools with weight, spare instances and a price to rank them by."""
    pools = (
        offers.sort("option")
        .group_by(_POOL, maintain_order=True)
        .agg(
            pl.col("accelerator").first(),
            pl.col("accelerators").first(),
            pl.col("fabric").first(),
            pl.col("usd_per_hour").cast(pl.Float64).filter(pl.col("option") == "on-demand").min(),
        )
        .sort(_POOL)
    )
    price = pl.col("usd_per_hour").fill_null(1e9) / pl.col("accelerators").clip(lower_bound=1e-3)
    return pools.with_columns(
        pl.Series("weight", draw.lognormal(0.0, _POOL_SIGMA, pools.height)),
        pl.Series("spare", draw.integers(0, scarcity.spare + 1, pools.height)),
        price.alias("price"),
    )


def _held(
    pools: pl.DataFrame,
    wanted: Mapping[str, float],
    gangs: Mapping[str, int],
    scarcity: _Scarcity,
) -> pl.DataFrame:
    """Add `held`: instances on demand of every pool with accelerators."""
    of_model = "accelerator"
    is_cheap = pl.col("price").rank("ordinal").over(of_model) * 2 <= pl.len().over(of_model)
    is_joined = (pl.col("fabric") == "rdma") & (pl.col("accelerators") >= 1)
    demand = pl.col(of_model).replace_strict(wanted, default=0.0, return_dtype=pl.Float64)
    gang = pl.col(of_model).replace_strict(gangs, default=0, return_dtype=pl.Float64)
    pools = pools.with_columns(is_cheap.alias("is_cheap"))
    part = pl.col("weight") / pl.col("weight").sum().over(of_model, "is_cheap")
    times = pl.when("is_cheap").then(scarcity.cheap).otherwise(scarcity.dear)
    # What is asked for is held on demand and on spot together.
    both = sum(_OPTION_PART[option] for option in _BOUGHT_AT_ONCE)
    largest = pl.col("weight").rank("ordinal", descending=True).over(of_model, is_joined)
    extra = pl.when(is_joined & (largest <= _GANG_POOLS)).then(gang * scarcity.gang).otherwise(0.0)
    held = (demand * times * part / both + extra) / pl.col("accelerators") + pl.col("spare")
    return pools.with_columns(held.fill_null(0.0).alias("held"))


def quotas(offers: pl.DataFrame, regime: Regime, seed: int) -> pl.DataFrame:
    """Draw quotas of regions: by family and vCPUs, by model and accelerators where none is named.

    A quota is drawn as a part of what the offers that it limits can give.
    """
    scarcity, draw = _SCARCITY[regime], np.random.default_rng([seed, 2])
    limited = offers.filter(
        pl.col("accelerator").is_not_null(), pl.col("option").is_in(_BOUGHT_AT_ONCE)
    ).with_columns(by_family=pl.col("quota_family").is_not_null() & pl.col("vcpus").is_not_null())
    amount = pl.when("by_family").then(pl.col("vcpus")).otherwise(pl.col("accelerators"))
    named = limited.with_columns(
        family=pl.when("by_family").then("quota_family").otherwise(pl.lit("")),
        model=pl.when("by_family").then(pl.lit("")).otherwise("accelerator"),
        amount=amount * pl.col("available"),
    )
    key = ["provider", "region", "family", "model"]
    groups = named.group_by(key).agg(pl.col("amount").sum(), pl.col("by_family").first()).sort(key)
    is_drawn = draw.random(groups.height) < scarcity.quota_part
    limits = np.ceil(groups["amount"].to_numpy() * draw.uniform(*scarcity.quota, groups.height))
    drawn = groups.with_columns(pl.Series("limit", limits)).filter(pl.Series(is_drawn))
    return drawn.select(
        "provider",
        "region",
        "family",
        pl.col("model").alias("accelerator"),
        pl.lit("").alias("instance_type"),
        pl.lit("").alias("option"),
        pl.when("by_family").then(pl.lit("vcpus")).otherwise(pl.lit("gpus")).alias("unit"),
        "limit",
        pl.lit(0.0).alias("used"),
        pl.lit("benchmark").alias("source"),
        pl.lit(offers["price_observed_at"].max()).alias("observed_at"),
    ).cast(dict(QUOTA_SCHEMA))  # type: ignore[arg-type]
