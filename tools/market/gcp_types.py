"""Google Cloud machine types: accelerators, disk, network, fabric, quotas, what is sold how.

The collected lists hold vCPUs, memory and place; the rest is from Google's documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from broker.accelerators import canonical
from broker.offers import Fabric, Purchasable, PurchaseOption
from providers.emulation.gcp_fixtures import guest_of
from providers.gcp import families
from tools.market.rows import Specs
from tools.market.tables import Record

RACK_HOSTS: Final = 18  # 72 GPUs, four to a host


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """An accelerator machine type beyond its vCPUs and memory.

    Attributes:
        card: canonical accelerator.
        count: accelerators per machine, a fraction for a slice.
        network_gbps: documented maximum; None where none was found.
        ssd_gib: bundled local SSD.
        fabric: network between machines; GPUDirect-TCPX and -TCPXO count as ``rdma``.
    """

    card: str
    count: float
    network_gbps: float | None = None
    ssd_gib: float = 0.0
    fabric: Fabric = Fabric.NONE


def _models() -> dict[str, Model]:
    models = {
        f"a2-highgpu-{n}g": Model(card="A100-40", count=n, network_gbps=gbps)
        for n, gbps in ((1, 24), (2, 32), (4, 50), (8, 100))
    }
    models["a2-megagpu-16g"] = Model(card="A100-40", count=16, network_gbps=100)
    for n, gbps in ((1, 24), (2, 32), (4, 50), (8, 100)):
        models[f"a2-ultragpu-{n}g"] = Model(
            card="A100-80", count=n, network_gbps=gbps, ssd_gib=375 * n
        )
    for n, gbps in ((1, 25), (2, 50), (4, 100), (8, 1000)):
        fabric = Fabric.RDMA if n == 8 else Fabric.NONE
        models[f"a3-highgpu-{n}g"] = Model(
            card="H100", count=n, network_gbps=gbps, ssd_gib=750 * n, fabric=fabric
        )
    for n, count, gbps in ((4, 1, 10), (8, 1, 16), (12, 1, 16), (16, 1, 32), (32, 1, 32)):
        models[f"g2-standard-{n}"] = Model(card="L4", count=count, network_gbps=gbps)
    for n, count, gbps in ((24, 2, 32), (48, 4, 50), (96, 8, 100)):
        models[f"g2-standard-{n}"] = Model(card="L4", count=count, network_gbps=gbps)
    gbps_of_whole = {48: 50, 96: 100, 192: 200, 384: 400}
    for n in (6, 12, 24, 48, 96, 192, 384):
        models[f"g4-standard-{n}"] = Model(
            card="RTX-PRO-6000", count=n / 48, network_gbps=gbps_of_whole.get(n)
        )
    return models | _large_models() | _tpu_models()


def _large_models() -> dict[str, Model]:
    rdma, rack = Fabric.RDMA, Fabric.NVLINK_RACK
    return {
        "a3-edgegpu-8g": Model(card="H100", count=8, network_gbps=600, ssd_gib=6000),
        "a3-edgegpu-8g-nolssd": Model(card="H100", count=8, network_gbps=600),
        "a3-megagpu-8g": Model(card="H100", count=8, network_gbps=1800, ssd_gib=6000, fabric=rdma),
        "a3-ultragpu-8g": Model(
            card="H200", count=8, network_gbps=3600, ssd_gib=12000, fabric=rdma
        ),
        "a3-ultragpu-8g-nolssd": Model(card="H200", count=8, network_gbps=3600, fabric=rdma),
        "a4-highgpu-8g": Model(
            card="B200", count=8, network_gbps=3600, ssd_gib=12000, fabric=rdma
        ),
        "a4x-highgpu-4g": Model(
            card="GB200", count=4, network_gbps=2000, ssd_gib=12000, fabric=rack
        ),
        "a4x-maxgpu-4g-metal": Model(card="GB300", count=4, fabric=rack),
    }


def _tpu_models() -> dict[str, Model]:
    chips = {"ct3-hightpu": "TPU-v3", "ct3p-hightpu": "TPU-v3", "ct5l-hightpu": "TPU-v5e"}
    chips |= {"ct5lp-hightpu": "TPU-v5e", "ct5p-hightpu": "TPU-v5p"}
    chips |= {"ct6e-standard": "TPU-v6e", "tpu7x-standard": "TPU7x"}
    return {
        f"{family}-{n}t": Model(card=card, count=n)
        for family, card in chips.items()
        for n in (1, 4, 8)
    }


MODELS: Final = _models()

#: N1 machines that take a choice of GPUs, as this market lists them: GPU, count, machines.
#: Google allows more; these keep 4 to 16 vCPUs per GPU, within each GPU's limit.
N1_CHOICES: Final = (
    ("T4", 1, ("n1-standard-4", "n1-standard-8", "n1-standard-16")),
    ("T4", 2, ("n1-standard-16", "n1-standard-32")),
    ("T4", 4, ("n1-standard-32", "n1-standard-64")),
    ("P4", 1, ("n1-standard-4", "n1-standard-8")),
    ("P4", 2, ("n1-standard-16",)),
    ("P4", 4, ("n1-standard-32",)),
    ("P100", 1, ("n1-standard-8", "n1-standard-16")),
    ("P100", 2, ("n1-standard-16",)),
    ("P100", 4, ("n1-standard-32",)),
    ("V100", 1, ("n1-standard-8",)),
    ("V100", 2, ("n1-standard-16",)),
    ("V100", 4, ("n1-standard-32",)),
    ("V100", 8, ("n1-standard-64",)),
)

_NOT_ON_DEMAND: Final = re.compile(r"a4-.*|a4x-.*|a3-ultragpu-.*|a3-highgpu-[124]g")


def n1_name(machine: str, card: str, count: int) -> str:
    """Return the instance type of an N1 machine with GPUs attached."""
    return f"{machine}+nvidia-tesla-{card.lower()}x{count}"


def machine_specs(machine_type: str, record: Record) -> Specs:
    """Return the specification of a machine type from its vCPU and memory record."""
    return _described(record, MODELS.get(machine_type), is_arm=_is_arm(machine_type))


def n1_specs(card: str, count: int, record: Record) -> Specs:
    """Return the specification of an N1 machine with `count` GPUs attached."""
    return _described(record, Model(card=card, count=count), is_arm=False)


def _described(record: Record, model: Model | None, *, is_arm: bool) -> Specs:
    is_rack = model is not None and model.fabric is Fabric.NVLINK_RACK
    return Specs(
        accelerator=canonical(model.card)[0] if model else None,
        accelerators=float(model.count) if model else 0.0,
        vcpus=int(record["vcpus"]),
        memory_gib=float(record["memory_gib"]),
        local_disk_gib=float(model.ssd_gib) if model else None,
        network_gbps=model.network_gbps if model else None,
        fabric=(model.fabric if model else Fabric.NONE).value,
        arch="arm64" if is_arm else "x86_64",
        rack_hosts=RACK_HOSTS if is_rack else None,
        source="gcp-types",
    )


def _is_arm(machine_type: str) -> bool:
    return machine_type.startswith(("a4x-", "c4a-"))


def purchasable(machine_type: str, option: PurchaseOption) -> Purchasable:
    """Tell whether Google sells a machine type to anyone under an option.

    A4, A4X, A3 Ultra and the small A3 High machines carry an on-demand price and cannot be
    had on demand; committed use of them needs a reservation that Google grants or not.
    """
    if not _NOT_ON_DEMAND.fullmatch(machine_type):
        return Purchasable.YES
    if option is PurchaseOption.ON_DEMAND:
        return Purchasable.NO
    return Purchasable.UNKNOWN if option.years else Purchasable.YES


def quota_family(machine_type: str, card: str | None, option: PurchaseOption) -> str | None:
    """Return the quota an offer draws on as a refresh names it, None where it knows none."""
    return families.quota_of(machine_type, guest_of(machine_type, card), option)
