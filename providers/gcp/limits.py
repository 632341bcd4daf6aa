"""Quotas of the project: regional metrics, and limits per GPU family.

On-demand limits of newer GPUs (H100 and later) stand only in the Cloud Quotas API; their
preemptible and committed limits, and everything older, are metrics of the regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from broker.market import QUOTA_SCHEMA
from broker.provider import Row
from providers.gcp import families, sources

_CHIP_METRICS: Final = frozenset(
    families.metric_of(chip) for chip in families.CHIPS.values() if chip.quota
)
_CPU_METRICS: Final = frozenset(
    {
        "CPUS",
        *(f"{series.upper()}_CPUS" for series in families.SERIES),
    }
)
#: A cap over all GPUs of all regions, which no single quota family can express.
ALL_REGIONS: Final = "GPUS_ALL_REGIONS"
_UNLIMITED: Final = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    region: str
    family: str
    unit: str
    limit: float
    used: float | None


def quota_frame(
    regions: Iterable[Row], infos: Iterable[Row], observed_at: datetime | None
) -> pl.DataFrame:
    """Return the quotas of the regions, one row per family and region.

    Args:
        regions: rows of the dataset ``regions``.
        infos: rows of the dataset ``quotas``.
        observed_at: when they were read.
    """
    listed = list(regions)
    names = [str(row["name"]) for row in listed]
    limits = [*_of_metrics(listed), *_of_families(infos, names)]
    rows = [
        (
            sources.PROVIDER,
            one.region,
            one.family,
            "",
            "",
            "",  # the family's name says which options draw on it
            one.unit,
            one.limit,
            one.used,
            sources.QUOTAS,
            observed_at,
        )
        for one in limits
    ]
    unique = pl.DataFrame(rows, schema=dict(QUOTA_SCHEMA), orient="row")
    return unique.unique(["region", "family"], keep="last", maintain_order=True)


def all_regions_cap(regions: Iterable[Row]) -> float | None:
    """Return the project's cap over all GPUs of all regions, None when there is none."""
    caps = [
        float(str(quota["limit"])) for quota in _quotas(regions) if quota["metric"] == ALL_REGIONS
    ]
    return min(caps) if caps else None


def _quotas(regions: Iterable[Row]) -> Iterator[Row]:
    for row in regions:
        quotas = row["quotas"]
        for quota in quotas if isinstance(quotas, list) else ():
            if isinstance(quota, dict):
                yield {**quota, "region": row["name"]}


def _of_metrics(regions: Iterable[Row]) -> Iterator[_Limit]:
    for quota in _quotas(regions):
        family = _family(str(quota["metric"]))
        if family is None:
            continue
        yield _Limit(
            region=str(quota["region"]),
            family=family,
            unit="vcpus" if family.endswith("CPUS") else "gpus",
            limit=float(str(quota["limit"])),
            used=float(str(quota["usage"])),
        )


def _family(metric: str) -> str | None:
    """Return the quota family of a regional metric, None for what limits something else."""
    bare = metric.removeprefix("PREEMPTIBLE_").removeprefix("COMMITTED_")
    return metric if bare in _CHIP_METRICS or bare in _CPU_METRICS else None


def _of_families(infos: Iterable[Row], regions: list[str]) -> Iterator[_Limit]:
    # limits without a region come first, so that a region's own limit replaces them
    for row in sorted(infos, key=lambda row: str(row["region"])):
        limit = float(str(row["limit"]))
        if limit == _UNLIMITED:
            continue
        named = row["regions"] if isinstance(row["regions"], list) else []
        places = [str(row["region"])] if row["region"] else [str(one) for one in named]
        for region in places or regions:
            yield _Limit(
                region=region,
                family=str(row["family"]),
                unit="gpus",
                limit=limit,
                used=None,
            )
