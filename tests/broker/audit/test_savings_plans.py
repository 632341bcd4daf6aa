"""The audit sees what is wrong with what savings plans are said to pay for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from broker.audit import audit
from broker.planning import make_plan
from broker.plans import Plan
from broker.spec_data import spec_to_data
from tests.broker.rules.committed import BOTH, TUNE, holding, use
from tests.broker.rules.ruled import AZURE, market, spec

Spoil = Callable[[Plan], Plan]


def _used(**changes: Any) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        return replace(plan, savings_plans=(replace(use(plan), **changes),))

    return spoil


def _cover(**changes: Any) -> Spoil:
    """Change the first of the placements that are paid for."""

    def spoil(plan: Plan) -> Plan:
        first, *rest = use(plan).covers
        return _used(covers=(replace(first, **changes), *rest))(plan)

    return spoil


def _placed(**changes: Any) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        first, *rest = plan.placements
        return replace(plan, placements=(replace(first, **changes), *rest))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "rules"),
    [
        (_used(name="other"), {"savings plans", "coverage"}),
        (_used(committed_usd=Decimal(1)), {"savings plans"}),
        (_used(used_usd=Decimal(1)), {"savings plans"}),
        (_used(saved_usd=Decimal(1)), {"savings plans"}),
        (_used(reason="none"), {"savings plans"}),
        (_cover(usd_per_hour=Decimal(19)), {"savings plans", "coverage"}),
        (_cover(hours=Decimal(101)), {"savings plans", "coverage"}),
        (_cover(hours=Decimal(60)), {"savings plans", "coverage"}),
        (_cover(offer=AZURE), {"savings plans", "coverage"}),
        (_placed(covered_hours=Decimal(10)), {"coverage", "cost"}),
    ],
)
def test_the_audit_sees_what_is_wrong(spoil: Spoil, rules: set[str], tmp_path: Path) -> None:
    """Names, sums, rates, hours paid twice or not at all, hours of the wrong placement."""
    on = market()
    stated = spec(BOTH + holding("{provider: aws, per_hour: 100, off: 50%}"), tmp_path, on)
    plan = make_plan(stated, on).plan
    assert audit(plan, stated, on) == ()
    assert {one.rule for one in audit(spoil(plan), stated, on)} == rules


def test_the_audit_sees_a_plan_that_is_no_longer_held(tmp_path: Path) -> None:
    """Hours paid by a plan that ends in the period, and the fee of it, are refused."""
    on = market()
    stated = spec(TUNE + holding("{provider: aws, per_hour: 40, off: 50%}"), tmp_path, on)
    plan = make_plan(stated, on).plan
    (one,) = stated.holdings.savings_plans
    ended = replace(one, until=date(2026, 12, 2))
    other = replace(stated, holdings=replace(stated.holdings, savings_plans=(ended,)))
    found = audit(replace(plan, spec=spec_to_data(other)), other, on)
    assert {one.rule for one in found} == {"savings plans", "coverage"}
