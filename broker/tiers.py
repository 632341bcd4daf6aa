"""Prices that fall with volume: tiers, and the exact bill of an amount.

With steps k = 1..K from b(k-1) to b(k) GB at p(k) USD per GB, V GB in all that leave a provider by
one price list in the period, over all workloads:

    bill  =  sum over k of p(k) x max(0, min(V, b(k)) - b(k-1))      USD

A plan bills the steps exactly, each full before the next; falling prices are no reason to fill
the cheap ones first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

#: Digits that hold any product of amounts and prices met here without rounding.
_DIGITS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of a price list.

    Attributes:
        up_to_gb: last GB of the month's total that it prices; None: no end.
        usd_per_gb: price of each GB between the step before and this one.
    """

    up_to_gb: Decimal | None
    usd_per_gb: Decimal


def bill(tiers: Sequence[Tier], gb: Decimal) -> Decimal:
    """Return what `gb` cost in all, USD, exact: each GB at the price of the step it falls in."""
    total, start = Decimal(0), Decimal(0)
    with localcontext() as context:
        context.prec = _DIGITS
        for tier in tiers:
            end = gb if tier.up_to_gb is None else min(gb, tier.up_to_gb)
            if end > start:
                total += (end - start) * tier.usd_per_gb
                start = end
    return total


def first_price(tiers: Sequence[Tier]) -> Decimal:
    """Return USD per GB of the first step that is not free; 0 when all are."""
    return next((tier.usd_per_gb for tier in tiers if tier.usd_per_gb), Decimal(0))


def free_gb(tiers: Sequence[Tier]) -> Decimal:
    """Return the GB a month that a list gives away before its first price."""
    if len(tiers) > 1 and not tiers[0].usd_per_gb:
        return tiers[0].up_to_gb or Decimal(0)
    return Decimal(0)


def without_free(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """Return the list of an account whose free GB are used up elsewhere."""
    free = free_gb(tiers)
    if not free:
        return tuple(tiers)
    return tuple(
        Tier(
            up_to_gb=None if tier.up_to_gb is None else tier.up_to_gb - free,
            usd_per_gb=tier.usd_per_gb,
        )
        for tier in tiers[1:]
    )
