"""Put a plan together: placements, routes, what is unmet, idle or used up, and the proof."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from broker import __version__
from broker.assumptions import assumptions
from broker.candidates import Candidates
from broker.caps import used_caps
from broker.commitments import due_usd
from broker.costing import shortfall_usd
from broker.covered_hours import savings_plan_uses
from broker.emissions import emissions
from broker.impossible import impossible
from broker.machines import weight
from broker.market import Market
from broker.moves import move_limit, moved_homes, moves
from broker.overrides import overrides
from broker.placements import placements
from broker.plans import (
    ZERO,
    Binding,
    CommitmentUse,
    Cost,
    Digests,
    Level,
    Override,
    OwnedIdle,
    Placement,
    Plan,
    PriceAge,
    Proof,
    Route,
    SavingsPlanUse,
    Unmet,
)
from broker.purchases import purchases
from broker.readings import readings
from broker.reasons import unmet_reasons, unread
from broker.routes import routes, size_routes
from broker.rules.rule import AnyWorkload, Scene
from broker.rules.savings_plans import fees_usd
from broker.scarcity import scarce
from broker.spec_data import spec_to_data
from broker.units import plain, round_cents, round_nano
from broker.workloads import Service, Spec
from solver.problem import Problem
from solver.solution import Solution

_GAP = Decimal("1e-9")
_CENT = Decimal("0.01")


def assemble(
    scene: Scene,
    market: Market,
    candidates: Sequence[Candidates],
    problem: Problem,
    solution: Solution,
) -> Plan:
    """Return the plan of `solution`; every figure in it is recomputed exactly."""
    by_size = size_routes(scene, problem, solution)
    placed = placements(scene, problem, solution, by_size)
    moved, passed_over = moves(scene, candidates, placed), overrides(scene, problem, placed)
    routed = routes(scene, solution, by_size)
    unmet = _unmet(scene, candidates, placed, routed)
    cost = total_cost(scene, placed)
    plan_uses = savings_plan_uses(scene, placed)
    levels = _levels(scene.spec, unmet, solution)
    proof = _proof(
        scene, market, solution, levels=levels, total_usd=cost.total, passed_over=passed_over
    )
    asked = spec_to_data(scene.spec)
    return Plan(
        spec=asked,
        digests=_digests(scene, market, asked),
        status=solution.status.value,
        stop=solution.stop.value,
        start=scene.stock.start.date().isoformat(),
        period_h=scene.spec.period,
        proof=proof,
        cost=cost,
        placements=placed,
        routes=routed,
        size_routes=by_size,
        readings=readings(scene, placed),
        purchases=purchases(scene, placed),
        emissions=emissions(scene, placed),
        unmet=unmet,
        owned_idle=_owned_idle(scene, placed),
        savings_plans=plan_uses,
        binding=(
            *_binding(scene, placed),
            *_used_up(plan_uses),
            *used_caps(scene, placed, cost),
            *move_limit(scene, moved),
        ),
        commitments=_commitments(scene, placed),
        moves=moved,
        overrides=passed_over,
        prices=_price_age(placed),
        unknown_capacity_usd=_on_unknown_capacity(placed),
        assumptions=assumptions(scene, placed, routed),
    )


def _proof(
    scene: Scene,
    market: Market,
    solution: Solution,
    *,
    levels: tuple[Level, ...],
    total_usd: Decimal,
    passed_over: Sequence[Override],
) -> Proof:
    bound = min(round_cents(Decimal(repr(solution.bound))), total_usd)
    overridden_h = sum((one.accelerator_hours for one in passed_over), Decimal(0))
    least_h = round_nano(Decimal(repr(solution.overridden_bound)))
    return Proof(
        levels=levels,
        cost_bound=bound,
        gap=((total_usd - bound) / max(total_usd, Decimal(1))).quantize(_GAP),
        method=solution.method,
        offers_seen=market.offers.height,
        offers_dropped=tuple(sorted(scene.stock.dropped.items())),
        overridden_h=overridden_h,
        overridden_bound_h=min(least_h, overridden_h),
        scarce=scarce(scene, solution),
    )


def _digests(scene: Scene, market: Market, asked: Mapping[str, object]) -> Digests:
    """Say what identifies the inputs: spec, market, latency table, program."""
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return Digests(
        spec=hashlib.sha256(text.encode()).hexdigest(),
        market=market.digest,
        latency=scene.latency_digest,
        program=__version__,
    )


def total_cost(scene: Scene, placed: Sequence[Placement]) -> Cost:
    """Return the sum of the placements' lines, readings, moves and what commitments bill.

    Fees of savings plans are paid whatever is planned: they count towards commitments alone.
    """
    total = Cost(transfer=sum((one.usd for one in readings(scene, placed)), ZERO))
    for one in placed:
        total = total.plus(one.cost)
    missed = sum((one.shortfall_usd for one in _commitments(scene, placed)), ZERO)
    moves_usd = sum((home.move_usd for home in moved_homes(scene, placed)), ZERO)
    return total.plus(Cost(shortfall=missed, moves=moves_usd))


def _commitments(scene: Scene, placed: Sequence[Placement]) -> tuple[CommitmentUse, ...]:
    """Return what falls due, and the spend at its provider, fees of savings plans with it."""
    spent: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in placed:
        spent[one.provider] += one.cost.compute + one.cost.rework
    found = []
    for commitment in scene.spec.holdings.commitments:
        due = due_usd(commitment, scene.stock.start, scene.spec.period)
        if due > 0:
            counted = spent[commitment.provider] + fees_usd(scene, commitment.provider)
            missed = shortfall_usd(due, counted)
            found.append(
                CommitmentUse(
                    provider=commitment.provider,
                    due_usd=round_cents(due),
                    spent_usd=round_cents(counted),
                    shortfall_usd=missed,
                )
            )
    return tuple(found)


def _unmet(
    scene: Scene,
    candidates: Sequence[Candidates],
    placed: Sequence[Placement],
    routed: Sequence[Route],
) -> tuple[Unmet, ...]:
    served = {candidate.workload.name: Decimal(0) for candidate in candidates}
    for placement in placed:
        if placement.kind != "service":
            served[placement.workload] += placement.served
    for route in routed:
        served[route.workload] += route.rate
    lost = {
        one.workload.name: 1 - served[one.workload.name] / _whole(one.workload)
        for one in candidates
    }
    unserved = [one for one in candidates if lost[one.workload.name] > 0]
    out_of_reach: dict[str, list[str]] = {name: [] for name in lost}
    for said in impossible(scene, candidates) if unserved else ():
        out_of_reach[said.workload].append(said.text)
    return tuple(
        Unmet(
            workload=workload.name,
            priority=workload.priority,
            amount=round_nano(weight(workload, scene.spec.period) * lost[workload.name]),
            fraction=round_nano(lost[workload.name]),
            reasons=(
                *unread(workload, served),
                *unmet_reasons(scene, one, out_of_reach[workload.name]),
            ),
        )
        for one in unserved
        for workload in (one.workload,)
    )


def _whole(workload: AnyWorkload) -> Decimal:
    if isinstance(workload, Service):
        return sum((load.rate for load in workload.demand), Decimal(0))
    return Decimal(1)


def _levels(spec: Spec, unmet: Sequence[Unmet], solution: Solution) -> tuple[Level, ...]:
    """Unmet weight per priority, exact; the bound is the optimizer's, never above it."""
    levels = []
    bounds = {level.priority: Decimal(repr(level.bound)) for level in solution.levels}
    for priority in sorted({one.priority for one in spec.workloads}, reverse=True):
        left = sum((one.amount for one in unmet if one.priority == priority), Decimal(0))
        bound = min(bounds.get(priority, Decimal(0)), left)
        levels.append(Level(priority=priority, unmet=left, bound=round_nano(bound)))
    return tuple(levels)


def _owned_idle(scene: Scene, placed: Sequence[Placement]) -> tuple[OwnedIdle, ...]:
    used: defaultdict[str, int] = defaultdict(int)
    for one in placed:
        if one.owned:
            used[_pool(one)] += one.instances
    idle: list[OwnedIdle] = []
    for owned in scene.stock.owned:
        taken = 0 if owned.unused else min(used[owned.pool], owned.instances)
        used[owned.pool] -= taken
        if owned.instances > taken:
            idle.append(
                OwnedIdle(
                    pool=owned.pool,
                    instances=owned.instances - taken,
                    usd_per_hour=owned.usd_per_hour,
                    reason=owned.unused or "no workload of this plan can use it for less",
                )
            )
    return tuple(idle)


def _pool(placement: Placement) -> str:
    return "/".join(
        (placement.provider, placement.region, placement.zone, placement.instance_type)
    )


def _binding(scene: Scene, placed: Sequence[Placement]) -> tuple[Binding, ...]:
    held: defaultdict[str, int] = defaultdict(int)
    for one in placed:
        held[one.offer] += one.instances
    ids = scene.stock.frame["id"].to_list()
    row_of = {offer: row for row, offer in enumerate(ids) if offer in held}
    capacity = scene.stock.frame["capacity"]
    hosts = scene.machines.hosts_of_row()
    full = [
        Binding(what=offer, used=str(count), limit=str(capacity[row_of[offer]]))
        for offer, count in sorted(held.items())
        if capacity[row_of[offer]] is not None
        and capacity[row_of[offer]] - count < hosts[row_of[offer]]
    ]
    for quota in scene.quotas:
        size_of = dict(zip(quota.rows.tolist(), quota.size.tolist(), strict=True))
        counted = {offer: row_of[offer] for offer in held if row_of[offer] in size_of}
        sizes = {offer: Decimal(repr(size_of[row])) for offer, row in counted.items()}
        used = sum((held[offer] * size for offer, size in sizes.items()), Decimal(0))
        smallest = min(
            (sizes[one] * int(hosts[counted[one]]) for one in sizes), default=Decimal(0)
        )
        if sizes and used + smallest > quota.limit:
            full.append(Binding(what=quota.label, used=plain(used), limit=plain(quota.limit)))
    return tuple(full)


def _used_up(uses: Sequence[SavingsPlanUse]) -> Iterator[Binding]:
    """Yield the savings plans of whose commitment less than a cent is left."""
    for one in uses:
        if one.covers and one.committed_usd - one.used_usd < _CENT:
            used, limit = str(one.used_usd), str(one.committed_usd)
            yield Binding(what=f"savings plan {one.name} (USD)", used=used, limit=limit)


def _on_unknown_capacity(placed: Sequence[Placement]) -> Decimal:
    return sum((one.cost.compute for one in placed if one.capacity == "unknown"), ZERO)


def _price_age(placed: Sequence[Placement]) -> PriceAge:
    days = sorted(one.price_observed_at for one in placed if one.price_observed_at)
    return PriceAge(oldest=days[0] if days else "", newest=days[-1] if days else "")
