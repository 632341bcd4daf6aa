"""What the plan says to buy for longer than the period: obligations and their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from broker.offers import PurchaseOption
from broker.plans import Placement, Purchase
from broker.rules.rule import Scene
from broker.units import HOURS_PER_YEAR, round_cents
from broker.windows import block_end

#: Options that are bought for a term of their own, whatever of it is used.
_TERMS: Final = frozenset(
    {one for one in PurchaseOption if one.years} | {PurchaseOption.CAPACITY_BLOCK}
)


def purchases(scene: Scene, placed: Sequence[Placement]) -> tuple[Purchase, ...]:
    """Return one purchase per placement on a term or block, in the placements' order."""
    held = [one for one in placed if one.option in _TERMS]
    offers = scene.stock.named(one.offer for one in held)
    return tuple(_purchase(scene, one, offers[one.offer]) for one in held)


def _purchase(scene: Scene, placement: Placement, offer: Mapping[str, Any]) -> Purchase:
    years = PurchaseOption(placement.option).years
    kept = placement.contracted_usd_per_hour / (placement.list_usd_per_hour or 1)
    upfront = offer["upfront_usd"] or 0
    term_h = HOURS_PER_YEAR * years if years else Decimal(repr(offer["length_h"]))
    whole = placement.contracted_usd_per_hour * term_h * placement.instances
    ends = (
        _last_day(scene.stock.start.date(), years)
        if years
        else (block_end(offer) - timedelta(microseconds=1)).date()
    )
    return Purchase(
        workload=placement.workload,
        offer=placement.offer,
        instances=placement.instances,
        usd_per_hour=placement.contracted_usd_per_hour,
        upfront_usd=round_cents(upfront * kept * placement.instances),
        obligation_usd=round_cents(whole),
        ends_on=ends.isoformat(),
    )


def _last_day(first: date, years: int) -> date:
    try:
        anniversary = first.replace(year=first.year + years)
    except ValueError:  # 29 February
        anniversary = first.replace(year=first.year + years, day=28)
    return anniversary - timedelta(days=1)
