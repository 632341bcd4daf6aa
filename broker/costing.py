"""What placements really cost: exact arithmetic on the prices of the market, never the solver's.

Hours and factors are rounded half-even to nine decimals, then each line to whole cents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from broker.offers import PurchaseOption
from broker.plans import Cost
from broker.units import HOURS_PER_YEAR, round_cents
from broker.windows import usable_hours

#: Columns of a stock row that its rate rests on.
RATED: Final = (
    "owned",
    "option",
    "usd_per_hour",
    "upfront_usd",
    "off",
    "starts_at",
    "length_h",
)
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Price of one instance of an offer.

    Attributes:
        list_usd_per_hour: list price; reserved: upfront fee spread over the term.
        contracted_usd_per_hour: the same after the discount.
        contracted_upfront_usd: paid once; reserved and capacity block: part of the rate above.
        held_usd: what holding one instance costs the period, used or not; None: its used hours
            are paid by the hour.
    """

    list_usd_per_hour: Decimal
    contracted_usd_per_hour: Decimal
    contracted_upfront_usd: Decimal
    held_usd: Decimal | None = None


def rate_of(offer: Mapping[str, Any], start: datetime, period_h: Decimal) -> Rate:
    """Return the rate of one stock row in a period: contracted = list x (1 - off).

    Reserved: (hourly rate + upfront / term hours) x period hours. Capacity block: its upfront
    fee whole, its hourly rate for the hours of its term in the period.

    Args:
        offer: columns of the row, `RATED` at least.
        start: first moment of the period.
        period_h: its hours.
    """
    if offer["owned"]:
        return Rate(
            list_usd_per_hour=_NOTHING,
            contracted_usd_per_hour=_NOTHING,
            contracted_upfront_usd=_NOTHING,
        )
    option = PurchaseOption(offer["option"])
    hourly = offer["usd_per_hour"] or _NOTHING
    upfront = offer["upfront_usd"] or _NOTHING
    kept = 1 - Decimal(offer["off"])
    listed, held = hourly, None
    if option.years:
        listed = hourly + upfront / (HOURS_PER_YEAR * option.years)
        held = period_h * listed * kept
    elif option is PurchaseOption.CAPACITY_BLOCK and offer["length_h"]:
        listed = hourly + upfront / Decimal(repr(offer["length_h"]))
        held = (upfront + hourly * usable_hours(offer, start, period_h)) * kept
    return Rate(
        list_usd_per_hour=listed,
        contracted_usd_per_hour=listed * kept,
        contracted_upfront_usd=upfront * kept,
        held_usd=held,
    )


def placement_cost(
    rate: Rate,
    *,
    instances: int,
    useful_hours: Decimal,
    instance_hours: Decimal,
    transfer_usd: Decimal,
    carbon_usd: Decimal = _NOTHING,
) -> Cost:
    """Return the cost lines of one placement.

    Args:
        rate: contracted rate of its offer.
        instances: held.
        useful_hours: instance-hours of useful work.
        instance_hours: billed instance-hours, rework included.
        transfer_usd: cost of moving its data, unrounded.
        carbon_usd: cost of its emissions, unrounded.
    """
    if rate.held_usd is not None:
        compute, rework = instances * rate.held_usd, _NOTHING
    else:
        compute = useful_hours * rate.contracted_usd_per_hour
        compute += instances * rate.contracted_upfront_usd
        rework = (instance_hours - useful_hours) * rate.contracted_usd_per_hour
    return Cost(
        compute=round_cents(compute),
        rework=round_cents(rework),
        transfer=round_cents(transfer_usd),
        carbon=round_cents(carbon_usd),
    )


def shortfall_usd(due_usd: Decimal, spent_usd: Decimal) -> Decimal:
    """Return what a commitment still bills: max(0, due - contracted compute cost)."""
    return round_cents(max(Decimal(0), due_usd - spent_usd))
