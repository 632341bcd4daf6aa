"""Caps over the whole plan and how much of each a finished plan uses, in exact numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from broker.accelerators import accelerators
from broker.emissions import emissions
from broker.plans import Binding, Cost, Placement
from broker.policy import Concentration, Weighed
from broker.reference import regions
from broker.rules.concentration import owned_worth
from broker.rules.power import power_rows
from broker.rules.rule import Scene
from broker.units import plain, round_cents

#: A cap is used up when less than this part of it is left.
_NEARLY: Final = Decimal("0.9999")
_PERCENT: Final = Decimal("0.01")
_GRAMS: Final = Decimal("0.000001")


def used_caps(scene: Scene, placed: Sequence[Placement], cost: Cost) -> Iterator[Binding]:
    """Yield the caps of the policy that a plan of `placed` at `cost` uses up."""
    policy = scene.spec.policy
    for rule in policy.concentration:
        yield from _used_shares(rule, scene, placed)
    yield from _used_power(scene, placed)
    yield from _used_carbon(scene, placed)
    if policy.budget is not None and cost.total > policy.budget * _NEARLY:
        used, limit = plain(cost.total), plain(policy.budget)
        yield Binding(what="budget (USD)", used=used, limit=limit)


def caps_of(scene: Scene) -> tuple[str, ...]:
    """Return the keys of the policy that cap the whole plan."""
    policy = scene.spec.policy
    caps = {
        "concentration": policy.concentration or None,
        "power": policy.power or None,
        "carbon": policy.carbon and policy.carbon.cap,
        "budget": policy.budget,
    }
    return tuple(f"policy.{name}" for name, value in caps.items() if value is not None)


def _used_power(scene: Scene, placed: Sequence[Placement]) -> Iterator[Binding]:
    """Yield the capped regions where one more of the smallest units held would not fit."""
    row_of = {offer: row for row, offer in enumerate(scene.stock.frame["id"])}
    held: defaultdict[int, int] = defaultdict(int)
    for one in placed:
        held[row_of[one.offer]] += one.instances
    hosts = scene.machines.hosts_of_row()
    for cap in power_rows(scene):
        kw_of = dict(zip(cap.rows.tolist(), map(repr, cap.kw.tolist()), strict=True))
        drawn = {row: Decimal(kw_of[row]) for row in held if row in kw_of}
        used = sum((held[row] * kw for row, kw in drawn.items()), Decimal(0))
        least = min((kw * int(hosts[row]) for row, kw in drawn.items()), default=Decimal(0))
        if drawn and used + least > cap.cap_kw:
            limit = plain(cap.cap_kw)
            yield Binding(what=f"power in {cap.place} (kW)", used=plain(used), limit=limit)


def _used_carbon(scene: Scene, placed: Sequence[Placement]) -> Iterator[Binding]:
    rule, found = scene.spec.policy.carbon, emissions(scene, placed)
    if rule and rule.cap is not None and found and found.kg_co2e > rule.cap * 1000 * _NEARLY:
        used, limit = plain((found.kg_co2e / 1000).quantize(_GRAMS)), plain(rule.cap)
        yield Binding(what="carbon (t CO2e)", used=used, limit=limit)


def _used_shares(
    rule: Concentration, scene: Scene, placed: Sequence[Placement]
) -> Iterator[Binding]:
    """Yield the scopes without room for one more of their instances; batch is divisible."""
    worth = owned_worth(scene.stock.frame)
    amounts = [_amount(rule, one, worth) for one in placed]
    whole = sum(amounts, Decimal(0))
    by_scope: defaultdict[str, list[Decimal]] = defaultdict(list)
    least: dict[str, Decimal] = {}
    for one, part in zip(placed, amounts, strict=True):
        for scope in _scopes(rule, scene, one):
            by_scope[scope].append(part)
            if one.kind != "batch":
                unit = part / one.instances
                least[scope] = min(unit, least.get(scope, unit))
    for scope, parts in sorted(by_scope.items()):
        part = sum(parts, Decimal(0))
        unit = least.get(scope, Decimal(0))
        is_full = part + unit > (whole + unit) * rule.most * _NEARLY
        if (not rule.names or scope in rule.names) and is_full:
            yield Binding(
                what=f"concentration of {rule.of.value}: {rule.dimension} {scope}",
                used=f"{plain((part / whole * 100).quantize(_PERCENT))} %",
                limit=f"{plain(rule.most * 100)} %",
            )


def _amount(rule: Concentration, one: Placement, worth: Mapping[str, Decimal]) -> Decimal:
    if rule.of is Weighed.GPUS:
        return one.instance_hours * Decimal(one.accelerators)
    if one.owned:
        return one.instance_hours * worth.get(one.offer, Decimal(0))
    covered = round_cents(one.covered_hours * one.contracted_usd_per_hour)
    return one.cost.compute + one.cost.rework + covered


def _scopes(rule: Concentration, scene: Scene, one: Placement) -> list[str]:
    if rule.dimension == "country_group":
        region = regions().get((one.provider, one.region))
        groups = scene.spec.policy.country_groups.items()
        return [name for name, members in groups if region and region.country in members]
    if rule.dimension == "vendor":
        model = accelerators().get(one.accelerator)
        return [model.vendor] if model else []
    if rule.dimension == "region":
        return [f"{one.provider}/{one.region}"]
    name: str = getattr(one, rule.dimension)
    return [name] if name else []
