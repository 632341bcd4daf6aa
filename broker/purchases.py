"""What the plan says to buy for longer than the period: obligations and their ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from broker.offers import PurchaseOption
from broker.plans import Placement, Purchase
from broker.rules.rule import Scene
from broker.units import HOURS_PER_YEAR, round_cents


def purchases(scene: Scene, placed: Sequence[Placement]) -> tuple[Purchase, ...]:
    """Return one purchase per placement on a reserved term, in the placements' order."""
    return tuple(_purchase(scene, one) for one in placed if PurchaseOption(one.option).years)


def _purchase(scene: Scene, placement: Placement) -> Purchase:
    years = PurchaseOption(placement.option).years
    frame = scene.stock.frame
    row = int((frame["id"] == placement.offer).arg_max() or 0)
    kept = placement.contracted_usd_per_hour / (placement.list_usd_per_hour or 1)
    upfront = frame["upfront_usd"][row] or 0
    whole = placement.contracted_usd_per_hour * HOURS_PER_YEAR * years * placement.instances
    return Purchase(
        workload=placement.workload,
        offer=placement.offer,
        instances=placement.instances,
        usd_per_hour=placement.contracted_usd_per_hour,
        upfront_usd=round_cents(upfront * kept * placement.instances),
        obligation_usd=round_cents(whole),
        ends_on=_last_day(scene.stock.start.date(), years).isoformat(),
    )


def _last_day(first: date, years: int) -> date:
    try:
        anniversary = first.replace(year=first.year + years)
    except ValueError:  # 29 February
        anniversary = first.replace(year=first.year + years, day=28)
    return anniversary - timedelta(days=1)
