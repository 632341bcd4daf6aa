"""EC2 instance types: specifications, accelerators and the quotas they draw on."""

from __future__ import annotations

import re
from typing import Final

from broker.accelerators import Accelerator, canonical, identify
from broker.offers import Fabric, PurchaseOption
from tools.market.rows import Specs
from tools.market.tables import Record, number

MIB_PER_GIB: Final = 1024
GB_PER_GIB: Final = 2**30 / 1e9

#: FPGA and video types: no accelerator a model could run on.
LEFT_OUT: Final = re.compile(r"(f1|f2|vt1)\.")

#: Usable MiB that EC2 states for a whole card of which it also sells slices.
_WHOLE_CARD_MIB: Final = {"L4": 22888}

#: Types that DescribeInstanceTypes no longer tells about: accelerator, count, vCPUs, GiB.
_DOCUMENTED: Final = {
    "g2.2xlarge": ("K520", 1, 8, 15.0),
    "g2.8xlarge": ("K520", 4, 32, 60.0),
    "g3s.xlarge": ("M60", 1, 4, 30.5),
    "g3.4xlarge": ("M60", 1, 16, 122.0),
    "g3.8xlarge": ("M60", 2, 32, 244.0),
    "g3.16xlarge": ("M60", 4, 64, 488.0),
    "p2.xlarge": ("K80", 1, 4, 61.0),
    "p2.8xlarge": ("K80", 8, 32, 488.0),
    "p2.16xlarge": ("K80", 16, 64, 732.0),
    "p3.2xlarge": ("V100", 1, 8, 61.0),
    "p3.8xlarge": ("V100", 4, 32, 244.0),
    "p3.16xlarge": ("V100", 8, 64, 488.0),
    "dl1.24xlarge": ("Gaudi1", 8, 96, 768.0),
}

#: Sold as one NVLink rack only; no price and no zone is published with it.
ULTRASERVER: Final = "p6e-gb200.36xlarge"
ULTRASERVER_SPECS: Final = Specs(
    accelerator=canonical("GB200")[0],
    accelerators=4.0,
    vcpus=144,
    memory_gib=960.0,
    network_gbps=1600.0,
    fabric=Fabric.NVLINK_RACK.value,
    arch="arm64",
    rack_hosts=18,
    source="aws-documentation",
)

_ON_DEMAND_QUOTA: Final = (
    (r"p\d", "Running On-Demand P instances"),
    (r"(g|gr|vt)\d", "Running On-Demand G and VT instances"),
    (r"inf\d", "Running On-Demand Inf instances"),
    (r"trn\d", "Running On-Demand Trn instances"),
    (r"dl\d", "Running On-Demand DL instances"),
    (r"[acdhimrtz]\d", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"),
)
_SPOT_QUOTA: Final = (
    (r"p[234]", "All P4, P3 and P2 Spot Instance Requests"),
    (r"p5", "All P5 Spot Instance Requests"),
    (r"(g|gr|vt)\d", "All G and VT Spot Instance Requests"),
    (r"inf\d", "All Inf Spot Instance Requests"),
    (r"trn\d", "All Trn Spot Instance Requests"),
    (r"dl\d", "All DL Spot Instance Requests"),
    (r"[acdhimrtz]\d", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"),
)


def quota_family(instance_type: str, option: PurchaseOption) -> str | None:
    """Return the vCPU quota by the name EC2 gives it; None where sources disagree (P6 spot)."""
    table = _SPOT_QUOTA if option is PurchaseOption.SPOT else _ON_DEMAND_QUOTA
    return next((name for form, name in table if re.match(form, instance_type)), None)


def documented_specs(instance_type: str) -> Specs:
    """Return what the user guide says of a type the API no longer describes.

    Raises:
        KeyError: for a type that is not in the table.
    """
    name, count, vcpus, memory_gib = _DOCUMENTED[instance_type]
    return Specs(
        accelerator=canonical(name)[0],
        accelerators=float(count),
        vcpus=vcpus,
        memory_gib=memory_gib,
        fabric=(Fabric.RDMA if instance_type == "dl1.24xlarge" else Fabric.NONE).value,
        arch="x86_64",
        source="aws-documentation",
    )


def described_specs(record: Record) -> Specs:
    """Return what DescribeInstanceTypes says of a type, memory of cards nominal."""
    card, count = _accelerators(record)
    has_efa = record["efa_supported"] == "True"
    return Specs(
        accelerator=card,
        accelerators=count,
        vcpus=int(record["vcpus"]),
        memory_gib=float(record["memory_mib"]) / MIB_PER_GIB,
        local_disk_gib=round((number(record["local_storage_gb"]) or 0.0) / GB_PER_GIB, 1),
        network_gbps=_network_gbps(record["network"]),
        fabric=(Fabric.RDMA if has_efa else Fabric.NONE).value,
        arch=record["arch"],
        source="aws-types",
    )


def _accelerators(record: Record) -> tuple[Accelerator | None, float]:
    if not record["accel_name"]:
        return None, 0.0
    mib_each = float(record["accel_memory_mib_each"])
    count = float(record["accel_count"])
    if count:
        return identify(record["accel_name"], mib_each / MIB_PER_GIB), count
    card = canonical(record["accel_name"])[0]
    return card, mib_each / _WHOLE_CARD_MIB[card.name]


def _network_gbps(text: str) -> float | None:
    match = re.search(r"(?:(\d+)x )?(\d+(?:\.\d+)?) Gigabit", text)
    return float(match[1] or 1) * float(match[2]) if match else None
