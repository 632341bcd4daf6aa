"""How shapes fit machines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from broker.machines import fits, instances, load_carried, weight, work_hours
from broker.workloads import Batch, Load, Service, Shape, Training
from tests.broker.planning_inputs import scene, spec

EIGHT = Decimal(8)


def fitting(folder: Path, text: str) -> list[str]:
    """Return the instance types that fit the first workload's first shape."""
    one = scene(folder, text)
    workload = one.spec.workloads[0]
    mask = fits(workload.shapes[0], workload, one.machines)
    return [one.machines.name[row][1] for row in mask.nonzero()[0]]


@pytest.mark.parametrize(
    ("shape", "machines"),
    [
        ("accelerators: 'H100:8'", ["p5.48xlarge", "a3-highgpu-8g"]),
        ("accelerators: 'H100-NVL:2'", ["NC80"]),
        ("accelerators: 'H100-NVL:4', fabric: any", ["NC80"]),
        ("accelerators: 'H100-NVL:4'", []),
        ("accelerators: 'L4:1', fabric: any", []),
        ("accelerators: 'L4:0.125'", ["g6f.large"]),
        ("gpu: '90GB..100GB:2'", ["NC80"]),
        ("shapes: [{vcpus: 16, memory: 64 GiB}]", ["n2-standard-16"]),
        ("shapes: [{vcpus: 17}]", []),
        ("shapes: [{accelerators: 'H100:8', memory: 2000 GiB}]", ["p5.48xlarge"]),
    ],
)
def test_machines_that_can_run_a_shape(tmp_path: Path, shape: str, machines: list[str]) -> None:
    """Card, whole or sliced, memory, vCPUs and fabric decide."""
    found = fitting(tmp_path, f"training: [{{name: a, {shape}, hours: 1}}]\n")
    assert sorted(found) == sorted(machines)


@pytest.mark.parametrize(
    ("count", "per_node", "held", "expected"),
    [(3, None, 8, 1), (16, None, 8, 2), (17, None, 8, 3), (16, 8, 16, 1), (16, 4, 6, 4)],
)
def test_instances_of_a_shape(count: int, per_node: int | None, held: int, expected: int) -> None:
    """Whole instances; with `per_node`, whole nodes per instance."""
    shape = Shape(
        count=Decimal(count),
        per_node=None if per_node is None else Decimal(per_node),
        written="x",
    )
    assert instances(shape, Decimal(held)) == expected


def test_a_service_carries_whole_replicas() -> None:
    """Eight accelerators hold two replicas of three; the rest of the machine is idle."""
    shape = Shape(count=Decimal(3), per_node=Decimal(3), speed=Decimal("1.5"), written="x")
    service = Service(
        name="s",
        shapes=(shape,),
        demand=(Load(origin="paris", rate=Decimal(1)),),
        throughput=Decimal(10),
    )
    assert load_carried(service, shape, EIGHT) == 2 * 3 * 10 * Decimal("1.5")


def test_a_batch_takes_whole_instances_per_unit() -> None:
    """A unit of 12 accelerators needs two machines of 8; half the speed doubles the hours."""
    shape = Shape(count=Decimal(12), speed=Decimal("0.5"), written="x")
    batch = Batch(name="b", shapes=(shape,), work=Decimal(30))
    assert work_hours(batch, shape, EIGHT) == 120


def test_weights_are_accelerator_hours_of_the_first_shape(tmp_path: Path) -> None:
    """Training count x hours, batch count x work, service by demand, CPU by vCPUs / 16."""
    one = spec(
        tmp_path,
        "training: [{name: t, accelerators: 'H100:16', hours: 90}]\n"
        "services: [{name: s, accelerators: 'H100:8', throughput: 2, headroom: 50%, "
        "demand: [{from: paris, rate: 40}]}]\n"
        "batch: [{name: b, shapes: [{vcpus: 32}], work: 10h}, "
        "{name: w, accelerators: 'H100:8', work: 1h, weight: 7}]\n",
    )
    found = {item.name: weight(item, one.period) for item in one.workloads}
    assert found == {"t": 1440, "s": 40 * Decimal("1.5") / 2 * 100, "b": 20, "w": 7}
    assert isinstance(one.training[0], Training)
