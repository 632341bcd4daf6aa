"""From candidates and rules to the optimizer's problem.

Demand d is workload d of `Spec.workloads`, supply o is stock row o, place g is `Scene.places[g]`,
machine kind k is machine k: the optimizer's numbers mean the same rows everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from broker.candidates import Candidates
from broker.commitments import due_usd
from broker.machines import instances, load_carried, useful_hours, weight, work_hours
from broker.offers import PurchaseOption
from broker.rules import concentration, exclusivity
from broker.rules.rule import AnyWorkload, Scene
from broker.spot import carried_share, is_worth_it, rework_factor
from broker.stock import zone_is_known
from broker.transfer_terms import data_places, transfer_terms
from broker.workloads import Batch, ScopeLevel, Service, Shape, Spot, Training
from solver.problem import (
    NO_ROW,
    Accounts,
    Demands,
    Family,
    Floats,
    Ints,
    Level,
    Limits,
    Measure,
    Problem,
    Services,
    Supply,
)

#: Sorts before every rate of interruptions.
_NEVER = -1.0
_FAMILIES = {Training: Family.GANG, Service: Family.SERVICE, Batch: Family.BATCH}
_LEVELS = {
    ScopeLevel.PROVIDER: Level.OWNER,
    ScopeLevel.REGION: Level.PLACE,
    ScopeLevel.ZONE: Level.ZONE,
}


def formulate(scene: Scene, candidates: Sequence[Candidates]) -> Problem:
    """Return the problem of `scene` with the rows its candidates admit."""
    supply, rates = _supply(scene)
    move_cost, tiers = transfer_terms(scene)
    demands, eligible_start, eligible = _demands(scene, candidates, rates, move_cost)
    apart, together = exclusivity.terms(exclusivity.rules_in_force(scene), scene.spec.workloads)
    providers = sorted({place.split("/", maxsplit=1)[0] for place in scene.places})
    owner = [providers.index(place.split("/", maxsplit=1)[0]) for place in scene.places]
    return Problem(
        period_h=float(scene.spec.period),
        supply=supply,
        demands=demands,
        services=_services(scene),
        limits=_limits(scene),
        accounts=_accounts(scene),
        owner_of_place=np.array(owner, np.int32),
        eligible_start=eligible_start,
        eligible=eligible,
        apart=apart,
        together=together,
        tiers=tiers,
        shares=concentration.terms(scene),
    )


def _supply(scene: Scene) -> tuple[Supply, list[Decimal]]:
    """Return the supply and the interruption rates its risks stand for (risk 0: never)."""
    stock = scene.stock
    frame = stock.frame
    # Spot that nobody was ever seen to lose is still spot: a risk of its own, of rate 0.
    is_spot = stock.option == PurchaseOption.SPOT.value
    rate = np.where(is_spot, stock.number("interruptions"), _NEVER)
    rates, code = np.unique(np.append(_NEVER, rate), return_inverse=True)
    option_hours = _held_hours(scene)
    zone = [NO_ROW if not zone_is_known(key[2]) else row for row, key in enumerate(scene.zones)]
    supply = Supply(
        hour_cost=np.where(option_hours > 0, 0.0, stock.usd_per_hour),
        unit_cost=np.where(option_hours > 0, _held_cost(scene), stock.upfront_usd),
        hour_value=concentration.hour_value(stock),
        size=np.nan_to_num(stock.number("accelerators")),
        capacity=np.where(
            frame["capacity"].is_null().to_numpy(), np.inf, np.nan_to_num(stock.number("capacity"))
        ),
        kind=scene.machines.of_row,
        place=scene.place_of_row,
        zone=np.array(zone, np.int32)[scene.zone_of_row],
        pool=stock.codes("pool")[0],
        risk=code[1:].astype(np.int32),
        owned=frame["owned"].to_numpy().astype(np.bool_),
    )
    return supply, [Decimal(repr(max(one, 0.0))) for one in rates.tolist()]


def _held_hours(scene: Scene) -> Floats:
    """float64[S]: hours of the term for rows paid for the whole period, 0 for the others."""
    years = {"reserved-1y": 1.0, "reserved-3y": 3.0}
    return np.array([years.get(str(option), 0.0) for option in scene.stock.option]) * 8760.0


def _held_cost(scene: Scene) -> Floats:
    """float64[S]: (hourly rate + upfront / term hours) x period hours."""
    hours = _held_hours(scene)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(hours > 0, scene.stock.upfront_usd / hours, 0.0)
    return np.asarray((scene.stock.usd_per_hour + spread) * float(scene.spec.period))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mode:
    """One way a workload runs on one machine."""

    machine: int
    shape: int
    signature: int
    amount: float
    hours: float


def _demands(
    scene: Scene,
    candidates: Sequence[Candidates],
    rates: Sequence[Decimal],
    move_cost: Floats,
) -> tuple[Demands, NDArray[np.int64], Ints]:
    workloads = [candidate.workload for candidate in candidates]
    signature, start, eligible = _signatures(scene, candidates)
    modes = [_modes(one, scene, signature[d]) for d, one in enumerate(candidates)]
    every = [mode for found in modes for mode in found]
    spots: list[Spot | None] = [None]
    spots += sorted({one.spot for one in workloads if one.spot is not None}, key=repr)
    origins = data_places(workloads)
    spoilage, carry = _spoilage(spots, rates)
    demands = Demands(
        family=np.array([_FAMILIES[type(one)] for one in workloads], np.int32),
        priority=np.array([one.priority for one in workloads], np.int32),
        weight=np.array([float(weight(one, scene.spec.period)) for one in workloads]),
        mode_start=np.cumsum([0, *(len(found) for found in modes)]).astype(np.int64),
        mode_kind=np.array([mode.machine for mode in every], np.int32),
        mode_shape=np.array([mode.shape for mode in every], np.int32),
        mode_signature=np.array([mode.signature for mode in every], np.int32),
        mode_amount=np.array([mode.amount for mode in every], np.float64),
        mode_hours=np.array([mode.hours for mode in every], np.float64),
        spoilage_row=np.array([spots.index(one.spot) for one in workloads], np.int32),
        spoilage=spoilage,
        carry=carry,
        risky_share=np.array(
            [0.0 if one.spot is None else float(one.spot.max_share) for one in workloads]
        ),
        data_amount=np.array([float(one.data.gb) if one.data else 0.0 for one in workloads]),
        data_row=np.array(
            [origins.index(one.data.place) if one.data else NO_ROW for one in workloads],
            np.int32,
        ),
        move_cost=move_cost,
    )
    return demands, start, eligible


def _signatures(
    scene: Scene, candidates: Sequence[Candidates]
) -> tuple[list[int], NDArray[np.int64], Ints]:
    """Number the distinct sets of admitted rows; return them sorted by (machine, row)."""
    number: dict[bytes, int] = {}
    blocks: list[Ints] = []
    found: list[int] = []
    for candidate in candidates:
        key = np.packbits(candidate.admitted).tobytes()
        if key not in number:
            number[key] = len(blocks)
            rows = np.flatnonzero(candidate.admitted).astype(np.int32)
            order = np.argsort(scene.machines.of_row[rows], kind="stable")
            blocks.append(rows[order])
        found.append(number[key])
    start = np.cumsum([0, *(len(block) for block in blocks)]).astype(np.int64)
    eligible = np.concatenate(blocks) if blocks else np.empty(0, np.int32)
    return found, start, eligible.astype(np.int32)


def _modes(candidate: Candidates, scene: Scene, signature: int) -> list[_Mode]:
    reachable = np.zeros(len(scene.machines.name), np.bool_)
    reachable[scene.machines.of_row[candidate.admitted]] = True
    found: list[_Mode] = []
    for number, shape in enumerate(candidate.workload.shapes):
        for machine in np.flatnonzero(candidate.shape_fits[number] & reachable).tolist():
            held = Decimal(repr(float(scene.machines.accelerators[machine])))
            amount, hours = _amount(candidate.workload, shape, held, scene.spec.period)
            if amount > 0:
                found.append(
                    _Mode(
                        machine=machine,
                        shape=number,
                        signature=signature,
                        amount=float(amount),
                        hours=float(hours),
                    )
                )
    return found


def _amount(
    workload: AnyWorkload, shape: Shape, accelerators: Decimal, period_h: Decimal
) -> tuple[Decimal, Decimal]:
    """Return (mode amount, mode hours) as `solver.problem.Demands` defines them."""
    if isinstance(workload, Training):
        return Decimal(instances(shape, accelerators)), useful_hours(workload, shape)
    if isinstance(workload, Service):
        carried = load_carried(workload, shape, accelerators)
        return carried / (1 + workload.headroom), period_h
    deadline = period_h if workload.deadline is None else workload.deadline
    return work_hours(workload, shape, accelerators), deadline


def _spoilage(spots: Sequence[Spot | None], rates: Sequence[Decimal]) -> tuple[Floats, Floats]:
    """float64[F, K] twice: factor on hours (inf: not admitted), share of load carried."""
    factor = np.full((len(spots), len(rates)), np.inf)
    carry = np.zeros((len(spots), len(rates)))
    for row, spot in enumerate(spots):
        for risk, rate in enumerate(rates):
            if risk == 0:
                factor[row, risk], carry[row, risk] = 1.0, 1.0
            elif spot is not None and is_worth_it(spot, rate):
                factor[row, risk] = float(rework_factor(spot, rate))
                carry[row, risk] = float(carried_share(spot, rate))
    return factor, carry


def _services(scene: Scene) -> Services:
    services = scene.spec.services
    first = len(scene.spec.training)
    loads = [load for service in services for load in service.demand]
    rules = [service.latency for service in services]
    spreads = [service.spread for service in services]
    levels = [_LEVELS[one.survive] if one.survive else NO_ROW for one in services]
    return Services(
        demand=np.arange(first, first + len(services), dtype=np.int32),
        load_start=np.cumsum([0, *(len(one.demand) for one in services)]).astype(np.int64),
        load_point=np.array([scene.origins[load.origin] for load in loads], np.int32),
        load=np.array([float(load.rate) for load in loads], np.float64),
        distance=scene.round_trip_ms,
        near=np.array([float(rule.rtt) if rule else np.inf for rule in rules]),
        far_share=np.array([float(1 - rule.share) if rule else 1.0 for rule in rules]),
        each_point=np.array([rule is not None and rule.each_metro for rule in rules], np.bool_),
        farthest=np.array(
            [
                float(rule.rtt_max) if rule and rule.rtt_max is not None else np.inf
                for rule in rules
            ]
        ),
        least_places=np.array([one.regions if one else 1 for one in spreads], np.int32),
        most_share=np.array([float(one.most()) if one else 1.0 for one in spreads]),
        survive_level=np.array(levels, np.int32),
        survive_share=np.array([float(one.survive_share) for one in services]),
    )


def _limits(scene: Scene) -> Limits:
    sizes = [len(quota.rows) for quota in scene.quotas]
    rows = [quota.rows for quota in scene.quotas]
    weights = [np.where(np.isnan(quota.size), 0.0, quota.size) for quota in scene.quotas]
    supply = np.concatenate(rows) if rows else np.empty(0, np.int64)
    size = np.concatenate(weights) if weights else np.empty(0)
    counted = size > 0
    row = np.repeat(np.arange(len(sizes)), sizes)[counted]
    start = np.searchsorted(row, np.arange(len(sizes) + 1)).astype(np.int64)
    return Limits(
        start=start,
        supply=supply[counted].astype(np.int32),
        weight=size[counted],
        high=np.array([float(quota.limit) for quota in scene.quotas], np.float64),
    )


def _accounts(scene: Scene) -> Accounts:
    """One row per commitment: contracted compute cost at the provider + shortfall >= its part."""
    due = [
        (commitment.provider, due_usd(commitment, scene.stock.start, scene.spec.period))
        for commitment in scene.spec.holdings.commitments
    ]
    owed = [(provider, amount) for provider, amount in due if amount > 0]
    provider_of_row = scene.stock.text("provider")
    factor = [(provider_of_row == provider).astype(np.float64) for provider, _ in owed]
    return Accounts(
        measure=np.full(len(owed), Measure.COST, np.int32),
        factor=np.array(factor).reshape(len(owed), scene.stock.count),
        low=np.array([float(amount) for _, amount in owed]),
        high=np.full(len(owed), np.inf),
        slack_cost=np.ones(len(owed)),
    )
