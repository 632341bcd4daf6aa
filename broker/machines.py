"""How a shape fits a machine: how many instances, what they carry, how long they run.

A *machine* here is an instance type of one provider with its facts, without place or price.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from broker.sizes import throughput_by_size, usual_throughput
from broker.stock import Stock
from broker.workloads import Batch, FabricNeed, Service, Shape, Training

_FACTS = (
    "accelerator",
    "accelerators",
    "accelerator_memory_gib",
    "vcpus",
    "memory_gib",
    "fabric",
    "rack_hosts",
)
#: A stated least is met by what the provider rounds to just under it (117.9 for 118 GiB).
_SLACK = 1 - 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The distinct machines of a stock; K of them.

    Attributes:
        of_row: int32[S], machine of each stock row.
        name: (provider, instance type) per machine.
        accelerator: str[K], "" for CPU machines.
        accelerators, accelerator_memory_gib, vcpus, memory_gib: float64[K], NaN unknown.
        fabric: str[K], "" unknown.
        hosts: int64[K], instances sold together as one NVLink rack; 1: sold singly.
    """

    of_row: NDArray[np.int32]
    name: tuple[tuple[str, str], ...]
    accelerator: NDArray[np.str_]
    accelerators: NDArray[np.float64]
    accelerator_memory_gib: NDArray[np.float64]
    vcpus: NDArray[np.float64]
    memory_gib: NDArray[np.float64]
    fabric: NDArray[np.str_]
    hosts: NDArray[np.int64]

    def hosts_of_row(self) -> NDArray[np.int64]:
        """Return int64[S], instances that are sold together in each stock row."""
        return self.hosts[self.of_row]


def machines_of(stock: Stock) -> Machines:
    """Collect the machines of `stock`, sorted by provider and instance type."""
    keys = stock.frame.select("provider", "instance_type")
    distinct = (
        stock.frame.select("provider", "instance_type", *_FACTS)
        .unique(["provider", "instance_type"], keep="first", maintain_order=True)
        .sort("provider", "instance_type")
        .with_row_index("machine")
    )
    code = keys.join(
        distinct.select("provider", "instance_type", "machine"),
        on=["provider", "instance_type"],
        how="left",
        maintain_order="left",
    )["machine"]

    def numbers(column: str) -> NDArray[np.float64]:
        values = distinct[column].cast(pl.Float64).fill_null(np.nan)
        return values.to_numpy().astype(np.float64)

    def texts(column: str) -> NDArray[np.str_]:
        return np.asarray(distinct[column].fill_null("").to_list(), dtype=np.str_)

    return Machines(
        of_row=code.cast(pl.Int32).to_numpy().astype(np.int32),
        name=tuple(distinct.select("provider", "instance_type").iter_rows()),
        accelerator=texts("accelerator"),
        accelerators=numbers("accelerators"),
        accelerator_memory_gib=numbers("accelerator_memory_gib"),
        vcpus=numbers("vcpus"),
        memory_gib=numbers("memory_gib"),
        fabric=texts("fabric"),
        hosts=distinct["rack_hosts"].fill_null(1).cast(pl.Int64).to_numpy().astype(np.int64),
    )


def fit_basis(shape: Shape, workload: Training | Service | Batch) -> Hashable:
    """Return all that `fits` looks at besides the machines."""
    return (
        isinstance(workload, Training),
        shape.accelerators,
        shape.accelerator_memory,
        shape.count,
        shape.per_node,
        shape.nodes,
        shape.fabric,
        shape.vcpus,
        shape.memory,
    )


def fits(
    shape: Shape, workload: Training | Service | Batch, machines: Machines
) -> NDArray[np.bool_]:
    """Return bool[K]: the machines that can run `shape` at all, fabric included."""
    found = _has_accelerators(shape, machines)
    if shape.vcpus is not None:
        found &= machines.vcpus >= shape.vcpus
    if shape.memory is not None:
        found &= machines.memory_gib >= float(shape.memory) * _SLACK
    return np.asarray(found & _has_fabric(shape, workload, machines), dtype=np.bool_)


def _has_accelerators(shape: Shape, machines: Machines) -> NDArray[np.bool_]:
    if shape.is_cpu_only:
        return np.asarray(machines.accelerators == 0, dtype=np.bool_)
    found = machines.accelerators > 0
    if shape.accelerators:
        found &= np.isin(machines.accelerator, shape.accelerators)
    if shape.accelerator_memory is not None:
        least, most = (float(bound) for bound in shape.accelerator_memory)
        memory = machines.accelerator_memory_gib
        found &= (memory >= least) & (memory <= most)
    together = shape.per_node if shape.per_node is not None else min(shape.count, Decimal(1))
    return np.asarray(found & (machines.accelerators >= float(together) * _SLACK), dtype=np.bool_)


def _has_fabric(
    shape: Shape, workload: Training | Service | Batch, machines: Machines
) -> NDArray[np.bool_]:
    """Training on more than one instance needs RDMA unless it says otherwise."""
    every = np.ones(len(machines.name), np.bool_)
    joined = np.isin(machines.fabric, ("rdma", "nvlink-rack"))
    if shape.fabric is FabricNeed.ANY:
        return every
    if shape.fabric is FabricNeed.NVLINK_RACK:
        return np.asarray(machines.fabric == "nvlink-rack", dtype=np.bool_)
    if shape.fabric is FabricNeed.RDMA:
        return joined
    if not isinstance(workload, Training):
        return every
    sizes, size = np.unique(np.nan_to_num(machines.accelerators), return_inverse=True)
    several = np.array([instances(shape, Decimal(repr(held))) > 1 for held in sizes.tolist()])
    return np.asarray(joined | ~several[size], dtype=np.bool_)


def instances(shape: Shape, accelerators: Decimal) -> int:
    """Return the whole instances with `accelerators` each that hold one `shape`.

    Without `per_node`: ceil(count / accelerators). With it, an instance holds
    floor(accelerators / per_node) nodes, and `nodes` of them are needed.
    """
    if shape.is_cpu_only:
        return shape.nodes
    if accelerators <= 0:
        return 0
    packed = int((shape.count / accelerators).to_integral_value(ROUND_CEILING))
    if shape.per_node is None:
        return packed
    nodes_each = int((accelerators / shape.per_node).to_integral_value(ROUND_FLOOR))
    nodes = (shape.count / shape.per_node).to_integral_value(ROUND_CEILING)
    return max(packed, int((nodes / max(nodes_each, 1)).to_integral_value(ROUND_CEILING)))


def load_carried(service: Service, shape: Shape, accelerators: Decimal) -> Decimal:
    """Return the load one instance carries, in the service's own unit, headroom not taken off.

    floor(accelerators / per_node) replicas of per_node x throughput x speed each; a CPU-only
    instance carries throughput x speed. With sizes: of the stated mix of those it can serve.
    """
    return usual_throughput(service, shape) * shape.speed * _working(shape, accelerators)


def loads_carried(service: Service, shape: Shape, accelerators: Decimal) -> dict[str, Decimal]:
    """Return size -> the load of it that one instance carries when it carries no other."""
    worked = shape.speed * _working(shape, accelerators)
    rates = throughput_by_size(service, shape)
    return {size: rate * worked for size, rate in rates.items()}


def _working(shape: Shape, accelerators: Decimal) -> Decimal:
    """Accelerators of one instance in whole replicas; 1 where the shape asks for none."""
    if shape.is_cpu_only:
        return Decimal(1)
    per_node = shape.per_node if shape.per_node is not None else shape.count
    return (accelerators / per_node).to_integral_value(ROUND_FLOOR) * per_node


def useful_hours(workload: Training, shape: Shape) -> Decimal:
    """Return the hours every instance of a gang works: `hours` are those of speed 1.0."""
    return workload.hours / shape.speed


def gang_instances(shape: Shape, accelerators: Decimal, hosts: int) -> int:
    """Return the instances a gang takes where `hosts` of them are sold together: whole racks."""
    return -(-instances(shape, accelerators) // hosts) * hosts


def work_hours(batch: Batch, shape: Shape, accelerators: Decimal, hosts: int = 1) -> Decimal:
    """Return the instance-hours the whole work takes when nothing is ever lost.

    Where `hosts` instances are sold together, floor(hosts / n) units of n instances run on them
    at once, and a unit of more than `hosts` takes whole racks.
    """
    need = instances(shape, accelerators)
    if need == 0:
        return Decimal(0)
    racks = Decimal(-(-need // hosts)) if need > hosts else 1 / Decimal(hosts // need)
    return batch.work / shape.speed * racks * hosts


def weight(workload: Training | Service | Batch, period_h: Decimal) -> Decimal:
    """Return what the whole workload counts for when unmet.

    Accelerator-hours of its first shape (CPU-only: vCPU-hours / 16) unless it states a weight.
    A service takes the accelerators that carry its demand with headroom, for the period.
    """
    if workload.weight is not None:
        return workload.weight
    shape = workload.shapes[0]
    node = Decimal(shape.vcpus or 1) / 16 if shape.is_cpu_only else Decimal(1)
    if isinstance(workload, Service):
        one = Decimal(1) if shape.is_cpu_only else shape.per_node or shape.count
        rate = load_carried(workload, shape, one) / one
        stated = sum((load.rate for load in workload.demand), Decimal(0))
        return node * stated * (1 + workload.headroom) / rate * period_h
    size = node * shape.nodes if shape.is_cpu_only else shape.count
    if isinstance(workload, Training):
        return size * useful_hours(workload, shape)
    return size * workload.work / shape.speed
