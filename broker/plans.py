"""A plan: what to run where, bought how, at what cost, with its proof.

Money is exact `Decimal` USD, in lines of whole cents; totals are sums of lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from broker.paid_hours import CommitmentUse, Covered, SavingsPlanUse
from broker.proofs import Baseline, Digests, Level, PriceAge, Proof, Scarce, WarmStart

__all__ = [
    "PLAN_FORMAT",
    "ZERO",
    "Baseline",
    "Binding",
    "CommitmentUse",
    "Cost",
    "Covered",
    "Digests",
    "Emissions",
    "Level",
    "Move",
    "Override",
    "OwnedIdle",
    "Placement",
    "Plan",
    "PriceAge",
    "Proof",
    "Purchase",
    "Reading",
    "Route",
    "SavingsPlanUse",
    "Scarce",
    "Unmet",
    "WarmStart",
]

#: Version of the plan file's layout.
PLAN_FORMAT: Final = 1
ZERO: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Cost of the period by what it is for, USD.

    Attributes:
        compute: useful hours that no savings plan pays for (and reserved or block instances,
            used or not).
        rework: hours lost to interruptions and done again.
        transfer: moving data.
        moves: moving workloads from where they run now.
        shortfall: committed spend that is not used and is paid all the same.
        carbon: priced emissions.
    """

    compute: Decimal = ZERO
    rework: Decimal = ZERO
    transfer: Decimal = ZERO
    moves: Decimal = ZERO
    shortfall: Decimal = ZERO
    carbon: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Sum of all lines."""
        return (
            self.compute + self.rework + self.transfer + self.moves + self.shortfall + self.carbon
        )

    def plus(self, other: Cost) -> Cost:
        """Return the sum of two costs, line by line."""
        return Cost(
            **{name: getattr(self, name) + getattr(other, name) for name in Cost.__slots__}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Instances of one offer given to one workload.

    Attributes:
        workload: name.
        kind: training, service or batch.
        shape: the shape as written.
        offer: id of the offer; ``.../owned`` for owned instances.
        provider, region, zone, instance_type, option, variant: of the offer.
        accelerator: canonical name; "" for CPU machines.
        accelerators: per instance, as decimal text without trailing zeros.
        instances: whole instances held.
        hours: billed hours of one instance; for batch the mean over its instances.
        instance_hours: billed instance-hours in all, nine decimals.
        useful_hours: the same without rework.
        covered_hours: instance-hours that savings plans pay for; no part of the cost.
        owned: paid already; costs nothing at the margin.
        served: training and batch: share of the work; service: load its instances carry, in
            the service's own unit, headroom taken off; with `sizes`: of the mix sent to them.
        list_usd_per_hour, contracted_usd_per_hour: price per instance-hour (reserved: with the
            upfront fee spread over the term).
        price_source, price_observed_at: where the price comes from, and when it was seen.
        capacity: known, assumed or unknown.
        cost: lines of this placement.
    """

    workload: str
    kind: str
    shape: str
    offer: str
    provider: str
    region: str
    zone: str
    instance_type: str
    option: str
    variant: str
    accelerator: str
    accelerators: str
    instances: int
    hours: Decimal
    instance_hours: Decimal
    useful_hours: Decimal
    covered_hours: Decimal
    owned: bool
    served: Decimal
    list_usd_per_hour: Decimal
    contracted_usd_per_hour: Decimal
    price_source: str
    price_observed_at: str
    capacity: str
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Demand of one origin sent to one region.

    Attributes:
        workload, metro, region: who, from where (as written), to where (provider/region).
        rate: in the service's own unit.
        rtt_ms, half_band_ms: round trip and half of its error band.
        estimated: True when the round trip was not measured.
        near: within the service's `rtt`.
        straddles: the band reaches over the limit that decides.
    """

    workload: str
    metro: str
    region: str
    rate: Decimal
    rtt_ms: Decimal
    half_band_ms: Decimal
    estimated: bool
    near: bool
    straddles: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRoute:
    """Demand of one origin and size, sent to the instances of one placement.

    Attributes:
        workload, size, metro: whose, which, from where (as written).
        region, offer, shape: where to, and of the placement that serves it.
        rate: in the service's own unit.
    """

    workload: str
    size: str
    metro: str
    region: str
    offer: str
    shape: str
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Data that a workload reads from one place where another one wrote it.

    Attributes:
        workload, source: who reads, whose output.
        origin, target: from where to where (provider/region); equal where nothing moves.
        gb: how much, nine decimals.
        usd_per_gb, price_source, price_observed_on: price and where it comes from.
        estimated: no source prices one of the two regions; another stands in.
        usd: gb x price, in whole cents.
    """

    workload: str
    source: str
    origin: str
    target: str
    gb: Decimal
    usd_per_gb: Decimal
    price_source: str
    price_observed_on: str
    estimated: bool
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A commitment the plan says to buy.

    Attributes:
        workload, offer: for whom, what.
        instances: how many.
        usd_per_hour: contracted rate of one, upfront spread over the term.
        upfront_usd: contracted upfront fee of all, paid at once.
        obligation_usd: everything that will be paid over the term for all of them.
        ends_on: last day of the term, ISO.
    """

    workload: str
    offer: str
    instances: int
    usd_per_hour: Decimal
    upfront_usd: Decimal
    obligation_usd: Decimal
    ends_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """Demand that is not served, and why.

    Attributes:
        workload: name.
        priority: its priority.
        amount: weight that is unmet (accelerator-hours unless the spec states weights).
        fraction: share of the workload that is unmet.
        reasons: sentences, the decisive one first.
    """

    workload: str
    priority: int
    amount: Decimal
    fraction: Decimal
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedIdle:
    """Owned instances that no workload uses, and why.

    Attributes:
        pool: where.
        instances: how many are idle.
        usd_per_hour: sunk rate of one; None when not stated.
        reason: why.
    """

    pool: str
    instances: int
    usd_per_hour: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A shared limit that is used up.

    Attributes:
        what: pool, quota or commitment.
        used, limit: in the limit's own unit, as text.
    """

    what: str
    used: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A workload that runs now and that the plan puts, in whole or part, somewhere else.

    Attributes:
        workload: name.
        now: what runs now, e.g. ``5 x aws/us-east-1/use1-az4/p5.48xlarge on-demand``.
        new: what the plan holds where it does not run now, in the same form.
        cost_usd: what the move costs; part of the cost of the plan.
        why: what staying would mean.
    """

    workload: str
    now: tuple[str, ...]
    new: tuple[str, ...]
    cost_usd: Decimal
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Emissions:
    """Estimated energy and emissions of the period.

    Attributes:
        kwh: energy of all instances.
        kg_co2e: emissions of that energy on the grids of its regions, kg of CO2 equivalent.
    """

    kwh: Decimal
    kg_co2e: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A placement that passes over a provider with first refusal.

    Attributes:
        workload: name.
        offer: where it stands instead.
        provider: who had first refusal.
        accelerator_hours: billed there; CPU machines: vCPU-hours / 16.
        usd_per_work: contracted price of a unit of work there: training and batch: all of the
            work; service: one unit of its demand.
        least_offer: the provider's cheapest offer that the workload may use, capacity ignored.
        least_usd_per_work: the price of a unit of work on it.
        why: the reason of the rule.
    """

    workload: str
    offer: str
    provider: str
    accelerator_hours: Decimal
    usd_per_work: Decimal
    least_offer: str
    least_usd_per_work: Decimal
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Decisions, cost and proof; everything later reads this and the market.

    Attributes:
        spec: the spec in its normal form, as JSON values.
        digests: what went in.
        status: ``optimal`` (gap within the asked) or ``feasible``.
        stop: what ended the search: ``gap``, ``work``, ``time`` or ``interrupt``.
        start: first day of the period, ISO.
        period_h: length of the period, hours.
        proof: how good the plan is.
        cost: cost of the period, USD.
        placements: where each workload runs.
        routes: where the users of each service are sent.
        size_routes: of services with `sizes`: which instances serve which size of request.
        readings: what workloads read of each other's output, from where.
        purchases: commitments that the plan says to buy.
        unmet: demand that is not served.
        owned_idle: owned instances that nobody uses.
        savings_plans: what is committed by the hour, what of it is used, and for whom.
        binding: shared limits that are used up.
        commitments: what falls due in the period, in the spec's order.
        moves: what it moves from where it runs now, and why; by workload in spec order.
        overrides: placements that pass over a provider with first refusal.
        baseline: cheapest-first beside it; None when it was not asked for.
        warm_start: the earlier plan from which the search began; None: it began anew. Files
            written before there was this field lack it, which means None.
        emissions: estimated; None when `policy.carbon` does not ask for them.
        prices: how old the prices are.
        unknown_capacity_usd: compute cost that rests on capacity nobody stated.
        assumptions: sentences: what was assumed, estimated or left out.
    """

    spec: dict[str, object]
    digests: Digests
    status: str
    stop: str
    start: str
    period_h: Decimal
    proof: Proof
    cost: Cost
    placements: tuple[Placement, ...]
    routes: tuple[Route, ...] = ()
    size_routes: tuple[SizeRoute, ...] = ()
    readings: tuple[Reading, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    owned_idle: tuple[OwnedIdle, ...] = ()
    savings_plans: tuple[SavingsPlanUse, ...] = ()
    binding: tuple[Binding, ...] = ()
    commitments: tuple[CommitmentUse, ...] = ()
    moves: tuple[Move, ...] = ()
    overrides: tuple[Override, ...] = ()
    baseline: Baseline | None = None
    warm_start: WarmStart | None = None
    emissions: Emissions | None = None
    prices: PriceAge = field(default_factory=lambda: PriceAge(oldest="", newest=""))
    unknown_capacity_usd: Decimal = ZERO
    assumptions: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True when nothing is unmet."""
        return not self.unmet
