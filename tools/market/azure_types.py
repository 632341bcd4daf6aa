"""Azure GPU sizes: which accelerator, how many, what network, whether still sold.

Azure publishes no GPU model with its sizes and counts a slice as one GPU, so both come from
this table. A size it does not know keeps its counts unknown and is never planned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from broker.accelerators import Accelerator, canonical
from broker.offers import Fabric
from tools.market.rows import Specs
from tools.market.tables import Record

MIB_PER_GIB: Final = 1024
ARCHITECTURES: Final = {"amd64": "x86_64", "arm64": "arm64"}

#: Size (after ``Standard_``), accelerator, vCPUs that come with one whole accelerator.
_PER_VCPUS: Final = (
    (r"NC\d+ads_A100_v4", "A100-80", 24),
    (r"NC\d+ads_A10_v4", "A10", 16),
    (r"NC40ads_H100_v5|NC80adis_H100_v5|NCC40ads_H100_v5", "H100-NVL", 40),
    (r"NC\d+r?s_v3", "V100", 6),
    (r"NV\d+adm?s_A10_v5", "A10", 36),
    (r"NV\d+as_v4", "MI25", 32),
    (r"NV\d+s_v3", "M60", 12),
    (r"NV\d+s_v2", "M60", 6),
    (r"NG\d+adm?s_V620(_v1)?", "V620", 32),
)
#: Size, accelerator, count, where vCPUs do not tell it.
_COUNTED: Final = (
    (r"NC(4|8|16)as_T4_v3", "T4", 1.0),
    (r"NC64as_T4_v3", "T4", 4.0),
    (r"NV4ads_V710_v5", "V710", 1 / 6),
    (r"NV8ads_V710_v5", "V710", 1 / 3),
    (r"NV12ads_V710_v5", "V710", 1 / 2),
    (r"NV(24ads|28adms)_V710_v5", "V710", 1.0),
    (r"ND40rs_v2", "V100-32", 8.0),
    (r"ND96asr_v4", "A100-40", 8.0),
    (r"ND96amsr_A100_v4", "A100-80", 8.0),
    (r"ND96isr_H100_v5", "H100", 8.0),
    (r"ND96isr_H200_v5", "H200", 8.0),
    (r"ND96isr?_MI300X_v5", "MI300X", 8.0),
    (r"ND128isr_(NDR_)?GB200_v6", "GB200", 4.0),
    (r"ND128isr_GB300_v6", "GB300", 4.0),
)
#: Sizes with a price and no published specification: the name tells the accelerator alone.
_UNSPECIFIED: Final = (
    (r".*_RTXPRO6000BSE_v6", "RTX-PRO-6000"),
    (r"ND96.*_H100_v5", "H100"),
    (r"ND96.*_H200_v5", "H200"),
    (r"ND96ams_A100_v4", "A100-80"),
    (r"ND96asr_A100_v4", "A100-40"),
    (r"ND128.*_GB200_v6", "GB200"),
    (r"ND40s_v2", "V100-32"),
    (r"NC\d+r?_Promo", "K80"),
    (r"NV\d+_Promo", "M60"),
)
#: GPU sizes that Azure has retired; their list prices live on.
RETIRED: Final = re.compile(
    r"Standard_(N[CV]\d+r?_Promo|NC\d+r?s_v3|ND40r?s_v2|NV\d+(s_v[23]|as_v4))"
)
#: FPGA sizes: no accelerator a model could run on.
LEFT_OUT: Final = re.compile(r"Standard_NP")

RACK_HOSTS: Final = 18  # 72 GPUs, four to a host


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What two public tables say of a size's processors; None where neither knows it."""

    vcpus: int | None = None
    memory_gib: float | None = None
    arch: str | None = None


def is_gpu(instance_type: str) -> bool:
    """Tell whether a size is of the N family, where Azure keeps its accelerators."""
    return instance_type.startswith("Standard_N")


def sizes(types: list[Record], catalog: list[Record]) -> dict[str, Size]:
    """Return processors and memory by size; the autoscaler's table wins."""
    known = {
        r["instance_type"]: Size(vcpus=int(r["vcpus"]), memory_gib=float(r["memory_gib"]))
        for r in catalog
    }
    return known | {
        r["instance_type"]: Size(
            vcpus=int(r["vcpus"]),
            memory_gib=float(r["memory_mib"]) / MIB_PER_GIB,
            arch=ARCHITECTURES[r["arch"]],
        )
        for r in types
    }


def specs_of(instance_type: str, known: Mapping[str, Size]) -> Specs:
    """Return what is known of a size; its counts stay None where nothing is published."""
    size = known.get(instance_type, Size())
    if not is_gpu(instance_type):
        return Specs(
            accelerators=0.0,
            vcpus=size.vcpus,
            memory_gib=size.memory_gib,
            fabric=Fabric.NONE.value,
            arch=size.arch,
            source="azure-types" if size.vcpus else "azure-names",
        )
    name = instance_type.removeprefix("Standard_")
    card, count = _accelerators(name)
    is_rack = card is not None and card.name in {"GB200", "GB300"}
    return Specs(
        accelerator=card,
        accelerators=count,
        vcpus=size.vcpus or _vcpus(name),
        memory_gib=size.memory_gib,
        fabric=_fabric(name, is_rack=is_rack).value if count else None,
        arch="arm64" if is_rack else size.arch or "x86_64",
        rack_hosts=RACK_HOSTS if is_rack and count else None,
        source="azure-types" if count else "azure-names",
    )


def _accelerators(name: str) -> tuple[Accelerator | None, float | None]:
    for form, card, per_card in _PER_VCPUS:
        if re.fullmatch(form, name):
            return canonical(card)[0], _vcpus(name) / per_card
    for form, card, count in _COUNTED:
        if re.fullmatch(form, name):
            return canonical(card)[0], count
    for form, card in _UNSPECIFIED:
        if re.fullmatch(form, name):
            return canonical(card)[0], None
    return None, None


def _vcpus(name: str) -> int:
    """Read the vCPUs off a size's name: the first number in it."""
    match = re.search(r"\d+", name)
    return int(match[0]) if match else 0


def _fabric(name: str, *, is_rack: bool) -> Fabric:
    """Read the fabric off a size's name: the feature letter ``r`` is RDMA (InfiniBand)."""
    if is_rack:
        return Fabric.NVLINK_RACK
    features = re.match(r"N[A-Z]+\d+([a-z]*)", name)
    return Fabric.RDMA if features and "r" in features[1] else Fabric.NONE
