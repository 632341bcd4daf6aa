"""Instance types of a region: rows of the Resource SKUs list, made into one frame of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import polars as pl

from broker.market import Schema
from broker.offers import MOMENT, Fabric
from broker.provider import Fetched, Json, Row
from providers.azure.fields import number_of, region_key, rows_of, text_of, texts_of
from providers.azure.sizes import Device, device_of, is_gpu_size, is_wanted

#: What a size's row keeps of the many capabilities.
_KEPT: Final = (
    "vCPUs",
    "vCPUsAvailable",
    "MemoryGB",
    "GPUs",
    "LowPriorityCapable",
    "RdmaEnabled",
    "CpuArchitectureType",
    "MaxResourceVolumeMB",
    "NvmeDiskSizeInMiB",
)
_ARCHITECTURES: Final = {"x64": "x86_64", "arm64": "arm64"}
_MIB_PER_GIB: Final = 1024
#: An NVLink rack holds 72 GPUs, four to a host.
_RACK_HOSTS: Final = 18
_RACK_MODELS: Final = frozenset({"GB200", "GB300"})

#: Columns of the frame of sizes: one row for each size of a region.
SIZE_SCHEMA: Final[Schema] = {
    "region": pl.String,
    "instance_type": pl.String,
    "zones": pl.List(pl.String),
    "closed_zones": pl.List(pl.String),  # zones the subscription may not use
    "is_closed": pl.Boolean,  # the whole region is closed to the subscription for this size
    "has_spot": pl.Boolean,
    "accelerator": pl.String,
    "accelerators": pl.Float64,
    "accelerator_memory_gib": pl.Float64,
    "vcpus": pl.Int32,
    "memory_gib": pl.Float64,
    "local_disk_gib": pl.Float64,
    "fabric": pl.String,
    "arch": pl.String,
    "rack_hosts": pl.Int32,
    "quota_family": pl.String,
    "spec_observed_at": MOMENT,
}


def trimmed_size(sku: Row, region: str, cpu_generations: frozenset[str]) -> Row | None:
    """Return what is kept of one SKU of `region`; None for disks, and sizes nobody asked for."""
    name = text_of(sku, "name")
    if text_of(sku, "resourceType").casefold() != "virtualmachines":
        return None
    if not is_wanted(name, cpu_generations):
        return None
    here = [
        info
        for info in rows_of(sku, "locationInfo")
        if region_key(text_of(info, "location")) == region
    ]
    zones = sorted({zone for info in here for zone in texts_of(info, "zones")})
    capabilities = {
        text_of(one, "name"): one.get("value")
        for one in rows_of(sku, "capabilities")
        if text_of(one, "name") in _KEPT
    }
    return {
        "name": name,
        "family": text_of(sku, "family"),
        "zones": list[Json](zones),
        "capabilities": capabilities,
        "restrictions": list[Json](_restrictions(sku)),
    }


def sizes_frame(fetched: Sequence[Fetched]) -> pl.DataFrame:
    """Return the sizes of every region that was read, one row each."""
    rows = [
        _size(row, one.region, one.fetched_at)
        for one in fetched
        if one.dataset == "instance-types"
        for row in one.rows
    ]
    frame = pl.DataFrame(rows, schema=dict(SIZE_SCHEMA), orient="row")
    return frame.unique(["region", "instance_type"], keep="first", maintain_order=True)


def unknown_gpu_sizes(sizes: pl.DataFrame) -> list[str]:
    """Return GPU sizes whose accelerator or count nobody knows, sorted."""
    unknown = sizes.filter(pl.col("accelerator").is_null() | pl.col("accelerators").is_null())
    return sorted({name for name in unknown["instance_type"] if is_gpu_size(name)})


def _restrictions(sku: Row) -> list[Row]:
    return [
        {
            "type": text_of(one, "type"),
            "reason": text_of(one, "reasonCode"),
            "zones": list[Json](texts_of(one, "restrictionInfo", "zones")),
        }
        for one in rows_of(sku, "restrictions")
    ]


def _size(row: Row, region: str, fetched_at: datetime | None) -> tuple[object, ...]:
    name = text_of(row, "name")
    capabilities = row.get("capabilities")
    reported = number_of(_capability(capabilities, "GPUs"))
    vcpus = number_of(_capability(capabilities, "vCPUsAvailable"))
    vcpus = number_of(_capability(capabilities, "vCPUs")) if vcpus is None else vcpus
    device = None
    if is_gpu_size(name):
        gpus = None if reported is None else Fraction(reported)
        device = device_of(name, vcpus=None if vcpus is None else int(vcpus), reported=gpus)
    restrictions = rows_of(row, "restrictions")
    closed_zones = [
        zone
        for one in restrictions
        if text_of(one, "type") == "Zone"
        for zone in texts_of(one, "zones")
    ]
    return (
        region,
        name,
        texts_of(row, "zones"),
        closed_zones,
        any(text_of(one, "type") == "Location" for one in restrictions),
        _is_true(capabilities, "LowPriorityCapable"),
        *_device_columns(name, device),
        None if vcpus is None else int(vcpus),
        _float(number_of(_capability(capabilities, "MemoryGB"))),
        _local_disk_gib(capabilities),
        _fabric(capabilities, device).value,
        _ARCHITECTURES.get(text_of(capabilities, "CpuArchitectureType").casefold()),
        _RACK_HOSTS if device is not None and device.name in _RACK_MODELS else None,
        text_of(row, "family") or None,
        fetched_at,
    )


def _device_columns(
    name: str, device: Device | None
) -> tuple[str | None, float | None, float | None]:
    """Return accelerator, accelerators, accelerator_memory_gib; a CPU size has 0 of none."""
    if device is not None:
        return device.name, device.count, device.memory_gib
    return None, (None if is_gpu_size(name) else 0.0), None


def _local_disk_gib(capabilities: Json) -> float | None:
    parts = [
        number_of(_capability(capabilities, name))
        for name in ("MaxResourceVolumeMB", "NvmeDiskSizeInMiB")
    ]
    known = [part for part in parts if part is not None]
    return float(sum(known, Decimal(0)) / _MIB_PER_GIB) if known else None


def _fabric(capabilities: Json, device: Device | None) -> Fabric:
    if device is not None and device.name in _RACK_MODELS:
        return Fabric.NVLINK_RACK
    return Fabric.RDMA if _is_true(capabilities, "RdmaEnabled") else Fabric.NONE


def _capability(capabilities: Json, name: str) -> Json:
    return capabilities.get(name) if isinstance(capabilities, dict) else None


def _is_true(capabilities: Json, name: str) -> bool:
    return text_of(capabilities, name).casefold() == "true"


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)
