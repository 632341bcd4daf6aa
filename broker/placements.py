"""From the optimizer's allocation to placements with exact hours, shares and money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from broker.carbon import price_per_hour
from broker.costing import placement_cost, rate_of
from broker.covered_hours import with_coverage
from broker.machines import load_carried, loads_carried, useful_hours, work_hours
from broker.offers import PurchaseOption
from broker.plans import Placement, SizeRoute
from broker.rules.rule import AnyWorkload, Scene
from broker.spot import carried_share, rework_factor
from broker.transfer_bills import Move
from broker.transfer_terms import bills_of
from broker.units import plain, round_nano
from broker.windows import usable_hours
from broker.workloads import Batch, Service, Shape, Training
from solver.problem import Problem
from solver.solution import Solution

_KINDS = {Training: "training", Service: "service", Batch: "batch"}
_SHARE = Decimal("1e-15")
_Sent = defaultdict[tuple[str, str, str], defaultdict[str, Decimal]]
"""(workload, offer, shape) -> size -> rate sent there."""
#: Part of the whole to which the optimizer keeps its rows; nearer to full is full.
_TOLERANCE = Decimal("1e-6")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """One row of the allocation: instances of an offer, given to a workload.

    Attributes:
        offer: columns of the stock row.
        place: number of its place.
        shape: the shape it runs.
        instances: whole instances.
        accelerators, hosts: of one instance; how many are sold together.
        lost: interruptions per hour.
        part: of the workload, as the optimizer says.
    """

    offer: Mapping[str, Any]
    place: int
    shape: Shape
    instances: int
    accelerators: Decimal
    hosts: int
    lost: Decimal
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """The same in exact numbers.

    Attributes:
        given: the instances.
        useful, billed: instance-hours.
        served: see `Placement.served`; with sizes: of the stated mix.
        moved_gb: data moved for it.
        carrying: service: instances, less what is lost to interruptions and headroom.
    """

    given: _Given
    useful: Decimal
    billed: Decimal
    served: Decimal
    moved_gb: Decimal
    carrying: Decimal = Decimal(0)


def placements(
    scene: Scene, problem: Problem, solution: Solution, by_size: Sequence[SizeRoute] = ()
) -> tuple[Placement, ...]:
    """Return the placements of `solution`, by workload in spec order, then by offer.

    Args:
        scene: where it was asked.
        problem: what was asked.
        solution: the answer.
        by_size: `broker.routes.size_routes` of it.
    """
    sent: _Sent = defaultdict(lambda: defaultdict(Decimal))
    for one in by_size:
        sent[one.workload, one.offer, one.shape][one.size] += one.rate
    workloads = scene.spec.workloads
    given_to = _given(scene, problem, solution)
    shares = [
        list(_shares(scene, workload, given, is_whole=unmet == 0))
        for workload, given, unmet in zip(workloads, given_to, solution.unmet, strict=True)
    ]
    transfer = iter(_transfer_lines(scene, shares))
    found: list[Placement] = []
    for workload, own in zip(workloads, shares, strict=True):
        placed = [_of_mix(scene, workload, share, next(transfer), sent=sent) for share in own]
        found += sorted(placed, key=lambda one: (one.offer, one.shape))
    return with_coverage(scene, found)


def _given(scene: Scene, problem: Problem, solution: Solution) -> list[list[_Given]]:
    """Spell out the allocation, workload by workload."""
    allocation, machines, workloads = solution.allocation, scene.machines, scene.spec.workloads
    rows, which = np.unique(allocation.supply, return_inverse=True)
    offers = list(scene.stock.frame[rows.tolist()].iter_rows(named=True))
    given: list[list[_Given]] = [[] for _ in workloads]
    for demand, mode, supply, number, units, part in zip(
        allocation.demand.tolist(),
        allocation.mode.tolist(),
        allocation.supply.tolist(),
        which.tolist(),
        allocation.units.tolist(),
        allocation.share.tolist(),
        strict=True,
    ):
        hosts = int(machines.hosts[machines.of_row[supply]])
        held = float(machines.accelerators[machines.of_row[supply]])
        given[demand].append(
            _Given(
                offer=offers[number],
                place=int(scene.place_of_row[supply]),
                shape=workloads[demand].shapes[int(problem.demands.mode_shape[mode])],
                instances=units * hosts,
                accelerators=Decimal(repr(held)),
                hosts=hosts,
                lost=Decimal(repr(float(offers[number]["interruptions"]))),
                part=part,
            )
        )
    return given


def _transfer_lines(scene: Scene, shares: Sequence[Sequence[_Share]]) -> list[Decimal]:
    """USD for the data of every share, one after another; volumes add up over workloads."""
    moves = [
        Move(
            origin=workload.data.place if workload.data else "",
            target=scene.places[share.given.place],
            gb=share.moved_gb,
        )
        for workload, own in zip(scene.spec.workloads, shares, strict=True)
        for share in own
    ]
    return bills_of(scene).lines_usd(moves)


def _shares(
    scene: Scene, workload: AnyWorkload, given: Sequence[_Given], *, is_whole: bool
) -> Iterator[_Share]:
    if isinstance(workload, Batch):
        yield from _batch_shares(scene, workload, given, is_whole=is_whole)
        return
    count = sum(one.instances for one in given)
    for one, moved in zip(given, _once_per_place(workload, given), strict=True):
        yield _whole_share(scene, workload, one, moved=moved, of=count)


def _once_per_place(workload: AnyWorkload, given: Sequence[_Given]) -> list[Decimal]:
    """All data goes to every place once: charge it to the place's first row."""
    seen: set[int] = set()
    moved: list[Decimal] = []
    for one in given:
        first = workload.data is not None and one.place not in seen
        seen.add(one.place)
        moved.append(workload.data.gb if first and workload.data is not None else Decimal(0))
    return moved


def _whole_share(
    scene: Scene, workload: Training | Service, given: _Given, *, moved: Decimal, of: int
) -> _Share:
    carrying = Decimal(0)
    if isinstance(workload, Training):
        hours = useful_hours(workload, given.shape)
        factor = Decimal(1) if workload.spot is None else rework_factor(workload.spot, given.lost)
        served = (Decimal(given.instances) / of).quantize(_SHARE)
    else:
        hours, factor = scene.spec.period, Decimal(1)
        carried = load_carried(workload, given.shape, given.accelerators)
        kept = Decimal(1) if workload.spot is None else carried_share(workload.spot, given.lost)
        carrying = given.instances * kept / (1 + workload.headroom)
        served = round_nano(carried * carrying)
    return _Share(
        given=given,
        useful=round_nano(hours * given.instances),
        billed=round_nano(hours * factor) * given.instances,
        served=served,
        moved_gb=moved,
        carrying=carrying,
    )


def _batch_shares(
    scene: Scene, batch: Batch, given: Sequence[_Given], *, is_whole: bool
) -> Iterator[_Share]:
    """Make shares exact: they sum to what is served, and fit the hours of their instances."""
    deadline = scene.spec.period if batch.deadline is None else batch.deadline
    hours_each = [usable_hours(one.offer, scene.stock.start, deadline) for one in given]
    whole = [work_hours(batch, one.shape, one.accelerators, one.hosts) for one in given]
    factors = [
        Decimal(1) if batch.spot is None else rework_factor(batch.spot, one.lost) for one in given
    ]
    most = [
        each * one.instances / (hours * factor)
        for each, one, hours, factor in zip(hours_each, given, whole, factors, strict=True)
    ]
    parts = [one.part for one in given]
    exact = _summing_to(parts, most, Decimal(1) if is_whole else None)
    for one, hours, factor, share, each in zip(
        given, whole, factors, exact, hours_each, strict=True
    ):
        billed = min(round_nano(hours * share * factor), round_nano(each * one.instances))
        yield _Share(
            given=one,
            useful=round_nano(billed / factor),
            billed=billed,
            served=share,
            moved_gb=Decimal(0) if batch.data is None else batch.data.gb * share,
        )


def _summing_to(
    parts: Sequence[float], most: Sequence[Decimal], total: Decimal | None
) -> list[Decimal]:
    """Round parts to fifteen decimals within `most`; give what is left to the roomiest part.

    A part that all but fills its instances fills them, so that hours come out whole.
    """
    exact = [
        min(limit if limit - rough <= _TOLERANCE * limit else rough, limit).quantize(_SHARE)
        for rough, limit in zip(map(Decimal, map(repr, parts)), most, strict=True)
    ]
    if total is not None and exact:
        room = [limit - part for part, limit in zip(exact, most, strict=True)]
        roomiest = max(range(len(exact)), key=lambda index: room[index])
        exact[roomiest] += total - sum(exact, Decimal(0))
    return exact


def _placement(
    scene: Scene, workload: AnyWorkload, share: _Share, transfer_usd: Decimal
) -> Placement:
    offer, instances = share.given.offer, share.given.instances
    option = PurchaseOption(offer["option"])
    rate = rate_of(offer, scene.stock.start, scene.spec.period)
    return Placement(
        workload=workload.name,
        kind=_KINDS[type(workload)],
        shape=share.given.shape.written,
        offer=offer["id"],
        provider=offer["provider"],
        region=offer["region"],
        zone=offer["zone"],
        instance_type=offer["instance_type"],
        option=option.value,
        variant=offer["variant"],
        accelerator=offer["accelerator"] or "",
        accelerators=plain(Decimal(repr(float(offer["accelerators"])))),
        instances=instances,
        hours=round_nano(share.billed / instances),
        instance_hours=share.billed,
        useful_hours=share.useful,
        covered_hours=Decimal(0),
        owned=offer["owned"],
        served=share.served,
        list_usd_per_hour=rate.list_usd_per_hour,
        contracted_usd_per_hour=rate.contracted_usd_per_hour,
        price_source=offer["price_source"] or "",
        price_observed_at=_day(offer["price_observed_at"]),
        capacity=_capacity(offer),
        cost=placement_cost(
            rate,
            instances=instances,
            useful_hours=share.useful,
            instance_hours=share.billed,
            carbon_usd=share.billed * price_per_hour(offer, scene.spec),
            transfer_usd=transfer_usd,
        ),
    )


def _of_mix(
    scene: Scene, workload: AnyWorkload, share: _Share, transfer_usd: Decimal, *, sent: _Sent
) -> Placement:
    """A placement; of a service with sizes: what it could carry of the mix sent to it."""
    placed = _placement(scene, workload, share, transfer_usd)
    if not isinstance(workload, Service) or not workload.sizes:
        return placed
    loads = sent[workload.name, placed.offer, placed.shape]
    each = loads_carried(workload, share.given.shape, share.given.accelerators)
    time = sum((rate / each[size] for size, rate in loads.items()), Decimal(0))
    if not time:
        return placed
    mixed = sum(loads.values(), Decimal(0)) / time
    return replace(placed, served=round_nano(share.carrying * mixed))


def usual_load(scene: Scene, service: Service, one: Placement) -> Decimal:
    """Return the load of the service's stated mix that a placement carries."""
    row = int((scene.stock.frame["id"] == one.offer).arg_max() or 0)
    shape = next(shape for shape in service.shapes if shape.written == one.shape)
    kept = Decimal(1)
    if service.spot is not None:
        lost = Decimal(repr(float(scene.stock.number("interruptions")[row])))
        kept = carried_share(service.spot, lost)
    held = float(scene.machines.accelerators[scene.machines.of_row[row]])
    each = load_carried(service, shape, Decimal(repr(held)))
    return one.instances * each * kept / (1 + service.headroom)


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment is not None else ""


def _capacity(offer: Mapping[str, Any]) -> str:
    if offer["owned"] or offer["available"] is not None:
        return "known"
    return "assumed" if offer["capacity_assumed"] else "unknown"
