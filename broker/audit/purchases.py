"""Is every reserved term and block listed as a purchase, with all that will be paid for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from broker.audit.evidence import Evidence
from broker.audit.money import YEARS, price_of
from broker.audit.windows import BLOCK, ends_at
from broker.plans import Placement, Purchase
from broker.rules.violation import Violation
from broker.units import HOURS_PER_YEAR, round_cents, round_nano


def _purchases(evidence: Evidence) -> Iterator[Violation]:
    """One purchase for each placement on a term or block, and no other."""
    right = Counter(
        _purchase(evidence, one)
        for one in evidence.plan.placements
        if one.option in YEARS or one.option == BLOCK
    )
    said = Counter(_rounded(one) for one in evidence.plan.purchases)
    for one in sorted(
        {*(said - right), *(right - said)}, key=lambda one: (one.workload, one.offer)
    ):
        what = "is not what is held" if one in said else "is missing"
        text = f"{one.instances} x {one.offer} for {one.obligation_usd} USD {what}"
        yield Violation(rule="purchase term", subject=one.workload, text=text)


def _purchase(evidence: Evidence, placement: Placement) -> Purchase:
    years, row = YEARS.get(placement.option), evidence.rows[placement.offer]
    price = price_of(evidence, placement)
    if years:
        ends = _end(evidence.start.date(), years)
        whole = price.contracted * HOURS_PER_YEAR * years * placement.instances
    else:
        ends = (ends_at(row) - timedelta(microseconds=1)).date()
        whole = price.contracted * Decimal(repr(row["length_h"])) * placement.instances
    return Purchase(
        workload=placement.workload,
        offer=placement.offer,
        instances=placement.instances,
        usd_per_hour=round_nano(price.contracted),
        upfront_usd=round_cents(price.upfront * placement.instances),
        obligation_usd=round_cents(whole),
        ends_on=ends.isoformat(),
    )


def _rounded(one: Purchase) -> Purchase:
    return Purchase(
        workload=one.workload,
        offer=one.offer,
        instances=one.instances,
        usd_per_hour=round_nano(one.usd_per_hour),
        upfront_usd=one.upfront_usd,
        obligation_usd=one.obligation_usd,
        ends_on=one.ends_on,
    )


def _end(first: date, years: int) -> date:
    """The day before the anniversary; that of 29 February is the 28th."""
    leap = (first.month, first.day) == (2, 29)
    return date(first.year + years, first.month, 28 if leap else first.day) - timedelta(days=1)


CHECKS = (_purchases,)
