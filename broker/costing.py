"""What placements really cost: exact arithmetic on the prices of the market, never the solver's.

Hours and factors are rounded half-even to nine decimals, then each line to whole cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from broker.offers import PurchaseOption
from broker.plans import Cost
from broker.units import HOURS_PER_YEAR, round_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Price of one instance of an offer.

    Attributes:
        list_usd_per_hour: list price; reserved: upfront fee spread over the term.
        contracted_usd_per_hour: the same after the discount.
        list_upfront_usd, contracted_upfront_usd: paid once; reserved: part of the rate above;
            capacity block: falls whole into the period.
        whole_period: paid for every hour of the period, used or not.
    """

    list_usd_per_hour: Decimal
    contracted_usd_per_hour: Decimal
    list_upfront_usd: Decimal
    contracted_upfront_usd: Decimal
    whole_period: bool


def rate_of(
    usd_per_hour: Decimal, upfront_usd: Decimal, off: Decimal, option: PurchaseOption
) -> Rate:
    """Return the rate of an offer: contracted = list x (1 - off)."""
    kept = 1 - off
    if not option.years:
        return Rate(
            list_usd_per_hour=usd_per_hour,
            contracted_usd_per_hour=usd_per_hour * kept,
            list_upfront_usd=upfront_usd,
            contracted_upfront_usd=upfront_usd * kept,
            whole_period=False,
        )
    hourly = usd_per_hour + upfront_usd / (HOURS_PER_YEAR * option.years)
    return Rate(
        list_usd_per_hour=hourly,
        contracted_usd_per_hour=hourly * kept,
        list_upfront_usd=upfront_usd,
        contracted_upfront_usd=upfront_usd * kept,
        whole_period=True,
    )


def placement_cost(
    rate: Rate,
    *,
    instances: int,
    useful_hours: Decimal,
    instance_hours: Decimal,
    period_h: Decimal,
    transfer_usd: Decimal,
) -> Cost:
    """Return the cost lines of one placement.

    Args:
        rate: contracted rate of its offer.
        instances: held.
        useful_hours: instance-hours of useful work.
        instance_hours: billed instance-hours, rework included.
        period_h: hours of the period.
        transfer_usd: cost of moving its data, unrounded.
    """
    if rate.whole_period:
        compute, rework = instances * period_h * rate.contracted_usd_per_hour, Decimal(0)
    else:
        compute = useful_hours * rate.contracted_usd_per_hour
        compute += instances * rate.contracted_upfront_usd
        rework = (instance_hours - useful_hours) * rate.contracted_usd_per_hour
    return Cost(
        compute=round_cents(compute),
        rework=round_cents(rework),
        transfer=round_cents(transfer_usd),
    )


def shortfall_usd(due_usd: Decimal, spent_usd: Decimal) -> Decimal:
    """Return what a commitment still bills: max(0, due - contracted compute cost)."""
    return round_cents(max(Decimal(0), due_usd - spent_usd))
