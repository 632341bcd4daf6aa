"""Does the plan cost no more than its budget."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from broker.audit.evidence import SLACK, Evidence
from broker.rules.violation import Violation

#: What rounding to cents may add, a placement.
_CENTS: Final = Decimal("0.03")


def _budget(evidence: Evidence) -> Iterator[Violation]:
    """Total cost <= budget."""
    budget, plan = evidence.spec.policy.budget, evidence.plan
    if budget is None:
        return
    slack = budget * SLACK + _CENTS * (1 + len(plan.placements))
    if plan.cost.total > budget + slack:
        text = f"{plan.cost.total} USD of {budget}"
        yield Violation(rule="budget", subject="plan", text=text)


CHECKS = (_budget,)
