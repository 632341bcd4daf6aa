"""What a spend commitment asks of one period.

    due        =  spend x overlapping hours / hours of the term (of each step of a ramp)    USD
    shortfall  =  max(0, due - contracted compute cost at the provider, rework with it,
                  - fees of its savings plans)                                              USD

The shortfall is a line of the plan's cost: what is not spent is paid all the same. Transfer,
carbon and moves do not count as spend, nor do owned instances and hours that a savings plan pays
for. Every commitment to one provider counts the same spend.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from broker.stock import period_end
from broker.workloads import Commitment, RampStep


def due_usd(commitment: Commitment, start: datetime, period_h: Decimal) -> Decimal:
    """Return the part of the commitment that falls into the period, USD.

    amount x overlapping hours / total hours, for the whole term or for each step of its ramp;
    the whole amount when it has no term. A term runs from the first moment of `from` to the
    last of `to`, a step to the first moment of the next.
    """
    if commitment.from_ is None or commitment.to is None:
        return commitment.spend
    end = period_end(start, period_h)
    last = _midnight(commitment.to) + timedelta(days=1)
    steps = commitment.ramp or (RampStep(from_=commitment.from_, spend=commitment.spend),)
    begins = [*(_midnight(step.from_) for step in steps), last]
    return sum(
        (
            step.spend * _overlap_h((first, after), (start, end)) / _hours(after - first)
            for step, first, after in zip(steps, begins, begins[1:], strict=False)
        ),
        Decimal(0),
    )


def _overlap_h(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> Decimal:
    """Return the hours that two spans share."""
    return max(Decimal(0), _hours(min(one[1], other[1]) - max(one[0], other[0])))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _hours(span: timedelta) -> Decimal:
    return Decimal(span.days) * 24 + Decimal(span.seconds) / 3600
