"""Do savings plans pay for what they may, once, at their rates, and for as much as they can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

import polars as pl

from broker.audit.evidence import Evidence
from broker.audit.money import price_of
from broker.audit.savings import HeldPlan, held_plans
from broker.paid_hours import SavingsPlanUse
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.units import HOURS_PER_YEAR, round_cents
from broker.workloads import SavingsPlan

_NOTHING: Final = Decimal(0)
#: What is left of a commitment when not even this many instance-hours more can be paid.
_LAST_H: Final = Decimal("1e-9")
_YEARS: Final = {"reserved-1y": 1, "reserved-3y": 3}

_Key = tuple[str, str, str]


def _listed(evidence: Evidence) -> Iterator[Violation]:
    """Every plan that is held is listed, once, with its commitment and what it pays for."""
    held = held_plans(evidence)
    names = [one.name for one in evidence.plan.savings_plans]
    if names != list(held):
        text = f"listed {', '.join(names) or 'none'}; held {', '.join(held) or 'none'}"
        yield Violation(rule="savings plans", subject="plan", text=text)
    for use in evidence.plan.savings_plans:
        if use.name in held:
            yield from _commitment(evidence, use, held[use.name])


def _commitment(evidence: Evidence, use: SavingsPlanUse, held: HeldPlan) -> Iterator[Violation]:
    committed = held.plan.per_hour * (evidence.spec.period if held.counts(evidence) else 0)
    used = sum((one.hours * one.usd_per_hour for one in use.covers), _NOTHING)
    price = {one.offer: one.contracted_usd_per_hour for one in evidence.plan.placements}
    worth = sum((one.hours * price.get(one.offer, _NOTHING) for one in use.covers), _NOTHING)
    said = (use.provider, use.per_hour_usd, use.committed_usd, use.used_usd, use.saved_usd)
    right = (
        held.plan.provider,
        held.plan.per_hour,
        round_cents(committed),
        round_cents(used),
        round_cents(worth),
    )
    if said != right:
        text = f"says {' '.join(map(str, said))}, is {' '.join(map(str, right))}"
        yield Violation(rule="savings plans", subject=use.name, text=text)
    if used > committed:
        text = f"pays {used} USD of {committed}"
        yield Violation(rule="coverage", subject=use.name, text=text)
    if bool(use.reason) == bool(use.covers):
        text = f"reason {use.reason!r} with {len(use.covers)} placements paid for"
        yield Violation(rule="savings plans", subject=use.name, text=text)


def _rates(evidence: Evidence) -> Iterator[Violation]:
    """A plan pays on-demand hours of its provider, types and regions, at its rates."""
    held = held_plans(evidence)
    placed = {_key(one): one for one in evidence.plan.placements}
    for use in evidence.plan.savings_plans:
        for one in use.covers:
            found = placed.get((one.workload, one.shape, one.offer))
            rate = None
            if found is not None and use.name in held and held[use.name].counts(evidence):
                rate = _rate(evidence, held[use.name].plan, found)
            if rate != one.usd_per_hour or one.hours <= 0:
                text = f"{one.hours} h of {one.offer} at {one.usd_per_hour}; its rate is {rate}"
                yield Violation(rule="coverage", subject=use.name, text=text)


def _hours(evidence: Evidence) -> Iterator[Violation]:
    """No hour is paid for twice; a placement says how many of its own are."""
    paid: defaultdict[_Key, Decimal] = defaultdict(Decimal)
    for use in evidence.plan.savings_plans:
        for one in use.covers:
            paid[one.workload, one.shape, one.offer] += one.hours
    for placement in evidence.plan.placements:
        hours = paid[_key(placement)]
        if placement.covered_hours != hours:
            text = f"{placement.offer}: says {placement.covered_hours} h are paid for, {hours} are"
            yield Violation(rule="coverage", subject=placement.workload, text=text)
        if placement.covered_hours > placement.instance_hours:
            text = f"{placement.offer}: {placement.covered_hours} h of {placement.instance_hours}"
            yield Violation(rule="coverage", subject=placement.workload, text=text)


def _left_over(evidence: Evidence) -> Iterator[Violation]:
    """A provider applies plans by itself: nothing payable stays unpaid while money is left."""
    held = held_plans(evidence)
    for use in evidence.plan.savings_plans:
        if use.name not in held or not held[use.name].counts(evidence):
            continue
        used = sum((one.hours * one.usd_per_hour for one in use.covers), _NOTHING)
        left = use.per_hour_usd * evidence.spec.period - used
        for one in evidence.plan.placements:
            bare = one.instance_hours - one.covered_hours
            rate = _rate(evidence, held[use.name].plan, one) if bare > 0 else None
            if rate is not None and left >= rate * _LAST_H:
                text = f"{left} USD left, and {bare} h of {one.offer} are not paid for"
                yield Violation(rule="coverage", subject=use.name, text=text)


def _rate(evidence: Evidence, plan: SavingsPlan, one: Placement) -> Decimal | None:
    """Return the rate of a plan for a placement; None where it pays nothing for it."""
    is_meant = one.option == "on-demand" and one.provider == plan.provider
    is_meant = is_meant and (
        plan.types is None or any(fnmatchcase(one.instance_type, glob) for glob in plan.types)
    )
    if not is_meant or not (
        plan.regions is None or any(fnmatchcase(one.region, glob) for glob in plan.regions)
    ):
        return None
    price = price_of(evidence, one)
    if price.contracted <= 0:
        return None
    if plan.off is not None:
        return price.listed * (1 - plan.off)
    return _price_at(evidence, plan, one)


def _price_at(evidence: Evidence, plan: SavingsPlan, one: Placement) -> Decimal | None:
    """Return the dearest price in the region of the offers whose prices are the plan's rates."""
    if plan.rates is None:
        return None
    option, _, variant = plan.rates.partition("/")
    wanted = {
        "provider": one.provider,
        "region": one.region,
        "instance_type": one.instance_type,
        "option": option,
        "variant": variant,
    }
    rows = evidence.market.offers.filter(
        pl.col("usd_per_hour").is_not_null(),
        *(pl.col(name) == value for name, value in wanted.items()),
    )
    prices = [
        row["usd_per_hour"] + (row["upfront_usd"] or _NOTHING) / (HOURS_PER_YEAR * _YEARS[option])
        for row in rows.iter_rows(named=True)
    ]
    return max(prices, default=_NOTHING) or None


def _key(placement: Placement) -> _Key:
    return placement.workload, placement.shape, placement.offer


CHECKS = (_listed, _rates, _hours, _left_over)
