"""Machine types become machines with the right accelerators, counts, memory and attachments."""

from decimal import Decimal

import pytest

from broker.offers import Fabric, Purchasable
from broker.offers import PurchaseOption as Option
from broker.provider import Json, Row
from providers.gcp import families
from providers.gcp.machines import read_machines
from providers.gcp.offers import accelerator_of


def type_row(name: str, **changes: Json) -> Row:
    row: Row = {
        "zone": "us-central1-a",
        "name": name,
        "vcpus": 8,
        "memory_mib": 30720,
        "accelerator": "",
        "accelerators": 0,
        "ssd_partitions": 0,
        "architecture": "X86_64",
        "state": "",
    }
    return {**row, **changes}


def test_a_slice_is_a_fraction_of_one_accelerator() -> None:
    """g4-standard-6, -12 and -24 hold 1/8, 1/4 and 1/2 GPU though the API says 1."""
    rows = [
        type_row(name, accelerator="nvidia-rtx-pro-6000", accelerators=1)
        for name in ("g4-standard-6", "g4-standard-12", "g4-standard-24", "g4-standard-48")
    ]
    counts = [one.accelerators for one in read_machines(rows, [])]
    assert counts == [Decimal("0.125"), Decimal("0.25"), Decimal("0.5"), Decimal(1)]


def test_bundled_disk_counts_375_gib_a_partition() -> None:
    """16 partitions are 6,000 GiB."""
    (one,) = read_machines([type_row("a3-highgpu-8g", ssd_partitions=16)], [])
    assert one.local_disk_gib == 6000


def test_memory_is_what_is_billed() -> None:
    """3,686 MiB of n1-highcpu-4 are 3.6 GiB, 1,916,928 MiB of a3-highgpu-8g are 1,872."""
    rows = [type_row("n1-highcpu-4", memory_mib=3686), type_row("a3", memory_mib=1916928)]
    assert [one.memory_gib for one in read_machines(rows, [])] == [Decimal("3.6"), Decimal(1872)]


def test_accelerators_attach_to_n1_within_the_zone_and_the_cards() -> None:
    """A zone with up to two T4 offers the pairs of at most two, and only with its own machines."""
    rows = [type_row(f"n1-standard-{n}", vcpus=n) for n in (8, 16, 32)]
    rows.append(type_row("n1-standard-8", zone="us-central1-b"))
    cards: list[Row] = [{"zone": "us-central1-a", "name": "nvidia-tesla-t4", "maximum": 2}]
    attached = [one for one in read_machines(rows, cards) if one.guest_accelerator]
    assert {(one.zone, one.name) for one in attached} == {
        ("us-central1-a", "n1-standard-8+nvidia-tesla-t4x1"),
        ("us-central1-a", "n1-standard-16+nvidia-tesla-t4x1"),
        ("us-central1-a", "n1-standard-16+nvidia-tesla-t4x2"),
        ("us-central1-a", "n1-standard-32+nvidia-tesla-t4x2"),
    }
    assert {one.accelerators for one in attached} == {1, 2}


def test_types_that_are_gone_are_left_out() -> None:
    """Obsolete and deleted types are not offered; deprecated ones still are."""
    rows = [type_row("a", state="OBSOLETE"), type_row("b", state="DEPRECATED")]
    assert [one.name for one in read_machines(rows, [])] == ["b"]


@pytest.mark.parametrize(
    ("guest", "name", "memory_gib"),
    [
        ("nvidia-tesla-a100", "A100-40", 40),
        ("nvidia-a100-80gb", "A100-80", 80),
        ("nvidia-h100-mega-80gb", "H100", 80),
        ("nvidia-h200-141gb", "H200", 141),
        ("nvidia-l4", "L4", 24),
        ("nvidia-rtx-pro-6000", "RTX-PRO-6000", 96),
        ("nvidia-tesla-v100", "V100", 16),
        ("ct6e", "TPU-v6e", 32),
    ],
)
def test_accelerators_have_their_canonical_name(guest: str, name: str, memory_gib: int) -> None:
    """The compute API's names mean exactly one known accelerator."""
    card = accelerator_of(guest)
    assert card is not None
    assert (card.name, card.memory_gib) == (name, memory_gib)


def test_every_chip_of_the_table_is_known() -> None:
    """No chip with a price is left without a canonical name."""
    assert [name for name in families.CHIPS if accelerator_of(name) is None] == []


@pytest.mark.parametrize(
    ("machine_type", "option", "sold"),
    [
        ("a3-highgpu-8g", Option.ON_DEMAND, Purchasable.YES),
        ("a3-highgpu-4g", Option.ON_DEMAND, Purchasable.NO),
        ("a3-highgpu-4g", Option.SPOT, Purchasable.YES),
        ("a3-ultragpu-8g", Option.ON_DEMAND, Purchasable.NO),
        ("a4-highgpu-8g", Option.ON_DEMAND, Purchasable.NO),
        ("a4-highgpu-8g", Option.FLEX_START, Purchasable.YES),
        ("a4-highgpu-8g", Option.RESERVED_1Y, Purchasable.UNKNOWN),
        ("a4x-highgpu-4g", Option.ON_DEMAND, Purchasable.NO),
        ("g2-standard-4", Option.RESERVED_3Y, Purchasable.YES),
    ],
)
def test_a_listed_price_is_not_a_sale(
    machine_type: str, option: Option, sold: Purchasable
) -> None:
    """Families priced on demand but sold otherwise are told apart."""
    assert families.purchasable(machine_type, option) is sold


def test_only_whole_machines_of_the_large_families_share_a_fabric() -> None:
    """GPUDirect machines form gangs, a GB200 rack is 18 hosts, the rest stand alone."""
    names = ("a3-highgpu-8g", "a3-highgpu-4g", "a4-highgpu-8g", "a4x-highgpu-4g", "g2-standard-4")
    assert [families.fabric_of(name) for name in names] == [
        Fabric.RDMA,
        Fabric.NONE,
        Fabric.RDMA,
        Fabric.NVLINK_RACK,
        Fabric.NONE,
    ]
    assert [families.rack_hosts(name) for name in names] == [None, None, None, 18, None]


@pytest.mark.parametrize(
    ("machine_type", "guest", "option", "quota"),
    [
        ("a3-highgpu-8g", "nvidia-h100-80gb", Option.ON_DEMAND, "NVIDIA_H100"),
        ("a3-highgpu-8g", "nvidia-h100-80gb", Option.SPOT, "PREEMPTIBLE_NVIDIA_H100_GPUS"),
        ("a3-highgpu-8g", "nvidia-h100-80gb", Option.FLEX_START, "PREEMPTIBLE_NVIDIA_H100_GPUS"),
        ("a3-highgpu-8g", "nvidia-h100-80gb", Option.CAPACITY_BLOCK, None),
        ("g2-standard-4", "nvidia-l4", Option.ON_DEMAND, "NVIDIA_L4_GPUS"),
        ("g2-standard-4", "nvidia-l4", Option.RESERVED_3Y, "COMMITTED_NVIDIA_L4_GPUS"),
        ("ct6e-standard-4t", "ct6e", Option.ON_DEMAND, None),
        ("e2-standard-8", None, Option.ON_DEMAND, "CPUS"),
        ("n2-standard-8", None, Option.ON_DEMAND, "N2_CPUS"),
        ("n2-standard-8", None, Option.SPOT, "PREEMPTIBLE_CPUS"),
    ],
)
def test_a_machine_draws_on_the_quota_of_its_chips(
    machine_type: str, guest: str | None, option: Option, quota: str | None
) -> None:
    """Chips have quotas by option, CPU machines by series; unknown quotas stay unknown."""
    assert families.quota_of(machine_type, guest, option) == quota
