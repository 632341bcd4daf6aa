"""Quotas come from two APIs: regional metrics, and limits per GPU family."""

from datetime import UTC, datetime

import polars as pl

from broker.provider import Row
from providers.gcp.gaps import binding_cap
from providers.gcp.limits import all_regions_cap, quota_frame

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def region(name: str, **limits: tuple[float, float]) -> Row:
    return {
        "name": name,
        "status": "UP",
        "zones": [],
        "quotas": [
            {"metric": metric, "limit": limit, "usage": used}
            for metric, (limit, used) in limits.items()
        ],
    }


def info(family: str, limit: str, *, region: str = "", regions: tuple[str, ...] = ()) -> Row:
    return {"family": family, "region": region, "regions": list(regions), "limit": limit}


def told(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    columns = ("region", "family", "unit", "limit", "used")
    return frame.select(columns).sort(columns[:2]).rows()


def test_a_metric_is_a_quota_of_its_own() -> None:
    """Metrics of chips and vCPUs are quotas; spot and flex-start share the preemptible one."""
    regions = [
        region(
            "r1",
            NVIDIA_L4_GPUS=(16, 8),
            PREEMPTIBLE_NVIDIA_H100_GPUS=(8, 0),
            COMMITTED_NVIDIA_A100_80GB_GPUS=(4, 0),
            N2_CPUS=(500, 120),
            SSD_TOTAL_GB=(1000, 1),
            GPUS_ALL_REGIONS=(16, 8),
        )
    ]
    assert told(quota_frame(regions, [], NOON)) == [
        ("r1", "COMMITTED_NVIDIA_A100_80GB_GPUS", "gpus", 4, 0),
        ("r1", "N2_CPUS", "vcpus", 500, 120),
        ("r1", "NVIDIA_L4_GPUS", "gpus", 16, 8),
        ("r1", "PREEMPTIBLE_NVIDIA_H100_GPUS", "gpus", 8, 0),
    ]


def test_newer_chips_are_limited_by_family() -> None:
    """A region's own limit replaces the one of all regions; -1 is no limit at all."""
    infos = [
        info("NVIDIA_H100", "16", region="r1"),
        info("NVIDIA_H100", "0", regions=("r1", "r2")),
        info("NVIDIA_H200", "4"),
        info("NVIDIA_B200", "-1", region="r1"),
    ]
    frame = quota_frame([region("r1"), region("r2")], infos, NOON)
    assert told(frame) == [
        ("r1", "NVIDIA_H100", "gpus", 16, None),
        ("r1", "NVIDIA_H200", "gpus", 4, None),
        ("r2", "NVIDIA_H100", "gpus", 0, None),
        ("r2", "NVIDIA_H200", "gpus", 4, None),
    ]


def test_a_cap_over_all_gpus_is_told_when_it_binds() -> None:
    """GPUS_ALL_REGIONS fits no family; a gap says so when it is below a family's quota."""
    tight = [region("r1", NVIDIA_L4_GPUS=(16, 0), GPUS_ALL_REGIONS=(8, 0))]
    (gap,) = binding_cap(all_regions_cap(tight), quota_frame(tight, [], NOON))
    assert gap["code"] == "GPUS_ALL_REGIONS"
    assert "caps all GPUs at 8, below a single quota of 16" in str(gap["reason"])
    loose = [region("r1", NVIDIA_L4_GPUS=(16, 0), GPUS_ALL_REGIONS=(64, 0))]
    assert list(binding_cap(all_regions_cap(loose), quota_frame(loose, [], NOON))) == []


def test_no_rows_make_an_empty_table() -> None:
    """Without any answer there are no quotas, and no cap."""
    assert quota_frame([], [], None).is_empty()
    assert all_regions_cap([]) is None
