"""The part of a plan that tells what savings plans pay for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Hours of one placement that a savings plan pays for.

    Attributes:
        workload, shape, offer: the placement.
        hours: instance-hours, nine decimals.
        usd_per_hour: what each takes from the commitment.
    """

    workload: str
    shape: str
    offer: str
    hours: Decimal
    usd_per_hour: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsPlanUse:
    """A savings plan, and what of it this plan uses.

    Attributes:
        name: as the spec calls it, its place there, or the market's id.
        provider: whose hours it pays for.
        per_hour_usd: the commitment.
        committed_usd: the commitment of the period; paid whatever is planned, so no part of the
            cost; 0 where the plan does not count in this period.
        used_usd: covered hours x the plan's rates.
        saved_usd: covered hours x contracted prices: what they would cost without it.
        covers: the hours it pays for.
        reason: why nothing is used; "" where something is.
    """

    name: str
    provider: str
    per_hour_usd: Decimal
    committed_usd: Decimal
    used_usd: Decimal
    saved_usd: Decimal
    covers: tuple[Covered, ...]
    reason: str
