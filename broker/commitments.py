"""What a spend commitment asks of one period."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from broker.stock import period_end
from broker.workloads import Commitment


def due_usd(commitment: Commitment, start: datetime, period_h: Decimal) -> Decimal:
    """Return the part of the commitment that falls into the period, USD.

    amount x overlapping hours / total hours; the whole amount when it has no term. The term
    runs from the first moment of `from` to the last of `to`.
    """
    if commitment.from_ is None or commitment.to is None:
        return commitment.spend
    first, last = _midnight(commitment.from_), _midnight(commitment.to) + timedelta(days=1)
    total = _hours(last - first)
    overlap = min(last, period_end(start, period_h)) - max(first, start)
    return commitment.spend * max(Decimal(0), _hours(overlap)) / total


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _hours(span: timedelta) -> Decimal:
    return Decimal(span.days) * 24 + Decimal(span.seconds) / 3600
