"""Does the plan emit no more than its cap, and pay the price of what it emits."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from broker.audit.evidence import SLACK, Evidence, place_of
from broker.audit.power import kilowatts
from broker.plans import Emissions, Placement
from broker.reference import grid_intensities
from broker.rules.violation import Violation
from broker.units import round_nano


def emitted_kg(evidence: Evidence, one: Placement) -> Decimal:
    """Return what a placement emits, kg CO2e; infinite when its power or grid is not known."""
    grams = _grams_per_kwh(evidence, one)
    if grams is None:
        return Decimal("Infinity")
    return one.instance_hours * kilowatts(evidence, one) * grams / 1000


def is_stated(evidence: Evidence, one: Placement) -> bool:
    """Whether it is known what an instance emits, where a rule counts it."""
    if evidence.spec.policy.carbon is None:
        return True
    return _grams_per_kwh(evidence, one) is not None and kilowatts(evidence, one).is_finite()


def _grams_per_kwh(evidence: Evidence, one: Placement) -> Decimal | None:
    rule, place = evidence.spec.policy.carbon, place_of(one)
    if rule is not None and place in rule.grams_per_kwh:
        return rule.grams_per_kwh[place]
    return grid_intensities().get(place)


def price_usd(evidence: Evidence, one: Placement) -> Decimal:
    """Return the price of what a placement emits, USD."""
    rule = evidence.spec.policy.carbon
    if rule is None or rule.price is None:
        return Decimal(0)
    return emitted_kg(evidence, one) / 1000 * rule.price


def _cap(evidence: Evidence) -> Iterator[Violation]:
    """Sum of hours x kW x grams per kWh <= cap."""
    rule, plan = evidence.spec.policy.carbon, evidence.plan
    if rule is None:
        if plan.emissions is not None:
            yield Violation(rule="carbon", subject="plan", text="emissions nobody asked for")
        return
    kg = sum((emitted_kg(evidence, one) for one in plan.placements), Decimal(0))
    if rule.cap is not None and kg > rule.cap * 1000 * (1 + 10 * SLACK):
        yield Violation(rule="carbon", subject="plan", text=f"{kg} kg of {rule.cap} t")
    hours = (one.instance_hours * kilowatts(evidence, one) for one in plan.placements)
    right = Emissions(kwh=round_nano(sum(hours, Decimal(0))), kg_co2e=round_nano(kg))
    if plan.emissions != right:
        text = f"emissions {plan.emissions}, are {right}"
        yield Violation(rule="carbon", subject="plan", text=text)


CHECKS = (_cap,)
