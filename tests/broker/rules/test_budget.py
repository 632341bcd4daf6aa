"""A limit on what the whole plan may cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.planning import make_plan
from tests.broker.rules.ruled import EMBED, hours, market, planned, refused, spec

TWO = (
    "training: [{name: first, accelerators: 'H100:8', hours: 100, priority: 5}]\n"
    "batch: [{name: later, accelerators: 'H100:8', work: 1000h}]\n"
)


def limited(budget: str, text: str = EMBED) -> str:
    """Return a spec with a budget."""
    return f"{text}policy: {{budget: {budget}}}\n"


def test_budget_that_does_not_bind_changes_nothing(tmp_path: Path) -> None:
    """40,000 is exactly what the batch costs."""
    plan = planned(limited("40k"), tmp_path)
    assert (plan.cost.total, plan.unmet) == (40_000, ())


def test_budget_pays_as_much_of_the_work_as_it_can(tmp_path: Path) -> None:
    """10,000 pay 250 of 1,000 h at 40; the reason names the budget."""
    plan = planned(limited("10k"), tmp_path)
    assert sum(hours(plan).values()) == pytest.approx(250)
    assert plan.cost.total == pytest.approx(10_000)
    assert float(plan.unmet[0].fraction) == pytest.approx(0.75)
    assert "policy.budget" in plan.unmet[0].reasons[0]
    assert [one.what for one in plan.binding] == ["budget (USD)"]


def test_budget_pays_the_higher_priority_first(tmp_path: Path) -> None:
    """6,000: 4,000 for the gang of priority 5, 2,000 are 50 of 1,000 h of the other."""
    plan = planned(limited("6k", TWO), tmp_path)
    (later,) = plan.unmet
    assert later.workload == "later"
    assert float(later.fraction) == pytest.approx(0.95)


def test_budget_counts_what_commitments_bill(tmp_path: Path) -> None:
    """2,000 owed to gcp leave 38,000: at 80 an hour there 25 h use them, 950 h are left at 40."""
    text = f"{limited('40k')}holdings: {{commitments: [{{provider: gcp, spend: 2k}}]}}\n"
    plan = planned(text, tmp_path)
    assert plan.cost.total == pytest.approx(Decimal(40_000))
    assert sum(hours(plan).values()) == pytest.approx(975)


def test_budget_below_commitments_is_refused_before_solving(tmp_path: Path) -> None:
    """No plan costs less than what is owed."""
    text = f"{limited('1k')}holdings: {{commitments: [{{provider: gcp, spend: 2k}}]}}\n"
    (fault,) = refused(text, tmp_path).faults
    assert fault.path == "policy.budget"
    assert "2000.00 USD" in fault.found


def test_audit_sees_a_plan_above_the_budget(tmp_path: Path) -> None:
    """The free plan costs 40,000."""
    on = market()
    ruled = spec(limited("39k"), tmp_path, on)
    embedded = make_plan(ruled, on).plan.spec
    plan = replace(planned(EMBED, tmp_path, on), spec=embedded)
    assert {one.rule for one in audit(plan, ruled, on)} == {"budget"}
