"""Which placements of a plan override a first refusal, and what was offered instead."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from broker.placements import usual_load
from broker.plans import Override, Placement
from broker.rules.first_refusal import claims
from broker.rules.rule import AnyWorkload, Scene
from broker.units import round_nano
from broker.workloads import Exclusivity, Service
from solver.problem import NO_ROW, Problem
from solver.refusal_rows import ALIKE, least_prices

_ALIKE = Decimal(repr(ALIKE))


def overrides(scene: Scene, problem: Problem, placed: Sequence[Placement]) -> tuple[Override, ...]:
    """Return the overrides of a plan, by rule, workload and placement."""
    providers = {place.partition("/")[0] for place in scene.places}
    known = [one for one in claims(scene) if one[0].scopes[0] in providers]
    prices, rows = least_prices(problem)
    workloads = scene.spec.workloads
    mine: dict[str, list[Placement]] = {workloads[row].name: [] for _, row in known}
    for one in placed:
        if one.workload in mine and not one.owned:
            mine[one.workload].append(one)
    found: list[Override] = []
    for (rule, demand), price, row in zip(known, prices.tolist(), rows.tolist(), strict=True):
        if row == NO_ROW:
            continue
        workload = workloads[demand]
        elsewhere = [one for one in mine[workload.name] if one.provider != rule.scopes[0]]
        own = [(one, work_price(one, workload, scene)) for one in elsewhere]
        offer = str(scene.stock.frame["id"][int(row)])
        found += _of_rule(rule, own, offer, Decimal(repr(price)), scene)
    return tuple(found)


def _of_rule(
    rule: Exclusivity,
    placed: Sequence[tuple[Placement, Decimal]],
    offer: str,
    least: Decimal,
    scene: Scene,
) -> list[Override]:
    refused = least * (1 - rule.margin) * (1 - _ALIKE)
    return [
        Override(
            workload=one.workload,
            offer=one.offer,
            provider=rule.scopes[0],
            accelerator_hours=round_nano(_size(one, scene) * one.instance_hours),
            usd_per_work=round_nano(price),
            least_offer=offer,
            least_usd_per_work=round_nano(least),
            why=rule.why,
        )
        for one, price in placed
        if price >= refused
    ]


def work_price(one: Placement, workload: AnyWorkload, scene: Scene) -> Decimal:
    """Return the contracted price of a unit of work, USD: of all of it, or of a unit of load.

    Of a service with sizes: of a unit of the stated mix.
    """
    usd = one.contracted_usd_per_hour * one.instance_hours
    if not isinstance(workload, Service) or not workload.sizes:
        return usd / one.served
    return usd / usual_load(scene, workload, one)


def _size(one: Placement, scene: Scene) -> Decimal:
    """Accelerators of an instance; CPU machines: vCPUs / 16."""
    if Decimal(one.accelerators):
        return Decimal(one.accelerators)
    frame = scene.stock.frame
    row = int((frame["id"] == one.offer).arg_max() or 0)
    return Decimal(repr(float(frame["vcpus"][row] or 0))) / 16
