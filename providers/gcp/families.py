"""What Google's APIs do not say of a machine family: its price parts, limits and network.

Facts from the public documentation of Compute Engine (machine families, GPU platforms,
consumption options, network bandwidth), as of 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from broker.offers import Fabric, Purchasable, PurchaseOption

#: Size of one partition of bundled local SSD, GiB.
SSD_PARTITION_GIB: Final = 375

#: Machine series that are asked for; custom and memory-optimized machines are left out.
SERIES: Final = (
    *("a2", "a3", "a4", "a4x", "g2", "g4"),
    *("ct3", "ct3p", "ct5l", "ct5lp", "ct5p", "ct6e", "tpu7x"),
    *("c2", "c2d", "c3", "c3d", "c4", "c4a", "c4d", "e2", "n1", "n2", "n2d", "n4", "t2a", "t2d"),
)

#: Machine type prefix -> name of its vCPU and RAM in SKU texts, where it is not the series.
_CORE_NAMES: Final = (("a3-megagpu", "a3plus"), ("a3-ultragpu", "a3ultra"))

#: Series whose local SSD has a SKU of its own.
_OWN_SSD: Final = frozenset({"c4", "c4a", "c4d"})

#: Shared-core types bill a part of a vCPU.
_SHARED_CORES: Final = MappingProxyType(
    {"e2-micro": Decimal("0.25"), "e2-small": Decimal("0.5"), "e2-medium": Decimal(1)}
)

#: Machine types that hold a part of one accelerator.
_SLICES: Final = MappingProxyType(
    {
        "g4-standard-6": Decimal("0.125"),
        "g4-standard-12": Decimal("0.25"),
        "g4-standard-24": Decimal("0.5"),
    }
)


#: Machine types whose billed parts are not known for certain; they carry no price.
_UNPRICED: Final = ("a3-edgegpu-", "ct3p-", "ct5l-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One accelerator as Google sells it.

    Attributes:
        words: what tells its SKUs from every other chip's.
        quota: quota an on-demand machine draws on: a regional metric, or for newer chips the
            name of the GPU family in the Cloud Quotas API; "" where none is known.
        all_in: its SKU holds vCPU, RAM and local SSD too.
    """

    words: frozenset[str]
    quota: str
    all_in: bool = False


def _chip(words: str, quota: str, *, all_in: bool = False) -> Chip:
    return Chip(words=frozenset(words.split()), quota=quota, all_in=all_in)


#: Accelerator type as the compute API names it -> chip.
CHIPS: Final[Mapping[str, Chip]] = MappingProxyType(
    {
        "nvidia-tesla-p4": _chip("p4", "NVIDIA_P4_GPUS"),
        "nvidia-tesla-p100": _chip("p100", "NVIDIA_P100_GPUS"),
        "nvidia-tesla-v100": _chip("v100", "NVIDIA_V100_GPUS"),
        "nvidia-tesla-t4": _chip("t4", "NVIDIA_T4_GPUS"),
        "nvidia-tesla-a100": _chip("a100", "NVIDIA_A100_GPUS"),
        "nvidia-a100-80gb": _chip("a100 80gb", "NVIDIA_A100_80GB_GPUS"),
        "nvidia-l4": _chip("l4", "NVIDIA_L4_GPUS"),
        "nvidia-rtx-pro-6000": _chip("rtx 6000 96gb", "NVIDIA_RTX_PRO_6000"),
        "nvidia-h100-80gb": _chip("h100 80gb", "NVIDIA_H100"),
        "nvidia-h100-mega-80gb": _chip("h100 80gb mega", "NVIDIA_H100_MEGA"),
        "nvidia-h200-141gb": _chip("h200 141gb", "NVIDIA_H200"),
        "nvidia-b200": _chip("a4 b200", "NVIDIA_B200", all_in=True),
        "nvidia-gb200": _chip("a4x gb200", "NVIDIA_GB200", all_in=True),
        "nvidia-gb300": _chip("a4x gb300", "NVIDIA_GB300", all_in=True),
        "ct3": _chip("v3", "", all_in=True),
        "ct3p": _chip("v3", "", all_in=True),
        "ct5l": _chip("v5e", "", all_in=True),
        "ct5lp": _chip("v5e", "", all_in=True),
        "ct5p": _chip("v5p", "", all_in=True),
        "ct6e": _chip("v6e", "", all_in=True),
        "tpu7x": _chip("7x", "", all_in=True),
    }
)


#: Accelerators whose SKU holds the whole machine.
ALL_IN: Final = frozenset(name for name, chip in CHIPS.items() if chip.all_in)

#: Accelerators that users attach to n1 machines themselves: count -> machines offered. Google
#: allows more; these keep 4 to 16 vCPUs per accelerator, within each one's limits.
ATTACHMENTS: Final[Mapping[str, Mapping[int, tuple[str, ...]]]] = MappingProxyType(
    {
        "nvidia-tesla-t4": {
            1: ("n1-standard-4", "n1-standard-8", "n1-standard-16"),
            2: ("n1-standard-16", "n1-standard-32"),
            4: ("n1-standard-32", "n1-standard-64"),
        },
        "nvidia-tesla-p4": {
            1: ("n1-standard-4", "n1-standard-8"),
            2: ("n1-standard-16",),
            4: ("n1-standard-32",),
        },
        "nvidia-tesla-p100": {
            1: ("n1-standard-8", "n1-standard-16"),
            2: ("n1-standard-16",),
            4: ("n1-standard-32",),
        },
        "nvidia-tesla-v100": {
            1: ("n1-standard-8",),
            2: ("n1-standard-16",),
            4: ("n1-standard-32",),
            8: ("n1-standard-64",),
        },
    }
)

_GBPS: Final = MappingProxyType(
    {
        "a2-highgpu-1g": 24,
        "a2-highgpu-2g": 32,
        "a2-highgpu-4g": 50,
        "a2-highgpu-8g": 100,
        "a2-megagpu-16g": 100,
        "a2-ultragpu-1g": 24,
        "a2-ultragpu-2g": 32,
        "a2-ultragpu-4g": 50,
        "a2-ultragpu-8g": 100,
        "a3-highgpu-1g": 25,
        "a3-highgpu-2g": 50,
        "a3-highgpu-4g": 100,
        "a3-highgpu-8g": 1000,
        "a3-edgegpu-8g": 600,
        "a3-megagpu-8g": 1800,
        "a3-ultragpu-8g": 3600,
        "a4-highgpu-8g": 3600,
        "a4x-highgpu-4g": 2000,
        "g2-standard-4": 10,
        "g2-standard-8": 16,
        "g2-standard-12": 16,
        "g2-standard-16": 32,
        "g2-standard-24": 32,
        "g2-standard-32": 32,
        "g2-standard-48": 50,
        "g2-standard-96": 100,
        "g4-standard-48": 50,
        "g4-standard-96": 100,
        "g4-standard-192": 200,
        "g4-standard-384": 400,
    }
)

#: Prefix -> network of a gang: GPUDirect (TCPX, TCPXO, RoCE) or an NVLink rack.
_FABRICS: Final = (
    ("a4x-", Fabric.NVLINK_RACK),
    ("a4-", Fabric.RDMA),
    ("a3-ultragpu-8g", Fabric.RDMA),
    ("a3-megagpu-8g", Fabric.RDMA),
    ("a3-highgpu-8g", Fabric.RDMA),
)

#: Hosts of one NVLink domain of 72 GB200.
_RACK_HOSTS: Final = 18

#: Machines with an on-demand price that cannot be had on demand; commitments to them need a
#: reservation that Google grants or not.
_NOT_ON_DEMAND: Final = re.compile(r"a4-.*|a4x-.*|a3-ultragpu-.*|a3-highgpu-[124]g")

_QUOTA_PREFIX: Final = MappingProxyType(
    {PurchaseOption.SPOT: "PREEMPTIBLE_", PurchaseOption.FLEX_START: "PREEMPTIBLE_"}
)

#: Series whose vCPUs draw on the general CPUS quota.
_GENERAL_QUOTA: Final = frozenset({"e2", "n1"})


def series_of(machine_type: str) -> str:
    """Return the series of a machine type: ``a3`` of ``a3-highgpu-8g``."""
    return machine_type.split("-", 1)[0]


def core_name(machine_type: str) -> str:
    """Return what SKU texts call the vCPU and RAM of a machine type."""
    named = (name for prefix, name in _CORE_NAMES if machine_type.startswith(prefix))
    return next(named, series_of(machine_type))


def is_unpriced(machine_type: str) -> bool:
    """Return whether it is unknown what a machine type is billed for."""
    return machine_type.startswith(_UNPRICED)


def ssd_name(machine_type: str) -> str:
    """Return what SKU texts put before "Local SSD"; "" where the common SKU is billed."""
    series = series_of(machine_type)
    return series if series in _OWN_SSD else ""


def billed_vcpus(machine_type: str, vcpus: int) -> Decimal:
    """Return the vCPUs that are billed: a fraction for shared-core types."""
    return _SHARED_CORES.get(machine_type, Decimal(vcpus))


def accelerator_count(machine_type: str, reported: int) -> Decimal:
    """Return accelerators per machine: a fraction for slices, else what the API reports."""
    return _SLICES.get(machine_type, Decimal(reported))


def network_gbps(machine_type: str) -> float | None:
    """Return the documented egress bandwidth, None where it is not in the table."""
    known = _GBPS.get(machine_type.removesuffix("-nolssd"))
    return None if known is None else float(known)


def fabric_of(machine_type: str) -> Fabric:
    """Return the network between machines of one gang."""
    named = (fabric for prefix, fabric in _FABRICS if machine_type.startswith(prefix))
    return next(named, Fabric.NONE)


def rack_hosts(machine_type: str) -> int | None:
    """Return the hosts that are sold together as one NVLink rack."""
    return _RACK_HOSTS if fabric_of(machine_type) is Fabric.NVLINK_RACK else None


def purchasable(machine_type: str, option: PurchaseOption) -> Purchasable:
    """Return whether an ordinary account can buy a machine type under an option.

    A price alone says nothing: on-demand prices of A4 and A3 Ultra are listed and not sold.
    """
    if not _NOT_ON_DEMAND.fullmatch(machine_type):
        return Purchasable.YES
    if option is PurchaseOption.ON_DEMAND:
        return Purchasable.NO
    return Purchasable.UNKNOWN if option.years else Purchasable.YES


def quota_of(
    machine_type: str, guest_accelerator: str | None, option: PurchaseOption
) -> str | None:
    """Return the quota an offer draws on: of its chips, else of its vCPUs; None: unknown.

    Spot and flex-start draw on preemptible quotas, commitments on committed ones; these are
    regional metrics for every chip. Reservations by calendar draw on none.
    """
    if option is PurchaseOption.CAPACITY_BLOCK:
        return None
    prefix = "COMMITTED_" if option.years else _QUOTA_PREFIX.get(option, "")
    if guest_accelerator is not None:
        chip = CHIPS.get(guest_accelerator)
        if chip is None or not chip.quota:
            return None
        return f"{prefix}{metric_of(chip)}" if prefix else chip.quota
    if option is PurchaseOption.SPOT:
        return "PREEMPTIBLE_CPUS"
    series = series_of(machine_type)
    return f"{prefix}CPUS" if series in _GENERAL_QUOTA else f"{prefix}{series.upper()}_CPUS"


def metric_of(chip: Chip) -> str:
    """Return the regional quota metric of a chip: ``NVIDIA_H100_GPUS`` for ``NVIDIA_H100``."""
    return f"{chip.quota.removesuffix('_GPUS')}_GPUS"
