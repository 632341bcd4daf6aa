"""Savings plans as the audit sees them: what is held, for how long, and what it bills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from broker.audit.evidence import Evidence
from broker.workloads import SavingsPlan

_TWO_YEARS: Final = timedelta(days=730)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """A plan as held: what it says, and its first moment and the one after its last."""

    plan: SavingsPlan
    begins: datetime | None
    ends: datetime | None

    def counts(self, evidence: Evidence) -> bool:
        """Whether it is held for the whole period."""
        is_early = self.begins is None or self.begins <= evidence.start
        return is_early and (self.ends is None or self.ends >= evidence.end)


def fees_usd(evidence: Evidence, provider: str) -> Decimal:
    """Return what the savings plans of a provider bill in the period."""
    return sum(
        (
            one.plan.per_hour * evidence.spec.period
            for one in held_plans(evidence).values()
            if one.plan.provider == provider and one.counts(evidence)
        ),
        Decimal(0),
    )


def held_plans(evidence: Evidence) -> dict[str, HeldPlan]:
    """Return the plans by name: the spec's, then the market's that it does not name."""
    found: dict[str, HeldPlan] = {}
    for number, plan in enumerate(evidence.spec.holdings.savings_plans):
        begins = None if plan.from_ is None else _midnight(plan.from_)
        ends = None if plan.until is None else _midnight(plan.until) + timedelta(days=1)
        name = plan.name or f"savings_plans[{number}]"
        found[name] = HeldPlan(plan=plan, begins=begins, ends=ends)
    rows = evidence.market.holdings.sort("id").iter_rows(named=True)
    for row in rows:
        is_plan = row["kind"].endswith("savings-plan") and row["usd_per_hour"] is not None
        if is_plan and row["id"] not in found:
            found[row["id"]] = _of_market(row)
    return found


def _of_market(row: Mapping[str, Any]) -> HeldPlan:
    begins, ends = row["starts_at"], row["ends_at"]
    rates = None
    if begins is not None and ends is not None:
        years = 3 if ends - begins > _TWO_YEARS else 1
        rates = f"reserved-{years}y/{row['kind']}"
    plan = SavingsPlan(
        provider=row["provider"],
        per_hour=row["usd_per_hour"],
        rates=rates,
        types=(row["instance_type"],) if row["instance_type"] else None,
        regions=(row["region"],) if row["region"] else None,
    )
    return HeldPlan(plan=plan, begins=begins, ends=ends)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
