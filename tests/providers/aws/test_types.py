"""Instance types as EC2 describes them, read into canonical accelerators, counts and memory."""

from __future__ import annotations

import pytest

from broker.offers import PurchaseOption
from broker.provider import Fetched, Json, Row
from providers.aws.answers import Answers
from providers.aws.read_types import Machine, quota_family, read_machines
from tests.providers.aws.cloud import NOON

# Facts of DescribeInstanceTypes answers (2026-08): type; key of the devices; name, whole
# devices, logical devices, size of each, MiB of each as stated; and what they mean.
GPU, NEURON, INFERENCE = (
    "GpuInfo.Gpus",
    "NeuronInfo.NeuronDevices",
    ("InferenceAcceleratorInfo.Accelerators"),
)
DEVICES = [
    ("p5.48xlarge", GPU, "H100", 8, 8, 1.0, 81920, "H100", 8.0),
    ("p5.4xlarge", GPU, "H100", 1, 1, 1.0, 81920, "H100", 1.0),
    ("p5e.48xlarge", GPU, "H200", 8, 8, 1.0, 144384, "H200", 8.0),
    ("p5en.48xlarge", GPU, "NVIDIA", 8, 8, 1.0, 144384, "H200", 8.0),
    ("p4d.24xlarge", GPU, "A100", 8, 8, 1.0, 40960, "A100-40", 8.0),
    ("p4de.24xlarge", GPU, "A100", 8, 8, 1.0, 81920, "A100-80", 8.0),
    ("p3dn.24xlarge", GPU, "V100", 8, 8, 1.0, 32768, "V100-32", 8.0),
    ("p3.2xlarge", GPU, "V100", 1, 1, 1.0, 16384, "V100", 1.0),
    ("p6-b200.48xlarge", GPU, "B200", 8, 8, 1.0, 183359, "B200", 8.0),
    ("p6-b300.48xlarge", GPU, "B300", 8, 8, 1.0, 275040, "B300", 8.0),
    ("g4ad.16xlarge", GPU, "Radeon Pro V520", 4, 4, 1.0, 8192, "V520", 4.0),
    ("g4dn.metal", GPU, "T4", 8, 8, 1.0, 16384, "T4", 8.0),
    ("g5.48xlarge", GPU, "A10G", 8, 8, 1.0, 22888, "A10G", 8.0),
    ("g5g.16xlarge", GPU, "T4g", 2, 2, 1.0, 16384, "T4G", 2.0),
    ("g6.12xlarge", GPU, "L4", 4, 4, 1.0, 22888, "L4", 4.0),
    ("g6e.12xlarge", GPU, "L40S", 4, 4, 1.0, 45776, "L40S", 4.0),
    ("g6f.large", GPU, "L4", 0, 1, 0.125, 2861, "L4", 0.125),
    ("g6f.2xlarge", GPU, "L4", 0, 1, 0.25, 5722, "L4", 0.25),
    ("gr6f.4xlarge", GPU, "L4", 0, 1, 0.5, 11444, "L4", 0.5),
    ("g7.12xlarge", GPU, "RTX PRO 4500", 2, 2, 1.0, 32768, "RTX-PRO-4500", 2.0),
    ("g7e.12xlarge", GPU, "RTX PRO Server 6000", 2, 2, 1.0, 98304, "RTX-PRO-6000", 2.0),
    ("inf1.24xlarge", NEURON, "Inferentia", 16, None, None, 8192, "Inferentia1", 16.0),
    ("inf2.48xlarge", NEURON, "Inferentia2", 12, None, None, 32768, "Inferentia2", 12.0),
    ("trn1.2xlarge", NEURON, "Trainium", 1, None, None, 32768, "Trainium1", 1.0),
    ("trn2.3xlarge", NEURON, "Trainium2", 1, None, None, 524288, "Trainium2", 1.0),
    ("dl2q.24xlarge", INFERENCE, "Qualcomm AI100", 8, None, None, 16000, "QAIC100", 8.0),
]


def machine(row: Row) -> Machine:
    """Return the machine that one described type becomes."""
    fetched = Fetched(dataset="instance-types", region="r", rows=[row], fetched_at=NOON)
    (found,) = read_machines(Answers([fetched])).values()
    return found


def described(
    name: str, key: str, stated: str, counts: tuple[int, int | None, float | None], mib: int
) -> Row:
    """Return a type with one kind of device, in the members of the API."""
    device: Row = {"Name": stated, "Count": counts[0], "MemoryInfo": {"SizeInMiB": mib}}
    if counts[1] is not None:
        device |= {"LogicalGpuCount": counts[1], "GpuPartitionSize": counts[2]}
    outer, inner = key.split(".")
    devices: list[Json] = [device]
    return {"InstanceType": name, outer: {inner: devices}}


@pytest.mark.parametrize(
    ("name", "key", "stated", "counts", "mib", "expected"),
    [(row[0], row[1], row[2], row[3:6], row[6], row[7:]) for row in DEVICES],
)
def test_accelerators(
    name: str,
    key: str,
    stated: str,
    counts: tuple[int, int | None, float | None],
    mib: int,
    expected: tuple[str, float],
) -> None:
    """Name, count and nominal memory are right for whole cards, slices and other makers."""
    found = machine(described(name, key, stated, counts, mib))
    assert found.card is not None
    assert (found.card.name, found.accelerators) == expected
    usable_gib = mib / 1024 / (counts[2] or 1)
    assert 0.93 <= usable_gib / found.card.memory_gib <= 1.01 or name == "trn2.3xlarge"


def test_an_accelerator_nobody_knows_is_named() -> None:
    """A new accelerator is not taken for another one."""
    found = machine(described("p9.48xlarge", GPU, "Z1000", (8, 8, 1.0), 400000))
    assert (found.card, found.unknown_card, found.accelerators) == (None, "Z1000", 8.0)


def test_a_whole_description() -> None:
    """vCPUs, memory, disk, network, fabric and architecture of a large machine."""
    row: Row = {
        "InstanceType": "p5.48xlarge",
        "SupportedUsageClasses": ["on-demand", "spot", "capacity-block"],
        "VCpuInfo": {"DefaultVCpus": 192},
        "MemoryInfo": {"SizeInMiB": 2097152},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "InstanceStorageSupported": True,
        "InstanceStorageInfo": {"TotalSizeInGB": 30400},
        "NetworkInfo": {"EfaSupported": True, "NetworkPerformance": "32x 100 Gigabit"},
    }
    found = machine(row)
    assert (found.vcpus, found.memory_gib, found.local_disk_gib) == (192, 2048.0, 28312.2)
    assert (found.network_gbps, found.fabric, found.arch) == (3200.0, "rdma", "x86_64")
    assert found.usage_classes == {"on-demand", "spot", "capacity-block"}


def test_a_bare_description_leaves_things_unknown() -> None:
    """A member that is missing is unknown, never zero."""
    found = machine({"InstanceType": "x1.large"})
    unknown = (found.vcpus, found.memory_gib, found.local_disk_gib, found.network_gbps, found.arch)
    assert unknown == (None,) * 5


@pytest.mark.parametrize(
    ("text", "gbps"),
    [("Up to 12.5 Gigabit", 12.5), ("4x 100 Gigabit", 400.0), ("Moderate", None)],
)
def test_network(text: str, gbps: float | None) -> None:
    """Network words become Gbit/s where they hold a figure."""
    found = machine({"InstanceType": "t", "NetworkInfo": {"NetworkPerformance": text}})
    assert found.network_gbps == gbps


def test_racks_are_sold_whole() -> None:
    """An UltraServer's instances come 18 at a time over NVLink."""
    found = machine(described("p6e-gb200.36xlarge", GPU, "GB200", (4, 4, 1.0), 189471))
    assert (found.rack_hosts, found.fabric) == (18, "nvlink-rack")


@pytest.mark.parametrize(
    ("name", "option", "family"),
    [
        ("p5.48xlarge", PurchaseOption.ON_DEMAND, "Running On-Demand P instances"),
        ("p5.48xlarge", PurchaseOption.RESERVED_1Y, "Running On-Demand P instances"),
        ("p5.48xlarge", PurchaseOption.SPOT, "All P5 Spot Instance Requests"),
        ("p4d.24xlarge", PurchaseOption.SPOT, "All P4, P3 and P2 Spot Instance Requests"),
        ("g6f.large", PurchaseOption.SPOT, "All G and VT Spot Instance Requests"),
        ("gr6.4xlarge", PurchaseOption.ON_DEMAND, "Running On-Demand G and VT instances"),
        ("p5.48xlarge", PurchaseOption.CAPACITY_BLOCK, None),
        ("p6-b200.48xlarge", PurchaseOption.SPOT, "All P6 Spot Instance Requests"),
        ("p7.48xlarge", PurchaseOption.SPOT, None),
    ],
)
def test_quotas(name: str, option: PurchaseOption, family: str | None) -> None:
    """Each type draws on the quota of its family; a newer one is settled by the quotas' names."""
    known = {"All P6 Spot Instance Requests": 8.0, "All P5 Spot Instance Requests": 0.0}
    assert quota_family(name, option, known) == family
