"""EC2 instance types: what DescribeInstanceTypes says, in the offer table's terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.accelerators import Accelerator, UnknownAccelerator, canonical, identify
from broker.offers import Fabric, PurchaseOption
from broker.provider import Row
from providers.aws.answers import Answers
from providers.aws.text import number, part, parts, text

_MIB_PER_GIB: Final = 1024
_GB_PER_GIB: Final = 2**30 / 10**9
#: Instances that are sold together as one NVLink or NeuronLink rack.
_RACK_HOSTS: Final = {"p6e-gb200": 18, "p6e-gb300": 18, "trn2u": 4}
#: Families whose accelerator the API has been seen to name by its maker only.
_NAMED_BY_FAMILY: Final = {"p5e": "H200", "p5en": "H200", "p6e-gb200": "GB200"}

_ON_DEMAND_QUOTAS: Final = (
    (re.compile(r"p\d"), "Running On-Demand P instances"),
    (re.compile(r"(g|gr|vt)\d"), "Running On-Demand G and VT instances"),
    (re.compile(r"trn\d"), "Running On-Demand Trn instances"),
    (re.compile(r"inf\d"), "Running On-Demand Inf instances"),
    (re.compile(r"dl\d"), "Running On-Demand DL instances"),
    (
        re.compile(r"[acdhimrtz]\d"),
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    ),
)
_SPOT_QUOTAS: Final = (
    (re.compile(r"p[234]"), "All P4, P3 and P2 Spot Instance Requests"),
    (re.compile(r"p5"), "All P5 Spot Instance Requests"),
    (re.compile(r"(g|gr|vt)\d"), "All G and VT Spot Instance Requests"),
    (re.compile(r"trn\d"), "All Trn Spot Instance Requests"),
    (re.compile(r"inf\d"), "All Inf Spot Instance Requests"),
    (re.compile(r"dl\d"), "All DL Spot Instance Requests"),
    (
        re.compile(r"[acdhimrtz]\d"),
        "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One instance type; None is unknown.

    Attributes:
        name: e.g. ``p5.48xlarge``.
        card: its accelerator; None for a CPU type.
        accelerators: how many, a fraction for slices.
        unknown_card: name of an accelerator that nobody here knows; "" otherwise.
        usage_classes: ``on-demand``, ``spot``, ``capacity-block``.
        seen_at: when it was described.
        The rest as in the offer table.
    """

    name: str
    card: Accelerator | None
    accelerators: float
    unknown_card: str
    vcpus: int | None
    memory_gib: float | None
    local_disk_gib: float | None
    network_gbps: float | None
    fabric: Fabric
    arch: str | None
    rack_hosts: int | None
    usage_classes: frozenset[str]
    seen_at: datetime | None


def family_of(instance_type: str) -> str:
    """Return the family of a type: ``p5`` of ``p5.48xlarge``."""
    return instance_type.partition(".")[0]


def type_names(answers: Answers, region: str) -> list[str]:
    """Return the names of the types that `region` describes, sorted."""
    rows = answers.rows("instance-types", region)
    return sorted({text(row.get("InstanceType")) for row in rows} - {""})


def read_machines(answers: Answers) -> dict[str, Machine]:
    """Return every described type by name; a description of any region serves all."""
    machines: dict[str, Machine] = {}
    for region in answers.regions("instance-types"):
        seen_at = answers.seen_at("instance-types", region)
        for row in answers.rows("instance-types", region):
            name = text(row.get("InstanceType"))
            if name and name not in machines:
                machines[name] = _machine(name, row, seen_at)
    return machines


def quota_family(
    instance_type: str, option: PurchaseOption, known: Mapping[str, float]
) -> str | None:
    """Return the name of the vCPU quota that `instance_type` draws on; None when unknown.

    Args:
        instance_type: e.g. ``p5.48xlarge``.
        option: how it is bought; reserved instances run against the on-demand quota, capacity
            blocks against none.
        known: quota name -> limit of the account; settles families that were added after this
            table, by their name.
    """
    if option is PurchaseOption.CAPACITY_BLOCK:
        return None
    is_spot = option is PurchaseOption.SPOT
    for form, name in _SPOT_QUOTAS if is_spot else _ON_DEMAND_QUOTAS:
        if form.match(instance_type):
            return name
    generation = re.match(r"[a-z]+\d", instance_type)
    word = generation[0].upper() if generation else instance_type
    named = [name for name in known if ("Spot" in name) == is_spot and word in name.split()]
    return min(named) if named else None


def _machine(name: str, row: Row, seen_at: datetime | None) -> Machine:
    card, accelerators, unknown_card = _accelerator(name, row)
    network = part(row.get("NetworkInfo"))
    memory_mib = number(part(row.get("MemoryInfo")).get("SizeInMiB"))
    vcpus = number(part(row.get("VCpuInfo")).get("DefaultVCpus"))
    architectures = part(row.get("ProcessorInfo")).get("SupportedArchitectures")
    classes = row.get("SupportedUsageClasses")
    rack_hosts = _RACK_HOSTS.get(family_of(name))
    has_efa = network.get("EfaSupported") is True
    flat = Fabric.RDMA if has_efa else Fabric.NONE
    return Machine(
        name=name,
        card=card,
        accelerators=accelerators,
        unknown_card=unknown_card,
        vcpus=None if vcpus is None else int(vcpus),
        memory_gib=None if memory_mib is None else memory_mib / _MIB_PER_GIB,
        local_disk_gib=_local_disk_gib(row),
        network_gbps=_network_gbps(text(network.get("NetworkPerformance"))),
        fabric=Fabric.NVLINK_RACK if rack_hosts else flat,
        arch=_main_architecture(architectures),
        rack_hosts=rack_hosts,
        usage_classes=frozenset(map(str, classes)) if isinstance(classes, list) else frozenset(),
        seen_at=seen_at,
    )


def _main_architecture(found: object) -> str | None:
    names = [str(name) for name in found] if isinstance(found, list) else []
    known = [name for name in names if name in {"x86_64", "arm64"}]
    return known[0] if known else None


def _accelerator(name: str, row: Row) -> tuple[Accelerator | None, float, str]:
    """Return the accelerator, how many, and its name where nobody here knows it.

    A slice has a count of 0, a number of logical devices and a size of each.
    """
    devices = (
        parts(part(row.get("GpuInfo")).get("Gpus"))
        or parts(part(row.get("NeuronInfo")).get("NeuronDevices"))
        or parts(part(row.get("InferenceAcceleratorInfo")).get("Accelerators"))
    )
    if not devices:
        return None, 0.0, ""
    device = devices[0]
    whole = number(device.get("Count")) or 0.0
    logical = number(device.get("LogicalGpuCount")) or 0.0
    size = number(device.get("GpuPartitionSize")) or 1.0
    gib = (number(part(device.get("MemoryInfo")).get("SizeInMiB")) or 0.0) / _MIB_PER_GIB
    stated = text(device.get("Name"))
    try:
        card = identify(stated, gib) if whole else canonical(stated)[0]
    except UnknownAccelerator:
        by_family = _NAMED_BY_FAMILY.get(family_of(name))
        if by_family is None:
            return None, whole or logical * size, stated or "unnamed"
        card = canonical(by_family)[0]
    return card, whole or logical * size, ""


def _local_disk_gib(row: Row) -> float | None:
    gigabytes = number(part(row.get("InstanceStorageInfo")).get("TotalSizeInGB"))
    if gigabytes is not None:
        return round(gigabytes / _GB_PER_GIB, 1)
    return 0.0 if row.get("InstanceStorageSupported") is False else None


def _network_gbps(words: str) -> float | None:
    match = re.search(r"(?:(\d+)x )?(\d+(?:\.\d+)?) Gigabit", words)
    return float(match[1] or 1) * float(match[2]) if match else None
