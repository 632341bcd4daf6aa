"""Does any provider, region, vendor, model or group of countries take more than its share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import polars as pl

from broker.accelerators import accelerators
from broker.audit.evidence import Evidence, place_of
from broker.audit.money import off_of
from broker.plans import Placement
from broker.policy import Concentration, Weighed
from broker.reference import regions
from broker.rules.violation import Violation
from broker.units import round_cents

#: What shares of batch work and cents may be rounded by: of the whole, and USD a placement.
_ROUNDED_SHARE: Final = Decimal("1e-5")
_ROUNDED_USD: Final = Decimal("0.01")
_NARROWING: Final = (("region", "zone"), ("region",), ())


def _shares(evidence: Evidence) -> Iterator[Violation]:
    """In every scope: spend or accelerator-hours <= share x those of the whole plan."""
    if not evidence.spec.policy.concentration:
        return
    owned = {one.offer: one for one in evidence.plan.placements if one.owned}
    worth = {offer: _on_demand(one, evidence) for offer, one in owned.items()}
    for rule in evidence.spec.policy.concentration:
        whole, inside = Decimal(0), defaultdict[str, Decimal](Decimal)
        for one in evidence.plan.placements:
            amount = _amount(rule, one, worth)
            whole += amount
            for scope in _scopes(rule, one, evidence):
                inside[scope] += amount
        slack = whole * _ROUNDED_SHARE + _ROUNDED_USD * len(evidence.plan.placements)
        for scope, amount in sorted(inside.items()):
            spoken = not rule.names or scope in rule.names
            if spoken and amount > whole * rule.most + slack:
                text = f"{amount} of {whole} in {rule.of.value}, at most {rule.most}"
                yield Violation(rule="concentration", subject=scope, text=text)


def _amount(rule: Concentration, one: Placement, worth: Mapping[str, Decimal]) -> Decimal:
    if rule.of is Weighed.GPUS:
        return one.instance_hours * Decimal(one.accelerators)
    if not one.owned:
        covered = round_cents(one.covered_hours * one.contracted_usd_per_hour)
        return one.cost.compute + one.cost.rework + covered
    return one.instance_hours * worth[one.offer]


def _on_demand(one: Placement, evidence: Evidence) -> Decimal:
    """Contracted on-demand price of the type in the zone, else the region, else anywhere."""
    sold = evidence.market.offers.filter(
        pl.col("provider") == one.provider,
        pl.col("instance_type") == one.instance_type,
        pl.col("option") == "on-demand",
        pl.col("purchasable") != "no",
        pl.col("usd_per_hour").is_not_null(),
    )
    for names in _NARROWING:
        near = sold.filter(pl.col(name) == getattr(one, name) for name in names)
        if not near.is_empty():
            cheapest = min(near["usd_per_hour"])
            paid: Decimal = cheapest * (1 - off_of(evidence, one, "on-demand"))
            return paid
    return Decimal(0)


def _scopes(rule: Concentration, one: Placement, evidence: Evidence) -> list[str]:
    model = accelerators().get(one.accelerator)
    region = regions().get((one.provider, one.region))
    found = {
        "provider": [one.provider],
        "region": [place_of(one)],
        "accelerator": [one.accelerator] if one.accelerator else [],
        "vendor": [model.vendor] if model else [],
        "country_group": [
            name
            for name, countries in evidence.spec.policy.country_groups.items()
            if region is not None and region.country in countries
        ],
    }
    return found[rule.dimension]


CHECKS = (_shares,)
