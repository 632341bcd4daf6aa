"""From the optimizer's allocation to placements with exact hours, shares and money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

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
class _Share:
    """One row of the allocation, in exact numbers.

    Attributes:
        row: stock row.
        shape: the shape it runs.
        instances: whole instances.
        useful, billed: instance-hours.
        served: see `Placement.served`; with sizes: of the stated mix.
        moved_gb: data moved for it.
        carrying: service: instances, less what is lost to interruptions and headroom.
    """

    row: int
    shape: Shape
    instances: int
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
    allocation = solution.allocation
    rows_of = [
        [int(row) for row in (allocation.demand == demand).nonzero()[0]]
        for demand in range(len(scene.spec.workloads))
    ]
    shares = [
        list(_shares(scene, problem, solution, workload, rows))
        for workload, rows in zip(scene.spec.workloads, rows_of, strict=True)
    ]
    transfer = iter(_transfer_lines(scene, shares))
    found: list[Placement] = []
    for workload, own in zip(scene.spec.workloads, shares, strict=True):
        placed = [_of_mix(scene, workload, share, next(transfer), sent=sent) for share in own]
        found += sorted(placed, key=lambda one: (one.offer, one.shape))
    return with_coverage(scene, found)


def _transfer_lines(scene: Scene, shares: Sequence[Sequence[_Share]]) -> list[Decimal]:
    """USD for the data of every share, one after another; volumes add up over workloads."""
    moves = [
        Move(
            origin=workload.data.place if workload.data else "",
            target=scene.places[int(scene.place_of_row[share.row])],
            gb=share.moved_gb,
        )
        for workload, own in zip(scene.spec.workloads, shares, strict=True)
        for share in own
    ]
    return bills_of(scene).lines_usd(moves)


def _shares(
    scene: Scene,
    problem: Problem,
    solution: Solution,
    workload: AnyWorkload,
    rows: Sequence[int],
) -> Iterator[_Share]:
    allocation = solution.allocation
    shapes = [
        workload.shapes[int(problem.demands.mode_shape[allocation.mode[row]])] for row in rows
    ]
    stock_rows = [int(allocation.supply[row]) for row in rows]
    hosts = scene.machines.hosts_of_row()
    units = [int(allocation.units[row] * hosts[allocation.supply[row]]) for row in rows]
    moves = _once_per_place(scene, workload, stock_rows)
    if isinstance(workload, Batch):
        unmet = float(solution.unmet[scene.spec.workloads.index(workload)])
        parts = [float(allocation.share[row]) for row in rows]
        return _batch_shares(scene, workload, (stock_rows, shapes, units), (parts, unmet))
    whole = [
        _whole_share(scene, workload, shape, row=row, instances=count, moved=moved, of=sum(units))
        for row, shape, count, moved in zip(stock_rows, shapes, units, moves, strict=True)
    ]
    return iter(whole)


def _once_per_place(
    scene: Scene, workload: AnyWorkload, stock_rows: Sequence[int]
) -> list[Decimal]:
    """All data goes to every place once: charge it to the place's first row."""
    seen: set[int] = set()
    moved: list[Decimal] = []
    for row in stock_rows:
        place = int(scene.place_of_row[row])
        first = workload.data is not None and place not in seen
        seen.add(place)
        moved.append(workload.data.gb if first and workload.data is not None else Decimal(0))
    return moved


def _whole_share(
    scene: Scene,
    workload: Training | Service,
    shape: Shape,
    *,
    row: int,
    instances: int,
    moved: Decimal,
    of: int,
) -> _Share:
    rate, carrying = _interruptions(scene, row), Decimal(0)
    if isinstance(workload, Training):
        hours = useful_hours(workload, shape)
        factor = Decimal(1) if workload.spot is None else rework_factor(workload.spot, rate)
        served = (Decimal(instances) / of).quantize(_SHARE)
    else:
        hours, factor = scene.spec.period, Decimal(1)
        carried = load_carried(workload, shape, _accelerators(scene, row))
        kept = Decimal(1) if workload.spot is None else carried_share(workload.spot, rate)
        carrying = instances * kept / (1 + workload.headroom)
        served = round_nano(carried * carrying)
    return _Share(
        row=row,
        shape=shape,
        instances=instances,
        useful=round_nano(hours * instances),
        billed=round_nano(hours * factor) * instances,
        served=served,
        moved_gb=moved,
        carrying=carrying,
    )


def _batch_shares(
    scene: Scene,
    batch: Batch,
    where: tuple[Sequence[int], Sequence[Shape], Sequence[int]],
    shared: tuple[Sequence[float], float],
) -> Iterator[_Share]:
    """Make shares exact: they sum to what is served, and fit the hours of their instances."""
    deadline = scene.spec.period if batch.deadline is None else batch.deadline
    stock_rows, shapes, units = where
    hours_each = [
        usable_hours(scene.stock.frame.row(row, named=True), scene.stock.start, deadline)
        for row in stock_rows
    ]
    parts, unmet = shared
    whole = [
        work_hours(batch, shape, _accelerators(scene, row), _hosts(scene, row))
        for row, shape in zip(stock_rows, shapes, strict=True)
    ]
    factors = [
        Decimal(1) if batch.spot is None else rework_factor(batch.spot, _interruptions(scene, row))
        for row in stock_rows
    ]
    most = [
        each * count / (hours * factor)
        for each, count, hours, factor in zip(hours_each, units, whole, factors, strict=True)
    ]
    exact = _summing_to(parts, most, Decimal(1) if unmet == 0 else None)
    for row, shape, count, hours, factor, share, each in zip(
        stock_rows, shapes, units, whole, factors, exact, hours_each, strict=True
    ):
        billed = min(round_nano(hours * share * factor), round_nano(each * count))
        yield _Share(
            row=row,
            shape=shape,
            instances=count,
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


def _accelerators(scene: Scene, row: int) -> Decimal:
    machine = int(scene.machines.of_row[row])
    return Decimal(repr(float(scene.machines.accelerators[machine])))


def _hosts(scene: Scene, row: int) -> int:
    return int(scene.machines.hosts[scene.machines.of_row[row]])


def _interruptions(scene: Scene, row: int) -> Decimal:
    return Decimal(repr(float(scene.stock.frame["interruptions"][row])))


def _placement(
    scene: Scene, workload: AnyWorkload, share: _Share, transfer_usd: Decimal
) -> Placement:
    offer = scene.stock.frame.row(share.row, named=True)
    option = PurchaseOption(offer["option"])
    rate = rate_of(offer, scene.stock.start, scene.spec.period)
    return Placement(
        workload=workload.name,
        kind=_KINDS[type(workload)],
        shape=share.shape.written,
        offer=offer["id"],
        provider=offer["provider"],
        region=offer["region"],
        zone=offer["zone"],
        instance_type=offer["instance_type"],
        option=option.value,
        variant=offer["variant"],
        accelerator=offer["accelerator"] or "",
        accelerators=plain(Decimal(repr(float(offer["accelerators"])))),
        instances=share.instances,
        hours=round_nano(share.billed / share.instances),
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
            instances=share.instances,
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
    each = loads_carried(workload, share.shape, _accelerators(scene, share.row))
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
        kept = carried_share(service.spot, _interruptions(scene, row))
    each = load_carried(service, shape, _accelerators(scene, row))
    return one.instances * each * kept / (1 + service.headroom)


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment is not None else ""


def _capacity(offer: dict[str, object]) -> str:
    if offer["owned"] or offer["available"] is not None:
        return "known"
    return "assumed" if offer["capacity_assumed"] else "unknown"
