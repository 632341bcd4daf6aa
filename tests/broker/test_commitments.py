"""What a commitment asks of a period."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from broker.commitments import due_usd
from broker.workloads import Commitment

START = datetime(2026, 12, 1, tzinfo=UTC)


def commitment(first: date | None, last: date | None) -> Commitment:
    """A commitment of 365 dollars."""
    return Commitment(provider="aws", spend=Decimal(365), from_=first, to=last)


def test_a_commitment_without_term_falls_whole_into_the_period() -> None:
    """All of it."""
    assert due_usd(commitment(None, None), START, Decimal(24)) == 365


def test_the_part_is_in_proportion_to_the_hours() -> None:
    """One day of a year of 365 days is one dollar."""
    term = commitment(date(2026, 12, 1), date(2027, 11, 30))
    assert due_usd(term, START, Decimal(24)) == 1


def test_a_term_that_ends_inside_the_period_counts_to_its_last_day() -> None:
    """The last two days of the term fall into the period."""
    term = commitment(date(2025, 12, 3), date(2026, 12, 2))
    assert due_usd(term, START, Decimal(730)) == 2


def test_a_term_outside_the_period_asks_nothing() -> None:
    """It has not begun."""
    assert due_usd(commitment(date(2027, 2, 1), date(2028, 1, 31)), START, Decimal(730)) == 0
