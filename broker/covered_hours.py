"""Which hours of a plan its savings plans pay for: exact, and by one rule.

Providers apply plans by themselves: where a committed dollar saves most, first. So does this:
(plan, offer) by what a dollar saves, from the most; then offers that fewer plans could pay for,
plans that could pay for fewer offers, plans and offers in their order. Within an offer the
placements take hours in the plan's order. The optimizer may divide hours among plans that
overlap as it likes; where the provider's way leaves more to pay, the plan's gap shows it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Final

from broker.costing import placement_cost, rate_of
from broker.paid_hours import Covered, SavingsPlanUse
from broker.plans import Placement
from broker.rules.rule import Scene
from broker.units import round_cents

_NANO: Final = Decimal("1e-9")
_NOTHING: Final = Decimal(0)


def with_coverage(scene: Scene, placed: Sequence[Placement]) -> tuple[Placement, ...]:
    """Return the placements with the hours that savings plans pay for, and without their cost."""
    hours: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for covers in covered_by_plan(scene, placed):
        for one in covers:
            hours[one.workload, one.shape, one.offer] += one.hours
    row_of = _rows(scene, placed) if hours else {}
    return tuple(
        _covered(scene, row_of[one.offer], one, hours[_key(one)]) if _key(one) in hours else one
        for one in placed
    )


def savings_plan_uses(scene: Scene, placed: Sequence[Placement]) -> tuple[SavingsPlanUse, ...]:
    """Return what every savings plan pays for, in the order of `Scene.savings_plans`."""
    price = {one.offer: one.contracted_usd_per_hour for one in placed}
    found = []
    for plan, covers in zip(scene.savings_plans, covered_by_plan(scene, placed), strict=True):
        counts = _NOTHING if plan.unused else scene.spec.period
        idle = "no workload of this plan uses what it pays for"
        if not plan.rates:
            idle = "no offer has a price at its rates"
        found.append(
            SavingsPlanUse(
                name=plan.name,
                provider=plan.provider,
                per_hour_usd=plan.per_hour_usd,
                committed_usd=round_cents(plan.per_hour_usd * counts),
                used_usd=round_cents(_sum(one.hours * one.usd_per_hour for one in covers)),
                saved_usd=round_cents(_sum(one.hours * price[one.offer] for one in covers)),
                covers=covers,
                reason="" if covers else plan.unused or idle,
            )
        )
    return tuple(found)


def covered_by_plan(scene: Scene, placed: Sequence[Placement]) -> list[tuple[Covered, ...]]:
    """Return the hours that each of `Scene.savings_plans` pays for, in the placements' order."""
    if not scene.savings_plans:
        return []
    row_of = _rows(scene, placed)
    left = {number: one.instance_hours for number, one in enumerate(placed) if one.offer in row_of}
    users: defaultdict[int, list[int]] = defaultdict(list)
    for number in left:
        users[row_of[placed[number].offer]].append(number)
    price = {row_of[placed[number].offer]: placed[number] for number in left}
    found: list[dict[int, Covered]] = [{} for _ in scene.savings_plans]
    money = [plan.per_hour_usd * scene.spec.period for plan in scene.savings_plans]
    for plan, row in _order(scene, {row: o.contracted_usd_per_hour for row, o in price.items()}):
        rate = scene.savings_plans[plan].rates[row]
        for number in users[row]:
            most = (money[plan] / rate).quantize(_NANO, ROUND_DOWN)
            hours = min(left[number], most)
            if hours > 0:
                left[number] -= hours
                money[plan] -= hours * rate
                found[plan][number] = _paid(placed[number], hours, rate)
    return [tuple(covers[number] for number in sorted(covers)) for covers in found]


def _order(scene: Scene, price: Mapping[int, Decimal]) -> list[tuple[int, int]]:
    """Return (plan, row) in the order in which plans pay."""
    pairs = [
        (number, row)
        for number, plan in enumerate(scene.savings_plans)
        for row in sorted(price.keys() & plan.rates.keys())
    ]
    rivals = Counter(row for _, row in pairs)
    reach = [len(plan.rates) for plan in scene.savings_plans]

    def rank(pair: tuple[int, int]) -> tuple[Decimal, int, int, int, int]:
        plan, row = pair
        saves = price[row] / scene.savings_plans[plan].rates[row]
        return (-saves, rivals[row], reach[plan], plan, row)

    return sorted(pairs, key=rank)


def _rows(scene: Scene, placed: Sequence[Placement]) -> dict[str, int]:
    """Return offer -> stock row of what costs something by the hour and a plan may pay for."""
    payable = {row for plan in scene.savings_plans for row in plan.rates}
    priced = {one.offer for one in placed if one.contracted_usd_per_hour > 0}
    ids = enumerate(scene.stock.frame["id"])
    return {offer: row for row, offer in ids if row in payable and offer in priced}


def _paid(placement: Placement, hours: Decimal, rate: Decimal) -> Covered:
    return Covered(
        workload=placement.workload,
        shape=placement.shape,
        offer=placement.offer,
        hours=hours,
        usd_per_hour=rate,
    )


def _key(placement: Placement) -> tuple[str, str, str]:
    return placement.workload, placement.shape, placement.offer


def _covered(scene: Scene, row: int, placement: Placement, hours: Decimal) -> Placement:
    """Take `hours` out of the cost; an on-demand hour is never done again."""
    offer = scene.stock.frame.row(row, named=True)
    paid = placement_cost(
        rate_of(offer, scene.stock.start, scene.spec.period),
        instances=placement.instances,
        useful_hours=placement.useful_hours - hours,
        instance_hours=placement.instance_hours - hours,
        transfer_usd=placement.cost.transfer,
        carbon_usd=placement.cost.carbon,
    )
    return replace(placement, covered_hours=hours, cost=paid)


def _sum(amounts: Iterator[Decimal]) -> Decimal:
    return sum(amounts, _NOTHING)
