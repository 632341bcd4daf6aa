"""Do instances with a term of their own work inside it: flex-start, capacity blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from broker.audit.evidence import Evidence
from broker.offers import PurchaseOption
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.workloads import Batch

BLOCK: Final = PurchaseOption.CAPACITY_BLOCK.value
_WEEK_H: Final = Decimal(168)


def most_hours(evidence: Evidence, one: Placement) -> Decimal:
    """Return the hours an instance of the placement can work for its workload."""
    workload = evidence.workloads[one.workload]
    most = evidence.spec.period
    if isinstance(workload, Batch) and workload.deadline is not None:
        most = workload.deadline
    row = evidence.rows[one.offer]
    if one.option == PurchaseOption.FLEX_START.value:
        length = row["length_h"]
        return min(most, Decimal(repr(length)) if length is not None else _WEEK_H)
    if one.option != BLOCK:
        return most
    if not row["starts_at"] or not row["length_h"] or row["starts_at"] < evidence.start:
        return Decimal(0)
    until = evidence.start + timedelta(seconds=float(most) * 3600)
    return _between(row["starts_at"], min(until, ends_at(row)))


def ends_at(row: Mapping[str, Any]) -> datetime:
    """Return the end of a block."""
    end: datetime = row["starts_at"] + timedelta(seconds=row["length_h"] * 3600)
    return end


def hours_in_period(evidence: Evidence, row: Mapping[str, Any]) -> Decimal:
    """Return the hours of a block that lie in the period."""
    return _between(max(row["starts_at"], evidence.start), min(ends_at(row), evidence.end))


def _between(first: datetime, last: datetime) -> Decimal:
    microseconds = max(0, (last - first) // timedelta(microseconds=1))
    return Decimal(microseconds) / 3_600_000_000


def _inside(evidence: Evidence) -> Iterator[Violation]:
    """No instance works longer than its term allows."""
    for one in evidence.plan.placements:
        if one.option not in {BLOCK, PurchaseOption.FLEX_START.value}:
            continue
        most = most_hours(evidence, one)
        if one.hours > most + Decimal("1e-6"):
            text = f"{one.offer}: {one.hours} h each where its term leaves {most}"
            yield Violation(rule="window", subject=one.workload, text=text)


CHECKS = (_inside,)
