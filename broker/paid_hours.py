"""The part of a plan that tells what savings plans pay for, and what commitments ask."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentUse:
    """What a spend commitment asks of the period, and what the plan makes of it.

    Attributes:
        provider: who is owed.
        due_usd: its part that falls into the period.
        spent_usd: contracted compute cost at the provider, rework and fees of savings plans
            with it; every commitment to one provider counts the same spend.
        shortfall_usd: what is paid and not used; part of the cost of the plan.
    """

    provider: str
    due_usd: Decimal
    spent_usd: Decimal
    shortfall_usd: Decimal
