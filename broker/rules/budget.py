"""What the whole plan may cost.

Inequality, in USD of the period:

    compute + rework + transfer + moves + shortfall + carbon <= budget

A budget may leave demand unmet, the lowest priority first. One below what commitments bill
whatever is planned is met by no plan and refused before anything is solved.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from broker.rules.rule import Scene
from broker.rules.savings_plans import left_due_usd


def most_cost(scene: Scene) -> float:
    """Return the budget, USD; infinite when there is none."""
    budget = scene.spec.policy.budget
    return float("inf") if budget is None else float(budget)


def unmeetable(scene: Scene) -> Iterator[str]:
    """Yield why no plan can keep the budget, if so.

    Contracted spend and shortfall of a provider come to at least its largest commitment.
    """
    budget = scene.spec.policy.budget
    owed: dict[str, Decimal] = {}
    for one in scene.spec.holdings.commitments:
        due = left_due_usd(scene, one)
        owed[one.provider] = max(due, owed.get(one.provider, Decimal(0)))
    least = sum(owed.values(), Decimal(0))
    if budget is not None and least > budget:
        yield f"commitments of {least:.2f} USD in the period, above the budget of {budget:.2f} USD"
