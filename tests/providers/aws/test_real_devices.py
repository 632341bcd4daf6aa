"""Every accelerator of the 1,395 types that EC2 described in August 2026 is read right.

`real_devices.csv` holds the facts of those answers (as moto 5.2.5 packages them): one line for
each device of the 79 types that have any.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from broker.provider import Fetched, Json, Row
from providers.aws.answers import Answers
from providers.aws.read_types import Machine, read_machines
from tests.providers.aws.cloud import NOON

FACTS = Path(__file__).with_name("real_devices.csv")
#: Accelerator -> how many types have it.
TYPES = {
    "A100-40": 1,
    "A100-80": 1,
    "A10G": 8,
    "B200": 1,
    "B300": 1,
    "H100": 2,
    "H200": 2,
    "Inferentia1": 4,
    "Inferentia2": 4,
    "L4": 15,
    "L40S": 8,
    "QAIC100": 1,
    "RTX-PRO-4500": 6,
    "RTX-PRO-6000": 6,
    "T4": 7,
    "T4G": 6,
    "Trainium1": 3,
    "Trainium2": 2,
    "V100-32": 1,
}


def _described() -> dict[str, Row]:
    """Return the types in the members of the API."""
    types: dict[str, Row] = {}
    with FACTS.open(encoding="utf-8") as stream:
        for one in csv.DictReader(stream):
            outer, inner = one["info"].split(".")
            device: Row = {"Name": one["name"], "Count": int(one["count"])}
            if one["logical"]:
                device["LogicalGpuCount"] = int(one["logical"])
                device["GpuPartitionSize"] = float(one["partition"])
            device["MemoryInfo"] = {"SizeInMiB": int(one["mib"])}
            devices: list[Json] = [device]
            name = one["instance_type"]
            types.setdefault(name, {"InstanceType": name})[outer] = {inner: devices}
    return types


@pytest.fixture(scope="module")
def machines() -> dict[str, Machine]:
    """Return what the types are read as."""
    rows = list(_described().values())
    fetched = Fetched(dataset="instance-types", region="r", rows=rows, fetched_at=NOON)
    return dict(read_machines(Answers([fetched])))


def test_every_accelerator_is_known(machines: dict[str, Machine]) -> None:
    """No type has an accelerator nobody knows, and each model has its number of types."""
    assert [one.name for one in machines.values() if one.unknown_card] == []
    assert Counter(one.card.name for one in machines.values() if one.card) == TYPES
    assert len(machines) == 79


def test_count_times_memory_is_what_ec2_states(machines: dict[str, Machine]) -> None:
    """Devices times nominal memory is the whole memory that EC2 states, slices included.

    Usable memory is up to 7 % below nominal; Inferentia stands in two lists and counts once.
    """
    with FACTS.open(encoding="utf-8") as stream:
        totals = {one["instance_type"]: int(one["total_mib"]) for one in csv.DictReader(stream)}
    for name, machine in machines.items():
        assert machine.card is not None
        nominal_gib = (machine.accelerators or 0.0) * machine.card.memory_gib
        if machine.card.name == "Trainium2":
            continue  # EC2 states 512 GiB for each; the chip has 96
        assert 0.93 <= totals[name] / 1024 / nominal_gib <= 1.01, name


@pytest.mark.parametrize(
    ("name", "count"),
    [("g6f.large", 0.125), ("g6f.2xlarge", 0.25), ("gr6f.4xlarge", 0.5), ("trn2.48xlarge", 16.0)],
)
def test_counts_the_memory_cannot_show(
    machines: dict[str, Machine], name: str, count: float
) -> None:
    """Slices are parts of a card, not small cards; Trainium2 is counted, not weighed."""
    assert machines[name].accelerators == count
