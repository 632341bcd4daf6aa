"""How long an instance of an offer can work in a period: terms that start late or end early.

flex-start runs at most 7 days (`length_h` of the offer where the market states it). A capacity
block or calendar term works from its own start for its own length; it must start in the period,
because its fee falls whole into the period in which it starts. Everything else works all along.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from broker.offers import PurchaseOption

#: Longest run of a flex-start instance.
FLEX_START_H: Final = Decimal(7 * 24)
#: Options whose instances may not work all along.
BOUNDED: Final = (PurchaseOption.CAPACITY_BLOCK, PurchaseOption.FLEX_START)

_SECONDS: Final = 3600


def usable_hours(offer: Mapping[str, Any], start: datetime, until_h: Decimal) -> Decimal:
    """Return the hours one instance can work from `start` to `until_h` hours later.

    Args:
        offer: `option`, `starts_at` and `length_h` of the offer.
        start: first moment of the period.
        until_h: the period, or a deadline inside it, in hours.
    """
    if offer["option"] == PurchaseOption.FLEX_START.value:
        length_h = offer["length_h"]
        return min(until_h, FLEX_START_H if length_h is None else Decimal(repr(length_h)))
    if offer["option"] != PurchaseOption.CAPACITY_BLOCK.value:
        return until_h
    if offer["starts_at"] is None or offer["length_h"] is None or offer["starts_at"] < start:
        return Decimal(0)
    last = min(block_end(offer), start + timedelta(seconds=float(until_h * _SECONDS)))
    seconds = max(timedelta(0), last - offer["starts_at"]) / timedelta(seconds=1)
    return Decimal(repr(seconds)) / _SECONDS


def block_end(offer: Mapping[str, Any]) -> datetime:
    """Return the moment at which a capacity block ends."""
    ends: datetime = offer["starts_at"] + timedelta(hours=offer["length_h"])
    return ends
