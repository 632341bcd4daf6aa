"""What it would cost to run a whole workload on one offer alone, offer by offer.

The common yardstick of explanations: exact money, capacity and the other workloads left aside.
A service's way is the cost of carrying its whole demand there, every size of request at its share;
an offer that cannot serve one of the sizes is no way.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from broker.candidates import Candidates
from broker.carbon import price_per_hour
from broker.costing import placement_cost, rate_of
from broker.machines import gang_instances, load_carried, useful_hours, work_hours
from broker.rules.rule import AnyWorkload, Scene
from broker.sizes import share_served
from broker.spot import carried_share, rework_factor
from broker.tiers import bill
from broker.units import round_nano
from broker.windows import usable_hours
from broker.workloads import Batch, Service, Shape, Training

#: Offers priced exactly per workload; the rest is dearer by the plain price of the hours.
_PRICED = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A workload run wholly on one offer.

    Attributes:
        row: stock row.
        offer: its id.
        shape: as written.
        instances: instances it would hold.
        instance_hours: billed in all.
        compute_usd, rework_usd, transfer_usd, carbon_usd: cost lines.
        same: what makes two ways alike to a reader: place, instance type, option.
        is_limited: the offer's capacity is stated or assumed.
    """

    row: int
    offer: str
    shape: str
    instances: int
    instance_hours: Decimal
    compute_usd: Decimal
    rework_usd: Decimal
    transfer_usd: Decimal
    carbon_usd: Decimal
    same: tuple[str, str, str]
    is_limited: bool

    @property
    def total_usd(self) -> Decimal:
        """Sum of the lines."""
        return self.compute_usd + self.rework_usd + self.transfer_usd + self.carbon_usd


class _Machine(NamedTuple):
    """Accelerators of one instance, and how many instances are sold together."""

    accelerators: Decimal
    hosts: int

    def whole(self, instances: int) -> int:
        """Round instances up to whole racks."""
        return -(-instances // self.hosts) * self.hosts


def cheapest_ways(scene: Scene, candidates: Candidates) -> list[Way]:
    """Return the ways of one workload, cheapest first, ties by offer."""
    return ways_on(scene, candidates, np.flatnonzero(candidates.admitted))


def ways_on(scene: Scene, candidates: Candidates, rows: NDArray[np.int64]) -> list[Way]:
    """Return the ways of one workload on some stock rows, cheapest first, ties by offer."""
    found: list[Way] = []
    for number, shape in enumerate(candidates.workload.shapes):
        fit = candidates.shape_fits[number][scene.machines.of_row[rows]]
        usable = rows[fit]
        per_accelerator = scene.stock.usd_per_hour[usable] / np.maximum(
            scene.machines.accelerators[scene.machines.of_row[usable]], 1e-9
        )
        order = np.argsort(per_accelerator, kind="stable")[:_PRICED]
        found += [
            way
            for row in usable[order].tolist()
            if (way := _way(scene, candidates.workload, shape, row)) is not None
        ]
    return sorted(found, key=lambda way: (way.total_usd, way.offer, way.shape))


def _way(scene: Scene, workload: AnyWorkload, shape: Shape, row: int) -> Way | None:
    offer = scene.stock.frame.row(row, named=True)
    held = Decimal(repr(float(scene.machines.accelerators[scene.machines.of_row[row]])))
    lost = Decimal(repr(float(offer["interruptions"])))
    until = workload.deadline if isinstance(workload, Batch) else None
    each = usable_hours(offer, scene.stock.start, until or scene.spec.period)
    hosts = int(scene.machines.hosts[scene.machines.of_row[row]])
    sized = _size(scene, workload, shape, _Machine(held, hosts), (lost, each))
    if sized is None:
        return None
    count, useful, billed = sized
    target = f"{offer['provider']}/{offer['region']}"
    moved = Decimal(0)
    if workload.data is not None:
        moved = bill(scene.transfer.tiers(workload.data.place, target), workload.data.gb)
    cost = placement_cost(
        rate_of(offer, scene.stock.start, scene.spec.period),
        instances=count,
        useful_hours=useful,
        instance_hours=billed,
        transfer_usd=moved,
        carbon_usd=billed * price_per_hour(offer, scene.spec),
    )
    return Way(
        row=row,
        offer=offer["id"],
        shape=shape.written,
        instances=count,
        instance_hours=billed,
        compute_usd=cost.compute,
        rework_usd=cost.rework,
        transfer_usd=cost.transfer,
        carbon_usd=cost.carbon,
        same=(target, offer["instance_type"], offer["option"]),
        is_limited=offer["capacity"] is not None,
    )


def _size(
    scene: Scene,
    workload: AnyWorkload,
    shape: Shape,
    machine: _Machine,
    loss_and_hours: tuple[Decimal, Decimal],
) -> tuple[int, Decimal, Decimal] | None:
    """(instances, useful instance-hours, billed instance-hours); None: it cannot carry any."""
    lost, each = loss_and_hours
    spot = workload.spot
    factor = Decimal(1) if spot is None else rework_factor(spot, lost)
    if isinstance(workload, Training):
        count = gang_instances(shape, machine.accelerators, machine.hosts)
        useful = round_nano(useful_hours(workload, shape) * count)
        return count, useful, round_nano(useful * factor)
    if isinstance(workload, Batch):
        useful = round_nano(work_hours(workload, shape, machine.accelerators, machine.hosts))
        billed = round_nano(useful * factor)
        return machine.whole(_ceiling(billed / each)), useful, billed
    return _service_size(scene, workload, shape, machine, lost)


def _service_size(
    scene: Scene, workload: Service, shape: Shape, machine: _Machine, lost: Decimal
) -> tuple[int, Decimal, Decimal] | None:
    carried = load_carried(workload, shape, machine.accelerators)
    if workload.spot is not None:
        carried *= carried_share(workload.spot, lost)
    if carried <= 0 or share_served(workload, shape) < 1:
        return None  # it would not carry the whole
    stated = sum((load.rate for load in workload.demand), Decimal(0))
    count = machine.whole(_ceiling(stated * (1 + workload.headroom) / carried))
    return count, count * scene.spec.period, count * scene.spec.period


def _ceiling(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))
